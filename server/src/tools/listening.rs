//! What the listening tools share: begin, wait with progress, give back what there is when the call's time is over, go on.
//!
//! A call ends by whichever comes first: the listener stopped, the call's limit passed (`running` and a `capture_id`), or
//! the caller took it back, which ends the capture. Invariant: a capture whose id nobody knows does not live on.

pub(super) mod capture;
pub(super) mod fold;
mod head;
mod pages;
mod recall;
pub(super) mod round_trip;
pub(super) mod sentences;
mod since;
pub(super) mod systems;

pub(super) use head::{Head, Progress};
pub(super) use pages::Rest;
pub(super) use since::Since;

use super::arguments::ranges::BYTES;
use super::{State, ToolError, session, unless_cancelled};
use crate::broker::report::{Listen, Narrowed, Report, StopReason};
use crate::process::clock;
use crate::protocol::Call;
use crate::protocol::service::Answer;
use crate::render;
use capture::{Capture, EndUnlessAnswered, Found, Waiting};
use futures::future::{Either, select};
use round_trip::RoundTrips;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// The first tick, and the time between ticks.
const FIRST_TICK: Duration = Duration::from_millis(1_000);
const TICK: Duration = Duration::from_secs(3);

/// Round trips that a capture is measured with, about.
const ROUND_TRIPS: f64 = 32.0;

// How much a result says.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    #[default]
    Concise,
    Detailed,
}

/// What cannot be told apart by topic.
const NARROWED: &str = "warnings, formats, shapes, crowded_out and why count all that the watch heard; errors go by the \
    first topic of their kind";

/// The same, where topics could be counted one by one.
const COUNTED: &str = "shapes, crowded_out and why count all that the watch heard; error_kinds go by the first topic of \
    their kind";

/// What is not counted message by message.
const OF_ALL: &str = "shapes and crowded_out count all that the watch heard";

pub(super) fn is_zero(number: &u32) -> bool {
    *number == 0
}

pub(super) fn is_none(number: &u64) -> bool {
    *number == 0
}

/// A listening as one call leaves it.
#[derive(Clone)]
pub(super) struct Heard {
    pub(super) tool: &'static str,
    pub(super) session_id: String,
    pub(super) report: Arc<Report>,
    pub(super) filters: Vec<String>,
    /// None: the session's watch has heard it, or it is kept from before.
    pub(super) capture: Option<Arc<Capture>>,
    /// Which part of the session's watch it is; now: none.
    pub(super) since: Since,
    /// Measured beside the listening.
    pub(super) round_trips: RoundTrips,
    /// Under which it is held already.
    pub(super) id: Option<String>,
    /// The capture's id and what to do with it, while it runs.
    next: Option<(String, String)>,
}

impl Heard {
    /// There will be no more.
    pub(super) fn is_complete(&self) -> bool {
        self.since != Since::Now || self.report.stopped.is_some()
    }

    pub(super) fn head(&self, asked: &Common) -> Head {
        let mut head = Head::of(&self.filters, &self.report, self.next.clone());
        head.offset = asked.offset as usize;
        if self.since != Since::Now {
            head.status = Progress::Complete;
            head.since = Some(self.since);
            head.note = match &self.report.findings {
                found if found.latest.is_some_and(|it| it.counted) => {
                    found.messages.as_ref().map(|_| OF_ALL)
                }
                _ if self.report.narrowed.is_none() || self.report.received == 0 => None,
                found if found.messages.is_some() => Some(match self.report.narrowed {
                    Some(Narrowed::Counted) => COUNTED,
                    _ => NARROWED,
                }),
                found if found.schema.is_some() => Some("families are told whole"),
                _ => None,
            };
            head.next_step = self.report.stopped.map(|_| {
                "the connection was lost for good, this is what came before: establish_connection anew".to_owned()
            });
        }
        head
    }
}

/// Arguments that all listening tools have.
#[derive(Clone, Deserialize, JsonSchema)]
pub(super) struct Common {
    pub(super) session_id: Option<String>,
    pub(super) capture_id: Option<String>,
    #[serde(default)]
    pub(super) offset: u32,
    #[serde(default)]
    pub(super) since: Since,
    #[serde(default)]
    pub(super) response_format: Format,
    #[schemars(range(min = BYTES.min, max = BYTES.max))]
    pub(super) max_bytes: Option<u32>,
}

impl Common {
    /// Bytes of the answer, but for what says how to get the rest.
    pub(super) fn budget(&self, state: &State) -> usize {
        let usual = state.config.limits.max_bytes;
        let all = self.max_bytes.map_or(usual, |bytes| bytes as usize);
        all.saturating_sub(pages::NEXT)
    }
}

