//! Bytes that are not text: magic numbers, then a bounded walk that must consume them whole.
//! Elsewhere: the walks, and what they find ([`super::decode`]).

use super::decode::{is_cbor, is_messagepack, protobuf};
use super::format::{Format, Guess};

/// Which kind of bytes; Sparkplug B is told by its topic.
pub(super) fn guess(bytes: &[u8]) -> Guess {
    match bytes {
        [0x1f, 0x8b, 8, ..] => return (Format::Gzip, 98, None),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => return (Format::Png, 99, None),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => return (Format::Gif, 99, None),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => {
            return (Format::Webp, 99, None);
        }
        [0xff, 0xd8, 0xff, ..] => return (Format::Jpeg, 98, None),
        [head, check, ..] if bytes.len() > 7 && is_zlib(*head, *check) => {
            return (Format::Zlib, 80, Some(Format::Binary));
        }
        _ => {}
    }
    // A bare number or text is any byte; a map or an array, perhaps behind tags, is not.
    let container = matches!(bytes.first(), Some(0x80..=0xbf | 0xd9..=0xdf));
    let tagged = bytes.len() > 8 && matches!(bytes.first(), Some(0xc0..=0xd8));
    if (container || tagged) && is_cbor(bytes) {
        return (Format::Cbor, 85, Some(Format::MessagePack));
    }
    if container && is_messagepack(bytes) {
        return (Format::MessagePack, 85, Some(Format::Cbor));
    }
    match protobuf::fields(protobuf::unframed(bytes)) {
        0 => (Format::Binary, 60, None),
        1 => (Format::Protobuf, 45, Some(Format::Binary)),
        2 => (Format::Protobuf, 65, Some(Format::Binary)),
        _ => (Format::Protobuf, 80, Some(Format::Binary)),
    }
}

/// The first two bytes of RFC 1950: method 8, and the header divides by 31. A window below 2 KiB is in no use, and its
/// head would be that of a protobuf message.
pub(super) const fn is_zlib(head: u8, check: u8) -> bool {
    head & 0x8f == 0x08 && head >= 0x38 && (head as u16 * 256 + check as u16).is_multiple_of(31)
}
