//! The protocol with an assistant: MCP in both eras, whatever carries its messages.
//!
//! `message` is JSON-RPC, `failure` its errors, `revision` what differs between dated revisions. `client` is one assistant
//! and routes each of its messages by itself, `caller` is who it says it is, `inflight` knows which of its requests run,
//! `job` runs one of them: `call` a tool's, `resources`, `prompts`, `completion` and `subscriptions` theirs. What is said goes
//! through an `outbox`; the transports stand in `crate::hosts`. What is served stands behind `service`.
//! Invariant: requests run concurrently and are answered out of order; `initialize` alone is in order.
//! Nothing is declared that is not served, and nothing served that is not declared.

mod call;
pub mod caller;
pub(crate) mod client;
mod completion;
pub mod failure;
pub(crate) mod inflight;
mod job;
pub mod message;
pub(crate) mod outbox;
mod prompts;
mod rehearsal;
pub(crate) mod reply;
mod resources;
pub mod revision;
pub mod service;
mod subscriptions;
mod trace;

pub use caller::{Caller, Transport};
pub use rehearsal::answers;

use async_channel::{Receiver, Sender, bounded};
use std::sync::Arc;

/// What a tool knows of the call it serves.
pub struct Call {
    /// Where progress goes, if the caller gave a token.
    pub progress: Option<Progress>,
    /// Ends (is closed) when the caller cancelled or the process is going.
    pub cancelled: Receiver<()>,
    /// Who makes it.
    pub caller: Arc<Caller>,
}

impl Call {
    /// A call that nobody watches: without a progress token; cancelled when the returned sender is dropped.
    pub fn unwatched() -> (Self, Sender<()>) {
        let (cancel, cancelled) = bounded(1);
        let progress = None;
        (
            Self {
                progress,
                cancelled,
                caller: Arc::new(Caller::new(0, Transport::Stdio)),
            },
            cancel,
        )
    }

    /// Resolves when the caller cancels or the process goes; never before.
    pub async fn cancelled(&self) {
        // Nothing is ever sent on this channel; the loop is for the type's sake.
        while self.cancelled.recv().await.is_ok() {}
    }

    /// Tells how far it is; nothing happens without a token, or while the previous tick is still unsent.
    pub fn tick(&self, progress: f64, total: f64, message: impl FnOnce() -> String) {
        if let Some(sink) = &self.progress {
            sink.tick(progress, total, message());
        }
    }
}

/// Sends `notifications/progress` for one call; drops a tick rather than wait.
#[derive(Clone)]
pub struct Progress {
    /// Rendered where the call runs.
    pub ticks: Sender<Tick>,
}

impl Progress {
    /// Sends one tick unless the previous is still unsent.
    pub fn tick(&self, progress: f64, total: f64, message: String) {
        let _ = self.ticks.try_send(Tick {
            progress,
            total,
            message,
        });
    }
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
