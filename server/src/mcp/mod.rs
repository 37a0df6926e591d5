//! The wire to the assistant: MCP over standard input and output, in both eras.
//!
//! `stdio` owns the two pipes, `message` is JSON-RPC, `revision` is what differs between dated revisions,
//! `server` routes each message by itself, `inflight` knows which requests run, `job` runs one of them: `call` a
//! tool's, `resources`, `prompts`, `completion` and `subscriptions` theirs. What is served stands behind `service`.
//! Invariant: requests run concurrently and are answered out of order; `initialize` alone is in order.
//! Nothing is declared that is not served, and nothing served that is not declared.

mod call;
pub mod clock;
mod completion;
mod inflight;
mod job;
pub mod message;
mod prompts;
mod rehearsal;
mod reply;
mod resources;
pub mod revision;
mod server;
pub mod service;
pub mod stdio;
mod subscriptions;

pub use rehearsal::answers;
pub use stdio::serve;

use async_std::channel::{Receiver, Sender, bounded};

/// What a tool knows of the call it serves.
pub struct Call {
    /// Where progress goes, if the caller gave a token.
    pub progress: Option<Progress>,
    /// Ends (is closed) when the caller cancelled or the process is going.
    pub cancelled: Receiver<()>,
    /// Seconds that the caller's host waits, if it is known to wait less than others.
    pub patience_s: Option<f64>,
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
                patience_s: None,
            },
            cancel,
        )
    }

    /// The caller gave a progress token, so that its host may wait longer than usual.
    pub fn has_progress(&self) -> bool {
        self.progress.is_some()
    }

    /// The caller cancelled, or the process is going.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_closed()
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

/// Seconds in which a call must be answered for the host of this name; none: as long as the configuration says.
fn patience_s(client: &str) -> Option<f64> {
    // Home Assistant gives a tool ten seconds and shows nothing of what comes later; two are for the way and for us.
    let letters = client.bytes().filter(u8::is_ascii_alphanumeric);
    let name: String = letters
        .take(64)
        .map(|b| char::from(b.to_ascii_lowercase()))
        .collect();
    name.contains("homeassistant").then_some(8.0)
}

/// Sends `notifications/progress` for one call; drops a tick rather than wait.
#[derive(Clone)]
pub struct Progress {
    /// Rendered by the owner of stdout.
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

/// Starts the executor with two threads, before anything else uses it: a tool that makes a large result must not hold up
/// a connection's task. Requests are read and routed on the main thread, which runs no task at all.
pub fn start_executor() {
    const THREADS: usize = 2;
    async_global_executor::init_with_config(
        async_global_executor::GlobalExecutorConfig::default()
            .with_min_threads(THREADS)
            .with_max_threads(THREADS),
    );
}

#[cfg(test)]
mod tests {
    use super::patience_s;

    #[test]
    fn a_host_that_waits_less_is_known_by_its_name() {
        for name in ["Home Assistant", "home-assistant-mcp", "HomeAssistant"] {
            assert_eq!(patience_s(name), Some(8.0), "{name}");
        }
        assert_eq!(patience_s("assistant at home"), None);
    }
}
