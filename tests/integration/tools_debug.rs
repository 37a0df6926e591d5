//! `debug_device` against a real broker: last wills, retained states, rhythms, names that nobody has.

use crate::support::mosquitto::Mosquitto;
use crate::tools_assistant::Assistant;
use serde_json::{Value, json};
use std::time::Duration;

fn finding<'a>(device: &'a Value, kind: &str) -> Option<&'a Value> {
    let findings = device["findings"].as_array()?;
    findings.iter().find(|finding| finding["kind"] == kind)
}

#[test]
fn a_last_will_is_told_with_the_topic_and_the_change() {
    let broker = Mosquitto::plain();
    broker.publish(&["-r", "-t", "tele/tasmota_washer/LWT", "-m", "Online"]);
    let mut washer = broker.publisher(&[
        "-t",
        "tele/tasmota_washer/STATE",
        "--will-topic",
        "tele/tasmota_washer/LWT",
        "--will-payload",
        "Offline",
        "--will-retain",
    ]);
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let arguments = json!({"session_id": session, "topic": "washer", "duration": 2.5});
    let id = assistant.begin("debug_device", arguments);
    broker.wait_for_log("SUBSCRIBE");
    washer
        .line(r#"{"Time":"2026-01-01T00:00:01","UptimeSec":9000,"Wifi":{"RSSI":8,"Signal":-93}}"#);
    broker.wait_for_log("'tele/tasmota_washer/STATE'");
    // Killed, so its last will is published.
    drop(washer);
    let answer = assistant.end("debug_device", &id);
    assert_eq!(answer["matched"], 1, "{answer}");
    let device = &answer["devices"][0];
    assert_eq!(
        (&device["id"], &device["dialect"]),
        (&json!("tasmota_washer"), &json!("tasmota"))
    );
    let connection = &device["connection"];
    assert_eq!(
        (&connection["state"], &connection["changes"]),
        (&json!("offline"), &json!(1)),
        "{device}"
    );
    assert_eq!(connection["told_by"], "tele/tasmota_washer/LWT");
    assert!(
        connection["since"].is_string() && connection["history"].as_array().unwrap().len() == 1
    );
    assert!(
        finding(device, "offline").is_some() && finding(device, "weak_link").is_some(),
        "{device}"
    );
    assert!(device["score"].as_u64().unwrap() <= 40);
}

#[test]
fn a_retained_state_is_older_than_listening_and_no_sign_of_life() {
    let broker = Mosquitto::plain();
    for (topic, payload) in [
        ("zigbee2mqtt/bridge/state", r#"{"state":"online"}"#),
        (
            "zigbee2mqtt/garage_door/availability",
            r#"{"state":"offline"}"#,
        ),
        (
            "zigbee2mqtt/hall_lamp/availability",
            r#"{"state":"online"}"#,
        ),
        (
            "zigbee2mqtt/hall_lamp",
            r#"{"state":"ON","linkquality":120}"#,
        ),
    ] {
        broker.publish(&["-r", "-t", topic, "-m", payload]);
    }
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let mut ask = |pattern: &str| {
        let arguments = json!({"session_id": session, "topic": pattern, "duration": 0.4});
        assistant.ok("debug_device", arguments)
    };
    let garage = ask("Garage Door");
    let device = &garage["devices"][0];
    let offline = finding(device, "offline").unwrap();
    assert!(
        offline["what"]
            .as_str()
            .unwrap()
            .contains("before listening"),
        "{offline}"
    );
    assert!(device["connection"].get("since").is_none(), "{device}");
    assert_eq!(device["connection"]["gateway"], "zigbee2mqtt/bridge");
    let all = ask("zigbee2mqtt/#");
    assert_eq!(
        (&all["matched"], &all["with_findings"]),
        (&json!(3), &json!(1)),
        "{all}"
    );
    let lamp = &all["devices"][1];
    assert!(lamp["score"].is_null(), "only retained: {lamp}");
    let nobody = ask("garage_gate");
    assert_eq!(nobody["matched"], 0);
    assert_eq!(
        nobody["not_found"]["nearest"][0], "zigbee2mqtt/garage_door",
        "{nobody}"
    );
    let wrong = json!({"session_id": session, "topic": "a/#/b"});
    assistant.refused("debug_device", wrong, "invalid_argument", &["#"]);
}

#[test]
fn who_falls_silent_is_found_by_its_own_rhythm() {
    let broker = Mosquitto::plain();
    let mut press = broker.publisher(&["-t", "plant/press/telemetry"]);
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let arguments = json!({"session_id": session, "topic": "plant/#", "duration": 5});
    let id = assistant.begin("debug_device", arguments);
    broker.wait_for_log("plant/#");
    // The rhythm of the device: this is what is listened for.
    for n in 0..15 {
        press.line(&format!(r#"{{"bar":{n}.5}}"#));
        std::thread::sleep(Duration::from_millis(100));
    }
    let answer = assistant.end("debug_device", &id);
    let device = &answer["devices"][0];
    let silent = finding(device, "silent").unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(
        (&silent["points"], &device["score"]),
        (&json!(30), &json!(70)),
        "{device}"
    );
    let period = device["heartbeat"]["period_s"].as_f64().unwrap();
    assert!((0.08..0.2).contains(&period), "{period}");
    assert!(device["silent_s"].as_f64().unwrap() > 2.0);
}
