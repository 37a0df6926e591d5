//! What cannot be answered in place: each such request is a job with a ticket, run in a task of its own.
//!
//! Invariants: a job's reply is sent at most once and never after its cancellation; one that panics costs its own
//! request only; one that the end of the process finds unanswered says so.

use super::call::{self, Invocation};
use super::completion::{self, Asked};
use super::inflight::Ticket;
use super::message::{self, INTERNAL_ERROR, RpcError};
use super::reply::Reply;
use super::resources;
use super::revision::Revision;
use super::service::Service;
use super::stdio::Output;
use super::subscriptions::{self, Open, Subscriptions};
use async_std::channel::Sender;
use futures::FutureExt;
use futures::future::{Either, select};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

/// What is to be done.
pub(super) enum Job {
    /// `tools/call`
    Call(Invocation),
    /// `resources/read`
    Read(String, Revision),
    /// `completion/complete`
    Complete(Asked),
    /// `resources/subscribe`
    Subscribe(Open, Revision),
    /// `subscriptions/listen`
    Listen(Vec<String>),
}

/// What every job needs.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) service: Arc<dyn Service>,
    pub(super) subscriptions: Arc<Subscriptions>,
    pub(super) out: Sender<Output>,
}

/// Does a job and answers it.
pub(super) async fn run(desk: Desk, job: Job, mut ticket: Ticket, reply: Reply) {
    let service = &*desk.service;
    let result = match job {
        Job::Call(invocation) => return call::run(&desk, invocation, ticket, reply).await,
        Job::Read(uri, revision) => {
            let work = resources::read(service, &uri, revision);
            under(&ticket, "resources/read", work).await
        }
        Job::Complete(asked) => {
            let work = completion::complete(service, &asked);
            under(&ticket, "completion/complete", work).await
        }
        Job::Subscribe(open, revision) => {
            let work = open.begin(service, revision);
            match under(&ticket, "resources/subscribe", work).await {
                Ok(pulse) => {
                    let claimed = ticket.claim();
                    let line = message::result(&ticket.id, &revision.result(""));
                    reply.send(claimed.then_some(line)).await;
                    drop(ticket);
                    if claimed {
                        open.run(pulse, &desk.out).await;
                    }
                    return;
                }
                Err(error) => Err(error),
            }
        }
        Job::Listen(uris) => {
            let work =
                subscriptions::listen(service, &desk.subscriptions, uris, &ticket, &desk.out);
            // It looks at its cancellation itself, for its end is a result.
            caught("subscriptions/listen", work).await
        }
    };
    let line = match result {
        Ok(result) => message::result(&ticket.id, &result),
        Err(error) => message::error(&ticket.id, &error),
    };
    reply.send(ticket.claim().then_some(line)).await;
}

/// Works until it is done or taken back; then what is said is heard only if the process goes.
pub(super) async fn under<T>(
    ticket: &Ticket,
    what: &str,
    work: impl Future<Output = Result<T, RpcError>>,
) -> Result<T, RpcError> {
    match select(pin!(caught(what, work)), pin!(ticket.cancelled.recv())).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => Err(RpcError::new(
            INTERNAL_ERROR,
            "the input ended before this was done",
        )),
    }
}

/// A panic as an error.
pub(super) async fn caught<T>(
    what: &str,
    work: impl Future<Output = Result<T, RpcError>>,
) -> Result<T, RpcError> {
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    outcome.unwrap_or_else(|_| {
        log::error!("{what} panicked; this is a bug");
        let message = format!("internal error in {what}; other requests are not affected");
        Err(RpcError::new(INTERNAL_ERROR, message))
    })
}
