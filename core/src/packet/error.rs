//! Why bytes are no packet, and why a packet has no bytes. Each rule is named once: a decoder that finds it
//! broken and an encoder that refuses to break it say the same [`DecodeError`].

use super::{PacketType, Property, Version};
use crate::topic::TopicError;
use crate::wire::Fault;
use core::fmt;

/// Why bytes are not a packet: whose fault is always the sender's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// A field, or the packet, ends after the bytes do.
    Truncated,
    /// Bytes follow the packet's last field, or the packet.
    TrailingBytes,
    /// Type 0, or AUTH in 3.1.1.
    PacketType(u8),
    /// Flags of the fixed header other than prescribed.
    Flags(PacketType),
    /// Remaining Length of more than four bytes, or of more than it needs.
    RemainingLength,
    /// Another Variable Byte Integer of more than four bytes, or of more than it needs.
    VariableByteInteger,
    /// A string is not UTF-8.
    Utf8,
    /// A string holds U+0000.
    Nul,
    /// PUBLISH with QoS 3.
    PublishQoS,
    /// PUBLISH with DUP at QoS 0.
    DupAtQoS0,
    /// Packet Identifier 0.
    PacketIdZero(PacketType),
    /// Topic Name of PUBLISH.
    TopicName(TopicError),
    /// Topic Name of the Will.
    WillTopic(TopicError),
    /// The property Response Topic.
    ResponseTopic(TopicError),
    /// PUBLISH without Topic Name and without Topic Alias.
    NoTopic,
    /// Topic Filter of SUBSCRIBE or UNSUBSCRIBE.
    TopicFilter(TopicError),
    /// SUBSCRIBE or UNSUBSCRIBE without a Topic Filter.
    NoFilter(PacketType),
    /// Subscription Options with reserved bits, QoS 3 or Retain Handling 3.
    SubscriptionOptions(u8),
    /// No Local on a shared subscription.
    NoLocalShared,
    /// A Protocol Name other than `MQTT`.
    ProtocolName,
    /// A CONNECT of another protocol version than it was to be read in.
    ProtocolVersion(u8),
    /// The reserved flag of CONNECT is set.
    ConnectFlags,
    /// Will QoS 3.
    WillQoS,
    /// Will QoS 1 or 2 without a Will.
    WillQoSWithoutWill,
    /// Will Retain without a Will.
    WillRetainWithoutWill,
    /// Password without User Name in 3.1.1.
    PasswordWithoutUserName,
    /// An empty client identifier with Clean Session 0 in 3.1.1.
    ClientIdRequired,
    /// Reserved flags of CONNACK are set.
    ConnAckFlags,
    /// Session Present in a CONNACK that refuses.
    SessionPresentRefused,
    /// A Reason Code, or return code, that the packet may not carry.
    ReasonCode(PacketType, u8),
    /// SUBACK or UNSUBACK without a Reason Code.
    NoReasonCode(PacketType),
    /// The Property Length does not end where a property ends.
    PropertyLength,
    /// An identifier of no property.
    PropertyUnknown(u32),
    /// A property of another packet; `None` is the Will.
    PropertyNotAllowed(Option<PacketType>, u8),
    /// A property that may be there once is there again.
    PropertyTwice(u8),
    /// A property with a value that it cannot have.
    PropertyValue(u8),
    /// Authentication Data without Authentication Method in CONNECT, or AUTH without it.
    NoAuthenticationMethod(PacketType),
}

