//! Third-party data beside the repository, which is read where it is and never copied; without it nothing is measured.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::path::PathBuf;

/// The rows of `file`; none where the data is absent.
pub fn rows(file: &str) -> Option<Vec<Value>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data")
        .join(file);
    let text = std::fs::read_to_string(path).ok()?;
    let row = |line| serde_json::from_str(line).expect("a row is JSON");
    Some(text.lines().map(row).collect())
}

/// A text field of a row.
pub fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().expect("a text field")
}

/// The payload of a row that has it in base64.
pub fn payload(row: &Value) -> Vec<u8> {
    STANDARD
        .decode(text(row, "payload_b64"))
        .expect("valid base64")
}
