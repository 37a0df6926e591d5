//! What did not fit into an answer is brought by its `next`: each page says something new, and there is a last one.

use crate::support::mosquitto::Mosquitto;
use crate::tools_assistant::Assistant;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Pages after which nobody would follow any more.
const PAGES: usize = 40;

/// Follows every `next`; gives what `entries` of each page names, and how many pages there were.
fn follow(
    assistant: &mut Assistant,
    tool: &str,
    arguments: Value,
    entries: fn(&Value) -> Vec<String>,
) -> (BTreeSet<String>, usize) {
    let most = arguments["max_bytes"].as_u64().unwrap_or(16_384) as usize;
    let mut answer = assistant.ok(tool, arguments);
    let mut all = BTreeSet::new();
    for page in 1..=PAGES {
        let bytes = answer.to_string().len();
        let allowed = match answer["next"]["max_bytes"].as_u64() {
            Some(next) => most.max(next as usize),
            None => 65_536,
        };
        assert!(bytes <= allowed, "{bytes} of {allowed}");
        let before = all.len();
        all.extend(entries(&answer));
        assert!(
            all.len() > before,
            "page {page} of {tool} says nothing new: {answer}"
        );
        let next = answer["next"].clone();
        if next.is_null() {
            assert!(page > 1, "one page is no test: {answer}");
            return (all, page);
        }
        assert_eq!(next["capture_id"], answer["capture_id"], "{answer}");
        answer = assistant.ok(tool, next);
    }
    panic!("{tool} never ends: {all:?}");
}

fn texts(list: &Value, key: &str) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .map(|item| item[key].as_str().unwrap().to_owned())
        .collect()
}

/// A place with 40 machines, of which each third says that it has failed.
fn works(broker: &Mosquitto) {
    for machine in 0..40 {
        let fault = match machine % 3 {
            0 => "spindle overheated, stopped",
            _ => "none",
        };
        let payload = json!({"machine": machine, "error": fault, "note": "n".repeat(700), format!("field{machine}"): machine});
        let topic = format!(
            "works/{}/machine{machine}",
            ["hall", "yard", "roof"][machine % 3]
        );
        broker.publish(&["-r", "-q", "1", "-t", &topic, "-m", &payload.to_string()]);
    }
}

#[test]
fn every_next_brings_something_new_and_ends() {
    let broker = Mosquitto::plain();
    works(&broker);
    let mut assistant = Assistant::new();
    assistant.connect(&broker.url());
    let small = json!({"topic": "works/#", "duration": 0.6, "max_bytes": 4_096});
    let messages = |answer: &Value| {
        let shown = answer["messages"].as_array().unwrap().iter();
        // A payload that is shown longer is new, too.
        let names = shown.map(|it| format!("{} {}", it["topic"], it["cut_to"]));
        names.collect()
    };
    let (seen, _) = follow(
        &mut assistant,
        "subscribe_and_collect",
        small.clone(),
        messages,
    );
    let topics: BTreeSet<_> = seen
        .iter()
        .map(|it| it.split(' ').next().unwrap())
        .collect();
    assert_eq!(topics.len(), 40, "{topics:?}");
    let (seen, _) = follow(&mut assistant, "debug_device", small.clone(), |answer| {
        let devices = texts(&answer["devices"], "id").into_iter();
        devices
            .map(|id| format!("{id} {}", answer["omitted"]["lines"]))
            .collect()
    });
    assert!(seen.len() >= 40, "{seen:?}");
    let (seen, _) = follow(
        &mut assistant,
        "get_topic_schema",
        json!({"topic": "works/#", "duration": 0.6, "max_bytes": 2_048}),
        |answer| texts(&answer["families"], "pattern"),
    );
    assert!(!seen.is_empty());
    let detailed = json!({"topic": "works/#", "duration": 0.6, "max_bytes": 4_096, "response_format": "detailed"});
    let (seen, _) = follow(&mut assistant, "list_topics", detailed, |answer| {
        let families = texts(&answer["families"], "pattern");
        texts(&answer["topics"], "topic")
            .into_iter()
            .chain(families)
            .collect()
    });
    assert_eq!(seen.len(), 40, "{seen:?}");
}

#[test]
fn the_overview_has_a_line_for_each_sick_device() {
    let broker = Mosquitto::plain();
    works(&broker);
    let mut assistant = Assistant::new();
    assistant.connect(&broker.url());
    let answer = assistant.ok("debug_device", json!({"duration": 0.6}));
    let sick = answer["with_findings"].as_u64().unwrap();
    assert!(sick > 10, "{answer}");
    assert_eq!(answer["sick"].as_array().unwrap().len() as u64, sick);
    let first = &answer["sick"][0];
    assert!(
        first["first"].as_str().unwrap().contains("error"),
        "{first}"
    );
    assert!(answer["next"]["capture_id"].is_string());
}

#[test]
fn what_is_kept_belongs_to_its_tool_and_not_for_ever() {
    let broker = Mosquitto::plain();
    works(&broker);
    let mut assistant = Assistant::with(&["max_captures=1"], &[]);
    assistant.connect(&broker.url());
    let small = json!({"topic": "works/#", "duration": 0.4, "max_bytes": 2_048});
    let mut cut = || assistant.ok("subscribe_and_collect", small.clone())["next"].clone();
    let (first, second) = (cut(), cut());
    assistant.refused(
        "list_topics",
        second.clone(),
        "invalid_argument",
        &["subscribe_and_collect"],
    );
    assistant.refused(
        "subscribe_and_collect",
        first,
        "capture_expired",
        &["newer"],
    );
    assistant.ok("subscribe_and_collect", second);
}

#[test]
fn the_last_while_of_a_watch_is_told_apart() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    assistant.connect_with(json!({"connection_string": broker.url(), "watch": ["#"]}));
    let mut publisher = broker.publisher(&["-t", "hut/door"]);
    publisher.line("old");
    let all = json!({"since": "session", "topic": "hut/#"});
    while assistant.ok("subscribe_and_collect", all.clone())["messages"] == json!([]) {}
    // Nothing happens in this while, which is what makes it old.
    std::thread::sleep(std::time::Duration::from_millis(4_500));
    publisher.line("new");
    while assistant.ok("subscribe_and_collect", all.clone())["summary"]["received"] != 2 {}
    let latest = assistant.ok(
        "subscribe_and_collect",
        json!({"since": "4s", "topic": "hut/#"}),
    );
    let payloads: Vec<_> = latest["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["payload"])
        .collect();
    assert_eq!(payloads, ["new"], "{latest}");
    assert!(
        latest["verdict"]
            .as_str()
            .unwrap()
            .starts_with("Of the last 4 s: 1 message"),
        "{latest}"
    );
    assistant.refused(
        "list_topics",
        json!({"since": "lately"}),
        "invalid_argument",
        &[],
    );
}
