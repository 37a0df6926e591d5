//! One publication on its way: what is remembered of it, and how it looks on a connection.
//!
//! The arena holds it in 5.0 form; what a connection changes is put in here: DUP, the Packet Identifier, a lower QoS,
//! and in 3.1.1 no properties (3.3.1, 3.3.2).

use super::{Grants, Outcome};
use crate::limits::MAX_FIXED_HEADER;
use crate::packet::{PacketId, QoS, Reason, Version};
use crate::time::Instant;

/// How far a publication is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Stage {
    /// To be written; never was, as a whole.
    #[default]
    Queued,
    /// To be written again, with DUP.
    Again,
    /// PUBACK or PUBREC awaited.
    Sent,
    /// PUBREC has come, or is not waited for: PUBREL is to be written.
    Received,
    /// PUBCOMP awaited.
    Released,
    /// To be told and forgotten.
    Ended(Outcome),
}

/// Slot of [`super::Storage::in_flight`].
#[derive(Clone, Copy, Debug, Default)]
pub struct InFlight {
    pub(super) stage: Stage,
    pub(super) token: u32,
    pub(super) packet_id: Option<PacketId>,
    pub(super) qos: QoS,
    pub(super) retain: bool,
    /// Where its bytes are in the arena: Topic Name with its length, properties with theirs, payload.
    pub(super) start: usize,
    pub(super) topic: usize,
    pub(super) properties: usize,
    pub(super) payload: usize,
    /// Bytes of Packet Identifier that the arena holds between topic and properties.
    pub(super) gap: usize,
    /// Bytes already written on this connection.
    pub(super) written: usize,
    /// Place of its PUBREC among all PUBRECs.
    pub(super) received: u64,
    /// Of PUBREC; none was seen if PUBREL is only to free the Packet Identifier.
    pub(super) reason: Option<Reason>,
    /// When the last of its bytes were written.
    pub(super) sent: Instant,
    /// Connections that ended right upon it.
    pub(super) breaks: u8,
}

impl InFlight {
    pub(super) const fn length(&self) -> usize {
        self.topic + self.gap + self.properties + self.payload
    }

    /// Counts against the broker's Receive Maximum.
    pub(super) const fn in_flight(&self) -> bool {
        matches!(self.stage, Stage::Sent | Stage::Received | Stage::Released)
    }

    /// How it ends when PUBREL is, or would be, the last of it.
    pub(super) fn outcome(&self) -> Outcome {
        self.reason.map_or(self.doubt(), Outcome::Acknowledged)
    }

    /// How it ends without an answer.
    pub(super) const fn doubt(&self) -> Outcome {
        if self.breaks > 0 {
            Outcome::ClosedUpon
        } else {
            Outcome::InDoubt
        }
    }

    /// It may be what ends connections, and is not sent again.
    pub(super) const fn is_given_up(&self) -> bool {
        self.breaks > 1
    }

    /// Its bytes are not needed any more.
    pub(super) const fn forget_bytes(&mut self) {
        self.topic = 0;
        self.gap = 0;
        self.properties = 0;
        self.payload = 0;
    }

    /// Remaining Length in `version`.
    fn remaining(&self, version: Version) -> usize {
        let id = if self.qos == QoS::AtMostOnce { 0 } else { 2 };
        let properties = match version {
            Version::V311 => 0,
            Version::V5 => self.properties,
        };
        self.topic + id + properties + self.payload
    }

    /// Why this connection cannot take it, although an earlier one could `[MQTT-3.2.2-14]` `[MQTT-3.2.2-15]` v5.
    pub(super) fn unfit(&self, grants: &Grants) -> Option<Reason> {
        if self.retain && !grants.retain_available {
            return Some(Reason::RETAIN_NOT_SUPPORTED);
        }
        let remaining = self.remaining(grants.version);
        let (_, header) = self.header(grants.version);
        let maximum = usize::try_from(grants.maximum_packet_size?).unwrap_or(usize::MAX);
        (header + remaining > maximum).then_some(Reason::PACKET_TOO_LARGE)
    }

    /// The fixed header (2.1.1) and how many bytes it has. DUP says whether we send it again, and nothing else
    /// `[MQTT-3.3.1-1]` v5, `[MQTT-3.3.1-3]` v5; at first it is 0 `[MQTT-4.3.1-1]` v5, `[MQTT-4.3.2-2]` v5,
    /// `[MQTT-4.3.3-2]` v5.
    fn header(&self, version: Version) -> ([u8; MAX_FIXED_HEADER], usize) {
        let dup = u8::from(self.stage == Stage::Again && self.qos != QoS::AtMostOnce);
        let first = 0x30 | dup << 3 | (self.qos as u8) << 1 | u8::from(self.retain);
        let mut header = [first, 0, 0, 0, 0];
        let mut length = 1;
        let mut rest = self.remaining(version);
        for byte in header.iter_mut().skip(1) {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            *byte = if rest == 0 { low & 0x7f } else { low | 0x80 };
            length += 1;
            if rest == 0 {
                break;
            }
        }
        (header, length)
    }

    /// Writes on from where it stopped; tells how many bytes, and whether that was the end of it.
    pub(super) fn write(
        &mut self,
        version: Version,
        arena: &[u8],
        out: &mut [u8],
    ) -> (usize, bool) {
        let (header, header_length) = self.header(version);
        let id = self.packet_id.map_or(0, PacketId::get).to_be_bytes();
        let topic = self.start + self.topic;
        let properties = topic + self.gap;
        let payload = properties + self.properties;
        let part = |from: usize, to: usize| arena.get(from..to).unwrap_or_default();
        let image = [
            header.get(..header_length).unwrap_or_default(),
            part(self.start, topic),
            if self.qos == QoS::AtMostOnce {
                &[] // [MQTT-2.2.1-2] v5
            } else {
                &id
            },
            match version {
                Version::V311 => &[],
                Version::V5 => part(properties, payload),
            },
            part(payload, payload + self.payload),
        ];
        let mut skip = self.written;
        let mut count = 0;
        for bytes in image {
            let rest = bytes.get(skip..).unwrap_or_default();
            skip = skip.saturating_sub(bytes.len());
            let room = out.get_mut(count..).unwrap_or_default();
            let fits = rest.len().min(room.len());
            if let (Some(from), Some(to)) = (rest.get(..fits), room.get_mut(..fits)) {
                to.copy_from_slice(from);
            }
            count += fits;
            if fits < rest.len() {
                break;
            }
        }
        self.written += count;
        (
            count,
            self.written == header_length + self.remaining(version),
        )
    }
}
