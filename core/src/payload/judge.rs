//! The judgement of a pass: each pair of key and value as it comes, and all of them considered together at the end.
//!
//! What a key and a value say is in [`super::severity`]; here is what they mean beside one another: a level that
//! is quiet, a problem that is over, text that must be there. Invariant: the first of equally bad reasons stands.

use super::json::{Scalar, Text};
use super::lines;
use super::pass::{ASKED, Found, Pass, WITHIN};
use super::severity::{self, Severity, Told};
use super::topic::masked;
use super::words::*;
use super::{Reason, hash};
use crate::number;

impl<'a> Pass<'_, 'a> {
    /// What a value tells under a key that says `flags`.
    fn told(&mut self, flags: Flags, value: Scalar<'a>) -> Told {
        if flags & (CODE | TYPED | VALUE | STATUS) != 0
            && let Some(severity) = self.known_answer(value)
        {
            return Told {
                severity,
                ..Told::NOTHING
            };
        }
        match (value, &mut self.memo) {
            (
                Scalar::String(Text {
                    raw,
                    escaped: false,
                }),
                Some(memo),
            ) if raw.len() <= 32 => {
                let hash = hash::bytes(self.seed ^ flags, raw.as_bytes());
                memo.value(hash, || severity::pair(flags, value))
            }
            _ => severity::pair(flags, value),
        }
    }

    /// One scalar under the current key. Most say nothing, which is seen here.
    #[inline(always)]
    pub(super) fn judge(&mut self, value: Scalar<'a>) {
        let flags = self.flags;
        let telling = match value {
            Scalar::Null => false,
            Scalar::Bool(_) => flags != 0,
            Scalar::Number(number) => {
                flags & (PROBLEM | HINT | GOOD | STATUS | CODE | LEVEL | WITHIN | MINOR) != 0
                    || flags & HEAT != 0 && number.starts_with("-127")
            }
            Scalar::String(text) => {
                flags & !(HEAT | PLAIN | SETTING | NAME | NEUTRAL) != 0
                    || matches!(text.raw.len(), 4..=16) && flags & (HEAT | SETTING | NAME) == 0
            }
        };
        if telling && flags & ASKED == 0 {
            self.weigh(value);
        }
    }

    #[inline(never)]
    fn weigh(&mut self, value: Scalar<'a>) {
        if let Scalar::Bool(value) = value {
            if !value
                && matches!(self.key, "enabled" | "Enabled" | "enable")
                && let Some(frame) = self.frames.last_mut()
            {
                frame.off = true;
            }
            let telling = PROBLEM | HINT | DANGER | GOOD | BATTERY | WITHIN | PLAIN | OVER | MINOR;
            if self.flags & telling == 0 {
                return;
            }
        }
        self.judge_telling(value);
    }

    fn judge_telling(&mut self, value: Scalar<'a>) {
        let flags = self.flags;
        let numeric = matches!(value, Scalar::Number(_));
        // Ids and counters inside of an error tell nothing of it.
        let within = flags & WITHIN != 0
            && flags & (NAME | SETTING) == 0
            && !(numeric && flags & (COUNT | IDENTITY) != 0);
        if let (Scalar::String(text), true) = (value, flags & WITHIN != 0) {
            self.name_error(flags, text.raw);
        }
        let told = within
            && (flags & (PLAIN | TEXT | CODE) != 0
                || matches!(value, Scalar::Bool(_)) && self.is_own());
        let flags = if told { flags | PROBLEM } else { flags };
        match value {
            Scalar::String(text) if flags & (TEXT | PROBLEM) != 0 => {
                self.has_text |= flags & TEXT != 0;
                self.tell_text(text.raw);
                if self.prose.is_none() && text.raw.contains(' ') {
                    self.prose = Some(self.reason(self.key, text.raw));
                }
            }
            Scalar::Number(number) if flags & (PROBLEM | CODE) != 0 => {
                let hash = hash::bytes(self.path, number.as_bytes());
                self.kind = self.kind.wrapping_add(hash);
            }
            _ => {}
        }
        if flags & LEVEL != 0 && flags & HINT != 0 && flags & WITHIN == 0 {
            self.log_level = Some((self.key, raw(value)));
            return;
        }
        // journald writes its priorities as strings.
        let number = raw(value);
        if flags & LEVEL != 0 && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
            self.numeric_level = Some((self.key, number));
        }
        let Told {
            severity,
            quiet,
            over,
        } = self.told(flags, value);
        self.quiet |= quiet;
        self.over |= over || self.ends(value);
        self.minor |= flags & (LEVEL | TYPED) != 0 && severity == Severity::Warning;
        let soft = flags & (TEXT | CAUSE) != 0 && flags & (PROBLEM | STATUS | RESTART) == 0
            || flags & LEVEL != 0
            || flags == 0
            || told;
        if severity == Severity::None || numeric && self.is_limit(flags, value) {
            return;
        }
        if flags & GOOD != 0 && flags & PRESENCE != 0 && self.is_optional() {
            return;
        }
        self.found(!soft, severity, self.key, raw(value));
    }

    /// Whether a member is one of the error itself, not of what the error is about.
    fn is_own(&self) -> bool {
        let around = self.frames.last().map_or(0, |frame| frame.flags);
        self.frames.len() <= 1 || around & (PROBLEM | HINT) != 0
    }

    /// Inside of an error, the first text that names it.
    #[cold]
    fn name_error(&mut self, flags: Flags, text: &'a str) {
        let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
        let error = self.frames.len() > 1
            && self
                .frames
                .last()
                .is_some_and(|it| it.flags & (PROBLEM | HINT) != 0);
        if error && flags & (NAME | TYPED | TEXT | CODE) != 0 && letters >= 3 {
            self.named = self.named.or(Some(self.reason(self.key, text)));
        }
    }

    /// A service that is not connected (`cloud`), or that may be switched off: the message says so elsewhere, if it does.
    fn is_optional(&mut self) -> bool {
        let service = match self.frames.len() {
            0 => return false,
            1 => self.topic.says.key,
            _ => self.frames.last().map_or(0, |frame| frame.flags),
        };
        if service & SERVICE != 0 {
            return true;
        }
        let key = self.key;
        if let Some(frame) = self.frames.last_mut() {
            frame.away = frame.away.or(Some(key));
        }
        true
    }

    /// Whether a number is a limit: its name is a step (`load_warning`) and another step of the same (`load_critical`)
    /// stands beside it, with a number that is no flag either.
    fn is_limit(&self, flags: Flags, value: Scalar<'a>) -> bool {
        let flag = matches!(value, Scalar::Number("0" | "1"));
        let Some(step) = Words::new(self.key).last() else {
            return false;
        };
        let name = self.key.get(..step.span.0).unwrap_or("");
        if flags & GRADE == 0 || flag || name.is_empty() && flags & MINOR == 0 {
            return false;
        }
        let text = core::str::from_utf8(self.whole).unwrap_or("");
        text.match_indices('"').take(QUOTES).any(|(at, _)| {
            let Some(rest) = text.get(at + 1..).and_then(|it| it.strip_prefix(name)) else {
                return false;
            };
            let mut words = Words::new(rest);
            let Some(other) = words.next() else {
                return false;
            };
            let behind = rest.get(other.span.1..).unwrap_or("");
            let number = behind.trim_start_matches(['"', ':', ' ']);
            other.span.0 == 0
                && other.flags & GRADE != 0
                && other.packed != step.packed
                && behind.starts_with('"')
                && number.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        })
    }

    /// Answers that are known by key and value together, whatever the parts mean.
    fn known_answer(&self, value: Scalar<'a>) -> Option<Severity> {
        match (self.key, value) {
            ("exit_code" | "exitCode" | "return_code" | "returnCode", Scalar::Number(number)) => {
                Some(if number == "0" {
                    Severity::None
                } else {
                    Severity::Error
                })
            }
            // Tasmota's answer to what it does not understand.
            ("Command" | "command", Scalar::String(text))
                if matches!(text.raw, "Unknown" | "Error") =>
            {
                Some(Severity::Error)
            }
            (_, Scalar::String(text)) if self.flags & TYPED != 0 => Some(named(text.raw)),
            // What is active on a topic of alarms is an alarm.
            (_, Scalar::String(text))
                if self.flags & STATUS != 0
                    && self.topic.says.alarms
                    && ACTIVE
                        .iter()
                        .any(|word| text.raw.eq_ignore_ascii_case(word)) =>
            {
                Some(Severity::Error)
            }
            ("value", Scalar::Number("1"))
                if self.topic.says.victron && self.topic.says.key & PROBLEM != 0 =>
            {
                Some(Severity::Warning)
            }
            _ => None,
        }
    }

    /// Whether it is told that a problem named elsewhere is over.
    fn ends(&self, value: Scalar<'a>) -> bool {
        match value {
            Scalar::Bool(false) => self.key.eq_ignore_ascii_case("active"),
            Scalar::Bool(true) => matches!(self.key, "cleared" | "resolved"),
            _ => false,
        }
    }

    pub(super) fn tell_text(&mut self, text: &str) {
        let text = severity::front(text, 256);
        self.kind = self.kind.wrapping_add(masked(self.path, text.as_bytes()));
    }

    pub(super) fn found(
        &mut self,
        hard: bool,
        severity: Severity,
        subject: &'a str,
        value: &'a str,
    ) {
        if severity == Severity::None {
            return;
        }
        let found = (severity, Some(self.reason(subject, value)));
        let place = if hard { &mut self.hard } else { &mut self.soft };
        *place = place.max_with(found);
    }

    pub(super) fn reason(&self, subject: &'a str, value: &'a str) -> Reason<'a> {
        let parent = match self.frames.last() {
            Some(frame) if frame.key != subject && self.frames.len() > 1 => frame.key,
            _ => "",
        };
        Reason {
            parent,
            subject,
            value,
            json: false,
        }
    }

    /// What a person would give as the reason: beside a mere `level: error` or `status: failed`, the prose.
    fn said(&self, found: Found<'a>) -> Found<'a> {
        let (severity, Some(reason)) = found else {
            return found;
        };
        let mut words = Words::new(reason.value);
        let word = words.next().map_or(0, |word| word.flags);
        let flags = severity::key(reason.subject);
        let mere = words.next().is_none()
            && (flags & (LEVEL | TYPED) != 0 || flags & STATUS != 0 && word & FAILED == FAILED);
        // A number, or a topic that is the verdict, says less than what the error calls itself.
        let bare = reason.parent == "topic"
            || matches!(reason.value, "true" | "false")
            || number::parse(reason.value).is_some();
        let prose = self.prose.filter(|prose| {
            (mere || bare) && prose.parent == reason.parent || reason.parent == "topic"
        });
        match prose.or(self.named.filter(|_| bare)) {
            Some(better) => (severity, Some(better)),
            None => found,
        }
    }

    /// All things considered.
    pub(super) fn judgement(&mut self, payload: &'a [u8]) -> Found<'a> {
        if let (Some((key, number)), true) = (self.numeric_level, self.has_text) {
            let severity = numeric_level(key, number);
            self.quiet |= severity == Severity::None;
            self.found(false, severity, key, number);
        }
        if let (Some((key, level)), true) = (self.log_level, self.has_text) {
            let severity = lines::level(level).unwrap_or_default();
            self.quiet |= severity == Severity::None;
            self.found(false, severity, key, level);
        }
        let mut worst = self.hard;
        if self.soft.0 != Severity::None && !self.quiet && !self.over {
            // What calls itself a warning is none the worse for its words.
            let (severity, reason) = self.soft;
            let most = if self.minor {
                Severity::Warning
            } else {
                Severity::Error
            };
            worst = worst.max_with((severity.min(most), reason));
        }
        if let Some((severity, level)) = self.topic.verdict()
            && !self.over
            && !neutral(payload)
            && (self.topic.subject() != level || !is_number(payload))
        {
            let value = core::str::from_utf8(payload).map_or("", |text| severity::front(text, 96));
            let said = Reason {
                parent: "topic",
                subject: level,
                value,
                json: false,
            };
            if worst.0 < severity {
                worst = (severity, Some(said));
            }
        }
        match worst.0 {
            Severity::None => worst,
            _ => self.said(worst),
        }
    }
}

/// Quotes behind which another step of the same name is looked for: those of 128 members.
const QUOTES: usize = 512;

/// States of an alarm that stands.
const ACTIVE: [&str; 5] = ["active", "raised", "open", "unacknowledged", "standing"];

/// What happened, by its name: `error`, `ota_error`, but neither `error_cleared` nor `error_report_request`.
fn named(text: &str) -> Severity {
    let mut last = 0;
    for (n, word) in Words::new(text).enumerate() {
        if n == 3 || word.flags & (NOT | OVER) != 0 || last & SETTING != 0 {
            return Severity::None;
        }
        last = word.flags;
    }
    match last {
        _ if last & WRONG != 0 => Severity::Error,
        _ if last & MINOR != 0 => Severity::Warning,
        _ => Severity::None,
    }
}

pub(super) trait MaxWith {
    fn max_with(self, other: Self) -> Self;
}

impl MaxWith for Found<'_> {
    /// The worse of two, the earlier of equals.
    fn max_with(self, other: Self) -> Self {
        if other.0 > self.0 { other } else { self }
    }
}

