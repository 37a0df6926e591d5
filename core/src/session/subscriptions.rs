//! Who subscribed to what (3.8 to 3.11): callers, the filters they share at the broker, and the requests under way.
//!
//! A slot holds two halves that have nothing to do with each other: the caller of that number and the filter of that
//! number. Every caller has a SUBSCRIBE of its own, so that it gets its own SUBACK and its own retained messages.
//! In 5.0 each SUBSCRIBE carries a fresh Subscription Identifier that names the filter's slot and a generation.
//! Which callers a message is for stands in `delivery`.
//! Invariant: a filter's slot is freed only when no caller, no subscription at the broker and no request needs it.

use super::bits::Bits;
use super::delivery::Overlap;
use super::{Event, Replay, SubscribeError, SubscriptionId};
use crate::limits::{MAX_FILTER, MAX_SUBSCRIPTIONS};
use crate::packet::{PacketId, QoS, Reason};
use crate::topic;

/// SUBSCRIBE and UNSUBSCRIBE packets that may wait for an answer at once; further ones wait to be sent.
pub(super) const MAX_REQUESTS: usize = 64;

/// Generations of Subscription Identifiers before they start again: with six bits of slot they stay below
/// 268,435,455, the largest identifier (3.8.2.1.2).
const GENERATIONS: u32 = 1 << 21;

/// Slot of [`super::Storage::subscriptions`].
#[derive(Clone, Copy, Debug)]
pub struct Subscription {
    pub(super) caller: Caller,
    pub(super) filter: Filter,
}

/// One that subscribed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    pub(super) filter: u8,
    qos: QoS,
    replay: Replay,
    /// Subscription Identifier of its SUBSCRIBE; 0: none was sent.
    pub(super) identifier: u32,
    /// To be told by `poll_event`.
    result: Option<Result<QoS, Reason>>,
}

/// One subscription at the broker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    bytes: [u8; MAX_FILTER],
    length: usize,
    pub(super) callers: Bits,
    /// Generation when the slot was taken: older identifiers name an earlier filter.
    born: u32,
    /// When its last SUBSCRIBE was written, counted in SUBSCRIBEs.
    pub(super) order: u64,
    /// Subscription Identifier of that last SUBSCRIBE.
    identifier: u32,
    /// Whose it was; none: it restored the subscription.
    pub(super) newest: Option<u8>,
}

impl Subscription {
    /// An empty slot.
    pub const EMPTY: Self = Self {
        caller: Caller {
            filter: 0,
            qos: QoS::AtMostOnce,
            replay: Replay::Send,
            identifier: 0,
            result: None,
        },
        filter: Filter {
            bytes: [0; MAX_FILTER],
            length: 0,
            callers: Bits::EMPTY,
            born: 0,
            order: 0,
            identifier: 0,
            newest: None,
        },
    };
}

impl Filter {
    /// The Topic Filter.
    pub(super) fn text(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }
}

/// What a request that waits for its answer was for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// SUBSCRIBE of this caller; none: it unsubscribed meanwhile.
    Subscribe(Option<u8>),
    /// SUBSCRIBE for all callers after a loss.
    Restore,
    /// UNSUBSCRIBE.
    Unsubscribe,
}

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug)]
struct Request {
    packet_id: PacketId,
    filter: u8,
    purpose: Purpose,
}

/// A request to be written now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) filter: u8,
    pub(super) purpose: Purpose,
    pub(super) qos: QoS,
    pub(super) replay: Replay,
    /// Subscription Identifier to go with it.
    pub(super) identifier: u32,
}

/// All subscriptions of a session.
pub(super) struct Subscriptions<'s> {
    slots: &'s mut [Subscription],
    requests: [Option<Request>; MAX_REQUESTS],
    /// Callers that hold their slot.
    callers: Bits,
    /// Callers whose SUBSCRIBE is not written yet.
    pub(super) waiting: Bits,
    /// Callers whose SUBSCRIBE has no SUBACK yet.
    unanswered: Bits,
    /// Callers with a result to be told.
    told: Bits,
    /// Filters that hold their slot.
    filters: Bits,
    /// Filters to be restored, and those whose SUBACK is awaited for it.
    restore: Bits,
    restoring: Bits,
    /// Filters to be unsubscribed, and those whose UNSUBACK is awaited.
    leave: Bits,
    pub(super) leaving: Bits,
    /// Filters that the broker has been told of and not told to forget.
    pub(super) at_broker: Bits,
    /// Those among them with a SUBACK.
    pub(super) firm: Bits,
    generation: u32,
    order: u64,
    /// The broker may hold subscriptions of an earlier process, whose identifiers look like ours.
    pub(super) foreign: bool,
    pub(super) overlap: Overlap,
}

