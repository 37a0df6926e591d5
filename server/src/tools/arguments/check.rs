//! Arguments against their schema: unknown names, wrong types and values out of range are refused with what would be
//! right; harmless slips (`"10"` for 10, `"true"` for true) are put right.
//!
//! Strict function calling makes a model fill every argument: `null`, `""`, `[]`, `{}`, and 0 where 0 is out of range,
//! mean that an argument was not given, unless the value may well be meant ([`MEANT`]).
//! No value is ever repeated in a message, except where the schema lists all that are allowed: it may be a secret.

use crate::protocol::failure::ToolError;
use crate::text::spelling::nearest;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Arguments whose empty value is a value: an empty payload clears a retained message.
const MEANT: [&str; 4] = ["payload", "retain", "qos", "equals"];

/// Other names for `topic` that models use, and that earlier versions had; understood, not advertised.
const TOPIC: &str = "topic";
const TOPIC_TOO: [&str; 6] = [
    "filter",
    "pattern",
    "topics",
    "topic_filter",
    "device",
    "device_pattern",
];

/// Arguments whose text is JSON, which may be given as the JSON it is.
const JSON_TEXT: [&str; 3] = ["payload", "schema", "equals"];

/// Checks `arguments` against `schema`, which was made from `T`, and parses them.
pub(in crate::tools) fn parse<T: DeserializeOwned>(
    schema: &Value,
    arguments: Map<String, Value>,
) -> Result<T, ToolError> {
    let checked = object(schema, arguments, "")?.unwrap_or_default();
    serde_json::from_value(Value::Object(checked)).map_err(|error| {
        // What an argument's own reader says begins with its name and repeats no value.
        let said = error.to_string();
        match said.split_once("; ").filter(|_| said.starts_with('`')) {
            Some((what, next)) => ToolError::invalid(what, next),
            None => ToolError::invalid(
                "the arguments do not fit together",
                "compare them with the tool's inputSchema",
            ),
        }
    })
}

/// None: what was given is filling only.
fn object(
    schema: &Value,
    given: Map<String, Value>,
    path: &str,
) -> Result<Option<Map<String, Value>>, ToolError> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required: Vec<&str> = each(schema, "required").filter_map(Value::as_str).collect();
    let given = under_one_name(properties, &required, given)?;
    let mut checked = Map::new();
    let (mut filling, mut hollow) = (false, false);
    for (name, value) in given {
        let Some(known) = properties else {
            checked.insert(name, value);
            continue;
        };
        let here = join(path, &name);
        let value = match known.get(&name) {
            _ if is_filling(&name, &value) => None,
            Some(member) => check(member, value, &here)?,
            None => return Err(unknown(&name, path, properties)),
        };
        match value {
            Some(value) => drop(checked.insert(name, value)),
            None => {
                filling = true;
                hollow |= required.contains(&name.as_str());
            }
        }
    }
    if !path.is_empty() && (hollow || filling && checked.is_empty()) {
        return Ok(None);
    }
    match required.iter().find(|name| !checked.contains_key(**name)) {
        Some(name) => Err(missing(&join(path, name))),
        None => Ok(Some(checked)),
    }
}

fn each<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    schema
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// Whether an argument with this value was not given.
fn is_filling(name: &str, value: &Value) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let empty = match value {
        Value::Null => return true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    empty && !MEANT.contains(&last)
}

/// What was given for the topic under another name, as `topic`; not where it is required, for publishing to a topic is
/// another thing than listening to a filter.
fn under_one_name(
    properties: Option<&Map<String, Value>>,
    required: &[&str],
    mut given: Map<String, Value>,
) -> Result<Map<String, Value>, ToolError> {
    let takes = properties.is_some_and(|known| known.contains_key(TOPIC));
    if !takes || required.contains(&TOPIC) {
        return Ok(given);
    }
    for other in TOPIC_TOO {
        let Some(value) = given.remove(other) else {
            continue;
        };
        if is_filling(other, &value) {
            continue;
        }
        match given.get(TOPIC).filter(|it| !is_filling(TOPIC, it)) {
            Some(same) if *same == value => {}
            Some(_) => {
                return Err(ToolError::invalid(
                    format!("`{other}` and `topic` are one argument, and were given two values"),
                    "give `topic` alone",
                ));
            }
            None => drop(given.insert(TOPIC.to_owned(), value)),
        }
    }
    Ok(given)
}

