//! A table of devices: who speaks, how its connection, its rhythm, its readings and its errors are, and what of that
//! is a fault.
//!
//! Read in this order: `dialect` and `generic` (which device a topic belongs to), `device` (what is known of one),
//! `hear` and `metrics` (what a message adds), `judge` (faults and score). Elsewhere: `presence`, `vitals`, `channel`, `clock` are
//! the parts of a device; `fields`, `sparkplug`, `connected`, `discovery`, `tasmota` and `availability` read
//! payloads, `plain` those that are no JSON; `pattern` finds devices by name; `words` says findings.
//! Invariant: a fault is told only with evidence of this device; what is ambiguous costs nothing. At most as many
//! devices, channels and bytes of names as the caller gave room for; what finds none is counted.

mod availability;
mod channel;
mod classes;
mod clock;
mod connected;
mod deeds;
mod device;
mod dialect;
mod discovery;
mod evidence;
mod field;
mod fields;
mod generic;
mod hear;
mod judge;
mod marks;
mod metrics;
mod names;
mod nature;
mod pattern;
mod plain;
mod presence;
mod readings;
mod sleep;
mod speakers;
mod still;
mod table;
mod tasmota;
mod troubles;
mod twins;
mod values;
mod verdicts;
mod view;
mod vitals;
mod words;

pub use channel::{ChannelSlot, Jump, MAX_NAME};
pub use clock::{Clock, Off};
pub use device::{DeviceSlot, MAX_TEXT, MAX_TOPICS, MAX_TROUBLES, Trouble};
pub use dialect::{Dialect, MAX_ID};
pub use evidence::Standing;
pub use judge::{Cause, Finding, MAX_FINDINGS, score};
pub use marks::Retyped;
pub use pattern::{MAX_PATTERN, Pattern};
pub use presence::{Change, Connection, MAX_CHANGES, Presence};
pub use table::Entry;
pub use view::Device;
pub use vitals::{Reading, Uptime, Vital};

use super::{Distinct, Record};
use crate::payload::{Facts, Severity};
use crate::time::Instant;
use dialect::Role;
use names::Names;

/// Channels of one device at most, so that one cannot take the room of all.
pub const MAX_CHANNELS: u16 = 32;

/// Bytes and members of an object that is one reading: a value with its time, its unit and a mark.
const READING: (usize, usize) = (160, 4);

/// Whether an object is one reading: `{"value":21.5,"time":1700000000}` says no more than `21.5`.
fn is_reading(payload: &[u8]) -> bool {
    let (bytes, members) = READING;
    let has = |member: &[u8]| payload.windows(member.len()).any(|it| it == member);
    payload.len() <= bytes
        && payload.first() == Some(&b'{')
        && has(b"\"value\":")
        && !has(b"\"name\":")
        && payload.windows(2).filter(|it| it == b"\":").count() <= members
}

/// What stands for the payload where its topic is placed: its first byte, but that of a number for an object that is one
/// reading, and [`generic::SEVERAL`] for a text of several values.
fn first_of(payload: &[u8]) -> u8 {
    let payload = payload.trim_ascii();
    match payload.first().copied().unwrap_or(0) {
        b'{' if is_reading(payload) => b'0',
        first if generic::is_several(first, payload) => match generic::is_record(first, payload) {
            true => generic::RECORD,
            false => generic::SEVERAL,
        },
        first => first,
    }
}

