//! DDSketch (Masson, Rim, Lee 2019): percentiles within 2 % of a value, whatever the distribution, in 1.5 KB.
//!
//! A window of [`BUCKETS`] buckets lies where the values are; if they span more than its 18 octaves (a factor of
//! 300,000), the lowest become one, which costs accuracy there only and is counted. Invariant: merging is exact: the
//! window depends on the greatest value alone.

use super::scale;

/// Buckets of the window.
const BUCKETS: u16 = 368;

/// The distribution of whole numbers of any unit.
#[derive(Clone, Debug)]
pub struct Sketch {
    counts: [u32; BUCKETS as usize],
    count: u64,
    least: u64,
    most: u64,
    /// Bucket of the first place.
    base: u16,
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            counts: [0; BUCKETS as usize],
            count: 0,
            least: u64::MAX,
            most: 0,
            base: 0,
        }
    }
}

impl Sketch {
    /// Takes one value.
    pub fn record(&mut self, value: u64) {
        self.add(scale::of(value), 1);
        self.least = self.least.min(value);
        self.most = self.most.max(value);
    }

    /// Takes in what another has seen.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in other.used() {
            self.add(bucket, count);
        }
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
    }

    /// Makes every value greater by `by`: each then counts as the middle of its bucket.
    pub(super) fn shift(&mut self, by: u64) {
        let mut shifted = Self {
            least: self.least.saturating_add(by),
            most: self.most.saturating_add(by),
            ..Self::default()
        };
        for (bucket, count) in self.used() {
            let value = scale::middle(bucket).max(self.least).min(self.most);
            shifted.add(scale::of(value.saturating_add(by)), count);
        }
        *self = shifted;
    }

    /// Values taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The least value, exactly; none of nothing.
    pub fn least(&self) -> Option<u64> {
        (self.count > 0).then_some(self.least)
    }

    /// The greatest value, exactly; none of nothing.
    pub fn most(&self) -> Option<u64> {
        (self.count > 0).then_some(self.most)
    }

    /// The value that `percent` of all are not above, within 2 % or one; none of nothing.
    pub fn quantile(&self, percent: u8) -> Option<u64> {
        let rank = self
            .count
            .saturating_mul(u64::from(percent))
            .div_ceil(100)
            .max(1);
        let mut below = 0;
        let (bucket, _) = self.used().find(|&(_, count)| {
            below += u64::from(count);
            below >= rank
        })?;
        let low = bucket == self.base && self.coarse() > 0;
        let value = if low {
            self.least
        } else {
            scale::middle(bucket)
        };
        Some(value.max(self.least).min(self.most))
    }

    /// Values that fell below the window and are known only to lie between the least one and its begin.
    pub fn coarse(&self) -> u64 {
        let below = self.count > 0 && scale::of(self.least) < self.base;
        let first = self.counts.first().copied().unwrap_or(0);
        if below { u64::from(first) } else { 0 }
    }

    fn used(&self) -> impl Iterator<Item = (u16, u32)> {
        let places = (self.base..).zip(self.counts.iter().copied());
        places.filter(|&(_, count)| count > 0)
    }

    fn add(&mut self, bucket: u16, count: u32) {
        if self.count == 0 {
            self.base = bucket.saturating_sub(BUCKETS / 2);
        }
        if bucket < self.base {
            let top = self.used().last().map_or(bucket, |(top, _)| top);
            self.slide(bucket.max((top + 1).saturating_sub(BUCKETS)));
        } else if bucket >= self.base + BUCKETS {
            self.slide(bucket + 1 - BUCKETS);
        }
        self.count += u64::from(count);
        let place = bucket.saturating_sub(self.base);
        if let Some(known) = self.counts.get_mut(usize::from(place)) {
            *known = known.saturating_add(count);
        }
    }

    /// Moves the window; what falls out at its lower end goes into its first place.
    fn slide(&mut self, base: u16) {
        let moved = usize::from(base.abs_diff(self.base));
        let all = self.counts.len();
        if base < self.base {
            // Only so far that nothing falls out at the upper end.
            self.counts.rotate_right(moved % all);
        } else {
            let fallen = self.counts.iter_mut().take(moved);
            let sum = fallen.fold(0_u32, |sum, count| {
                sum.saturating_add(core::mem::take(count))
            });
            self.counts.rotate_left(moved.min(all) % all);
            if let Some(first) = self.counts.first_mut() {
                *first = first.saturating_add(sum);
            }
        }
        self.base = base;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::Sketch;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn of(values: &[u64]) -> Sketch {
        let mut sketch = Sketch::default();
        for &value in values {
            sketch.record(value);
        }
        sketch
    }

    #[test]
    fn it_is_small_and_empty_says_nothing() {
        assert!(size_of::<Sketch>() <= 1_536);
        let empty = Sketch::default();
        assert_eq!(
            (empty.least(), empty.most(), empty.quantile(50)),
            (None, None, None)
        );
        let one = of(&[7]);
        assert_eq!(
            (one.least(), one.quantile(0), one.quantile(100)),
            (Some(7), Some(7), Some(7))
        );
    }

    #[test]
    fn what_falls_below_the_window_is_counted() {
        let values: Vec<u64> = (0..60).map(|n| 1 << n).collect();
        let sketch = of(&values);
        assert!((40..45).contains(&sketch.coarse()), "{}", sketch.coarse());
        assert!(sketch.quantile(95).unwrap().abs_diff(1 << 56) <= 1 << 51);
        assert_eq!(sketch.quantile(10), Some(1));
    }

    #[test]
    fn a_shift_moves_all() {
        let values: Vec<u64> = (0..1_000).map(|n| n * n).collect();
        let mut sketch = of(&values);
        sketch.shift(5_000);
        assert_eq!(
            (sketch.least(), sketch.most()),
            (Some(5_000), Some(999 * 999 + 5_000))
        );
        let median = sketch.quantile(50).unwrap();
        assert!(
            median.abs_diff(499 * 499 + 5_000) * 25 <= median,
            "{median}"
        );
    }

    proptest! {
        #[test]
        fn percentiles_are_within_two_percent(
            mut values in prop::collection::vec(
                prop_oneof![0..100_u64, 1_000..100_000_u64, 10_000..3_000_000_u64], 1..400),
            percent in 0..=100_u8,
        ) {
            let sketch = of(&values);
            values.sort_unstable();
            let rank = (values.len() * usize::from(percent)).div_ceil(100).max(1);
            let exact = values[rank - 1];
            let found = sketch.quantile(percent).unwrap();
            let coarse = sketch.coarse() as usize;
            prop_assert!(rank <= coarse || found.abs_diff(exact) <= exact / 50 + 1, "{found} for {exact}");
        }

        #[test]
        fn shards_are_the_stream(
            values in prop::collection::vec((0..50_u32, 0..u64::MAX, 0..3_usize), 0..300),
        ) {
            let mut whole = Sketch::default();
            let mut shards = [Sketch::default(), Sketch::default(), Sketch::default()];
            for (shift, value, shard) in values {
                whole.record(value >> shift);
                shards[shard].record(value >> shift);
            }
            let [mut merged, second, third] = shards;
            merged.merge(&second);
            merged.merge(&third);
            prop_assert_eq!(merged.coarse(), whole.coarse());
            for percent in 0..=100 {
                prop_assert_eq!(merged.quantile(percent), whole.quantile(percent));
            }
        }
    }
}
