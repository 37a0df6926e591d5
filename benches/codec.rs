//! Decoding and encoding beside the peers, packet by packet; framing; filters. For a table within one run:
//! `cargo run --release -p bitsperity-mqtt-benches --example table`.

#![allow(missing_docs)] // criterion's macros make public items

mod support;

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{Packet, Version};
use bitsperity_mqtt_core::topic;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use support::{BATCH, TOPIC};

fn decode(criterion: &mut Criterion) {
    for case in support::cases() {
        let mut group = criterion.benchmark_group(format!("decode/{}", case.name));
        let bytes = &*case.bytes;
        group.throughput(Throughput::Elements(1));
        group.bench_function("ours", |b| b.iter(|| support::decode(bytes, case.version)));
        match case.version {
            Version::V311 => {
                group.bench_function("mqttrs", |b| b.iter(|| support::decode_mqttrs(bytes)))
            }
            Version::V5 => {
                group.bench_function("minimq", |b| b.iter(|| support::decode_minimq(bytes)))
            }
        };
        let mut out = vec![0; bytes.len()];
        group.bench_function("memcpy", |b| b.iter(|| support::copy(bytes, &mut out)));
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function("mqttbytes", |b| {
            b.iter_batched_ref(
                || support::stream(bytes),
                |stream| support::decode_mqttbytes(stream, case.version),
                BatchSize::SmallInput,
            );
        });
    }
}

fn encode(criterion: &mut Criterion) {
    for case in support::cases() {
        let mut group = criterion.benchmark_group(format!("encode/{}", case.name));
        let mut out = vec![0; case.bytes.len()];
        let packet = Packet::decode(&case.bytes, case.version).expect("a valid packet");
        group.throughput(Throughput::Elements(1));
        group.bench_function("ours", |b| {
            b.iter(|| support::encode(&packet, case.version, &mut out))
        });
        if case.version == Version::V311 {
            let packet = mqttrs::decode_slice(&case.bytes)
                .ok()
                .flatten()
                .expect("a valid packet");
            group.bench_function("mqttrs", |b| {
                b.iter(|| support::encode_mqttrs(&packet, &mut out))
            });
        }
        group.bench_function("memcpy", |b| {
            b.iter(|| support::copy(&case.bytes, &mut out))
        });
    }
}

/// A million publishes of 128 bytes, read in pieces of 64 KiB: what is cut is moved to the front of the buffer.
fn stream(criterion: &mut Criterion) {
    const PIECE: usize = 64 * 1024;
    const MESSAGES: usize = 1_000_000;
    let case = &support::cases()[2];
    let wire = case.bytes.repeat(PIECE);
    let mut group = criterion.benchmark_group("stream");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(MESSAGES as u64));
    group.bench_function("a million publishes in 64 KiB pieces", |b| {
        b.iter(|| {
            let mut buffer = vec![0; PIECE + 8 * 1024];
            let (mut held, mut at, mut seen) = (0, 0, 0);
            while seen < MESSAGES {
                let piece = PIECE.min(wire.len() - at);
                buffer[held..held + piece].copy_from_slice(&wire[at..at + piece]);
                at = if at + piece == wire.len() {
                    0
                } else {
                    at + piece
                };
                let received = held + piece;
                let mut front = 0;
                while let Frame::Whole(length) = next_frame(&buffer[front..received], PIECE) {
                    support::decode(&buffer[front..front + length], Version::V311);
                    front += length;
                    seen += 1;
                }
                buffer.copy_within(front..received, 0);
                held = received - front;
            }
            seen
        });
    });
}

fn filters(criterion: &mut Criterion) {
    let filters = support::filters();
    let mut group = criterion.benchmark_group("filters");
    group.throughput(Throughput::Elements(filters.len() as u64));
    group.bench_function("one name against a hundred", |b| {
        b.iter(|| {
            let name = black_box(TOPIC);
            filters
                .iter()
                .filter(|filter| topic::matches(filter, name))
                .count()
        });
    });
}

criterion_group!(benches, decode, encode, stream, filters);
criterion_main!(benches);
