//! All eight tools over every way to a broker: plain with a password, TLS with its own CA, WebSocket, MQTT 3.1.1.

use crate::support::mosquitto::{Mosquitto, Options};
use crate::tools_assistant::{Assistant, ENCODED, PASSWORD};
use serde_json::{Value, json};

/// Every tool once, over the session that `connect` opens.
fn every_tool(assistant: &mut Assistant, broker: &Mosquitto, connect: Value, protocol: &str) {
    let established = assistant.ok("establish_connection", connect);
    assert_eq!(established["protocol"], protocol);
    assert_eq!(established["allows"]["max_qos"], 2);
    assert!(established["ms"]["total"].as_f64().unwrap() > 0.0);
    let session = established["session_id"].as_str().unwrap();

    let pong = assistant.ok("ping", json!({}));
    assert_eq!(pong["sessions_open"], 1);
    assert!(pong["memory_bytes"].as_u64().unwrap() > 1 << 20);

    let tested = assistant.ok("test_connection", json!({"session_id": session}));
    assert_eq!(tested["verdict"], "everything works", "{tested}");
    assert!(
        tested["sys"]["version"]
            .as_str()
            .unwrap()
            .contains("mosquitto"),
        "{tested}"
    );
    assert!(tested.get("left_behind").is_none());

    publishes(assistant, broker, session);
    collects(assistant, broker, session);

    let listed = assistant.ok("list_active_connections", json!({}));
    let shown = &listed["sessions"][0];
    assert_eq!(
        (shown["session_id"].as_str().unwrap(), &shown["state"]),
        (session, &json!("connected"))
    );
    assert!(shown["messages_in"].as_u64().unwrap() > 20);
    assert_eq!(shown["subscriptions"], 0, "subscriptions were left behind");

    let closed = assistant.ok("close_connection", json!({"session_id": session}));
    assert_eq!(closed["closed"], true);
    assistant.refused(
        "close_connection",
        json!({"session_id": session}),
        "session_closed",
        &["establish_connection"],
    );
    assert_eq!(
        assistant.ok("list_active_connections", json!({}))["sessions"],
        json!([])
    );
}

fn publishes(assistant: &mut Assistant, broker: &Mosquitto, session: &str) {
    let listener = subscriber(broker);
    let sessions = assistant.ok("list_active_connections", json!({}));
    // 3.1.1 acknowledges also what nobody may read.
    let says_what_became = sessions["sessions"][0]["protocol"] == "5";
    for qos in 0..=2 {
        let published = assistant.ok(
            "publish_message",
            json!({"session_id": session, "topic": "out/x", "payload": {"n": qos}, "encoding": "json", "qos": qos}),
        );
        assert_eq!(
            (&published["delivered"], &published["qos"]),
            (&json!(qos > 0 && says_what_became), &json!(qos))
        );
        let expected = format!("out/x {qos} 0 {{\"n\":{qos}}}");
        assert_eq!(listener.message().unwrap(), expected);
    }
}

