//! What is written next: acknowledgements, PINGREQ, PUBREL, SUBSCRIBE and UNSUBSCRIBE, PUBLISH, at last DISCONNECT.
//!
//! Small packets are encoded into a scratch of the session and copied from there, PUBLISH straight from the arena;
//! either may be cut anywhere by the end of `out`. Invariant: a packet begins only when the one before is written.

use super::requests::{Purpose, Wanted};
use super::{Phase, Replay, Session};
use crate::limits::MAX_FILTER;
use crate::packet::{
    self, Ack, Bodiless, Body, Disconnect, Filters, PacketId, PacketType, Properties, Property,
    Reason, RetainHandling, Subscribe, SubscriptionOptions, Unsubscribe, Version,
};
use crate::time::Instant;

/// Bytes of the largest packet but PUBLISH: fixed header, identifier, one property, one filter with its options.
const MAX_SMALL: usize = MAX_FILTER + 5 + 2 + 6 + 3;

/// One encoded packet and how much of it is written.
pub(super) struct Scratch {
    bytes: [u8; MAX_SMALL],
    length: usize,
    written: usize,
}

impl Scratch {
    pub(super) const fn new() -> Self {
        Self {
            bytes: [0; MAX_SMALL],
            length: 0,
            written: 0,
        }
    }

    pub(super) const fn clear(&mut self) {
        self.length = 0;
        self.written = 0;
    }

    const fn is_empty(&self) -> bool {
        self.written == self.length
    }

    /// Takes `packet`, unless it is larger than `maximum`.
    fn load(&mut self, packet: &impl Body, version: Version, maximum: usize) -> bool {
        self.clear();
        match packet::encode(packet, version, &mut self.bytes) {
            Ok(length) if length <= maximum => {
                self.length = length;
                true
            }
            _ => false,
        }
    }

    fn write(&mut self, out: &mut [u8]) -> usize {
        let rest = self
            .bytes
            .get(self.written..self.length)
            .unwrap_or_default();
        let count = rest.len().min(out.len());
        if let (Some(from), Some(to)) = (rest.get(..count), out.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        self.written += count;
        count
    }
}

impl Session<'_> {
    pub(super) fn transmit(&mut self, now: Instant, out: &mut [u8]) -> usize {
        let mut count = 0;
        loop {
            let room = out.get_mut(count..).unwrap_or_default();
            if room.is_empty() {
                break;
            }
            if !self.scratch.is_empty() {
                count += self.scratch.write(room);
            } else if self.outbound.is_writing() {
                count += self.outbound.write(now, self.version, room);
            } else if !self.begin(now) {
                break;
            }
        }
        if count > 0 {
            self.keep_alive.sent(now);
        }
        count
    }

    /// Chooses the next packet; false: none.
    fn begin(&mut self, now: Instant) -> bool {
        match self.phase {
            Phase::Connected => self.begin_reply() || self.begin_other(now),
            Phase::Leaving(reason) => {
                if self.accepted && (self.begin_reply() || self.begin_other(now)) {
                    return true;
                }
                self.phase = Phase::Finished;
                self.begin_disconnect(reason, true)
            }
            Phase::Failing(reason) => {
                if self.accepted && self.begin_reply() {
                    return true;
                }
                self.phase = Phase::Failed;
                self.begin_disconnect(reason, false)
            }
            _ => false,
        }
    }

    /// The largest packet that the broker takes.
    fn maximum(&self) -> usize {
        let size = self.grants.and_then(|g| g.maximum_packet_size);
        size.map_or(usize::MAX, |s| usize::try_from(s).unwrap_or(usize::MAX))
    }

    fn load(&mut self, packet: &impl Body) -> bool {
        let maximum = self.maximum();
        self.scratch.load(packet, self.version, maximum)
    }

    fn begin_reply(&mut self) -> bool {
        while let Some(reply) = self.inbound.take_reply() {
            if self.load(&reply.packet(self.version)) {
                return true;
            }
        }
        false
    }

