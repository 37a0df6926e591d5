//! Who is in the table: an index of hashes that leads from ids and topics to devices, and the lists of channels.
//!
//! Invariant: at least half of the index stays empty, so that a search ends soon; hashes are seeded, because
//! outsiders choose what is hashed, and 64 bits of them stand for the text.

use super::channel::ChannelSlot;
use super::classes::Class;
use super::device::{DeviceSlot, TopicUse};
use super::dialect::{Dialect, Known};
use super::presence::Connection;
use super::{Health, MAX_CHANNELS};
use crate::payload::hash;

/// An entry of the index.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry {
    hash: u64,
    /// One above the place of the device; zero: empty.
    device: u16,
    /// Of a topic: whether it tells of the connection; none: as topics like it do.
    presence: Option<bool>,
    /// A word that tells this of the connection.
    means: Connection,
    /// What a description says that a value, or a word of it, is of.
    class: Class,
}

/// Of one text several hashes are made.
const ID: u64 = 0x6964;
const ROUTE: u64 = 0x726f;

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// What is known of an id.
    pub(super) fn known(&self, id: &str) -> Option<Known> {
        let device = self.find(id)?;
        self.devices.as_ref().get(device).map(|slot| Known {
            dialect: slot.dialect,
            present: slot.present,
        })
    }

    /// The place of the device of an id.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        let entry = self.entry(hash::bytes(self.seed ^ ID, id.as_bytes()))?.1?;
        usize::from(entry.device).checked_sub(1)
    }

    /// The device that a topic was said to belong to, and whether it tells of the connection.
    pub(super) fn routed(&self, topic: &str) -> Option<(usize, Option<bool>)> {
        let entry = self
            .entry(hash::bytes(self.seed ^ ROUTE, topic.as_bytes()))?
            .1?;
        Some((usize::from(entry.device).checked_sub(1)?, entry.presence))
    }

    /// From now on messages on `topic` belong to `device`, unless that is settled otherwise.
    pub(super) fn route(&mut self, topic: &str, device: usize, presence: Option<bool>) {
        let hash = hash::bytes(self.seed ^ ROUTE, topic.as_bytes());
        if self.has_room_to_describe() {
            self.described += u64::from(self.put(hash, device, presence, Connection::Unknown));
        }
    }

    /// From now on `device` is what speaks under `id` too, unless another does.
    pub(super) fn alias(&mut self, id: &str, device: usize) {
        let hash = hash::bytes(self.seed ^ ID, id.as_bytes());
        if self.has_room_to_describe() && self.find(id).is_none() {
            let put = self.put(hash, device, None, Connection::Unknown);
            self.described += u64::from(put);
        }
    }

    /// From now on the word of this hash means this of the connection.
    pub(super) fn put_word(&mut self, hash: u64, device: usize, means: Connection) {
        if self.has_room_to_describe() {
            let put = self.put(hash, device, None, means);
            self.described += u64::from(put);
            self.words += u64::from(put);
        }
    }

    /// What the word of this hash means of the connection.
    pub(super) fn meaning(&self, hash: u64) -> Option<Connection> {
        let entry = self.entry(hash)?.1?;
        Some(entry.means).filter(|means| *means != Connection::Unknown)
    }

    /// From now on the value, or the word, of this hash is of this class; false if there is no room.
    pub(super) fn put_class(&mut self, hash: u64, device: usize, class: Class) -> bool {
        if !self.has_room_to_describe() || !self.put(hash, device, None, Connection::Unknown) {
            return false;
        }
        if let Some((place, Some(_))) = self.entry(hash)
            && let Some(entry) = self.index.as_mut().get_mut(place)
            && entry.class == Class::None
        {
            entry.class = class;
            self.described += 1;
            self.classes += 1;
        }
        true
    }

    /// The device and the class of a value, or of a word of it.
    pub(super) fn class_of(&self, hash: u64) -> Option<(usize, Class)> {
        let entry = self.entry(hash)?.1?;
        let device = usize::from(entry.device).checked_sub(1)?;
        Some((device, entry.class)).filter(|(_, class)| *class != Class::None)
    }

    /// Descriptions leave half of the room to devices.
    fn has_room_to_describe(&self) -> bool {
        self.described < self.index.as_ref().len() as u64 / 4
    }

    /// The place of the device of an id, made if there is room. The last eighth of it, of tables that
    /// have some to spare, is for `urgent` ones: whoever tells an error is found, however many healthy ones came before.
    pub(super) fn enter(&mut self, id: &str, dialect: Dialect, urgent: bool) -> Option<usize> {
        if let Some(device) = self.find(id) {
            let slot = self.devices.as_mut().get_mut(device)?;
            if slot.dialect == Dialect::Generic || slot.dialect == Dialect::HomeAssistant {
                slot.dialect = dialect;
            }
            return Some(device);
        }
        let fit = self.pattern.fit(id);
        let room = self.devices.as_ref().len();
        let room = match (fit, urgent) {
            (0, _) => room - room / 4,
            (_, false) => room - room / 32 * 4,
            (_, true) => room,
        };
        let hash = hash::bytes(self.seed ^ ID, id.as_bytes());
        let kept = match self.used < room {
            true => self.names.keep(id),
            false => None,
        };
        let Some(span) = kept else {
            let [wanted, others] = &mut self.beyond;
            let beyond = if fit == 0 { others } else { wanted };
            beyond.record(hash);
            return None;
        };
        let device = self.used;
        if !self.put(hash, device, None, Connection::Unknown) {
            return None;
        }
        let slot = self.devices.as_mut().get_mut(device)?;
        *slot = DeviceSlot {
            id: span,
            dialect,
            wanted: fit,
            ..DeviceSlot::default()
        };
        self.used += 1;
        Some(device)
    }

    /// The place of an entry and the entry, or where it would stand.
    fn entry(&self, hash: u64) -> Option<(usize, Option<Entry>)> {
        let hash = hash.max(1);
        let index = self.index.as_ref();
        let mut place = hash::index(hash, index.len());
        for _ in 0..index.len() {
            let entry = index.get(place)?;
            if entry.device == 0 {
                return Some((place, None));
            }
            if entry.hash == hash {
                return Some((place, Some(*entry)));
            }
            place = (place + 1) & index.len().saturating_sub(1);
        }
        None
    }

    /// Enters a hash; false if there is no room. Who came first stays.
    fn put(&mut self, hash: u64, device: usize, presence: Option<bool>, means: Connection) -> bool {
        let Ok(device) = u16::try_from(device + 1) else {
            return false;
        };
        match self.entry(hash) {
            Some((_, Some(_))) => true,
            Some((place, None)) if self.entries * 2 < self.index.as_ref().len() => {
                if let Some(entry) = self.index.as_mut().get_mut(place) {
                    *entry = Entry {
                        hash: hash.max(1),
                        device,
                        presence,
                        means,
                        class: Class::None,
                    };
                    self.entries += 1;
                }
                true
            }
            _ => false,
        }
    }

    /// The place of a topic among those of a device, made if there is room.
    pub(super) fn topic_of(&mut self, device: usize, topic: &str) -> Option<usize> {
        let hash = hash::bytes(self.seed, topic.as_bytes());
        let slot = self.devices.as_mut().get_mut(device)?;
        if let Some(known) = slot.topics.iter().position(|known| known.hash == hash) {
            return Some(known);
        }
        if slot.topics.is_full() {
            return None;
        }
        let name = self.names.keep(topic)?;
        slot.wanted = slot
            .wanted
            .max(self.pattern.fit(topic).min(super::pattern::LEVEL));
        let used = TopicUse {
            hash,
            name,
            ..TopicUse::default()
        };
        slot.topics.push(used).ok()?;
        Some(slot.topics.len() - 1)
    }

    /// The place of a channel of a device, made by `make` if there is room; `same` tells it.
    pub(super) fn channel_of(
        &mut self,
        device: usize,
        same: impl Fn(&ChannelSlot) -> bool,
        make: impl FnOnce() -> ChannelSlot,
    ) -> Option<usize> {
        let slot = self.devices.as_mut().get_mut(device)?;
        let channels = self.channels.as_mut();
        let mut next = slot.channels;
        while let Some(place) = usize::from(next).checked_sub(1) {
            let channel = channels.get(place)?;
            if same(channel) {
                return Some(place);
            }
            next = channel.next;
        }
        let place = self.channels_used;
        let number = u16::try_from(place + 1).ok();
        let (Some(number), Some(room), true) = (
            number,
            channels.get_mut(place),
            slot.channel_count < MAX_CHANNELS,
        ) else {
            self.channels_missed += 1;
            return None;
        };
        *room = ChannelSlot {
            next: slot.channels,
            ..make()
        };
        slot.channels = number;
        slot.channel_count += 1;
        self.channels_used += 1;
        Some(place)
    }

    /// Takes in what another table has seen; its seed must be the same. Shards of one stream give what the stream
    /// would have given, except for what only neighbours in time tell: rhythms and gaps.
    pub fn merge(&mut self, other: &Self) {
        self.missed += other.missed;
        for (ours, theirs) in self.beyond.iter_mut().zip(&other.beyond) {
            ours.merge(theirs);
        }
        self.channels_missed += other.channels_missed;
        for theirs in other.devices.as_ref().iter().take(other.used) {
            let Some(device) = self.enter(
                other.names.get(theirs.id),
                theirs.dialect,
                theirs.errors > 0,
            ) else {
                self.missed += theirs.messages;
                continue;
            };
            self.merge_device(device, theirs, other);
        }
    }

    fn merge_device(&mut self, device: usize, theirs: &DeviceSlot, other: &Self) {
        let mut more = 0;
        for topic in &theirs.topics {
            let place = self.topic_of(device, other.names.get(topic.name));
            let slot = self.devices.as_mut().get_mut(device);
            let ours = slot.zip(place).and_then(|(slot, n)| slot.topics.get_mut(n));
            match ours {
                Some(ours) => {
                    ours.messages += topic.messages;
                    ours.rhythm.merge(&topic.rhythm);
                }
                None => more += topic.messages,
            }
        }
        let mut next = theirs.channels;
        while let Some(channel) = usize::from(next)
            .checked_sub(1)
            .and_then(|n| other.channels.as_ref().get(n))
        {
            let same = |ours: &ChannelSlot| ours.hash == channel.hash;
            let fresh = || ChannelSlot {
                alias: channel.alias,
                datatype: channel.datatype,
                ..ChannelSlot::default()
            };
            let place = self.channel_of(device, same, fresh);
            if let Some(ours) = place.and_then(|n| self.channels.as_mut().get_mut(n)) {
                ours.hash = channel.hash;
                ours.merge(channel);
            }
            next = channel.next;
        }
        let presence_topic = theirs.presence_topic.map(|span| other.names.get(span));
        let name = theirs.name.map(|span| other.names.get(span));
        let (name, presence_topic) = (
            name.and_then(|name| self.names.keep(name)),
            presence_topic.and_then(|topic| self.names.keep(topic)),
        );
        let gateway = usize::from(theirs.gateway).checked_sub(1);
        let gateway = gateway.and_then(|n| other.devices.as_ref().get(n));
        let gateway =
            gateway.and_then(|slot| self.enter(other.names.get(slot.id), slot.dialect, true));
        let Some(slot) = self.devices.as_mut().get_mut(device) else {
            return;
        };
        slot.absorb(theirs);
        slot.more_topics += more;
        slot.wanted = slot.wanted.max(theirs.wanted);
        slot.name = slot.name.or(name);
        slot.presence_topic = slot.presence_topic.or(presence_topic);
        if let Some(gateway) = gateway.and_then(|n| u16::try_from(n + 1).ok()) {
            slot.gateway = gateway;
        }
        for trouble in &theirs.troubles {
            let topic = self
                .names
                .keep(other.names.get(trouble.topic))
                .unwrap_or_default();
            let Some(slot) = self.devices.as_mut().get_mut(device) else {
                return;
            };
            slot.adopt(super::Trouble {
                topic,
                ..trouble.clone()
            });
        }
        if let Some(slot) = self.devices.as_mut().get_mut(device) {
            slot.errors += theirs.errors;
            slot.warnings += theirs.warnings;
            slot.reported += theirs.reported;
        }
    }
}
