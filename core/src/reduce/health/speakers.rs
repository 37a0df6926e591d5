//! Topics on which many devices speak: `{"id":81234,"battery":9}` of this one, then of another.
//!
//! A member tells them apart if its name may be that of an identity and its values return: A, B, A. A counter never
//! returns, an id of the device itself never changes. From then on each value is a device of its own, below the one that
//! the topic belongs to. Under a name that says nothing of that, so does a name with a number (`BOX-2`), and the word that
//! a line of columns begins with, if it is another one in nearly each message. So are the keys of a map by address: `{"0x1615":{"battery":9}}`, one or many in a message. Invariant: a topic that nobody shares costs a look at the names of its members.

use super::channel::ChannelSlot;
use super::device::DeviceSlot;
use super::dialect::{Dialect, Id};
use super::fields::{self, Field, Value};
use super::hear::At;
use super::table::Entry;
use super::{Health, vitals};
use crate::knowledge::time;
use crate::knowledge::words::Words;
use crate::payload::{Facts, hash};
use crate::reduce::Record;
use core::fmt::Write;

/// Members that are followed on one topic: the number of a message may stand beside the number of its sender.
pub(super) const MEMBERS: usize = 2;

/// Bytes of an identity.
const IDENTITY: usize = 40;

/// Stands for the keys of a map by address, in place of the hash of a member's path.
const MAP: u32 = 1;

/// Objects around a member that tells devices apart.
const DEPTH: usize = 3;

/// What is known of a member that may tell devices apart.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Member {
    /// Hash of its key; zero: none.
    key: u32,
    /// The first two values and the latest one, as hashes.
    first: u32,
    second: u32,
    latest: u32,
    /// A value came back after another.
    returned: bool,
    /// Values, and those unlike the one before.
    taken: u8,
    turns: u8,
}

/// Values by which it is known whether many speak in turn under a name that says nothing of that.
const TURNS: u8 = 9;

impl Member {
    /// Takes a value; true if it is now known that devices are told apart by it.
    fn take(&mut self, value: u32, surely: bool) -> bool {
        self.turns = self.turns.saturating_add(u8::from(value != self.latest));
        self.taken = self.taken.saturating_add(1);
        if self.first == 0 {
            self.first = value;
        } else if value == self.first || value == self.second {
            self.returned |= value != self.latest;
        } else if self.second == 0 {
            self.second = value;
        }
        self.latest = value;
        let in_turn = self.taken >= TURNS && u16::from(self.turns) * 4 >= u16::from(self.taken) * 3;
        self.returned && self.second != 0 && (surely || in_turn)
    }
}

/// The hash of a member that may name who speaks, the name, and whether nothing else can be under it.
fn named_by(seed: u64, field: &Field<'_>) -> Option<(u32, Id, bool)> {
    if is_identity(field) {
        let name = identity(field.value)?;
        let surely = name.bytes().any(|byte| byte.is_ascii_digit());
        return Some((short(seed, field.path), name, surely));
    }
    let Value::Text(text) = field.value else {
        return None;
    };
    if field.depth != 1 || time::rank(field.key).is_some() {
        return None;
    }
    let name = Id::try_from(text).ok().filter(|_| is_one_level(text))?;
    let begins = field.path.strip_suffix(" column 1").is_some();
    let kind = kind_of(text).filter(|_| !begins);
    if begins && text.len() >= 3 && text.starts_with(char::is_alphabetic) && !is_known(text) {
        return Some((short(seed, field.path), name, false));
    }
    // Another kind is another member: what is not all of one kind does not return.
    let kind = u64::from(short(seed, kind?));
    let key = hash::mix(hash::bytes(seed, field.path.as_bytes()), kind);
    Some((hash::half(key).max(MAP + 1), name, false))
}

/// What stands before the number of a name with a number: two letters at least.
fn kind_of(text: &str) -> Option<&str> {
    let kind = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let letters = kind.trim_end_matches(['-', '_', '.']);
    let plain = letters.chars().count() >= 2 && letters.chars().all(char::is_alphabetic);
    (plain && kind.len() < text.len()).then_some(kind)
}

