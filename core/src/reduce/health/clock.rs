//! A device's clock against ours, where it writes the time into its messages.
//!
//! Only a time that goes on as ours does is a clock; one that stands still or leaps is the time of something else.
//! Invariant: a time without a zone is never wrong by whole quarters of an hour, up to fourteen hours.

use crate::knowledge::time;
use crate::time::Instant;

/// Messages that must agree.
const AGREEING: u32 = 3;
/// Seconds beyond which a clock is wrong; messages may be late, and some clocks tell whole minutes.
const WRONG_BEYOND: f64 = 90.0;
/// Seconds in a quarter of an hour: zones differ by these.
const QUARTER: f64 = 900.0;
/// Seconds in fourteen hours, the farthest zone.
const FARTHEST: f64 = 50_400.0;

/// A time as it is written in a message.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Stamp {
    /// Seconds since 1970.
    pub(super) seconds: f64,
    /// Its zone is known.
    pub(super) zoned: bool,
}

/// What a device's times say of its clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    place: u64,
    /// How well the name at this place says that it is the time of the message; less is better.
    rank: usize,
    count: u32,
    first: (Instant, f64),
    last: (Instant, f64),
    /// Ours less the device's, in seconds.
    low: f64,
    high: f64,
    zoned: bool,
}

impl Clock {
    /// Takes the time in a live message that came at `at`, which is `wall` seconds after 1970.
    pub(super) fn add(
        &mut self,
        at: Instant,
        wall: f64,
        (place, rank): (u64, usize),
        stamp: Stamp,
    ) {
        let behind = wall - stamp.seconds;
        if self.count == 0 || rank < self.rank {
            *self = Self {
                place,
                rank,
                count: 0,
                first: (at, stamp.seconds),
                low: behind,
                high: behind,
                zoned: stamp.zoned,
                ..*self
            };
        }
        if place != self.place {
            return;
        }
        self.count = self.count.saturating_add(1);
        self.last = (at, stamp.seconds);
        self.low = self.low.min(behind);
        self.high = self.high.max(behind);
    }

    /// Seconds that the device's clock is behind ours (negative: ahead), if it is a clock, and wrong.
    pub fn wrong_by(&self) -> Option<f64> {
        let behind = self.behind()?;
        (behind.abs() > WRONG_BEYOND).then_some(behind)
    }

    /// Seconds that the device's clock is behind ours (negative: ahead), if it is a clock.
    pub fn behind(&self) -> Option<f64> {
        let passed = self.last.0.since(self.first.0).as_secs_f64();
        let told = self.last.1 - self.first.1;
        let goes =
            self.count >= AGREEING && passed >= 1.0 && (told - passed).abs() < 2.0 + passed * 0.1;
        if !goes || self.high - self.low > 5.0 + passed * 0.1 {
            return None;
        }
        let behind = if self.low.abs() < self.high.abs() {
            self.low
        } else {
            self.high
        };
        if self.zoned || behind.abs() > FARTHEST + QUARTER {
            return Some(behind);
        }
        let rest = behind % QUARTER;
        Some(if rest > QUARTER / 2.0 {
            rest - QUARTER
        } else if rest < -QUARTER / 2.0 {
            rest + QUARTER
        } else {
            rest
        })
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if other.count == 0 || self.count > 0 && self.place != other.place {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        self.count = self.count.saturating_add(other.count);
        if other.first.0 < self.first.0 {
            self.first = other.first;
        }
        if other.last.0 > self.last.0 {
            self.last = other.last;
        }
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }
}

/// The time that a number is, by its magnitude.
pub(super) fn of_number(number: f64) -> Option<Stamp> {
    let seconds = time::of_number(number)?;
    Some(Stamp {
        seconds,
        zoned: true,
    })
}

/// The time that a text is.
pub(super) fn of_text(text: &str) -> Option<Stamp> {
    let written = time::of_text(text)?;
    Some(Stamp {
        seconds: written.micros as f64 / 1e6,
        zoned: written.zoned,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_goes_and_may_be_wrong() {
        let clock = |off: f64, pace: f64, zoned: bool| {
            let mut clock = Clock::default();
            for n in 0..10_u32 {
                let wall = 1_700_000_000.0 + f64::from(n) * 10.0;
                let seconds = 1_700_000_000.0 + f64::from(n) * 10.0 * pace - off;
                let at = Instant::from_micros(u64::from(n) * 10_000_000);
                clock.add(at, wall, (1, 1), Stamp { seconds, zoned });
            }
            clock.wrong_by()
        };
        assert_eq!(clock(0.4, 1.0, true), None);
        assert_eq!(clock(600.0, 1.0, true), Some(600.0));
        assert_eq!(clock(-7_200.0, 1.0, false), None);
        assert_eq!(clock(3_600.0, 0.0, true), None);
        assert_eq!(clock(1.6e9, 1.0, false), Some(1.6e9));
    }
}
