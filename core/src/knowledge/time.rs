//! Times as devices write them, and the names that they write them under: one parser and one list for all rooms.
//!
//! A number counts by its magnitude (seconds, ms, µs or ns since 1970); a text as ISO 8601 and its relatives with
//! slashes, dots or the day in front. Invariant: whatever comes in, what comes out lies between 1970 and the year 9999.

/// A point in time as it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Written {
    /// Microseconds since 1970; a time without a zone is taken as UTC.
    pub(crate) micros: u64,
    /// Its zone is known.
    pub(crate) zoned: bool,
}

/// Bytes of a field's name that are compared.
const NAME: usize = 20;

/// How well a name says that its value is the time of the message, best first; none: not at all.
pub(crate) fn rank(key: &str) -> Option<u8> {
    let mut name = [0; NAME];
    let letters = key.bytes().filter(u8::is_ascii_alphabetic);
    let mut length = 0;
    for letter in letters {
        *name.get_mut(length)? = letter.to_ascii_lowercase();
        length += 1;
    }
    Some(match name.get(..length)? {
        b"sentat" | b"senttime" | b"sendtime" | b"sent" | b"senton" | b"publishedat"
        | b"publishtime" | b"senttimestamp" | b"sentts" | b"tssent" | b"timesent" | b"sentms"
        | b"sentus" => 0,
        b"ts" | b"timestamp" | b"tsms" | b"tsus" | b"tsns" | b"timestampms" | b"timestampus"
        | b"timestampns" | b"timestamputc" | b"utctimestamp" | b"unixtimestamp" | b"epochms"
        | b"unixtime" | b"unixts" | b"epoch" | b"epochtime" | b"tst" | b"stamp" => 1,
        b"time" | b"timems" | b"timeus" | b"timens" | b"t" | b"utc" | b"utctime" | b"timeutc"
        | b"dateutc" | b"datetime" | b"datetimeutc" | b"dt" | b"isotime" | b"timeiso"
        | b"timestampiso" | b"unix" => 2,
        b"eventtime" | b"eventts" | b"eventtimestamp" | b"messagetime" | b"msgtime"
        | b"devicetime" | b"localtime" | b"servertime" | b"sampletime" | b"sampledat"
        | b"measuredat" | b"measuretime" | b"measurementtime" | b"phenomenontime"
        | b"resulttime" | b"observedat" | b"recordedat" | b"capturedat" | b"generatedat"
        | b"collectedat" | b"readat" | b"readtime" | b"at" | b"when" => 3,
        b"createdat" | b"created" | b"date" | b"receivedat" | b"updatedat" | b"updated"
        | b"lastseen" | b"lastupdate" | b"lastupdated" | b"modified" | b"frametime" => 4,
        _ => return None,
    })
}

/// The time that a number is, in seconds since 1970, by its magnitude: seconds, ms, µs or ns from 2001 to 2096.
pub(crate) fn of_number(number: f64) -> Option<f64> {
    let scale = match number {
        1e9..4e9 => 1.0,
        1e12..4e12 => 1e3,
        1e15..4e15 => 1e6,
        1e18..4e18 => 1e9,
        _ => return None,
    };
    Some(number / scale)
}

/// A decimal number of seconds, ms, µs or ns since 1970, as microseconds of a time that `believed` takes.
pub(crate) fn of_digits(text: &str, believed: impl Fn(u64) -> bool) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !(9..=19).contains(&whole.len()) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    // Microseconds of one, or how many make one.
    let units = [(1_000_000, 1), (1_000, 1), (1, 1), (1, 1_000)];
    units.into_iter().find_map(|(times, parts)| {
        let micros = whole.checked_mul(times)? / parts;
        let scaled = decimals(fraction).checked_mul(times)? / 1_000_000;
        believed(micros / 1_000_000).then_some(micros + scaled)
    })
}

/// Millionths that the digits behind a decimal point are.
fn decimals(fraction: &str) -> u64 {
    let digits = fraction.bytes().chain(core::iter::repeat(b'0')).take(6);
    digits.fold(0, |sum, digit| {
        sum * 10 + u64::from(digit.wrapping_sub(b'0'))
    })
}

/// The time that a text is: `2026-11-23T01:33:00.123Z`, with a space or `_` instead of T, a comma, slashes, an offset or
/// no zone as well; `23.11.2026 01:33`.
pub(crate) fn of_text(text: &str) -> Option<Written> {
    let (date, rest) = (text.get(..10)?, text.get(11..)?);
    let [b'T' | b't' | b' ' | b'_'] = text.as_bytes().get(10..11)? else {
        return None;
    };
    let (year, month, day) = date_of(date)?;
    let (clock, mut behind) = clock_of(rest)?;
    let mut micros = 0;
    if let Some(fraction) = behind.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, zone) = fraction.split_at_checked(digits)?;
        micros = decimals(fraction);
        behind = zone;
    }
    let zone = behind.trim_ascii();
    let local = days(year, month, day) * 86_400 + clock;
    let seconds = local.checked_add_signed(-offset(zone)? * 60)?;
    Some(Written {
        micros: seconds * 1_000_000 + micros,
        zoned: !zone.is_empty(),
    })
}

