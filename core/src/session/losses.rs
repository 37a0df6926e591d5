//! What the end of a connection means for what was under way (4.4), and who is to blame for it.
//!
//! A broker may close upon a message or a filter that it does not take. That upon which a connection ended comes back
//! alone on the next one, filters last; if that ends as well, it has failed. So nothing else fails with it.

use super::bits::Bits;
use super::in_flight::Stage;
use super::outbound::Outbound;
use super::requests::Purpose;
use super::subscriptions::Subscriptions;
use super::{Grants, UPON};
use crate::packet::{QoS, Reason};
use crate::time::Instant;

impl Outbound<'_> {
    /// The connection is gone. What was not written as a whole cannot have been taken by the broker.
    pub(super) fn closed(&mut self, now: Instant) {
        let writing = self.writing.take();
        for (index, slot) in self.live_mut().iter_mut().enumerate() {
            let begun = writing == Some(index);
            if begun && slot.stage == Stage::Queued {
                slot.packet_id = None;
            }
            if (begun || slot.stage == Stage::Sent) && now.since(slot.sent) <= UPON {
                slot.breaks = slot.breaks.saturating_add(1);
            }
        }
    }

    /// CONNACK: only now is anything sent again `[MQTT-4.4.0-1]` v5, in the original order `[MQTT-4.6.0-1]`.
    ///
    /// What this connection cannot take, or upon which two connections ended, is given up, in doubt. Of QoS 2 the broker may hold the Packet Identifier, and
    /// would take its next use for a duplicate: PUBREL frees it, PUBCOMP ends it. To the broker this looks as if
    /// its PUBREC had arrived, or its PUBCOMP had been lost.
    pub(super) fn connected(&mut self, grants: &Grants) {
        for index in 0..self.length {
            let receptions = self.receptions + 1;
            let Some(slot) = self.live_mut().get_mut(index) else {
                return;
            };
            let unfit = slot.is_given_up() || slot.unfit(grants).is_some();
            let doubt = slot.doubt();
            match (slot.stage, grants.session_present) {
                (Stage::Sent | Stage::Again, true) if unfit && slot.qos == QoS::ExactlyOnce => {
                    slot.stage = Stage::Received;
                    slot.received = receptions;
                    slot.forget_bytes();
                    self.receptions = receptions;
                }
                (Stage::Sent | Stage::Again, true) if unfit => self.end(index, doubt),
                (Stage::Queued, _) if slot.is_given_up() => self.end(index, doubt),
                (Stage::Sent, true) => slot.stage = Stage::Again,
                (Stage::Released, true) => slot.stage = Stage::Received,
                (Stage::Sent | Stage::Again, false) => self.end(index, doubt),
                (Stage::Received | Stage::Released, false) => {
                    let outcome = slot.outcome();
                    self.end(index, outcome);
                }
                _ => {}
            }
        }
    }
}

impl Subscriptions<'_> {
    /// A SUBSCRIBE waits for its answer alone.
    pub(super) fn is_trying(&self) -> bool {
        let mut requests = self.requests.iter().flatten();
        requests.any(|r| r.purpose != Purpose::Unsubscribe && self.suspects.contains(r.filter))
    }

    /// The connection is gone: right upon a SUBSCRIBE that was asked alone, that one has failed; right upon others, they
    /// are asked alone the next time.
    pub(super) fn closed(&mut self, now: Instant) {
        if now.since(self.asked_at) > UPON {
            return;
        }
        let requests = self.requests.iter().flatten();
        let asked = requests.filter(|r| r.purpose != Purpose::Unsubscribe);
        let asked = asked.fold(Bits::EMPTY, |all, r| all.or(Bits::one(r.filter)));
        for filter in asked {
            if self.suspects.contains(filter) {
                self.bar(filter);
            } else {
                self.suspects.insert(filter);
            }
        }
    }

    /// All who wanted it lose it.
    fn bar(&mut self, filter: u8) {
        for request in &mut self.requests {
            request.take_if(|r| r.filter == filter);
        }
        self.restoring.remove(filter);
        self.at_broker.remove(filter);
        self.firm.remove(filter);
        self.replays.over(filter);
        let callers = self.filter(filter).map(|f| f.callers).unwrap_or_default();
        for id in callers {
            self.barred.insert(id);
            self.conclude(id, Err(Reason::UNSPECIFIED_ERROR));
        }
        self.settle(filter);
    }
}
