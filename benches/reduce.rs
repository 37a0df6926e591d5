//! Time a message of inspection, pruning, the table of topics and the numbers; time of an answer.
//! `cargo bench -p bitsperity-mqtt-benches --bench reduce`

#![allow(clippy::print_stdout)] // the bytes of state, beside the times

use bitsperity_mqtt_core::payload::{Memo, inspect_with};
use bitsperity_mqtt_core::reduce::health::{ChannelSlot, DeviceSlot, Entry, Pattern};
use bitsperity_mqtt_core::reduce::prune::Choice;
use bitsperity_mqtt_core::reduce::stats::{Flow, Heavy, TopicStats};
use bitsperity_mqtt_core::reduce::{Health, Pruner, Record, Stats, Topics};
use bitsperity_mqtt_core::time::Instant;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

/// Small JSON of two hundred sensors, as most streams are.
fn messages() -> Vec<(String, String)> {
    let message = |n: u32| {
        let topic = format!("site/line{}/sensor{:03}/state", n % 4, n % 50);
        let state = if n.is_multiple_of(7) { "on" } else { "off" };
        let (whole, part, battery) = (18 + n % 9, n % 10, 90 + n % 10);
        let payload = format!(
            r#"{{"ts":{},"temperature":{whole}.{part},"battery":{battery},"state":"{state}","seq":{n}}}"#,
            1_700_000_000 + n,
        );
        (topic, payload)
    };
    (0..4_096).map(message).collect()
}

fn record<'a>(at: u64, topic: &'a str, payload: &'a str) -> Record<'a> {
    let at = Instant::from_micros(at);
    Record {
        at,
        topic,
        payload: payload.as_bytes(),
        qos: 0,
        retain: false,
    }
}

fn each_message(c: &mut Criterion) {
    let messages = messages();
    let mut group = c.benchmark_group("a message");
    group.throughput(Throughput::Elements(messages.len() as u64));
    let mut memo = Memo::new(1);
    group.bench_function("inspect", |b| {
        b.iter(|| {
            for (topic, payload) in &messages {
                black_box(inspect_with(&mut memo, topic, payload.as_bytes()));
            }
        });
    });
    let mut pruner = Pruner::new(
        vec![Default::default(); 612],
        vec![0; 256 * 1024],
        50,
        4_096,
    );
    let mut topics = Topics::new(
        vec![Default::default(); 1_000],
        vec![0; 2_048],
        vec![0; 96_000],
        7,
    );
    let mut at = 0;
    group.bench_function("inspect, prune and topics", |b| {
        b.iter(|| {
            for (topic, payload) in &messages {
                at += 10;
                let record = record(at, topic, payload);
                let facts = inspect_with(&mut memo, topic, payload.as_bytes());
                pruner.record(&record, &facts);
                topics.record(&record, &facts);
            }
        });
    });
    group.finish();
    c.bench_function("answer of 50", |b| {
        let scratch = || vec![Choice::default(); pruner.scratch_len()];
        b.iter_batched_ref(
            scratch,
            |scratch| pruner.kept(scratch).count(),
            BatchSize::SmallInput,
        );
    });
}

fn numbers(c: &mut Criterion) {
    let messages = messages();
    let mut group = c.benchmark_group("a message");
    group.throughput(Throughput::Elements(messages.len() as u64));
    const TOPICS: usize = 256;
    const NAME: usize = 128;
    let state = 2 * size_of::<Flow>() + TOPICS * (size_of::<TopicStats>() + 2 * 4 + NAME);
    println!(
        "numbers of two streams and {TOPICS} topics: {state} bytes; one stream {}, one topic {}",
        size_of::<Flow>(),
        size_of::<TopicStats>(),
    );
    let heavy = Heavy::new(
        vec![TopicStats::default(); TOPICS],
        vec![0; 2 * TOPICS],
        vec![0; NAME * TOPICS],
        7,
    );
    let mut stats = Stats::new(vec![Flow::new(Instant::ZERO); 2], heavy);
    let mut at = 0;
    group.bench_function("numbers", |b| {
        b.iter(|| {
            for (topic, payload) in &messages {
                at += 10;
                stats.record(&record(at, topic, payload), 1_700_000_000_000_000 + at, 1);
            }
        });
    });
    group.finish();
}

fn devices(c: &mut Criterion) {
    let messages = messages();
    let mut group = c.benchmark_group("a message");
    group.throughput(Throughput::Elements(messages.len() as u64));
    const DEVICES: usize = 256;
    let (device, channel) = (size_of::<DeviceSlot>(), size_of::<ChannelSlot>());
    let state = DEVICES * (device + 4 * size_of::<Entry>() + 8 * channel + 512);
    println!("{DEVICES} devices: {state} bytes; one device {device}, one number {channel}");
    let room = (
        vec![DeviceSlot::default(); DEVICES],
        vec![Entry::default(); DEVICES * 4],
        vec![ChannelSlot::default(); DEVICES * 8],
        vec![0; DEVICES * 512],
    );
    let mut health = Health::new(room, Pattern::all(), 7);
    let mut memo = Memo::new(1);
    let mut at = 0;
    group.bench_function("inspect and health", |b| {
        b.iter(|| {
            for (topic, payload) in &messages {
                at += 10;
                let record = record(at, topic, payload);
                let facts = inspect_with(&mut memo, topic, payload.as_bytes());
                health.record(&record, &facts, Some(1_700_000_000_000_000 + at));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, each_message, numbers, devices);
criterion_main!(benches);
