//! What a Sparkplug B message adds: births and deaths of nodes and devices, sequence numbers, metrics by name or alias.
//!
//! Elsewhere: the walk over the payload ([`sparkplug`]), all other messages (`hear`).

use super::Health;
use super::channel::{ChannelSlot, MAX_NAME};
use super::clock;
use super::device::DeviceSlot;
use super::dialect::{Dialect, Id, Role};
use super::hear::At;
use super::judge::Cause;
use super::presence::Connection;
use super::table::Entry;
use super::view::Device;
use super::vitals;
use crate::knowledge::nothing::Nothing;
use crate::knowledge::quality::{Grade, Mark};
use crate::payload::decode::sparkplug::{self, Metric, Raw};
use crate::payload::{Facts, hash, inspect};
use crate::reduce::Record;
use crate::time::Instant;
use core::fmt::Write;
use heapless::String;

/// Messages without a birth before that says something: the first may cross the birth on its way.
const UNBORN: u16 = 3;

/// Bytes of a flag or text with its name that are judged.
const MAX_STATE: usize = 192;

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    pub(super) fn sparkplug(&mut self, at: At, role: Role, record: &Record<'_>, facts: &Facts<'_>) {
        let node = self.node_of(at.device, record.topic);
        let mut session = None;
        let head = sparkplug::each(record.payload, |metric| {
            if let (Some("bdSeq"), Some(Raw::Whole(number))) = (metric.name, metric.value) {
                session = Some(number);
            } else if role != Role::Death {
                self.metric(at, record, &metric);
            }
        });
        let Some(head) = head else {
            // The names of topics with a body of one's own.
            match role {
                Role::Death => self.connection(at, Connection::Offline, record),
                Role::Birth => self.connection(at, Connection::Online, record),
                _ => {}
            }
            if role != Role::Death && record.payload.first() == Some(&b'{') {
                self.data(at, record, facts);
            }
            return;
        };
        let own = node == at.device;
        let counts = self.slot(node).map(|slot| &mut slot.sequence);
        if counts.is_some_and(|counts| !counts.take(role, own, session, head.seq)) {
            return;
        }
        match role {
            Role::Death => {
                self.connection(at, Connection::Offline, record);
                return;
            }
            Role::Birth => self.connection(at, Connection::Online, record),
            _ => {}
        }
        if !record.retain {
            self.birth(at.device, node, role, record.at);
        }
        self.beat(at, record);
        let stamp = head
            .timestamp
            .and_then(|millis| clock::of_number(millis as f64));
        self.clock(at, record, (1, 1), stamp);
    }

    /// After the birth of a node each device has one of its own before it tells values (Sparkplug 3.0, Device Birth Certificate).
    fn birth(&mut self, device: usize, node: usize, role: Role, now: Instant) {
        let born = self.slot(node).map(|node| node.sequence.born);
        let Some(slot) = self.slot(device) else {
            return;
        };
        let counts = &mut slot.sequence;
        match role {
            Role::Birth => (counts.born, counts.unborn) = (now, 0),
            _ if born.is_some_and(|node| counts.born < node) => {
                counts.unborn = counts.unborn.saturating_add(1);
            }
            _ => {}
        }
    }

    /// The edge node that a Sparkplug device is reached through; a node itself.
    fn node_of(&mut self, device: usize, topic: &str) -> usize {
        let mut levels = topic.split('/').skip(1);
        let (group, node) = (levels.next(), levels.nth(1));
        let (Some(group), Some(node), Some(_)) = (group, node, levels.next()) else {
            return device;
        };
        let mut id = Id::new();
        if write!(id, "{group}/{node}").is_err() {
            return device;
        }
        let Some(node) = self.enter(&id, Dialect::SparkplugB, false) else {
            return device;
        };
        if let (Some(slot), Ok(number)) = (self.slot(device), u16::try_from(node + 1)) {
            slot.gateway = number;
        }
        node
    }

    fn metric(&mut self, at: At, record: &Record<'_>, metric: &Metric<'_>) {
        if metric.historical || record.retain {
            return;
        }
        let seed = self.seed;
        let place = metric.name.map(|name| hash::bytes(seed, name.as_bytes()));
        let same = |known: &ChannelSlot| match place {
            Some(place) => known.hash == place,
            None => metric.alias.is_some() && known.alias == metric.alias,
        };
        let name = metric.name.unwrap_or("");
        let grade = metric
            .quality
            .and_then(|code| Mark::Quality.of_number(code as f64));
        let empty = metric.is_null || grade == Some(Grade::Bad);
        match metric.value {
            _ if empty => {}
            Some(Raw::Whole(_) | Raw::Float(_)) => {}
            Some(raw) => return self.state(at, record, name, raw),
            None => return,
        }
        // What only an alias tells is of no use before a birth has told the name.
        if place.is_none() && !self.has_alias(at.device, metric.alias) {
            return;
        }
        let key = name.rsplit('/').next().unwrap_or(name);
        let make = || ChannelSlot {
            alias: metric.alias,
            datatype: metric.datatype,
            ..ChannelSlot::new(place.unwrap_or(0), name, key)
        };
        let Some(n) = self.channel_of(at.device, same, make) else {
            return;
        };
        let Some(channel) = self.channels.as_mut().get_mut(n) else {
            return;
        };
        if metric.datatype != 0 {
            channel.datatype = metric.datatype;
        }
        channel.alias = metric.alias.or(channel.alias);
        match grade {
            Some(Grade::Good) => channel.marks.bad.end(),
            Some(grade) => {
                channel.marks.grade = grade;
                channel.marks.add(record.at, |marks| &mut marks.bad);
            }
            None => {}
        }
        if metric.is_null && grade != Some(Grade::Bad) {
            channel.marks.nothing = Some(Nothing::Null);
            channel.marks.add(record.at, |marks| &mut marks.none);
        }
        if empty {
            return;
        }
        channel.marks.none.end();
        let number = match metric.value {
            Some(Raw::Float(number)) => Some(number),
            Some(Raw::Whole(bits)) => sparkplug::number(bits, channel.datatype),
            _ => None,
        };
        let Some(number) = number.filter(|number| number.is_finite()) else {
            return;
        };
        channel.add(record.at, number, at.switched);
        let path: String<MAX_NAME> = channel.name.clone();
        let (parent, key) = path.rsplit_once('/').unwrap_or(("", &path));
        let parent = parent.rsplit('/').next().unwrap_or(parent);
        let Some(slot) = self.slot(at.device) else {
            return;
        };
        if vitals::is_uptime(key) {
            slot.uptime.add(record.at, 1, number);
        } else if let Some((vital, value)) = vitals::of_number(at.dialect, parent, key, number) {
            slot.read(record.at, vital, value);
        }
    }

    /// A flag or a text may tell of a fault: judged as the same pair in JSON would be.
    fn state(&mut self, at: At, record: &Record<'_>, name: &str, raw: Raw<'_>) {
        let mut text: String<MAX_STATE> = String::new();
        let key = name.rsplit('/').next().unwrap_or(name);
        let written = match raw {
            Raw::Bool(flag) => write!(text, "{{\"{key}\":{flag}}}"),
            Raw::Text(value) => write!(text, "{{\"{key}\":\"{value}\"}}"),
            _ => return,
        };
        if key.is_empty() || written.is_err() {
            return;
        }
        let facts = inspect(record.topic, text.as_bytes());
        let told = Record {
            payload: text.as_bytes(),
            ..*record
        };
        self.trouble(at.device, at.topic, &told, &facts);
    }

    fn has_alias(&self, device: usize, alias: Option<u64>) -> bool {
        let devices = self.devices.as_ref();
        let mut next = devices.get(device).map_or(0, |slot| slot.channels);
        while let Some(channel) = usize::from(next)
            .checked_sub(1)
            .and_then(|n| self.channels.as_ref().get(n))
        {
            if channel.alias == alias && alias.is_some() {
                return true;
            }
            next = channel.next;
        }
        false
    }
}

