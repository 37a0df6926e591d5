//! One `tools/call` from its beginning to its reply.
//!
//! Invariant: progress is strictly increasing and ends before the reply; after a cancellation nothing is sent; a tool that
//! panics costs its own call only; each call leaves one line in the log, without the values of its arguments.

use super::caller::Caller;
use super::inflight::Ticket;
use super::job::{Desk, caught};
use super::message::{self, Code, Id, RpcError, quote, to_json};
use super::outbox::{Outbox, Outgoing};
use super::reply::Reply;
use super::revision::Revision;
use super::service::{Answer, Service};
use super::trace::{Seen, Told};
use super::{Call, Progress, Tick};
use crate::process::clock::{self, sleep};
use crate::protocol::failure::ToolError;
use crate::text::mask::mask;
use async_channel::{Receiver, bounded};
use futures::future::{Either, pending, select};
use futures::{FutureExt, pin_mut};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a reply beyond which clients get into trouble (some close the connection at 10 MiB). The tools' own
/// budgets are far below.
pub(super) const MAX_REPLY: usize = 1 << 20;

/// How long a cancelled tool may take to give back what it holds before it is dropped.
const GRACE: Duration = Duration::from_secs(2);

/// What is to be called.
pub(super) struct Invocation {
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
    /// JSON text of the progress token.
    pub(super) token: Option<String>,
    pub(super) revision: Revision,
    pub(super) caller: Arc<Caller>,
}

/// What a `tools/call` asks for.
///
/// # Errors
/// What is wrong with its parameters.
pub(super) fn invocation(
    mut params: Map<String, Value>,
    revision: Revision,
    caller: Arc<Caller>,
) -> Result<Invocation, RpcError> {
    let Some(Value::String(name)) = params.remove("name") else {
        let message = "params.name must be a string";
        return Err(RpcError::new(Code::InvalidParams, message));
    };
    let arguments = match params.remove("arguments") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(arguments)) => arguments,
        Some(_) => {
            let message = "params.arguments must be an object";
            return Err(RpcError::new(Code::InvalidParams, message));
        }
    };
    let token = params
        .get("_meta")
        .and_then(|meta| meta.get("progressToken"))
        .filter(|token| Id::from_value(token).is_some())
        .map(Value::to_string);
    Ok(Invocation {
        name,
        arguments,
        token,
        revision,
        caller,
    })
}

/// What came of a tool: `None` if there is none of this name.
pub(super) type Outcome = Option<Result<Answer, ToolError>>;

/// Runs a call and answers it.
pub(super) async fn run(desk: &Desk, invocation: Invocation, mut ticket: Ticket, reply: Reply) {
    let (ticks, ticks_out) = bounded(1);
    let call = Call {
        progress: invocation.token.is_some().then(|| Progress { ticks }),
        cancelled: ticket.cancelled.clone(),
        caller: Arc::clone(&invocation.caller),
    };
    let (name, service) = (invocation.name.as_str(), &*desk.service);
    let (begun, told) = (clock::now(), Told::of(&invocation));
    let tool = async { Ok(service.call(name, invocation.arguments, call).await) };
    let tool = caught(name, tool);
    let out = reply.outbox();
    let relay = relay(&ticket, invocation.token.as_deref(), &ticks_out, &out);
    let ended = with_progress(tool, relay, &ticket.cancelled, GRACE).await;
    let seen = match (&desk.journal, &ended) {
        (Some(_), Some(Ok(outcome))) => Seen::of(outcome),
        _ => Seen::default(),
    };
    let reached = match ended {
        None => {
            log::warn!("{name} did not end within {GRACE:?} of its cancellation; dropped");
            None
        }
        Some(Ok(outcome)) => Some(result(service, name, invocation.revision, outcome)),
        Some(Err(error)) => Some(Err(error)),
    };
    let line = reached.as_ref().map(|reached| match reached {
        Ok((result, _)) => Outgoing::result(&ticket.id, result),
        Err(error) => Outgoing::error(&ticket.id, error),
    });
    let line = line.filter(|_| ticket.claim());
    let outcome = match (&line, &reached) {
        (Some(_), Some(Ok((_, outcome)))) => Cow::Borrowed(*outcome),
        (Some(_), Some(Err(error))) => Cow::Owned(error.code.number().to_string()),
        _ => Cow::Borrowed("cancelled"),
    };
    let bytes = line.as_ref().map_or(0, |line| line.text.len());
    let took = begun.elapsed();
    log::info!("{}", told.line(took, bytes, &outcome));
    if let Some(journal) = &desk.journal {
        told.note(journal, took, bytes, &outcome, &seen);
    }
    reply.send(line).await;
}