impl DecodeError {
    /// The numbered statement that is broken, where the standard has numbered it. Ids mean different things in
    /// the two versions.
    pub const fn statement(self, version: Version) -> Option<&'static str> {
        match version {
            Version::V5 => self.statement_v5(),
            Version::V311 => self.statement_v311(),
        }
    }

    const fn statement_v5(self) -> Option<&'static str> {
        use PacketType as T;
        Some(match self {
            Self::Flags(T::PubRel) => "MQTT-3.6.1-1",
            Self::Flags(T::Subscribe) => "MQTT-3.8.1-1",
            Self::Flags(T::Unsubscribe) => "MQTT-3.10.1-1",
            Self::Flags(T::Disconnect) => "MQTT-3.14.1-1",
            Self::Flags(T::Auth) => "MQTT-3.15.1-1",
            Self::Flags(_) => "MQTT-2.1.3-1",
            Self::RemainingLength | Self::VariableByteInteger => "MQTT-1.5.5-1",
            Self::Utf8 => "MQTT-1.5.4-1",
            Self::Nul => "MQTT-1.5.4-2",
            Self::PublishQoS => "MQTT-3.3.1-4",
            Self::DupAtQoS0 => "MQTT-3.3.1-2",
            Self::PacketIdZero(T::PubAck | T::PubRec | T::PubRel | T::PubComp) => "MQTT-2.2.1-5",
            Self::PacketIdZero(T::SubAck | T::UnsubAck) => "MQTT-2.2.1-6",
            Self::PacketIdZero(_) => "MQTT-2.2.1-3",
            Self::TopicName(TopicError::Wildcard(_)) => "MQTT-3.3.2-2",
            Self::ResponseTopic(TopicError::Wildcard(_)) => "MQTT-3.3.2-14",
            Self::TopicName(error)
            | Self::WillTopic(error)
            | Self::ResponseTopic(error)
            | Self::TopicFilter(error) => return error.statement_v5(),
            Self::NoFilter(T::Subscribe) => "MQTT-3.8.3-2",
            Self::NoFilter(_) => "MQTT-3.10.3-2",
            Self::SubscriptionOptions(_) => "MQTT-3.8.3-5",
            Self::NoLocalShared => "MQTT-3.8.3-4",
            Self::ProtocolName => "MQTT-3.1.2-1",
            Self::ProtocolVersion(_) => "MQTT-3.1.2-2",
            Self::ConnectFlags => "MQTT-3.1.2-3",
            Self::WillQoS => "MQTT-3.1.2-12",
            Self::WillQoSWithoutWill => "MQTT-3.1.2-11",
            Self::WillRetainWithoutWill => "MQTT-3.1.2-13",
            Self::ConnAckFlags => "MQTT-3.2.2-1",
            Self::SessionPresentRefused => "MQTT-3.2.2-6",
            Self::ReasonCode(packet, _) => return reason_statement_v5(packet),
            Self::NoReasonCode(T::SubAck) => "MQTT-3.8.4-6",
            Self::NoReasonCode(_) => "MQTT-3.11.3-1",
            Self::PropertyValue(Property::TOPIC_ALIAS) => "MQTT-3.3.2-8",
            _ => return None,
        })
    }

    const fn statement_v311(self) -> Option<&'static str> {
        use PacketType as T;
        Some(match self {
            Self::Flags(T::PubRel) => "MQTT-3.6.1-1",
            Self::Flags(T::Subscribe) => "MQTT-3.8.1-1",
            Self::Flags(T::Unsubscribe) => "MQTT-3.10.1-1",
            Self::Flags(T::Disconnect) => "MQTT-3.14.1-1",
            Self::Flags(_) => "MQTT-2.2.2-1",
            Self::Utf8 => "MQTT-1.5.3-1",
            Self::Nul => "MQTT-1.5.3-2",
            Self::PublishQoS => "MQTT-3.3.1-4",
            Self::DupAtQoS0 => "MQTT-3.3.1-2",
            Self::PacketIdZero(T::PubAck | T::PubRec | T::PubRel) => "MQTT-2.3.1-6",
            Self::PacketIdZero(T::PubComp) => "MQTT-4.3.3-2",
            Self::PacketIdZero(T::SubAck | T::UnsubAck) => "MQTT-2.3.1-7",
            Self::PacketIdZero(_) => "MQTT-2.3.1-1",
            Self::TopicName(TopicError::Wildcard(_)) => "MQTT-3.3.2-2",
            Self::TopicName(error) | Self::WillTopic(error) | Self::TopicFilter(error) => {
                return error.statement_v311();
            }
            Self::NoTopic => "MQTT-4.7.3-1",
            Self::NoFilter(T::Subscribe) => "MQTT-3.8.3-3",
            Self::NoFilter(_) => "MQTT-3.10.3-2",
            Self::SubscriptionOptions(_) => "MQTT-3-8.3-4", // printed so in the standard
            Self::ProtocolName => "MQTT-3.1.2-1",
            Self::ProtocolVersion(_) => "MQTT-3.1.2-2",
            Self::ConnectFlags => "MQTT-3.1.2-3",
            Self::WillQoS => "MQTT-3.1.2-14",
            Self::WillQoSWithoutWill => "MQTT-3.1.2-13",
            Self::WillRetainWithoutWill => "MQTT-3.1.2-15",
            Self::PasswordWithoutUserName => "MQTT-3.1.2-22",
            Self::ClientIdRequired => "MQTT-3.1.3-7",
            Self::SessionPresentRefused => "MQTT-3.2.2-4",
            Self::ReasonCode(T::SubAck, _) => "MQTT-3.9.3-2",
            Self::NoReasonCode(T::SubAck) => "MQTT-3.8.4-5",
            _ => return None,
        })
    }
}