impl<'s> Subscriptions<'s> {
    pub(super) fn new(slots: &'s mut [Subscription]) -> Self {
        Self {
            slots,
            requests: [None; MAX_REQUESTS],
            callers: Bits::EMPTY,
            waiting: Bits::EMPTY,
            unanswered: Bits::EMPTY,
            told: Bits::EMPTY,
            filters: Bits::EMPTY,
            restore: Bits::EMPTY,
            restoring: Bits::EMPTY,
            leave: Bits::EMPTY,
            leaving: Bits::EMPTY,
            at_broker: Bits::EMPTY,
            firm: Bits::EMPTY,
            generation: 0,
            order: 0,
            foreign: false,
            overlap: Overlap::default(),
        }
    }

    pub(super) fn caller(&self, slot: u8) -> Option<&Caller> {
        self.slots.get(usize::from(slot)).map(|s| &s.caller)
    }

    pub(super) fn filter(&self, slot: u8) -> Option<&Filter> {
        self.slots.get(usize::from(slot)).map(|s| &s.filter)
    }

    fn caller_mut(&mut self, slot: u8) -> Option<&mut Caller> {
        self.slots.get_mut(usize::from(slot)).map(|s| &mut s.caller)
    }

    fn filter_mut(&mut self, slot: u8) -> Option<&mut Filter> {
        self.slots.get_mut(usize::from(slot)).map(|s| &mut s.filter)
    }

    /// Takes a caller in; its SUBSCRIBE waits to be written.
    pub(super) fn subscribe(
        &mut self,
        text: &str,
        qos: QoS,
        replay: Replay,
    ) -> Result<SubscriptionId, SubscribeError> {
        if text.len() > MAX_FILTER {
            return Err(SubscribeError::TooLong);
        }
        topic::validate_filter(text).map_err(SubscribeError::Invalid)?;
        let all = Bits::first(self.slots.len().min(MAX_SUBSCRIPTIONS));
        let free = all.without(self.callers).lowest();
        let id = free.ok_or(SubscribeError::TooMany)?;
        let filter = match self.find(text) {
            Some(filter) => filter,
            None => self.take_filter(text).ok_or(SubscribeError::Busy)?,
        };
        if let Some(slot) = self.filter_mut(filter) {
            slot.callers.insert(id);
        }
        if let Some(slot) = self.caller_mut(id) {
            *slot = Caller {
                filter,
                qos,
                replay,
                identifier: 0,
                result: None,
            };
        }
        self.leave.remove(filter);
        self.callers.insert(id);
        self.waiting.insert(id);
        Ok(SubscriptionId(id))
    }

    fn find(&self, text: &str) -> Option<u8> {
        let mut filters = self.filters;
        filters.find(|&slot| {
            self.filter(slot)
                .is_some_and(|f| f.bytes.get(..f.length) == Some(text.as_bytes()))
        })
    }

    /// Takes a free slot for a filter; none while UNSUBSCRIBEs under way hold them all.
    fn take_filter(&mut self, text: &str) -> Option<u8> {
        let all = Bits::first(self.slots.len().min(MAX_SUBSCRIPTIONS));
        let slot = all.without(self.filters).lowest()?;
        let born = self.generation;
        let filter = self.filter_mut(slot)?;
        filter
            .bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        filter.length = text.len();
        filter.callers = Bits::EMPTY;
        filter.born = born;
        filter.order = 0;
        filter.identifier = 0;
        filter.newest = None;
        self.filters.insert(slot);
        Some(slot)
    }

    /// Lets a caller go.
    pub(super) fn unsubscribe(&mut self, id: u8) {
        if !self.callers.contains(id) {
            return;
        }
        for request in self.requests.iter_mut().flatten() {
            if request.purpose == Purpose::Subscribe(Some(id)) {
                request.purpose = Purpose::Subscribe(None);
            }
        }
        let filter = self.drop_caller(id);
        self.callers.remove(id);
        self.told.remove(id);
        if let Some(filter) = filter {
            self.settle(filter);
        }
    }

    /// Takes `id` off its filter.
    fn drop_caller(&mut self, id: u8) -> Option<u8> {
        self.waiting.remove(id);
        self.unanswered.remove(id);
        let filter = self.caller(id)?.filter;
        let slot = self.filter_mut(filter)?;
        slot.callers.remove(id);
        if slot.newest == Some(id) {
            slot.newest = None;
        }
        Some(filter)
    }

