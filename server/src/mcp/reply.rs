//! Where the reply to one message goes: on a line of its own, or into the array that answers its batch.

use super::message::{self, INTERNAL_ERROR, Id, RpcError};
use super::stdio::Output;
use async_std::channel::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where the reply to one message goes.
pub(super) enum Reply {
    /// On a line of its own.
    Line(Sender<Output>),
    /// Into the array that answers its batch, in answer to the request of this id.
    Batch(Arc<Batch>, Option<Id>),
}

impl Reply {
    pub(super) fn line(out: &Sender<Output>) -> Self {
        Self::Line(out.clone())
    }

    /// Sends it, waiting for room; `None` if there is nothing to say.
    pub(super) async fn send(self, line: Option<String>) {
        let (out, line) = match self {
            Self::Line(out) => (out, line),
            Self::Batch(batch, id) => {
                let line = batch.fitting(line, id.as_ref());
                (batch.out.clone(), batch.add(line))
            }
        };
        if let Some(line) = line {
            // It fails only when the process goes.
            let _ = out.send(Output::Line(line)).await;
        }
    }
}

/// Messages that a batch may hold: far more than any client sends, and few enough that refusing each takes no time.
pub(super) const MAX_BATCH: usize = 1_000;

/// Bytes that the replies to a batch may take together: as many as one reply may.
const MAX_REPLIES: usize = super::call::MAX_REPLY;

/// Collects the replies to a batch.
pub(super) struct Batch {
    out: Sender<Output>,
    open: Mutex<Open>,
}

struct Open {
    /// Messages that have not ended.
    messages: usize,
    replies: Vec<String>,
    /// Bytes of the replies.
    bytes: usize,
}

impl Batch {
    pub(super) fn new(count: usize, out: &Sender<Output>) -> Arc<Self> {
        Arc::new(Self {
            out: out.clone(),
            open: Mutex::new(Open {
                messages: count,
                replies: Vec::new(),
                bytes: 0,
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the replies take as much as they may, so that no other request is begun.
    pub(super) fn is_full(&self) -> bool {
        self.lock().bytes >= MAX_REPLIES
    }

    /// The reply, or, where the replies would take too much together, an error in its place.
    fn fitting(&self, line: Option<String>, id: Option<&Id>) -> Option<String> {
        let mut open = self.lock();
        let line = line?;
        let bytes = open.bytes.saturating_add(line.len());
        match id {
            Some(id) if bytes > MAX_REPLIES => {
                // Full from here on: what comes later in the batch shall not be told in part.
                open.bytes = MAX_REPLIES;
                Some(message::error(id, &full()))
            }
            _ => {
                open.bytes = bytes;
                Some(line)
            }
        }
    }

    /// Counts one message as ended; gives the array after the last, unless nothing was to be said.
    fn add(&self, line: Option<String>) -> Option<String> {
        let mut open = self.lock();
        open.replies.extend(line);
        open.messages = open.messages.saturating_sub(1);
        (open.messages == 0 && !open.replies.is_empty())
            .then(|| format!("[{}]", open.replies.join(",")))
    }
}

/// The error in place of a reply that does not fit.
pub(super) fn full() -> RpcError {
    let message = format!(
        "the replies to this batch take more than {MAX_REPLIES} bytes; send this request alone"
    );
    RpcError::new(INTERNAL_ERROR, message)
}
