//! Checks a value against a JSON Schema (2020-12): the part of the vocabulary that fits on a page. It checks arguments, whose
//! schemas are ours, and devices' answers, whose schemas are the assistant's; in those, [`understood`] refuses other
//! keywords by name before anything is sent.
//!
//! Invariant: a schema has at most [`PARTS`] parts, and checking the answers to one call takes at most [`STEPS`] steps.

use crate::render;
use serde_json::{Map, Value};
use std::fmt;

/// Parts of a schema: its values at every depth, those of `enum` and `const` included, long texts counted by length. The
/// schema of a device's answer has some hundred.
const PARTS: usize = 4_096;

/// Steps for all answers to one call: a part of the schema held against a part of a value is one. A thousand items
/// against a schema of fifty parts take 50,000; a million take some 50 ms.
const STEPS: usize = 1_000_000;

/// Bytes of a text that are compared or counted in one step.
const BYTES: usize = 64;

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
pub(in crate::tools) fn understood(schema: &Value) -> Result<(), String> {
    let mut left = PARTS;
    if !weighed(schema, &mut left) {
        return Err(format!("it has more than {PARTS} parts"));
    }
    understood_at(schema, DEPTH)
}

/// Takes the parts of `value` off `left`; false if there are more.
fn weighed(value: &Value, left: &mut usize) -> bool {
    let own = match value {
        Value::String(text) => 1 + text.len() / BYTES,
        _ => 1,
    };
    let Some(rest) = left.checked_sub(own) else {
        return false;
    };
    *left = rest;
    match value {
        Value::Array(items) => items.iter().all(|item| weighed(item, left)),
        Value::Object(members) => members.values().all(|member| weighed(member, left)),
        _ => true,
    }
}

/// The steps that are left for the answers to one call.
pub(in crate::tools) struct Steps(usize);

impl Steps {
    pub(in crate::tools) fn new() -> Self {
        Self(STEPS)
    }

    fn take(&mut self, steps: usize) {
        self.0 = self.0.saturating_sub(steps);
    }

    fn are_over(&self) -> bool {
        self.0 == 0
    }

    /// Whether `one` of the schema equals the value; 1 is 1.0.
    fn same(&mut self, one: &Value, value: &Value) -> bool {
        if !weighed(one, &mut self.0) {
            self.0 = 0;
        }
        same(one, value)
    }
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

/// A part of a value that breaks its schema.
pub(in crate::tools) struct Complaint<'a> {
    /// Where: a JSON Pointer, its names as they are.
    pub(in crate::tools) at: String,
    /// Which keyword is broken, what it says, and the schema in which it stands; a schema of `false` has none.
    pub(in crate::tools) keyword: &'a str,
    pub(in crate::tools) wanted: &'a Value,
    pub(in crate::tools) schema: &'a Value,
    /// What stands there.
    pub(in crate::tools) value: &'a Value,
}

impl fmt::Display for Complaint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.at.is_empty() {
            "the value"
        } else {
            &self.at
        };
        let wanted = self.wanted;
        let text = match self.keyword {
            "type" => format!("{at} is not of type {wanted}"),
            "enum" => format!("{at} is none of the enum"),
            "const" => format!("{at} is not {wanted}"),
            "required" => format!("{at} is missing"),
            "anyOf" => format!("{at} fits none of anyOf"),
            "oneOf" => format!("{at} does not fit exactly one of oneOf"),
            "not" => format!("{at} fits what it must not"),
            "" => format!("{at} must not be there"),
            other => format!(
                "{at} breaks {other} {}",
                wanted.as_f64().unwrap_or_default()
            ),
        };
        f.write_str(&render::clean(render::front(&text, 200)))
    }
}

/// What of `value` breaks `schema`, the first few; empty: nothing. None: the steps were over.
pub(in crate::tools) fn broken<'a>(
    schema: &'a Value,
    value: &'a Value,
    steps: &mut Steps,
) -> Option<Vec<Complaint<'a>>> {
    let mut complaints = Vec::new();
    walk(schema, value, "", &mut complaints, steps);
    complaints.truncate(TOLD);
    (!steps.are_over()).then_some(complaints)
}

pub(in crate::tools) fn fits(schema: &Value, value: &Value, steps: &mut Steps) -> bool {
    let mut complaints = Vec::new();
    walk(schema, value, "", &mut complaints, steps);
    complaints.is_empty()
}

