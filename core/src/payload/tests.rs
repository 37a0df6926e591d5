//! The walk against serde_json; judgement and formats against the labelled development sets, where they are.

#![allow(clippy::print_stdout)] // what was measured, shown when a test is asked to show it
extern crate std;
use super::json::{self, Scalar, Text, Visitor};
use super::{Format, Severity, inspect};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::format;
use std::path::PathBuf;
use std::println;
use std::string::{String, ToString};
use std::vec::Vec;

/// Third-party data beside the repository; none where it is absent.
pub(crate) fn rows(file: &str) -> Option<Vec<serde_json::Value>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data")
        .join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no {file}");
        return None;
    };
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

/// The payload of such a row.
pub(crate) fn payload_of(row: &serde_json::Value) -> Vec<u8> {
    STANDARD
        .decode(row["payload_b64"].as_str().unwrap())
        .unwrap()
}

struct Ignore;

impl Visitor<'_> for Ignore {
    fn open(&mut self, _: bool) {}
    fn close(&mut self) {}
    fn key(&mut self, _: Text<'_>) {}
    fn scalar(&mut self, _: Scalar<'_>) {}
}

#[test]
fn errors_are_judged_by_structure() {
    let Some(rows) = rows("errors_dev.jsonl") else {
        return;
    };
    let (mut hits, mut false_alarms, mut misses) = (0u32, 0u32, 0u32);
    for row in &rows {
        let text = |field: &str| row[field].as_str().unwrap();
        let facts = inspect(text("topic"), text("payload").as_bytes());
        let judged = facts.severity == Severity::Error;
        match (row["is_error"].as_bool().unwrap(), judged) {
            (true, true) => hits += 1,
            (false, false) => {}
            (truth, _) => {
                *(if truth {
                    &mut misses
                } else {
                    &mut false_alarms
                }) += 1;
                let why = facts.reason.map(|reason| reason.to_string());
                println!(
                    "{truth} judged {judged}: {} {} because {why:?}",
                    row["topic"], row["payload"]
                );
            }
        }
    }
    let f1 = 2.0 * f64::from(hits) / f64::from(2 * hits + false_alarms + misses);
    println!("F1 {f1:.3}: {hits} hits, {false_alarms} false alarms, {misses} misses");
    assert!(f1 >= 0.93, "{f1}");
}

#[test]
fn formats_are_guessed() {
    let Some(rows) = rows("formats_dev.jsonl") else {
        return;
    };
    let (mut right, mut all) = (0u32, 0u32);
    for row in &rows {
        let label = row["format"].as_str().unwrap();
        let expected: &[&str] = match label {
            "json" => &["json_object", "json_array"],
            "json-senml" => &["json_array"],
            "influx-line" => &["line_protocol"],
            "csv" | "nmea" => &["csv"],
            "plain" | "graphite" | "nagios" | "opentsdb" | "prometheus-text" | "yaml"
            | "wavefront" | "json-invalid" => &[
                "text",
                "number",
                "log_line",
                "json_string",
                "csv",
                "key_value",
            ],
            "plain-number" => &["number"],
            "plain-enum" => &["text"],
            "plain-timestamp" => &["timestamp"],
            "hex-text" => &["hex", "cbor"],
            "base64-text" => &["base64"],
            "image-jpeg" => &["jpeg"],
            "msgpack" => &["messagepack"],
            "logfmt" | "key-value" | "form-urlencoded" => &["key_value"],
            "log-line" => &["log_line"],
            "binary-unknown" | "parquet" | "avro" => &["binary"],
            same => &[same],
        };
        let payload = payload_of(row);
        let facts = inspect("t", &payload);
        all += 1;
        if expected.contains(&facts.format.name()) {
            right += 1;
        } else {
            println!(
                "{label} guessed {:?} {}: {:?}",
                facts.format,
                facts.confidence,
                String::from_utf8_lossy(&payload)
            );
        }
    }
    println!("{right} of {all} formats");
    assert!(right * 100 >= all * 85);
}

#[test]
fn walk_agrees_with_serde_json() {
    let seeds = [
        r#"{"a":1,"b":[true,false,null,"x\n\u00e4\ud83d\ude00"],"c":{"d":-0.5e+10,"":{}},"e":[]}"#,
        r#"  [ 0 , -1 , 1.5 , 2e3 , "" , [ [ ] ] , { "k" : "v" } ]  "#,
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "-12.25",
        "true",
    ];
    let bytes = br#"{}[]",:\0123eE+-.truefalsn u"#;
    let mut state = 1u64;
    let mut random = move |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % n
    };
    let mut accepted = 0;
    for round in 0..60_000 {
        let mut text: Vec<u8> = seeds[round % seeds.len()].bytes().collect();
        for _ in 0..round % 4 {
            let at = random(text.len());
            match random(4) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, bytes[random(bytes.len())]),
                2 => text[at] = bytes[random(bytes.len())],
                _ => text.truncate(at.max(1)),
            }
            if text.is_empty() {
                text.push(b'1');
            }
        }
        let Ok(text) = core::str::from_utf8(&text) else {
            continue;
        };
        let ours = json::walk(text, &mut Ignore).is_ok();
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(_) => assert!(ours, "refused: {text}"),
            Err(error) if error.to_string().contains("out of range") => {}
            Err(error) => assert!(!ours, "accepted: {text} ({error})"),
        }
        accepted += u32::from(ours);
    }
    assert!(accepted > 10_000 && accepted < 55_000, "{accepted}");
}

