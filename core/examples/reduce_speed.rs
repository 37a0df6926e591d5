//! Nanoseconds a message of inspection, pruning and the table of topics: `cargo run --release --example reduce_speed`.

use bitsperity_mqtt_core::payload::{Memo, inspect_with};
use bitsperity_mqtt_core::reduce::{Pruner, Record, Topics};
use bitsperity_mqtt_core::time::Instant;
use std::hint::black_box;

fn main() {
    let messages: Vec<(String, String)> = (0..4_096u32)
        .map(|n| {
            let topic = format!("site/line{}/sensor{:03}/state", n % 4, n % 50);
            let payload = format!(
                "{{\"ts\":{},\"temperature\":{}.{},\"humidity\":{},\"battery\":{},\"state\":\"{}\",\"seq\":{n}}}",
                1_700_000_000 + n,
                18 + n % 9,
                n % 10,
                40 + n % 20,
                90 + n % 10,
                if n % 7 == 0 { "on" } else { "off" },
            );
            (topic, payload)
        })
        .collect();
    let bytes: usize = messages.iter().map(|(_, payload)| payload.len()).sum();
    println!("{} bytes a payload", bytes / messages.len());
    let mut memo = Memo::new(1);
    let rounds = std::env::args()
        .nth(1)
        .map_or(100, |n| n.parse().expect("rounds"));
    let per =
        |start: std::time::Instant| start.elapsed().as_nanos() as usize / (rounds * messages.len());

    let start = std::time::Instant::now();
    for _ in 0..rounds {
        for (topic, payload) in &messages {
            black_box(inspect_with(
                &mut memo,
                black_box(topic),
                black_box(payload.as_bytes()),
            ));
        }
    }
    println!("inspect            {} ns", per(start));

    let mut pruner = new_pruner();
    let mut at = 0;
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        for (topic, payload) in &messages {
            at += 10;
            let facts = inspect_with(&mut memo, topic, payload.as_bytes());
            pruner.record(&record(at, topic, payload), &facts);
        }
    }
    println!("inspect and prune  {} ns", per(start));
    let mut scratch = vec![Default::default(); pruner.scratch_len()];
    let start = std::time::Instant::now();
    let kept = pruner.kept(&mut scratch).count();
    println!(
        "kept {kept} in {:?}; {} lost",
        start.elapsed(),
        pruner.lost()
    );

    let mut topics = Topics::new(
        vec![Default::default(); 1_000],
        vec![0; 2_048],
        vec![0; 96_000],
        7,
    );
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        for (topic, payload) in &messages {
            at += 10;
            let facts = inspect_with(&mut memo, topic, payload.as_bytes());
            topics.record(&record(at, topic, payload), &facts);
        }
    }
    println!("inspect and topics {} ns", per(start));
    println!(
        "pruner {} bytes, slot {} bytes",
        size_of_val(&pruner),
        size_of::<bitsperity_mqtt_core::reduce::prune::Slot>()
    );
}

fn new_pruner() -> Pruner<Vec<bitsperity_mqtt_core::reduce::prune::Slot>, Vec<u8>> {
    Pruner::new(
        vec![Default::default(); 612],
        vec![0; 256 * 1024],
        50,
        4_096,
    )
}

fn record<'a>(at: u64, topic: &'a str, payload: &'a str) -> Record<'a> {
    Record {
        at: Instant::from_micros(at),
        topic,
        payload: payload.as_bytes(),
        qos: 0,
        retain: false,
    }
}
