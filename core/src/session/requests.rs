//! SUBSCRIBE and UNSUBSCRIBE from wish to answer (3.8 to 3.11), and what is said again after a loss.
//!
//! Wishes are sets of slots; a request takes a place in a table of fixed size from its writing to its answer, so that
//! its Packet Identifier is not used for anything else meanwhile. A request outlives the caller it was made for.

use super::bits::Bits;
use super::delivery::Overlap;
use super::subscriptions::{GENERATIONS, Subscriptions};
use super::{Grants, Replay};
use crate::packet::{PacketId, QoS, Reason};
use crate::time::Instant;

/// SUBSCRIBE and UNSUBSCRIBE packets that may wait for an answer at once; further ones wait to be sent.
pub(super) const MAX_REQUESTS: usize = 64;

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
pub(super) struct Request {
    packet_id: PacketId,
    pub(super) filter: u8,
    pub(super) purpose: Purpose,
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

impl Subscriptions<'_> {
    /// Whether `packet_id` waits for an answer.
    pub(super) fn uses(&self, packet_id: PacketId) -> bool {
        self.requests
            .iter()
            .flatten()
            .any(|r| r.packet_id == packet_id)
    }

    /// What is to be written next: first what restores, then what ends, then what begins.
    /// Filters upon whose SUBSCRIBE a connection ended come last, each alone: only when `alone` says that no PUBLISH
    /// waits for its answer, and when no request does.
    pub(super) fn wanted(&self, alone: bool) -> Option<Wanted> {
        let work = self.restore.or(self.leave).or(self.waiting);
        if work.is_empty() || self.requests.iter().all(Option::is_some) || self.is_trying() {
            return None;
        }
        let idle = alone && self.requests.iter().all(Option::is_none);
        let restore = self.restore.without(self.suspects).lowest();
        let suspect = self.restore.lowest().filter(|_| idle);
        let (filter, purpose, replay) = if let Some(filter) = restore {
            (filter, Purpose::Restore, Replay::DoNotSend)
        } else if let Some(filter) = self.leave.lowest() {
            (filter, Purpose::Unsubscribe, Replay::DoNotSend)
        } else if let Some(filter) = suspect.filter(|_| self.next_caller(false).is_none()) {
            (filter, Purpose::Restore, Replay::DoNotSend)
        } else {
            let id = self.next_caller(false);
            let id = id.or_else(|| self.next_caller(true).filter(|_| idle))?;
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
    pub(super) fn written(&mut self, now: Instant, wanted: &Wanted, packet_id: PacketId) {
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
        self.asked_at = now;
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
        self.replays.begun(filter, wanted.replay);
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

    /// SUBACK or UNSUBACK: what it answers, by its identifier `[MQTT-2.2.1-6]` v5, `[MQTT-3.8.4-2]` v5, if anything.
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
        self.suspects.remove(filter);
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
            self.replays.over(filter);
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

    /// UNSUBACK for `filter`, whatever it says: the broker does not hold it any more, unless a later SUBSCRIBE and
    /// UNSUBSCRIBE are under way.
    pub(super) fn unsuback(&mut self, filter: u8) {
        let mut requests = self.requests.iter().flatten();
        if !requests.any(|r| r.filter == filter && r.purpose == Purpose::Unsubscribe) {
            self.leaving.remove(filter);
            self.replays.over(filter);
        }
        self.settle(filter);
    }

    pub(super) fn conclude(&mut self, id: u8, result: Result<QoS, Reason>) {
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
    pub(super) fn connected(&mut self, grants: &Grants, first: bool) {
        let session_present = grants.session_present;
        self.requests = [None; MAX_REQUESTS];
        self.waiting = self.waiting.or(self.unanswered);
        self.unanswered = Bits::EMPTY;
        self.overlap = Overlap::default();
        self.replays.connected(grants);
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
}
