//! Durations by size, in bounds that Prometheus wants to have, too.

use std::time::Duration;

/// Upper bounds of the buckets in milliseconds; the last bucket has none. 1, 2, 5 of each decade: a median read from
/// them is at most a factor of 2.5 off, and 17 counters are all that each tool costs.
pub const BOUNDS_MS: [u64; 16] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000,
];

/// How many durations fell into each bucket.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    buckets: [u32; BOUNDS_MS.len() + 1],
    count: u64,
    sum_us: u64,
}

impl Histogram {
    /// One more.
    pub fn add(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let at = BOUNDS_MS.iter().position(|bound| us <= bound * 1_000);
        let bucket = self.buckets.get_mut(at.unwrap_or(BOUNDS_MS.len()));
        if let Some(bucket) = bucket {
            *bucket = bucket.saturating_add(1);
        }
        self.count += 1;
        self.sum_us = self.sum_us.saturating_add(us);
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All together.
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.sum_us)
    }

    /// How many took at most each of [`BOUNDS_MS`].
    pub fn cumulative(&self) -> impl Iterator<Item = u64> {
        let counts = self.buckets.iter().take(BOUNDS_MS.len());
        counts.scan(0, |sum, count| {
            *sum += u64::from(*count);
            Some(*sum)
        })
    }

    /// About the duration in milliseconds that this share (0 to 1) did not exceed, read off between the bounds of its
    /// bucket; none if there is nothing.
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let wanted = share.clamp(0.0, 1.0) * self.count as f64;
        let mut below = 0.0;
        for (at, count) in self.buckets.iter().enumerate() {
            let count = f64::from(*count);
            if count > 0.0 && below + count >= wanted {
                let lower = at.checked_sub(1).and_then(|at| BOUNDS_MS.get(at));
                let lower = lower.map_or(0.0, |bound| *bound as f64);
                let upper = BOUNDS_MS.get(at).map_or(lower, |bound| *bound as f64);
                return Some(lower + (upper - lower) * (wanted - below) / count);
            }
            below += count;
        }
        None
    }
}
