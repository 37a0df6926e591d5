//! Schemas of small streams, and that shards are the stream.

extern crate std;
use super::{Confidence, Family, Node, Row, Schemas, Storage, Value};
use crate::payload::{Facts, inspect};
use crate::reduce::Record;
use crate::time::Instant;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

pub(super) type Memory = Schemas<Vec<Family>, Vec<Node>, Vec<Row>, Vec<Value>, Vec<u8>>;

fn memory() -> Memory {
    bounded(512, 256, 512, 8_192)
}

fn bounded(nodes: usize, rows: usize, values: usize, text: usize) -> Memory {
    let memory = Storage {
        families: vec![Family::default(); 4],
        nodes: vec![Node::default(); nodes],
        rows: vec![Row::default(); rows],
        values: vec![Value::default(); values],
        text: vec![0; text],
    };
    Schemas::new(memory, 7)
}

fn feed(schemas: &mut Memory, at: u64, topic: &str, payload: &[u8]) {
    let Facts { class, format, .. } = inspect(topic, payload);
    let at = Instant::from_micros(at);
    let record = Record {
        at,
        topic,
        payload,
        qos: 0,
        retain: false,
    };
    schemas.record(&record, class, format);
}

pub(super) fn of<T: AsRef<str>>(messages: impl IntoIterator<Item = T>) -> Memory {
    let mut schemas = memory();
    for (at, message) in messages.into_iter().enumerate() {
        feed(&mut schemas, at as u64, "a", message.as_ref().as_bytes());
    }
    schemas
}

fn written(schemas: &Memory) -> String {
    let mut text = String::new();
    let family = schemas.families().next().expect("a family");
    family.write_schema(&mut text).expect("room in a string");
    text
}

/// The schema of the only family, without its `$schema`.
pub(super) fn schema(schemas: &Memory) -> Json {
    let mut schema: Json = serde_json::from_str(&written(schemas)).expect("valid JSON");
    let dialect = schema
        .as_object_mut()
        .and_then(|schema| schema.shift_remove("$schema"));
    assert_eq!(
        dialect,
        Some(json!("https://json-schema.org/draft/2020-12/schema"))
    );
    schema
}

fn outliers(schemas: &Memory) -> u64 {
    schemas.families().map(|family| family.outliers()).sum()
}

/// Without the order of what has none.
fn sorted(json: Json) -> Json {
    match json {
        Json::Array(items) => {
            let mut items: Vec<Json> = items.into_iter().map(sorted).collect();
            items.sort_by_key(Json::to_string);
            Json::Array(items)
        }
        Json::Object(members) => {
            let mut members: Vec<_> = members
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(members.into_iter().collect())
        }
        other => other,
    }
}

#[test]
fn a_reading_is_told_whole() {
    let message = |n: u32| {
        let battery = if n.is_multiple_of(4) {
            String::new()
        } else {
            format!(",\"battery\":{}", 90 + n % 10)
        };
        let state = ["ON", "OFF"][n as usize % 2];
        format!(
            r#"{{"t":{}.5,"state":"{state}","at":"2026-01-02T03:04:{:02}Z"{battery}}}"#,
            20 + n % 5,
            n % 60
        )
    };
    let schemas = of((0..100).map(message));
    let expected = json!({
        "type": "object",
        "properties": {
            "t": {"type": "number", "minimum": 15, "maximum": 31},
            "state": {"enum": ["OFF", "ON"]},
            "at": {"type": "string", "format": "date-time",
                "pattern": r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))$"},
            "battery": {"type": "integer", "minimum": 67, "maximum": 130},
        },
        "required": ["t", "state", "at"],
        "additionalProperties": false,
    });
    let found = schema(&schemas);
    assert_eq!(
        found["properties"]["state"],
        expected["properties"]["state"]
    );
    assert_eq!(found["properties"]["at"], expected["properties"]["at"]);
    assert_eq!(found["required"], expected["required"]);
    assert_eq!(found["additionalProperties"], false);
    let t = &found["properties"]["t"];
    assert!(
        t["minimum"].as_f64() < Some(20.5) && t["maximum"].as_f64() > Some(24.5),
        "{t}"
    );
    assert_eq!(found["properties"]["battery"]["type"], "integer");
    let family = schemas.families().next().expect("a family");
    // None of the hundred would have been refused by the others; the next one may be.
    assert_eq!(family.confidence(), (1.0 - 1.0 / 102.0, Confidence::High));
    assert_eq!((family.messages(), family.topics()), (100, 1));
}

