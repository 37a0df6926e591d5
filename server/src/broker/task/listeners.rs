//! The listeners of a connection: each message goes to the collectors of the subscriptions it is for; stop conditions,
//! deaf time, reports.
//!
//! Invariant: a listener that stopped has given its last word to its holder and frees its subscription in the same turn.

use super::clock::Clock;
use crate::broker::collect::{Arrival, Collector};
use crate::broker::error::BrokerError;
use crate::broker::report::{Listen, Report, Retained, StopReason};
use crate::broker::shared::{ListenerSlot, Shared};
use bitsperity_mqtt_core::limits::MAX_SUBSCRIPTIONS;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::session::{Message, SubscriptionId, SubscriptionSet};
use bitsperity_mqtt_core::time::Instant;
use futures::channel::oneshot;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

struct Listener {
    listen: Listen,
    slot: Arc<ListenerSlot>,
    /// Who waits for the SUBACK; none after it.
    reply: Option<oneshot::Sender<Result<(), BrokerError>>>,
    /// Made at the SUBACK, or at a replayed message that came before it.
    collecting: Option<Collecting>,
    granted: QoS,
    finished: bool,
}

struct Collecting {
    collector: Collector,
    started: Instant,
    last_new_topic: Instant,
    received: u64,
    retained: u64,
    bytes: u64,
    oversized: u64,
    reconnects: u32,
    deaf: Duration,
    deaf_since: Option<Instant>,
}

/// All listeners of one connection, by their subscription.
pub(super) struct Listeners {
    slots: [Option<Box<Listener>>; MAX_SUBSCRIPTIONS],
    /// Which of them are there.
    used: u64,
    /// Which have reached `max_messages`.
    full: u64,
    /// The last message's time.
    latest: Instant,
    clock: Clock,
    shared: Arc<Shared>,
}

/// Each subscription of `set`, lowest first.
fn each(mut set: u64) -> impl Iterator<Item = SubscriptionId> {
    std::iter::from_fn(move || {
        let lowest = u8::try_from(set.trailing_zeros())
            .ok()
            .filter(|_| set != 0)?;
        set &= set - 1;
        Some(SubscriptionId(lowest))
    })
}

impl Listeners {
    pub(super) fn new(clock: Clock, shared: Arc<Shared>) -> Self {
        Self {
            slots: std::array::from_fn(|_| None),
            used: 0,
            full: 0,
            latest: Instant::ZERO,
            clock,
            shared,
        }
    }

    /// Somebody waits for a SUBACK.
    pub(super) fn any_asked(&self) -> bool {
        self.slots.iter().flatten().any(|l| l.reply.is_some())
    }

    fn set_used(&mut self, used: u64) {
        self.used = used;
        let count = used.count_ones() as usize;
        let told = &self.shared.counters.subscriptions;
        told.store(count, Ordering::Relaxed);
    }

    fn get(&mut self, id: SubscriptionId) -> Option<&mut Listener> {
        self.slots.get_mut(usize::from(id.0))?.as_deref_mut()
    }

    /// A subscription was asked for.
    pub(super) fn add(
        &mut self,
        id: SubscriptionId,
        listen: Listen,
        slot: Arc<ListenerSlot>,
        reply: oneshot::Sender<Result<(), BrokerError>>,
    ) {
        if let Some(place) = self.slots.get_mut(usize::from(id.0)) {
            *place = Some(Box::new(Listener {
                listen,
                slot,
                reply: Some(reply),
                collecting: None,
                granted: QoS::AtMostOnce,
                finished: false,
            }));
            self.set_used(self.used | 1 << id.0);
        }
    }

    /// SUBACK: it listens from now on, or the broker does not let it.
    pub(super) fn answered(
        &mut self,
        id: SubscriptionId,
        now: Instant,
        result: Result<QoS, BrokerError>,
    ) {
        let clock = self.clock;
        let Some(listener) = self.get(id) else { return };
        match (result, listener.reply.take()) {
            (Ok(granted), reply) => {
                listener.granted = granted;
                listener.collecting(now);
                if let Some(reply) = reply {
                    let _ = reply.send(Ok(()));
                }
            }
            (Err(error), Some(reply)) => {
                self.remove(id);
                let _ = reply.send(Err(error));
            }
            // A subscription that the broker granted before and refuses to restore.
            (Err(_), None) => {
                if let Some(mut listener) = self.remove(id) {
                    listener.finish(now, clock, StopReason::ConnectionLost);
                }
            }
        }
    }

