//! Routes each message by itself; no message locks the process to an era.
//!
//! An envelope in `params._meta` makes a request modern; `initialize` opens a legacy session for the process; a bare
//! request before that is refused, after it is legacy. Cheap requests are answered in place, tool calls in tasks.
//! Invariant: every request gets one reply, unless it was cancelled; one that panics, in place or in a task, costs itself.

use super::call::Invocation;
use super::clock::sleep;
use super::completion;
use super::inflight::{InFlight, Refusal};
use super::job::{self, Desk, Job};
use super::message::{
    self, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, Id, Incoming, Line, METHOD_NOT_FOUND,
    PARSE_ERROR, Params, Request, RpcError, one_page, quote, to_json,
};
use super::reply::{self, Batch, MAX_BATCH, Reply};
use super::revision::{self, Revision};
use super::service::Service;
use super::stdio::Output;
use super::subscriptions::{self, Subscriptions};
use super::{prompts, resources};
use async_std::channel::Sender;
use serde_json::{Map, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// The time in which it is told at most once that the list of resources changed.
const COALESCED: Duration = Duration::from_millis(500);

/// One client on one pair of pipes.
pub(super) struct Server {
    desk: Desk,
    in_flight: Arc<InFlight>,
    /// Agreed by `initialize`; modern requests do not look at it.
    agreed: Option<Revision>,
    /// Of the host that said who it is in `initialize`.
    patience_s: Option<f64>,
    /// `"tools":[…]`, made at the first `tools/list`.
    tools: Option<String>,
    /// The previous line was not JSON, and was answered.
    in_garbage: bool,
}

impl Server {
    pub(super) fn new(
        service: Arc<dyn Service>,
        in_flight: Arc<InFlight>,
        out: Sender<Output>,
    ) -> Self {
        let subscriptions = Arc::new(Subscriptions::default());
        Self {
            desk: Desk {
                service,
                subscriptions,
                out,
            },
            in_flight,
            agreed: None,
            patience_s: None,
            tools: None,
            in_garbage: false,
        }
    }

    /// Takes one line.
    pub(super) async fn line(&mut self, line: &[u8]) {
        let parsed = message::parse(line);
        match parsed {
            Line::Blank => return,
            Line::NotJson(why) => {
                // Once per burst: somebody who sends garbage often sends much of it.
                if !self.in_garbage {
                    log::warn!("a line that is not JSON: {why}");
                    self.unidentified(PARSE_ERROR, format!("not JSON: {why}"))
                        .await;
                }
                self.in_garbage = true;
                return;
            }
            Line::One(incoming) => {
                let reply = Reply::line(&self.desk.out);
                self.message(incoming, line.len(), reply).await;
            }
            Line::Batch(items) => self.batch(items, line.len()).await,
        }
        self.in_garbage = false;
    }

    /// A line beyond the bound was discarded.
    pub(super) async fn too_long(&mut self, max: usize) {
        log::warn!("a line of more than {max} bytes was discarded");
        let message = format!("line longer than {max} bytes (max_line)");
        self.unidentified(INVALID_REQUEST, message).await;
    }

    async fn unidentified(&self, code: i32, message: String) {
        let line = self.error_without_id(&RpcError::new(code, message));
        Reply::line(&self.desk.out).send(Some(line)).await;
    }

    fn error_without_id(&self, error: &RpcError) -> String {
        let null = self.agreed.is_some_and(Revision::has_null_ids);
        message::error_without_id(null, error)
    }

    async fn batch(&mut self, items: Vec<Incoming>, bytes: usize) {
        if !self.agreed.is_some_and(Revision::has_batches) {
            let why = "batches exist only in sessions of revision 2025-03-26";
            return self.unidentified(INVALID_REQUEST, why.to_owned()).await;
        }
        if items.is_empty() {
            return self
                .unidentified(INVALID_REQUEST, "an empty batch".to_owned())
                .await;
        }
        if items.len() > MAX_BATCH {
            let why = format!("a batch holds at most {MAX_BATCH} messages; send it in parts");
            return self.unidentified(INVALID_REQUEST, why).await;
        }
        let replies = Batch::new(items.len(), &self.desk.out);
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
                    let line = message::error(&request.id, &reply::full());
                    reply.send(Some(line)).await;
                }
                Incoming::Request(request) if !may_stand_in_batch(&request) => {
                    let why = "this request cannot stand in a batch";
                    let error = RpcError::new(INVALID_REQUEST, why);
                    reply.send(Some(message::error(&request.id, &error))).await;
                }
                item => self.message(item, bytes, reply).await,
            }
        }
    }

    async fn message(&mut self, incoming: Incoming, bytes: usize, reply: Reply) {
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
                let error = RpcError::new(INVALID_REQUEST, why);
                let line = match id {
                    Some(id) => message::error(&id, &error),
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

    async fn request(&mut self, request: Request, bytes: usize, reply: Reply) {
        let Request { id, method, params } = request;
        if self.in_flight.contains(&id) {
            let error = RpcError::new(INVALID_REQUEST, "a request with this id is in flight");
            return reply.send(Some(message::error(&id, &error))).await;
        }
        let routed = match params {
            Params::Object(params) => {
                let routing = AssertUnwindSafe(|| self.route(&method, params));
                catch_unwind(routing)
                    .unwrap_or_else(|_| Err(job::panicked(&message::repeat(&method))))
            }
            Params::Other => Err(RpcError::new(INVALID_PARAMS, "params must be an object")),
        };
        let line = match routed {
            Ok(Answer::Now(result)) => message::result(&id, &result),
            Ok(Answer::Later(job)) => match self.in_flight.begin(id.clone(), bytes) {
                Ok(ticket) => {
                    async_std::task::spawn(job::run(self.desk.clone(), job, ticket, reply));
                    return;
                }
                Err(refusal) => message::error(&id, &refused(&refusal)),
            },
            Err(error) => message::error(&id, &error),
        };
        reply.send(Some(line)).await;
    }

    /// The era, the method, the shape of its parameters: in this order.
    fn route(&mut self, method: &str, params: Map<String, Value>) -> Result<Answer, RpcError> {
        let revision = if revision::has_envelope(&params) {
            revision::check_envelope(&params)?;
            Revision::V2026_07_28
        } else if method == "initialize" {
            return self.initialize(&params).map(Answer::Now);
        } else if method == "ping" {
            // Either side may ping at any time, also before the handshake.
            return Ok(Answer::Now("{}".to_owned()));
        } else {
            self.agreed.ok_or_else(revision::no_handshake)?
        };
        self.method(method, params, revision)
    }

    fn method(
        &mut self,
        method: &str,
        params: Map<String, Value>,
        revision: Revision,
    ) -> Result<Answer, RpcError> {
        let (service, modern) = (&*self.desk.service, revision.is_modern());
        match method {
            "server/discover" if modern => Ok(Answer::Now(discover(service, revision))),
            "tools/list" => self.list_tools(&params, revision).map(Answer::Now),
            "tools/call" => {
                let invocation = invocation(params, revision, self.patience_s)?;
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
                Err(RpcError::new(METHOD_NOT_FOUND, message))
            }
        }
    }

    fn initialize(&mut self, params: &Map<String, Value>) -> Result<String, RpcError> {
        let Some(requested) = params.get("protocolVersion").and_then(Value::as_str) else {
            let message = "params.protocolVersion must be a string";
            return Err(RpcError::new(INVALID_PARAMS, message));
        };
        let revision = Revision::agree(requested);
        self.patience_s = patience_of(params.get("clientInfo"));
        if self.agreed.replace(revision).is_none() {
            async_std::task::spawn(tell_of_resources(self.desk.clone()));
        }
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

    fn list_tools(
        &mut self,
        params: &Map<String, Value>,
        revision: Revision,
    ) -> Result<String, RpcError> {
        one_page(params)?;
        let service = &self.desk.service;
        let tools = self
            .tools
            .get_or_insert_with(|| format!("\"tools\":{}", to_json(&service.tools())));
        Ok(revision.lasting_result(tools))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.desk.subscriptions.close_all();
    }
}

/// Tells a legacy client that its list of resources changed, until the process ends.
async fn tell_of_resources(desk: Desk) {
    let changes = desk.service.comings_and_goings();
    while changes.recv().await.is_ok() {
        let line = message::notification("notifications/resources/list_changed", "{}");
        if desk.out.send(Output::Line(line)).await.is_err() {
            return;
        }
        sleep(COALESCED).await;
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
        Refusal::Duplicate => RpcError::new(INVALID_REQUEST, "a request with this id is in flight"),
        Refusal::Full(count) => RpcError::new(
            INTERNAL_ERROR,
            format!(
                "{count} requests are in flight (max_requests); wait for one to end, or cancel one"
            ),
        ),
        Refusal::TooLarge => RpcError::new(
            INTERNAL_ERROR,
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

/// How long the host waits that describes itself so.
fn patience_of(client: Option<&Value>) -> Option<f64> {
    let client = client?;
    let words = ["name", "title"]
        .into_iter()
        .filter_map(|key| client.get(key)?.as_str());
    words.filter_map(super::patience_s).next()
}

fn invocation(
    mut params: Map<String, Value>,
    revision: Revision,
    patience_s: Option<f64>,
) -> Result<Invocation, RpcError> {
    let Some(Value::String(name)) = params.remove("name") else {
        let message = "params.name must be a string";
        return Err(RpcError::new(INVALID_PARAMS, message));
    };
    let arguments = match params.remove("arguments") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(arguments)) => arguments,
        Some(_) => {
            let message = "params.arguments must be an object";
            return Err(RpcError::new(INVALID_PARAMS, message));
        }
    };
    let token = params
        .get("_meta")
        .and_then(|meta| meta.get("progressToken"))
        .filter(|token| Id::from_value(token).is_some())
        .map(Value::to_string);
    let meta = params.get("_meta");
    let client = meta.and_then(|meta| meta.get(revision::CLIENT_INFO));
    Ok(Invocation {
        name,
        arguments,
        token,
        patience_s: patience_of(client).or(patience_s),
        revision,
    })
}
