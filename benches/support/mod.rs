//! What the codec benchmarks share: packets, and the same work for us and for the peers. A peer that hands out borrowed
//! packets is given the slice; one that splits a `BytesMut` is given a stream of so many packets, made beforehand.

#![allow(dead_code, missing_docs)] // each benchmark takes what it needs

pub(crate) mod clients;

use bitsperity_mqtt_core::packet::{
    ConnAck, Delivery, Packet, PacketId, Properties, Property, Publish, Reason, SubAck, Version,
};
use bytes::BytesMut;
use std::hint::black_box;

pub(crate) const TOPIC: &str = "home/floor-1/kitchen/temperature"; // 32 bytes

/// Packets in a peer's stream: small enough to stay in the first-level cache at 128 bytes.
pub(crate) const BATCH: usize = 64;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) version: Version,
    pub(crate) bytes: Vec<u8>,
}

/// Every packet that is measured.
pub(crate) fn cases() -> Vec<Case> {
    let three = [
        Property::PayloadFormatIndicator(true),
        Property::MessageExpiryInterval(3_600),
        Property::UserProperty("source", "sensor-17"),
    ];
    let publish = |qos1: bool, size: usize, properties: &[Property<'_>], version| {
        let payload = payload(size);
        encoded(
            &publish(qos1, Properties::list(properties), &payload),
            version,
        )
    };
    let (v311, v5) = (Version::V311, Version::V5);
    let mut cases = Vec::new();
    let mut case = |name, version, bytes| {
        cases.push(Case {
            name,
            version,
            bytes,
        })
    };
    case(
        "3.1.1 PUBLISH 64 B QoS 0",
        v311,
        publish(false, 64, &[], v311),
    );
    case(
        "3.1.1 PUBLISH 64 B QoS 1",
        v311,
        publish(true, 64, &[], v311),
    );
    case(
        "3.1.1 PUBLISH 128 B QoS 0",
        v311,
        publish(false, 128, &[], v311),
    );
    case(
        "3.1.1 PUBLISH 128 B QoS 1",
        v311,
        publish(true, 128, &[], v311),
    );
    case(
        "3.1.1 PUBLISH 4 KiB QoS 0",
        v311,
        publish(false, 4096, &[], v311),
    );
    case(
        "3.1.1 PUBLISH 4 KiB QoS 1",
        v311,
        publish(true, 4096, &[], v311),
    );
    case(
        "3.1.1 CONNACK",
        v311,
        encoded(&connack(Properties::NONE), v311),
    );
    case("3.1.1 SUBACK, 4 filters", v311, encoded(&suback(), v311));
    case("5.0 PUBLISH 128 B QoS 0", v5, publish(false, 128, &[], v5));
    case(
        "5.0 PUBLISH 128 B QoS 1, three properties",
        v5,
        publish(true, 128, &three, v5),
    );
    let granted = [
        Property::ReceiveMaximum(20),
        Property::TopicAliasMaximum(10),
        Property::AssignedClientIdentifier("auto-5D7C1A3E"),
    ];
    case(
        "5.0 CONNACK, three properties",
        v5,
        encoded(&connack(Properties::list(&granted)), v5),
    );
    cases
}

/// Text of so many bytes.
pub(crate) fn payload(size: usize) -> Vec<u8> {
    br#"{"temperature":21.5,"humidity":43,"battery":97,"linkquality":120}"#
        .iter()
        .copied()
        .cycle()
        .take(size)
        .collect()
}

fn publish<'a>(qos1: bool, properties: Properties<'a>, payload: &'a [u8]) -> Packet<'a> {
    let id = PacketId::new(0x1234).expect("not 0");
    Packet::Publish(Publish {
        dup: false,
        delivery: if qos1 {
            Delivery::AtLeastOnce(id)
        } else {
            Delivery::AtMostOnce
        },
        retain: false,
        topic: TOPIC.into(),
        properties,
        payload,
    })
}

fn connack(properties: Properties<'_>) -> Packet<'_> {
    Packet::ConnAck(ConnAck {
        session_present: false,
        reason: Reason::SUCCESS,
        properties,
    })
}

fn suback() -> Packet<'static> {
    Packet::SubAck(SubAck {
        packet_id: PacketId::new(7).expect("not 0"),
        properties: Properties::NONE,
        codes: &[0, 1, 2, 0x80],
    })
}

