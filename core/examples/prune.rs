//! Of 10,000 messages the ones that matter, in memory that does not grow with their number:
//! `cargo run -p bitsperity-mqtt-core --example prune`

#![allow(clippy::print_stdout)] // the purpose

use bitsperity_mqtt_core::payload::inspect;
use bitsperity_mqtt_core::reduce::prune::{Choice, Slot};
use bitsperity_mqtt_core::reduce::{Pruner, Record};
use bitsperity_mqtt_core::time::Instant;

/// Messages kept at most.
const TARGET: usize = 12;
/// Bytes kept of a payload.
const PAYLOAD: usize = 256;

fn main() {
    let slots = vec![Slot::default(); Pruner::<Vec<Slot>, Vec<u8>>::slots_for(TARGET)];
    let arena = vec![0; 64 * 1024];
    let mut pruner = Pruner::new(slots, arena, TARGET, PAYLOAD);

    for number in 0..10_000_u64 {
        let payload = payload(number);
        let topic = "cellar/boiler/state";
        let record = Record {
            // Two a second, not quite evenly.
            at: Instant::from_micros(number * 500_000 + number * 7_919 % 1_000 * 100),
            topic,
            payload: payload.as_bytes(),
            qos: 0,
            retain: false,
        };
        pruner.record(&record, &inspect(topic, payload.as_bytes()));
    }

    let mut scratch = vec![Choice::default(); pruner.scratch_len()];
    for kept in pruner.kept(&mut scratch) {
        let why: Vec<_> = kept.why.names().collect();
        let text = String::from_utf8_lossy(kept.payload);
        println!(
            "{:>8.1} s  {text}  ({})",
            kept.at as f64 / 1e6,
            why.join(", ")
        );
    }
    let (errors, warnings) = pruner.problems();
    println!(
        "of {} messages, {errors} errors and {warnings} warnings",
        pruner.count()
    );
}

/// A boiler that is well, but for one fault and one temperature that stands out.
fn payload(number: u64) -> String {
    match number {
        7_421 => r#"{"state":"fault","error":"flame lost"}"#.to_owned(),
        2_048 => r#"{"state":"heating","flow_c":93.5}"#.to_owned(),
        _ => format!(r#"{{"state":"heating","flow_c":{}}}"#, 50 + number % 7),
    }
}
