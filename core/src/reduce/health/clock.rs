//! A device's clock against ours, where it writes the time into its messages.
//!
//! Only a time that goes on as ours does is a clock; one that stands still or leaps is the time of something else.
//! Invariant: a time without a zone is never wrong by whole quarters of an hour, up to fourteen hours.

use crate::knowledge::time;
use crate::time::Instant;
use core::time::Duration;

/// The rank of a time whose name says nothing.
pub(super) const UNKNOWN: u8 = 5;
/// Different times after which, and equal ones in a row by which, a clock stands still; and for so long at least.
const WENT: u8 = 10;
const STANDS: Duration = Duration::from_secs(15);

/// Messages that must agree.
const AGREEING: u32 = 3;
/// Seconds beyond which a clock is wrong; messages may be late, and some clocks tell whole minutes.
const WRONG_BEYOND: f64 = 90.0;
/// Seconds in a quarter of an hour: zones differ by these.
const QUARTER: f64 = 900.0;
/// Seconds in fourteen hours, the farthest zone.
const FARTHEST: f64 = 50_400.0;

/// Zones that differ by a quarter of an hour, from fourteen hours behind to fourteen ahead.
const ZONES: usize = 113;
/// Clocks of other devices that have to agree.
const WITNESSES: u32 = 3;
/// Seconds beyond which a time is of another day: no zone is that far.
const STALE: f64 = 72_000.0;
/// Messages with such a time.
const OLD: u32 = 5;
/// Seconds behind of a clock that was never set: it tells 1970 or the year its firmware was made.
pub(super) const NEVER_SET: f64 = 1e8;

/// What a clock is wrong by.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Off {
    /// Seconds behind ours; negative: ahead.
    pub behind: f64,
    /// Seconds behind if it tells a local time and not UTC; none: that is settled.
    pub local: Option<f64>,
    /// Clocks of other devices of its kind that agree with ours.
    pub witnesses: u32,
}

impl Off {
    pub(super) fn is_wrong(&self) -> bool {
        self.behind.abs() > WRONG_BEYOND
    }
}

/// Whole quarters of an hour nearest to `seconds`.
fn zone(seconds: f64) -> f64 {
    let rest = seconds % QUARTER;
    let whole = seconds - rest;
    if rest > QUARTER / 2.0 {
        whole + QUARTER
    } else if rest < -QUARTER / 2.0 {
        whole - QUARTER
    } else {
        whole
    }
}

