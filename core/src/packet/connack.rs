//! CONNACK (3.2).

use super::{Body, DecodeError, EncodeError, PacketType, Properties, Reason, Size, Version};
use crate::wire::{Reader, Writer};

/// CONNACK: the broker's answer to CONNECT.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ConnAck<'a> {
    /// The broker still had this client's session.
    pub session_present: bool,
    /// 5.0: Reason Code; 3.1.1: return code 0 to 5, as it stood on the wire.
    pub reason: Reason,
    /// What the broker grants; empty in 3.1.1.
    pub properties: Properties<'a>,
}

impl<'a> ConnAck<'a> {
    /// Whether the broker accepts the connection: in both versions 0 alone does.
    pub const fn is_accepted(&self) -> bool {
        self.reason.0 == 0
    }

    pub(super) fn decode(mut reader: Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        let flags = reader.u8()?;
        if flags > 1 {
            return Err(DecodeError::ConnAckFlags); // [MQTT-3.2.2-1] v5
        }
        let reason = Reason(reader.u8()?);
        let properties = Properties::decode(&mut reader, Some(PacketType::ConnAck), version)?;
        reader.finish()?;
        let packet = Self {
            session_present: flags == 1,
            reason,
            properties,
        };
        packet.check_rules(version)?;
        Ok(packet)
    }

    #[inline]
    fn check_rules(&self, version: Version) -> Result<(), DecodeError> {
        self.reason.check(PacketType::ConnAck, version)?;
        if self.session_present && !self.is_accepted() {
            return Err(DecodeError::SessionPresentRefused); // [MQTT-3.2.2-4] v3.1.1, [MQTT-3.2.2-6] v5
        }
        Ok(())
    }
}

impl Body for ConnAck<'_> {
    #[inline]
    fn first_byte(&self) -> u8 {
        PacketType::ConnAck.first_byte()
    }

    #[inline]
    fn measure(&self, version: Version) -> Result<Size, EncodeError> {
        self.check_rules(version)?;
        let properties = self
            .properties
            .measure(Some(PacketType::ConnAck), version)?;
        Ok(Size::of(2, version, properties))
    }

    #[inline]
    fn write(&self, version: Version, size: Size, writer: &mut Writer<'_>) {
        writer.array([u8::from(self.session_present), self.reason.0]);
        self.properties.write(version, size.properties, writer);
    }
}
