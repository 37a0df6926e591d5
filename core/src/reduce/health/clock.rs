//! A device's clock against ours, where it writes the time into its messages.
//!
//! Only a time that goes on as ours does is a clock; one that stands still or leaps is the time of something else.
//! Invariant: a time without a zone is never wrong by whole quarters of an hour, up to fourteen hours.

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
    pub(super) fn add(&mut self, at: Instant, wall: f64, place: u64, stamp: Stamp) {
        let behind = wall - stamp.seconds;
        if self.count == 0 {
            *self = Self {
                place,
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

/// A key that tells when its message was made.
pub(super) fn is_key(key: &str) -> bool {
    const KEYS: [&str; 13] = [
        "Time",
        "time",
        "ts",
        "timestamp",
        "Timestamp",
        "TIMESTAMP",
        "datetime",
        "dateTime",
        "date_time",
        "unixtime",
        "epoch",
        "utc",
        "last_seen",
    ];
    KEYS.contains(&key)
}

/// The time that a number is, by its magnitude: seconds, milliseconds, microseconds or nanoseconds since 1970.
pub(super) fn of_number(number: f64) -> Option<Stamp> {
    let scale = match number {
        1e9..4e9 => 1.0,
        1e12..4e12 => 1e3,
        1e15..4e15 => 1e6,
        1e18..4e18 => 1e9,
        _ => return None,
    };
    Some(Stamp {
        seconds: number / scale,
        zoned: true,
    })
}

/// The time that a text is: `2026-01-31T12:34:56[.789][Z|+01:00]`, a space for the T.
pub(super) fn of_text(text: &str) -> Option<Stamp> {
    let number = |range| -> Option<i64> {
        let digits: &str = text.get(range)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let mark = |at: usize| text.as_bytes().get(at).copied();
    let marks = (mark(4)?, mark(7)?, mark(10)?, mark(13)?, mark(16)?);
    if !matches!(marks, (b'-', b'-', b'T' | b't' | b' ', b':', b':')) {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let whole = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let rest = text.get(19..)?;
    let digits = rest.strip_prefix('.').map_or(0, |rest| {
        1 + rest.bytes().take_while(u8::is_ascii_digit).count()
    });
    let fraction: f64 = rest
        .get(..digits)
        .and_then(|it| it.parse().ok())
        .unwrap_or(0.0);
    let zone = zone(rest.get(digits..)?.trim());
    Some(Stamp {
        seconds: whole as f64 + fraction - zone.unwrap_or(0) as f64,
        zoned: zone.is_some(),
    })
}

/// Seconds east of Greenwich.
fn zone(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z" | "UTC") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours: i64 = text.get(1..3)?.parse().ok()?;
    let minutes = text.get(3..).map(|rest| rest.trim_start_matches(':'));
    let minutes: i64 = minutes.and_then(|it| it.parse().ok()).unwrap_or(0);
    Some(sign * (hours * 3_600 + minutes * 60))
}

/// Days since 1970-01-01 in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let shifted = (month + 9) % 12;
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_times() {
        let seconds = |text| of_text(text).map(|stamp| (stamp.seconds, stamp.zoned));
        assert_eq!(seconds("1970-01-01T00:00:30"), Some((30.0, false)));
        assert_eq!(
            seconds("2023-11-14T22:13:20.5Z"),
            Some((1_700_000_000.5, true))
        );
        assert_eq!(
            seconds("2023-11-15 00:13:20+02:00"),
            Some((1_700_000_000.0, true))
        );
        assert_eq!(
            seconds("2024-02-29T00:00:00Z"),
            Some((1_709_164_800.0, true))
        );
        assert_eq!(seconds("1T02:03:04"), None);
        assert_eq!(of_number(1.7e12).map(|stamp| stamp.seconds), Some(1.7e9));
        assert_eq!(of_number(23.0), None);
    }

    #[test]
    fn a_clock_goes_and_may_be_wrong() {
        let clock = |off: f64, pace: f64, zoned: bool| {
            let mut clock = Clock::default();
            for n in 0..10_u32 {
                let wall = 1_700_000_000.0 + f64::from(n) * 10.0;
                let seconds = 1_700_000_000.0 + f64::from(n) * 10.0 * pace - off;
                let at = Instant::from_micros(u64::from(n) * 10_000_000);
                clock.add(at, wall, 1, Stamp { seconds, zoned });
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