fn collects(assistant: &mut Assistant, broker: &Mosquitto, session: &str) {
    for n in 0..6 {
        let topic = format!("in/device{n}/state");
        publish(
            broker,
            &[
                "-r",
                "-q",
                "1",
                "-t",
                &topic,
                "-m",
                &format!("{{\"n\":{n}}}"),
            ],
        );
    }
    let listed = assistant.ok(
        "list_topics",
        json!({"session_id": session, "topic": "in/#", "duration": 10, "until_quiet": 0.3}),
    );
    assert_eq!(
        (&listed["topics_seen"], &listed["stop_reason"]),
        (&json!(6), &json!("quiet")),
        "{listed}"
    );
    assert_eq!(listed["topics"][0]["topic"], "in/device0/state");
    assert_eq!(
        (
            &listed["topics"][0]["retained"],
            &listed["topics"][0]["preview"]
        ),
        (&json!(1), &json!("{\"n\":0}"))
    );

    let collected = assistant.ok(
        "subscribe_and_collect",
        json!({"session_id": session, "topic": "in/+/state", "duration": "5", "max_messages": 6, "qos": 1, "retained": "only"}),
    );
    assert_eq!(
        (&collected["stop_reason"], &collected["summary"]["received"]),
        (&json!("max_messages"), &json!(6))
    );
    let payloads: Vec<&Value> = collected["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["payload"]["n"])
        .collect();
    assert_eq!(payloads.len(), 6);
    assert!(payloads.iter().all(|n| n.is_u64()), "{collected}");
    for n in 0..6 {
        let topic = format!("in/device{n}/state");
        let cleared = assistant.ok(
            "publish_message",
            json!({"session_id": session, "topic": topic, "payload": "", "retain": true, "qos": 1}),
        );
        assert!(
            cleared["outcome"].as_str().unwrap().contains("clearing"),
            "{cleared}"
        );
    }
    let nothing = assistant.ok(
        "subscribe_and_collect",
        json!({"session_id": session, "topic": "#", "duration": 0.5, "retained": "only"}),
    );
    assert_eq!(
        nothing["summary"]["received"], 0,
        "a retained message was left behind: {nothing}"
    );
}

fn subscriber(broker: &Mosquitto) -> crate::support::mosquitto::Subscriber {
    broker.subscribe(&[&credentials(), &["-q", "2", "-t", "out/#"][..]].concat())
}

fn publish(broker: &Mosquitto, arguments: &[&str]) {
    broker.publish(&[&credentials(), arguments].concat());
}

fn credentials() -> [&'static str; 4] {
    ["-u", "alice", "-P", PASSWORD]
}

const WITH_PASSWORD: Options = Options {
    password: Some(("alice", PASSWORD)),
    tls: None,
    client_certificates: false,
    websockets: false,
    persistence: false,
    config: "",
};

#[test]
fn with_a_password() {
    let broker = Mosquitto::start(&WITH_PASSWORD);
    let mut assistant = Assistant::new();
    let url = format!("mqtt://alice:{ENCODED}@127.0.0.1:{}/my-client", broker.port);
    every_tool(
        &mut assistant,
        &broker,
        json!({"connection_string": url}),
        "5",
    );
}

#[test]
fn as_3_1_1() {
    let broker = Mosquitto::start(&WITH_PASSWORD);
    let mut assistant = Assistant::new();
    let url = format!("mqtt://alice:{ENCODED}@127.0.0.1:{}", broker.port);
    every_tool(
        &mut assistant,
        &broker,
        json!({"connection_string": url, "protocol": "3.1.1"}),
        "3.1.1",
    );
}

#[test]
fn with_tls_and_a_ca_that_the_call_names() {
    let broker = Mosquitto::start(&Options {
        tls: Some(&["localhost", "127.0.0.1"]),
        ..WITH_PASSWORD
    });
    let ca = broker
        .certificates
        .as_ref()
        .unwrap()
        .ca
        .to_str()
        .unwrap()
        .to_owned();
    let roots = format!("policy.file_roots={}", broker.folder().display());
    let mut assistant = Assistant::with(&[&roots], &[]);
    let url = format!("mqtts://alice:{ENCODED}@localhost:{}", broker.tls_port);
    every_tool(
        &mut assistant,
        &broker,
        json!({"connection_string": url, "ca_file": ca}),
        "5",
    );
}

#[test]
fn over_a_websocket_as_a_configured_broker() {
    let broker = Mosquitto::start(&Options {
        websockets: true,
        ..WITH_PASSWORD
    });
    let url = format!("ws://127.0.0.1:{}", broker.ws_port);
    let mut assistant = Assistant::with(
        &[],
        &[
            ("BITSPERITY_MQTT_URL", &url),
            ("BITSPERITY_MQTT_USER", "alice"),
            ("BITSPERITY_MQTT_PASSWORD", PASSWORD),
        ],
    );
    every_tool(
        &mut assistant,
        &broker,
        json!({"connection_string": "default"}),
        "5",
    );
}
