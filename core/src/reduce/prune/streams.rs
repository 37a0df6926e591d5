//! Streams for the measure of quality: real payloads with faults put in, two silences and a rhythm of their own.
//! Third-party data is read from beside the repository; none where it is absent.

extern crate std;
use crate::payload::tests::{payload_of, rows};
use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

#[derive(Clone)]
pub(super) struct Message {
    pub(super) at: u64,
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    /// Kind of the fault that was put in.
    pub(super) fault: Option<usize>,
}

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

pub(super) fn real(file: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let rows = rows(&format!("payloads/{file}.jsonl"))?;
    let text = |row: &serde_json::Value, field: &str| row[field].as_str().unwrap().to_string();
    let of = |row: &serde_json::Value| (text(row, "topic"), payload_of(row));
    Some(rows.iter().map(of).collect())
}

/// A stream of `count` real payloads with `kinds` kinds of faults, two silences, spikes, and a rhythm of its own.
pub(super) fn stream(
    base: &[(String, Vec<u8>)],
    faults: &[(String, Vec<u8>)],
    count: usize,
    kinds: usize,
    seed: u64,
) -> Vec<Message> {
    let mut random = Random(seed);
    let mut at = 5_000_000;
    let silences = [random.below(count), random.below(count)];
    let chosen: Vec<usize> = (0..kinds).map(|_| random.below(faults.len())).collect();
    let mut messages = Vec::new();
    for n in 0..count {
        at += 200_000 + random.below(800_000) as u64;
        if silences.contains(&n) {
            at += count as u64 * 40_000 + 5_000_000;
        }
        let often = (count / 40).max(8);
        if random.below(often) == 0 && kinds > 0 {
            // Some kinds come often, some once.
            let kind = random.below(kinds).min(random.below(kinds));
            let (topic, payload) = faults[chosen[kind]].clone();
            messages.push(Message {
                at,
                topic,
                payload,
                fault: Some(chosen[kind]),
            });
            continue;
        }
        let start = random.below(base.len());
        let (topic, payload) = base[if count > base.len() {
            start
        } else {
            (n + start / 50) % base.len()
        }]
        .clone();
        messages.push(Message {
            at,
            topic,
            payload,
            fault: None,
        });
    }
    for kind in 0..kinds {
        // Every kind comes at least once.
        let n = 1 + random.below(count - 2);
        if messages[n].fault.is_none() {
            let (topic, payload) = faults[chosen[kind]].clone();
            messages[n] = Message {
                at: messages[n].at,
                topic,
                payload,
                fault: Some(chosen[kind]),
            };
        }
    }
    messages
}

pub(super) type Sent = (String, Vec<u8>);
pub(super) type Scenario = (String, Vec<Sent>, usize);

/// Real payloads grouped into seven scenarios, and the faults.
pub(super) fn scenarios() -> Option<(Vec<Scenario>, Vec<Sent>)> {
    let files = [
        "aws_iot_env_sensors",
        "nab_traffic_artificial",
        "ttn_lorawan_codecs",
        "ecowitt2mqtt",
        "frigate_hass_integration",
    ];
    let mut scenarios = Vec::new();
    let mut home = Vec::new();
    for file in files {
        let base = real(file)?;
        home.extend(base.iter().step_by(3).cloned());
        scenarios.push((file.to_string(), base, 6));
    }
    let mut random = Random(3);
    for n in (1..home.len()).rev() {
        home.swap(n, random.below(n + 1));
    }
    scenarios.push((String::from("all together"), home.clone(), 12));
    scenarios.push((String::from("no faults"), home, 0));
    let rows = rows("errors_dev.jsonl")?;
    let field = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_string();
    let errors = rows.iter().filter(|row| row["is_error"] == true);
    let mut kinds = BTreeSet::new();
    let faults = errors
        .map(|row| (field(row, "topic"), field(row, "payload").into_bytes()))
        .filter(|(topic, _)| kinds.insert(topic.split('/').take(3).collect::<Vec<_>>().join("/")))
        .collect();
    // What is wrong in the payloads already is not labelled: it goes.
    for (_, base, _) in &mut scenarios {
        base.retain(|(topic, payload)| {
            crate::payload::inspect(topic, payload).severity != crate::payload::Severity::Error
        });
    }
    Some((scenarios, faults))
}
