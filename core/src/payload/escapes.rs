//! Escapes in strings of JSON (RFC 8259, section 7), resolved only where a text is judged or shown.
//! Elsewhere: whether they are valid ([`super::json`]). Invariant: any text gives some text, cut at the buffer's end.

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
