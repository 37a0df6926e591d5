//! The answer within its budget of bytes: fewer points over time, then shorter lists, then only all messages together;
//! what was cut is counted and named. And what the chart shows of it.

use super::chart::{Chart, LINES, Series};
use super::judge::{alerts, precise, rates, verdict};
use super::{
    Answer, Format, Gap, Head, Numbers, Omitted, OverTime, PayloadLatency, Rest, RoundTrip, Spike,
    Stream, Thresholds, Topic, Trend,
};
use crate::broker::report::{
    FlowFindings, GapFinding, LatencyFindings, Percentiles, Report, SpikeFinding, TopicNumbers,
    TrendFinding,
};
use crate::render;
use crate::tools::listening::round_trip::{Measured, RoundTrips};
use crate::tools::listening::sentences;
use std::time::Duration;

/// Points over time, entries of each list, topics: tried in this order.
const DETAILED: &[(usize, usize, usize)] = &[(120, 32, 24), (60, 16, 24), (30, 8, 16)];
const CONCISE: &[(usize, usize, usize)] =
    &[(24, 4, 8), (12, 3, 5), (8, 2, 2), (4, 1, 0), (1, 0, 0)];

/// Times its standard error that a slope must be, and the share of the rate that must come or go, to be told.
const CERTAIN: f64 = 3.0;
const WORTH: f64 = 0.1;

const MORE: &str = "response_format detailed, larger max_bytes, or fewer filters";

pub(super) fn answer(
    head: &Head,
    filters: &[String],
    report: &Report,
    measured: &RoundTrips,
    thresholds: Thresholds,
    format: Format,
    budget: usize,
) -> Answer {
    let none = Default::default();
    let found = report.findings.performance.as_ref().unwrap_or(&none);
    let make = |(points, entries, topics): (usize, usize, usize), streams: usize| {
        let names = names(filters);
        let flows = found.flows.iter().zip(&names);
        let streams: Vec<Stream> = flows
            .map(|(flow, name)| stream(name, flow, report, points, entries))
            .take(streams)
            .collect();
        let round_trip = round_trip(measured);
        let alerts = alerts(&thresholds, report, &found.flows, &streams, &round_trip);
        let shown: Vec<Topic> = found.topics.iter().take(topics).map(topic).collect();
        let omitted = Omitted {
            gaps: found
                .flows
                .iter()
                .map(|flow| flow.gaps.len().saturating_sub(entries))
                .sum(),
            spikes: found
                .flows
                .iter()
                .map(|flow| flow.spikes.len().saturating_sub(entries))
                .sum(),
            topics: seen(&found.flows).saturating_sub(shown.len() as u64),
            streams: found.flows.len() - streams.len(),
            how_to_get_more: MORE,
        };
        let any = omitted.gaps + omitted.spikes + omitted.streams > 0 || omitted.topics > 0;
        let held = found.topics.len() > shown.len();
        let mut head = head.clone();
        if held || omitted.gaps + omitted.spikes + omitted.streams > 0 {
            head.rest = Some(Rest::Fuller);
        }
        Answer {
            verdict: sentences::with_interruption(
                report,
                verdict(report, streams.first(), &round_trip, &alerts),
            ) + &sentences::asides(report),
            head,
            alerts,
            streams,
            round_trip,
            topics: shown,
            omitted: any.then_some(omitted),
        }
    };
    let wishes: &[&[_]] = match format {
        Format::Concise => &[CONCISE],
        Format::Detailed => &[DETAILED, CONCISE],
    };
    let wishes = wishes.iter().flat_map(|wishes| wishes.iter());
    let all = wishes
        .map(|wish| (*wish, usize::MAX))
        .chain([((4, 1, 0), 1), ((1, 0, 0), 1)]);
    let mut made = None;
    for (wish, streams) in all {
        let answer = make(wish, streams);
        let fits = render::json_len(&answer) <= budget;
        made = Some(answer);
        if fits {
            break;
        }
    }
    made.unwrap_or_else(|| make((1, 0, 0), 1))
}

