//! Collectors fed by hand.

use super::{Arrival, Collector};
use crate::broker::report::{WantMessages, Wants};
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::time::Instant;
use std::time::Duration;

fn wants(messages: bool, topics: Option<usize>) -> Wants {
    let messages = messages.then_some(WantMessages {
        target: 10,
        payload_bytes: 64,
    });
    Wants {
        messages,
        topics,
        ..Wants::default()
    }
}

fn feed(collector: &mut Collector, millis: u64, topic: &str, payload: &[u8]) -> bool {
    collector.record(&Arrival {
        at: Instant::from_micros(millis * 1_000),
        wall_us: 1_790_000_000_000_000 + millis * 1_000,
        matched: 1,
        topic,
        payload,
        decoded: None,
        qos: QoS::AtLeastOnce,
        retain: false,
    })
}

#[test]
fn findings_count_from_the_start_and_keep_what_matters() {
    let start = Instant::from_micros(5_000_000);
    let mut collector = Collector::new(&wants(true, Some(100)), start);
    for n in 0..1_000 {
        let payload = format!("{{\"t\":{}}}", n % 7);
        feed(
            &mut collector,
            5_000 + n,
            &format!("room/{}/t", n % 4),
            payload.as_bytes(),
        );
    }
    feed(
        &mut collector,
        6_000,
        "room/1/t",
        br#"{"error":"sensor lost"}"#,
    );
    feed(&mut collector, 6_001, "room/1/t", &[b'x'; 500]);
    let findings = collector.findings(Instant::from_micros(10_000_000));
    let messages = findings.messages.unwrap();
    assert!(messages.kept.len() <= 10 && messages.kept.is_sorted_by_key(|kept| kept.at));
    assert_eq!(messages.kept[0].at, Duration::ZERO);
    let error = messages
        .kept
        .iter()
        .find(|kept| kept.why[0] == "error")
        .unwrap();
    assert_eq!(
        error.severity,
        Some(("error", String::from("error: sensor lost")))
    );
    assert_eq!((error.qos, error.format), (QoS::AtLeastOnce, "json_object"));
    assert_eq!((messages.errors, messages.error_kinds.len()), (1, 1));
    assert_eq!(messages.error_kinds[0].pattern, "room/1/t");
    assert_eq!(messages.error_kinds[0].first, Duration::from_secs(1));
    let last = messages.kept.last().unwrap();
    assert_eq!((last.payload.len(), last.payload_bytes), (64, 500));
    assert_eq!(messages.formats, [("json_object", 1_001), ("text", 1)]);
    let topics = findings.topics.unwrap();
    let names: Vec<_> = topics
        .topics
        .iter()
        .map(|topic| topic.topic.as_str())
        .collect();
    assert_eq!(names, ["room/0/t", "room/1/t", "room/2/t", "room/3/t"]);
    assert_eq!((topics.seen, topics.estimated), (4, false));
}

#[test]
fn only_what_is_wanted_is_there() {
    let start = Instant::ZERO;
    let mut topics = Collector::new(&wants(false, Some(2)), start);
    assert!(topics.messages.is_none());
    assert!(feed(&mut topics, 1, "a", b"1"));
    assert!(!feed(&mut topics, 2, "a", b"1"));
    assert!(
        topics
            .findings(Instant::from_micros(10_000_000))
            .messages
            .is_none()
    );
    let mut messages = Collector::new(&wants(true, None), start);
    assert!(feed(&mut messages, 1, "a", b"1"));
    assert!(!feed(&mut messages, 2, "a", b"1"));
    assert!(
        messages
            .findings(Instant::from_micros(10_000_000))
            .topics
            .is_none()
    );
    assert_eq!((topics.topics_seen(), messages.topics_seen()), (1, 1));
}

#[test]
fn what_came_before_the_start_counts_as_its_beginning() {
    let mut collector = Collector::new(&wants(true, None), Instant::from_micros(1_000_000));
    feed(&mut collector, 900, "a", b"1");
    assert_eq!(
        collector
            .findings(Instant::from_micros(10_000_000))
            .messages
            .unwrap()
            .kept[0]
            .at,
        Duration::ZERO
    );
}

