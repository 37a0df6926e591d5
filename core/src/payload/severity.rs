//! Whether a message tells of something wrong, now: judged by structure, not by the mere presence of a word.
//!
//! Key and value are judged together: a key that names a problem needs a value that affirms it; a state needs a
//! word that is bad in a state; prose needs a problem that is neither denied, nor over, nor only spoken of. What a
//! single word means stands in [`super::words`], prose and lines of logs in [`super::lines`]; walking a payload and its
//! topic stands in [`super::inspect`].

use super::json::{Scalar, Text, unescape};
use super::lines::{level, line};
use super::words::{self, *};
use crate::knowledge::nothing::{self, Nothing};
use crate::number;

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
pub(super) const JUDGED: usize = 512;

/// What a key as a whole says; a set of bits of [`super::words`] and [`HINT`].
pub(super) fn key(text: &str) -> Flags {
    let mut problem = false;
    let mut blurred = false;
    let mut all: Flags = 0;
    let mut last: Flags = 0;
    let mut telling = 0;
    let mut caution = false;
    let mut other = None;
    for word in Words::new(text).take(12) {
        // `state_id` tells the state.
        if word.number || all & STATUS != 0 && word.packed == const { words::pack(b"id") } {
            continue;
        }
        let flags = word.flags;
        if flags & (PROBLEM | PLAIN) == 0 {
            other = Some(word);
        }
        if flags & PROBLEM != 0 && all & NOT == 0 {
            problem = true;
            blurred = false;
        } else if flags & PLAIN == 0 {
            blurred = true;
        }
        // `minor` is half of a version, or of a beacon.
        caution = flags & MINOR != 0 && word.packed != const { words::pack(b"minor") }
            || caution && flags & PLAIN != 0;
        all |= flags;
        last = flags;
        telling += u32::from(flags & PLAIN == 0 || flags & (VALUE | STATUS | TEXT) != 0);
    }
    if all & LEVEL != 0 && all & TEXT != 0 {
        // `log_level` is a setting, except beside a message.
        return LEVEL | HINT;
    }
    let mut key = last & (STATUS | TEXT | CODE | VALUE | DANGER | LEVEL | PLAIN | PRESENCE | OVER)
        | all & (HEAT | BATTERY | DANGER | SERVICE | MODE)
        | last & (COUNT | IDENTITY | GRADE);
    if (problem || all & (MINOR | BAD | WRONG) != 0) && all & CURRENT == 0 {
        let several = other.is_some_and(|word| is_plural(text, &word));
        if several || all & (COUNT | MANY) != 0 {
            key |= MANY;
        }
    }
    if last & STATUS != 0 && telling > 1 {
        key |= PART;
    }
    if all & (SETTING | MODE) != 0 && last & STATUS == 0 {
        let typed = if telling <= 1 { last & TYPED } else { 0 };
        return (key | SETTING | typed) & !(PLAIN | DANGER);
    }
    // `alarmMsgCount` counts messages; that there were some is nothing wrong.
    if problem && !(all & TEXT != 0 && last & COUNT != 0) {
        key |= if blurred { HINT } else { PROBLEM };
    }
    if caution && all & (NOT | LEVEL) == 0 {
        key |= MINOR;
    }
    if telling <= 1 {
        key |= last & (GOOD | NAME | TYPED);
    }
    if all & BATTERY != 0 {
        key |= last & GOOD;
    }
    if all & RESTART != 0 && all & CAUSE != 0 || last & CAUSE != 0 {
        key |= all & (RESTART | CAUSE);
    }
    if all & STATUS != 0 && all & CODE != 0 {
        key |= STATUS | CODE;
    }
    // `StateName`
    if all & STATUS != 0 && last & NAME != 0 {
        key |= STATUS;
    }
    key
}

/// A word that is neither a problem nor plain, and of several: `failed_logins` counts logins.
fn is_plural(text: &str, word: &Word) -> bool {
    let word = text.get(word.span.0..word.span.1).unwrap_or("");
    let lower = |end: &str| {
        let at = word.len().saturating_sub(end.len());
        word.get(at..)
            .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    word.len() >= 4 && lower("s") && !(lower("ss") || lower("us") || lower("is"))
}

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
        true if !value && key & BATTERY != 0 => Severity::Warning,
        true => Severity::Error,
        false if value && key & (BATTERY | MINOR) != 0 && key & SETTING == 0 => Severity::Warning,
        false => Severity::None,
    }
}

