//! Text from outside, made harmless for who reads it, and cut.

/// Text from outside without what could steer a terminal or hide in a text: control characters become their pictures,
/// direction overrides, invisible characters and fillers, variation selectors, tag characters and private ones, of which
/// nobody knows what a reader sees, become U+FFFD. The joiners U+200C and U+200D stay: Persian, Hindi and emoji are written
/// with them.
pub fn clean(text: &str) -> String {
    text.chars().map(harmless).collect()
}

fn harmless(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{10ffff}' => '\u{fffd}',
        _ => c,
    }
}

/// Whether [`clean`] would leave it as it is.
pub(crate) fn is_clean(text: &str) -> bool {
    text.chars().all(|c| harmless(c) == c)
}

/// The front of `text`, at most `limit` bytes, not through a character.
pub fn front(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}
