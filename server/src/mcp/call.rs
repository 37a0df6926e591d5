//! One `tools/call` from its beginning to its reply.
//!
//! Invariant: progress is strictly increasing and ends before the reply; after a cancellation nothing is sent; a tool that
//! panics costs its own call only.

use super::inflight::Ticket;
use super::message::{self, INTERNAL_ERROR, INVALID_PARAMS, RpcError, quote};
use super::revision::Revision;
use super::server::Reply;
use super::stdio::Output;
use super::{Call, Progress, Tick, sleep};
use crate::tools::{self, State, ToolError};
use async_std::channel::{Receiver, Sender, bounded};
use futures::future::{Either, select};
use futures::{FutureExt, pin_mut};
use serde_json::{Map, Value};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a reply beyond which clients get into trouble (some close the connection at 10 MiB). The tools' own
/// budgets are far below.
const MAX_REPLY: usize = 1 << 20;

/// How long a cancelled tool may take to give back what it holds before it is dropped.
const GRACE: Duration = Duration::from_secs(2);

/// What is to be called.
pub(super) struct Invocation {
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
    /// JSON text of the progress token.
    pub(super) token: Option<String>,
    pub(super) revision: Revision,
}

/// What came of a tool: `None` if there is none of this name.
type Outcome = Option<Result<Value, ToolError>>;

/// Runs a call and answers it.
pub(super) async fn run(
    state: Arc<State>,
    invocation: Invocation,
    ticket: Ticket,
    out: Sender<Output>,
    reply: Reply,
) {
    let (ticks, ticks_out) = bounded(1);
    let call = Call {
        progress: invocation.token.is_some().then(|| Progress { ticks }),
        cancelled: ticket.cancelled.clone(),
    };
    let name = invocation.name.as_str();
    let tool = tools::call(&state, name, invocation.arguments, call);
    let tool = AssertUnwindSafe(tool).catch_unwind();
    let relay = relay(&ticket, invocation.token.as_deref(), &ticks_out, &out);
    let ended = with_progress(tool, relay, &ticket.cancelled).await;
    let line = match ended {
        None => {
            log::warn!("{name} did not end within {GRACE:?} of its cancellation; dropped");
            None
        }
        Some(Ok(outcome)) => Some(render(&ticket.id, name, invocation.revision, outcome)),
        Some(Err(_)) => {
            log::error!("{name} panicked; this is a bug");
            let message = format!("internal error in {name}; other calls are not affected");
            Some(message::error(
                &ticket.id,
                &RpcError::new(INTERNAL_ERROR, message),
            ))
        }
    };
    let line = line.filter(|_| ticket.claim());
    reply.send(line).await;
}

/// Drives the tool with its progress beside it; `None` if it outlived its cancellation by more than the grace.
async fn with_progress<T>(
    tool: impl Future<Output = T>,
    relay: impl Future<Output = ()>,
    cancelled: &Receiver<()>,
) -> Option<T> {
    let abandoned = async {
        while cancelled.recv().await.is_ok() {}
        sleep(GRACE).await;
    };
    // The relay ends when the tool drops its end; then only the tool matters.
    let beside = async {
        futures::join!(relay, abandoned);
    };
    pin_mut!(tool, beside);
    match select(tool, beside).await {
        Either::Left((outcome, _)) => Some(outcome),
        Either::Right(_) => None,
    }
}

async fn relay(ticket: &Ticket, token: Option<&str>, ticks: &Receiver<Tick>, out: &Sender<Output>) {
    let Some(token) = token else { return };
    let mut last = f64::NEG_INFINITY;
    while let Ok(tick) = ticks.recv().await {
        // `cancelled` closes when the process goes, too; then nobody waits for progress either.
        if ticket.cancelled.is_closed() || !tick.progress.is_finite() || tick.progress <= last {
            continue;
        }
        last = tick.progress;
        // A full queue means that the client does not read; it will not miss a tick.
        let _ = out.try_send(Output::Line(progress(token, &tick)));
    }
}

fn progress(token: &str, tick: &Tick) -> String {
    let now = Value::from(tick.progress);
    let message = quote(&tick.message);
    let total = if tick.total.is_finite() {
        format!("\"total\":{},", Value::from(tick.total))
    } else {
        String::new()
    };
    message::notification(
        "notifications/progress",
        &format!("{{\"progressToken\":{token},\"progress\":{now},{total}\"message\":{message}}}"),
    )
}

fn render(id: &message::Id, name: &str, revision: Revision, outcome: Outcome) -> String {
    let fields = match outcome {
        None => {
            let names = tools::list().iter().map(|tool| tool.name);
            let hint = crate::config::nearest(name, names)
                .map(|near| format!("; did you mean {near}?"))
                .unwrap_or_default();
            let error = RpcError::new(INVALID_PARAMS, format!("Unknown tool: {name}{hint}"));
            return message::error(id, &error);
        }
        Some(Ok(value)) => {
            let json = value.to_string();
            let text = quote(&json);
            let content = format!("\"content\":[{{\"type\":\"text\",\"text\":{text}}}]");
            if content.len() + json.len() > MAX_REPLY {
                log::error!("result of {name} takes {} bytes; refused", json.len());
                failed(&ToolError {
                    code: "result_too_large",
                    message: format!("the result of {name} would take {} bytes", json.len()),
                    next_step: "ask for less: a narrower filter, or a smaller max_bytes".to_owned(),
                })
            } else {
                format!("{content},\"structuredContent\":{json}")
            }
        }
        Some(Err(error)) => failed(&error),
    };
    message::result(id, &revision.result(&fields))
}

fn failed(error: &ToolError) -> String {
    // Three strings always serialize.
    let json = serde_json::to_string(error).unwrap_or_default();
    let text = quote(&json);
    format!("\"content\":[{{\"type\":\"text\",\"text\":{text}}}],\"isError\":true")
}
