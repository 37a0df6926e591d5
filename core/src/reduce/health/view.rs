//! One device as an answer shows it: its slot with the names and channels that belong to it.

use super::channel::ChannelSlot;
use super::clock::Off;
use super::device::{DeviceSlot, TopicUse, Trouble};
use super::marks::Retyped;
use super::names::Names;
use crate::reduce::stats::Rhythm;
use crate::time::Instant;

/// One device.
pub struct Device<'h, B> {
    pub(super) slot: &'h DeviceSlot,
    /// Nobody listens since then.
    pub(super) paused: Option<Instant>,
    pub(super) gateway: Option<&'h DeviceSlot>,
    /// All devices.
    pub(super) all: &'h [DeviceSlot],
    pub(super) channels: &'h [ChannelSlot],
    pub(super) names: &'h Names<B>,
}

impl<B> core::ops::Deref for Device<'_, B> {
    type Target = DeviceSlot;

    fn deref(&self) -> &DeviceSlot {
        self.slot
    }
}

impl<'h, B: AsMut<[u8]> + AsRef<[u8]>> Device<'h, B> {
    /// Where its topics begin, or what they have in common.
    pub fn id(&self) -> &'h str {
        self.names.get(self.slot.id)
    }

    /// What others call it, if that is not the end of its id.
    pub fn name(&self) -> Option<&'h str> {
        self.slot.name.map(|span| self.names.get(span))
    }

    /// The device that it is reached through.
    pub fn gateway(&self) -> Option<&'h str> {
        self.gateway.map(|slot| self.names.get(slot.id))
    }

    /// Topic that told of its connection.
    pub fn presence_topic(&self) -> Option<&'h str> {
        self.slot.presence_topic.map(|span| self.names.get(span))
    }

    /// Its topics, each with its messages and the rhythm of the live ones among them.
    pub fn topics(&self) -> impl Iterator<Item = (&'h str, u64, &'h Rhythm)> {
        let topics = self.slot.topics.iter();
        topics.map(|topic| (self.names.get(topic.name), topic.messages, &topic.rhythm))
    }

    /// The rhythm of its most regular topic, with the topic.
    pub fn heartbeat(&self) -> Option<(&'h str, &'h Rhythm)> {
        let (topic, rhythm) = self.slot.heartbeat()?;
        Some((self.names.get(topic.name), rhythm))
    }

    /// Topic of the first of a kind of errors.
    pub fn topic_of(&self, trouble: &Trouble) -> &'h str {
        self.names.get(trouble.topic)
    }

    /// Its numbers, latest first seen first.
    pub fn channels(&self) -> impl Iterator<Item = &'h ChannelSlot> {
        self.values_all().filter(|channel| channel.count > 0)
    }

    /// Its values, those too that were never a number.
    pub(super) fn values_all(&self) -> impl Iterator<Item = &'h ChannelSlot> {
        self.values_of(self.slot)
    }

    /// The values of a device.
    pub(super) fn values_of(
        &self,
        slot: &DeviceSlot,
    ) -> impl Iterator<Item = &'h ChannelSlot> + use<'h, B> {
        let mut next = slot.channels;
        let channels = self.channels;
        core::iter::from_fn(move || {
            let channel = channels.get(usize::from(next).checked_sub(1)?)?;
            next = channel.next;
            Some(channel)
        })
    }

    /// What its clock is wrong by, little or much, if it tells one.
    pub fn clock_off(&self) -> Option<Off> {
        let kin = |other: &&DeviceSlot| other.dialect == self.slot.dialect;
        let others = self.all.iter().filter(kin);
        self.slot.clock.off(others.map(|other| &other.clock))
    }

    pub(super) fn name_of(&self, topic: &TopicUse) -> &'h str {
        self.names.get(topic.name)
    }

    /// Values of all devices.
    pub(super) fn everybody(&self) -> &'h [ChannelSlot] {
        self.channels
    }

    /// The value that became of another type, with its topic.
    pub(super) fn retyped(&self) -> Option<(&'h Retyped, &'h str)> {
        let what = self.slot.retyped.as_ref()?;
        Some((what, self.names.get(what.topic)))
    }

    pub(super) fn fit(&self) -> u8 {
        self.slot.wanted
    }
}
