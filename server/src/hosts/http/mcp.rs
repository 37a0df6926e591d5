//! `/mcp`: Streamable HTTP in both eras. The token, the limits of connections, Host and Origin are checked before.
//!
//! 2026-07-28: each POST stands alone, its headers repeat its body, a client that closes it cancels it. 2025-03-26 to
//! 2025-11-25: a session by `Mcp-Session-Id`, GET for news, DELETE to end it; a closed connection cancels nothing.
//! Invariant: every request is answered, by JSON when the answer comes first and soon, else by a stream that ends with it;
//! every refusal is JSON-RPC.

use super::body::{Body, NotTaken, gather};
use super::headers::{self, Accepted, only};
use super::refusal::{Refusal, json_answer};
use super::sessions::{NoSession, Sessions};
use crate::hosts::assistants::Assistant;
use crate::protocol::client::Client;
use crate::protocol::failure::{Code, RpcError};
use crate::protocol::inflight::InFlight;
use crate::protocol::message::{self, Id, Incoming, Line, Params, Request};
use crate::protocol::outbox::{Kind, Outbox, Outgoing};
use crate::protocol::reply::Reply;
use async_channel::Receiver;
use async_std::future::timeout;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Response, StatusCode};
use std::sync::Arc;
use std::time::Duration;

/// An answer that has not come by then becomes a stream, so that clients see the beginning of one.
const SOON: Duration = Duration::from_secs(1);
/// Messages of one request that wait to be written.
const ROOM: usize = 16;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// See the head of this file.
pub(super) struct Endpoint {
    pub(super) sessions: Sessions,
    pub(super) max_body: usize,
    pub(super) body_time: Duration,
}

/// Where the messages of one request come out, and how they are sent.
struct Answering {
    messages: Receiver<Outgoing>,
    accepted: Accepted,
    modern: bool,
    session: Option<String>,
}

/// Takes a request back when its client has gone.
struct Abandon {
    in_flight: Arc<InFlight>,
    id: Id,
}

impl Drop for Abandon {
    fn drop(&mut self) {
        self.in_flight.cancel(&self.id);
    }
}

impl Endpoint {
    /// Answers a request, whatever it is.
    pub(super) async fn answer(
        &self,
        request: hyper::Request<hyper::body::Incoming>,
    ) -> Response<Body> {
        let (head, body) = request.into_parts();
        let answered = match head.method {
            Method::POST => self.post(&head.headers, body).await,
            Method::GET => self.get(&head.headers),
            Method::DELETE => self.delete(&head.headers),
            _ => Err(Refusal::method("GET, POST, DELETE").closing()),
        };
        answered.unwrap_or_else(|refusal| refusal.as_rpc())
    }

