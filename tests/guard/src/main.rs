//! Runs one hot path so many times: `guard PATH TIMES`; without arguments lists the paths. `tests/guard/run` counts the
//! instructions between two numbers of times, so that what a start costs falls out.

mod worst;

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{
    ConnAck, Delivery, Packet, PacketId, Properties, Property, Publish, QoS, Reason, SubAck,
    Version,
};
use bitsperity_mqtt_core::payload::{Facts, Format, Memo, inspect, inspect_into};
use bitsperity_mqtt_core::reduce::prune::Slot;
use bitsperity_mqtt_core::reduce::schema::{Family, Node, Row, Storage as Shapes, Value};
use bitsperity_mqtt_core::reduce::topics::TopicSlot;
use bitsperity_mqtt_core::reduce::{Pruner, Record, Schemas, Topics};
use bitsperity_mqtt_core::session::{
    Credentials, InFlight, Options, Replay, Session, Storage, Subscription,
};
use bitsperity_mqtt_core::time::Instant;
use bitsperity_mqtt_core::topic;
use std::hint::black_box;

const NOW: Instant = Instant::ZERO;

/// Messages that the pruner keeps.
const TARGET: usize = 50;

const TOPIC: &str = "home/floor-1/kitchen/temperature";
const JSON: &str = r#"{"temperature":21.5,"humidity":43,"battery":97,"linkquality":120,"update":{"state":"idle","installed":4107},"occupancy":false,"device":{"model":"TH01","vendor":"Acme"},"time":"2026-11-22T10:00:00Z","history":[21.1,21.2,21.4]}"#;

type Path = (&'static str, fn(u64));

const PATHS: [Path; 18] = [
    ("decode 3.1.1 PUBLISH 128 B", |times| {
        decode(&publish(Version::V311, &[]), Version::V311, times)
    }),
    ("decode 5.0 PUBLISH 128 B", |times| {
        decode(&publish(Version::V5, &[]), Version::V5, times)
    }),
    ("decode 5.0 PUBLISH 128 B, three properties", |times| {
        decode(&publish(Version::V5, &three()), Version::V5, times);
    }),
    ("decode 3.1.1 CONNACK", |times| {
        decode(&bytes(&connack(), Version::V311), Version::V311, times)
    }),
    ("encode 3.1.1 CONNACK", |times| {
        encode(&bytes(&connack(), Version::V311), Version::V311, times)
    }),
    ("decode 3.1.1 SUBACK", |times| {
        decode(&bytes(&suback(), Version::V311), Version::V311, times)
    }),
    ("encode 3.1.1 SUBACK", |times| {
        encode(&bytes(&suback(), Version::V311), Version::V311, times)
    }),
    ("encode 3.1.1 PUBLISH 128 B", |times| {
        encode(&publish(Version::V311, &[]), Version::V311, times)
    }),
    ("encode 5.0 PUBLISH 128 B, three properties", |times| {
        encode(&publish(Version::V5, &three()), Version::V5, times);
    }),
    (
        "encode 5.0 PUBLISH 128 B, three properties of a list",
        encode_list,
    ),
    ("match one name against 16 filters", matching),
    ("session: frame, message, acknowledgement", session),
    ("inspect 240 B of JSON", |times| {
        for _ in 0..times {
            black_box(inspect(black_box(TOPIC), black_box(JSON.as_bytes())));
        }
    }),
    ("inspect 240 B of JSON, alike before", |times| {
        let mut memo = Box::new(Memo::new(1));
        let mut facts = Facts::new();
        for _ in 0..times {
            inspect_into(
                black_box(&mut facts),
                &mut memo,
                black_box(TOPIC),
                black_box(JSON.as_bytes()),
            );
        }
    }),
    (
        "inspect 100 B of JSON, a stream of a hundred topics",
        stream,
    ),
    ("inspect and prune 240 B of JSON", prune),
    ("schema of 240 B of JSON, a stream of four families", schema),
    ("the same stream from frames to pruner and topics", whole),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(wanted), Some(times)) = (arguments.next(), arguments.next()) else {
        let names = PATHS.iter().map(|(name, _)| *name);
        for name in names.chain(worst::MESSAGES.map(|(name, _)| name)) {
            println!("{name}");
        }
        return;
    };
    let times = times.parse().expect("a number of times");
    if let Some((_, make)) = worst::MESSAGES.iter().find(|(name, _)| *name == wanted) {
        return worst::run(*make, times);
    }
    let (_, run) = PATHS
        .iter()
        .find(|(name, _)| *name == wanted)
        .expect("a path");
    run(times);
}

fn three() -> [Property<'static>; 3] {
    [
        Property::PayloadFormatIndicator(true),
        Property::MessageExpiryInterval(3_600),
        Property::UserProperty("source", "sensor-17"),
    ]
}

