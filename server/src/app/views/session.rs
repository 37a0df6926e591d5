//! A connection to a broker, as `list_active_connections` and the monitor show it.

use crate::broker::handle::{BrokerError, State};
use crate::broker::sessions::SessionInfo;
use crate::journal::ClientId;
use crate::render;
use schemars::JsonSchema;
use serde::Serialize;

/// One open session.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[allow(missing_docs)] // the names say it
pub struct Session {
    pub session_id: String,
    pub broker: String,
    pub protocol: &'static str,
    pub state: State,
    /// Of `state`.
    pub since: String,
    /// If another than since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    pub last_used: String,
    pub expires_at: String,
    pub messages_in: u64,
    pub messages_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub subscriptions: usize,
    pub reconnects: u32,
    /// What since session answers from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// Why it is not connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Of last_error, once the session is lost for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
}

/// What a session watches.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[allow(missing_docs)] // the names say it
pub struct Watch {
    pub filters: Vec<String>,
    pub messages: u64,
}

/// A session and whose it is.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct OwnedSession {
    /// Name and version of the assistant.
    pub who: String,
    /// Its number in this process; 0 is the service itself.
    pub client: u64,
    /// The service watches from its start, as its configuration says; it cannot be closed.
    #[serde(skip_serializing_if = "super::is_false")]
    pub recorded: bool,
    /// The session.
    #[serde(flatten)]
    pub session: Session,
}

impl OwnedSession {
    pub(super) fn new(info: SessionInfo, client: ClientId, who: String, recorded: bool) -> Self {
        Self {
            who: render::clean(&who),
            client: client.0,
            recorded,
            session: Session::from(info),
        }
    }
}

impl From<SessionInfo> for Session {
    fn from(session: SessionInfo) -> Self {
        let status = session.status;
        Self {
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
                State::Lost => Some(BrokerError::Lost(String::new()).code()),
                _ => None,
            },
        }
    }
}
