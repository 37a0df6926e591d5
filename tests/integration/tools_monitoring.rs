//! `monitor_performance` against publishers whose rate, gap and delay are known, and a broker of known distance.

use crate::support::connection::{connect, publish_with};
use crate::support::mosquitto::Mosquitto;
use crate::support::peers;
use crate::tools_assistant::Assistant;
use async_std::task::block_on;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bitsperity_mqtt_core::packet::QoS;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const TOOL: &str = "monitor_performance";

/// Calls `publish` at the times of its own schedule, not at intervals that add up errors.
fn paced(times: impl Iterator<Item = Duration>, mut publish: impl FnMut()) {
    let began = Instant::now();
    for time in times {
        thread::sleep((began + time).saturating_duration_since(Instant::now()));
        publish();
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

/// Seconds since 1970 of a time in a result.
fn since_1970_of(told: &Value) -> f64 {
    let told: jiff::Timestamp = told.as_str().unwrap().parse().unwrap();
    told.duration_since(jiff::Timestamp::UNIX_EPOCH)
        .as_secs_f64()
}

/// Whether a time in a result is within `tolerance` seconds of `expected`.
#[track_caller]
fn near(told: &Value, expected: Duration, tolerance: f64) {
    let apart = (since_1970_of(told) - expected.as_secs_f64()).abs();
    assert!(apart <= tolerance, "{apart} s apart");
}

#[test]
fn rate_gap_and_delay_are_true() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let steady = block_on(connect(&broker));
    let stalls = block_on(connect(&broker));
    let sent = thread::spawn(move || {
        // 50 a second, each 30 ms old when it is sent.
        let mut sent = Vec::new();
        paced((0..400).map(|n| Duration::from_millis(n * 20)), || {
            let now = since_1970();
            sent.push(now);
            let told = (now - Duration::from_millis(30)).as_micros();
            let payload = format!(r#"{{"value":1,"sent_at":{told}}}"#);
            block_on(publish_with(
                &steady,
                "steady/x",
                &payload,
                QoS::AtMostOnce,
                false,
            ));
        });
        sent
    });
    let arguments = json!({
        "session_id": session, "topic": ["steady/#", "stalls/#", "+/x"], "duration": 5, "chart": true,
        "thresholds": {"max_gap_s": 1.2, "min_rate_per_s": 10, "max_rate_per_s": 1000},
    });
    let id = assistant.begin(TOOL, arguments);
    broker.wait_for_log("stalls/#");
    let sides = thread::spawn(move || {
        // 20 a second, silent for a second and a half.
        let mut sent = Vec::new();
        let times = (0..60).map(|n| n * 50 + if n < 30 { 0 } else { 1_450 });
        paced(times.map(Duration::from_millis), || {
            sent.push(since_1970());
            block_on(publish_with(
                &stalls,
                "stalls/x",
                "x",
                QoS::AtMostOnce,
                false,
            ));
        });
        (sent[29], sent[30])
    });
    let reply = assistant.client.reply(&id);
    let result = &reply["result"];
    let answer = assistant.answer(TOOL, result);
    let (before, after) = sides.join().unwrap();
    let sent = sent.join().unwrap();

    let [all, steady, stalls, both] = answer["streams"].as_array().unwrap().as_slice() else {
        panic!("{answer}")
    };
    // What was sent while it listened, since a busy machine does not keep to the schedule.
    let begin = since_1970_of(&answer["started"]);
    let end = begin + number(&answer["listened_s"]);
    let meanwhile = sent
        .iter()
        .filter(|at| (begin..end).contains(&at.as_secs_f64()))
        .count();
    let (rate, true_rate) = (
        number(&steady["rate_per_s"]),
        meanwhile as f64 / (end - begin),
    );
    assert!(
        (rate / true_rate - 1.0).abs() <= 0.05,
        "{true_rate}: {steady}"
    );
    let median = number(&steady["interval_ms"]["p50"]);
    assert!((median - 20.0).abs() <= 5.0, "{median} ms");
    assert_eq!(steady["trend"]["direction"], "steady");
    let latency = &steady["payload_latency"];
    assert_eq!(latency["field"], "sent_at");
    let least = number(&latency["clock_offset_ms"]);
    assert!((30.0..33.0).contains(&least), "{latency}");

    let gaps = stalls["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 1, "{stalls}");
    // A busy machine hands on late, too; the gap is of 1.45 s.
    near(&gaps[0]["from"], before, 0.4);
    near(&gaps[0]["until"], after, 0.4);
    let length = number(&gaps[0]["length_s"]);
    let true_length = (after - before).as_secs_f64();
    assert!(
        (length - true_length).abs() <= 0.4,
        "{length} s, not {true_length}"
    );
    assert_eq!(stalls["messages"], 60, "{stalls}");

    // Filters overlap, yet each message counts once.
    assert_eq!(all["messages"], both["messages"]);
    let sum = number(&steady["messages"]) + number(&stalls["messages"]);
    assert_eq!(number(&all["messages"]), sum);
    let alerts = answer["alerts"].as_array().unwrap();
    let alerts: Vec<_> = alerts
        .iter()
        .map(|alert| (&alert["threshold"], &alert["of"]))
        .collect();
    assert_eq!(
        alerts,
        [(&json!("max_gap_s"), &json!("stalls/#"))],
        "{answer}"
    );
    let topics: Vec<_> = answer["topics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|topic| &topic["topic"])
        .collect();
    assert_eq!(
        topics,
        ["steady/x", "stalls/x"],
        "our own probes are not counted"
    );
    is_a_picture(&result["content"][1]);
}

#[track_caller]
fn is_a_picture(block: &Value) {
    assert_eq!(
        (&block["type"], &block["mimeType"]),
        (&json!("image"), &json!("image/png"))
    );
    let bytes = STANDARD.decode(block["data"].as_str().unwrap()).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    // Width and height of the header.
    assert_eq!(bytes[16..24], [0, 0, 1, 0xe0, 0, 0, 1, 0x40]);
    if let Some(path) = std::env::var_os("CHART_TO_LOOK_AT") {
        std::fs::write(path, &bytes).unwrap();
    }
}

/// A broker that is `distance` away: what it says comes so much later, in order.
fn distant(broker: &str, distance: Duration) -> u16 {
    let address = broker.strip_prefix("mqtt://").unwrap().to_owned();
    peers::peer(move |_, mut near| {
        let mut far = TcpStream::connect(&address).expect("the broker");
        far.set_nodelay(true).unwrap();
        near.set_nodelay(true).unwrap();
        let (mut from, mut to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
        let (late, due) = mpsc::channel::<(Instant, Vec<u8>)>();
        thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                let _ = late.send((Instant::now() + distance, buffer[..count].to_vec()));
            }
        });
        thread::spawn(move || {
            for (at, bytes) in due {
                thread::sleep(at.saturating_duration_since(Instant::now()));
                let _ = to.write_all(&bytes);
            }
        });
        let _ = std::io::copy(&mut near, &mut far);
    })
}

#[test]
fn round_trips_are_true() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let mut least = |url: &str, name: &str| {
        let session = assistant.connect(url);
        let arguments = json!({"session_id": session, "topic": ["quiet"], "duration": 3});
        let answer = assistant.ok(TOOL, arguments);
        assert_eq!(answer["streams"][0]["messages"], 0);
        assert!(
            number(&answer["round_trip"][name]["samples"]) > 5.0,
            "{answer}"
        );
        number(&answer["round_trip"][name]["min"])
    };
    let distance = Duration::from_millis(40);
    let far = format!("mqtt://127.0.0.1:{}", distant(&broker.url(), distance));
    for name in ["broker_ms", "publish_to_receive_ms"] {
        let near = least(&broker.url(), name);
        let far = least(&far, name);
        assert!(near < 1.0, "{name}: {near} ms");
        assert!(
            (far - near - 40.0).abs() <= 1.0,
            "{name}: {far} ms and {near} ms"
        );
    }
}

#[test]
fn a_long_watch_goes_on_and_read_only_means_that() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::with(&["call_limit=1", "read_only=true"], &[]);
    let session = assistant.connect(&broker.url());
    let mut publisher = broker.publisher(&["-t", "a/b"]);
    let arguments = json!({"session_id": session, "topic": ["a/#"], "duration": 2});
    let id = assistant.begin(TOOL, arguments);
    broker.wait_for_log("a/#");
    (0..20).for_each(|_| publisher.line("1"));
    let reply = assistant.client.reply(&id);
    let running = assistant.answer(TOOL, &reply["result"]);
    assert_eq!(
        (&running["status"], &running["streams"][0]["messages"]),
        (&json!("running"), &json!(20))
    );
    assert_eq!(
        reply["result"]["content"].as_array().unwrap().len(),
        1,
        "the picture comes at the end"
    );
    let why = running["round_trip"]["publish_to_receive_why_not"]
        .as_str()
        .unwrap();
    assert!(why.contains("skipped") && why.contains("read"), "{why}");
    let mut last = running.clone();
    while last["status"] == "running" {
        last = assistant.ok(TOOL, json!({"capture_id": running["capture_id"]}));
    }
    assert_eq!(last["streams"][0]["messages"], 20);
    let samples = |answer: &Value| number(&answer["round_trip"]["broker_ms"]["samples"]);
    assert!(samples(&last) > samples(&running), "of the whole capture");
    assert!(!broker.log().contains("bitsperity-mqtt-mcp/test"));
}

#[test]
fn what_it_refuses() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let mut refused = |arguments: Value, words: &[&str]| {
        let mut whole = json!({"session_id": session});
        whole
            .as_object_mut()
            .unwrap()
            .extend(arguments.as_object().unwrap().clone());
        assistant.refused(TOOL, whole, "invalid_argument", words);
    };
    refused(json!({"topic": ["a/#/b"]}), &["`a/#`"]);
    refused(json!({"topic": vec!["a"; 9]}), &["topic", "8"]);
    refused(json!({"topic": ["a"], "duration": 1_801}), &["1800"]);
    refused(
        json!({"topic": ["a"], "thresholds": {"max_gap": 3}}),
        &["max_gap_s"],
    );
}
