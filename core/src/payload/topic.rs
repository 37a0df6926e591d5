//! What a topic says before its payload is read: its class, the key that its last levels are, a verdict.

use super::hash;
use super::severity::{self, Severity};
use super::words::{self, *};
use crate::limits::MAX_LEVELS;

/// A topic with what it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Topic<'a> {
    pub(super) name: &'a str,
    pub(super) says: Says,
}

/// What one pass over a topic finds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Says {
    /// Hash of the topic with its numbers masked.
    pub(super) class: u64,
    /// The level that says what a bare value is.
    subject: Span,
    /// The level that says what any payload at all means here, and what that is.
    verdict: (Severity, Span),
    /// What the subject says as a key.
    pub(super) key: Flags,
    /// What is told here is configured or asked for.
    pub(super) asked: bool,
    /// What is told here is of alarms.
    pub(super) alarms: bool,
    /// What is told here is an error, if it is told in the words of one.
    pub(super) within: bool,
    /// Victron: a value of one is a warning.
    pub(super) victron: bool,
    /// Sparkplug B carries a payload of its own.
    pub(super) sparkplug: bool,
    /// SmartREST: the first field is a number with a meaning.
    pub(super) smart_rest: bool,
}

/// First byte of a level and the one behind the last.
type Span = (u16, u16);

impl Says {
    /// Nothing.
    pub(super) const NOTHING: Self = Self {
        class: 0,
        subject: (0, 0),
        verdict: (Severity::None, (0, 0)),
        key: 0,
        asked: false,
        alarms: false,
        within: false,
        victron: false,
        sparkplug: false,
        smart_rest: false,
    };
}

impl<'a> Topic<'a> {
    /// The level that says what a bare value is.
    pub(super) fn subject(&self) -> &'a str {
        part(self.name, self.says.subject)
    }

    /// What any payload at all means here, and the level that says so.
    pub(super) fn verdict(&self) -> Option<(Severity, &'a str)> {
        let (severity, span) = self.says.verdict;
        (severity != Severity::None).then(|| (severity, part(self.name, span)))
    }

    pub(super) fn new(topic: &'a str, seed: u64) -> Self {
        let mut last = ["", "", ""];
        let mut setting = false;
        let mut alarms = "";
        let mut found = None;
        for level in topic.split('/').take(MAX_LEVELS) {
            let [_, b, c] = last;
            if !level.is_empty() {
                last = [b, c, level];
            }
            match level {
                "settings" | "Settings" | "config" | "configuration" | "thresholds" | "limits"
                | "definitions" | "catalog" | "catalogue" | "dictionary" | "capabilities"
                | "factsheet" | "manifest" | "schema" => setting = true,
                "alarms" | "Alarms" | "events" => alarms = level,
                "critical" | "major" if !alarms.is_empty() => {
                    found = Some((Severity::Error, level))
                }
                "warning" | "minor" if !alarms.is_empty() => {
                    found = Some((Severity::Warning, level))
                }
                _ => {}
            }
        }
        let [_, outer, inner] = last;
        let sparkplug = topic.starts_with("spBv1.0/");
        if sparkplug
            && let Some(death) = topic
                .split('/')
                .nth(2)
                .filter(|m| matches!(*m, "NDEATH" | "DDEATH"))
        {
            found = Some((Severity::Error, death));
        }
        let (subject, mut key) = subject(outer, inner);
        let setting = setting || describes(inner);
        let asked = setting || matches!(inner, "set" | "get");
        if asked {
            key = SETTING;
        } else if !names_code(subject) {
            // A bare number on `…/state` or `…/status` is a reading.
            key &= !CODE;
        }
        if !asked && alarms.eq_ignore_ascii_case("alarms") && key & SETTING == 0 {
            key |= PROBLEM;
        }
        if !asked && let Some(code) = status_level(topic) {
            found = Some((Severity::Error, code));
        }
        if !setting && found.is_none() {
            found = told_by_name(inner);
        }
        let (severity, level) = found.unwrap_or_default();
        let says = Says {
            class: class(topic, seed),
            subject: span(topic, subject),
            verdict: (severity, span(topic, level)),
            key,
            asked,
            alarms: !asked && alarms.eq_ignore_ascii_case("alarms"),
            within: !asked && word(inner) & (PROBLEM | WRONG) == PROBLEM | WRONG,
            victron: topic.starts_with("N/"),
            sparkplug,
            smart_rest: topic.starts_with("c8y/s/us") || topic.starts_with("s/us"),
        };
        Self { name: topic, says }
    }
}

/// Where `level`, which is a part of `topic`, stands in it.
fn span(topic: &str, level: &str) -> Span {
    let start = level.as_ptr().addr().saturating_sub(topic.as_ptr().addr());
    let at = |n| u16::try_from(n).unwrap_or(u16::MAX);
    if level.is_empty() {
        (0, 0)
    } else {
        (at(start), at(start + level.len()))
    }
}

