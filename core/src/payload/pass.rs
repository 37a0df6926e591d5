//! The consumer of the walk: its state, and the order in which formats are tried.
//!
//! Elsewhere: what it does at each event (`visit`), the judgement (`judge`), texts that are not JSON (`texts`).

use super::format::{self, Format, Guess};
use super::front::{self, Rest};
use super::json::{Fault, Scalar};
use super::judge::MaxWith;
use super::lenient;
use super::memo::Memo;
use super::severity::{self, Severity};
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

/// Bytes of a text that is not JSON from which its kind is told, and what is wrong. Looking costs up to 300 instructions a
/// byte, and a task that reads a message answers nobody.
const LOOKED_AT: usize = 64 * 1024;

/// What is said of JSON whose end is missing.
pub(super) const CUT: &str = "JSON is cut off";

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
    /// It says that it is switched off.
    pub(super) off: bool,
    /// The key of what in it is not connected, which is wrong if it is switched on.
    pub(super) away: Option<&'a str>,
}

/// The state of one pass.
pub(super) struct Pass<'t, 'a> {
    pub(super) topic: Topic<'a>,
    pub(super) memo: Option<&'t mut Memo>,
    pub(super) seed: u64,
    /// The payload.
    pub(super) whole: &'a [u8],
    pub(super) frames: Vec<Frame<'a>, FRAMES>,
    pub(super) deeper: u32,
    pub(super) key: &'a str,
    pub(super) flags: Flags,
    pub(super) path: u64,
    /// Sum over paths outside arrays, each seen once.
    pub(super) once: u64,
    /// Set of paths inside arrays.
    pub(super) often: [u64; 4],
    /// Gathered where they are wanted, because they are too large to be handed on.
    pub(super) numbers: &'t mut Vec<(u64, f64), MAX_NUMBERS>,
    pub(super) states: &'t mut Vec<(u64, u64), MAX_STATES>,
    /// The worst so far that holds whatever else is said.
    pub(super) hard: Found<'a>,
    /// The worst so far that a quiet level or an end of the problem would take back.
    pub(super) soft: Found<'a>,
    pub(super) quiet: bool,
    pub(super) over: bool,
    /// It calls itself a warning.
    pub(super) minor: bool,
    pub(super) has_text: bool,
    /// A numeric level as some loggers write it, of use if there is a text too.
    pub(super) numeric_level: Option<(&'a str, &'a str)>,
    /// A level that is a setting, unless there is a text too.
    pub(super) log_level: Option<(&'a str, &'a str)>,
    /// The first prose, with the keys around it and before it.
    pub(super) prose: Option<Reason<'a>>,
    /// What an error calls itself.
    pub(super) named: Option<Reason<'a>>,
    pub(super) kind: u64,
    /// It is almost JSON.
    pub(super) lenient: bool,
}

pub(super) type Found<'a> = (Severity, Option<Reason<'a>>);

/// Mostly letters, though there are control characters among them: a bell, the keys of a terminal.
fn is_legible(text: &str) -> bool {
    let letters = text
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == ' ')
        .count();
    let words = text
        .split(|c: char| !c.is_ascii_alphabetic())
        .any(|word| word.len() >= 4);
    words && letters * 3 >= text.chars().count() * 2
}

impl<'t, 'a> Pass<'t, 'a> {
    pub(super) fn new(
        topic: Topic<'a>,
        memo: Option<&'t mut Memo>,
        numbers: &'t mut Vec<(u64, f64), MAX_NUMBERS>,
        states: &'t mut Vec<(u64, u64), MAX_STATES>,
    ) -> Self {
        Self {
            topic,
            seed: memo.as_ref().map_or(0, |memo| memo.seed),
            memo,
            frames: Vec::new(),
            deeper: 0,
            key: topic.subject(),
            flags: topic.says.key,
            path: topic.says.class,
            once: 0,
            often: [0; 4],
            numbers,
            states,
            hard: (Severity::None, None),
            soft: (Severity::None, None),
            quiet: false,
            over: false,
            minor: false,
            has_text: false,
            numeric_level: None,
            log_level: None,
            prose: None,
            named: None,
            whole: &[],
            kind: 0,
            lenient: false,
        }
    }

