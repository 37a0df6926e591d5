//! What a string looks like: the formats it is of, the characters it is made of, its outline.
//! Invariant: a format's test and its pattern (in the dialect of ECMA-262, without anchors) say the same.

use crate::payload::hash;

/// A format of strings.
pub(super) struct TextFormat {
    /// Its name in JSON Schema's `format`, if it has one there.
    pub(super) format: Option<&'static str>,
    pub(super) pattern: &'static str,
    is: fn(&[u8]) -> bool,
}

/// Formats, the narrowest first; bit `i` of a mask is the i-th.
pub(super) const FORMATS: [TextFormat; 19] = [
    of(
        Some("date-time"),
        r"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)",
        |t| moment(t).is_some_and(|(sep, zone)| sep == b'T' && is_zone(zone)),
    ),
    of(
        None,
        r"\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?( ?Z| ?[+-]\\d\\d:?\\d\\d)?",
        |t| moment(t).is_some_and(|(_, zone)| loose_zone(zone)),
    ),
    of(Some("date"), r"\\d{4}-\\d\\d-\\d\\d", |t| {
        date(t).is_some_and(<[u8]>::is_empty)
    }),
    of(None, r"\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?", is_clock),
    of(
        Some("uuid"),
        r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        is_uuid,
    ),
    of(Some("ipv4"), r"\\d{1,3}(\\.\\d{1,3}){3}", is_ipv4),
    of(None, r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}", |t| {
        is_mac(t)
    }),
    of(Some("ipv6"), r"[0-9a-fA-F:.]*:[0-9a-fA-F:.]*", is_ipv6),
    of(None, r"0x[0-9a-fA-F]+", |t| {
        t.strip_prefix(b"0x")
            .is_some_and(|h| !h.is_empty() && h.iter().all(u8::is_ascii_hexdigit))
    }),
    of(None, r"\\d+T\\d\\d:\\d\\d:\\d\\d", |t| {
        split(t, b'T')
            .is_some_and(|(days, clock)| all_digits(days) && clock.len() == 8 && is_clock(clock))
    }),
    of(None, r"[+-]?\\d+", |t| all_digits(signless(t))),
    of(None, r"[+-]?\\d+(\\.\\d+)?", |t| {
        let t = signless(t);
        all_digits(t) || split(t, b'.').is_some_and(|(a, b)| all_digits(a) && all_digits(b))
    }),
    of(
        None,
        r"[vV]?\\d+(\\.\\d+)+([-+._(][0-9A-Za-z.+_()-]*)?",
        is_version,
    ),
    of(None, r"[0-9a-f]{8,}", |t| is_hex(t, u8::is_ascii_uppercase)),
    of(None, r"[0-9A-F]{8,}", |t| is_hex(t, u8::is_ascii_lowercase)),
    of(Some("email"), r"[^@\\s]+@[^@\\s]+\\.[^@\\s]+", is_email),
    of(Some("uri"), r"[a-zA-Z][a-zA-Z0-9+.-]*://\\S+", is_uri),
    of(
        None,
        r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
        is_base64,
    ),
    of(None, r"[^\\s/]*(/[^\\s/]*)+", |t| {
        t.contains(&b'/') && !t.iter().any(|b| b.is_ascii_whitespace())
    }),
];

const fn of(
    format: Option<&'static str>,
    pattern: &'static str,
    is: fn(&[u8]) -> bool,
) -> TextFormat {
    TextFormat {
        format,
        pattern,
        is,
    }
}

/// What a text of a format is of as well, for those that come often: date-time, integer, IPv4.
const IMPLIED: [(u32, u32); 3] = [(0, 1 << 1), (10, 1 << 11), (5, 1 << 12)];

/// Those formats of `wanted` that `text` is of.
pub(super) fn formats(text: &str, wanted: u32) -> u32 {
    let bytes = text.as_bytes();
    let mut found = 0;
    let mut left = wanted & ((1 << FORMATS.len()) - 1);
    while left != 0 {
        let bit = left.trailing_zeros();
        left &= left - 1;
        let format = FORMATS.get(bit as usize);
        if format.is_some_and(|format| (format.is)(bytes)) {
            found |= 1 << bit;
            for (_, implied) in IMPLIED.into_iter().filter(|&(format, _)| format == bit) {
                found |= implied & left;
                left &= !implied;
            }
        }
    }
    found
}

/// Classes of characters, see [`CLASSES`]: one bit each.
pub(super) fn classes(text: &str) -> u32 {
    let class = |byte: u8| TABLE.get(usize::from(byte)).copied().unwrap_or(OTHER);
    text.bytes().fold(0, |all, byte| all | class(byte))
}

