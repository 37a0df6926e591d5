//! The one task of a connection: owns the session (the core's state machine), the stream and the listeners.
//!
//! A turn: at most 32 packets, each into the collectors of its subscriptions → commands → what the holders of listeners
//! want → the tail (events, bytes to send, timers). So a message is recorded before it is acknowledged. Then it waits for
//! read-ready | write-ready | command | timer, and for nothing else: not for a tool, not for stdout.
//! `start` gives it its memory, `link` is the life of the connection, `requests` what is asked of it.
//!
//! Invariant: between two turns the executor may run others, also under a flood of messages.

mod breaks;
mod clock;
mod input;
mod link;
mod listener;
mod listeners;
mod output;
mod pace;
mod requests;
mod start;
mod tries;

use super::error::{BrokerError, Cause};
use super::handle::{Established, State};
use super::report::StopReason;
use super::shared::{Command, Shared};
use crate::config::target::Target;
use async_channel::Receiver;
use bitsperity_mqtt_core::packet::Reason;
use bitsperity_mqtt_core::session::{Session, SessionError};
use bitsperity_mqtt_core::time::Instant;
use breaks::Break;
use clock::{Alarm, Clock};
use futures::channel::oneshot;
use futures::stream::Stream as _;
use input::{Input, Next};
use link::Link;
use listeners::Listeners;
use output::Output;
use pace::Pace;
use requests::Requests;
pub(super) use start::{Start, spawn};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

/// Packets a turn, so that commands and other tasks have theirs.
const PACKETS_A_TURN: usize = 32;

/// Turns before the executor may run others: less than a millisecond, also where every message is looked into. To be
/// scheduled anew costs as much as some twenty messages.
const TURNS_A_SLICE: usize = 8;

/// Commands a turn.
const COMMANDS_A_TURN: usize = 16;

/// Bytes of a read that may be an answer alone.
const SMALL_READ: usize = 1_024;

/// Time for the last bytes of a connection that is being closed.
const FAREWELL: Duration = Duration::from_millis(800);
/// How long a broker is given to close after our DISCONNECT; brokers do it at once, some embedded ones never.
const DRAIN: Duration = Duration::from_millis(150);

/// Told to everybody once a turn.
#[derive(Default)]
struct Counts {
    messages_in: u64,
    messages_out: u64,
    bytes_in: u64,
    reconnects: u32,
}

struct Task<'s> {
    session: Session<'s>,
    /// Client id of our CONNECT; the broker may answer with another.
    offered: &'s str,
    clock: Clock,
    alarm: Alarm,
    link: Link,
    life: link::Life,
    target: Arc<Target>,
    input: Input,
    pace: Pace,
    output: Output,
    listeners: Listeners,
    requests: Requests,
    inbox: Pin<Box<Receiver<Command>>>,
    /// Who waits for the first connection.
    first: Option<oneshot::Sender<Result<Established, BrokerError>>>,
    counts: Counts,
    shared: Arc<Shared>,
    /// Somebody called since the last turn.
    called: bool,
    /// No more turns.
    over: bool,
}

/// By a panic: the list says so before anybody who waits for what the task holds is answered.
impl Drop for Task<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.set_failed();
        }
    }
}

