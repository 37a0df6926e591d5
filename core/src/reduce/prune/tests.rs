//! Budgets, order, determinism; the measure of quality is in `quality`.

extern crate std;
use super::{Choice, Pruner, Slot};
use crate::payload::inspect;
use crate::reduce::Record;
use crate::time::Instant;
use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

type Boxed = Pruner<Box<[Slot]>, Box<[u8]>>;

pub(super) fn pruner(target: usize) -> Boxed {
    let slots = vec![Slot::default(); Boxed::slots_for(target)].into_boxed_slice();
    Pruner::new(slots, vec![0; 256 * 1024].into_boxed_slice(), target, 4_096)
}

pub(super) fn feed(pruner: &mut Boxed, micros: u64, topic: &str, payload: &[u8]) {
    let facts = inspect(topic, payload);
    let record = Record {
        at: Instant::from_micros(micros),
        topic,
        payload,
        qos: 0,
        retain: false,
    };
    pruner.record(&record, &facts);
}

fn kept(pruner: &Boxed) -> Vec<(u64, String, Vec<&'static str>)> {
    let mut scratch = vec![Choice::default(); pruner.scratch_len()];
    let kept = pruner.kept(&mut scratch);
    kept.map(|k| {
        (
            k.at,
            String::from_utf8_lossy(k.payload).to_string(),
            k.why.names().collect(),
        )
    })
    .collect()
}

#[test]
fn errors_and_edges_survive_a_flood() {
    let mut pruner = pruner(20);
    for n in 0..20_000u64 {
        let payload = match n {
            7_000 => String::from(r#"{"error":"disk full"}"#),
            9_000 => String::from(r#"{"temp":99.5}"#),
            _ => format!("{{\"temp\":{}}}", 20 + n % 5),
        };
        feed(&mut pruner, n * 1_000, "room/1/climate", payload.as_bytes());
    }
    let kept = kept(&pruner);
    assert!(kept.len() <= 20 && kept.is_sorted_by_key(|k| k.0));
    assert_eq!(kept.first().unwrap().0, 0);
    assert_eq!(kept.last().unwrap().0, 19_999_000);
    let why = |text: &str| kept.iter().find(|k| k.1.contains(text)).map(|k| k.2[0]);
    assert_eq!(why("disk full"), Some("error"));
    assert!(why("99.5").is_some());
    assert_eq!(pruner.error_kinds().count(), 1);
    assert_eq!(pruner.problems(), (1, 0));
}