fn part(text: &str, from: usize, to: usize) -> Option<u16> {
    let digits = text.get(from..to)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Year, month and day of ten bytes.
fn date_of(date: &str) -> Option<(u16, u16, u16)> {
    let marks = (date.as_bytes().get(4)?, date.as_bytes().get(7)?);
    let (year, month, day) = match marks {
        (b'-', b'-') | (b'/', b'/') | (b'.', b'.') => {
            (part(date, 0, 4)?, part(date, 5, 7)?, part(date, 8, 10)?)
        }
        _ if date.as_bytes().get(2) == Some(&b'.') && date.as_bytes().get(5) == Some(&b'.') => {
            (part(date, 6, 10)?, part(date, 3, 5)?, part(date, 0, 2)?)
        }
        // Which of both is the month, only a day beyond twelve tells.
        _ if date.as_bytes().get(2) == Some(&b'/') && date.as_bytes().get(5) == Some(&b'/') => {
            match (part(date, 0, 2)?, part(date, 3, 5)?) {
                (day @ 13.., month) | (month, day @ 13..) => (part(date, 6, 10)?, month, day),
                _ => return None,
            }
        }
        _ => return None,
    };
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && year >= 1970;
    fits.then_some((year, month, day))
}

/// Seconds of the day that `01:33` or `01:33:00` is, and what stands behind.
fn clock_of(text: &str) -> Option<(u64, &str)> {
    if text.as_bytes().get(2) != Some(&b':') {
        return None;
    }
    let (hour, minute) = (part(text, 0, 2)?, part(text, 3, 5)?);
    let (second, behind) = match text.as_bytes().get(5) {
        Some(b':') => (part(text, 6, 8)?, text.get(8..)?),
        _ => (0, text.get(5..)?),
    };
    let fits = hour < 24 && minute < 60 && second <= 60;
    let seconds = u64::from(hour) * 3_600 + u64::from(minute) * 60 + u64::from(second);
    fits.then_some((seconds, behind))
}

/// Minutes east of UTC.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone {
        "" | "Z" | "z" | "UTC" => return Some(0),
        _ => (zone.get(..1)?, zone.get(1..)?),
    };
    let hours: i64 = digits.get(..2)?.parse::<u8>().ok()?.into();
    let minutes = match digits.get(2..)?.trim_start_matches(':') {
        "" => 0,
        minutes => minutes.parse::<u8>().ok()?.into(),
    };
    match sign {
        "+" => Some(hours * 60 + minutes),
        "-" => Some(-(hours * 60 + minutes)),
        _ => None,
    }
}

/// Days from 1970 to a date of the Gregorian calendar, from 1970 on. The year begins in March, so that the leap day
/// is the last of it.
fn days(year: u16, month: u16, day: u16) -> u64 {
    let early = u64::from(month < 3);
    let (year, month) = (u64::from(year) - early, u64::from(month) + 12 * early);
    let leap_days = year / 4 - year / 100 + year / 400;
    // Days of the months since March: 31, 61, 92 …; 719,469 days lie before 1970-01-01 on this count.
    (year * 365 + leap_days + (153 * month - 457) / 5 + u64::from(day)).saturating_sub(719_469)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_all_kinds_are_times() {
        let at = 1_700_000_000_000_000;
        for (text, micros, zoned) in [
            ("2023-11-14T22:13:20Z", at, true),
            ("2023-11-14 22:13:20", at, false),
            ("2023/11/14 22:13:20", at, false),
            ("2023.11.14_22:13:20", at, false),
            ("14.11.2023 22:13:20", at, false),
            ("14.11.2023 22:13", at - 20_000_000, false),
            ("2023-11-15T00:13:20.5+02:00", at + 500_000, true),
            ("1970-01-01T00:00:30", 30_000_000, false),
        ] {
            let written = Written { micros, zoned };
            assert_eq!(of_text(text), Some(written), "{text}");
        }
        for text in [
            "",
            "1T02:03:04",
            "2023-13-14T22:13:20Z",
            "2023-11-14T22:13:20 Mars",
            "2023-11-14T2é:13:20",
            "14.13.2023 22:13",
            "+023-11-14T22:13:20",
            "2023-11-14T99:99:99",
        ] {
            assert_eq!(of_text(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_times_by_their_magnitude() {
        assert_eq!(of_number(1.7e12), Some(1.7e9));
        assert_eq!(of_number(23.0), None);
        assert_eq!(
            of_digits("1700000000.25", |_| true),
            Some(1_700_000_000_250_000)
        );
    }

    #[test]
    fn names_are_ranked() {
        assert!(rank("sent_at") < rank("Timestamp") && rank("ts") < rank("time"));
        assert_eq!(rank("temperature"), None);
    }
}
