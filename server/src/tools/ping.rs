//! `ping`: is the server there, and how is it.

use super::arguments::schema;
use super::{Call, State, ToolError};
use crate::app::views::RecordedBroker;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    version: &'static str,
    uptime_s: f64,
    /// Resident memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    sessions_open: usize,
    sessions_limit: usize,
    // Without establish_connection: their names are session_id for listening tools, with since.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    watched_from_the_start: Vec<RecordedBroker>,
    // For the user's browser; it lives as long as this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// What is wrong with the configuration; then no broker can be connected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken_configuration: Option<String>,
}

pub(super) const TOOL: super::Tool = super::Tool {
    name: "ping",
    title: "Ping the server",
    description: "Checks that this MCP server answers: version, uptime, memory, open sessions. Talks to no \
        broker (for that: test_connection). At once.",
    annotations: super::Annotations::reads(false),
    input_schema: |_| schema::input::<Arguments>(),
    output_schema: schema::output::<Answer>,
    run: |request| request.by(run),
};

pub(super) async fn run(state: &Arc<State>, _: Arguments, _: Call) -> Result<Answer, ToolError> {
    Ok(Answer {
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: (state.started.elapsed().as_secs_f64() * 1e3).round() / 1e3,
        memory_bytes: resident(),
        sessions_open: state.sessions.list().len(),
        sessions_limit: state.config.limits.max_sessions,
        watched_from_the_start: RecordedBroker::all(state.recorder.as_deref()),
        page: state.page.clone(),
        broken_configuration: state.config.broken.clone(),
    })
}

/// Resident memory as Linux tells it; `status` gives kilobytes whatever the page size is. Absent elsewhere.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn resident_memory_is_plausible() {
        let bytes = super::resident().unwrap();
        assert!((256 * 1024..1 << 34).contains(&bytes), "{bytes}");
    }
}
