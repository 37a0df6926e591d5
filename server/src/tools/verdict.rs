//! Checks a value against a JSON Schema (2020-12) of the assistant's: the part of the vocabulary that fits on a page and
//! costs no more than one walk. Keywords outside of it are refused by name before anything is sent, never passed over.

use crate::render;
use serde_json::Value;

/// How deep a schema may nest.
const DEPTH: usize = 32;

/// Complaints told about one value.
const TOLD: usize = 5;

const KNOWN: &[&str] = &[
    "type",
    "enum",
    "const",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "prefixItems",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
];

/// Keywords that only annotate.
const SILENT: &[&str] = &[
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "format",
];

/// Whether the whole of `schema` is of the part that is checked here.
pub(super) fn understood(schema: &Value) -> Result<(), String> {
    understood_at(schema, DEPTH)
}

fn understood_at(schema: &Value, depth: usize) -> Result<(), String> {
    let map = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(map) => map,
        _ => return Err("a schema is an object, true or false".to_owned()),
    };
    let Some(depth) = depth.checked_sub(1) else {
        return Err(format!("the schema nests deeper than {DEPTH}"));
    };
    for (keyword, value) in map {
        match keyword.as_str() {
            "properties" => {
                let members = value.as_object().ok_or("`properties` must be an object")?;
                members
                    .values()
                    .try_for_each(|member| understood_at(member, depth))?;
            }
            "additionalProperties" | "items" | "not" => understood_at(value, depth)?,
            "prefixItems" | "allOf" | "anyOf" | "oneOf" => {
                let members = value
                    .as_array()
                    .ok_or_else(|| format!("`{keyword}` must be an array"))?;
                members
                    .iter()
                    .try_for_each(|member| understood_at(member, depth))?;
            }
            known if KNOWN.contains(&known) || SILENT.contains(&known) => {}
            other => {
                let other = render::clean(render::front(other, 40));
                return Err(format!(
                    "the keyword `{other}` is not checked here; checked are {}",
                    KNOWN.join(", ")
                ));
            }
        }
    }
    Ok(())
}

/// What of `value` breaks `schema`, the first few with their place; empty: nothing.
pub(super) fn broken(schema: &Value, value: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    walk(schema, value, "", &mut complaints);
    complaints.truncate(TOLD);
    complaints
}

fn fits(schema: &Value, value: &Value) -> bool {
    let mut complaints = Vec::new();
    walk(schema, value, "", &mut complaints);
    complaints.is_empty()
}

fn walk(schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let map = match schema {
        Value::Bool(true) => return,
        Value::Object(map) => map,
        _ => return complain(out, at, "must not be there"),
    };
    for (keyword, wanted) in map {
        if out.len() >= TOLD {
            return;
        }
        match keyword.as_str() {
            "type" if !has_type(wanted, value) => {
                complain(out, at, &format!("is not of type {wanted}"))
            }
            "enum"
                if !wanted
                    .as_array()
                    .is_some_and(|all| all.iter().any(|one| same(one, value))) =>
            {
                complain(out, at, "is none of the enum");
            }
            "const" if !same(wanted, value) => complain(out, at, &format!("is not {wanted}")),
            "required" | "properties" | "additionalProperties" => {
                members(keyword, map, wanted, value, at, out)
            }
            "items" | "prefixItems" => items(keyword, map, wanted, value, at, out),
            "allOf" => each(wanted).for_each(|part| walk(part, value, at, out)),
            "anyOf" if !each(wanted).any(|part| fits(part, value)) => {
                complain(out, at, "fits none of anyOf")
            }
            "oneOf" if each(wanted).filter(|part| fits(part, value)).count() != 1 => {
                complain(out, at, "does not fit exactly one of oneOf");
            }
            "not" if fits(wanted, value) => complain(out, at, "fits what it must not"),
            _ => bound(keyword, wanted, value, at, out),
        }
    }
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn complain(out: &mut Vec<String>, at: &str, what: &str) {
    let at = if at.is_empty() { "the value" } else { at };
    out.push(render::clean(render::front(&format!("{at} {what}"), 200)));
}

fn has_type(wanted: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    };
    match wanted {
        Value::String(name) => is(name),
        other => each(other).filter_map(Value::as_str).any(is),
    }
}

/// Equal as JSON Schema means it: 1 is 1.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) => x == y,
        _ => a == b,
    }
}