fn raw<'a>(value: Scalar<'a>) -> &'a str {
    match value {
        Scalar::Null => "null",
        Scalar::Bool(true) => "true",
        Scalar::Bool(false) => "false",
        Scalar::Number(number) => number,
        Scalar::String(text) => text.raw,
    }
}

/// Bunyan and pino count upwards in tens; syslog and journald downwards from seven.
fn numeric_level(key: &str, number: &str) -> Severity {
    let journald = key.eq_ignore_ascii_case("priority");
    match number.parse::<u8>() {
        Ok(0..=3) if journald => Severity::Error,
        Ok(4) if journald => Severity::Warning,
        Ok(50..=60) => Severity::Error,
        Ok(40..50) => Severity::Warning,
        _ => Severity::None,
    }
}

/// A payload that takes back what its topic says.
fn neutral(payload: &[u8]) -> bool {
    matches!(
        payload.trim_ascii(),
        b"" | b"0"
            | b"0.0"
            | b"false"
            | b"null"
            | b"[]"
            | b"{}"
            | b"\"\""
            | b"none"
            | b"None"
            | b"OK"
            | b"ok"
            | b"off"
            | b"OFF"
    )
}

/// A bare number is judged by its key.
fn is_number(payload: &[u8]) -> bool {
    core::str::from_utf8(payload).is_ok_and(|text| number::parse(text.trim()).is_some())
}
