//! Learning from some messages, and the score on others.

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

/// What was learnt from messages.
pub struct Learnt {
    /// A JSON Schema.
    pub schema: String,
    /// How sure it is said to be, 0 to 1.
    pub confidence: f64,
    /// Values that are said to be left out of it.
    pub outliers: u64,
}

/// One schema from messages; none if there are none.
pub fn learn<'m>(messages: impl IntoIterator<Item = &'m [u8]>) -> Option<Learnt> {
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
    let family = schemas.families().next()?;
    let mut schema = String::new();
    family.write_schema(&mut schema).ok()?;
    Some(Learnt {
        schema,
        confidence: family.confidence().0,
        outliers: family.outliers(),
    })
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
    /// Messages it was learnt from that it refuses, and values that it says it leaves out.
    pub unlearnt: (u32, u64),
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

/// One measurement.
#[derive(Clone, Copy)]
pub struct Trial {
    /// Messages to learn from.
    pub train: usize,
    /// Most messages of the rest to judge by.
    pub judge: usize,
    /// In any order rather than that of time.
    pub shuffled: bool,
    /// For that order and for the faults.
    pub seed: u64,
}

/// Learns from some messages of `topics`, and judges by the rest; none if they are too few.
pub fn score(topics: &[&Topic], all: &[Topic], trial: Trial) -> Option<Score> {
    let mut random = Random(trial.seed);
    let mut messages: Vec<(usize, &(Vec<u8>, Value))> = Vec::new();
    for (n, topic) in topics.iter().enumerate() {
        // Of one among many no more than a few, so that none is most of them.
        let most = if topics.len() > 1 { 40 } else { usize::MAX };
        messages.extend(topic.messages.iter().take(most).map(|message| (n, message)));
    }
    if trial.shuffled {
        random.shuffle(&mut messages);
    }
    if messages.len() < trial.train + trial.train.min(20) {
        return None;
    }
    let truths: Vec<Truth> = topics
        .iter()
        .map(|topic| Truth::of(topic.messages.iter().map(|m| &m.1)))
        .collect();
    let (training, unseen) = messages.split_at(trial.train);
    let learnt = learn(training.iter().map(|(_, message)| message.0.as_slice()))?;
    let parsed: Value = serde_json::from_str(&learnt.schema).ok()?;
    let validator = jsonschema::validator_for(&parsed).ok()?;
    let refused = training
        .iter()
        .filter(|(_, message)| !validator.is_valid(&message.1))
        .count();
    let mut score = Score {
        bytes: learnt.schema.len(),
        confidence: learnt.confidence,
        unlearnt: (u32::try_from(refused).ok()?, learnt.outliers),
        ..Score::default()
    };
    for (n, message) in unseen.iter().take(trial.judge) {
        count(&mut score.valid, validator.is_valid(&message.1));
        for (kind, sum) in KINDS.iter().zip(&mut score.faults) {
            let faulty = match *kind {
                "foreign" => foreign(topics, all, &mut random),
                kind => truths
                    .get(*n)
                    .and_then(|truth| truth.put(kind, &message.1, &mut random)),
            };
            if let Some(faulty) = faulty {
                count(sum, !validator.is_valid(&faulty));
            }
        }
    }
    Some(score)
}

fn count(sum: &mut (u32, u32), right: bool) {
    *sum = (sum.0 + u32::from(right), sum.1 + 1);
}

/// A message of a topic that is none of `topics`, nor made like one of theirs.
fn foreign(topics: &[&Topic], all: &[Topic], random: &mut Random) -> Option<Value> {
    let same_keys = |a: &Value, b: &Value| match (a.as_object(), b.as_object()) {
        (Some(a), Some(b)) => a.keys().eq(b.keys()),
        (a, b) => a.is_some() == b.is_some(),
    };
    for _ in 0..20 {
        let other = all.get(random.below(all.len()))?;
        let message = &other.messages.get(random.below(other.messages.len()))?.1;
        let alike = topics.iter().any(|topic| {
            topic.name == other.name || topic.messages.iter().any(|m| same_keys(&m.1, message))
        });
        if !alike {
            return Some(message.clone());
        }
    }
    None
}
