//! 3.1.1 beside mqttrs 0.4: what we decode it decodes too, to the same fields, and what we encode it reads back.
//! Asked only about packets that we find valid; about others it is too lenient to be an oracle, and it panics on some.
//!
//! Known deviations of mqttrs 0.4.1, none of them seen on valid packets: indexing out of bounds on a CONNACK, PUBACK or
//! CONNECT that is too short; slicing backwards on a QoS 1 PUBLISH whose Remaining Length ends before its identifier; fields
//! read beyond the Remaining Length; trailing bytes, overlong lengths, reserved flags of CONNECT and CONNACK, DUP at QoS 0,
//! U+0000, wildcards in Topic Names, filters of any form, empty SUBSCRIBE, UNSUBSCRIBE and SUBACK all accepted.
#![no_main]

use bitsperity_mqtt_core::packet::{Connect, Delivery, Packet, Publish, QoS, Version};
use libfuzzer_sys::fuzz_target;
use mqttrs::QosPid;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static IN_PEER: Cell<bool> = const { Cell::new(false) };
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(ours) = Packet::decode(bytes, Version::V311) else {
        // It may say anything, but must not take us with it.
        let _ = peer(bytes);
        return;
    };
    let theirs = peer(bytes).expect("the peer panics on a valid packet");
    let theirs = theirs
        .expect("the peer finds it invalid")
        .expect("the peer waits for more");
    compare(&ours, &theirs);

    let mut out = vec![0; bytes.len()];
    let length = ours
        .encode(Version::V311, &mut out)
        .expect("what decoded encodes");
    assert_eq!(out[..length], *bytes, "3.1.1 has one form only");
});

type Peer<'a> = Result<Option<mqttrs::Packet<'a>>, mqttrs::Error>;

/// Asks mqttrs; `Err` if it panicked. libFuzzer's hook ends the process on any panic, so ours stands before it.
fn peer(bytes: &[u8]) -> Result<Peer<'_>, ()> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let other = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IN_PEER.get() {
                other(info);
            }
        }));
    });
    IN_PEER.set(true);
    let answer = panic::catch_unwind(AssertUnwindSafe(|| mqttrs::decode_slice(bytes)));
    IN_PEER.set(false);
    answer.map_err(drop)
}

fn compare(ours: &Packet<'_>, theirs: &mqttrs::Packet<'_>) {
    use mqttrs::Packet as Peer;
    match (ours, theirs) {
        (Packet::Connect(ours), Peer::Connect(theirs)) => connect(ours, theirs),
        (Packet::ConnAck(ours), Peer::Connack(theirs)) => {
            assert_eq!(ours.session_present, theirs.session_present);
            assert_eq!(ours.reason.0, theirs.code as u8);
        }
        (Packet::Publish(ours), Peer::Publish(theirs)) => publish(ours, theirs),
        (Packet::PubAck(ours), Peer::Puback(id))
        | (Packet::PubRec(ours), Peer::Pubrec(id))
        | (Packet::PubRel(ours), Peer::Pubrel(id))
        | (Packet::PubComp(ours), Peer::Pubcomp(id)) => assert_eq!(ours.packet_id.get(), id.get()),
        (Packet::Subscribe(ours), Peer::Subscribe(theirs)) => {
            assert_eq!(ours.packet_id.get(), theirs.pid.get());
            let theirs = theirs.topics.iter();
            let theirs = theirs.map(|topic| (topic.topic_path.as_str(), topic.qos as u8));
            assert!(
                ours.filters
                    .iter()
                    .map(|(filter, options)| (filter, options.qos as u8))
                    .eq(theirs)
            );
        }
        (Packet::SubAck(ours), Peer::Suback(theirs)) => {
            assert_eq!(ours.packet_id.get(), theirs.pid.get());
            let theirs = theirs.return_codes.iter().map(|code| match code {
                mqttrs::SubscribeReturnCodes::Success(qos) => *qos as u8,
                mqttrs::SubscribeReturnCodes::Failure => 0x80,
            });
            assert!(ours.reasons().map(|reason| reason.0).eq(theirs));
        }
        (Packet::Unsubscribe(ours), Peer::Unsubscribe(theirs)) => {
            assert_eq!(ours.packet_id.get(), theirs.pid.get());
            assert!(
                ours.filters
                    .iter()
                    .map(|(filter, ())| filter)
                    .eq(theirs.topics.iter())
            );
        }
        (Packet::UnsubAck(ours), Peer::Unsuback(id)) => assert_eq!(ours.packet_id.get(), id.get()),
        (Packet::PingReq, Peer::Pingreq)
        | (Packet::PingResp, Peer::Pingresp)
        | (Packet::Disconnect(_), Peer::Disconnect) => {}
        _ => panic!("{ours:?} is {theirs:?} to the peer"),
    }
}

fn connect(ours: &Connect<'_>, theirs: &mqttrs::Connect<'_>) {
    assert_eq!(theirs.protocol, mqttrs::Protocol::MQTT311);
    assert_eq!(ours.keep_alive, theirs.keep_alive);
    assert_eq!(ours.client_id, theirs.client_id);
    assert_eq!(ours.clean_start, theirs.clean_session);
    assert_eq!(ours.user_name, theirs.username);
    assert_eq!(ours.password, theirs.password);
    assert_eq!(ours.will.is_some(), theirs.last_will.is_some());
    if let (Some(ours), Some(theirs)) = (&ours.will, &theirs.last_will) {
        assert_eq!(ours.topic, theirs.topic);
        assert_eq!(ours.payload, theirs.message);
        assert_eq!(ours.qos as u8, theirs.qos as u8);
        assert_eq!(ours.retain, theirs.retain);
    }
}

fn publish(ours: &Publish<'_>, theirs: &mqttrs::Publish<'_>) {
    assert_eq!(ours.dup, theirs.dup);
    assert_eq!(ours.retain, theirs.retain);
    assert_eq!(ours.topic, theirs.topic_name);
    assert_eq!(ours.payload, theirs.payload);
    match (ours.delivery, theirs.qospid) {
        (Delivery::AtMostOnce, QosPid::AtMostOnce) => {}
        (Delivery::AtLeastOnce(ours), QosPid::AtLeastOnce(theirs))
        | (Delivery::ExactlyOnce(ours), QosPid::ExactlyOnce(theirs)) => {
            assert_eq!(ours.get(), theirs.get());
        }
        (ours, theirs) => panic!("{ours:?} is {theirs:?} to the peer"),
    }
    assert!(ours.properties.is_empty() && ours.delivery.qos() <= QoS::ExactlyOnce);
}
