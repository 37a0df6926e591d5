//! SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK (3.8 to 3.11). The filters themselves: `filters`.

use super::filters::Filters;
use super::{
    Body, DecodeError, EncodeError, PacketId, PacketType, Properties, QoS, Reason, Size, Version,
};
use crate::wire::{Reader, Writer};

/// Whether a SUBSCRIBE asks for retained messages (5.0 section 3.8.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RetainHandling {
    /// Send them; what 3.1.1 always does.
    #[default]
    Send = 0,
    /// Send them only if the subscription is new.
    SendIfNew = 1,
    /// Do not send them.
    DoNotSend = 2,
}

/// Options of one subscription; 3.1.1 has the QoS only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SubscriptionOptions {
    /// Highest QoS the broker may deliver with.
    pub qos: QoS,
    /// Do not send back what this client published.
    pub no_local: bool,
    /// Keep the RETAIN flag as it was published.
    pub retain_as_published: bool,
    /// Retained messages at subscribing.
    pub retain_handling: RetainHandling,
}

/// Of the wire: QoS in bits 0 and 1, No Local, Retain As Published, Retain Handling in bits 4 and 5.
const NO_LOCAL: u8 = 0b0000_0100;
const RETAIN_AS_PUBLISHED: u8 = 0b0000_1000;
const RETAIN_HANDLING_SHIFT: u32 = 4;

impl SubscriptionOptions {
    /// The byte on the wire (3.8.3.1); in 3.1.1 the QoS alone.
    #[inline]
    pub(super) const fn byte(self) -> u8 {
        let mut byte = self.qos.bits() | (self.retain_handling.bits() << RETAIN_HANDLING_SHIFT);
        if self.no_local {
            byte |= NO_LOCAL;
        }
        if self.retain_as_published {
            byte |= RETAIN_AS_PUBLISHED;
        }
        byte
    }

    /// The options that `byte` stands for; none if it has reserved bits, QoS 3 or Retain Handling 3.
    #[inline]
    pub(super) const fn from_byte(byte: u8) -> Option<Self> {
        let Some(qos) = QoS::from_bits(byte & 3) else {
            return None;
        };
        let retain_handling = match byte >> RETAIN_HANDLING_SHIFT {
            0 => RetainHandling::Send,
            1 => RetainHandling::SendIfNew,
            2 => RetainHandling::DoNotSend,
            _ => return None,
        };
        Some(Self {
            qos,
            no_local: byte & NO_LOCAL != 0,
            retain_as_published: byte & RETAIN_AS_PUBLISHED != 0,
            retain_handling,
        })
    }
}

impl RetainHandling {
    const fn bits(self) -> u8 {
        match self {
            Self::Send => 0,
            Self::SendIfNew => 1,
            Self::DoNotSend => 2,
        }
    }
}

/// SUBSCRIBE: at least one filter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Subscribe<'a> {
    /// Answered by the SUBACK with the same one.
    pub packet_id: PacketId,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
    /// What is subscribed to.
    pub filters: Filters<'a, SubscriptionOptions>,
}

/// SUBACK: one code a filter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SubAck<'a> {
    /// Of the SUBSCRIBE.
    pub packet_id: PacketId,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
    /// Granted QoS 0 to 2, or a failure from 0x80, one byte a filter. To be read by [`SubAck::reasons`].
    pub codes: &'a [u8],
}

impl SubAck<'_> {
    /// One reason a filter, in the order of the SUBSCRIBE.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> + '_ {
        self.codes.iter().map(|&code| Reason(code))
    }
}

/// UNSUBSCRIBE: at least one filter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Unsubscribe<'a> {
    /// Answered by the UNSUBACK with the same one.
    pub packet_id: PacketId,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
    /// What is no longer wanted.
    pub filters: Filters<'a, ()>,
}

/// UNSUBACK.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct UnsubAck<'a> {
    /// Of the UNSUBSCRIBE.
    pub packet_id: PacketId,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
    /// One code a filter in 5.0; empty in 3.1.1.
    pub codes: &'a [u8],
}

impl UnsubAck<'_> {
    /// One reason a filter, in the order of the UNSUBSCRIBE; none in 3.1.1.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> + '_ {
        self.codes.iter().map(|&code| Reason(code))
    }
}

impl<'a> Subscribe<'a> {
    pub(super) fn decode(mut reader: Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        let packet_id = PacketId::decode(&mut reader, PacketType::Subscribe)?;
        let properties = Properties::decode(&mut reader, Some(PacketType::Subscribe), version)?;
        let filters = Filters::decode(reader, version)?;
        Ok(Self {
            packet_id,
            properties,
            filters,
        })
    }
}

