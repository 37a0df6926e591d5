//! What the listening tools share: begin, wait with progress, give back what there is when the call's time is over, go on.
//!
//! A call ends by whichever comes first: the listener stopped, the call's limit passed (`running` and a `capture_id`), or
//! the caller took it back, which ends the capture. Invariant: a capture whose id nobody knows does not live on.

pub(super) mod capture;
pub(super) mod fold;
mod head;
mod pages;
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
use crate::broker::watch::NotRecalled;
use crate::process::clock;
use crate::protocol::Call;
use crate::render;
use capture::{Capture, EndUnlessAnswered, Found, Waiting};
use futures::future::{Either, select};
use round_trip::RoundTrips;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

/// The first tick, and the time between ticks.
const FIRST_TICK: Duration = Duration::from_millis(1_000);
const TICK: Duration = Duration::from_secs(3);

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

/// Goes on with a capture if its id is given, asks the session's watch if that is wanted, else begins what `make` says;
/// then waits as long as the call may.
pub(super) async fn listen(
    state: &Arc<State>,
    call: &Call,
    tool: &'static str,
    asked: &Common,
    make: impl FnOnce() -> Result<Listen, ToolError>,
) -> Result<Heard, ToolError> {
    let nothing = async |_: Arc<Capture>| ();
    listen_beside(state, call, tool, asked, make, nothing).await
}

/// [`listen`], with work beside it for as long as the call waits.
pub(super) async fn listen_beside(
    state: &Arc<State>,
    call: &Call,
    tool: &'static str,
    asked: &Common,
    make: impl FnOnce() -> Result<Listen, ToolError>,
    beside: impl AsyncFnOnce(Arc<Capture>),
) -> Result<Heard, ToolError> {
    let (session_id, capture_id) = (asked.session_id.as_deref(), asked.capture_id.as_deref());
    if capture_id.is_none() && asked.since != Since::Now {
        return recall(state, tool, make()?, asked).await;
    }
    let limit = call_limit(state, call);
    let (capture, waiting, first) = match capture_id {
        Some(id) => match state.captures.get(id, tool)? {
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
            let listen = make()?;
            let session = session::find(state, call, session_id).await?;
            let (capture, waiting) = begin(state, call, tool, session, listen, limit).await?;
            (capture, waiting, true)
        }
    };
    let beside = pin!(beside(Arc::clone(&capture)));
    let heard = pin!(wait(state, call, capture, waiting, first, limit));
    match select(heard, beside).await {
        Either::Left((heard, _)) => heard,
        Either::Right(((), heard)) => heard.await,
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

/// What a watch has heard of it: the session's, else that of the service.
async fn recall(
    state: &Arc<State>,
    tool: &'static str,
    mut wanted: Listen,
    asked: &Common,
) -> Result<Heard, ToolError> {
    let (filters, most) = (wanted.filters.clone(), wanted.max_messages);
    // The report is made a little later.
    let latest = asked.since.latest(SystemTime::now());
    wanted.wants.recent = latest.map(|it| it.saturating_add(TICK));
    let mut why = None;
    for (session_id, watch) in session::watches(state, asked.session_id.as_deref())? {
        match watch.recall(wanted.clone()).await {
            Ok(mut report) => {
                since::obeys(tool, most, &report)?;
                if let Some(latest) = asked.since.latest(report.started + report.elapsed) {
                    report.keep_latest(latest, wanted.retained);
                }
                return Ok(Heard {
                    tool,
                    session_id,
                    report: Arc::new(report),
                    filters,
                    capture: None,
                    since: asked.since,
                    round_trips: RoundTrips::default(),
                    id: None,
                    next: None,
                });
            }
            Err(error) => why = Some(error),
        }
    }
    Err(match why {
        Some(why) => not_recalled(why, &filters),
        None => not_watched(state, asked.session_id.as_deref()),
    })
}

/// There is no watch that could be asked.
fn not_watched(state: &State, session_id: Option<&str>) -> ToolError {
    if let Some(away) = session::unreached(state, session_id) {
        return ToolError::new(
            "not_watched",
            format!(
                "this service watches the broker from its start, but has not reached it yet: {away}"
            ),
            "correct what is said there, or wait; it is tried again by itself",
        );
    }
    ToolError::new(
        "not_watched",
        "this session watches nothing",
        "listen with since now, or establish_connection with watch, such as [\"#\"], for a session that learns",
    )
}

fn not_recalled(why: NotRecalled, filters: &[String]) -> ToolError {
    match why {
        NotRecalled::Broker(error) => error.into(),
        NotRecalled::NotApart(watched) => ToolError::new(
            "not_watched",
            "the watch measures all its filters together",
            format!(
                "list_topics with the same since tells how often a topic comes; ask for {} together; or listen with \
                 since now",
                watched.join(", ")
            ),
        ),
        NotRecalled::NotWatched(watched) => {
            let watched: Vec<_> = watched.iter().map(|it| render::topic(it)).collect();
            ToolError::new(
                "not_watched",
                format!(
                    "this session does not watch all of `{}`",
                    render::topic(&filters.join(", "))
                ),
                format!(
                    "ask for one of these or for a part of it: {}; or listen with since now",
                    watched.join(", ")
                ),
            )
        }
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