    /// The stream of news of a session.
    fn get(&self, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        let assistant = self.session(headers)?;
        if !Accepted::of(headers).events {
            let message = "GET gives a stream of events: send Accept: text/event-stream";
            return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, message));
        }
        let news = assistant.news.clone();
        Ok(stream(Body::events(None, news, assistant)))
    }

    fn delete(&self, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        self.session(headers)?;
        let id = only(headers, SESSION.as_str()).unwrap_or_default();
        self.sessions.end(id).map_err(no_session)?;
        let mut response = Response::new(Body::whole(""));
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }

    /// The session of a GET or DELETE; clients that have none try these methods, and know this answer.
    fn session(&self, headers: &HeaderMap) -> Result<Arc<Assistant>, Refusal> {
        let id = only(headers, SESSION.as_str()).filter(|_| !headers::is_modern(headers, None));
        let id = id.ok_or_else(|| Refusal::method("POST"))?;
        self.sessions.get(id).map_err(no_session)
    }

    async fn post(
        &self,
        headers: &HeaderMap,
        body: hyper::body::Incoming,
    ) -> Result<Response<Body>, Refusal> {
        if !is_json(headers) {
            let message = "the body must be JSON: send Content-Type: application/json";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).closing());
        }
        let accepted = Accepted::of(headers);
        if !accepted.json && !accepted.events {
            let message =
                "answers are JSON or events: send Accept: application/json, text/event-stream";
            return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, message).closing());
        }
        let body = gather(body, self.max_body, self.body_time).await;
        let body = body.map_err(|why| not_taken(why, self.max_body))?;
        let bytes = body.len();
        match message::parse(&body) {
            Line::Blank => Err(Refusal::new(StatusCode::BAD_REQUEST, "the body is empty")),
            Line::NotJson(why) => {
                let error = RpcError::new(Code::ParseError, format!("not JSON: {why}"));
                let text = message::error_without_id(false, &error);
                Ok(json_answer(StatusCode::BAD_REQUEST, text))
            }
            Line::One(Incoming::Request(request)) => {
                if headers::is_modern(headers, Some(&request.params)) {
                    self.modern(headers, request, bytes, accepted).await
                } else if request.method == "initialize" {
                    self.initialize(request, bytes, accepted).await
                } else {
                    self.legacy(headers, request, bytes, accepted).await
                }
            }
            Line::One(other) => self.no_request(headers, other, bytes).await,
            Line::Batch(items) => self.batch(headers, items, bytes, accepted).await,
        }
    }

    async fn modern(
        &self,
        headers: &HeaderMap,
        request: Request,
        bytes: usize,
        accepted: Accepted,
    ) -> Result<Response<Body>, Refusal> {
        if let Err(error) = headers::check(headers, &request) {
            let text = message::error(&request.id, &error);
            return Ok(json_answer(StatusCode::BAD_REQUEST, text));
        }
        if request.method == "subscriptions/listen" && !accepted.events {
            let message =
                "subscriptions/listen answers with events: send Accept: text/event-stream";
            return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, message));
        }
        let Some((client, in_flight)) = self.sessions.alone().alone() else {
            let message = "too many requests are in flight (max_requests); wait for one to end";
            let error = RpcError::new(Code::InternalError, message);
            let text = message::error(&request.id, &error);
            return Ok(json_answer(StatusCode::OK, text));
        };
        let id = request.id.clone();
        let abandon = Abandon { in_flight, id };
        let messages = begin(&client, request, bytes).await;
        let answering = Answering {
            messages,
            accepted,
            modern: true,
            session: None,
        };
        Ok(answering.give(abandon).await)
    }

    async fn initialize(
        &self,
        request: Request,
        bytes: usize,
        accepted: Accepted,
    ) -> Result<Response<Body>, Refusal> {
        let assistant = self.sessions.come();
        let messages = begin(&assistant.client, request, bytes).await;
        // `initialize` is answered in place; an error agrees on nothing, and leaves no session.
        let agreed = assistant.client.agreed();
        let keep = |agreed| self.sessions.keep(Arc::clone(&assistant), agreed);
        let session = agreed.map(keep).transpose().map_err(no_session)?;
        let answering = Answering {
            messages,
            accepted,
            modern: false,
            session,
        };
        Ok(answering.give(assistant).await)
    }

    async fn legacy(
        &self,
        headers: &HeaderMap,
        request: Request,
        bytes: usize,
        accepted: Accepted,
    ) -> Result<Response<Body>, Refusal> {
        if !headers.contains_key(SESSION) {
            let error = crate::protocol::revision::no_handshake();
            let text = message::error(&request.id, &error);
            return Ok(json_answer(StatusCode::BAD_REQUEST, text));
        }
        let assistant = self.known(headers)?;
        let messages = begin(&assistant.client, request, bytes).await;
        let answering = Answering {
            messages,
            accepted,
            modern: false,
            session: None,
        };
        Ok(answering.give(assistant).await)
    }

    /// A notification, a response, or what is no message.
    async fn no_request(
        &self,
        headers: &HeaderMap,
        incoming: Incoming,
        bytes: usize,
    ) -> Result<Response<Body>, Refusal> {
        let modern = headers::is_modern(headers, params_of(&incoming));
        match &incoming {
            Incoming::Invalid { id, why } => {
                let error = RpcError::new(Code::InvalidRequest, *why);
                let text = match id {
                    Some(id) => message::error(id, &error),
                    None => message::error_without_id(false, &error),
                };
                return Ok(json_answer(StatusCode::BAD_REQUEST, text));
            }
            Incoming::Response if modern => {
                let message = "responses are not taken in this revision: the server asks nothing";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, message));
            }
            // Some clients send it without their session.
            Incoming::Notification { .. } if modern || !headers.contains_key(SESSION) => {}
            _ => {
                let assistant = self.known(headers)?;
                let (out, _) = Outbox::new(1);
                let client = &assistant.client;
                client.message(incoming, bytes, Reply::line(&out)).await;
            }
        }
        Ok(accepted_only())
    }

    async fn batch(
        &self,
        headers: &HeaderMap,
        items: Vec<Incoming>,
        bytes: usize,
        accepted: Accepted,
    ) -> Result<Response<Body>, Refusal> {
        let assistant = match headers.contains_key(SESSION) {
            true => self.known(headers)?,
            false => {
                let message =
                    "a batch needs a session of revision 2025-03-26: send each message by itself";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, message));
            }
        };
        let asks = items
            .iter()
            .any(|it| matches!(it, Incoming::Request(_) | Incoming::Invalid { .. }));
        let (out, messages) = Outbox::new(ROOM);
        let asks = asks || items.is_empty();
        assistant.client.batch(items, bytes, &out).await;
        drop(out);
        if !asks && messages.is_empty() {
            return Ok(accepted_only());
        }
        let answering = Answering {
            messages,
            accepted,
            modern: false,
            session: None,
        };
        Ok(answering.give(assistant).await)
    }

    fn known(&self, headers: &HeaderMap) -> Result<Arc<Assistant>, Refusal> {
        match only(headers, SESSION.as_str()) {
            Some(id) => self.sessions.get(id).map_err(no_session),
            None => {
                let message = "Mcp-Session-Id must be there once, as `initialize` gave it";
                Err(Refusal::new(StatusCode::BAD_REQUEST, message))
            }
        }
    }
}

