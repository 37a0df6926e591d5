//! Variable Byte Integers: seven bits a byte, at most four bytes, no more than the value needs.

/// What stands at the front of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Varint {
    /// A whole integer.
    Whole {
        /// Its value.
        value: u32,
        /// Bytes it takes, 1 to 4.
        length: usize,
    },
    /// Every byte so far asks for another one.
    Partial,
    /// More than four bytes, or a last byte that adds nothing `[MQTT-1.5.5-1]` v5.
    Malformed,
}

/// Reads the integer at the front of `bytes`.
#[inline]
pub(crate) fn read(bytes: &[u8]) -> Varint {
    match *bytes {
        [low @ 0..=0x7f, ..] => Varint::Whole {
            value: u32::from(low),
            length: 1,
        },
        [low, high @ 1..=0x7f, ..] => Varint::Whole {
            value: u32::from(low & 0x7f) | u32::from(high) << 7,
            length: 2,
        },
        _ => read_long(bytes),
    }
}

/// Of any length: nearly all have one byte or two.
fn read_long(bytes: &[u8]) -> Varint {
    let mut value = 0;
    let mut shift = 0;
    for (&byte, length) in bytes.iter().zip(1..=4_usize) {
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            if byte == 0 && length > 1 {
                return Varint::Malformed;
            }
            return Varint::Whole { value, length };
        }
        shift += 7;
    }
    if bytes.len() < 4 {
        Varint::Partial
    } else {
        Varint::Malformed
    }
}

/// Bytes that `value` takes; `value` is at most [`crate::limits::MAX_REMAINING_LENGTH`].
#[inline]
pub(crate) const fn length(value: u32) -> usize {
    match value {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        _ => 4,
    }
}
