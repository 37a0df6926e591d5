//! Answers made of reports by hand: their budget, what they count as cut, alerts, the words of the verdict.

use super::{Format, Head, Thresholds, fit};
use crate::broker::report::*;
use crate::tools::listening::round_trip::RoundTrips;
use bitsperity_mqtt_core::packet::QoS;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

const SECOND: Duration = Duration::from_secs(1);

/// A stream of 300 s at 100 messages a second that has all there can be.
fn flow() -> FlowFindings {
    let numbers = Percentiles {
        least: 1_234,
        p50: 10_123,
        p95: 20_456,
        p99: 30_789,
        most: 4_012_345,
    };
    let gap = |n: u32| GapFinding {
        from: SECOND * (n * 30),
        until: SECOND * (n * 30 + n + 1),
    };
    FlowFindings {
        messages: 30_000,
        bytes: 3_000_000,
        topics: 100,
        topics_estimated: false,
        sizes: Some(numbers),
        intervals: Some(numbers),
        mean: Some(SECOND / 100),
        jitter: Some(SECOND / 50),
        longest: Some(gap(7)),
        gaps: (0..8).map(gap).collect(),
        gaps_more: 3,
        gap_limit: Some(SECOND),
        silence: Some(SECOND / 10),
        silent: None,
        bucket: SECOND,
        buckets: (0..300).map(|n| (90 + n % 20, 9_000 + n)).collect(),
        spikes: (0..8)
            .map(|n| SpikeFinding {
                from: SECOND * (n * 20),
                until: SECOND * (n * 20 + 2),
                per_s: 500.0 + f64::from(n),
            })
            .collect(),
        spikes_more: 2,
        usual_per_s: 100.0,
        trend: Some(TrendFinding {
            slope: 0.2,
            certainty: 30.0,
        }),
        latency: Some(LatencyFindings {
            field: "sent_at".to_owned(),
            messages: 30_000,
            step: 1_000,
            least: -3_600_000,
            above: numbers,
        }),
        latency_unbelieved: 5,
    }
}

fn report(flows: usize) -> Report {
    let topic = |n: u64| TopicNumbers {
        topic: format!("plant/line{n}/machine/temperature"),
        messages: 1_000 - n,
        error: n,
        bytes: 100_000,
        expected: Some(SECOND),
        jitter: Some(SECOND / 10),
        longest: Some(GapFinding {
            from: SECOND,
            until: SECOND * 9,
        }),
        gaps: 2,
        silent: Some(SECOND * 70),
    };
    Report {
        started: SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000),
        elapsed: SECOND * 300,
        stopped: Some(StopReason::Duration),
        granted_qos: Some(QoS::AtMostOnce),
        received: 30_000,
        retained: 0,
        bytes: 3_000_000,
        oversized: 0,
        asides: Default::default(),
        reconnects: 1,
        deaf: SECOND * 2,
        interruption: None,
        narrowed: None,
        findings: Findings {
            performance: Some(PerformanceFindings {
                flows: vec![flow(); flows],
                topics: (0..24).map(topic).collect(),
                replaced: 9,
            }),
            ..Findings::default()
        },
    }
}

fn round_trips() -> RoundTrips {
    let mut measured = RoundTrips::default();
    measured.pings.took = (1..=20).map(Duration::from_millis).collect();
    measured.probes.why_not = Some("skipped: read-only".to_owned());
    measured
}

fn answer(filters: usize, thresholds: &Value, format: Format, budget: usize) -> Value {
    let filters: Vec<String> = (0..filters).map(|n| format!("plant/line{n}/#")).collect();
    let report = report(if filters.len() > 1 {
        filters.len() + 1
    } else {
        1
    });
    let head = Head::of(&filters, &report, None);
    let thresholds: Thresholds = serde_json::from_value(thresholds.clone()).unwrap();
    let made = fit::answer(
        &head,
        &filters,
        &report,
        &round_trips(),
        thresholds,
        format,
        budget,
    );
    assert!(!fit::chart(&filters, &report).png().unwrap().is_empty());
    serde_json::to_value(made).unwrap()
}

#[test]
fn an_answer_fits_its_budget_and_counts_what_it_costs() {
    let all = json!({"max_gap_s": 1, "min_rate_per_s": 1e6, "max_rate_per_s": 1, "max_latency_ms": 0.001,
        "max_jitter_ms": 0.001, "max_size_bytes": 1});
    for format in [Format::Concise, Format::Detailed] {
        for filters in [1, 2, 8] {
            for budget in [2_048, 4_096, 12_000, 24_576, 98_304] {
                let thresholds = if budget < 12_000 {
                    json!({})
                } else {
                    all.clone()
                };
                let made = answer(filters, &thresholds, format, budget);
                let bytes = made.to_string().len();
                assert!(bytes <= budget, "{bytes} of {budget} for {filters} filters");
                let streams = made["streams"].as_array().unwrap();
                let expected = if filters > 1 { filters + 1 } else { 1 };
                let omitted = &made["omitted"];
                let cut = omitted["streams"].as_u64().unwrap_or(0);
                assert_eq!(streams.len() as u64 + cut, expected as u64);
                for stream in streams {
                    let told = stream["gaps"].as_array().unwrap().len() as u64;
                    assert_eq!(told + stream["gaps_more"].as_u64().unwrap_or(0), 11);
                }
                let topics = made["topics"].as_array().unwrap().len() as u64;
                assert_eq!(topics + omitted["topics"].as_u64().unwrap_or(0), 100);
            }
        }
    }
}

#[test]
fn each_threshold_has_its_alert() {
    let thresholds = json!({"max_gap_s": 7, "min_rate_per_s": 101, "max_rate_per_s": 108.5, "max_latency_ms": 18,
        "max_jitter_ms": 19, "max_size_bytes": 1e6});
    let made = answer(1, &thresholds, Format::Concise, 24_576);
    let told = made["alerts"].as_array().unwrap().iter();
    let told: Vec<_> = told
        .map(|alert| {
            (
                alert["threshold"].as_str().unwrap(),
                alert["value"].as_f64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("max_gap_s", 8.0),
        ("min_rate_per_s", 100.671),
        ("max_rate_per_s", 109.0),
        ("max_jitter_ms", 20.0),
        ("max_size_bytes", 4_012_345.0),
        ("max_latency_ms", 19.456),
        ("max_latency_ms", 19.0),
    ];
    assert_eq!(told, expected);
    let verdict = made["verdict"].as_str().unwrap();
    for words in [
        "7 ALERTS",
        "101 messages/s",
        "rising",
        "11 gaps, the longest 8 s",
        "10 spikes",
        "2 s",
        "10 ms",
    ] {
        assert!(verdict.contains(words), "no {words:?} in {verdict}");
    }
    assert!(verdict.contains("-3600 ms"), "{verdict}");
    let kept = json!({"max_gap_s": 8, "min_rate_per_s": 100, "max_rate_per_s": 109, "max_latency_ms": 21,
        "max_jitter_ms": 20, "max_size_bytes": 5e6});
    assert_eq!(
        answer(1, &kept, Format::Concise, 24_576)["alerts"],
        json!([])
    );
}
