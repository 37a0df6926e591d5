//! MessagePack, by its specification: one item after the other.

use super::Leaf;
use super::items::{Grammar, Token, big, items, take};

pub(super) const GRAMMAR: Grammar = Grammar { next, takes };

/// Bytes of the item that begins here, as far as its head says; of nothing one.
fn takes(bytes: &[u8]) -> Option<u64> {
    let Some((&first, mut rest)) = bytes.split_first() else {
        return Some(1);
    };
    let low = |mask: u8| Some(u64::from(first & mask));
    // Bytes of the length, bytes of the content: each of them, times so many.
    let (length, content, each) = match first {
        0x80..=0x8f => (0, low(0x0f), 2),
        0x90..=0x9f => (0, low(0x0f), 1),
        0xa0..=0xbf => (0, low(0x1f), 1),
        0xc4..=0xc6 => (1 << (first - 0xc4), sized(&mut rest, first - 0xc4), 1),
        0xc7..=0xc9 => (2 << (first - 0xc7), sized(&mut rest, first - 0xc7), 1),
        0xca | 0xcb => (0, Some(4 << (first - 0xca)), 1),
        0xcc..=0xcf => (0, Some(1 << (first - 0xcc)), 1),
        0xd0..=0xd3 => (0, Some(1 << (first - 0xd0)), 1),
        0xd4..=0xd8 => (1, Some(1 << (first - 0xd4)), 1),
        0xd9..=0xdb => (1 << (first - 0xd9), sized(&mut rest, first - 0xd9), 1),
        0xdc | 0xdd => (2 << (first - 0xdc), sized(&mut rest, first - 0xdb), 1),
        0xde | 0xdf => (2 << (first - 0xde), sized(&mut rest, first - 0xdd), 2),
        _ => (0, Some(0), 1),
    };
    let content = content.unwrap_or(0).checked_mul(each)?;
    content.checked_add(1 + length)
}

/// "Formats".
fn next<'a>(rest: &mut &'a [u8]) -> Option<Token<'a>> {
    let (&first, behind) = rest.split_first()?;
    *rest = behind;
    let low = |mask: u8| u64::from(first & mask);
    let whole = |number: u64| Some(Token::Leaf(Leaf::Int(i128::from(number))));
    match first {
        0x00..=0x7f => whole(u64::from(first)),
        0xe0..=0xff => signed(u64::from(first), 8),
        0x80..=0x8f => Some(Token::Map(items(low(0x0f), 2, rest)?)),
        0x90..=0x9f => Some(Token::Array(items(low(0x0f), 1, rest)?)),
        0xa0..=0xbf => text(rest, low(0x1f)),
        0xc0 => Some(Token::Leaf(Leaf::Null)),
        0xc1 => None,
        0xc2 | 0xc3 => Some(Token::Leaf(Leaf::Bool(first == 0xc3))),
        0xc4..=0xc6 => {
            let length = sized(rest, first - 0xc4)?;
            Some(Token::Leaf(Leaf::Bytes(take(rest, length)?)))
        }
        0xc7..=0xc9 => {
            let length = sized(rest, first - 0xc7)?;
            extension(rest, length)
        }
        0xca => {
            let bits = u32::try_from(big::<4>(rest)?).ok()?;
            Some(Token::Leaf(Leaf::Single(f32::from_bits(bits))))
        }
        0xcb => Some(Token::Leaf(Leaf::Double(f64::from_bits(big::<8>(rest)?)))),
        0xcc..=0xcf => whole(sized(rest, first - 0xcc)?),
        0xd0..=0xd3 => signed(sized(rest, first - 0xd0)?, 8 << (first - 0xd0)),
        0xd4..=0xd8 => extension(rest, 1 << (first - 0xd4)),
        0xd9..=0xdb => {
            let length = sized(rest, first - 0xd9)?;
            text(rest, length)
        }
        0xdc | 0xdd => {
            let count = sized(rest, first - 0xdb)?;
            Some(Token::Array(items(count, 1, rest)?))
        }
        0xde | 0xdf => {
            let count = sized(rest, first - 0xdd)?;
            Some(Token::Map(items(count, 2, rest)?))
        }
    }
}

/// A number of 1, 2, 4 or 8 bytes.
fn sized(rest: &mut &[u8], power: u8) -> Option<u64> {
    match power {
        0 => big::<1>(rest),
        1 => big::<2>(rest),
        2 => big::<4>(rest),
        _ => big::<8>(rest),
    }
}

/// The two's complement of so many bits.
fn signed<'a>(number: u64, bits: u32) -> Option<Token<'a>> {
    let number = i128::from(number);
    let negative = number >> (bits - 1) & 1 == 1;
    let number = if negative {
        number - (1 << bits)
    } else {
        number
    };
    Some(Token::Leaf(Leaf::Int(number)))
}

/// Text; what is not UTF-8 is shown as the bytes that it is.
fn text<'a>(rest: &mut &'a [u8], length: u64) -> Option<Token<'a>> {
    let bytes = take(rest, length)?;
    Some(Token::Leaf(
        core::str::from_utf8(bytes).map_or(Leaf::Bytes(bytes), Leaf::Text),
    ))
}

/// A type, then so many bytes; type -1 is a time, shown in seconds since 1970.
fn extension<'a>(rest: &mut &'a [u8], length: u64) -> Option<Token<'a>> {
    let kind = big::<1>(rest)?;
    let bytes = take(rest, length)?;
    let mut left = bytes;
    let (seconds, nanoseconds) = match (kind, length) {
        (0xff, 4) => (big::<4>(&mut left)?, 0),
        (0xff, 8) => {
            let both = big::<8>(&mut left)?;
            (both & ((1 << 34) - 1), both >> 34)
        }
        (0xff, 12) => {
            let nanoseconds = big::<4>(&mut left)?;
            (big::<8>(&mut left)?, nanoseconds)
        }
        _ => return Some(Token::Leaf(Leaf::Bytes(bytes))),
    };
    let leaf = match nanoseconds {
        0 => Leaf::Int(i128::from(seconds)),
        _ => Leaf::Double(seconds as f64 + nanoseconds as f64 / 1e9),
    };
    Some(Token::Leaf(leaf))
}
