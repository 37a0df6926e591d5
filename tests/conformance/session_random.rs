//! The session against a broker that does everything a broker may do, in random order and both versions: it answers
//! late and out of order, loses connections in the middle of a packet, keeps its session or not. What must hold: no
//! identifier twice, the quota kept, each publication ended once and truthfully, order kept, each QoS 2 message once,
//! each message for all whose subscription stands and for nobody else, nothing lost. The broker is `session_broker.rs`.

#[path = "session_broker.rs"]
mod broker;

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{Packet, Properties, QoS, Version};
use bitsperity_mqtt_core::session::{
    Credentials, Event, InFlight, Message, Options, Outcome, Publication, PublishError, Replay,
    Session, Storage, SubscribeError, Subscription, SubscriptionId,
};
use bitsperity_mqtt_core::time::Instant;
use bitsperity_mqtt_core::topic;
use broker::{Broker, OUR_QUOTA, number, topic_of};
use core::time::Duration;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What we subscribe to: some overlap.
const FILTERS: [&str; 4] = ["t", "u/+", "#", "u/v"];

#[derive(Clone, Debug)]
enum Step {
    /// We publish.
    Publish(QoS, usize),
    /// The transport takes so many bytes; they arrive now, or later if the connection lives so long.
    Write(usize, bool),
    /// We subscribe to the filter at this place.
    Subscribe(usize, QoS),
    /// The caller at this place among those that there are leaves.
    Unsubscribe(usize),
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
        4 => qos.clone().prop_map(Step::Send),
        2 => (0..FILTERS.len(), qos).prop_map(|(filter, qos)| Step::Subscribe(filter, qos)),
        1 => (0..8_usize).prop_map(Step::Unsubscribe),
        2 => prop::bool::weighted(0.7).prop_map(Step::Break),
        1 => (1..20_u64).prop_map(Step::Wait),
    ]
}

/// One that subscribed.
struct Caller {
    filter: &'static str,
    qos: QoS,
    /// SUBACK has come.
    told: bool,
}

