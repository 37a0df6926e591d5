//! What crosses a threshold, and all of it in one sentence.

use super::{Numbers, PayloadLatency, RoundTrip, Stream, Thresholds};
use crate::broker::report::{FlowFindings, Report};
use crate::render;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// A rate over less time is chance.
const PEAK: Duration = Duration::from_secs(1);

/// A threshold that was crossed.
#[derive(Clone, Serialize, JsonSchema)]
pub(super) struct Alert {
    threshold: &'static str,
    limit: f64,
    /// The worst value.
    value: f64,
    /// Of which filter, or which latency.
    of: String,
}

/// All that crosses its threshold. Of several filters each is held against it, else the one that there is.
pub(super) fn alerts(
    thresholds: &Thresholds,
    report: &Report,
    flows: &[FlowFindings],
    streams: &[Stream],
    round_trip: &RoundTrip,
) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let mut add = |threshold, limit: Option<f64>, value: f64, over: bool, of: &str| {
        let crossed = |limit: &f64| if over { value > *limit } else { value < *limit };
        if let Some(limit) = limit.filter(crossed) {
            alerts.push(Alert {
                threshold,
                limit,
                value: precise(value),
                of: of.to_owned(),
            });
        }
    };
    let told = flows.iter().zip(streams);
    for (flow, stream) in told.skip(usize::from(flows.len() > 1)) {
        let of = &stream.filter;
        let silences = [flow.longest.map(|gap| gap.until - gap.from), flow.silence];
        let silence = silences.into_iter().flatten().max();
        let silence = silence.unwrap_or(report.elapsed).as_secs_f64();
        add("max_gap_s", thresholds.max_gap_s, silence, true, of);
        add(
            "min_rate_per_s",
            thresholds.min_rate_per_s,
            stream.rate_per_s,
            false,
            of,
        );
        let (_, rates) = rates(flow, report.elapsed, PEAK, usize::MAX);
        let peak = rates.iter().map(|rate| rate.0).fold(0.0, f64::max);
        add("max_rate_per_s", thresholds.max_rate_per_s, peak, true, of);
        let number = |numbers: &Numbers, name| numbers.get(name).copied().unwrap_or(0.0);
        let jitter = number(&stream.interval_ms, "jitter");
        add("max_jitter_ms", thresholds.max_jitter_ms, jitter, true, of);
        let size = number(&stream.size_bytes, "max");
        add("max_size_bytes", thresholds.max_size_bytes, size, true, of);
        if let Some(latency) = &stream.payload_latency {
            let of = format!(
                "{of}: {} above the offset and its steps, p95",
                latency.field
            );
            let p95 = surely_late_ms(latency);
            add("max_latency_ms", thresholds.max_latency_ms, p95, true, &of);
        }
    }
    for (of, numbers) in [
        ("broker round trip, p95", &round_trip.broker_ms),
        ("publish to receive, p95", &round_trip.publish_to_receive_ms),
    ] {
        let p95 = numbers.get("p95").copied().unwrap_or(0.0);
        add("max_latency_ms", thresholds.max_latency_ms, p95, true, of);
    }
    alerts
}

fn crossed(alert: &Alert) -> String {
    format!(
        "{} {} crossed: {}",
        alert.threshold,
        alert.limit,
        render::rounded(alert.value)
    )
}

/// By how much the latest twentieth is late at least: a field that tells whole seconds tells nothing below them.
fn surely_late_ms(latency: &PayloadLatency) -> f64 {
    let p95 = latency.jitter_ms.get("p95").copied().unwrap_or(0.0);
    (p95 - latency.resolution_ms).max(0.0)
}

