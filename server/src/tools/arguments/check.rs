//! Arguments against their schema: unknown names, wrong types and values out of range are refused with what would be
//! right; harmless slips (`"10"` for 10, `"true"` for true) are put right.
//!
//! Strict function calling makes a model fill every argument: `null`, `""`, `[]`, `{}`, and 0 where 0 is out of range,
//! mean that an argument was not given, unless the value may well be meant ([`MEANT`]).
//! No value is ever repeated in a message, except where the schema lists all that are allowed: it may be a secret.

use super::json_schema::{self, Complaint, Steps};
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
    let repaired = object(schema, arguments, "")?.unwrap_or_default();
    let repaired = Value::Object(repaired);
    let Some(complaints) = json_schema::broken(schema, &repaired, &mut Steps::new()) else {
        return Err(ToolError::invalid(
            "the arguments have too many parts to check",
            "call it with fewer of them",
        ));
    };
    if let Some(complaint) = complaints.first() {
        return Err(refused(complaint));
    }
    serde_json::from_value(repaired).map_err(|error| {
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

/// The members put right; none if what was given is filling only. Unknown names are refused.
fn object(
    schema: &Value,
    given: Map<String, Value>,
    path: &str,
) -> Result<Option<Map<String, Value>>, ToolError> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required: Vec<&str> = each(schema, "required").filter_map(Value::as_str).collect();
    let given = under_one_name(properties, &required, given)?;
    let mut repaired = Map::new();
    let (mut filling, mut hollow) = (false, false);
    for (name, value) in given {
        let Some(known) = properties else {
            repaired.insert(name, value);
            continue;
        };
        let here = join(path, &name);
        let value = match known.get(&name) {
            _ if is_filling(&name, &value) => None,
            Some(member) => repair(member, value, &here)?,
            None => return Err(unknown(&name, path, properties)),
        };
        match value {
            Some(value) => drop(repaired.insert(name, value)),
            None => {
                filling = true;
                hollow |= required.contains(&name.as_str());
            }
        }
    }
    let nothing = !path.is_empty() && (hollow || filling && repaired.is_empty());
    Ok((!nothing).then_some(repaired))
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

/// The value put right, as far as it can be; none if it is filling.
fn repair(schema: &Value, value: Value, path: &str) -> Result<Option<Value>, ToolError> {
    let value = match schema.get("type").and_then(Value::as_str) {
        Some("object") => match structured(value) {
            Value::Object(map) => return Ok(object(schema, map, path)?.map(Value::Object)),
            other => other,
        },
        Some("array") => return array(schema, value, path),
        Some("number") => number(value),
        Some("integer") => integer(value),
        Some("boolean") => boolean(value),
        Some("string") => string(value, path),
        _ => value,
    };
    let zero = value.as_f64() == Some(0.0);
    if zero && !json_schema::fits(schema, &value, &mut Steps::new()) {
        return Ok(None);
    }
    let value = at_most(schema, value, path);
    Ok(Some(one_of(schema, value)))
}

fn array(schema: &Value, value: Value, path: &str) -> Result<Option<Value>, ToolError> {
    let items = match structured(value) {
        Value::Array(items) => items,
        Value::Object(members) => pairs(members, path)?,
        scalar => vec![scalar],
    };
    let items = items.into_iter().filter(|item| !is_filling(path, item));
    let mut repaired = Vec::new();
    for (i, item) in items.enumerate() {
        let item = match schema.get("items") {
            Some(member) => repair(member, item, &format!("{path}[{i}]"))?,
            None => Some(item),
        };
        repaired.extend(item);
    }
    Ok((!repaired.is_empty()).then_some(Value::Array(repaired)))
}

/// An object where a list of texts is wanted: `{"a": "b"}` is `["a=b"]`.
fn pairs(members: Map<String, Value>, path: &str) -> Result<Vec<Value>, ToolError> {
    let pair = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok(Value::String(format!("{name}={text}"))),
        Value::Number(_) | Value::Bool(_) => Ok(Value::String(format!("{name}={value}"))),
        other => Err(wrong(&join(path, &name), "string", &other)),
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

fn number(value: Value) -> Value {
    let parsed = value.as_str().and_then(|text| text.trim().parse().ok());
    let number = parsed.and_then(serde_json::Number::from_f64);
    number.map_or(value, Value::Number)
}

fn integer(value: Value) -> Value {
    if value.is_i64() || value.is_u64() {
        return value;
    }
    let parsed = match &value {
        Value::String(text) => match text.trim().parse::<i64>() {
            Ok(whole) => return whole.into(),
            Err(_) => text.trim().parse::<f64>().ok(),
        },
        other => other.as_f64(),
    };
    match parsed {
        Some(n) if n.fract() == 0.0 && n.abs() < 9e15 => (n as i64).into(),
        _ => value,
    }
}

fn boolean(value: Value) -> Value {
    let text = match &value {
        Value::String(text) => text.trim().to_ascii_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => return value,
    };
    match text.as_str() {
        "true" | "1" | "yes" => Value::Bool(true),
        "false" | "0" | "no" => Value::Bool(false),
        _ => value,
    }
}

fn string(value: Value, path: &str) -> Value {
    let last = path.rsplit('.').next().unwrap_or(path);
    match value {
        Value::Number(_) | Value::Bool(_) => Value::String(value.to_string()),
        Value::Object(_) | Value::Array(_) if JSON_TEXT.contains(&last) => {
            Value::String(value.to_string())
        }
        Value::Array(mut items) if last == TOPIC && items.len() == 1 => {
            string(items.remove(0), path)
        }
        other => other,
    }
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

/// A word of an enum as the enum has it.
fn one_of(schema: &Value, value: Value) -> Value {
    let given = value.as_str().unwrap_or_default().trim();
    let mut words = each(schema, "enum");
    let found = words.find(|it| it.as_str().is_some_and(|it| it.eq_ignore_ascii_case(given)));
    found.cloned().unwrap_or(value)
}

/// The error for what the schema refuses.
fn refused(complaint: &Complaint<'_>) -> ToolError {
    let path = dotted(&complaint.at);
    let wanted = complaint.wanted;
    match (complaint.keyword, complaint.value) {
        ("required", _) => missing(&path),
        ("type", Value::Array(_)) if path.rsplit('.').next() == Some(TOPIC) => ToolError::invalid(
            format!("`{path}` is a list, and this tool takes one filter"),
            "call it once for each, or with one filter that covers all of them",
        ),
        ("type", value) => wrong(&path, wanted.as_str().unwrap_or_default(), value),
        ("minimum" | "maximum", value) => out_of_range(&path, complaint.schema, value),
        ("maxItems", Value::Array(items)) => ToolError::invalid(
            format!("`{path}` has {} members", items.len()),
            format!("give at most {wanted}"),
        ),
        ("enum", _) => {
            let words: Vec<_> = each(complaint.schema, "enum")
                .map(Value::to_string)
                .collect();
            ToolError::invalid(
                format!("`{path}` has a value it cannot have"),
                format!("give one of {}", words.join(", ")),
            )
        }
        (keyword, _) => ToolError::invalid(
            format!("`{path}` breaks `{keyword}` of its schema"),
            "compare it with the tool's inputSchema",
        ),
    }
}

/// `/watch/0` as `watch[0]`.
fn dotted(pointer: &str) -> String {
    let names = pointer.split('/').skip(1);
    names.fold(String::new(), |path, name| match name.parse::<usize>() {
        Ok(index) => format!("{path}[{index}]"),
        Err(_) => join(&path, name),
    })
}

fn out_of_range(path: &str, schema: &Value, value: &Value) -> ToolError {
    let range = match (schema.get("minimum"), schema.get("maximum")) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => String::new(),
    };
    let default = match schema.get("default") {
        Some(default) => format!("; without it: {default}"),
        None => String::new(),
    };
    ToolError::invalid(
        format!(
            "`{path}` is {}, which is out of range",
            value.as_f64().unwrap_or_default()
        ),
        format!("give a value {range}{default}"),
    )
}

/// A value of another type than its schema's.
fn wrong(path: &str, kind: &str, found: &Value) -> ToolError {
    let expected = match kind {
        "object" => "an object",
        "array" => "an array",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "string" => "a string",
        _ => "a number",
    };
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