/// What each stream is called: all of them, then each filter if there are several.
fn names(filters: &[String]) -> Vec<String> {
    match filters {
        [only] => vec![render::topic(only)],
        several => {
            let each = several.iter().map(|filter| render::topic(filter));
            ["all filters".to_owned()].into_iter().chain(each).collect()
        }
    }
}

fn seen(flows: &[FlowFindings]) -> u64 {
    flows.first().map_or(0, |flow| flow.topics)
}

fn stream(
    filter: &str,
    flow: &FlowFindings,
    report: &Report,
    points: usize,
    entries: usize,
) -> Stream {
    let heard = report
        .elapsed
        .saturating_sub(report.deaf)
        .as_secs_f64()
        .max(1e-3);
    let (width, rates) = rates(flow, report.elapsed, Duration::ZERO, points);
    let spike = |spike: &SpikeFinding| Spike {
        from: render::time(report.started + spike.from),
        until: render::time(report.started + spike.until),
        rate_per_s: render::rounded(spike.per_s),
        usual_per_s: render::rounded(flow.usual_per_s),
    };
    let cut = |count: usize| count.saturating_sub(entries) as u64;
    let gaps = longest(&flow.gaps, entries);
    let told = |silence: &GapFinding| gaps.contains(silence);
    Stream {
        filter: filter.to_owned(),
        messages: flow.messages,
        rate_per_s: precise(flow.messages as f64 / heard),
        bytes: flow.bytes,
        bytes_per_s: precise(flow.bytes as f64 / heard),
        topics: flow.topics,
        topics_estimated: flow.topics_estimated,
        over_time: (flow.messages > 0).then(|| OverTime {
            sparkline: sparkline(rates.iter().map(|rate| rate.0)),
            bucket_s: render::seconds(width),
            messages_per_s: rates.iter().map(|rate| render::rounded(rate.0)).collect(),
            bytes_per_s: rates.iter().map(|rate| render::rounded(rate.1)).collect(),
        }),
        trend: flow
            .trend
            .filter(|_| flow.messages > 0)
            .map(|found| trend(found, flow, report.elapsed)),
        interval_ms: intervals(flow),
        size_bytes: flow
            .sizes
            .as_ref()
            .map(|sizes| numbers(sizes, 1.0))
            .unwrap_or_default(),
        gap_limit_s: flow.gap_limit.map(render::seconds),
        longest_silence: flow
            .longest
            .filter(|it| !told(it))
            .map(|it| gap(&it, report)),
        gaps_more: flow.gaps_more + cut(flow.gaps.len()),
        gaps: gaps.iter().map(|it| gap(it, report)).collect(),
        silent_now_s: flow.silent.map(render::seconds),
        spikes: highest(&flow.spikes, entries).map(spike).collect(),
        spikes_more: u64::from(flow.spikes_more) + cut(flow.spikes.len()),
        payload_latency: flow.latency.as_ref().map(|it| payload_latency(it, flow)),
    }
}

/// Numbers as the height of a bar each, the highest as high as there is.
fn sparkline(numbers: impl Iterator<Item = f64> + Clone) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = numbers.clone().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let bar = |number: f64| (number / most * (BARS.len() - 1) as f64).round() as usize;
    numbers.filter_map(|it| BARS.get(bar(it))).collect()
}

/// The longest of them, in order of time.
fn longest(gaps: &[GapFinding], count: usize) -> Vec<GapFinding> {
    let mut gaps = gaps.to_vec();
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.until - gap.from));
    gaps.truncate(count);
    gaps.sort_by_key(|gap| gap.from);
    gaps
}

