//! A table of topics: per topic its messages, bytes, first and last time, rate, format and a preview of the value.
//!
//! Names stand in one byte arena, found by a seeded index, because outsiders choose the names.
//! When it is full, a topic that speaks takes the slot of one that was only replayed.
//! Invariant: at most as many topics as there are slots; beyond, topics are only estimated and messages counted.

use super::{Distinct, Record};
use crate::payload::{Facts, Format, Severity, hash};
use crate::time::Instant;

/// Bytes of a preview.
pub const PREVIEW: usize = 96;

/// Formats of one topic that are counted apart; nearly all topics have one.
pub const FORMATS: usize = 2;

/// One topic of a [`Topics`].
#[derive(Clone, Copy, Debug)]
pub struct TopicSlot {
    hash: u64,
    name: u32,
    name_len: u16,
    /// Format of the last payload.
    pub format: Format,
    preview_len: u8,
    preview: [u8; PREVIEW],
    /// Bytes of the whole last payload.
    pub last_bytes: u32,
    /// Bytes of the whole of which [`TopicSlot::preview`] is the front.
    pub shown_bytes: u32,
    /// Messages, retained ones included.
    pub messages: u64,
    /// Of these, replayed retained ones.
    pub retained: u64,
    /// Messages judged errors.
    pub errors: u32,
    /// Messages judged warnings.
    pub warnings: u32,
    formats: [(Format, u32); FORMATS],
    /// Payload bytes.
    pub bytes: u64,
    /// First message.
    pub first: Instant,
    /// Last message.
    pub last: Instant,
    live: (Instant, Instant),
}

impl Default for TopicSlot {
    fn default() -> Self {
        Self {
            hash: 0,
            name: 0,
            name_len: 0,
            format: Format::Empty,
            preview_len: 0,
            preview: [0; PREVIEW],
            last_bytes: 0,
            shown_bytes: 0,
            messages: 0,
            retained: 0,
            errors: 0,
            warnings: 0,
            formats: [(Format::Empty, 0); FORMATS],
            bytes: 0,
            first: Instant::ZERO,
            last: Instant::ZERO,
            live: (Instant::ZERO, Instant::ZERO),
        }
    }
}

/// Seconds, or messages in less time, from which on a rate is told: two messages in one breath are none.
const RATE_FROM: (f64, u64) = (1.0, 16);
impl TopicSlot {
    /// The front of the last payload, or of what it holds if it was decoded.
    pub fn preview(&self) -> &[u8] {
        self.preview
            .get(..usize::from(self.preview_len))
            .unwrap_or(&[])
    }

    /// Live messages per second between the first and the last live one; none while a burst is all that there was.
    pub fn rate(&self) -> Option<f64> {
        let live = self.messages.saturating_sub(self.retained);
        let span = self.live.1.since(self.live.0).as_secs_f64();
        let steps = u32::try_from(live.saturating_sub(1)).unwrap_or(u32::MAX);
        let told = live >= 2 && span >= RATE_FROM.0 || live >= RATE_FROM.1 && span > 0.0;
        told.then(|| f64::from(steps) / span)
    }

    /// Only replayed messages told of it.
    const fn is_silent(&self) -> bool {
        self.messages == self.retained && self.messages > 0
    }

    /// Messages per format, those first that came first; what is missing to all messages had further formats.
    pub fn formats(&self) -> &[(Format, u32); FORMATS] {
        &self.formats
    }

    fn count_format(&mut self, format: Format, messages: u32) {
        let place = |it: &&mut (Format, u32)| it.1 == 0 || it.0 == format;
        if let Some(known) = self.formats.iter_mut().find(place) {
            *known = (format, known.1.saturating_add(messages));
        }
    }

