//! The core allocates nothing: counted, over the paths that run for each packet and each message.

mod support;

use allocation_counter::measure;
use bitsperity_mqtt_core::framer::next_frame;
use bitsperity_mqtt_core::packet::{Packet, Properties, QoS, Version};
use bitsperity_mqtt_core::payload::inspect;
use bitsperity_mqtt_core::reduce::health::{ChannelSlot, DeviceSlot, Entry, Pattern};
use bitsperity_mqtt_core::reduce::prune::Slot;
use bitsperity_mqtt_core::reduce::stats::{Flow, Heavy, TopicStats};
use bitsperity_mqtt_core::reduce::topics::TopicSlot;
use bitsperity_mqtt_core::reduce::{Distinct, Health, Pruner, Record, Stats, Topics};
use bitsperity_mqtt_core::session::{
    Credentials, InFlight, Options, Publication, Replay, Session, Storage, Subscription,
};
use bitsperity_mqtt_core::time::Instant;
use bitsperity_mqtt_core::topic;
use std::hint::black_box;
use support::{TOPIC, payload};

fn assert_none(what: &str, mut work: impl FnMut()) {
    let counted = measure(&mut work);
    assert_eq!(counted.count_total, 0, "{what} allocates");
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(black_box(vec![1_u8; 10]))).count_total, 1);
}

#[test]
fn framing_decoding_and_encoding() {
    for case in support::cases() {
        let mut out = vec![0; case.bytes.len()];
        assert_none(case.name, || {
            black_box(next_frame(&case.bytes, 1 << 20));
            let packet =
                Packet::decode(black_box(&case.bytes), case.version).expect("a valid packet");
            let length = packet
                .encode(case.version, &mut out)
                .expect("a valid packet");
            assert_eq!(out[..length], case.bytes);
        });
    }
    let filters = support::filters();
    assert_none("matching", || {
        assert_eq!(
            filters
                .iter()
                .filter(|filter| topic::matches(filter, TOPIC))
                .count(),
            3
        );
    });
}

#[test]
fn a_session() {
    let options = Options {
        client_id: "client",
        keep_alive: 60,
        clean_start: true,
        fresh_client_id: false,
        session_expiry: 0,
        receive_maximum: 64,
        maximum_packet_size: 1 << 20,
        will: None,
    };
    let mut outbound = vec![0; 16 * 1024];
    let mut in_flight = vec![InFlight::default(); 64];
    let mut aliases = vec![0; 65_535];
    let mut subscriptions = vec![Subscription::EMPTY; 8];
    let mut received = Box::new([0; 1024]);
    let storage = Storage {
        outbound: &mut outbound,
        in_flight: &mut in_flight,
        aliases: &mut aliases,
        subscriptions: &mut subscriptions,
        received: &mut received,
    };
    let cases = support::cases();
    let payload = payload(128);
    let publication = Publication {
        topic: TOPIC,
        payload: &payload,
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: Properties::NONE,
    };
    let mut out = vec![0; 8 * 1024];
    let now = Instant::ZERO;
    let mut session = Session::new(options, storage);
    let connack = [0x20, 3, 0, 0, 0];
    let suback = [0x90, 4, 0, 1, 0, 1];
    assert_none("a session", || {
        session
            .connect(now, Version::V5, Credentials::default(), &mut out)
            .expect("valid options");
        session
            .handle_frame(now, &connack)
            .expect("a valid CONNACK");
        session
            .subscribe(now, "home/#", QoS::AtLeastOnce, Replay::Send)
            .expect("room");
        assert!(session.poll_transmit(now, &mut out) > 0);
        session.handle_frame(now, &suback).expect("a valid SUBACK");
        for case in cases
            .iter()
            .filter(|case| case.name.starts_with("5.0 PUBLISH"))
        {
            let message = session
                .handle_frame(now, &case.bytes)
                .expect("a valid PUBLISH");
            assert_eq!(message.expect("a new one").subscriptions.0, 1);
        }
        session.publish(now, &publication).expect("room");
        assert!(session.poll_transmit(now, &mut out) > 128);
        while session.poll_event().is_some() {}
        session.poll_timeout().expect("keep alive runs");
        session.handle_closed(now);
    });
}