static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0u8;
    // A slice's `iter_mut` is not const.
    while let (Some(place), false) = (
        table.split_at_mut(byte as usize).1.first_mut(),
        byte == u8::MAX,
    ) {
        *place = class(byte);
        byte += 1;
    }
    table
};

const fn class(byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => 1,
        b'a'..=b'f' => 2,
        b'g'..=b'z' => 4,
        b'A'..=b'F' => 8,
        b'G'..=b'Z' => 16,
        b'_' => 32,
        b'-' => 64,
        b'.' => 128,
        b' ' => 256,
        b'/' => 512,
        b':' => 1024,
        b',' => 2048,
        b'+' | b'=' => 4096,
        b'%' | b'(' | b')' => 8192,
        _ => OTHER,
    }
}

/// A character that no pattern of classes names.
pub(super) const OTHER: u32 = 1 << 31;

/// Classes as they stand between brackets, in the order of their bits; the minus is written last by itself.
pub(super) const CLASSES: [&str; 14] = [
    "0-9", "a-f", "g-z", "A-F", "G-Z", "_", "", ".", " ", "/", ":", ",", "+=", "%()",
];
/// The class of the minus.
pub(super) const MINUS: u32 = 64;

/// Bytes of a string that an outline is made of.
pub(super) const OUTLINE: usize = 64;

/// Hash of what is alike in strings of one making: runs of letters and digits count as one, the rest as it stands.
/// Zero for a single run, and for what is not printable ASCII.
pub(super) fn outline(text: &str) -> u64 {
    if text.len() > OUTLINE {
        return 0;
    }
    let (mut sum, mut run, mut marks) = (0x6f75_746c, false, 0u32);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            if !run {
                sum = hash::mix(sum, 1);
            }
            run = true;
        } else if byte.is_ascii_graphic() || byte == b' ' {
            run = false;
            marks += 1;
            sum = hash::mix(sum, u64::from(byte));
        } else {
            return 0;
        }
    }
    if marks == 0 { 0 } else { sum.max(1) }
}

/// Whether a key is made like an identifier, so that it is data rather than the name of a member: a number, a long
/// hexadecimal, a UUID, a MAC address, a date.
pub(super) fn is_identifier(key: &str) -> bool {
    let t = key.as_bytes();
    let digits = t.iter().filter(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return false;
    }
    all_digits(t)
        || is_mac(t)
        || is_uuid(t)
        || date(t).is_some()
        || t.strip_prefix(b"0x")
            .is_some_and(|h| h.len() >= 4 && h.iter().all(u8::is_ascii_hexdigit))
        || t.len() >= 8 && digits >= 2 && t.iter().all(u8::is_ascii_hexdigit)
}

fn all_digits(t: &[u8]) -> bool {
    !t.is_empty() && t.iter().all(u8::is_ascii_digit)
}

fn signless(t: &[u8]) -> &[u8] {
    t.strip_prefix(b"-").or(t.strip_prefix(b"+")).unwrap_or(t)
}

fn split(t: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = t.iter().position(|&b| b == at)?;
    Some((t.get(..place)?, t.get(place + 1..)?))
}

/// `9` a digit, anything else itself; what follows.
fn shaped<'t>(t: &'t [u8], shape: &[u8]) -> Option<&'t [u8]> {
    let (front, rest) = t.split_at_checked(shape.len())?;
    let alike = |(&b, &s): (&u8, &u8)| {
        if s == b'9' {
            b.is_ascii_digit()
        } else {
            b == s
        }
    };
    front.iter().zip(shape).all(alike).then_some(rest)
}

/// A date that can be, and what follows.
fn date(t: &[u8]) -> Option<&[u8]> {
    let rest = shaped(t, b"9999-99-99")?;
    let &[_, _, _, _, _, a, b, _, c, d, ..] = t else {
        return None;
    };
    let month = (a & 15) * 10 + (b & 15);
    let day = (c & 15) * 10 + (d & 15);
    (matches!(month, 1..=12) && matches!(day, 1..=28)
        || matches!(
            (month, day),
            (1 | 3..=12, 29 | 30) | (1 | 3 | 5 | 7 | 8 | 10 | 12, 31)
        )
        || (month, day) == (2, 29) && leap(t))
    .then_some(rest)
}

fn leap(t: &[u8]) -> bool {
    let year = t
        .iter()
        .take(4)
        .fold(0u32, |y, b| y * 10 + u32::from(b & 15));
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Hours, minutes, seconds and their fraction; what follows.
fn clock(t: &[u8]) -> Option<&[u8]> {
    let rest = shaped(t, b"99:99:99")?;
    let &[a, b, _, c, _, _, d, ..] = t else {
        return None;
    };
    let hour = (a & 15) * 10 + (b & 15);
    if hour > 23 || c > b'5' || d > b'5' {
        return None;
    }
    let Some(fraction) = rest.strip_prefix(b".") else {
        return Some(rest);
    };
    let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        None
    } else {
        fraction.get(digits..)
    }
}

