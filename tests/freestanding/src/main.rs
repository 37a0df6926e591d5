//! A program without std, without an allocator, without libc (x86-64 Linux): it encodes and decodes a packet, runs a
//! session from CONNECT to an acknowledged message and exits 0, or with the number of the step that failed.
//! There is no allocator to link: if the core asked for memory, this would not build.
#![no_std]
#![no_main]

mod machine;

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{
    Delivery, Packet, PacketId, Properties, Property, Publish, QoS, Version,
};
use bitsperity_mqtt_core::session::{
    Credentials, Event, InFlight, Options, Replay, Session, Storage, Subscription,
};
use bitsperity_mqtt_core::time::Instant;

/// What the program does; the error is the number of the step.
fn run() -> Result<(), u8> {
    there_and_back()?;
    handshake()
}

fn there_and_back() -> Result<(), u8> {
    let packet = Packet::Publish(Publish {
        dup: false,
        delivery: Delivery::AtLeastOnce(PacketId::new(7).ok_or(1)?),
        retain: true,
        topic: "home/kitchen/temperature".into(),
        properties: Properties::list(&[Property::ContentType("text/plain")]),
        payload: b"21.5",
    });
    let mut bytes = [0; 128];
    let length = packet.encode(Version::V5, &mut bytes).map_err(|_| 2)?;
    let bytes = bytes.get(..length).ok_or(3)?;
    require(next_frame(bytes, 128) == Frame::Whole(length), 4)?;
    require(Packet::decode(bytes, Version::V5) == Ok(packet), 5)?;
    require(Packet::decode(bytes, Version::V311) != Ok(packet), 6)
}

fn handshake() -> Result<(), u8> {
    let mut outbound = [0; 1024];
    let mut in_flight = [InFlight::default(); 4];
    let mut subscriptions = [Subscription::EMPTY; 2];
    let mut received = [0; 1024];
    let options = Options {
        client_id: "bare",
        keep_alive: 60,
        clean_start: true,
        fresh_client_id: false,
        session_expiry: 0,
        receive_maximum: 8,
        maximum_packet_size: 1024,
        will: None,
    };
    let storage = Storage {
        outbound: &mut outbound,
        in_flight: &mut in_flight,
        aliases: &mut [],
        subscriptions: &mut subscriptions,
        received: &mut received,
    };
    let mut session = Session::new(options, storage);
    let now = Instant::ZERO;
    let mut out = [0; 256];

    let length = session
        .connect(now, Version::V5, Credentials::default(), &mut out)
        .map_err(|_| 10)?;
    let Ok(Packet::Connect(connect)) = Packet::decode(out.get(..length).ok_or(11)?, Version::V5)
    else {
        return Err(12);
    };
    require(connect.client_id == "bare", 13)?;

    let accepted = session.handle_frame(now, b"\x20\x03\x00\x00\x00");
    require(matches!(accepted, Ok(None)), 14)?;
    require(session.poll_event() == Some(Event::Connected), 15)?;
    require(session.poll_event() == Some(Event::Ready), 16)?;

    let id = session
        .subscribe(now, "home/#", QoS::AtLeastOnce, Replay::Send)
        .map_err(|_| 17)?;
    let length = session.poll_transmit(now, &mut out);
    let Ok(Packet::Subscribe(subscribe)) =
        Packet::decode(out.get(..length).ok_or(18)?, Version::V5)
    else {
        return Err(19);
    };
    let [high, low] = subscribe.packet_id.get().to_be_bytes();
    let identifier = subscribe.properties.subscription_identifiers().next();
    let identifier = identifier.and_then(|id| u8::try_from(id).ok()).ok_or(20)?;
    let suback = [0x90, 4, high, low, 0, 1];
    let granted = session.handle_frame(now, &suback);
    require(matches!(granted, Ok(None)), 21)?;
    let subscribed = Event::Subscribed {
        id,
        result: Ok(QoS::AtLeastOnce),
    };
    require(session.poll_event() == Some(subscribed), 22)?;

    let mut publish = *b"\x32\x0e\x00\x06home/a\x00\x09\x02\x0b\x00!";
    let [.., at, _] = &mut publish;
    *at = identifier;
    let Ok(Some(message)) = session.handle_frame(now, &publish) else {
        return Err(23);
    };
    require(message.topic == "home/a" && message.payload == b"!", 24)?;
    require(message.subscriptions.contains(id), 25)?;
    let length = session.poll_transmit(now, &mut out);
    require(out.get(..length) == Some(b"\x40\x02\x00\x09"), 26)
}

fn require(holds: bool, step: u8) -> Result<(), u8> {
    if holds { Ok(()) } else { Err(step) }
}
