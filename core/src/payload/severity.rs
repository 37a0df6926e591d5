//! Whether a message tells of something wrong, now: judged by structure, not by the mere presence of a word.
//!
//! Key and value are judged together: a key that names a problem needs a value that affirms it; a state needs a
//! word that is bad in a state; prose needs a problem that is neither denied, nor over, nor only spoken of. What a
//! single word means stands in [`super::words`]; walking a payload and its topic stands in [`super::inspect`].

use super::json::{Scalar, Text, unescape};
use super::words::{self, *};

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Severity {
    /// Nothing wrong is told.
    #[default]
    None,
    /// Something may be wrong, or is a little.
    Warning,
    /// Something is wrong.
    Error,
}

impl Severity {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Bytes of a text that are judged; what matters stands in front.
const JUDGED: usize = 512;

/// What a key as a whole says; a set of bits of [`super::words`] and [`HINT`].
pub(super) fn key(text: &str) -> Flags {
    let mut problem = false;
    let mut blurred = false;
    let mut all: Flags = 0;
    let mut last: Flags = 0;
    let mut telling = 0;
    let mut end = 0;
    for word in Words::new(text).take(12) {
        if word.number {
            continue;
        }
        let flags = word.flags;
        if flags & PROBLEM != 0 && all & NOT == 0 {
            problem = true;
            blurred = false;
        } else if flags & PLAIN == 0 {
            blurred = true;
        }
        all |= flags;
        last = flags;
        end = word.packed;
        telling += u32::from(flags & PLAIN == 0 || flags & (VALUE | STATUS | TEXT) != 0);
    }
    if all & LEVEL != 0 && all & TEXT != 0 {
        // `log_level` is a setting, except beside a message.
        return LEVEL | HINT;
    }
    let mut key = last & (STATUS | TEXT | CODE | VALUE | DANGER | LEVEL | PLAIN | PRESENCE | OVER)
        | all & (HEAT | BATTERY | DANGER);
    if all & SETTING != 0 && last & STATUS == 0 {
        let typed = if telling <= 1 { last & TYPED } else { 0 };
        return (key | SETTING | typed) & !(PLAIN | DANGER);
    }
    // `alarmMsgCount` counts messages; that there were some is nothing wrong.
    if problem && !(all & TEXT != 0 && COUNTS.contains(&end)) {
        key |= if blurred { HINT } else { PROBLEM };
    }
    if telling <= 1 {
        key |= last & (GOOD | NAME | TYPED);
    }
    if all & RESTART != 0 && all & CAUSE != 0 || last & CAUSE != 0 {
        key |= all & (RESTART | CAUSE);
    }
    if all & STATUS != 0 && all & CODE != 0 {
        key |= STATUS | CODE;
    }
    key
}

/// Words at the end of a key that counts.
const COUNTS: [u128; 3] = [
    words::pack(b"count"),
    words::pack(b"counter"),
    words::pack(b"total"),
];

/// What a key and its value say together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) severity: Severity,
    /// A level below a warning.
    pub(super) quiet: bool,
    /// What is wrong is over.
    pub(super) over: bool,
}

impl Told {
    pub(super) const NOTHING: Self = Self {
        severity: Severity::None,
        quiet: false,
        over: false,
    };
}

/// What a key and its value say together.
pub(super) fn pair(key: Flags, value: Scalar<'_>) -> Told {
    let severity = match value {
        Scalar::Null => Severity::None,
        Scalar::Bool(value) => flag(key, value),
        Scalar::Number(number) => count(key, number),
        Scalar::String(text) => {
            let mut buffer = [0; 256];
            let text = plain(text, &mut buffer);
            let over = |word: Word| word.flags & OVER != 0 && word.flags & GOOD == 0;
            return Told {
                severity: string(key, text),
                quiet: key & LEVEL != 0 && level(text) == Some(Severity::None),
                over: key & STATUS != 0 && Words::new(text).take(3).any(over),
            };
        }
    };
    Told {
        severity,
        ..Told::NOTHING
    }
}

/// The text without escapes, cut where that matters little.
pub(super) fn plain<'b>(text: Text<'b>, buffer: &'b mut [u8; 256]) -> &'b str {
    if text.escaped {
        unescape(text.raw, buffer)
    } else {
        front(text.raw, JUDGED)
    }
}