/// The highest of them, in order of time.
fn highest(spikes: &[SpikeFinding], count: usize) -> impl Iterator<Item = &SpikeFinding> {
    let mut highest: Vec<_> = spikes.iter().collect();
    highest.sort_by(|a, b| b.per_s.total_cmp(&a.per_s));
    highest.truncate(count);
    highest.sort_by_key(|spike| spike.from);
    highest.into_iter()
}

fn gap(gap: &GapFinding, report: &Report) -> Gap {
    Gap {
        from: render::time(report.started + gap.from),
        until: render::time(report.started + gap.until),
        length_s: render::seconds(gap.until - gap.from),
    }
}

/// Whether a trend is hardly chance, and worth telling.
fn is_told(trend: TrendFinding, flow: &FlowFindings, elapsed: Duration) -> bool {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    let mean = flow.messages as f64 / seconds;
    trend.certainty >= CERTAIN && (trend.slope * seconds).abs() >= WORTH * mean
}

fn trend(trend: TrendFinding, flow: &FlowFindings, elapsed: Duration) -> Trend {
    let told = is_told(trend, flow, elapsed);
    Trend {
        direction: match told {
            true if trend.slope > 0.0 => "rising",
            true => "falling",
            false => "steady",
        },
        rate_per_s_each_minute: told.then(|| render::rounded(trend.slope * 60.0)),
    }
}

fn intervals(flow: &FlowFindings) -> Numbers {
    let Some(intervals) = &flow.intervals else {
        return Numbers::new();
    };
    let mut told = numbers(intervals, 1e3);
    told.extend(
        flow.mean
            .map(|mean| ("mean", precise(mean.as_secs_f64() * 1e3))),
    );
    told.extend(
        flow.jitter
            .map(|jitter| ("jitter", precise(jitter.as_secs_f64() * 1e3))),
    );
    told
}

fn payload_latency(found: &LatencyFindings, flow: &FlowFindings) -> PayloadLatency {
    let mut jitter = numbers(&found.above, 1e3);
    jitter.remove("min");
    PayloadLatency {
        field: match found.field.as_str() {
            "" => "(payload)".to_owned(),
            field => render::clean(field),
        },
        messages: found.messages,
        clock_offset_ms: found.least as f64 / 1e3,
        jitter_ms: jitter,
        resolution_ms: found.step as f64 / 1e3,
        more_than_a_day_off: flow.latency_unbelieved,
    }
}

/// Percentiles in a unit that is `per` times theirs.
fn numbers(found: &Percentiles, per: f64) -> Numbers {
    let values = [
        ("min", found.least),
        ("p50", found.p50),
        ("p95", found.p95),
        ("p99", found.p99),
        ("max", found.most),
    ];
    values
        .into_iter()
        .map(|(name, value)| (name, precise(value as f64 / per)))
        .collect()
}

fn topic(found: &TopicNumbers) -> Topic {
    Topic {
        topic: render::topic(&found.topic),
        messages: found.messages,
        uncertain: found.error,
        bytes: found.bytes,
        expected_interval_s: found.expected.map(render::seconds),
        jitter_s: found.jitter.map(render::seconds),
        gaps: u64::from(found.gaps),
        longest_silence_s: found
            .longest
            .map(|gap| render::seconds(gap.until - gap.from)),
        silent_now_s: found.silent.map(render::seconds),
    }
}

fn round_trip(measured: &RoundTrips) -> RoundTrip {
    RoundTrip {
        broker_ms: took(&measured.pings),
        publish_to_receive_ms: took(&measured.probes),
        failed: u64::from(measured.pings.failed) + u64::from(measured.probes.failed),
        broker_why_not: measured.pings.why_not.clone(),
        publish_to_receive_why_not: measured.probes.why_not.clone(),
    }
}