    fn begin_other(&mut self, now: Instant) -> bool {
        if self.subscriptions.wants_ping() {
            self.keep_alive.ping(now);
        }
        if self.keep_alive.take_ping(now) && self.load(&Bodiless(PacketType::PingReq)) {
            self.subscriptions.ping_written();
            return true;
        }
        while let Some(packet_id) = self.outbound.take_release() {
            if self.load(&(PacketType::PubRel, Ack::success(packet_id))) {
                return true;
            }
        }
        let alone = !self.outbound.is_awaiting();
        while let Some(wanted) = self.subscriptions.wanted(alone) {
            if self.begin_request(now, &wanted) {
                return true;
            }
        }
        if self.subscriptions.is_trying() || !self.outbound.has_queued() {
            return false;
        }
        let packet_id = self.fresh_packet_id();
        let started = self
            .grants
            .is_some_and(|grants| self.outbound.start_next(&grants, packet_id));
        if let Some(id) = packet_id
            && self.outbound.uses(id)
        {
            self.packet_id_taken(id);
        }
        started
    }

    fn begin_request(&mut self, now: Instant, wanted: &Wanted) -> bool {
        let Some(packet_id) = self.fresh_packet_id() else {
            return false;
        };
        let Some(filter) = self.subscriptions.filter(wanted.filter) else {
            return false;
        };
        let five = self.version == Version::V5;
        let identified = self
            .grants
            .is_some_and(|g| g.subscription_identifiers_available);
        let identifier = [Property::SubscriptionIdentifier(wanted.identifier)];
        let options = SubscriptionOptions {
            qos: wanted.qos,
            retain_handling: match wanted.replay {
                Replay::DoNotSend if five => RetainHandling::DoNotSend,
                _ => RetainHandling::Send,
            },
            ..SubscriptionOptions::default()
        };
        let subscribed = [(filter.text(), options)];
        let unsubscribed = [(filter.text(), ())];
        let maximum = self.maximum();
        let loaded = if wanted.purpose == Purpose::Unsubscribe {
            let packet = Unsubscribe {
                packet_id,
                properties: Properties::NONE,
                filters: Filters::list(&unsubscribed),
            };
            self.scratch.load(&packet, self.version, maximum)
        } else {
            let packet = Subscribe {
                packet_id,
                properties: if identified {
                    Properties::list(&identifier)
                } else {
                    Properties::NONE
                },
                filters: Filters::list(&subscribed),
            };
            self.scratch.load(&packet, self.version, maximum)
        };
        if loaded {
            self.subscriptions.written(now, wanted, packet_id);
            self.packet_id_taken(packet_id);
            return true;
        }
        self.subscriptions.refuse(wanted, Reason::PACKET_TOO_LARGE);
        false
    }

    /// An identifier that nothing of ours uses `[MQTT-2.2.1-3]` v5, `[MQTT-4.3.2-1]` v5, `[MQTT-4.3.3-1]` v5,
    /// `[MQTT-2.3.1-2]` v3.1.1; none if all are in use.
    fn fresh_packet_id(&self) -> Option<PacketId> {
        let mut candidate = self.next_packet_id;
        for _ in 0..=u16::MAX {
            let id = PacketId::new(candidate);
            if let Some(id) = id
                && !self.outbound.uses(id)
                && !self.subscriptions.uses(id)
            {
                return Some(id);
            }
            candidate = candidate.wrapping_add(1);
        }
        None
    }

    const fn packet_id_taken(&mut self, id: PacketId) {
        self.next_packet_id = id.get().wrapping_add(1);
    }

    /// DISCONNECT (3.14), after which no packet begins `[MQTT-3.14.4-1]` v5; never with a Reason String or User
    /// Properties `[MQTT-3.14.2-3]` v5, `[MQTT-3.14.2-4]` v5. A session that began clean ends with us:
    /// the broker need not keep it.
    fn begin_disconnect(&mut self, reason: Reason, finished: bool) -> bool {
        let five = self.version == Version::V5;
        let kept = self.grants.is_some_and(|g| g.session_expiry > 0);
        let forget = [Property::SessionExpiryInterval(0)];
        let ends = five && finished && kept && self.accepted && self.options.clean_start;
        let packet = Disconnect {
            reason: if five { reason } else { Reason::SUCCESS },
            properties: if ends {
                Properties::list(&forget)
            } else {
                Properties::NONE
            },
        };
        self.load(&packet)
    }
}
