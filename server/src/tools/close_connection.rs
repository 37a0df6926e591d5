//! `close_connection`: ends a session.

use super::arguments::schema;
use super::{Annotations, Call, State, ToolError, session};
use crate::render;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    session_id: String,
    broker: String,
    closed: bool,
    open_s: f64,
    messages_in: u64,
    messages_out: u64,
}

pub(super) const TOOL: super::Tool = super::Tool {
    name: "close_connection",
    title: "Close a connection",
    description: "Ends a session: sends DISCONNECT, removes its subscriptions, wipes its credentials. Captures \
        that still listen on it complete with stop_reason session_closed. At once.",
    annotations: Annotations {
        read_only_hint: false,
        destructive_hint: false,
        idempotent_hint: false,
        open_world_hint: true,
    },
    input_schema: |_| schema::input::<Arguments>(),
    output_schema: schema::output::<Answer>,
    run: |request| request.by(run),
};

pub(super) async fn run(
    state: &Arc<State>,
    arguments: Arguments,
    _: Call,
) -> Result<Answer, ToolError> {
    let Some(id) = session::open(state, arguments.session_id.as_deref())? else {
        return Err(ToolError::new(
            "unknown_session",
            "no such session is open, so there is nothing to close",
            "list_active_connections shows what is open",
        ));
    };
    if state.sessions.shared().iter().any(|it| it.id == id) {
        return Err(ToolError::policy(
            "this connection is shared with the other assistants of this service (share_connections)",
            "leave it open: it ends by itself when nobody has used it for a while, or the owner closes it on the page",
        ));
    }
    let session = state.sessions.close(&id).await?;
    let open = session.created.elapsed().unwrap_or_default();
    Ok(Answer {
        session_id: session.id,
        broker: session.established.broker,
        closed: true,
        open_s: render::seconds(open),
        messages_in: session.status.messages_in,
        messages_out: session.status.messages_out,
    })
}
