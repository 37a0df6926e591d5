//! The broker of the random driver: it does everything that a broker may do, and asserts that we do nothing that a
//! client may not: no identifier twice, Receive Maximum kept, PUBREL only after PUBREC, filters as we were asked.

use bitsperity_mqtt_core::packet::{
    Ack, ConnAck, Delivery, Filters, Packet, PacketId, Properties, Property, Publish, QoS, Reason,
    SubAck, SubscriptionOptions, UnsubAck, Version,
};
use bitsperity_mqtt_core::topic;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Receive Maximum of the broker (5.0).
pub(super) const QUOTA: usize = 3;
/// Receive Maximum of ours; the broker keeps it in 3.1.1 too.
pub(super) const OUR_QUOTA: usize = 4;
/// Where the broker publishes to.
pub(super) const TOPICS: [&str; 3] = ["t", "u/v", "u/w"];

/// What the broker holds of a publication of ours.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Held {
    /// QoS 1, PUBACK not sent.
    One,
    /// QoS 2, PUBREC not sent.
    Two,
    /// PUBREC sent.
    Recorded,
    /// PUBREL has come, PUBCOMP not sent.
    Released,
}

/// What the broker waits for of a message to us.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Sent {
    One(u32),
    Two(u32),
    Releasing,
}

/// What waits for an answer of the broker.
#[derive(Clone, Copy, Debug)]
enum Due {
    Publication(u16, Held),
    /// A request; the QoS of a SUBSCRIBE, none for UNSUBSCRIBE.
    Request(u16, Option<QoS>),
}

pub(super) struct Broker {
    version: Version,
    /// By Packet Identifier of ours.
    held: BTreeMap<u16, Held>,
    /// Identifiers on the wire of this connection, against the quota.
    open: BTreeSet<u16>,
    /// SUBSCRIBE and UNSUBSCRIBE without an answer.
    requests: BTreeMap<u16, Option<QoS>>,
    /// Filters with the Subscription Identifier of their last SUBSCRIBE.
    subscriptions: BTreeMap<String, Option<u32>>,
    /// How often each publication was taken in.
    pub(super) taken: BTreeMap<u32, u32>,
    /// First arrivals at QoS 1 and 2, in order.
    pub(super) order: Vec<u32>,
    sent: BTreeMap<u16, Sent>,
    next_id: u16,
    next_message: u32,
    /// Bytes to us.
    pub(super) outbox: VecDeque<Vec<u8>>,
}

/// The number that a payload begins with.
pub(super) fn number(payload: &[u8]) -> u32 {
    let text = str::from_utf8(payload).unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// The topic of a message to us.
pub(super) fn topic_of(number: u32) -> &'static str {
    TOPICS[number as usize % TOPICS.len()]
}

impl Broker {
    pub(super) fn new(version: Version) -> Self {
        Self {
            version,
            held: BTreeMap::new(),
            open: BTreeSet::new(),
            requests: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            taken: BTreeMap::new(),
            order: Vec::new(),
            sent: BTreeMap::new(),
            next_id: 0,
            next_message: 0,
            outbox: VecDeque::new(),
        }
    }

    /// Whether the broker holds a subscription to `filter`.
    pub(super) fn holds(&self, filter: &str) -> bool {
        self.subscriptions.contains_key(filter)
    }

    /// The filters that the broker holds.
    pub(super) fn filters(&self) -> BTreeSet<&str> {
        self.subscriptions.keys().map(String::as_str).collect()
    }

    /// Whether every message to us is acknowledged to the end.
    pub(super) fn is_settled(&self) -> bool {
        self.sent.is_empty()
    }

    fn write(&mut self, packet: &Packet<'_>) {
        let mut bytes = vec![0; 300];
        let length = packet.encode(self.version, &mut bytes).unwrap();
        bytes.truncate(length);
        self.outbox.push_back(bytes);
    }

