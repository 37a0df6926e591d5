//! The codec, packet by packet.

use bitsperity_mqtt_core::packet::{
    Ack, DecodeError, Delivery, EncodeError, Packet, PacketId, Properties, Property, Publish,
    Reason, Version,
};

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
        topic: "a/ä",
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
