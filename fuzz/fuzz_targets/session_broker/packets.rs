//! What the broker sends: anything that a packet may say, mostly what the session waits for.

use super::{Broker, Input, Use};
use bitsperity_mqtt_core::packet::{
    Ack, ConnAck, Delivery, Disconnect, Packet, PacketId, Properties, Property, Publish, QoS,
    Reason, SubAck, UnsubAck, Version,
};

impl Broker {
    /// Makes a packet of kind 10 to 14, mostly one that fits; its length, 0 if none.
    pub fn packet(&self, kind: u8, input: &mut Input<'_>, out: &mut [u8]) -> usize {
        let five = self.version == Version::V5;
        let (first, second) = (input.byte(), input.byte());
        // Mostly an identifier that is in use.
        let used = self
            .uses
            .keys()
            .nth(usize::from(first >> 2) % self.uses.len().max(1));
        let id = match used {
            Some(&id) if second & 0x80 == 0 => id,
            _ => u16::from(first % 8) + 1,
        };
        let packet_id = PacketId::new(id).unwrap();
        let reason = Reason(if five && second & 0x70 == 0x70 {
            0x80
        } else {
            0
        });
        let ack = Ack {
            reason,
            ..Ack::success(packet_id)
        };
        let mut list = Vec::new();
        let alias = [Property::TopicAlias(u16::from(first >> 6))];
        if five && kind == 10 {
            connack_properties(second, &mut list);
        }
        let packet = match (kind, second % 4) {
            (10, _) => Packet::ConnAck(ConnAck {
                session_present: first & 1 != 0,
                reason: Reason(0),
                properties: Properties::list(&list),
            }),
            (11, 0) => Packet::PubAck(ack),
            (11, 1) => Packet::PubRec(ack),
            (11, 2) => Packet::PubComp(Ack::success(packet_id)),
            (11, _) => Packet::PubRel(Ack::success(packet_id)),
            (12, qos) => {
                let id = PacketId::new(u16::from(first % 8) + 1).unwrap();
                let aliased = five && second & 0x40 != 0 && first >> 6 > 0;
                Packet::Publish(Publish {
                    dup: second & 0x10 != 0 && qos > 0,
                    delivery: match qos {
                        1 => Delivery::AtLeastOnce(id),
                        2 | 3 => Delivery::ExactlyOnce(id),
                        _ => Delivery::AtMostOnce,
                    },
                    retain: second & 0x20 != 0,
                    topic: if aliased && second & 8 != 0 {
                        "".into()
                    } else {
                        "a/b".into()
                    },
                    properties: if aliased {
                        Properties::list(&alias)
                    } else {
                        Properties::NONE
                    },
                    payload: &[first, second],
                })
            }
            (13, 0 | 1) => Packet::SubAck(SubAck {
                packet_id,
                properties: Properties::NONE,
                codes: if second & 0x40 == 0 { &[1] } else { &[0x80] },
            }),
            (13, _) => Packet::UnsubAck(UnsubAck {
                packet_id,
                properties: Properties::NONE,
                codes: if five { &[0] } else { &[] },
            }),
            (_, 0) if second > 0xf0 => Packet::Disconnect(Disconnect {
                reason: Reason(if five { 0x8b } else { 0 }),
                properties: Properties::NONE,
            }),
            _ => Packet::PingResp,
        };
        packet.encode(self.version, out).expect("a valid packet")
    }

    /// A plain CONNACK, with the session if that is allowed.
    pub fn accept(&self, out: &mut [u8]) -> usize {
        let connack = Packet::ConnAck(ConnAck {
            session_present: !self.clean_start,
            reason: Reason(0),
            properties: Properties::NONE,
        });
        connack.encode(self.version, out).expect("a valid packet")
    }

    /// What the session waits for.
    pub fn next_answer(&self, out: &mut [u8]) -> Option<usize> {
        let (&id, &used) = self.uses.first_key_value()?;
        let packet_id = PacketId::new(id).unwrap();
        let ack = Ack::success(packet_id);
        let codes: &[u8] = if self.version == Version::V5 {
            &[0]
        } else {
            &[]
        };
        let properties = Properties::NONE;
        let packet = match used {
            Use::Sent {
                qos: QoS::ExactlyOnce,
                ..
            } => Packet::PubRec(ack),
            Use::Sent { .. } => Packet::PubAck(ack),
            Use::Received { .. } | Use::Released { .. } => Packet::PubComp(ack),
            Use::Subscribe => Packet::SubAck(SubAck {
                packet_id,
                properties,
                codes: &[0],
            }),
            Use::Unsubscribe => Packet::UnsubAck(UnsubAck {
                packet_id,
                properties,
                codes,
            }),
        };
        Some(packet.encode(self.version, out).expect("a valid packet"))
    }
}

fn connack_properties(choice: u8, list: &mut Vec<Property<'static>>) {
    if choice & 1 != 0 {
        list.push(Property::ReceiveMaximum(u16::from(choice >> 6) + 1));
    }
    if choice & 2 != 0 {
        list.push(Property::MaximumQoS(choice >> 7));
    }
    if choice & 4 != 0 {
        list.push(Property::RetainAvailable(choice & 0x40 != 0));
    }
    if choice & 8 != 0 {
        list.push(Property::MaximumPacketSize(if choice & 0x40 == 0 {
            64
        } else {
            100
        }));
    }
    if choice & 16 != 0 {
        list.push(Property::SubscriptionIdentifierAvailable(false));
    }
    if choice & 32 != 0 {
        list.push(Property::SessionExpiryInterval(60));
    }
}