    pub(super) fn accept(&mut self, packet: &Packet<'_>) {
        match packet {
            Packet::Publish(publish) => self.accept_publish(publish),
            Packet::PubRel(ack) => {
                let id = ack.packet_id.get();
                if ack.reason == Reason::SUCCESS {
                    assert_ne!(self.held.get(&id), Some(&Held::Two), "PUBREL before PUBREC");
                    self.held.insert(id, Held::Released);
                    self.open.insert(id);
                }
            }
            Packet::PubAck(ack) => {
                let sent = self.sent.remove(&ack.packet_id.get());
                assert!(matches!(sent, Some(Sent::One(_))), "{sent:?}");
            }
            Packet::PubRec(ack) => {
                let id = ack.packet_id;
                let sent = self.sent.get(&id.get());
                assert!(!matches!(sent, None | Some(Sent::One(_))), "{sent:?}");
                self.sent.insert(id.get(), Sent::Releasing);
                self.write(&Packet::PubRel(Ack::success(id)));
            }
            Packet::PubComp(ack) => {
                let sent = self.sent.remove(&ack.packet_id.get());
                assert_eq!(sent, Some(Sent::Releasing));
            }
            Packet::Subscribe(subscribe) => {
                let identifier = subscribe.properties.subscription_identifiers().next();
                assert_eq!(identifier.is_some(), self.version == Version::V5);
                self.accept_subscribe(subscribe.packet_id, &subscribe.filters, identifier);
            }
            Packet::Unsubscribe(unsubscribe) => {
                for (filter, ()) in &unsubscribe.filters {
                    self.subscriptions.remove(filter);
                }
                self.accept_request(unsubscribe.packet_id, None);
            }
            Packet::PingReq => self.write(&Packet::PingResp),
            other => panic!("not expected: {other:?}"),
        }
    }

    fn accept_request(&mut self, packet_id: PacketId, qos: Option<QoS>) {
        let id = packet_id.get();
        let used = self.open.contains(&id) || self.held.contains_key(&id);
        assert!(!used, "identifier {id} is that of a publication");
        let before = self.requests.insert(id, qos);
        assert!(before.is_none(), "identifier {id} is that of a request");
    }

    fn accept_subscribe(
        &mut self,
        packet_id: PacketId,
        filters: &Filters<'_, SubscriptionOptions>,
        identifier: Option<u32>,
    ) {
        let mut filters = filters.iter();
        let (Some((filter, options)), None) = (filters.next(), filters.next()) else {
            panic!("one filter a SUBSCRIBE");
        };
        self.subscriptions.insert(filter.to_owned(), identifier);
        self.accept_request(packet_id, Some(options.qos));
    }

    fn accept_publish(&mut self, publish: &Publish<'_>) {
        let number = number(publish.payload);
        let Some(id) = publish.delivery.packet_id() else {
            *self.taken.entry(number).or_default() += 1;
            return;
        };
        let id = id.get();
        assert!(
            !self.requests.contains_key(&id),
            "{id} is that of a request"
        );
        assert!(
            self.open.insert(id),
            "identifier {id} twice on one connection"
        );
        let unbound = self.version == Version::V311;
        assert!(unbound || self.open.len() <= QUOTA, "Receive Maximum");
        let known = self.held.contains_key(&id);
        if !publish.dup {
            assert!(!known, "identifier {id} is in use");
        }
        let two = publish.delivery.qos() == QoS::ExactlyOnce;
        if !(two && known) {
            let count = self.taken.entry(number).or_default();
            *count += 1;
            if *count == 1 {
                self.order.push(number);
            }
        }
        let held = if two { Held::Two } else { Held::One };
        self.held.insert(id, held);
    }

    /// Answers the packet at `place` among those that wait for it.
    pub(super) fn answer(&mut self, place: usize) {
        // PUBREC sent: nothing to say until PUBREL comes; nor after a loss until something comes again
        let due = |id: &u16, held: Held| held != Held::Recorded && self.open.contains(id);
        let publications = self.held.iter().filter(|(id, held)| due(id, **held));
        let publications = publications.map(|(&id, &held)| Due::Publication(id, held));
        let requests = self.requests.iter();
        let requests = requests.map(|(&id, &qos)| Due::Request(id, qos));
        let waiting: Vec<Due> = publications.chain(requests).collect();
        if waiting.is_empty() {
            return;
        }
        match waiting[place % waiting.len()] {
            Due::Publication(id, held) => self.acknowledge(id, held),
            Due::Request(id, qos) => self.answer_request(id, qos),
        }
    }