/// Which of the zones `seconds` is nearest to.
fn place_of(seconds: f64) -> Option<usize> {
    let place = (zone(seconds) + FARTHEST) / QUARTER;
    (0..ZONES).find(|&n| place == n as f64)
}

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
    rank: u8,
    /// Times unlike the one before, times like it at the end, and the most in a row before.
    moved: u8,
    same: u8,
    longest: u8,
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
    pub(super) fn add(&mut self, at: Instant, wall: f64, (place, rank): (u64, u8), stamp: Stamp) {
        let behind = wall - stamp.seconds;
        // Of two times of unknown names that one is the clock which goes.
        let stands = rank == UNKNOWN && self.rank == rank && self.moved == 0 && self.count >= OLD;
        if self.count == 0 || rank < self.rank || stands && place != self.place {
            *self = Self {
                place,
                rank,
                count: 0,
                moved: 0,
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
        if self.count > 1 && stamp.seconds == self.last.1 {
            self.same = self.same.saturating_add(1);
            return;
        }
        self.moved = self.moved.saturating_add(u8::from(self.count > 1));
        (self.longest, self.same) = (self.longest.max(self.same), 0);
        self.last = (at, stamp.seconds);
        self.low = self.low.min(behind);
        self.high = self.high.max(behind);
    }

    /// Seconds that the device's clock is behind ours (negative: ahead), if it is a clock; a local time is that much
    /// behind, too.
    pub(super) fn whole(&self) -> Option<f64> {
        let passed = self.last.0.since(self.first.0).as_secs_f64();
        let told = self.last.1 - self.first.1;
        let goes =
            self.count >= AGREEING && passed >= 1.0 && (told - passed).abs() < 2.0 + passed * 0.1;
        if !goes || self.high - self.low > 5.0 + passed * 0.1 {
            return None;
        }
        Some(if self.low.abs() < self.high.abs() {
            self.low
        } else {
            self.high
        })
    }

    /// What it is wrong by at most if it may tell a local time: what is left of whole quarters of an hour.
    pub(super) fn rest(&self) -> Option<f64> {
        let behind = self.whole()?;
        let local = !self.zoned && behind.abs() <= FARTHEST + QUARTER;
        Some(if local { behind - zone(behind) } else { behind })
    }

    /// What the clock is wrong by: against those of `others` that tell local times too, if they agree.
    pub(super) fn off<'c>(&self, others: impl Iterator<Item = &'c Self>) -> Option<Off> {
        let (behind, rest) = (self.whole()?, self.rest()?);
        let mut zones = [0_u16; ZONES];
        let mut all = 0_u32;
        for other in others.filter(|other| other.zoned == self.zoned) {
            let Some(theirs) = other
                .whole()
                .filter(|it| (it - zone(*it)).abs() <= WRONG_BEYOND)
            else {
                continue;
            };
            all += 1;
            if let Some(count) = place_of(theirs).and_then(|n| zones.get_mut(n)) {
                *count = count.saturating_add(1);
            }
        }
        // This clock is among them, if it is right.
        let own = place_of(behind).filter(|_| (behind - zone(behind)).abs() <= WRONG_BEYOND);
        if let Some(count) = own.and_then(|n| zones.get_mut(n)) {
            *count = count.saturating_sub(1);
            all = all.saturating_sub(1);
        }
        let (most, &count) = zones.iter().enumerate().max_by_key(|(_, count)| **count)?;
        let agree = u32::from(count);
        if agree >= WITNESSES && agree * 4 >= all * 3 {
            let off = behind - (most as f64 - FARTHEST / QUARTER) * QUARTER;
            let (behind, local) = (off, None);
            return Some(Off {
                behind,
                local,
                witnesses: agree,
            });
        }
        let local = (rest != behind).then_some(rest);
        Some(Off {
            behind: if rest.abs() > WRONG_BEYOND {
                behind
            } else {
                rest
            },
            local: local.filter(|rest| rest.abs() > WRONG_BEYOND),
            witnesses: 0,
        })
    }

    /// Seconds that its times are old, which neither go on nor are of the last day: what it tells is not of now.
    pub(super) fn stale(&self) -> Option<f64> {
        let old = self.low > STALE && self.low < NEVER_SET;
        let named = self.rank < UNKNOWN;
        (named && old && self.count >= OLD && self.whole().is_none()).then_some(self.low)
    }

    /// How long it has stood still, until the `latest` message, if it went before.
    pub(super) fn stands(&self, latest: Instant) -> Option<Duration> {
        let lasting = latest.since(self.last.0);
        let stands = self.moved >= WENT
            && self.same >= WENT
            && self.same > self.longest.saturating_mul(4)
            && lasting > STANDS;
        stands.then_some(lasting)
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

    fn clock(off: f64, pace: f64, zoned: bool) -> Clock {
        let mut clock = Clock::default();
        for n in 0..10_u32 {
            let wall = 1_700_000_000.0 + f64::from(n) * 10.0;
            let seconds = 1_700_000_000.0 + f64::from(n) * 10.0 * pace - off;
            let at = Instant::from_micros(u64::from(n) * 10_000_000);
            clock.add(at, wall, (1, 1), Stamp { seconds, zoned });
        }
        clock
    }

    #[test]
    fn a_clock_goes_and_may_be_wrong() {
        let wrong = |off, pace, zoned| {
            let off = clock(off, pace, zoned).off(core::iter::empty())?;
            off.is_wrong().then_some(off.behind)
        };
        assert_eq!(wrong(0.4, 1.0, true), None);
        assert_eq!(wrong(600.0, 1.0, true), Some(600.0));
        assert_eq!(wrong(-7_200.0, 1.0, false), None);
        assert_eq!(wrong(3_600.0, 0.0, true), None);
        assert_eq!(wrong(1.6e9, 1.0, false), Some(1.6e9));
        let alone = clock(2_460.0, 1.0, false).off(core::iter::empty());
        let (behind, local) = (2_460.0, Some(-240.0));
        assert_eq!(
            alone,
            Some(Off {
                behind,
                local,
                witnesses: 0
            })
        );
        assert_eq!(clock(90_000.0, 0.0, true).stale(), Some(90_000.0));
        assert_eq!(clock(9_000.0, 0.0, true).stale(), None);
    }

    #[test]
    fn a_clock_that_went_may_stand_still() {
        let stands = |moves: u32| {
            let mut clock = Clock::default();
            let at = |n: u32| Instant::from_micros(u64::from(n) * 2_000_000);
            for n in 0..40 {
                let seconds = 1_700_000_000.0 + f64::from(n.min(moves)) * 2.0;
                let (wall, zoned) = (1_700_000_000.0 + f64::from(n) * 2.0, true);
                clock.add(at(n), wall, (1, 1), Stamp { seconds, zoned });
            }
            clock.stands(at(39))
        };
        assert_eq!(stands(20), Some(Duration::from_secs(38)));
        assert_eq!((stands(39), stands(0)), (None, None));
    }

    #[test]
    fn siblings_tell_the_zone() {
        for zone in [0.0, -7_200.0] {
            let family: std::vec::Vec<_> = (0..5).map(|_| clock(zone, 1.0, false)).collect();
            for wrong in [2_460.0, 4_500.0, -2_700.0] {
                let odd = clock(zone + wrong, 1.0, false);
                let off = odd.off(family.iter().chain([&odd])).unwrap();
                assert_eq!((off.behind, off.witnesses), (wrong, 5), "{zone} {wrong}");
            }
            let right = family[0].off(family.iter()).unwrap();
            assert!(!right.is_wrong());
        }
    }

    extern crate std;
}
