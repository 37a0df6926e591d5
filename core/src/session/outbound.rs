//! Our publications until they end (3.3 to 3.7, 4.3, 4.4, 4.6): kept in order, sent as the broker's quota allows.
//!
//! A publication is encoded once, in 5.0 form, into the arena; what a connection changes (DUP, Packet Identifier, a
//! lower QoS, no properties in 3.1.1) is applied when it is written, in `in_flight`. Slots stand in the order of
//! `publish`; so do their bytes in the arena, which compaction only moves to the front.
//! Invariant: a Packet Identifier is in a slot from the first byte written until PUBACK, PUBCOMP or the end.

use super::in_flight::{InFlight, Stage};
use super::{Event, Grants, Outcome, Publication, PublishError, Token};
use crate::framer;
use crate::packet::{
    self, DecodeError, Delivery, EncodeError, PacketId, PacketType, Properties, Property, Publish,
    QoS, Reason, Version,
};
use crate::time::Instant;
use core::num::NonZeroU16;
use core::ops::Range;

/// What an acknowledgement met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// Nothing, or what `poll_transmit` finds by itself.
    Done,
    /// No such identifier is in flight.
    Unknown,
    /// It is in flight, but not for this packet.
    Misplaced,
    /// It ended a QoS 2 PUBLISH as if that had been of QoS 1.
    Lowered,
}

/// All publications of a session.
pub(super) struct Outbound<'s> {
    arena: &'s mut [u8],
    /// Bytes of the arena in use, holes included.
    used: usize,
    slots: &'s mut [InFlight],
    pub(super) length: usize,
    next_token: u32,
    pub(super) receptions: u64,
    /// Slot whose bytes are half written.
    pub(super) writing: Option<usize>,
    /// Slots in stage `Ended`.
    ended: usize,
}

impl<'s> Outbound<'s> {
    pub(super) fn new(arena: &'s mut [u8], slots: &'s mut [InFlight]) -> Self {
        Self {
            arena,
            used: 0,
            slots,
            length: 0,
            next_token: 0,
            receptions: 0,
            writing: None,
            ended: 0,
        }
    }

    fn live(&self) -> &[InFlight] {
        self.slots.get(..self.length).unwrap_or_default()
    }

    pub(super) fn live_mut(&mut self) -> &mut [InFlight] {
        self.slots.get_mut(..self.length).unwrap_or_default()
    }

    /// Whether `packet_id` is in flight.
    pub(super) fn uses(&self, packet_id: PacketId) -> bool {
        self.live().iter().any(|s| s.packet_id == Some(packet_id))
    }

