//! What a listener tells when asked: plain owned data, made by the broker's task, read by tools and `render`.

mod asides;
mod health;
mod narrow;
mod performance;
mod recent;
mod schema;

pub use super::tap::Tap;
pub use asides::{Aside, Asides, Large};
pub use health::{
    ConnectionFinding, Deduction, DeviceFinding, HealthFindings, HeartbeatFinding, ReadingFinding,
    TroubleFinding, ValueFinding, WantHealth,
};
pub use narrow::{Narrowed, Part};
pub use performance::{
    FlowFindings, GapFinding, LatencyFindings, Percentiles, PerformanceFindings, SpikeFinding,
    TopicNumbers, TrendFinding, WantPerformance,
};
pub use recent::{Latest, Recent, RecentMessage};
pub use schema::{ChangedPath, FirstChange, SchemaFamily, SchemaFindings, WantSchema};

use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::reduce::topics::FORMATS;
use std::time::{Duration, SystemTime};

/// What to accumulate.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    /// Keep the messages that matter.
    pub messages: Option<WantMessages>,
    /// Keep a table of topics with at most so many entries.
    pub topics: Option<usize>,
    /// Keep the last value of every topic, in at most so many bytes.
    pub values: Option<usize>,
    /// Hand every message on.
    pub tap: Option<Tap>,
    /// Measure the streams.
    pub performance: Option<WantPerformance>,
    /// Judge the health of devices.
    pub health: Option<WantHealth>,
    /// Keep the last message, so many bytes of its payload.
    pub last: Option<usize>,
    /// Learn the schemas.
    pub schema: Option<WantSchema>,
    /// Remember when each of the latest messages came, and what was in it; of a part: those of the last so long.
    pub recent: Option<Duration>,
}

/// How messages are kept.
#[derive(Clone, Debug)]
pub struct WantMessages {
    /// How many are kept at the end (1 to 500).
    pub target: usize,
    /// Bytes of a payload that are kept; longer ones are cut.
    pub payload_bytes: usize,
}

/// Retained messages in a listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Retained {
    /// Both.
    #[default]
    Include,
    /// Live ones only.
    Exclude,
    /// Retained ones only.
    Only,
}

/// What to listen to.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Topic Filters, at least one; a message that several match is taken once.
    pub filters: Vec<String>,
    /// QoS asked for.
    pub qos: QoS,
    /// Retained messages.
    pub retained: Retained,
    /// Stops after this long, counted from the SUBACK.
    pub duration: Duration,
    /// Stops after so many live messages; where only retained ones are taken, after so many of these.
    pub max_messages: Option<u64>,
    /// Stops after so long without a new topic.
    pub until_quiet: Option<Duration>,
    /// What to accumulate.
    pub wants: Wants,
}

impl Listen {
    /// At QoS 0, with retained messages, until `duration` is over.
    pub(crate) fn to(filters: Vec<String>, duration: Duration, wants: Wants) -> Self {
        Self {
            filters,
            qos: QoS::AtMostOnce,
            retained: Retained::Include,
            duration,
            max_messages: None,
            until_quiet: None,
            wants,
        }
    }
}

/// Why a listener stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the words of the tools' contract
pub enum StopReason {
    Duration,
    MaxMessages,
    Quiet,
    Cancelled,
    ConnectionLost,
    SessionClosed,
}

/// The state of a listener.
#[derive(Clone, Debug)]
pub struct Report {
    /// Wall time of the SUBACK, from which `at` and `t_ms` count.
    pub started: SystemTime,
    /// Time listened so far.
    pub elapsed: Duration,
    /// None: it listens still.
    pub stopped: Option<StopReason>,
    /// Granted QoS, the lowest of all filters; none before the last SUBACK.
    pub granted_qos: Option<QoS>,
    /// Messages taken in.
    pub received: u64,
    /// Of these, replayed retained ones.
    pub retained: u64,
    /// Payload bytes taken in.
    pub bytes: u64,
    /// Packets over our bound that were passed over.
    pub oversized: u64,
    /// What came otherwise than expected.
    pub asides: Asides,
    /// Reconnects lived through.
    pub reconnects: u32,
    /// How long it was deaf through them, counted from the last byte heard each time.
    pub deaf: Duration,
    /// The connection was lost meanwhile.
    pub interruption: Option<Interruption>,
    /// Told of a part of what was heard: see `narrow`.
    pub narrowed: Option<Narrowed>,
    /// What the accumulators hold.
    pub findings: Findings,
}

/// The connection was lost while somebody listened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interruption {
    /// Why, the last time.
    pub reason: String,
    /// How often.
    pub times: u32,
    /// Time listened before the first time.
    pub after: Duration,
    /// How long was to be listened.
    pub wanted: Duration,
    /// How long in all, counted from the last byte heard each time.
    pub lasted: Duration,
    /// The connection stands again.
    pub now_connected: bool,
}

/// What the accumulators hold.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Distinct topics, and whether that is an estimate.
    pub distinct: Option<(u64, bool)>,
    /// If messages were wanted.
    pub messages: Option<MessageFindings>,
    /// If topics were wanted.
    pub topics: Option<TopicFindings>,
    /// If values were wanted.
    pub values: Option<ValueFindings>,
    /// If streams were to be measured.
    pub performance: Option<PerformanceFindings>,
    /// If the health of devices was wanted.
    pub health: Option<HealthFindings>,
    /// If the last message was wanted and there was one.
    pub last: Option<LastMessage>,
    /// If schemas were wanted.
    pub schema: Option<SchemaFindings>,
    /// If the latest messages were wanted one by one.
    pub recent: Option<Recent>,
    /// Only what is of the last while is left: see `keep_latest`.
    pub latest: Option<Latest>,
}

