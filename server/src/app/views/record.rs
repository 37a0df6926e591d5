//! A broker that the service watches from its start.

use crate::broker::recorder::{Recorded, Recorder};
use crate::render;
use schemars::JsonSchema;
use serde::Serialize;

/// What the service watches for all assistants; listening tools take its name as `session_id`, with `since`.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct RecordedBroker {
    /// Its name in the configuration.
    pub broker: String,
    /// Topic Filters.
    pub filters: Vec<String>,
    /// `connected` or `away`.
    pub state: &'static str,
    /// Since when it is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Messages heard.
    pub messages: u64,
    /// Why it is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl RecordedBroker {
    /// All of them.
    pub(crate) fn all(recorder: Option<&Recorder>) -> Vec<Self> {
        let recorded = recorder.map(Recorder::list).unwrap_or_default();
        recorded.into_iter().map(Self::from).collect()
    }
}

impl From<Recorded> for RecordedBroker {
    fn from(recorded: Recorded) -> Self {
        let error = recorded.away();
        let watching = recorded.session.and_then(|session| session.watching);
        let connected = error.is_none() && watching.is_some();
        Self {
            broker: recorded.record.broker,
            filters: recorded
                .record
                .filters
                .iter()
                .map(|it| render::topic(it))
                .collect(),
            state: if connected { "connected" } else { "away" },
            since: watching.as_ref().map(|it| render::time(it.since)),
            messages: watching.map_or(0, |it| it.messages),
            last_error: error.as_deref().map(render::clean),
        }
    }
}
