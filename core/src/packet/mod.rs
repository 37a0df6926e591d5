//! The fifteen Control Packets of MQTT 3.1.1 and 5.0, borrowed from the bytes they were decoded from, and
//! encoded into a slice that the caller gives. One tree for both versions: [`Version`] is a value.
//!
//! Decoding is strict: what decodes is well formed as the standard of that version says, used up to the
//! last byte. Encoding checks the same rules. Neither allocates nor copies a topic or a payload.

mod ack;
mod admission;
mod connack;
mod connect;
mod disconnect;
mod error;
mod filters;
mod kind;
mod lookup;
mod properties;
mod property;
mod publish;
mod reason;
mod subscribe;

pub use ack::Ack;
pub use connack::ConnAck;
pub use connect::{Connect, Will};
pub use disconnect::{Auth, Disconnect};
pub use error::{DecodeError, EncodeError};
pub use filters::{FilterIter, FilterOptions, Filters};
pub use kind::PacketType;
pub use properties::{Properties, PropertyIter};
pub use property::Property;
pub use publish::{Delivery, Publish};
pub use reason::Reason;
pub use subscribe::{
    RetainHandling, SubAck, Subscribe, SubscriptionOptions, UnsubAck, Unsubscribe,
};

pub use crate::wire::Utf8;

use crate::limits::MAX_REMAINING_LENGTH;
use crate::wire::varint::{self, Varint};
use crate::wire::{Reader, Writer};
use core::num::NonZeroU16;

/// Protocol version of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Version {
    /// MQTT 3.1.1, protocol level 4.
    V311,
    /// MQTT 5.0, protocol version 5.
    V5,
}

/// Quality of Service: how often a message may arrive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum QoS {
    /// 0: at most once.
    #[default]
    AtMostOnce = 0,
    /// 1: at least once.
    AtLeastOnce = 1,
    /// 2: exactly once.
    ExactlyOnce = 2,
}

impl Version {
    /// Protocol level (3.1.1) or version (5.0) in CONNECT `[MQTT-3.1.2-2]`.
    const fn level(self) -> u8 {
        match self {
            Self::V311 => 4,
            Self::V5 => 5,
        }
    }
}

impl QoS {
    /// The two bits on the wire.
    #[inline]
    pub const fn bits(self) -> u8 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce => 1,
            Self::ExactlyOnce => 2,
        }
    }

    /// The QoS of the two bits on the wire; 3 is none.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }
}

/// Packet Identifier: 1 to 65,535.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PacketId(pub NonZeroU16);