const fn reason_statement_v5(packet: PacketType) -> Option<&'static str> {
    Some(match packet {
        PacketType::ConnAck => "MQTT-3.2.2-8",
        PacketType::PubAck => "MQTT-3.4.2-1",
        PacketType::PubRec => "MQTT-3.5.2-1",
        PacketType::PubRel => "MQTT-3.6.2-1",
        PacketType::PubComp => "MQTT-3.7.2-1",
        PacketType::SubAck => "MQTT-3.9.3-2",
        PacketType::UnsubAck => "MQTT-3.11.3-2",
        PacketType::Disconnect => "MQTT-3.14.2-1",
        PacketType::Auth => "MQTT-3.15.2-1",
        _ => return None,
    })
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated => f.write_str("a field ends after the packet does"),
            Self::TrailingBytes => f.write_str("bytes follow the last field"),
            Self::PacketType(number) => write!(f, "packet type {number} does not exist"),
            Self::Flags(packet) => write!(f, "{packet} with wrong fixed header flags"),
            Self::RemainingLength => {
                f.write_str("Remaining Length is longer than four bytes or than it needs to be")
            }
            Self::VariableByteInteger => f.write_str(
                "a Variable Byte Integer is longer than four bytes or than it needs to be",
            ),
            Self::Utf8 => f.write_str("a string is not UTF-8"),
            Self::Nul => f.write_str("a string holds U+0000"),
            Self::PublishQoS => f.write_str("PUBLISH with QoS 3"),
            Self::DupAtQoS0 => f.write_str("PUBLISH with DUP at QoS 0"),
            Self::PacketIdZero(packet) => write!(f, "{packet} with Packet Identifier 0"),
            Self::TopicName(error) => write!(f, "the Topic Name {error}"),
            Self::WillTopic(error) => write!(f, "the Will Topic {error}"),
            Self::ResponseTopic(error) => write!(f, "the Response Topic {error}"),
            Self::NoTopic => f.write_str("PUBLISH with neither Topic Name nor Topic Alias"),
            Self::TopicFilter(error) => write!(f, "a Topic Filter {error}"),
            Self::NoFilter(packet) => write!(f, "{packet} without a Topic Filter"),
            Self::SubscriptionOptions(byte) => write!(f, "Subscription Options 0x{byte:02X}"),
            Self::NoLocalShared => f.write_str("No Local on a shared subscription"),
            Self::ProtocolName => f.write_str("a Protocol Name other than MQTT"),
            Self::ProtocolVersion(level) => write!(f, "CONNECT of protocol version {level}"),
            Self::ConnectFlags => f.write_str("the reserved flag of CONNECT is set"),
            Self::WillQoS => f.write_str("CONNECT with Will QoS 3"),
            Self::WillQoSWithoutWill => f.write_str("CONNECT with Will QoS and no Will"),
            Self::WillRetainWithoutWill => f.write_str("CONNECT with Will Retain and no Will"),
            Self::PasswordWithoutUserName => f.write_str("a password without a user name"),
            Self::ClientIdRequired => f.write_str("an empty client identifier needs Clean Session"),
            Self::ConnAckFlags => f.write_str("reserved flags of CONNACK are set"),
            Self::SessionPresentRefused => f.write_str("Session Present in a CONNACK that refuses"),
            Self::ReasonCode(packet, code) => write!(f, "{packet} with reason code 0x{code:02X}"),
            Self::NoReasonCode(packet) => write!(f, "{packet} without a reason code"),
            Self::PropertyLength => f.write_str("the Property Length ends within a property"),
            Self::PropertyUnknown(id) => write!(f, "property identifier {id} does not exist"),
            Self::PropertyNotAllowed(Some(packet), id) => {
                write!(f, "{packet} with property {}", Property::name_of(id))
            }
            Self::PropertyNotAllowed(None, id) => {
                write!(f, "a Will with property {}", Property::name_of(id))
            }
            Self::PropertyTwice(id) => write!(f, "property {} twice", Property::name_of(id)),
            Self::PropertyValue(id) => {
                write!(f, "property {} with a wrong value", Property::name_of(id))
            }
            Self::NoAuthenticationMethod(packet) => {
                write!(f, "{packet} without Authentication Method")
            }
        }
    }
}

impl core::error::Error for DecodeError {}

impl From<Fault> for DecodeError {
    #[inline]
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Truncated => Self::Truncated,
            Fault::Trailing => Self::TrailingBytes,
            Fault::Varint => Self::VariableByteInteger,
            Fault::Utf8 => Self::Utf8,
            Fault::Nul => Self::Nul,
        }
    }
}

/// Why a packet cannot be encoded: the caller's mistake, or too small a slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EncodeError {
    /// `out` is too small; the packet needs this many bytes.
    OutputTooSmall {
        /// Bytes the whole packet needs.
        needed: usize,
    },
    /// The Remaining Length would be over 268,435,455 bytes.
    TooLarge,
    /// A string or binary field of over 65,535 bytes.
    FieldTooLong,
    /// 3.1.1 has no such packet, property, reason code or option.
    NotInVersion,
    /// The packet breaks the rule whose breach would make its bytes malformed.
    Invalid(DecodeError),
}

impl EncodeError {
    /// The numbered statement that would be broken, where the standard has numbered it.
    pub const fn statement(self, version: Version) -> Option<&'static str> {
        match self {
            Self::Invalid(error) => error.statement(version),
            _ => None,
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutputTooSmall { needed } => write!(f, "the packet needs {needed} bytes"),
            Self::TooLarge => f.write_str("the packet is larger than MQTT allows"),
            Self::FieldTooLong => f.write_str("a field is longer than 65,535 bytes"),
            Self::NotInVersion => f.write_str("MQTT 3.1.1 cannot express this"),
            Self::Invalid(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for EncodeError {}

impl From<DecodeError> for EncodeError {
    #[inline]
    fn from(error: DecodeError) -> Self {
        Self::Invalid(error)
    }
}
