//! JSON Schemas (2020-12) of arguments and results, generated from the very types that parse and build them.
//!
//! Some hosts take no `$ref`, no `null` type, no `additionalProperties` and no root other than an object, so everything
//! is inlined and tidied: an optional member is one that is not required. A `///` on a field of the arguments is read by
//! the assistant; what arguments of several tools have in common is said in [`COMMON`].

use crate::config::Config;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// What arguments of several tools are.
const COMMON: [(&str, &str); 8] = [
    (
        "session_id",
        "Id, broker's name or connection string; default: the only one",
    ),
    ("topic", "Topic filter, e.g. home/+/temperature"),
    ("duration", "Seconds"),
    ("capture_id", "Of an earlier answer, to go on"),
    ("offset", "Entries to skip"),
    (
        "since",
        "now: listens; at once from the watch: session, 60s, 5m, 2h or RFC 3339 time",
    ),
    ("response_format", "Detail"),
    ("max_bytes", "2.7 bytes a token"),
];

/// Schema of arguments.
pub(in crate::tools) fn input<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let mut schema = generate::<T>(settings);
    if let Value::Object(root) = &mut schema {
        let properties = root.entry("properties").or_insert_with(|| json!({}));
        for (name, what) in COMMON {
            if let Some(Value::Object(member)) = properties.get_mut(name) {
                member.entry("description").or_insert(what.into());
            }
        }
    }
    schema
}

/// Schema of arguments with a `max_bytes`, whose default is a setting.
pub(in crate::tools) fn input_with_budget<T: JsonSchema>(config: &Config) -> Value {
    let mut schema = input::<T>();
    schema["properties"]["max_bytes"]["default"] = config.limits.max_bytes.into();
    schema
}

/// As it stands in the list of tools, without what says nothing to a model, since it reads every byte in every conversation:
/// lower bounds, which an error tells, and defaults that anybody expects (false, 0, the first of an enum).
pub(crate) fn listed(schema: &Value) -> Value {
    let mut listed = schema.clone();
    slim(&mut listed);
    listed
}

fn slim(schema: &mut Value) {
    if let Value::Object(map) = schema {
        map.remove("minimum");
        let first = map.get("enum").and_then(|words| words.get(0)).cloned();
        let expected = [Some(Value::Bool(false)), Some(json!(0)), first];
        if map
            .get("default")
            .is_some_and(|it| expected.iter().flatten().any(|plain| plain == it))
        {
            map.remove("default");
        }
    }
    members(schema, &mut slim);
}

/// Members of every listening tool's result, which tell nothing of the tool.
const OF_EVERY_LISTENING: [&str; 3] = ["status", "filter", "started"];

/// Schema of a result: the members that are always there, but for single numbers, with their types, without prose and lists of words, and of what is inside of
/// them only the types, since every byte of it is read by the assistant in every conversation and the result itself shows the rest.
pub(in crate::tools) fn output<T: JsonSchema>() -> Value {
    let mut schema = generate::<T>(SchemaSettings::draft2020_12().for_serialize());
    let required = schema
        .as_object_mut()
        .and_then(|root| root.remove("required"));
    shorten(&mut schema);
    members(&mut schema, &mut outline);
    if let (Some(Value::Object(all)), Some(Value::Array(names))) =
        (schema.get_mut("properties"), &required)
    {
        all.retain(|name, member| {
            let always = names.iter().any(|required| required == name);
            let counts = ["number", "integer", "boolean"]
                .iter()
                .any(|it| member["type"] == *it);
            always && !counts && !OF_EVERY_LISTENING.contains(&name.as_str())
        });
    }
    schema
}

fn shorten(schema: &mut Value) {
    if let Value::Object(map) = schema {
        for key in ["description", "minimum", "maximum", "enum", "required"] {
            map.remove(key);
        }
    }
    members(schema, &mut shorten);
}

/// Takes out what an object inside the result is made of.
fn outline(schema: &mut Value) {
    if let Value::Object(map) = schema {
        map.remove("properties");
    }
    members(schema, &mut outline);
    if let Value::Object(map) = schema
        && map.get("items") == Some(&json!({"type": "object"}))
    {
        map.remove("items");
    }
}

fn generate<T: JsonSchema>(mut settings: SchemaSettings) -> Value {
    settings.meta_schema = None;
    settings.inline_subschemas = true;
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    tidy(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.remove("description");
    }
    schema
}

/// Takes out what costs bytes or breaks hosts: titles, machine formats, the `null` of an `Option`.
fn tidy(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    // Closed objects are checked by ourselves, with a word about what was probably meant.
    for key in ["title", "$schema", "format", "additionalProperties"] {
        map.remove(key);
    }
    let nothing = [Value::Null, json!([]), json!({})];
    if map
        .get("default")
        .is_some_and(|default| nothing.contains(default))
    {
        map.remove("default");
    }
    un_null(map);
    for key in ["minimum", "maximum", "default"] {
        if let Some(value) = map.get_mut(key) {
            integral(value);
        }
    }
    members(schema, &mut tidy);
}

/// Calls `visit` with every schema directly inside of `schema`.
fn members(schema: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    let Value::Object(map) = schema else { return };
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        for member in properties.values_mut() {
            // Some hosts take no boolean for a schema.
            if *member == Value::Bool(true) {
                *member = json!({});
            }
            visit(member);
        }
    }
    for key in ["items", "not"] {
        if let Some(member) = map.get_mut(key) {
            visit(member);
        }
    }
    for key in ["prefixItems", "anyOf", "oneOf", "allOf"] {
        if let Some(Value::Array(list)) = map.get_mut(key) {
            list.iter_mut().for_each(&mut *visit);
        }
    }
}

fn un_null(map: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|t| t != "null");
        if types.len() == 1 {
            let only = types.remove(0);
            map.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(values)) = map.get_mut("enum") {
        values.retain(|v| !v.is_null());
    }
    let Some(Value::Array(members)) = map.get_mut("anyOf") else {
        return;
    };
    members.retain(|m| m.get("type") != Some(&json!("null")));
    if members.len() == 1
        && let Value::Object(only) = members.remove(0)
    {
        map.remove("anyOf");
        for (key, value) in only {
            map.entry(key).or_insert(value);
        }
    }
}

/// `300.0` as `300`.
fn integral(value: &mut Value) {
    if let Some(number) = value.as_f64()
        && number.fract() == 0.0
        && number.abs() < 9e15
    {
        *value = json!(number as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        /// Said.
        title: Option<String>,
    }

    #[derive(serde::Serialize, serde::Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        One,
        TwoWords,
    }

    #[derive(serde::Serialize, serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Probe {
        #[schemars(range(min = 0.1, max = 300.0))]
        seconds: Option<f64>,
        inner: Option<Inner>,
        kind: Option<Kind>,
        must: u64,
    }

    #[test]
    fn an_optional_member_is_one_that_is_not_required() {
        let schema = input::<Probe>();
        assert_eq!(
            schema,
            json!({
                "type": "object",
                "properties": {
                    "seconds": {"type": "number", "minimum": 0.1, "maximum": 300},
                    "inner": {
                        "type": "object",
                        "properties": {"title": {"type": "string", "description": "Said."}}
                    },
                    "kind": {"type": "string", "enum": ["one", "two_words"]},
                    "must": {"type": "integer", "minimum": 0}
                },
                "required": ["must"]
            })
        );
    }
}
