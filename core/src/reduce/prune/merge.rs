//! Merging: what two pruners saw, as if one had seen it. Counts and samples are exact; strata that were full
//! are as good as what their bounds let through. Elsewhere: shapes, numbers and the sample in time (`merge_tables`).
//!
//! Candidates of the other are copied when the first stratum wants them. Invariant: the other is only read.

use super::Pruner;
use super::marks::Marks;
use super::store::{NONE, Slot, Store};
use super::strata::*;
use crate::reduce::differing;

/// Slots of the other that can be taken over.
const MAX_SLOTS: usize = 2_048;

/// Where candidates, numbers and states of the other have gone.
pub(super) struct Map {
    slots: [u16; MAX_SLOTS],
    pub(super) paths: [u16; PATHS],
    pub(super) states: [u16; STATES],
}

/// Share of the other's messages that we have seen as well.
#[derive(Clone, Copy)]
struct Known {
    known: u64,
    of: u64,
}

impl Known {
    /// How many of so many we have not seen.
    fn new_of(self, count: u64) -> u64 {
        let known = u128::from(count) * u128::from(self.known) / u128::from(self.of);
        count.saturating_sub(u64::try_from(known).unwrap_or(u64::MAX))
    }
}

/// A silence between two messages; the first and the last of a stream border on endless ones.
#[derive(Clone, Copy)]
struct Silence {
    from: u64,
    until: u64,
    left: u16,
    right: u16,
}

