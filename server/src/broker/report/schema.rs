//! What schemas tell: per family of topics plain owned data.

use std::time::Duration;

/// How schemas are wanted.
#[derive(Clone, Copy, Debug)]
pub struct WantSchema {
    /// Families of topics that are told apart (1 to 65,535); memory is about 7 KB for each.
    pub families: usize,
    /// Bytes of an example that are kept; longer ones are cut.
    pub example_bytes: usize,
    /// Schemas to validate by, with room for what was not received yet, rather than ones that describe.
    pub room: bool,
}

/// The answer of the accumulator of schemas.
#[derive(Clone, Debug, Default)]
pub struct SchemaFindings {
    /// Families of topics, those with the most messages first.
    pub families: Vec<SchemaFamily>,
    /// Messages of families that found no room.
    pub messages_beyond: u64,
    /// Times that a member of an object found no room.
    pub members_lost: u64,
}

/// A family of topics whose messages are alike.
#[derive(Clone, Debug, Default)]
pub struct SchemaFamily {
    /// A topic, with `+` for levels that differ.
    pub pattern: String,
    /// Distinct topics, never more than messages.
    pub topics: u64,
    /// `topics` is an estimate.
    pub topics_estimated: bool,
    /// Messages of any format.
    pub messages: u64,
    /// Messages per format, the most frequent first.
    pub formats: Vec<(&'static str, u64)>,
    /// Payload bytes: least, mean, most.
    pub bytes: (u64, u64, u64),
    /// JSON Schema of the JSON messages, if there are any.
    pub schema: Option<String>,
    /// JSON messages that it is built from.
    pub sample: u64,
    /// 0 to 1, and what it is called.
    pub confidence: (f64, &'static str),
    /// Values whose types are so rare that the schema leaves them out.
    pub outliers: u64,
    /// Paths whose type changed.
    pub changed: Vec<ChangedPath>,
    /// What other texts have in common, as a schema of what was read in them; strings that came.
    pub text: Option<(String, Vec<String>)>,
    /// Of payloads that are no text: how many, mean entropy in bits a byte, first bytes that all have.
    pub binary: Option<(u64, f64, Vec<u8>)>,
    /// Front of the first and of the latest payload, and how long each is in all.
    pub examples: Vec<(Vec<u8>, usize)>,
}

/// A path whose values were of several types.
#[derive(Clone, Debug)]
pub struct ChangedPath {
    /// `a.b.*`
    pub path: String,
    /// How often each came.
    pub types: Vec<(&'static str, u32)>,
    /// When it last changed.
    pub last: Duration,
    /// The first change, if it was noted.
    pub first: Option<FirstChange>,
}

/// The first time that a path changed its type.
#[derive(Clone, Debug)]
pub struct FirstChange {
    /// Topic of the message.
    pub topic: String,
    /// When it came, since `Report::started`.
    pub at: Duration,
    /// The value before if that was a number, else its type; and the value that came.
    pub values: (String, String),
}