impl Task<'_> {
    async fn live(mut self) {
        self.attempt(self.clock.now());
        let mut turns = 0;
        while !self.over {
            let now = self.clock.now();
            self.mind_the_clock(now);
            let busy = self.packets(now);
            self.orders(now);
            self.tail(now);
            if self.over {
                break;
            }
            turns += 1;
            if busy && turns < TURNS_A_SLICE && !self.output.is_worth_a_write() {
                self.glance();
                continue;
            }
            turns = 0;
            poll_fn(|cx| self.poll(cx, busy)).await;
            // A stream that is always ready would otherwise keep its executor's thread.
            async_std::task::yield_now().await;
        }
        self.farewell().await;
    }

    /// Before the messages of a turn, so that each has the time that the wall clock shows.
    fn mind_the_clock(&mut self, now: Instant) {
        if let Some(micros) = self.clock.follow(now, SystemTime::now()) {
            self.listeners.stepped(self.clock, micros);
        }
    }

    /// Takes packets out of the buffer; returns whether more may wait in it.
    fn packets(&mut self, now: Instant) -> bool {
        if !self.link.is_open() {
            return false;
        }
        for _ in 0..PACKETS_A_TURN {
            if !self.session.can_receive() {
                self.output.fill(&mut self.session, now);
                if !self.session.can_receive() {
                    // The stream takes no more now; acknowledgements wait for it, and packets for them.
                    return false;
                }
            }
            let result = match self.input.next() {
                Next::NotYet => return false,
                Next::Malformed => Err(Break::Garbage(self.input.front().to_vec())),
                Next::Packet(range) => {
                    let frame = self.input.bytes(range);
                    match self.session.handle_frame(now, frame) {
                        Ok(Some(message)) => {
                            #[cfg(test)]
                            tests::fail_upon(message.topic);
                            self.counts.messages_in += 1;
                            self.listeners.record(now, &message);
                            Ok(())
                        }
                        Ok(None) => {
                            // A SUBACK counts before the messages behind it.
                            self.events(now);
                            Ok(())
                        }
                        Err(SessionError::Malformed(_)) => Err(Break::Garbage(frame.to_vec())),
                        Err(error) => Err(Break::Session(error)),
                    }
                }
                Next::Oversized { head, length } => {
                    let head = self.input.bytes(head);
                    match self.session.handle_oversized(now, head, length) {
                        Ok(passed) => {
                            self.listeners.record_oversized(now, &passed);
                            Ok(())
                        }
                        Err(error) => Err(Break::Session(error)),
                    }
                }
            };
            if let Err(why) = result {
                self.broke(now, why);
                return false;
            }
            if self.listeners.any_full() {
                self.events(now);
                let session = &mut self.session;
                self.listeners.sweep(now, |id| session.unsubscribe(now, id));
            }
        }
        true
    }

    /// What others want: holders of listeners, callers with commands, the one who closes.
    fn orders(&mut self, now: Instant) {
        let mut recalled = false;
        self.listeners.doubt(self.doubted_since(now));
        let session = &mut self.session;
        if std::mem::take(&mut self.called) {
            recalled = self.listeners.serve(now, |id| session.unsubscribe(now, id));
            if self.shared.is_closing() {
                self.over = true;
                return;
            }
        }
        self.listeners.sweep(now, |id| session.unsubscribe(now, id));
        let lost = recalled && matches!(self.link, Link::Lost);
        if lost || (!self.link.is_ready() && self.requests.any_waiting()) {
            self.hurry(now);
        }
        let attentive = self.listeners.any() || self.requests.any_asked();
        self.session.set_attentive(attentive);
    }

    /// After every input: what happened, what is to be sent, what is due.
    fn tail(&mut self, now: Instant) {
        self.tell();
        self.events(now);
        if self.link.is_ready() {
            self.serve_requests(now);
        }
        if self.link.is_open() {
            if self.session.poll_timeout().is_some_and(|at| at <= now)
                && let Err(error) = self.session.handle_timeout(now)
            {
                self.broke(now, Break::Session(error));
            }
            self.output.fill(&mut self.session, now);
            self.events(now);
        }
        self.due(now);
        self.tell();
    }

    /// Writes the counters where everybody can read them.
    fn tell(&self) {
        let shared = &self.shared.counters;
        shared
            .messages_in
            .store(self.counts.messages_in, Ordering::Relaxed);
        shared
            .messages_out
            .store(self.counts.messages_out, Ordering::Relaxed);
        shared
            .bytes_in
            .store(self.counts.bytes_in, Ordering::Relaxed);
        shared
            .bytes_out
            .store(self.output.written, Ordering::Relaxed);
        shared
            .reconnects
            .store(self.counts.reconnects, Ordering::Relaxed);
    }

    /// Looks, between two turns of a slice, at what else came, without asking to be woken for it.
    fn glance(&mut self) {
        self.called |= self.shared.is_called();
        for _ in 0..COMMANDS_A_TURN {
            match self.inbox.try_recv() {
                Ok(command) => self.requests.wait(command),
                Err(_) => return,
            }
        }
    }

    /// Ready when anything happened; `busy` means that packets wait in the buffer, so it is ready anyhow.
    fn poll(&mut self, cx: &mut Context<'_>, busy: bool) -> Poll<()> {
        let mut progress = busy;
        self.called |= self.shared.was_called(cx.waker());
        progress |= self.called;
        progress |= self.poll_inbox(cx);
        progress |= match &mut self.link {
            Link::Open(_) => self.poll_stream(cx, busy),
            Link::Dialing(dialing) => match dialing.as_mut().poll(cx) {
                Poll::Ready(result) => {
                    self.dialed(self.clock.now(), result);
                    true
                }
                Poll::Pending => false,
            },
            Link::Waiting(_) | Link::Lost => false,
        };
        let deadlines = [
            self.session.poll_timeout().filter(|_| self.link.is_open()),
            self.listeners.next_deadline(),
            self.next_due(),
            self.pace.next(),
        ];
        let deadline = deadlines.into_iter().flatten().min();
        progress |= self.alarm.poll(self.clock, deadline, cx).is_ready();
        if progress {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Writes, then reads, so that neither side waits for the other to take something first.
    fn poll_stream(&mut self, cx: &mut Context<'_>, busy: bool) -> bool {
        let Link::Open(open) = &mut self.link else {
            return false;
        };
        let mut progress = false;
        if !self.output.is_empty() && (!busy || self.output.is_worth_a_write()) {
            match self.output.poll_write(&mut open.stream, cx) {
                Poll::Ready(Ok(wrote)) => progress |= wrote,
                Poll::Ready(Err(error)) => {
                    self.broke(self.clock.now(), Break::Io(error));
                    return true;
                }
                Poll::Pending => {}
            }
        }
        let room = self.input.room();
        if busy || room.is_empty() {
            return progress;
        }
        let asked = self.requests.any_asked() || self.listeners.any_asked();
        if !asked && self.pace.next().is_some_and(|at| self.clock.now() < at) {
            return progress;
        }
        self.pace.at_once();
        match open.stream.poll_read(cx, room) {
            Poll::Ready(Ok(0)) => self.broke(self.clock.now(), Break::End),
            Poll::Ready(Ok(count)) => {
                self.counts.bytes_in += count as u64;
                self.input.filled(count);
                if count < SMALL_READ && asked {
                    open.stream.acknowledge_now();
                }
                self.heard(self.clock.now());
                let (messages, written) = (self.counts.messages_in, self.output.written);
                self.pace
                    .after_read(self.clock.now(), count, messages, written);
            }
            Poll::Ready(Err(error)) => self.broke(self.clock.now(), Break::Io(error)),
            Poll::Pending => {
                self.input.shrink();
                return progress;
            }
        }
        true
    }

    /// Takes commands as they come. No more senders means that nobody holds a handle.
    fn poll_inbox(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        for _ in 0..COMMANDS_A_TURN {
            match self.inbox.as_mut().poll_next(cx) {
                Poll::Ready(Some(command)) => self.requests.wait(command),
                Poll::Ready(None) => {
                    self.shared.close();
                    return true;
                }
                Poll::Pending => return progress,
            }
            progress = true;
        }
        // Stopped by the count and not by `Pending`: nobody would wake us for the rest.
        cx.waker().wake_by_ref();
        progress
    }

    /// The end: listeners have their last word, callers their answer, the broker its DISCONNECT.
    async fn farewell(mut self) {
        let now = self.clock.now();
        self.shared.set_state(State::Closed, None);
        let session = &mut self.session;
        self.listeners
            .end_all(now, StopReason::SessionClosed, |id| {
                session.unsubscribe(now, id)
            });
        self.inbox.close();
        while let Ok(command) = self.inbox.try_recv() {
            command.fail(BrokerError::Closed);
        }
        self.requests.close();
        if let Some(first) = self.first.take() {
            let _ = first.send(Err(self.life.failed(Cause::Abandoned)));
        }
        if self.link.is_ready() {
            self.session.disconnect(now, Reason::SUCCESS);
            let sending = poll_fn(|cx| self.poll_farewell(cx));
            // A broker that does not take our last bytes is not waited for.
            let sent = async_std::future::timeout(FAREWELL, sending).await;
            if sent.is_ok() {
                let drained = poll_fn(|cx| self.poll_drain(cx));
                let _ = async_std::future::timeout(DRAIN, drained).await;
            }
        }
        self.tell();
        ::log::debug!("{}: closed", self.target);
    }

    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Link::Open(open) = &mut self.link else {
            return Poll::Ready(());
        };
        let now = self.clock.now();
        loop {
            self.output.fill(&mut self.session, now);
            if self.output.is_empty() {
                return open.stream.poll_close(cx).map(drop); // [MQTT-3.14.4-2] v5
            }
            match self.output.poll_write(&mut open.stream, cx) {
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Reads until the broker closes. A socket that is dropped while the broker still writes to it is reset, and a
    /// broker that meets the reset first takes the end for a loss of connection and publishes the will.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Link::Open(open) = &mut self.link else {
            return Poll::Ready(());
        };
        let mut unread = [0; SMALL_READ];
        // So many reads a turn: a broker that floods us may not keep the thread from seeing that time is up.
        for _ in 0..PACKETS_A_TURN {
            match open.stream.poll_read(cx, &mut unread) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
