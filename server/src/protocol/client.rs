//! One assistant: routes each of its messages by itself; no message locks it to an era.
//!
//! An envelope in `params._meta` makes a request modern; `initialize` opens a legacy session; a bare
//! request before that is refused, after it is legacy. Cheap requests are answered in place, tool calls in tasks.
//! What carries the messages is not known here. Invariant: every request gets one reply, unless it was cancelled; one that
//! panics, in place or in a task, costs itself.

use super::call;
use super::caller::Caller;
use super::completion;
use super::inflight::{InFlight, Refusal};
use super::job::{self, Desk, Job};
use super::message::{
    self, Code, Id, Incoming, Line, Params, Request, RpcError, one_page, quote, to_json,
};
use super::outbox::{Outbox, Outgoing};
use super::reply::{self, Batch, MAX_BATCH, Reply};
use super::revision::{self, Revision};
use super::service::Service;
use super::subscriptions;
use super::{prompts, resources, trace};
use crate::process::clock::sleep;
use async_channel::{Receiver, Sender, bounded};
use futures::future::{Either, select};
use serde_json::{Map, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The time in which it is told at most once that the list of resources changed.
const COALESCED: Duration = Duration::from_millis(500);

/// One client.
pub(crate) struct Client {
    desk: Desk,
    in_flight: Arc<InFlight>,
    /// Agreed by `initialize`; modern requests do not look at it.
    agreed: Mutex<Option<Revision>>,
    /// As `initialize` named it.
    caller: Mutex<Arc<Caller>>,
    /// The previous line was not JSON, and was answered.
    in_garbage: AtomicBool,
    /// Dropping it ends what outlives requests; none if that belongs to another.
    alive: Option<Sender<()>>,
}

impl Client {
    /// That has said nothing yet. What it is told without asking goes into `news`.
    pub(crate) fn new(
        service: Arc<dyn Service>,
        caller: Caller,
        in_flight: Arc<InFlight>,
        news: Outbox,
    ) -> Self {
        let (alive, gone) = bounded(1);
        let journal = trace::came(&*service, &caller);
        Self {
            desk: Desk {
                service,
                journal,
                subscriptions: Arc::default(),
                tools: Arc::default(),
                news,
                gone,
            },
            in_flight,
            agreed: Mutex::new(None),
            caller: Mutex::new(Arc::new(caller)),
            in_garbage: AtomicBool::new(false),
            alive: Some(alive),
        }
    }

    /// The same client for one request that stands alone: with what it is served, but no handshake and no other requests.
    pub(crate) fn alone(&self, in_flight: Arc<InFlight>) -> Self {
        Self {
            desk: self.desk.clone(),
            in_flight,
            agreed: Mutex::new(None),
            caller: Mutex::new(self.caller()),
            in_garbage: AtomicBool::new(false),
            alive: None,
        }
    }

    /// The revision of its handshake.
    pub(crate) fn agreed(&self) -> Option<Revision> {
        *self.agreed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_agreed(&self, holds: impl Fn(Revision) -> bool) -> bool {
        self.agreed().is_some_and(holds)
    }

    /// Who it is, as far as it has said.
    pub(crate) fn caller(&self) -> Arc<Caller> {
        Arc::clone(&self.caller.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes one line.
    pub(crate) async fn line(&self, line: &[u8], out: &Outbox) {
        let parsed = message::parse(line);
        match parsed {
            Line::Blank => return,
            Line::NotJson(why) => {
                // Once per burst: somebody who sends garbage often sends much of it.
                if !self.in_garbage.swap(true, Ordering::Relaxed) {
                    log::warn!("a line that is not JSON: {why}");
                    self.unidentified(Code::ParseError, format!("not JSON: {why}"), out)
                        .await;
                }
                return;
            }
            Line::One(incoming) => {
                self.message(incoming, line.len(), Reply::line(out)).await;
            }
            Line::Batch(items) => self.batch(items, line.len(), out).await,
        }
        self.in_garbage.store(false, Ordering::Relaxed);
    }

    /// A line beyond the bound was discarded.
    pub(crate) async fn too_long(&self, max: usize, out: &Outbox) {
        log::warn!("a line of more than {max} bytes was discarded");
        let message = format!("line longer than {max} bytes (max_line)");
        self.unidentified(Code::InvalidRequest, message, out).await;
    }

    async fn unidentified(&self, code: Code, message: String, out: &Outbox) {
        let line = self.error_without_id(&RpcError::new(code, message));
        Reply::line(out).send(Some(line)).await;
    }

    fn error_without_id(&self, error: &RpcError) -> Outgoing {
        Outgoing::error_without_id(self.is_agreed(Revision::has_null_ids), error)
    }

    /// Takes an array of messages.
    pub(crate) async fn batch(&self, items: Vec<Incoming>, bytes: usize, out: &Outbox) {
        let refuse = |why: String| self.unidentified(Code::InvalidRequest, why, out);
        if !self.is_agreed(Revision::has_batches) {
            let why = "batches exist only in sessions of revision 2025-03-26";
            return refuse(why.to_owned()).await;
        }
        if items.is_empty() {
            return refuse("an empty batch".to_owned()).await;
        }
        if items.len() > MAX_BATCH {
            let why = format!("a batch holds at most {MAX_BATCH} messages; send it in parts");
            return refuse(why).await;
        }
        let replies = Batch::new(items.len(), out);
        // The whole line stays in memory until the last of its requests has ended.
        let bytes = bytes / items.len();
        for item in items {
            let id = match &item {
                Incoming::Request(request) => Some(request.id.clone()),
                _ => None,
            };
            let reply = Reply::Batch(Arc::clone(&replies), id);
            match item {
                Incoming::Request(request) if replies.is_full() => {
                    let line = Outgoing::error(&request.id, &reply::full());
                    reply.send(Some(line)).await;
                }
                Incoming::Request(request) if !may_stand_in_batch(&request) => {
                    let why = "this request cannot stand in a batch";
                    let error = RpcError::new(Code::InvalidRequest, why);
                    reply.send(Some(Outgoing::error(&request.id, &error))).await;
                }
                item => self.message(item, bytes, reply).await,
            }
        }
    }

    /// Takes one message; `bytes` is how long it was.
    pub(crate) async fn message(&self, incoming: Incoming, bytes: usize, reply: Reply) {
        match incoming {
            Incoming::Request(request) => self.request(request, bytes, reply).await,
            Incoming::Notification { method, params } => {
                if method == "notifications/cancelled" {
                    self.cancel(&params);
                }
                reply.send(None).await;
            }
            Incoming::Response => reply.send(None).await,
            Incoming::Invalid { id, why } => {
                let error = RpcError::new(Code::InvalidRequest, why);
                let line = match id {
                    Some(id) => Outgoing::error(&id, &error),
                    None => self.error_without_id(&error),
                };
                reply.send(Some(line)).await;
            }
        }
    }

    fn cancel(&self, params: &Params) {
        let Params::Object(params) = params else {
            return;
        };
        if let Some(id) = params.get("requestId").and_then(Id::from_value) {
            self.in_flight.cancel(&id);
        }
    }

    async fn request(&self, request: Request, bytes: usize, reply: Reply) {
        let Request { id, method, params } = request;
        if self.in_flight.contains(&id) {
            let error = RpcError::new(Code::InvalidRequest, "a request with this id is in flight");
            return reply.send(Some(Outgoing::error(&id, &error))).await;
        }
        let routed = match params {
            Params::Object(params) => {
                let routing = AssertUnwindSafe(|| self.route(&method, params));
                catch_unwind(routing)
                    .unwrap_or_else(|_| Err(job::panicked(&message::repeat(&method))))
            }
            Params::Other => Err(RpcError::new(
                Code::InvalidParams,
                "params must be an object",
            )),
        };
        let line = match routed {
            Ok(Answer::Now(result)) => Outgoing::result(&id, &result),
            Ok(Answer::Later(job)) => match self.in_flight.begin(id.clone(), bytes) {
                Ok(ticket) => {
                    async_std::task::spawn(job::run(self.desk.clone(), job, ticket, reply));
                    return;
                }
                Err(refusal) => Outgoing::error(&id, &refused(&refusal)),
            },
            Err(error) => Outgoing::error(&id, &error),
        };
        reply.send(Some(line)).await;
    }

    /// The era, the method, the shape of its parameters: in this order.
    fn route(&self, method: &str, params: Map<String, Value>) -> Result<Answer, RpcError> {
        let revision = if revision::has_envelope(&params) {
            revision::check_envelope(&params)?;
            Revision::V2026_07_28
        } else if method == "initialize" {
            return self.initialize(&params).map(Answer::Now);
        } else if method == "ping" {
            // Either side may ping at any time, also before the handshake.
            return Ok(Answer::Now("{}".to_owned()));
        } else {
            self.agreed().ok_or_else(revision::no_handshake)?
        };
        self.method(method, params, revision)
    }

    fn method(
        &self,
        method: &str,
        params: Map<String, Value>,
        revision: Revision,
    ) -> Result<Answer, RpcError> {
        let (service, modern) = (&*self.desk.service, revision.is_modern());
        match method {
            "server/discover" if modern => Ok(Answer::Now(discover(service, revision))),
            "tools/list" => self.list_tools(&params, revision).map(Answer::Now),
            "tools/call" => {
                let caller = match revision::client_info(&params) {
                    Some(info) if modern => Arc::new(self.caller().named(Some(info))),
                    _ => self.caller(),
                };
                let invocation = call::invocation(params, revision, caller)?;
                Ok(Answer::Later(Job::Call(invocation)))
            }
            "resources/list" => resources::list(service, &params, revision).map(Answer::Now),
            "resources/templates/list" => {
                resources::templates(service, &params, revision).map(Answer::Now)
            }
            "resources/read" => {
                let uri = resources::uri(params)?;
                Ok(Answer::Later(Job::Read(uri, revision)))
            }
            "resources/subscribe" if !modern => {
                let open = self.desk.subscriptions.open(&resources::uri(params)?)?;
                Ok(Answer::Later(Job::Subscribe(open, revision)))
            }
            "resources/unsubscribe" if !modern => {
                self.desk.subscriptions.close(&resources::uri(params)?);
                Ok(Answer::Now(revision.result("")))
            }
            "subscriptions/listen" if modern => {
                Ok(Answer::Later(Job::Listen(subscriptions::wanted(&params)?)))
            }
            "prompts/list" => prompts::list(service, &params, revision).map(Answer::Now),
            "prompts/get" => prompts::get(service, &params, revision).map(Answer::Now),
            "completion/complete" => {
                let asked = completion::asked(params, revision)?;
                Ok(Answer::Later(Job::Complete(asked)))
            }
            _ => {
                let message = format!(
                    "Method not found in {}: {}",
                    revision.name(),
                    message::repeat(method)
                );
                Err(RpcError::new(Code::MethodNotFound, message))
            }
        }
    }

    fn initialize(&self, params: &Map<String, Value>) -> Result<String, RpcError> {
        let Some(requested) = params.get("protocolVersion").and_then(Value::as_str) else {
            let message = "params.protocolVersion must be a string";
            return Err(RpcError::new(Code::InvalidParams, message));
        };
        let revision = Revision::agree(requested);
        {
            let info = params.get("clientInfo").and_then(Value::as_object);
            let mut caller = self.caller.lock().unwrap_or_else(PoisonError::into_inner);
            *caller = Arc::new(caller.named(info));
            trace::named(&self.desk, &caller);
        }
        self.agree(revision);
        log::info!("initialized with revision {}", revision.name());
        let (version, info) = (revision.name(), revision::server_info(revision));
        let (capabilities, instructions) =
            (revision.capabilities(), self.desk.service.instructions());
        let instructions = quote(instructions);
        Ok(format!(
            "{{\"protocolVersion\":\"{version}\",\"capabilities\":{capabilities},\"serverInfo\":{info},\
             \"instructions\":{instructions}}}"
        ))
    }

    /// Puts a revision of the legacy era in force; with the first begin the news of lists.
    pub(crate) fn agree(&self, revision: Revision) {
        let mut agreed = self.agreed.lock().unwrap_or_else(PoisonError::into_inner);
        if agreed.replace(revision).is_none() {
            async_std::task::spawn(tell_of_resources(self.desk.clone()));
        }
    }

    fn list_tools(
        &self,
        params: &Map<String, Value>,
        revision: Revision,
    ) -> Result<String, RpcError> {
        one_page(params)?;
        let service = &self.desk.service;
        let make = || format!("\"tools\":{}", to_json(&service.tools()));
        let tools = self.desk.tools.get_or_init(make);
        Ok(revision.lasting_result(tools))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if self.alive.is_some() {
            self.desk.subscriptions.close_all();
            trace::left(&self.desk, &self.caller());
        }
    }
}

/// Tells a legacy client that its list of resources changed, until it is gone.
async fn tell_of_resources(desk: Desk) {
    let changes = desk.service.comings_and_goings();
    while !is_gone(&desk.gone, changes.recv()).await {
        let list_changed = "notifications/resources/list_changed";
        let news = Outgoing::notification(list_changed, "{}");
        if is_gone(&desk.gone, desk.news.send(news)).await {
            return;
        }
        sleep(COALESCED).await;
    }
}

/// Waits for `work`; true if it failed or the client went before.
async fn is_gone<E>(gone: &Receiver<()>, work: impl Future<Output = Result<(), E>>) -> bool {
    match select(pin!(gone.recv()), pin!(work)).await {
        Either::Left(_) => true,
        Either::Right((done, _)) => done.is_err(),
    }
}

/// What becomes of a request.
enum Answer {
    /// Its result, as JSON text.
    Now(String),
    /// By a task.
    Later(Job),
}

fn may_stand_in_batch(request: &Request) -> bool {
    let modern =
        matches!(&request.params, Params::Object(params) if revision::has_envelope(params));
    !modern && request.method != "initialize"
}

fn refused(refusal: &Refusal) -> RpcError {
    match refusal {
        Refusal::Duplicate => {
            RpcError::new(Code::InvalidRequest, "a request with this id is in flight")
        }
        Refusal::Full(count) => RpcError::new(
            Code::InternalError,
            format!(
                "{count} requests are in flight, which is the limit (max_requests, over HTTP http_requests); wait for one to end, or cancel one"
            ),
        ),
        Refusal::TooLarge => RpcError::new(
            Code::InternalError,
            "the requests in flight take too much memory; wait for one to end, or cancel one",
        ),
    }
}

fn discover(service: &dyn Service, revision: Revision) -> String {
    let instructions = quote(service.instructions());
    let (version, capabilities) = (revision.name(), revision.capabilities());
    revision.introduction(&format!(
        "\"supportedVersions\":[\"{version}\"],\"capabilities\":{capabilities},\"instructions\":{instructions}"
    ))
}
