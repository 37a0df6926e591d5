//! A client over one TCP stream: `cargo run -p bitsperity-mqtt-core --example client -- 127.0.0.1:1883`
//!
//! Subscribes to `example/#`, publishes one message to `example/hello` at QoS 1, and ends when it has come back. The session
//! has no clock and no socket: this file brings both. It blocks in `read`, so it keeps no connection alive.

#![allow(clippy::print_stdout)] // the purpose

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{Properties, QoS, Reason, Version};
use bitsperity_mqtt_core::session::{
    Credentials, Event, InFlight, Options, Publication, Replay, Session, Storage, Subscription,
};
use bitsperity_mqtt_core::time::Instant;
use std::error::Error;
use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Bytes of the largest packet taken.
const MAX_PACKET: usize = 16 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let broker = std::env::args().nth(1);
    let broker = broker.as_deref().unwrap_or("127.0.0.1:1883");
    let mut stream = TcpStream::connect(broker)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;

    let began = std::time::Instant::now();
    let now = || Instant::from_micros(began.elapsed().as_micros() as u64);
    let options = Options {
        client_id: "", // the broker assigns one
        keep_alive: 0,
        clean_start: true,
        fresh_client_id: false,
        session_expiry: 0,
        receive_maximum: 8,
        maximum_packet_size: MAX_PACKET as u32,
        will: None,
    };
    let storage = Storage {
        outbound: &mut [0; 1024],
        in_flight: &mut [InFlight::default(); 4],
        aliases: &mut [],
        subscriptions: &mut [Subscription::EMPTY; 1],
        received: &mut [0; 1024],
    };
    let mut session = Session::new(options, storage);
    let mut out = [0; 1024];
    let length = session
        .connect(now(), Version::V5, Credentials::default(), &mut out)
        .map_err(told)?;
    stream.write_all(&out[..length])?;
    session
        .subscribe(now(), "example/#", QoS::AtLeastOnce, Replay::DoNotSend)
        .map_err(told)?;

    let mut buffer = vec![0; MAX_PACKET];
    let mut held = 0;
    loop {
        // What every input may have caused: events, then bytes to send.
        while let Some(event) = session.poll_event() {
            println!("{event:?}");
            if let Event::Subscribed { result: Ok(_), .. } = event {
                let message = Publication {
                    topic: "example/hello",
                    payload: b"hello, broker",
                    qos: QoS::AtLeastOnce,
                    retain: false,
                    properties: Properties::NONE,
                };
                session.publish(now(), &message).map_err(told)?;
            }
        }
        while let length @ 1.. = session.poll_transmit(now(), &mut out) {
            stream.write_all(&out[..length])?;
        }
        let count = stream.read(&mut buffer[held..])?;
        if count == 0 {
            return Err("the broker closed the connection".into());
        }
        held += count;
        let mut start = 0;
        while let Frame::Whole(length) = next_frame(&buffer[start..held], MAX_PACKET) {
            let frame = &buffer[start..start + length];
            if let Some(message) = session.handle_frame(now(), frame).map_err(told)? {
                let text = String::from_utf8_lossy(message.payload);
                println!("{}: {text}", message.topic);
                session.disconnect(now(), Reason(0));
                let length = session.poll_transmit(now(), &mut out);
                stream.write_all(&out[..length])?;
                return Ok(());
            }
            start += length;
        }
        buffer.copy_within(start..held, 0);
        held -= start;
    }
}

/// The core's errors are values for programs; here they are printed.
fn told(error: impl Debug) -> Box<dyn Error> {
    format!("{error:?}").into()
}
