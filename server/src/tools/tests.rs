//! All tools together: what `tools/list` tells, and answers against their schemas and budgets.

use super::*;
use crate::broker::report::*;
use bitsperity_mqtt_core::packet::QoS;
use serde_json::json;
use std::time::{Duration, SystemTime};

fn state() -> Arc<State> {
    let config = Config {
        log: ::log::LevelFilter::Off,
        ..Config::default()
    };
    State::new(config, crate::process::clock::now())
}

/// Every schema inside of `schema`, itself included.
fn walk(schema: &Value, visit: &mut dyn FnMut(&Value)) {
    visit(schema);
    for key in ["properties"] {
        for member in schema
            .get(key)
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::values)
        {
            walk(member, visit);
        }
    }
    for key in ["items"] {
        if let Some(member) = schema.get(key).filter(|member| member.is_object()) {
            walk(member, visit);
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for member in schema
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            walk(member, visit);
        }
    }
}

#[test]
fn schemas_are_what_every_host_takes() {
    let state = state();
    for (tool, input) in list().iter().zip(state.inputs()) {
        let output = (tool.output_schema)();
        for schema in [input, &output] {
            assert_eq!(schema["type"], "object", "{}", tool.name);
            for key in [
                "oneOf", "anyOf", "allOf", "$ref", "$defs", "$schema", "title",
            ] {
                assert!(schema.get(key).is_none(), "{} has {key}", tool.name);
            }
            assert!(schema["properties"].is_object(), "{}", tool.name);
            walk(schema, &mut |part| {
                for key in [
                    "$ref",
                    "$defs",
                    "format",
                    "oneOf",
                    "anyOf",
                    "allOf",
                    "additionalProperties",
                ] {
                    assert!(part.get(key).is_none(), "{} {part}", tool.name);
                }
                assert_ne!(
                    part.get("type"),
                    Some(&json!("null")),
                    "{} {part}",
                    tool.name
                );
                assert!(
                    !part.get("type").is_some_and(Value::is_array),
                    "{} {part}",
                    tool.name
                );
            });
            assert!(jsonschema::meta::is_valid(schema), "{}", tool.name);
        }
        assert!(
            tool.description.len() <= 620,
            "{} {}",
            tool.name,
            tool.description.len()
        );
        assert!(!tool.description.contains("  "), "{}", tool.name);
    }
}

#[test]
fn the_list_stays_under_its_budget() {
    let state = state();
    let tools = list().iter().zip(state.inputs());
    let tools: Vec<Value> = tools
        .map(|(tool, input)| {
            json!({
                "name": tool.name, "title": tool.title, "description": tool.description, "inputSchema": listed(input),
                "outputSchema": (tool.output_schema)(), "annotations": tool.annotations,
            })
        })
        .collect();
    let bytes = json!({ "tools": tools }).to_string().len();
    assert!(bytes < 18 * 1024, "{bytes}");
    // What hosts hand to the model: about 3,200 tokens of four bytes.
    let read = ["name", "description", "inputSchema"];
    let read = tools
        .iter()
        .flat_map(|tool| read.map(|key| tool[key].to_string().len()));
    let bytes: usize = read.sum();
    assert!(bytes <= 12_800, "{bytes}");
}