#[test]
fn what_is_inside_of_a_wrapping_is_told() {
    let start = Instant::ZERO;
    let mut collector = Collector::new(&wants(true, None), start);
    // {"temp":21.5,"hum":40}
    feed(&mut collector, 1, "a", b"eyJ0ZW1wIjoyMS41LCJodW0iOjQwfQ==");
    feed(&mut collector, 2, "a", br#"{"temp":21.5}"#);
    let findings = collector.findings(Instant::from_micros(10_000));
    let kept = findings.messages.unwrap().kept;
    let told: Vec<_> = kept.iter().map(|kept| (kept.format, kept.wraps)).collect();
    assert_eq!(
        told,
        [("base64", Some("json_object")), ("json_object", None)]
    );
}

fn schemas(messages: &[(&str, &[u8])]) -> crate::broker::report::SchemaFindings {
    let schema = crate::broker::report::WantSchema {
        families: 16,
        example_bytes: 64,
        room: false,
    };
    let wants = Wants {
        schema: Some(schema),
        ..Wants::default()
    };
    let mut collector = Collector::new(&wants, Instant::ZERO);
    for (at, (topic, payload)) in messages.iter().enumerate() {
        feed(&mut collector, at as u64, topic, payload);
    }
    collector.findings(Instant::ZERO).schema.unwrap()
}

#[test]
fn families_of_like_messages_on_like_topics_are_one() {
    let mut messages: Vec<(&str, &[u8])> = Vec::new();
    for _ in 0..10 {
        for topic in ["home/lamp/state", "home/door/state", "home/fan/state"] {
            messages.push((topic, br#"{"on":true,"level":3}"#));
        }
        messages.push(("home/lamp/power", br#"{"watts":3.5}"#));
        messages.push(("$SYS/uptime", b"17"));
        messages.push(("office/uptime", b"17"));
    }
    let found = schemas(&messages);
    let told: Vec<_> = found
        .families
        .iter()
        .map(|family| {
            (
                family.pattern.as_str(),
                family.topics,
                family.messages,
                family.sample,
            )
        })
        .collect();
    let expected = [
        ("home/+/state", 3, 30, 30),
        ("$SYS/uptime", 1, 10, 10),
        ("home/lamp/power", 1, 10, 10),
        ("office/uptime", 1, 10, 10),
    ];
    assert_eq!(told, expected);
    let schema: serde_json::Value =
        serde_json::from_str(found.families[0].schema.as_ref().unwrap()).unwrap();
    assert_eq!(schema["required"], serde_json::json!(["on", "level"]));
    // None of thirty would have been refused by the others.
    assert_eq!(found.families[0].confidence, (1.0 - 1.0 / 32.0, "High"));
    assert_eq!(found.families[0].examples.len(), 2);
    assert_eq!((found.messages_beyond, found.members_lost), (0, 0));
}

#[test]
fn a_command_and_its_state_are_apart_and_one_topic_is_no_pattern() {
    let mut messages: Vec<(&str, &[u8])> = Vec::new();
    for _ in 0..6 {
        messages.extend([
            ("cmnd/boiler/POWER", &b"on"[..]),
            ("stat/boiler/POWER", b"on"),
        ]);
        messages.extend([("well/main/flow", &b"17"[..]), ("well/main/flow", b"18.5")]);
    }
    // So many others that bare numbers are no longer told apart by their topics.
    for n in ["a/x", "b/y", "c/z", "d/w", "e/v"] {
        messages.push((n, br#"{"k":1}"#));
        messages.push(("well/main/flow", b"19"));
    }
    let found = schemas(&messages);
    let patterns: Vec<&str> = found.families.iter().map(|it| &*it.pattern).collect();
    for topic in ["cmnd/boiler/POWER", "stat/boiler/POWER", "well/main/flow"] {
        assert!(patterns.contains(&topic), "{patterns:?}");
    }
}

#[test]
fn what_is_no_json_is_told_by_its_own_traits() {
    let gzip: &[u8] = &[0x1f, 0x8b, 8, 0, 1, 2, 3, 4];
    let xml = br#"<reading id="7"><t unit="C">21.5</t><t unit="C">22</t></reading>"#;
    let mut messages: Vec<(&str, &[u8])> = Vec::new();
    for _ in 0..20 {
        messages.extend([("x/xml", &xml[..]), ("x/bin", gzip), ("x/word", b"OFF")]);
        messages.push(("x/kv", b"t=21.5 ok=yes"));
    }
    messages.push(("x/word", b"17"));
    let found = schemas(&messages);
    let of = |pattern: &str| {
        let mut families = found.families.iter();
        families.find(|family| family.pattern == pattern).unwrap()
    };
    let shape = |pattern: &str| {
        let (schema, _) = of(pattern).text.clone().unwrap();
        serde_json::from_str::<serde_json::Value>(&schema).unwrap()
    };
    let reading = shape("x/xml")["properties"]["reading"]["properties"].clone();
    let t = &reading["t"]["properties"]["#"];
    assert_eq!(t["description"], "received 21.5 to 22");
    assert_eq!(reading["@"]["properties"]["id"]["type"], "integer");
    let members = shape("x/kv")["properties"].clone();
    assert_eq!(members["t"]["type"], "number");
    assert_eq!(members["ok"]["const"], "yes");
    let (count, entropy, magic) = of("x/bin").binary.clone().unwrap();
    assert_eq!((count, magic), (20, vec![0x1f, 0x8b, 8, 0]));
    assert!((entropy - 3.0).abs() < 0.01, "{entropy}");
    let word = of("x/word");
    let (schema, values) = word.text.clone().unwrap();
    assert_eq!(
        (schema.as_str(), values),
        (r#"{"const":"OFF"}"#, vec!["OFF".to_owned()])
    );
    assert_eq!(word.formats, [("text", 20), ("number", 1)]);
    assert_eq!((word.sample, word.confidence.1), (1, "Low"));
}

#[test]
fn a_field_that_changes_its_type_is_named() {
    let mut messages: Vec<(&str, &[u8])> = vec![("a", br#"{"v":{"x":1}}"#); 5];
    messages.push(("a", br#"{"v":{"x":"n/a"}}"#));
    let changed = &schemas(&messages).families[0].changed;
    assert_eq!((changed.len(), changed[0].path.as_str()), (1, "v.x"));
    assert_eq!(changed[0].types, [("number", 5), ("string", 1)]);
    assert_eq!(changed[0].last, Duration::from_millis(5));
}
