//! The broker's side of `session`: follows every packet, and knows what the session owes.

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{
    Ack, ConnAck, Delivery, Disconnect, Packet, PacketId, Properties, Property, Publish, QoS,
    Reason, SubAck, UnsubAck, Version,
};
use bitsperity_mqtt_core::session::{Message, Outcome, Publication, SessionError, Token};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The bytes of an input; missing ones are 0.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// What a Packet Identifier of the session stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    /// PUBLISH; whether on this connection.
    Sent {
        serial: u32,
        qos: QoS,
        here: bool,
    },
    /// PUBREC was given, PUBREL is owed.
    Received {
        serial: u32,
    },
    /// PUBREL came.
    Released {
        serial: u32,
    },
    Subscribe,
    Unsubscribe,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    PubAck,
    PubRec,
    PubRel,
    PubComp,
}

struct Known {
    token: Token,
    topic: String,
    qos: QoS,
    retain: bool,
    length: usize,
    sent: bool,
    /// How it ended, as the broker sees it.
    fate: Option<Outcome>,
    told: bool,
}

pub struct Broker {
    pub version: Version,
    pub subscriptions: u64,
    pub ready: bool,
    /// The session refused to go on: only a DISCONNECT may follow what was owed.
    pub failed: bool,
    accepted: bool,
    /// The session has sent DISCONNECT.
    left: bool,
    clean_start: bool,
    quota: Option<u16>,
    bytes: Vec<u8>,
    publications: BTreeMap<u32, Known>,
    uses: BTreeMap<u16, Use>,
    /// Acknowledgements that the session owes, in order.
    owed: VecDeque<(Kind, u16)>,
    /// QoS 2 identifiers that the session holds.
    held: BTreeSet<u16>,
    receive_maximum: u16,
    maximum_qos: QoS,
    retain_available: bool,
    maximum_packet: usize,
}

impl Broker {
    pub fn new(version: Version, quota: u16) -> Self {
        Self {
            version,
            subscriptions: 0,
            ready: false,
            failed: false,
            accepted: false,
            left: false,
            clean_start: true,
            quota: Some(quota),
            bytes: Vec::new(),
            publications: BTreeMap::new(),
            uses: BTreeMap::new(),
            owed: VecDeque::new(),
            held: BTreeSet::new(),
            receive_maximum: u16::MAX,
            maximum_qos: QoS::ExactlyOnce,
            retain_available: true,
            maximum_packet: usize::MAX,
        }
    }

    pub fn is_up(&self) -> bool {
        self.accepted && !self.left && !self.failed
    }

    /// A CONNACK that grants packets so small that not even an acknowledgement fits: who cannot answer, owes nothing.
    pub fn is_mean(&self, frame: &[u8]) -> bool {
        match Packet::decode(frame, self.version) {
            Ok(Packet::ConnAck(connack)) => connack
                .properties
                .maximum_packet_size()
                .is_some_and(|size| size < 64),
            _ => false,
        }
    }

    /// Names the next publication in its payload.
    pub fn serial(&self) -> u32 {
        self.publications.len() as u32
    }

    pub fn published(&mut self, token: Token, publication: &Publication<'_>) {
        assert!(self.publications.values().all(|other| other.token != token));
        let publication = Known {
            token,
            topic: publication.topic.to_owned(),
            qos: publication.qos,
            retain: publication.retain,
            length: publication.payload.len(),
            sent: false,
            fate: None,
            told: false,
        };
        self.publications.insert(self.serial(), publication);
    }

    /// A new connection begins with `connect`.
    pub fn connected(&mut self, version: Version, connect: &[u8]) {
        let Ok(Packet::Connect(connect)) = Packet::decode(connect, version) else {
            panic!("not a CONNECT");
        };
        self.clean_start = connect.clean_start;
        self.version = version;
        self.bytes.clear();
        self.owed.clear();
        (self.accepted, self.left, self.failed) = (false, false, false);
        self.uses
            .retain(|_, used| !matches!(used, Use::Subscribe | Use::Unsubscribe));
    }

    /// Reads what the session wrote.
    pub fn read(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        loop {
            let length = match next_frame(&self.bytes, usize::MAX) {
                Frame::Whole(length) => length,
                Frame::Partial { .. } => return,
                other => panic!("{other:?}: {:02x?}", self.bytes),
            };
            let frame: Vec<u8> = self.bytes.drain(..length).collect();
            assert!(!self.left, "bytes after DISCONNECT");
            assert!(
                length <= self.maximum_packet || !self.accepted,
                "over Maximum Packet Size"
            );
            let packet = Packet::decode(&frame, self.version).expect("a packet of the version");
            assert!(
                self.accepted || matches!(packet, Packet::Disconnect(_)),
                "before CONNACK"
            );
            self.packet_of_client(&packet);
        }
    }

    pub fn assert_drained(&self) {
        assert!(self.bytes.is_empty(), "half a packet is left");
        assert!(
            self.owed.is_empty() || !self.is_up(),
            "owed: {:?}",
            self.owed
        );
    }

    fn packet_of_client(&mut self, packet: &Packet<'_>) {
        match packet {
            Packet::Publish(publish) => self.publish_of_client(publish),
            Packet::PubAck(ack) => self.paid(Kind::PubAck, ack),
            Packet::PubRec(ack) => self.paid(Kind::PubRec, ack),
            Packet::PubComp(ack) => self.paid(Kind::PubComp, ack),
            Packet::PubRel(ack) => {
                let id = ack.packet_id.get();
                match self.uses.get(&id) {
                    Some(&Use::Received { serial }) => {
                        self.uses.insert(id, Use::Released { serial });
                    }
                    _ => self.paid(Kind::PubRel, ack),
                }
            }
            Packet::Subscribe(subscribe) => self.take_id(subscribe.packet_id, Use::Subscribe),
            Packet::Unsubscribe(unsubscribe) => {
                self.take_id(unsubscribe.packet_id, Use::Unsubscribe)
            }
            Packet::PingReq => {}
            Packet::Disconnect(_) => self.left = true,
            other => panic!("not of a client, or twice: {other:?}"),
        }
    }

