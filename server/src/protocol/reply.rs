//! Where the reply to one message goes: by itself, or into the array that answers its batch.

use super::message::{self, Code, Id, RpcError};
use super::outbox::{Kind, Outbox, Outgoing};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where the reply to one message goes.
pub(crate) enum Reply {
    /// By itself.
    Line(Outbox),
    /// Into the array that answers its batch, in answer to the request of this id.
    Batch(Arc<Batch>, Option<Id>),
}

impl Reply {
    /// By itself, into this outbox.
    pub(crate) fn line(out: &Outbox) -> Self {
        Self::Line(out.clone())
    }

    /// Where else goes what belongs to the request: its progress, the acknowledgement of its subscription.
    pub(super) fn outbox(&self) -> Outbox {
        match self {
            Self::Line(out) => out.clone(),
            Self::Batch(batch, _) => batch.out.clone(),
        }
    }

    /// Sends it, waiting for room; `None` if there is nothing to say.
    pub(super) async fn send(self, message: Option<Outgoing>) {
        let (out, message) = match self {
            Self::Line(out) => (out, message),
            Self::Batch(batch, id) => {
                let text = batch.fitting(message.map(|it| it.text), id.as_ref());
                let replies = batch.add(text);
                let kind = Kind::Result;
                (
                    batch.out.clone(),
                    replies.map(|text| Outgoing { text, kind }),
                )
            }
        };
        if let Some(message) = message {
            // It fails only when the process, or the connection, goes.
            let _ = out.send(message).await;
        }
    }
}

/// Messages that a batch may hold: far more than any client sends, and few enough that refusing each takes no time.
pub(super) const MAX_BATCH: usize = 1_000;

/// Bytes that the replies to a batch may take together: as many as one reply may.
const MAX_REPLIES: usize = super::call::MAX_REPLY;

/// Collects the replies to a batch.
pub(crate) struct Batch {
    out: Outbox,
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
    pub(super) fn new(count: usize, out: &Outbox) -> Arc<Self> {
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
    RpcError::new(Code::InternalError, message)
}