struct World<'s> {
    version: Version,
    session: Session<'s>,
    broker: Broker,
    now: Instant,
    /// Bytes from us that make no whole packet yet.
    wire: Vec<u8>,
    /// QoS and end of each publication.
    published: BTreeMap<u32, (QoS, Option<Outcome>)>,
    callers: BTreeMap<u8, Caller>,
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
            .connect(self.now, self.version, Credentials::default(), &mut out)
            .unwrap();
        let Ok(Packet::Connect(connect)) = Packet::decode(&out[..length], self.version) else {
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
                Self::check_audience(&self.callers, &self.broker, &message);
                let entry = self.got.entry(number(message.payload));
                entry.or_insert((message.qos, 0)).1 += 1;
            }
            self.events();
        }
    }

    /// All whose subscription stands get it, and nobody whose filter does not match.
    fn check_audience(callers: &BTreeMap<u8, Caller>, broker: &Broker, message: &Message<'_>) {
        assert_eq!(message.topic, topic_of(number(message.payload)));
        let set = message.subscriptions;
        for id in 0..64 {
            let caller = callers.get(&id);
            let matches = caller.is_some_and(|c| topic::matches(c.filter, message.topic));
            let stands = caller.is_some_and(|c| c.told && broker.holds(c.filter));
            let gets = set.contains(SubscriptionId(id));
            assert!(matches || !gets, "caller {id} gets {message:?}");
            assert!(
                gets || !(matches && stands),
                "caller {id} misses {message:?}"
            );
        }
    }

    fn events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Published {
                    token,
                    qos,
                    outcome,
                } => self.published(token.0, qos, outcome),
                Event::Subscribed { id, result } => {
                    let caller = self.callers.get_mut(&id.0).expect("a live caller");
                    assert!(result.expect("granted") >= caller.qos);
                    assert!(!core::mem::replace(&mut caller.told, true), "told twice");
                }
                Event::Connected | Event::Ready | Event::Pong { .. } => {}
                Event::ClosedUpon { id } => panic!("{id:?} closed upon"),
            }
        }
    }

    fn published(&mut self, token: u32, qos: QoS, outcome: Outcome) {
        let (asked, ended) = self.published.get_mut(&token).expect("a known token");
        assert_eq!(*asked, qos);
        assert!(ended.replace(outcome).is_none(), "ended twice");
        let taken = self.broker.taken.get(&token).copied().unwrap_or(0);
        match (outcome, qos) {
            (Outcome::Acknowledged(_), QoS::ExactlyOnce) => assert_eq!(taken, 1),
            (Outcome::Acknowledged(_), _) => assert!(taken >= 1),
            (Outcome::InDoubt | Outcome::ClosedUpon, _) => {
                assert!(self.lossy && qos > QoS::AtMostOnce)
            }
            (Outcome::Sent, _) => assert_eq!(qos, QoS::AtMostOnce),
            (Outcome::Refused(reason), _) => panic!("refused {reason:?}"),
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
            let packet = Packet::decode(&packet, self.version).expect("we write packets only");
            self.broker.accept(&packet);
        }
        self.read();
    }

    fn publish(&mut self, qos: QoS, length: usize) {
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

    fn subscribe(&mut self, filter: &'static str, qos: QoS) {
        let caller = Caller {
            filter,
            qos,
            told: false,
        };
        let subscribed = self
            .session
            .subscribe(self.now, filter, qos, Replay::DoNotSend);
        match subscribed {
            Ok(id) => {
                let before = self.callers.insert(id.0, caller);
                assert!(before.is_none(), "a slot twice");
            }
            Err(SubscribeError::TooMany) => assert_eq!(self.callers.len(), SUBSCRIPTIONS),
            Err(error) => assert_eq!(error, SubscribeError::Busy),
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Publish(qos, length) => self.publish(qos, length),
            Step::Subscribe(filter, qos) => self.subscribe(FILTERS[filter], qos),
            Step::Unsubscribe(place) => {
                let ids: Vec<u8> = self.callers.keys().copied().collect();
                if !ids.is_empty() {
                    let id = ids[place % ids.len()];
                    self.callers.remove(&id);
                    self.session.unsubscribe(self.now, SubscriptionId(id));
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
                // Not right upon anything, or that would be to blame.
                self.now = self.now.after(Duration::from_secs(3));
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
        assert!(self.broker.is_settled(), "messages are not acknowledged");
        let wanted: BTreeSet<&str> = self.callers.values().map(|c| c.filter).collect();
        assert_eq!(self.broker.filters(), wanted);
        assert!(self.callers.values().all(|c| c.told), "no SUBACK was told");
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

/// Callers that there is room for.
const SUBSCRIPTIONS: usize = 3;

fn run(version: Version, steps: &[Step]) {
    let mut outbound = [0; 400];
    let mut in_flight = [InFlight::default(); 6];
    let mut subscriptions = [Subscription::EMPTY; SUBSCRIPTIONS];
    let mut received = [0; 1024];
    let options = Options {
        client_id: "c",
        keep_alive: 10,
        // 3.1.1 keeps a session only if it did not begin clean
        clean_start: version == Version::V5,
        fresh_client_id: false,
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
        version,
        session: Session::new(options, storage),
        broker: Broker::new(version),
        now: Instant::ZERO,
        wire: Vec::new(),
        published: BTreeMap::new(),
        callers: BTreeMap::new(),
        got: BTreeMap::new(),
        lossy: false,
    };
    world.connect(false);
    world.lossy = false;
    for step in steps {
        world.step(step);
    }
    world.finish();
}

/// Steps of a run at most.
const STEPS: usize = if cfg!(miri) { 30 } else { 250 };

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 200 }, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_lawful_broker_in_any_order(steps in prop::collection::vec(step(), 1..STEPS)) {
        run(Version::V5, &steps);
    }

    #[test]
    fn a_lawful_broker_of_3_1_1_in_any_order(steps in prop::collection::vec(step(), 1..STEPS)) {
        run(Version::V311, &steps);
    }
}
