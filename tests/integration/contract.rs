//! What an assistant is told, as files under `tests/contract`: the list of tools, the shape of a result of each tool, the
//! words of refusals. A change shows in review; `UPDATE=1` writes them anew.
//!
//! And the list by the rules of those who read it: each vendor takes a part of JSON Schema only.

use crate::support::mosquitto::Mosquitto;
use crate::tools_assistant::Assistant;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

fn held_against(name: &str, value: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/contract")
        .join(name);
    let text = format!("{value:#}\n");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let line = known.lines().zip(text.lines()).position(|(a, b)| a != b);
    assert!(
        known == text,
        "{name} differs from line {line:?} on; UPDATE=1 writes it anew\n{text}"
    );
}

fn tools(assistant: &mut Assistant) -> Vec<Value> {
    let listed = assistant.client.ask("tools/list", json!({}));
    listed["tools"].as_array().unwrap().clone()
}

/// Types in place of values; of a list its first item.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone(), shape(value)));
            Value::Object(members.collect())
        }
        Value::Array(items) => items
            .first()
            .map_or(json!([]), |first| json!([shape(first)])),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("boolean"),
        Value::Null => json!("null"),
    }
}

#[test]
fn the_list_of_tools() {
    let mut assistant = Assistant::new();
    let tools = tools(&mut assistant);
    let bytes = json!({ "tools": tools }).to_string().len();
    assert!(bytes < 18 * 1024, "{bytes} bytes");
    held_against("tools.json", &json!(tools));
}

#[test]
fn a_result_of_each_tool() {
    let broker = Mosquitto::plain();
    let state = r#"{"temperature":21.5,"battery":12,"linkquality":80,"at":"2026-02-03T04:05:06Z"}"#;
    broker.publish(&["-r", "-q", "1", "-t", "zigbee2mqtt/attic", "-m", state]);
    broker.publish(&[
        "-r",
        "-q",
        "1",
        "-t",
        "zigbee2mqtt/bridge/state",
        "-m",
        "online",
    ]);
    let mut assistant = Assistant::new();
    let mut shapes = Map::new();
    let watch = json!({"connection_string": broker.url(), "watch": ["#"]});
    for (tool, arguments) in [
        ("ping", json!({})),
        ("establish_connection", watch),
        ("list_active_connections", json!({})),
        ("list_topics", json!({"duration": 0.5})),
        ("list_devices", json!({"duration": 0.5})),
        ("subscribe_and_collect", json!({"duration": 0.5})),
        ("get_topic_schema", json!({"duration": 0.5})),
        ("debug_device", json!({"duration": 0.5})),
        (
            "publish_message",
            json!({"topic": "attic/set", "payload": "on", "qos": 1}),
        ),
        ("close_connection", json!({})),
    ] {
        let answer = assistant.ok(tool, arguments);
        shapes.insert(tool.to_owned(), shape(&answer));
    }
    held_against("results.json", &Value::Object(shapes));
}

#[test]
fn the_words_of_refusals() {
    let mut assistant = Assistant::with(&["read_only=true"], &[]);
    let unknown = "0c0a1b2c-3d4e-4f5a-8b6c-7d8e9f0a1b2c";
    let mut refusals = Vec::new();
    for (tool, arguments) in [
        ("list_topics", json!({})),
        ("list_topics", json!({"session_id": unknown})),
        ("list_topics", json!({"session_id": "some-id"})),
        ("list_topics", json!({"capture_id": unknown})),
        ("list_topics", json!({"durration": 3})),
        ("list_topics", json!({"duration": 9_999})),
        ("list_topics", json!({"topic": "a/#/b"})),
        ("list_topics", json!({"filter": "a", "topic": "b"})),
        ("list_devices", json!({"sort": "colour"})),
        ("publish_message", json!({"topic": "a"})),
        ("publish_message", json!({"topic": "a/+", "payload": "x"})),
        ("close_connection", json!({})),
    ] {
        let result = assistant.client.call(tool, arguments.clone());
        assert_eq!(result["isError"], true, "{tool} {arguments} {result}");
        let error: Value =
            serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        refusals.push(json!({"tool": tool, "arguments": arguments, "error": error}));
    }
    held_against("refusals.json", &json!(refusals));
}

/// Visits a schema and all inside of it.
fn each(schema: &Value, visit: &mut dyn FnMut(&Value)) {
    visit(schema);
    let members = schema.get("properties").and_then(Value::as_object);
    members
        .into_iter()
        .flat_map(Map::values)
        .for_each(|member| each(member, visit));
    schema
        .get("items")
        .into_iter()
        .for_each(|items| each(items, visit));
}

