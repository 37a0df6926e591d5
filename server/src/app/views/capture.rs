//! Listening that outlives its call.

use crate::app::Listener;
use crate::journal::ClientId;
use crate::render;
use schemars::JsonSchema;
use serde::Serialize;

/// One that listens now.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct CaptureView {
    /// Its id.
    pub capture_id: String,
    /// Name and version of the assistant.
    pub who: String,
    /// Its number in this process.
    pub client: u64,
    /// The tool that began it.
    pub tool: &'static str,
    /// The session on which it listens.
    pub session_id: String,
    /// Topic Filters.
    pub filters: Vec<String>,
    /// When it began.
    pub began: String,
    /// When it will be over.
    pub ends: String,
    /// Messages heard so far.
    pub messages: u64,
}

impl CaptureView {
    pub(in crate::app) fn new(listener: Listener, client: ClientId, who: &str) -> Self {
        let filters = listener.filters.iter().map(|it| render::topic(it));
        Self {
            capture_id: listener.id,
            who: render::clean(who),
            client: client.0,
            tool: listener.tool,
            session_id: listener.session_id,
            filters: filters.collect(),
            began: render::time(listener.began),
            ends: render::time(listener.began + listener.lasts),
            messages: listener.messages,
        }
    }
}