/// Whether all words of a text have a meaning: it is of a state.
fn is_known(text: &str) -> bool {
    Words::new(text).all(|word| word.flags != 0)
}

/// Whether a member may name who speaks.
fn is_identity(field: &Field<'_>) -> bool {
    const KEYS: [&str; 22] = [
        "id",
        "idx",
        "from",
        "device",
        "deviceid",
        "dev",
        "devid",
        "deveui",
        "addr",
        "address",
        "mac",
        "macaddress",
        "node",
        "nodeid",
        "sensor",
        "sensorid",
        "serial",
        "serialnumber",
        "sn",
        "imei",
        "uid",
        "unit",
    ];
    const DEEPER: [&str; 4] = ["device", "addr", "address", "ieeeaddr"];
    match field.depth {
        1 => vitals::is_any(field.key, &KEYS),
        2..=DEPTH => vitals::is_any(field.key, &DEEPER),
        _ => false,
    }
}

fn is_one_level(text: &str) -> bool {
    text.len() <= IDENTITY && !text.contains(['/', '+', '#', ' ', '$'])
}

/// The text of an identity.
fn identity(value: Value<'_>) -> Option<Id> {
    let mut text = Id::new();
    match value {
        Value::Text(name) if is_one_level(name) && !name.is_empty() && !is_known(name) => {
            text.push_str(name).ok()?;
        }
        Value::Number(number) if number >= 0.0 && number % 1.0 == 0.0 && number < 1e15 => {
            write!(text, "{number}").ok()?;
        }
        _ => return None,
    }
    Some(text)
}

/// The text of an address.
fn named(node: &str) -> Option<Id> {
    Id::try_from(node).ok()
}