fn part(topic: &str, (start, end): Span) -> &str {
    topic
        .get(usize::from(start)..usize::from(end))
        .unwrap_or("")
}

/// The level that says what a bare value is: the last one, or the one before if the last says nothing by itself.
fn subject<'a>(outer: &'a str, inner: &'a str) -> (&'a str, Flags) {
    let key = severity::key(inner);
    let telling = key & !(PLAIN | VALUE | STATUS | TEXT) != 0;
    let plain = Words::new(inner).all(|word| word.number || word.flags & PLAIN != 0);
    if telling || !plain || outer.is_empty() {
        return (inner, key);
    }
    let around = severity::key(outer);
    const MORE: Flags = PROBLEM
        | HINT
        | HEAT
        | LEVEL
        | PRESENCE
        | GOOD
        | DANGER
        | BATTERY
        | SETTING
        | MODE
        | SERVICE;
    match around & MORE {
        0 => (inner, key),
        more => (outer, key & (STATUS | MANY | COUNT) | more | around & MANY),
    }
}

/// A last level that describes what stands before it, as attributes of Homie do: `$name`, `$format`. Its text is of what
/// could be, not of what is.
fn describes(level: &str) -> bool {
    level.strip_prefix('$').is_some_and(|name| {
        name.bytes().all(|b| b.is_ascii_alphabetic())
            && !matches!(name, "state" | "alert" | "log" | "target" | "")
    })
}

/// Whether a level names the code of an answer, and not just a state: `http_status`, `statusCode`, `response/code`.
fn names_code(level: &str) -> bool {
    Words::new(level).any(|word| {
        word.flags & CODE != 0 && word.flags & STATUS == 0
            || word.packed == const { words::pack(b"statuscode") }
            || word.packed == const { words::pack(b"httpstatus") }
    })
}

/// A last level that is itself the verdict: `…/rejected`, `…/down/failed`.
fn told_by_name(level: &str) -> Option<(Severity, &str)> {
    (word(level) & VERDICT != 0).then_some((Severity::Error, level))
}

/// What a level means that is one word.
fn word(level: &str) -> Flags {
    if level.len() > 12 {
        return 0;
    }
    words::meaning(level.bytes().fold(0, words::push))
}

/// A code of HTTP that is a level of an answer's topic and tells of a failure: `$iothub/twin/res/404/…`.
fn status_level(topic: &str) -> Option<&str> {
    let code = topic.strip_prefix("$iothub/twin/res/")?.split('/').next()?;
    (code.len() == 3 && code.starts_with(['4', '5'])).then_some(code)
}

/// Hash of the topic with runs of digits and long hexadecimal levels masked.
fn class(topic: &str, seed: u64) -> u64 {
    let mut class = seed ^ 0x746f_7069_6373;
    for level in topic.as_bytes().splitn(MAX_LEVELS, |&b| b == b'/') {
        let hex = level.len() >= 8
            && level
                .iter()
                .all(|b| b.is_ascii_hexdigit() || matches!(b, b'-' | b':'));
        class = if hex {
            hash::mix(class, 1)
        } else {
            hash::mix(class, masked(2, level))
        };
    }
    class
}

/// Hash of `bytes` with what varies masked: numbers and identifiers count as one and the same, of `temp1` and
/// `sensor007` the letters stay.
pub(super) fn masked(seed: u64, bytes: &[u8]) -> u64 {
    if !bytes.iter().any(u8::is_ascii_digit) {
        return hash::bytes(seed, bytes);
    }
    let mut hash = seed;
    for word in bytes.split(|b| !b.is_ascii_alphanumeric()) {
        hash = if !word.iter().any(u8::is_ascii_digit) {
            hash::bytes(hash, word)
        } else if is_identifier(word) {
            hash::mix(hash, 3)
        } else {
            let letters = word.iter().filter(|b| !b.is_ascii_digit());
            letters.fold(hash, |h, &b| hash::mix(h, u64::from(b)))
        };
    }
    hash
}

/// Whether a word that holds digits is a number, hexadecimal, or mixed as only identifiers are.
fn is_identifier(word: &[u8]) -> bool {
    let hex = word.iter().all(u8::is_ascii_hexdigit) && word.len() >= 4;
    let begins = |pair: &[u8]| matches!(pair, [a, b] if !a.is_ascii_digit() && b.is_ascii_digit());
    let runs = word.windows(2).filter(|pair| begins(pair)).count()
        + usize::from(word.first().is_some_and(u8::is_ascii_digit));
    let mixed = word.len() >= 6 && runs >= 2;
    hex || mixed || word.starts_with(b"0x") || word.iter().all(u8::is_ascii_digit)
}
