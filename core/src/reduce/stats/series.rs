//! Messages and bytes over time, in buckets that begin with the listening and grow with it; what stands out of them.
//!
//! [`BUCKETS`] buckets of 0.125 s; whenever time runs out of them, two become one. Shards with the same origin line up,
//! so merging is exact. Invariant: a bucket's width is 0.125 s times a power of two.

use super::sqrt;
use crate::time::Instant;
use core::time::Duration;
use heapless::Vec;

/// Buckets of a series.
pub const BUCKETS: usize = 512;
/// Microseconds of a bucket at first.
const FINEST: u64 = 125_000;
/// Spikes that are told: no more than one bucket in twenty is above the 95th percentile.
pub const SPIKES: usize = BUCKETS / 20 + 1;
/// Messages in a bucket, on average, from which on more of them may be a spike: where hardly any comes, two that coincide
/// would be.
const USUAL: u64 = 4;
/// Buckets without which a trend is not told.
const TREND: usize = 8;

/// What came during one bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bucket {
    /// Messages.
    pub messages: u32,
    /// Payload bytes, at most 4 GiB.
    pub bytes: u32,
}

impl Bucket {
    fn add(&mut self, other: Self) {
        self.messages = self.messages.saturating_add(other.messages);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// A time with far more messages than usual.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spike {
    /// Begin, since the origin.
    pub from: Duration,
    /// End, since the origin.
    pub until: Duration,
    /// Messages per second in its highest bucket.
    pub per_s: f64,
}

/// Spikes, the highest first.
#[derive(Clone, Debug, Default)]
pub struct Spikes {
    /// The highest ones, in order of time.
    pub spikes: Vec<Spike, SPIKES>,
    /// How many there are in all.
    pub count: u32,
    /// Messages per second of a usual bucket: the median.
    pub usual_per_s: f64,
}

/// A straight line through the rates, by least squares.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Trend {
    /// Messages per second, more each second.
    pub slope: f64,
    /// Messages per second in the middle.
    pub mean_per_s: f64,
    /// The slope over its standard error; beyond 3 it is hardly chance.
    pub certainty: f64,
}

/// The series.
#[derive(Clone, Debug)]
pub struct Series {
    origin: Instant,
    /// The width is [`FINEST`] times two to this.
    doublings: u32,
    buckets: [Bucket; BUCKETS],
}

impl Series {
    /// Nothing yet; buckets begin at `origin`, and what came before it counts as if at it.
    pub const fn new(origin: Instant) -> Self {
        Self {
            origin,
            doublings: 0,
            buckets: [Bucket {
                messages: 0,
                bytes: 0,
            }; BUCKETS],
        }
    }

    /// Takes one message.
    pub fn record(&mut self, at: Instant, bytes: usize) {
        let since = at.as_micros().saturating_sub(self.origin.as_micros());
        let mut place = since / self.micros();
        while place >= BUCKETS as u64 {
            self.double();
            place = since / self.micros();
        }
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if let Some(bucket) = self.buckets.get_mut(place) {
            bucket.add(Bucket {
                messages: 1,
                bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            });
        }
    }

    /// Takes in what another of the same origin has seen.
    pub fn merge(&mut self, other: &Self) {
        while self.doublings < other.doublings {
            self.double();
        }
        let finer = self.doublings - other.doublings;
        for (place, &bucket) in other.buckets.iter().enumerate() {
            if let Some(ours) = self.buckets.get_mut(place.checked_shr(finer).unwrap_or(0)) {
                ours.add(bucket);
            }
        }
    }

    /// Width of a bucket.
    pub fn width(&self) -> Duration {
        Duration::from_micros(self.micros())
    }

    /// The buckets that had begun by `now`; the last one may not be over.
    pub fn until(&self, now: Instant) -> &[Bucket] {
        let passed = now.as_micros().saturating_sub(self.origin.as_micros());
        let begun = usize::try_from(passed.div_ceil(self.micros())).unwrap_or(usize::MAX);
        self.buckets.get(..begun).unwrap_or(&self.buckets)
    }

    /// The buckets that were over by `now`.
    fn whole(&self, now: Instant) -> &[Bucket] {
        let passed = now.as_micros().saturating_sub(self.origin.as_micros());
        let over = usize::try_from(passed / self.micros()).unwrap_or(usize::MAX);
        self.buckets.get(..over).unwrap_or(&self.buckets)
    }

