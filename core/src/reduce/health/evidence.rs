//! Whether enough was heard of a device to say that nothing is wrong, whether it announces itself too often, and whether its
//! errors stand.
//!
//! What is retained may be of long ago, and a device that was heard a few times may have been heard at its end: neither is
//! a sign of life. Invariant: who has a finding is judged; this asks only of those without.

use super::device::{DeviceSlot, TopicUse, Trouble};
use super::judge::Cause;
use super::presence::Connection;
use super::view::Device;
use crate::knowledge::words::Words;
use crate::payload::Severity;
use crate::reduce::stats::TAUGHT;
use crate::time::Instant;
use core::time::Duration;

/// Live messages of a device without a rhythm from which on its longest pause says something.
const OFTEN: u64 = 8;
/// Announcements without a farewell from which on they are no accident: the broker may have been restarted, too.
const AGAIN: u32 = 2;
/// Devices of its kind that do not do so.
const OTHERS: usize = 3;

/// Live messages of one topic from which on a device is judged by the rhythm of its family.
const FAMILIAR: u64 = 3;

/// Devices that make a family: two may be alike by chance.
const SIBLINGS: u32 = 3;

impl<'h, B: AsMut<[u8]> + AsRef<[u8]>> Device<'h, B> {
    /// Enough was heard: its rhythm is known, by itself or by its family, or it spoke often and has not paused for
    /// more than twice its longest pause.
    pub fn is_known_well(&self, now: Instant) -> bool {
        let now = self.paused.map_or(now, |paused| paused.min(now));
        let rhythm = self.slot.limit().is_some() || self.family_limit().is_some();
        self.slot.live.is_some() && (rhythm || self.slot.spoke_lately(now))
    }

    /// It has been silent beyond its own rhythm.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        let limit = self.slot.limit();
        let last = self.slot.live.map(|(_, last)| last);
        limit
            .zip(last)
            .is_some_and(|(limit, last)| now.since(last) > limit)
    }

    /// The silence that its family allows a device that has not taught a rhythm of its own: those of the same convention
    /// whose topics end alike.
    pub(super) fn family_limit(&self) -> Option<Duration> {
        let topics = self.slot.topics.iter();
        let topic = topics.max_by_key(|topic| topic.rhythm.messages())?;
        if topic.rhythm.messages() < FAMILIAR || self.slot.limit().is_some() {
            return None;
        }
        let end = |name| self.names.get(name).rsplit('/').next();
        let (ending, mut siblings, mut slowest) = (end(topic.name), 0, Duration::ZERO);
        for other in self.all.iter().filter(|it| it.dialect == self.slot.dialect) {
            // Its most regular topic may be another one: what teaches is the one that ends alike.
            let mut alike = other.topics.iter().filter(|it| end(it.name) == ending);
            let taught = |it: &&TopicUse| it.rhythm.messages() > u64::from(TAUGHT);
            if let Some(sibling) = alike.find(taught) {
                siblings += 1;
                slowest = slowest.max(sibling.rhythm.quantile(95).unwrap_or_default());
            }
        }
        let own = topic
            .rhythm
            .longest()
            .map_or(Duration::ZERO, |gap| gap.length());
        let limit = slowest.max(own).saturating_mul(5);
        (siblings >= SIBLINGS).then_some(limit)
    }

    pub(super) fn told(&self, now: Instant, tell: &mut impl FnMut(Cause<'h>)) {
        let slot = self.slot;
        let of = slot.messages.saturating_add(slot.reported);
        // That its gateway does not reach it is told already.
        let away = slot.presence.state() == Connection::Offline;
        let count = if away {
            slot.errors.saturating_sub(slot.reported)
        } else {
            slot.errors
        };
        let count = count.saturating_sub(self.rest_words());
        if count > 0 {
            let standing = slot.standing(now);
            tell(Cause::Errors {
                count,
                of,
                standing,
            });
        }
        // Logs of healthy devices hold warnings: a fault is only what they go on about.
        let count = slot.warnings;
        if !away && count >= 3 && count.saturating_mul(10) >= of {
            tell(Cause::Warnings { count, of });
        }
    }

    /// Messages of errors that are none: a word that nobody knows, said in every message from the first one on, by its
    /// siblings too, is how that value rests.
    fn rest_words(&self) -> u64 {
        let rests = |slot: &DeviceSlot, trouble: &Trouble| {
            let word = trouble.why.rsplit(": ").next().unwrap_or("");
            let mut topics = slot.topics.iter();
            let topic = topics.find(|it| it.name == trouble.topic);
            topic.is_some_and(|it| it.messages <= trouble.count) && is_strange(word)
        };
        let by_others = |trouble: &Trouble| {
            let says = |other: &&DeviceSlot| {
                let mut troubles = other.troubles.iter();
                troubles.any(|it| it.why == trouble.why && rests(other, it))
            };
            self.all.iter().filter(says).take(OTHERS).count() == OTHERS
        };
        let troubles = self.slot.troubles.iter();
        let errors = troubles.filter(|it| it.severity == Severity::Error);
        let resting = errors.filter(|it| rests(self.slot, it) && by_others(it));
        resting.map(|it| it.count).sum()
    }

    /// How often it announced itself without having left. Some devices say at a steady pace that they are
    /// there: an announcement comes at none, and is rare or not made by others of its kind.
    pub(super) fn announced(&self) -> Option<u32> {
        let presence = &self.slot.presence;
        if presence.restarts() >= AGAIN {
            return Some(presence.restarts());
        }
        let count = presence.again();
        if count <= AGAIN {
            return None;
        }
        let told = presence.state() != Connection::Unknown;
        let kin = |other: &&DeviceSlot| {
            other.dialect == self.slot.dialect
                && other.presence.again() == 0
                && match told {
                    true => other.presence.state() == Connection::Online,
                    false => other.live.is_some(),
                }
        };
        let odd = self.all.iter().filter(kin).take(OTHERS).count() == OTHERS;
        let rare = u64::from(count).saturating_mul(10) <= self.slot.messages;
        let says = match self.is_unsteady() {
            Some(unsteady) => unsteady && (odd || rare),
            // Bridges describe what is behind them at each start of theirs, some all the time.
            None => odd && rare,
        };
        says.then_some(count)
    }

    /// Whether the topic that tells of its connection does so at no steady pace; none: it hardly does, it was another
    /// that announced it.
    fn is_unsteady(&self) -> Option<bool> {
        let told = self.slot.presence_topic.map(|it| self.names.get(it));
        let mut topics = self.slot.topics.iter();
        let topic = topics.find(|topic| told == Some(self.name_of(topic)))?;
        let (median, p95) = (topic.rhythm.expected()?, topic.rhythm.quantile(95)?);
        Some(p95 > median.saturating_mul(2))
    }
}

