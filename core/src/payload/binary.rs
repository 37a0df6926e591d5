//! Bytes that are not text: magic numbers, then a bounded walk that must consume them whole.
//! CBOR (RFC 8949), MessagePack (its specification), protobuf (its wire format). Invariant: no recursion.

use super::format::{Format, Guess};

/// Items that a walk looks at before it is content.
const MAX_ITEMS: u32 = 4_096;
/// Containers inside one another that a walk follows.
const MAX_DEPTH: usize = 32;

/// Which kind of bytes; Sparkplug B is told by its topic.
pub(super) fn guess(bytes: &[u8]) -> Guess {
    match bytes {
        [0x1f, 0x8b, 8, ..] => return (Format::Gzip, 98, None),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => return (Format::Png, 99, None),
        [0xff, 0xd8, 0xff, ..] => return (Format::Jpeg, 98, None),
        // RFC 1950: method 8, and the header divides by 31.
        [head, check, ..]
            if head & 0x8f == 0x08
                && bytes.len() > 7
                && (u16::from(*head) * 256 + u16::from(*check)) % 31 == 0 =>
        {
            return (Format::Zlib, 80, Some(Format::Binary));
        }
        _ => {}
    }
    let container = matches!(bytes.first(), Some(0x80..=0xbf | 0xd9..=0xdf));
    if container && walk(bytes, cbor_item) {
        return (Format::Cbor, 85, Some(Format::MessagePack));
    }
    if container && walk(bytes, messagepack_item) {
        return (Format::MessagePack, 85, Some(Format::Cbor));
    }
    // gRPC puts a zero and the length of the message in front.
    let framed = match bytes {
        [0, a, b, c, d, rest @ ..]
            if usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])) == Ok(rest.len()) =>
        {
            rest
        }
        _ => bytes,
    };
    match protobuf(framed) {
        0 => (Format::Binary, 60, None),
        1 => (Format::Protobuf, 45, Some(Format::Binary)),
        2 => (Format::Protobuf, 65, Some(Format::Binary)),
        _ => (Format::Protobuf, 80, Some(Format::Binary)),
    }
}

/// What an item is: so many bytes of its own, then so many items inside.
struct Item {
    bytes: usize,
    children: u64,
    /// Ends by a break (CBOR).
    open: bool,
    /// Is that break.
    ends: bool,
}

const fn leaf(bytes: usize) -> Item {
    Item {
        bytes,
        children: 0,
        open: false,
        ends: false,
    }
}

/// Whether the bytes are exactly one item, followed down.
fn walk(bytes: &[u8], item: fn(&[u8]) -> Option<Item>) -> bool {
    let mut rest = bytes;
    let mut left = [0u64; MAX_DEPTH];
    let mut depth = 0;
    if let Some(due) = left.first_mut() {
        *due = 1;
    }
    for _ in 0..MAX_ITEMS {
        while let Some(0) = left.get(depth) {
            match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return rest.is_empty(),
            }
        }
        let Some(next) = item(rest) else { return false };
        let Some(behind) = rest.get(next.bytes..) else {
            return false;
        };
        rest = behind;
        let Some(due) = left.get_mut(depth) else {
            return false;
        };
        if next.ends {
            // A break ends only an item of indefinite length.
            if *due < u64::MAX / 2 {
                return false;
            }
            *due = 0;
            continue;
        }
        *due -= 1;
        if next.children > 0 || next.open {
            depth += 1;
            let Some(inner) = left.get_mut(depth) else {
                return false;
            };
            *inner = if next.open { u64::MAX } else { next.children };
        }
    }
    true
}

/// A big-endian number in the `n` bytes behind the first.
fn big(bytes: &[u8], n: usize) -> Option<u64> {
    let digits = bytes.get(1..=n)?;
    Some(
        digits
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte)),
    )
}

fn sized(head: usize, length: u64) -> Option<Item> {
    Some(leaf(head.checked_add(usize::try_from(length).ok()?)?))
}

fn inside(head: usize, children: u64) -> Option<Item> {
    // No real message holds more items than a payload has bytes.
    (children <= u64::from(u32::MAX)).then_some(Item {
        bytes: head,
        children,
        open: false,
        ends: false,
    })
}

