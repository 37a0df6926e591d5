//! A session between any caller and any broker. Input: two bytes of options, then operations of one byte and its arguments
//! (missing bytes are 0): verbs of the caller, packets that the broker may send, raw bytes, loss of the connection.
//!
//! [`Broker`] follows what is written and asserts: packets of the version only; no identifier used twice; Receive Maximum, Maximum
//! QoS, Maximum Packet Size and Retain Available kept; DUP exactly on what was sent before; acknowledgements exactly
//! for what came, in order; QoS 2 handed on once; each publication ended once, by what happened to it. At last a
//! friendly broker answers everything, and nothing may be left waiting. Memory is slices of fixed size.
#![no_main]

mod session_broker;

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{Properties, QoS, Reason, Version};
use bitsperity_mqtt_core::session::{
    Credentials, Event, InFlight, Options, Publication, Replay, Session, Storage, Subscription,
    SubscriptionId,
};
use bitsperity_mqtt_core::time::Instant;
use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use session_broker::{Broker, Input};
use std::cell::RefCell;

const TOPICS: [&str; 3] = ["a/b", "a", "$s/x"];
const FILTERS: [&str; 6] = ["a/b", "a/+", "#", "$share/g/a/#", "a/b", "x/#/y"];
/// Largest packet that is taken whole.
const MAX_PACKET: usize = 200;
const QOS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];

thread_local! {
    /// Room for two aliases, made once: what an alias stands for must be written before it is read.
    static ALIASES: RefCell<Vec<u8>> = RefCell::new(vec![0; 2 * 65_535]);
}

fuzz_target!(|bytes: &[u8]| {
    ALIASES.with_borrow_mut(|aliases| run(bytes, aliases));
});

fn run(bytes: &[u8], aliases: &mut [u8]) {
    let mut input = Input(bytes);
    let (flags, quota) = (input.byte(), input.byte());
    let options = Options {
        client_id: if flags & 2 == 0 { "client" } else { "" },
        keep_alive: if flags & 4 == 0 { 0 } else { 10 },
        clean_start: flags & 8 == 0,
        fresh_client_id: flags & 32 != 0,
        session_expiry: if flags & 16 == 0 { 0 } else { 3600 },
        receive_maximum: u16::from(quota % 8) + 1,
        maximum_packet_size: MAX_PACKET as u32,
        will: None,
    };
    let storage = Storage {
        outbound: &mut [0; 512],
        in_flight: &mut [InFlight::default(); 8],
        aliases,
        subscriptions: &mut [Subscription::EMPTY; 4],
        received: &mut [0; 1024],
    };
    let version = if flags & 1 == 0 {
        Version::V311
    } else {
        Version::V5
    };
    let mut world = World {
        session: Session::new(options, storage),
        now: Instant::ZERO,
        broker: Broker::new(version),
        received: Vec::new(),
        skip: 0,
    };
    world.connect(version);
    while !input.0.is_empty() {
        world.operate(&mut input);
    }
    world.settle();
}

struct World<'s> {
    session: Session<'s>,
    now: Instant,
    broker: Broker,
    /// Raw bytes of the broker, not yet a frame.
    received: Vec<u8>,
    skip: usize,
}