    /// A line through the rates of all that is over by `now`; none of too little.
    pub fn trend(&self, now: Instant) -> Option<Trend> {
        let buckets = self.whole(now);
        if buckets.len() < TREND {
            return None;
        }
        let width = self.width().as_secs_f64();
        let n = buckets.len() as f64;
        let middle = (n - 1.0) / 2.0;
        let rates = || {
            buckets
                .iter()
                .map(|bucket| f64::from(bucket.messages) / width)
        };
        let mean = rates().sum::<f64>() / n;
        // Of time in buckets from the middle: n (n² − 1) / 12.
        let spread = n * (n * n - 1.0) / 12.0;
        let points = || {
            rates()
                .enumerate()
                .map(|(x, rate)| (x as f64 - middle, rate - mean))
        };
        let slope = points().map(|(x, rate)| x * rate).sum::<f64>() / spread;
        let rest = points().map(|(x, rate)| (rate - slope * x) * (rate - slope * x));
        let error = sqrt(rest.sum::<f64>() / (n - 2.0) / spread);
        Some(Trend {
            slope: slope / width,
            mean_per_s: mean,
            certainty: (slope.abs() / error.max(f64::MIN_POSITIVE)).min(1e6),
        })
    }

    /// Where far more came than usual: over the median by five times its root, and over 1.5 times the 95th percentile.
    pub fn spikes(&self, now: Instant) -> Spikes {
        let buckets = self.whole(now);
        let mut found = Spikes::default();
        if buckets.len() < TREND {
            return found;
        }
        let messages = |buckets: &[Bucket]| buckets.iter().map(|it| it.messages).sum::<u32>();
        let total: u64 = buckets.iter().map(|it| u64::from(it.messages)).sum();
        let mut together = 1;
        while (buckets.len() as u64 * USUAL) > total * (together as u64)
            && buckets.len() / (together * 2) >= TREND
        {
            together *= 2;
        }
        let sums: Vec<u32, BUCKETS> = buckets.chunks_exact(together).map(messages).collect();
        let mut sorted = sums.clone();
        sorted.sort_unstable();
        let rank = |percent: usize| {
            let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
            f64::from(sorted.get(place).copied().unwrap_or(0))
        };
        let (median, p95) = (rank(50), rank(95));
        let limit = (median + 5.0 * sqrt(median + 1.0)).max(1.5 * p95);
        let width = self.width() * u32::try_from(together).unwrap_or(1);
        found.usual_per_s = median / width.as_secs_f64();
        let high = |messages: &u32| f64::from(*messages) > limit;
        let mut at = Duration::ZERO;
        for alike in sums.chunk_by(|a, b| high(a) == high(b)) {
            let until = at + width.saturating_mul(u32::try_from(alike.len()).unwrap_or(u32::MAX));
            let most = alike.iter().copied().max().unwrap_or(0);
            if alike.first().is_some_and(high) {
                found.add(Spike {
                    from: at,
                    until,
                    per_s: f64::from(most) / width.as_secs_f64(),
                });
            }
            at = until;
        }
        found
    }

    const fn micros(&self) -> u64 {
        FINEST << self.doublings
    }

    /// Two buckets become one.
    fn double(&mut self) {
        self.doublings += 1;
        for place in 0..BUCKETS {
            let pair = self.buckets.get(place * 2..place * 2 + 2);
            let mut sum = Bucket::default();
            pair.unwrap_or(&[])
                .iter()
                .for_each(|&bucket| sum.add(bucket));
            if let Some(bucket) = self.buckets.get_mut(place) {
                *bucket = sum;
            }
        }
    }
}

impl Spikes {
    /// Where there is no room, the lowest gives way.
    fn add(&mut self, spike: Spike) {
        self.count += 1;
        if self.spikes.is_full() {
            let spikes = self.spikes.iter().enumerate();
            let lowest = spikes.min_by(|a, b| a.1.per_s.total_cmp(&b.1.per_s));
            match lowest.map(|(place, lowest)| (place, lowest.per_s)) {
                Some((place, per_s)) if per_s < spike.per_s => drop(self.spikes.remove(place)),
                _ => return,
            }
        }
        let _ = self.spikes.push(spike);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Bucket, Series};
    use crate::time::Instant;
    use core::time::Duration;
    use proptest::prelude::*;

