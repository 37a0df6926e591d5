//! CONNECT (3.1) and the Will it carries.

use super::properties::{binary_size, string_size};
use super::{Body, DecodeError, EncodeError, PacketType, Properties, QoS, Size, Version};
use crate::topic;
use crate::wire::{Reader, Writer};
use core::fmt;

/// CONNECT: opens a session. Its `Debug` shows neither user name nor password.
#[derive(Clone, Copy, PartialEq)]
pub struct Connect<'a> {
    /// Clean Start (5.0), Clean Session (3.1.1).
    pub clean_start: bool,
    /// Seconds; 0 turns keep alive off.
    pub keep_alive: u16,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
    /// May be empty: the broker assigns one.
    pub client_id: &'a str,
    /// The message the broker publishes if we vanish.
    pub will: Option<Will<'a>>,
    /// User Name.
    pub user_name: Option<&'a str>,
    /// Password; in 3.1.1 only with a user name.
    pub password: Option<&'a [u8]>,
}

impl fmt::Debug for Connect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("client_id", &self.client_id)
            .field("clean_start", &self.clean_start)
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
    }
}

/// The Will Message.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Will<'a> {
    /// QoS it is published with.
    pub qos: QoS,
    /// Whether it is retained.
    pub retain: bool,
    /// Will properties; empty in 3.1.1.
    pub properties: Properties<'a>,
    /// Topic Name it is published to.
    pub topic: &'a str,
    /// Its payload.
    pub payload: &'a [u8],
}

const PROTOCOL_NAME: &[u8] = b"MQTT";

/// Bytes of Protocol Name, protocol level, flags and Keep Alive.
const FIXED_FIELDS: usize = 2 + PROTOCOL_NAME.len() + 1 + 1 + 2;

const CLEAN_START: u8 = 0b0000_0010;
const WILL: u8 = 0b0000_0100;
const WILL_QOS_SHIFT: u32 = 3;
const WILL_RETAIN: u8 = 0b0010_0000;
const PASSWORD: u8 = 0b0100_0000;
const USER_NAME: u8 = 0b1000_0000;

impl<'a> Connect<'a> {
    pub(super) fn decode(mut reader: Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        if reader.binary()? != PROTOCOL_NAME {
            return Err(DecodeError::ProtocolName); // [MQTT-3.1.2-1]
        }
        let level = reader.u8()?;
        if level != version.level() {
            return Err(DecodeError::ProtocolVersion(level)); // [MQTT-3.1.2-2]
        }
        let flags = reader.u8()?;
        if flags & 1 != 0 {
            return Err(DecodeError::ConnectFlags); // [MQTT-3.1.2-3]
        }
        let keep_alive = reader.u16()?;
        let properties = Properties::decode(&mut reader, Some(PacketType::Connect), version)?;
        let client_id = reader.string()?;
        let will = Will::decode(&mut reader, flags, version)?;
        let user_name = (flags & USER_NAME != 0)
            .then(|| reader.string())
            .transpose()?;
        let password = (flags & PASSWORD != 0)
            .then(|| reader.binary())
            .transpose()?;
        reader.finish()?;
        let packet = Self {
            clean_start: flags & CLEAN_START != 0,
            keep_alive,
            properties,
            client_id,
            will,
            user_name,
            password,
        };
        packet.check_rules(version)?;
        Ok(packet)
    }

    fn check_rules(&self, version: Version) -> Result<(), DecodeError> {
        match version {
            Version::V311 => {
                if self.password.is_some() && self.user_name.is_none() {
                    return Err(DecodeError::PasswordWithoutUserName); // [MQTT-3.1.2-22] v3.1.1
                }
                if self.client_id.is_empty() && !self.clean_start {
                    return Err(DecodeError::ClientIdRequired); // [MQTT-3.1.3-7] v3.1.1
                }
            }
            Version::V5 => {
                if self.properties.authentication_data().is_some()
                    && self.properties.authentication_method().is_none()
                {
                    return Err(DecodeError::NoAuthenticationMethod(PacketType::Connect)); // 3.1.2.11.10
                }
            }
        }
        Ok(())
    }
}

