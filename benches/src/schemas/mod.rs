//! How good the schemas are: learnt from some messages of a topic, are other messages of it accepted, and are messages
//! rejected into which one of nine faults was put ([`faults`])?
//!
//! A score is the harmonic mean (F1) of the share of unseen messages that are accepted and the mean share of faults
//! that are rejected, a kind of fault weighing as much as another. Rows come from files as `../shared/data` has them.

pub mod faults;
pub mod score;
pub mod table;
#[cfg(test)]
mod tests;

pub use crate::quality::streams::Random;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the shared payloads are, if they are there.
pub fn shared() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/payloads")
}

/// The JSON messages of one topic, in order of time.
pub struct Topic {
    /// Topic Name.
    pub name: String,
    /// Each as it came, and parsed.
    pub messages: Vec<(Vec<u8>, Value)>,
}

/// The topics with JSON objects and arrays of all files in a folder; none where it is absent.
pub fn topics(folder: &Path) -> Option<Vec<Topic>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let mut topics: BTreeMap<String, Topic> = BTreeMap::new();
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "jsonl"))
    {
        for line in std::fs::read_to_string(file).ok()?.lines() {
            let row: Value = serde_json::from_str(line).ok()?;
            let name = row.get("topic")?.as_str()?;
            let payload = STANDARD.decode(row.get("payload_b64")?.as_str()?).ok()?;
            let Some(value) = serde_json::from_slice(&payload)
                .ok()
                .filter(|v: &Value| v.is_object() || v.is_array())
            else {
                continue;
            };
            let topic = topics.entry(name.to_owned()).or_insert_with(|| Topic {
                name: name.to_owned(),
                messages: Vec::new(),
            });
            topic.messages.push((payload, value));
        }
    }
    Some(topics.into_values().collect())
}