fn took(measured: &Measured) -> Numbers {
    let mut took = measured.took.clone();
    took.sort_unstable();
    let rank = |percent: usize| {
        let place = (took.len() * percent).div_ceil(100).saturating_sub(1);
        took.get(place).copied().map(render::millis)
    };
    let named = [("min", 0), ("p50", 50), ("p95", 95), ("max", 100)];
    let mut told: Numbers = named
        .into_iter()
        .filter_map(|(name, percent)| Some((name, rank(percent)?)))
        .collect();
    if !took.is_empty() {
        told.insert("samples", took.len() as f64);
    }
    told
}

/// Points of a line at most, and messages that a point stands for at least, on average.
const POINTS: usize = 150;
const MESSAGES: f64 = 20.0;

/// What the chart shows.
pub(super) fn chart(filters: &[String], report: &Report) -> Chart {
    let none = Default::default();
    let found = report.findings.performance.as_ref().unwrap_or(&none);
    let span_s = report.elapsed.as_secs_f64();
    let minutes = span_s > 180.0;
    let started = render::time(report.started);
    let clock = started.get(11..19).unwrap_or("the beginning");
    let names = names(filters);
    // Several filters are lines of their own, and all of them together is their sum, about.
    let several = found.flows.len() > 1;
    let flows = found.flows.iter().zip(&names);
    let drawn = flows.skip(usize::from(several)).take(LINES);
    let lines = drawn.clone().map(|(flow, name)| Series {
        label: if several {
            name.clone()
        } else {
            "messages".to_owned()
        },
        points: points(flow, report.elapsed),
    });
    let title = match names.as_slice() {
        [only] => only.clone(),
        [_, filters @ ..] if filters.len() > LINES => {
            format!("{LINES} of {} filters", filters.len())
        }
        _ => format!("{} filters", names.len().saturating_sub(1)),
    };
    let between = |gap: &GapFinding| (gap.from.as_secs_f64(), gap.until.as_secs_f64());
    let spike = |spike: &crate::broker::report::SpikeFinding| {
        ((spike.from + spike.until).as_secs_f64() / 2.0, spike.per_s)
    };
    // Of several lines nobody could tell whose marks they are.
    let only = found.flows.first().filter(|_| !several);
    let line = only.and_then(|flow| {
        let line = flow.trend?;
        is_told(line, flow, report.elapsed).then(|| {
            let mean = flow.messages as f64 / span_s.max(1e-3);
            let half = line.slope * span_s / 2.0;
            ((mean - half).max(0.0), (mean + half).max(0.0))
        })
    });
    Chart {
        title: shortened(&title),
        time_axis: format!(
            "{} since {clock} UTC",
            if minutes { "minutes" } else { "seconds" }
        ),
        unit_s: if minutes { 60.0 } else { 1.0 },
        span_s,
        lines: lines.collect(),
        gaps: drawn
            .flat_map(|(flow, _)| flow.gaps.iter().map(between))
            .collect(),
        spikes: only
            .into_iter()
            .flat_map(|flow| flow.spikes.iter().map(spike))
            .collect(),
        trend: line,
    }
}

fn points(flow: &FlowFindings, elapsed: Duration) -> Vec<(f64, f64)> {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    let per_point = MESSAGES * seconds / (flow.messages as f64).max(1.0);
    let width = Duration::from_secs_f64(per_point.min(seconds / 12.0));
    let (width, rates) = rates(flow, elapsed, width, POINTS);
    let width = width.as_secs_f64();
    let middle = |place: usize| (place as f64 + 0.5) * width;
    let points = rates.iter().enumerate();
    points
        .map(|(place, rate)| (middle(place).min(seconds), rate.0))
        .collect()
}

/// With what it is, as long as a title may be.
fn shortened(what: &str) -> String {
    const UNIT: &str = ": messages per second";
    const TITLE: usize = 52;
    let room = TITLE - UNIT.len();
    let cut = what.chars().count() > room;
    let what: String = what
        .chars()
        .take(if cut { room - 3 } else { room })
        .collect();
    format!("{what}{}{UNIT}", if cut { "..." } else { "" })
}