/// A date and a time of day: what is between them, and what follows.
fn moment(t: &[u8]) -> Option<(u8, &[u8])> {
    let (&between, rest) = date(t)?.split_first()?;
    matches!(between, b'T' | b' ').then_some((between, clock(rest)?))
}

fn is_zone(t: &[u8]) -> bool {
    t == b"Z"
        || t.split_first().is_some_and(|(sign, rest)| {
            matches!(sign, b'+' | b'-')
                && shaped(rest, b"99:99") == Some(&[])
                && matches!(rest, [a, b, _, c, _] if (a & 15) * 10 + (b & 15) <= 23 && *c <= b'5')
        })
}

fn loose_zone(t: &[u8]) -> bool {
    let t = t.strip_prefix(b" ").unwrap_or(t);
    t.is_empty()
        || is_zone(t)
        || matches!(t, [b'+' | b'-', rest @ ..] if shaped(rest, b"9999") == Some(&[]))
}

fn is_clock(t: &[u8]) -> bool {
    clock(t).is_some_and(<[u8]>::is_empty) || shaped(t, b"99:99") == Some(&[])
}

fn is_uuid(t: &[u8]) -> bool {
    t.len() == 36
        && t.iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

fn is_ipv4(t: &[u8]) -> bool {
    t.len() <= 15
        && core::str::from_utf8(t).is_ok_and(|text| text.parse::<core::net::Ipv4Addr>().is_ok())
}

fn is_ipv6(t: &[u8]) -> bool {
    t.iter().filter(|&&b| b == b':').count() >= 2
        && core::str::from_utf8(t).is_ok_and(|text| text.parse::<core::net::Ipv6Addr>().is_ok())
}

fn is_mac(t: &[u8]) -> bool {
    t.len() == 17
        && t.iter().enumerate().all(|(i, b)| match i % 3 {
            2 => matches!(b, b':' | b'-'),
            _ => b.is_ascii_hexdigit(),
        })
}

fn is_version(t: &[u8]) -> bool {
    let t = t.strip_prefix(b"v").or(t.strip_prefix(b"V")).unwrap_or(t);
    let numeric = t
        .iter()
        .take_while(|b| b.is_ascii_digit() || **b == b'.')
        .count();
    let (Some(front), Some(rest)) = (t.get(..numeric), t.get(numeric..)) else {
        return false;
    };
    let (front, dotted) = match front.strip_suffix(b".") {
        Some(front) => (front, true),
        None => (front, false),
    };
    let numbers = front.split(|&b| b == b'.');
    let tail =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'_' | b'(' | b')' | b'-');
    numbers.clone().count() >= 2
        && numbers.clone().all(all_digits)
        && (dotted
            || rest
                .first()
                .is_none_or(|b| matches!(b, b'-' | b'+' | b'_' | b'(')))
        && rest.iter().all(tail)
}

fn is_hex(t: &[u8], wrong: fn(&u8) -> bool) -> bool {
    t.len() >= 8 && t.iter().all(u8::is_ascii_hexdigit) && !t.iter().any(wrong)
}

fn is_email(t: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+');
    let named = |part: &[u8]| part.first().is_some_and(u8::is_ascii_alphanumeric);
    split(t, b'@').is_some_and(|(name, host)| {
        named(name)
            && name.iter().all(plain)
            && host.contains(&b'.')
            && host.iter().all(|b| plain(b) && *b != b'_' && *b != b'+')
            && host
                .split(|&b| b == b'.')
                .all(|part| named(part) && part.last() != Some(&b'-'))
    })
}

fn is_uri(t: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._~:/?#@!$&'()*+,;=".contains(b);
    let Some((scheme, rest)) = split(t, b':') else {
        return false;
    };
    let Some(rest) = rest.strip_prefix(b"//") else {
        return false;
    };
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-'))
        && rest.first().is_some_and(u8::is_ascii_alphanumeric)
        && rest.iter().all(plain)
        && rest.iter().filter(|&&b| b == b'#').count() <= 1
}

/// Padded, or with a plus: words and identifiers have neither.
fn is_base64(t: &[u8]) -> bool {
    let body = t.strip_suffix(b"==").or(t.strip_suffix(b"=")).unwrap_or(t);
    t.len() >= 8
        && t.len().is_multiple_of(4)
        && body
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
        && (body.len() < t.len() || body.contains(&b'+'))
}

/// Those that are times: a moment, a date, a time of day, days and a time of day.
pub(super) const TIMES: u32 = 1 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9;

/// Formats, from the first, that one string is enough for.
pub(super) const STRONG: u32 = 7;

/// The classes of letters and digits.
pub(super) const ALPHANUMERIC: u32 = 31;