impl<S, B> Pruner<S, B>
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// Takes in what another pruner has seen. A message seen by both is kept once, and counted once as far as the
    /// samples tell how many there are: exactly if there are none or all are, else an estimate.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let known = self.known_of(other);
        let mut map = Map {
            slots: [NONE; MAX_SLOTS],
            paths: [NONE; PATHS],
            states: [NONE; STATES],
        };
        self.forget_values(other.values_below);
        self.forget_shapes(other.shapes_below);
        self.map_paths(other, &mut map);
        self.map_states(other, &mut map);
        self.merge_gaps(other, &mut map);
        self.merge_edges(other, &mut map);
        self.merge_kinds(other, known, &mut map);
        self.merge_shapes(other, &mut map);
        self.merge_paths(other, &mut map);
        self.merge_states(other, &mut map);
        self.merge_times(other, &mut map);
        for &(rank, slot) in &other.drawn {
            if rank < self.drawn_below {
                let mut mine = self.import(other, slot, &mut map);
                if mine != NONE {
                    self.draw(rank, &mut mine);
                }
                self.store.release(mine);
            }
        }
        self.count += known.new_of(other.count);
        self.errors += known.new_of(other.errors);
        self.warnings += known.new_of(other.warnings);
        self.lost += known.new_of(other.lost);
        for (mine, theirs) in self.formats.iter_mut().zip(other.formats) {
            *mine += known.new_of(theirs);
        }
    }

    /// How much of the sample of the other is in ours, below the rank up to which both are whole.
    fn known_of(&self, other: &Self) -> Known {
        let below = self.drawn_below.min(other.drawn_below);
        let theirs = other.drawn.iter().filter(|drawn| drawn.0 <= below);
        let known = theirs.clone();
        let known = known.filter(|&&(rank, _)| self.drawn.iter().any(|mine| mine.0 == rank));
        Known {
            known: known.count() as u64,
            of: theirs.count().max(1) as u64,
        }
    }

    /// A candidate of the other as one of ours, with a reference.
    pub(super) fn import(&mut self, other: &Self, number: u16, map: &mut Map) -> u16 {
        let Some(slot) = other.store.get(number) else {
            return NONE;
        };
        let Some(known) = map.slots.get(usize::from(number)).copied() else {
            return NONE;
        };
        if self
            .store
            .get(known)
            .is_some_and(|known| known.id == slot.id)
        {
            self.store.hold(known);
            return known;
        }
        let twin = self
            .store
            .slots()
            .iter()
            .position(|mine| mine.live() && mine.id == slot.id);
        let mine = match twin.and_then(|n| u16::try_from(n).ok()) {
            Some(twin) => {
                self.store.hold(twin);
                Some(twin)
            }
            None => {
                while self.store.tight() && self.loosen() {}
                let marks = translated(&other.store, slot, map);
                self.store.copy(slot, other.store.content(slot), &marks)
            }
        };
        let Some(mine) = mine else {
            self.lost += 1;
            return NONE;
        };
        if let Some(known) = map.slots.get_mut(usize::from(number)) {
            *known = mine;
        }
        mine
    }

    /// A silence of both together is one that each has: their silences are cut with one another.
    fn merge_gaps(&mut self, other: &Self, map: &mut Map) {
        let last = if self.count == 0 {
            NONE
        } else {
            self.keep_previous()
        };
        let mine = if self.count == 0 {
            heapless::Vec::new()
        } else {
            self.silences(last)
        };
        let theirs = other.silences(NONE);
        let old = core::mem::replace(&mut self.gaps, [Gap::NONE; GAPS]);
        for a in &mine {
            for b in &theirs {
                let (from, until) = (a.from.max(b.from), a.until.min(b.until));
                let bounded = from > 0 && until < u64::MAX;
                if from >= until || !bounded || until - from <= self.least_gap() {
                    continue;
                }
                let left = if a.from >= b.from {
                    self.held(a.left)
                } else {
                    self.import_edge(other, b.left, map)
                };
                let right = if a.until <= b.until {
                    self.held(a.right)
                } else {
                    self.import(other, b.right, map)
                };
                self.note_gap(Gap {
                    length: until - from,
                    until,
                    left,
                    right,
                });
            }
        }
        if self.count == 0 {
            for gap in other.gaps {
                let (left, right) = (
                    self.import(other, gap.left, map),
                    self.import(other, gap.right, map),
                );
                self.note_gap(Gap { left, right, ..gap });
            }
        }
        for gap in old {
            self.store.release(gap.left);
            self.store.release(gap.right);
        }
        self.store.release(last);
    }

    fn held(&mut self, slot: u16) -> u16 {
        self.store.hold(slot);
        slot
    }

    /// As [`Self::import`]; none stands for the newest message of the other.
    fn import_edge(&mut self, other: &Self, slot: u16, map: &mut Map) -> u16 {
        if slot != NONE {
            return self.import(other, slot, map);
        }
        let last = &other.store.last;
        let twin = self
            .store
            .slots()
            .iter()
            .position(|mine| mine.live() && mine.id == last.id);
        if let Some(twin) = twin.and_then(|n| u16::try_from(n).ok()) {
            return self.held(twin);
        }
        let marks = translated(&other.store, last, map);
        let copy = self.store.copy(last, other.store.content(last), &marks);
        copy.unwrap_or(NONE)
    }

    /// The known silences, with the endless ones before the first message and after the last.
    fn silences(&self, last: u16) -> heapless::Vec<Silence, { GAPS + 2 }> {
        let mut silences = heapless::Vec::new();
        for gap in self.gaps.iter().filter(|gap| gap.length > 0) {
            let from = gap.until - gap.length;
            let _ = silences.push(Silence {
                from,
                until: gap.until,
                left: gap.left,
                right: gap.right,
            });
        }
        let _ = silences.push(Silence {
            from: 0,
            until: self.first_at,
            left: NONE,
            right: self.first,
        });
        let _ = silences.push(Silence {
            from: self.store.last.at,
            until: u64::MAX,
            left: last,
            right: NONE,
        });
        silences
    }

    fn merge_edges(&mut self, other: &Self, map: &mut Map) {
        let key = |slot: Option<&Slot>| slot.map(|slot| (slot.at, slot.id));
        let (mine, theirs) = (
            key(self.store.get(self.first)),
            key(other.store.get(other.first)),
        );
        if theirs.is_some() && (mine.is_none() || theirs < mine) {
            let old = self.first;
            self.first = self.import(other, other.first, map);
            self.store.release(old);
        }
        let (mine, theirs) = (&self.store.last, &other.store.last);
        if self.count == 0 || (theirs.at, theirs.id) > (mine.at, mine.id) {
            let marks = translated(&other.store, theirs, map);
            let content = other.store.content(theirs);
            self.store.copy_last(theirs, content, &marks);
        }
        self.first_at = self.first_at.min(other.first_at);
    }

    fn merge_kinds(&mut self, other: &Self, known: Known, map: &mut Map) {
        self.kinds_more.merge(&other.kinds_more);
        for theirs in &other.kinds {
            let same = |kind: &Kind| kind.hash == theirs.hash && kind.error == theirs.error;
            let Some(n) = self.kinds.iter().position(same) else {
                if self.kinds.is_full() && !(theirs.error && self.drop_warning()) {
                    if theirs.error {
                        self.kinds_more.record(theirs.hash);
                    }
                    continue;
                }
                let first = self.import(other, theirs.first, map);
                let latest = self.import(other, theirs.latest, map);
                let mut topics = theirs.topics;
                for slot in &mut topics.elsewhere {
                    *slot = self.import(other, *slot, map);
                }
                let _ = self.kinds.push(Kind {
                    first,
                    latest,
                    topics,
                    ..*theirs
                });
                continue;
            };
            let Some(mut kind) = self.kinds.get(n).copied() else {
                continue;
            };
            kind.count += known.new_of(theirs.count);
            if theirs.first_at < kind.first_at {
                kind.first_at = theirs.first_at;
                let old = kind.first;
                kind.first = self.import(other, theirs.first, map);
                self.store.release(old);
            }
            if theirs.latest_at > kind.latest_at {
                kind.latest_at = theirs.latest_at;
                let old = kind.latest;
                kind.latest = self.import(other, theirs.latest, map);
                self.store.release(old);
            }
            for hash in theirs.topics.hashes() {
                kind.topics.enter(hash);
            }
            kind.topics.varying |= theirs.topics.varying | self.apart(&kind, other, theirs);
            for theirs in theirs.topics.elsewhere {
                let free = kind.topics.elsewhere.iter_mut().find(|slot| **slot == NONE);
                if let Some(free) = free {
                    *free = self.import(other, theirs, map);
                }
            }
            if let Some(place) = self.kinds.get_mut(n) {
                *place = kind;
            }
        }
    }
}

impl<S, B> Pruner<S, B>
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// Levels in which the first topics of a kind here and there differ.
    fn apart(&self, ours: &Kind, other: &Self, theirs: &Kind) -> u64 {
        match (self.store.get(ours.first), other.store.get(theirs.first)) {
            (Some(a), Some(b)) => differing(self.store.content(a).0, other.store.content(b).0),
            _ => 0,
        }
    }
}

/// What a candidate of the other says, by our places.
fn translated<S, B>(store: &Store<S, B>, slot: &Slot, map: &Map) -> Marks
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    let place = |map: &[u16], place: u16| map.get(usize::from(place)).copied();
    let mut marks = Marks::default();
    let theirs = store.marks(slot);
    for (path, number) in theirs.numbers() {
        if let Some(path) = place(&map.paths, path).filter(|&path| path != NONE) {
            let _ = marks.numbers.push((path, number));
        }
    }
    for state in theirs.states() {
        if let Some(state) = place(&map.states, state).filter(|&state| state != NONE) {
            let _ = marks.states.push(state);
        }
    }
    marks
}
