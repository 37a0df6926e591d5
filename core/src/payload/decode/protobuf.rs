//! Protobuf's wire format: fields one after the other; a message of which nobody has the definition as its fields by
//! number. What a field of bytes is (text, a message, bytes) is told by what it holds, and whether eight bytes are a
//! float by whether that would be a likely one. Invariant: depth, fields and steps are bounded.

use super::{Leaf, Sink};

/// Messages inside one another that are followed.
const MAX_DEPTH: u32 = 8;
/// Fields of one message; a payload with more is taken for something else.
const MAX_FIELDS: u32 = 4_096;
/// Largest field number that is taken for one; real definitions stay below a few hundred.
const MAX_NUMBER: u64 = 4_096;
/// Words of a set of field numbers.
const WORDS: usize = 65;
/// Fields that are passed in search of others with the same number, in one payload.
const MAX_STEPS: u32 = 65_536;

/// The value of a field.
#[derive(Clone, Copy)]
pub(crate) enum Wire<'p> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'p [u8]),
    Fixed32(u32),
}

/// The next field: its number and value.
pub(crate) fn field<'p>(rest: &mut &'p [u8]) -> Option<(u64, Wire<'p>)> {
    let tag = varint(rest)?;
    let wire = match tag & 7 {
        0 => Wire::Varint(varint(rest)?),
        1 => {
            let (bytes, behind) = rest.split_first_chunk()?;
            *rest = behind;
            Wire::Fixed64(u64::from_le_bytes(*bytes))
        }
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (bytes, behind) = rest.split_at_checked(length)?;
            *rest = behind;
            Wire::Bytes(bytes)
        }
        5 => {
            let (bytes, behind) = rest.split_first_chunk()?;
            *rest = behind;
            Wire::Fixed32(u32::from_le_bytes(*bytes))
        }
        _ => return None,
    };
    Some((tag >> 3, wire))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// gRPC puts a zero and the length of the message in front.
pub(crate) fn unframed(bytes: &[u8]) -> &[u8] {
    match bytes {
        [0, a, b, c, d, rest @ ..]
            if usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])) == Ok(rest.len()) =>
        {
            rest
        }
        _ => bytes,
    }
}

/// Fields if the bytes are exactly a row of them with plausible numbers; else zero.
pub(crate) fn fields(bytes: &[u8]) -> u32 {
    let mut rest = bytes;
    let mut fields = 0;
    while !rest.is_empty() {
        match field(&mut rest) {
            Some((1..=MAX_NUMBER, _)) if fields < MAX_FIELDS => fields += 1,
            _ => return 0,
        }
    }
    fields
}

/// A message of which nobody has the definition. A single field tells too little: two random bytes can be one.
pub(super) fn decode(bytes: &[u8], out: &mut impl Sink) -> bool {
    let bytes = unframed(bytes);
    let single = |mut rest: &[u8]| match field(&mut rest) {
        Some((_, Wire::Bytes(inner))) => text(inner).is_some() || fields(inner) > 1,
        _ => false,
    };
    match fields(bytes) {
        0 => return false,
        1 if !single(bytes) => return false,
        _ => {}
    }
    let mut steps = MAX_STEPS;
    message(bytes, out, 0, &mut steps);
    true
}

/// Fields with the same number become an array.
fn message(bytes: &[u8], out: &mut impl Sink, depth: u32, steps: &mut u32) {
    let mut told = [0u64; WORDS];
    let mut rest = bytes;
    out.open(true);
    while let Some((number, wire)) = field(&mut rest) {
        let bit = 1u64 << (number % 64);
        let word = usize::try_from(number / 64).ok();
        let Some(word) = word.and_then(|word| told.get_mut(word)) else {
            continue;
        };
        if *word & bit != 0 {
            continue;
        }
        *word |= bit;
        out.key(Leaf::Int(i128::from(number)));
        let mut others = rest;
        let mut open = false;
        while let Some((other, again)) = field(&mut others) {
            if *steps == 0 {
                break;
            }
            *steps -= 1;
            if other != number {
                continue;
            }
            if !core::mem::replace(&mut open, true) {
                out.open(false);
                value(wire, out, depth, steps);
            }
            value(again, out, depth, steps);
        }
        if open {
            out.close();
        } else {
            value(wire, out, depth, steps);
        }
    }
    out.close();
}

fn value(wire: Wire<'_>, out: &mut impl Sink, depth: u32, steps: &mut u32) {
    match wire {
        Wire::Varint(number) => out.leaf(Leaf::Int(i128::from(number))),
        Wire::Fixed32(bits) => {
            let float = f32::from_bits(bits);
            out.leaf(if likely(f64::from(float)) {
                Leaf::Single(float)
            } else {
                Leaf::Int(i128::from(bits))
            });
        }
        Wire::Fixed64(bits) => {
            let float = f64::from_bits(bits);
            out.leaf(if likely(float) {
                Leaf::Double(float)
            } else {
                Leaf::Int(i128::from(bits))
            });
        }
        Wire::Bytes(bytes) => match text(bytes) {
            Some(text) => out.leaf(Leaf::Text(text)),
            None if depth < MAX_DEPTH && fields(bytes) > 0 => {
                message(bytes, out, depth + 1, steps);
            }
            None => out.leaf(Leaf::Bytes(bytes)),
        },
    }
}

/// A float that something measures: small integers read as floats are below this, large ones beyond.
fn likely(float: f64) -> bool {
    let size = if float < 0.0 { -float } else { float };
    float == 0.0 || (1e-9..1e15).contains(&size)
}

/// Text, unless it begins as a message does: a length below 32 in it is a control character.
fn text(bytes: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(bytes).ok()?;
    let control = |byte: u8| byte < b' ' && !matches!(byte, b'\n' | b'\r' | b'\t') || byte == 0x7f;
    let lead = text.starts_with(['\n', '\r', '\t']) && fields(bytes) > 0;
    (!lead && !text.bytes().any(control)).then_some(text)
}
