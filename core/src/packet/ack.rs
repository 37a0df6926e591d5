//! PUBACK, PUBREC, PUBREL, PUBCOMP (3.4 to 3.7): one shape.

use super::{DecodeError, EncodeError, PacketId, PacketType, Properties, Reason, Version};
use crate::wire::{Reader, Writer};

/// The four acknowledgements of QoS 1 and 2.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ack<'a> {
    /// The PUBLISH it answers.
    pub packet_id: PacketId,
    /// Success in 3.1.1, which has none on the wire.
    pub reason: Reason,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
}

impl<'a> Ack<'a> {
    /// Success, without properties.
    pub const fn success(packet_id: PacketId) -> Self {
        Self {
            packet_id,
            reason: Reason::SUCCESS,
            properties: Properties::NONE,
        }
    }

    /// In 5.0, Reason Code and properties may both be left out, or the properties alone (3.4.2.1, 3.4.2.2.1).
    #[inline]
    pub(super) fn decode(
        packet: PacketType,
        mut reader: Reader<'a>,
        version: Version,
    ) -> Result<Self, DecodeError> {
        let packet_id = PacketId::decode(&mut reader, packet)?;
        if version == Version::V311 || reader.is_empty() {
            reader.finish()?;
            return Ok(Self::success(packet_id));
        }
        let reason = Reason(reader.u8()?);
        reason.check(packet, version)?;
        let properties = if reader.is_empty() {
            Properties::NONE
        } else {
            Properties::decode(&mut reader, Some(packet), version)?
        };
        reader.finish()?;
        Ok(Self {
            packet_id,
            reason,
            properties,
        })
    }

    pub(super) fn check(&self, packet: PacketType, version: Version) -> Result<(), EncodeError> {
        if version == Version::V311 && self.reason != Reason::SUCCESS {
            return Err(EncodeError::NotInVersion);
        }
        self.reason.check(packet, version)?;
        self.properties.check(Some(packet), version)
    }

    #[inline]
    pub(super) fn write(&self, version: Version, writer: &mut Writer<'_>) {
        writer.u16(self.packet_id.get());
        write_short(self.reason, &self.properties, version, writer);
    }
}

/// Writes Reason Code and properties as short as 5.0 allows; nothing in 3.1.1.
#[inline]
pub(super) fn write_short(
    reason: Reason,
    properties: &Properties<'_>,
    version: Version,
    writer: &mut Writer<'_>,
) {
    if version == Version::V311 || (reason == Reason::SUCCESS && properties.is_empty()) {
        return;
    }
    writer.u8(reason.0);
    if !properties.is_empty() {
        properties.write(version, writer);
    }
}
