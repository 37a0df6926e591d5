//! One pass over a payload, beside serde_json in the same run: the strict walk alone, the inspection (format, severity,
//! shape, numbers, states), inspection and pruning. `cargo bench -p bitsperity-mqtt-benches --bench payload`

#![allow(clippy::print_stdout)] // the bytes of state, beside the times

use bitsperity_mqtt_core::payload::json::{Scalar, Text, Visitor, walk};
use bitsperity_mqtt_core::payload::{Memo, inspect_with};
use bitsperity_mqtt_core::reduce::prune::Slot;
use bitsperity_mqtt_core::reduce::{Pruner, Record};
use bitsperity_mqtt_core::time::Instant;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
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
        r#"{{"timestamp":{}.25,"device_id":"b8:27:eb:bf:{:02x}:51","firmware":"2.14.1","site":"north-hall","temperature":{whole}.{part},"humidity":{}.5,"pressure":1013.{part},"battery":{},"rssi":-{},"motion":{},"light":false,"mode":"auto"}}"#,
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
        "params": {"ts": 1_700_000_000.5 + n as f64, "channels": (0..12).map(channel).collect::<Vec<_>>()},
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
    fn key(&mut self, _: Text<'_>) {}
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
        "bytes of state: memo {}, pruner of {TARGET} {} with slots, and {ARENA} of arena",
        size_of::<Memo>(),
        size_of::<Boxed>() + slots,
    );
}

fn measure(c: &mut Criterion, name: &str, messages: &[Message]) {
    let mut group = c.benchmark_group(name);
    let bytes = messages
        .iter()
        .map(|(_, payload)| payload.len())
        .sum::<usize>();
    println!("{name}: {} bytes a message", bytes / messages.len());
    group.throughput(Throughput::ElementsAndBytes {
        elements: messages.len() as u64,
        bytes: bytes as u64,
    });
    let mut each = |what: &str, work: &mut dyn FnMut(&str, &str)| {
        group.bench_function(what, |b| {
            b.iter(|| {
                messages
                    .iter()
                    .for_each(|(topic, payload)| work(topic, payload))
            });
        });
    };
    each("serde_json Value", &mut |_, payload| {
        black_box(serde_json::from_str::<Value>(payload).is_ok());
    });
    each("serde_json IgnoredAny", &mut |_, payload| {
        black_box(serde_json::from_str::<IgnoredAny>(payload).is_ok());
    });
    each("walk", &mut |_, payload| {
        black_box(walk(payload, &mut Ignore).is_ok());
    });
    let mut memo = Memo::new(1);
    each("inspect", &mut |topic, payload| {
        black_box(inspect_with(&mut memo, topic, payload.as_bytes()));
    });
    let slots = vec![Slot::default(); Boxed::slots_for(TARGET)].into_boxed_slice();
    let arena = vec![0; ARENA].into_boxed_slice();
    let mut pruner = Box::new(Pruner::new(slots, arena, TARGET, 4_096));
    let mut at = 0;
    each("inspect and prune", &mut |topic, payload| {
        at += 1_000;
        let facts = inspect_with(&mut memo, topic, payload.as_bytes());
        let record = Record {
            at: Instant::from_micros(at),
            topic,
            payload: payload.as_bytes(),
            qos: 0,
            retain: false,
        };
        pruner.record(&record, &facts);
    });
    group.finish();
}

criterion_group!(benches, payloads);
criterion_main!(benches);
