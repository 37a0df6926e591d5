//! `publish_message` in full: encodings, properties, answers and their schema.

use crate::support::mosquitto::Mosquitto;
use crate::tools_assistant::Assistant;
use serde_json::json;
use std::process::{Command, Stdio};

#[test]
fn bytes_arrive_as_they_were_meant() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let id = assistant.begin(
        "subscribe_and_collect",
        json!({"session_id": session, "topic": "e/#", "duration": 10, "max_messages": 4}),
    );
    broker.wait_for_log("e/#");
    for (payload, encoding) in [
        ("/wABgA==", "base64"),
        ("{\"a\": 1}", "json"),
        ("grün\u{1b}[2J", "text"),
        ("", "text"),
    ] {
        assistant.ok(
            "publish_message",
            json!({"session_id": session, "topic": "e/x", "payload": payload, "encoding": encoding, "qos": 1}),
        );
    }
    let done = assistant.end("subscribe_and_collect", &id);
    let shown = |n: usize| done["messages"][n]["payload"].clone();
    assert_eq!(
        [shown(0), shown(1), shown(2), shown(3)],
        [
            json!("/wABgA=="),
            json!({"a": 1}),
            json!("grün␛[2J"),
            json!("")
        ]
    );
    assert_eq!(
        (
            &done["messages"][0]["encoding"],
            &done["messages"][0]["size"]
        ),
        (&json!("base64"), &json!(4))
    );
}

#[test]
fn nobody_listens() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let alone = json!({"session_id": session, "topic": "lonely", "payload": "x", "qos": 1});
    let published = assistant.ok("publish_message", alone);
    assert_eq!(
        (&published["reason_code"], &published["delivered"]),
        (&json!(0x10), &json!(true)),
        "{published}"
    );
    assert_eq!(published["reason"], "no matching subscribers");
}

#[test]
fn answers_are_waited_for_and_checked() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    // A device that answers what it is asked, once for each question.
    let port = broker.port.to_string();
    let device = format!(
        "mosquitto_sub -h 127.0.0.1 -p {port} -t dev/get -C 2 | while read -r q; do \
         mosquitto_pub -h 127.0.0.1 -p {port} -t dev/state -m \"$q\"; done"
    );
    let mut device = Command::new("sh")
        .args(["-c", &device])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    broker.wait_for_log("dev/get");
    let schema = json!({"type": "object", "required": ["state"], "properties": {"state": {"enum": ["ON", "OFF"]}}});
    for (payload, fits) in [
        ("{\"state\":\"ON\"}", true),
        ("{\"state\":\"BROKEN\"}", false),
    ] {
        let answered = assistant.ok(
            "publish_message",
            json!({
                "session_id": session, "topic": "dev/get", "payload": payload, "qos": 1,
                "expect": {"topic": "dev/state", "seconds": 10, "schema": schema},
            }),
        );
        let reply = &answered["answers"][0];
        assert_eq!(
            (&answered["answered"], &reply["fits_schema"]),
            (&json!(true), &json!(fits)),
            "{answered}"
        );
        assert!(reply["round_trip_ms"].as_f64().unwrap() > 0.0);
        if !fits {
            assert!(
                reply["schema_errors"][0]
                    .as_str()
                    .unwrap()
                    .contains("/state"),
                "{reply}"
            );
        }
    }
    assert!(device.wait().unwrap().success());
    let nothing = assistant.ok(
        "publish_message",
        json!({"session_id": session, "topic": "dev/get", "payload": "x", "expect": {"topic": "dev/state", "seconds": 0.3}}),
    );
    assert_eq!(
        (&nothing["answered"], &nothing["answers"]),
        (&json!(false), &json!([]))
    );
}

#[test]
fn properties_of_5_0_travel_and_are_left_out_in_3_1_1() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let port = broker.port.to_string();
    let session = assistant.connect(&broker.url());
    let mut listener = Command::new("mosquitto_sub")
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-V",
            "mqttv5",
            "-C",
            "1",
            "-t",
            "p/x",
            "-F",
            "%C|%R|%D|%P",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    broker.wait_for_log("p/x");
    let publish = |session: &str| {
        json!({
            "session_id": session, "topic": "p/x", "payload": "x", "qos": 1, "content_type": "text/plain",
            "message_expiry": 60, "response_topic": "p/answer", "correlation_data": "c-1", "user_properties": {"k": "v"},
        })
    };
    let published = assistant.ok("publish_message", publish(&session));
    assert!(published.get("notes").is_none(), "{published}");
    let output = {
        let mut text = String::new();
        std::io::Read::read_to_string(listener.stdout.as_mut().unwrap(), &mut text).unwrap();
        listener.wait().unwrap();
        text
    };
    assert_eq!(output.trim(), "text/plain|p/answer|c-1|k:v");
    let old =
        assistant.connect_with(json!({"connection_string": broker.url(), "protocol": "3.1.1"}));
    let published = assistant.ok("publish_message", publish(&old));
    assert!(
        published["notes"][0].as_str().unwrap().contains("3.1.1"),
        "{published}"
    );
}
