//! The consumer of the walk: judges pairs of key and value, and gathers shape, numbers and states on the way.
//!
//! Texts that are not JSON but hold pairs (XML, `key=value`, line protocol) go through the same judgement.

use super::format::{self, Format, Guess};
use super::json::{self, Fault, Scalar, Text};
use super::memo::Memo;
use super::severity::{self, Severity, Told};
use super::texts::json_lines;
use super::topic::{Topic, masked};
use super::words::*;
use super::{MAX_NUMBERS, MAX_STATES, Reason, binary, hash};
use heapless::Vec;

/// Containers inside one another whose keys are told apart; deeper ones count as this one.
const FRAMES: usize = 24;
/// Inside something that is configured or asked for.
pub(super) const ASKED: Flags = 1 << 30;
/// Inside something whose key names a problem.
pub(super) const WITHIN: Flags = 1 << 29;

/// One container.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) path: u64,
    pub(super) key: &'a str,
    pub(super) flags: Flags,
    pub(super) object: bool,
    /// Inside an array, where paths come again.
    pub(super) again: bool,
    /// `"name": "Fault"` waits for `"value": true`, or the other way round.
    pub(super) name: Option<&'a str>,
    pub(super) value: Option<Scalar<'a>>,
}

/// The state of one pass.
pub(super) struct Pass<'t, 'a> {
    pub(super) topic: Topic<'a>,
    memo: Option<&'t mut Memo>,
    pub(super) seed: u64,
    pub(super) frames: Vec<Frame<'a>, FRAMES>,
    pub(super) deeper: u32,
    pub(super) key: &'a str,
    pub(super) flags: Flags,
    pub(super) path: u64,
    /// Sum over paths outside arrays, each seen once.
    pub(super) once: u64,
    /// Set of paths inside arrays.
    pub(super) often: [u64; 4],
    pub(super) numbers: Vec<(u64, f64), MAX_NUMBERS>,
    pub(super) states: Vec<(u64, u64), MAX_STATES>,
    /// The worst so far that holds whatever else is said.
    hard: Found<'a>,
    /// The worst so far that a quiet level or an end of the problem would take back.
    soft: Found<'a>,
    quiet: bool,
    over: bool,
    has_text: bool,
    /// A numeric level as some loggers write it, of use if there is a text too.
    numeric_level: Option<(&'a str, &'a str)>,
    /// A level that is a setting, unless there is a text too.
    log_level: Option<(&'a str, &'a str)>,
    kind: u64,
}

type Found<'a> = (Severity, Option<Reason<'a>>);

impl<'t, 'a> Pass<'t, 'a> {
    pub(super) fn new(topic: Topic<'a>, memo: Option<&'t mut Memo>) -> Self {
        Self {
            topic,
            seed: memo.as_ref().map_or(0, |memo| memo.seed),
            memo,
            frames: Vec::new(),
            deeper: 0,
            key: topic.subject(),
            flags: topic.says.key & !CODE,
            path: topic.says.class,
            once: 0,
            often: [0; 4],
            numbers: Vec::new(),
            states: Vec::new(),
            hard: (Severity::None, None),
            soft: (Severity::None, None),
            quiet: false,
            over: false,
            has_text: false,
            numeric_level: None,
            log_level: None,
            kind: 0,
        }
    }

