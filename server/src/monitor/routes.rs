//! The one table of what there is: the router, `Allow`, and the OpenAPI description are made from it.

use super::api;
use super::query::{Kind, Parameter, Query};
use super::reply::Reply;
use super::{Desk, openapi};
use crate::app::views::{
    BrokerView, CallView, CaptureView, Device, LogLine, Metrics, OwnedSession, Stats, Topics,
};
use futures::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;
use tide::{Request, Response};

/// Answers an endpoint.
type Handler = fn(Arc<Desk>, Asked, Query) -> BoxFuture<'static, Reply>;

/// One method of one path.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// `{id}` stands for one segment.
    pub(super) path: &'static str,
    pub(super) what: &'static str,
    pub(super) parameters: &'static [Parameter],
    /// Status and content of what it answers if all is well.
    pub(super) answer: Answer,
    /// Statuses of what can be wrong, besides 401 and a bad argument.
    pub(super) errors: &'static [u16],
    handler: Handler,
}

/// What an endpoint answers.
pub(super) enum Answer {
    /// JSON of this schema.
    Json(u16, fn() -> Value),
    /// Text of this type.
    Text(&'static str),
    /// No content.
    Empty(u16),
}

/// What is asked of an endpoint.
pub(super) struct Asked {
    pub(super) id: Option<String>,
    pub(super) query: String,
    /// The body says that it is JSON.
    pub(super) json: bool,
    pub(super) body: Vec<u8>,
    pub(super) trusted: bool,
}

const LIMIT: Parameter = Parameter {
    name: "limit",
    what: "so many at most",
    kind: Kind::Number(1, 500, Some(100)),
};

const CALLS: &[Parameter] = &[
    Parameter {
        name: "tool",
        what: "of this tool only",
        kind: Kind::Text,
    },
    Parameter {
        name: "error",
        what: "true: failed ones only; false: those that went well",
        kind: Kind::Flag,
    },
    LIMIT,
    Parameter {
        name: "before",
        what: "older ones than this number",
        kind: Kind::Number(1, u64::MAX / 2, None),
    },
];

const ERRORS: &[Parameter] = &[
    Parameter {
        name: "level",
        what: "this bad, or worse",
        kind: Kind::OneOf(&["warning", "error"]),
    },
    LIMIT,
];

const TOPICS: &[Parameter] = &[
    Parameter {
        name: "filter",
        what: "a Topic Filter, or a part of a topic if it has no wildcard",
        kind: Kind::Text,
    },
    Parameter {
        name: "under",
        what: "the branch whose level is wanted, with its / at the end",
        kind: Kind::Text,
    },
    Parameter {
        name: "topic",
        what: "this topic with its whole last payload, in place of a level",
        kind: Kind::Text,
    },
    Parameter {
        name: "session",
        what: "the session to look at; the first that watches without it",
        kind: Kind::Text,
    },
    Parameter {
        name: "limit",
        what: "so many rows at most",
        kind: Kind::Number(1, 2_000, Some(200)),
    },
];

/// All of them, each path together.
pub(super) static ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/",
        what: "The page. Without the token it holds no data.",
        parameters: &[],
        answer: Answer::Text("text/html; charset=utf-8"),
        errors: &[],
        handler: |desk, asked, _| Box::pin(api::page(desk, asked)),
    },
    Route {
        method: "GET",
        path: "/metrics",
        what: "The meters for Prometheus.",
        parameters: &[],
        answer: Answer::Text(api::OPEN_METRICS),
        errors: &[],
        handler: |desk, _, _| Box::pin(api::open_metrics(desk)),
    },
    Route {
        method: "GET",
        path: "/api/sessions",
        what: "Open connections to brokers, and whose they are.",
        parameters: &[],
        answer: Answer::Json(200, openapi::list::<OwnedSession>),
        errors: &[],
        handler: |desk, _, _| Box::pin(api::sessions(desk)),
    },
    Route {
        method: "DELETE",
        path: "/api/sessions/{id}",
        what: "Closes a connection of an assistant; captures that listen on it end.",
        parameters: &[],
        answer: Answer::Empty(204),
        errors: &[404, 409],
        handler: |desk, asked, _| Box::pin(api::close_session(desk, asked)),
    },
    Route {
        method: "GET",
        path: "/api/captures",
        what: "Listening that outlives its call, and whose it is.",
        parameters: &[],
        answer: Answer::Json(200, openapi::list::<CaptureView>),
        errors: &[],
        handler: |desk, _, _| Box::pin(api::captures(desk)),
    },
    Route {
        method: "DELETE",
        path: "/api/captures/{id}",
        what: "Ends a capture; its assistant can still ask for what it has heard.",
        parameters: &[],
        answer: Answer::Empty(204),
        errors: &[404],
        handler: |desk, asked, _| Box::pin(api::end_capture(desk, asked)),
    },
    Route {
        method: "GET",
        path: "/api/broker-status",
        what: "Each broker: state, what it allows, rate, times without connection.",
        parameters: &[],
        answer: Answer::Json(200, openapi::list::<BrokerView>),
        errors: &[],
        handler: |desk, _, _| Box::pin(api::brokers(desk)),
    },
    Route {
        method: "GET",
        path: "/api/metrics",
        what: "Performance: totals, the last hour, latency, tools.",
        parameters: &[],
        answer: Answer::Json(200, openapi::schema::<Metrics>),
        errors: &[],
        handler: |desk, _, _| Box::pin(api::metrics(desk)),
    },
    Route {
        method: "GET",
        path: "/api/errors",
        what: "Warnings and errors of the log, the latest first; equal ones are one line.",
        parameters: ERRORS,
        answer: Answer::Json(200, openapi::list::<LogLine>),
        errors: &[],
        handler: |desk, _, query| Box::pin(api::errors(desk, query)),
    },
    Route {
        method: "GET",
        path: "/api/stats",
        what: "What was collected, and who called what how often.",
        parameters: &[],
        answer: Answer::Json(200, openapi::schema::<Stats>),
        errors: &[],
        handler: |desk, _, _| Box::pin(api::stats(desk)),
    },
    Route {
        method: "GET",
        path: "/api/calls",
        what: "Tool calls that ended, the latest first.",
        parameters: CALLS,
        answer: Answer::Json(200, openapi::list::<CallView>),
        errors: &[],
        handler: |desk, _, query| Box::pin(api::calls(desk, query)),
    },
    Route {
        method: "POST",
        path: "/api/log-call",
        what: "Reports a call that another process made; it is marked as reported.",
        parameters: &[],
        answer: Answer::Empty(202),
        errors: &[413, 415, 429],
        handler: |desk, asked, _| Box::pin(api::log_call(desk, asked)),
    },
    Route {
        method: "GET",
        path: "/api/topics",
        what: "A level of the tree of topics, or one topic with its last payload.",
        parameters: TOPICS,
        answer: Answer::Json(200, openapi::schema::<Topics>),
        errors: &[404],
        handler: |desk, _, query| Box::pin(api::topics(desk, query)),
    },
    Route {
        method: "GET",
        path: "/api/devices",
        what: "Devices of the watched brokers, the sick ones first.",
        parameters: &[],
        answer: Answer::Json(200, openapi::list::<Device>),
        errors: &[],
        handler: |desk, _, _| Box::pin(api::devices(desk)),
    },
    Route {
        method: "POST",
        path: "/api/ticket",
        what: "A one-time ticket for the news: the first message to say on the WebSocket of api/live.",
        parameters: &[],
        answer: Answer::Json(200, openapi::schema::<api::Ticket>),
        errors: &[],
        handler: |desk, _, _| Box::pin(api::ticket(desk)),
    },
    Route {
        method: "GET",
        path: "/api/live",
        what: "News over WebSocket: a snapshot, then changes once a second. Without an upgrade 426.",
        parameters: &[],
        answer: Answer::Empty(101),
        errors: &[426],
        handler: |_, _, _| Box::pin(api::not_upgraded()),
    },
    Route {
        method: "GET",
        path: "/api/openapi.json",
        what: "This description.",
        parameters: &[],
        answer: Answer::Json(200, openapi::anything),
        errors: &[],
        handler: |_, _, _| Box::pin(api::description()),
    },
];

