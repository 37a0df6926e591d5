//! What comes from the broker: every packet to its room, and what breaks the protocol (4.13).

use super::inbound::{Arrival, Kind};
use super::outbound::Answer;
use super::{Message, Oversized, Phase, Session, SessionError, SubscriptionSet, Text};
use crate::framer;
use crate::packet::{
    Ack, DecodeError, Packet, PacketId, PacketType, Properties, Property, Publish, QoS, Reason,
    SubAck, Utf8, Version,
};
use crate::time::Instant;

/// Where the Topic Name of a message is.
#[derive(Clone, Copy)]
enum Name {
    /// In the packet.
    Packet,
    /// In the table of aliases.
    Alias(u16),
}

impl Session<'_> {
    pub(super) fn receive<'a>(
        &'a mut self,
        now: Instant,
        frame: &'a [u8],
    ) -> Result<Option<Message<'a>>, SessionError> {
        self.keep_alive.received(now);
        match self.phase {
            Phase::Connecting => return self.handle_connack(frame).map(|()| None),
            Phase::Connected => {}
            Phase::Leaving(_) if self.accepted => {}
            Phase::Leaving(_) | Phase::Finished => return Ok(None),
            _ => return Err(SessionError::Protocol("a packet after the end")),
        }
        if !self.inbound.has_room() {
            return Err(self.violation(
                Reason::IMPLEMENTATION_SPECIFIC_ERROR,
                "acknowledgements were not written in time",
            ));
        }
        let packet = match Packet::decode(frame, self.version) {
            Ok(packet) => packet,
            Err(DecodeError::ReasonCode(kind, code)) if self.is_refused(kind, code, frame) => {
                return Ok(None);
            }
            Err(error) => return Err(self.malformed(error)),
        };
        match packet {
            Packet::Publish(publish) => return self.handle_publish(publish),
            Packet::PubAck(ack) => self.handle_puback(&ack),
            Packet::PubRec(ack) => self.handle_pubrec(&ack),
            Packet::PubRel(ack) => {
                self.inbound.pubrel(ack.packet_id);
                Ok(())
            }
            Packet::PubComp(ack) => self.handle_pubcomp(&ack),
            Packet::SubAck(suback) => self.handle_suback(&suback),
            Packet::UnsubAck(unsuback) => self.handle_unsuback(unsuback.packet_id),
            Packet::PingResp => {
                self.pong = self.keep_alive.pong(now).or(self.pong);
                self.subscriptions.ping_answered();
                Ok(())
            }
            Packet::Disconnect(disconnect) if self.version == Version::V5 => {
                self.note_reason(&disconnect.properties);
                self.phase = Phase::Failed;
                Err(SessionError::Disconnected(disconnect.reason))
            }
            Packet::ConnAck(_) => {
                Err(self.violation(Reason::PROTOCOL_ERROR, "a second CONNACK [MQTT-3.2.0-2] v5"))
            }
            Packet::Auth(_) => Err(self.violation(
                Reason::PROTOCOL_ERROR,
                "AUTH without a method [MQTT-4.12.0-6]",
            )),
            _ => Err(self.violation(Reason::PROTOCOL_ERROR, "a packet that only a client sends")),
        }?;
        Ok(None)
    }

    fn handle_publish<'a>(
        &'a mut self,
        publish: Publish<'a>,
    ) -> Result<Option<Message<'a>>, SessionError> {
        let name = self.name(publish.topic, &publish.properties)?;
        match self.inbound.publish(publish.delivery) {
            Arrival::New => {}
            Arrival::Duplicate => return Ok(None),
            Arrival::OverQuota => {
                let what = "more than our Receive Maximum [MQTT-3.3.4-9] v5";
                return Err(self.violation(Reason::RECEIVE_MAXIMUM_EXCEEDED, what));
            }
        }
        let topic = match name {
            Name::Packet => publish.topic.as_str(),
            Name::Alias(alias) => self.aliases.get(alias).unwrap_or_default(),
        };
        let subscriptions = self.subscriptions.audience(
            topic,
            publish.payload,
            publish.retain,
            &publish.properties,
        );
        Ok(Some(Message {
            topic,
            payload: publish.payload,
            qos: publish.delivery.qos(),
            retain: publish.retain,
            dup: publish.dup,
            subscriptions,
            properties: publish.properties,
        }))
    }

    /// Learns and resolves a Topic Alias.
    fn name(&mut self, topic: Utf8<'_>, properties: &Properties<'_>) -> Result<Name, SessionError> {
        let Some(alias) = properties.topic_alias() else {
            return Ok(Name::Packet);
        };
        if !self.aliases.allows(alias) {
            return Err(self.violation(
                Reason::TOPIC_ALIAS_INVALID,
                "a Topic Alias out of range [MQTT-3.3.2-11] v5",
            ));
        }
        if !topic.is_empty() {
            self.aliases.set(alias, topic.as_bytes());
            return Ok(Name::Packet);
        }
        if self.aliases.get(alias).is_none() {
            return Err(self.violation(
                Reason::PROTOCOL_ERROR,
                "a Topic Alias that stands for nothing",
            ));
        }
        Ok(Name::Alias(alias))
    }

    /// An acknowledgement with a failure that the standard does not list for it (Mosquitto answers PUBACK 0x95): no
    /// reason to end more than what it answers.
    fn is_refused(&mut self, kind: PacketType, code: u8, frame: &[u8]) -> bool {
        let reason = Reason(code);
        let id = framer::fixed_header_length(frame).and_then(|at| frame.get(at..at + 2));
        let id = id.and_then(|bytes| Some(u16::from_be_bytes(bytes.try_into().ok()?)));
        let (Some(packet_id), true) = (id.and_then(PacketId::new), reason.is_failure()) else {
            return false;
        };
        match kind {
            PacketType::PubAck | PacketType::PubRec | PacketType::PubComp => {
                self.outbound.refuse(packet_id, reason);
            }
            PacketType::SubAck if self.subscriptions.awaits_suback(packet_id) == Some(true) => {
                if let Some((filter, purpose)) = self.subscriptions.answered(packet_id) {
                    self.subscriptions.suback(filter, purpose, reason);
                }
            }
            PacketType::UnsubAck if self.subscriptions.awaits_suback(packet_id) == Some(false) => {
                if let Some((filter, _)) = self.subscriptions.answered(packet_id) {
                    self.subscriptions.unsuback(filter);
                }
            }
            _ => return false,
        }
        self.note_reason(&Properties::NONE);
        true
    }

    fn handle_puback(&mut self, ack: &Ack<'_>) -> Result<(), SessionError> {
        self.note_failure(ack.reason, &ack.properties);
        match self.outbound.puback(ack.packet_id, ack.reason) {
            Answer::Done | Answer::Unknown => Ok(()),
            Answer::Misplaced => Err(self.violation(Reason::PROTOCOL_ERROR, "PUBACK after PUBREC")),
            Answer::Lowered => {
                self.highest_qos = QoS::AtLeastOnce;
                if let Some(grants) = &mut self.grants {
                    grants.maximum_qos = grants.maximum_qos.min(self.highest_qos);
                }
                Ok(())
            }
        }
    }

    fn handle_pubrec(&mut self, ack: &Ack<'_>) -> Result<(), SessionError> {
        self.note_failure(ack.reason, &ack.properties);
        match self.outbound.pubrec(ack.packet_id, ack.reason) {
            Answer::Misplaced => {
                return Err(self.violation(Reason::PROTOCOL_ERROR, "PUBREC for a QoS 1 PUBLISH"));
            }
            Answer::Unknown if !ack.reason.is_failure() => {
                self.inbound.reply(
                    Kind::PubRel,
                    ack.packet_id,
                    Reason::PACKET_IDENTIFIER_NOT_FOUND,
                );
            }
            Answer::Unknown | Answer::Done | Answer::Lowered => {}
        }
        Ok(())
    }

    fn handle_pubcomp(&mut self, ack: &Ack<'_>) -> Result<(), SessionError> {
        match self.outbound.pubcomp(ack.packet_id) {
            Answer::Done | Answer::Unknown | Answer::Lowered => Ok(()),
            Answer::Misplaced => {
                Err(self.violation(Reason::PROTOCOL_ERROR, "PUBCOMP before PUBREL"))
            }
        }
    }

    fn handle_suback(&mut self, suback: &SubAck<'_>) -> Result<(), SessionError> {
        let mut reasons = suback.reasons();
        // Every SUBSCRIBE of ours has one filter `[MQTT-3.8.4-6]` v5.
        let (Some(reason), None) = (reasons.next(), reasons.next()) else {
            return Err(self.violation(
                Reason::PROTOCOL_ERROR,
                "SUBACK without one reason a filter [MQTT-3.8.4-6] v5, [MQTT-3.8.4-5] v3.1.1",
            ));
        };
        if self.subscriptions.awaits_suback(suback.packet_id) == Some(false) {
            return Err(self.violation(Reason::PROTOCOL_ERROR, "SUBACK for an UNSUBSCRIBE"));
        }
        self.note_failure(reason, &suback.properties);
        if let Some((filter, purpose)) = self.subscriptions.answered(suback.packet_id) {
            self.subscriptions.suback(filter, purpose, reason);
        }
        Ok(())
    }

    fn handle_unsuback(&mut self, packet_id: crate::packet::PacketId) -> Result<(), SessionError> {
        if self.subscriptions.awaits_suback(packet_id) == Some(true) {
            return Err(self.violation(Reason::PROTOCOL_ERROR, "UNSUBACK for a SUBSCRIBE"));
        }
        if let Some((filter, _)) = self.subscriptions.answered(packet_id) {
            self.subscriptions.unsuback(filter);
        }
        Ok(())
    }

    pub(super) fn receive_oversized<'a>(
        &'a mut self,
        now: Instant,
        head: &'a [u8],
        length: usize,
    ) -> Result<Oversized<'a>, SessionError> {
        self.keep_alive.received(now);
        let nothing = Oversized {
            topic: None,
            length,
            subscriptions: SubscriptionSet::default(),
        };
        match self.phase {
            Phase::Connected => {}
            Phase::Leaving(_) if self.accepted => {}
            Phase::Leaving(_) | Phase::Finished => return Ok(nothing),
            Phase::Connecting => {
                let what = "a packet before CONNACK [MQTT-3.2.0-1]";
                return Err(self.violation(Reason::PROTOCOL_ERROR, what));
            }
            _ => return Err(SessionError::Protocol("a packet after the end")),
        }
        if !self.inbound.has_room() {
            return Err(self.violation(
                Reason::IMPLEMENTATION_SPECIFIC_ERROR,
                "acknowledgements were not written in time",
            ));
        }
        // [MQTT-3.1.2-24] v5 forbids the broker to send it; a PUBLISH is passed over all the same, in both versions.
        let Ok(publish) = Publish::decode_head(head, self.version) else {
            let what = "a packet over our Maximum Packet Size [MQTT-3.1.2-24] v5";
            return Err(self.violation(Reason::PACKET_TOO_LARGE, what));
        };
        let message = self.handle_publish(publish)?;
        Ok(message.map_or(nothing, |message| Oversized {
            topic: Some(message.topic),
            length,
            subscriptions: message.subscriptions,
        }))
    }

    /// Bytes that are no packet.
    pub(super) fn malformed(&mut self, error: DecodeError) -> SessionError {
        const TOPIC_ALIAS: u8 = 35;
        self.fail(match error {
            DecodeError::PropertyValue(TOPIC_ALIAS) => Reason::TOPIC_ALIAS_INVALID,
            DecodeError::NoTopic
            | DecodeError::PropertyTwice(_)
            | DecodeError::PropertyValue(_) => Reason::PROTOCOL_ERROR,
            _ => Reason::MALFORMED_PACKET,
        });
        SessionError::Malformed(error)
    }

    /// A packet that must not have come; 5.0 tells the broker why `[MQTT-4.13.1-1]` v5, then it ends
    /// `[MQTT-4.13.2-1]` v5.
    pub(super) fn violation(&mut self, reason: Reason, what: &'static str) -> SessionError {
        self.fail(reason);
        SessionError::Protocol(what)
    }

    /// 3.1.1 has no reason to tell and just closes: a DISCONNECT would discard our Will.
    fn fail(&mut self, reason: Reason) {
        self.phase = match self.version {
            Version::V311 => Phase::Failed,
            Version::V5 => Phase::Failing(reason),
        };
    }

    fn note_failure(&mut self, reason: Reason, properties: &Properties<'_>) {
        if reason.is_failure() {
            self.note_reason(properties);
        }
    }

    /// Keeps what the broker says about its reason.
    pub(super) fn note_reason(&mut self, properties: &Properties<'_>) {
        self.reason_string.clear();
        self.server_reference.clear();
        for property in properties.iter() {
            match property {
                Property::ReasonString(text) => cut(&mut self.reason_string, text),
                Property::ServerReference(text) => cut(&mut self.server_reference, text),
                _ => {}
            }
        }
    }
}

/// As many whole characters as fit.
fn cut(kept: &mut Text, text: &str) {
    for character in text.chars() {
        if kept.push(character).is_err() {
            return;
        }
    }
}
