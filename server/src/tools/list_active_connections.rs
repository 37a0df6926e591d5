//! `list_active_connections`: the sessions that are open.

use super::{Annotations, Call, State, ToolError, schema};
use crate::broker::handle::{BrokerError, State as ConnectionState};
use crate::broker::sessions::SessionInfo;
use crate::render;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    sessions: Vec<Session>,
    limit: usize,
}

#[derive(Serialize, JsonSchema)]
struct Session {
    session_id: String,
    broker: String,
    protocol: &'static str,
    state: ConnectionState,
    /// Of `state`.
    since: String,
    /// If another than since.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    last_used: String,
    expires_at: String,
    messages_in: u64,
    messages_out: u64,
    bytes_in: u64,
    bytes_out: u64,
    subscriptions: usize,
    reconnects: u32,
    /// What since session answers from.
    #[serde(skip_serializing_if = "Option::is_none")]
    watch: Option<Watch>,
    /// Why it is not connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// Of last_error, once the session is lost for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

#[derive(Serialize, JsonSchema)]
struct Watch {
    filters: Vec<String>,
    messages: u64,
}

pub(super) const TOOL: super::Tool = super::Tool {
    name: "list_active_connections",
    title: "List open connections",
    description: "Lists the open sessions: session_id, broker, state, last use, expiry, traffic, reconnects, watched filters, last error. \
        Use it when a session_id is not at hand. Talks to no broker and is not a use of a session. At once.",
    annotations: Annotations::reads(false),
    input_schema: |_| schema::input::<Arguments>(),
    output_schema: schema::output::<Answer>,
};

pub(super) async fn run(state: &Arc<State>, _: Arguments, _: Call) -> Result<Answer, ToolError> {
    let sessions = state.sessions.list();
    Ok(Answer {
        sessions: sessions.into_iter().map(shown).collect(),
        limit: state.config.limits.max_sessions,
    })
}

fn shown(session: SessionInfo) -> Session {
    let status = session.status;
    Session {
        session_id: session.id,
        protocol: render::protocol(&session.established.grants),
        broker: session.established.broker,
        state: status.state,
        since: render::time(status.since),
        created: (status.reconnects > 0).then(|| render::time(session.created)),
        last_used: render::time(session.last_used),
        expires_at: render::time(session.expires),
        messages_in: status.messages_in,
        messages_out: status.messages_out,
        bytes_in: status.bytes_in,
        bytes_out: status.bytes_out,
        subscriptions: status.subscriptions,
        reconnects: status.reconnects,
        watch: session.watching.map(|watching| Watch {
            filters: watching
                .filters
                .iter()
                .map(|it| render::topic(it))
                .collect(),
            messages: watching.messages,
        }),
        last_error: status.last_error.as_deref().map(render::clean),
        code: match status.state {
            _ if status.failed => Some(BrokerError::Failed.code()),
            ConnectionState::Lost => Some(BrokerError::Lost(String::new()).code()),
            _ => None,
        },
    }
}