/// One word of letters that means nothing here.
fn is_strange(word: &str) -> bool {
    let mut words = Words::new(word);
    let first = words.next().map(|word| word.flags);
    first == Some(0) && words.next().is_none() && !word.bytes().any(|b| b.is_ascii_digit())
}

/// Whether errors that were told stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// They are of a state, and that is the last thing it said.
    Stands,
    /// They were events: nobody tells that they are over.
    Events,
    /// The same state was well later.
    Over {
        /// From the first to the last.
        within: Duration,
        /// Since the last.
        ago: Duration,
    },
}

impl DeviceSlot {
    /// Whether the errors that it told stand.
    pub(super) fn standing(&self, now: Instant) -> Standing {
        let errors = || {
            let troubles = self.troubles().iter();
            troubles.filter(|trouble| trouble.severity == Severity::Error)
        };
        if errors().any(|trouble| trouble.shape != 0 && !trouble.settled) {
            return Standing::Stands;
        }
        let first = errors().map(|trouble| trouble.first).min();
        let latest = errors().map(|trouble| trouble.latest).max();
        match (first, latest) {
            (Some(first), Some(latest)) if errors().all(|trouble| trouble.settled) => {
                Standing::Over {
                    within: latest.since(first),
                    ago: now.since(latest),
                }
            }
            _ => Standing::Events,
        }
    }

    /// It spoke often, and not long ago by its own measure.
    fn spoke_lately(&self, now: Instant) -> bool {
        let Some((_, last)) = self.live else {
            return false;
        };
        let often = self.messages.saturating_sub(self.retained) >= OFTEN;
        often && now.since(last) <= self.longest_pause().saturating_mul(2)
    }
}

/// A device that was heard after its gateway went is reached in another way.
pub(super) fn is_cut_off(device: &DeviceSlot, gateway: &DeviceSlot) -> bool {
    let Some(told) = gateway.presence.latest() else {
        return false;
    };
    let heard = device
        .live
        .is_some_and(|(_, last)| last.since(told.at) > Duration::from_secs(5));
    told.to == Connection::Offline && !heard
}