/// An argument that is needed and was not given.
fn missing(name: &str) -> ToolError {
    let next = match name {
        "topic" => {
            "give the name of one topic, such as home/lamp/set; list_topics shows which there are"
        }
        "payload" => "give it; an empty text is a payload, too",
        _ => "call the tool again with it",
    };
    ToolError::invalid(format!("`{name}` is missing"), next)
}

/// The value put right; none if it is filling.
fn check(schema: &Value, value: Value, path: &str) -> Result<Option<Value>, ToolError> {
    let value = match schema.get("type").and_then(Value::as_str) {
        Some("object") => match structured(value) {
            Value::Object(map) => return Ok(object(schema, map, path)?.map(Value::Object)),
            other => return Err(wrong(path, "an object", &other)),
        },
        Some("array") => return array(schema, value, path),
        Some("number") => number(value, path)?,
        Some("integer") => integer(value, path)?,
        Some("boolean") => boolean(value, path)?,
        Some("string") => string(value, path)?,
        _ => value,
    };
    if value.as_f64() == Some(0.0) && !is_in_range(schema, 0.0) {
        return Ok(None);
    }
    let value = at_most(schema, value, path);
    in_range(schema, &value, path)?;
    one_of(schema, value, path).map(Some)
}

fn array(schema: &Value, value: Value, path: &str) -> Result<Option<Value>, ToolError> {
    let items = match structured(value) {
        Value::Array(items) => items,
        Value::Object(members) => pairs(members, path)?,
        scalar => vec![scalar],
    };
    let items: Vec<Value> = items
        .into_iter()
        .filter(|item| !is_filling(path, item))
        .collect();
    let most = schema.get("maxItems").and_then(Value::as_u64);
    if let Some(most) = most.filter(|most| items.len() as u64 > *most) {
        return Err(ToolError::invalid(
            format!("`{path}` has {} members", items.len()),
            format!("give at most {most}"),
        ));
    }
    let mut checked = Vec::with_capacity(items.len());
    for (i, item) in items.into_iter().enumerate() {
        let item = match schema.get("items") {
            Some(member) => check(member, item, &format!("{path}[{i}]"))?,
            None => Some(item),
        };
        checked.extend(item);
    }
    Ok((!checked.is_empty()).then_some(Value::Array(checked)))
}

/// An object where a list of texts is wanted: `{"a": "b"}` is `["a=b"]`.
fn pairs(members: Map<String, Value>, path: &str) -> Result<Vec<Value>, ToolError> {
    let pair = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok(Value::String(format!("{name}={text}"))),
        Value::Number(_) | Value::Bool(_) => Ok(Value::String(format!("{name}={value}"))),
        other => Err(wrong(&join(path, &name), "a string", &other)),
    };
    let given = members.into_iter().filter(|(name, _)| !name.is_empty());
    given.map(pair).collect()
}

/// Bytes of an object or array that was written as text. A value in it takes up to 72 bytes in memory but as little as two
/// in the text; no tool's arguments come near it.
const MAX_STRUCTURED: usize = 256 << 10;

/// An object or array that was written as text is taken for what it is.
fn structured(value: Value) -> Value {
    match &value {
        Value::String(text)
            if text.len() <= MAX_STRUCTURED && text.trim_start().starts_with(['{', '[']) =>
        {
            serde_json::from_str(text).unwrap_or(value)
        }
        _ => value,
    }
}

