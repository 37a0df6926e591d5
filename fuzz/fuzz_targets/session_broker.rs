//! The broker's side of `session`: follows every packet, and knows what the session owes. Here is what it reads of the
//! session; `packets` makes what it sends, `taken` follows what the session accepted of that.

mod packets;
mod taken;

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{Ack, Packet, PacketId, Publish, QoS, Reason, Version};
use bitsperity_mqtt_core::session::{Outcome, Publication, Token};
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
    pub fn new(version: Version) -> Self {
        Self {
            version,
            subscriptions: 0,
            ready: false,
            failed: false,
            accepted: false,
            left: false,
            clean_start: true,
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
        assert_eq!(before, None, "identifier {} used twice", id.get());
    }

    /// Whether this connection cannot take it.
    fn is_unfit(&self, serial: u32, qos: QoS) -> bool {
        let publication = &self.publications[&serial];
        let id = if qos == QoS::AtMostOnce { 0 } else { 2 };
        // Two bytes before the topic, one that says that there are no properties.
        let remaining = 2 + publication.topic.len() + id + 1 + publication.length;
        let header = if remaining < 128 { 2 } else { 3 };
        (publication.retain && !self.retain_available) || header + remaining > self.maximum_packet
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
                let ours = matches!(outcome, Outcome::Refused(reason) if is_ours(reason));
                assert!(ours && !publication.sent, "{outcome:?} out of nothing");
                publication.fate = Some(outcome);
            }
        }
    }

    fn set_fate(&mut self, serial: u32, fate: Outcome) {
        let publication = self.publications.get_mut(&serial).unwrap();
        assert_eq!(publication.fate, None);
        publication.fate = Some(fate);
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

/// With these the session itself gives up what a new connection's grants do not allow.
fn is_ours(reason: Reason) -> bool {
    reason == Reason::PACKET_TOO_LARGE || reason == Reason::RETAIN_NOT_SUPPORTED
}
