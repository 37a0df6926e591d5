//! Learning from some messages, and the score on others.

#![allow(clippy::print_stdout)] // what a schema refused and let through, when a person asks for it

use super::faults::{KINDS, Truth};
use super::{Random, Topic};
use bitsperity_mqtt_core::payload::Format;
use bitsperity_mqtt_core::reduce::schema::{Family, Node, Row, Storage, Value as Text};
use bitsperity_mqtt_core::reduce::{Record, Schemas};
use bitsperity_mqtt_core::time::Instant;
use serde_json::Value;

/// Accumulators as the server has them.
pub type Memory = Schemas<Vec<Family>, Vec<Node>, Vec<Row>, Vec<Text>, Vec<u8>>;

/// New ones.
pub fn memory() -> Memory {
    let memory = Storage {
        families: vec![Family::default(); 4],
        nodes: vec![Node::default(); 4_096],
        rows: vec![Row::default(); 2_048],
        values: vec![Text::default(); 8_192],
        text: vec![0; 256 * 1_024],
    };
    Schemas::new(memory, 7)
}

/// One schema from messages, and how sure it is said to be.
pub fn learn<'m>(messages: impl IntoIterator<Item = &'m [u8]>) -> (String, f64) {
    let mut schemas = memory();
    for (n, payload) in messages.into_iter().enumerate() {
        let at = Instant::from_micros(n as u64 * 1_000_000);
        let record = Record {
            at,
            topic: "t",
            payload,
            qos: 0,
            retain: false,
        };
        schemas.record(&record, 0, Format::JsonObject);
    }
    let mut text = String::new();
    let family = schemas.families().next();
    let sure = family.map_or(0.0, |family| {
        let _ = family.write_schema(&mut text);
        family.confidence().0
    });
    (text, sure)
}

/// What was measured, summed.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// Unseen valid messages: accepted, of all.
    pub valid: (u32, u32),
    /// By kind of fault: rejected, of all.
    pub faults: [(u32, u32); KINDS.len()],
    /// Bytes of the schema.
    pub bytes: usize,
    /// Confidence that was told.
    pub confidence: f64,
}

impl Score {
    /// Share of unseen messages that are accepted.
    pub fn acceptance(&self) -> f64 {
        share(self.valid)
    }

    /// Mean share of faults that are rejected, of the kinds that could be put in.
    pub fn rejection(&self) -> f64 {
        let kinds: Vec<f64> = self
            .faults
            .iter()
            .filter(|of| of.1 > 0)
            .map(|&of| share(of))
            .collect();
        kinds.iter().sum::<f64>() / kinds.len().max(1) as f64
    }

    /// Harmonic mean of both.
    pub fn f1(&self) -> f64 {
        let (a, r) = (self.acceptance(), self.rejection());
        if a + r > 0.0 {
            2.0 * a * r / (a + r)
        } else {
            0.0
        }
    }
}

fn share((part, all): (u32, u32)) -> f64 {
    f64::from(part) / f64::from(all.max(1))
}

/// Messages of several topics, shuffled or in order: `train` to learn from, the rest (at most 100) to judge by.
pub fn score(
    topics: &[&Topic],
    all: &[Topic],
    train: usize,
    seed: u64,
    shuffled: bool,
    show: bool,
) -> Option<Score> {
    let mut random = Random(seed);
    let truths: Vec<Truth> = topics
        .iter()
        .map(|topic| Truth::of(topic.messages.iter().map(|m| &m.1)))
        .collect();
    let mut messages: Vec<(usize, &(Vec<u8>, Value))> = Vec::new();
    for (n, topic) in topics.iter().enumerate() {
        // Of one among many no more than a few, so that none is most of them.
        let most = if topics.len() > 1 { 40 } else { usize::MAX };
        messages.extend(topic.messages.iter().take(most).map(|message| (n, message)));
    }
    if shuffled {
        random.shuffle(&mut messages);
    }
    if messages.len() < train + train.min(20) {
        return None;
    }
    let (learnt, unseen) = messages.split_at(train);
    let (schema, confidence) = learn(learnt.iter().map(|(_, message)| message.0.as_slice()));
    let parsed: Value = serde_json::from_str(&schema).ok()?;
    let validator = jsonschema::validator_for(&parsed).ok()?;
    let mut score = Score {
        bytes: schema.len(),
        confidence,
        ..Score::default()
    };
    for (_, message) in learnt {
        if show && !validator.is_valid(&message.1) {
            println!("  LEARNT BUT REFUSED: {}", message.1);
        }
    }
    for (n, message) in unseen.iter().take(100) {
        let accepted = validator.is_valid(&message.1);
        if show && let Some(error) = validator.iter_errors(&message.1).next() {
            println!(
                "  refused: {} {}",
                error.instance_path(),
                error.to_string().chars().take(200).collect::<String>()
            );
        }
        score.valid = (score.valid.0 + u32::from(accepted), score.valid.1 + 1);
        for (kind, sum) in KINDS.iter().zip(&mut score.faults) {
            let faulty = match *kind {
                "foreign" => foreign(topics, all, &mut random),
                kind => truths
                    .get(*n)
                    .and_then(|truth| truth.put(kind, &message.1, &mut random)),
            };
            let Some(faulty) = faulty else { continue };
            let rejected = !validator.is_valid(&faulty);
            if show && !rejected {
                println!(
                    "  let through: {kind}: {}",
                    faulty.to_string().chars().take(300).collect::<String>()
                );
            }
            *sum = (sum.0 + u32::from(rejected), sum.1 + 1);
        }
    }
    if show {
        println!("  {schema}");
    }
    Some(score)
}

/// A message of a topic that is none of `topics`, nor made like one of theirs.
fn foreign(topics: &[&Topic], all: &[Topic], random: &mut Random) -> Option<Value> {
    let keys = |value: &Value| {
        value
            .as_object()
            .map(|object| object.keys().cloned().collect::<Vec<_>>())
    };
    for _ in 0..20 {
        let other = all.get(random.below(all.len()))?;
        let message = &other.messages.get(random.below(other.messages.len()))?.1;
        let alike = topics.iter().any(|topic| {
            topic.name == other.name || topic.messages.iter().any(|m| keys(&m.1) == keys(message))
        });
        if !alike {
            return Some(message.clone());
        }
    }
    None
}
