//! A device's connection to the broker: MQTT 5 with the core's packets over one TCP stream, QoS 0 only. A device
//! needs no session state, so this is the smallest client that the core allows; the server's own is `broker`.

use async_std::io::{ReadExt, WriteExt};
use async_std::net::TcpStream;
use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{
    Connect, Delivery, EncodeError, Filters, Packet, PacketId, Properties, Publish, QoS, Subscribe,
    SubscriptionOptions, Version, Will,
};
use std::io;
use std::net::SocketAddr;

/// Bytes of the largest command that a device takes.
const MAX_COMMAND: usize = 16 * 1024;

/// Seconds; devices publish more often than that.
const KEEP_ALIVE: u16 = 600;

/// One message of a device.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) retain: bool,
}

/// An open connection.
pub(super) struct Link {
    stream: TcpStream,
    received: Vec<u8>,
    out: Vec<u8>,
}

impl Link {
    /// Connects, with a Last Will if there is one, and subscribes to the commands.
    pub(super) async fn open(
        broker: SocketAddr,
        client_id: &str,
        will: Option<&Message>,
        commands: &[String],
    ) -> io::Result<Self> {
        let stream = TcpStream::connect(broker).await?;
        stream.set_nodelay(true)?;
        let mut link = Self {
            stream,
            received: Vec::new(),
            out: vec![0; 1024],
        };
        let connect = Packet::Connect(Connect {
            clean_start: true,
            keep_alive: KEEP_ALIVE,
            properties: Properties::NONE,
            client_id,
            will: will.map(|will| Will {
                qos: QoS::AtLeastOnce,
                retain: will.retain,
                properties: Properties::NONE,
                topic: &will.topic,
                payload: &will.payload,
            }),
            user_name: None,
            password: None,
        });
        link.send(&connect).await?;
        link.expect(|packet| matches!(packet, Packet::ConnAck(ack) if ack.reason.0 == 0))
            .await?;
        if !commands.is_empty() {
            link.subscribe(commands).await?;
        }
        Ok(link)
    }

    async fn subscribe(&mut self, commands: &[String]) -> io::Result<()> {
        let filters: Vec<_> = commands
            .iter()
            .map(|filter| (filter.as_str(), SubscriptionOptions::default()))
            .collect();
        let Some(packet_id) = PacketId::new(1) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let subscribe = Packet::Subscribe(Subscribe {
            packet_id,
            properties: Properties::NONE,
            filters: Filters::list(&filters),
        });
        self.send(&subscribe).await?;
        self.expect(|packet| matches!(packet, Packet::SubAck(ack) if ack.reasons().all(|reason| reason.0 < 0x80)))
            .await
    }

    /// Publishes at QoS 0.
    pub(super) async fn publish(&mut self, message: &Message) -> io::Result<()> {
        let publish = Packet::Publish(Publish {
            dup: false,
            delivery: Delivery::AtMostOnce,
            retain: message.retain,
            topic: message.topic.as_str().into(),
            properties: Properties::NONE,
            payload: &message.payload,
        });
        self.send(&publish).await
    }

    /// The next command. Dropping the future before it resolves loses nothing.
    pub(super) async fn command(&mut self) -> io::Result<Message> {
        self.next(|packet| match packet {
            Packet::Publish(publish) => Some(Message {
                topic: publish.topic.as_str().to_owned(),
                payload: publish.payload.to_vec(),
                retain: publish.retain,
            }),
            _ => None,
        })
        .await
    }

    async fn expect(&mut self, fits: impl Fn(&Packet<'_>) -> bool) -> io::Result<()> {
        let fitted = self.next(|packet| Some(fits(packet))).await?;
        if fitted {
            Ok(())
        } else {
            Err(io::Error::other("the broker refused"))
        }
    }

    /// Reads packets until `take` takes one.
    async fn next<T>(&mut self, take: impl Fn(&Packet<'_>) -> Option<T>) -> io::Result<T> {
        loop {
            match next_frame(&self.received, MAX_COMMAND) {
                Frame::Whole(length) => {
                    let packet = Packet::decode(&self.received[..length], Version::V5)
                        .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
                    let taken = take(&packet);
                    self.received.drain(..length);
                    if let Some(taken) = taken {
                        return Ok(taken);
                    }
                }
                Frame::Partial { .. } => {
                    let mut chunk = [0; 2048];
                    let count = self.stream.read(&mut chunk).await?;
                    if count == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    self.received.extend_from_slice(&chunk[..count]);
                }
                Frame::Oversized { .. } | Frame::Malformed => {
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
        }
    }

    async fn send(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        let length = loop {
            match packet.encode(Version::V5, &mut self.out) {
                Ok(length) => break length,
                Err(EncodeError::OutputTooSmall { needed }) => self.out.resize(needed, 0),
                Err(_) => return Err(io::ErrorKind::InvalidInput.into()),
            }
        };
        self.stream.write_all(&self.out[..length]).await
    }
}
