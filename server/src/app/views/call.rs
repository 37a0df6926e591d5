//! A tool call, and a line of the log.

use super::is_false;
use crate::journal::{Call, ErrorLine, Level};
use crate::render;
use schemars::JsonSchema;
use serde::Serialize;

/// One tool call that ended.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct CallView {
    /// Counts from 1 since the start.
    pub number: u64,
    /// When it ended.
    pub at: String,
    /// Name and version of the assistant.
    pub who: String,
    /// Name of the tool.
    pub tool: String,
    /// Names of its arguments.
    pub argument_names: Vec<String>,
    /// Arguments as people read them; payloads are cut, secrets are not there.
    pub arguments: String,
    /// The session that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// How long in all.
    pub duration_ms: f64,
    /// The same without the time that it listened as asked.
    pub own_ms: f64,
    /// Bytes that went to the assistant.
    pub bytes: usize,
    /// About how many tokens that is.
    pub tokens: usize,
    /// `ok`, `cancelled` or the code of the error.
    pub outcome: String,
    /// It is an error.
    pub failed: bool,
    /// It published something, or may have.
    #[serde(skip_serializing_if = "is_false")]
    pub published: bool,
    /// Another process reported it; this one did not see it.
    #[serde(skip_serializing_if = "is_false")]
    pub reported: bool,
    /// What the tool found, or what the error says.
    pub verdict: String,
    /// The front of what the assistant got.
    pub result: String,
}

impl CallView {
    pub(super) fn new(call: Call) -> Self {
        Self {
            number: call.number,
            at: render::time(call.at),
            who: render::clean(&call.who),
            tool: render::clean(&call.tool),
            argument_names: call.names,
            arguments: render::clean(&call.arguments),
            session_id: call.session,
            duration_ms: render::millis(call.took),
            own_ms: render::millis(call.own),
            bytes: call.bytes,
            tokens: call.tokens,
            outcome: render::clean(&call.outcome),
            failed: call.failed,
            published: call.published,
            reported: call.is_reported,
            verdict: render::clean(&call.verdict),
            result: render::clean(&call.result),
        }
    }
}

/// One line of the log, or several that are equal.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct LogLine {
    /// `warning` or `error`.
    pub level: &'static str,
    /// The part of the program.
    pub origin: String,
    /// The latest text.
    pub text: String,
    /// How often.
    pub count: u64,
    /// When the first came.
    pub first: String,
    /// When the latest came.
    pub last: String,
}

impl LogLine {
    pub(super) fn new(line: ErrorLine) -> Self {
        Self {
            level: match line.level {
                Level::Warning => "warning",
                Level::Error => "error",
            },
            origin: render::clean(&line.origin),
            text: render::clean(&line.text),
            count: line.count,
            first: render::time(line.first),
            last: render::time(line.last),
        }
    }
}
