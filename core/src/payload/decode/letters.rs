//! Text that is not UTF-8: UTF-16 of either order, and Latin-1 with what Windows puts into its gap (code page 1252).
//! Written as UTF-8, as much as finds room. Invariant: bytes that could as well be numbers are not taken for text.

use super::super::Format;

/// Bytes of which it is told whether they are text.
const FRONT: usize = 512;
/// Letters, digits and blanks of ASCII that stand together in what is text: numbers have them by chance, but not so many.
const RUN: usize = 4;

/// Code page 1252 from 0x80 to 0x9f; zero: no character.
const GAP: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘',
    '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// What is no letter and yet stands in texts.
const MARKS: &str = "°µ²³§£€«»±·\u{a0}‘’‚“”„–—…";

/// How a payload is written, if it is text in another encoding.
pub(super) fn encoding(payload: &[u8]) -> Option<Letters> {
    let front = payload.get(..FRONT).unwrap_or(payload);
    match front {
        [0xff, 0xfe, ..] => return Some(Letters::Little(2)),
        [0xfe, 0xff, ..] => return Some(Letters::Big(2)),
        [] | [_] | [_, _] | [_, _, _] => return None,
        _ => {}
    }
    let even = payload.len().is_multiple_of(2) && payload.len() >= 2 * RUN;
    if even && is_wide(front, 0) {
        return Some(Letters::Little(0));
    }
    if even && is_wide(front, 1) {
        return Some(Letters::Big(0));
    }
    is_latin(payload, front).then_some(Letters::Latin)
}

/// UTF-16 without its mark: every second byte is zero, the others, from `at` on, are of words.
fn is_wide(front: &[u8], at: usize) -> bool {
    let other = 1 - at;
    let zero = front.iter().skip(other).step_by(2).all(|&byte| byte == 0);
    let letters = front.iter().skip(at).step_by(2);
    let of_words = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b' ';
    let words = letters.clone().filter(|byte| of_words(byte)).count();
    zero && letters.clone().all(|&byte| is_plain(byte) || byte >= 0xa0)
        && words * 2 >= letters.count()
}

/// How letters are written, of UTF-16 behind so many bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Letters {
    Little(usize),
    Big(usize),
    Latin,
}

impl Letters {
    pub(super) const fn format(self) -> Format {
        match self {
            Self::Little(_) | Self::Big(_) => Format::Utf16,
            Self::Latin => Format::Latin1,
        }
    }

    /// Writes what a payload holds; returns it, and whether that is all.
    pub(super) fn decode<'b>(self, payload: &[u8], out: &'b mut [u8]) -> (Option<&'b str>, bool) {
        match self {
            Self::Latin => write(payload.iter().map(|&byte| latin(byte)), out),
            Self::Little(skip) => {
                let units = payload.get(skip..).unwrap_or(&[]).as_chunks::<2>().0;
                utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)), out)
            }
            Self::Big(skip) => {
                let units = payload.get(skip..).unwrap_or(&[]).as_chunks::<2>().0;
                utf16(units.iter().map(|unit| u16::from_be_bytes(*unit)), out)
            }
        }
    }
}

fn utf16(units: impl Iterator<Item = u16>, out: &mut [u8]) -> (Option<&str>, bool) {
    let letters = char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER));
    write(letters, out)
}

fn write(letters: impl Iterator<Item = char>, out: &mut [u8]) -> (Option<&str>, bool) {
    let (mut used, mut whole) = (0, true);
    for letter in letters {
        let Some(room) = out.get_mut(used..used + letter.len_utf8()) else {
            whole = false;
            break;
        };
        used += letter.encode_utf8(room).len();
    }
    let text = out.get(..used).and_then(|it| core::str::from_utf8(it).ok());
    (text.filter(|text| !text.is_empty()), whole)
}

fn latin(byte: u8) -> char {
    let place = byte.checked_sub(0x80).map(usize::from);
    let gap = place.and_then(|place| GAP.get(place)).copied();
    gap.unwrap_or(char::from(byte))
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')
}

/// Mostly ASCII with some words in it, else letters and marks that people write, no control characters.
fn is_latin(payload: &[u8], front: &[u8]) -> bool {
    let (mut run, mut longest, mut others, mut only_letters) = (0, 0, 0, true);
    for &byte in front {
        let letter = latin(byte);
        only_letters &= letter.is_alphabetic() || byte == b' ';
        if is_plain(byte) {
            let word = byte.is_ascii_alphanumeric() || byte == b' ';
            run = if word { run + 1 } else { 0 };
            longest = run.max(longest);
            continue;
        }
        if !(letter.is_alphabetic() || MARKS.contains(letter)) {
            return false;
        }
        (run, others) = (0, others + 1);
    }
    // Four bytes or eight may be a float.
    let short = only_letters && longest > 1 && front.len() > RUN && !front.len().is_multiple_of(4);
    let json = front.starts_with(b"{") || front.starts_with(b"[");
    (longest >= RUN || short || json)
        && others > 0
        && others * if only_letters { 2 } else { 3 } <= front.len()
        && core::str::from_utf8(payload).is_err()
}