fn flag(key: Flags, value: bool) -> Severity {
    let wrong = match value {
        true => key & (PROBLEM | HINT | DANGER) != 0,
        false => key & GOOD != 0,
    };
    match wrong {
        true => Severity::Error,
        false if value && key & BATTERY != 0 && key & SETTING == 0 => Severity::Warning,
        false => Severity::None,
    }
}

fn count(key: Flags, number: &str) -> Severity {
    let value: f64 = number.parse().unwrap_or(0.0);
    if key & HEAT != 0 && key & SETTING == 0 && value == DISCONNECTED_SENSOR {
        return Severity::Error;
    }
    if key & GOOD != 0 && key & PRESENCE != 0 && value == 0.0 {
        return Severity::Error;
    }
    let whole = !number.contains(['.', 'e', 'E']) || number.ends_with(".0");
    if key & PROBLEM != 0 && whole && value != 0.0 || key & HINT != 0 && number == "1" {
        return Severity::Error;
    }
    if key & STATUS != 0 && key & CODE != 0 && whole {
        return if (400.0..600.0).contains(&value) {
            Severity::Error
        } else {
            Severity::None
        };
    }
    Severity::None
}

/// What a DS18B20 without contact reads.
const DISCONNECTED_SENSOR: f64 = -127.0;

/// A value that is a string, here also from XML or `key=value`, where everything is one.
pub(super) fn string(key: Flags, text: &str) -> Severity {
    let text = text.trim();
    match text {
        "true" | "True" | "TRUE" | "yes" | "YES" => return flag(key, true),
        "false" | "False" | "FALSE" => return flag(key, false),
        _ if text
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b'.' || b == b'-') =>
        {
            return count(key, text);
        }
        _ => {}
    }
    if key & SETTING != 0 {
        return Severity::None;
    }
    if key & PROBLEM != 0 {
        return affirmed(text);
    }
    if key & DANGER != 0 && matches!(state(text), Severity::Error) {
        return Severity::Error;
    }
    if key & RESTART != 0 && Words::new(text).take(8).any(|word| word.flags & CRASH != 0) {
        return Severity::Error;
    }
    if key & LEVEL != 0 {
        return level(text).unwrap_or(Severity::None);
    }
    if key & (STATUS | PRESENCE) != 0 {
        return state(text);
    }
    if key & (TEXT | CAUSE) != 0 {
        return line(text);
    }
    Severity::None
}

/// The value of a key that names a problem.
fn affirmed(text: &str) -> Severity {
    if text
        .trim_matches(['0', 'x', 'X', '.', ' ', '-', '[', ']', '{', '}'])
        .is_empty()
    {
        return Severity::None;
    }
    let mut all = true;
    let mut any: Flags = 0;
    for (n, word) in Words::new(text).take(40).enumerate() {
        let zero = word.number
            && text
                .get(word.span.0..word.span.1)
                .is_some_and(|w| w.bytes().all(|b| b == b'0'));
        if n == 0 && (word.flags & (NOT | FINE) != 0 || zero) || word.flags & OVER != 0 {
            return Severity::None;
        }
        all &= word.flags & (FINE | STATUS | PROBLEM) != 0 || word.number;
        any |= word.flags;
    }
    match any {
        _ if all && any & FINE != 0 => Severity::None,
        _ if any & (MINOR | DOUBTFUL) != 0 && any & BAD == 0 && !text.contains(' ') => {
            Severity::Warning
        }
        _ => Severity::Error,
    }
}

/// A word or two that tell a state.
pub(super) fn state(text: &str) -> Severity {
    if text.len() > 48 {
        return line(text);
    }
    let mut severity = Severity::None;
    let mut not = false;
    for word in Words::new(text).take(8) {
        if word.flags & OVER != 0 && !not {
            return Severity::None;
        }
        let zero = word.number && word.packed == PACKED_ZERO;
        if word.flags & (BAD | SEVERE) != 0 && !not || word.flags & GOOD != 0 && not {
            severity = Severity::Error;
        } else if word.flags & DOUBTFUL != 0 && !not {
            severity = severity.max(Severity::Warning);
        }
        not = word.flags & NOT != 0 || zero;
    }
    severity
}

const PACKED_ZERO: u128 = words::push(0, b'0');

/// A level; none if it is not one.
pub(super) fn level(text: &str) -> Option<Severity> {
    match text {
        "E" | "F" | "C" => return Some(Severity::Error),
        "W" => return Some(Severity::Warning),
        "I" | "D" | "V" | "T" | "N" => return Some(Severity::None),
        _ => {}
    }
    let flags = Words::new(text).next()?.flags;
    of_level(flags)
}