/// A report as a broker's task would make it.
pub(super) fn report(kept: usize, payload: usize) -> Report {
    let topic = |i: usize| format!("zigbee2mqtt/device_{}/{}", i % 37, ["state", "set"][i % 2]);
    let at = |i: usize| Duration::from_millis(40 * i as u64);
    let message = |i: usize| {
        let text = format!(
            "{{\"temperature\":{},\"text\":\"{}\"}}",
            i,
            "x".repeat(payload)
        );
        KeptMessage {
            at: at(i),
            topic: topic(i),
            payload_bytes: text.len(),
            raw: None,
            size: text.len(),
            payload: text.into_bytes(),
            qos: QoS::AtMostOnce,
            retain: i < 3,
            why: vec![match i {
                0 => "first",
                i if i + 1 == kept => "last",
                i if i % 10 == 5 => "error",
                i if i % 10 == 7 => "shape",
                _ => "sample",
            }],
            format: "json",
            wraps: None,
            severity: (i % 10 == 5).then(|| ("error", "error = \u{1b}[31mfailed".to_owned())),
        }
    };
    let mut topics: Vec<TopicFinding> = (0..kept * 2)
        .map(|i| TopicFinding {
            topic: format!(
                "{}{}",
                topic(i),
                if i < 74 {
                    String::new()
                } else {
                    format!("/{i}")
                }
            ),
            messages: 1 + i as u64,
            retained: 1,
            errors: 0,
            warnings: 0,
            formats: [("json", 1 + i as u64), ("empty", 0)],
            bytes: 30,
            first: at(0),
            last: at(i),
            rate: Some(0.123_456),
            format: "json",
            preview: b"{\"temperature\":21.5}".to_vec(),
            shown_bytes: 20,
            last_bytes: 20,
        })
        .collect();
    topics.sort_by(|a, b| a.topic.cmp(&b.topic));
    topics.dedup_by(|a, b| a.topic == b.topic);
    Report {
        started: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        elapsed: at(kept),
        stopped: Some(StopReason::Duration),
        granted_qos: Some(QoS::AtMostOnce),
        received: kept as u64 * 20,
        retained: 3,
        bytes: 12_345,
        oversized: 1,
        asides: Default::default(),
        reconnects: 1,
        deaf: Duration::from_millis(250),
        interruption: None,
        narrowed: None,
        findings: Findings {
            values: None,
            messages: Some(MessageFindings {
                kept: (0..kept).map(message).collect(),
                error_kinds: (0..40)
                    .map(|i| ErrorKind {
                        count: 40 - i,
                        hashes: Vec::new(),
                        pattern: topic(i as usize),
                        topics: 1,
                        topics_more: false,
                        examples: vec![topic(i as usize)],
                        why: "error = failed".to_owned(),
                        first: at(0),
                        latest: at(5),
                    })
                    .collect(),
                error_kinds_more: 2,
                crowded_out: 7,
                errors: 100,
                warnings: 5,
                formats: vec![("json", 900), ("text", 100)],
                shapes: 12,
                shapes_estimated: false,
            }),
            topics: Some(TopicFindings {
                seen: topics.len() as u64 + 5,
                estimated: true,
                topics,
            }),
            ..Findings::default()
        },
    }
}

pub(super) fn head(report: &Report) -> listening::Head {
    listening::Head::of(&["zigbee2mqtt/#".to_owned()], report, None)
}

pub(super) fn valid(tool: &Tool, value: &Value) {
    let schema = (tool.output_schema)();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(value)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{}: {wrong:?}", tool.name);
}