fn count(key: Flags, number: &str) -> Severity {
    let value = number::parse(number).unwrap_or(0.0);
    if key & HEAT != 0 && key & SETTING == 0 && value == DISCONNECTED_SENSOR {
        return Severity::Error;
    }
    if key & GOOD != 0 && key & PRESENCE != 0 && value == 0.0 {
        return Severity::Error;
    }
    if key & MANY != 0 {
        // What was counted is past; whether the count grows is seen over time only.
        return Severity::None;
    }
    let whole = !number.contains(['.', 'e', 'E']) || number.ends_with(".0");
    if key & PROBLEM != 0 && whole && value != 0.0 || key & HINT != 0 && number == "1" {
        return Severity::Error;
    }
    if key & MINOR != 0 && whole && value != 0.0 {
        return Severity::Warning;
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
        return match key & MODE != 0 {
            true => failure(text),
            false => Severity::None,
        };
    }
    if key & PART != 0 && key & (PRESENCE | PROBLEM) == 0 && is_absent(text) {
        // A part that is not fitted says so in every message.
        return Severity::None;
    }
    if key & STATUS != 0 && key & CODE != 0 && is_bad_opc_ua(text) {
        return Severity::Error;
    }
    if key & PROBLEM != 0 {
        return affirmed(text);
    }
    if key & MINOR != 0 {
        return affirmed(text).min(Severity::Warning);
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
    if key & !(NEUTRAL | VALUE | PLAIN) == 0 {
        return participle(text).max(failure(text));
    }
    Severity::None
}

/// A text that is nothing but the word for a failure (`ERROR`, `Störung`), whatever it is said of.
fn failure(text: &str) -> Severity {
    let mut words = Words::new(text);
    let flags = words.next().map_or(0, |word| word.flags);
    if flags & FAILED == FAILED && flags & MANY == 0 && words.next().is_none() {
        Severity::Error
    } else {
        Severity::None
    }
}

/// Whether a text says that there is nothing to tell of: a part is not fitted, or nothing is plugged in.
pub(super) fn is_absent(text: &str) -> bool {
    matches!(
        nothing::of_text(text),
        Some(Nothing::Unavailable | Nothing::Unknown | Nothing::Null)
    ) || [
        "not_available",
        "not available",
        "not_present",
        "not present",
        "disconnected",
    ]
    .iter()
    .any(|word| text.eq_ignore_ascii_case(word))
}

/// A code whose digits are all zero: `H00`, `E-0000`.
fn is_zero_code(text: &str) -> bool {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let digits = digits.trim_start_matches(['-', '_', ' ', '.', ':', '#']);
    text.len() - digits.len() <= 4 && !digits.is_empty() && digits.bytes().all(|b| b == b'0')
}

/// `0x0040`, whose words would begin with a zero.
fn is_hex(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    digits.is_some_and(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// OPC UA Part 4, 7.39: the two highest bits of a StatusCode, here in hexadecimal, are 10 where it is bad.
fn is_bad_opc_ua(text: &str) -> bool {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 8);
    let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    code.is_some_and(|code| code >> 30 == 0b10)
}

/// One word that can only be said of something by its state (`offline`, `tripped`), whatever that something is called.
fn participle(text: &str) -> Severity {
    let mut words = Words::new(text);
    let Some(flags) = words.next().map(|word| word.flags) else {
        return Severity::None;
    };
    let bad = flags & BAD != 0 && flags & WRONG != 0 && flags & SEVERE == 0;
    if bad && (flags & CRASH == 0 || flags & VERDICT != 0) && words.next().is_none() {
        Severity::Error
    } else {
        Severity::None
    }
}

/// The value of a key that names a problem.
fn affirmed(text: &str) -> Severity {
    if text
        .trim_matches(['0', 'x', 'X', '.', ' ', '-', '[', ']', '{', '}'])
        .is_empty()
        || is_zero_code(text)
    {
        return Severity::None;
    }
    if is_hex(text) {
        return Severity::Error;
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
    let mut words = Words::new(text).take(8).peekable();
    while let Some(word) = words.next() {
        let (next, denied) = words
            .peek()
            .map_or((0, false), |next| (next.flags, is_none(next)));
        if word.flags & OVER != 0 && !not {
            return Severity::None;
        }
        if next & ABOUT != 0 && next & WRONG == 0 || word.flags & PROBLEM != 0 && denied {
            // `watchdog enabled`, `errors: none`
            continue;
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

/// What takes back the problem before it.
pub(super) fn is_none(word: &Word) -> bool {
    const NONE: [u128; 3] = [
        words::pack(b"none"),
        words::pack(b"nil"),
        words::pack(b"null"),
    ];
    NONE.contains(&word.packed) || word.packed == PACKED_ZERO
}

pub(super) const PACKED_ZERO: u128 = words::push(0, b'0');

/// At most `limit` bytes of `text`, whole characters.
pub(super) fn front(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}
