//! One pass over a payload: its format, how bad what it tells is, its shape, its numbers and states.
//!
//! [`inspect`] is the door: it takes any topic and any bytes, allocates nothing and never fails. Elsewhere:
//! [`json`] the strict walk, [`stamp()`] the time it tells, `format` and `binary` the other formats, `severity`, `lines`
//! and `prose` the judgement, `topic` what a topic says, [`decode`] what is inside of what is not text, `pass`,
//! `visit` and `judge` the consumer of the walk. Accumulators over many messages are
//! [`crate::reduce`]. Invariant: time is linear in the payload, memory is the stack frame.

mod binary;
mod damage;
pub mod decode;
mod escapes;
mod format;
pub(crate) mod front;
pub(crate) mod hash;
pub mod json;
mod judge;
mod kinds;
pub(crate) mod lenient;
mod lines;
mod memo;
mod metrics;
mod pass;
mod prose;
mod severity;
mod stamp;
mod texts;
mod topic;
mod visit;
mod whole;

pub use damage::Damage;
pub use format::Format;
pub use memo::Memo;
pub use severity::Severity;
pub use stamp::{Stamp, stamp};
pub(crate) use texts::pairs_of;

use crate::knowledge::{tongues, words};
use heapless::Vec;

/// Numbers of one message that are looked at.
pub const MAX_NUMBERS: usize = 32;
/// States of one message that are looked at.
pub const MAX_STATES: usize = 24;

/// What one pass over a message finds.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The best guess.
    pub format: Format,
    /// How sure, in percent.
    pub confidence: u8,
    /// What else it might be.
    pub runner_up: Option<Format>,
    /// What is inside, if it is a wrapping: base64, gzip or zlib.
    pub wraps: Option<Format>,
    /// What the payload holds as JSON or text, if it was decoded: all else is about that.
    pub decoded: Option<decode::Decoded<'a>>,
    /// It is almost JSON, and was read as if it were: bare NaN, single quotes, commas too many.
    pub lenient: bool,
    /// How bad what it tells is.
    pub severity: Severity,
    /// Why, unless nothing is wrong.
    pub reason: Option<Reason<'a>>,
    /// Hash of what stays alike in messages of one kind of topic: the topic with its numbers masked.
    pub class: u64,
    /// Hash of the class and the set of key paths; values are ignored, array indices folded.
    pub shape: u64,
    /// Hash of the class and the text of a problem with its varying parts masked; of use if something is wrong.
    pub kind: u64,
    /// Paths (hashed with the class) and their numbers, the first ones.
    pub numbers: Vec<(u64, f64), MAX_NUMBERS>,
    /// Paths (hashed with the class) and the hashes of their states: short strings and booleans, the first ones.
    pub states: Vec<(u64, u64), MAX_STATES>,
}

/// Why a message was judged so: borrowed from topic and payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reason<'a> {
    /// Key around the key, or empty.
    pub parent: &'a str,
    /// Key, word or level of the topic.
    pub subject: &'a str,
    /// The value that goes with it, as it stands in the payload, or empty.
    pub value: &'a str,
    /// They stand in JSON, whose escapes are resolved where they are shown.
    pub json: bool,
}

/// Bytes of a value that a reason shows.
const REASON_VALUE: usize = 140;

impl core::fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if !self.parent.is_empty() {
            self.show(f, self.parent, 48)?;
            f.write_str(".")?;
        }
        self.show(f, self.subject, 64)?;
        if self.value.is_empty() {
            return Ok(());
        }
        f.write_str(": ")?;
        self.show(f, self.value, REASON_VALUE)?;
        f.write_str(if self.value.len() > REASON_VALUE {
            "…"
        } else {
            ""
        })
    }
}

impl Reason<'_> {
    fn show(&self, f: &mut core::fmt::Formatter<'_>, text: &str, most: usize) -> core::fmt::Result {
        let text = severity::front(text, most);
        if self.json && text.contains('\\') {
            return f.write_str(json::unescape(text, &mut [0; REASON_VALUE]));
        }
        f.write_str(text)
    }
}

impl Facts<'_> {
    /// Of no message; for [`inspect_into`].
    #[inline]
    pub const fn new() -> Self {
        Self {
            format: Format::Empty,
            confidence: 0,
            runner_up: None,
            wraps: None,
            decoded: None,
            lenient: false,
            severity: Severity::None,
            reason: None,
            class: 0,
            shape: 0,
            kind: 0,
            numbers: Vec::new(),
            states: Vec::new(),
        }
    }
}

impl Default for Facts<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// Looks once at a message. Any topic, any bytes; allocates nothing, never fails.
pub fn inspect<'a>(topic: &'a str, payload: &'a [u8]) -> Facts<'a> {
    let mut facts = Facts::new();
    look(&mut facts, topic::Topic::new(topic, 0), payload, None);
    facts
}

