//! How often severity and format are judged as somebody else labelled them.

use super::data;
use bitsperity_mqtt_core::payload::{Severity, inspect};

/// Errors found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Errors judged errors.
    pub hits: u32,
    /// Others judged errors.
    pub false_alarms: u32,
    /// Errors judged something else.
    pub misses: u32,
    /// What was judged otherwise than labelled.
    pub wrong: Vec<String>,
}

impl Found {
    /// The harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        let double = 2.0 * f64::from(self.hits);
        double / (double + f64::from(self.false_alarms + self.misses))
    }
}

/// Severity on the labelled lines; none where they are absent.
pub fn severity() -> Option<Found> {
    let mut found = Found::default();
    for row in data::rows("errors_dev.jsonl")? {
        let (topic, payload) = (data::text(&row, "topic"), data::text(&row, "payload"));
        let facts = inspect(topic, payload.as_bytes());
        let judged = facts.severity == Severity::Error;
        match (row["is_error"] == true, judged) {
            (true, true) => found.hits += 1,
            (false, false) => continue,
            (true, false) => found.misses += 1,
            (false, true) => found.false_alarms += 1,
        }
        if judged != (row["is_error"] == true) {
            found.wrong.push(format!("{topic} {payload}"));
        }
    }
    Some(found)
}

/// The formats that a label may be judged.
fn accepted(label: &str) -> &[&str] {
    match label {
        "json" => &["json_object", "json_array"],
        "json-senml" => &["json_array"],
        "influx-line" => &["line_protocol"],
        "csv" => &["csv"],
        "nmea" => &["csv", "nmea"],
        // Formats that are not told apart from text of some kind.
        "plain" | "graphite" | "nagios" | "opentsdb" | "prometheus-text" | "yaml" | "wavefront"
        | "json-invalid" => &[
            "text",
            "number",
            "log_line",
            "json_string",
            "csv",
            "key_value",
            "prometheus",
            "json_invalid",
        ],
        "plain-number" => &["number"],
        "plain-enum" => &["text"],
        "plain-timestamp" => &["timestamp"],
        "hex-text" => &["hex", "cbor"],
        "base64-text" => &["base64"],
        "image-jpeg" => &["jpeg"],
        "msgpack" => &["messagepack"],
        "logfmt" | "key-value" | "form-urlencoded" => &["key_value"],
        "log-line" => &["log_line"],
        "binary-unknown" | "parquet" | "avro" => &["binary"],
        _ => &[],
    }
}

/// Labelled payloads whose format was guessed right, of how many, and what was guessed of the others; none where
/// they are absent.
pub fn formats() -> Option<(usize, usize, Vec<String>)> {
    let rows = data::rows("formats_dev.jsonl")?;
    let mut wrong = Vec::new();
    for row in &rows {
        let label = data::text(row, "format");
        let payload = data::payload(row);
        let guess = inspect("t", &payload).format.name();
        if guess != label && !accepted(label).contains(&guess) {
            let payload = String::from_utf8_lossy(&payload).to_string();
            wrong.push(format!("{label} guessed {guess}: {payload}"));
        }
    }
    Some((rows.len() - wrong.len(), rows.len(), wrong))
}