/// RFC 8949, section 3.
fn cbor_item(bytes: &[u8]) -> Option<Item> {
    let first = *bytes.first()?;
    let (major, low) = (first >> 5, first & 0x1f);
    let (value, head) = match low {
        0..=23 => (u64::from(low), 1),
        24 => (big(bytes, 1)?, 2),
        25 => (big(bytes, 2)?, 3),
        26 => (big(bytes, 4)?, 5),
        27 => (big(bytes, 8)?, 9),
        31 => {
            return match major {
                2..=5 => Some(Item {
                    bytes: 1,
                    children: 0,
                    open: true,
                    ends: false,
                }),
                7 => Some(Item {
                    bytes: 1,
                    children: 0,
                    open: false,
                    ends: true,
                }),
                _ => None,
            };
        }
        _ => return None,
    };
    match major {
        0 | 1 => Some(leaf(head)),
        2 => sized(head, value),
        3 => {
            let item = sized(head, value)?;
            core::str::from_utf8(bytes.get(head..item.bytes)?).ok()?;
            Some(item)
        }
        4 => inside(head, value),
        5 => inside(head, value.checked_mul(2)?),
        6 => inside(head, 1),
        _ => (low >= 20).then_some(leaf(head)),
    }
}

/// The MessagePack specification, "Formats".
fn messagepack_item(bytes: &[u8]) -> Option<Item> {
    let first = *bytes.first()?;
    match first {
        0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Some(leaf(1)),
        0x80..=0x8f => inside(1, u64::from(first & 0x0f) * 2),
        0x90..=0x9f => inside(1, u64::from(first & 0x0f)),
        0xa0..=0xbf => sized(1, u64::from(first & 0x1f)),
        0xc1 => None,
        0xc4 | 0xd9 => sized(2, big(bytes, 1)?),
        0xc5 | 0xda => sized(3, big(bytes, 2)?),
        0xc6 | 0xdb => sized(5, big(bytes, 4)?),
        0xc7 => sized(3, big(bytes, 1)?),
        0xc8 => sized(4, big(bytes, 2)?),
        0xc9 => sized(6, big(bytes, 4)?),
        0xcc | 0xd0 => Some(leaf(2)),
        0xcd | 0xd1 => Some(leaf(3)),
        0xca | 0xce | 0xd2 => Some(leaf(5)),
        0xcb | 0xcf | 0xd3 => Some(leaf(9)),
        0xd4 => Some(leaf(3)),
        0xd5 => Some(leaf(4)),
        0xd6 => Some(leaf(6)),
        0xd7 => Some(leaf(10)),
        0xd8 => Some(leaf(18)),
        0xdc => inside(3, big(bytes, 2)?),
        0xdd => inside(5, big(bytes, 4)?),
        0xde => inside(3, big(bytes, 2)? * 2),
        0xdf => inside(5, big(bytes, 4)? * 2),
    }
}

/// Fields if the bytes are exactly a row of them with plausible numbers; else zero.
fn protobuf(bytes: &[u8]) -> u32 {
    let mut rest = bytes;
    let mut fields = 0;
    while !rest.is_empty() && fields < MAX_ITEMS {
        let Some((tag, behind)) = varint(rest) else {
            return 0;
        };
        let number = tag >> 3;
        if number == 0 || number > 4_096 {
            return 0;
        }
        let behind = match tag & 7 {
            0 => varint(behind).map(|(_, behind)| behind),
            1 => behind.get(8..),
            2 => varint(behind)
                .and_then(|(length, behind)| behind.get(usize::try_from(length).ok()?..)),
            5 => behind.get(4..),
            _ => None,
        };
        let Some(behind) = behind else { return 0 };
        rest = behind;
        fields += 1;
    }
    fields
}

/// A base-128 number and what is behind it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (n, &byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f)
            .checked_shl(u32::try_from(n).ok()? * 7)
            .unwrap_or(0);
        if byte < 0x80 {
            return Some((value, bytes.get(n + 1..)?));
        }
    }
    None
}