/// [`inspect`] for many messages of one stream: remembers what topics and keys say.
#[inline]
pub fn inspect_with<'a>(memo: &mut Memo, topic: &'a str, payload: &'a [u8]) -> Facts<'a> {
    let mut facts = Facts::new();
    inspect_into(&mut facts, memo, topic, payload);
    facts
}

/// [`inspect_with`] into new [`Facts`], which are large enough that moving them is felt.
#[inline]
pub fn inspect_into<'a>(facts: &mut Facts<'a>, memo: &mut Memo, topic: &'a str, payload: &'a [u8]) {
    let topic = memo.topic(topic);
    look(facts, topic, payload, Some(memo));
}

/// [`inspect_into`] of a payload that holds something else than it shows.
#[inline]
pub fn inspect_decoded<'a>(
    facts: &mut Facts<'a>,
    memo: &mut Memo,
    topic: &'a str,
    decoded: decode::Decoded<'a>,
) {
    inspect_into(facts, memo, topic, decoded.text.as_bytes());
    if !decoded.whole && facts.format == Format::JsonInvalid {
        // That its end is missing is no fault of what it is the front of.
        facts.format = facts.runner_up.unwrap_or(Format::Text);
        if facts
            .reason
            .is_some_and(|reason| reason.subject == pass::CUT)
        {
            (facts.severity, facts.reason, facts.kind) = (Severity::None, None, 0);
        }
    }
    let wrapping = [
        Format::Base64,
        Format::Gzip,
        Format::Zlib,
        Format::Utf16,
        Format::Latin1,
    ];
    facts.wraps = wrapping.contains(&decoded.format).then_some(facts.format);
    facts.format = decoded.format;
    if let Some(damage) = decoded.damage {
        let found = (facts.severity, facts.reason);
        (facts.severity, facts.reason) = whole::or_worse(damage, found, facts.format);
        let subject = facts.reason.map_or("", |reason| reason.subject);
        facts.kind = hash::bytes(facts.class, subject.as_bytes()).max(1);
    }
    (facts.confidence, facts.runner_up) = (95, None);
    facts.decoded = Some(decoded);
}

impl Facts<'_> {
    /// What is shown of a payload and judged, and its bytes in all: more than are there if it was decoded in part.
    pub fn content<'p>(&'p self, payload: &'p [u8]) -> (&'p [u8], usize) {
        match &self.decoded {
            Some(decoded) => {
                let text = decoded.text.as_bytes();
                (text, text.len() + usize::from(!decoded.whole))
            }
            None => (payload, payload.len()),
        }
    }

    /// Format of what [`Facts::content`] is.
    pub fn content_format(&self) -> Format {
        match (&self.decoded, self.wraps) {
            (None, _) => self.format,
            (Some(_), Some(inside)) => inside,
            // Decoders write objects and arrays.
            (Some(decoded), None) if decoded.text.starts_with('[') => Format::JsonArray,
            (Some(_), None) => Format::JsonObject,
        }
    }
}

#[inline]
fn look<'a>(
    facts: &mut Facts<'a>,
    topic: topic::Topic<'a>,
    payload: &'a [u8],
    memo: Option<&mut Memo>,
) {
    facts.numbers.clear();
    facts.states.clear();
    facts.decoded = None;
    let mut pass = pass::Pass::new(topic, memo, &mut facts.numbers, &mut facts.states);
    (facts.format, facts.confidence, facts.runner_up) = pass.payload(payload);
    facts.lenient = pass.lenient;
    facts.wraps = decode::inside(facts.format, payload);
    if facts.wraps.is_some() {
        facts.confidence = facts.confidence.max(95);
    }
    (facts.severity, facts.reason) = pass.judgement(payload);
    if let Some(damage) = whole::of(facts.format, payload) {
        let found = (facts.severity, facts.reason);
        (facts.severity, facts.reason) = whole::or_worse(damage, found, facts.format);
    } else if let Some(reason) = &mut facts.reason {
        reason.json = matches!(
            facts.format,
            Format::JsonObject | Format::JsonArray | Format::JsonString
        );
    }
    facts.class = topic.says.class;
    facts.shape = pass.shape(facts.format);
    facts.kind = if facts.severity == Severity::None {
        0
    } else {
        pass.kind(facts.reason.as_ref())
    };
}

/// A control character that no text has: neither layout nor the escape of colours.
const fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x1b | 0x0c)
}

#[cfg(test)]
mod invented;
#[cfg(test)]
mod judged;
#[cfg(test)]
pub(crate) mod tests;