/// The first thing to be read.
pub(super) fn verdict(
    report: &Report,
    all: Option<&Stream>,
    round_trip: &RoundTrip,
    alerts: &[Alert],
) -> String {
    let mut said = Vec::new();
    match alerts {
        [] => {}
        [only] => said.push(format!("ALERT: {}", crossed(only))),
        [worst, rest @ ..] => said.push(format!(
            "{} ALERTS: {} and {}",
            alerts.len(),
            crossed(worst),
            match rest {
                [other] => crossed(other),
                more => format!("{} more", more.len()),
            }
        )),
    }
    match all {
        Some(all) if all.messages > 0 => flow(all, &mut said),
        _ => said.push("no messages came".to_owned()),
    }
    if !report.deaf.is_zero() {
        let deaf = render::seconds(report.deaf);
        said.push(format!(
            "without a connection for {deaf} s, which counts as no gap"
        ));
    }
    match (round_trip.broker_ms.get("p50"), &round_trip.broker_why_not) {
        (Some(ms), _) => said.push(format!("the broker answers in {ms} ms")),
        (None, Some(why)) => said.push(format!("the broker does not answer pings: {why}")),
        (None, None) => {}
    }
    said.join("; ")
}

fn flow(all: &Stream, said: &mut Vec<String>) {
    let topics = if all.topics == 1 { "topic" } else { "topics" };
    let about = if all.topics_estimated { "about " } else { "" };
    let direction = all
        .trend
        .as_ref()
        .map_or("too short for a trend", |trend| trend.direction);
    said.push(format!(
        "{} messages/s ({} bytes/s) on {about}{} {topics}, {direction}",
        render::rounded(all.rate_per_s),
        all.bytes_per_s.round(),
        all.topics
    ));
    let gaps = all.gaps.len() as u64 + all.gaps_more;
    let longest = all.gaps.iter().map(|gap| gap.length_s).fold(0.0, f64::max);
    said.push(match (gaps, all.silent_now_s) {
        (_, Some(silent)) => format!("SILENT now for {silent} s, beyond its rhythm"),
        (0, None) => "no gaps".to_owned(),
        (1, None) => format!("1 gap of {longest} s"),
        (gaps, None) => format!("{gaps} gaps, the longest {longest} s"),
    });
    let spikes = all.spikes.len() as u64 + all.spikes_more;
    if spikes > 0 {
        let highest = all
            .spikes
            .iter()
            .map(|spike| spike.rate_per_s)
            .fold(0.0, f64::max);
        let noun = if spikes == 1 { "spike" } else { "spikes" };
        said.push(format!("{spikes} {noun}, the highest {highest} messages/s"));
    }
    if let Some(latency) = &all.payload_latency {
        let (field, offset) = (&latency.field, render::rounded(latency.clock_offset_ms));
        let p95 = render::rounded(latency.jitter_ms.get("p95").copied().unwrap_or(0.0));
        said.push(match surely_late_ms(latency) > 0.0 {
            true => {
                format!("by `{field}` messages are {offset} ms old at least and p95 {p95} ms more")
            }
            false => format!(
                "by `{field}` no message is late: all within its steps of {} ms",
                latency.resolution_ms
            ),
        });
    }
}

/// Messages and bytes per second over time, in buckets of at least `width`, at most `points` of them; a last one that
/// has hardly begun is left out. First: the width.
pub(super) fn rates(
    flow: &FlowFindings,
    elapsed: Duration,
    width: Duration,
    points: usize,
) -> (Duration, Vec<(f64, f64)>) {
    let bucket = flow.bucket.as_secs_f64().max(1e-3);
    let by_width = (width.as_secs_f64() / bucket).ceil() as usize;
    let by_points = flow.buckets.len().div_ceil(points.max(1));
    let together = by_width.max(by_points).max(1);
    let whole = bucket * together as f64;
    let mut rates = Vec::new();
    for (place, buckets) in flow.buckets.chunks(together).enumerate() {
        let passed = elapsed.as_secs_f64() - whole * place as f64;
        if passed < whole / 2.0 && place > 0 {
            break;
        }
        let (mut messages, mut bytes) = (0.0, 0.0);
        for bucket in buckets {
            messages += f64::from(bucket.0);
            bytes += f64::from(bucket.1);
        }
        let seconds = passed.clamp(1e-3, whole);
        rates.push((messages / seconds, bytes / seconds));
    }
    (Duration::from_secs_f64(whole), rates)
}

/// Four significant digits.
pub(super) fn precise(number: f64) -> f64 {
    match number {
        number if number.abs() >= 1_000.0 => number.round(),
        number if number.abs() >= 1.0 => (number * 1e3).round() / 1e3,
        number => (number * 1e6).round() / 1e6,
    }
}