fn number(value: Value, path: &str) -> Result<Value, ToolError> {
    let parsed = match &value {
        Value::Number(_) => return Ok(value),
        Value::String(text) => text.trim().parse::<f64>().ok().filter(|n| n.is_finite()),
        _ => None,
    };
    match parsed.and_then(serde_json::Number::from_f64) {
        Some(number) => Ok(Value::Number(number)),
        None => Err(wrong(path, "a number", &value)),
    }
}

fn integer(value: Value, path: &str) -> Result<Value, ToolError> {
    if value.is_i64() || value.is_u64() {
        return Ok(value);
    }
    let parsed = match &value {
        Value::String(text) => match text.trim().parse::<i64>() {
            Ok(whole) => return Ok(whole.into()),
            Err(_) => text.trim().parse::<f64>().ok(),
        },
        other => other.as_f64(),
    };
    match parsed {
        Some(n) if n.fract() == 0.0 && n.abs() < 9e15 => Ok((n as i64).into()),
        _ => Err(wrong(path, "a whole number", &value)),
    }
}

fn boolean(value: Value, path: &str) -> Result<Value, ToolError> {
    let parsed = match &value {
        Value::Bool(_) => return Ok(value),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        },
        Value::Number(number) => match number.as_i64() {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
        _ => None,
    };
    parsed
        .map(Value::Bool)
        .ok_or_else(|| wrong(path, "true or false", &value))
}

fn string(value: Value, path: &str) -> Result<Value, ToolError> {
    let last = path.rsplit('.').next().unwrap_or(path);
    match value {
        Value::String(_) => Ok(value),
        Value::Number(_) | Value::Bool(_) => Ok(Value::String(value.to_string())),
        Value::Object(_) | Value::Array(_) if JSON_TEXT.contains(&last) => {
            Ok(Value::String(value.to_string()))
        }
        Value::Array(mut items) if last == TOPIC && items.len() == 1 => {
            string(items.remove(0), path)
        }
        Value::Array(_) if last == TOPIC => Err(ToolError::invalid(
            format!("`{path}` is a list, and this tool takes one filter"),
            "call it once for each, or with one filter that covers all of them",
        )),
        other => Err(wrong(path, "a string", &other)),
    }
}

fn is_in_range(schema: &Value, number: f64) -> bool {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    bound("minimum").is_none_or(|min| number >= min)
        && bound("maximum").is_none_or(|max| number <= max)
}

/// Who wants an answer longer than there is gets the longest: earlier versions and other servers have longer ones.
fn at_most(schema: &Value, value: Value, path: &str) -> Value {
    let most = schema.get("maximum").filter(|_| path == "max_bytes");
    match (value.as_f64(), most.and_then(Value::as_f64)) {
        (Some(given), Some(most)) if given > most => {
            schema.get("maximum").cloned().unwrap_or(value)
        }
        _ => value,
    }
}

fn in_range(schema: &Value, value: &Value, path: &str) -> Result<(), ToolError> {
    let Some(number) = value.as_f64() else {
        return Ok(());
    };
    if is_in_range(schema, number) {
        return Ok(());
    }
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let (min, max) = (bound("minimum"), bound("maximum"));
    let range = match (min, max) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, max) => format!("at most {}", max.unwrap_or_default()),
    };
    let default = match schema.get("default") {
        Some(default) => format!("; without it: {default}"),
        None => String::new(),
    };
    Err(ToolError::invalid(
        format!("`{path}` is {number}, which is out of range"),
        format!("give a value {range}{default}"),
    ))
}

fn one_of(schema: &Value, value: Value, path: &str) -> Result<Value, ToolError> {
    let Some(allowed) = schema.get("enum").and_then(Value::as_array) else {
        return Ok(value);
    };
    let given = value.as_str().unwrap_or_default().trim();
    let found = allowed
        .iter()
        .find(|a| a.as_str().is_some_and(|a| a.eq_ignore_ascii_case(given)));
    found.cloned().ok_or_else(|| {
        let words: Vec<_> = allowed.iter().map(Value::to_string).collect();
        ToolError::invalid(
            format!("`{path}` has a value it cannot have"),
            format!("give one of {}", words.join(", ")),
        )
    })
}