#[test]
fn kinds_that_come_together_are_told_apart() {
    let message = |n: usize| {
        [
            r#"{"type":"gps","lat":1.5,"lon":2.5}"#,
            r#"{"type":"door","open":true,"battery":90}"#,
            r#"{"type":"gps","lat":1.25,"lon":2.75,"speed":7}"#,
        ][n % 3]
    };
    let schema = schema(&of((0..60).map(message)));
    let kinds = schema["oneOf"].as_array().expect("kinds");
    assert_eq!(kinds.len(), 2, "{schema}");
    assert_eq!(kinds[0]["properties"]["type"], json!({"const": "gps"}));
    assert_eq!(kinds[0]["required"], json!(["type", "lat", "lon"]));
    assert_eq!(kinds[1]["properties"]["type"], json!({"const": "door"}));
    assert_eq!(kinds[1]["required"], json!(["type", "open", "battery"]));
}

#[test]
fn kinds_that_require_what_others_lack_are_one_of() {
    let message = |n: usize| {
        let (name, optional) = (["a", "b"][n % 2], ["", r#","x":1"#, r#","y":2"#][n % 3]);
        match n % 5 {
            0..=2 => format!(r#"{{"{name}1":1,"{name}2":1,"{name}3":1,"{name}4":1{optional}}}"#),
            _ => format!(r#"{{"state":"{}"}}"#, ["on", "off"][n % 2]),
        }
    };
    let unions = schema(&of((0..120).map(message)));
    assert!(unions["oneOf"].is_array(), "{unions}");
}

#[test]
fn a_mixture_of_members_that_are_known_is_no_surprise() {
    let sure = |last: &str| {
        let message = |n: usize| {
            let part = |bit: usize, text| if (n % 7) >> bit & 1 == 1 { text } else { "" };
            let (b, c, d) = (
                part(0, r#","b":2"#),
                part(1, r#","c":3"#),
                part(2, r#","d":4"#),
            );
            format!(r#"{{"a":1{b}{c}{d}}}"#)
        };
        let all = (0..98).map(message).chain([last.to_string()]);
        let schemas = of(all);
        schemas.families().next().expect("a family").confidence().0
    };
    assert_eq!(sure(r#"{"a":1,"b":2,"c":3,"d":4}"#), 1.0 - 1.0 / 101.0);
    // One message, however much of it is new.
    assert_eq!(sure(r#"{"a":{"k":1},"e":[],"f":null}"#), 1.0 - 2.0 / 101.0);
}

#[test]
fn members_that_come_by_themselves_are_optional() {
    let message = |n: u32| {
        let part = |bit: u32, text: &'static str| if n >> bit & 1 == 1 { text } else { "" };
        format!(
            r#"{{"a":1{}{}{}}}"#,
            part(0, r#","b":2"#),
            part(1, r#","c":3"#),
            part(2, r#","d":null"#)
        )
    };
    let schema = schema(&of((0..64).map(message)));
    assert_eq!(schema["required"], json!(["a"]), "{schema}");
    assert_eq!(schema["properties"]["d"], json!({"type": "null"}));
}

#[test]
fn maps_tuples_and_lists_are_told_from_records() {
    let message = |n: u64| {
        format!(
            r#"{{"devices":{{"0x00158d{:04x}":{{"rssi":-{}}}}},"point":["x",{n}],"list":[{}]}}"#,
            n * 7_919 % 65_536,
            n % 40,
            ["1", "1,2"][n as usize % 2]
        )
    };
    let schema = schema(&of((0..40).map(message)));
    let members = &schema["properties"];
    let devices = members["devices"]["patternProperties"]
        .as_object()
        .expect("a map");
    assert_eq!(
        devices.values().next().expect("a pattern")["required"],
        json!(["rssi"])
    );
    let items = members["point"]["prefixItems"].as_array().expect("a tuple");
    assert_eq!((items.len(), &items[1]["type"]), (2, &json!("integer")));
    assert_eq!(members["list"]["items"]["type"], "integer");
}

#[test]
fn keys_that_become_data_amid_a_message_are_counted_once() {
    let message = r#"{"1":{"v":1},"2":{"v":2},"3":{"v":3},"4":{"v":4},"n":0}"#;
    let schemas = of(vec![message; 10]);
    let schema = schema(&schemas);
    let inner = schema["patternProperties"]
        .as_object()
        .and_then(|map| map.values().next());
    assert_eq!(
        inner.map(|inner| &inner["required"]),
        Some(&json!(["v"])),
        "{schema}"
    );
    assert_eq!(schema["required"], json!(["n"]));
}

#[test]
fn keys_and_values_are_escaped() {
    let schemas = of(vec![r#"{"a\"\u0062\n":"x\\y","ä":"\u00e4"}"#; 20]);
    let schema = schema(&schemas);
    assert_eq!(schema["properties"]["a\"b\n"], json!({"const": "x\\y"}));
    assert_eq!(schema["properties"]["ä"], json!({"const": "ä"}));
}

#[test]
fn few_messages_claim_little() {
    let schemas = of([r#"{"a":"x","b":1}"#, r#"{"a":"y","b":2}"#]);
    let found = schema(&schemas);
    assert_eq!(
        found["properties"],
        json!({"a": {"type": "string"}, "b": {"type": "integer"}})
    );
    assert_eq!(found.get("additionalProperties"), None);
    assert_eq!(
        schemas
            .families()
            .next()
            .map(|family| family.confidence().1),
        Some(Confidence::Low)
    );
}

#[test]
fn bounds_cost_members_not_memory() {
    let mut schemas = bounded(6, 2, 2, 64);
    for n in 0..100u64 {
        let payload = format!(r#"{{"k{}":"v{n}","x":{{"y{n}":[{{}}]}}}}"#, n % 20);
        feed(&mut schemas, n, "a", payload.as_bytes());
    }
    let lost = schemas.lost();
    assert!(lost.members > 0 && lost.values > 0, "{lost:?}");
    // What could not be kept may come again.
    assert_eq!(schema(&schemas).get("additionalProperties"), None);
}

#[test]
fn what_is_no_json_leaves_no_trace_in_the_schema() {
    let mut schemas = of([r#"{"a":1}"#; 5]);
    let record = |payload| Record {
        at: Instant::ZERO,
        topic: "a",
        payload,
        qos: 0,
        retain: false,
    };
    let class = inspect("a", b"").class;
    let before = written(&schemas);
    schemas.record(
        &record(br#"{"a":2,"b":"#),
        class,
        crate::payload::Format::JsonObject,
    );
    assert_eq!((written(&schemas), schemas.lost().broken), (before, 1));
}

#[test]
fn deep_and_long_messages_are_taken() {
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let long = format!("[{}]", vec![r#"{"a":1,"b":"x"}"#; 5_000].join(","));
    let schemas = of([deep, long]);
    assert_eq!(schemas.lost().deep, 1);
    let schema = schema(&schemas);
    let items = &schema["items"];
    assert_eq!(items["properties"]["a"]["type"], "integer", "{schema}");
    assert_eq!((&items["type"], outliers(&schemas)), (&json!("object"), 1));
}

fn scalars() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-50i64..50).prop_map(Json::from),
        (-50i64..50).prop_map(|n| Json::from(n as f64 / 8.0)),
        "[a-c]{0,2}".prop_map(Json::from),
    ]
}

fn messages() -> impl Strategy<Value = Json> {
    scalars().prop_recursive(3, 12, 4, |inner| {
        let key = prop_oneof!["[a-d]", "[1-6]"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((key, inner), 0..5)
                .prop_map(|members| members.into_iter().collect::<Json>()),
        ]
    })
}

proptest! {
    #[test]
    fn shards_merged_in_any_order_are_the_stream(messages in prop::collection::vec(messages(), 0..40), cuts in (0usize..40, 0usize..40)) {
        let texts: Vec<String> = messages.iter().map(Json::to_string).collect();
        let first = cuts.0.min(texts.len());
        let second = (first + cuts.1).min(texts.len());
        let parts = [&texts[..first], &texts[first..second], &texts[second..]].map(|part| of(part.iter()));
        let shown = |schemas: &Memory| {
            let mut found: Vec<String> = Vec::new();
            for family in schemas.families() {
                let mut text = String::new();
                family.write_schema(&mut text).expect("room");
                let schema = sorted(serde_json::from_str(&text).expect("JSON"));
                found.push(format!("{schema} {:?} {} {:?}", family.confidence(), family.messages(), family.bytes()));
            }
            found.sort();
            found
        };
        let merged = |order: [usize; 3]| {
            let mut all = memory();
            for part in order {
                all.merge(&parts[part]);
            }
            shown(&all)
        };
        let whole = shown(&of(texts.iter()));
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            prop_assert_eq!(&merged(order), &whole);
        }
        let mut right = of(texts[first..second].iter());
        right.merge(&parts[2]);
        let mut nested = of(texts[..first].iter());
        nested.merge(&right);
        prop_assert_eq!(&shown(&nested), &whole);
    }
}
