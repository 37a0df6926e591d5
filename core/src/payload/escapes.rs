//! Escapes in strings of JSON (RFC 8259, section 7): checked where a text is read, resolved only where it is judged or
//! shown. Invariant: any text gives some text, cut at the buffer's end.

/// Writes `text` with its escapes resolved into `buffer`, cut at its end; returns what fits.
pub fn unescape<'b>(text: &str, buffer: &'b mut [u8]) -> &'b str {
    let mut used = 0;
    let mut chars = text.chars();
    let mut high = None;
    while let Some(c) = chars.next() {
        let c = if c == '\\' {
            unescape_one(&mut chars, &mut high)
        } else {
            Some(c)
        };
        let Some(c) = c else { continue };
        let Some(room) = buffer.get_mut(used..used + c.len_utf8()) else {
            break;
        };
        c.encode_utf8(room);
        used += c.len_utf8();
    }
    buffer
        .get(..used)
        .and_then(|bytes| core::str::from_utf8(bytes).ok())
        .unwrap_or("")
}

/// A text of JSON to look at: letters that ASCII does not have stand in place of their escapes (`\u00f6`), all else as it
/// came.
#[derive(Clone, Copy, Debug)]
pub struct Legible<'a>(pub &'a str);

impl core::fmt::Display for Legible<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut rest = self.0;
        let mut high = None;
        while let Some((before, behind)) = rest.split_once('\\') {
            f.write_str(before)?;
            let mut chars = behind.chars();
            let letter = match behind.starts_with('u') {
                true => unescape_one(&mut chars, &mut high),
                false => None,
            };
            match letter.filter(|c| !c.is_ascii()) {
                Some(letter) => {
                    core::fmt::Write::write_char(f, letter)?;
                    rest = chars.as_str();
                }
                // The first half of a pair; the second tells the letter.
                None if high.is_some() && chars.as_str().starts_with("\\u") => {
                    rest = chars.as_str()
                }
                None => {
                    f.write_str("\\")?;
                    let one = behind.chars().next().map_or(0, char::len_utf8);
                    let (escaped, behind) = behind.split_at(one);
                    f.write_str(escaped)?;
                    (rest, high) = (behind, None);
                }
            }
        }
        f.write_str(rest)
    }
}

/// One escape behind its backslash; none for the first half of a surrogate pair.
fn unescape_one(chars: &mut core::str::Chars<'_>, high: &mut Option<u32>) -> Option<char> {
    match chars.next()? {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'u' => {
            let mut unit = 0;
            for _ in 0..4 {
                unit = unit << 4 | chars.next()?.to_digit(16)?;
            }
            match (high.take(), unit) {
                (_, 0xD800..=0xDBFF) => {
                    *high = Some(unit);
                    None
                }
                (Some(high), 0xDC00..=0xDFFF) => {
                    char::from_u32(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00))
                }
                _ => char::from_u32(unit),
            }
        }
        other => Some(other),
    }
}

/// From the backslash at `at` to behind the escape.
///
/// # Errors
/// The byte from which on it is none.
#[cold]
pub(super) fn escape(bytes: &[u8], at: usize) -> Result<usize, usize> {
    let at = at + 1;
    match bytes.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => {
            let (high, mut at) = unit(bytes, at)?;
            match high {
                0xD800..=0xDBFF => {
                    for expected in [b'\\', b'u'] {
                        if bytes.get(at) != Some(&expected) {
                            return Err(at);
                        }
                        at += 1;
                    }
                    let (low, behind) = unit(bytes, at - 1)?;
                    if (0xDC00..=0xDFFF).contains(&low) {
                        Ok(behind)
                    } else {
                        Err(at)
                    }
                }
                0xDC00..=0xDFFF => Err(at - 1),
                _ => Ok(at),
            }
        }
        _ => Err(at),
    }
}

/// `uXXXX`, from the `u` at `at` to behind it.
fn unit(bytes: &[u8], at: usize) -> Result<(u32, usize), usize> {
    let mut unit = 0;
    for at in at + 1..at + 5 {
        let digit = match bytes.get(at) {
            Some(&digit @ b'0'..=b'9') => digit - b'0',
            Some(&letter @ b'a'..=b'f') => letter - b'a' + 10,
            Some(&letter @ b'A'..=b'F') => letter - b'A' + 10,
            _ => return Err(at),
        };
        unit = unit << 4 | u32::from(digit);
    }
    Ok((unit, at + 5))
}
