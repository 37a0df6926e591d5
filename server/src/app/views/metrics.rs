//! The meters as JSON: totals, the last hour in steps, latency, tools.

use super::super::App;
use super::client::ClientView;
use crate::journal::{HOUR, Histogram, Point, ToolMeter};
use crate::render;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::{Duration, SystemTime};

/// Steps in which the last hour is shown: as many as a chart has room for.
const STEPS: usize = 120;

/// Seconds of a step.
const STEP: usize = HOUR / STEPS;

/// The service as a whole.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct ServiceView {
    /// Of this program.
    pub version: &'static str,
    /// When it started.
    pub started: String,
    /// Seconds since then.
    pub uptime_s: u64,
    /// Resident memory, where the system tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Percent of one core over the last minute.
    pub processor_percent: f64,
    /// MQTT messages a second over the last ten seconds.
    pub messages_per_s: f64,
    /// MQTT messages since the start.
    pub messages: u64,
    /// Tool calls since the start.
    pub calls: u64,
    /// Of these, failed.
    pub call_errors: u64,
    /// Sessions that one assistant may have open.
    pub max_sessions: usize,
    /// There is one assistant, over standard input and output, and no way in for others.
    #[serde(skip_serializing_if = "super::is_false")]
    pub alone: bool,
}

/// Performance.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Metrics {
    /// Totals.
    pub service: ServiceView,
    /// Seconds of a step of the lists below.
    pub step_s: usize,
    /// When the last step ended.
    pub until: String,
    /// Messages a second in each step, the oldest first; null: a break, or not yet started.
    pub messages_per_s: Vec<Option<f64>>,
    /// Mean resident memory in bytes.
    pub memory_bytes: Vec<Option<u64>>,
    /// Percent of one core.
    pub processor_percent: Vec<Option<f64>>,
    /// Tool calls.
    pub calls: Vec<Option<u32>>,
    /// Own time of calls in each minute that had any.
    pub latency: Vec<MinuteLatency>,
    /// Of all tools, since the start.
    pub tools: Vec<ToolView>,
}

/// Own time of the calls of one minute, read off a histogram.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct MinuteLatency {
    /// How many minutes ago; 0 is this one.
    pub minutes_ago: u64,
    /// Calls.
    pub calls: u64,
    /// About the median.
    pub p50_ms: f64,
    /// About what 95 of 100 did not exceed.
    pub p95_ms: f64,
}

/// Calls of one tool since the start.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct ToolView {
    /// Its name; `other` for those that found no room.
    pub tool: String,
    /// Calls.
    pub calls: u64,
    /// Of these, failed.
    pub errors: u64,
    /// Bytes of the answers.
    pub bytes: u64,
    /// Tokens of the answers, about.
    pub tokens: u64,
    /// About the median of their own time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// About what 95 of 100 did not exceed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
    /// When the last one ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
}

/// What was collected and who called.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Stats {
    /// MQTT messages since the start.
    pub messages: u64,
    /// Bytes of them, as read from the transport.
    pub bytes: u64,
    /// Topics that the open watches have heard.
    pub topics: u64,
    /// Messages that the open watches keep.
    pub kept: u64,
    /// Messages that were worth keeping or too large, and found no room.
    pub dropped: u64,
    /// Calls by tool.
    pub tools: Vec<ToolView>,
    /// Calls by assistant.
    pub assistants: Vec<ClientView>,
    /// Calls that other processes reported.
    pub reported_calls: u64,
}

impl ToolView {
    fn new(meter: &ToolMeter) -> Self {
        Self {
            tool: render::clean(&meter.tool),
            calls: meter.calls,
            errors: meter.errors,
            bytes: meter.bytes,
            tokens: meter.tokens,
            p50_ms: quantile(&meter.own, 0.5),
            p95_ms: quantile(&meter.own, 0.95),
            last: meter.last.map(render::time),
        }
    }
}

fn quantile(histogram: &Histogram, share: f64) -> Option<f64> {
    histogram.quantile_ms(share).map(render::rounded)
}