#[test]
fn the_reduction_of_messages() {
    let mut slots = vec![Slot::default(); Pruner::<Vec<Slot>, Vec<u8>>::slots_for(50)];
    let mut arena = vec![0; 256 * 1024];
    let mut pruner = Box::new(Pruner::new(&mut slots[..], &mut arena[..], 50, 1024));
    let mut topic_slots = vec![TopicSlot::default(); 64];
    let mut index = vec![0; 128];
    let mut names = vec![0; 4096];
    let mut topics = Topics::new(&mut topic_slots[..], &mut index[..], &mut names[..], 1);
    let mut distinct = Distinct::default();
    let payloads: Vec<_> = (0..400)
        .map(|n| format!(r#"{{"value":{n},"error":"timeout {n}"}}"#))
        .collect();
    assert_none("inspect and record", || {
        for (payload, at) in payloads.iter().zip(0..) {
            let record = Record {
                at: Instant::from_micros(at * 1_000_000),
                topic: if at % 3 == 0 { TOPIC } else { "plant/1/state" },
                payload: payload.as_bytes(),
                qos: 0,
                retain: false,
            };
            let facts = inspect(record.topic, record.payload);
            pruner.record(&record, &facts);
            topics.record(&record, &facts);
            distinct.record(facts.shape);
        }
        black_box(distinct.estimate());
    });
    assert_eq!((pruner.count(), topics.seen()), (400, 2));
}

#[test]
fn answers_merging_and_wrappings() {
    let mut memory = [(); 2].map(|()| (vec![Slot::default(); 400], vec![0; 128 * 1024]));
    let [(slots, arena), (more_slots, more_arena)] = &mut memory;
    let mut one = Box::new(Pruner::new(&mut slots[..], &mut arena[..], 50, 1024));
    let mut other = Box::new(Pruner::new(
        &mut more_slots[..],
        &mut more_arena[..],
        50,
        1024,
    ));
    let payloads = (0..400).map(|n| match n % 3 {
        0 => format!(r#"{{"value":{n},"state":"s{}"}}"#, n % 5).into_bytes(),
        1 => b"eyJ0ZW1wIjoyMS41LCJodW0iOjQwfQ==".to_vec(),
        // A stored block of two bytes, their checksum and their number.
        _ => b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x01\x02\0\xfd\xff[])\xbbL\x0d\x02\x00\x00\x00".to_vec(),
    });
    let payloads: Vec<Vec<u8>> = payloads.collect();
    let mut scratch = vec![Default::default(); one.scratch_len()];
    let mut wrapped = 0;
    assert_none("merging and an answer", || {
        for (payload, at) in payloads.iter().zip(0..) {
            let record = Record {
                at: Instant::from_micros(at * 1_000_000),
                topic: TOPIC,
                payload,
                qos: 0,
                retain: false,
            };
            let facts = inspect(record.topic, record.payload);
            wrapped += usize::from(facts.wraps.is_some());
            if at % 2 == 0 {
                one.record(&record, &facts);
            } else {
                other.record(&record, &facts);
            }
        }
        one.merge(&other);
        assert_eq!(black_box(one.kept(&mut scratch)).count(), 50);
    });
    assert_eq!((one.count(), wrapped), (400, 266));
}

#[test]
fn the_numbers_of_messages() {
    let mut flows = vec![Flow::new(Instant::ZERO); 2];
    let mut slots = vec![TopicStats::default(); 8];
    let (mut index, mut names) = (vec![0; 16], vec![0; 512]);
    let heavy = Heavy::new(&mut slots[..], &mut index[..], &mut names[..], 1);
    let mut stats = Stats::new(&mut flows[..], heavy);
    let messages: Vec<_> = (0..400_u64)
        .map(|n| {
            (
                format!("plant/{}/state", n % 20),
                format!(r#"{{"ts":{}}}"#, 1_700_000_000 + n),
            )
        })
        .collect();
    assert_none("numbers", || {
        for ((topic, payload), at) in messages.iter().zip(0..) {
            let record = Record {
                at: Instant::from_micros(at * 1_000_000),
                topic,
                payload: payload.as_bytes(),
                qos: 0,
                retain: false,
            };
            stats.record(&record, (1_700_000_000 + at) * 1_000_000, 1);
        }
        let now = Instant::from_micros(400_000_000);
        let flow = &stats.flows()[1];
        black_box((
            flow.series.spikes(now),
            flow.series.trend(now),
            flow.sizes.quantile(95),
        ));
    });
    assert_eq!(stats.flows()[1].messages, 400);
    assert!(stats.heavy().replaced() > 0);
}

#[test]
fn the_health_of_devices() {
    let mut devices = vec![DeviceSlot::default(); 32];
    let mut index = vec![Entry::default(); 128];
    let mut channels = vec![ChannelSlot::default(); 128];
    let mut names = vec![0; 16 * 1024];
    let room = (
        &mut devices[..],
        &mut index[..],
        &mut channels[..],
        &mut names[..],
    );
    let mut health = Health::new(room, Pattern::name("sensor"), 1);
    let messages: Vec<_> = (0..400)
        .map(|n| {
            let payload = match n % 5 {
                0 => r#"{"state":"offline"}"#.to_owned(),
                1 => r#"{"state":"online"}"#.to_owned(),
                _ => format!(
                    r#"{{"temperature":2{}.5,"battery":4,"error":"E{n}"}}"#,
                    n % 7
                ),
            };
            let topic = format!("zigbee2mqtt/sensor{}", n % 20);
            let availability = if n % 5 < 2 { "/availability" } else { "" };
            (topic + availability, payload)
        })
        .collect();
    assert_none("health", || {
        for ((topic, payload), at) in messages.iter().zip(0..) {
            let record = Record {
                at: Instant::from_micros(at * 1_000_000),
                topic,
                payload: payload.as_bytes(),
                qos: 0,
                retain: false,
            };
            health.record(&record, &inspect(topic, record.payload), Some(at));
        }
        let now = Instant::from_micros(400_000_000);
        for device in health.wanted() {
            black_box((device.findings(now), device.heartbeat()));
        }
    });
    assert_eq!((health.devices().count(), health.missed()), (20, 0));
}

#[test]
fn schemas() {
    use bitsperity_mqtt_core::reduce::Schemas;
    use bitsperity_mqtt_core::reduce::schema::{Family, Node, Row, Storage, Value};
    let make = || {
        let memory = Storage {
            families: vec![Family::default(); 4],
            nodes: vec![Node::default(); 128],
            rows: vec![Row::default(); 64],
            values: vec![Value::default(); 128],
            text: vec![0; 4_096],
        };
        Schemas::new(memory, 1)
    };
    let (mut ours, mut theirs) = (make(), make());
    let message =
        |n: u32| format!(r#"{{"value":{n},"state":"s{n}","list":[{{"k{n}":null}}],"{n}":1.5}}"#);
    let payloads: Vec<_> = (0..400).map(message).collect();
    struct Sink(usize);
    impl std::fmt::Write for Sink {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut sink = Sink(0);
    assert_none("schemas: record, merge, write, confidence", || {
        for (payload, at) in payloads.iter().zip(0..) {
            let record = Record {
                at: Instant::from_micros(at),
                topic: TOPIC,
                payload: payload.as_bytes(),
                qos: 0,
                retain: false,
            };
            let facts = inspect(record.topic, record.payload);
            let schemas = if at % 2 == 0 { &mut ours } else { &mut theirs };
            schemas.record(&record, facts.class, facts.format);
        }
        ours.merge(&theirs);
        for family in ours.families() {
            family.write_schema(&mut sink).expect("a sink takes all");
            black_box((family.confidence(), family.outliers()));
        }
    });
    assert!(sink.0 > 200 && ours.families().all(|family| family.documents() == 400));
}
