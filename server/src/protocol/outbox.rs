//! Where messages to a client go: a reply, and what belongs to its request, into the outbox of the request; news into
//! that of the client. Whoever carries the messages holds the other end of the channel and knows what to do with them.
//!
//! Invariant: an outbox is bounded; who has something to say waits for room or drops it, as it chooses.

use super::failure::{Code, RpcError};
use super::message::{self, Id};
use async_channel::{Receiver, Sender, bounded};

/// One message to a client.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// JSON, on one line.
    pub(crate) text: String,
    /// What it is, for a transport that must know.
    pub(crate) kind: Kind,
}

/// What a message to a client is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The reply to a request, or to a batch: the last message that belongs to it.
    Result,
    /// The same, with an error.
    Failed(Code),
    /// A notification.
    Notification,
}

impl Outgoing {
    /// The reply with a result, which is JSON text.
    pub(crate) fn result(id: &Id, result: &str) -> Self {
        Self {
            text: message::result(id, result),
            kind: Kind::Result,
        }
    }

    /// The reply with an error.
    pub(crate) fn error(id: &Id, error: &RpcError) -> Self {
        Self {
            text: message::error(id, error),
            kind: Kind::Failed(error.code),
        }
    }

    /// The reply to what has no readable id; `null` as [`message::error_without_id`] says.
    pub(crate) fn error_without_id(null: bool, error: &RpcError) -> Self {
        Self {
            text: message::error_without_id(null, error),
            kind: Kind::Failed(error.code),
        }
    }

    /// A notification; `params` is JSON text.
    pub(crate) fn notification(method: &str, params: &str) -> Self {
        Self {
            text: message::notification(method, params),
            kind: Kind::Notification,
        }
    }
}

/// One end of the channel; the transport holds the other. Cheap to clone; closed when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Outbox(Sender<Outgoing>);

/// The end of the process, or of the connection, has come: nothing is sent any more.
#[derive(Debug)]
pub(crate) struct Closed;

impl Outbox {
    /// With room for so many messages.
    pub(crate) fn new(room: usize) -> (Self, Receiver<Outgoing>) {
        let (sender, receiver) = bounded(room.max(1));
        (Self(sender), receiver)
    }

    /// Waits for room.
    pub(crate) async fn send(&self, message: Outgoing) -> Result<(), Closed> {
        self.0.send(message).await.map_err(|_| Closed)
    }

    /// Whether there was room.
    pub(crate) fn offer(&self, message: Outgoing) -> bool {
        self.0.try_send(message).is_ok()
    }

    /// Nothing is taken any more; what is in it is still delivered.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}
