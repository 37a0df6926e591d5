//! What the connection's task and the holders of its handle share: counters, the state, commands, the mail of a
//! listener. Short locks only, never across an await.
//!
//! Invariant: whoever changes something the task must see calls [`Shared::call`] after it; the task looks at everything
//! once it was called.

use super::error::{BrokerError, FAILED};
use super::handle::{Established, Publish, Published, State, Status};
use super::report::{Listen, Part, Report};
use async_channel::Sender;
use futures::channel::oneshot;
use futures::task::AtomicWaker;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime};

/// Reports of one listener that may be asked for at once.
const MAX_ASKED: usize = 8;

/// What a handle asks of the task.
pub(super) enum Command {
    Publish {
        publish: Box<Publish>,
        claim: Arc<Claim>,
        asked: Instant,
        reply: oneshot::Sender<Result<Published, BrokerError>>,
    },
    Listen {
        listen: Box<Listen>,
        slot: Arc<ListenerSlot>,
        reply: oneshot::Sender<Result<(), BrokerError>>,
    },
    Ping {
        reply: oneshot::Sender<Result<Duration, BrokerError>>,
    },
}

impl Command {
    /// Nobody waits for it any more.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Publish { reply, .. } => reply.is_canceled(),
            Self::Listen { reply, .. } => reply.is_canceled(),
            Self::Ping { reply } => reply.is_canceled(),
        }
    }

    pub(super) fn fail(self, error: BrokerError) {
        // A failed send means that the caller is gone, who then needs no answer.
        match self {
            Self::Publish { reply, .. } => drop(reply.send(Err(error))),
            Self::Listen { reply, .. } => drop(reply.send(Err(error))),
            Self::Ping { reply } => drop(reply.send(Err(error))),
        }
    }
}

/// Decides between a caller whose deadline has come and the task that is about to send: exactly one of them wins.
#[derive(Default)]
pub(super) struct Claim(AtomicU8);

impl Claim {
    const OPEN: u8 = 0;
    const TAKEN: u8 = 1;
    const GIVEN_UP: u8 = 2;

