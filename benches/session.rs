//! A session under load: a thousand publications in flight, and a stream of messages to be acknowledged.

#![allow(missing_docs)] // criterion's macros make public items

mod support;

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{Ack, Packet, PacketId, Properties, QoS, Version};
use bitsperity_mqtt_core::session::{
    Credentials, InFlight, Options, Publication, Replay, Session, Storage, Subscription,
};
use bitsperity_mqtt_core::time::Instant;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use support::{TOPIC, payload};

const IN_FLIGHT: u16 = 1_000;
const NOW: Instant = Instant::ZERO;

struct Memory {
    outbound: Vec<u8>,
    in_flight: Vec<InFlight>,
    aliases: Vec<u8>,
    subscriptions: Vec<Subscription>,
    received: Box<[u64; 1024]>,
}

impl Memory {
    fn new() -> Self {
        Self {
            outbound: vec![0; 1 << 20],
            in_flight: vec![InFlight::default(); usize::from(IN_FLIGHT)],
            aliases: vec![0; 65_535],
            subscriptions: vec![Subscription::EMPTY; 8],
            received: Box::new([0; 1024]),
        }
    }

    /// A session that is connected with 3.1.1 and subscribed to everything.
    fn session(&mut self, out: &mut [u8]) -> Session<'_> {
        let options = Options {
            client_id: "client",
            keep_alive: 0,
            clean_start: true,
            fresh_client_id: false,
            session_expiry: 0,
            receive_maximum: 64,
            maximum_packet_size: 1 << 20,
            will: None,
        };
        let mut session = Session::new(
            options,
            Storage {
                outbound: &mut self.outbound,
                in_flight: &mut self.in_flight,
                aliases: &mut self.aliases,
                subscriptions: &mut self.subscriptions,
                received: &mut self.received,
            },
        );
        session
            .connect(NOW, Version::V311, Credentials::default(), out)
            .expect("valid options");
        session
            .handle_frame(NOW, &[0x20, 2, 0, 0])
            .expect("a valid CONNACK");
        session
            .subscribe(NOW, "#", QoS::ExactlyOnce, Replay::Send)
            .expect("room");
        session.poll_transmit(NOW, out);
        session
            .handle_frame(NOW, &[0x90, 3, 0, 1, 2])
            .expect("a valid SUBACK");
        while session.poll_event().is_some() {}
        session
    }
}

/// The Packet Identifiers of what was written.
fn ids(mut written: &[u8]) -> Vec<PacketId> {
    let mut ids = Vec::new();
    while let Frame::Whole(length) = next_frame(written, usize::MAX) {
        let (packet, rest) = written.split_at(length);
        if let Ok(Packet::Publish(publish)) = Packet::decode(packet, Version::V311) {
            ids.extend(publish.delivery.packet_id());
        }
        written = rest;
    }
    ids
}

fn outbound(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session/publish QoS 1, acknowledged");
    let payload = payload(128);
    let publication = Publication {
        topic: TOPIC,
        payload: &payload,
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: Properties::NONE,
    };
    for depth in [1, usize::from(IN_FLIGHT)] {
        let (mut memory, mut out) = (Memory::new(), vec![0; 1 << 20]);
        let mut session = memory.session(&mut out);
        group.throughput(Throughput::Elements(depth as u64));
        group.bench_function(format!("{depth} in flight"), |b| {
            b.iter(|| {
                for _ in 0..depth {
                    session.publish(NOW, &publication).expect("room");
                }
                let written = session.poll_transmit(NOW, &mut out);
                let mut frame = [0; 4];
                for id in ids(&out[..written]) {
                    let puback = Packet::PubAck(Ack::success(id));
                    let length = puback
                        .encode(Version::V311, &mut frame)
                        .expect("four bytes");
                    session
                        .handle_frame(NOW, &frame[..length])
                        .expect("a valid PUBACK");
                }
                let mut ended = 0;
                while session.poll_event().is_some() {
                    ended += 1;
                }
                assert_eq!(ended, depth);
            });
        });
    }
}

fn inbound(criterion: &mut Criterion) {
    const TURN: usize = 32;
    let mut group = criterion.benchmark_group("session/receive PUBLISH 128 B");
    group.throughput(Throughput::Elements(TURN as u64));
    for (name, case) in [("QoS 0", 2), ("QoS 1", 3)] {
        let (mut memory, mut out) = (Memory::new(), vec![0; 8 * 1024]);
        let mut session = memory.session(&mut out);
        let frame = &support::cases()[case].bytes;
        group.bench_function(name, |b| {
            b.iter(|| {
                for _ in 0..TURN {
                    let message = session
                        .handle_frame(NOW, black_box(frame))
                        .expect("a valid PUBLISH");
                    black_box(message.expect("a new one").subscriptions);
                }
                session.poll_transmit(NOW, &mut out)
            });
        });
    }
}

criterion_group!(benches, outbound, inbound);
criterion_main!(benches);
