//! Topics on which many devices speak: `{"id":81234,"battery":9}` of this one, then of another.
//!
//! A member tells them apart if its name may be that of an identity and its values return: A, B, A. A counter never
//! returns, an id of the device itself never changes. From then on each value is a device of its own, below the one that
//! the topic belongs to. Invariant: a topic that nobody shares costs a look at the names of its members.

use super::channel::ChannelSlot;
use super::device::DeviceSlot;
use super::dialect::{Dialect, Id};
use super::fields::{self, Field, Value};
use super::hear::At;
use super::table::Entry;
use super::{Health, vitals};
use crate::payload::{Facts, hash};
use crate::reduce::Record;
use core::fmt::Write;

/// Members that are followed on one topic: the number of a message may stand beside the number of its sender.
pub(super) const MEMBERS: usize = 2;

/// Bytes of an identity.
const IDENTITY: usize = 40;

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
}

impl Member {
    /// Takes a value; true if it is now known that devices are told apart by it.
    fn take(&mut self, value: u32) -> bool {
        if self.first == 0 {
            self.first = value;
        } else if value == self.first || value == self.second {
            self.returned |= value != self.latest;
        } else if self.second == 0 {
            self.second = value;
        }
        self.latest = value;
        self.returned && self.second != 0
    }
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

/// The text of an identity: of digits, or with one among its letters.
fn identity(value: Value<'_>) -> Option<Id> {
    let mut text = Id::new();
    match value {
        Value::Text(name) if name.len() <= IDENTITY => text.push_str(name).ok()?,
        Value::Number(number) if number >= 0.0 && number % 1.0 == 0.0 && number < 1e15 => {
            write!(text, "{number}").ok()?;
        }
        _ => return None,
    }
    let plain = !text.contains(['/', '+', '#', ' ']);
    (plain && text.bytes().any(|byte| byte.is_ascii_digit())).then_some(text)
}

/// Half of a hash, never zero.
fn short(seed: u64, text: &str) -> u32 {
    u32::try_from(hash::bytes(seed, text.as_bytes()) >> 32).map_or(1, |half| half.max(1))
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
        if !is_identity(field) {
            return;
        }
        let seed = self.seed;
        let key = short(seed, field.path);
        let Some(value) = identity(field.value) else {
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
        if slot.told_apart == 0 && member.take(short(seed, &value)) {
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
        let slot = self.devices.as_ref().get(device)?;
        let (told_apart, dialect, seed) = (slot.told_apart, slot.dialect, self.seed);
        if told_apart == 0 {
            return None;
        }
        let mut id = Id::try_from(self.names.get(slot.id)).ok()?;
        let mut found = None;
        fields::each(record.topic, record.payload, facts.lenient, |field| {
            let wanted = found.is_none() && is_identity(&field);
            if wanted && short(seed, field.path) == told_apart {
                found = identity(field.value);
            }
        });
        id.push('/').ok()?;
        id.push_str(&found?).ok()?;
        // What stands behind a bridge speaks no dialect of the bridge.
        let dialect = match dialect {
            Dialect::Zigbee2Mqtt => dialect,
            _ => Dialect::Generic,
        };
        let speaker = self.enter(&id, dialect, urgent)?;
        if let (Some(slot), Ok(number)) = (self.slot(speaker), u16::try_from(device + 1)) {
            slot.speaks = true;
            slot.gateway = number;
        }
        Some(speaker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_return_tell_devices_apart_and_counters_do_not() {
        let told = |values: &[u32]| {
            let mut member = Member::default();
            values.iter().any(|&value| member.take(value))
        };
        assert!(told(&[7, 9, 7]));
        assert!(told(&[7, 8, 9, 8]));
        assert!(!told(&[7, 7, 7, 7]));
        assert!(!told(&[1, 2, 3, 4, 5, 6]));
        assert!(!told(&[7, 7, 9, 9]));
    }

    #[test]
    fn an_identity_has_a_digit_and_is_one_level() {
        for text in ["0x1615", "a1:b2", "!a2e227d4"] {
            assert_eq!(identity(Value::Text(text)).unwrap(), text);
        }
        for text in ["kitchen", "a/1", "", "two words 2"] {
            assert!(identity(Value::Text(text)).is_none(), "{text}");
        }
        assert_eq!(identity(Value::Number(81_234.0)).unwrap(), "81234");
        assert_eq!(identity(Value::Number(0.5)), None);
    }
}