/// Half of a hash, neither zero nor [`MAP`].
fn short(seed: u64, text: &str) -> u32 {
    hash::half(hash::bytes(seed, text.as_bytes())).max(MAP + 1)
}

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// Learns from a member of a live message whether many speak on its topic.
    pub(super) fn learn_speakers(&mut self, at: At, field: &Field<'_>) {
        let seed = self.seed;
        let found = match field.node {
            "" => named_by(seed, field),
            // A map of registers: each is one value.
            _ if fields::is_value(field.key) => return,
            node => named(node).map(|name| (MAP, name, true)),
        };
        let Some((key, value, surely)) = found else {
            return;
        };
        let Some(slot) = self.slot(at.device).filter(|slot| !slot.speaks) else {
            return;
        };
        let members = &mut slot.members;
        let known = members.iter().position(|it| it.key == key || it.key == 0);
        let Some(member) = known.and_then(|n| members.get_mut(n)) else {
            return;
        };
        member.key = key;
        // Two addresses in a map are two devices, whether or not one comes back.
        let told = member.take(short(seed, &value), surely) || key == MAP && member.second != 0;
        if slot.told_apart == 0 && told {
            slot.told_apart = key;
            slot.forget();
        }
    }

    /// The device that speaks in a message on a topic that many share; `device` is the one that the topic belongs to.
    pub(super) fn speaker(
        &mut self,
        device: usize,
        record: &Record<'_>,
        facts: &Facts<'_>,
        urgent: bool,
    ) -> Option<usize> {
        let told_apart = self.devices.as_ref().get(device)?.told_apart;
        if told_apart == 0 {
            return None;
        }
        let seed = self.seed;
        let (mut found, mut more) = (None, false);
        fields::each(record.topic, record.payload, facts.lenient, |field| {
            let name = match field.node {
                node if told_apart == MAP && !node.is_empty() => named(node),
                _ if found.is_none() => named_by(seed, &field)
                    .filter(|(key, ..)| *key == told_apart)
                    .map(|(_, name, _)| name),
                _ => None,
            };
            more |= found.is_some() && name.is_some() && found != name;
            found = found.take().or(name);
        });
        // Of several in one message each is told its own.
        self.enter_speaker(device, &found.filter(|_| !more)?, urgent)
    }

    /// The device of this name among those that speak on a topic of `device`.
    fn enter_speaker(&mut self, device: usize, name: &str, urgent: bool) -> Option<usize> {
        let slot = self.devices.as_ref().get(device)?;
        // What stands behind a bridge speaks no dialect of the bridge.
        let dialect = match slot.dialect {
            Dialect::Zigbee2Mqtt => Dialect::Zigbee2Mqtt,
            _ => Dialect::Generic,
        };
        let mut id = Id::try_from(self.names.get(slot.id)).ok()?;
        id.push('/').ok()?;
        id.push_str(name).ok()?;
        let speaker = self.enter(&id, dialect, urgent)?;
        if let (Some(slot), Ok(number)) = (self.slot(speaker), u16::try_from(device + 1)) {
            slot.speaks = true;
            slot.gateway = number;
        }
        Some(speaker)
    }

    /// Where what stands at `node` belongs, in a message of many devices; none: to the device of the topic. `part`: where
    /// the value before it did, as those of one device stand together.
    pub(super) fn part(
        &mut self,
        at: At,
        record: &Record<'_>,
        node: &str,
        part: &mut Option<(u64, At)>,
    ) -> Option<At> {
        let shared = self.devices.as_ref().get(at.device)?.told_apart == MAP;
        let name = named(node).filter(|_| shared)?;
        let sign = hash::bytes(self.seed, name.as_bytes());
        if let Some((_, known)) = part.filter(|(known, _)| *known == sign) {
            return Some(known);
        }
        let device = self.enter_speaker(at.device, &name, false)?;
        let topic = self.topic_of(device, record.topic);
        let slot = self.slot(device)?;
        slot.messages += 1;
        slot.retained += u64::from(record.retain);
        let dialect = slot.dialect;
        let found = At {
            device,
            topic,
            dialect,
            ..at
        };
        if let Some(topic) = topic.and_then(|n| self.slot(device)?.topics.get_mut(n)) {
            topic.messages += 1;
        }
        self.beat(found, record);
        *part = Some((sign, found));
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::tests::{by_id, causes, event, of};
    use super::*;
    use crate::time::Instant;
    use std::format;
    use std::vec::Vec;

    #[test]
    fn values_that_return_tell_devices_apart_and_counters_do_not() {
        let told = |values: &[u32]| {
            let mut member = Member::default();
            values.iter().any(|&value| member.take(value, true))
        };
        assert!(told(&[7, 9, 7]));
        assert!(told(&[7, 8, 9, 8]));
        assert!(!told(&[7, 7, 7, 7]));
        assert!(!told(&[1, 2, 3, 4, 5, 6]));
        assert!(!told(&[7, 7, 9, 9]));
    }

    #[test]
    fn an_identity_is_one_level_and_no_state() {
        for text in ["0x1615", "a1:b2", "!a2e227d4", "kitchen"] {
            assert_eq!(identity(Value::Text(text)).unwrap(), text);
        }
        for text in ["offline", "a/1", "", "two words 2"] {
            assert!(identity(Value::Text(text)).is_none(), "{text}");
        }
        assert_eq!(identity(Value::Number(81_234.0)).unwrap(), "81234");
        assert_eq!(identity(Value::Number(0.5)), None);
    }

    #[test]
    fn a_map_by_address_is_of_many_devices() {
        // All in one message, and one in each.
        for together in [true, false] {
            let mut events = Vec::new();
            for n in 0..16_u32 {
                let node = |k: u32, battery: u32| {
                    format!(r#""5c:02:72:00:00:{k:02}":{{"battery":{battery},"warmth":{n}}}"#)
                };
                let nodes = [node(1, 90), node(2, 3), node(3, 77)];
                let payload = match together {
                    true => nodes.join(","),
                    false => nodes[n as usize % 3].clone(),
                };
                let payload = format!(r#"{{"up":{{{payload}}}}}"#);
                events.push(event(f64::from(n) * 2.0, "yard/mast/heard", &payload));
            }
            let table = of(&events);
            let low = by_id(&table, "yard/mast/heard/5c:02:72:00:00:02");
            let now = Instant::from_micros(32_000_000);
            assert_eq!(causes(&low, now), ["battery_low"], "{together}");
            for well in ["", "/5c:02:72:00:00:01", "/5c:02:72:00:00:03"] {
                let device = by_id(&table, &format!("yard/mast/heard{well}"));
                assert_eq!(device.findings(now).len(), 0, "{together} {well}");
            }
        }
    }
}
