//! `monitor_performance`: how fast, how evenly and how late messages come, against what the caller expects; with a chart.
//!
//! Elsewhere: `fit` makes the answer within its budget, `judge` the alerts and the verdict, `chart` the picture.
//! Invariant: our own probes are never among the messages that are counted.

mod chart;
mod fit;
mod judge;

use super::arguments::topic::{checked_filter, everything};
use super::arguments::{ranges, schema};
use super::listening::{Asked, Format, Head, Heard, Listens, Rest, Room, is_none, seconds};
use super::{Annotations, ToolError};
use crate::broker::report::{Listen, Retained, WantPerformance, Wants};
use crate::render;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Heaviest topics that are told at most.
const TOPICS: usize = 24;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Topic filters, each measured apart, too
    #[serde(default)]
    #[schemars(length(max = 8))]
    topic: Vec<String>,
    #[serde(default = "ranges::monitor")]
    #[schemars(range(min = ranges::MONITOR.min, max = ranges::MONITOR.max))]
    duration: f64,
    /// Alerts when crossed; 0: off
    #[serde(default)]
    thresholds: Thresholds,
    /// Draws a PNG, too; many hosts show none
    #[serde(default)]
    chart: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Thresholds {
    /// Seconds
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    max_gap_s: Option<f64>,
    /// Per second
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    min_rate_per_s: Option<f64>,
    /// Per second
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    max_rate_per_s: Option<f64>,
    /// Milliseconds
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    max_latency_ms: Option<f64>,
    /// Milliseconds
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    max_jitter_ms: Option<f64>,
    /// Bytes
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    max_size_bytes: Option<f64>,
}

