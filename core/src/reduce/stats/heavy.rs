//! The topics with the most messages: Space-Saving (Metwally, Agrawal, El Abbadi 2005) over a table of fixed size.
//!
//! A topic that finds no room takes the place of the one with the fewest messages and inherits its count, as `error`:
//! whatever has more than its share of all messages is surely in the table, and no count is too low. Names stand in
//! cells of one size, longer ones are cut; a topic is known by its seeded hash. Invariant: `index` holds the heads of
//! the chains and behind them, once the table is full, the slots as a heap with the fewest messages at its root.

use super::{Gap, Rhythm};
use crate::payload::hash;
use crate::time::Instant;

/// No slot.
const NONE: u32 = u32::MAX;

/// One topic; about 230 bytes.
#[derive(Clone, Debug)]
pub struct TopicStats {
    hash: u64,
    next: u32,
    /// Place in the heap.
    place: u32,
    name_len: u16,
    /// Messages of others that had its place before: so much its count may be too high.
    pub error: u64,
    /// Payload bytes, since it has its place.
    pub bytes: u64,
    /// Silences that were gaps by its own rhythm.
    pub gaps: u32,
    /// Its intervals, since it has its place.
    pub rhythm: Rhythm,
}

impl Default for TopicStats {
    fn default() -> Self {
        Self {
            hash: 0,
            next: NONE,
            place: 0,
            name_len: 0,
            error: 0,
            bytes: 0,
            gaps: 0,
            rhythm: Rhythm::default(),
        }
    }
}

impl TopicStats {
    /// Messages, too many by at most `error`.
    pub fn messages(&self) -> u64 {
        self.rhythm.messages() + self.error
    }

    fn absorb(&mut self, other: &Self) {
        self.error += other.error;
        self.bytes += other.bytes;
        self.gaps = self.gaps.saturating_add(other.gaps);
        self.rhythm.merge(&other.rhythm);
    }
}

/// The table, over slots `S`, an index `I` of twice as many places, and an arena `B` of cells for names.
#[derive(Debug)]
pub struct Heavy<S, I, B> {
    slots: S,
    index: I,
    names: B,
    seed: u64,
    used: usize,
    replaced: u64,
}