fn walk<'a>(
    schema: &'a Value,
    value: &'a Value,
    at: &str,
    out: &mut Vec<Complaint<'a>>,
    steps: &mut Steps,
) {
    let complain = |out: &mut Vec<_>, keyword, wanted| {
        let at = at.to_owned();
        out.push(Complaint {
            at,
            keyword,
            wanted,
            schema,
            value,
        });
    };
    let map = match schema {
        Value::Bool(true) => return steps.take(1),
        Value::Object(map) => map,
        _ => return complain(out, "", schema),
    };
    for (keyword, wanted) in map {
        steps.take(1);
        if out.len() >= TOLD || steps.are_over() {
            return;
        }
        match keyword.as_str() {
            "type" => {
                steps.take(each(wanted).count());
                if !has_type(wanted, value) {
                    complain(out, keyword, wanted);
                }
            }
            "enum" if !each(wanted).any(|one| steps.same(one, value) || steps.are_over()) => {
                complain(out, keyword, wanted);
            }
            "const" if !steps.same(wanted, value) => complain(out, keyword, wanted),
            "required" | "properties" | "additionalProperties" => {
                members(keyword, schema, (wanted, value), at, out, steps)
            }
            "items" | "prefixItems" => items(keyword, map, (wanted, value), at, out, steps),
            "allOf" => {
                for part in each(wanted) {
                    walk(part, value, at, out, steps);
                    if out.len() >= TOLD || steps.are_over() {
                        return;
                    }
                }
            }
            "anyOf" if !each(wanted).any(|part| fits(part, value, steps) || steps.are_over()) => {
                complain(out, keyword, wanted);
            }
            "oneOf" => {
                let parts =
                    each(wanted).filter(|part| !steps.are_over() && fits(part, value, steps));
                if parts.take(2).count() != 1 {
                    complain(out, keyword, wanted);
                }
            }
            "not" if fits(wanted, value, steps) => complain(out, keyword, wanted),
            _ => {
                let text = value.as_str().map_or(0, str::len);
                steps.take(text / BYTES);
                if !within(keyword, wanted, value) {
                    complain(out, keyword, wanted);
                }
            }
        }
    }
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
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

/// Whether a value keeps within a bound; what is no bound of it bounds nothing.
fn within(keyword: &str, wanted: &Value, value: &Value) -> bool {
    let Some(limit) = wanted.as_f64() else {
        return true;
    };
    let measured = match keyword {
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
            value.as_f64()
        }
        "minLength" | "maxLength" => value.as_str().map(|text| text.chars().count() as f64),
        "minItems" | "maxItems" => value.as_array().map(|items| items.len() as f64),
        "minProperties" | "maxProperties" => value.as_object().map(|members| members.len() as f64),
        _ => None,
    };
    measured.is_none_or(|measured| match keyword {
        "exclusiveMinimum" => measured > limit,
        "exclusiveMaximum" => measured < limit,
        "multipleOf" => (measured / limit).fract() == 0.0,
        other if other.starts_with("min") => measured >= limit,
        _ => measured <= limit,
    })
}

fn members<'a>(
    keyword: &'a str,
    schema: &'a Value,
    (wanted, value): (&'a Value, &'a Value),
    at: &str,
    out: &mut Vec<Complaint<'a>>,
    steps: &mut Steps,
) {
    let Some(given) = value.as_object() else {
        return;
    };
    let full = |out: &Vec<_>, steps: &mut Steps| {
        steps.take(1);
        out.len() >= TOLD || steps.are_over()
    };
    let declared = schema.get("properties").and_then(Value::as_object);
    match keyword {
        "required" => {
            for name in each(wanted).filter_map(Value::as_str) {
                if full(out, steps) {
                    return;
                }
                if !given.contains_key(name) {
                    out.push(Complaint {
                        at: format!("{at}/{name}"),
                        keyword,
                        wanted,
                        schema,
                        value,
                    });
                }
            }
        }
        "properties" => {
            for (name, member) in wanted.as_object().into_iter().flatten() {
                if full(out, steps) {
                    return;
                }
                if let Some(inner) = given.get(name) {
                    walk(member, inner, &format!("{at}/{name}"), out, steps);
                }
            }
        }
        _ => {
            for (name, inner) in given {
                if full(out, steps) {
                    return;
                }
                if !declared.is_some_and(|declared| declared.contains_key(name)) {
                    walk(wanted, inner, &format!("{at}/{name}"), out, steps);
                }
            }
        }
    }
}

