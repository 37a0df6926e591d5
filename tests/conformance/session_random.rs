//! The session against a broker that does everything a broker may do, in random order: it acknowledges late and out of
//! order, loses connections in the middle of a packet, keeps its session or not. What must hold: no identifier twice,
//! the quota kept, each publication ended once and truthfully, order kept, each QoS 2 message once, nothing lost.

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{
    Ack, ConnAck, Delivery, Packet, PacketId, Properties, Property, Publish, QoS, Reason, Version,
};
use bitsperity_mqtt_core::session::{
    Credentials, Event, InFlight, Options, Outcome, Publication, PublishError, Session, Storage,
    Subscription,
};
use bitsperity_mqtt_core::time::Instant;
use core::time::Duration;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const QUOTA: usize = 3;
const OUR_QUOTA: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    /// We publish.
    Publish(QoS, usize),
    /// The transport takes so many bytes; they arrive now, or later if the connection lives so long.
    Write(usize, bool),
    /// The broker answers the packet at this place among those that wait.
    Answer(usize),
    /// The broker publishes.
    Send(QoS),
    /// The connection breaks; the broker keeps the session or not.
    Break(bool),
    /// Time passes.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let qos = prop_oneof![
        Just(QoS::AtMostOnce),
        Just(QoS::AtLeastOnce),
        Just(QoS::ExactlyOnce)
    ];
    prop_oneof![
        5 => (qos.clone(), 0..60_usize).prop_map(|(qos, length)| Step::Publish(qos, length)),
        6 => (1..200_usize, prop::bool::weighted(0.8)).prop_map(|(room, now)| Step::Write(room, now)),
        6 => (0..8_usize).prop_map(Step::Answer),
        4 => qos.prop_map(Step::Send),
        1 => prop::bool::weighted(0.7).prop_map(Step::Break),
        1 => (1..20_u64).prop_map(Step::Wait),
    ]
}

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

#[derive(Default)]
struct Broker {
    /// By Packet Identifier of ours.
    held: BTreeMap<u16, Held>,
    /// Identifiers on the wire of this connection, against the quota.
    open: BTreeSet<u16>,
    /// How often each publication was taken in.
    taken: BTreeMap<u32, u32>,
    /// First arrivals at QoS 1 and 2, in order.
    order: Vec<u32>,
    sent: BTreeMap<u16, Sent>,
    next_id: u16,
    next_message: u32,
    /// Bytes to us.
    outbox: VecDeque<Vec<u8>>,
}

