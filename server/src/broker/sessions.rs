//! The sessions that the assistant has open: at most `limits.max_sessions`, each named by a UUID v4, each ending after
//! `limits.session_idle` without use.

use super::handle::{BrokerError, Established, Handle, Status};
use super::target::Target;
use crate::config::Limits;
use std::time::{Duration, SystemTime};

/// Registry of open sessions.
pub struct Sessions {}

/// One session as `list_active_connections` shows it.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    /// UUID v4.
    pub id: String,
    /// What it was established with.
    pub established: Established,
    /// State and counters.
    pub status: Status,
    /// When it was made.
    pub created: SystemTime,
    /// When a tool last used it.
    pub last_used: SystemTime,
    /// When it ends if nobody uses it.
    pub expires: SystemTime,
}

/// Why there is no session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoSession {
    /// There never was one of this id in this process.
    Unknown,
    /// It expired after so many seconds without use.
    Expired(u64),
    /// It was closed.
    Closed,
    /// So many are open already.
    TooMany(usize),
}

/// Why a session was not made.
pub enum EstablishError {
    /// No room.
    NoSession(NoSession),
    /// The broker, or the way to it.
    Broker(BrokerError),
}

#[allow(unused_variables, clippy::todo)]
impl Sessions {
    /// None open.
    pub fn new(limits: &Limits) -> Self {
        Self {}
    }

    /// Connects and registers; the place is reserved before, so that the limit holds under concurrency.
    ///
    /// # Errors
    /// No place, or the connection failed.
    pub async fn establish(&self, target: Target) -> Result<SessionInfo, EstablishError> {
        todo!()
    }

    /// The handle of a session, which counts as its use.
    ///
    /// # Errors
    /// Unknown, expired (remembered), closed (remembered).
    pub fn get(&self, id: &str) -> Result<Handle, NoSession> {
        todo!()
    }

    /// All open sessions, oldest first; is no use of them.
    pub fn list(&self) -> Vec<SessionInfo> {
        todo!()
    }

    /// Sends DISCONNECT, wipes, forgets.
    ///
    /// # Errors
    /// Unknown, expired, closed before.
    pub async fn close(&self, id: &str) -> Result<SessionInfo, NoSession> {
        todo!()
    }

    /// Closes all, at the end of the process, within `budget`.
    pub async fn close_all(&self, budget: Duration) {
        todo!()
    }
}
