//! The fifteen Control Packets of MQTT 3.1.1 and 5.0, borrowed from the bytes they were decoded from, and
//! encoded into a slice that the caller gives. One tree for both versions: [`Version`] is a value.
//!
//! Decoding is strict: what decodes is well formed as the standard of that version says, used up to the
//! last byte. Encoding checks the same rules. Neither allocates nor copies a topic or a payload.

mod ack;
mod connack;
mod connect;
mod disconnect;
mod property;
mod publish;
mod reason;
mod subscribe;

pub use ack::Ack;
pub use connack::ConnAck;
pub use connect::{Connect, Will};
pub use disconnect::{Auth, Disconnect};
pub use property::{Properties, Property, PropertyIter};
pub use publish::{Delivery, Publish};
pub use reason::Reason;
pub use subscribe::{
    Filters, RetainHandling, SubAck, Subscribe, SubscriptionOptions, UnsubAck, Unsubscribe,
};

use core::num::NonZeroU16;

/// Protocol version of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Version {
    /// MQTT 3.1.1, protocol level 4.
    V311,
    /// MQTT 5.0, protocol version 5.
    V5,
}

/// Quality of Service: how often a message may arrive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum QoS {
    /// 0: at most once.
    #[default]
    AtMostOnce = 0,
    /// 1: at least once.
    AtLeastOnce = 1,
    /// 2: exactly once.
    ExactlyOnce = 2,
}

impl QoS {
    /// The QoS of the two bits on the wire; 3 is none.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }
}

/// Packet Identifier: 1 to 65,535.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PacketId(pub NonZeroU16);

impl PacketId {
    /// The identifier `id`; 0 is none.
    pub const fn new(id: u16) -> Option<Self> {
        match NonZeroU16::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// As a number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

/// One Control Packet.
#[derive(Clone, Copy, PartialEq, Debug)]
#[allow(missing_docs)] // each variant is the packet of that name; its type has the text
pub enum Packet<'a> {
    Connect(Connect<'a>),
    ConnAck(ConnAck<'a>),
    Publish(Publish<'a>),
    PubAck(Ack<'a>),
    PubRec(Ack<'a>),
    PubRel(Ack<'a>),
    PubComp(Ack<'a>),
    Subscribe(Subscribe<'a>),
    SubAck(SubAck<'a>),
    Unsubscribe(Unsubscribe<'a>),
    UnsubAck(UnsubAck<'a>),
    PingReq,
    PingResp,
    Disconnect(Disconnect<'a>),
    Auth(Auth<'a>),
}

impl<'a> Packet<'a> {
    /// Decodes exactly one packet, fixed header included; `bytes` must hold it whole and nothing more.
    ///
    /// # Errors
    /// [`DecodeError`] names what is malformed and the statement it breaks.
    pub fn decode(bytes: &'a [u8], version: Version) -> Result<Self, DecodeError> {
        let _ = (bytes, version);
        todo!()
    }

    /// Encodes into the front of `out` and returns how many bytes were written.
    ///
    /// # Errors
    /// [`EncodeError::OutputTooSmall`] with the number of bytes needed, or the rule the packet would break.
    pub fn encode(&self, version: Version, out: &mut [u8]) -> Result<usize, EncodeError> {
        let _ = (version, out);
        todo!()
    }
}

/// Why bytes are not a packet: whose fault is always the sender's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// To be split by the codec's author into the narrow kinds of the standard.
    Malformed,
}

/// Why a packet cannot be encoded: the caller's mistake, or too small a slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EncodeError {
    /// `out` is too small; the packet needs this many bytes.
    OutputTooSmall {
        /// Bytes the whole packet needs.
        needed: usize,
    },
    /// The packet breaks a rule of its version.
    Invalid,
}
