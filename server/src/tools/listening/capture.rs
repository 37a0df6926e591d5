//! Captures: listening that outlives a call, and what a call heard and did not tell for want of room. A call that must return before its time is over leaves its capture here
//! under a UUID; the same tool asks for it again.
//!
//! Invariant: at most `limits.max_captures` are held; one that nobody asks for during `limits.capture_lease` is dropped,
//! which frees its subscription, and is remembered so that a late question is answered clearly.

use super::Heard;
use super::round_trip::RoundTrips;
use crate::broker::handle::Listening;
use crate::broker::report::Listen;
use crate::config::Limits;
use crate::process::clock;
use crate::protocol::failure::ToolError;
use crate::tools::State;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Captures that are gone and of which we still know why.
const REMEMBERED: usize = 64;

/// One listening and what it was asked for.
pub(in crate::tools) struct Capture {
    pub(in crate::tools) id: String,
    pub(in crate::tools) tool: &'static str,
    pub(in crate::tools) session_id: String,
    pub(in crate::tools) listen: Listen,
    pub(in crate::tools) began: Instant,
    pub(in crate::tools) listening: Listening,
    /// Measured beside the listening, where a tool wants that.
    pub(in crate::tools) round_trips: Mutex<RoundTrips>,
}

/// Why a capture is no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::tools) enum Gone {
    Lease,
    Cancelled,
    Replaced,
}

struct Held {
    capture: Arc<Capture>,
    /// Calls that wait for it now.
    waiting: usize,
    asked: Instant,
    /// Its end was told to somebody.
    told: bool,
}

/// What was heard, for who asks for the rest of an answer.
struct Kept {
    id: String,
    heard: Heard,
    asked: Instant,
}

/// What an id stands for.
pub(in crate::tools) enum Found {
    Capture(Arc<Capture>, Waiting),
    Kept(Box<Heard>),
}

#[derive(Default)]
struct Inner {
    held: HashMap<String, Held>,
    /// The latest asked for is the last.
    kept: VecDeque<Kept>,
    gone: VecDeque<(String, Gone)>,
}

/// The registry. Cheap to clone.
#[derive(Clone)]
pub struct Captures {
    inner: Arc<Mutex<Inner>>,
    max: usize,
    lease: Duration,
}

/// While it lives, a call waits for the capture, so its lease does not run out.
pub(in crate::tools) struct Waiting {
    captures: Captures,
    id: String,
}