    fn paid(&mut self, kind: Kind, ack: &Ack<'_>) {
        assert_eq!(self.owed.pop_front(), Some((kind, ack.packet_id.get())));
    }

    fn take_id(&mut self, id: PacketId, used: Use) {
        let before = self.uses.insert(id.get(), used);
        match before {
            // Given up because this connection cannot take it; its event comes later.
            Some(Use::Sent {
                serial,
                here: false,
                ..
            }) if self.is_unfit(serial) => {}
            _ => assert_eq!(before, None, "identifier {} used twice", id.get()),
        }
    }

    fn is_unfit(&self, serial: u32) -> bool {
        let publication = &self.publications[&serial];
        let least = publication.length + publication.topic.len() + 6;
        (publication.retain && !self.retain_available) || least > self.maximum_packet
    }

    fn publish_of_client(&mut self, publish: &Publish<'_>) {
        assert!(!self.failed, "PUBLISH after the end");
        let serial = u32::from_be_bytes(publish.payload[..4].try_into().unwrap());
        let publication = self.publications.get_mut(&serial).expect("never published");
        let qos = publish.delivery.qos();
        assert_eq!(publish.topic, publication.topic.as_str());
        assert_eq!(publish.retain, publication.retain);
        assert_eq!(publish.payload.len(), publication.length);
        assert!(qos <= publication.qos && (!publish.retain || self.retain_available));
        assert!(publication.fate.is_none(), "sent after its end");
        assert_eq!(publish.dup, publication.sent, "DUP is what was sent before");
        assert!(publish.dup || qos <= self.maximum_qos, "over Maximum QoS");
        publication.sent = true;
        let Some(id) = publish.delivery.packet_id() else {
            publication.fate = Some(Outcome::Sent);
            return;
        };
        let used = Use::Sent {
            serial,
            qos,
            here: true,
        };
        if publish.dup {
            let before = self.uses.insert(id.get(), used);
            assert_eq!(
                before,
                Some(Use::Sent {
                    serial,
                    qos,
                    here: false
                })
            );
        } else {
            self.take_id(id, used);
        }
        let in_flight = self.uses.values().filter(|used| {
            matches!(
                used,
                Use::Sent { here: true, .. } | Use::Received { .. } | Use::Released { .. }
            )
        });
        assert!(
            in_flight.count() <= usize::from(self.receive_maximum),
            "over Receive Maximum"
        );
    }

    /// The event of a publication's end.
    pub fn ended(&mut self, token: Token, qos: QoS, outcome: Outcome) {
        let publication = self
            .publications
            .values_mut()
            .find(|known| known.token == token);
        let publication = publication.expect("a token never given");
        assert!(!publication.told, "told twice");
        assert!(qos <= publication.qos);
        publication.told = true;
        match publication.fate {
            Some(fate) => assert_eq!(fate, outcome),
            // The session itself refuses what a new broker's grants forbid.
            None => {
                let expected = match outcome {
                    Outcome::Refused(reason) => !publication.sent && is_ours(reason),
                    // It may have arrived when it was sent before.
                    Outcome::InDoubt => publication.sent,
                    _ => false,
                };
                assert!(expected, "{outcome:?} out of nothing");
                publication.fate = Some(outcome);
                let serial = self
                    .publications
                    .iter()
                    .find(|(_, known)| known.token == token);
                let serial = *serial.unwrap().0;
                self.uses.retain(
                    |_, used| !matches!(used, Use::Sent { serial: of, .. } if *of == serial),
                );
            }
        }
    }

    fn set_fate(&mut self, serial: u32, fate: Outcome) {
        let publication = self.publications.get_mut(&serial).unwrap();
        assert_eq!(publication.fate, None);
        publication.fate = Some(fate);
    }

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
                    assert!(publish.topic.is_empty() || message.topic == publish.topic);
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
            for used in self.uses.values_mut() {
                match used {
                    Use::Sent { here, .. } => *here = false,
                    Use::Released { serial } => *used = Use::Received { serial: *serial },
                    _ => {}
                }
            }
            return;
        }
        self.held.clear();
        for used in std::mem::take(&mut self.uses).into_values() {
            if let Use::Sent { serial, .. } = used {
                self.set_fate(serial, Outcome::InDoubt);
            }
        }
    }

    /// Also for a sending on the connection before.
    fn puback(&mut self, ack: &Ack<'_>) {
        let id = ack.packet_id.get();
        if let Some(&Use::Sent { serial, qos, .. }) = self.uses.get(&id) {
            assert_eq!(qos, QoS::AtLeastOnce);
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

    pub fn assert_settled(&self) {
        assert!(self.uses.is_empty(), "still in use: {:?}", self.uses);
        assert!(self.ready, "no Ready");
        for (serial, publication) in &self.publications {
            assert!(
                publication.told,
                "publication {serial} never ended: {:?}",
                publication.fate
            );
        }
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

fn outcome(reason: Reason) -> Outcome {
    if reason.is_failure() {
        Outcome::Refused(reason)
    } else {
        Outcome::Acknowledged(reason)
    }
}

/// With these the session itself gives up what a new connection's grants do not allow.
fn is_ours(reason: Reason) -> bool {
    reason == Reason::PACKET_TOO_LARGE || reason == Reason::RETAIN_NOT_SUPPORTED
}
