//! Streams to measure on: real payloads with faults and spikes put in, two silences and a rhythm of their own.

use super::data;
use bitsperity_mqtt_core::payload::{Severity, inspect};
use serde_json::Value;
use std::collections::BTreeSet;

/// Topic and payload.
pub type Sent = (String, Vec<u8>);

/// One message of a stream.
#[derive(Clone, Debug)]
pub struct Message {
    /// Microseconds; no two messages of a stream have the same.
    pub at: u64,
    /// Topic Name.
    pub topic: String,
    /// Any bytes.
    pub payload: Vec<u8>,
    /// Kind of the fault that was put in.
    pub fault: Option<usize>,
    /// A number was made to stand out.
    pub spike: bool,
}

/// Payloads of one kind of site.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is made of.
    pub name: String,
    /// What is sent.
    pub base: Vec<Sent>,
    /// Kinds of faults that are put in.
    pub kinds: usize,
}

/// A linear congruential generator: the same streams on every machine.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// From zero to below `n`, which zero counts as one.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n.max(1)
    }

    /// Any order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

fn real(file: &str) -> Option<Vec<Sent>> {
    let rows = data::rows(&format!("payloads/{file}.jsonl"))?;
    let of = |row| (data::text(row, "topic").to_string(), data::payload(row));
    Some(rows.iter().map(of).collect())
}

/// Real payloads grouped into seven scenarios, and the faults to put in; none where the data is absent.
pub fn scenarios() -> Option<(Vec<Scenario>, Vec<Sent>)> {
    let files = [
        "aws_iot_env_sensors",
        "nab_traffic_artificial",
        "ttn_lorawan_codecs",
        "ecowitt2mqtt",
        "frigate_hass_integration",
    ];
    let mut scenarios = Vec::new();
    let mut home = Vec::new();
    let mut scenario = |name: &str, base: Vec<Sent>, kinds| {
        let name = name.replace('_', " ");
        scenarios.push(Scenario { name, base, kinds });
    };
    for file in files {
        let base = real(file)?;
        home.extend(base.iter().step_by(3).cloned());
        scenario(file, base, 6);
    }
    let mut random = Random(3);
    for n in (1..home.len()).rev() {
        home.swap(n, random.below(n + 1));
    }
    scenario("all together", home.clone(), 12);
    scenario("no faults", home, 0);
    let rows = data::rows("errors_dev.jsonl")?;
    let errors = rows.iter().filter(|row| row["is_error"] == true);
    let mut kinds = BTreeSet::new();
    let faults = errors
        .map(|row| {
            (
                data::text(row, "topic").to_string(),
                data::text(row, "payload").into(),
            )
        })
        .filter(|(topic, _): &Sent| {
            kinds.insert(topic.split('/').take(3).collect::<Vec<_>>().join("/"))
        })
        .collect();
    // What is wrong in the payloads already is not labelled: it goes.
    for scenario in &mut scenarios {
        let healthy = |(topic, payload): &Sent| inspect(topic, payload).severity != Severity::Error;
        scenario.base.retain(healthy);
    }
    Some((scenarios, faults))
}

/// A stream of `count` messages: payloads of the scenario, its kinds of faults, two silences, and a spike in about
/// every hundredth message.
pub fn stream(scenario: &Scenario, faults: &[Sent], count: usize, seed: u64) -> Vec<Message> {
    let (base, kinds) = (&scenario.base, scenario.kinds);
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
        let mut message = Message {
            at,
            topic: String::new(),
            payload: Vec::new(),
            fault: None,
            spike: false,
        };
        if random.below(often) == 0 && kinds > 0 {
            // Some kinds come often, some once.
            let kind = random.below(kinds).min(random.below(kinds));
            message.fault = Some(chosen[kind]);
            (message.topic, message.payload) = faults[chosen[kind]].clone();
        } else {
            let start = random.below(base.len());
            let in_order = (n + start / 50) % base.len();
            let n = if count > base.len() { start } else { in_order };
            (message.topic, message.payload) = base[n].clone();
        }
        messages.push(message);
    }
    for kind in 0..kinds {
        // Every kind comes at least once.
        let n = 1 + random.below(count - 2);
        if messages[n].fault.is_none() {
            messages[n].fault = Some(chosen[kind]);
            (messages[n].topic, messages[n].payload) = faults[chosen[kind]].clone();
        }
    }
    for _ in 0..(count / 100).min(10) {
        let n = random.below(count);
        let message = &mut messages[n];
        if message.fault.is_none()
            && let Ok(mut value) = serde_json::from_slice(&message.payload)
            && raise(&mut value)
        {
            message.payload = value.to_string().into_bytes();
            message.spike = true;
        }
    }
    messages
}

/// Makes the first number that is neither zero nor a time or an id stand out; false if there is none.
fn raise(value: &mut Value) -> bool {
    match value {
        Value::Object(members) => members.values_mut().any(raise),
        Value::Array(elements) => elements.iter_mut().any(raise),
        Value::Number(number) => match number.as_f64() {
            Some(n) if n != 0.0 && n.abs() < 1e5 => {
                *value = Value::from((n * 50.0).round() / 10.0);
                true
            }
            _ => false,
        },
        _ => false,
    }
}
