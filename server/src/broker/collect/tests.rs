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
    assert_eq!(messages.error_kinds[0].topic, "room/1/t");
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
