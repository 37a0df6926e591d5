//! Packets made at random: what is encoded decodes to the same; and bytes made at random never panic.

use crate::vectors::encode;
use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{
    Ack, Auth, ConnAck, Connect, Delivery, Disconnect, Filters, Packet, PacketId, Properties,
    Property, Publish, QoS, Reason, RetainHandling, SubAck, Subscribe, SubscriptionOptions,
    UnsubAck, Unsubscribe, Version, Will,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Packets borrow; a test may leak what they borrow from.
fn leak<T>(list: Vec<T>) -> &'static [T] {
    Vec::leak(list)
}

fn text() -> impl Strategy<Value = &'static str> {
    "[^\u{0}]{0,12}".prop_map(|text| &*text.leak())
}

fn bytes() -> impl Strategy<Value = &'static [u8]> {
    vec(any::<u8>(), 0..300).prop_map(leak)
}

fn topic() -> impl Strategy<Value = &'static str> {
    "[^\u{0}+#]{1,40}".prop_map(|text| &*text.leak())
}

fn filter() -> impl Strategy<Value = &'static str> {
    "([a-zä]{0,3}|[+])(/([a-z]{0,3}|[+])){1,4}(/#)?".prop_map(|text| &*text.leak())
}

fn id() -> impl Strategy<Value = PacketId> {
    (1..=u16::MAX).prop_map(|id| PacketId::new(id).unwrap())
}

fn qos() -> impl Strategy<Value = QoS> {
    select(vec![QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce])
}

fn property() -> impl Strategy<Value = Property<'static>> {
    let numbers = prop_oneof![
        any::<u32>().prop_map(Property::MessageExpiryInterval),
        any::<u32>().prop_map(Property::SessionExpiryInterval),
        any::<u32>().prop_map(Property::WillDelayInterval),
        (1..=u32::MAX).prop_map(Property::MaximumPacketSize),
        (1..=268_435_455_u32).prop_map(Property::SubscriptionIdentifier),
        any::<u16>().prop_map(Property::ServerKeepAlive),
        any::<u16>().prop_map(Property::TopicAliasMaximum),
        (1..=u16::MAX).prop_map(Property::ReceiveMaximum),
        (1..=u16::MAX).prop_map(Property::TopicAlias),
        (0..=1_u8).prop_map(Property::MaximumQoS),
    ];
    let switches = prop_oneof![
        any::<bool>().prop_map(Property::PayloadFormatIndicator),
        any::<bool>().prop_map(Property::RequestProblemInformation),
        any::<bool>().prop_map(Property::RequestResponseInformation),
        any::<bool>().prop_map(Property::RetainAvailable),
        any::<bool>().prop_map(Property::WildcardSubscriptionAvailable),
        any::<bool>().prop_map(Property::SubscriptionIdentifierAvailable),
        any::<bool>().prop_map(Property::SharedSubscriptionAvailable),
    ];
    let fields = prop_oneof![
        text().prop_map(Property::ContentType),
        topic().prop_map(Property::ResponseTopic),
        bytes().prop_map(Property::CorrelationData),
        text().prop_map(Property::AssignedClientIdentifier),
        text().prop_map(Property::AuthenticationMethod),
        bytes().prop_map(Property::AuthenticationData),
        text().prop_map(Property::ResponseInformation),
        text().prop_map(Property::ServerReference),
        text().prop_map(Property::ReasonString),
        (text(), text()).prop_map(|(name, value)| Property::UserProperty(name, value)),
    ];
    prop_oneof![numbers, switches, fields]
}

/// Any list of properties; few packets may hold it, and those that may not are refused.
fn properties() -> impl Strategy<Value = Properties<'static>> {
    vec(property(), 0..5).prop_map(|list| Properties::list(leak(list)))
}

fn reason() -> impl Strategy<Value = Reason> {
    select(vec![
        0, 1, 2, 4, 0x10, 0x11, 0x18, 0x19, 0x80, 0x87, 0x92, 0x97,
    ])
    .prop_map(Reason)
}

fn ack() -> impl Strategy<Value = Ack<'static>> {
    (id(), reason(), properties()).prop_map(|(packet_id, reason, properties)| Ack {
        packet_id,
        reason,
        properties,
    })
}

fn publish() -> impl Strategy<Value = Packet<'static>> {
    let delivery = prop_oneof![
        Just(Delivery::AtMostOnce),
        id().prop_map(Delivery::AtLeastOnce),
        id().prop_map(Delivery::ExactlyOnce),
    ];
    let topic = prop_oneof![9 => topic(), 1 => Just("")];
    (
        any::<bool>(),
        delivery,
        any::<bool>(),
        topic,
        properties(),
        bytes(),
    )
        .prop_map(|(dup, delivery, retain, topic, properties, payload)| {
            Packet::Publish(Publish {
                dup,
                delivery,
                retain,
                topic: topic.into(),
                properties,
                payload,
            })
        })
}

