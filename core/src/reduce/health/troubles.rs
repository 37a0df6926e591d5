//! Errors and warnings of a device: which of them count, and which a later message takes back.
//!
//! Invariant: what is judged as a value, or says something else than the device, is no error of it.

use super::channel::{ChannelSlot, MAX_NAME};
use super::device::{DeviceSlot, MAX_TEXT, Trouble};
use super::fields::{self, Value};
use super::names::Cut;
use super::names::Span;
use super::table::Entry;
use super::{Health, presence, values, vitals};
use crate::knowledge::words::{LEVEL, Words};
use crate::payload::hash;
use crate::payload::{Facts, Severity, json};
use crate::reduce::Record;
use core::fmt::Write;
use heapless::String;

/// Whether a warning is only a word that elsewhere tells of a connection: a car whose `charging` is `Disconnected` is there.
fn is_of_another(severity: Severity, subject: &str, word: &str) -> bool {
    severity == Severity::Warning
        && !presence::is_connection(subject)
        && presence::plain_word(word).is_none()
        && presence::word(word).is_some()
}

/// Whether what was judged is an event and no state: a line of a log, graded by a level, or on a topic of such.
fn tells_event(topic: &str, subject: &str) -> bool {
    const EVENTS: [&str; 8] = [
        "event", "events", "log", "logs", "logging", "message", "messages", "result",
    ];
    Words::new(subject).any(|word| word.flags & LEVEL != 0)
        || topic.split('/').any(|level| vitals::is_any(level, &EVENTS))
}

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    pub(super) fn trouble(
        &mut self,
        device: usize,
        topic: Option<usize>,
        record: &Record<'_>,
        facts: &Facts<'_>,
    ) {
        let shape = hash::half(facts.shape).max(1);
        if facts.severity != Severity::Error {
            self.settle(device, topic, shape);
        }
        let Some(reason) = facts.reason.filter(|_| facts.severity != Severity::None) else {
            return;
        };
        if values::is_judged_as_value(reason, record.retain)
            || fields::NAMES.contains(&reason.subject) && record.payload.first() == Some(&b'[')
            || is_of_another(facts.severity, reason.subject, reason.value)
        {
            return;
        }
        let mut why = Cut::<MAX_NAME>(String::new());
        let mut reason = reason;
        if reason.parent.len() + reason.subject.len() > MAX_NAME / 2 {
            // The value says more than what stands around it.
            reason.parent = "";
        }
        let _ = write!(why, "{reason}");
        let known = self.slot(device).and_then(|slot| {
            let topic = topic.and_then(|n| slot.topics.get(n));
            topic.map(|topic| topic.name)
        });
        let new = self
            .slot(device)
            .is_some_and(|slot| !slot.troubles.iter().any(|known| known.kind == facts.kind));
        let topic = match known {
            Some(topic) => topic,
            None if new => self.names.keep(record.topic).unwrap_or_default(),
            None => Default::default(),
        };
        if let Some(slot) = self.slot(device) {
            slot.trouble(Trouble {
                kind: facts.kind,
                severity: facts.severity,
                count: 1,
                first: record.at,
                latest: record.at,
                retained: record.retain,
                topic,
                shape: if tells_event(record.topic, reason.subject) {
                    0
                } else {
                    shape
                },
                settled: false,
                why: why.0,
                sample: sample(record.payload),
            });
        }
    }

    fn settle(&mut self, device: usize, topic: Option<usize>, shape: u32) {
        if let Some(slot) = self.slot(device).filter(|slot| !slot.troubles().is_empty())
            && let Some(topic) = topic.and_then(|n| slot.topics.get(n)).map(|it| it.name)
        {
            slot.settle(topic, shape);
        }
    }
}

impl DeviceSlot {
    /// A message of these paths on this topic of its tells no error.
    pub(super) fn settle(&mut self, topic: Span, shape: u32) {
        for trouble in &mut self.troubles {
            trouble.settled |= trouble.topic == topic && trouble.shape == shape;
        }
    }

    /// One error or warning.
    pub(super) fn trouble(&mut self, trouble: Trouble) {
        let count = match trouble.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
            Severity::None => return,
        };
        *count = count.saturating_add(trouble.count);
        self.adopt(trouble);
    }

    /// Enters a kind whose messages are counted elsewhere.
    pub(super) fn adopt(&mut self, trouble: Trouble) {
        if let Some(known) = self
            .troubles
            .iter_mut()
            .find(|known| known.kind == trouble.kind)
        {
            known.count = known.count.saturating_add(trouble.count);
            known.first = known.first.min(trouble.first);
            known.latest = known.latest.max(trouble.latest);
            known.retained &= trouble.retained;
            known.settled &= trouble.settled;
            known.severity = known.severity.max(trouble.severity);
            return;
        }
        let count = trouble.count;
        let Err(trouble) = self.troubles.push(trouble) else {
            return;
        };
        // An error that finds no room takes the place of a warning.
        let warning = self
            .troubles
            .iter_mut()
            .find(|known| known.severity < trouble.severity);
        let gone = match warning {
            Some(place) => core::mem::replace(place, trouble).count,
            None => count,
        };
        self.more_troubles = self.more_troubles.saturating_add(gone);
    }
}

/// Bytes of a payload in which a message is searched for; one that a person reads is near the front.
const SEARCHED: usize = 64 * 1024;

/// The text of a payload that a person would read: its message if it has one, else its front.
fn sample(payload: &[u8]) -> String<MAX_TEXT> {
    let mut sample = Cut(String::new());
    let text = match core::str::from_utf8(payload) {
        Ok(text) => text.trim(),
        Err(_) => return sample.0,
    };
    let mut message = "";
    let searched = if payload.len() <= SEARCHED {
        payload
    } else {
        &[]
    };
    fields::each("", searched, false, |field| {
        if let Value::Text(found) = field.value
            && message.is_empty()
            && vitals::is_any(
                field.key,
                &["message", "msg", "text", "error", "description"],
            )
            && found.len() > 3
        {
            let start = found.as_ptr().addr().saturating_sub(text.as_ptr().addr());
            message = text.get(start..start + found.len()).unwrap_or("");
        }
    });
    let mut buffer = [0; MAX_TEXT];
    let text = if message.is_empty() {
        text
    } else {
        json::unescape(message, &mut buffer)
    };
    let _ = sample.write_str(text);
    sample.0
}
