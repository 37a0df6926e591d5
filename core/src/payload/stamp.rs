//! The point in time that a payload tells: when it was measured or sent.
//!
//! A field counts by its name and by its value (`knowledge::time`); without a zone it is taken as UTC. Of several the
//! outermost wins, then the name that says most. Invariant: a stamp lies between the years 2000 and 2100, so that no other number is mistaken for one.

use super::front::{self, Rest};
use super::json::{Scalar, Text, Visitor};
use crate::knowledge::time;

/// Seconds since 1970 of the first and the last stamp believed: the years 2000 and 2100.
const BELIEVED: core::ops::Range<u64> = 946_684_800..4_102_444_800;
/// Containers that a stamp may stand in.
const DEPTH: usize = 4;

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
        let micros = number(text).or_else(|| self::text(text.trim_matches('"')))?;
        return Some(Stamp { field: "", micros });
    }
    let mut finder = Finder {
        depth: 0,
        key: "",
        best: None,
    };
    // What was found before a fault stands in a valid prefix, but such a payload is no JSON.
    front::walk_front(text, &mut finder, Rest::Leave).ok()?;
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
            Scalar::String(it) if !it.escaped => number(it.raw).or_else(|| text(it.raw)),
            _ => None,
        };
        let Some(micros) = micros else { return };
        let Some(rank) = time::rank(self.key) else {
            return;
        };
        let rank = self.depth * 8 + usize::from(rank);
        if self.best.is_none_or(|(best, _)| rank < best) {
            let field = self.key;
            self.best = Some((rank, Stamp { field, micros }));
        }
    }
}

/// The decimal number of a time that is believed, as microseconds.
fn number(text: &str) -> Option<u64> {
    time::of_digits(text, |seconds| BELIEVED.contains(&seconds))
}

/// The text of a time that is believed, as microseconds.
fn text(text: &str) -> Option<u64> {
    let micros = time::of_text(text)?.micros;
    BELIEVED.contains(&(micros / 1_000_000)).then_some(micros)
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
