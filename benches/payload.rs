//! One pass over a payload, beside serde_json and genson-rs in the same run: the strict walk alone, the inspection
//! (format, severity, shape, numbers, states), the pruner, the schema with the strict walk that is its own.
//! `cargo bench -p bitsperity-mqtt-benches --bench payload`
//!
//! genson-rs makes mimalloc the allocator of the whole program: what serde_json allocates here, it allocates there.

#![allow(clippy::print_stdout)] // the bytes of state, beside the times

use bitsperity_mqtt_core::payload::json::{Scalar, Text as Raw, Visitor, walk};
use bitsperity_mqtt_core::payload::{Facts, Memo, inspect, inspect_with};
use bitsperity_mqtt_core::reduce::prune::Slot;
use bitsperity_mqtt_core::reduce::schema::{Family, Node, Row, Storage, Value as Text};
use bitsperity_mqtt_core::reduce::{Pruner, Record, Schemas};
use bitsperity_mqtt_core::time::Instant;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use genson_rs::{build_single_json_object_schema, get_builder};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::hint::black_box;

const TARGET: usize = 50;
const ARENA: usize = 256 * 1024;

type Boxed = Pruner<Box<[Slot]>, Box<[u8]>>;

/// Topic and payload.
type Message = (String, String);

/// Telemetry of 240 bytes.
fn telemetry(n: u64) -> Message {
    let (whole, part) = (18 + n % 9, n % 10);
    let payload = format!(
        r#"{{"timestamp":{}.25,"device_id":"b8:27:eb:bf:{:02x}:51","firmware":"2.14.1","site":"building-2, north hall, level 3","temperature":{whole}.{part},"humidity":{}.5,"pressure":1013.{part},"battery":{},"rssi":-{},"motion":{},"light":false,"mode":"auto"}}"#,
        1_700_000_000 + n,
        n % 200,
        40 + n % 20,
        80 + n % 19,
        50 + n % 30,
        n.is_multiple_of(7),
    );
    (
        format!("site/line{}/sensor{:03}/state", n % 4, n % 200),
        payload,
    )
}

/// Two kilobytes of nested JSON.
fn nested(n: u64) -> Message {
    let channel = |k: u64| {
        json!({"id": k, "name": format!("channel {k}"), "output": (n + k).is_multiple_of(3), "apower": 11.5 + k as f64,
            "voltage": 230.1, "current": 0.05 * k as f64, "temperature": {"tC": 41.0 + (n % 9) as f64, "tF": 105.8}})
    };
    let payload = json!({
        "src": format!("meter-{}", n % 50), "method": "NotifyStatus",
        "params": {"ts": 1_700_000_000.5 + n as f64, "channels": (0..14).map(channel).collect::<Vec<_>>()},
        "wifi": {"ssid": "plant", "rssi": -60, "status": "got ip"}, "cloud": {"connected": true},
    });
    (format!("plant/meter{}/status", n % 50), payload.to_string())
}

/// What a broker carries: JSON, bare values, lines of logs, pairs.
fn mixed(n: u64) -> Message {
    match n % 5 {
        0 | 1 => telemetry(n),
        2 => (
            format!("home/{}/temperature", n % 30),
            format!("{}.{}", n % 30, n % 10),
        ),
        3 => (
            String::from("logs/gateway"),
            format!("2026-01-02 03:04:05 INFO bridge: {n} messages forwarded"),
        ),
        _ => (
            String::from("telegraf/host"),
            format!(
                "cpu,host=a usage_user={}.5,usage_system=3i {}",
                n % 90,
                1_700_000_000 + n
            ),
        ),
    }
}

struct Ignore;