    /// Before anybody is told of its end, so that nobody sees it in use after that.
    fn remove(&mut self, id: SubscriptionId) -> Option<Box<Listener>> {
        self.set_used(self.used & !(1 << id.0));
        self.full &= !(1 << id.0);
        self.slots.get_mut(usize::from(id.0))?.take()
    }

    /// Records a message with each listener it is for. The messages of one turn have times of their own, a microsecond
    /// apart, so that their order is never lost.
    pub(super) fn record(&mut self, now: Instant, message: &Message<'_>) {
        let set = message.subscriptions.0 & self.used & !self.full;
        if set == 0 {
            return;
        }
        let now = now.max(self.latest.after(Duration::from_micros(1)));
        self.latest = now;
        for id in each(set) {
            let Some(listener) = self.get(id) else {
                continue;
            };
            if listener.record(now, message) {
                self.full |= 1 << id.0;
            }
        }
    }

    /// Counts a packet over our bound that was passed over.
    pub(super) fn record_oversized(&mut self, now: Instant, set: SubscriptionSet) {
        for id in each(set.0 & self.used) {
            if let Some(listener) = self.get(id) {
                listener.collecting(now).oversized += 1;
            }
        }
    }

    /// Whether a listener is full, so that [`Listeners::sweep`] must run before the next message.
    pub(super) fn any_full(&self) -> bool {
        self.full != 0
    }

    /// Ends those whose stop condition has come; `free` takes each subscription.
    pub(super) fn sweep(&mut self, now: Instant, free: impl FnMut(SubscriptionId)) {
        self.end(now, free, |listener, full| {
            let until = listener.deadline();
            if full {
                Some(StopReason::MaxMessages)
            } else if until.is_some_and(|(until, _)| until <= now) {
                until.map(|(_, why)| why)
            } else {
                None
            }
        });
    }

    /// Serves the holders: those who left, who want to stop, who ask for a report.
    pub(super) fn serve(&mut self, now: Instant, free: impl FnMut(SubscriptionId)) {
        let clock = self.clock;
        for listener in self.slots.iter().flatten() {
            for asked in listener.slot.take_asked() {
                let part = asked.part.as_deref();
                let mut report = listener.report(now, clock, None, part);
                if let Some(part) = part {
                    report.narrow(part);
                }
                let _ = asked.reply.send(report);
            }
        }
        self.end(now, free, |listener, _| {
            (listener.slot.is_left() || listener.slot.is_stopped_by_holder())
                .then_some(StopReason::Cancelled)
        });
    }

    /// Ends all.
    pub(super) fn end_all(
        &mut self,
        now: Instant,
        why: StopReason,
        free: impl FnMut(SubscriptionId),
    ) {
        self.end(now, free, |_, _| Some(why));
    }

    fn end(
        &mut self,
        now: Instant,
        mut free: impl FnMut(SubscriptionId),
        why: impl Fn(&Listener, bool) -> Option<StopReason>,
    ) {
        let (clock, full) = (self.clock, self.full);
        for id in each(self.used) {
            let Some(listener) = self.get(id) else {
                continue;
            };
            if let Some(why) = why(listener, full & (1 << id.0) != 0) {
                free(id);
                if let Some(mut listener) = self.remove(id) {
                    listener.finish(now, clock, why);
                }
            }
        }
    }