    /// After a caller or an answer has gone: a filter that nobody wants is unsubscribed, then freed.
    fn settle(&mut self, slot: u8) {
        if self.filter(slot).is_none_or(|f| !f.callers.is_empty()) {
            return;
        }
        self.restore.remove(slot);
        let asked = self.requests.iter().flatten().any(|r| r.filter == slot);
        if self.at_broker.contains(slot) {
            self.leave.insert(slot);
        } else if !asked {
            self.leave.remove(slot);
            self.filters.remove(slot);
        }
    }

    /// Whether `packet_id` waits for an answer.
    pub(super) fn uses(&self, packet_id: PacketId) -> bool {
        self.requests
            .iter()
            .flatten()
            .any(|r| r.packet_id == packet_id)
    }

    /// What is to be written next: first what restores, then what ends, then what begins.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        let work = self.restore.or(self.leave).or(self.waiting);
        if work.is_empty() || self.requests.iter().all(Option::is_some) {
            return None;
        }
        let (filter, purpose, replay) = if let Some(filter) = self.restore.lowest() {
            (filter, Purpose::Restore, Replay::DoNotSend)
        } else if let Some(filter) = self.leave.lowest() {
            (filter, Purpose::Unsubscribe, Replay::DoNotSend)
        } else {
            let id = self.waiting.lowest()?;
            let caller = self.caller(id)?;
            (caller.filter, Purpose::Subscribe(Some(id)), caller.replay)
        };
        let generation = (self.generation + 1) % GENERATIONS;
        Some(Wanted {
            filter,
            purpose,
            qos: self.highest_qos(filter),
            replay,
            identifier: (generation << 6) + u32::from(filter) + 1,
        })
    }

    /// Of all who share the filter: a SUBSCRIBE replaces the one before `[MQTT-3.8.4-3]`.
    fn highest_qos(&self, filter: u8) -> QoS {
        let callers = self.filter(filter).map(|f| f.callers).unwrap_or_default();
        let levels = callers.filter_map(|id| self.caller(id).map(|c| c.qos));
        levels.max().unwrap_or_default()
    }

    /// `wanted` has been written with `packet_id`.
    pub(super) fn written(&mut self, wanted: &Wanted, packet_id: PacketId) {
        let filter = wanted.filter;
        if let Some(free) = self.requests.iter_mut().find(|r| r.is_none()) {
            *free = Some(Request {
                packet_id,
                filter,
                purpose: wanted.purpose,
            });
        }
        if wanted.purpose == Purpose::Unsubscribe {
            self.leave.remove(filter);
            self.leaving.insert(filter);
            self.at_broker.remove(filter);
            self.firm.remove(filter);
            return;
        }
        self.generation = (self.generation + 1) % GENERATIONS;
        self.order += 1;
        let (order, mut newest) = (self.order, None);
        match wanted.purpose {
            Purpose::Subscribe(Some(id)) => {
                newest = Some(id);
                self.waiting.remove(id);
                self.unanswered.insert(id);
                if let Some(caller) = self.caller_mut(id) {
                    caller.identifier = wanted.identifier;
                }
            }
            _ => {
                self.restore.remove(filter);
                self.restoring.insert(filter);
            }
        }
        self.at_broker.insert(filter);
        if let Some(slot) = self.filter_mut(filter) {
            slot.order = order;
            slot.identifier = wanted.identifier;
            slot.newest = newest;
        }
    }

    /// `wanted` can never be written on this connection.
    pub(super) fn refuse(&mut self, wanted: &Wanted, reason: Reason) {
        match wanted.purpose {
            Purpose::Subscribe(Some(id)) => self.conclude(id, Err(reason)),
            Purpose::Subscribe(None) => {}
            Purpose::Restore => {
                self.restore.remove(wanted.filter);
                self.fail_restored(wanted.filter, reason);
            }
            Purpose::Unsubscribe => {
                self.leave.remove(wanted.filter);
                self.at_broker.remove(wanted.filter);
                self.settle(wanted.filter);
            }
        }
    }

    /// SUBACK or UNSUBACK: what it answers, if anything.
    pub(super) fn answered(&mut self, packet_id: PacketId) -> Option<(u8, Purpose)> {
        let mut requests = self.requests.iter_mut();
        let request = requests.find(|r| r.is_some_and(|r| r.packet_id == packet_id))?;
        request.take().map(|r| (r.filter, r.purpose))
    }

    /// Whether `packet_id` waits for SUBACK (`true`) or for UNSUBACK (`false`).
    pub(super) fn awaits_suback(&self, packet_id: PacketId) -> Option<bool> {
        let mut requests = self.requests.iter().flatten();
        let request = requests.find(|r| r.packet_id == packet_id)?;
        Some(request.purpose != Purpose::Unsubscribe)
    }

    /// SUBACK for `filter` with its one reason.
    pub(super) fn suback(&mut self, filter: u8, purpose: Purpose, reason: Reason) {
        let granted = match QoS::from_bits(reason.0) {
            Some(qos) if !reason.is_failure() => Ok(qos),
            _ => Err(reason),
        };
        if granted.is_ok() {
            if self.at_broker.contains(filter) {
                self.firm.insert(filter);
            }
        } else if !self.firm.contains(filter) && !self.asked(filter) {
            self.at_broker.remove(filter);
            self.leave.remove(filter);
        }
        match purpose {
            Purpose::Subscribe(Some(id)) => self.conclude(id, granted),
            Purpose::Subscribe(None) | Purpose::Unsubscribe => {}
            Purpose::Restore => {
                self.restoring.remove(filter);
                if let Err(reason) = granted {
                    self.fail_restored(filter, reason);
                }
            }
        }
        self.settle(filter);
    }

    /// Whether another SUBSCRIBE for `filter` waits for its SUBACK.
    fn asked(&self, filter: u8) -> bool {
        let mut requests = self.requests.iter().flatten();
        requests.any(|r| r.filter == filter && r.purpose != Purpose::Unsubscribe)
    }

    /// UNSUBACK for `filter`, whatever it says: the broker does not hold it any more.
    pub(super) fn unsuback(&mut self, filter: u8) {
        self.leaving.remove(filter);
        self.settle(filter);
    }

    fn conclude(&mut self, id: u8, result: Result<QoS, Reason>) {
        self.unanswered.remove(id);
        if let Some(caller) = self.caller_mut(id) {
            caller.result = Some(result);
        }
        self.told.insert(id);
        if result.is_err()
            && let Some(filter) = self.drop_caller(id)
        {
            self.settle(filter);
        }
    }

    /// A restored subscription was refused: all who had it lose it.
    fn fail_restored(&mut self, filter: u8, reason: Reason) {
        let callers = self.filter(filter).map(|f| f.callers).unwrap_or_default();
        for id in callers.without(self.waiting).without(self.unanswered) {
            self.conclude(id, Err(reason));
        }
        self.settle(filter);
    }

    /// CONNACK: what the broker still knows decides what is said again.
    pub(super) fn connected(&mut self, session_present: bool, first: bool) {
        self.requests = [None; MAX_REQUESTS];
        self.waiting = self.waiting.or(self.unanswered);
        self.unanswered = Bits::EMPTY;
        self.overlap = Overlap::default();
        self.foreign = (self.foreign || first) && session_present;
        if session_present {
            self.at_broker = self.at_broker.or(self.leaving);
            self.restore = self.restore.or(self.restoring);
        } else {
            self.at_broker = Bits::EMPTY;
            self.firm = Bits::EMPTY;
            self.leave = Bits::EMPTY;
            self.restore = Bits::EMPTY;
        }
        self.leaving = Bits::EMPTY;
        self.restoring = Bits::EMPTY;
        for slot in self.filters {
            let callers = self.filter(slot).map(|f| f.callers).unwrap_or_default();
            if !session_present && !callers.without(self.waiting).is_empty() {
                self.restore.insert(slot);
            }
            if callers.is_empty() {
                self.settle(slot);
            } else {
                self.leave.remove(slot);
            }
        }
    }

    /// Whether every subscription is restored.
    pub(super) fn restored(&self) -> bool {
        self.restore.or(self.restoring).is_empty()
    }

    /// The next SUBACK to be told; a caller that failed is gone with it.
    pub(super) fn poll_event(&mut self) -> Option<Event> {
        let id = self.told.lowest()?;
        self.told.remove(id);
        let result = self.caller_mut(id)?.result.take()?;
        if result.is_err() {
            self.callers.remove(id);
        }
        Some(Event::Subscribed {
            id: SubscriptionId(id),
            result,
        })
    }

    /// The filter that a Subscription Identifier names, and how old the identifier is.
    pub(super) fn named(&self, identifier: u32) -> Option<(u8, u32)> {
        let number = identifier.checked_sub(1)?;
        let slot = u8::try_from(number & 63).ok()?;
        let generation = number >> 6;
        if !self.filters.contains(slot) || generation >= GENERATIONS {
            return None;
        }
        let age = |since: u32| (self.generation + GENERATIONS - since) % GENERATIONS;
        let filter = self.filter(slot)?;
        let ours = filter.identifier == identifier || age(generation) < age(filter.born);
        ours.then(|| (slot, age(generation)))
    }
}