fn will() -> impl Strategy<Value = Will<'static>> {
    (qos(), any::<bool>(), properties(), topic(), bytes()).prop_map(
        |(qos, retain, properties, topic, payload)| Will {
            qos,
            retain,
            properties,
            topic,
            payload,
        },
    )
}

fn connect() -> impl Strategy<Value = Packet<'static>> {
    let login = (proptest::option::of(text()), proptest::option::of(bytes()));
    let will = proptest::option::of(will());
    (
        any::<bool>(),
        any::<u16>(),
        properties(),
        text(),
        will,
        login,
    )
        .prop_map(
            |(clean_start, keep_alive, properties, client_id, will, (user_name, password))| {
                Packet::Connect(Connect {
                    clean_start,
                    keep_alive,
                    properties,
                    client_id,
                    will,
                    user_name,
                    password,
                })
            },
        )
}

fn options() -> impl Strategy<Value = SubscriptionOptions> {
    let handling = select(vec![
        RetainHandling::Send,
        RetainHandling::SendIfNew,
        RetainHandling::DoNotSend,
    ]);
    (qos(), any::<bool>(), any::<bool>(), handling).prop_map(
        |(qos, no_local, retain_as_published, retain_handling)| SubscriptionOptions {
            qos,
            no_local,
            retain_as_published,
            retain_handling,
        },
    )
}

fn packet() -> impl Strategy<Value = Packet<'static>> {
    let codes = || vec(reason().prop_map(|reason| reason.0), 0..4).prop_map(leak);
    let acks = prop_oneof![
        ack().prop_map(Packet::PubAck),
        ack().prop_map(Packet::PubRec),
        ack().prop_map(Packet::PubRel),
        ack().prop_map(Packet::PubComp),
    ];
    let lists = prop_oneof![
        (id(), properties(), vec((filter(), options()), 0..4)).prop_map(
            |(packet_id, properties, filters)| Packet::Subscribe(Subscribe {
                packet_id,
                properties,
                filters: Filters::list(leak(filters)),
            })
        ),
        (id(), properties(), vec((filter(), Just(())), 0..4)).prop_map(
            |(packet_id, properties, filters)| Packet::Unsubscribe(Unsubscribe {
                packet_id,
                properties,
                filters: Filters::list(leak(filters)),
            })
        ),
        (id(), properties(), codes()).prop_map(|(packet_id, properties, codes)| Packet::SubAck(
            SubAck {
                packet_id,
                properties,
                codes,
            }
        )),
        (id(), properties(), codes()).prop_map(|(packet_id, properties, codes)| {
            Packet::UnsubAck(UnsubAck {
                packet_id,
                properties,
                codes,
            })
        }),
    ];
    let others = prop_oneof![
        (any::<bool>(), reason(), properties()).prop_map(
            |(session_present, reason, properties)| Packet::ConnAck(ConnAck {
                session_present,
                reason,
                properties,
            })
        ),
        (reason(), properties())
            .prop_map(|(reason, properties)| Packet::Disconnect(Disconnect { reason, properties })),
        (reason(), properties())
            .prop_map(|(reason, properties)| Packet::Auth(Auth { reason, properties })),
        Just(Packet::PingReq),
        Just(Packet::PingResp),
    ];
    prop_oneof![publish(), connect(), acks, lists, others]
}

fn version() -> impl Strategy<Value = Version> {
    select(vec![Version::V311, Version::V5])
}

fn check(packet: &Packet<'_>, version: Version) -> Result<(), TestCaseError> {
    if let Ok(bytes) = encode(packet, version) {
        prop_assert_eq!(Packet::decode(&bytes, version), Ok(*packet));
        prop_assert_eq!(next_frame(&bytes, usize::MAX), Frame::Whole(bytes.len()));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 1000 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decode_after_encode_is_identity(packet in packet(), version in version()) {
        check(&packet, version)?;
    }

    #[test]
    fn what_random_bytes_decode_to_encodes_again(
        bytes in vec(any::<u8>(), 0..64),
        first in any::<u8>(),
        version in version(),
    ) {
        let mut packet = vec![first, u8::try_from(bytes.len()).unwrap()];
        packet.extend_from_slice(&bytes);
        if let Ok(packet) = Packet::decode(&packet, version) {
            let again = encode(&packet, version).unwrap();
            prop_assert_eq!(Packet::decode(&again, version), Ok(packet));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 60 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_in_pieces_is_the_same_stream(
        packets in vec(packet(), 1..12),
        pieces in vec(1..30_usize, 1..6),
    ) {
        let packets: Vec<Vec<u8>> = packets
            .iter()
            .filter_map(|packet| encode(packet, Version::V5).ok())
            .collect();
        prop_assert_eq!(crate::framer::frames(&packets.concat(), &pieces), packets);
    }
}

#[test]
fn enough_random_packets_keep_the_rules_to_test_something() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let count = if cfg!(miri) { 20 } else { 1000 };
    let valid = (0..count)
        .filter(|_| {
            let packet = packet().new_tree(&mut runner).unwrap().current();
            encode(&packet, Version::V5).is_ok()
        })
        .count();
    assert!(valid > count * 15 / 100, "{valid} of {count}");
}
