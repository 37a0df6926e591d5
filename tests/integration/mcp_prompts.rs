//! Prompts, and completion of what prompts and templates of resources are given.

use crate::support::Client;
use crate::support::client::{enveloped, of_era};
use crate::support::mosquitto::Mosquitto;
use serde_json::{Value, json};

fn complete(
    client: &mut Client,
    modern: bool,
    mut params: Value,
    name: &str,
    value: &str,
) -> Vec<String> {
    params["argument"] = json!({"name": name, "value": value});
    let result = client.ask("completion/complete", of_era(modern, params));
    let values = result["completion"]["values"].as_array().unwrap();
    assert_eq!(result["completion"]["total"], values.len());
    assert_eq!(result["completion"]["hasMore"], false);
    values
        .iter()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect()
}

fn template(kind: &str) -> Value {
    json!({"ref": {"type": "ref/resource", "uri": format!("mqtt://{{session}}/{kind}")}})
}

fn prompt(name: &str) -> Value {
    json!({"ref": {"type": "ref/prompt", "name": name}})
}

#[test]
fn prompts_are_listed_and_become_text_in_both_eras() {
    let mut client = Client::legacy("2025-11-25");
    let legacy = client.ask("prompts/list", json!({}));
    let modern = client.ask("prompts/list", enveloped(json!({})));
    assert_eq!(legacy["prompts"], modern["prompts"]);
    let prompts = legacy["prompts"].as_array().unwrap();
    let names: Vec<_> = prompts
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "explore_broker",
            "diagnose_device",
            "audit_retained",
            "watch_fleet"
        ]
    );
    for prompt in prompts {
        assert!(prompt["title"].is_string() && prompt["description"].is_string());
        let arguments = prompt["arguments"].as_array().unwrap();
        let given = arguments
            .iter()
            .map(|it| (it["name"].as_str().unwrap().to_owned(), json!("7")));
        let given: serde_json::Map<_, _> = given.collect();
        for modern in [false, true] {
            let params = of_era(modern, json!({"name": prompt["name"], "arguments": given}));
            let got = client.ask("prompts/get", params);
            assert_eq!(got["messages"][0]["role"], "user");
            let text = got["messages"][0]["content"]["text"].as_str().unwrap();
            assert!(text.len() < 4_096, "{} bytes", text.len());
        }
    }
}

#[test]
fn wrong_prompts_and_arguments_are_refused_with_what_would_be_right() {
    let mut client = Client::legacy("2025-11-25");
    for (params, word) in [
        (json!({}), "params.name"),
        (
            json!({"name": "explore_brokr"}),
            "did you mean explore_broker?",
        ),
        (json!({"name": "diagnose_device"}), "device is required"),
        (
            json!({"name": "diagnose_device", "arguments": {"device": 7}}),
            "must be a string",
        ),
        (
            json!({"name": "explore_broker", "arguments": {"brokr": "x"}}),
            "brokr",
        ),
        (
            json!({"name": "explore_broker", "arguments": []}),
            "params.arguments",
        ),
        (
            json!({"name": "explore_broker", "arguments": {"broker": "x".repeat(70_000)}}),
            "bytes",
        ),
    ] {
        let error = client.ask_wrongly("prompts/get", params);
        assert_eq!(error["code"], -32602, "{error}");
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
    }
    let plain = client.ask(
        "prompts/get",
        json!({"name": "explore_broker", "arguments": null}),
    );
    assert!(plain["messages"][0]["content"]["text"].is_string());
}

#[test]
fn brokers_sessions_and_topics_are_completed() {
    let broker = Mosquitto::plain();
    for topic in [
        "home/lamp/state",
        "home/lamp/set",
        "home/läng/50%41",
        "zigbee/x",
    ] {
        broker.publish(&["-t", topic, "-r", "-m", "1"]);
    }
    let settings = format!("brokers.attic.url={}", broker.url());
    let mut client = Client::start(&["--set", &settings]);
    client.initialize("2025-06-18");
    assert_eq!(
        complete(&mut client, false, prompt("explore_broker"), "broker", "at"),
        ["attic"]
    );
    // Without a session there is nobody to ask for topics.
    assert!(complete(&mut client, false, prompt("watch_fleet"), "filter", "").is_empty());
    let session = client.establish(&broker.url());
    for modern in [false, true] {
        let client = &mut client;
        let sessions = complete(client, modern, template("status"), "session", &session[..4]);
        assert_eq!(sessions, [session.as_str()]);
        assert!(complete(client, modern, template("status"), "session", "no").is_empty());
        let mut topic = template("topic/{+topic}");
        topic["context"] = json!({"arguments": {"session": session}});
        assert_eq!(
            complete(client, modern, topic.clone(), "topic", "home/l"),
            ["home/lamp/set", "home/lamp/state", "home/l%C3%A4ng/50%2541"]
        );
        let encoded = complete(client, modern, topic, "topic", "home/l%C3%A4");
        assert_eq!(encoded, ["home/l%C3%A4ng/50%2541"]);
        let devices = complete(client, modern, prompt("diagnose_device"), "device", "home/");
        assert_eq!(devices, ["home/lamp", "home/läng"]);
        assert!(complete(client, modern, prompt("watch_fleet"), "minutes", "1").is_empty());
    }
}

#[test]
fn what_cannot_be_completed_is_refused() {
    let mut client = Client::legacy("2025-11-25");
    let argument = json!({"name": "broker", "value": ""});
    for params in [
        json!({}),
        json!({"ref": {"type": "ref/tool", "name": "ping"}, "argument": argument}),
        json!({"ref": {"type": "ref/prompt", "name": "no_such"}, "argument": argument}),
        json!({"ref": {"type": "ref/prompt", "name": "explore_broker"}}),
        json!({"ref": {"type": "ref/prompt", "name": "explore_broker"}, "argument": {"name": "broker"}}),
        json!({"ref": {"type": "ref/prompt", "name": "explore_broker"}, "argument": {"name": "x", "value": ""}}),
        json!({"ref": {"type": "ref/resource", "uri": "mqtt://x"}, "argument": argument}),
    ] {
        let error = client.ask_wrongly("completion/complete", params);
        assert_eq!(error["code"], -32602, "{error}");
    }
}
