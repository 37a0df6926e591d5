//! Topics of a watched broker, a level at a time, and one topic with its whole last payload.

use super::is_false;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A level of the tree of topics.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Topics {
    /// Sessions that watch; the first is looked at unless another is asked for.
    pub sources: Vec<TopicSource>,
    /// The session that was looked at; none if none watches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Topics that the session has heard and that the filter takes.
    pub topics: u64,
    /// That is an estimate: more were heard than find room.
    #[serde(skip_serializing_if = "is_false")]
    pub estimated: bool,
    /// In order of name.
    pub rows: Vec<TopicRow>,
    /// Rows that found no room in this answer.
    pub more: usize,
    /// The last message of the topic that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<TopicValue>,
}

/// A session that watches.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct TopicSource {
    /// Its id.
    pub session_id: String,
    /// Its broker.
    pub broker: String,
    /// What it watches.
    pub filters: Vec<String>,
}

/// A branch with all below it, or a topic.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct TopicRow {
    /// The whole path; a branch ends with `/`.
    pub path: String,
    /// Topics in it; 1 for a topic.
    pub topics: usize,
    /// Messages.
    pub messages: u64,
    /// Live messages a second over the time watched.
    pub messages_per_s: f64,
    /// Messages judged errors.
    pub errors: u64,
    /// When the last message came.
    pub last: String,
    /// The front of the last payload; absent for a branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// All its messages were retained ones.
    #[serde(skip_serializing_if = "is_false")]
    pub retained: bool,
}

/// The last message of a topic.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct TopicValue {
    /// The topic.
    pub topic: String,
    /// When it came.
    pub at: String,
    /// Bytes of the whole payload.
    pub bytes: usize,
    /// QoS it came with.
    pub qos: u8,
    /// It was replayed because retained.
    pub retained: bool,
    /// As JSON, if it is that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// As text, if it is that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// As hexadecimal digits.
    pub hex: String,
    /// Bytes that are shown, if not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown_bytes: Option<usize>,
}
