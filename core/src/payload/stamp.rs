//! The point in time that a payload tells: when it was measured or sent.
//!
//! A field counts by its name (many are in use) and by its value: seconds, ms, µs or ns since 1970 told apart by
//! their magnitude, or ISO 8601; without a zone it is taken as UTC. Of several the outermost wins, then the name that
//! says most. Invariant: a stamp lies between the years 2000 and 2100, so that no other number is mistaken for one.

use super::json::{self, Scalar, Text, Visitor};

/// Seconds since 1970 of the first and the last stamp believed: the years 2000 and 2100.
const BELIEVED: core::ops::Range<u64> = 946_684_800..4_102_444_800;
/// Containers that a stamp may stand in.
const DEPTH: usize = 4;
/// Bytes of a field's name that are compared.
const NAME: usize = 20;

/// A point in time in a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp<'a> {
    /// Name of the field; empty: the payload is nothing else.
    pub field: &'a str,
    /// Microseconds since 1970.
    pub micros: u64,
}

/// The stamp of a payload, if it has one.
pub fn stamp(payload: &[u8]) -> Option<Stamp<'_>> {
    let text = core::str::from_utf8(payload).ok()?.trim_ascii();
    if !text.starts_with(['{', '[']) {
        let micros = number(text).or_else(|| iso(text.trim_matches('"')))?;
        return Some(Stamp { field: "", micros });
    }
    let mut finder = Finder {
        depth: 0,
        key: "",
        best: None,
    };
    // What was found before a fault stands in a valid prefix, but such a payload is no JSON.
    json::walk(text, &mut finder).ok()?;
    finder.best.map(|(_, stamp)| stamp)
}

struct Finder<'a> {
    depth: usize,
    key: &'a str,
    best: Option<(usize, Stamp<'a>)>,
}

impl<'a> Visitor<'a> for Finder<'a> {
    fn open(&mut self, _: bool) {
        self.depth += 1;
        self.key = "";
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.key = "";
    }

    fn key(&mut self, key: Text<'a>) {
        self.key = key.raw;
    }

    fn scalar(&mut self, value: Scalar<'a>) {
        let micros = match value {
            _ if self.depth > DEPTH || self.key.is_empty() => None,
            Scalar::Number(text) => number(text),
            Scalar::String(text) if !text.escaped => number(text.raw).or_else(|| iso(text.raw)),
            _ => None,
        };
        let Some(micros) = micros else { return };
        let Some(rank) = rank(self.key) else { return };
        let rank = self.depth * 8 + rank;
        if self.best.is_none_or(|(best, _)| rank < best) {
            let field = self.key;
            self.best = Some((rank, Stamp { field, micros }));
        }
    }
}

/// How well a name says that its value is the time of the message, best first; none: not at all.
fn rank(key: &str) -> Option<usize> {
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

/// A decimal number of seconds, ms, µs or ns since 1970, as microseconds.
fn number(text: &str) -> Option<u64> {
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
        BELIEVED
            .contains(&(micros / 1_000_000))
            .then_some(micros + scaled)
    })
}

/// Millionths that the digits behind a decimal point are.
fn decimals(fraction: &str) -> u64 {
    let digits = fraction.bytes().chain(core::iter::repeat(b'0')).take(6);
    digits.fold(0, |sum, digit| {
        sum * 10 + u64::from(digit.wrapping_sub(b'0'))
    })
}

