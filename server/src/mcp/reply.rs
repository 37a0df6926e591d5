//! Where the reply to one message goes: on a line of its own, or into the array that answers its batch.

use super::stdio::Output;
use async_std::channel::Sender;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the reply to one message goes.
pub(super) enum Reply {
    /// On a line of its own.
    Line(Sender<Output>),
    /// Into the array that answers its batch.
    Batch(Arc<Batch>),
}

impl Reply {
    pub(super) fn line(out: &Sender<Output>) -> Self {
        Self::Line(out.clone())
    }

    /// Sends it, waiting for room; `None` if there is nothing to say.
    pub(super) async fn send(self, line: Option<String>) {
        let (out, line) = match self {
            Self::Line(out) => (out, line),
            Self::Batch(batch) => (batch.out.clone(), batch.add(line)),
        };
        if let Some(line) = line {
            // It fails only when the process goes.
            let _ = out.send(Output::Line(line)).await;
        }
    }
}

/// Collects the replies to a batch.
pub(super) struct Batch {
    out: Sender<Output>,
    /// Messages that have not ended, and the replies so far.
    open: Mutex<(usize, Vec<String>)>,
}

impl Batch {
    pub(super) fn new(count: usize, out: &Sender<Output>) -> Arc<Self> {
        Arc::new(Self {
            out: out.clone(),
            open: Mutex::new((count, Vec::new())),
        })
    }

    /// Counts one message as ended; gives the array after the last, unless nothing was to be said.
    fn add(&self, line: Option<String>) -> Option<String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.1.extend(line);
        open.0 = open.0.saturating_sub(1);
        (open.0 == 0 && !open.1.is_empty()).then(|| format!("[{}]", open.1.join(",")))
    }
}