/// The last message of a listener, or of a topic.
#[derive(Clone, Debug)]
pub struct LastMessage {
    /// Since `Report::started`.
    pub at: Duration,
    /// The front of the payload, or of what it holds if it was decoded; perhaps cut.
    pub payload: Vec<u8>,
    /// Bytes of the whole of that.
    pub payload_bytes: usize,
    /// Bytes of the payload itself, and its format if it was decoded.
    pub size: usize,
    /// See `size`.
    pub decoded: Option<&'static str>,
    /// QoS it came with.
    pub qos: QoS,
    /// Replayed because retained.
    pub retain: bool,
}

/// The pruner's answer.
#[derive(Clone, Debug, Default)]
pub struct MessageFindings {
    /// In order of time, at most the target.
    pub kept: Vec<KeptMessage>,
    /// Every kind of error seen, most frequent first (bounded; the rest in `error_kinds_more`).
    pub error_kinds: Vec<ErrorKind>,
    /// Error kinds that found no room.
    pub error_kinds_more: u64,
    /// Messages that were worth keeping and found no room in the bounds.
    pub crowded_out: u64,
    /// Messages judged errors.
    pub errors: u64,
    /// Messages judged warnings.
    pub warnings: u64,
    /// Messages per payload format, most frequent first.
    pub formats: Vec<(&'static str, u64)>,
    /// Distinct payload shapes seen (an estimate beyond the table).
    pub shapes: u64,
    /// Whether it is one.
    pub shapes_estimated: bool,
}

/// One message that was kept.
#[derive(Clone, Debug)]
pub struct KeptMessage {
    /// Since `Report::started`; replayed messages may have come just before, then zero.
    pub at: Duration,
    /// Topic Name.
    pub topic: String,
    /// The front of the payload, or of what it holds if it was decoded; perhaps cut.
    pub payload: Vec<u8>,
    /// Bytes of the whole of that.
    pub payload_bytes: usize,
    /// The front of the payload itself, if it was decoded.
    pub raw: Option<Vec<u8>>,
    /// Bytes of the payload itself.
    pub size: usize,
    /// QoS it came with.
    pub qos: QoS,
    /// Replayed because retained.
    pub retain: bool,
    /// `error`, `first`, `last`, `shape`, `gap`, `sample`, … most important first.
    pub why: Vec<&'static str>,
    /// Format of the payload.
    pub format: &'static str,
    /// Format of what is inside, if the payload is a wrapping.
    pub wraps: Option<&'static str>,
    /// `error`, `warning` or none, with the reason (path or word, and value).
    pub severity: Option<(&'static str, String)>,
}

/// One kind of error: like messages with their varying parts masked.
#[derive(Clone, Debug)]
pub struct ErrorKind {
    /// How many.
    pub count: u64,
    /// What its messages have in common, one hash for each way to say it.
    pub hashes: Vec<u64>,
    /// Topics that they came from, with `+` for what differs among them; one topic as it is.
    pub pattern: String,
    /// How many these are, and whether there may be more.
    pub topics: usize,
    /// See `topics`.
    pub topics_more: bool,
    /// Some of them, the first one first.
    pub examples: Vec<String>,
    /// Why it was judged an error (path or word, and value).
    pub why: String,
    /// When the first and the latest came, since `Report::started`.
    pub first: Duration,
    /// See `first`.
    pub latest: Duration,
}

/// The table of topics.
#[derive(Clone, Debug, Default)]
pub struct TopicFindings {
    /// In order of name.
    pub topics: Vec<TopicFinding>,
    /// Distinct topics seen, also beyond the table.
    pub seen: u64,
    /// `seen` is an estimate (the table was full).
    pub estimated: bool,
}

/// One topic.
#[derive(Clone, Debug)]
pub struct TopicFinding {
    /// Topic Name.
    pub topic: String,
    /// Messages, retained ones included.
    pub messages: u64,
    /// Of these, replayed retained ones.
    pub retained: u64,
    /// Messages judged errors.
    pub errors: u64,
    /// Messages judged warnings.
    pub warnings: u64,
    /// Messages per format; further formats are not told apart.
    pub formats: [(&'static str, u64); FORMATS],
    /// Payload bytes.
    pub bytes: u64,
    /// Since `Report::started`.
    pub first: Duration,
    /// Since `Report::started`.
    pub last: Duration,
    /// Live messages per second between the first and the last live one; none under two.
    pub rate: Option<f64>,
    /// Format of the last payload.
    pub format: &'static str,
    /// The front of the last payload, or of what it holds if it was decoded (at most 96 bytes).
    pub preview: Vec<u8>,
    /// Bytes of the whole of that.
    pub shown_bytes: usize,
    /// Bytes of the whole last payload.
    pub last_bytes: usize,
}

/// The last values of topics.
#[derive(Clone, Debug, Default)]
pub struct ValueFindings {
    /// Topic Name and its last message, in no order.
    pub values: Vec<(String, LastMessage)>,
    /// Messages of topics that found no room.
    pub missed: u64,
}
