//! When messages of one kind come: intervals, what is to be expected, and silences that this does not explain.
//!
//! About 180 bytes: sums of intervals (Welford; merged as Chan, Golub and LeVeque do), their distribution in a few
//! bins, the longest gap. Invariant: `messages - 1` intervals, unless somebody paused or shards overlapped.

use super::bins::Bins;
use super::scale;
use super::sqrt;
use crate::time::Instant;
use core::time::Duration;

/// A median is known to this part of itself: 2 %.
const BUCKET: u32 = 50;

/// Intervals after which a topic has taught its rhythm, so that silences are judged by it.
pub const TAUGHT: u32 = 8;

/// Pauses between bundles that are no accident: a single one may be a gap.
const PAUSES: u32 = 2;

/// Microseconds of the shortest silence that somebody notices, whatever the rhythm.
const NOTICED: u64 = 1_000_000;

/// A silence, with the messages at its ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gap {
    /// The last message before it.
    pub from: Instant,
    /// The first one after it.
    pub until: Instant,
}

impl Gap {
    /// How long.
    pub const fn length(&self) -> Duration {
        self.until.since(self.from)
    }

    const fn micros(&self) -> u64 {
        self.until.as_micros().saturating_sub(self.from.as_micros())
    }
}

/// The intervals between messages, one topic's or any other kind's.
#[derive(Clone, Debug, Default)]
pub struct Rhythm {
    first: Instant,
    last: Instant,
    messages: u64,
    /// Microseconds of all intervals.
    sum: u64,
    /// Microseconds between `first` and `last` that belong to no interval.
    unheard: u64,
    /// Squares of the intervals' deviations from their mean, in square microseconds.
    squares: f64,
    longest: Gap,
    bins: Bins,
    intervals: u32,
    paused: bool,
    mixed: bool,
}

impl Rhythm {
    /// Takes one message. Returns the silence before it, if it was a gap: longer than [`Rhythm::limit`] then was.
    pub fn record(&mut self, at: Instant) -> Option<Gap> {
        let gap = Gap {
            from: self.last,
            until: at.max(self.last),
        };
        self.last = gap.until;
        self.messages += 1;
        if self.messages == 1 {
            self.first = at;
            self.paused = false;
            return None;
        }
        let told = !self.paused && self.is_beyond(gap.length());
        self.hear(gap);
        told.then_some(gap)
    }

    /// Nobody listens for a while from now on: the silence before the next message says nothing.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// Takes in what another has seen. Where one ended before the other began, this gives what one stream would have
    /// given; else intervals and gaps stay those of the shards, and only the mean is the stream's.
    pub fn merge(&mut self, other: &Self) {
        if other.messages == 0 {
            return;
        }
        if self.messages == 0 {
            *self = other.clone();
            return;
        }
        let (early, late) = if self.last <= other.first {
            (&*self, other)
        } else {
            (other, &*self)
        };
        let bridge = Gap {
            from: early.last,
            until: late.first,
        };
        let (before, behind) = (early.paused, late.paused);
        let unheard = early.unheard.max(late.unheard);
        let apart = bridge.from <= bridge.until;
        self.add_intervals(other);
        self.messages += other.messages;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        if apart {
            self.unheard += other.unheard;
            self.paused = before;
            self.hear(bridge);
            self.paused = behind;
        } else {
            self.unheard = unheard;
            self.paused = before && behind;
            self.mixed = true;
        }
        self.mixed |= other.mixed;
    }

    /// Messages taken in.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// The first and the last message; both at the origin of time if there was none.
    pub fn ends(&self) -> (Instant, Instant) {
        (self.first, self.last)
    }

    /// The silence before the next message will be an interval: there was a message, and nobody paused since.
    pub fn is_heard(&self) -> bool {
        self.messages > 0 && !self.paused
    }

    /// What to expect between two messages: the median interval; none of fewer than two messages. The mean is exact, so
    /// it is told where it is the median, as far as that is known.
    pub fn expected(&self) -> Option<Duration> {
        let median = self.quantile(50)?;
        let exact = self
            .mean()
            .filter(|mean| mean.abs_diff(median) <= median / BUCKET);
        Some(exact.unwrap_or(median))
    }

    /// The interval that `percent` of all are not longer than, within 2 % where the topic has a rhythm.
    pub fn quantile(&self, percent: u8) -> Option<Duration> {
        self.bins.quantile(percent).map(Duration::from_micros)
    }

    /// The mean interval.
    pub fn mean(&self) -> Option<Duration> {
        let (sum, intervals) = if self.mixed {
            let span = self.last.as_micros() - self.first.as_micros();
            (span.saturating_sub(self.unheard), self.messages - 1)
        } else {
            (self.sum, u64::from(self.intervals))
        };
        sum.checked_div(intervals).map(Duration::from_micros)
    }

