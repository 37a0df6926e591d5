//! Everything that goes wrong, said so that an assistant can act on it: a code, what was wrong, the next step, never the
//! password.

use crate::support::mosquitto::{Mosquitto, Options, free_port};
use crate::support::peers;
use crate::tools_assistant::{Assistant, ENCODED, PASSWORD};
use serde_json::json;
use std::time::{Duration, Instant};

fn with_password(port: u16) -> String {
    format!("mqtt://alice:{ENCODED}@127.0.0.1:{port}")
}

#[test]
fn ways_to_a_broker_that_lead_nowhere() {
    let mut assistant = Assistant::with(&["connect_timeout=2"], &[]);
    let mut refused = |url: String, code: &str, words: &[&str]| {
        assistant.refused(
            "establish_connection",
            json!({"connection_string": url}),
            code,
            words,
        );
    };
    refused(
        "mqtt://alice:hunter2@no-such-host.invalid".into(),
        "connect_failed",
        &["no-such-host.invalid", "spelling"],
    );
    refused(
        with_password(free_port()),
        "connect_failed",
        &["refused", "Nothing listens"],
    );
    refused(
        with_password(peers::answers(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        "connect_failed",
        &["MQTT"],
    );
    refused(
        with_password(peers::answers(&[0xff; 64])),
        "connect_failed",
        &["MQTT"],
    );
    refused(with_password(peers::silent()), "timeout", &["2 s"]);
    refused(with_password(peers::closes()), "connect_failed", &[]);
    refused(
        format!(
            "mqtts://alice:{ENCODED}@127.0.0.1:{}",
            peers::answers(b"\x20\x02\x00\x00")
        ),
        "tls_failed",
        &["TLS"],
    );
    refused(
        "http://alice:hunter2@host".into(),
        "invalid_argument",
        &["mqtt"],
    );
    refused(
        "mqtt://alice:hunter2@host:70000".into(),
        "invalid_argument",
        &[],
    );
    refused(
        "alice:hunter2@host".into(),
        "invalid_argument",
        &["none is configured", "mqtt://host:1883"],
    );
}

#[test]
fn a_wrong_password_a_wrong_ca_a_wrong_name() {
    let broker = Mosquitto::start(&Options {
        password: Some(("alice", PASSWORD)),
        tls: Some(&["broker.example"]),
        ..Options::default()
    });
    let other = Mosquitto::start(&Options {
        tls: Some(&["localhost"]),
        ..Options::default()
    });
    let roots = format!(
        "file_roots={}:{}",
        broker.folder().display(),
        other.folder().display()
    );
    let roots = roots.replace(':', ",");
    let mut assistant = Assistant::with(&[&roots], &[]);
    let url = format!("mqtt://alice:wrong-hunter2@127.0.0.1:{}", broker.port);
    assistant.refused(
        "establish_connection",
        json!({"connection_string": url}),
        "not_authorised",
        &["not authorized"],
    );
    let ca = |broker: &Mosquitto| {
        broker
            .certificates
            .as_ref()
            .unwrap()
            .ca
            .to_str()
            .unwrap()
            .to_owned()
    };
    let url = format!("mqtts://alice:{ENCODED}@localhost:{}", broker.tls_port);
    for (ca_file, word) in [
        (None, "ca_file"),
        (Some(ca(&other)), "not the CA"),
        (Some(ca(&broker)), "broker.example"),
    ] {
        let arguments = json!({"connection_string": url, "ca_file": ca_file});
        assistant.refused("establish_connection", arguments, "tls_failed", &[word]);
    }
    let outside = json!({"connection_string": url, "ca_file": "/etc/hostname"});
    assistant.refused(
        "establish_connection",
        outside,
        "policy_denied",
        &["file_roots"],
    );
    let insecure = json!({"connection_string": url, "insecure_tls": true});
    assistant.refused(
        "establish_connection",
        insecure,
        "policy_denied",
        &["allow_insecure_tls"],
    );
}

#[test]
fn arguments_that_cannot_be() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let invalid = "invalid_argument";
    for (tool, more, words) in [
        (
            "list_topics",
            json!({"topc": "#"}),
            &["`topc`", "did you mean `topic`"][..],
        ),
        ("list_topics", json!({"topic": "a/#/b"}), &["#", "`a/#`"]),
        ("list_topics", json!({"topic": "a/b+"}), &["+", "`a/+`"]),
        (
            "list_topics",
            json!({"duration": 301}),
            &["from 0.1 to 300"],
        ),
        (
            "subscribe_and_collect",
            json!({"topics": ["a", "b"]}),
            &["one filter"],
        ),
        (
            "subscribe_and_collect",
            json!({"topic": "$share/x"}),
            &["$share/group/filter"],
        ),
        (
            "subscribe_and_collect",
            json!({"topic": "a", "qos": 3}),
            &["from 0 to 2"],
        ),
        (
            "subscribe_and_collect",
            json!({"topic": "a", "target_size": "many"}),
            &["must be a whole number"],
        ),
        (
            "publish_message",
            json!({"topic": "a/+/b", "payload": "x"}),
            &["wildcard"],
        ),
        (
            "publish_message",
            json!({"topic": "", "payload": "x"}),
            &["`topic` is missing"],
        ),
        (
            "publish_message",
            json!({"topic": "a"}),
            &["`payload` is missing"],
        ),
        (
            "publish_message",
            json!({"topic": "a", "payload": "{x", "encoding": "json"}),
            &["not JSON"],
        ),
    ] {
        let mut arguments = more.clone();
        arguments["session_id"] = json!(session);
        assistant.refused(tool, arguments, invalid, words);
    }
    assistant.refused("ping", json!({"x": 1}), invalid, &["without arguments"]);
    assistant.refused(
        "test_connection",
        json!({"session_id": "nonsense"}),
        "unknown_session",
        &[],
    );
}

#[test]
fn a_payload_larger_than_the_broker_takes() {
    let broker = Mosquitto::start(&Options {
        config: "max_packet_size 2000",
        ..Options::default()
    });
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let large = json!({"session_id": session, "topic": "a", "payload": "x".repeat(4_000)});
    assistant.refused("publish_message", large, "too_large", &["2000"]);
    let small = json!({"session_id": session, "topic": "a", "payload": "x", "qos": 1});
    assert_eq!(assistant.ok("publish_message", small)["delivered"], true);
}

#[test]
fn sessions_run_out() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::with(&["max_sessions=2"], &[]);
    let first = assistant.connect(&broker.url());
    assistant.connect(&broker.url());
    let third = json!({"connection_string": broker.url()});
    assistant.refused(
        "establish_connection",
        third.clone(),
        "too_many_sessions",
        &["close_connection"],
    );
    assistant.ok("close_connection", json!({"session_id": first}));
    assistant.connect_with(third);
}

