//! The samples, one even in time and one even in number, and the order in which room is made.

use super::Pruner;
use super::store::{NONE, Slot};
use super::strata::*;

impl<S, B> Pruner<S, B>
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
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
        if rank >= bucket.rank {
            return;
        }
        let slot = self.want_sample(mine);
        if let Some(bucket) = self.buckets.get_mut(place).filter(|_| slot != NONE) {
            bucket.rank = rank;
            let old = core::mem::replace(&mut bucket.slot, slot);
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
        let slot = self.want_sample(mine);
        if slot == NONE {
            return;
        }
        self.drop_drawn(self.drawn_limit.saturating_sub(1));
        let _ = self.drawn.push((rank, slot));
        self.bound_drawn();
    }

    /// Lets go of the highest ranks until so many are left.
    fn drop_drawn(&mut self, left: usize) {
        while self.drawn.len() > left {
            let ranks = self.drawn.iter().enumerate();
            let Some((n, _)) = ranks.max_by_key(|(_, drawn)| drawn.0) else {
                return;
            };
            let (_, slot) = self.drawn.swap_remove(n);
            self.store.release(slot);
        }
    }

    fn bound_drawn(&mut self) {
        if self.drawn.len() >= self.drawn_limit {
            let ranks = self.drawn.iter().map(|drawn| drawn.0);
            self.drawn_below = ranks.max().unwrap_or(u64::MAX);
        }
    }

    /// Takes the next step of letting go of candidates of little weight; false if all have been taken.
    pub(super) fn loosen(&mut self) -> bool {
        let Some(step) = STEPS.get(self.steps) else {
            return false;
        };
        self.steps += 1;
        match step {
            Step::Values => self.forget_values(self.values_below / 2),
            Step::Shapes => self.forget_shapes(self.shapes_below / 2),
            Step::Times => {
                self.bucket_limit = (self.bucket_limit / 2).max(16);
                let limit = self.bucket_limit;
                let beyond = |buckets: &[Bucket]| {
                    let mut buckets = buckets.iter().skip(limit);
                    buckets.any(|bucket| bucket.count > 0)
                };
                while beyond(&self.buckets) {
                    self.double_width();
                }
            }
            Step::Drawn => {
                self.drawn_limit = (self.drawn_limit / 2).max(4);
                self.drop_drawn(self.drawn_limit);
                self.bound_drawn();
            }
        }
        true
    }

    /// Candidates for numbers and states stay only of paths whose hash is at most `below`: all of a path or none,
    /// and of the same paths in every shard.
    pub(super) fn forget_values(&mut self, below: u64) {
        self.values_below = self.values_below.min(below);
        for place in 0..PATHS {
            let Some(path) = self.paths.get_mut(place).filter(|path| path.hash > below) else {
                continue;
            };
            let low = core::mem::replace(&mut path.low, NONE);
            let high = core::mem::replace(&mut path.high, NONE);
            self.store.release(low);
            self.store.release(high);
        }
        for place in 0..STATES {
            let Some(state) = self
                .states
                .get_mut(place)
                .filter(|state| state.slot != NONE)
            else {
                continue;
            };
            let path = self.state_paths.get(usize::from(state.path));
            if path.is_some_and(|path| path.hash > below) {
                let slot = core::mem::replace(&mut state.slot, NONE);
                self.store.release(slot);
            }
        }
    }

    /// As [`Self::forget_values`], for shapes.
    pub(super) fn forget_shapes(&mut self, below: u64) {
        self.shapes_below = self.shapes_below.min(below);
        for place in 0..SHAPES {
            let Some(shape) = self
                .shapes
                .get_mut(place)
                .filter(|shape| shape.hash > below)
            else {
                continue;
            };
            let slot = core::mem::replace(&mut shape.slot, NONE);
            self.store.release(slot);
        }
    }
}

/// Something to let go of.
enum Step {
    Values,
    Shapes,
    Times,
    Drawn,
}

/// What is let go of when room gets little, in this order.
const STEPS: [Step; 18] = {
    use Step::{Drawn, Shapes, Times, Values};
    [
        Values, Values, Times, Drawn, Values, Shapes, Values, Drawn, Values, Shapes, Times, Values,
        Drawn, Shapes, Values, Times, Shapes, Values,
    ]
};

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
