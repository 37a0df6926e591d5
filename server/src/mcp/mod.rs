//! MCP, both eras: routes each message by itself, runs requests concurrently, answers out of order.

pub mod clock;

use async_std::channel::{Receiver, Sender};

/// What a tool knows of the call it serves.
pub struct Call {
    /// Where progress goes, if the caller gave a token.
    pub progress: Option<Progress>,
    /// Ends (is closed) when the caller cancelled or the process is going.
    pub cancelled: Receiver<()>,
}

/// Sends `notifications/progress` for one call; drops a tick rather than wait.
#[derive(Clone)]
pub struct Progress {
    /// Rendered by the owner of stdout.
    pub ticks: Sender<Tick>,
}

/// One tick of progress.
pub struct Tick {
    /// Seconds so far; strictly increasing.
    pub progress: f64,
    /// Seconds in all.
    pub total: f64,
    /// "10/30 s, 412 messages on 37 topics".
    pub message: String,
}
