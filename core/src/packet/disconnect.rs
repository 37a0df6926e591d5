//! DISCONNECT (3.14) and AUTH (3.15, 5.0 only).

use super::ack::{measure_short, write_short};
use super::{Body, DecodeError, EncodeError, PacketType, Properties, Reason, Size, Version};
use crate::wire::{Reader, Writer};

/// DISCONNECT; from the broker in 5.0 only.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Disconnect<'a> {
    /// Why; success in 3.1.1, which has none on the wire.
    pub reason: Reason,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
}

/// AUTH: extended authentication, which this client does not use.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Auth<'a> {
    /// 0x00, 0x18 or 0x19.
    pub reason: Reason,
    /// Method and data.
    pub properties: Properties<'a>,
}

impl<'a> Disconnect<'a> {
    /// In 5.0, Reason Code and properties may both be left out, or the properties alone (3.14.2.1, 3.14.2.2.1).
    pub(super) fn decode(mut reader: Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        let mut packet = Self {
            reason: Reason::NORMAL_DISCONNECTION,
            properties: Properties::NONE,
        };
        if version == Version::V5 && !reader.is_empty() {
            packet.reason = Reason(reader.u8()?);
            packet.reason.check(PacketType::Disconnect, version)?; // [MQTT-3.14.2-1] v5
            if !reader.is_empty() {
                packet.properties =
                    Properties::decode(&mut reader, Some(PacketType::Disconnect), version)?;
            }
        }
        reader.finish()?;
        Ok(packet)
    }
}

impl Body for Disconnect<'_> {
    #[inline]
    fn first_byte(&self) -> u8 {
        PacketType::Disconnect.first_byte()
    }

    #[inline]
    fn measure(&self, version: Version) -> Result<Size, EncodeError> {
        measure_short(
            PacketType::Disconnect,
            self.reason,
            &self.properties,
            version,
        )
    }

    #[inline]
    fn write(&self, version: Version, size: Size, writer: &mut Writer<'_>) {
        write_short(self.reason, &self.properties, version, size, writer);
    }
}

impl<'a> Auth<'a> {
    /// Success without properties may be an empty packet (3.15.2.1); all others hold an Authentication Method
    /// (3.15.2.2.2).
    pub(super) fn decode(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let mut packet = Self {
            reason: Reason::SUCCESS,
            properties: Properties::NONE,
        };
        if !reader.is_empty() {
            packet.reason = Reason(reader.u8()?);
            packet.properties =
                Properties::decode(&mut reader, Some(PacketType::Auth), Version::V5)?;
        }
        reader.finish()?;
        packet.check_rules()?;
        Ok(packet)
    }

    fn check_rules(&self) -> Result<(), DecodeError> {
        self.reason.check(PacketType::Auth, Version::V5)?; // [MQTT-3.15.2-1] v5
        let empty = self.reason == Reason::SUCCESS && self.properties.is_empty();
        if !empty && self.properties.authentication_method().is_none() {
            return Err(DecodeError::NoAuthenticationMethod(PacketType::Auth));
        }
        Ok(())
    }
}

impl Body for Auth<'_> {
    #[inline]
    fn first_byte(&self) -> u8 {
        PacketType::Auth.first_byte()
    }

    #[inline]
    fn measure(&self, version: Version) -> Result<Size, EncodeError> {
        if version == Version::V311 {
            return Err(EncodeError::NotInVersion);
        }
        let size = measure_short(PacketType::Auth, self.reason, &self.properties, version)?;
        self.check_rules()?;
        Ok(size)
    }

    #[inline]
    fn write(&self, version: Version, size: Size, writer: &mut Writer<'_>) {
        write_short(self.reason, &self.properties, version, size, writer);
    }
}