impl Visitor<'_> for Ignore {
    fn open(&mut self, _: bool) {}
    fn close(&mut self) {}
    fn key(&mut self, _: Raw<'_>) {}
    fn scalar(&mut self, _: Scalar<'_>) {}
}

fn payloads(c: &mut Criterion) {
    let mut all = |name, make: fn(u64) -> Message| {
        let messages: Vec<Message> = (0..2_048).map(make).collect();
        measure(c, name, &messages);
    };
    all("240 bytes", telemetry);
    all("mixed", mixed);
    all("2 KB", nested);
    let slots = Boxed::slots_for(TARGET) * size_of::<Slot>();
    println!(
        "bytes of state: memo {}, pruner of {TARGET} {} with slots, and {ARENA} of arena; schemas {} with room for \
         {FAMILIES} families, {} of it for one of them: {PATHS} paths of {}, {ROWS} sets of members of {}, {TEXTS} \
         strings of {}, {KEYS} of keys and topics",
        size_of::<Memo>(),
        size_of::<Boxed>() + slots,
        size_of::<Shapes>() + FAMILIES * family(),
        family(),
        size_of::<Node>(),
        size_of::<Row>(),
        size_of::<Text>(),
    );
}

/// Room for schemas as the server has it.
const FAMILIES: usize = 64;
const PATHS: usize = 16;
const ROWS: usize = 4;
const TEXTS: usize = 12;
const KEYS: usize = 256;

type Shapes = Schemas<Box<[Family]>, Box<[Node]>, Box<[Row]>, Box<[Text]>, Box<[u8]>>;

const fn family() -> usize {
    size_of::<Family>()
        + PATHS * size_of::<Node>()
        + ROWS * size_of::<Row>()
        + TEXTS * size_of::<Text>()
        + KEYS
}

fn shapes() -> Box<Shapes> {
    let memory = Storage {
        families: vec![Family::default(); FAMILIES].into_boxed_slice(),
        nodes: vec![Node::default(); FAMILIES * PATHS].into_boxed_slice(),
        rows: vec![Row::default(); FAMILIES * ROWS].into_boxed_slice(),
        values: vec![Text::default(); FAMILIES * TEXTS].into_boxed_slice(),
        text: vec![0; FAMILIES * KEYS].into_boxed_slice(),
    };
    Box::new(Schemas::new(memory, 1))
}

fn measure(c: &mut Criterion, name: &str, messages: &[Message]) {
    let mut group = c.benchmark_group(name);
    let bytes = throughput(&mut group, messages.iter());
    println!("{name}: {} bytes a message", bytes / messages.len());
    peers(&mut group, messages);
    throughput(&mut group, messages.iter());
    let mut each = |what: &str, work: &mut dyn FnMut(&Record<'_>, &Facts<'_>)| {
        let all: Vec<_> = messages
            .iter()
            .map(|(topic, payload)| inspect(topic, payload.as_bytes()))
            .collect();
        let mut at = 0;
        group.bench_function(what, |b| {
            b.iter(|| {
                for ((topic, payload), facts) in messages.iter().zip(&all) {
                    at += 1_000;
                    let record = Record {
                        at: Instant::from_micros(at),
                        topic,
                        payload: payload.as_bytes(),
                        qos: 0,
                        retain: false,
                    };
                    work(&record, facts);
                }
            });
        });
    };
    let mut memo = Memo::new(1);
    each("inspect", &mut |record, _| {
        black_box(inspect_with(&mut memo, record.topic, record.payload));
    });
    let pruner = || {
        let slots = vec![Slot::default(); Boxed::slots_for(TARGET)].into_boxed_slice();
        let arena = vec![0; ARENA].into_boxed_slice();
        Box::new(Pruner::new(slots, arena, TARGET, 4_096))
    };
    let mut pruned: Box<Boxed> = pruner();
    each("prune", &mut |record, facts| pruned.record(record, facts));
    let mut pruned: Box<Boxed> = pruner();
    each("inspect and prune", &mut |record, _| {
        pruned.record(
            record,
            &inspect_with(&mut memo, record.topic, record.payload),
        );
    });
    let mut schemas = shapes();
    each("schema", &mut |record, facts| {
        black_box(schemas.record(record, facts.class, facts.format));
    });
    println!("{name}: lost by the schemas: {:?}", schemas.lost());
    group.finish();
}

/// What is as much for all that follows; returns the bytes.
fn throughput<'m>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    messages: impl Iterator<Item = &'m Message>,
) -> usize {
    let sizes = messages.map(|(_, payload)| payload.len());
    let (elements, bytes) = sizes.fold((0, 0), |(n, sum), size| (n + 1, sum + size));
    group.throughput(Throughput::ElementsAndBytes {
        elements,
        bytes: bytes as u64,
    });
    bytes
}

/// The walks, ours and serde_json's, and genson-rs over those messages that are JSON: it panics at others.
fn peers(group: &mut BenchmarkGroup<'_, WallTime>, messages: &[Message]) {
    let mut each = |what: &str, work: fn(&str) -> bool| {
        let all = || {
            messages.iter().for_each(|(_, payload)| {
                black_box(work(payload));
            })
        };
        group.bench_function(what, |b| b.iter(all));
    };
    each("serde_json Value", |payload| {
        black_box(serde_json::from_str::<Value>(payload)).is_ok()
    });
    each("serde_json IgnoredAny", |payload| {
        serde_json::from_str::<IgnoredAny>(payload).is_ok()
    });
    each("walk", |payload| walk(payload, &mut Ignore).is_ok());
    let json = messages
        .iter()
        .filter(|(_, payload)| serde_json::from_str::<IgnoredAny>(payload).is_ok());
    throughput(group, json.clone());
    let mut builder = get_builder(None);
    let mut scratch = Vec::with_capacity(4_096);
    group.bench_function("genson-rs, what is JSON", |b| {
        b.iter(|| {
            for (_, payload) in json.clone() {
                // It unescapes in place.
                scratch.clear();
                scratch.extend_from_slice(payload.as_bytes());
                build_single_json_object_schema(&mut builder, &mut scratch);
            }
        });
    });
    black_box(builder.to_schema());
}

criterion_group!(benches, payloads);
criterion_main!(benches);
