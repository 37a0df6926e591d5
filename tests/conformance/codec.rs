//! What an encoder refuses, and a few packets spelled out; all else about the codec is in the vectors.

use bitsperity_mqtt_core::packet::{
    Ack, Auth, ConnAck, Connect, DecodeError, Delivery, Disconnect, EncodeError, Filters, Packet,
    PacketId, PacketType, Properties, Property, Publish, Reason, SubAck, Subscribe,
    SubscriptionOptions, UnsubAck, Unsubscribe, Utf8, Version, Will,
};
use bitsperity_mqtt_core::topic::TopicError;

fn id(number: u16) -> PacketId {
    PacketId::new(number).unwrap()
}

#[test]
fn a_publish_with_properties_there_and_back() {
    let list = [
        Property::PayloadFormatIndicator(true),
        Property::MessageExpiryInterval(60),
        Property::UserProperty("k", "v"),
        Property::UserProperty("k", "v"),
    ];
    let packet = Packet::Publish(Publish {
        dup: true,
        delivery: Delivery::AtLeastOnce(id(10)),
        retain: true,
        topic: "a/ä".into(),
        properties: Properties::list(&list),
        payload: b"payload",
    });
    let mut out = [0; 64];
    let length = packet.encode(Version::V5, &mut out).unwrap();
    assert_eq!(out[0], 0x3b);
    assert_eq!(Packet::decode(&out[..length], Version::V5), Ok(packet));
    assert_eq!(
        packet.encode(Version::V5, &mut out[..length - 1]),
        Err(EncodeError::OutputTooSmall { needed: length })
    );
    assert_eq!(
        packet.encode(Version::V311, &mut out),
        Err(EncodeError::NotInVersion)
    );
}

#[test]
fn acknowledgements_are_as_short_as_they_can_be() {
    let mut out = [0; 16];
    let ack = Packet::PubRel(Ack::success(id(0x1234)));
    assert_eq!(ack.encode(Version::V5, &mut out), Ok(4));
    assert_eq!(out[..4], [0x62, 2, 0x12, 0x34]);
    let ack = Packet::PubAck(Ack {
        reason: Reason::NO_MATCHING_SUBSCRIBERS,
        ..Ack::success(id(1))
    });
    assert_eq!(ack.encode(Version::V5, &mut out), Ok(5));
    assert_eq!(out[..5], [0x40, 3, 0, 1, 0x10]);
    assert_eq!(Packet::decode(&out[..5], Version::V5), Ok(ack));
    assert_eq!(
        Packet::decode(&out[..5], Version::V311),
        Err(DecodeError::TrailingBytes)
    );
}

const CONNECT: Connect<'static> = Connect {
    clean_start: true,
    keep_alive: 60,
    properties: Properties::NONE,
    client_id: "c",
    will: None,
    user_name: None,
    password: None,
};

const PUBLISH: Publish<'static> = Publish {
    dup: false,
    delivery: Delivery::AtMostOnce,
    retain: false,
    topic: Utf8::new("t"),
    properties: Properties::NONE,
    payload: b"",
};

/// Encoding `packet` fails alike, whatever room there is.
fn refused(packet: &Packet<'_>, version: Version, error: EncodeError) {
    let mut room = [0; 256];
    assert_eq!(packet.encode(version, &mut []), Err(error), "{packet:?}");
    assert_eq!(packet.encode(version, &mut room), Err(error), "{packet:?}");
    assert_eq!(room, [0; 256]);
}