/// The row that this path belongs to, and what stands for `{id}`.
pub(super) fn find(path: &str) -> Option<(&'static Route, Option<String>)> {
    ROUTES
        .iter()
        .find_map(|row| match row.path.strip_suffix("{id}") {
            None => (row.path == path).then_some((row, None)),
            Some(before) => {
                let id = path.strip_prefix(before)?;
                (!id.is_empty() && !id.contains('/')).then(|| (row, Some(id.to_owned())))
            }
        })
}

/// Methods of a path, for `Allow`.
pub(super) fn allowed(path: &str) -> String {
    let rows = ROUTES.iter().filter(|row| row.path == path);
    let mut methods: Vec<_> = rows.map(|row| row.method).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.join(", ")
}

/// tide's router over the table.
pub(super) fn router(desk: &Arc<Desk>) -> tide::Server<Arc<Desk>> {
    let mut server = tide::with_state(desk.clone());
    for row in ROUTES {
        let path = row.path.replace("{id}", ":id");
        let method: Result<tide::http::Method, _> = row.method.parse();
        let Ok(method) = method else { continue };
        let endpoint = move |request: Request<Arc<Desk>>| answered(row, request);
        server.at(&path).method(method, endpoint);
    }
    server
}

async fn answered(row: &'static Route, mut request: Request<Arc<Desk>>) -> tide::Result {
    let desk = request.state().clone();
    let inner: &mut tide::http::Request = request.as_mut();
    let asked = inner.ext_mut().remove::<Asked>();
    let reply = match asked {
        None => Reply::error(500, "internal", "nothing was asked; this is a bug"),
        Some(asked) => match Query::parse(&asked.query, row.parameters) {
            Ok(query) => (row.handler)(desk, asked, query).await,
            Err(wrong) => wrong,
        },
    };
    let mut response = Response::new(200);
    response.insert_ext(reply);
    Ok(response)
}