#[test]
fn what_the_policy_forbids() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::with(&["read_only=true"], &[]);
    let session = assistant.connect(&broker.url());
    let publish = json!({"session_id": session, "topic": "a", "payload": "x"});
    assistant.refused("publish_message", publish, "policy_denied", &["read-only"]);
    let tested = assistant.ok("test_connection", json!({"session_id": session}));
    assert_eq!(tested["checks"]["retained"]["result"], "skipped");
    assert!(
        tested["checks"]["retained"]["why"]
            .as_str()
            .unwrap()
            .contains("read-only")
    );
    assert_eq!(tested["checks"]["ping"]["result"], "ok");
    assert!(tested["sys"]["version"].is_string());

    let mut assistant = Assistant::with(
        &[
            "publish_allow=home/#",
            "publish_deny=home/door",
            "broker_hosts=127.0.0.1",
        ],
        &[],
    );
    let session = assistant.connect(&broker.url());
    for (topic, code) in [
        ("garden/x", Some("policy_denied")),
        ("home/door", Some("policy_denied")),
        ("home/lamp", None),
    ] {
        let publish = json!({"session_id": session, "topic": topic, "payload": "x"});
        match code {
            Some(code) => drop(assistant.refused("publish_message", publish, code, &["home/"])),
            None => drop(assistant.ok("publish_message", publish)),
        }
    }
    let elsewhere = json!({"connection_string": "mqtt://localhost:1883"});
    assistant.refused(
        "establish_connection",
        elsewhere,
        "policy_denied",
        &["127.0.0.1"],
    );
}

#[test]
fn a_session_that_nobody_used_has_expired() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::with(&["session_idle=10"], &[]);
    let session = assistant.connect(&broker.url());
    let deadline = Instant::now() + Duration::from_secs(20);
    while assistant.ok("list_active_connections", json!({}))["sessions"] != json!([]) {
        assert!(Instant::now() < deadline, "it does not expire");
        std::thread::sleep(Duration::from_millis(100));
    }
    assistant.refused(
        "list_topics",
        json!({"session_id": session}),
        "session_expired",
        &["10 s", "establish_connection"],
    );
}
