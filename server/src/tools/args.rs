//! Arguments against their schema: unknown names, wrong types and values out of range are refused with what would be
//! right; harmless slips (`"10"` for 10, `"true"` for true, `null` for nothing) are put right.
//!
//! No value is ever repeated in a message, except where the schema lists all that are allowed: it may be a secret.

use super::ToolError;
use crate::config::nearest;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Checks `arguments` against `schema`, which was made from `T`, and parses them.
pub(super) fn parse<T: DeserializeOwned>(
    schema: &Value,
    arguments: Map<String, Value>,
) -> Result<T, ToolError> {
    let checked = object(schema, arguments, "")?;
    serde_json::from_value(checked).map_err(|_| {
        ToolError::invalid(
            "the arguments do not fit together",
            "compare them with the tool's inputSchema",
        )
    })
}

fn object(schema: &Value, given: Map<String, Value>, path: &str) -> Result<Value, ToolError> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    let mut checked = Map::new();
    for (name, value) in given {
        if value.is_null() {
            continue;
        }
        let here = join(path, &name);
        let value = match properties.and_then(|known| known.get(&name)) {
            Some(member) => check(member, value, &here)?,
            None if closed => return Err(unknown(&name, path, properties)),
            None => match schema.get("additionalProperties") {
                Some(member) => check(member, value, &here)?,
                None => value,
            },
        };
        checked.insert(name, value);
    }
    for name in schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let name = name.as_str().unwrap_or_default();
        if !checked.contains_key(name) {
            return Err(missing(&join(path, name)));
        }
    }
    Ok(Value::Object(checked))
}

/// An argument that is needed and was not given.
pub(super) fn missing(name: &str) -> ToolError {
    let next = match name {
        "session_id" => {
            "pass the session_id that establish_connection returned (list_active_connections shows the open ones)"
        }
        "connection_string" => {
            "pass mqtt://host[:port], mqtts://, ws:// or wss://, or the name of a configured broker"
        }
        "topic" => "give a topic filter such as home/#; list_topics shows which topics there are",
        "topics" => {
            "give a list of topic filters such as [\"home/#\"]; list_topics shows which topics there are"
        }
        "device_pattern" => {
            "give a device's name or id, a part of one, or a filter: # for all devices"
        }
        _ => "call the tool again with it",
    };
    ToolError::invalid(format!("`{name}` is missing"), next)
}

fn check(schema: &Value, value: Value, path: &str) -> Result<Value, ToolError> {
    let value = match schema.get("type").and_then(Value::as_str) {
        Some("object") => match structured(value) {
            Value::Object(map) => return object(schema, map, path),
            other => return Err(wrong(path, "an object", &other)),
        },
        Some("array") => return array(schema, value, path),
        Some("number") => number(value, path)?,
        Some("integer") => integer(value, path)?,
        Some("boolean") => boolean(value, path)?,
        Some("string") => string(value, path)?,
        _ => value,
    };
    in_range(schema, &value, path)?;
    one_of(schema, value, path)
}

fn array(schema: &Value, value: Value, path: &str) -> Result<Value, ToolError> {
    let items = match structured(value) {
        Value::Array(items) => items,
        other @ Value::Object(_) => return Err(wrong(path, "an array", &other)),
        scalar => vec![scalar],
    };
    let most = schema.get("maxItems").and_then(Value::as_u64);
    if let Some(most) = most.filter(|most| items.len() as u64 > *most) {
        return Err(ToolError::invalid(
            format!("`{path}` has {} members", items.len()),
            format!("give at most {most}"),
        ));
    }
    let Some(member) = schema.get("items") else {
        return Ok(Value::Array(items));
    };
    let checked = items
        .into_iter()
        .enumerate()
        .map(|(i, item)| check(member, item, &format!("{path}[{i}]")));
    Ok(Value::Array(checked.collect::<Result<_, _>>()?))
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
    match value {
        Value::String(_) => Ok(value),
        Value::Number(_) | Value::Bool(_) => Ok(Value::String(value.to_string())),
        // What is to be sent may well be written as the JSON it is.
        Value::Object(_) | Value::Array(_) if path == "payload" => {
            Ok(Value::String(value.to_string()))
        }
        other => Err(wrong(path, "a string", &other)),
    }
}

fn in_range(schema: &Value, value: &Value, path: &str) -> Result<(), ToolError> {
    let Some(number) = value.as_f64() else {
        return Ok(());
    };
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let (min, max) = (bound("minimum"), bound("maximum"));
    if min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max) {
        return Ok(());
    }
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
                "expect": {"type": "object", "properties": {"seconds": {"type": "number"}}, "additionalProperties": false},
                "session_id": {"type": "string"}
            },
            "required": ["session_id"],
            "additionalProperties": false
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
            "expect": "{\"seconds\": \"2\"}"
        });
        let right = json!({
            "session_id": "x", "duration": 10.0, "qos": 1, "retain": true, "topic": "5", "protocol": "5",
            "expect": {"seconds": 2.0}
        });
        assert_eq!(parsed(given).unwrap(), right);
        let nothing = json!({"session_id": "x", "duration": null});
        assert_eq!(parsed(nothing).unwrap(), json!({"session_id": "x"}));
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
                json!({"session_id": "x", "expect": {"second": 1}}),
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
