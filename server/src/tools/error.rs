//! How what a broker or a session refuses becomes a tool's failure. Never a credential.

use crate::broker::handle::BrokerError;
use crate::broker::sessions::{EstablishError, NoSession};
use crate::protocol::failure::ToolError;
use crate::render;

/// Bytes of a broker's or an argument's own words that are repeated.
const SHOWN: usize = 2_000;

impl From<BrokerError> for ToolError {
    fn from(error: BrokerError) -> Self {
        // Both may quote the broker's own words.
        let (message, next) = (error.to_string(), error.next_step());
        let shown = |text: &str| render::clean(render::front(text, SHOWN));
        Self::new(error.code(), shown(&message), shown(&next))
    }
}

impl From<NoSession> for ToolError {
    fn from(reason: NoSession) -> Self {
        match reason {
            NoSession::Unknown => Self::new(
                "unknown_session",
                "there is no session of this id in this process; an id does not outlive the process that gave it",
                "leave `session_id` out for the only session or broker, or pass a configured broker's name or a \
                 connection string as `session_id`; list_active_connections shows what is open",
            ),
            NoSession::Expired(seconds) => Self::new(
                "session_expired",
                format!("the session expired after {seconds} s without use"),
                "call establish_connection again",
            ),
            NoSession::Closed => Self::new(
                "session_closed",
                "the session was closed",
                "call establish_connection for a new one",
            ),
            NoSession::TooMany(open) => Self::new(
                "too_many_sessions",
                format!("{open} sessions are open already, which is the limit"),
                "close one with close_connection (list_active_connections shows them), or use one of them",
            ),
            NoSession::TooManyInAll(open) => Self::new(
                "too_many_sessions",
                format!(
                    "the assistants of this service have {open} sessions open together, which is the limit (max_sessions_all)"
                ),
                "close one of your own with close_connection, or wait until another assistant closes one",
            ),
        }
    }
}

impl From<EstablishError> for ToolError {
    fn from(error: EstablishError) -> Self {
        match error {
            EstablishError::NoSession(reason) => reason.into(),
            EstablishError::Broker(error) => error.into(),
        }
    }
}
