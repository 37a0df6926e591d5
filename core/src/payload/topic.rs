//! What a topic says before its payload is read: its class, the key that its last levels are, a verdict.

use super::hash;
use super::severity::{self, HINT, Severity};
use super::words::{self, *};

/// What one pass over a topic finds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Topic<'a> {
    /// Hash of the topic with its numbers masked.
    pub(super) class: u64,
    /// The level that says what a bare value is.
    pub(super) subject: &'a str,
    /// What that level says as a key.
    pub(super) key: Flags,
    /// What any payload at all means here, and the level that says so.
    pub(super) verdict: Option<(Severity, &'a str)>,
    /// Sparkplug B carries a payload of its own.
    pub(super) sparkplug: bool,
    /// SmartREST: the first field is a number with a meaning.
    pub(super) smart_rest: bool,
}

impl<'a> Topic<'a> {
    pub(super) fn new(topic: &'a str) -> Self {
        let mut last = ["", "", ""];
        let mut setting = false;
        let mut alarms = "";
        let mut found = None;
        for level in topic.split('/').take(64) {
            let [_, b, c] = last;
            if !level.is_empty() {
                last = [b, c, level];
            }
            match level {
                "settings" | "Settings" | "config" | "configuration" | "thresholds" | "limits" => {
                    setting = true
                }
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
        if setting || matches!(inner, "set" | "get") {
            key = SETTING;
        }
        if !setting && found.is_none() {
            found = told_by_name(inner);
        }
        Self {
            class: class(topic),
            subject,
            key,
            verdict: found,
            sparkplug,
            smart_rest: topic.starts_with("c8y/s/us") || topic.starts_with("s/us"),
        }
    }
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
    match around & (PROBLEM | HINT | HEAT | LEVEL | PRESENCE | GOOD | DANGER | BATTERY | SETTING) {
        0 => (inner, key),
        more => (outer, key & STATUS | more),
    }
}

/// A last level that is itself the verdict: `…/rejected`, `…/down/failed`.
fn told_by_name(level: &str) -> Option<(Severity, &str)> {
    if level.len() > 12 {
        return None;
    }
    let mut packed = 0;
    for byte in level.bytes() {
        packed = words::push(packed, byte);
    }
    (words::meaning(packed) & VERDICT != 0).then_some((Severity::Error, level))
}

/// Hash of the topic with runs of digits and long hexadecimal levels masked.
fn class(topic: &str) -> u64 {
    let mut class = 0x746f_7069_6373;
    for level in topic.as_bytes().split(|&b| b == b'/') {
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

/// Hash of `bytes` with each word that holds a digit counted as one and the same.
pub(super) fn masked(seed: u64, bytes: &[u8]) -> u64 {
    if !bytes.iter().any(u8::is_ascii_digit) {
        return hash::bytes(seed, bytes);
    }
    let mut hash = seed;
    for word in bytes.split(|b| !b.is_ascii_alphanumeric()) {
        let digits = word.iter().any(u8::is_ascii_digit);
        let varying = digits && (word.len() >= 4 || word.iter().all(u8::is_ascii_digit));
        hash = if varying {
            hash::mix(hash, 3)
        } else if digits {
            // `temp1`, `relay0`: the letters stay.
            word.iter()
                .filter(|b| !b.is_ascii_digit())
                .fold(hash, |h, &b| hash::mix(h, u64::from(b)))
        } else {
            hash::bytes(hash, word)
        };
    }
    hash
}
