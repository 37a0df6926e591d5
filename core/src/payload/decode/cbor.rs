//! CBOR (RFC 8949): one item after the other. Tags are passed over, as what they mark shows what it is.

use super::Leaf;
use super::items::{Grammar, Token, big, items, take};

pub(super) const GRAMMAR: Grammar = Grammar { next, takes };

/// Bytes of the item that begins here, as far as its head says; of nothing one.
fn takes(bytes: &[u8]) -> Option<u64> {
    let Some((&first, mut rest)) = bytes.split_first() else {
        return Some(1);
    };
    let (major, low) = (first >> 5, first & 0x1f);
    let argument_bytes = match low {
        0..=23 | 31 => 0,
        24..=27 => 1 << (low - 24),
        _ => return None,
    };
    let head = 1 + argument_bytes;
    match (major, argument(&mut rest, low)) {
        (_, None) => Some(head),
        (2..=4, Some(number)) => head.checked_add(number),
        (5, Some(number)) => head.checked_add(number.checked_mul(2)?),
        _ => Some(head),
    }
}

/// RFC 8949, section 3.
fn next<'a>(rest: &mut &'a [u8]) -> Option<Token<'a>> {
    let (&first, behind) = rest.split_first()?;
    *rest = behind;
    let (major, low) = (first >> 5, first & 0x1f);
    if major == 7 {
        return simple(rest, low);
    }
    if low == 31 {
        return match major {
            2 | 3 => pieces(rest, major).map(Token::Leaf),
            4 => Some(Token::Array(None)),
            5 => Some(Token::Map(None)),
            _ => None,
        };
    }
    let number = argument(rest, low)?;
    Some(match major {
        0 => Token::Leaf(Leaf::Int(i128::from(number))),
        1 => Token::Leaf(Leaf::Int(-1 - i128::from(number))),
        2 => Token::Leaf(Leaf::Bytes(take(rest, number)?)),
        3 => {
            let bytes = take(rest, number)?;
            Token::Leaf(Leaf::Text(core::str::from_utf8(bytes).ok()?))
        }
        4 => Token::Array(items(number, 1, rest)?),
        5 => Token::Map(items(number, 2, rest)?),
        _ => Token::Tag,
    })
}

fn argument(rest: &mut &[u8], low: u8) -> Option<u64> {
    match low {
        0..=23 => Some(u64::from(low)),
        24 => big::<1>(rest),
        25 => big::<2>(rest),
        26 => big::<4>(rest),
        27 => big::<8>(rest),
        _ => None,
    }
}

/// Section 3.3.
fn simple<'a>(rest: &mut &'a [u8], low: u8) -> Option<Token<'a>> {
    Some(Token::Leaf(match low {
        20 => Leaf::Bool(false),
        21 => Leaf::Bool(true),
        22 | 23 => Leaf::Null,
        25 => Leaf::Single(half(big::<2>(rest)?)),
        26 => Leaf::Single(f32::from_bits(u32::try_from(big::<4>(rest)?).ok()?)),
        27 => Leaf::Double(f64::from_bits(big::<8>(rest)?)),
        31 => return Some(Token::Break),
        _ => return None,
    }))
}

/// A number of sixteen bits (appendix D).
fn half(bits: u64) -> f32 {
    let (exponent, mantissa) = (bits >> 10 & 0x1f, bits & 0x3ff);
    let fraction = f32::from(u16::try_from(mantissa).unwrap_or(0));
    // Two to the power of `n`, exact for all that a half has.
    let power = |n: u64| f32::from_bits(u32::try_from(n + 127 - 25).unwrap_or(0) << 23);
    let size = match exponent {
        0 => fraction * power(1),
        31 if mantissa == 0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (fraction + 1_024.0) * power(exponent),
    };
    if bits >> 15 & 1 == 1 { -size } else { size }
}

/// Text of indefinite length, whose pieces have been found to be text.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::payload) struct Pieces<'a>(&'a [u8]);

impl<'a> Pieces<'a> {
    pub(super) fn iter(self) -> impl Iterator<Item = &'a str> {
        let mut rest = self.0;
        core::iter::from_fn(move || core::str::from_utf8(piece(&mut rest, 3)??).ok())
    }
}

/// One piece; none inside if the break has come.
#[allow(clippy::option_option)] // three answers, used only here
fn piece<'a>(rest: &mut &'a [u8], major: u8) -> Option<Option<&'a [u8]>> {
    let (&first, behind) = rest.split_first()?;
    *rest = behind;
    if first == 0xff {
        return Some(None);
    }
    let number = argument(rest, first & 0x1f)?;
    (first >> 5 == major).then_some(Some(take(rest, number)?))
}

/// Section 3.2.3. Of bytes only the first piece is shown.
fn pieces<'a>(rest: &mut &'a [u8], major: u8) -> Option<Leaf<'a>> {
    let all = *rest;
    let mut first: Option<&[u8]> = None;
    while let Some(bytes) = piece(rest, major)? {
        if major == 3 {
            core::str::from_utf8(bytes).ok()?;
        }
        first.get_or_insert(bytes);
    }
    Some(match major {
        3 => Leaf::Pieces(Pieces(all)),
        _ => Leaf::Bytes(first.unwrap_or(&[])),
    })
}