impl Body for Subscribe<'_> {
    #[inline]
    fn first_byte(&self) -> u8 {
        PacketType::Subscribe.first_byte()
    }

    fn measure(&self, version: Version) -> Result<Size, EncodeError> {
        let properties = self
            .properties
            .measure(Some(PacketType::Subscribe), version)?;
        Ok(Size::of(2, version, properties).and(self.filters.measure(version)?))
    }

    fn write(&self, version: Version, size: Size, writer: &mut Writer<'_>) {
        writer.u16(self.packet_id.get());
        self.properties.write(version, size.properties, writer);
        self.filters.write(writer);
    }
}

impl<'a> Unsubscribe<'a> {
    pub(super) fn decode(mut reader: Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        let packet_id = PacketId::decode(&mut reader, PacketType::Unsubscribe)?;
        let properties = Properties::decode(&mut reader, Some(PacketType::Unsubscribe), version)?;
        let filters = Filters::decode(reader, version)?;
        Ok(Self {
            packet_id,
            properties,
            filters,
        })
    }
}

impl Body for Unsubscribe<'_> {
    #[inline]
    fn first_byte(&self) -> u8 {
        PacketType::Unsubscribe.first_byte()
    }

    fn measure(&self, version: Version) -> Result<Size, EncodeError> {
        let properties = self
            .properties
            .measure(Some(PacketType::Unsubscribe), version)?;
        Ok(Size::of(2, version, properties).and(self.filters.measure(version)?))
    }

    fn write(&self, version: Version, size: Size, writer: &mut Writer<'_>) {
        writer.u16(self.packet_id.get());
        self.properties.write(version, size.properties, writer);
        self.filters.write(writer);
    }
}

impl<'a> SubAck<'a> {
    pub(super) fn decode(mut reader: Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        let packet_id = PacketId::decode(&mut reader, PacketType::SubAck)?;
        let properties = Properties::decode(&mut reader, Some(PacketType::SubAck), version)?;
        let codes = reader.rest();
        check_codes(PacketType::SubAck, codes, version)?;
        Ok(Self {
            packet_id,
            properties,
            codes,
        })
    }
}

impl Body for SubAck<'_> {
    #[inline]
    fn first_byte(&self) -> u8 {
        PacketType::SubAck.first_byte()
    }

    #[inline]
    fn measure(&self, version: Version) -> Result<Size, EncodeError> {
        let properties = self.properties.measure(Some(PacketType::SubAck), version)?;
        check_codes(PacketType::SubAck, self.codes, version)?;
        Ok(Size::of(2, version, properties).and(self.codes.len()))
    }

    #[inline]
    fn write(&self, version: Version, size: Size, writer: &mut Writer<'_>) {
        writer.u16(self.packet_id.get());
        self.properties.write(version, size.properties, writer);
        writer.bytes(self.codes);
    }
}

impl<'a> UnsubAck<'a> {
    pub(super) fn decode(mut reader: Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        let packet_id = PacketId::decode(&mut reader, PacketType::UnsubAck)?;
        let properties = Properties::decode(&mut reader, Some(PacketType::UnsubAck), version)?;
        let codes = match version {
            Version::V5 => reader.rest(),
            Version::V311 => {
                reader.finish()?;
                &[]
            }
        };
        let packet = Self {
            packet_id,
            properties,
            codes,
        };
        packet.check_codes(version)?;
        Ok(packet)
    }

    fn check_codes(&self, version: Version) -> Result<(), DecodeError> {
        match version {
            Version::V5 => check_codes(PacketType::UnsubAck, self.codes, version),
            Version::V311 => Ok(()),
        }
    }
}

impl Body for UnsubAck<'_> {
    #[inline]
    fn first_byte(&self) -> u8 {
        PacketType::UnsubAck.first_byte()
    }

    #[inline]
    fn measure(&self, version: Version) -> Result<Size, EncodeError> {
        if version == Version::V311 && !self.codes.is_empty() {
            return Err(EncodeError::NotInVersion);
        }
        let properties = self
            .properties
            .measure(Some(PacketType::UnsubAck), version)?;
        self.check_codes(version)?;
        Ok(Size::of(2, version, properties).and(self.codes.len()))
    }

    #[inline]
    fn write(&self, version: Version, size: Size, writer: &mut Writer<'_>) {
        writer.u16(self.packet_id.get());
        self.properties.write(version, size.properties, writer);
        writer.bytes(self.codes);
    }
}

/// At least one code, as there was at least one filter `[MQTT-3.8.4-6]` `[MQTT-3.11.3-1]` v5, `[MQTT-3.8.4-5]`
/// v3.1.1; of those that are allowed `[MQTT-3.9.3-2]` `[MQTT-3.11.3-2]` v5.
fn check_codes(packet: PacketType, codes: &[u8], version: Version) -> Result<(), DecodeError> {
    if codes.is_empty() {
        return Err(DecodeError::NoReasonCode(packet));
    }
    codes
        .iter()
        .try_for_each(|&code| Reason(code).check(packet, version))
}