#[test]
fn an_encoder_refuses_what_a_decoder_would() {
    let invalid = EncodeError::Invalid;
    let publish = |publish, error| {
        for version in [Version::V311, Version::V5] {
            refused(&Packet::Publish(publish), version, invalid(error));
        }
    };
    publish(
        Publish {
            dup: true,
            ..PUBLISH
        },
        DecodeError::DupAtQoS0,
    );
    publish(
        Publish {
            topic: "".into(),
            ..PUBLISH
        },
        DecodeError::NoTopic,
    );
    let wildcard = DecodeError::TopicName(TopicError::Wildcard(2));
    publish(
        Publish {
            topic: "a/#".into(),
            ..PUBLISH
        },
        wildcard,
    );
    let nul = DecodeError::TopicName(TopicError::Nul(1));
    publish(
        Publish {
            topic: "a\0".into(),
            ..PUBLISH
        },
        nul,
    );
    let long = "x".repeat(65_536);
    let too_long = DecodeError::TopicName(TopicError::TooLong);
    publish(
        Publish {
            topic: long.as_str().into(),
            ..PUBLISH
        },
        too_long,
    );

    let v5 = |list: &[Property<'_>], error| {
        let properties = Properties::list(list);
        refused(
            &Packet::Publish(Publish {
                properties,
                ..PUBLISH
            }),
            Version::V5,
            error,
        );
    };
    v5(
        &[Property::TopicAlias(0)],
        invalid(DecodeError::PropertyValue(35)),
    );
    v5(
        &[Property::SubscriptionIdentifier(268_435_456)],
        invalid(DecodeError::PropertyValue(11)),
    );
    v5(&[Property::ContentType("a\0")], invalid(DecodeError::Nul));
    v5(&[Property::ContentType(&long)], EncodeError::FieldTooLong);
    v5(
        &[Property::UserProperty("k", &long)],
        EncodeError::FieldTooLong,
    );
    v5(
        &[Property::CorrelationData(long.as_bytes())],
        EncodeError::FieldTooLong,
    );
    v5(
        &[Property::TopicAlias(1); 2],
        invalid(DecodeError::PropertyTwice(35)),
    );
    let misplaced = DecodeError::PropertyNotAllowed(Some(PacketType::Publish), 33);
    v5(&[Property::ReceiveMaximum(1)], invalid(misplaced));
}

#[test]
fn an_encoder_refuses_fields_that_are_too_long_or_contradict() {
    let long = "x".repeat(65_536);
    let connect = |connect, version, error| refused(&Packet::Connect(connect), version, error);
    for version in [Version::V311, Version::V5] {
        let too_long = EncodeError::FieldTooLong;
        connect(
            Connect {
                client_id: &long,
                ..CONNECT
            },
            version,
            too_long,
        );
        connect(
            Connect {
                user_name: Some(&long),
                ..CONNECT
            },
            version,
            too_long,
        );
        let user_name = Some("u");
        let password = Some(long.as_bytes());
        connect(
            Connect {
                user_name,
                password,
                ..CONNECT
            },
            version,
            too_long,
        );
        let nul = EncodeError::Invalid(DecodeError::Nul);
        connect(
            Connect {
                client_id: "\0",
                ..CONNECT
            },
            version,
            nul,
        );
        let will = Will {
            qos: Default::default(),
            retain: false,
            properties: Properties::NONE,
            topic: "+",
            payload: b"",
        };
        let wildcard = EncodeError::Invalid(DecodeError::WillTopic(TopicError::Wildcard(0)));
        connect(
            Connect {
                will: Some(will),
                ..CONNECT
            },
            version,
            wildcard,
        );
    }
    let login = Connect {
        password: Some(b"p"),
        ..CONNECT
    };
    let alone = EncodeError::Invalid(DecodeError::PasswordWithoutUserName);
    connect(login, Version::V311, alone);
    let nameless = Connect {
        client_id: "",
        clean_start: false,
        ..CONNECT
    };
    connect(
        nameless,
        Version::V311,
        EncodeError::Invalid(DecodeError::ClientIdRequired),
    );
}

#[test]
fn an_encoder_refuses_what_3_1_1_cannot_say() {
    let list = [Property::ReasonString("r")];
    let properties = Properties::list(&list);
    let packet_id = id(1);
    let no_local = SubscriptionOptions {
        no_local: true,
        ..Default::default()
    };
    let failed = Ack {
        reason: Reason::QUOTA_EXCEEDED,
        ..Ack::success(packet_id)
    };
    for packet in [
        Packet::Auth(Auth {
            reason: Reason::SUCCESS,
            properties: Properties::NONE,
        }),
        Packet::PubAck(failed),
        Packet::PubAck(Ack {
            properties,
            ..Ack::success(packet_id)
        }),
        Packet::Disconnect(Disconnect {
            reason: Reason::SERVER_BUSY,
            properties: Properties::NONE,
        }),
        Packet::UnsubAck(UnsubAck {
            packet_id,
            properties: Properties::NONE,
            codes: &[0],
        }),
        Packet::Subscribe(Subscribe {
            packet_id,
            properties: Properties::NONE,
            filters: Filters::list(&[("a", no_local)]),
        }),
    ] {
        refused(&packet, Version::V311, EncodeError::NotInVersion);
    }
}