#[test]
fn limits_hold_and_depth_agrees_with_serde_json() {
    for depth in [1, 126, 127, 128, 129, 100_000] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let ours = json::walk(&text, &mut Ignore).is_ok();
        assert_eq!(
            ours,
            serde_json::from_str::<serde_json::Value>(&text).is_ok(),
            "{depth}"
        );
    }
    let key = format!("{{\"{}\":1}}", "k".repeat(json::MAX_KEY + 1));
    assert_eq!(json::walk(&key, &mut Ignore), Err(json::Fault::Limit));
    let number = "1".repeat(json::MAX_NUMBER + 1);
    assert_eq!(json::walk(&number, &mut Ignore), Err(json::Fault::Limit));
}

#[test]
fn any_bytes_are_looked_at() {
    let mut state = 7u64;
    let mut payload = Vec::new();
    for round in 0..20_000u32 {
        payload.clear();
        for _ in 0..round % 70 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            payload.push(u8::try_from(state >> 56).unwrap() >> (round % 3));
        }
        let facts = inspect("a/b", &payload);
        assert!(facts.confidence <= 100);
        assert_eq!(facts.reason.is_some(), facts.severity != Severity::None);
        let again = inspect("a/b", &payload);
        assert_eq!(
            (facts.shape, facts.kind, facts.format),
            (again.shape, again.kind, again.format)
        );
    }
}

#[test]
fn shape_is_of_keys_not_of_values() {
    let shape = |topic, payload: &str| inspect(topic, payload.as_bytes()).shape;
    let one = shape("home/1/state", r#"{"a":1,"b":[{"c":1},{"c":2}]}"#);
    assert_eq!(one, shape("home/22/state", r#"{"b":[{"c":true}],"a":"x"}"#));
    assert_ne!(one, shape("home/1/state", r#"{"a":1,"b":[{"d":1}]}"#));
    assert_ne!(one, shape("home/1/state", r#"{"a":1}"#));
    assert_ne!(
        one,
        shape("home/1/config", r#"{"a":1,"b":[{"c":1},{"c":2}]}"#)
    );
}

#[test]
fn sparkplug_is_told_by_its_topic() {
    let death = inspect("spBv1.0/g/NDEATH/e", &[8, 128, 1]);
    assert_eq!(
        (death.format, death.severity),
        (Format::SparkplugB, Severity::Error)
    );
}

#[test]
fn a_memo_changes_time_only() {
    let Some(rows) = rows("errors_dev.jsonl") else {
        return;
    };
    let mut memo = super::Memo::new(0);
    for row in rows.iter().chain(&rows) {
        let text = |field: &str| row[field].as_str().unwrap();
        let with = super::inspect_with(&mut memo, text("topic"), text("payload").as_bytes());
        let without = inspect(text("topic"), text("payload").as_bytes());
        assert_eq!(format!("{with:?}"), format!("{without:?}"));
    }
}