    /// Standard deviation of the intervals: their jitter; none of fewer than two intervals.
    pub fn deviation(&self) -> Option<Duration> {
        let degrees = self.intervals.checked_sub(1).filter(|&n| n > 0)?;
        let micros = sqrt(self.squares / f64::from(degrees));
        Some(Duration::from_micros(super::whole(micros)))
    }

    /// The longest silence between two messages, gap or not.
    pub fn longest(&self) -> Option<Gap> {
        (self.longest.micros() > 0).then_some(self.longest)
    }

    /// Beyond this a silence is a gap: max(1 s, 3 × p95, 20 × median, 3 × the pause between bundles); none before the
    /// topic has taught it ([`TAUGHT`]).
    pub fn limit(&self) -> Option<Duration> {
        if self.intervals < TAUGHT || !self.is_taught() {
            return None;
        }
        let (median, p95) = (self.bins.quantile(50)?, self.bins.quantile(95)?);
        let bundles = self.between_bundles(median).unwrap_or(0);
        let limit = p95.max(bundles).saturating_mul(3);
        let limit = limit.max(median.saturating_mul(20));
        Some(Duration::from_micros(limit.max(NOTICED)))
    }

    /// A bundle is one arrival: what came within half a second of the one before teaches by how long it went on.
    fn is_taught(&self) -> bool {
        let (pauses, filled) = self.bins.from(NOTICED / 2);
        pauses >= u64::from(TAUGHT) || self.sum.saturating_sub(filled) >= NOTICED
    }

    /// Where messages come in bundles: the pause between two, of microseconds, if their median interval is `median`. It
    /// came back and fills half of the time; within a bundle nobody notices a pause.
    fn between_bundles(&self, median: u64) -> Option<u64> {
        let pause = self.bins.longest(PAUSES)?;
        let within = median < NOTICED && median.saturating_mul(20) < pause;
        let filled = || self.bins.from(pause / 2).1;
        (within && filled() >= self.sum / 2).then_some(pause)
    }

    fn is_beyond(&self, silence: Duration) -> bool {
        silence > Duration::from_micros(NOTICED)
            && self.limit().is_some_and(|limit| silence > limit)
    }

    /// The silence that lasts since the last message, if it is beyond its own rhythm.
    pub fn silent(&self, now: Instant) -> Option<Duration> {
        let silence = now.since(self.last);
        (!self.paused && self.is_beyond(silence)).then_some(silence)
    }

    /// Takes one silence between two messages.
    fn hear(&mut self, gap: Gap) {
        let micros = gap.micros();
        if self.paused {
            self.paused = false;
            self.unheard = self.unheard.saturating_add(micros);
            return;
        }
        let before = self.mean_of_intervals();
        self.sum = self.sum.saturating_add(micros);
        self.intervals = self.intervals.saturating_add(1);
        let length = micros as f64;
        self.squares += (length - before) * (length - self.mean_of_intervals());
        self.bins.add(scale::of(micros), 1);
        if micros > self.longest.micros() {
            self.longest = gap;
        }
    }

    fn add_intervals(&mut self, other: &Self) {
        let (ours, theirs) = (f64::from(self.intervals), f64::from(other.intervals));
        let apart = other.mean_of_intervals() - self.mean_of_intervals();
        self.squares += other.squares;
        if ours + theirs > 0.0 {
            self.squares += apart * apart * ours * theirs / (ours + theirs);
        }
        self.sum = self.sum.saturating_add(other.sum);
        self.intervals = self.intervals.saturating_add(other.intervals);
        self.bins.merge(&other.bins);
        if other.longest.micros() > self.longest.micros() {
            self.longest = other.longest;
        }
    }

    fn mean_of_intervals(&self) -> f64 {
        self.sum as f64 / f64::from(self.intervals.max(1))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Gap, Rhythm};
    use crate::time::Instant;
    use core::time::Duration;
    use std::vec::Vec;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    fn of(times: impl IntoIterator<Item = u64>) -> Rhythm {
        let mut rhythm = Rhythm::default();
        for millis in times {
            rhythm.record(at(millis));
        }
        rhythm
    }

    /// Every 1,000 ms, give or take 100.
    fn regular(n: u64) -> impl Iterator<Item = u64> + Clone {
        (0..n).map(|n| n * 1_000 + n * 7_919 % 101)
    }

    #[track_caller]
    fn near(found: Option<Duration>, millis: u64, percent: u64) {
        let found = u64::try_from(found.unwrap().as_millis()).unwrap();
        assert!(
            found.abs_diff(millis) * 100 <= millis * percent,
            "{found} ms"
        );
    }

    #[test]
    fn a_regular_topic_teaches_its_rhythm() {
        let rhythm = of(regular(1_000));
        let times: Vec<u64> = regular(1_000).collect();
        let mut intervals: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        intervals.sort_unstable();
        near(rhythm.expected(), intervals[499], 2);
        near(rhythm.quantile(95), intervals[949], 2);
        near(rhythm.mean(), 1_000, 1);
        let mean = intervals.iter().sum::<u64>() as f64 / 999.0;
        let squares = intervals.iter().map(|&i| (i as f64 - mean).powi(2));
        let deviation = (squares.sum::<f64>() / 998.0).sqrt();
        near(rhythm.deviation(), deviation as u64, 2);
        assert_eq!(rhythm.longest().unwrap().length().as_millis(), 1_041);
    }

