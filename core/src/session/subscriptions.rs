//! Who subscribed to what (3.8 to 3.11): callers, and the filters they share at the broker.
//!
//! A slot holds two halves that have nothing to do with each other: the caller of that number and the filter of that
//! number. Every caller has a SUBSCRIBE of its own, so that it gets its own SUBACK and its own retained messages.
//! In 5.0 each SUBSCRIBE carries a fresh Subscription Identifier that names the filter's slot and a generation.
//! What is said to the broker and answered stands in `requests`, whom a message is for in `delivery`, which SUBSCRIBE
//! waits for another's retained messages in `replays`.
//! Invariant: a filter's slot is freed only when no caller, no subscription at the broker and no request needs it.

use super::bits::Bits;
use super::delivery::Overlap;
use super::replays::Replays;
use super::requests::{MAX_REQUESTS, Purpose, Request};
use super::{Event, Replay, SubscribeError, SubscriptionId};
use crate::limits::{MAX_FILTER, MAX_SUBSCRIPTIONS};
use crate::packet::{QoS, Reason};
use crate::time::Instant;
use crate::topic;

/// Generations of Subscription Identifiers before they start again: with six bits of slot they stay below
/// 268,435,455, the largest identifier (3.8.2.1.2).
pub(super) const GENERATIONS: u32 = 1 << 21;

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
    pub(super) qos: QoS,
    pub(super) replay: Replay,
    /// Subscription Identifier of its SUBSCRIBE; 0: none was sent.
    pub(super) identifier: u32,
    /// To be told by `poll_event`.
    pub(super) result: Option<Result<QoS, Reason>>,
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
    pub(super) identifier: u32,
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
    /// The Topic Filter, of UTF-8.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The Topic Filter; examines its bytes once more.
    pub(super) fn text(&self) -> &str {
        core::str::from_utf8(self.bytes()).unwrap_or_default()
    }
}

/// All subscriptions of a session.
pub(super) struct Subscriptions<'s> {
    slots: &'s mut [Subscription],
    pub(super) requests: [Option<Request>; MAX_REQUESTS],
    /// Callers that hold their slot.
    pub(super) callers: Bits,
    /// Callers whose SUBSCRIBE is not written yet.
    pub(super) waiting: Bits,
    /// Callers whose SUBSCRIBE has no SUBACK yet.
    pub(super) unanswered: Bits,
    /// Callers with a result to be told.
    pub(super) told: Bits,
    /// Filters that hold their slot.
    pub(super) filters: Bits,
    /// Filters to be restored, and those whose SUBACK is awaited for it.
    pub(super) restore: Bits,
    pub(super) restoring: Bits,
    /// Filters to be unsubscribed, and those whose UNSUBACK is awaited.
    pub(super) leave: Bits,
    pub(super) leaving: Bits,
    /// Filters that the broker has been told of and not told to forget.
    pub(super) at_broker: Bits,
    /// Those among them with a SUBACK.
    pub(super) firm: Bits,
    /// Filters upon whose SUBSCRIBE a connection ended.
    pub(super) suspects: Bits,
    /// Callers whose result is that it ended once more.
    pub(super) barred: Bits,
    /// When the last SUBSCRIBE was written.
    pub(super) asked_at: Instant,
    pub(super) generation: u32,
    pub(super) order: u64,
    /// The broker may hold subscriptions of an earlier process, whose identifiers look like ours.
    pub(super) foreign: bool,
    pub(super) overlap: Overlap,
    pub(super) replays: Replays,
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
            suspects: Bits::EMPTY,
            barred: Bits::EMPTY,
            asked_at: Instant::ZERO,
            generation: 0,
            order: 0,
            foreign: false,
            overlap: Overlap::default(),
            replays: Replays::default(),
        }
    }

    pub(super) fn caller(&self, slot: u8) -> Option<&Caller> {
        self.slots.get(usize::from(slot)).map(|s| &s.caller)
    }

    pub(super) fn filter(&self, slot: u8) -> Option<&Filter> {
        self.slots.get(usize::from(slot)).map(|s| &s.filter)
    }

    pub(super) fn caller_mut(&mut self, slot: u8) -> Option<&mut Caller> {
        self.slots.get_mut(usize::from(slot)).map(|s| &mut s.caller)
    }

    pub(super) fn filter_mut(&mut self, slot: u8) -> Option<&mut Filter> {
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
                .is_some_and(|f| f.bytes() == text.as_bytes())
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
        self.barred.remove(id);
        if let Some(filter) = filter {
            self.settle(filter);
        }
    }

    /// Takes `id` off its filter.
    pub(super) fn drop_caller(&mut self, id: u8) -> Option<u8> {
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
    pub(super) fn settle(&mut self, slot: u8) {
        if self.filter(slot).is_none_or(|f| !f.callers.is_empty()) {
            return;
        }
        self.restore.remove(slot);
        let asked = self.requests.iter().flatten().any(|r| r.filter == slot);
        if self.at_broker.contains(slot) {
            self.leave.insert(slot);
        } else if !asked {
            self.leave.remove(slot);
            self.suspects.remove(slot);
            self.filters.remove(slot);
        }
    }

    /// The next SUBACK to be told; a caller that failed is gone with it.
    pub(super) fn poll_event(&mut self) -> Option<Event> {
        let id = self.told.lowest()?;
        self.told.remove(id);
        let result = self.caller_mut(id)?.result.take()?;
        if result.is_err() {
            self.callers.remove(id);
        }
        if self.barred.contains(id) {
            self.barred.remove(id);
            let id = SubscriptionId(id);
            return Some(Event::ClosedUpon { id });
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
