//! A whole client of both versions: every verb of a session, with the codec that it needs.
#![no_std]
#![no_main]

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{Properties, QoS, Reason, Version};
use bitsperity_mqtt_core::session::{
    Credentials, InFlight, Options, Publication, Replay, Session, Storage, Subscription,
    SubscriptionId,
};
use bitsperity_mqtt_core::time::Instant;
use core::hint::black_box;

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let options = Options {
        client_id: black_box("client"),
        keep_alive: 60,
        clean_start: black_box(true),
        fresh_client_id: black_box(false),
        session_expiry: black_box(0),
        receive_maximum: 8,
        maximum_packet_size: 1024,
        will: None,
    };
    let storage = Storage {
        outbound: &mut [0; 1024],
        in_flight: &mut [InFlight::default(); 4],
        aliases: &mut [],
        subscriptions: &mut [Subscription::EMPTY; 2],
        received: &mut [0; 1024],
    };
    let mut session = Session::new(options, storage);
    let mut out = [0; 256];
    let received = black_box([0; 256]);
    let now = black_box(Instant::ZERO);
    for version in black_box([Version::V5, Version::V311]) {
        let _ = black_box(session.connect(now, version, Credentials::default(), &mut out));
        match next_frame(black_box(&received), 256) {
            Frame::Whole(length) => {
                let frame = received.get(..length).unwrap_or_default();
                let _ = black_box(
                    session
                        .handle_frame(now, frame)
                        .map(|message| message.is_some()),
                );
            }
            Frame::Oversized { length } => {
                let _ = black_box(session.handle_oversized(now, &received, length).is_ok());
            }
            _ => {}
        }
        let publication = Publication {
            topic: black_box("a"),
            payload: black_box(b"b"),
            qos: black_box(QoS::ExactlyOnce),
            retain: black_box(false),
            properties: Properties::NONE,
        };
        let _ = black_box(session.publish(now, &publication));
        let _ = black_box(session.subscribe(now, black_box("a/#"), QoS::AtLeastOnce, Replay::Send));
        session.unsubscribe(now, black_box(SubscriptionId(0)));
        session.ping(now);
        let _ = black_box(session.handle_timeout(now));
        while let Some(event) = session.poll_event() {
            black_box(event);
        }
        session.disconnect(now, Reason::SUCCESS);
        black_box(session.poll_transmit(now, &mut out));
        black_box(session.poll_timeout());
        black_box(session.handle_closed(now));
    }
    size_on_chip::rest()
}