impl App {
    /// Totals.
    pub fn service_view(&self) -> ServiceView {
        self.journal.meters(|meters| {
            let points = || meters.points().rev();
            let mean = |count: usize, value: fn(&Point) -> f64| {
                let taken = points().take(count);
                let (sum, n) = taken.fold((0.0, 0.0), |(sum, n), it| (sum + value(it), n + 1.0));
                if n > 0.0 { sum / n } else { 0.0 }
            };
            let tools = meters.tools().iter();
            let (calls, errors) = tools.fold((0, 0), |(calls, errors), it| {
                (calls + it.calls, errors + it.errors)
            });
            ServiceView {
                version: env!("CARGO_PKG_VERSION"),
                started: render::time(self.started_at()),
                uptime_s: self.uptime().as_secs(),
                memory_bytes: meters.latest().memory,
                processor_percent: render::rounded(mean(60, |it| f64::from(it.processor) / 10.0)),
                messages_per_s: render::rounded(mean(10, |it| f64::from(it.messages))),
                messages: meters.latest().messages,
                calls,
                call_errors: errors,
                max_sessions: self.config.limits.max_sessions,
                alone: self.is_alone(),
            }
        })
    }

    /// Performance over the last hour.
    pub fn metrics(&self) -> Metrics {
        let service = self.service_view();
        let now = SystemTime::now();
        self.journal.meters(|meters| {
            let points: Vec<&Point> = meters.points().collect();
            let steps = steps(&points, now);
            let mean = |value: fn(&Point) -> f64| {
                let steps = steps.iter();
                steps.map(move |step| {
                    let sum: f64 = step.iter().map(|point| value(point)).sum();
                    (!step.is_empty()).then(|| render::rounded(sum / step.len() as f64))
                })
            };
            let broken = steps
                .iter()
                .map(|step| step.iter().any(|it| it.interrupted));
            let messages = mean(|it| f64::from(it.messages)).zip(broken);
            Metrics {
                service,
                step_s: STEP,
                until: render::time(now),
                messages_per_s: messages
                    .map(|(rate, broken)| rate.filter(|_| !broken))
                    .collect(),
                memory_bytes: mean(|it| f64::from(it.memory_kib) * 1_024.0)
                    .map(|mean| mean.filter(|it| *it > 0.0).map(|it| it as u64))
                    .collect(),
                processor_percent: mean(|it| f64::from(it.processor) / 10.0).collect(),
                calls: steps
                    .iter()
                    .map(|step| {
                        let calls = step.iter().map(|it| u32::from(it.calls)).sum();
                        (!step.is_empty()).then_some(calls)
                    })
                    .collect(),
                latency: meters
                    .minutes(now)
                    .map(|(minutes_ago, own)| MinuteLatency {
                        minutes_ago,
                        calls: own.count(),
                        p50_ms: quantile(own, 0.5).unwrap_or_default(),
                        p95_ms: quantile(own, 0.95).unwrap_or_default(),
                    })
                    .collect(),
                tools: meters.tools().iter().map(ToolView::new).collect(),
            }
        })
    }

    /// What was collected and who called.
    pub async fn stats(&self) -> Stats {
        let watched = self.watched().await;
        let assistants = self.client_views();
        self.journal.meters(|meters| Stats {
            messages: meters.latest().messages,
            bytes: meters.latest().bytes,
            topics: watched.topics,
            kept: watched.kept,
            dropped: watched.dropped,
            tools: meters.tools().iter().map(ToolView::new).collect(),
            assistants,
            reported_calls: meters.reported(),
        })
    }
}

/// The points of each step of the last hour, the oldest step first.
fn steps<'p>(points: &[&'p Point], now: SystemTime) -> Vec<Vec<&'p Point>> {
    let mut steps = vec![Vec::new(); STEPS];
    for &point in points {
        let ago = now
            .duration_since(point.at)
            .unwrap_or(Duration::ZERO)
            .as_secs();
        let back = usize::try_from(ago).unwrap_or(HOUR) / STEP;
        if let Some(step) = STEPS.checked_sub(back + 1).and_then(|at| steps.get_mut(at)) {
            step.push(point);
        }
    }
    steps
}