impl PacketId {
    /// The identifier `id`; 0 is none.
    pub const fn new(id: u16) -> Option<Self> {
        match NonZeroU16::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// As a number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    /// Reads one of `packet`; never 0 `[MQTT-2.3.1-1]` v3.1.1, `[MQTT-2.2.1-3]` `[MQTT-2.2.1-4]` v5.
    #[inline]
    fn decode(reader: &mut Reader<'_>, packet: PacketType) -> Result<Self, DecodeError> {
        Self::new(reader.u16()?).ok_or(DecodeError::PacketIdZero(packet))
    }
}

/// One Control Packet.
#[derive(Clone, Copy, PartialEq, Debug)]
#[allow(missing_docs)] // each variant is the packet of that name; its type has the text
pub enum Packet<'a> {
    Connect(Connect<'a>),
    ConnAck(ConnAck<'a>),
    Publish(Publish<'a>),
    PubAck(Ack<'a>),
    PubRec(Ack<'a>),
    PubRel(Ack<'a>),
    PubComp(Ack<'a>),
    Subscribe(Subscribe<'a>),
    SubAck(SubAck<'a>),
    Unsubscribe(Unsubscribe<'a>),
    UnsubAck(UnsubAck<'a>),
    PingReq,
    PingResp,
    Disconnect(Disconnect<'a>),
    Auth(Auth<'a>),
}

impl<'a> Packet<'a> {
    /// Decodes exactly one packet, fixed header included; `bytes` must hold it whole and nothing more.
    ///
    /// ```
    /// use bitsperity_mqtt_core::packet::{Packet, Version};
    ///
    /// let received = b"\x30\x0e\0\x0alamp/stateON";
    /// let Ok(Packet::Publish(message)) = Packet::decode(received, Version::V311) else {
    ///     panic!("these bytes are a PUBLISH");
    /// };
    /// assert_eq!((message.topic.as_str(), message.payload), ("lamp/state", &b"ON"[..]));
    /// ```
    ///
    /// # Errors
    /// [`DecodeError`] names what is malformed and the statement it breaks.
    #[inline]
    pub fn decode(bytes: &'a [u8], version: Version) -> Result<Self, DecodeError> {
        let (&first, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        let body = match varint::read(rest) {
            Varint::Whole { value, length } => {
                let body = rest.get(length..).ok_or(DecodeError::Truncated)?;
                match usize::try_from(value) {
                    Ok(value) if value == body.len() => body,
                    Ok(value) if value < body.len() => return Err(DecodeError::TrailingBytes),
                    _ => return Err(DecodeError::Truncated),
                }
            }
            Varint::Partial => return Err(DecodeError::Truncated),
            Varint::Malformed => return Err(DecodeError::RemainingLength),
        };
        let reader = Reader::new(body);
        if first >> 4 == PacketType::Publish.number() {
            return Publish::decode(first & 15, reader, version).map(Self::Publish);
        }
        Self::decode_other(first, reader, version)
    }

    /// All but PUBLISH, which is what a client reads most.
    #[inline(never)]
    fn decode_other(first: u8, reader: Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        let packet = PacketType::of(first).ok_or(DecodeError::PacketType(0))?;
        if first & 15 != packet.prescribed_flags() {
            return Err(DecodeError::Flags(packet)); // [MQTT-2.2.2-1] v3.1.1, [MQTT-2.1.3-1] v5
        }
        match packet {
            PacketType::Connect => Connect::decode(reader, version).map(Self::Connect),
            PacketType::ConnAck => ConnAck::decode(reader, version).map(Self::ConnAck),
            PacketType::Publish => Publish::decode(first & 15, reader, version).map(Self::Publish),
            PacketType::PubAck => Ack::decode(packet, reader, version).map(Self::PubAck),
            PacketType::PubRec => Ack::decode(packet, reader, version).map(Self::PubRec),
            PacketType::PubRel => Ack::decode(packet, reader, version).map(Self::PubRel),
            PacketType::PubComp => Ack::decode(packet, reader, version).map(Self::PubComp),
            PacketType::Subscribe => Subscribe::decode(reader, version).map(Self::Subscribe),
            PacketType::SubAck => SubAck::decode(reader, version).map(Self::SubAck),
            PacketType::Unsubscribe => Unsubscribe::decode(reader, version).map(Self::Unsubscribe),
            PacketType::UnsubAck => UnsubAck::decode(reader, version).map(Self::UnsubAck),
            PacketType::PingReq => Ok(reader.finish().map(|()| Self::PingReq)?),
            PacketType::PingResp => Ok(reader.finish().map(|()| Self::PingResp)?),
            PacketType::Disconnect => Disconnect::decode(reader, version).map(Self::Disconnect),
            PacketType::Auth if version == Version::V5 => Auth::decode(reader).map(Self::Auth),
            PacketType::Auth => Err(DecodeError::PacketType(15)),
        }
    }

    /// Encodes into the front of `out` and returns how many bytes were written.
    ///
    /// # Errors
    /// [`EncodeError::OutputTooSmall`] with the number of bytes needed, or the rule the packet would break.
    #[inline]
    pub fn encode(&self, version: Version, out: &mut [u8]) -> Result<usize, EncodeError> {
        if let Self::Publish(packet) = self {
            return encode(packet, version, out);
        }
        self.encode_other(version, out)
    }

    /// All but PUBLISH.
    #[inline(never)]
    fn encode_other(&self, version: Version, out: &mut [u8]) -> Result<usize, EncodeError> {
        match self {
            Self::Connect(packet) => encode(packet, version, out),
            Self::ConnAck(packet) => encode(packet, version, out),
            Self::Publish(packet) => encode(packet, version, out),
            Self::PubAck(ack) | Self::PubRec(ack) | Self::PubRel(ack) | Self::PubComp(ack) => {
                encode(&(self.packet_type(), *ack), version, out)
            }
            Self::Subscribe(packet) => encode(packet, version, out),
            Self::SubAck(packet) => encode(packet, version, out),
            Self::Unsubscribe(packet) => encode(packet, version, out),
            Self::UnsubAck(packet) => encode(packet, version, out),
            Self::PingReq | Self::PingResp => encode(&Bodiless(self.packet_type()), version, out),
            Self::Disconnect(packet) => encode(packet, version, out),
            Self::Auth(packet) => encode(packet, version, out),
        }
    }

    /// Its type.
    #[inline]
    pub const fn packet_type(&self) -> PacketType {
        match self {
            Self::Connect(_) => PacketType::Connect,
            Self::ConnAck(_) => PacketType::ConnAck,
            Self::Publish(_) => PacketType::Publish,
            Self::PubAck(_) => PacketType::PubAck,
            Self::PubRec(_) => PacketType::PubRec,
            Self::PubRel(_) => PacketType::PubRel,
            Self::PubComp(_) => PacketType::PubComp,
            Self::Subscribe(_) => PacketType::Subscribe,
            Self::SubAck(_) => PacketType::SubAck,
            Self::Unsubscribe(_) => PacketType::Unsubscribe,
            Self::UnsubAck(_) => PacketType::UnsubAck,
            Self::PingReq => PacketType::PingReq,
            Self::PingResp => PacketType::PingResp,
            Self::Disconnect(_) => PacketType::Disconnect,
            Self::Auth(_) => PacketType::Auth,
        }
    }
}

/// A packet of one type, to be encoded by [`encode`].
pub(crate) trait Body {
    /// Type and flags.
    fn first_byte(&self) -> u8;

    /// How long it is after the fixed header, if it keeps the rules of `version`.
    fn measure(&self, version: Version) -> Result<Size, EncodeError>;

    /// Writes what follows the fixed header; it was measured before.
    fn write(&self, version: Version, size: Size, writer: &mut Writer<'_>);
}

/// PINGREQ or PINGRESP.
pub(crate) struct Bodiless(pub(crate) PacketType);

impl Body for Bodiless {
    #[inline]
    fn first_byte(&self) -> u8 {
        self.0.first_byte()
    }

    #[inline]
    fn measure(&self, _: Version) -> Result<Size, EncodeError> {
        Ok(Size::default())
    }

    #[inline]
    fn write(&self, _: Version, _: Size, _: &mut Writer<'_>) {}
}

/// How long a body is.
#[derive(Clone, Copy, Default)]
pub(crate) struct Size {
    /// All of it, in bytes.
    body: usize,
    /// Bytes of its properties, without Property Length.
    properties: usize,
}

impl Size {
    /// That of so many bytes, and beside them properties of a length that was measured.
    #[inline]
    fn of(bytes: usize, version: Version, properties: usize) -> Self {
        Self {
            body: properties::with_length(version, properties).saturating_add(bytes),
            properties,
        }
    }

    /// The same with so many bytes more.
    #[inline]
    const fn and(self, bytes: usize) -> Self {
        Self {
            body: self.body.saturating_add(bytes),
            ..self
        }
    }
}

/// As [`Packet::encode`], for a packet of a type that is known. One function a type, so that a small one does not pay for
/// what a large one needs, and who never sends a type does not carry it.
#[inline(never)]
pub(crate) fn encode(
    packet: &impl Body,
    version: Version,
    out: &mut [u8],
) -> Result<usize, EncodeError> {
    let size = packet.measure(version)?;
    let body = u32::try_from(size.body)
        .ok()
        .filter(|&body| body <= MAX_REMAINING_LENGTH)
        .ok_or(EncodeError::TooLarge)?;
    let needed = size.body.saturating_add(1 + varint::length(body));
    let out = out
        .get_mut(..needed)
        .ok_or(EncodeError::OutputTooSmall { needed })?;
    let mut writer = Writer::new(out);
    writer.fixed_header(packet.first_byte(), body);
    packet.write(version, size, &mut writer);
    debug_assert!(writer.is_full(), "a packet is as long as it was measured");
    Ok(needed)
}