fn bound(keyword: &str, wanted: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let Some(limit) = wanted.as_f64() else { return };
    let measured = match keyword {
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
            value.as_f64()
        }
        "minLength" | "maxLength" => value.as_str().map(|text| text.chars().count() as f64),
        "minItems" | "maxItems" => value.as_array().map(|items| items.len() as f64),
        "minProperties" | "maxProperties" => value.as_object().map(|members| members.len() as f64),
        _ => None,
    };
    let Some(measured) = measured else { return };
    let fits = match keyword {
        "exclusiveMinimum" => measured > limit,
        "exclusiveMaximum" => measured < limit,
        "multipleOf" => (measured / limit).fract() == 0.0,
        other if other.starts_with("min") => measured >= limit,
        _ => measured <= limit,
    };
    if !fits {
        complain(out, at, &format!("breaks {keyword} {limit}"));
    }
}

fn members(
    keyword: &str,
    schema: &serde_json::Map<String, Value>,
    wanted: &Value,
    value: &Value,
    at: &str,
    out: &mut Vec<String>,
) {
    let Some(given) = value.as_object() else {
        return;
    };
    let declared = schema.get("properties").and_then(Value::as_object);
    match keyword {
        "required" => {
            for name in each(wanted).filter_map(Value::as_str) {
                if !given.contains_key(name) {
                    complain(out, &format!("{at}/{name}"), "is missing");
                }
            }
        }
        "properties" => {
            for (name, member) in wanted.as_object().into_iter().flatten() {
                if let Some(inner) = given.get(name) {
                    walk(member, inner, &format!("{at}/{name}"), out);
                }
            }
        }
        _ => {
            for (name, inner) in given {
                if !declared.is_some_and(|declared| declared.contains_key(name)) {
                    walk(wanted, inner, &format!("{at}/{name}"), out);
                }
            }
        }
    }
}

fn items(
    keyword: &str,
    schema: &serde_json::Map<String, Value>,
    wanted: &Value,
    value: &Value,
    at: &str,
    out: &mut Vec<String>,
) {
    let Some(given) = value.as_array() else {
        return;
    };
    if keyword == "prefixItems" {
        for (i, (part, inner)) in each(wanted).zip(given).enumerate() {
            walk(part, inner, &format!("{at}/{i}"), out);
        }
        return;
    }
    let prefix = schema
        .get("prefixItems")
        .map_or(0, |prefix| each(prefix).count());
    for (i, inner) in given.iter().enumerate().skip(prefix) {
        if out.len() >= TOLD {
            return;
        }
        walk(wanted, inner, &format!("{at}/{i}"), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn agrees_with_a_whole_validator() {
        let schemas = [
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 2}}}),
            json!({"type": ["string", "null"], "maxLength": 3}),
            json!({"enum": [1, "x", null]}),
            json!({"const": 1.0}),
            json!({"items": {"type": "number", "exclusiveMaximum": 5}, "minItems": 1, "type": "array"}),
            json!({"prefixItems": [{"type": "string"}], "items": {"type": "number"}}),
            json!({"oneOf": [{"type": "integer"}, {"minimum": 2}]}),
            json!({"anyOf": [{"type": "string"}, {"multipleOf": 2}]}),
            json!({"not": {"type": "object"}}),
            json!({"additionalProperties": false, "properties": {"a": true}}),
            json!({"additionalProperties": {"type": "boolean"}, "minProperties": 1}),
            json!({"allOf": [{"minimum": 1}, {"maximum": 3}]}),
            json!(false),
        ];
        let values = [
            json!({"a": 3}),
            json!({"a": 1}),
            json!({"a": true}),
            json!({"b": true}),
            json!({}),
            json!("x"),
            json!("long text"),
            json!(null),
            json!(1),
            json!(1.0),
            json!(2.5),
            json!(4),
            json!([1, 2]),
            json!(["s", 2]),
            json!(["s", "t"]),
            json!([]),
            json!([9]),
        ];
        for schema in &schemas {
            understood(schema).unwrap();
            let whole = jsonschema::validator_for(schema).unwrap();
            for value in &values {
                let complaints = broken(schema, value);
                assert_eq!(
                    complaints.is_empty(),
                    whole.is_valid(value),
                    "{schema} {value} {complaints:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_checked_is_refused_by_name() {
        let refused = understood(&json!({"properties": {"a": {"pattern": "x"}}})).unwrap_err();
        assert!(refused.contains("`pattern`"), "{refused}");
        assert!(understood(&json!({"items": {"$ref": "#"}})).is_err());
        let mut deep = json!(true);
        for _ in 0..40 {
            deep = json!({ "not": deep });
        }
        assert!(understood(&deep).unwrap_err().contains("deeper"));
    }

    #[test]
    fn complaints_name_the_place() {
        let schema = json!({"properties": {"a": {"items": {"type": "number"}}}});
        let told = broken(&schema, &json!({"a": [1, "x"]}));
        assert_eq!(told, ["/a/1 is not of type \"number\""]);
    }
}