    /// When the next stop condition comes.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let listeners = self.slots.iter().flatten();
        listeners
            .filter_map(|l| l.deadline())
            .map(|(at, _)| at)
            .min()
    }

    /// The connection is gone.
    pub(super) fn deaf(&mut self, now: Instant) {
        for collecting in self
            .slots
            .iter_mut()
            .flatten()
            .filter_map(|l| l.collecting.as_mut())
        {
            collecting.deaf_since.get_or_insert(now);
        }
    }

    /// The connection is back and every subscription restored.
    pub(super) fn hearing(&mut self, now: Instant) {
        for collecting in self
            .slots
            .iter_mut()
            .flatten()
            .filter_map(|l| l.collecting.as_mut())
        {
            if let Some(since) = collecting.deaf_since.take() {
                collecting.deaf += now.since(since);
                collecting.reconnects += 1;
            }
        }
    }
}

impl Listener {
    fn collecting(&mut self, now: Instant) -> &mut Collecting {
        let wants = &self.listen.wants;
        self.collecting.get_or_insert_with(|| Collecting {
            collector: Collector::new(wants, now),
            started: now,
            last_new_topic: now,
            received: 0,
            retained: 0,
            bytes: 0,
            oversized: 0,
            reconnects: 0,
            deaf: Duration::ZERO,
            deaf_since: None,
        })
    }

    /// Returns whether it is full now.
    fn record(&mut self, now: Instant, message: &Message<'_>) -> bool {
        let taken = match self.listen.retained {
            Retained::Include => true,
            Retained::Exclude => !message.retain,
            Retained::Only => message.retain,
        };
        if !taken {
            return false;
        }
        let max_messages = self.listen.max_messages;
        let collecting = self.collecting(now);
        let new_topic = collecting.collector.record(&Arrival {
            at: now,
            topic: message.topic,
            payload: message.payload,
            qos: message.qos,
            retain: message.retain,
        });
        if new_topic {
            collecting.last_new_topic = now;
        }
        collecting.received += 1;
        collecting.retained += u64::from(message.retain);
        collecting.bytes += message.payload.len() as u64;
        let received = collecting.received;
        let topics = new_topic.then(|| collecting.collector.topics_seen());
        self.slot.set_counts(received, topics);
        max_messages.is_some_and(|max| received >= max)
    }

    /// When it stops by itself, and why; nothing before the SUBACK.
    fn deadline(&self) -> Option<(Instant, StopReason)> {
        if self.reply.is_some() {
            return None;
        }
        let collecting = self.collecting.as_ref()?;
        let duration = collecting.started.after(self.listen.duration);
        match self
            .listen
            .until_quiet
            .map(|quiet| collecting.last_new_topic.after(quiet))
        {
            Some(quiet) if quiet < duration => Some((quiet, StopReason::Quiet)),
            _ => Some((duration, StopReason::Duration)),
        }
    }

    fn report(
        &self,
        now: Instant,
        clock: Clock,
        stopped: Option<StopReason>,
        part: Option<&Listen>,
    ) -> Report {
        let Some(collecting) = &self.collecting else {
            return Report {
                started: clock.wall(now),
                elapsed: Duration::ZERO,
                stopped,
                granted_qos: self.granted,
                received: 0,
                retained: 0,
                bytes: 0,
                oversized: 0,
                reconnects: 0,
                deaf: Duration::ZERO,
                narrowed: false,
                findings: Default::default(),
            };
        };
        let deaf_now = collecting
            .deaf_since
            .map_or(Duration::ZERO, |since| now.since(since));
        Report {
            started: clock.wall(collecting.started),
            elapsed: now.since(collecting.started),
            stopped,
            granted_qos: self.granted,
            received: collecting.received,
            retained: collecting.retained,
            bytes: collecting.bytes,
            oversized: collecting.oversized,
            reconnects: collecting.reconnects,
            deaf: collecting.deaf + deaf_now,
            narrowed: false,
            findings: collecting.collector.findings_for(part),
        }
    }

    fn finish(&mut self, now: Instant, clock: Clock, why: StopReason) {
        self.finished = true;
        // What it waited for may have come in messages before the SUBACK.
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(Ok(()));
        }
        if self.slot.is_left() {
            self.slot.abandon();
        } else {
            self.slot.finish(self.report(now, clock, Some(why), None));
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if !self.finished {
            self.slot.abandon();
        }
    }
}
