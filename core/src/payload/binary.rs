//! Bytes that are not text: magic numbers, then a bounded walk that must consume them whole.
//! Elsewhere: the walks, and what they find ([`super::decode`]).

use super::decode::{is_cbor, is_cut_cbor, is_cut_messagepack, is_messagepack, protobuf};
use super::format::{Format, Guess};

/// Bytes that files and frames begin with.
const MAGIC: [(&[u8], Format); 8] = [
    (&[0x28, 0xb5, 0x2f, 0xfd], Format::Zstd),
    (b"BZh", Format::Bzip2),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], Format::Xz),
    (b"PK\x03\x04", Format::Zip),
    (b"%PDF-", Format::Pdf),
    (b"OggS", Format::Ogg),
    (b"Obj\x01", Format::Avro),
    (&[0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1], Format::Sml),
];

/// Its own length in front, then the type of the first element, and a zero at the end (bsonspec.org).
fn is_bson(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk().map(|it| u32::from_le_bytes(*it));
    length.is_some_and(|it| usize::try_from(it) == Ok(bytes.len()))
        && matches!(bytes.get(4), Some(1..=0x13))
        && bytes.last() == Some(&0)
}

/// Which kind of bytes; Sparkplug B is told by its topic.
pub(super) fn guess(bytes: &[u8]) -> Guess {
    match bytes {
        [0x1f, 0x8b, 8, ..] => return (Format::Gzip, 98, None),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => return (Format::Png, 99, None),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => return (Format::Gif, 99, None),
        _ if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => {
            return (Format::Webp, 99, None);
        }
        _ if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE") => {
            return (Format::Wav, 99, None);
        }
        [0xff, 0xd8, 0xff, ..] => return (Format::Jpeg, 98, None),
        _ if let Some((_, format)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) => {
            return (*format, 97, None);
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => return (Format::Mp4, 97, None),
        _ if is_bson(bytes) => return (Format::Bson, 90, Some(Format::Binary)),
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
    if matches!(bytes.first(), Some(0xa0..=0xbf)) && is_cut_cbor(bytes) {
        return (Format::Cbor, 60, Some(Format::Binary));
    }
    if matches!(bytes.first(), Some(0x80..=0x8f | 0xde | 0xdf)) && is_cut_messagepack(bytes) {
        return (Format::MessagePack, 60, Some(Format::Binary));
    }
    match protobuf::fields(protobuf::unframed(bytes)) {
        0 => (Format::Binary, 60, None),
        // Two bytes are one field as often as not.
        1 if bytes.len() < 3 => (Format::Binary, 60, None),
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