impl World<'_> {
    fn operate(&mut self, input: &mut Input<'_>) {
        match input.byte() % 16 {
            0 | 1 => self.publish(input),
            2 => self.subscribe(input),
            3 => {
                let id = input.byte() % 4;
                self.session.unsubscribe(self.now, SubscriptionId(id));
                self.broker.subscriptions &= !(1 << id);
            }
            4 => self.session.ping(self.now),
            5 => self.pass(input),
            6 => {
                self.transmit(usize::from(input.byte()) + 1);
            }
            7 => self.drain(),
            8 => self.events(),
            9 => {
                let change = input.byte() == 0xff;
                let version = match self.broker.version {
                    Version::V5 if change => Version::V311,
                    Version::V311 if change => Version::V5,
                    same => same,
                };
                self.connect(version);
            }
            10 if input.byte() < 64 => {
                self.session.disconnect(self.now, Reason(0));
                self.drain();
            }
            15 => {
                let count = usize::from(input.byte());
                let bytes = input.take(count);
                self.raw(bytes);
            }
            kind => {
                // An answer can only be to what was written whole.
                self.drain();
                let mut packet = [0; 64];
                let length = self.broker.packet(kind, input, &mut packet);
                self.frame(&packet[..length]);
            }
        }
    }

    fn publish(&mut self, input: &mut Input<'_>) {
        let (choice, length) = (input.byte(), input.byte());
        let topic = TOPICS[usize::from(choice >> 4) % TOPICS.len()];
        let mut payload = self.broker.serial().to_be_bytes().to_vec();
        payload.resize(4 + usize::from(length % 128), 0x55);
        let publication = Publication {
            topic,
            payload: &payload,
            qos: QOS[usize::from(choice % 3)],
            retain: choice & 8 != 0,
            properties: Properties::NONE,
        };
        if let Ok(token) = self.session.publish(self.now, &publication) {
            self.broker.published(token, &publication);
        }
    }

    fn subscribe(&mut self, input: &mut Input<'_>) {
        self.events(); // a refusal that has not been told yet must not be taken for the new one's
        let choice = input.byte();
        let filter = FILTERS[usize::from(choice >> 4) % FILTERS.len()];
        let replay = if choice & 8 == 0 {
            Replay::Send
        } else {
            Replay::DoNotSend
        };
        let qos = QOS[usize::from(choice % 3)];
        if let Ok(id) = self.session.subscribe(self.now, filter, qos, replay) {
            let bit = 1 << id.0;
            assert_eq!(self.broker.subscriptions & bit, 0, "a slot given twice");
            self.broker.subscriptions |= bit;
        }
    }

    /// Time passes; if a deadline lies in it, it is kept.
    fn pass(&mut self, input: &mut Input<'_>) {
        let step = Duration::from_millis(u64::from(input.byte()) * 100);
        self.now = self.now.after(step);
        if self
            .session
            .poll_timeout()
            .is_some_and(|due| due <= self.now)
        {
            self.drain();
            match self.session.handle_timeout(self.now) {
                Ok(()) => {
                    self.drain();
                    let next = self.session.poll_timeout();
                    assert!(
                        next.is_none_or(|next| next > self.now),
                        "a deadline that stays"
                    );
                }
                Err(_) => self.fail(),
            }
        }
    }

    fn transmit(&mut self, room: usize) -> usize {
        let mut out = vec![0; room];
        let count = self.session.poll_transmit(self.now, &mut out);
        self.broker.read(&out[..count]);
        count
    }

    fn drain(&mut self) {
        let mut turns = 0;
        while self.transmit(256) > 0 {
            turns += 1;
            assert!(turns < 1_000, "writes without end");
        }
        self.broker.assert_drained();
    }

    fn events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Published {
                    token,
                    qos,
                    outcome,
                } => self.broker.ended(token, qos, outcome),
                Event::Subscribed { id, result: Err(_) } => {
                    self.broker.subscriptions &= !(1 << id.0);
                }
                Event::Ready => self.broker.ready = true,
                _ => {}
            }
        }
    }

    fn connect(&mut self, version: Version) {
        // Not right upon anything, or that would be to blame.
        self.now = self.now.after(Duration::from_secs(3));
        self.session.handle_closed(self.now);
        self.received.clear();
        self.skip = 0;
        let mut out = [0; 128];
        let credentials = Credentials {
            user_name: Some("u"),
            password: Some(b"p"),
        };
        let length = self
            .session
            .connect(self.now, version, credentials, &mut out);
        let length = length.expect("CONNECT of valid options");
        self.broker.connected(version, &out[..length]);
    }

    /// The broker sends one whole packet.
    fn frame(&mut self, frame: &[u8]) {
        if frame.is_empty() {
            return;
        }
        self.events(); // what was given up before is not ended by an answer now
        if !self.session.can_receive() {
            self.drain();
            assert!(self.session.can_receive() || !self.broker.is_up());
        }
        let live = self.broker.subscriptions;
        let failed = match self.session.handle_frame(self.now, frame) {
            Ok(message) => {
                if let Some(message) = &message {
                    // A refused subscription is known as gone only by its event.
                    assert_eq!(message.subscriptions.0 & !live, 0, "a message for nobody");
                }
                self.broker.taken(frame, message.as_ref());
                false
            }
            Err(error) => {
                self.broker.refused(frame, &error);
                true
            }
        };
        if failed {
            self.fail();
        }
    }

    /// The connection cannot go on: a last DISCONNECT may be written, then it is closed.
    fn fail(&mut self) {
        self.broker.failed = true;
        self.drain();
        self.events();
        self.connect(self.broker.version);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.drain();
        let passed = self.skip.min(bytes.len());
        self.skip -= passed;
        self.received.extend_from_slice(&bytes[passed..]);
        loop {
            match next_frame(&self.received, MAX_PACKET) {
                Frame::Whole(length) => {
                    let frame: Vec<u8> = self.received.drain(..length).collect();
                    if !self.broker.is_mean(&frame) {
                        self.frame(&frame);
                    }
                }
                Frame::Partial { .. } => return,
                Frame::Oversized { length } => {
                    let head = std::mem::take(&mut self.received);
                    self.skip = length.saturating_sub(head.len());
                    let head = &head[..length.min(head.len())];
                    return self.oversized(head, length);
                }
                Frame::Malformed => return self.connect(self.broker.version),
            }
        }
    }

    fn oversized(&mut self, head: &[u8], length: usize) {
        let accepted = self.session.handle_oversized(self.now, head, length);
        match accepted.map(|oversized| oversized.topic.is_some()) {
            Ok(new) => self.broker.passed_over(head, new),
            Err(_) => self.fail(),
        }
    }

    /// A broker that answers everything: all that was begun comes to its end.
    fn settle(&mut self) {
        let version = self.broker.version;
        self.connect(version);
        self.broker.ready = false;
        let mut packet = [0; 64];
        let length = self.broker.accept(&mut packet);
        self.frame(&packet[..length]);
        assert!(self.broker.is_up(), "a plain CONNACK is accepted");
        for _ in 0..64 {
            self.drain();
            self.events();
            let Some(length) = self.broker.next_answer(&mut packet) else {
                break;
            };
            self.frame(&packet[..length]);
        }
        self.drain();
        self.events();
        self.broker.assert_settled();
    }
}
