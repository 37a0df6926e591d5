//! The one table of numeric settings. Whoever needs a default or a bound reads it from here.

use super::{HttpLimits, Limits, Setting};

/// A row: everything about a setting but its value in force.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) default: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) unit: &'static str,
    pub(super) what: &'static str,
    /// No fractions.
    pub(super) whole: bool,
    pub(super) get: fn(&Limits) -> f64,
    pub(super) set: fn(&mut Limits, f64),
}

impl Row {
    /// The row with the value in force.
    pub(super) fn setting(&self, limits: &Limits) -> Setting {
        Setting {
            name: self.name,
            value: (self.get)(limits),
            default: self.default,
            min: self.min,
            max: self.max,
            unit: self.unit,
            what: self.what,
        }
    }

    /// Puts a value in force; the error says what would be right.
    pub(super) fn put(&self, limits: &mut Limits, value: f64) -> Result<(), String> {
        // The range holds nothing that is not a number.
        if !(self.min..=self.max).contains(&value) || self.whole && value.fract() != 0.0 {
            return Err(self.wanted());
        }
        (self.set)(limits, value);
        Ok(())
    }

    /// What would be right.
    pub(super) fn wanted(&self) -> String {
        let Self { min, max, unit, .. } = self;
        let whole = if self.whole { "whole " } else { "" };
        format!("a {whole}number from {min} to {max} ({unit})")
    }
}

type Get = fn(&Limits) -> f64;
type Set = fn(&mut Limits, f64);

/// Default, smallest, largest.
type Range = (f64, f64, f64);

pub(super) const fn bytes(
    name: &'static str,
    range: Range,
    what: &'static str,
    get: Get,
    set: Set,
) -> Row {
    count(name, range, "bytes", what, get, set)
}

pub(super) const fn count(
    name: &'static str,
    (default, min, max): Range,
    unit: &'static str,
    what: &'static str,
    get: Get,
    set: Set,
) -> Row {
    Row {
        name,
        default,
        min,
        max,
        unit,
        what,
        whole: true,
        get,
        set,
    }
}

pub(super) const fn seconds(
    name: &'static str,
    (default, min, max): Range,
    what: &'static str,
    get: Get,
    set: Set,
) -> Row {
    Row {
        name,
        default,
        min,
        max,
        unit: "s",
        what,
        whole: false,
        get,
        set,
    }
}

/// All rows, in the order of `config show`: these, then those of `serve`.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain(super::service::ROWS)
}