fn wrong(path: &str, expected: &str, found: &Value) -> ToolError {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    ToolError::invalid(
        format!("`{path}` must be {expected}, not {found}"),
        format!("give {expected} for `{path}`"),
    )
}

fn unknown(name: &str, path: &str, known: Option<&Map<String, Value>>) -> ToolError {
    let known: Vec<&str> = known
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
        .collect();
    let harmless = name.len() <= 40
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    let named = match harmless {
        true => Cow::from(format!("`{}`", join(path, name))),
        false => Cow::from("one"),
    };
    let next = match (nearest(name, known.iter().copied()), known.is_empty()) {
        (_, true) => "call it without arguments".to_owned(),
        (Some(near), _) => format!("did you mean `{near}`? Known: {}", known.join(", ")),
        (None, _) => format!("known: {}", known.join(", ")),
    };
    ToolError::invalid(format!("there is no argument {named}"), next)
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "duration": {"type": "number", "minimum": 0.1, "maximum": 300, "default": 30},
                "qos": {"type": "integer", "minimum": 0, "maximum": 2},
                "retain": {"type": "boolean"},
                "topic": {"type": "string"},
                "protocol": {"type": "string", "enum": ["auto", "5", "3.1.1"]},
                "expect": {"type": "object", "properties": {"seconds": {"type": "number", "minimum": 0.1}, "topic": {"type": "string"}}, "required": ["topic"]},
                "watch": {"type": "array", "items": {"type": "string"}, "maxItems": 4},
                "payload": {"type": "string"},
                "session_id": {"type": "string"}
            },
            "required": ["session_id"]
        })
    }

    fn parsed(arguments: Value) -> Result<Value, ToolError> {
        let Value::Object(map) = arguments else {
            unreachable!()
        };
        parse(&schema(), map)
    }

    fn refused(arguments: Value) -> String {
        let error = parsed(arguments).unwrap_err();
        assert_eq!(error.code, "invalid_argument");
        format!("{} | {}", error.message, error.next_step)
    }

    #[test]
    fn harmless_slips_are_put_right() {
        let given = json!({
            "session_id": "x", "duration": " 10 ", "qos": 1.0, "retain": "True", "topic": 5, "protocol": 5,
            "expect": "{\"seconds\": \"2\", \"topic\": \"a\"}", "watch": "a/#", "payload": {"on": true}
        });
        let right = json!({
            "session_id": "x", "duration": 10.0, "qos": 1, "retain": true, "topic": "5", "protocol": "5",
            "expect": {"seconds": 2.0, "topic": "a"}, "watch": ["a/#"], "payload": "{\"on\":true}"
        });
        assert_eq!(parsed(given).unwrap(), right);
    }

    #[test]
    fn filling_is_absence_except_where_the_value_may_be_meant() {
        for nothing in [
            json!({"session_id": "x", "duration": null}),
            json!({"session_id": "x", "duration": 0, "topic": "", "protocol": " ", "watch": [], "expect": {}}),
            json!({"session_id": "x", "watch": ["", null], "expect": {"topic": "", "seconds": 0}}),
            // Who fills the topic fills the whole.
            json!({"session_id": "x", "expect": {"topic": "", "seconds": 10}}),
        ] {
            assert_eq!(parsed(nothing).unwrap(), json!({"session_id": "x"}));
        }
        let meant = json!({"session_id": "x", "payload": "", "qos": 0, "retain": false});
        assert_eq!(parsed(meant.clone()).unwrap(), meant);
        assert!(refused(json!({"session_id": ""})).contains("`session_id` is missing"));
        assert!(refused(json!({"session_id": "x", "duration": -1})).contains("out of range"));
    }

    #[test]
    fn an_answer_is_as_long_as_it_may_be_at_most() {
        let schema = json!({"type": "object", "properties": {
            "max_bytes": {"type": "integer", "minimum": 10, "maximum": 100}, "offset": {"type": "integer", "maximum": 9}}});
        let given = |value: Value| parse::<Value>(&schema, value.as_object().cloned().unwrap());
        assert_eq!(
            given(json!({"max_bytes": 5_000})).unwrap(),
            json!({"max_bytes": 100})
        );
        assert!(given(json!({"max_bytes": 5})).is_err() && given(json!({"offset": 10})).is_err());
    }

    #[test]
    fn the_topic_is_understood_under_other_names() {
        for name in TOPIC_TOO {
            let given = json!({"session_id": "x", name: "a/#", "topic": ""});
            let right = json!({"session_id": "x", "topic": "a/#"});
            assert_eq!(parsed(given).unwrap(), right);
            let same = json!({"session_id": "x", name: "a/#", "topic": "a/#"});
            assert_eq!(parsed(same).unwrap(), right);
            let two = json!({"session_id": "x", name: "a/#", "topic": "b/#"});
            assert!(refused(two).contains("are one argument"));
        }
        let one = json!({"session_id": "x", "topics": ["a/#"]});
        assert_eq!(parsed(one).unwrap()["topic"], "a/#");
        let two = json!({"session_id": "x", "topics": ["a/#", "b/#"]});
        assert!(refused(two).contains("once for each"));
        // Where a message goes to is never guessed.
        let expect = json!({"session_id": "x", "expect": {"filter": "a"}});
        assert!(refused(expect).contains("no argument `expect.filter`"));
    }

    #[test]
    fn an_object_for_a_list_of_texts_is_name_and_value() {
        let given = json!({"session_id": "x", "watch": {"a": "b", "n": 1}});
        assert_eq!(parsed(given).unwrap()["watch"], json!(["a=b", "n=1"]));
        assert!(refused(json!({"session_id": "x", "watch": {"a": [1]}})).contains("watch.a"));
    }

    #[test]
    fn a_refusal_names_the_argument_and_what_would_be_right() {
        let cases = [
            (json!({}), "`session_id` is missing"),
            (
                json!({"session_id": "x", "durration": 3}),
                "did you mean `duration`?",
            ),
            (
                json!({"session_id": "x", "duration": 301}),
                "from 0.1 to 300; without it: 30",
            ),
            (
                json!({"session_id": "x", "duration": "inf"}),
                "must be a number, not text",
            ),
            (
                json!({"session_id": "x", "qos": 1.5}),
                "must be a whole number",
            ),
            (
                json!({"session_id": "x", "retain": "perhaps"}),
                "must be true or false",
            ),
            (
                json!({"session_id": ["x"]}),
                "must be a string, not an array",
            ),
            (
                json!({"session_id": "x", "protocol": "4"}),
                "\"auto\", \"5\", \"3.1.1\"",
            ),
            (
                json!({"session_id": "x", "expect": {"second": 1, "topic": "a"}}),
                "no argument `expect.second`",
            ),
            (
                json!({"session_id": "x", "expect": 3}),
                "`expect` must be an object",
            ),
            (
                json!({"session_id": "x", "wholly_else": 3}),
                "known: duration, qos",
            ),
        ];
        for (given, expected) in cases {
            let said = refused(given);
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn no_value_is_repeated() {
        for given in [
            json!({"session_id": "x", "duration": "hunter2"}),
            json!({"session_id": "x", "protocol": "hunter2"}),
            json!({"session_id": "x", "mqtt://me:hunter2@host": 1}),
            json!({"session_id": {"password": "hunter2"}}),
        ] {
            assert!(!refused(given).contains("hunter2"));
        }
    }
}