    fn count(&mut self, record: &Record<'_>, facts: &Facts<'_>) {
        let format = facts.format;
        match facts.severity {
            Severity::None => {}
            Severity::Warning => self.warnings = self.warnings.saturating_add(1),
            Severity::Error => self.errors = self.errors.saturating_add(1),
        }
        self.count_format(format, 1);
        let live = self.messages - self.retained;
        if !record.retain {
            self.live = (if live == 0 { record.at } else { self.live.0 }, record.at);
        }
        self.messages += 1;
        self.retained += u64::from(record.retain);
        self.bytes += record.payload.len() as u64;
        self.last = record.at;
        self.last_bytes = u32::try_from(record.payload.len()).unwrap_or(u32::MAX);
        self.format = format;
        let (content, full) = facts.content(record.payload);
        self.shown_bytes = u32::try_from(full).unwrap_or(u32::MAX);
        let front = content.get(..PREVIEW).unwrap_or(content);
        if let Some(preview) = self.preview.get_mut(..front.len()) {
            preview.copy_from_slice(front);
        }
        self.preview_len = u8::try_from(front.len()).unwrap_or(0);
    }

    fn absorb(&mut self, other: &Self) {
        let live = |slot: &Self| slot.messages > slot.retained;
        self.live = match (live(self), live(other)) {
            (_, false) => self.live,
            (false, true) => other.live,
            (true, true) => (self.live.0.min(other.live.0), self.live.1.max(other.live.1)),
        };
        self.messages += other.messages;
        self.retained += other.retained;
        self.errors = self.errors.saturating_add(other.errors);
        self.warnings = self.warnings.saturating_add(other.warnings);
        for &(format, messages) in &other.formats {
            if messages > 0 {
                self.count_format(format, messages);
            }
        }
        self.bytes += other.bytes;
        self.first = self.first.min(other.first);
        if other.last > self.last {
            self.last = other.last;
            self.last_bytes = other.last_bytes;
            self.shown_bytes = other.shown_bytes;
            self.format = other.format;
            self.preview = other.preview;
            self.preview_len = other.preview_len;
        }
    }
}

/// The table, over slots `S`, an index `I` of at least twice as many places, and an arena `B` for names.
#[derive(Debug)]
pub struct Topics<S, I, B> {
    slots: S,
    index: I,
    names: B,
    seed: u64,
    used: usize,
    named: usize,
    distinct: Distinct,
    missed: u64,
    /// Slots of topics that were only replayed, and the slot that is looked at next when one is needed.
    silent: usize,
    next: usize,
}

/// Slots that are looked at for one message when the table is full: each message goes on where the last one ended.
const LOOKS: usize = 64;

