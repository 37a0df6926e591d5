//! `list_active_connections`: the sessions that are open.

use super::arguments::schema;
use super::{Annotations, Call, State, ToolError};
use crate::app::views::{RecordedBroker, Session};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    sessions: Vec<Session>,
    // With the other assistants; nobody can close them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shared: Vec<Session>,
    limit: usize,
    // Beside the sessions, by the service for all assistants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    watched_from_the_start: Vec<RecordedBroker>,
}

pub(super) const TOOL: super::Tool = super::Tool {
    name: "list_active_connections",
    title: "List open connections",
    description: "Lists the open sessions: session_id, broker, state, last use, expiry, traffic, reconnects, \
        watched filters, last error. For when a session_id is not at hand. Talks to no broker. At once.",
    annotations: Annotations::reads(false),
    input_schema: |_| schema::input::<Arguments>(),
    output_schema: schema::output::<Answer>,
    run: |request| request.by(run),
};

pub(super) async fn run(state: &Arc<State>, _: Arguments, _: Call) -> Result<Answer, ToolError> {
    let sessions = state.sessions.list();
    let shared = state.sessions.shared();
    Ok(Answer {
        shared: shared.into_iter().map(Session::from).collect(),
        sessions: sessions.into_iter().map(Session::from).collect(),
        limit: state.config.limits.max_sessions,
        watched_from_the_start: RecordedBroker::all(state.recorder.as_deref()),
    })
}