/// Arguments of a listening tool: its own behind those that all have.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked<T> {
    #[serde(flatten)]
    common: Common,
    #[serde(flatten)]
    own: T,
}

/// How much an answer may say, and in how many bytes.
pub(super) type Room = (Format, usize);

/// A tool that listens: its own arguments, what they ask to hear, and the answer from what was heard.
pub(super) trait Listens: DeserializeOwned + Send + Sync {
    const TOOL: &'static str;

    /// Whether round trips are measured for as long as a call waits.
    const MEASURES: bool = false;

    type Answer: Serialize;

    fn wanted(&self) -> Result<Listen, ToolError>;

    fn answer(&self, heard: &mut Heard, head: Head, room: Room) -> Self::Answer;

    fn head(answer: &mut Self::Answer) -> &mut Head;

    /// Arguments that every further page needs, beside those of all listening tools.
    fn further(&self) -> Map<String, Value> {
        Map::new()
    }

    /// Content blocks beside the answer.
    fn content(&self, _heard: &Heard) -> Vec<Value> {
        Vec::new()
    }
}

/// Listens as it is asked and answers within the budget; keeps what found no room in the answer.
pub(super) async fn run<T: Listens>(
    state: &Arc<State>,
    Asked { common, own }: Asked<T>,
    call: Call,
) -> Result<Answer, ToolError> {
    let mut heard = listen(state, &call, &common, &own).await?;
    let room = (common.response_format, common.budget(state));
    let head = heard.head(&common);
    let mut answer = own.answer(&mut heard, head, room);
    let content = own.content(&heard);
    let head = T::head(&mut answer);
    heard.keep(state, &common, head);
    if let Some(Value::Object(next)) = &mut head.next {
        next.extend(own.further());
    }
    Ok(Answer {
        structured: Some(super::to_value(answer)?),
        content,
    })
}

/// Goes on with a capture if its id is given, asks the session's watch if that is wanted, else begins what is wanted;
/// then waits as long as the call may.
async fn listen<T: Listens>(
    state: &Arc<State>,
    call: &Call,
    asked: &Common,
    own: &T,
) -> Result<Heard, ToolError> {
    let (session_id, capture_id) = (asked.session_id.as_deref(), asked.capture_id.as_deref());
    if capture_id.is_none() && asked.since != Since::Now {
        return recall::recall(state, T::TOOL, own.wanted()?, asked).await;
    }
    let limit = call_limit(state, call);
    let (capture, waiting, first) = match capture_id {
        Some(id) => match state.captures.get(id, T::TOOL)? {
            Found::Kept(heard) => {
                same_session(state, session_id, &heard.session_id)?;
                return Ok(*heard);
            }
            Found::Capture(capture, waiting) => {
                same_session(state, session_id, &capture.session_id)?;
                (capture, Some(waiting), false)
            }
        },
        None => {
            let listen = own.wanted()?;
            let session = session::find(state, call, session_id).await?;
            let (capture, waiting) = begin(state, call, T::TOOL, session, listen, limit).await?;
            (capture, waiting, true)
        }
    };
    let measured = Arc::clone(&capture);
    let beside = pin!(async {
        if T::MEASURES {
            measure(state, &measured).await;
        }
    });
    let heard = pin!(wait(state, call, capture, waiting, first, limit));
    match select(heard, beside).await {
        Either::Left((heard, _)) => heard,
        Either::Right(((), heard)) => heard.await,
    }
}

/// Measures round trips, spread over the time that the capture lasts.
async fn measure(state: &State, capture: &Capture) {
    if let Ok(handle) = state.sessions.get(&capture.session_id) {
        let period = capture.listen.duration.as_secs_f64() / ROUND_TRIPS;
        let period = Duration::from_secs_f64(period.clamp(0.1, 60.0));
        round_trip::measure(&handle, period, &capture.round_trips).await;
    }
}

/// How long a call may last before it returns with what it has.
pub(super) fn call_limit(state: &State, call: &Call) -> Duration {
    let limits = &state.config.limits;
    let limit = match call.progress {
        Some(_) => limits.call_limit_progress,
        None => limits.call_limit,
    };
    Duration::try_from_secs_f64(limit.min(call.caller.patience_s().unwrap_or(f64::INFINITY)))
        .unwrap_or(Duration::from_secs(45))
}

