//! The table of README: every packet, ours and the peers in turn, the best of many rounds, so that what else the machine
//! does falls on all alike. Nanoseconds a packet, and how often ours fits into a peer's time.
//! `cargo run --release -p bitsperity-mqtt-benches --example table`

#![allow(clippy::print_stdout)] // it is its purpose

mod support;

use bitsperity_mqtt_core::packet::{Packet, Version};
use bitsperity_mqtt_core::topic;
use std::time::Instant;
use support::{BATCH, Case, TOPIC, clients};

const ROUNDS: usize = 60;
/// Packets in a round.
const PACKETS: usize = 4_096;

fn main() {
    println!(
        "| decode | ours | and read | mqttrs 0.4.1 | mqttbytes 0.6 (rumqttc) | minimq 0.13 (*) | memcpy | best peer / ours |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for case in support::cases() {
        decode(&case);
    }
    println!();
    println!("| encode | ours | mqttrs 0.4.1 | memcpy | mqttrs / ours |");
    println!("| --- | --- | --- | --- | --- |");
    for case in support::cases() {
        encode(&case);
    }
    println!();
    println!("| a whole client | ours | minimq 0.13 | minimq / ours |");
    println!("| --- | --- | --- | --- |");
    for case in support::cases() {
        if case.version == Version::V5 && case.name.contains("PUBLISH") {
            client(&case);
        }
    }
    let filters = support::filters();
    let [time] = best([&mut || {
        repeat(PACKETS / 64, || {
            filters
                .iter()
                .filter(|filter| topic::matches(filter, TOPIC))
                .count();
        })
    }]);
    println!(
        "\nOne topic name against {} filters: {:.0} ns",
        filters.len(),
        time
    );
}

fn decode(case: &Case) {
    let Case {
        name,
        version,
        bytes,
    } = case;
    let mut out = vec![0; bytes.len()];
    let legacy = *version == Version::V311;
    let [ours, read, peer, mqttbytes, memcpy] = best([
        &mut || repeat(PACKETS, || support::decode(bytes, *version)),
        &mut || repeat(PACKETS, || support::decode_and_read(bytes, *version)),
        &mut || {
            if legacy {
                repeat(PACKETS, || support::decode_mqttrs(bytes))
            } else {
                repeat(PACKETS, || support::decode_minimq(bytes))
            }
        },
        &mut || {
            let mut streams = vec![support::stream(bytes); PACKETS / BATCH];
            let start = Instant::now();
            for stream in &mut streams {
                support::decode_mqttbytes(stream, *version);
            }
            nanoseconds(start, PACKETS)
        },
        &mut || repeat(PACKETS, || support::copy(bytes, &mut out)),
    ]);
    // minimq's door drops the packet, and properties are left alone until they are read: shown, but no measure.
    let measured = if legacy {
        peer.min(mqttbytes)
    } else {
        mqttbytes
    };
    let ratio = measured / ours;
    let (mqttrs, minimq) = if legacy {
        (format!("{peer:.1}"), "–".to_owned())
    } else {
        ("–".to_owned(), format!("{peer:.1}"))
    };
    println!(
        "| {name} | **{ours:.1}** | {read:.1} | {mqttrs} | {mqttbytes:.1} | {minimq} | {memcpy:.1} | {ratio:.1} |"
    );
}

fn encode(case: &Case) {
    let Case {
        name,
        version,
        bytes,
    } = case;
    let packet = Packet::decode(bytes, *version).expect("a valid packet");
    let list = support::listed(&packet);
    let packet = support::with_list(packet, &list);
    let theirs = mqttrs::decode_slice(bytes).ok().flatten();
    let theirs = theirs.filter(|_| *version == Version::V311);
    let (mut out, mut other, mut third) = (
        vec![0; bytes.len()],
        vec![0; bytes.len()],
        vec![0; bytes.len()],
    );
    let [ours, mqttrs, memcpy] = best([
        &mut || {
            repeat(PACKETS, || {
                support::encode(&packet, *version, &mut out);
            })
        },
        &mut || {
            theirs.as_ref().map_or(f64::INFINITY, |packet| {
                repeat(PACKETS, || {
                    support::encode_mqttrs(packet, &mut other);
                })
            })
        },
        &mut || repeat(PACKETS, || support::copy(bytes, &mut third)),
    ]);
    if theirs.is_some() {
        let ratio = mqttrs / ours;
        println!("| {name} | **{ours:.1}** | {mqttrs:.1} | {memcpy:.1} | {ratio:.1} |");
    } else {
        println!("| {name} | **{ours:.1}** | – | {memcpy:.1} | – |");
    }
}

/// From bytes to a message whose properties are read.
fn client(case: &Case) {
    let [ours, minimq] = clients::with_ours(case, |ours| {
        clients::with_minimq(case, |minimq| {
            let time = |work: &mut dyn FnMut(usize)| {
                let start = Instant::now();
                work(PACKETS);
                nanoseconds(start, PACKETS)
            };
            let mut best = [f64::INFINITY; 2];
            for _ in 0..ROUNDS {
                best = [best[0].min(time(ours)), best[1].min(time(minimq))];
            }
            best
        })
    });
    let ratio = minimq / ours;
    let name = case.name;
    println!("| {name} | **{ours:.1}** | {minimq:.1} | {ratio:.1} |");
}

/// The shortest time of each, taken in turn.
fn best<const N: usize>(mut work: [&mut dyn FnMut() -> f64; N]) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    for _ in 0..ROUNDS {
        for (best, work) in best.iter_mut().zip(&mut work) {
            *best = best.min(work());
        }
    }
    best
}

fn repeat(times: usize, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        work();
    }
    nanoseconds(start, times)
}

fn nanoseconds(start: Instant, packets: usize) -> f64 {
    start.elapsed().as_secs_f64() * 1e9 / packets as f64
}
