//! PUBACK, PUBREC, PUBREL, PUBCOMP (3.4 to 3.7): one shape.

use super::{
    Body, DecodeError, EncodeError, PacketId, PacketType, Properties, Reason, Size, Version,
    properties,
};
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
}

/// Which of the four it is says which reasons and properties it may hold.
impl Body for (PacketType, Ack<'_>) {
    #[inline]
    fn first_byte(&self) -> u8 {
        self.0.first_byte()
    }

    #[inline]
    fn measure(&self, version: Version) -> Result<Size, EncodeError> {
        let (packet, ack) = self;
        Ok(measure_short(*packet, ack.reason, &ack.properties, version)?.and(2))
    }

    #[inline]
    fn write(&self, version: Version, size: Size, writer: &mut Writer<'_>) {
        let (_, ack) = self;
        writer.u16(ack.packet_id.get());
        write_short(ack.reason, &ack.properties, version, size, writer);
    }
}

/// What [`write_short`] will write, if `packet` may hold it.
#[inline]
pub(super) fn measure_short(
    packet: PacketType,
    reason: Reason,
    properties: &Properties<'_>,
    version: Version,
) -> Result<Size, EncodeError> {
    if version == Version::V311 && reason != Reason::SUCCESS {
        return Err(EncodeError::NotInVersion);
    }
    reason.check(packet, version)?;
    let length = properties.measure(Some(packet), version)?;
    let body = match (length, reason) {
        (0, Reason::SUCCESS) => 0,
        (0, _) => 1,
        _ => properties::with_length(version, length).saturating_add(1),
    };
    Ok(Size {
        body,
        properties: length,
    })
}

/// Writes Reason Code and properties as short as 5.0 allows; nothing in 3.1.1.
#[inline]
pub(super) fn write_short(
    reason: Reason,
    properties: &Properties<'_>,
    version: Version,
    size: Size,
    writer: &mut Writer<'_>,
) {
    if version == Version::V311 || (size.properties == 0 && reason == Reason::SUCCESS) {
        return;
    }
    writer.u8(reason.0);
    if size.properties != 0 {
        properties.write(version, size.properties, writer);
    }
}
