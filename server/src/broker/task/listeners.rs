//! The listeners of a connection: each message goes to the collectors of the subscriptions it is for; stop conditions,
//! deaf time, reports.
//!
//! Invariant: a listener that stopped has given its last word to its holder and frees its subscription in the same turn.

use super::clock::Clock;
use super::listener::{Collecting, Listener, members};
use crate::broker::decoder::Decoder;
use crate::broker::error::BrokerError;
use crate::broker::report::{Listen, StopReason};
use crate::broker::shared::{ListenerSlot, Shared};
use crate::broker::watch::is_lasting;
use bitsperity_mqtt_core::limits::MAX_SUBSCRIPTIONS;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::payload::decode::needs_decoding;
use bitsperity_mqtt_core::session::{Message, Oversized, SubscriptionId};
use bitsperity_mqtt_core::time::Instant;
use futures::channel::oneshot;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// All listeners of one connection, by the first of their subscriptions.
pub(super) struct Listeners {
    slots: [Option<Box<Listener>>; MAX_SUBSCRIPTIONS],
    /// The slot of each subscription's listener.
    owners: [u8; MAX_SUBSCRIPTIONS],
    /// Which subscriptions are in use.
    used: u64,
    /// Those whose listener has reached `max_messages`.
    full: u64,
    /// The last message's time.
    latest: Instant,
    /// When the last byte came, while nobody knows whether the line lives.
    doubted_since: Option<Instant>,
    clock: Clock,
    decoder: Decoder,
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
            owners: [0; MAX_SUBSCRIPTIONS],
            used: 0,
            full: 0,
            latest: Instant::ZERO,
            doubted_since: None,
            clock,
            decoder: Decoder::default(),
            shared,
        }
    }

    /// Somebody listens, or wants to.
    pub(super) fn any(&self) -> bool {
        self.used != 0
    }

    /// Since when nothing was heard that should have been, if so: reports tell what was known then.
    pub(super) fn doubt(&mut self, since: Option<Instant>) {
        self.doubted_since = since;
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

    /// By its first subscription.
    fn get(&mut self, id: SubscriptionId) -> Option<&mut Listener> {
        self.slots.get_mut(usize::from(id.0))?.as_deref_mut()
    }

    /// The Topic Filter of a subscription.
    pub(super) fn filter_of(&mut self, id: SubscriptionId) -> &str {
        let owner = self.owner(id);
        let filter = self.get(owner).and_then(|listener| {
            let mut ids = listener.ids.iter();
            listener.listen.filters.get(ids.position(|it| *it == id)?)
        });
        filter.map_or("", String::as_str)
    }

    fn owner(&self, id: SubscriptionId) -> SubscriptionId {
        SubscriptionId(self.owners.get(usize::from(id.0)).copied().unwrap_or(id.0))
    }

    /// One subscription for each filter was asked for.
    pub(super) fn add(
        &mut self,
        ids: Vec<SubscriptionId>,
        listen: Listen,
        slot: Arc<ListenerSlot>,
        reply: oneshot::Sender<Result<(), BrokerError>>,
    ) {
        let Some(first) = ids.first() else { return };
        for id in &ids {
            if let Some(owner) = self.owners.get_mut(usize::from(id.0)) {
                *owner = first.0;
            }
        }
        let members = members(&ids);
        if let Some(place) = self.slots.get_mut(usize::from(first.0)) {
            *place = Some(Box::new(Listener {
                listen,
                slot,
                ids,
                unanswered: members,
                reply: Some(reply),
                collecting: None,
                granted: None,
                finished: false,
            }));
            self.set_used(self.used | members);
        }
    }

    /// SUBACK: from the last one on it listens, or the broker does not let it; then `free` takes its other
    /// subscriptions.
    pub(super) fn answered(
        &mut self,
        id: SubscriptionId,
        now: Instant,
        result: Result<QoS, BrokerError>,
        free: impl FnMut(SubscriptionId),
    ) {
        let clock = self.clock;
        let owner = self.owner(id);
        let Some(listener) = self.get(owner) else {
            return;
        };
        match (result, listener.reply.take()) {
            (Ok(granted), reply) => {
                listener.granted = Some(listener.granted.map_or(granted, |it| it.min(granted)));
                listener.unanswered &= !(1 << id.0);
                if listener.unanswered != 0 {
                    listener.reply = reply;
                    return;
                }
                listener.collecting(now, clock);
                if let Some(reply) = reply {
                    let _ = reply.send(Ok(()));
                }
            }
            (Err(error), Some(reply)) => {
                self.remove(owner, free);
                let _ = reply.send(Err(error));
            }
            // A subscription that the broker granted before and refuses to restore.
            (Err(_), None) => {
                if let Some(mut listener) = self.remove(owner, free) {
                    listener.finish(now, clock, None, StopReason::ConnectionLost);
                }
            }
        }
    }

    /// Before anybody is told of its end, so that nobody sees it in use after that.
    fn remove(
        &mut self,
        owner: SubscriptionId,
        free: impl FnMut(SubscriptionId),
    ) -> Option<Box<Listener>> {
        let listener = self.slots.get_mut(usize::from(owner.0))?.take()?;
        let members = members(&listener.ids);
        self.set_used(self.used & !members);
        self.full &= !members;
        each(members).for_each(free);
        Some(listener)
    }

    /// Records a message with each listener it is for. The messages of one turn have times of their own, a microsecond
    /// apart, so that their order is never lost.
    pub(super) fn record(&mut self, now: Instant, message: &Message<'_>) {
        let set = message.subscriptions.0 & self.used & !self.full;
        if set == 0 {
            if message.stray {
                self.stray(message.topic);
            }
            return;
        }
        let now = now.max(self.latest.after(Duration::from_micros(1)));
        self.latest = now;
        let clock = self.clock;
        let owners = self.owners_of(set);
        let decoded = if needs_decoding(message.topic, message.payload) {
            self.decoder.decode(message.topic, message.payload)
        } else {
            None
        };
        for owner in each(owners) {
            let listener = self.slots.get_mut(usize::from(owner.0));
            let Some(listener) = listener.and_then(Option::as_deref_mut) else {
                continue;
            };
            if listener.record(now, clock, message, decoded) {
                self.full |= members(&listener.ids);
            }
        }
    }

    /// The listeners that subscriptions are of.
    fn owners_of(&self, set: u64) -> u64 {
        each(set).fold(0, |owners, id| owners | 1 << self.owner(id).0)
    }

    /// Counts a packet over our bound that was passed over.
    pub(super) fn record_oversized(&mut self, now: Instant, passed: &Oversized<'_>) {
        let clock = self.clock;
        for owner in each(self.owners_of(passed.subscriptions.0 & self.used)) {
            if let Some(listener) = self.get(owner) {
                listener.record_oversized(now, clock, passed);
            }
        }
    }

    /// Whose it is nobody knows, so each is told of it.
    #[cold]
    fn stray(&mut self, topic: &str) {
        for collecting in self.collecting() {
            collecting.asides.strays.count(topic);
        }
    }

    /// The wall clock was set.
    pub(super) fn stepped(&mut self, clock: Clock, micros: i64) {
        self.clock = clock;
        for collecting in self.collecting() {
            collecting.asides.stepped(micros);
        }
    }

    fn collecting(&mut self) -> impl Iterator<Item = &mut Collecting> {
        let listeners = self.slots.iter_mut().flatten();
        listeners.filter_map(|listener| listener.collecting.as_mut())
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
    /// Returns whether one asked.
    pub(super) fn serve(&mut self, now: Instant, free: impl FnMut(SubscriptionId)) -> bool {
        let (clock, doubt) = (self.clock, self.doubted_since);
        let mut any = false;
        for listener in self.slots.iter().flatten() {
            for asked in listener.slot.take_asked() {
                let report = listener.report(now, clock, doubt, None, asked.part.as_deref());
                let _ = asked.reply.send(report);
                any = true;
            }
        }
        self.end(now, free, |listener, _| {
            (listener.slot.is_left() || listener.slot.is_stopped_by_holder())
                .then_some(StopReason::Cancelled)
        });
        any
    }

    /// Ends all but those that last as long as the session does: these hear again if the connection comes back.
    pub(super) fn end_passing(&mut self, now: Instant, free: impl FnMut(SubscriptionId)) {
        self.end(now, free, |listener, _| {
            (!is_lasting(&listener.listen)).then_some(StopReason::ConnectionLost)
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
        let (clock, full, doubt) = (self.clock, self.full, self.doubted_since);
        for id in each(self.used) {
            let Some(listener) = self.get(id) else {
                continue;
            };
            if let Some(why) = why(listener, full & (1 << id.0) != 0)
                && let Some(mut listener) = self.remove(id, &mut free)
            {
                listener.finish(now, clock, doubt, why);
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

    /// The connection is gone; nothing was heard from `since` on.
    pub(super) fn deaf(&mut self, since: Instant, why: &str) {
        self.collecting().for_each(|it| it.deafen(since, why));
    }

    /// The connection is back and every subscription restored.
    pub(super) fn hearing(&mut self, now: Instant) {
        self.collecting().for_each(|it| it.hear(now));
    }
}
