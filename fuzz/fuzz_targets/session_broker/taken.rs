//! What the session accepted of the broker, and so what it owes now and how its publications ended.

use super::{Broker, Kind, Use};
use bitsperity_mqtt_core::packet::{Ack, ConnAck, Delivery, Packet, PacketId, QoS, Reason};
use bitsperity_mqtt_core::session::{Message, Outcome, SessionError};

impl Broker {
    /// The session refused `frame`.
    pub fn refused(&self, frame: &[u8], error: &SessionError) {
        if let SessionError::Malformed(_) = error {
            assert!(
                Packet::decode(frame, self.version).is_err(),
                "refused: {frame:02x?}"
            );
        }
    }

    /// The session accepted `frame`.
    pub fn taken(&mut self, frame: &[u8], message: Option<&Message<'_>>) {
        if self.left {
            assert!(message.is_none());
            return;
        }
        let packet = Packet::decode(frame, self.version).expect("accepted, and not a packet");
        if !self.accepted {
            let Packet::ConnAck(connack) = packet else {
                panic!("accepted before CONNACK: {packet:?}");
            };
            return self.granted(&connack);
        }
        match packet {
            Packet::Publish(publish) => {
                let new = self.delivered(publish.delivery);
                assert_eq!(message.is_some(), new, "handed on once");
                if let Some(message) = message {
                    assert_eq!(message.payload, publish.payload);
                    assert!(publish.topic.is_empty() || publish.topic == message.topic);
                    assert!(!message.topic.is_empty());
                }
            }
            Packet::PubRel(ack) => {
                self.held.remove(&ack.packet_id.get());
                self.owed.push_back((Kind::PubComp, ack.packet_id.get()));
            }
            Packet::PubAck(ack) => self.puback(&ack),
            Packet::PubRec(ack) => self.pubrec(&ack),
            Packet::PubComp(ack) => {
                let id = ack.packet_id.get();
                if let Some(&(Use::Received { serial } | Use::Released { serial })) =
                    self.uses.get(&id)
                {
                    self.uses.remove(&id);
                    assert!(self.publications[&serial].fate.is_some());
                }
            }
            Packet::SubAck(suback) => self.answered(suback.packet_id, Use::Subscribe),
            Packet::UnsubAck(unsuback) => self.answered(unsuback.packet_id, Use::Unsubscribe),
            Packet::PingResp => {}
            other => panic!("accepted: {other:?}"),
        }
    }

    /// A PUBLISH over the session's bound, of which it saw the head.
    pub fn passed_over(&mut self, head: &[u8], new: bool) {
        if self.left {
            return;
        }
        let header = 1
            + head
                .iter()
                .skip(1)
                .take_while(|&&byte| byte & 0x80 != 0)
                .count()
            + 1;
        let topic = usize::from(u16::from_be_bytes([head[header], head[header + 1]]));
        let id = header + 2 + topic;
        let delivery = match (head[0] >> 1) & 3 {
            0 => Delivery::AtMostOnce,
            qos => {
                let id = PacketId::new(u16::from_be_bytes([head[id], head[id + 1]])).unwrap();
                if qos == 1 {
                    Delivery::AtLeastOnce(id)
                } else {
                    Delivery::ExactlyOnce(id)
                }
            }
        };
        assert_eq!(self.delivered(delivery), new);
    }

    /// Whether a message of the broker is a new one.
    fn delivered(&mut self, delivery: Delivery) -> bool {
        match delivery {
            Delivery::AtMostOnce => true,
            Delivery::AtLeastOnce(id) => {
                self.owed.push_back((Kind::PubAck, id.get()));
                true
            }
            Delivery::ExactlyOnce(id) => {
                self.owed.push_back((Kind::PubRec, id.get()));
                self.held.insert(id.get())
            }
        }
    }

    fn granted(&mut self, connack: &ConnAck<'_>) {
        assert!(connack.is_accepted());
        assert!(!connack.session_present || !self.clean_start);
        self.accepted = true;
        let properties = &connack.properties;
        self.receive_maximum = properties.receive_maximum().unwrap_or(u16::MAX);
        self.maximum_qos = match properties.maximum_qos() {
            Some(0) => QoS::AtMostOnce,
            Some(1) => QoS::AtLeastOnce,
            _ => QoS::ExactlyOnce,
        };
        self.retain_available = properties.retain_available().unwrap_or(true);
        self.maximum_packet = properties
            .maximum_packet_size()
            .map_or(usize::MAX, |size| size as usize);
        if connack.session_present {
            return self.resumed();
        }
        self.held.clear();
        for used in std::mem::take(&mut self.uses).into_values() {
            if let Use::Sent { serial, .. } = used {
                self.set_fate(serial, Outcome::InDoubt);
            }
        }
    }

    /// What was sent is sent again, if it still may; otherwise nobody knows whether it arrived. Of QoS 2 the broker may
    /// hold the identifier then, so that PUBREL is owed.
    fn resumed(&mut self) {
        for (id, used) in std::mem::take(&mut self.uses) {
            let used = match used {
                Use::Sent { serial, qos, .. } if self.is_unfit(serial, qos) => {
                    self.set_fate(serial, Outcome::InDoubt);
                    if qos != QoS::ExactlyOnce {
                        continue;
                    }
                    Use::Received { serial }
                }
                Use::Sent { serial, qos, .. } => Use::Sent {
                    serial,
                    qos,
                    here: false,
                },
                Use::Released { serial } => Use::Received { serial },
                other => other,
            };
            self.uses.insert(id, used);
        }
    }

    /// Also for a sending on the connection before.
    fn puback(&mut self, ack: &Ack<'_>) {
        let id = ack.packet_id.get();
        // Of QoS 2 as well: it ends as one of QoS 1.
        if let Some(&Use::Sent { serial, .. }) = self.uses.get(&id) {
            self.uses.remove(&id);
            self.set_fate(serial, outcome(ack.reason));
        }
    }

    fn pubrec(&mut self, ack: &Ack<'_>) {
        let id = ack.packet_id.get();
        match self.uses.get(&id).copied() {
            Some(Use::Sent { serial, qos, .. }) => {
                assert_eq!(qos, QoS::ExactlyOnce);
                self.set_fate(serial, outcome(ack.reason));
                self.uses.remove(&id);
                if !ack.reason.is_failure() {
                    self.uses.insert(id, Use::Received { serial });
                }
            }
            Some(Use::Received { serial } | Use::Released { serial }) => {
                self.uses.insert(id, Use::Received { serial });
            }
            _ if ack.reason.is_failure() => {}
            _ => self.owed.push_back((Kind::PubRel, id)),
        }
    }

    fn answered(&mut self, id: PacketId, used: Use) {
        if self.uses.get(&id.get()) == Some(&used) {
            self.uses.remove(&id.get());
        }
    }
}

fn outcome(reason: Reason) -> Outcome {
    if reason.is_failure() {
        Outcome::Refused(reason)
    } else {
        Outcome::Acknowledged(reason)
    }
}
