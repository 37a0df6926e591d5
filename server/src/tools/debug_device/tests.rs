//! Answers about devices that were heard by a real collector: what they say, their schema, their budget.

use super::super::{listening, to_value};
use super::{TOOL, fitted};
use crate::broker::collect::{Arrival, Collector};
use crate::broker::report::{Report, StopReason, WantHealth, Wants};
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::time::Instant;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

const START: u64 = 1_700_000_000_000_000;

struct Heard {
    collector: Collector,
    elapsed: u64,
}

impl Heard {
    fn new(name: Option<&str>) -> Self {
        let wants = Wants {
            health: Some(WantHealth {
                name: name.map(str::to_owned),
                devices: super::DEVICES,
            }),
            ..Wants::default()
        };
        Self {
            collector: Collector::new(&wants, Instant::ZERO),
            elapsed: 0,
        }
    }

    fn say(&mut self, millis: u64, topic: &str, payload: &str, retain: bool) {
        self.elapsed = self.elapsed.max(millis * 1_000);
        self.collector.record(&Arrival {
            at: Instant::from_micros(millis * 1_000),
            wall_us: START + millis * 1_000,
            matched: 1,
            topic,
            payload: payload.as_bytes(),
            decoded: None,
            qos: QoS::AtMostOnce,
            retain,
        });
    }

    fn answer(&self, format: listening::Format, budget: usize) -> Value {
        let now = Instant::from_micros(self.elapsed);
        let report = Report {
            started: SystemTime::UNIX_EPOCH + Duration::from_micros(START),
            elapsed: Duration::from_micros(self.elapsed),
            stopped: Some(StopReason::Duration),
            granted_qos: Some(QoS::AtMostOnce),
            received: 0,
            retained: 0,
            bytes: 0,
            oversized: 0,
            asides: Default::default(),
            reconnects: 0,
            deaf: Duration::ZERO,
            interruption: None,
            narrowed: None,
            findings: self.collector.findings(now),
        };
        let head = listening::Head::of(&["#".to_owned()], &report, None);
        let value = to_value(fitted(head, &report, format, budget)).unwrap();
        let validator = jsonschema::validator_for(&(TOOL.output_schema)()).unwrap();
        let wrong: Vec<_> = validator
            .iter_errors(&value)
            .map(|wrong| wrong.to_string())
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert!(
            value.to_string().len() <= budget,
            "{} bytes",
            value.to_string().len()
        );
        value
    }
}