#[test]
fn an_encoder_refuses_empty_lists_and_foreign_reasons() {
    let packet_id = id(1);
    let properties = Properties::NONE;
    for (packet, error) in [
        (
            Packet::Subscribe(Subscribe {
                packet_id,
                properties,
                filters: Filters::list(&[]),
            }),
            DecodeError::NoFilter(PacketType::Subscribe),
        ),
        (
            Packet::Unsubscribe(Unsubscribe {
                packet_id,
                properties,
                filters: Filters::list(&[]),
            }),
            DecodeError::NoFilter(PacketType::Unsubscribe),
        ),
        (
            Packet::SubAck(SubAck {
                packet_id,
                properties,
                codes: &[],
            }),
            DecodeError::NoReasonCode(PacketType::SubAck),
        ),
        (
            Packet::ConnAck(ConnAck {
                session_present: true,
                reason: Reason::BANNED,
                properties,
            }),
            DecodeError::SessionPresentRefused,
        ),
        (
            Packet::PubRel(Ack {
                reason: Reason::QUOTA_EXCEEDED,
                ..Ack::success(packet_id)
            }),
            DecodeError::ReasonCode(PacketType::PubRel, 0x97),
        ),
    ] {
        refused(&packet, Version::V5, EncodeError::Invalid(error));
    }
}

/// What was decoded from one packet is written into another only if that may hold it, as often.
#[test]
fn decoded_properties_are_refused_where_they_may_not_be() {
    let (one, two) = (
        Property::SubscriptionIdentifier(1),
        Property::SubscriptionIdentifier(2),
    );
    let user = Property::UserProperty("a", "b");
    let filters = [("a", SubscriptionOptions::default())];
    for (list, expected) in [
        (vec![one, two], Err(DecodeError::PropertyTwice(11))),
        (
            vec![user, Property::TopicAlias(1)],
            Err(DecodeError::PropertyNotAllowed(
                Some(PacketType::Subscribe),
                35,
            )),
        ),
        (vec![user, one, user], Ok(())),
    ] {
        let publish = Packet::Publish(Publish {
            properties: Properties::list(&list),
            ..PUBLISH
        });
        let (mut bytes, mut out) = ([0; 64], [0; 64]);
        let length = publish.encode(Version::V5, &mut bytes).unwrap();
        let decoded = Packet::decode(&bytes[..length], Version::V5).unwrap();
        let again = decoded.encode(Version::V5, &mut out);
        assert_eq!((again, &out), (Ok(length), &bytes));
        let Packet::Publish(Publish { properties, .. }) = decoded else {
            panic!("{decoded:?}")
        };
        let subscribe = Packet::Subscribe(Subscribe {
            packet_id: id(1),
            properties,
            filters: Filters::list(&filters),
        });
        let found = subscribe.encode(Version::V5, &mut out).map(drop);
        assert_eq!(found, expected.map_err(EncodeError::Invalid));
    }
}

#[test]
fn a_packet_larger_than_mqtt_allows_is_refused_by_its_length() {
    let payload = vec![0; 268_435_456];
    let packet = Packet::Publish(Publish {
        payload: &payload,
        ..PUBLISH
    });
    refused(&packet, Version::V5, EncodeError::TooLarge);
    let packet = Packet::Publish(Publish {
        payload: &payload[..268_435_451],
        ..PUBLISH
    });
    assert_eq!(
        packet.encode(Version::V5, &mut []),
        Err(EncodeError::OutputTooSmall {
            needed: 268_435_460
        })
    );
}

#[test]
fn errors_say_what_is_wrong_in_words() {
    for (error, text) in [
        (
            DecodeError::ReasonCode(PacketType::PubAck, 1),
            "PUBACK with reason code 0x01",
        ),
        (
            DecodeError::PropertyTwice(33),
            "property Receive Maximum twice",
        ),
        (
            DecodeError::TopicFilter(TopicError::MultiLevel(3)),
            "a Topic Filter holds '#' that is not the whole last level at byte 3",
        ),
    ] {
        assert_eq!(error.to_string(), text);
        assert_eq!(EncodeError::Invalid(error).to_string(), text);
    }
    assert_eq!(Reason::SERVER_MOVED.to_string(), "Server moved (0x9D)");
    assert_eq!(
        Reason(4).name_v311(),
        "Connection Refused, bad user name or password"
    );
}
