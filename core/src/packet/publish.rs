//! PUBLISH (3.3).

use super::{PacketId, Properties, QoS};

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
    pub topic: &'a str,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
    /// Any bytes.
    pub payload: &'a [u8],
}