fn of_level(flags: Flags) -> Option<Severity> {
    match flags {
        _ if flags & SEVERE != 0 => Some(Severity::Error),
        _ if flags & MINOR != 0 => Some(Severity::Warning),
        _ if flags & QUIET != 0 => Some(Severity::None),
        _ => None,
    }
}

/// A line of a log, or prose.
pub(super) fn line(text: &str) -> Severity {
    let text = front(without_colour(text), JUDGED);
    if let Some(severity) = line_level(text) {
        return severity;
    }
    prose(text)
}

/// `text` without ANSI escape sequences in front.
pub(super) fn without_colour(text: &str) -> &str {
    let mut text = text.trim_start();
    while let Some(rest) = text.strip_prefix("\u{1b}[") {
        let Some((_, behind)) = rest.split_once('m') else {
            break;
        };
        text = behind.trim_start();
    }
    text
}

/// The level that a line of a log states of itself.
pub(super) fn line_level(text: &str) -> Option<Severity> {
    if let Some((priority, _)) = text.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        // RFC 5424, 6.2.1: the severity is the priority modulo eight.
        if let Ok(priority @ 0..=191) = priority.parse::<u8>() {
            return Some(match priority % 8 {
                0..=3 => Severity::Error,
                4 => Severity::Warning,
                _ => Severity::None,
            });
        }
    }
    let bytes = text.as_bytes();
    let letter = match bytes {
        [b'[', letter, b']', ..] | [letter, b' ', b'(', ..] | [letter, b'/', ..] => Some(*letter),
        _ => None,
    };
    match letter {
        Some(b'E' | b'F') => return Some(Severity::Error),
        Some(b'W') => return Some(Severity::Warning),
        Some(b'I' | b'D' | b'V') => return Some(Severity::None),
        _ => {}
    }
    let words = Words::new(text).filter(|word| !word.number);
    for (n, word) in words.take(6).enumerate() {
        let (start, end) = word.span;
        let Some(severity) = of_level(word.flags) else {
            continue;
        };
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        let behind = bytes.get(end);
        let shouted = bytes
            .get(start..end)
            .is_some_and(|w| w.iter().all(u8::is_ascii_uppercase));
        let framed = matches!(before, Some(b'[' | b'<' | b'(' | b'|'))
            && matches!(behind, Some(b']' | b'>' | b')' | b'|'));
        let heads = n == 0 && matches!(behind, Some(b':'));
        if shouted || framed || heads {
            return Some(severity);
        }
    }
    None
}

/// Prose: a problem that is neither denied, nor over, nor only spoken of.
fn prose(text: &str) -> Severity {
    let mut words = Words::new(text).take(80).peekable();
    let mut not = false;
    let mut severity = Severity::None;
    while let Some(word) = words.next() {
        if word.flags & OVER != 0 && word.flags & GOOD == 0 {
            return Severity::None;
        }
        let next = words.peek();
        let zero = next.is_some_and(|n| n.number && n.packed == PACKED_ZERO);
        let only_spoken_of =
            zero || next.is_some_and(|n| n.flags & ABOUT != 0 && n.flags & WRONG == 0);
        if word.flags & WRONG != 0 && !not && !only_spoken_of {
            severity = Severity::Error;
        } else if word.flags & MINOR != 0 && !not && !only_spoken_of {
            severity = severity.max(Severity::Warning);
        } else if refusal(word.packed, next.map_or(0, |n| n.packed)) {
            severity = Severity::Error;
        }
        // `no fatal error`: the denial reaches over problems in between.
        not = word.flags & NOT != 0
            || word.number && word.packed == PACKED_ZERO
            || not && word.flags & (WRONG | SEVERE) != 0;
    }
    severity
}

/// Two words that only together tell of a failure.
fn refusal(word: u128, next: u128) -> bool {
    use words::pack as p;
    const PAIRS: [(u128, u128); 8] = [
        (p(b"timed"), p(b"out")),
        (p(b"not"), p(b"found")),
        (p(b"not"), p(b"responding")),
        (p(b"not"), p(b"reachable")),
        (p(b"no"), p(b"response")),
        (p(b"no"), p(b"answer")),
        (p(b"could"), p(b"not")),
        (p(b"out"), p(b"of")),
    ];
    PAIRS.contains(&(word, next))
}

/// At most `limit` bytes of `text`, whole characters.
pub(super) fn front(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}