impl Thresholds {
    /// Those that are on.
    fn on(self) -> Self {
        let on = |limit: Option<f64>| limit.filter(|limit| *limit > 0.0);
        Self {
            max_gap_s: on(self.max_gap_s),
            min_rate_per_s: on(self.min_rate_per_s),
            max_rate_per_s: on(self.max_rate_per_s),
            max_latency_ms: on(self.max_latency_ms),
            max_jitter_ms: on(self.max_jitter_ms),
            max_size_bytes: on(self.max_size_bytes),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    /// In words.
    verdict: String,
    #[serde(flatten)]
    head: Head,
    /// Thresholds that were crossed.
    alerts: Vec<judge::Alert>,
    /// All messages; then, of several filters, those of each.
    streams: Vec<Stream>,
    round_trip: RoundTrip,
    /// The heaviest.
    topics: Vec<Topic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<Omitted>,
}

/// Names of percentiles and their values.
type Numbers = BTreeMap<&'static str, f64>;

#[derive(Clone, Serialize, JsonSchema)]
struct Stream {
    filter: String,
    messages: u64,
    rate_per_s: f64,
    bytes: u64,
    bytes_per_s: f64,
    topics: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    topics_estimated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    over_time: Option<OverTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trend: Option<Trend>,
    #[serde(
        skip_serializing_if = "Numbers::is_empty",
        serialize_with = "render::whole_map"
    )]
    interval_ms: Numbers,
    #[serde(
        skip_serializing_if = "Numbers::is_empty",
        serialize_with = "render::whole_map"
    )]
    size_bytes: Numbers,
    /// A longer silence is a gap: max(3 × p95, 20 × median) of the intervals.
    #[serde(skip_serializing_if = "Option::is_none")]
    gap_limit_s: Option<f64>,
    gaps: Vec<Gap>,
    #[serde(skip_serializing_if = "is_none")]
    gaps_more: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    longest_silence: Option<Gap>,
    /// Beyond its rhythm, and still.
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_now_s: Option<f64>,
    spikes: Vec<Spike>,
    #[serde(skip_serializing_if = "is_none")]
    spikes_more: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_latency: Option<PayloadLatency>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct OverTime {
    /// messages_per_s in one line, from none to the most.
    sparkline: String,
    bucket_s: f64,
    #[serde(serialize_with = "render::whole_list")]
    messages_per_s: Vec<f64>,
    #[serde(serialize_with = "render::whole_list")]
    bytes_per_s: Vec<f64>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct Trend {
    direction: &'static str,
    /// Per second, more each minute; absent: as good as none.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_s_each_minute: Option<f64>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct Gap {
    from: String,
    until: String,
    length_s: f64,
}

#[derive(Clone, Serialize, JsonSchema)]
struct Spike {
    from: String,
    until: String,
    rate_per_s: f64,
    usual_per_s: f64,
}

/// Of the age of messages by a time in their payloads.
#[derive(Clone, Serialize, JsonSchema)]
struct PayloadLatency {
    /// `(payload)`: it is nothing else.
    field: String,
    messages: u64,
    /// The least age: difference of the clocks and the shortest way.
    clock_offset_ms: f64,
    /// Above that.
    #[serde(serialize_with = "render::whole_map")]
    jitter_ms: Numbers,
    /// Steps in which the field tells the time.
    resolution_ms: f64,
    #[serde(skip_serializing_if = "is_none")]
    more_than_a_day_off: u64,
}

#[derive(Serialize, JsonSchema)]
struct RoundTrip {
    /// PINGREQ to PINGRESP.
    #[serde(serialize_with = "render::whole_map")]
    broker_ms: Numbers,
    /// On a private topic, at QoS 0.
    #[serde(serialize_with = "render::whole_map")]
    publish_to_receive_ms: Numbers,
    #[serde(skip_serializing_if = "is_none")]
    failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    broker_why_not: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    publish_to_receive_why_not: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct Topic {
    topic: String,
    messages: u64,
    /// So many of them may be another topic's.
    #[serde(skip_serializing_if = "is_none")]
    uncertain: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_interval_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter_s: Option<f64>,
    #[serde(skip_serializing_if = "is_none")]
    gaps: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    longest_silence_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_now_s: Option<f64>,
}

/// What the budget cost.
#[derive(Serialize, JsonSchema)]
struct Omitted {
    #[serde(skip_serializing_if = "is_nothing")]
    gaps: usize,
    #[serde(skip_serializing_if = "is_nothing")]
    spikes: usize,
    #[serde(skip_serializing_if = "is_none")]
    topics: u64,
    #[serde(skip_serializing_if = "is_nothing")]
    streams: usize,
    how_to_get_more: &'static str,
}

fn is_nothing(count: &usize) -> bool {
    *count == 0
}

pub(super) const TOOL: super::Tool = super::Tool {
    name: "monitor_performance",
    title: "Monitor performance",
    description: "Measures streams of messages: rate over time, sizes, jitter, gaps, spikes, trend, latency (of \
        the broker, from publish to receive, by times in payloads), alerts on thresholds. For what is slow, \
        uneven, stalling or growing. Takes `duration` seconds; 20 do for a first look.",
    annotations: Annotations {
        read_only_hint: false,
        destructive_hint: false,
        idempotent_hint: true,
        open_world_hint: true,
    },
    input_schema: schema::input_with_budget::<Asked<Arguments>>,
    output_schema: schema::output::<Answer>,
    run: |request| request.by_listening::<Arguments>(),
};

impl Listens for Arguments {
    const TOOL: &'static str = TOOL.name;
    type Answer = Answer;
    const MEASURES: bool = true;

    fn wanted(&self) -> Result<Listen, ToolError> {
        let mut filters = Vec::new();
        for filter in &self.topic {
            let filter = checked_filter("topic", filter)?;
            if !filters.contains(&filter) {
                filters.push(filter);
            }
        }
        if filters.is_empty() {
            filters.push(everything());
        }
        let performance = WantPerformance {
            filters: filters.len(),
            topics: TOPICS,
        };
        let wants = Wants {
            performance: Some(performance),
            ..Wants::default()
        };
        Ok(Listen {
            // A retained message says nothing about when it was sent.
            retained: Retained::Exclude,
            ..Listen::to(filters, seconds(self.duration), wants)
        })
    }

    fn answer(&self, heard: &mut Heard, head: Head, (format, budget): Room) -> Answer {
        fit::answer(
            &head,
            &heard.filters,
            &heard.report,
            &heard.round_trips,
            self.thresholds.on(),
            format,
            budget,
        )
    }

    /// The chart, as an image content block of MCP.
    fn content(&self, heard: &Heard) -> Vec<Value> {
        if !self.chart {
            return Vec::new();
        }
        match fit::chart(&heard.filters, &heard.report).png() {
            Ok(png) => {
                vec![
                    json!({"type": "image", "data": render::to_base64(&png), "mimeType": "image/png"}),
                ]
            }
            Err(error) => {
                log::error!("the chart could not be written: {error}");
                Vec::new()
            }
        }
    }

    fn head(answer: &mut Answer) -> &mut Head {
        &mut answer.head
    }
}

#[cfg(test)]
mod tests;
