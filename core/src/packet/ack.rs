//! PUBACK, PUBREC, PUBREL, PUBCOMP (3.4 to 3.7): one shape.

use super::{PacketId, Properties, Reason};

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

impl Ack<'_> {
    /// Success, without properties.
    pub const fn success(packet_id: PacketId) -> Self {
        Self {
            packet_id,
            reason: Reason::SUCCESS,
            properties: Properties::NONE,
        }
    }
}
