//! Which session a call means: an id, a broker's name, a connection string, or nothing at all.

use crate::support::mosquitto::{Mosquitto, Options};
use crate::tools_assistant::{Assistant, ENCODED, PASSWORD};
use serde_json::{Value, json};

fn sessions(assistant: &mut Assistant) -> Vec<Value> {
    let listed = assistant.ok("list_active_connections", json!({}));
    listed["sessions"].as_array().unwrap().clone()
}

#[test]
fn the_empty_call_is_useful_where_one_broker_is_configured() {
    let broker = Mosquitto::plain();
    broker.publish(&["-r", "-q", "1", "-t", "shed/lamp", "-m", "on"]);
    let url = broker.url();
    let mut assistant = Assistant::with(&[], &[("BITSPERITY_MQTT_URL", &url)]);
    let filled = json!({
        "session_id": "", "topic": "", "duration": 0.4, "until_quiet": 0, "max_topics": 0, "capture_id": "",
        "since": "", "response_format": null, "max_bytes": 0,
    });
    for arguments in [json!({"duration": 0.4}), filled] {
        let topics = assistant.ok("list_topics", arguments);
        assert_eq!(topics["filter"], "#");
        assert_eq!(topics["topics"][0]["topic"], "shed/lamp", "{topics}");
    }
    for (tool, arguments) in [
        (
            "subscribe_and_collect",
            json!({"duration": 0.4, "session_id": "default"}),
        ),
        ("get_topic_schema", json!({"duration": 0.4})),
        ("debug_device", json!({"duration": 0.4})),
        (
            "publish_message",
            json!({"topic": "shed/lamp/set", "payload": "off"}),
        ),
    ] {
        assistant.ok(tool, arguments);
    }
    assert_eq!(sessions(&mut assistant).len(), 1);
    assistant.ok("close_connection", json!({}));
    assistant.refused(
        "close_connection",
        json!({}),
        "unknown_session",
        &["nothing to close"],
    );
    assert_eq!(sessions(&mut assistant).len(), 0);
}

#[test]
fn a_connection_string_is_connected_to_once() {
    let broker = Mosquitto::start(&Options {
        password: Some(("alice", PASSWORD)),
        ..Options::default()
    });
    let url = format!("mqtt://alice:{ENCODED}@127.0.0.1:{}", broker.port);
    let mut assistant = Assistant::with(&["max_sessions=2"], &[]);
    let ask = json!({"session_id": url, "duration": 0.5});
    // At the same time, as hosts do that call tools in parallel.
    let first = assistant.begin("list_topics", ask.clone());
    let second = assistant.begin("list_topics", ask.clone());
    assistant.end("list_topics", &first);
    assistant.end("list_topics", &second);
    assert_eq!(sessions(&mut assistant).len(), 1);
    assistant.ok("list_topics", json!({"duration": 0.2}));
    // Establishing is always a new one, and the name then means it.
    let established = assistant.connect(&url);
    assistant.ok(
        "publish_message",
        json!({"session_id": url, "topic": "a", "payload": "x"}),
    );
    let open = sessions(&mut assistant);
    let latest = open
        .iter()
        .find(|it| it["session_id"] == established.as_str());
    assert_eq!(latest.unwrap()["messages_out"], 1, "{open:?}");
    let another = format!("127.0.0.1:{}", broker.port);
    assistant.refused(
        "list_topics",
        json!({"session_id": another}),
        "too_many_sessions",
        &["close_connection"],
    );
    assistant.refused(
        "list_topics",
        json!({}),
        "invalid_argument",
        &["2 sessions are open"],
    );
}

#[test]
fn what_is_no_session_says_what_would_be_one() {
    let broker = Mosquitto::plain();
    let url = broker.url();
    let mut assistant = Assistant::with(
        &[
            "brokers.home.url=mqtt://127.0.0.1:1",
            "brokers.plant.url=mqtt://127.0.0.2:1",
            "broker_hosts=127.0.0.2",
        ],
        &[],
    );
    let gone = "0c0a1b2c-3d4e-4f5a-8b6c-7d8e9f0a1b2c";
    for (given, code, words) in [
        (gone, "unknown_session", "does not outlive the process"),
        ("some-id", "unknown_session", "home, plant"),
        (url.as_str(), "policy_denied", "127.0.0.2"),
        ("home", "policy_denied", "127.0.0.2"),
        ("plant", "connect_failed", "127.0.0.2"),
    ] {
        assistant.refused("list_topics", json!({"session_id": given}), code, &[words]);
    }
    assistant.refused(
        "list_topics",
        json!({}),
        "invalid_argument",
        &["home, plant"],
    );
    assert_eq!(sessions(&mut assistant).len(), 0);
}

#[test]
fn a_broken_configuration_is_told_by_a_server_that_runs() {
    let broker = Mosquitto::plain();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(
        &file,
        "[policy]\nread_only = true\n[limits]\nmax_sesions = 3\n",
    )
    .unwrap();
    let mut assistant = Assistant::with(&[], &[("BITSPERITY_MQTT_CONFIG", file.to_str().unwrap())]);
    let ping = assistant.ok("ping", json!({}));
    let said = ping["broken_configuration"].as_str().unwrap();
    assert!(
        said.contains("max_sesions") && said.contains("config.toml"),
        "{said}"
    );
    // What the policy would be nobody knows: nothing is reached.
    for tool in ["establish_connection", "publish_message"] {
        let arguments = match tool {
            "publish_message" => json!({"session_id": broker.url(), "topic": "a", "payload": "x"}),
            _ => json!({"connection_string": broker.url()}),
        };
        assistant.refused(tool, arguments, "bad_configuration", &["max_sesions"]);
    }
}

#[test]
fn two_processes_with_one_client_id_in_the_configured_url_live_side_by_side() {
    let broker = Mosquitto::plain();
    let url = format!("{}/assistant", broker.url());
    let configured = || Assistant::with(&[], &[("BITSPERITY_MQTT_URL", &url)]);
    let (mut one, mut two) = (configured(), configured());
    let ids = [&mut one, &mut two].map(|assistant| {
        let made = assistant.ok("establish_connection", json!({}));
        made["client_id"].as_str().unwrap().to_owned()
    });
    assert!(ids.iter().all(|id| id.starts_with("assistant-")), "{ids:?}");
    assert_ne!(ids[0], ids[1]);
    // What is asked for by name is taken by name: brokers give rights by client id.
    for asked in [
        json!({"clean_start": false}),
        json!({"connection_string": format!("{}/by-name", broker.url())}),
    ] {
        let made = one.ok("establish_connection", asked);
        let id = made["client_id"].as_str().unwrap();
        assert!(["assistant", "by-name"].contains(&id), "{made}");
    }
}

#[test]
fn tools_may_carry_a_prefix() {
    let mut assistant = Assistant::with(&["tool_prefix=attic_"], &[]);
    let listed = assistant.client.ask("tools/list", json!({}));
    let tools = listed["tools"].as_array().unwrap();
    assert!(
        tools
            .iter()
            .all(|tool| tool["name"].as_str().unwrap().starts_with("attic_"))
    );
    for name in ["attic_ping", "ping"] {
        let result = assistant.client.call(name, json!({}));
        assert!(
            result["structuredContent"]["version"].is_string(),
            "{result}"
        );
    }
}