/// Refuses a session that is named beside a capture of another one.
fn same_session(state: &State, given: Option<&str>, session_id: &str) -> Result<(), ToolError> {
    let named = given.map(|given| session::open(state, Some(given)));
    match named {
        Some(Ok(Some(id))) if id != session_id && given != Some(session_id) => {
            Err(ToolError::invalid(
                "this capture belongs to another session",
                "leave `session_id` out: the capture_id is enough",
            ))
        }
        _ => Ok(()),
    }
}

async fn begin(
    state: &Arc<State>,
    call: &Call,
    tool: &'static str,
    session_id: String,
    listen: Listen,
    limit: Duration,
) -> Result<(Arc<Capture>, Option<Waiting>), ToolError> {
    let handle = state.sessions.get(&session_id)?;
    let outlasts = listen.duration > limit;
    let listening = unless_cancelled(call, handle.listen(listen.clone())).await??;
    let capture = Arc::new(Capture {
        id: uuid::Uuid::new_v4().to_string(),
        tool,
        session_id,
        listen,
        began: clock::now(),
        listening,
        round_trips: Default::default(),
    });
    let waiting = match outlasts {
        true => Some(state.captures.add(&capture)?),
        false => None,
    };
    Ok((capture, waiting))
}

async fn wait(
    state: &Arc<State>,
    call: &Call,
    capture: Arc<Capture>,
    waiting: Option<Waiting>,
    first: bool,
    limit: Duration,
) -> Result<Heard, ToolError> {
    let mut guard = EndUnlessAnswered {
        state,
        id: &capture.id,
        answered: false,
    };
    let ended = until(call, &capture, waiting.is_some().then_some(limit)).await;
    let mut report = capture.listening.report().await?;
    match (ended, report.stopped) {
        (Ended::Cancelled, None) => report.stopped = Some(StopReason::Cancelled),
        (Ended::Cancelled, Some(_)) => {}
        (_, Some(_)) if first => {
            guard.answered = true;
            state.captures.forget(&capture.id);
        }
        (_, Some(_)) => {
            guard.answered = true;
            state.captures.told(&capture.id);
        }
        (_, None) => guard.answered = true,
    }
    drop(guard);
    let next = (waiting.is_some() && report.stopped.is_none()).then(|| {
        let left = capture.listen.duration.saturating_sub(report.elapsed);
        let text = format!(
            "listening goes on for up to {} s: call {} with this capture_id alone",
            left.as_secs_f64().ceil(),
            capture.tool
        );
        (capture.id.clone(), text)
    });
    let measured = capture.round_trips.lock();
    let round_trips = measured.unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Heard {
        tool: capture.tool,
        session_id: capture.session_id.clone(),
        filters: capture.listen.filters.clone(),
        since: Since::Now,
        round_trips,
        id: waiting.is_some().then(|| capture.id.clone()),
        capture: Some(capture),
        report: Arc::new(report),
        next,
    })
}

enum Ended {
    Stopped,
    Limit,
    Cancelled,
}

/// Waits for the end of the listening, of the call's time (if there is one) or of the caller's patience.
async fn until(call: &Call, capture: &Capture, limit: Option<Duration>) -> Ended {
    let began = clock::now();
    let mut next = FIRST_TICK;
    let mut stopped = pin!(capture.listening.stopped());
    let mut cancelled = pin!(call.cancelled.recv());
    loop {
        let passed = began.elapsed();
        let left = limit.map(|limit| limit.saturating_sub(passed));
        if left.is_some_and(|left| left.is_zero()) {
            return Ended::Limit;
        }
        let nap = next
            .saturating_sub(passed)
            .min(left.unwrap_or(Duration::MAX));
        let nap = pin!(clock::sleep(nap));
        match select(select(&mut stopped, &mut cancelled), nap).await {
            Either::Left((Either::Left(_), _)) => return Ended::Stopped,
            Either::Left((Either::Right(_), _)) => return Ended::Cancelled,
            Either::Right(_) if began.elapsed() >= next => {
                tick(call, capture);
                next += TICK;
            }
            Either::Right(_) => {}
        }
    }
}

fn tick(call: &Call, capture: &Capture) {
    let Some(progress) = &call.progress else {
        return;
    };
    let passed = render::seconds(capture.began.elapsed());
    let total = capture.listen.duration.as_secs_f64();
    let (messages, topics) = capture.listening.counts();
    // A tick that finds no room is dropped: the next one says more.
    let _ = progress.ticks.try_send(crate::protocol::Tick {
        progress: passed,
        total,
        message: format!("{passed:.0}/{total:.0} s, {messages} messages on {topics} topics"),
    });
}

/// Seconds of a checked argument.
pub(super) fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).unwrap_or_default()
}