fn publish(version: Version, properties: &[Property<'_>]) -> Vec<u8> {
    bytes(&packet(properties), version)
}

fn packet<'a>(properties: &'a [Property<'a>]) -> Packet<'a> {
    Packet::Publish(Publish {
        dup: false,
        delivery: Delivery::AtLeastOnce(PacketId::new(0x1234).expect("not 0")),
        retain: false,
        topic: TOPIC.into(),
        properties: Properties::list(properties),
        payload: &JSON.as_bytes()[..128],
    })
}

fn connack() -> Packet<'static> {
    Packet::ConnAck(ConnAck {
        session_present: false,
        reason: Reason::SUCCESS,
        properties: Properties::NONE,
    })
}

fn suback() -> Packet<'static> {
    Packet::SubAck(SubAck {
        packet_id: PacketId::new(7).expect("not 0"),
        properties: Properties::NONE,
        codes: &[0, 1, 2, 0x80],
    })
}

fn bytes(packet: &Packet<'_>, version: Version) -> Vec<u8> {
    let mut out = vec![0; 512];
    let length = packet.encode(version, &mut out).expect("a valid packet");
    out.truncate(length);
    out
}

fn decode(bytes: &[u8], version: Version, times: u64) {
    for _ in 0..times {
        let frame = next_frame(black_box(bytes), 1 << 20);
        assert_eq!(frame, Frame::Whole(bytes.len()));
        black_box(Packet::decode(black_box(bytes), version)).expect("a valid packet");
    }
}

fn encode(bytes: &[u8], version: Version, times: u64) {
    let packet = Packet::decode(bytes, version).expect("a valid packet");
    let mut out = [0; 512];
    for _ in 0..times {
        black_box(black_box(&packet).encode(version, black_box(&mut out))).expect("room");
    }
}

/// As a caller gives them; those that were decoded are only copied.
fn encode_list(times: u64) {
    let properties = three();
    let packet = packet(&properties);
    let mut out = [0; 512];
    for _ in 0..times {
        black_box(black_box(&packet).encode(Version::V5, black_box(&mut out))).expect("room");
    }
}

fn matching(times: u64) {
    let filters = [
        "#",
        "home/#",
        "home/+/kitchen/#",
        TOPIC,
        "+/floor-1/+/temperature",
        "plant/#",
        "plant/1/+/state",
        "home/floor-1/kitchen/humidity",
        "home/floor-2/+/temperature",
        "$SYS/#",
        "$share/g/home/#",
        "+/+/+/+",
        "+/+/+",
        "home/floor-1/+",
        "home/floor-1/kitchen/temperature/+",
        "a/b/c",
    ];
    for _ in 0..times {
        for filter in filters {
            black_box(topic::matches(black_box(filter), black_box(TOPIC)));
        }
    }
}

fn session(times: u64) {
    let frame = publish(Version::V311, &[]);
    connected(Version::V311, |session| {
        let mut out = [0; 2048];
        for _ in 0..times {
            let message = session
                .handle_frame(NOW, black_box(&frame))
                .expect("a valid PUBLISH");
            assert!(message.is_some());
            while session.poll_event().is_some() {}
            assert_eq!(session.poll_transmit(NOW, &mut out), 4);
            black_box(session.poll_timeout());
        }
    });
}