fn encoded(packet: &Packet<'_>, version: Version) -> Vec<u8> {
    let mut out = vec![0; 8 * 1024];
    let length = packet.encode(version, &mut out).expect("a valid packet");
    out.truncate(length);
    out
}

#[inline(never)]
pub(crate) fn decode(bytes: &[u8], version: Version) {
    black_box(Packet::decode(black_box(bytes), version)).expect("a valid packet");
}

/// As [`decode`], and each property is read as well: for peers that make something of each at once.
#[inline(never)]
pub(crate) fn decode_and_read(bytes: &[u8], version: Version) {
    let packet = black_box(Packet::decode(black_box(bytes), version));
    let packet = packet.as_ref().expect("a valid packet");
    properties(packet).iter().for_each(|property| {
        black_box(property);
    });
}

fn properties<'a>(packet: &Packet<'a>) -> Properties<'a> {
    match packet {
        Packet::Publish(packet) => packet.properties,
        Packet::ConnAck(packet) => packet.properties,
        _ => Properties::NONE,
    }
}

/// The properties of `packet` as a caller has them who sends it.
pub(crate) fn listed<'a>(packet: &Packet<'a>) -> Vec<Property<'a>> {
    properties(packet).iter().collect()
}

/// `packet` with `list` for its properties.
pub(crate) fn with_list<'a>(packet: Packet<'a>, list: &'a [Property<'a>]) -> Packet<'a> {
    let properties = Properties::list(list);
    match packet {
        Packet::Publish(packet) => Packet::Publish(Publish {
            properties,
            ..packet
        }),
        Packet::ConnAck(packet) => Packet::ConnAck(ConnAck {
            properties,
            ..packet
        }),
        other => other,
    }
}

#[inline(never)]
pub(crate) fn decode_mqttrs(bytes: &[u8]) {
    black_box(mqttrs::decode_slice(black_box(bytes))).expect("a valid packet");
}

/// Of 5.0. A lower bound: its door drops the result, and properties are not looked at before they are read.
#[inline(never)]
pub(crate) fn decode_minimq(bytes: &[u8]) {
    minimq::fuzzing::parse_received_packet(black_box(bytes));
}

/// A stream for [`decode_mqttbytes`].
pub(crate) fn stream(bytes: &[u8]) -> BytesMut {
    BytesMut::from(&*bytes.repeat(BATCH))
}

/// The codec that rumqttc carries: reads the whole stream.
#[inline(never)]
pub(crate) fn decode_mqttbytes(stream: &mut BytesMut, version: Version) {
    const MAX: usize = 1 << 20;
    for _ in 0..BATCH {
        match version {
            Version::V311 => drop(black_box(
                mqttbytes::v4::read(stream, MAX).expect("a valid packet"),
            )),
            Version::V5 => drop(black_box(
                mqttbytes::v5::read(stream, MAX).expect("a valid packet"),
            )),
        }
    }
}

#[inline(never)]
pub(crate) fn copy(bytes: &[u8], out: &mut [u8]) {
    out[..bytes.len()].copy_from_slice(black_box(bytes));
    black_box(out);
}

#[inline(never)]
pub(crate) fn encode(packet: &Packet<'_>, version: Version, out: &mut [u8]) -> usize {
    black_box(
        black_box(packet)
            .encode(version, black_box(out))
            .expect("a valid packet"),
    )
}

#[inline(never)]
pub(crate) fn encode_mqttrs(packet: &mqttrs::Packet<'_>, out: &mut [u8]) -> usize {
    black_box(mqttrs::encode_slice(black_box(packet), black_box(out)).expect("a valid packet"))
}

/// A hundred filters as a busy client might hold, of which three match [`TOPIC`].
pub(crate) fn filters() -> Vec<String> {
    let mut filters = vec![
        "home/+/kitchen/#".to_owned(),
        TOPIC.to_owned(),
        "+/floor-1/+/temperature".to_owned(),
    ];
    filters.extend((filters.len()..100).map(|number| match number % 4 {
        0 => format!("home/floor-{number}/+/temperature"),
        1 => format!("home/+/room-{number}/#"),
        2 => format!("plant/{number}/line/+/state"),
        _ => format!("home/floor-1/kitchen/sensor-{number}"),
    }));
    filters
}
