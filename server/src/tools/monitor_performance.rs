//! `monitor_performance`: how fast, how evenly and how late messages come, against what the caller expects; with a chart.
//!
//! Elsewhere: `fit` makes the answer within its budget, `judge` the alerts and the verdict, `chart` the picture.
//! Invariant: our own probes are never among the messages that are counted.

mod chart;
mod fit;
mod judge;

use super::arguments::topic::{checked_filter, everything};
use super::arguments::{ranges, schema};
use super::listening::round_trip;
use super::listening::{Common, Format, Head, Rest, is_none, listen_beside, seconds};
use super::{Annotations, Call, State, ToolError};
use crate::broker::report::{Listen, Retained, WantPerformance, Wants};
use crate::protocol::service;
use crate::render;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Heaviest topics that are told at most.
const TOPICS: usize = 24;

/// Round trips that a capture is measured with, about.
const ROUND_TRIPS: f64 = 32.0;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    #[serde(flatten)]
    common: Common,
    /// Topic filters; each is measured apart, too.
    #[serde(default)]
    #[schemars(length(max = 8))]
    topic: Vec<String>,
    #[serde(default = "ranges::monitor")]
    #[schemars(range(min = ranges::MONITOR.min, max = ranges::MONITOR.max))]
    duration: f64,
    /// Alerts where they are crossed; 0: off
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
    /// Messages per second
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    min_rate_per_s: Option<f64>,
    /// Messages per second
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
    /// Bytes of a payload
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
    /// Messages per second, more each minute; absent: as good as none.
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
    description: "Measures streams of messages: rate over time, sizes, jitter, gaps, spikes, trend, latency (of the \
        broker, from publish to receive on a private topic, by times in payloads), alerts on thresholds. \
        For what is slow, uneven, stalling or growing. Takes `duration` seconds; 20 do for a first look.",
    annotations: Annotations {
        read_only_hint: false,
        destructive_hint: false,
        idempotent_hint: true,
        open_world_hint: true,
    },
    input_schema: schema::input_with_budget::<Arguments>,
    output_schema: schema::output::<Answer>,
};

pub(super) async fn run(
    state: &Arc<State>,
    arguments: Arguments,
    call: Call,
) -> Result<service::Answer, ToolError> {
    let asked = &arguments.common;
    let heard = listen_beside(
        state,
        &call,
        TOOL.name,
        asked,
        || wanted(&arguments),
        async |capture| {
            let Ok(handle) = state.sessions.get(&capture.session_id) else {
                return;
            };
            let period = capture.listen.duration.as_secs_f64() / ROUND_TRIPS;
            let period = Duration::from_secs_f64(period.clamp(0.1, 60.0));
            round_trip::measure(&handle, period, &capture.round_trips).await;
        },
    )
    .await?;
    let budget = asked.budget(state);
    let format = asked.response_format;
    let filters = &heard.filters;
    let mut answer = fit::answer(
        &heard.head(asked),
        filters,
        &heard.report,
        &heard.round_trips,
        arguments.thresholds.on(),
        format,
        budget,
    );
    let content = match arguments
        .chart
        .then(|| fit::chart(filters, &heard.report).png())
    {
        Some(Ok(png)) => vec![image(&png)],
        Some(Err(error)) => {
            log::error!("the chart could not be written: {error}");
            Vec::new()
        }
        None => Vec::new(),
    };
    heard.keep(state, asked, &mut answer.head);
    Ok(service::Answer {
        structured: Some(super::to_value(answer)?),
        content,
    })
}

/// An image content block of MCP.
fn image(png: &[u8]) -> serde_json::Value {
    json!({"type": "image", "data": render::to_base64(png), "mimeType": "image/png"})
}

fn wanted(arguments: &Arguments) -> Result<Listen, ToolError> {
    let mut filters = Vec::new();
    for filter in &arguments.topic {
        let filter = checked_filter("topic", filter)?;
        if !filters.contains(&filter) {
            filters.push(filter);
        }
    }
    if filters.is_empty() {
        filters.push(everything());
    }
    Ok(Listen {
        qos: render::qos(0),
        // A replayed message tells nothing about when it was sent.
        retained: Retained::Exclude,
        duration: seconds(arguments.duration),
        max_messages: None,
        until_quiet: None,
        wants: Wants {
            performance: Some(WantPerformance {
                filters: filters.len(),
                topics: TOPICS,
            }),
            ..Wants::default()
        },
        filters,
    })
}

#[cfg(test)]
mod tests;