impl<'h, B: AsMut<[u8]> + AsRef<[u8]>> Device<'h, B> {
    pub(super) fn sequence(&self, tell: &mut impl FnMut(Cause<'h>)) {
        let sequence = &self.slot.sequence;
        let (gaps, of, count) = (sequence.gaps, sequence.steps, sequence.unborn);
        // Where many are missing, only a part of the node's messages was listened to.
        if gaps > 0 && of >= 20 && gaps.saturating_mul(10) <= of {
            tell(Cause::Lost { gaps, of });
        }
        if count >= UNBORN {
            tell(Cause::Unborn {
                count: u32::from(count),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::tests::{by_id, causes, event, of};
    use crate::time::Instant;
    use std::vec::Vec;

    #[test]
    fn values_without_a_birth_are_told_once_their_node_was_born() {
        let of_device = |born: bool, own: bool| {
            let mut events = Vec::new();
            if born {
                events.push(event(1.0, "spBv1.0/g/NBIRTH/n", ""));
            }
            if own {
                events.push(event(1.5, "spBv1.0/g/DBIRTH/n/d", ""));
            }
            let data = |n: u32| event(f64::from(n) + 2.0, "spBv1.0/g/DDATA/n/d", "");
            events.extend((0..5).map(data));
            causes(
                &by_id(&of(&events), "g/n/d"),
                Instant::from_micros(8_000_000),
            )
        };
        assert_eq!(of_device(true, false), ["no_birth"]);
        assert_eq!(of_device(true, true), Vec::<&str>::new());
        assert_eq!(of_device(false, false), Vec::<&str>::new());
    }
}