/// OpenAI's strict mode: every object closed, every argument required, and optional ones may be null.
fn openai_strict(schema: &Value) -> Value {
    let mut strict = schema.clone();
    let Value::Object(map) = &mut strict else {
        return strict;
    };
    for key in ["default", "minimum", "maximum", "maxItems"] {
        map.remove(key);
    }
    if let Some(Value::Object(properties)) = map.get("properties").cloned() {
        let needed = map.get("required").cloned().unwrap_or(json!([]));
        let optional = |name: &str| !needed.as_array().unwrap().iter().any(|it| it == name);
        let names: Vec<_> = properties.keys().cloned().collect();
        let converted = properties.iter().map(|(name, member)| {
            let mut member = openai_strict(member);
            if optional(name) {
                member["type"] = json!([member["type"], "null"]);
            }
            (name.clone(), member)
        });
        map.insert("properties".into(), Value::Object(converted.collect()));
        map.insert("required".into(), json!(names));
        map.insert("additionalProperties".into(), json!(false));
    }
    if let Some(items) = map.get("items").map(openai_strict) {
        map.insert("items".into(), items);
    }
    strict
}

#[test]
fn every_vendor_takes_the_list() {
    let mut assistant = Assistant::new();
    for tool in tools(&mut assistant) {
        let (name, schema) = (tool["name"].as_str().unwrap(), &tool["inputSchema"]);
        // Anthropic: names, and a root that is an object without combinations.
        assert!(
            name.len() <= 24 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{name}"
        );
        assert_eq!(schema["type"], "object", "{name}");
        assert!(schema["properties"].is_object(), "{name}");
        // Gemini takes an OpenAPI subset: one type each, and these keywords only.
        let known = [
            "type",
            "properties",
            "required",
            "items",
            "enum",
            "description",
            "default",
            "minimum",
            "maximum",
            "maxItems",
        ];
        each(schema, &mut |part| {
            let part = part.as_object().unwrap();
            assert!(part["type"].is_string(), "{name}: {part:?}");
            part.keys()
                .for_each(|key| assert!(known.contains(&key.as_str()), "{name}: {key}"));
            assert!(
                part["type"] != "array" || part.contains_key("items"),
                "{name}: {part:?}"
            );
            // An object of any members is what neither OpenAI's strict mode nor Gemini has.
            assert!(
                part["type"] != "object" || part.contains_key("properties"),
                "{name}: {part:?}"
            );
            assert!(
                !part.contains_key("enum") || part["type"] == "string",
                "{name}: {part:?}"
            );
        });
        let properties = schema["properties"].as_object().unwrap();
        for (argument, member) in properties {
            assert!(
                member["description"].is_string(),
                "{name}.{argument} is not described"
            );
            for (inner, member) in member["properties"].as_object().into_iter().flatten() {
                assert!(
                    member["description"].is_string(),
                    "{name}.{argument}.{inner} is not described"
                );
            }
        }
        each(&openai_strict(schema), &mut |part| {
            if let Some(properties) = part["properties"].as_object() {
                assert_eq!(
                    part["required"].as_array().unwrap().len(),
                    properties.len(),
                    "{name}"
                );
                assert_eq!(part["additionalProperties"], false, "{name}");
            }
        });
    }
}

/// Strict mode makes a model give every argument; what it does not mean is null, or empty.
#[test]
fn every_argument_filled_in_is_none_given() {
    let broker = Mosquitto::plain();
    let mut assistant = Assistant::new();
    assistant.connect(&broker.url());
    for tool in tools(&mut assistant) {
        let name = tool["name"].as_str().unwrap();
        let reads = tool["annotations"]["readOnlyHint"] == true;
        if !reads || name == "ping" || name == "list_active_connections" {
            continue;
        }
        for with_null in [true, false] {
            let filled = tool["inputSchema"]["properties"]
                .as_object()
                .unwrap()
                .iter();
            let filled = filled.map(|(argument, member)| {
                let filling = match member["type"].as_str().unwrap() {
                    _ if argument == "duration" => json!(0.2),
                    // An empty one would be a value.
                    "boolean" => json!(false),
                    _ if with_null => Value::Null,
                    "string" => json!(""),
                    "array" => json!([]),
                    "object" => json!({}),
                    _ => json!(0),
                };
                (argument.clone(), filling)
            });
            assistant.ok(name, Value::Object(filled.collect()));
        }
    }
}
