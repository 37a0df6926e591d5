//! What we owe the broker for its QoS 1 and 2 messages (4.3): acknowledgements that wait to be written, identifiers
//! of QoS 2 that are not released yet, and the count that our Receive Maximum bounds.
//!
//! Invariant: an acknowledgement leaves the queue only in `poll_transmit`, so its message has been recorded.

use crate::packet::{Ack, Delivery, PacketId, PacketType, Properties, Reason, Version};
use heapless::Deque;

/// Acknowledgements that may wait at once; `can_receive` is false when they all do.
const MAX_REPLIES: usize = 128;

/// Kind of an acknowledgement.
#[allow(clippy::enum_variant_names)] // the standard's names
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    PubAck,
    PubRec,
    /// Only for a PUBREC that fits nothing of ours.
    PubRel,
    PubComp,
}

/// An acknowledgement that waits to be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reply {
    kind: Kind,
    packet_id: PacketId,
    reason: Reason,
}

impl Reply {
    /// With the identifier of what it answers `[MQTT-2.2.1-5]` v5.
    pub(super) const fn packet(&self, version: Version) -> (PacketType, Ack<'static>) {
        let reason = match version {
            Version::V311 => Reason::SUCCESS,
            Version::V5 => self.reason,
        };
        let ack = Ack {
            packet_id: self.packet_id,
            reason,
            properties: Properties::NONE,
        };
        let kind = match self.kind {
            Kind::PubAck => PacketType::PubAck,
            Kind::PubRec => PacketType::PubRec,
            Kind::PubRel => PacketType::PubRel,
            Kind::PubComp => PacketType::PubComp,
        };
        (kind, ack)
    }
}

/// What a PUBLISH from the broker is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrival {
    /// To be handed on.
    New,
    /// QoS 2, handed on before `[MQTT-4.3.3-10]` v5.
    Duplicate,
    /// One more than our Receive Maximum allows.
    OverQuota,
}

/// The receiving side of a session.
pub(super) struct Inbound<'s> {
    received: &'s mut [u64; 1024],
    replies: Deque<Reply, MAX_REPLIES>,
    /// QoS 1 and 2 messages of this connection that are not acknowledged to the end.
    open: u32,
    /// Our Receive Maximum; none in 3.1.1.
    quota: Option<u16>,
}

impl<'s> Inbound<'s> {
    pub(super) fn new(received: &'s mut [u64; 1024]) -> Self {
        Self {
            received,
            replies: Deque::new(),
            open: 0,
            quota: None,
        }
    }

    /// A new connection: what was not written is void, the broker will ask again.
    pub(super) fn reset(&mut self, quota: Option<u16>) {
        self.replies.clear();
        self.open = 0;
        self.quota = quota;
    }

    /// The broker has no session: its identifiers start anew `[MQTT-3.2.2-5]` v5.
    pub(super) fn forget(&mut self) {
        self.received.fill(0);
    }

    /// Whether an acknowledgement has room.
    pub(super) fn has_room(&self) -> bool {
        !self.replies.is_full()
    }

    /// Queues an acknowledgement; there is room, says `has_room` before every frame.
    pub(super) fn reply(&mut self, kind: Kind, packet_id: PacketId, reason: Reason) {
        let full = self.replies.push_back(Reply {
            kind,
            packet_id,
            reason,
        });
        debug_assert!(full.is_ok(), "every frame queues at most one reply");
    }

    /// The next acknowledgement to be written, in the order of what it answers `[MQTT-4.6.0-2]` `[MQTT-4.6.0-3]`.
    pub(super) fn take_reply(&mut self) -> Option<Reply> {
        let reply = self.replies.pop_front()?;
        if matches!(reply.kind, Kind::PubAck | Kind::PubComp) {
            self.open = self.open.saturating_sub(1);
        }
        Some(reply)
    }

    /// PUBLISH: takes note of it and queues its acknowledgement `[MQTT-4.3.2-4]` v5, `[MQTT-4.3.3-8]` v5, whether
    /// anybody wants it or not `[MQTT-4.5.0-2]` v5.
    pub(super) fn publish(&mut self, delivery: Delivery) -> Arrival {
        let (kind, packet_id) = match delivery {
            Delivery::AtMostOnce => return Arrival::New,
            Delivery::AtLeastOnce(packet_id) => (Kind::PubAck, packet_id),
            Delivery::ExactlyOnce(packet_id) => (Kind::PubRec, packet_id),
        };
        let duplicate = kind == Kind::PubRec && self.is_received(packet_id);
        if !duplicate {
            self.open = self.open.saturating_add(1);
            if self.quota.is_some_and(|quota| self.open > u32::from(quota)) {
                return Arrival::OverQuota;
            }
        }
        self.reply(kind, packet_id, Reason::SUCCESS);
        if duplicate {
            return Arrival::Duplicate;
        }
        if kind == Kind::PubRec {
            self.mark(packet_id, true);
        }
        Arrival::New
    }

    /// PUBREL: the identifier is free again `[MQTT-4.3.3-11]` v5.
    pub(super) fn pubrel(&mut self, packet_id: PacketId) {
        let reason = if self.is_received(packet_id) {
            Reason::SUCCESS
        } else {
            Reason::PACKET_IDENTIFIER_NOT_FOUND
        };
        self.mark(packet_id, false);
        self.reply(Kind::PubComp, packet_id, reason);
    }

    fn is_received(&self, packet_id: PacketId) -> bool {
        let (word, bit) = place(packet_id);
        self.received.get(word).is_some_and(|word| word & bit != 0)
    }

    fn mark(&mut self, packet_id: PacketId, received: bool) {
        let (word, bit) = place(packet_id);
        if let Some(word) = self.received.get_mut(word) {
            *word = if received { *word | bit } else { *word & !bit };
        }
    }
}

const fn place(packet_id: PacketId) -> (usize, u64) {
    let id = packet_id.get();
    ((id >> 6) as usize, 1 << (id & 63))
}