#[test]
fn a_collection_fits_its_budget_and_counts_what_it_costs() {
    use listening::Format::{Concise, Detailed};
    for (kept, payload, budget, format) in [
        (50, 10, 24_576, Concise),
        (50, 900, 24_576, Concise),
        (500, 400, 24_576, Concise),
        (500, 400, 98_304, Detailed),
        (500, 3_000, 2_048, Detailed),
        (0, 0, 2_048, Concise),
    ] {
        let report = report(kept, payload);
        let make = || subscribe_and_collect::fitted(head(&report), &report, format, budget);
        let value = to_value(make()).unwrap();
        assert_eq!(value, to_value(make()).unwrap(), "not deterministic");
        valid(&subscribe_and_collect::TOOL, &value);
        let bytes = value.to_string().len();
        assert!(
            bytes <= budget,
            "{bytes} of {budget} for {kept} messages of {payload}"
        );
        let shown = value["messages"].as_array().unwrap().len();
        let gone = value["omitted"]["messages"].as_u64().unwrap_or(0) as usize;
        assert_eq!(shown + gone, kept);
        let times: Vec<u64> = value["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["t_ms"].as_u64().unwrap())
            .collect();
        assert!(times.is_sorted());
    }
}

#[test]
fn what_fits_is_shown_whole_and_what_goes_first_is_the_least_important() {
    let small = report(50, 10);
    let value = to_value(subscribe_and_collect::fitted(
        head(&small),
        &small,
        listening::Format::Concise,
        24_576,
    ))
    .unwrap();
    assert!(value.get("omitted").is_none());
    assert_eq!(value["messages"][1]["payload"]["temperature"], 1);
    assert_eq!(
        value["messages"][5]["severity"],
        "error: error = ␛[31mfailed"
    );
    let large = report(500, 400);
    let value = to_value(subscribe_and_collect::fitted(
        head(&large),
        &large,
        listening::Format::Concise,
        24_576,
    ))
    .unwrap();
    let why = |why: &str| {
        let shown = value["messages"].as_array().unwrap().iter();
        shown.filter(|message| message["why"][0] == why).count()
    };
    assert_eq!((why("first"), why("last"), why("error")), (1, 1, 50));
    assert!(why("sample") < 400);
    assert!(value["omitted"]["messages_why"]["sample"].as_u64().unwrap() > 300);
    assert!(value["omitted"]["payloads_cut"].as_u64().unwrap() > 50);
}

#[test]
fn many_topics_are_folded_within_the_budget() {
    use listening::Format::{Concise, Detailed};
    for (kept, budget, format) in [
        (10, 24_576, Concise),
        (500, 24_576, Concise),
        (5_000, 24_576, Detailed),
        (5_000, 2_048, Concise),
    ] {
        let report = report(kept, 10);
        let value = to_value(list_topics::fitted(head(&report), &report, format, budget)).unwrap();
        valid(&list_topics::TOOL, &value);
        let bytes = value.to_string().len();
        assert!(bytes <= budget, "{bytes} of {budget} for {kept}");
        let families = value
            .get("families")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let folded: u64 = families
            .iter()
            .map(|family| family["topics"].as_u64().unwrap())
            .sum();
        let shown = value["topics"].as_array().unwrap().len() as u64 + folded;
        let gone = value["omitted"]["topics"].as_u64().unwrap_or(0);
        let table = report.findings.topics.as_ref().unwrap().topics.len() as u64;
        assert_eq!(shown + gone, table);
        let names: Vec<&str> = value["topics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["topic"].as_str().unwrap())
            .collect();
        assert!(names.is_sorted());
    }
}

#[test]
fn a_name_of_sixty_thousand_bytes_does_not_break_the_budget() {
    let mut report = report(50, 10);
    for message in &mut report.findings.messages.as_mut().unwrap().kept {
        message.topic = "ü".repeat(30_000);
    }
    for topic in &mut report.findings.topics.as_mut().unwrap().topics {
        topic.topic = "ü".repeat(30_000);
    }
    let collected =
        subscribe_and_collect::fitted(head(&report), &report, listening::Format::Concise, 4_096);
    let listed = list_topics::fitted(head(&report), &report, listening::Format::Concise, 4_096);
    for value in [to_value(collected).unwrap(), to_value(listed).unwrap()] {
        assert!(value.to_string().len() <= 4_096);
    }
}

#[test]
fn unknown_tools_and_arguments() {
    async_std::task::block_on(async {
        let state = state();
        let (call_without, _cancel) = Call::unwatched();
        assert!(
            call(&state, "no_such", Map::new(), call_without)
                .await
                .is_none()
        );
        for (tool, arguments, code) in [
            ("list_topics", json!({}), "invalid_argument"),
            (
                "list_topics",
                json!({"session_id": "x", "topic": "a/#/b"}),
                "invalid_argument",
            ),
            ("list_topics", json!({"capture_id": "x"}), "unknown_capture"),
            (
                "subscribe_and_collect",
                json!({"session_id": "x"}),
                "unknown_session",
            ),
            (
                "publish_message",
                json!({"session_id": "x", "topic": "a/+", "payload": ""}),
                "invalid_argument",
            ),
            (
                "publish_message",
                json!({"session_id": "x", "topic": "a", "payload": "{", "encoding": "json"}),
                "invalid_argument",
            ),
            (
                "publish_message",
                json!({"session_id": "x", "topic": "a", "payload": "%", "encoding": "base64"}),
                "invalid_argument",
            ),
            (
                "publish_message",
                json!({"session_id": "x", "topic": "a", "payload": "", "expect": {"topic": "a", "schema": {"pattern": "x"}}}),
                "invalid_argument",
            ),
            (
                "establish_connection",
                json!({"connection_string": "me:hunter2@host"}),
                "invalid_argument",
            ),
            (
                "establish_connection",
                json!({"connection_string": "mqtt://me:hunter2@host:99999"}),
                "invalid_argument",
            ),
        ] {
            let Value::Object(map) = arguments else {
                unreachable!()
            };
            let (unwatched, _cancel) = Call::unwatched();
            let error = call(&state, tool, map, unwatched)
                .await
                .unwrap()
                .unwrap_err();
            assert_eq!(error.code, code, "{error:?}");
            assert!(!error.next_step.is_empty());
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    });
}

#[test]
fn what_came_otherwise_than_expected_is_told_once() {
    let mut report = report(3, 20);
    report.oversized = 2;
    report.asides.large("cam/yard", 3_000_000);
    report.asides.elsewhere.count("plant/v2/3");
    report.asides.strays.count("plant/v2/4");
    report.asides.stepped(-7_200_000_000);
    let tail = listening::sentences::asides(&report);
    for words in [
        "2 messages were larger than max_packet and not read, e.g. cam/yard (3000000 bytes)",
        "the broker delivered 1 message under other topics than the filter, e.g. plant/v2/3",
        "1 message of this session fit no open filter: not counted, e.g. topic plant/v2/4",
        "this machine's clock was set back by 7200 s during the listening:",
    ] {
        assert_eq!(tail.matches(words).count(), 1, "{tail}");
    }
}
