//! Numbers that an `f64` does not hold, or just holds, through every accumulator: none panics, and all they say is finite.

extern crate std;
use super::health::{ChannelSlot, DeviceSlot, Entry, Pattern};
use super::prune::{Choice, Slot};
use super::schema::{Family, Node, Row, Storage, Value};
use super::stats::{Flow, Heavy, TopicStats};
use super::{Health, Pruner, Record, Schemas, Stats};
use crate::payload::inspect;
use crate::time::Instant;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

/// More than the thirteen alike that a range needs before its bounds are used.
const ROUNDS: u64 = 16;

/// What somebody writes where a number is expected; the last ones are at the ends of what an `f64` holds.
fn texts() -> Vec<String> {
    let (nines, zeros) = ("9".repeat(1_000), "0".repeat(1_000));
    let words = [
        "+1e999",
        "1e999",
        "-1e999",
        "1e-999",
        "inf",
        "-inf",
        "Infinity",
        "nan",
        "NaN",
        "-nan",
        "1.7976931348623157e308",
        "-1.7976931348623157e308",
        "5e-324",
        "-0.0",
        "0",
        "+0",
    ];
    let mut texts: Vec<String> = words.map(String::from).to_vec();
    texts.extend([
        nines.clone(),
        format!("-{nines}"),
        format!("{nines}.{nines}"),
        format!("0.{zeros}1"),
        format!("1{zeros}e-{zeros}"),
        format!("1e{nines}"),
    ]);
    texts
}

/// The number alone, as one field of several kinds of text, and where a device's vital signs are read.
fn payloads(number: &str) -> [(&'static str, String); 6] {
    [
        ("plant/1/level", String::from(number)),
        (
            "plant/2",
            format!("{{\"temperature\":{number},\"battery\":{number}}}"),
        ),
        (
            "zigbee2mqtt/lamp",
            format!("{{\"linkquality\":{number},\"battery\":{number}}}"),
        ),
        (
            "tele/plug/STATE",
            format!("{{\"UptimeSec\":{number},\"Wifi\":{{\"RSSI\":{number}}}}}"),
        ),
        ("plant/3", format!("level={number},flow={number}")),
        (
            "plant/4",
            format!("weather,location=us temperature={number}"),
        ),
    ]
}

/// Each text many times, then all in turn, so that each is a jump from the one before.
fn messages() -> Vec<(&'static str, String)> {
    let texts = texts();
    let alone = texts
        .iter()
        .flat_map(|text| (0..ROUNDS).flat_map(|_| payloads(text)));
    let in_turn = (0..4).flat_map(|_| texts.iter().flat_map(|text| payloads(text)));
    alone.chain(in_turn).collect()
}

fn each_record(mut take: impl FnMut(&Record<'_>)) -> Instant {
    let mut at = 0;
    for (topic, payload) in &messages() {
        at += 700_000;
        take(&Record {
            at: Instant::from_micros(at),
            topic,
            payload: payload.as_bytes(),
            qos: 0,
            retain: false,
        });
    }
    Instant::from_micros(at)
}

#[test]
fn only_finite_numbers_are_found_in_payloads() {
    let mut found = 0;
    each_record(|record| {
        let facts = inspect(record.topic, record.payload);
        assert!(facts.numbers.iter().all(|(_, number)| number.is_finite()));
        found += facts.numbers.len();
    });
    assert!(found > 0);
}

#[test]
fn the_pruner_bears_any_number() {
    let slots = vec![Slot::default(); Pruner::<Vec<Slot>, Vec<u8>>::slots_for(20)];
    let mut pruner = Pruner::new(slots, vec![0; 65_536], 20, 512);
    each_record(|record| pruner.record(record, &inspect(record.topic, record.payload)));
    let mut scratch = vec![Choice::default(); pruner.scratch_len()];
    assert!(pruner.kept(&mut scratch).count() > 0);
    assert_eq!(pruner.count(), messages().len() as u64);
}

#[test]
fn the_table_of_devices_stays_finite() {
    let room = (
        vec![DeviceSlot::default(); 16],
        vec![Entry::default(); 128],
        vec![ChannelSlot::default(); 64],
        vec![0; 16_384],
    );
    let mut health = Health::new(room, Pattern::all(), 7);
    let now = each_record(|record| {
        health.record(
            record,
            &inspect(record.topic, record.payload),
            Some(1_700_000_000_000_000),
        );
    });
    let mut channels = 0;
    for device in health.devices() {
        let _ = device.findings(now);
        for channel in device.channels().filter(|channel| channel.count > 0) {
            channels += 1;
            let numbers = [channel.last, channel.min, channel.max];
            assert!(
                numbers.iter().all(|number| number.is_finite()),
                "{channel:?}"
            );
        }
    }
    assert!(channels > 0);
}

#[test]
fn the_numbers_of_the_stream_bear_any_number() {
    let heavy = Heavy::new(vec![TopicStats::default(); 8], vec![0; 16], vec![0; 256], 7);
    let mut stats = Stats::new(vec![Flow::new(Instant::ZERO); 1], heavy);
    let mut count = 0;
    let now = each_record(|record| {
        count += 1;
        stats.record(record, record.at.as_micros(), 1);
    });
    let [all] = stats.flows() else { panic!() };
    assert_eq!(all.messages, count);
    assert!(
        all.series
            .trend(now)
            .is_none_or(|trend| trend.slope.is_finite())
    );
}

#[test]
fn schemas_name_no_number_that_json_does_not_have() {
    let memory = Storage {
        families: vec![Family::default(); 8],
        nodes: vec![Node::default(); 64],
        rows: vec![Row::default(); 64],
        values: vec![Value::default(); 64],
        text: vec![0; 16_384],
    };
    let mut schemas = Schemas::new(memory, 7);
    each_record(|record| {
        let facts = inspect(record.topic, record.payload);
        schemas.record(record, facts.class, facts.format);
    });
    assert!(schemas.families().len() > 0);
    for family in schemas.families() {
        let (mut schema, mut text) = (String::new(), String::new());
        assert!(family.write_schema(&mut schema).is_ok());
        assert!(family.write_text_schema(&mut text).is_ok());
        for schema in [schema, text] {
            // `inf` and `NaN` are no JSON, and the parser refuses what an `f64` does not hold.
            let read = serde_json::from_str::<serde_json::Value>(&schema);
            assert!(read.is_ok(), "{schema}");
        }
    }
}