    /// Takes a publication in.
    pub(super) fn publish(
        &mut self,
        publication: &Publication<'_>,
        grants: Option<&Grants>,
    ) -> Result<Token, PublishError> {
        if publication.retain && grants.is_some_and(|g| !g.retain_available) {
            return Err(PublishError::RetainUnavailable);
        }
        let legacy = grants.is_some_and(|g| g.version == Version::V311);
        let properties = if legacy {
            Properties::NONE
        } else {
            publication.properties
        };
        let ours = |p: &Property<'_>| {
            matches!(
                p,
                Property::TopicAlias(_) | Property::SubscriptionIdentifier(_)
            )
        };
        if let Some(property) = properties.iter().find(ours) {
            // [MQTT-3.3.4-6] v5; and we use no aliases: [MQTT-3.2.2-17] v5, [MQTT-3.2.2-18] v5, [MQTT-3.3.2-9] v5
            let error = DecodeError::PropertyNotAllowed(Some(PacketType::Publish), property.id());
            return Err(PublishError::Invalid(EncodeError::Invalid(error)));
        }
        let qos = grants.map_or(publication.qos, |g| publication.qos.min(g.maximum_qos));
        let packet = Publish {
            dup: false,
            delivery: delivery(qos),
            retain: publication.retain,
            topic: publication.topic.into(),
            properties,
            payload: publication.payload,
        };
        let whole = self.encode(&packet, grants.and_then(|g| g.maximum_packet_size))?;
        let topic = publication.topic.len() + 2;
        let gap = if qos == QoS::AtMostOnce { 0 } else { 2 };
        let payload = publication.payload.len();
        let bytes = self.arena.get(whole.clone()).unwrap_or_default();
        let header = framer::fixed_header_length(bytes).unwrap_or_default();
        let slot = InFlight {
            stage: Stage::Queued,
            token: self.next_token,
            packet_id: None,
            qos,
            retain: publication.retain,
            start: whole.start + header,
            topic,
            properties: whole.len().saturating_sub(header + topic + gap + payload),
            payload,
            gap,
            written: 0,
            received: 0,
            reason: None,
            sent: Instant::ZERO,
            breaks: 0,
        };
        let free = self.slots.get_mut(self.length).ok_or(PublishError::Busy)?;
        *free = slot;
        self.length += 1;
        self.used = whole.end;
        self.next_token = self.next_token.wrapping_add(1);
        Ok(Token(slot.token))
    }

    /// Encodes behind what is in use; the place is taken only when the caller says so.
    fn encode(
        &mut self,
        packet: &Publish<'_>,
        maximum: Option<u32>,
    ) -> Result<Range<usize>, PublishError> {
        let maximum = maximum.map_or(usize::MAX, |m| usize::try_from(m).unwrap_or(usize::MAX));
        for compacted in [false, true] {
            let start = self.used;
            let room = self.arena.get_mut(start..).unwrap_or_default();
            match packet::encode(packet, Version::V5, room) {
                Ok(length) if length > maximum => return Err(PublishError::TooLarge(maximum)),
                Ok(_) if self.length >= self.slots.len() => return Err(PublishError::Busy),
                Ok(length) => return Ok(start..start + length),
                Err(EncodeError::OutputTooSmall { needed }) => {
                    let limit = maximum.min(self.arena.len());
                    if needed > limit {
                        return Err(PublishError::TooLarge(limit));
                    }
                    if compacted || self.length >= self.slots.len() {
                        return Err(PublishError::Busy);
                    }
                    self.compact();
                }
                Err(error) => return Err(PublishError::Invalid(error)),
            }
        }
        Err(PublishError::Busy)
    }

    /// Moves what is still needed to the front of the arena.
    fn compact(&mut self) {
        let mut end = 0;
        let (arena, slots) = (&mut *self.arena, &mut *self.slots);
        for slot in slots.iter_mut().take(self.length) {
            let length = slot.length();
            if length > 0 && slot.start + length <= arena.len() {
                arena.copy_within(slot.start..slot.start + length, end);
            }
            slot.start = end;
            end += length;
        }
        self.used = end;
    }

    pub(super) fn end(&mut self, index: usize, outcome: Outcome) {
        if let Some(slot) = self.live_mut().get_mut(index) {
            slot.forget_bytes();
            slot.packet_id = None;
            slot.stage = Stage::Ended(outcome);
            self.ended += 1;
        }
        if self.live().iter().all(|s| s.length() == 0) {
            self.used = 0;
        }
    }

    /// The slot that an acknowledgement is for. One that is to be sent again counts: the answer may be that to its
    /// first sending, unless it is half written, when another answer will come.
    fn index_of(&self, packet_id: PacketId) -> Result<usize, Answer> {
        let mut slots = self.live().iter();
        let known = |s: &InFlight| s.in_flight() || s.stage == Stage::Again;
        let index = slots.position(|s| s.packet_id == Some(packet_id) && known(s));
        match index {
            None => Err(Answer::Unknown),
            Some(index) if self.writing == Some(index) => Err(Answer::Done),
            Some(index) => Ok(index),
        }
    }

    /// PUBACK ends it, well or not `[MQTT-4.3.2-3]` v5, `[MQTT-4.4.0-2]` v5. Some brokers answer QoS 2 so, who have
    /// QoS 1 at most and say so in no CONNACK.
    pub(super) fn puback(&mut self, packet_id: PacketId, reason: Reason) -> Answer {
        let index = match self.index_of(packet_id) {
            Ok(index) => index,
            Err(answer) => return answer,
        };
        let Some(slot) = self.live_mut().get_mut(index) else {
            return Answer::Unknown;
        };
        let lowered = slot.qos == QoS::ExactlyOnce;
        if lowered && !matches!(slot.stage, Stage::Sent | Stage::Again) {
            return Answer::Misplaced;
        }
        slot.qos = QoS::AtLeastOnce;
        self.end(index, outcome(reason));
        if lowered {
            Answer::Lowered
        } else {
            Answer::Done
        }
    }

    /// An acknowledgement with a failure that the standard does not list for it: it ends this one and nothing else.
    pub(super) fn refuse(&mut self, packet_id: PacketId, reason: Reason) {
        if let Ok(index) = self.index_of(packet_id) {
            self.end(index, Outcome::Refused(reason));
        }
    }

    /// A PUBLISH of QoS 1 or 2 has no acknowledgement yet.
    pub(super) fn is_awaiting(&self) -> bool {
        self.live().iter().any(|s| s.stage == Stage::Sent)
    }

    /// PUBREC. The payload is not needed any more `[MQTT-4.3.3-6]` v5; PUBREL follows `[MQTT-4.3.3-4]` v5, unless a
    /// failure ends it `[MQTT-4.4.0-2]` v5.
    pub(super) fn pubrec(&mut self, packet_id: PacketId, reason: Reason) -> Answer {
        let index = match self.index_of(packet_id) {
            Ok(index) => index,
            Err(answer) => return answer,
        };
        let receptions = self.receptions + 1;
        let Some(slot) = self.live_mut().get_mut(index) else {
            return Answer::Unknown;
        };
        if slot.qos != QoS::ExactlyOnce {
            return Answer::Misplaced;
        }
        let first = matches!(slot.stage, Stage::Sent | Stage::Again);
        if first && reason.is_failure() {
            self.end(index, Outcome::Refused(reason));
            return Answer::Done;
        }
        if first {
            slot.reason = Some(reason);
            slot.received = receptions;
            slot.forget_bytes();
        }
        slot.stage = Stage::Received;
        self.receptions = receptions;
        Answer::Done
    }

    /// PUBCOMP; also for a PUBREL of the connection before.
    pub(super) fn pubcomp(&mut self, packet_id: PacketId) -> Answer {
        let index = match self.index_of(packet_id) {
            Ok(index) => index,
            Err(answer) => return answer,
        };
        let slot = self.live().get(index).copied().unwrap_or_default();
        if !matches!(slot.stage, Stage::Received | Stage::Released) {
            return Answer::Misplaced;
        }
        self.end(index, slot.outcome());
        Answer::Done
    }

    /// The next PUBREL to be written, in the order of the PUBRECs `[MQTT-4.6.0-4]`.
    pub(super) fn take_release(&mut self) -> Option<PacketId> {
        let waiting = self
            .live_mut()
            .iter_mut()
            .filter(|s| s.stage == Stage::Received);
        let slot = waiting.min_by_key(|s| s.received)?;
        slot.stage = Stage::Released;
        slot.packet_id
    }

    /// Whether a PUBLISH is half written.
    pub(super) const fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Makes the next publication the one that is written, if the quota allows `[MQTT-4.9.0-2]` v5: at first Receive
    /// Maximum `[MQTT-4.9.0-1]` v5. Only PUBLISH waits for it `[MQTT-4.9.0-3]` v5. Those that this
    /// connection can never take end here. That upon which a connection ended goes alone, so that it is known what
    /// ends the next one. `packet_id` is an unused Packet Identifier.
    pub(super) fn start_next(&mut self, grants: &Grants, packet_id: Option<PacketId>) -> bool {
        let quota = usize::from(grants.receive_maximum);
        let mut awaiting = self.live().iter().filter(|s| s.stage == Stage::Sent);
        if awaiting.clone().any(|s| s.breaks > 0) {
            return false;
        }
        let awaiting = awaiting.next().is_some();
        let in_flight = self.live().iter().filter(|s| s.in_flight()).count();
        for index in 0..self.length {
            let Some(slot) = self.live_mut().get_mut(index) else {
                return false;
            };
            if !matches!(slot.stage, Stage::Queued | Stage::Again) {
                continue;
            }
            if slot.stage == Stage::Queued {
                slot.qos = slot.qos.min(grants.maximum_qos); // [MQTT-3.2.2-11] v5
            }
            if let Some(reason) = slot.unfit(grants) {
                self.end(index, Outcome::Refused(reason));
                continue;
            }
            if slot.breaks > 0 && awaiting {
                return false;
            }
            if slot.qos != QoS::AtMostOnce {
                if in_flight >= quota {
                    return false;
                }
                slot.packet_id = slot.packet_id.or(packet_id);
                if slot.packet_id.is_none() {
                    return false;
                }
            }
            slot.written = 0;
            self.writing = Some(index);
            return true;
        }
        false
    }

    /// Whether a publication waits that will need a Packet Identifier, or any at all.
    pub(super) fn has_queued(&self) -> bool {
        let mut slots = self.live().iter();
        slots.any(|s| matches!(s.stage, Stage::Queued | Stage::Again))
    }

    /// Writes more of the PUBLISH that `start_next` chose.
    pub(super) fn write(&mut self, now: Instant, version: Version, out: &mut [u8]) -> usize {
        let Some(index) = self.writing else {
            return 0;
        };
        let Some(slot) = self.slots.get_mut(index) else {
            return 0;
        };
        let (written, whole) = slot.write(version, self.arena, out);
        slot.sent = now;
        if whole {
            self.writing = None;
            slot.stage = Stage::Sent;
            if slot.qos == QoS::AtMostOnce {
                self.end(index, Outcome::Sent);
            }
        }
        written
    }

    /// The next publication that ended; its slot is free then.
    pub(super) fn poll_event(&mut self) -> Option<Event> {
        if self.ended == 0 {
            return None;
        }
        let mut slots = self.live().iter();
        let index = slots.position(|s| matches!(s.stage, Stage::Ended(_)))?;
        let slot = self.live().get(index).copied()?;
        let length = self.length;
        self.slots.copy_within(index + 1..length, index);
        self.length -= 1;
        self.ended -= 1;
        if let Some(writing) = self.writing.as_mut()
            && *writing > index
        {
            *writing -= 1;
        }
        let Stage::Ended(outcome) = slot.stage else {
            return None;
        };
        Some(Event::Published {
            token: Token(slot.token),
            qos: slot.qos,
            outcome,
        })
    }
}

/// With a Packet Identifier that only holds the place.
const fn delivery(qos: QoS) -> Delivery {
    let place = PacketId(NonZeroU16::MIN);
    match qos {
        QoS::AtMostOnce => Delivery::AtMostOnce,
        QoS::AtLeastOnce => Delivery::AtLeastOnce(place),
        QoS::ExactlyOnce => Delivery::ExactlyOnce(place),
    }
}

fn outcome(reason: Reason) -> Outcome {
    if reason.is_failure() {
        Outcome::Refused(reason)
    } else {
        Outcome::Acknowledged(reason)
    }
}
