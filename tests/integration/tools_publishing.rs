//! `publish_message` in full: encodings, properties, answers and their schema.

use crate::support::mosquitto::Mosquitto;
use crate::tools_assistant::Assistant;
use serde_json::{Value, json};
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
    for (payload, fits, seconds) in [
        ("{\"state\":\"ON\"}", true, 10),
        ("{\"state\":\"BROKEN\"}", false, 3),
    ] {
        let answered = assistant.ok(
            "publish_message",
            json!({
                "session_id": session, "topic": "dev/get", "payload": payload, "qos": 1,
                "expect": {"topic": "dev/state", "seconds": seconds, "schema": schema},
            }),
        );
        let reply = &answered["answers"][0];
        assert_eq!(
            (&answered["answered"], &reply["fits_schema"]),
            (&json!(fits), &json!(fits)),
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

/// Asks a blind to open; tells the outcome.
fn open_blind(assistant: &mut Assistant, session: &str, topic: &str, expect: Value) -> Value {
    let arguments = json!({
        "session_id": session, "topic": topic, "payload": "{\"position\":\"open\"}", "qos": 1, "expect": expect,
    });
    assistant.ok("publish_message", arguments)
}

#[test]
fn what_does_not_fit_ends_nothing_and_is_told() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    // After the command it reports on its own; it obeys at its third report.
    let port = broker.port.to_string();
    let criteria = [
        json!({}),
        json!({"schema": {"properties": {"position": {"const": "open"}}}}),
        json!({"equals": {"up": 3, "position": "open"}}),
    ];
    for (n, mut expect) in criteria.into_iter().enumerate() {
        let device = format!(
            "p() {{ mosquitto_pub -h 127.0.0.1 -p {port} -t blind{n}/state -m \"$1\"; }}; \
             mosquitto_sub -h 127.0.0.1 -p {port} -t blind{n}/set -C 1 | while read -r q; do \
             for up in 1 2; do p \"{{\\\"position\\\":\\\"shut\\\",\\\"up\\\":$up}}\"; done; \
             p '{{\"position\":\"open\",\"up\":3}}'; done"
        );
        let mut device = Command::new("sh").args(["-c", &device]).spawn().unwrap();
        broker.wait_for_log(&format!("blind{n}/set"));
        expect["topic"] = json!(format!("blind{n}/state"));
        expect["seconds"] = json!(20);
        let topic = format!("blind{n}/set");
        let obeyed = open_blind(&mut assistant, &session, &topic, expect);
        let outcome = obeyed["outcome"].as_str().unwrap();
        assert!(outcome.starts_with("obeyed after"), "{outcome}");
        assert!(
            outcome.contains("2 reports before it did not fit"),
            "{outcome}"
        );
        assert_eq!(
            (&obeyed["answered"], &obeyed["reports"]),
            (&json!(true), &json!(3))
        );
        assert!(device.wait().unwrap().success());
    }
}

#[test]
fn an_echo_is_no_answer_and_a_device_that_does_not_obey_is_told() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let echo = json!({"topic": "blind/#", "seconds": 0.5});
    let told = open_blind(&mut assistant, &session, "blind/set", echo);
    assert_eq!(
        (&told["answered"], &told["reports"]),
        (&json!(false), &json!(0)),
        "{told}"
    );
    let port = broker.port.to_string();
    let device = format!(
        "mosquitto_sub -h 127.0.0.1 -p {port} -t gate/set -C 1 | while read -r q; do \
         mosquitto_pub -h 127.0.0.1 -p {port} -t gate/state -m '{{\"position\":\"shut\"}}'; done"
    );
    let mut device = Command::new("sh").args(["-c", &device]).spawn().unwrap();
    broker.wait_for_log("gate/set");
    let expect = json!({"topic": "gate/state", "seconds": 3});
    let told = open_blind(&mut assistant, &session, "gate/set", expect);
    let outcome = told["outcome"].as_str().unwrap();
    assert!(
        outcome.contains("not obeyed: position is still shut"),
        "{outcome}"
    );
    assert_eq!(told["answered"], false);
    assert!(device.wait().unwrap().success());
}

#[test]
fn waiting_for_an_answer_lasts_no_longer_than_a_call_may() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::with(&["call_limit=1"], &[]);
    let session = assistant.connect(&broker.url());
    let asked = json!({"topic": "gate/state", "seconds": 40});
    let told = open_blind(&mut assistant, &session, "gate/set", asked);
    let outcome = told["outcome"].as_str().unwrap();
    assert!(
        outcome.starts_with("no answer came on gate/state within 1 s (not 40 s"),
        "{outcome}"
    );
}

#[test]
fn the_sessions_own_watch_is_no_subscriber() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session =
        assistant.connect_with(json!({"connection_string": broker.url(), "watch": ["#"]}));
    let publish = json!({"session_id": session, "topic": "blnid/set", "payload": "x", "qos": 1});
    let told = assistant.ok("publish_message", publish);
    let outcome = told["outcome"].as_str().unwrap();
    assert!(
        outcome.contains("perhaps nobody is subscribed but this session's own watch"),
        "{outcome}"
    );
    assert!(outcome.contains("never heard this topic"), "{outcome}");
}

#[test]
fn a_dry_run_sends_nothing_and_says_what_would_be() {
    let broker = Mosquitto::plain();
    broker.publish(&["-r", "-q", "1", "-t", "oven/set", "-m", "{\"heat\":180}"]);
    let mut assistant = Assistant::with(&["publish_deny=lock/#"], &[]);
    let session = assistant.connect(&broker.url());
    for (payload, word) in [
        ("{\"heat\":200}", "fields are all known"),
        ("{\"haet\":200}", "does not have: haet"),
        ("{\"heat\":\"hot\"}", "another type: heat"),
        ("warm", "the payload is text, that was an object"),
    ] {
        let dry = json!({"session_id": session, "topic": "oven/set", "payload": payload, "retain": true, "dry_run": true});
        let told = assistant.ok("publish_message", dry);
        let outcome = told["outcome"].as_str().unwrap();
        assert!(
            outcome.contains("nothing was sent") && outcome.contains(word),
            "{outcome}"
        );
        assert!(outcome.contains("(retained) {\"heat\":180}"), "{outcome}");
    }
    broker.publish(&["-r", "-q", "1", "-t", "fan", "-m", "{\"speed\":2}"]);
    let above = json!({"session_id": session, "topic": "fan/set", "payload": "{\"speed\":3}", "dry_run": true});
    let told = assistant.ok("publish_message", above);
    let outcome = told["outcome"].as_str().unwrap();
    assert!(
        outcome.contains("the one above it last said (retained) {\"speed\":2}"),
        "{outcome}"
    );
    let denied =
        json!({"session_id": session, "topic": "lock/set", "payload": "x", "dry_run": true});
    assistant.refused("publish_message", denied, "policy_denied", &["lock"]);
}
