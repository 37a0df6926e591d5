//! Resources: what is listed, what is read, and what is said of those that are not there, in both eras.

use crate::support::Client;
use crate::support::client::{SOON, enveloped, of_era};
use crate::support::mosquitto::Mosquitto;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const NOBODY: &str = "0c0a1b2c-3d4e-4f5a-8b6c-7d8e9f0a1b2c";

fn uris(listed: &Value) -> Vec<String> {
    let resources = listed["resources"].as_array().unwrap();
    let uris = resources.iter().map(|it| it["uri"].as_str().unwrap());
    uris.map(str::to_owned).collect()
}

/// The JSON that stands at a resource.
fn read(client: &mut Client, modern: bool, uri: &str) -> Value {
    let result = client.ask("resources/read", of_era(modern, json!({"uri": uri})));
    let contents = result["contents"].as_array().unwrap();
    assert_eq!(contents.len(), 1, "{result}");
    assert_eq!(contents[0]["uri"], uri);
    assert_eq!(contents[0]["mimeType"], "application/json");
    serde_json::from_str(contents[0]["text"].as_str().unwrap()).unwrap()
}

#[test]
fn a_session_comes_and_goes_in_the_legacy_list_only() {
    let broker = Mosquitto::plain();
    let mut client = Client::legacy("2025-11-25");
    let none = client.ask("resources/list", json!({}));
    assert_eq!(uris(&none), ["mqtt://sessions"]);
    let modern = client.ask("resources/list", enveloped(json!({})));
    let session = client.establish(&broker.url());
    let with = client.ask("resources/list", json!({}));
    let expected = ["status", "topics"].map(|kind| format!("mqtt://{session}/{kind}"));
    assert_eq!(uris(&with)[1..], expected);
    assert_eq!(client.ask("resources/list", enveloped(json!({}))), modern);
    told_of_lists(&mut client, 1);
    client.call("close_connection", json!({"session_id": session}));
    told_of_lists(&mut client, 2);
    assert_eq!(client.ask("resources/list", json!({})), none);
}

/// Waits until it was told so often that the list changed; in between it answers.
fn told_of_lists(client: &mut Client, times: usize) {
    let deadline = Instant::now() + SOON;
    while client.lists_changed < times {
        assert!(Instant::now() < deadline, "not told of the list");
        client.next_within(Duration::from_millis(20));
    }
}

#[test]
fn a_modern_client_is_told_of_no_list() {
    let broker = Mosquitto::plain();
    let mut client = Client::start(&[]);
    let arguments = json!({"connection_string": broker.url()});
    let params = json!({"name": "establish_connection", "arguments": arguments});
    client.ask("tools/call", enveloped(params));
    assert!(client.next_within(Duration::from_millis(700)).is_none());
    assert_eq!(client.lists_changed, 0);
}

#[test]
fn templates_are_the_same_in_both_eras() {
    let mut client = Client::legacy("2025-06-18");
    let legacy = client.ask("resources/templates/list", json!({}));
    let modern = client.ask("resources/templates/list", enveloped(json!({})));
    assert_eq!(legacy["resourceTemplates"], modern["resourceTemplates"]);
    let templates = legacy["resourceTemplates"].as_array().unwrap();
    let templates: Vec<_> = templates.iter().map(|it| &it["uriTemplate"]).collect();
    assert_eq!(
        templates,
        [
            "mqtt://{session}/status",
            "mqtt://{session}/topics",
            "mqtt://{session}/topic/{+topic}"
        ]
    );
    for method in ["resources/list", "resources/templates/list", "prompts/list"] {
        let error = client.ask_wrongly(method, json!({"cursor": "x"}));
        assert_eq!(error["code"], -32602, "{method}");
    }
}

#[test]
fn sessions_and_their_status_are_read() {
    let broker = Mosquitto::plain();
    let settings = format!("brokers.home.url={}", broker.url());
    let mut client = Client::start(&["--set", &settings]);
    client.initialize("2025-11-25");
    let session = client.establish("home");
    for modern in [false, true] {
        let open = read(&mut client, modern, "mqtt://sessions");
        assert_eq!(open["configured_brokers"], json!(["home"]));
        assert_eq!(open["sessions"][0]["session_id"], session.as_str());
        let uri = open["sessions"][0]["status_uri"].as_str().unwrap();
        let status = read(&mut client, modern, uri);
        assert_eq!(status["state"], "connected");
        assert_eq!(status["broker"], broker.url());
    }
}

