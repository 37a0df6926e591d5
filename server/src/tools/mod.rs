//! What the assistant may ask: one file a tool.

use crate::broker::sessions::Sessions;
use crate::config::Config;
use crate::mcp::Call;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Instant;

/// What all tools share.
pub struct State {
    /// Configuration in force.
    pub config: Config,
    /// Open sessions and captures.
    pub sessions: Sessions,
    /// When the process started.
    pub started: Instant,
}

/// A tool as `tools/list` tells it.
pub struct Tool {
    /// `^[a-z_]{1,40}$`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// When to use it and what it costs in time.
    pub description: &'static str,
    /// readOnlyHint, destructiveHint, idempotentHint, openWorldHint.
    pub annotations: Annotations,
    /// Root object, JSON Schema 2020-12.
    pub input_schema: fn(&Config) -> Value,
    /// Root object.
    pub output_schema: fn() -> Value,
}

/// Hints of MCP.
#[derive(Clone, Copy, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// Changes nothing.
    pub read_only_hint: bool,
    /// May destroy.
    pub destructive_hint: bool,
    /// Twice is as once.
    pub idempotent_hint: bool,
    /// Touches the world outside.
    pub open_world_hint: bool,
}

/// A failure the assistant can act on.
#[derive(Debug, serde::Serialize)]
pub struct ToolError {
    /// Stable: `invalid_argument`, `unknown_session`, `session_expired`, `connect_failed`, …
    pub code: &'static str,
    /// What was wrong.
    pub message: String,
    /// What to do now.
    pub next_step: String,
}

/// In the order of `tools/list`.
pub fn list() -> &'static [Tool] {
    &[]
}

/// Runs a tool; `None` if there is none of this name. The value is an object that fits the output schema.
pub async fn call(
    state: &Arc<State>,
    name: &str,
    arguments: Map<String, Value>,
    call: Call,
) -> Option<Result<Value, ToolError>> {
    let _ = (state, name, arguments, call);
    None
}
