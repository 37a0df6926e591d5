//! Where the next packet ends. Looks at a fixed header (at most five bytes) and tells, before anything of
//! the packet is buffered, whether it is whole, needs more bytes, is malformed, or is over the bound and is
//! to be passed over as a stream.

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
/// Only the bytes of the fixed header are examined.
pub fn next_frame(received: &[u8], max_packet: usize) -> Frame {
    let _ = (received, max_packet);
    todo!()
}