fn items<'a>(
    keyword: &str,
    schema: &Map<String, Value>,
    (wanted, value): (&'a Value, &'a Value),
    at: &str,
    out: &mut Vec<Complaint<'a>>,
    steps: &mut Steps,
) {
    let Some(given) = value.as_array() else {
        return;
    };
    let prefix = schema
        .get("prefixItems")
        .map_or(0, |prefix| each(prefix).count());
    steps.take(prefix);
    let parts: Box<dyn Iterator<Item = (&'a Value, (usize, &'a Value))>> = match keyword {
        "prefixItems" => Box::new(each(wanted).zip(given.iter().enumerate())),
        _ => {
            let rest = given.iter().enumerate().skip(prefix);
            Box::new(rest.map(|item| (wanted, item)))
        }
    };
    for (part, (i, inner)) in parts {
        if out.len() >= TOLD || steps.are_over() {
            return;
        }
        walk(part, inner, &format!("{at}/{i}"), out, steps);
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
                let complaints = broken(schema, value, &mut Steps::new()).unwrap();
                assert_eq!(
                    complaints.is_empty(),
                    whole.is_valid(value),
                    "{schema} {value}"
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
        let value = json!({"a": [1, "x"]});
        let complaints = broken(&schema, &value, &mut Steps::new()).unwrap();
        let texts: Vec<String> = complaints.iter().map(Complaint::to_string).collect();
        assert_eq!(texts, ["/a/1 is not of type \"number\""]);
    }

    #[test]
    fn a_schema_that_is_too_large_is_refused() {
        let alternatives = |number: usize| json!({"enum": (0..number).collect::<Vec<_>>()});
        assert!(understood(&alternatives(4_000)).is_ok());
        assert!(
            understood(&alternatives(5_000))
                .unwrap_err()
                .contains("4096 parts")
        );
        assert!(understood(&json!({"const": "x".repeat(300_000)})).is_err());
        let many = json!({"anyOf": vec![json!({"type": "string"}); 2_500]});
        assert!(understood(&many).unwrap_err().contains("parts"));
    }

    #[test]
    fn checking_ends_when_its_steps_are_over() {
        let items: Vec<u32> = vec![1; 8_000];
        let numbers: Vec<u32> = (2..3_000).chain([1]).collect();
        // An alternative is two parts of a schema.
        let alternatives = numbers[1_000..].iter();
        let parts: Vec<Value> = alternatives.map(|n| json!({"const": n})).collect();
        let required: Vec<String> = (0..4_000).map(|n| n.to_string()).collect();
        let named: serde_json::Map<String, Value> = required
            .iter()
            .map(|name| (name.clone(), json!(1)))
            .collect();
        let objects = vec![Value::Object(named); 300];
        let types = [vec!["string"; 4_000], vec!["integer"]].concat();
        for (schema, value) in [
            (json!({"items": {"enum": numbers}}), json!(items)),
            (json!({"items": {"anyOf": parts}}), json!(items)),
            (json!({"items": {"oneOf": parts}}), json!(items)),
            (json!({"items": {"required": required}}), json!(objects)),
            (json!({"items": {"type": types}}), json!(items)),
            (
                json!({"allOf": vec![json!({"minLength": 1}); 1_000]}),
                json!("x".repeat(80_000)),
            ),
        ] {
            understood(&schema).unwrap();
            let mut steps = Steps::new();
            assert!(broken(&schema, &value, &mut steps).is_none());
            assert_eq!(steps.0, 0);
        }
    }

    #[test]
    fn what_a_device_answers_takes_few_steps() {
        let one = json!({"type": "object", "required": ["id", "state"], "properties": {
            "id": {"type": "integer", "minimum": 0}, "state": {"enum": ["on", "off", "unknown"]}}});
        let items = vec![json!({"id": 7, "state": "off"}); 1_000];
        let mut steps = Steps::new();
        let schema = json!({"type": "array", "items": one});
        assert!(broken(&schema, &json!(items), &mut steps).is_some_and(|it| it.is_empty()));
        let taken = STEPS - steps.0;
        assert!((8_000..20_000).contains(&taken), "{taken}");
    }
}
