//! The other end: a broker's side of MQTT as thin as it can be, so that the client is the bottleneck. Answers CONNECT
//! and SUBSCRIBE; to a subscription of `replay/#` it streams the asked number of publications, encoded beforehand, as
//! fast as the client reads. No routing, no queues, no loss: TCP's back-pressure is all there is.

use crate::broker::Broker;
use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{
    ConnAck, Delivery, Packet, Properties, Property, Publish, Reason, SubAck, UnsubAck, Version,
};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

/// Publications that are encoded beforehand and then repeated.
pub(crate) const BATCH: usize = 2_000;

/// Bytes of every payload.
pub(crate) const PAYLOAD: usize = 100;

const MAX_PACKET: usize = 64 * 1024;

/// Where a stream comes from.
pub(crate) struct Source {
    pub(crate) address: SocketAddr,
    /// The moment at which it began to send, for each subscription of `replay/#`.
    pub(crate) started: Receiver<Instant>,
    /// Ends with it.
    pub(crate) _broker: Option<Broker>,
}

/// Starts a server that sends `messages` (a multiple of [`BATCH`]) to each subscription of `replay/#`.
pub(crate) fn start(messages: usize) -> io::Result<Source> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let (sender, started) = sync_channel(64);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            // A client that goes away ends its thread; that is its affair.
            std::thread::spawn(move || serve(stream, messages, &sender));
        }
    });
    Ok(Source {
        address,
        started,
        _broker: None,
    })
}

fn serve(mut stream: TcpStream, messages: usize, started: &SyncSender<Instant>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::new();
    let mut version = Version::V5;
    loop {
        let length = match next_frame(&received, MAX_PACKET) {
            Frame::Whole(length) => length,
            Frame::Partial { .. } => {
                let mut chunk = [0; 4096];
                let count = stream.read(&mut chunk)?;
                if count == 0 {
                    return Ok(());
                }
                received.extend_from_slice(&chunk[..count]);
                continue;
            }
            Frame::Oversized { .. } | Frame::Malformed => {
                return Err(io::ErrorKind::InvalidData.into());
            }
        };
        if received[0] >> 4 == 1 && level(&received[..length]) == Some(4) {
            version = Version::V311;
        }
        let packet = Packet::decode(&received[..length], version)
            .map_err(|error| io::Error::other(format!("{error:?}")))?;
        let mut out = [0; 512];
        let mut answer = |packet: &Packet<'_>| -> io::Result<usize> {
            packet
                .encode(version, &mut out)
                .map_err(|error| io::Error::other(format!("{error:?}")))
        };
        let mut stream_with = None;
        let count = match packet {
            Packet::Connect(_) => answer(&Packet::ConnAck(ConnAck {
                session_present: false,
                reason: Reason::SUCCESS,
                properties: Properties::NONE,
            }))?,
            Packet::Subscribe(subscribe) => {
                let filters: Vec<&str> =
                    subscribe.filters.iter().map(|(filter, _)| filter).collect();
                if filters.contains(&"replay/#") {
                    stream_with = Some(subscribe.properties.subscription_identifiers().next());
                }
                answer(&Packet::SubAck(SubAck {
                    packet_id: subscribe.packet_id,
                    properties: Properties::NONE,
                    codes: &vec![0; filters.len()],
                }))?
            }
            Packet::Unsubscribe(unsubscribe) => {
                let codes = match version {
                    Version::V5 => vec![0; unsubscribe.filters.iter().count()],
                    Version::V311 => Vec::new(),
                };
                answer(&Packet::UnsubAck(UnsubAck {
                    packet_id: unsubscribe.packet_id,
                    properties: Properties::NONE,
                    codes: &codes,
                }))?
            }
            Packet::PingReq => answer(&Packet::PingResp)?,
            _ => 0,
        };
        received.drain(..length);
        if let Some(identifier) = stream_with {
            let batch = batch(version, identifier);
            stream.write_all(&out[..count])?;
            let _ = started.try_send(Instant::now());
            for _ in 0..messages / BATCH {
                stream.write_all(&batch)?;
            }
        } else {
            stream.write_all(&out[..count])?;
        }
    }
}

/// Protocol level of a CONNECT: the byte after the protocol's name.
fn level(connect: &[u8]) -> Option<u8> {
    let name = connect.windows(6).position(|six| six == b"\x00\x04MQTT")?;
    connect.get(name + 6).copied()
}

/// [`BATCH`] publications at QoS 0 on a hundred topics, as JSON of exactly [`PAYLOAD`] bytes, one in a thousand an
/// error. With the subscription's identifier, as a broker of MQTT 5 sends it.
pub(crate) fn batch(version: Version, identifier: Option<u32>) -> Vec<u8> {
    let mut batch = Vec::new();
    let identifiers: Vec<Property<'_>> = identifier
        .map(Property::SubscriptionIdentifier)
        .into_iter()
        .collect();
    let mut out = [0; 512];
    for n in 0..BATCH {
        let topic = format!("replay/device-{:03}/state", n % 100);
        let error = if n % 1000 == 999 { "\"E42\"" } else { "null" };
        let mut payload = format!(
            "{{\"n\":{n},\"temperature\":{:.1},\"humidity\":{},\"error\":{error},\"note\":\"",
            20.0 + (n % 70) as f64 / 10.0,
            40 + n % 20
        );
        while payload.len() < PAYLOAD - 2 {
            payload.push('x');
        }
        payload.push_str("\"}");
        let publish = Packet::Publish(Publish {
            dup: false,
            delivery: Delivery::AtMostOnce,
            retain: false,
            topic: topic.as_str().into(),
            properties: Properties::list(&identifiers),
            payload: payload.as_bytes(),
        });
        match publish.encode(version, &mut out) {
            Ok(length) if payload.len() == PAYLOAD => batch.extend_from_slice(&out[..length]),
            other => unreachable!("the replayed publication is well formed: {other:?}"),
        }
    }
    batch
}
