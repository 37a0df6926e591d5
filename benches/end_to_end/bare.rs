//! The bare receive: socket, framer and session, and what comes out of it counted; no reduction, no executor. Runs as a
//! process of its own (this program, started with `receive`), so that its CPU time and memory can be told.

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{QoS, Version};
use bitsperity_mqtt_core::session::{
    Credentials, InFlight, Options, Replay, Session, Storage, Subscription,
};
use bitsperity_mqtt_core::time::Instant;
use std::io::{self, Read, Write};
use std::net::TcpStream;

/// Bytes that one read can take, as in the server.
const READ_BUFFER: usize = 128 * 1024;

const MAX_PACKET: usize = 1 << 20;

/// Receives so many messages of `replay/#`.
pub(crate) fn receive(address: &str, messages: u64) -> io::Result<()> {
    let options = Options {
        client_id: "bare",
        keep_alive: 0,
        clean_start: true,
        fresh_client_id: false,
        session_expiry: 0,
        receive_maximum: 64,
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
    let failed = |what: &dyn std::fmt::Debug| io::Error::other(format!("{what:?}"));
    let mut stream = TcpStream::connect(address)?;
    let mut out = [0; 2048];
    let length = session
        .connect(NOW, Version::V5, Credentials::default(), &mut out)
        .map_err(|error| failed(&error))?;
    stream.write_all(&out[..length])?;
    session
        .subscribe(NOW, "replay/#", QoS::AtMostOnce, Replay::Send)
        .map_err(|error| failed(&error))?;
    let mut buffer = vec![0; READ_BUFFER];
    let (mut held, mut received) = (0, 0);
    while received < messages {
        let length = session.poll_transmit(NOW, &mut out);
        stream.write_all(&out[..length])?;
        let count = stream.read(&mut buffer[held..])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        held += count;
        let mut start = 0;
        while let Frame::Whole(length) = next_frame(&buffer[start..held], MAX_PACKET) {
            let frame = &buffer[start..start + length];
            let message = session.handle_frame(NOW, frame);
            received += u64::from(message.map_err(|error| failed(&error))?.is_some());
            start += length;
        }
        while session.poll_event().is_some() {}
        buffer.copy_within(start..held, 0);
        held -= start;
    }
    Ok(())
}

const NOW: Instant = Instant::ZERO;
