//! PUBLISH (3.3).

use super::{
    Body, DecodeError, EncodeError, PacketId, PacketType, Properties, QoS, Size, Utf8, Version,
};
use crate::topic;
use crate::wire::{Reader, Writer};

/// QoS of a PUBLISH together with the Packet Identifier that QoS 1 and 2 must have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// QoS 0.
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce(PacketId),
    /// QoS 2.
    ExactlyOnce(PacketId),
}

impl Delivery {
    /// The QoS.
    pub const fn qos(self) -> QoS {
        match self {
            Self::AtMostOnce => QoS::AtMostOnce,
            Self::AtLeastOnce(_) => QoS::AtLeastOnce,
            Self::ExactlyOnce(_) => QoS::ExactlyOnce,
        }
    }

    /// The Packet Identifier; none at QoS 0.
    pub const fn packet_id(self) -> Option<PacketId> {
        match self {
            Self::AtMostOnce => None,
            Self::AtLeastOnce(id) | Self::ExactlyOnce(id) => Some(id),
        }
    }
}

/// PUBLISH: one message.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Publish<'a> {
    /// Sent before; only with QoS 1 or 2.
    pub dup: bool,
    /// QoS and Packet Identifier.
    pub delivery: Delivery,
    /// Retained, or to be.
    pub retain: bool,
    /// Topic Name; empty only in 5.0 and with a Topic Alias.
    pub topic: Utf8<'a>,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
    /// Any bytes.
    pub payload: &'a [u8],
}

const DUP: u8 = 0b1000;
const RETAIN: u8 = 0b0001;

impl<'a> Publish<'a> {
    /// Reads what follows the fixed header whose flags are `flags`.
    #[inline]
    pub(super) fn decode(
        flags: u8,
        mut reader: Reader<'a>,
        version: Version,
    ) -> Result<Self, DecodeError> {
        let dup = flags & DUP != 0;
        let qos = QoS::from_bits((flags >> 1) & 3).ok_or(DecodeError::PublishQoS)?; // [MQTT-3.3.1-4]
        let topic = reader.binary()?;
        let plain = Utf8::plain_name(topic);
        let delivery = match qos {
            QoS::AtMostOnce if dup => return Err(DecodeError::DupAtQoS0), // [MQTT-3.3.1-2]
            QoS::AtMostOnce => Delivery::AtMostOnce,
            _ => {
                let id = PacketId::decode(&mut reader, PacketType::Publish)?;
                if qos == QoS::AtLeastOnce {
                    Delivery::AtLeastOnce(id)
                } else {
                    Delivery::ExactlyOnce(id)
                }
            }
        };
        let properties = Properties::decode(&mut reader, Some(PacketType::Publish), version)?;
        Ok(Self {
            dup,
            delivery,
            retain: flags & RETAIN != 0,
            topic: match plain {
                Some(topic) => topic,
                None => other_topic(topic, &properties)?,
            },
            properties,
            payload: reader.rest(),
        })
    }

    /// Reads the front of a PUBLISH that is not there as a whole; its payload is as much as there is.
    ///
    /// # Errors
    /// It is no PUBLISH, is malformed, or its properties do not end within `head`.
    pub(crate) fn decode_head(head: &'a [u8], version: Version) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(head);
        let first = reader.u8()?;
        if first >> 4 != PacketType::Publish as u8 {
            return Err(DecodeError::PacketType(first >> 4));
        }
        reader.varint()?;
        Self::decode(first & 0x0f, reader, version)
    }
}

impl Body for Publish<'_> {
    #[inline]
    fn first_byte(&self) -> u8 {
        let mut byte = PacketType::Publish.first_byte() | self.delivery.qos().bits() << 1;
        if self.dup {
            byte |= DUP;
        }
        if self.retain {
            byte |= RETAIN;
        }
        byte
    }

    #[inline]
    fn measure(&self, version: Version) -> Result<Size, EncodeError> {
        if self.dup && self.delivery == Delivery::AtMostOnce {
            return Err(EncodeError::Invalid(DecodeError::DupAtQoS0)); // [MQTT-3.3.1-2]
        }
        let properties = self
            .properties
            .measure(Some(PacketType::Publish), version)?;
        check_topic(self.topic, &self.properties)?;
        let id = match self.delivery {
            Delivery::AtMostOnce => 0,
            _ => 2,
        };
        let size = Size::of(2 + self.topic.len() + id, version, properties);
        Ok(size.and(self.payload.len()))
    }

    #[inline]
    fn write(&self, version: Version, size: Size, writer: &mut Writer<'_>) {
        writer.binary(self.topic.as_bytes());
        if let Some(id) = self.delivery.packet_id() {
            writer.u16(id.get());
        }
        self.properties.write(version, size.properties, writer);
        writer.bytes(self.payload);
    }
}

/// A topic that is empty, not of ASCII alone, or no Topic Name: UTF-8 `[MQTT-3.3.2-1]`.
#[cold]
fn other_topic<'a>(topic: &'a [u8], properties: &Properties<'_>) -> Result<Utf8<'a>, DecodeError> {
    let topic = Utf8::check(topic)?;
    check_topic(topic, properties)?;
    Ok(topic)
}

/// A Topic Name without wildcards `[MQTT-3.3.2-2]`; an empty one only with a Topic Alias (3.3.2.1 of 5.0).
#[inline]
fn check_topic(topic: Utf8<'_>, properties: &Properties<'_>) -> Result<(), DecodeError> {
    if topic.is_empty() {
        return match properties.topic_alias() {
            Some(_) => Ok(()),
            None => Err(DecodeError::NoTopic),
        };
    }
    topic::check_name(topic.as_bytes()).map_err(DecodeError::TopicName)
}
