//! A few logarithmic bins that move to where the values are: exact to 2 % while values fall into at most so many
//! buckets, coarser where they do not. When a new one finds no room, the two neighbours become one that lose least by
//! it: close together, or rare. Invariant: both lists are of one length, `buckets` in order, no count is zero.

use super::scale;
use heapless::Vec;

/// Bins.
const BINS: usize = 16;

/// Counts of values by bucket of [`scale`]; about 100 bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Bins {
    buckets: Vec<u16, BINS, u8>,
    counts: Vec<u32, BINS, u8>,
}

impl Bins {
    /// Takes `count` values of one bucket.
    pub(super) fn add(&mut self, bucket: u16, count: u32) {
        let mut place = self.buckets.partition_point(|&known| known < bucket);
        if self.buckets.get(place) == Some(&bucket) {
            if let Some(known) = self.counts.get_mut(place) {
                *known = known.saturating_add(count);
            }
            return;
        }
        if count == 0 {
            return;
        }
        if self.buckets.is_full() {
            self.make_room();
            place = self.buckets.partition_point(|&known| known < bucket);
        }
        let _ = self.buckets.insert(place, bucket);
        let _ = self.counts.insert(place, count);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (&bucket, &count) in other.buckets.iter().zip(&other.counts) {
            self.add(bucket, count);
        }
    }

    /// The value that `percent` of all are not above; none of nothing.
    pub(super) fn quantile(&self, percent: u8) -> Option<u64> {
        let all: u64 = self.counts.iter().map(|&count| u64::from(count)).sum();
        let rank = (all * u64::from(percent)).div_ceil(100).max(1);
        let mut below = 0;
        let mut bins = self.buckets.iter().zip(&self.counts);
        let found = bins.find(|&(_, &count)| {
            below += u64::from(count);
            below >= rank
        });
        found.map(|(&bucket, _)| scale::middle(bucket))
    }

    /// The value that so many are not below; none of fewer.
    pub(super) fn longest(&self, count: u32) -> Option<u64> {
        let mut above = 0_u32;
        let mut bins = self.buckets.iter().zip(&self.counts).rev();
        let found = bins.find(|&(_, &known)| {
            above = above.saturating_add(known);
            above >= count
        });
        found.map(|(&bucket, _)| scale::middle(bucket))
    }

    /// How many values are at least so long, and their sum.
    pub(super) fn from(&self, least: u64) -> (u64, u64) {
        let bins = self.buckets.iter().zip(&self.counts);
        bins.map(|(&bucket, &count)| (scale::middle(bucket), u64::from(count)))
            .filter(|(value, _)| *value >= least)
            .fold((0, 0), |(all, sum), (value, count)| {
                (all + count, sum.saturating_add(value.saturating_mul(count)))
            })
    }

    /// Makes one of two neighbours, at the place of the more frequent one.
    fn make_room(&mut self) {
        let pairs = self
            .buckets
            .array_windows()
            .zip(self.counts.array_windows());
        let costs = pairs.map(|(&[left, right], &[less, more])| {
            u64::from(right.abs_diff(left)) * u64::from(less.min(more))
        });
        let Some((place, _)) = costs.enumerate().min_by_key(|&(_, cost)| cost) else {
            return;
        };
        let left = self.counts.get(place).copied().unwrap_or(0);
        let right = self.counts.get(place + 1).copied().unwrap_or(0);
        let (gone, stays) = if left > right {
            (place + 1, place)
        } else {
            (place, place)
        };
        self.buckets.remove(gone);
        self.counts.remove(gone);
        if let Some(count) = self.counts.get_mut(stays) {
            *count = left.saturating_add(right);
        }
    }
}