    /// Goes through the payload.
    pub(super) fn payload(&mut self, payload: &'a [u8]) -> Guess {
        self.whole = payload;
        if payload.is_empty() {
            return (Format::Empty, 100, None);
        }
        let Ok(text) = core::str::from_utf8(payload) else {
            if self.topic.says.sparkplug {
                return (Format::SparkplugB, 90, Some(Format::Protobuf));
            }
            return binary::guess(payload);
        };
        // Programs in C send the zero behind their strings.
        let text = text.trim_end_matches('\0');
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let first = text.trim_ascii_start().bytes().next().unwrap_or(b' ');
        if matches!(
            first,
            b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'
        ) && !(first.is_ascii_digit() && format::is_digits(text))
        {
            match front::walk_front(text, self, Rest::Check) {
                Ok(()) => return self.json(first),
                Err(fault) if matches!(first, b'{' | b'[') => {
                    return self.broken(first, fault, text);
                }
                Err(_) => {}
            }
        }
        if text.bytes().any(super::is_control) || text.is_empty() {
            if self.topic.says.sparkplug {
                return (Format::SparkplugB, 90, None);
            }
            let guess = binary::guess(payload);
            if guess.0 != Format::Binary || !is_legible(text) {
                return guess;
            }
        }
        let front = severity::front(text, LOOKED_AT);
        let guess = format::text(front);
        self.text(guess.0, front);
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
                json: false,
            })
        };
        match fault {
            Fault::Limit => (format, 60, Some(Format::Text)),
            Fault::End if self.once != 0 || first == b'[' => {
                self.hard = (Severity::Error, reason(CUT));
                (Format::JsonInvalid, 85, Some(format))
            }
            Fault::Syntax(at) if self.frames.is_empty() && json_lines(text, at) => {
                (Format::JsonLines, 90, Some(Format::Text))
            }
            _ if text.len() <= LOOKED_AT
                && let Some(slip) = lenient::slip(text) =>
            {
                self.forget();
                let _ = lenient::walk(text, self);
                self.lenient = true;
                let warning = (Severity::Warning, reason(slip.name()));
                self.hard = self.hard.max_with(warning);
                (format, 80, Some(Format::Text))
            }
            _ => {
                if self.once != 0 {
                    self.hard = self
                        .hard
                        .max_with((Severity::Warning, reason("JSON is malformed")));
                }
                let front = severity::front(text, LOOKED_AT);
                let (guess, confidence, runner) = format::text(front);
                self.text(guess, front);
                // Members came, or a name without quotes, and it ends as it began: meant as JSON.
                let close = if first == b'{' { '}' } else { ']' };
                let meant = self.once != 0 || text.contains(':') && !text.contains('=');
                if meant && text.trim_end().ends_with(close) {
                    return (Format::JsonInvalid, 75, Some(guess));
                }
                (guess, confidence.min(60), runner.or(Some(format)))
            }
        }
    }

    /// Takes back what was found in a payload that is to be read anew.
    fn forget(&mut self) {
        self.frames.clear();
        self.numbers.clear();
        self.states.clear();
        self.deeper = 0;
        (self.once, self.often, self.kind) = (0, [0; 4], 0);
        (self.key, self.flags) = (self.topic.subject(), self.topic.says.key);
        self.path = self.topic.says.class;
        (self.hard, self.soft) = ((Severity::None, None), (Severity::None, None));
        (self.quiet, self.over, self.minor, self.has_text) = (false, false, false, false);
        (self.numeric_level, self.log_level) = (None, None);
        (self.prose, self.named) = (None, None);
    }

    /// Makes `key` inside `path` the current one.
    #[inline]
    pub(super) fn set_key(&mut self, path: u64, key: &'a str) {
        let hash = hash::bytes(self.seed, key.as_bytes()).max(1);
        self.key = key;
        self.path = hash::mix(path, hash);
        self.flags = match &mut self.memo {
            Some(memo) => memo.key(hash, key),
            None => severity::key(key),
        };
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
            hash::mix(self.topic.says.class, self.once),
            often ^ format.index() as u64,
        )
    }

    /// Hash of class and masked text.
    pub(super) fn kind(&self, reason: Option<&Reason<'_>>) -> u64 {
        let subject = reason.map_or(0, |reason| masked(5, reason.subject.as_bytes()));
        hash::mix(self.topic.says.class ^ self.kind, subject)
    }
}
