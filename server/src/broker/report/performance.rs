//! What `monitor_performance` asks for and gets: the numbers of streams, as plain owned data.
//!
//! Times are since `Report::started` unless they say otherwise.

use std::time::Duration;

/// How streams are measured: all messages together, and those of each filter of the listener.
#[derive(Clone, Debug)]
pub struct WantPerformance {
    /// Filters of the listener.
    pub filters: usize,
    /// The heaviest topics are told, at most so many.
    pub topics: usize,
}

/// The numbers.
#[derive(Clone, Debug, Default)]
pub struct PerformanceFindings {
    /// All messages; then, if there are several filters, those of each.
    pub flows: Vec<FlowFindings>,
    /// The heaviest topics first.
    pub topics: Vec<TopicNumbers>,
    /// Topics that lost their place among the heaviest; those told may then be counted too high by their `error`.
    pub replaced: u64,
}

/// Percentiles, within 2 %; the least and the greatest are exact. Sizes are in bytes, intervals in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names say it
pub struct Percentiles {
    pub least: u64,
    pub p50: u64,
    pub p95: u64,
    pub p99: u64,
    pub most: u64,
}

/// One stream.
#[derive(Clone, Debug)]
pub struct FlowFindings {
    /// Messages.
    pub messages: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Distinct topics, never more than messages.
    pub topics: u64,
    /// `topics` is an estimate, within some 3 %.
    pub topics_estimated: bool,
    /// Bytes; none of no messages.
    pub sizes: Option<Percentiles>,
    /// Microseconds between messages; none of fewer than two.
    pub intervals: Option<Percentiles>,
    /// Mean interval.
    pub mean: Option<Duration>,
    /// Standard deviation of the intervals.
    pub jitter: Option<Duration>,
    /// The longest silence, gap or not.
    pub longest: Option<GapFinding>,
    /// Silences beyond the rhythm taught until then: the longest, in order of time.
    pub gaps: Vec<GapFinding>,
    /// Gaps that found no room.
    pub gaps_more: u64,
    /// A silence longer than this is a gap.
    pub gap_limit: Option<Duration>,
    /// Time since the last message; none of no messages.
    pub silence: Option<Duration>,
    /// It is silent now, so long beyond its rhythm.
    pub silent: Option<Duration>,
    /// Width of a bucket.
    pub bucket: Duration,
    /// Messages and bytes of each bucket; the last one may not be over.
    pub buckets: Vec<(u32, u32)>,
    /// Times with far more messages than usual, in order of time.
    pub spikes: Vec<SpikeFinding>,
    /// Spikes that found no room.
    pub spikes_more: u32,
    /// Messages per second of a usual bucket.
    pub usual_per_s: f64,
    /// A straight line through the rates; none of too little.
    pub trend: Option<TrendFinding>,
    /// Age of messages by a time in their payloads.
    pub latency: Option<LatencyFindings>,
    /// Messages whose time was more than a day off.
    pub latency_unbelieved: u64,
}

/// A silence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GapFinding {
    /// The last message before it.
    pub from: Duration,
    /// The first one after it.
    pub until: Duration,
}

/// A time with far more messages than usual.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SpikeFinding {
    /// Begin.
    pub from: Duration,
    /// End.
    pub until: Duration,
    /// Messages per second in its highest bucket.
    pub per_s: f64,
}

/// A line through the rates.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TrendFinding {
    /// Messages per second, more each second.
    pub slope: f64,
    /// The slope over its standard error; beyond 3 it is hardly chance.
    pub certainty: f64,
}

/// What a time in the payloads tells.
#[derive(Clone, Debug)]
pub struct LatencyFindings {
    /// Name of the field; empty: the payload is nothing else.
    pub field: String,
    /// Messages that have it.
    pub messages: u64,
    /// Microseconds of the steps in which the field tells the time.
    pub step: u64,
    /// The least age in microseconds: offset of the clocks and the shortest way.
    pub least: i64,
    /// Microseconds above it.
    pub above: Percentiles,
}

/// One of the heaviest topics.
#[derive(Clone, Debug)]
pub struct TopicNumbers {
    /// Topic Name, cut at 128 bytes.
    pub topic: String,
    /// Messages, too many by at most `error`.
    pub messages: u64,
    /// See `messages`.
    pub error: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Median interval.
    pub expected: Option<Duration>,
    /// Standard deviation of the intervals.
    pub jitter: Option<Duration>,
    /// The longest silence, gap or not.
    pub longest: Option<GapFinding>,
    /// Silences beyond its rhythm.
    pub gaps: u32,
    /// It is silent now, so long beyond its rhythm.
    pub silent: Option<Duration>,
}