/// The table, over slots for devices `D`, an index `I`, slots for channels `C` and an arena `B` for names.
#[derive(Debug)]
pub struct Health<D, I, C, B> {
    devices: D,
    used: usize,
    index: I,
    entries: usize,
    channels: C,
    channels_used: usize,
    names: Names<B>,
    pattern: Pattern,
    seed: u64,
    /// Microseconds since 1970 when the message came that is taken.
    wall_us: Option<u64>,
    /// Nobody listens since then.
    paused: Option<Instant>,
    missed: u64,
    /// Ids that found no room: those that are asked for, the others.
    beyond: [Distinct; 2],
    channels_missed: u64,
    /// Entries of the index that are of descriptions; of these, words.
    described: u64,
    words: u64,
    /// Entries of the index that are of values with a meaning of their own.
    classes: u64,
}

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// An empty table. `index`: empty, its length a power of two, four times the devices suit. `names`: 512 bytes a
    /// device suit. `seed` should be random. Devices that do not fit `pattern` leave a quarter of the room to those
    /// that do.
    pub fn new(room: (D, I, C, B), pattern: Pattern, seed: u64) -> Self {
        let (devices, index, channels, names) = room;
        Self {
            devices,
            used: 0,
            index,
            entries: 0,
            channels,
            channels_used: 0,
            names: Names::new(names),
            pattern,
            seed,
            wall_us: None,
            paused: None,
            missed: 0,
            beyond: Default::default(),
            channels_missed: 0,
            described: 0,
            words: 0,
            classes: 0,
        }
    }

    /// Takes one message and what one pass over it found; `wall_us`: when it came, in microseconds since 1970, if
    /// clocks are to be compared.
    pub fn record(&mut self, record: &Record<'_>, facts: &Facts<'_>, wall_us: Option<u64>) {
        if self.paused.take().is_some() {
            self.unheard(record.at);
        }
        self.wall_us = wall_us;
        let first = first_of(record.payload);
        let place = {
            let ask = |id: &str| self.known(id);
            dialect::place(record.topic, first, &ask)
        };
        let Some(place) = place else {
            return;
        };
        if place.role == Role::Discovery {
            match place.dialect {
                Dialect::Tasmota => self.discover_tasmota(record),
                _ => self.discover(record),
            }
            return;
        }
        let (dialect, mut role) = (place.dialect, place.role);
        let routed = if matches!(dialect, Dialect::Generic | Dialect::HomeAssistant) {
            self.routed(record.topic)
        } else {
            None
        };
        match routed {
            Some((_, Some(true))) => role = Role::Presence,
            Some((_, Some(false))) if role == Role::Presence => role = Role::Data,
            _ => {}
        }
        let urgent = self.is_urgent(role, record, facts);
        let entered = match routed {
            Some((device, _)) => Some(device),
            None => self.enter(&place.id, dialect, urgent),
        };
        match entered {
            Some(device) => {
                let speaker = match role {
                    Role::Data => self.speaker(device, record, facts, urgent),
                    _ => None,
                };
                if speaker.is_some() && !record.retain {
                    // Who hands on what others say is alive as long as they speak.
                    let topic = self.topic_of(device, record.topic);
                    if let Some(slot) = self.slot(device) {
                        slot.beat(record.at, topic);
                    }
                }
                self.hear(speaker.unwrap_or(device), role, record, facts);
            }
            None => self.missed += 1,
        }
    }

    /// Nobody listens from `at` to the next message: silences and gaps until then say nothing.
    pub fn pause(&mut self, at: Instant) {
        self.paused.get_or_insert(at);
    }

    fn unheard(&mut self, until: Instant) {
        let used = self.used;
        for device in self.devices.as_mut().iter_mut().take(used) {
            device.unheard(until);
        }
    }

    /// The devices in order of first sight.
    pub fn devices(&self) -> impl Iterator<Item = Device<'_, B>> {
        (0..self.used).filter_map(|n| self.device(n))
    }

    /// The devices that are asked for: those that fit best, and what stands below a device of that name. Whoever has the
    /// whole name beats parts of names.
    pub fn wanted(&self) -> impl Iterator<Item = Device<'_, B>> {
        let best = self.devices().map(|device| device.fit()).max().unwrap_or(0);
        let least = pattern::least(best);
        self.devices().filter(move |device| device.fit() >= least)
    }

    /// The devices that another pattern than the one at the beginning asks for, by what is still known of them.
    pub fn named<'a>(&'a self, pattern: &'a Pattern) -> impl Iterator<Item = Device<'a, B>> {
        let fit = move |device: &Device<'a, B>| {
            let topics = device
                .topics()
                .map(|(topic, _, _)| pattern.fit(topic))
                .max();
            let name = device.name().map(|name| pattern.fit(name));
            pattern
                .fit(device.id())
                .max(topics.unwrap_or(0))
                .max(name.unwrap_or(0))
        };
        let best = self.devices().map(|device| fit(&device)).max().unwrap_or(0);
        let least = pattern::least(best);
        self.devices().filter(move |device| fit(device) >= least)
    }

    /// Messages of devices that found no room.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// About how many devices found no room, and how many of these are asked for by their id. Never more than their
    /// messages.
    pub fn beyond(&self) -> (u64, u64) {
        let [wanted, others] = &self.beyond;
        let wanted = wanted.estimate().min(self.missed);
        (
            wanted.saturating_add(others.estimate()).min(self.missed),
            wanted,
        )
    }

    /// Numbers that found no room and are not watched, each time they came.
    pub fn channels_missed(&self) -> u64 {
        self.channels_missed
    }

    fn device(&self, n: usize) -> Option<Device<'_, B>> {
        let slot = self.devices.as_ref().get(n).filter(|_| n < self.used)?;
        let gateway = usize::from(slot.gateway)
            .checked_sub(1)
            .or_else(|| self.bridge_of(slot));
        let gateway = gateway.filter(|&gateway| gateway != n);
        Some(Device {
            slot,
            paused: self.paused,
            gateway: gateway.and_then(|n| self.devices.as_ref().get(n)),
            all: self.devices.as_ref().get(..self.used).unwrap_or(&[]),
            channels: self.channels.as_ref(),
            names: &self.names,
        })
    }

    /// Whether a message is of a device that must find room: it tells an error, or that it is gone.
    fn is_urgent(&self, role: Role, record: &Record<'_>, facts: &Facts<'_>) -> bool {
        let gone = || role == Role::Presence && self.says(record) == Some(Connection::Offline);
        // As long as there is room for all, nothing is read for it.
        let room = self.devices.as_ref().len();
        self.used >= room - room / 4 && (facts.severity == Severity::Error || gone())
    }

    /// What stands between a Zigbee device and the broker.
    fn bridge_of(&self, slot: &DeviceSlot) -> Option<usize> {
        if slot.dialect != Dialect::Zigbee2Mqtt {
            return None;
        }
        let base = self.names.get(slot.id).split('/').next()?;
        let mut id = dialect::Id::try_from(base).ok()?;
        id.push_str("/bridge").ok()?;
        self.find(&id)
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod described;
#[cfg(test)]
mod moods;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod sisters;
#[cfg(test)]
mod spoken;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod told_texts;
#[cfg(test)]
mod told_values;