    /// Goes through the payload.
    pub(super) fn payload(&mut self, payload: &'a [u8]) -> Guess {
        if payload.is_empty() {
            return (Format::Empty, 100, None);
        }
        let Ok(text) = core::str::from_utf8(payload) else {
            if self.topic.says.sparkplug {
                return (Format::SparkplugB, 90, Some(Format::Protobuf));
            }
            return binary::guess(payload);
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let first = text.trim_ascii_start().bytes().next().unwrap_or(b' ');
        if matches!(
            first,
            b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'
        ) {
            match json::walk(text, self) {
                Ok(()) => return self.json(first),
                Err(fault) if matches!(first, b'{' | b'[') => {
                    return self.broken(first, fault, text);
                }
                Err(_) => {}
            }
        }
        if payload
            .iter()
            .any(|&b| b < 0x20 && !matches!(b, b'\n' | b'\r' | b'\t' | 0x1b | 0x0c))
        {
            return if self.topic.says.sparkplug {
                (Format::SparkplugB, 90, None)
            } else {
                binary::guess(payload)
            };
        }
        let guess = format::text(text);
        self.text(guess.0, text);
        guess
    }

    fn json(&self, first: u8) -> Guess {
        let format = match first {
            b'{' => Format::JsonObject,
            b'[' => Format::JsonArray,
            b'"' => Format::JsonString,
            b't' | b'f' => Format::Bool,
            b'n' => Format::Null,
            _ => return (Format::Number, 99, Some(Format::Text)),
        };
        (format, 100, None)
    }

    /// Begins as JSON and is not.
    fn broken(&mut self, first: u8, fault: Fault, text: &'a str) -> Guess {
        let format = if first == b'{' {
            Format::JsonObject
        } else {
            Format::JsonArray
        };
        let reason = |subject| {
            Some(Reason {
                parent: "",
                subject,
                value: "",
            })
        };
        match fault {
            Fault::Limit => (format, 60, Some(Format::Text)),
            Fault::End if self.once != 0 || first == b'[' => {
                self.hard = (Severity::Error, reason("JSON is cut off"));
                (format, 60, Some(Format::Text))
            }
            Fault::Syntax(at) if first == b'{' && json_lines(text, at) => {
                (Format::JsonLines, 90, Some(Format::Text))
            }
            _ => {
                if self.once != 0 {
                    self.hard = self
                        .hard
                        .max_with((Severity::Warning, reason("JSON is malformed")));
                }
                let (format, confidence, runner) = format::text(text);
                self.text(format, text);
                (
                    format,
                    confidence.min(60),
                    runner.or(Some(Format::JsonObject)),
                )
            }
        }
    }

    /// Makes `key` inside `path` the current one.
    #[inline]
    pub(super) fn set_key(&mut self, path: u64, key: &'a str) {
        let hash = hash::bytes(self.seed, key.as_bytes());
        self.key = key;
        self.path = hash::mix(path, hash);
        self.flags = match &mut self.memo {
            Some(memo) => memo.key(hash, || severity::key(key)),
            None => severity::key(key),
        };
    }

    /// What a value tells under a key that says `flags`.
    fn told(&mut self, flags: Flags, value: Scalar<'a>) -> Told {
        if flags & (CODE | TYPED | VALUE) != 0
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
                let hash = hash::bytes(self.seed ^ u64::from(flags), raw.as_bytes());
                memo.value(hash, || severity::pair(flags, value))
            }
            _ => severity::pair(flags, value),
        }
    }

    /// One scalar under the current key.
    #[inline]
    pub(super) fn judge(&mut self, value: Scalar<'a>) {
        let telling = match value {
            Scalar::Null => 0,
            Scalar::Bool(_) => PROBLEM | HINT | DANGER | GOOD | BATTERY | WITHIN | PLAIN | OVER,
            Scalar::Number(number) if self.flags & HEAT != 0 && number.starts_with("-127") => HEAT,
            Scalar::Number(_) => PROBLEM | HINT | GOOD | STATUS | CODE | LEVEL | WITHIN,
            Scalar::String(_) => !(HEAT | PLAIN | SETTING | NAME),
        };
        if self.flags & telling != 0 && self.flags & ASKED == 0 {
            self.judge_telling(value);
        }
    }

    fn judge_telling(&mut self, value: Scalar<'a>) {
        let flags = self.flags;
        let within = flags & WITHIN != 0 && flags & (NAME | SETTING) == 0;
        let told =
            within && (flags & (PLAIN | TEXT | CODE) != 0 || matches!(value, Scalar::Bool(_)));
        let flags = if told { flags | PROBLEM } else { flags };
        match value {
            Scalar::String(text) if flags & (TEXT | PROBLEM) != 0 => {
                self.has_text |= flags & TEXT != 0;
                self.tell_text(text.raw);
            }
            Scalar::Number(number) if flags & (PROBLEM | CODE) != 0 => {
                let hash = hash::bytes(self.path, number.as_bytes());
                self.kind = self.kind.wrapping_add(hash);
            }
            _ => {}
        }
        if flags & LEVEL != 0 && flags & HINT != 0 {
            self.log_level = Some((self.key, raw(value)));
            return;
        }
        if let (Scalar::Number(number), true) = (value, flags & LEVEL != 0) {
            self.numeric_level = Some((self.key, number));
        }
        let Told {
            severity,
            quiet,
            over,
        } = self.told(flags, value);
        self.quiet |= quiet;
        self.over |= over || self.ends(value);
        let soft = flags & (TEXT | CAUSE) != 0 && flags & (PROBLEM | STATUS | RESTART) == 0
            || flags & LEVEL != 0
            || told;
        if severity != Severity::None {
            self.found(!soft, severity, self.key, raw(value));
        }
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
            (_, Scalar::String(text)) if self.flags & TYPED != 0 => {
                let mut words = Words::new(text.raw);
                let wrong = words.next().is_some_and(|word| word.flags & WRONG != 0);
                Some(if wrong && words.next().is_none() {
                    Severity::Error
                } else {
                    Severity::None
                })
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
        let parent = match self.frames.last() {
            Some(frame) if frame.key != subject && self.frames.len() > 1 => frame.key,
            _ => "",
        };
        let found = (
            severity,
            Some(Reason {
                parent,
                subject,
                value,
            }),
        );
        let place = if hard { &mut self.hard } else { &mut self.soft };
        *place = place.max_with(found);
    }

    /// All things considered.
    pub(super) fn judgement(&mut self, payload: &'a [u8]) -> Found<'a> {
        if let (Some((key, number)), true) = (self.numeric_level, self.has_text) {
            let severity = numeric_level(key, number);
            self.quiet |= severity == Severity::None;
            self.found(false, severity, key, number);
        }
        if let (Some((key, level)), true) = (self.log_level, self.has_text) {
            let severity = severity::level(level).unwrap_or_default();
            self.quiet |= severity == Severity::None;
            self.found(false, severity, key, level);
        }
        let mut worst = self.hard;
        if !self.quiet && !self.over {
            worst = worst.max_with(self.soft);
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
            };
            if worst.0 < severity {
                worst = (severity, Some(said));
            }
        }
        worst
    }

    /// Hash of class and key paths.
    pub(super) fn shape(&self, format: Format) -> u64 {
        let [a, b, c, d] = self.often;
        let often = if a | b | c | d == 0 {
            0
        } else {
            hash::mix(hash::mix(a, b), hash::mix(c, d))
        };
        hash::mix(
            self.topic.says.class ^ self.once,
            often ^ format.index() as u64,
        )
    }

    /// Hash of class and masked text.
    pub(super) fn kind(&self, reason: Option<&Reason<'_>>) -> u64 {
        let subject = reason.map_or(0, |reason| masked(5, reason.subject.as_bytes()));
        hash::mix(self.topic.says.class ^ self.kind, subject)
    }
}

trait MaxWith {
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
    core::str::from_utf8(payload).is_ok_and(|text| text.trim().parse::<f64>().is_ok())
}