impl<S, I, B> Topics<S, I, B>
where
    S: AsMut<[TopicSlot]> + AsRef<[TopicSlot]>,
    I: AsMut<[u32]> + AsRef<[u32]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// An empty table. `index` must be zeroed; its length a power of two, at least twice the slots, or part of the
    /// slots stays unused. `seed` should be random.
    pub fn new(slots: S, index: I, names: B, seed: u64) -> Self {
        Self {
            slots,
            index,
            names,
            seed,
            used: 0,
            named: 0,
            distinct: Distinct::default(),
            missed: 0,
            silent: 0,
            next: 0,
        }
    }

    /// Takes one message. Returns whether its topic was new (beyond the table: surely new, by the estimate).
    pub fn record(&mut self, record: &Record<'_>, facts: &Facts<'_>) -> bool {
        let hash = hash::bytes(self.seed, record.topic.as_bytes());
        let (slot, new) = self.enter(hash, record.topic.as_bytes());
        let Some(slot) = slot else {
            return self.crowded(hash, record, facts);
        };
        if new {
            slot.first = record.at;
        }
        let awakes = !record.retain && slot.is_silent();
        slot.count(record, facts);
        if awakes {
            self.silent = self.silent.saturating_sub(1);
        }
        if new {
            self.silent += usize::from(record.retain);
            self.distinct.record(hash);
        }
        new
    }

    /// A topic that finds no slot: one that speaks may take that of one that was only replayed.
    #[cold]
    fn crowded(&mut self, hash: u64, record: &Record<'_>, facts: &Facts<'_>) -> bool {
        let new = self.distinct.record(hash);
        let taken = match record.retain {
            true => None,
            false => self.take_over(hash, record.topic.as_bytes()),
        };
        let Some(slot) = taken else {
            self.missed += 1;
            return new;
        };
        slot.first = record.at;
        slot.count(record, facts);
        new
    }

    /// The slot of a topic that was only replayed, for another one; its messages are missed from now on.
    fn take_over(&mut self, hash: u64, topic: &[u8]) -> Option<&mut TopicSlot> {
        let name_len = u16::try_from(topic.len()).ok()?;
        let behind = self.names.as_ref().len().saturating_sub(self.named);
        let looks = if self.silent == 0 {
            0
        } else {
            LOOKS.min(self.used)
        };
        let place = (0..looks).find_map(|_| {
            let place = self.next;
            self.next = (place + 1) % self.used.max(1);
            let slot = self.slots.as_ref().get(place)?;
            let room = behind.max(usize::from(slot.name_len));
            (slot.is_silent() && topic.len() <= room).then_some(place)
        })?;
        let old = *self.slots.as_ref().get(place)?;
        self.unlink(place, old.hash)?;
        let name = if topic.len() <= usize::from(old.name_len) {
            old.name
        } else {
            let end = self.named;
            self.named += topic.len();
            u32::try_from(end).ok()?
        };
        let start = usize::try_from(name).ok()?;
        let bytes = self.names.as_mut().get_mut(start..start + topic.len())?;
        bytes.copy_from_slice(topic);
        self.missed += old.messages;
        self.silent = self.silent.saturating_sub(1);
        self.link(place, hash);
        let slot = self.slots.as_mut().get_mut(place)?;
        *slot = TopicSlot {
            hash,
            name,
            name_len,
            ..TopicSlot::default()
        };
        Some(slot)
    }

    /// Takes a slot out of the index: those behind it move up, so that searches still find them.
    fn unlink(&mut self, place: usize, hash: u64) -> Option<()> {
        let (index, slots) = (self.index.as_mut(), self.slots.as_ref());
        let mask = index.len().saturating_sub(1);
        let number = u32::try_from(place + 1).ok()?;
        let mut hole = hash::index(hash, index.len());
        for _ in 0..=mask {
            if index.get(hole) == Some(&number) {
                break;
            }
            hole = (hole + 1) & mask;
        }
        let mut at = hole;
        for _ in 0..mask {
            at = (at + 1) & mask;
            let moved = *index.get(at)?;
            let Some(slot) = usize::try_from(moved).ok()?.checked_sub(1) else {
                break;
            };
            let home = hash::index(slots.get(slot)?.hash, index.len());
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                *index.get_mut(hole)? = moved;
                hole = at;
            }
        }
        *index.get_mut(hole)? = 0;
        Some(())
    }

    /// Enters a slot into the index.
    fn link(&mut self, place: usize, hash: u64) {
        let index = self.index.as_mut();
        let mask = index.len().saturating_sub(1);
        let mut at = hash::index(hash, index.len());
        for _ in 0..=mask {
            match index.get_mut(at) {
                Some(entry) if *entry == 0 => {
                    *entry = u32::try_from(place + 1).unwrap_or(0);
                    return;
                }
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// Takes in what another table has seen; its seed must be the same, or distinct topics are over-estimated.
    pub fn merge(&mut self, other: &Self) {
        self.distinct.merge(&other.distinct);
        self.missed += other.missed;
        for (name, theirs) in other.iter() {
            let hash = hash::bytes(self.seed, name.as_bytes());
            match self.enter(hash, name.as_bytes()) {
                (None, _) => self.missed += theirs.messages,
                (Some(ours), true) => {
                    *ours = TopicSlot {
                        hash,
                        name: ours.name,
                        ..*theirs
                    }
                }
                (Some(ours), false) => ours.absorb(theirs),
            }
        }
        let slots = self.slots.as_ref().iter().take(self.used);
        self.silent = slots.filter(|slot| slot.is_silent()).count();
    }

    /// Distinct topics, also beyond the table.
    pub fn seen(&self) -> u64 {
        let used = self.used as u64;
        if self.estimated() {
            // Each message that is missed is of one more topic at most.
            let most = used.saturating_add(self.missed);
            self.distinct.estimate().max(used + 1).min(most)
        } else {
            used
        }
    }

    /// The table was full: [`Topics::seen`] is an estimate.
    pub fn estimated(&self) -> bool {
        self.missed > 0
    }

    /// Messages of topics that found no room.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The topics, each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TopicSlot)> {
        let slots = self.slots.as_ref().iter().take(self.used);
        slots.map(|slot| (core::str::from_utf8(self.name(slot)).unwrap_or(""), slot))
    }

    fn name(&self, slot: &TopicSlot) -> &[u8] {
        name(self.names.as_ref(), slot)
    }

    /// The slot of a topic, made if there is room, and whether it was.
    fn enter(&mut self, hash: u64, topic: &[u8]) -> (Option<&mut TopicSlot>, bool) {
        let index = self.index.as_mut();
        let slots = self.slots.as_mut();
        let names = self.names.as_mut();
        let mut place = hash::index(hash, index.len());
        // Half of the index stays empty, so a run ends soon; the bound is for an index that is too small.
        for _ in 0..index.len() {
            match index
                .get(place)
                .map_or(0, |&n| usize::try_from(n).unwrap_or(0))
            {
                0 => break,
                n => {
                    let known = slots
                        .get(n - 1)
                        .is_some_and(|slot| slot.hash == hash && name(names, slot) == topic);
                    if known {
                        return (slots.get_mut(n - 1), false);
                    }
                }
            }
            place = (place + 1) & index.len().saturating_sub(1);
        }
        let full = self.used >= slots.len() || self.used * 2 >= index.len();
        let (Some(name), Ok(name_len), false) = (
            names.get_mut(self.named..self.named + topic.len()),
            u16::try_from(topic.len()),
            full,
        ) else {
            return (None, false);
        };
        let (Ok(at), Ok(number), Some(entry)) = (
            u32::try_from(self.named),
            u32::try_from(self.used + 1),
            index.get_mut(place),
        ) else {
            return (None, false);
        };
        name.copy_from_slice(topic);
        *entry = number;
        self.named += topic.len();
        self.used += 1;
        let slot = slots.get_mut(self.used - 1);
        let slot = slot.map(|slot| {
            *slot = TopicSlot {
                hash,
                name: at,
                name_len,
                ..TopicSlot::default()
            };
            slot
        });
        (slot, true)
    }
}

fn name<'n>(names: &'n [u8], slot: &TopicSlot) -> &'n [u8] {
    let start = usize::try_from(slot.name).unwrap_or(usize::MAX);
    names
        .get(start..start.saturating_add(usize::from(slot.name_len)))
        .unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{TopicSlot, Topics};
    use crate::payload::inspect;
    use crate::reduce::Record;
    use crate::time::Instant;
    use std::borrow::ToOwned;
    use std::format;
    use std::vec;
    use std::vec::Vec;

    type Boxed = Topics<Vec<TopicSlot>, Vec<u32>, Vec<u8>>;

    fn table(topics: usize) -> Boxed {
        let index = vec![0; (topics * 2).next_power_of_two()];
        Topics::new(
            vec![TopicSlot::default(); topics],
            index,
            vec![0; topics * 32],
            7,
        )
    }

    fn feed(table: &mut Boxed, millis: u64, topic: &str, payload: &[u8], retain: bool) -> bool {
        let at = Instant::from_micros(millis * 1_000);
        let record = Record {
            at,
            topic,
            payload,
            qos: 0,
            retain,
        };
        table.record(&record, &inspect(topic, payload))
    }

    #[test]
    fn a_topic_is_told_whole() {
        let mut table = table(10);
        assert!(feed(&mut table, 0, "a/b", b"1", true));
        assert!(!feed(&mut table, 1_000, "a/b", b"2", false));
        assert!(!feed(&mut table, 2_000, "a/b", b"3", false));
        assert!(!feed(&mut table, 3_000, "a/b", &[b'x'; 200], false));
        let (name, slot) = table.iter().next().unwrap();
        assert_eq!(
            (name, slot.messages, slot.retained, slot.bytes),
            ("a/b", 4, 1, 203)
        );
        assert_eq!(
            (slot.first.as_micros(), slot.last.as_micros()),
            (0, 3_000_000)
        );
        assert_eq!(slot.rate(), Some(1.0));
        assert_eq!((slot.preview().len(), slot.last_bytes), (96, 200));
        assert_eq!((table.seen(), table.estimated()), (1, false));
    }

    #[test]
    fn beyond_the_table_topics_are_estimated() {
        let mut table = table(100);
        for round in 0..2u64 {
            for n in 0..5_000u64 {
                let new = feed(&mut table, n, &format!("t/{n}"), b"on", false);
                if n < 100 {
                    assert_eq!(new, round == 0);
                }
            }
        }
        assert_eq!(table.iter().count(), 100);
        assert!(
            table.estimated() && table.seen().abs_diff(5_000) < 400,
            "{}",
            table.seen()
        );
        assert_eq!(table.missed(), 2 * 4_900);
    }

    #[test]
    fn a_topic_that_speaks_takes_the_slot_of_a_replayed_one() {
        let mut table = table(200);
        for n in 0..300 {
            feed(&mut table, n, &format!("shelf/{n}/state"), b"on", true);
        }
        // Some of the shelves speak: they stay.
        for n in (0..200).step_by(3) {
            feed(
                &mut table,
                1_000,
                &format!("shelf/{n}/state"),
                b"off",
                false,
            );
        }
        for round in 0..10 {
            for n in 0..100 {
                feed(
                    &mut table,
                    2_000 + round,
                    &format!("boiler/{n}/alarm"),
                    b"hot",
                    false,
                );
            }
        }
        let found = |name: &str| table.iter().find(|(topic, _)| *topic == name);
        for n in 0..100 {
            let (_, slot) = found(&format!("boiler/{n}/alarm")).expect("it speaks");
            assert!(slot.messages >= 9 && slot.first.as_micros() >= 2_000_000);
        }
        for n in (0..200).step_by(3) {
            let (_, slot) = found(&format!("shelf/{n}/state")).expect("it speaks");
            assert_eq!((slot.messages, slot.retained), (2, 1));
        }
        let all: u64 = table.iter().map(|(_, slot)| slot.messages).sum();
        assert_eq!(all + table.missed(), 300 + 67 + 1_000);
        assert_eq!(table.iter().count(), 200);
        // Every one is found again.
        let names: Vec<_> = table.iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            assert!(!feed(&mut table, 9_000, &name, b"", false), "{name}");
        }
        assert_eq!(table.silent, 0);
        let missed = table.missed();
        assert!(!feed(&mut table, 9_000, "shelf/1/state", b"", false));
        assert_eq!(table.missed(), missed + 1, "nobody has to go for it");
    }

    #[test]
    fn an_estimate_is_never_more_than_is_certain() {
        for topics in 1..400u64 {
            let mut table = table(10);
            for n in 0..topics {
                feed(&mut table, n, &format!("t/{n}"), b"", false);
            }
            assert!(table.seen() <= topics, "{} of {topics}", table.seen());
            assert_eq!(table.estimated(), topics > 10);
        }
    }

    #[test]
    fn names_beyond_the_arena_are_estimated() {
        let mut table = Topics::new(vec![TopicSlot::default(); 4], vec![0; 8], vec![0; 10], 7);
        assert!(feed(&mut table, 0, "12345678", b"", false));
        feed(&mut table, 0, "123456789", b"", false);
        assert_eq!(
            (table.iter().count(), table.estimated(), table.seen()),
            (1, true, 2)
        );
    }

    #[test]
    fn shards_merged_are_the_stream() {
        let (mut whole, mut left, mut right) = (table(300), table(300), table(300));
        for n in 0..2_000u64 {
            let topic = format!("t/{}", n * n % 257);
            let payload = format!("{n}");
            feed(&mut whole, n, &topic, payload.as_bytes(), n < 100);
            feed(
                if n % 2 == 0 { &mut left } else { &mut right },
                n,
                &topic,
                payload.as_bytes(),
                n < 100,
            );
        }
        left.merge(&right);
        let sorted = |table: &Boxed| {
            let all = table.iter().map(|(name, slot)| {
                format!(
                    "{name} {} {} {} {:?} {:?} {:?}",
                    slot.messages,
                    slot.retained,
                    slot.bytes,
                    slot.first,
                    slot.rate(),
                    slot.preview()
                )
            });
            let mut all: Vec<_> = all.collect();
            all.sort();
            all
        };
        assert_eq!(sorted(&left), sorted(&whole));
        assert_eq!(left.seen(), whole.seen());
    }
}
