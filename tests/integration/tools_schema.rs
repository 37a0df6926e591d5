//! `get_topic_schema` against a real broker: like families as one, what is no JSON, a long call that goes on.

use crate::support::mosquitto::Mosquitto;
use crate::tools_assistant::Assistant;
use serde_json::{Value, json};

fn family<'a>(answer: &'a Value, pattern: &str) -> &'a Value {
    let families = answer["families"].as_array().unwrap();
    let mut found = families.iter().filter(|it| it["pattern"] == pattern);
    found
        .next()
        .unwrap_or_else(|| panic!("no {pattern}: {answer}"))
}

#[test]
fn schemas_are_learnt_and_tell_good_from_bad() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    let mut doors: Vec<_> = ["front", "back"]
        .map(|door| broker.publisher(&["-t", &format!("home/{door}/state")]))
        .into();
    let mut mode = broker.publisher(&["-t", "home/heating/mode"]);
    let arguments = json!({
        "session_id": session, "topic": "home/#", "duration": 40, "max_messages": 100,
    });
    let id = assistant.begin("get_topic_schema", arguments);
    broker.wait_for_log("SUBSCRIBE");
    for n in 0..40 {
        for door in &mut doors {
            door.line(&format!(
                r#"{{"contact":{},"battery":{},"at":"2026-03-01T12:00:{:02}Z"}}"#,
                n % 2 == 0,
                90 - n % 7,
                n
            ));
        }
        if n % 2 == 0 {
            mode.line(["heat", "off"][n / 2 % 2]);
        }
    }
    let answer = assistant.end("get_topic_schema", &id);
    assert_eq!(
        (&answer["stop_reason"], &answer["messages"]),
        (&json!("max_messages"), &json!(100)),
        "{answer}"
    );
    let doors = family(&answer, "home/+/state");
    assert_eq!(
        (&doors["topics"], &doors["messages"]),
        (&json!(2), &json!(80))
    );
    assert_eq!(
        doors["confidence"],
        json!({"level": "High", "score": 0.988, "sample_size": 80})
    );
    let validator = jsonschema::validator_for(&doors["schema"]).unwrap();
    assert!(
        validator.is_valid(&json!({"contact": true, "battery": 86, "at": "2026-04-01T00:00:00Z"}))
    );
    for wrong in [
        json!({"contact": "yes", "battery": 86, "at": "2026-04-01T00:00:00Z"}),
        json!({"contact": true, "at": "2026-04-01T00:00:00Z"}),
        json!({"contact": true, "battery": 80_000, "at": "2026-04-01T00:00:00Z"}),
        json!({"contact": true, "battery": 86, "at": "yesterday"}),
        json!({"contact": true, "battery": 86, "at": "2026-04-01T00:00:00Z", "more": 1}),
    ] {
        assert!(
            !validator.is_valid(&wrong),
            "{wrong} fits {}",
            doors["schema"]
        );
    }
    assert_eq!(doors["examples"].as_array().unwrap().len(), 1);
    let mode = family(&answer, "home/heating/mode");
    assert_eq!(mode["formats"], json!({"text": 1.0}));
    assert_eq!(mode["text"]["schema"], json!({"enum": ["heat", "off"]}));
}

#[test]
fn a_long_call_goes_on_and_tells_the_whole_again() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::with(&["call_limit=1"], &[]);
    let session = assistant.connect(&broker.url());
    let arguments = json!({"session_id": session, "topic": "a/#", "duration": 2.5});
    let id = assistant.begin("get_topic_schema", arguments);
    broker.wait_for_log("SUBSCRIBE");
    broker.publish(&["-t", "a/b", "-m", "<r><t>1</t></r>"]);
    let mut answer = assistant.end("get_topic_schema", &id);
    assert_eq!(answer["status"], "running", "{answer}");
    let capture = answer["capture_id"].as_str().unwrap().to_owned();
    while answer["status"] == "running" {
        answer = assistant.ok("get_topic_schema", json!({"capture_id": capture}));
    }
    let only = family(&answer, "a/b");
    let read = &only["text"]["schema"]["properties"]["r"]["properties"]["t"];
    assert_eq!(read["properties"]["#"]["type"], "integer");
    assert_eq!(only.get("schema"), None);
}

#[test]
fn what_is_asked_for_wrongly_is_refused_with_the_next_step() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    let session = assistant.connect(&broker.url());
    for (arguments, words) in [
        (json!({"session_id": session, "topic": "a/#/b"}), ["a/#"]),
        (
            json!({"session_id": session, "topic": "a", "duration": 301}),
            ["300"],
        ),
    ] {
        assistant.refused("get_topic_schema", arguments, "invalid_argument", &words);
    }
}