    fn settle(&self, as_what: u8) -> bool {
        self.0
            .compare_exchange(Self::OPEN, as_what, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// By the task: from now on it may be sent.
    pub(super) fn take(&self) -> bool {
        self.settle(Self::TAKEN)
    }

    /// By the task: it could not be handed on yet.
    pub(super) fn give_back(&self) {
        self.0.store(Self::OPEN, Ordering::Release);
    }

    /// By the caller: true if it was not and will not be sent.
    pub(super) fn give_up(&self) -> bool {
        self.settle(Self::GIVEN_UP)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole after every statement, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Condition {
    state: State,
    since: SystemTime,
    last_error: Option<String>,
    established: Option<Established>,
}

/// Counters of a connection, written by its task once a turn.
#[derive(Default)]
pub(super) struct Counters {
    pub messages_in: AtomicU64,
    pub messages_out: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    pub subscriptions: AtomicUsize,
    pub reconnects: AtomicU32,
}

/// What one connection's task and its handles share.
pub(super) struct Shared {
    pub counters: Counters,
    condition: Mutex<Condition>,
    called: AtomicBool,
    closing: AtomicBool,
    waker: AtomicWaker,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            counters: Counters::default(),
            condition: Mutex::new(Condition {
                state: State::Reconnecting,
                since: SystemTime::now(),
                last_error: None,
                established: None,
            }),
            called: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// Wakes the task to look at everything.
    pub(super) fn call(&self) {
        self.called.store(true, Ordering::Release);
        self.waker.wake();
    }

    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.call();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// By the task: whether it was called since the last time; `waker` is woken by the next call.
    pub(super) fn was_called(&self, waker: &Waker) -> bool {
        self.waker.register(waker);
        self.called.swap(false, Ordering::AcqRel)
    }

    /// By the task: whether it was called since the last time.
    pub(super) fn is_called(&self) -> bool {
        self.called.load(Ordering::Relaxed) && self.called.swap(false, Ordering::AcqRel)
    }

    pub(super) fn set_state(&self, state: State, error: Option<String>) {
        let mut condition = lock(&self.condition);
        if condition.state != state {
            condition.state = state;
            condition.since = SystemTime::now();
        }
        if error.is_some() || state == State::Connected {
            condition.last_error = error;
        }
    }

    pub(super) fn set_established(&self, established: Established) {
        lock(&self.condition).established = Some(established);
    }

    pub(super) fn established(&self) -> Option<Established> {
        lock(&self.condition).established.clone()
    }

    /// Why the task does not answer.
    pub(super) fn why_gone(&self) -> BrokerError {
        let condition = lock(&self.condition);
        match condition.state {
            State::Closed => BrokerError::Closed,
            // It says goodbye before it goes.
            State::Connected | State::Reconnecting | State::Lost => BrokerError::Failed,
        }
    }

    /// The task is gone by a fault.
    pub(super) fn set_failed(&self) {
        self.counters.subscriptions.store(0, Ordering::Relaxed);
        self.set_state(State::Lost, Some(FAILED.to_owned()));
    }

    pub(super) fn status(&self) -> Status {
        let counters = &self.counters;
        let condition = lock(&self.condition);
        Status {
            state: condition.state,
            since: condition.since,
            messages_in: counters.messages_in.load(Ordering::Relaxed),
            messages_out: counters.messages_out.load(Ordering::Relaxed),
            bytes_in: counters.bytes_in.load(Ordering::Relaxed),
            bytes_out: counters.bytes_out.load(Ordering::Relaxed),
            subscriptions: counters.subscriptions.load(Ordering::Relaxed),
            reconnects: counters.reconnects.load(Ordering::Relaxed),
            last_error: condition.last_error.clone(),
            failed: condition.last_error.as_deref() == Some(FAILED),
        }
    }
}

/// What a [`super::handle::Listening`] and the listener in the task share.
pub(super) struct ListenerSlot {
    messages: AtomicU64,
    topics: AtomicU64,
    left: AtomicBool,
    stop: AtomicBool,
    mail: Mutex<Mail>,
}

/// A report that is asked for.
pub(super) struct Asked {
    /// The part of what the listener hears that is asked for; none: all.
    pub part: Option<Arc<Part>>,
    /// Where to.
    pub reply: oneshot::Sender<Report>,
}

/// Why a listener gives no report.
pub(super) enum NoReport {
    /// Too many are asked for.
    Busy,
    /// It ended without a last word.
    Gone,
}

struct Mail {
    /// The last word, once it stopped.
    done: Option<Report>,
    asked: Vec<Asked>,
    /// Closed when it stops; holders of the other end wait for that.
    stopping: Sender<()>,
}

impl ListenerSlot {
    pub(super) fn new(stopping: Sender<()>) -> Self {
        Self {
            messages: AtomicU64::new(0),
            topics: AtomicU64::new(0),
            left: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            mail: Mutex::new(Mail {
                done: None,
                asked: Vec::new(),
                stopping,
            }),
        }
    }

    /// By the holder: the last word if it is spoken, else where the answer will come.
    pub(super) fn ask(
        &self,
        part: Option<Arc<Part>>,
    ) -> Result<Result<Report, oneshot::Receiver<Report>>, NoReport> {
        let mut mail = lock(&self.mail);
        if let Some(report) = &mail.done {
            let mut report = report.clone();
            if let Some(part) = part {
                report.narrow(&part);
                report.narrow_health(&part);
            }
            return Ok(Ok(report));
        }
        mail.asked.retain(|asked| !asked.reply.is_canceled());
        if mail.stopping.is_closed() {
            return Err(NoReport::Gone);
        }
        if mail.asked.len() >= MAX_ASKED {
            return Err(NoReport::Busy);
        }
        let (reply, answer) = oneshot::channel();
        mail.asked.push(Asked { part, reply });
        Ok(Err(answer))
    }

    pub(super) fn counts(&self) -> (u64, u64) {
        (
            self.messages.load(Ordering::Relaxed),
            self.topics.load(Ordering::Relaxed),
        )
    }

    pub(super) fn leave(&self) {
        self.left.store(true, Ordering::Release);
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// By the task: the holder is gone.
    pub(super) fn is_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// By the task: the holder wants it stopped.
    pub(super) fn is_stopped_by_holder(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// `topics` only where the number may have changed.
    pub(super) fn set_counts(&self, messages: u64, topics: Option<u64>) {
        self.messages.store(messages, Ordering::Relaxed);
        if let Some(topics) = topics {
            self.topics.store(topics, Ordering::Relaxed);
        }
    }

    /// By the task: who asked for a report.
    pub(super) fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut lock(&self.mail).asked)
    }

    /// By the task, should it end without a last word: nobody shall wait for one.
    pub(super) fn abandon(&self) {
        let mut mail = lock(&self.mail);
        mail.asked.clear();
        mail.stopping.close();
    }

    /// By the task: the last word.
    pub(super) fn finish(&self, report: Report) {
        let mut mail = lock(&self.mail);
        for asked in mail.asked.drain(..) {
            let mut report = report.clone();
            if let Some(part) = &asked.part {
                report.narrow(part);
                report.narrow_health(part);
            }
            let _ = asked.reply.send(report);
        }
        mail.done = Some(report);
        mail.stopping.close();
    }
}