impl Captures {
    /// None held.
    pub(in crate::tools) fn new(limits: &Limits) -> Self {
        Self {
            inner: Arc::default(),
            max: limits.max_captures,
            lease: Duration::try_from_secs_f64(limits.capture_lease)
                .unwrap_or(Duration::from_secs(300)),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes a capture in, waited for by the caller; the oldest that has told its end gives way.
    pub(in crate::tools) fn add(&self, capture: &Arc<Capture>) -> Result<Waiting, ToolError> {
        let mut inner = self.inner();
        if inner.held.len() >= self.max {
            let done = inner
                .held
                .iter()
                .filter(|(_, held)| held.told && held.waiting == 0)
                .min_by_key(|(_, held)| held.asked)
                .map(|(id, _)| id.clone());
            match done {
                Some(id) => inner.remove(&id, Gone::Replaced),
                None => return Err(self.full()),
            };
        }
        let held = Held {
            capture: Arc::clone(capture),
            waiting: 1,
            asked: clock::now(),
            told: false,
        };
        inner.held.insert(capture.id.clone(), held);
        Ok(self.waiting(&capture.id))
    }

    fn full(&self) -> ToolError {
        ToolError::new(
            "too_many_captures",
            format!(
                "{} captures are running already, which is the limit",
                self.max
            ),
            "ask for one of them with its capture_id until it is complete, or listen for less time",
        )
    }

    fn waiting(&self, id: &str) -> Waiting {
        Waiting {
            captures: self.clone(),
            id: id.to_owned(),
        }
    }

    /// Keeps what was heard under this id, in place of the capture; the one that was longest not asked for gives way.
    pub(in crate::tools) fn keep(&self, id: &str, mut heard: Heard) {
        heard.capture = None;
        heard.id = Some(id.to_owned());
        let mut inner = self.inner();
        let replaced = inner.held.remove(id);
        let known = inner.kept.iter().position(|it| it.id == id);
        let known = known.and_then(|at| inner.kept.remove(at));
        let oldest = match inner.kept.len() >= self.max {
            true => inner.kept.pop_front(),
            false => None,
        };
        if let Some(oldest) = &oldest {
            inner.remember(oldest.id.clone(), Gone::Replaced);
        }
        let asked = clock::now();
        inner.kept.push_back(Kept {
            id: id.to_owned(),
            heard,
            asked,
        });
        drop(inner);
        drop((replaced, known, oldest));
        self.expire_later(id.to_owned(), asked);
    }

    /// What this id stands for, for the tool that began it.
    pub(in crate::tools) fn get(&self, id: &str, tool: &str) -> Result<Found, ToolError> {
        let mut inner = self.inner();
        if let Some(at) = inner.kept.iter().position(|it| it.id == id) {
            let Some(mut kept) = inner.kept.remove(at) else {
                return Err(self.lost(None));
            };
            let (asked, heard) = (clock::now(), kept.heard.clone());
            kept.asked = asked;
            inner.kept.push_back(kept);
            drop(inner);
            self.expire_later(id.to_owned(), asked);
            return match heard.tool == tool {
                true => Ok(Found::Kept(Box::new(heard))),
                false => Err(of_another(heard.tool, tool)),
            };
        }
        let Some(held) = inner.held.get_mut(id) else {
            let gone = inner
                .gone
                .iter()
                .find(|(known, _)| known == id)
                .map(|(_, why)| *why);
            return Err(self.lost(gone));
        };
        if held.capture.tool != tool {
            return Err(of_another(held.capture.tool, tool));
        }
        held.waiting += 1;
        held.asked = clock::now();
        let capture = Arc::clone(&held.capture);
        drop(inner);
        Ok(Found::Capture(capture, self.waiting(id)))
    }

    fn lost(&self, gone: Option<Gone>) -> ToolError {
        let again = "call the tool again without capture_id to start over";
        match gone {
            Some(Gone::Lease) => ToolError::new(
                "capture_expired",
                format!(
                    "the capture was dropped: nobody asked for it during {} s",
                    self.lease.as_secs_f64()
                ),
                again,
            ),
            Some(Gone::Cancelled) => ToolError::new(
                "capture_cancelled",
                "the capture ended when a call for it was cancelled",
                again,
            ),
            Some(Gone::Replaced) => ToolError::new(
                "capture_expired",
                "the capture was complete and has given way to a newer one",
                again,
            ),
            None => ToolError::new(
                "unknown_capture",
                "there is no capture of this id in this process",
                again,
            ),
        }
    }

    /// Its end was told; it may be asked for again until its lease runs out.
    pub(in crate::tools) fn told(&self, id: &str) {
        if let Some(held) = self.inner().held.get_mut(id) {
            held.told = true;
        }
    }

    /// Forgets a capture of which nobody ever learnt the id.
    pub(in crate::tools) fn forget(&self, id: &str) {
        let removed = self.inner().held.remove(id);
        drop(removed);
    }

    /// Ends a capture.
    pub(in crate::tools) fn end(&self, id: &str, why: Gone) {
        let removed = self.inner().remove(id, why);
        drop(removed);
    }

    /// Those that listen.
    pub(in crate::tools) fn running(&self) -> Vec<Arc<Capture>> {
        let inner = self.inner();
        let held = inner.held.values().map(|it| &it.capture);
        held.filter(|it| !it.listening.has_stopped())
            .cloned()
            .collect()
    }

    fn expire_later(&self, id: String, asked: Instant) {
        let captures = self.clone();
        clock::spawn(async move {
            clock::sleep(captures.lease).await;
            captures.expire(&id, asked);
        });
    }

    /// Drops it if nobody has asked since `asked`.
    fn expire(&self, id: &str, asked: Instant) {
        let mut inner = self.inner();
        let kept = inner.kept.iter();
        let mut over = kept
            .enumerate()
            .filter(|(_, it)| it.id == id && it.asked == asked);
        if let Some((at, _)) = over.next() {
            let removed = inner.kept.remove(at);
            inner.remember(id.to_owned(), Gone::Lease);
            drop(inner);
            drop(removed);
            return;
        }
        let over = inner
            .held
            .get(id)
            .is_some_and(|held| held.waiting == 0 && held.asked == asked);
        let removed = over.then(|| inner.remove(id, Gone::Lease));
        drop(inner);
        drop(removed);
    }
}

/// An id is asked for by another tool than gave it.
fn of_another(tool: &str, asked: &str) -> ToolError {
    ToolError::invalid(
        format!("this capture belongs to {tool}, not to {asked}"),
        format!("call {tool} with this capture_id"),
    )
}

impl Inner {
    fn remove(&mut self, id: &str, why: Gone) -> Option<Held> {
        let held = self.held.remove(id)?;
        self.remember(id.to_owned(), why);
        Some(held)
    }

    fn remember(&mut self, id: String, why: Gone) {
        if self.gone.len() >= REMEMBERED {
            self.gone.pop_front();
        }
        self.gone.push_back((id, why));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let asked = {
            let mut inner = self.captures.inner();
            let Some(held) = inner.held.get_mut(&self.id) else {
                return;
            };
            held.waiting = held.waiting.saturating_sub(1);
            held.asked = clock::now();
            if held.waiting > 0 {
                return;
            }
            held.asked
        };
        self.captures
            .expire_later(std::mem::take(&mut self.id), asked);
    }
}

/// Ends the capture if the call that waits for it is dropped before it answered.
pub(in crate::tools) struct EndUnlessAnswered<'a> {
    pub(in crate::tools) state: &'a State,
    pub(in crate::tools) id: &'a str,
    pub(in crate::tools) answered: bool,
}

impl Drop for EndUnlessAnswered<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.state.captures.end(self.id, Gone::Cancelled);
        }
    }
}