/// Runs with a session that is connected and subscribed to everything.
fn connected(version: Version, run: impl FnOnce(&mut Session<'_>)) {
    let (connack, suback): (&[u8], &[u8]) = match version {
        Version::V311 => (&[0x20, 2, 0, 0], &[0x90, 3, 0, 1, 1]),
        Version::V5 => (&[0x20, 3, 0, 0, 0], &[0x90, 4, 0, 1, 0, 1]),
    };
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
    let storage = Storage {
        outbound: &mut [0; 1024],
        in_flight: &mut [InFlight::default(); 8],
        aliases: &mut [],
        subscriptions: &mut [Subscription::EMPTY; 8],
        received: &mut [0; 1024],
    };
    let mut session = Session::new(options, storage);
    let mut out = [0; 2048];
    session
        .connect(NOW, version, Credentials::default(), &mut out)
        .expect("valid options");
    session.handle_frame(NOW, connack).expect("a valid CONNACK");
    session
        .subscribe(NOW, "#", QoS::AtLeastOnce, Replay::Send)
        .expect("room");
    session.poll_transmit(NOW, &mut out);
    session.handle_frame(NOW, suback).expect("a valid SUBACK");
    while session.poll_event().is_some() {}
    run(&mut session);
}

/// Topics and payloads of a stream: keys, states and topics come again, numbers change.
fn messages() -> Vec<(String, String)> {
    let message = |n: u32| {
        let payload = format!(
            r#"{{"n":{n},"temperature":{}.{},"humidity":{},"error":null,"note":"{}"}}"#,
            20 + n % 7,
            n % 10,
            40 + n % 20,
            "x".repeat(35),
        );
        (format!("replay/device-{:03}/state", n % 100), payload)
    };
    (0..1_000).map(message).collect()
}

fn stream(times: u64) {
    let messages = messages();
    let mut memo = Box::new(Memo::new(1));
    let mut facts = Facts::new();
    for (_, (topic, payload)) in (0..times).zip(messages.iter().cycle()) {
        inspect_into(&mut facts, &mut memo, topic, payload.as_bytes());
        black_box(&facts);
    }
}

fn whole(times: u64) {
    let identifier = [Property::SubscriptionIdentifier(65)];
    let encode = |(topic, payload): &(String, String)| {
        let mut out = vec![0; 512];
        let packet = Packet::Publish(Publish {
            dup: false,
            delivery: Delivery::AtMostOnce,
            retain: false,
            topic: topic.as_str().into(),
            properties: Properties::list(&identifier),
            payload: payload.as_bytes(),
        });
        let length = packet
            .encode(Version::V5, &mut out)
            .expect("a valid packet");
        out.truncate(length);
        out
    };
    let frames: Vec<Vec<u8>> = messages().iter().map(encode).collect();
    let slots = vec![Slot::default(); Pruner::<Vec<Slot>, Vec<u8>>::slots_for(TARGET)];
    let mut pruner = Box::new(Pruner::new(slots, vec![0; 256 * 1024], TARGET, 1024));
    let slots = vec![TopicSlot::default(); 1_000];
    let mut topics = Topics::new(slots, vec![0; 2_048], vec![0; 96_000], 7);
    let mut memo = Box::new(Memo::new(1));
    connected(Version::V5, |session| {
        for (n, frame) in (0..times).zip(frames.iter().cycle()) {
            assert_eq!(next_frame(frame, 1 << 20), Frame::Whole(frame.len()));
            let message = session.handle_frame(NOW, black_box(frame));
            let message = message.expect("a valid PUBLISH").expect("a message");
            let mut facts = Facts::new();
            inspect_into(&mut facts, &mut memo, message.topic, message.payload);
            let record = Record {
                at: Instant::from_micros(n),
                topic: message.topic,
                payload: message.payload,
                qos: 0,
                retain: false,
            };
            pruner.record(&record, &facts);
            topics.record(&record, &facts);
        }
    });
    assert_eq!(pruner.count(), times);
}

fn prune(times: u64) {
    let slots = vec![Slot::default(); Pruner::<Vec<Slot>, Vec<u8>>::slots_for(TARGET)];
    let mut pruner = Box::new(Pruner::new(slots, vec![0; 256 * 1024], TARGET, 1024));
    for at in 0..times {
        let record = Record {
            at: Instant::from_micros(at * 100_000),
            topic: TOPIC,
            payload: JSON.as_bytes(),
            qos: 0,
            retain: false,
        };
        let facts = inspect(record.topic, record.payload);
        pruner.record(&record, &facts);
    }
    assert_eq!(pruner.count(), times);
}

/// Telemetry whose numbers change, some of its states, and one of its names.
fn telemetry(n: u64) -> String {
    format!(
        r#"{{"timestamp":{}.25,"device_id":"b8:27:eb:bf:{:02x}:51","firmware":"2.14.1","site":"north-hall","temperature":{}.{},"humidity":{}.5,"pressure":1013.{},"battery":{},"rssi":-{},"motion":{},"light":false,"mode":"auto"}}"#,
        1_700_000_000 + n,
        n % 200,
        18 + n % 9,
        n % 10,
        40 + n % 20,
        n % 10,
        80 + n % 19,
        50 + n % 30,
        n.is_multiple_of(7),
    )
}

fn schema(times: u64) {
    let payloads: Vec<String> = (0..1_000).map(telemetry).collect();
    let memory = Shapes {
        families: vec![Family::default(); 16],
        nodes: vec![Node::default(); 256],
        rows: vec![Row::default(); 64],
        values: vec![Value::default(); 192],
        text: vec![0; 4_096],
    };
    let mut schemas = Box::new(Schemas::new(memory, 1));
    for (at, payload) in (0..times).zip(payloads.iter().cycle()) {
        let record = Record {
            at: Instant::from_micros(at),
            topic: TOPIC,
            payload: black_box(payload).as_bytes(),
            qos: 0,
            retain: false,
        };
        black_box(schemas.record(&record, at % 4, Format::JsonObject));
    }
    assert_eq!(schemas.lost(), Default::default());
}