fn household(name: Option<&str>, devices: u64) -> Heard {
    let mut heard = Heard::new(name);
    for n in 0..devices {
        let state = if n % 3 == 0 { "offline" } else { "online" };
        let availability = format!(r#"{{"state":"{state}"}}"#);
        heard.say(
            0,
            &format!("zigbee2mqtt/sensor_{n}/availability"),
            &availability,
            true,
        );
    }
    for beat in 0..20 {
        for n in 0..devices {
            let battery = if n == 1 { 3 } else { 90 };
            let payload = format!(
                r#"{{"battery":{battery},"linkquality":{},"temperature":2{}.{n}}}"#,
                80 + n,
                beat % 7
            );
            heard.say(
                1_000 + beat * 5_000 + n,
                &format!("zigbee2mqtt/sensor_{n}"),
                &payload,
                false,
            );
            if n == 2 {
                let log = r#"{"level":"error","message":"Publish 'set' to 'sensor_2' failed: \u001b[31mtimeout"}"#;
                heard.say(
                    1_500 + beat * 5_000,
                    "zigbee2mqtt/bridge/logging",
                    log,
                    false,
                );
            }
        }
    }
    heard
}

#[test]
fn one_device_is_told_whole() {
    let answer = household(Some("sensor 2"), 3).answer(listening::Format::Detailed, 24_576);
    assert_eq!(
        (&answer["matched"], &answer["devices_heard"]),
        (&json!(1), &json!(4))
    );
    let device = &answer["devices"][0];
    assert_eq!(device["id"], "zigbee2mqtt/sensor_2");
    assert_eq!(device["connection"]["state"], "online");
    assert!(
        device["connection"].get("since").is_none(),
        "retained: {device}"
    );
    assert_eq!(
        device["heartbeat"]["period_s"].as_f64().unwrap().round(),
        5.0
    );
    assert_eq!(device["findings"][0]["kind"], "errors");
    let problem = &device["problems"][0];
    assert_eq!(
        (&problem["count"], &problem["topic"]),
        (&json!(20), &json!("zigbee2mqtt/bridge/logging"))
    );
    assert!(
        problem["sample"].as_str().unwrap().contains("␛[31mtimeout"),
        "{problem}"
    );
    let readings = device["readings"].as_array().unwrap();
    let names: Vec<_> = readings
        .iter()
        .map(|reading| reading["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["battery_percent", "link_quality", "temperature"]);
    assert!(
        answer["verdict"]
            .as_str()
            .unwrap()
            .starts_with("zigbee2mqtt/sensor_2 scores "),
        "{answer}"
    );
    let points = device["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["points"].as_u64().unwrap());
    assert_eq!(device["score"].as_u64().unwrap(), 100 - points.sum::<u64>());
}

#[test]
fn the_ten_sickest_are_told_and_the_rest_counted() {
    let heard = household(None, 60);
    let answer = heard.answer(listening::Format::Concise, 24_576);
    let devices = answer["devices"].as_array().unwrap();
    assert_eq!((devices.len(), &answer["matched"]), (10, &json!(61)));
    assert_eq!(answer["with_findings"], 22);
    assert_eq!(answer["omitted"]["devices"], 51);
    let scores: Vec<_> = devices
        .iter()
        .map(|it| it["score"].as_u64().unwrap())
        .collect();
    assert!(
        scores.is_sorted() && scores.iter().all(|&score| score < 100),
        "{scores:?}"
    );
    for budget in [2_048, 4_096, 8_192] {
        let small = heard.answer(listening::Format::Detailed, budget);
        let told = small["devices"].as_array().unwrap().len();
        assert_eq!(
            told as u64 + small["omitted"]["devices"].as_u64().unwrap(),
            61
        );
    }
}

#[test]
fn who_is_not_there_is_answered_with_who_is() {
    let answer = household(Some("sensr_7"), 9).answer(listening::Format::Concise, 4_096);
    assert_eq!(
        (&answer["matched"], &answer["devices"]),
        (&json!(0), &json!([]))
    );
    let nearest = answer["not_found"]["nearest"].as_array().unwrap();
    assert!(
        nearest.contains(&json!("zigbee2mqtt/sensor_7")),
        "{nearest:?}"
    );
    let nobody = Heard::new(Some("x")).answer(listening::Format::Concise, 4_096);
    assert!(
        nobody["not_found"]["next_step"]
            .as_str()
            .unwrap()
            .contains("nothing was heard")
    );
}

#[test]
fn its_entry_in_the_list_is_small() {
    let entry = json!({
        "name": TOOL.name, "description": TOOL.description,
        "inputSchema": super::schema::input::<super::Arguments>(), "outputSchema": (TOOL.output_schema)(),
    });
    let bytes = entry.to_string().len();
    assert!(bytes <= 1_900, "{bytes}");
}

#[test]
fn devices_without_room_are_told_and_never_denied() {
    let crowd = |name| {
        let mut heard = Heard::new(name);
        for n in 0..600 {
            let payload = r#"{"battery":90,"linkquality":80}"#;
            heard.say(n, &format!("zigbee2mqtt/lamp_{n}"), payload, false);
        }
        heard.answer(listening::Format::Concise, 6_000)
    };
    let all = crowd(None);
    let told = all["matched"].as_u64().unwrap();
    assert!((540..=600).contains(&told), "{told}");
    assert_eq!(all["devices_heard"], all["matched"]);
    assert_eq!(all["estimated"], true);
    let verdict = all["verdict"].as_str().unwrap();
    assert!(
        verdict.starts_with(&format!("224 of about {told} devices judged: 0 have")),
        "{verdict}"
    );
    let none = crowd(Some("garage"));
    let verdict = none["verdict"].as_str().unwrap();
    assert!(verdict.contains("found no room"), "{verdict}");
    assert_eq!(none["matched"], 0);
}
