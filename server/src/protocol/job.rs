//! What cannot be answered in place: each such request is a job with a ticket, run in a task of its own.
//!
//! Invariants: a job's reply is sent at most once and never after its cancellation; one that panics costs its own
//! request only; one that the end of the process finds unanswered says so.

use super::call::{self, Invocation};
use super::completion::{self, Asked};
use super::failure::{Code, RpcError};
use super::inflight::Ticket;
use super::outbox::{Outbox, Outgoing};
use super::reply::Reply;
use super::resources;
use super::revision::Revision;
use super::service::Service;
use super::subscriptions::{self, Open, Subscriptions};
use crate::journal::Journal;
use async_channel::Receiver;
use futures::FutureExt;
use futures::future::{Either, select};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, OnceLock};

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
    /// `"tools":[…]`, made at the first `tools/list`.
    pub(super) tools: Arc<OnceLock<String>>,
    /// For what is no part of any reply.
    pub(super) news: Outbox,
    /// Closed when the client is gone.
    pub(super) gone: Receiver<()>,
    /// Of a service: where calls are noted.
    pub(super) journal: Option<Arc<Journal>>,
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
                    let line = Outgoing::result(&ticket.id, &revision.result(""));
                    reply.send(claimed.then_some(line)).await;
                    drop(ticket);
                    if claimed {
                        open.run(pulse, &desk.news).await;
                    }
                    return;
                }
                Err(error) => Err(error),
            }
        }
        Job::Listen(uris) => {
            let out = reply.outbox();
            let work = subscriptions::listen(service, &desk.subscriptions, uris, &ticket, &out);
            // It looks at its cancellation itself, for its end is a result.
            caught("subscriptions/listen", work).await
        }
    };
    let line = match result {
        Ok(result) => Outgoing::result(&ticket.id, &result),
        Err(error) => Outgoing::error(&ticket.id, &error),
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
            Code::InternalError,
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
    outcome.unwrap_or_else(|_| Err(panicked(what)))
}

/// Says that a request panicked, without the words of the panic, which may hold what the caller gave.
pub(super) fn panicked(what: &str) -> RpcError {
    log::error!("{what} panicked; this is a bug");
    let message = format!("internal error in {what}; other requests are not affected");
    RpcError::new(Code::InternalError, message)
}

#[cfg(test)]
mod tests {
    use super::super::service::{
        Answer, Bounds, Changes, Contents, Prompt, Prompted, Pulse, Resource, Template, Unfinished,
        Unreadable, no_changes,
    };
    use super::super::{Call, answers};
    use super::*;
    use crate::protocol::failure::ToolError;
    use futures::future::BoxFuture;
    use serde_json::{Map, Value, json};
    use std::time::Duration;

    /// Whatever is asked of it is a bug that tells what was given.
    struct Buggy;

    const SECRET: &str = "hunter2";

    fn bug<T>(given: impl std::fmt::Debug) -> T {
        panic!("a bug on {given:?} and {SECRET}")
    }

    impl Service for Buggy {
        fn bounds(&self) -> Bounds {
            Bounds {
                max_line: 1 << 16,
                max_requests: 64,
            }
        }
        fn instructions(&self) -> &str {
            ""
        }
        fn tools(&self) -> Vec<Value> {
            bug(())
        }
        fn tool_names(&self) -> Vec<&'static str> {
            bug(())
        }
        fn call<'a>(
            &'a self,
            _: &'a str,
            arguments: Map<String, Value>,
            _: Call,
        ) -> BoxFuture<'a, Option<Result<Answer, ToolError>>> {
            async move { bug(arguments) }.boxed()
        }
        fn resources(&self, passing: bool) -> Vec<Resource> {
            bug(passing)
        }
        fn comings_and_goings(&self) -> Changes {
            no_changes()
        }
        fn templates(&self) -> Vec<Template> {
            bug(())
        }
        fn read<'a>(&'a self, uri: &'a str) -> BoxFuture<'a, Result<Vec<Contents>, Unreadable>> {
            async move { bug(uri) }.boxed()
        }
        fn follow<'a>(&'a self, uri: &'a str) -> BoxFuture<'a, Result<Pulse, Unreadable>> {
            async move { bug(uri) }.boxed()
        }
        fn prompts(&self) -> &'static [Prompt] {
            bug(())
        }
        fn prompt(&self, name: &str, _: &Map<String, Value>) -> Option<Prompted> {
            bug(name)
        }
        fn complete<'a>(&'a self, it: Unfinished<'a>) -> BoxFuture<'a, Option<Vec<String>>> {
            async move { bug(it.value) }.boxed()
        }
        fn close(&self, _: Duration) -> BoxFuture<'_, ()> {
            async {}.boxed()
        }
    }

    #[test]
    fn a_panic_costs_its_own_request_and_tells_nothing_of_it() {
        let argument = json!({"name": SECRET, "value": SECRET});
        let asked = [
            ("tools/list", json!({})),
            (
                "tools/call",
                json!({"name": "x", "arguments": {"a": SECRET}}),
            ),
            ("resources/list", json!({})),
            ("resources/templates/list", json!({})),
            ("resources/read", json!({"uri": SECRET})),
            ("resources/subscribe", json!({"uri": SECRET})),
            ("prompts/list", json!({})),
            ("prompts/get", json!({"name": SECRET})),
            (
                "completion/complete",
                json!({"ref": {"type": "ref/prompt", "name": SECRET}, "argument": argument}),
            ),
        ];
        let hello = json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {"protocolVersion": "2025-11-25"}});
        let requests = asked.iter().map(|(method, params)| {
            json!({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
        });
        let last = json!({"jsonrpc": "2.0", "id": "last", "method": "ping"});
        let lines = [hello].into_iter().chain(requests).chain([last]);
        let lines: Vec<String> = lines.map(|line| line.to_string()).collect();
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let replies = answers(Arc::new(Buggy), &lines);
        let replies = replies.iter().map(|it| serde_json::from_str(it).unwrap());
        let replies: Vec<Value> = replies.collect();
        let of = |id: &str| replies.iter().find(|reply| reply["id"] == id).unwrap();
        for (method, _) in &asked {
            let message = of(method)["error"]["message"].as_str().unwrap();
            assert!(message.starts_with("internal error in "), "{message}");
            assert!(!message.contains(SECRET), "{message}");
        }
        assert_eq!(of("last")["result"], json!({}));
        assert_eq!(replies.len(), asked.len() + 2);
    }
}