/// ISO 8601, `2026-11-23T01:33:00.123Z`: with a space instead of T, a comma, an offset, or no zone as well.
fn iso(text: &str) -> Option<u64> {
    let (date, rest) = (text.get(..10)?, text.get(11..)?);
    let (clock, mut behind) = (rest.get(..8)?, rest.get(8..)?);
    let [b'T' | b't' | b' ' | b'_'] = text.as_bytes().get(10..11)? else {
        return None;
    };
    let part = |text: &str, from: usize, to: usize| text.get(from..to)?.parse::<u16>().ok();
    let separators = (
        date.get(4..5)?,
        date.get(7..8)?,
        clock.get(2..3)?,
        clock.get(5..6)?,
    );
    let ("-", "-", ":", ":") = separators else {
        return None;
    };
    let (year, month, day) = (part(date, 0, 4)?, part(date, 5, 7)?, part(date, 8, 10)?);
    let (hour, minute, second) = (part(clock, 0, 2)?, part(clock, 3, 5)?, part(clock, 6, 8)?);
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    if !fits || second > 60 || year < 1970 {
        return None;
    }
    let mut micros = 0;
    if let Some(fraction) = behind.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, zone) = fraction.split_at_checked(digits)?;
        micros = decimals(fraction);
        behind = zone;
    }
    let local = (days(year, month, day) * 24 + u64::from(hour)) * 60 + u64::from(minute);
    let utc = local.checked_add_signed(-offset(behind.trim_ascii())?)?;
    let seconds = utc * 60 + u64::from(second);
    BELIEVED
        .contains(&seconds)
        .then_some(seconds * 1_000_000 + micros)
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
    use super::stamp;

    #[track_caller]
    fn check(payload: &str, expected: Option<(&str, u64)>) {
        let found = stamp(payload.as_bytes()).map(|stamp| (stamp.field, stamp.micros));
        assert_eq!(found, expected, "{payload}");
    }

    #[test]
    fn numbers_by_magnitude() {
        check(r#"{"ts":1700000000}"#, Some(("ts", 1_700_000_000_000_000)));
        check(
            r#"{"ts":1700000000.123456}"#,
            Some(("ts", 1_700_000_000_123_456)),
        );
        check(
            r#"{"time":1700000000123}"#,
            Some(("time", 1_700_000_000_123_000)),
        );
        check(
            r#"{"time":1700000000123.25}"#,
            Some(("time", 1_700_000_000_123_250)),
        );
        check(r#"{"t_us":1}"#, None);
        check(
            r#"{"ts_us":1700000000123456}"#,
            Some(("ts_us", 1_700_000_000_123_456)),
        );
        check(
            r#"{"ts":"1700000000123456789"}"#,
            Some(("ts", 1_700_000_000_123_456)),
        );
        check("1700000000123", Some(("", 1_700_000_000_123_000)));
        for none in [
            r#"{"ts":170000000}"#,
            r#"{"ts":99999999999}"#,
            r#"{"ts":-1700000000}"#,
            "21.5",
            "{",
            "",
        ] {
            check(none, None);
        }
    }

    #[test]
    fn iso_dates() {
        let at = 1_700_000_000_000_000;
        for text in [
            "2023-11-14T22:13:20Z",
            "2023-11-14 22:13:20",
            "2023-11-15T00:13:20+02:00",
            "2023-11-14T16:43:20.000-0530",
            "2023-11-14T22:13:20,000000 UTC",
        ] {
            let payload = std::format!(r#"{{"a":1,"Time":"{text}"}}"#);
            check(&payload, Some(("Time", at)));
        }
        check(
            r#"{"Time":"2024-02-29T00:00:00.5Z"}"#,
            Some(("Time", 1_709_164_800_500_000)),
        );
        check(
            r#"{"Time":"2000-01-01T00:00:00"}"#,
            Some(("Time", 946_684_800_000_000)),
        );
        check(r#"{"Time":"2023-13-14T22:13:20Z"}"#, None);
        check(r#"{"Time":"2023-11-14T22:13:20 Mars"}"#, None);
        check(r#"{"Time":"2023-11-1é 22:13:20"}"#, None);
        check("2023-11-14T22:13:20Z", Some(("", at)));
    }

    #[test]
    fn the_outermost_and_most_telling_field() {
        check(r#"{"serial":1700000000,"n":3}"#, None);
        check(
            r#"{"last_seen":"2023-11-14T22:13:20Z","data":{"ts":1700000001},"ts":1700000002}"#,
            Some(("ts", 1_700_000_002_000_000)),
        );
        check(
            r#"[{"a":[1700000000,{"b":1}],"sys":{"@timestamp":1700000003}}]"#,
            Some(("@timestamp", 1_700_000_003_000_000)),
        );
        check(r#"{"time":[1700000000]}"#, None);
        check(r#"{"ts":1700000000"#, None);
    }

    extern crate std;
}