    fn acknowledge(&mut self, id: u16, held: Held) {
        let ack = Ack::success(PacketId::new(id).unwrap());
        match held {
            Held::One => {
                self.held.remove(&id);
                self.open.remove(&id);
                self.write(&Packet::PubAck(ack));
            }
            Held::Two => {
                self.held.insert(id, Held::Recorded);
                self.write(&Packet::PubRec(ack));
            }
            Held::Released => {
                self.held.remove(&id);
                self.open.remove(&id);
                self.write(&Packet::PubComp(ack));
            }
            Held::Recorded => {}
        }
    }

    fn answer_request(&mut self, id: u16, qos: Option<QoS>) {
        self.requests.remove(&id);
        let packet_id = PacketId::new(id).unwrap();
        let properties = Properties::NONE;
        match qos {
            Some(qos) => self.write(&Packet::SubAck(SubAck {
                packet_id,
                properties,
                codes: &[qos as u8],
            })),
            None => {
                let codes: &[u8] = if self.version == Version::V5 {
                    &[0]
                } else {
                    &[]
                };
                self.write(&Packet::UnsubAck(UnsubAck {
                    packet_id,
                    properties,
                    codes,
                }));
            }
        }
    }

    /// Publishes to us; at QoS 1 and 2 only if the quota allows.
    pub(super) fn send(&mut self, qos: QoS) {
        let number = self.next_message;
        if qos != QoS::AtMostOnce {
            if self.sent.len() >= OUR_QUOTA {
                return;
            }
            self.next_id = self.next_id % 9 + 1;
            while self.sent.contains_key(&self.next_id) {
                self.next_id = self.next_id % 9 + 1;
            }
            let sent = match qos {
                QoS::ExactlyOnce => Sent::Two(number),
                _ => Sent::One(number),
            };
            self.sent.insert(self.next_id, sent);
        }
        self.next_message += 1;
        self.publish(self.next_id, qos, number, false);
    }

    /// One packet, with the identifiers of all subscriptions that match.
    fn publish(&mut self, id: u16, qos: QoS, number: u32, dup: bool) {
        let id = PacketId::new(id.max(1)).unwrap();
        let payload = number.to_string();
        let topic = topic_of(number);
        let matching = self.subscriptions.iter();
        let matching = matching.filter(|(filter, _)| topic::matches(filter, topic));
        let identifiers: Vec<Property<'_>> = matching
            .filter_map(|(_, identifier)| identifier.map(Property::SubscriptionIdentifier))
            .collect();
        self.write(&Packet::Publish(Publish {
            dup,
            delivery: match qos {
                QoS::AtMostOnce => Delivery::AtMostOnce,
                QoS::AtLeastOnce => Delivery::AtLeastOnce(id),
                QoS::ExactlyOnce => Delivery::ExactlyOnce(id),
            },
            retain: false,
            topic: topic.into(),
            properties: Properties::list(&identifiers),
            payload: payload.as_bytes(),
        }));
    }

    /// CONNECT has come; `keep`: the broker still has the session.
    pub(super) fn connect(&mut self, keep: bool) {
        self.outbox.clear();
        self.open.clear();
        self.requests.clear();
        if !keep {
            self.held.clear();
            self.sent.clear();
            self.subscriptions.clear();
        }
        let quota = [Property::ReceiveMaximum(QUOTA as u16)];
        self.write(&Packet::ConnAck(ConnAck {
            session_present: keep,
            reason: Reason::SUCCESS,
            properties: match self.version {
                Version::V311 => Properties::NONE,
                Version::V5 => Properties::list(&quota),
            },
        }));
        for (id, sent) in self.sent.clone() {
            match sent {
                Sent::One(number) => self.publish(id, QoS::AtLeastOnce, number, true),
                Sent::Two(number) => self.publish(id, QoS::ExactlyOnce, number, true),
                Sent::Releasing => {
                    let id = PacketId::new(id).unwrap();
                    self.write(&Packet::PubRel(Ack::success(id)));
                }
            }
        }
    }
}