    const ORIGIN: Instant = Instant::from_micros(77_000_000);

    fn at(millis: u64) -> Instant {
        Instant::from_micros(ORIGIN.as_micros() + millis * 1_000)
    }

    fn of(times: impl IntoIterator<Item = u64>) -> Series {
        let mut series = Series::new(ORIGIN);
        for millis in times {
            series.record(at(millis), 10);
        }
        series
    }

    #[test]
    fn buckets_widen_with_time_and_lose_nothing() {
        let series = of((0..60).map(|n| n * 1_000));
        assert_eq!(series.width(), Duration::from_millis(125));
        assert_eq!(series.until(at(1_001)).len(), 9);
        let series = of((0..300).map(|n| n * 1_000));
        assert_eq!(series.width(), Duration::from_secs(1));
        let buckets = series.until(at(300_000));
        assert_eq!(buckets.len(), 300);
        assert!(buckets.iter().all(|&bucket| bucket
            == Bucket {
                messages: 1,
                bytes: 10
            }));
        let mut early = Series::new(ORIGIN);
        early.record(Instant::ZERO, 3);
        early.record(Instant::from_micros(u64::MAX), 3);
        let sum: u32 = early.buckets.iter().map(|bucket| bucket.messages).sum();
        assert_eq!((sum, early.buckets[0].messages), (2, 1));
    }

    #[test]
    fn a_trend_has_the_slope_of_what_grows() {
        // The rate grows by 0.1 a second each second: n messages by t = sqrt(20 n).
        let series = of((1..2_000).map(|n| ((20.0 * f64::from(n)).sqrt() * 1e3) as u64));
        let trend = series.trend(at(199_000)).unwrap();
        assert!((trend.slope - 0.1).abs() < 0.001, "{trend:?}");
        assert!(trend.certainty > 100.0, "{trend:?}");
        let flat = of((0..2_000).map(|n| n * 100 + n * 7_919 % 37))
            .trend(at(200_000))
            .unwrap();
        assert!(
            flat.certainty < 3.0 && (flat.mean_per_s - 10.0).abs() < 0.1,
            "{flat:?}"
        );
        assert_eq!(of([1, 2]).trend(at(900)), None);
    }

    #[test]
    fn spikes_stand_out_and_bursts_that_are_usual_do_not() {
        let usual = (0..2_000).map(|n| n * 100);
        let burst = (0..200).map(|n| 100_000 + n * 10);
        let spikes = of(usual.chain(burst)).spikes(at(200_000));
        assert_eq!((spikes.count, spikes.spikes.len()), (1, 1));
        let spike = spikes.spikes[0];
        assert_eq!((spike.from.as_secs(), spike.until.as_secs()), (100, 102));
        assert!((spike.per_s - 110.0).abs() < 1.0 && (spikes.usual_per_s - 10.0).abs() < 0.1);
        let bursts = (0..2_000).map(|n| n / 10 * 1_000 + n % 10);
        assert_eq!(of(bursts).spikes(at(200_000)).count, 0);
        let many = (0..10_000_u64)
            .map(|n| n * 10)
            .chain((0..20).flat_map(|n| (0..400 + n * 10).map(move |_| n * 4_500 + 1)));
        let spikes = of(many).spikes(at(100_000));
        assert_eq!((spikes.count, spikes.spikes.len()), (20, 20));
        assert!(spikes.spikes.is_sorted_by_key(|spike| spike.from));
        assert_eq!(spikes.spikes[0].from.as_secs(), 0);
        // Each ten seconds several come together, and that is all.
        let seldom = (0..90).flat_map(|n| (0..4).map(move |_| n * 10_000));
        assert_eq!(of(seldom).spikes(at(900_000)).count, 0);
    }

    proptest! {
        #[test]
        fn shards_are_the_stream(times in prop::collection::vec((0..40_u32, 0..u64::MAX >> 22, 0..2_usize), 0..200)) {
            let mut whole = of([]);
            let mut shards = [of([]), of([])];
            for (shift, millis, shard) in times {
                whole.record(at(millis >> shift), 5);
                shards[shard].record(at(millis >> shift), 5);
            }
            let [mut merged, other] = shards;
            merged.merge(&other);
            prop_assert_eq!(merged.width(), whole.width());
            prop_assert_eq!(merged.buckets, whole.buckets);
        }
    }
}
