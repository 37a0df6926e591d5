//! What `debug_device` asks for and gets: devices with their faults, as plain owned data.
//!
//! Times are since `Report::started` unless they say otherwise.

use std::time::Duration;

/// Which devices are told.
#[derive(Clone, Debug)]
pub struct WantHealth {
    /// Name or id, or a part of one; none: all that the filter brings.
    pub name: Option<String>,
    /// At most so many are told, the sickest.
    pub devices: usize,
}

/// The answer.
#[derive(Clone, Debug, Default)]
pub struct HealthFindings {
    /// The sickest first.
    pub devices: Vec<DeviceFinding>,
    /// Devices that were asked for and judged, told or not.
    pub matched: usize,
    /// Of these, with findings.
    pub troubled: usize,
    /// Of these, those without findings of which too little was heard to say that nothing is wrong.
    pub thin: usize,
    /// Devices heard that found room.
    pub heard: usize,
    /// About how many devices were heard that found no room, and how many of these were asked for by their id.
    pub beyond: u64,
    /// See `beyond`.
    pub beyond_matched: u64,
    /// If none was asked for: ids that come nearest.
    pub nearest: Vec<String>,
    /// Messages of devices that found no room.
    pub missed: u64,
    /// Numbers that found no room and were not watched, each time they came.
    pub numbers_missed: u64,
}

/// One device.
#[derive(Clone, Debug, Default)]
pub struct DeviceFinding {
    /// Where its topics begin, or what they have in common.
    pub id: String,
    /// What others call it.
    pub name: Option<String>,
    /// Convention by which it speaks.
    pub dialect: &'static str,
    /// The device that it is reached through.
    pub gateway: Option<String>,
    /// Enough was heard to say that nothing is wrong, where nothing is.
    pub well_known: bool,
    /// 100 less all deductions.
    pub score: u8,
    /// The weightiest first.
    pub deductions: Vec<Deduction>,
    /// Its connection; none if nobody told.
    pub connection: Option<ConnectionFinding>,
    /// Its most regular topic.
    pub heartbeat: Option<HeartbeatFinding>,
    /// Last live message of its own.
    pub last_live: Option<Duration>,
    /// Silences beyond its own rhythm that it came back from.
    pub gaps: u32,
    /// Begin and length of the longest.
    pub longest_gap: Option<(Duration, Duration)>,
    /// Kinds of errors and warnings, errors first, then the most frequent.
    pub troubles: Vec<TroubleFinding>,
    /// Errors and warnings of further kinds.
    pub more_troubles: u64,
    /// Messages judged errors.
    pub errors: u64,
    /// Messages judged warnings.
    pub warnings: u64,
    /// Battery, link, signal, voltage.
    pub readings: Vec<ReadingFinding>,
    /// Seconds.
    pub uptime: Option<f64>,
    /// Restarts seen.
    pub restarts: u32,
    /// Seconds that its clock is behind ours; negative: ahead.
    pub clock_behind: Option<f64>,
    /// Numbers that are watched.
    pub values: Vec<ValueFinding>,
    /// Topics and their messages, the busiest first.
    pub topics: Vec<(String, u64)>,
    /// Messages on further topics.
    pub more_topics: u64,
    /// Its messages.
    pub messages: u64,
    /// Of these, replayed retained ones.
    pub retained: u64,
    /// Messages sent to it.
    pub commands: u64,
}

/// Why points were deducted.
#[derive(Clone, Debug)]
pub struct Deduction {
    /// Of 100.
    pub points: u8,
    /// A stable word.
    pub kind: &'static str,
    /// What was seen.
    pub what: String,
    /// What to check next.
    pub check: &'static str,
}

/// A connection.
#[derive(Clone, Debug)]
pub struct ConnectionFinding {
    /// `online`, `offline`, `sleeping`, `alert`.
    pub state: &'static str,
    /// When that was told.
    pub told: Duration,
    /// By a retained message: it is older.
    pub retained: bool,
    /// On this topic.
    pub topic: Option<String>,
    /// Changes seen.
    pub changes: u32,
    /// The latest changes: when and to what.
    pub history: Vec<(Duration, &'static str)>,
    /// Time spent offline while listening.
    pub offline: Duration,
}

/// A rhythm.
#[derive(Clone, Debug)]
pub struct HeartbeatFinding {
    /// Where it beats.
    pub topic: String,
    /// Median interval.
    pub period: Duration,
    /// 95 of 100 intervals are not longer.
    pub p95: Duration,
    /// Standard deviation of the intervals.
    pub jitter: Duration,
}

/// A kind of error or warning.
#[derive(Clone, Debug)]
pub struct TroubleFinding {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// How many.
    pub count: u64,
    /// Path or word, and value.
    pub why: String,
    /// Text of the first.
    pub sample: String,
    /// Topic of the first.
    pub topic: String,
    /// When the first and the latest came.
    pub first: Duration,
    /// See `first`.
    pub latest: Duration,
    /// Only replayed: as old as the retained message.
    pub retained: bool,
}

/// Readings of one kind, the unit in the name.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the names say it
pub struct ReadingFinding {
    pub name: &'static str,
    pub last: f64,
    pub min: f64,
    pub max: f64,
}

/// A number that is watched.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the names say it
pub struct ValueFinding {
    pub name: String,
    pub last: f64,
    pub min: f64,
    pub max: f64,
    /// Live values.
    pub count: u32,
    /// Values unlike the one before.
    pub changes: u32,
}

impl DeviceFinding {
    /// Too little was heard to call it well, and nothing that is wrong.
    pub fn is_thin(&self) -> bool {
        self.deductions.is_empty() && !self.well_known
    }
}