impl Answering {
    /// Waits for the answer or the time to begin a stream; `held` lives until the answer is given.
    async fn give(self, held: impl Send + Sync + 'static) -> Response<Body> {
        let mut response = self.first(held).await;
        if let Some(Ok(id)) = self.session.map(|id| HeaderValue::from_str(&id)) {
            response.headers_mut().insert(SESSION, id);
        }
        response
    }

    async fn first(&self, held: impl Send + Sync + 'static) -> Response<Body> {
        let Accepted { json, events } = self.accepted;
        let as_stream = |first| stream(Body::events(first, self.messages.clone(), held));
        loop {
            let next = match events {
                true => timeout(SOON, self.messages.recv()).await,
                false => Ok(self.messages.recv().await),
            };
            match next {
                Ok(Ok(message)) if message.kind == Kind::Notification && !events => {}
                Ok(Ok(message)) if message.kind != Kind::Notification && json => {
                    return json_answer(self.status(message.kind), message.text);
                }
                Ok(Ok(message)) => return as_stream(Some(message)),
                // Cancelled: nobody waits for a word.
                Ok(Err(_)) if !events => return accepted_only(),
                Ok(Err(_)) | Err(_) => return as_stream(None),
            }
        }
    }

    /// In the legacy era 404 would say that the session has ended.
    fn status(&self, kind: Kind) -> StatusCode {
        let Kind::Failed(code) = kind else {
            return StatusCode::OK;
        };
        match code {
            Code::MethodNotFound if self.modern => StatusCode::NOT_FOUND,
            Code::ParseError
            | Code::InvalidRequest
            | Code::InvalidParams
            | Code::HeaderMismatch
            | Code::UnsupportedVersion
                if self.modern =>
            {
                StatusCode::BAD_REQUEST
            }
            _ => StatusCode::OK,
        }
    }
}

/// Gives a request to its client; gives where its messages come out.
async fn begin(client: &Client, request: Request, bytes: usize) -> Receiver<Outgoing> {
    let (out, messages) = Outbox::new(ROOM);
    let incoming = Incoming::Request(request);
    client.message(incoming, bytes, Reply::line(&out)).await;
    messages
}

fn params_of(incoming: &Incoming) -> Option<&Params> {
    match incoming {
        Incoming::Request(Request { params, .. }) | Incoming::Notification { params, .. } => {
            Some(params)
        }
        _ => None,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = only(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

fn not_taken(why: NotTaken, max: usize) -> Refusal {
    let (status, message) = match why {
        NotTaken::TooLong => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the message has more than {max} bytes (http_mcp_body_bytes)"),
        ),
        NotTaken::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            "the message did not come in time (http_body_time)".to_owned(),
        ),
        NotTaken::Broken => (
            StatusCode::BAD_REQUEST,
            "the body could not be read".to_owned(),
        ),
    };
    Refusal::new(status, message).closing()
}

fn no_session(why: NoSession) -> Refusal {
    match why {
        NoSession::Unknown => Refusal::new(
            StatusCode::NOT_FOUND,
            "this MCP session has ended or is unknown; send initialize again, without Mcp-Session-Id",
        ),
        NoSession::Full => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "all MCP sessions are in use (http_clients); end one, or try again later",
        ),
    }
}

fn accepted_only() -> Response<Body> {
    let mut response = Response::new(Body::whole(""));
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

fn stream(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies of the kind of nginx gather answers otherwise.
    let buffering = HeaderName::from_static("x-accel-buffering");
    headers.insert(buffering, HeaderValue::from_static("no"));
    response
}
