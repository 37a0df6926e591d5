//! Two whole clients from bytes to a message whose properties are read: a frame is copied out of a transport in memory, taken by
//! the session, and each of its properties is looked at. The only way in which minimq, which leaves properties alone until they
//! are read, can be compared fairly.

use super::Case;
use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{QoS, Version};
use bitsperity_mqtt_core::session::{
    Credentials, InFlight, Options, Replay, Session, Storage, Subscription,
};
use bitsperity_mqtt_core::time::Instant;
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const CONNACK: &[u8] = &[0x20, 3, 0, 0, 0];
const SUBACK: &[u8] = &[0x90, 4, 0, 1, 0, 1];

/// Runs `work` with what takes so many messages of `case` through our session.
pub(crate) fn with_ours<T>(case: &Case, work: impl FnOnce(&mut dyn FnMut(usize)) -> T) -> T {
    const NOW: Instant = Instant::ZERO;
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
    let storage = Storage {
        outbound: &mut [0; 2048],
        in_flight: &mut [InFlight::default(); 8],
        aliases: &mut [],
        subscriptions: &mut [Subscription::EMPTY; 8],
        received: &mut [0; 1024],
    };
    let mut session = Session::new(options, storage);
    let mut out = [0; 2048];
    session
        .connect(NOW, Version::V5, Credentials::default(), &mut out)
        .expect("valid options");
    session.handle_frame(NOW, CONNACK).expect("a valid CONNACK");
    session
        .subscribe(NOW, "#", QoS::AtLeastOnce, Replay::Send)
        .expect("room");
    session.poll_transmit(NOW, &mut out);
    session.handle_frame(NOW, SUBACK).expect("a valid SUBACK");
    while session.poll_event().is_some() {}
    let mut received = [0; 2048];
    work(&mut |messages| {
        for _ in 0..messages {
            received[..case.bytes.len()].copy_from_slice(black_box(&case.bytes));
            let Frame::Whole(length) = next_frame(&received[..case.bytes.len()], 2048) else {
                panic!("a whole packet")
            };
            let message = session
                .handle_frame(NOW, &received[..length])
                .expect("a valid PUBLISH")
                .expect("a message");
            black_box((message.topic, message.payload));
            message.properties.iter().for_each(|property| {
                black_box(property);
            });
            while session.poll_event().is_some() {}
            session.poll_transmit(NOW, &mut out);
            black_box(session.poll_timeout());
        }
    })
}

/// The same with minimq.
pub(crate) fn with_minimq<T>(case: &Case, work: impl FnOnce(&mut dyn FnMut(usize)) -> T) -> T {
    let (mut received, mut sent) = ([0; 2048], [0; 2048]);
    let buffers = minimq::Buffers::new(&mut received, &mut sent);
    let config = minimq::ConfigBuilder::new(buffers)
        .client_id("client")
        .expect("short enough");
    let mut session = minimq::Session::new(config);
    let transport = Transport {
        first: CONNACK,
        frame: &case.bytes,
        at: 0,
    };
    let mut connection = now(session.connect(transport)).expect("a valid CONNACK");
    work(&mut |messages| {
        for _ in 0..messages {
            let message = now(connection.recv()).expect("a valid PUBLISH");
            black_box((message.topic(), message.payload()));
            message.properties().iter().for_each(|property| {
                black_box(property).expect("a valid property");
            });
        }
    })
}

/// Gives `first`, then `frame` for ever; takes everything.
struct Transport<'a> {
    first: &'a [u8],
    frame: &'a [u8],
    at: usize,
}

impl ErrorType for Transport<'_> {
    type Error = ErrorKind;
}

impl Read for Transport<'_> {
    async fn read(&mut self, into: &mut [u8]) -> Result<usize, ErrorKind> {
        let rest = &self.first[self.at..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        if self.at == self.first.len() {
            (self.first, self.at) = (self.frame, 0);
        }
        Ok(count)
    }
}

impl Write for Transport<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// What never waits.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return output;
        }
    }
}