#[test]
fn topics_are_read_like_list_topics() {
    let broker = Mosquitto::plain();
    broker.publish(&["-t", "a/b", "-r", "-m", "1"]);
    let mut client = Client::legacy("2025-11-25");
    let session = client.establish(&broker.url());
    let topics = read(&mut client, false, &format!("mqtt://{session}/topics"));
    assert_eq!(topics["status"], "complete");
    assert_eq!(topics["topics"][0]["topic"], "a/b");
}

#[test]
fn the_last_value_of_any_topic_is_read() {
    let broker = Mosquitto::plain();
    let mut client = Client::legacy("2025-11-25");
    let session = client.establish(&broker.url());
    let topics = [
        ("plain/topic", "plain/topic"),
        ("/lead//empty/", "/lead//empty/"),
        ("a b/50%/c?d", "a%20b/50%25/c%3Fd"),
        ("ä/💡", "%C3%A4/%F0%9F%92%A1"),
    ];
    for (topic, encoded) in topics {
        let payload = json!({"at": topic}).to_string();
        broker.publish(&["-t", topic, "-r", "-m", &payload]);
        for modern in [false, true] {
            let value = read(
                &mut client,
                modern,
                &format!("mqtt://{session}/topic/{encoded}"),
            );
            assert_eq!(value["topic"], topic);
            assert_eq!(
                (&value["seen"], &value["retained"]),
                (&json!(true), &json!(true))
            );
            assert_eq!(value["payload"], json!({"at": topic}));
        }
    }
    let silent = read(
        &mut client,
        true,
        &format!("mqtt://{session}/topic/nobody/speaks"),
    );
    assert_eq!(silent["seen"], false);
    assert!(silent["note"].as_str().unwrap().contains("nothing seen"));
    assert!(silent.get("payload").is_none());
}

#[test]
fn what_is_not_there_is_said_in_the_words_of_the_era() {
    let broker = Mosquitto::plain();
    let mut client = Client::legacy("2025-11-25");
    let open = client.establish(&broker.url());
    let closed = client.establish(&broker.url());
    client.call("close_connection", json!({"session_id": closed}));
    let cases = [
        ("test://nothing".to_owned(), "mqtt://sessions"),
        ("mqtt://sessions/".to_owned(), "mqtt://sessions"),
        (format!("mqtt://{NOBODY}/status"), "list_active_connections"),
        (format!("mqtt://{NOBODY}/topics"), "list_active_connections"),
        (
            format!("mqtt://{NOBODY}/topic/a"),
            "list_active_connections",
        ),
        (format!("mqtt://{closed}/status"), "closed"),
        (format!("mqtt://{closed}/topic/a"), "closed"),
        (format!("mqtt://{open}/topic/a/+/b"), "filter"),
        (format!("mqtt://{open}/topic/%23"), "filter"),
        (format!("mqtt://{open}/topic/$share/g/a"), "filter"),
        (format!("mqtt://{open}/topic/a%00b"), "filter"),
    ];
    for (uri, word) in &cases {
        for (modern, code) in [(false, -32002), (true, -32602)] {
            let params = of_era(modern, json!({"uri": uri}));
            let error = client.ask_wrongly("resources/read", params);
            assert_eq!(error["code"], code, "{uri}");
            assert_eq!(error["data"]["uri"], uri.as_str());
            assert!(error["message"].as_str().unwrap().contains(word), "{error}");
        }
    }
    for params in [json!({}), json!({"uri": 7})] {
        let error = client.ask_wrongly("resources/read", params);
        assert_eq!(error["code"], -32602);
    }
    let long = format!("mqtt://{open}/topic/{}", "x".repeat(200_000));
    let error = client.ask_wrongly("resources/read", json!({"uri": long}));
    assert_eq!(error["code"], -32602);
}

#[test]
fn a_read_that_is_cancelled_falls_silent_and_frees_its_subscription() {
    let broker = Mosquitto::plain();
    let mut client = Client::legacy("2025-11-25");
    let session = client.establish(&broker.url());
    let id = client.begin(
        "resources/read",
        json!({"uri": format!("mqtt://{session}/topic/silent")}),
    );
    broker.wait_for_log("SUBSCRIBE");
    let params = json!({"requestId": id});
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}));
    broker.wait_for_log("UNSUBSCRIBE");
    assert_eq!(client.ask("ping", json!({})), json!({}));
    assert!(client.others().is_empty());
}