static ROWS: &[Row] = &[
    count(
        "max_sessions",
        (5.0, 1.0, 64.0),
        "sessions",
        "connections to brokers open at once",
        |l| l.max_sessions as f64,
        |l, v| l.max_sessions = v as usize,
    ),
    seconds(
        "session_idle",
        (3600.0, 10.0, 604_800.0),
        "time without use after which a session ends",
        |l| l.session_idle,
        |l, v| l.session_idle = v,
    ),
    seconds(
        "connect_timeout",
        (30.0, 0.5, 300.0),
        "time for establishing a connection, all stages together",
        |l| l.connect_timeout,
        |l, v| l.connect_timeout = v,
    ),
    seconds(
        "reconnect_time",
        (150.0, 0.0, 86_400.0),
        "time for which a lost connection is tried again; the next call after that tries once more",
        |l| l.reconnect_time,
        |l, v| l.reconnect_time = v,
    ),
    seconds(
        "call_limit",
        (45.0, 1.0, 3600.0),
        "a call without a progress token returns after this, with what it has",
        |l| l.call_limit,
        |l, v| l.call_limit = v,
    ),
    seconds(
        "call_limit_progress",
        (240.0, 1.0, 3600.0),
        "a call with a progress token returns after this, with what it has",
        |l| l.call_limit_progress,
        |l, v| l.call_limit_progress = v,
    ),
    seconds(
        "capture_lease",
        (300.0, 1.0, 86_400.0),
        "a capture that nobody asks for is dropped after this",
        |l| l.capture_lease,
        |l, v| l.capture_lease = v,
    ),
    count(
        "max_captures",
        (16.0, 1.0, 256.0),
        "captures",
        "captures open at once over all sessions",
        |l| l.max_captures as f64,
        |l, v| l.max_captures = v as usize,
    ),
    bytes(
        "max_bytes",
        (16_384.0, 2_048.0, 65_536.0),
        "size of a tool's result; 2.7 bytes are about one token of the model",
        |l| l.max_bytes as f64,
        |l, v| l.max_bytes = v as usize,
    ),
    bytes(
        "max_packet",
        (1_049_600.0, 1_024.0, 16_777_216.0),
        "largest MQTT packet received; larger ones are counted and passed over",
        |l| l.max_packet as f64,
        |l, v| l.max_packet = v as usize,
    ),
    count(
        "receive_maximum",
        (64.0, 1.0, 1_024.0),
        "messages",
        "QoS 1 and 2 messages that a broker may send before they are acknowledged",
        |l| f64::from(l.receive_maximum),
        |l, v| l.receive_maximum = v as u16,
    ),
    count(
        "max_requests",
        (64.0, 1.0, 1_024.0),
        "requests",
        "tool calls of the assistant in flight at once",
        |l| l.max_requests as f64,
        |l, v| l.max_requests = v as usize,
    ),
    bytes(
        "max_line",
        (16_777_216.0, 4_096.0, 67_108_864.0),
        "longest message of the assistant",
        |l| l.max_line as f64,
        |l, v| l.max_line = v as usize,
    ),
];

impl Default for Limits {
    fn default() -> Self {
        let mut limits = Self {
            max_sessions: 0,
            session_idle: 0.0,
            connect_timeout: 0.0,
            reconnect_time: 0.0,
            call_limit: 0.0,
            call_limit_progress: 0.0,
            capture_lease: 0.0,
            max_captures: 0,
            max_bytes: 0,
            max_packet: 0,
            receive_maximum: 0,
            max_requests: 0,
            max_line: 0,
            max_sessions_all: 0,
            http: HttpLimits::default(),
        };
        for row in rows() {
            (row.set)(&mut limits, row.default);
        }
        limits
    }
}

impl Limits {
    /// Every setting with its value in force.
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        rows().map(|row| row.setting(self))
    }

    /// The setting of this name.
    pub fn setting(&self, name: &str) -> Option<Setting> {
        self.settings().find(|setting| setting.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_reads_what_it_writes_and_stands_in_its_range() {
        for row in rows() {
            let mut limits = Limits::default();
            let at_first = row.setting(&limits);
            assert_eq!(at_first.value, at_first.default, "{}", row.name);
            for value in [row.min, row.max, row.default] {
                row.put(&mut limits, value).unwrap();
                assert_eq!(row.setting(&limits).value, value, "{}", row.name);
            }
            for bad in [row.min - 1.0, row.max + 1.0, f64::NAN, f64::INFINITY] {
                let error = row.put(&mut limits, bad).unwrap_err();
                assert!(error.contains(&row.max.to_string()), "{error}");
            }
            assert_eq!(row.put(&mut limits, row.min + 0.5).is_err(), row.whole);
            let others = |l: &Limits| -> Vec<_> {
                l.settings()
                    .filter(|s| s.name != row.name)
                    .map(|s| s.value)
                    .collect()
            };
            row.put(&mut limits, row.max).unwrap();
            assert_eq!(others(&limits), others(&Limits::default()), "{}", row.name);
        }
    }

    #[test]
    fn no_limit_is_zero_by_default() {
        assert!(
            Limits::default()
                .settings()
                .all(|setting| setting.value > 0.0)
        );
        let debug = format!("{:?}", Limits::default());
        assert!(!debug.contains(": 0,"), "a field without a row: {debug}");
    }
}