fn number(payload: &[u8]) -> u32 {
    let text = str::from_utf8(payload).unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

impl Broker {
    fn write(&mut self, packet: &Packet<'_>) {
        let mut bytes = vec![0; 300];
        let length = packet.encode(Version::V5, &mut bytes).unwrap();
        bytes.truncate(length);
        self.outbox.push_back(bytes);
    }

    fn accept(&mut self, packet: &Packet<'_>) {
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
                assert!(!matches!(
                    self.sent.get(&id.get()),
                    None | Some(Sent::One(_))
                ));
                self.sent.insert(id.get(), Sent::Releasing);
                self.write(&Packet::PubRel(Ack::success(id)));
            }
            Packet::PubComp(ack) => {
                assert_eq!(
                    self.sent.remove(&ack.packet_id.get()),
                    Some(Sent::Releasing)
                );
            }
            Packet::PingReq => self.write(&Packet::PingResp),
            other => panic!("not expected: {other:?}"),
        }
    }

    fn accept_publish(&mut self, publish: &Publish<'_>) {
        let number = number(publish.payload);
        let Some(id) = publish.delivery.packet_id() else {
            *self.taken.entry(number).or_default() += 1;
            return;
        };
        let id = id.get();
        assert!(
            self.open.insert(id),
            "identifier {id} twice on one connection"
        );
        assert!(self.open.len() <= QUOTA, "Receive Maximum");
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

    fn answer(&mut self, place: usize) {
        // PUBREC sent: nothing to say until PUBREL comes; nor after a loss until something comes again
        let due = |id: &u16, held: Held| held != Held::Recorded && self.open.contains(id);
        let waiting = self.held.iter().filter(|(id, held)| due(id, **held));
        let waiting: Vec<(u16, Held)> = waiting.map(|(id, held)| (*id, *held)).collect();
        if waiting.is_empty() {
            return;
        }
        let (id, held) = waiting[place % waiting.len()];
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

    fn send(&mut self, qos: QoS) {
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

    fn publish(&mut self, id: u16, qos: QoS, number: u32, dup: bool) {
        let id = PacketId::new(id.max(1)).unwrap();
        let payload = number.to_string();
        self.write(&Packet::Publish(Publish {
            dup,
            delivery: match qos {
                QoS::AtMostOnce => Delivery::AtMostOnce,
                QoS::AtLeastOnce => Delivery::AtLeastOnce(id),
                QoS::ExactlyOnce => Delivery::ExactlyOnce(id),
            },
            retain: false,
            topic: "t".into(),
            properties: Properties::NONE,
            payload: payload.as_bytes(),
        }));
    }

    fn connect(&mut self, keep: bool) {
        self.outbox.clear();
        self.open.clear();
        if !keep {
            self.held.clear();
            self.sent.clear();
        }
        self.write(&Packet::ConnAck(ConnAck {
            session_present: keep,
            reason: Reason::SUCCESS,
            properties: Properties::list(&[Property::ReceiveMaximum(QUOTA as u16)]),
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

struct World<'s> {
    session: Session<'s>,
    broker: Broker,
    now: Instant,
    /// Bytes from us that make no whole packet yet.
    wire: Vec<u8>,
    /// QoS and end of each publication.
    published: BTreeMap<u32, (QoS, Option<Outcome>)>,
    /// How often each message came, with its QoS.
    got: BTreeMap<u32, (QoS, u32)>,
    /// The broker has once lost its session.
    lossy: bool,
}

impl World<'_> {
    fn connect(&mut self, keep: bool) {
        let mut out = [0; 200];
        let length = self
            .session
            .connect(self.now, Version::V5, Credentials::default(), &mut out)
            .unwrap();
        let Ok(Packet::Connect(connect)) = Packet::decode(&out[..length], Version::V5) else {
            panic!("CONNECT");
        };
        let keep = keep && !connect.clean_start;
        self.lossy |= !keep;
        self.broker.connect(keep);
        self.wire.clear();
        self.read();
    }

    fn read(&mut self) {
        while let Some(frame) = self.broker.outbox.pop_front() {
            assert!(self.session.can_receive());
            let message = self
                .session
                .handle_frame(self.now, &frame)
                .expect("a lawful broker");
            if let Some(message) = message {
                let entry = self.got.entry(number(message.payload));
                entry.or_insert((message.qos, 0)).1 += 1;
            }
            self.events();
        }
    }

    fn events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            if let Event::Published {
                token,
                qos,
                outcome,
            } = event
            {
                let (asked, ended) = self.published.get_mut(&token.0).expect("a known token");
                assert_eq!(*asked, qos);
                assert!(ended.replace(outcome).is_none(), "ended twice");
                let taken = self.broker.taken.get(&token.0).copied().unwrap_or(0);
                match (outcome, qos) {
                    (Outcome::Acknowledged(_), QoS::ExactlyOnce) => assert_eq!(taken, 1),
                    (Outcome::Acknowledged(_), _) => assert!(taken >= 1),
                    (Outcome::InDoubt, _) => assert!(self.lossy && qos > QoS::AtMostOnce),
                    (Outcome::Sent, _) => assert_eq!(qos, QoS::AtMostOnce),
                    (Outcome::Refused(reason), _) => panic!("refused {reason:?}"),
                }
            }
        }
    }

    fn write(&mut self, mut room: usize, arrives: bool) {
        let mut out = [0; 16];
        while room > 0 {
            let size = room.min(out.len());
            let count = self.session.poll_transmit(self.now, &mut out[..size]);
            if count == 0 {
                break;
            }
            room -= count;
            self.wire.extend_from_slice(&out[..count]);
        }
        self.events();
        if !arrives {
            return;
        }
        while let Frame::Whole(length) = next_frame(&self.wire, 1000) {
            let packet: Vec<u8> = self.wire.drain(..length).collect();
            let packet = Packet::decode(&packet, Version::V5).expect("we write packets only");
            self.broker.accept(&packet);
        }
        self.read();
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Publish(qos, length) => {
                let token = self.published.len();
                let payload = format!("{token} {}", "x".repeat(length));
                let publication = Publication {
                    topic: "t",
                    payload: payload.as_bytes(),
                    qos,
                    retain: false,
                    properties: Properties::NONE,
                };
                match self.session.publish(self.now, &publication) {
                    Ok(given) => {
                        assert_eq!(given.0 as usize, token);
                        self.published.insert(given.0, (qos, None));
                    }
                    Err(error) => assert_eq!(error, PublishError::Busy),
                }
            }
            Step::Write(room, arrives) => self.write(room, arrives),
            Step::Answer(place) => {
                self.broker.answer(place);
                self.read();
            }
            Step::Send(qos) => {
                self.broker.send(qos);
                self.read();
            }
            Step::Break(keep) => {
                self.session.handle_closed(self.now);
                self.connect(keep);
            }
            Step::Wait(seconds) => {
                self.now = self.now.after(Duration::from_secs(seconds));
                if self.session.handle_timeout(self.now).is_err() {
                    self.session.handle_closed(self.now);
                    self.connect(true);
                }
            }
        }
    }

    /// Everything that waits is let through; then nothing may be open.
    fn finish(&mut self) {
        for _ in 0..200 {
            self.write(10_000, true);
            self.broker.answer(0);
            self.read();
        }
        for (token, (qos, outcome)) in &self.published {
            assert!(
                outcome.is_some(),
                "publication {token} at {qos:?} never ended"
            );
        }
        assert!(
            self.broker.sent.is_empty(),
            "not acknowledged: {:?}",
            self.broker.sent
        );
        for (number, &(qos, count)) in &self.got {
            if qos == QoS::ExactlyOnce && !self.lossy {
                assert_eq!(count, 1, "message {number} at QoS 2");
            }
            assert!(count >= 1);
        }
        let mut ascending = self.broker.order.clone();
        ascending.sort_unstable();
        assert_eq!(self.broker.order, ascending, "order of publications");
    }
}

fn run(steps: &[Step]) {
    let mut outbound = [0; 400];
    let mut in_flight = [InFlight::default(); 6];
    let mut subscriptions = [Subscription::EMPTY; 1];
    let mut received = [0; 1024];
    let options = Options {
        client_id: "c",
        keep_alive: 10,
        clean_start: true,
        session_expiry: 1000,
        receive_maximum: OUR_QUOTA as u16,
        maximum_packet_size: 1000,
        will: None,
    };
    let storage = Storage {
        outbound: &mut outbound,
        in_flight: &mut in_flight,
        aliases: &mut [],
        subscriptions: &mut subscriptions,
        received: &mut received,
    };
    let mut world = World {
        session: Session::new(options, storage),
        broker: Broker::default(),
        now: Instant::ZERO,
        wire: Vec::new(),
        published: BTreeMap::new(),
        got: BTreeMap::new(),
        lossy: false,
    };
    world.connect(true);
    world.lossy = false;
    for step in steps {
        world.step(step);
    }
    world.finish();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_lawful_broker_in_any_order(steps in prop::collection::vec(step(), 1..250)) {
        run(&steps);
    }
}