impl<S, I, B> Heavy<S, I, B>
where
    S: AsMut<[TopicStats]> + AsRef<[TopicStats]>,
    I: AsMut<[u32]> + AsRef<[u32]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// An empty table. `index` has twice as many places as there are slots, or part of the slots stays unused; each
    /// name gets its share of `names`. `seed` should be random.
    pub fn new(slots: S, mut index: I, names: B, seed: u64) -> Self {
        index.as_mut().fill(NONE);
        Self {
            slots,
            index,
            names,
            seed,
            used: 0,
            replaced: 0,
        }
    }

    /// Takes one message. Returns the silence of its topic before it, if that was a gap.
    pub fn record(&mut self, at: Instant, topic: &str, bytes: usize) -> Option<Gap> {
        let hash = hash::bytes(self.seed, topic.as_bytes());
        let slot = self.enter(hash, topic)?;
        slot.bytes += bytes as u64;
        let gap = slot.rhythm.record(at);
        slot.gaps = slot.gaps.saturating_add(u32::from(gap.is_some()));
        let place = slot.place;
        self.sift_down(place);
        gap
    }

    /// Nobody listens for a while from now on.
    pub fn pause(&mut self) {
        let slots = self.slots.as_mut().iter_mut().take(self.used);
        slots.for_each(|slot| slot.rhythm.pause());
    }

    /// Takes in what another table has seen; of both together the heaviest are left.
    pub fn merge(&mut self, other: &Self) {
        self.replaced += other.replaced;
        // What one of the tables does not hold it may have seen as often as what it holds least of.
        let (ours_least, theirs_least) = (self.least(), other.least());
        let (seed, alike) = (self.seed, self.seed == other.seed);
        let hash = |name: &str, theirs: &TopicStats| match alike {
            true => theirs.hash,
            false => hash::bytes(seed, name.as_bytes()),
        };
        for number in 0..self.used {
            let Some(slot) = self.slots.as_mut().get_mut(number) else {
                continue;
            };
            let mut theirs = other.iter();
            match theirs.find(|(name, theirs)| hash(name, theirs) == slot.hash) {
                Some((_, theirs)) => slot.absorb(theirs),
                None => slot.error += theirs_least,
            }
        }
        self.order();
        let held = self.used;
        for (name, theirs) in other.iter() {
            let hash = hash(name, theirs);
            let mut ours = self.slots.as_ref().iter().take(held);
            if ours.any(|slot| slot.hash == hash) {
                continue;
            }
            // What both held and has lost its place since is no more than this either.
            if self.used == self.room() && ours_least + theirs.messages() <= self.least() {
                self.replaced += 1;
                continue;
            }
            if let Some(slot) = self.enter(hash, name) {
                slot.error = ours_least;
                slot.absorb(theirs);
                let place = slot.place;
                self.sift_down(place);
            }
        }
    }

    /// Topics with their names, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TopicStats)> {
        let cells = self.names.as_ref().chunks_exact(self.cell());
        let slots = self.slots.as_ref().iter().take(self.used);
        slots.zip(cells).map(|(slot, cell)| {
            let name = cell.get(..usize::from(slot.name_len)).unwrap_or(&[]);
            (core::str::from_utf8(name).unwrap_or(""), slot)
        })
    }

    /// How often a topic lost its place to another.
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Topics that there is room for.
    fn room(&self) -> usize {
        let slots = self.slots.as_ref().len();
        slots.min(self.index.as_ref().len() / 2)
    }

    /// Bytes of a name's cell.
    fn cell(&self) -> usize {
        (self.names.as_ref().len() / self.room().max(1)).max(1)
    }

    /// Messages of what it holds least of; a topic that it does not hold has no more. None while there is room.
    fn least(&self) -> u64 {
        if self.used < self.room() {
            return 0;
        }
        self.slot(self.heap(0)).map_or(0, TopicStats::messages)
    }

    /// The slot of a topic: its own, a free one, or that of the one with the fewest messages.
    fn enter(&mut self, hash: u64, topic: &str) -> Option<&mut TopicStats> {
        let room = self.room();
        let head = usize::try_from(hash % u64::try_from(room.max(1)).unwrap_or(1)).unwrap_or(0);
        let mut number = self.index.as_ref().get(head).copied()?;
        while let Some(slot) = self.slot(number) {
            if slot.hash == hash {
                return self.slot_mut(number);
            }
            number = slot.next;
        }
        let (number, error) = if self.used < room {
            self.used += 1;
            (u32::try_from(self.used - 1).ok()?, 0)
        } else {
            let number = self.heap(0);
            self.unlink(number, room);
            self.replaced += 1;
            (number, self.slot(number)?.messages())
        };
        let name_len = self.write_name(number, topic);
        let next = core::mem::replace(self.index.as_mut().get_mut(head)?, number);
        let slot = self.slot_mut(number)?;
        *slot = TopicStats {
            hash,
            next,
            place: slot.place,
            name_len,
            error,
            ..TopicStats::default()
        };
        if error == 0 && self.used == room {
            self.order();
        }
        self.slot_mut(number)
    }

    fn write_name(&mut self, number: u32, topic: &str) -> u16 {
        let cell = self.cell().min(usize::from(u16::MAX));
        let name = topic.get(..topic.floor_char_boundary(cell)).unwrap_or("");
        let start = usize::try_from(number)
            .unwrap_or(usize::MAX)
            .saturating_mul(self.cell());
        let place = self
            .names
            .as_mut()
            .get_mut(start..start.saturating_add(name.len()));
        let Some(place) = place else { return 0 };
        place.copy_from_slice(name.as_bytes());
        u16::try_from(name.len()).unwrap_or(0)
    }

    /// Takes a slot out of its chain.
    fn unlink(&mut self, number: u32, room: usize) {
        let Some((hash, next)) = self.slot(number).map(|slot| (slot.hash, slot.next)) else {
            return;
        };
        let head = usize::try_from(hash % u64::try_from(room.max(1)).unwrap_or(1)).unwrap_or(0);
        let Some(first) = self.index.as_mut().get_mut(head) else {
            return;
        };
        if *first == number {
            *first = next;
            return;
        }
        let mut before = *first;
        while let Some(slot) = self.slot_mut(before) {
            if slot.next == number {
                slot.next = next;
                return;
            }
            before = slot.next;
        }
    }

    fn slot(&self, number: u32) -> Option<&TopicStats> {
        self.slots.as_ref().get(usize::try_from(number).ok()?)
    }

    fn slot_mut(&mut self, number: u32) -> Option<&mut TopicStats> {
        self.slots.as_mut().get_mut(usize::try_from(number).ok()?)
    }

    /// The slot at a place of the heap.
    fn heap(&self, place: usize) -> u32 {
        let heap = self.index.as_ref().get(self.room()..);
        heap.and_then(|heap| heap.get(place))
            .copied()
            .unwrap_or(NONE)
    }

    fn set_heap(&mut self, place: usize, number: u32) {
        let room = self.room();
        if let Some(entry) = self.index.as_mut().get_mut(room + place) {
            *entry = number;
        }
        if let Some(slot) = self.slot_mut(number) {
            slot.place = u32::try_from(place).unwrap_or(0);
        }
    }

    /// Makes the heap anew, once the table is full.
    fn order(&mut self) {
        let room = self.room();
        if self.used < room {
            return;
        }
        for place in 0..room {
            self.set_heap(place, u32::try_from(place).unwrap_or(NONE));
        }
        for place in (0..room / 2).rev() {
            self.sift_down(u32::try_from(place).unwrap_or(0));
        }
    }

    /// Lets a slot sink to where none below has fewer messages; nothing while there is room.
    fn sift_down(&mut self, place: u32) {
        let room = self.room();
        if self.used < room {
            return;
        }
        let mut place = usize::try_from(place).unwrap_or(0);
        let weight = |table: &Self, place: usize| {
            let slot = table.slot(table.heap(place)).filter(|_| place < room);
            slot.map_or(u64::MAX, TopicStats::messages)
        };
        loop {
            let (left, right) = (place * 2 + 1, place * 2 + 2);
            let child = if weight(self, right) < weight(self, left) {
                right
            } else {
                left
            };
            if weight(self, child) >= weight(self, place) {
                return;
            }
            let (above, below) = (self.heap(child), self.heap(place));
            self.set_heap(place, above);
            self.set_heap(child, below);
            place = child;
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Heavy, TopicStats};
    use crate::time::Instant;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::format;
    use std::vec;
    use std::vec::Vec;

    type Table = Heavy<Vec<TopicStats>, Vec<u32>, Vec<u8>>;

    fn table(room: usize) -> Table {
        let slots = vec![TopicStats::default(); room];
        Heavy::new(slots, vec![0; room * 2], vec![0; room * 8], 5)
    }

    fn feed(table: &mut Table, millis: u64, topic: u32) {
        let at = Instant::from_micros(millis * 1_000);
        table.record(at, &format!("t/{topic}"), 10);
    }

    fn check(table: &Table, truth: &HashMap<u32, u64>) {
        let all: u64 = truth.values().sum();
        for (name, slot) in table.iter() {
            let topic: u32 = name.strip_prefix("t/").unwrap().parse().unwrap();
            let true_count = truth[&topic];
            assert!(
                slot.messages() >= true_count,
                "{name}: {} of {true_count}",
                slot.messages()
            );
            assert!(slot.messages() - slot.error <= true_count, "{name}");
        }
        for (topic, &count) in truth {
            let known = table.iter().any(|(name, _)| name == format!("t/{topic}"));
            assert!(
                known || count <= all / table.room() as u64,
                "{topic}: {count} of {all}"
            );
        }
    }

    #[test]
    fn a_topic_is_told_whole() {
        let mut table = table(4);
        for n in 0..100 {
            feed(&mut table, n * 100, 7);
        }
        assert!(
            table
                .record(Instant::from_micros(60_000_000), "t/7", 5)
                .is_some()
        );
        let (name, slot) = table.iter().next().unwrap();
        assert_eq!(
            (name, slot.messages(), slot.error, slot.bytes, slot.gaps),
            ("t/7", 101, 0, 1_005, 1)
        );
        table.record(Instant::from_micros(61_000_000), "longer/than/its/cell", 5);
        assert_eq!(table.iter().nth(1).unwrap().0, "longer/t");
        assert!(
            size_of::<TopicStats>() <= 232,
            "{}",
            size_of::<TopicStats>()
        );
        let mut none = super::tests::table(0);
        feed(&mut none, 1, 1);
        assert_eq!(none.iter().count(), 0);
    }

    proptest! {
        #[test]
        fn the_heaviest_are_there_and_no_count_is_too_low(
            room in 1..20_usize, topics in prop::collection::vec((0..6_u32, 0..64_u32), 0..400),
        ) {
            let mut truth = HashMap::new();
            let mut whole = table(room);
            let mut shards = [table(room), table(room)];
            for (n, (shift, topic)) in topics.into_iter().enumerate() {
                let topic = topic >> shift;
                *truth.entry(topic).or_default() += 1;
                feed(&mut whole, n as u64, topic);
                feed(&mut shards[n / 3 % 2], n as u64, topic);
            }
            check(&whole, &truth);
            let [mut merged, other] = shards;
            merged.merge(&other);
            check(&merged, &truth);
        }
    }
}