impl Body for Connect<'_> {
    #[inline]
    fn first_byte(&self) -> u8 {
        PacketType::Connect.first_byte()
    }

    fn measure(&self, version: Version) -> Result<Size, EncodeError> {
        let properties = self
            .properties
            .measure(Some(PacketType::Connect), version)?;
        self.check_rules(version)?;
        let will = self.will.as_ref().map(|will| will.measure(version));
        let user_name = self.user_name.map(string_size);
        let password = self.password.map(binary_size);
        Ok(Size::of(FIXED_FIELDS, version, properties)
            .and(string_size(self.client_id)?)
            .and(will.transpose()?.unwrap_or_default())
            .and(user_name.transpose()?.unwrap_or_default())
            .and(password.transpose()?.unwrap_or_default()))
    }

    fn write(&self, version: Version, size: Size, writer: &mut Writer<'_>) {
        writer.binary(PROTOCOL_NAME);
        writer.u8(version.level());
        let mut flags = 0;
        if self.clean_start {
            flags |= CLEAN_START;
        }
        if let Some(will) = &self.will {
            flags |= WILL | (will.qos.bits() << WILL_QOS_SHIFT);
            if will.retain {
                flags |= WILL_RETAIN;
            }
        }
        if self.user_name.is_some() {
            flags |= USER_NAME;
        }
        if self.password.is_some() {
            flags |= PASSWORD;
        }
        writer.u8(flags);
        writer.u16(self.keep_alive);
        self.properties.write(version, size.properties, writer);
        writer.binary(self.client_id.as_bytes());
        if let Some(will) = &self.will {
            let length = will.properties.measure(None, version).unwrap_or_default();
            will.properties.write(version, length, writer);
            writer.binary(will.topic.as_bytes());
            writer.binary(will.payload);
        }
        if let Some(user_name) = self.user_name {
            writer.binary(user_name.as_bytes());
        }
        if let Some(password) = self.password {
            writer.binary(password);
        }
    }
}

impl<'a> Will<'a> {
    /// The Will that `flags` announce, if they do; without one its flags are 0: `[MQTT-3.1.2-11]`, Retain
    /// `[MQTT-3.1.2-15]` v3.1.1, `[MQTT-3.1.2-13]` v5; QoS 3 `[MQTT-3.1.2-14]` v3.1.1, `[MQTT-3.1.2-12]` v5.
    fn decode(
        reader: &mut Reader<'a>,
        flags: u8,
        version: Version,
    ) -> Result<Option<Self>, DecodeError> {
        let qos = QoS::from_bits((flags >> WILL_QOS_SHIFT) & 3).ok_or(DecodeError::WillQoS)?;
        let retain = flags & WILL_RETAIN != 0;
        if flags & WILL == 0 {
            if qos != QoS::AtMostOnce {
                return Err(DecodeError::WillQoSWithoutWill);
            }
            if retain {
                return Err(DecodeError::WillRetainWithoutWill);
            }
            return Ok(None);
        }
        let properties = Properties::decode(reader, None, version)?;
        let topic = reader.utf8()?;
        topic::validate_name(topic).map_err(DecodeError::WillTopic)?;
        let payload = reader.binary()?;
        Ok(Some(Self {
            qos,
            retain,
            properties,
            topic,
            payload,
        }))
    }

    /// Bytes on the wire, if it can be encoded.
    fn measure(&self, version: Version) -> Result<usize, EncodeError> {
        let length = self.properties.measure(None, version)?;
        topic::validate_name(self.topic).map_err(DecodeError::WillTopic)?;
        let size = Size::of(2 + self.topic.len(), version, length);
        Ok(size.body.saturating_add(binary_size(self.payload)?))
    }
}