/// Drives the tool with its progress beside it; `None` if it outlived its cancellation by more than the grace.
async fn with_progress<T>(
    tool: impl Future<Output = T>,
    relay: impl Future<Output = ()>,
    cancelled: &Receiver<()>,
    grace: Duration,
) -> Option<T> {
    let abandoned = async {
        while cancelled.recv().await.is_ok() {}
        sleep(grace).await;
    };
    // The relay may end before the tool does; that alone ends nothing.
    let relay = relay.then(|()| pending::<()>());
    pin_mut!(tool, relay, abandoned);
    match select(tool, select(relay, abandoned)).await {
        Either::Left((outcome, _)) => Some(outcome),
        Either::Right(_) => None,
    }
}

async fn relay(ticket: &Ticket, token: Option<&str>, ticks: &Receiver<Tick>, out: &Outbox) {
    let Some(token) = token else { return };
    let mut last = f64::NEG_INFINITY;
    while let Ok(tick) = ticks.recv().await {
        // `cancelled` closes when the process goes, too; then nobody waits for progress either.
        if ticket.cancelled.is_closed() || !tick.progress.is_finite() || tick.progress <= last {
            continue;
        }
        last = tick.progress;
        // A full queue means that the client does not read; it will not miss a tick.
        let _ = out.offer(progress(token, &tick));
    }
}

fn progress(token: &str, tick: &Tick) -> Outgoing {
    let now = Value::from(tick.progress);
    let message = quote(&tick.message);
    let total = if tick.total.is_finite() {
        format!("\"total\":{},", Value::from(tick.total))
    } else {
        String::new()
    };
    Outgoing::notification(
        "notifications/progress",
        &format!("{{\"progressToken\":{token},\"progress\":{now},{total}\"message\":{message}}}"),
    )
}

/// The result as JSON text, and in one word what came of the call.
fn result(
    service: &dyn Service,
    name: &str,
    revision: Revision,
    outcome: Outcome,
) -> Result<(String, &'static str), RpcError> {
    let failure = match outcome {
        None => return Err(unknown(service, name)),
        Some(Err(error)) => error,
        Some(Ok(answer)) => {
            let fields = fields(&answer);
            if fields.len() <= MAX_REPLY {
                return Ok((revision.result(&fields), "ok"));
            }
            log::error!("result of {name} takes {} bytes; refused", fields.len());
            ToolError {
                code: "result_too_large",
                message: format!("the result of {name} would take {} bytes", fields.len()),
                next_step: "ask for less: a narrower filter, or a smaller max_bytes".to_owned(),
            }
        }
    };
    Ok((revision.result(&failed(&failure)), failure.code))
}

fn unknown(service: &dyn Service, name: &str) -> RpcError {
    let hint = crate::text::spelling::nearest(name, service.tool_names())
        .map(|near| format!("; did you mean {near}?"))
        .unwrap_or_default();
    let message = format!("Unknown tool: {}{hint}", message::repeat(name));
    RpcError::new(Code::InvalidParams, message)
}

/// The object as text, for hosts that show only that, then the other content, then the object as it is.
fn fields(answer: &Answer) -> String {
    let object = answer.structured.as_ref().map(Value::to_string);
    let text = object.iter().map(|json| {
        let text = quote(json);
        format!("{{\"type\":\"text\",\"text\":{text}}}")
    });
    let content: Vec<_> = text
        .chain(answer.content.iter().map(Value::to_string))
        .collect();
    let content = content.join(",");
    match object {
        Some(object) => format!("\"content\":[{content}],\"structuredContent\":{object}"),
        None => format!("\"content\":[{content}]"),
    }
}

