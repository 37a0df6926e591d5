//! What descriptions say that a word means: by Home Assistant's `device_class`, `ON` of a smoke sensor is an alarm, of a
//! battery a low one, of a connection a good sign, and of a window nothing.
//!
//! Elsewhere: the rest of the description (`discovery`), words of availability (`availability`). Invariant: a word means
//! something on the topic, and in the member, that its description names, and nowhere else.

use super::Health;
use super::channel::ChannelSlot;
use super::device::DeviceSlot;
use super::fields::{Field, Value};
use super::hear::At;
use super::names::Cut;
use super::names::Span;
use super::presence::Connection;
use super::table::Entry;
use super::view::Device;
use crate::payload::hash;
use crate::reduce::Record;
use crate::time::Instant;
use core::fmt::Write;
use heapless::String;

/// Alarms of a device that are told apart.
pub(super) const MAX_ALARMS: usize = 2;
/// Bytes of a word that are kept.
const WORD: usize = 16;

/// Classes whose word for on is an alarm.
const ALARMS: [&str; 9] = [
    "smoke",
    "moisture",
    "gas",
    "carbon_monoxide",
    "problem",
    "safety",
    "tamper",
    "heat",
    "cold",
];

/// What a word of a description is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Class {
    /// Of nothing that is judged.
    #[default]
    None,
    /// One of [`ALARMS`].
    Alarm(u8),
    Battery,
    Connectivity,
}

impl Class {
    /// The class of this name.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "battery" => Self::Battery,
            "connectivity" => Self::Connectivity,
            _ => {
                let alarm = ALARMS.iter().position(|alarm| *alarm == name);
                let alarm = alarm.and_then(|n| u8::try_from(n).ok());
                alarm.map_or(Self::None, Self::Alarm)
            }
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Alarm(n) => ALARMS.get(usize::from(n)).copied().unwrap_or(""),
            Self::Battery => "battery",
            Self::Connectivity => "connectivity",
            Self::None => "",
        }
    }
}

/// An alarm that a description told of, and whether it stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Alarm {
    watch: u64,
    pub(super) class: Class,
    on: bool,
    pub(super) since: Instant,
    topic: Span,
    pub(super) word: String<WORD>,
}

impl Alarm {
    /// Whether it stands.
    pub(super) fn stands(&self) -> bool {
        self.on
    }
}

/// What a description says of one sensor.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Sensor<'a> {
    pub(super) state: &'a str,
    pub(super) class: &'a str,
    pub(super) on: Option<&'a str>,
    pub(super) template: &'a str,
}

/// Of one text several hashes are made.
const WATCH: u64 = 0x616c;

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    fn watch(&self, topic: &str, member: &str) -> u64 {
        let topic = hash::bytes(self.seed ^ WATCH, topic.as_bytes());
        hash::mix(topic, hash::bytes(self.seed, member.as_bytes()))
    }

    /// Learns that on `topic`, in `member`, the word `on` is of `class`.
    pub(super) fn learn_class(
        &mut self,
        device: usize,
        topic: &str,
        member: &str,
        (class, on): (Class, &str),
        at: Instant,
    ) {
        if class == Class::None {
            return;
        }
        let watch = self.watch(topic, member);
        if !self.put_class(watch, device, class) {
            return;
        }
        let word = hash::mix(watch, hash::bytes(self.seed, on.as_bytes()));
        self.put_class(word, device, class);
        // A retained state may have come before its description.
        let (seed, hash) = (self.seed, hash::bytes(self.seed, topic.as_bytes()));
        let known = self.slot(device).and_then(|slot| {
            let known = slot.topics.iter().find(|known| known.hash == hash)?;
            Some(member.is_empty() && known.word == hash::bytes(seed, on.as_bytes()))
        });
        if known == Some(true) {
            self.alarm(device, (watch, class), true, (topic, on), at);
        }
    }

    /// Looks whether a value is one that a description gave a meaning.
    pub(super) fn by_description(&mut self, at: At, record: &Record<'_>, field: Field<'_>) {
        let member = if field.depth == 0 { "" } else { field.key };
        if field.depth > 1 || self.classes == 0 {
            return;
        }
        let watch = self.watch(record.topic, member);
        let Some((device, class)) = self.class_of(watch) else {
            return;
        };
        let mut text = Cut::<WORD>::default();
        let (word, other) = match field.value {
            Value::Text(word) => (word, ""),
            // Templates write booleans as Python does.
            Value::Bool(true) => ("true", "True"),
            Value::Bool(false) => ("false", "False"),
            Value::Number(number) => {
                let _ = write!(text, "{number}");
                (text.0.as_str(), "")
            }
            Value::Nothing(_) | Value::Object => return,
        };
        let means = |word: &str| {
            self.class_of(hash::mix(watch, hash::bytes(self.seed, word.as_bytes())))
                .is_some()
        };
        let on = means(word) || !other.is_empty() && means(other);
        match class {
            Class::None => {}
            Class::Battery => {
                if let Some(slot) = self.slot(device) {
                    slot.battery_low = on;
                }
            }
            Class::Connectivity => {
                let state = if on {
                    Connection::Online
                } else {
                    Connection::Offline
                };
                self.connection(At { device, ..at }, state, record);
            }
            Class::Alarm(_) => {
                self.alarm(device, (watch, class), on, (record.topic, word), record.at);
            }
        }
    }

    fn alarm(
        &mut self,
        device: usize,
        (watch, class): (u64, Class),
        on: bool,
        (topic, word): (&str, &str),
        at: Instant,
    ) {
        let known = self
            .slot(device)
            .is_some_and(|slot| slot.alarms.iter().any(|known| known.watch == watch));
        if !known {
            let full = self.slot(device).is_none_or(|slot| slot.alarms.is_full());
            let Some(topic) = Some(topic).filter(|_| on && !full) else {
                return;
            };
            let Some(topic) = self.names.keep(topic) else {
                return;
            };
            if let Some(slot) = self.slot(device) {
                let _ = slot.alarms.push(Alarm {
                    watch,
                    class,
                    topic,
                    ..Alarm::default()
                });
            }
        }
        let Some(slot) = self.slot(device) else {
            return;
        };
        if let Some(alarm) = slot.alarms.iter_mut().find(|known| known.watch == watch) {
            if on && !alarm.on {
                let mut kept = Cut::default();
                let _ = kept.write_str(word);
                (alarm.since, alarm.word) = (at, kept.0);
            }
            alarm.on = on;
        }
    }
}

impl<'h, B: AsMut<[u8]> + AsRef<[u8]>> Device<'h, B> {
    pub(super) fn told_on(&self, alarm: &Alarm) -> &'h str {
        self.names.get(alarm.topic)
    }
}