    #[test]
    fn a_silence_is_a_gap_only_beyond_what_was_taught() {
        let mut rhythm = of(regular(7));
        assert_eq!(rhythm.record(at(600_000)), None);
        let mut rhythm = of(regular(100));
        assert_eq!(rhythm.silent(at(110_000)), None);
        assert!(rhythm.silent(at(125_000)).is_some());
        let gap = rhythm.record(at(125_000)).unwrap();
        assert_eq!(gap.until, at(125_000));
        assert_eq!(rhythm.longest(), Some(gap));
        assert_eq!(rhythm.record(at(126_000)), None);
        // Ten messages at once every ten seconds: the ten seconds are its rhythm.
        let bursts = (0..200).map(|n| n / 10 * 10_000 + n % 10);
        let mut rhythm = of(bursts);
        assert_eq!(rhythm.record(at(219_000)), None);
        assert!(rhythm.record(at(259_000)).is_some());
    }

    #[test]
    fn what_nobody_notices_is_no_gap_and_a_bundle_is_one_arrival() {
        // Twenty-five at once, every 50 ms.
        let quick = (0..5_000).map(|n| n / 25 * 50);
        let mut rhythm = of(quick);
        assert_eq!(rhythm.record(at(10_800)), None);
        assert!(rhythm.record(at(13_000)).is_some());
        // Forty within a second, once a minute.
        let bundles = |n: u64| (0..n * 40).map(|n| n / 40 * 60_000 + n % 40 * 20);
        let mut rhythm = of(bundles(4));
        assert_eq!(rhythm.record(at(300_000)), None);
        let mut rhythm = of(bundles(12));
        assert_eq!(rhythm.record(at(760_000)), None);
        assert!(rhythm.record(at(1_400_000)).is_some());
    }

    #[test]
    fn a_pause_is_no_interval() {
        let mut rhythm = of(regular(100));
        let before = rhythm.clone();
        rhythm.pause();
        assert_eq!(rhythm.silent(at(500_000)), None);
        assert_eq!(rhythm.record(at(500_000)), None);
        assert_eq!(rhythm.record(at(501_000)), None);
        assert_eq!(
            (rhythm.longest(), rhythm.expected()),
            (before.longest(), before.expected())
        );
        near(rhythm.mean(), 1_000, 1);
    }

    #[test]
    fn parts_in_order_of_time_are_the_stream() {
        let times: Vec<u64> = regular(1_000).chain([1_200_000]).collect();
        let whole = of(times.iter().copied());
        let mut merged = of(times[600..].iter().copied());
        merged.merge(&of(times[..600].iter().copied()));
        assert_eq!(merged.ends(), whole.ends());
        assert_eq!(
            (merged.messages(), merged.mean()),
            (whole.messages(), whole.mean())
        );
        assert_eq!(
            (merged.longest(), merged.limit()),
            (whole.longest(), whole.limit())
        );
        let (merged, whole) = (merged.deviation().unwrap(), whole.deviation().unwrap());
        assert!(merged.abs_diff(whole) < Duration::from_micros(2));
    }

    #[test]
    fn shards_that_overlap_say_so() {
        let mut rhythm = of(regular(1_000).step_by(2));
        rhythm.merge(&of(regular(1_000).skip(1).step_by(2)));
        assert!(rhythm.mixed);
        near(rhythm.mean(), 1_000, 1);
        near(rhythm.expected(), 2_000, 2);
    }

    #[test]
    fn few_bins_still_tell_percentiles_of_anything() {
        // From a millisecond to three hours, as evenly on the logarithmic scale as it can be.
        let mut time = 0;
        let times = (0..24_000).map(|n: u64| {
            time += 1 << (n * 7_919 % 24);
            time
        });
        let rhythm = of(times);
        let median = rhythm.expected().unwrap().as_millis();
        assert!((1 << 10..=1 << 13).contains(&median), "{median}");
        let p95 = rhythm.quantile(95).unwrap().as_millis();
        assert!((1 << 21..=1 << 24).contains(&p95), "{p95}");
    }

    #[test]
    fn it_is_small_and_empty_says_nothing() {
        assert!(size_of::<Rhythm>() <= 184, "{}", size_of::<Rhythm>());
        let mut empty = Rhythm::default();
        empty.merge(&Rhythm::default());
        assert_eq!(
            (empty.mean(), empty.expected(), empty.deviation()),
            (None, None, None)
        );
        assert_eq!(
            (empty.longest(), empty.limit(), empty.silent(at(9))),
            (None, None, None)
        );
        let one = of([5]);
        empty.merge(&one);
        empty.merge(&of([8]));
        assert_eq!(
            empty.longest(),
            Some(Gap {
                from: at(5),
                until: at(8)
            })
        );
    }
}
