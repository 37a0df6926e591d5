//! What a message means to each stratum: whether it becomes a candidate there, and who goes for it.

use super::store::{NONE, Slot};
use super::strata::*;
use super::{Pruner, set};
use crate::payload::{Facts, Severity, hash};

impl<S, B> Pruner<S, B>
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// A reference to the newest message, which becomes a candidate by the first one; none if there is little room,
    /// which is for what must be kept.
    pub(super) fn want(&mut self, mine: &mut u16) -> u16 {
        if *mine == NONE && self.store.tight() {
            self.lost += 1;
            return NONE;
        }
        self.must(mine)
    }

    /// As [`Self::want`], whatever room there is.
    pub(super) fn must(&mut self, mine: &mut u16) -> u16 {
        if *mine == NONE {
            *mine = self.keep_last();
        } else {
            self.store.hold(*mine);
        }
        *mine
    }

    pub(super) fn keep_last(&mut self) -> u16 {
        match self.store.keep_last() {
            Some(slot) => slot,
            None => {
                self.lost += 1;
                NONE
            }
        }
    }

    /// A reference to the newest message before this one, which may be a candidate already.
    pub(super) fn keep_previous(&mut self) -> u16 {
        let last = &self.store.last;
        let same = |slot: &Slot| slot.live() && (slot.id, slot.at) == (last.id, last.at);
        let found = self.store.slots().iter().position(same);
        match found.and_then(|n| u16::try_from(n).ok()) {
            Some(slot) => {
                self.store.hold(slot);
                slot
            }
            None => self.keep_last(),
        }
    }

    pub(super) fn least_gap(&self) -> u64 {
        self.gaps.last().map_or(0, |gap| gap.length)
    }

    /// Puts a gap among the largest, which stand in order of length.
    pub(super) fn note_gap(&mut self, gap: Gap) {
        let mut entering = gap;
        for place in &mut self.gaps {
            if (entering.length, place.until) > (place.length, entering.until) {
                core::mem::swap(place, &mut entering);
            }
        }
        self.store.release(entering.left);
        self.store.release(entering.right);
    }

    pub(super) fn note_problem(&mut self, facts: &Facts<'_>, at: u64, mine: &mut u16) {
        let error = facts.severity == Severity::Error;
        *(if error {
            &mut self.errors
        } else {
            &mut self.warnings
        }) += 1;
        if let Some(n) = self
            .kinds
            .iter()
            .position(|kind| kind.hash == facts.kind && kind.error == error)
        {
            let first_at = self.first_at;
            let Some(kind) = self.kinds.get_mut(n) else {
                return;
            };
            kind.count += 1;
            kind.latest_at = at;
            // The latest message itself moves in steps, so that a flood of one kind stays cheap.
            let latest = self.store.get(kind.latest).map_or(0, |slot| slot.at);
            if kind.count > 32 && at.saturating_sub(latest) < at.saturating_sub(first_at) / 32 {
                return;
            }
            let old = kind.latest;
            let latest = self.must(mine);
            if let Some(kind) = self.kinds.get_mut(n) {
                kind.latest = latest;
            }
            self.store.release(old);
            return;
        }
        if self.kinds.is_full() && !(error && self.drop_warning()) {
            if error {
                self.kinds_more.record(facts.kind);
            }
            return;
        }
        let first = self.must(mine);
        let kind = Kind {
            hash: facts.kind,
            count: 1,
            first_at: at,
            latest_at: at,
            first,
            latest: NONE,
            error,
        };
        let _ = self.kinds.push(kind);
    }

    /// Makes room for an error by forgetting a kind of warning.
    pub(super) fn drop_warning(&mut self) -> bool {
        let Some(n) = self.kinds.iter().rposition(|kind| !kind.error) else {
            return false;
        };
        let kind = self.kinds.remove(n);
        self.store.release(kind.first);
        self.store.release(kind.latest);
        true
    }

    pub(super) fn note_shape(&mut self, shape: u64, mine: &mut u16) {
        let shape = shape.max(1);
        match self.shapes.find(shape) {
            Some((place, true)) => {
                if let Some(known) = self.shapes.get_mut(place) {
                    known.count = known.count.saturating_add(1);
                }
            }
            Some((place, false)) => {
                // More candidates than places in the answer help nobody.
                let slot = if self.shapes.used() < self.target + 16 {
                    self.want(mine)
                } else {
                    NONE
                };
                self.shapes.put(
                    place,
                    Shape {
                        hash: shape,
                        count: 1,
                        slot,
                    },
                );
            }
            None => {
                self.shapes_more.record(shape);
            }
        }
    }

    pub(super) fn note_numbers(&mut self, facts: &Facts<'_>, mine: &mut u16) {
        for &(path, number) in &facts.numbers {
            let path = path.max(1);
            match self.paths.find(path) {
                Some((place, true)) => {
                    let Some(known) = self.paths.get(place).copied() else {
                        continue;
                    };
                    // A step beyond an extreme must be worth it, so that a counter does not make every message one.
                    let step = (known.max - known.min) / 128.0;
                    let (high, low) = (number > known.max + step, number < known.min - step);
                    if !high && !low {
                        continue;
                    }
                    let slot = self.want(mine);
                    let Some(known) = self.paths.get_mut(place) else {
                        continue;
                    };
                    let (bound, holder) = if high {
                        (&mut known.max, &mut known.high)
                    } else {
                        (&mut known.min, &mut known.low)
                    };
                    *bound = number;
                    let old = core::mem::replace(holder, slot);
                    self.store.release(old);
                }
                Some((place, false)) => {
                    let (low, high) = (self.want(mine), self.want(mine));
                    self.paths.put(
                        place,
                        Path {
                            hash: path,
                            min: number,
                            max: number,
                            low,
                            high,
                        },
                    );
                }
                None => {}
            }
        }
    }

    /// The bits of the states of a message; into `new` the places of those that are seen for the first time.
    #[inline]
    pub(super) fn states_of(
        &mut self,
        facts: &Facts<'_>,
        new: &mut heapless::Vec<usize, 8>,
    ) -> [u64; STATE_WORDS] {
        let mut bits = [0; STATE_WORDS];
        for &(path, value) in &facts.states {
            let key = hash::mix(path, value).max(1);
            if let Some((place, true)) = self.states.find(key) {
                let bit = self.states.get(place).map_or(NONE, |state| state.bit);
                set(&mut bits, usize::from(bit));
                continue;
            }
            if let Some((place, bit)) = self.new_state(path.max(1), key) {
                set(&mut bits, bit);
                let _ = new.push(place);
            }
        }
        bits
    }

    /// Enters a value of a state, unless its path has too many of them to be one.
    pub(super) fn new_state(&mut self, path: u64, key: u64) -> Option<(usize, usize)> {
        let (path_place, known) = self.state_paths.find(path)?;
        if !known {
            self.state_paths.put(
                path_place,
                StatePath {
                    hash: path,
                    ..StatePath::EMPTY
                },
            );
        }
        let entry = *self.state_paths.get(path_place)?;
        if entry.count == StatePath::TEXT {
            return None;
        }
        let Some(count) = Some(usize::from(entry.count)).filter(|&count| count < STATE_VALUES)
        else {
            self.dissolve(path_place, entry);
            return None;
        };
        let bit = self.states.used();
        let (place, _) = self.states.find(key).filter(|_| bit < STATES)?;
        self.states.put(
            place,
            State {
                hash: key,
                slot: NONE,
                bit: u16::try_from(bit).ok()?,
            },
        );
        let entry = self.state_paths.get_mut(path_place)?;
        entry.count += 1;
        *entry.values.get_mut(count)? = u16::try_from(place).ok()?;
        Some((place, bit))
    }

    /// So many values are no state: their candidates are let go.
    pub(super) fn dissolve(&mut self, path_place: usize, entry: StatePath) {
        for place in entry.values {
            if let Some(state) = self.states.get_mut(usize::from(place)) {
                let slot = core::mem::replace(&mut state.slot, NONE);
                self.store.release(slot);
            }
        }
        if let Some(entry) = self.state_paths.get_mut(path_place) {
            entry.count = StatePath::TEXT;
        }
    }

    /// The sample that is even in time: of each bucket the message of lowest hash.
    pub(super) fn note_time(&mut self, at: u64, rank: u64, mine: &mut u16) {
        if self.count == 1 {
            self.base = at;
        }
        let place = loop {
            // The width is a power of two; a division would take longer than all the rest here.
            let number = (at >> self.width.trailing_zeros()).saturating_sub(self.base);
            match usize::try_from(number)
                .ok()
                .filter(|&n| n < self.bucket_limit)
            {
                Some(place) => break place,
                None => self.double_width(),
            }
        };
        let Some(bucket) = self.buckets.get_mut(place) else {
            return;
        };
        bucket.count = bucket.count.saturating_add(1);
        if rank < bucket.rank {
            bucket.rank = rank;
            let old = core::mem::replace(&mut bucket.slot, NONE);
            let slot = self.want(mine);
            if let Some(bucket) = self.buckets.get_mut(place) {
                bucket.slot = slot;
            }
            self.store.release(old);
        }
    }

    /// Pairs of buckets become one; buckets are aligned to multiples of their width, so shards agree on them.
    pub(super) fn double_width(&mut self) {
        let old = core::mem::replace(&mut self.buckets, [Bucket::EMPTY; BUCKETS]);
        let base = self.base / 2;
        for (n, bucket) in old
            .iter()
            .enumerate()
            .filter(|(_, bucket)| bucket.count > 0)
        {
            let place = usize::try_from((self.base + n as u64) / 2 - base).unwrap_or(0);
            let Some(into) = self.buckets.get_mut(place) else {
                continue;
            };
            let gone = into.take(bucket);
            self.store.release(gone);
        }
        self.base = base;
        self.width = self.width.saturating_mul(2);
    }

    /// The sample that is even in number: the messages of lowest hash.
    pub(super) fn draw(&mut self, rank: u64, mine: &mut u16) {
        if self.drawn.iter().any(|&(known, _)| known == rank) {
            return;
        }
        if self.drawn.len() >= self.drawn_limit {
            let worst = self
                .drawn
                .iter()
                .enumerate()
                .max_by_key(|(_, drawn)| drawn.0)
                .map(|(n, _)| n);
            if let Some(n) = worst {
                let (_, slot) = self.drawn.swap_remove(n);
                self.store.release(slot);
            }
        }
        let slot = self.want(mine);
        let _ = self.drawn.push((rank, slot));
        if self.drawn.len() >= self.drawn_limit {
            self.drawn_below = self
                .drawn
                .iter()
                .map(|drawn| drawn.0)
                .max()
                .unwrap_or(u64::MAX);
        }
    }

    /// Lets go of samples; false if there are none left to let go.
    pub(super) fn loosen(&mut self) -> bool {
        if self.bucket_limit > 32 {
            self.bucket_limit /= 2;
            while self
                .buckets
                .iter()
                .skip(self.bucket_limit)
                .any(|bucket| bucket.count > 0)
            {
                self.double_width();
            }
            true
        } else if self.drawn_limit > 8 {
            self.drawn_limit /= 2;
            while self.drawn.len() > self.drawn_limit {
                let worst = self
                    .drawn
                    .iter()
                    .enumerate()
                    .max_by_key(|(_, drawn)| drawn.0)
                    .map(|(n, _)| n);
                let (_, slot) = self.drawn.swap_remove(worst.unwrap_or(0));
                self.store.release(slot);
            }
            self.drawn_below = self
                .drawn
                .iter()
                .map(|drawn| drawn.0)
                .max()
                .unwrap_or(u64::MAX);
            true
        } else {
            false
        }
    }
}

impl Bucket {
    /// Takes in another bucket; returns the candidate that goes.
    pub(super) fn take(&mut self, other: &Self) -> u16 {
        self.count = self.count.saturating_add(other.count);
        if other.rank < self.rank {
            self.rank = other.rank;
            core::mem::replace(&mut self.slot, other.slot)
        } else {
            other.slot
        }
    }
}
