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
            match self.shapes.find(theirs.hash) {
                Some((place, true)) => {
                    if let Some(shape) = self.shapes.get_mut(place) {
                        shape.count = shape.count.saturating_add(theirs.count);
                    }
                }
                Some((place, false)) => {
                    let room = self.shapes.used() < self.target + 16;
                    let slot = if room {
                        self.import(other, theirs.slot, map)
                    } else {
                        NONE
                    };
                    self.shapes.put(place, Shape { slot, ..*theirs });
                }
                None => {
                    self.shapes_more.record(theirs.hash);
                }
            }
        }
    }

    pub(super) fn merge_paths(&mut self, other: &Self, map: &mut Map) {
        for (_, theirs) in other.paths.iter() {
            let Some((place, known)) = self.paths.find(theirs.hash) else {
                continue;
            };
            if !known {
                let (low, high) = (
                    self.import(other, theirs.low, map),
                    self.import(other, theirs.high, map),
                );
                self.paths.put(
                    place,
                    Path {
                        low,
                        high,
                        ..*theirs
                    },
                );
                continue;
            }
            let Some(mut path) = self.paths.get(place).copied() else {
                continue;
            };
            if theirs.min < path.min {
                self.store.release(path.low);
                path.min = theirs.min;
                path.low = self.import(other, theirs.low, map);
            }
            if theirs.max > path.max {
                self.store.release(path.high);
                path.max = theirs.max;
                path.high = self.import(other, theirs.high, map);
            }
            if let Some(entry) = self.paths.get_mut(place) {
                *entry = path;
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
            if let Some(mine) = self.buckets.get_mut(place) {
                let gone = mine.take(&Bucket { slot, ..*theirs });
                self.store.release(gone);
            }
        }
    }
}