/// Every failure of a tool passes here: what looks like credentials does not leave.
fn failed(error: &ToolError) -> String {
    let error = ToolError {
        code: error.code,
        message: mask(&error.message).into_owned(),
        next_step: mask(&error.next_step).into_owned(),
    };
    let json = to_json(&error);
    let text = quote(&json);
    format!("\"content\":[{{\"type\":\"text\",\"text\":{text}}}],\"isError\":true")
}

#[cfg(test)]
mod tests {
    use super::super::inflight::InFlight;
    use super::*;
    use async_std::task::block_on;

    fn tick(progress: f64) -> Tick {
        let (total, message) = (30.0, "so \"far\"".to_owned());
        Tick {
            progress,
            total,
            message,
        }
    }

    fn sent(lines: &Receiver<Outgoing>) -> Vec<Value> {
        let lines = std::iter::from_fn(|| lines.try_recv().ok());
        lines
            .map(|line| serde_json::from_str(&line.text).unwrap())
            .collect()
    }

    #[test]
    fn progress_is_strictly_increasing_and_dropped_when_nobody_reads() {
        let in_flight = InFlight::new(1, 1);
        let ticket = in_flight.begin(Id::Text("a".to_owned()), 0).ok().unwrap();
        let (ticks, ticks_out) = bounded(16);
        let (out, lines) = Outbox::new(3);
        for progress in [0.0, 2.0, 2.0, 1.0, f64::NAN, 2.5, f64::INFINITY, 3.0, 4.0] {
            ticks.try_send(tick(progress)).ok().unwrap();
        }
        drop(ticks);
        block_on(relay(&ticket, Some("\"t\""), &ticks_out, &out));
        let sent = sent(&lines);
        let progress: Vec<_> = sent
            .iter()
            .map(|line| &line["params"]["progress"])
            .collect();
        assert_eq!(progress, [0.0, 2.0, 2.5]);
        assert_eq!(sent[0]["params"]["progressToken"], "t");
        assert_eq!(sent[0]["params"]["message"], "so \"far\"");
    }

    #[test]
    fn failures_repeat_no_credentials() {
        let word = "no mqtt://me:hunter2@host";
        let told = failed(&ToolError {
            code: "x",
            message: word.to_owned(),
            next_step: word.to_owned(),
        });
        assert_eq!(told.matches("mqtt://***@host").count(), 2);
        assert!(!told.contains("hunter2"), "{told}");
    }

    #[test]
    fn no_progress_after_a_cancellation() {
        let in_flight = InFlight::new(1, 1);
        let id = Id::Text("a".to_owned());
        let ticket = in_flight.begin(id.clone(), 0).ok().unwrap();
        let (ticks, ticks_out) = bounded(16);
        let (out, lines) = Outbox::new(3);
        ticks.try_send(tick(1.0)).ok().unwrap();
        drop(ticks);
        in_flight.cancel(&id);
        block_on(relay(&ticket, Some("1"), &ticks_out, &out));
        assert!(sent(&lines).is_empty());
    }

    #[test]
    fn a_tool_that_ignores_its_cancellation_is_dropped() {
        let (cancel, cancelled) = bounded::<()>(1);
        let (ticks, ticks_out) = bounded::<Tick>(1);
        // It holds on to its progress, too, as a tool that hangs would.
        let tool = async {
            let _ticks = ticks;
            pending::<()>().await;
        };
        let relay = async { while ticks_out.recv().await.is_ok() {} };
        drop(cancel);
        let ended = with_progress(tool, relay, &cancelled, Duration::from_millis(1));
        assert_eq!(block_on(ended), None);
    }

    #[test]
    fn a_tool_that_ends_in_time_is_heard_although_cancelled() {
        let (cancel, cancelled) = bounded::<()>(1);
        drop(cancel);
        let tool = async {
            sleep(Duration::from_millis(1)).await;
            7
        };
        let ended = with_progress(tool, async {}, &cancelled, Duration::from_secs(60));
        assert_eq!(block_on(ended), Some(7));
    }
}
