//! Merging, continued: the strata that are tables, one entry with one entry. Elsewhere: who calls it, and how a
//! candidate of the other becomes one of ours (`merge`).

use super::Pruner;
use super::merge::Map;
use super::store::{NONE, Slot};
use super::strata::*;

impl<S, B> Pruner<S, B>
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    pub(super) fn merge_shapes(&mut self, other: &Self, map: &mut Map) {
        self.shapes_more.merge(&other.shapes_more);
        for (_, theirs) in other.shapes.iter() {
            let Some((place, known)) = self.shapes.find(theirs.hash) else {
                self.shapes_more.record(theirs.hash);
                continue;
            };
            if !known {
                let hash = theirs.hash;
                self.shapes.put(
                    place,
                    Shape {
                        hash,
                        ..Shape::EMPTY
                    },
                );
            }
            let lower = |mine: &Shape| theirs.rank < mine.rank;
            if theirs.hash > self.shapes_below || !self.shapes.get(place).is_some_and(lower) {
                continue;
            }
            let slot = self.import(other, theirs.slot, map);
            if let Some(mine) = self.shapes.get_mut(place).filter(|_| slot != NONE) {
                mine.rank = theirs.rank;
                let old = core::mem::replace(&mut mine.slot, slot);
                self.store.release(old);
            }
        }
    }

    /// Enters the numeric paths of the other.
    pub(super) fn map_paths(&mut self, other: &Self, map: &mut Map) {
        for ((_, theirs), to) in places(&other.paths, &mut map.paths) {
            let Some((place, known)) = self.paths.find(theirs.hash) else {
                continue;
            };
            if !known {
                let (low, high) = (NONE, NONE);
                self.paths.put(
                    place,
                    Path {
                        low,
                        high,
                        ..*theirs
                    },
                );
            }
            *to = u16::try_from(place).unwrap_or(NONE);
        }
    }

    /// Enters the states of the other.
    pub(super) fn map_states(&mut self, other: &Self, map: &mut Map) {
        for (_, theirs) in other.state_paths.iter() {
            if theirs.count != StatePath::TEXT {
                continue;
            }
            match self.state_paths.find(theirs.hash) {
                Some((place, false)) => self.state_paths.put(place, *theirs),
                Some((place, true)) => self.dissolve(place),
                None => {}
            }
        }
        for ((_, theirs), to) in places(&other.states, &mut map.states) {
            let path = other.state_paths.get(usize::from(theirs.path));
            *to = path
                .and_then(|path| self.state_place(path.hash, theirs.hash))
                .unwrap_or(NONE);
        }
    }

    pub(super) fn merge_states(&mut self, other: &Self, map: &mut Map) {
        for (place, theirs) in other.states.iter() {
            let mine = map.states.get(place).map_or(0, |&place| usize::from(place));
            let lower = |mine: &&State| theirs.rank < mine.rank && mine.path != NONE;
            let Some(path) = self.states.get(mine).filter(lower).map(|mine| mine.path) else {
                continue;
            };
            let path = self.state_paths.get(usize::from(path));
            if path.is_none_or(|path| path.hash > self.values_below) {
                continue;
            }
            let slot = self.import(other, theirs.slot, map);
            if let Some(mine) = self.states.get_mut(mine).filter(|_| slot != NONE) {
                mine.rank = theirs.rank;
                let old = core::mem::replace(&mut mine.slot, slot);
                self.store.release(old);
            }
        }
    }

    pub(super) fn merge_paths(&mut self, other: &Self, map: &mut Map) {
        for (place, theirs) in other.paths.iter() {
            let place = map
                .paths
                .get(place)
                .map_or(PATHS, |&place| usize::from(place));
            let Some(mine) = self.paths.get(place).copied() else {
                continue;
            };
            let (low, high) = (
                theirs.min < mine.min || mine.low == NONE,
                theirs.max > mine.max || mine.high == NONE,
            );
            for (is_high, _) in [(false, low), (true, high)]
                .into_iter()
                .filter(|side| side.1)
            {
                let held = mine.hash <= self.values_below;
                let from = if is_high { theirs.high } else { theirs.low };
                let slot = if held {
                    self.import(other, from, map)
                } else {
                    NONE
                };
                let Some(path) = self.paths.get_mut(place) else {
                    continue;
                };
                let (bound, holder, value) = if is_high {
                    (&mut path.max, &mut path.high, theirs.max.max(mine.max))
                } else {
                    (&mut path.min, &mut path.low, theirs.min.min(mine.min))
                };
                *bound = value;
                if slot != NONE {
                    let old = core::mem::replace(holder, slot);
                    self.store.release(old);
                }
            }
            // What stands out from now on stands out from what either has learnt.
            if let Some(path) = self
                .paths
                .get_mut(place)
                .filter(|path| path.seen < theirs.seen)
            {
                (path.mean, path.spread, path.seen) = (theirs.mean, theirs.spread, theirs.seen);
            }
        }
        for theirs in &other.spikes {
            if let Some(place) = self.spike_place(theirs.path, theirs.score) {
                let slot = self.import(other, theirs.slot, map);
                let same = |mine: &Spike| (mine.path, mine.slot) == (theirs.path, slot);
                if self.spikes.iter().any(same) {
                    self.store.release(slot);
                } else {
                    self.put_spike(place, Spike { slot, ..*theirs });
                }
            }
        }
    }

    pub(super) fn merge_times(&mut self, other: &Self, map: &mut Map) {
        self.bucket_limit = self.bucket_limit.min(other.bucket_limit);
        if self.count == 0 {
            self.base = other.base;
            self.width = other.width;
        }
        while self.width < other.width {
            self.double_width();
        }
        let used = |buckets: &[Bucket]| {
            buckets
                .iter()
                .rposition(|bucket| bucket.count > 0)
                .unwrap_or(0) as u64
        };
        let first = loop {
            let shift = (self.width / other.width).max(1);
            let first = self.base.min(other.base / shift);
            let last =
                (self.base + used(&self.buckets)).max((other.base + used(&other.buckets)) / shift);
            if last - first < self.bucket_limit as u64 {
                break first;
            }
            self.double_width();
        };
        let by = usize::try_from(self.base - first).unwrap_or(0);
        self.buckets.rotate_right(by % BUCKETS);
        self.base = first;
        for (n, theirs) in other
            .buckets
            .iter()
            .enumerate()
            .filter(|(_, bucket)| bucket.count > 0)
        {
            // Importing may double the width to make room.
            let number = |width: u64| (other.base + n as u64) / (width / other.width).max(1);
            let place =
                |ours: &Self| usize::try_from(number(ours.width) - ours.base).unwrap_or(BUCKETS);
            let Some(mine) = self.buckets.get(place(self)) else {
                continue;
            };
            let slot = if theirs.rank < mine.rank {
                self.import(other, theirs.slot, map)
            } else {
                NONE
            };
            let place = place(self);
            // Without its message a rank says nothing.
            let rank = if slot == NONE { u64::MAX } else { theirs.rank };
            if let Some(mine) = self.buckets.get_mut(place) {
                let gone = mine.take(&Bucket {
                    slot,
                    rank,
                    ..*theirs
                });
                self.store.release(gone);
            }
        }
    }
}

/// Places in use of a table of the other, each with the place where it is noted which is ours.
fn places<'a, T: Keyed, const N: usize>(
    table: &'a Table<T, N>,
    map: &'a mut [u16; N],
) -> impl Iterator<Item = ((usize, &'a T), &'a mut u16)> {
    let all = table.all().iter().enumerate().zip(map);
    all.filter(|((_, value), _)| value.key() != 0)
}
