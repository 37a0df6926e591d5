//! Where the next packet ends. Looks at a fixed header (at most five bytes) and tells, before anything of
//! the packet is buffered, whether it is whole, needs more bytes, is malformed, or is over the bound and is
//! to be passed over as a stream. Sections 2.2 of 3.1.1 and 2.1 of 5.0.

use crate::wire::varint::{self, Varint};

/// What stands at the front of the received bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame {
    /// A whole packet of this many bytes, fixed header included.
    Whole(usize),
    /// Not whole yet. `needed` is its length once the fixed header is complete.
    Partial {
        /// Bytes of the whole packet, when known.
        needed: Option<usize>,
    },
    /// Larger than the bound: pass over this many bytes from the front without keeping them.
    Oversized {
        /// Bytes of the whole packet, fixed header included.
        length: usize,
    },
    /// No packet starts like this; the connection is lost.
    Malformed,
}

/// Looks at the front of `received`; `max_packet` is the largest packet, in bytes, that the caller takes.
/// Only the bytes of the fixed header are examined, and flags that no version prescribes are malformed at
/// once: what another protocol sends is found out without waiting for the length it seems to announce.
///
/// ```
/// use bitsperity_mqtt_core::framer::{Frame, next_frame};
///
/// // PINGRESP, and the first byte of what comes next.
/// assert_eq!(next_frame(b"\xd0\x00\x30", 1024), Frame::Whole(2));
/// assert_eq!(next_frame(b"\x30", 1024), Frame::Partial { needed: None });
/// assert_eq!(next_frame(b"HTTP/1.1 200 OK", 1024), Frame::Malformed);
/// ```
#[inline]
pub fn next_frame(received: &[u8], max_packet: usize) -> Frame {
    let Some((&first, rest)) = received.split_first() else {
        return Frame::Partial { needed: None };
    };
    if !is_first_byte(first) {
        return Frame::Malformed;
    }
    match varint::read(rest) {
        Varint::Malformed => Frame::Malformed,
        Varint::Partial => Frame::Partial { needed: None },
        Varint::Whole { value, length } => {
            let Some(length) = usize::try_from(value)
                .ok()
                .and_then(|body| body.checked_add(1 + length))
            else {
                return Frame::Malformed;
            };
            if length > max_packet {
                Frame::Oversized { length }
            } else if received.len() < length {
                Frame::Partial {
                    needed: Some(length),
                }
            } else {
                Frame::Whole(length)
            }
        }
    }
}

/// Bytes of the fixed header at the front of `packet`, once it is complete and well formed.
pub fn fixed_header_length(packet: &[u8]) -> Option<usize> {
    match varint::read(packet.get(1..)?) {
        Varint::Whole { length, .. } => Some(1 + length),
        _ => None,
    }
}

/// Packet types with the flags that both versions prescribe for them: `[MQTT-2.2.2-1]` v3.1.1,
/// `[MQTT-2.1.3-1]` v5; PUBLISH also `[MQTT-3.3.1-2]` and `[MQTT-3.3.1-4]`.
#[inline]
pub(crate) const fn is_first_byte(byte: u8) -> bool {
    match byte >> 4 {
        0 => false,
        3 => {
            let qos = (byte >> 1) & 3;
            qos != 3 && (qos != 0 || byte & 8 == 0)
        }
        6 | 8 | 10 => byte & 15 == 2,
        _ => byte & 15 == 0,
    }
}
