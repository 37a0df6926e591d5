//! One property of MQTT 5.0 (section 2.2.2): 27 of them, their identifiers, types and values.

use super::admission::Admission;
use super::properties::{binary_size, string_size};
use super::{DecodeError, EncodeError};
use crate::limits::MAX_REMAINING_LENGTH;
use crate::topic;
use crate::wire::{Reader, Writer, varint};

/// One property with its value; its tag is the identifier on the wire.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the standard's names and types
pub enum Property<'a> {
    PayloadFormatIndicator(bool) = 1,
    MessageExpiryInterval(u32) = 2,
    ContentType(&'a str) = 3,
    ResponseTopic(&'a str) = 8,
    CorrelationData(&'a [u8]) = 9,
    SubscriptionIdentifier(u32) = 11,
    SessionExpiryInterval(u32) = 17,
    AssignedClientIdentifier(&'a str) = 18,
    ServerKeepAlive(u16) = 19,
    AuthenticationMethod(&'a str) = 21,
    AuthenticationData(&'a [u8]) = 22,
    RequestProblemInformation(bool) = 23,
    WillDelayInterval(u32) = 24,
    RequestResponseInformation(bool) = 25,
    ResponseInformation(&'a str) = 26,
    ServerReference(&'a str) = 28,
    ReasonString(&'a str) = 31,
    ReceiveMaximum(u16) = 33,
    TopicAliasMaximum(u16) = 34,
    TopicAlias(u16) = 35,
    MaximumQoS(u8) = 36,
    RetainAvailable(bool) = 37,
    UserProperty(&'a str, &'a str) = 38,
    MaximumPacketSize(u32) = 39,
    WildcardSubscriptionAvailable(bool) = 40,
    SubscriptionIdentifierAvailable(bool) = 41,
    SharedSubscriptionAvailable(bool) = 42,
}

/// The identifiers, as they stand on the wire.
impl Property<'_> {
    pub(super) const PAYLOAD_FORMAT_INDICATOR: u8 = 1;
    pub(super) const MESSAGE_EXPIRY_INTERVAL: u8 = 2;
    pub(super) const CONTENT_TYPE: u8 = 3;
    pub(super) const RESPONSE_TOPIC: u8 = 8;
    pub(super) const CORRELATION_DATA: u8 = 9;
    pub(super) const SUBSCRIPTION_IDENTIFIER: u8 = 11;
    pub(super) const SESSION_EXPIRY_INTERVAL: u8 = 17;
    pub(super) const ASSIGNED_CLIENT_IDENTIFIER: u8 = 18;
    pub(super) const SERVER_KEEP_ALIVE: u8 = 19;
    pub(super) const AUTHENTICATION_METHOD: u8 = 21;
    pub(super) const AUTHENTICATION_DATA: u8 = 22;
    pub(super) const REQUEST_PROBLEM_INFORMATION: u8 = 23;
    pub(super) const WILL_DELAY_INTERVAL: u8 = 24;
    pub(super) const REQUEST_RESPONSE_INFORMATION: u8 = 25;
    pub(super) const RESPONSE_INFORMATION: u8 = 26;
    pub(super) const SERVER_REFERENCE: u8 = 28;
    pub(super) const REASON_STRING: u8 = 31;
    pub(super) const RECEIVE_MAXIMUM: u8 = 33;
    pub(super) const TOPIC_ALIAS_MAXIMUM: u8 = 34;
    pub(super) const TOPIC_ALIAS: u8 = 35;
    pub(super) const MAXIMUM_QOS: u8 = 36;
    pub(super) const RETAIN_AVAILABLE: u8 = 37;
    pub(super) const USER_PROPERTY: u8 = 38;
    pub(super) const MAXIMUM_PACKET_SIZE: u8 = 39;
    pub(super) const WILDCARD_SUBSCRIPTION_AVAILABLE: u8 = 40;
    pub(super) const SUBSCRIPTION_IDENTIFIER_AVAILABLE: u8 = 41;
    pub(super) const SHARED_SUBSCRIPTION_AVAILABLE: u8 = 42;

    /// The identifier on the wire (2.2.2.2).
    #[inline]
    pub const fn id(&self) -> u8 {
        match self {
            Self::PayloadFormatIndicator(..) => Self::PAYLOAD_FORMAT_INDICATOR,
            Self::MessageExpiryInterval(..) => Self::MESSAGE_EXPIRY_INTERVAL,
            Self::ContentType(..) => Self::CONTENT_TYPE,
            Self::ResponseTopic(..) => Self::RESPONSE_TOPIC,
            Self::CorrelationData(..) => Self::CORRELATION_DATA,
            Self::SubscriptionIdentifier(..) => Self::SUBSCRIPTION_IDENTIFIER,
            Self::SessionExpiryInterval(..) => Self::SESSION_EXPIRY_INTERVAL,
            Self::AssignedClientIdentifier(..) => Self::ASSIGNED_CLIENT_IDENTIFIER,
            Self::ServerKeepAlive(..) => Self::SERVER_KEEP_ALIVE,
            Self::AuthenticationMethod(..) => Self::AUTHENTICATION_METHOD,
            Self::AuthenticationData(..) => Self::AUTHENTICATION_DATA,
            Self::RequestProblemInformation(..) => Self::REQUEST_PROBLEM_INFORMATION,
            Self::WillDelayInterval(..) => Self::WILL_DELAY_INTERVAL,
            Self::RequestResponseInformation(..) => Self::REQUEST_RESPONSE_INFORMATION,
            Self::ResponseInformation(..) => Self::RESPONSE_INFORMATION,
            Self::ServerReference(..) => Self::SERVER_REFERENCE,
            Self::ReasonString(..) => Self::REASON_STRING,
            Self::ReceiveMaximum(..) => Self::RECEIVE_MAXIMUM,
            Self::TopicAliasMaximum(..) => Self::TOPIC_ALIAS_MAXIMUM,
            Self::TopicAlias(..) => Self::TOPIC_ALIAS,
            Self::MaximumQoS(..) => Self::MAXIMUM_QOS,
            Self::RetainAvailable(..) => Self::RETAIN_AVAILABLE,
            Self::UserProperty(..) => Self::USER_PROPERTY,
            Self::MaximumPacketSize(..) => Self::MAXIMUM_PACKET_SIZE,
            Self::WildcardSubscriptionAvailable(..) => Self::WILDCARD_SUBSCRIPTION_AVAILABLE,
            Self::SubscriptionIdentifierAvailable(..) => Self::SUBSCRIPTION_IDENTIFIER_AVAILABLE,
            Self::SharedSubscriptionAvailable(..) => Self::SHARED_SUBSCRIPTION_AVAILABLE,
        }
    }

    /// As the standard writes it.
    pub const fn name(&self) -> &'static str {
        Self::name_of(self.id())
    }

    /// Whether a property has this identifier.
    pub(super) const fn exists(id: u8) -> bool {
        !matches!(Self::name_of(id).as_bytes(), b"unknown")
    }

    pub(super) const fn name_of(id: u8) -> &'static str {
        match id {
            Self::PAYLOAD_FORMAT_INDICATOR => "Payload Format Indicator",
            Self::MESSAGE_EXPIRY_INTERVAL => "Message Expiry Interval",
            Self::CONTENT_TYPE => "Content Type",
            Self::RESPONSE_TOPIC => "Response Topic",
            Self::CORRELATION_DATA => "Correlation Data",
            Self::SUBSCRIPTION_IDENTIFIER => "Subscription Identifier",
            Self::SESSION_EXPIRY_INTERVAL => "Session Expiry Interval",
            Self::ASSIGNED_CLIENT_IDENTIFIER => "Assigned Client Identifier",
            Self::SERVER_KEEP_ALIVE => "Server Keep Alive",
            Self::AUTHENTICATION_METHOD => "Authentication Method",
            Self::AUTHENTICATION_DATA => "Authentication Data",
            Self::REQUEST_PROBLEM_INFORMATION => "Request Problem Information",
            Self::WILL_DELAY_INTERVAL => "Will Delay Interval",
            Self::REQUEST_RESPONSE_INFORMATION => "Request Response Information",
            Self::RESPONSE_INFORMATION => "Response Information",
            Self::SERVER_REFERENCE => "Server Reference",
            Self::REASON_STRING => "Reason String",
            Self::RECEIVE_MAXIMUM => "Receive Maximum",
            Self::TOPIC_ALIAS_MAXIMUM => "Topic Alias Maximum",
            Self::TOPIC_ALIAS => "Topic Alias",
            Self::MAXIMUM_QOS => "Maximum QoS",
            Self::RETAIN_AVAILABLE => "Retain Available",
            Self::USER_PROPERTY => "User Property",
            Self::MAXIMUM_PACKET_SIZE => "Maximum Packet Size",
            Self::WILDCARD_SUBSCRIPTION_AVAILABLE => "Wildcard Subscription Available",
            Self::SUBSCRIPTION_IDENTIFIER_AVAILABLE => "Subscription Identifier Available",
            Self::SHARED_SUBSCRIPTION_AVAILABLE => "Shared Subscription Available",
            _ => "unknown",
        }
    }
}

impl<'a> Property<'a> {
    /// Reads identifier and value. A value that its type allows and the property does not is found by
    /// [`Property::measure`], but for booleans above 1, which cannot be held.
    #[inline]
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let id = identifier(reader)?;
        Ok(match id {
            Self::PAYLOAD_FORMAT_INDICATOR => Self::PayloadFormatIndicator(boolean(reader, id)?),
            Self::MESSAGE_EXPIRY_INTERVAL => Self::MessageExpiryInterval(reader.u32()?),
            Self::CONTENT_TYPE => Self::ContentType(reader.utf8()?),
            Self::RESPONSE_TOPIC => Self::ResponseTopic(reader.utf8()?),
            Self::CORRELATION_DATA => Self::CorrelationData(reader.binary()?),
            Self::SUBSCRIPTION_IDENTIFIER => Self::SubscriptionIdentifier(reader.varint()?),
            Self::SESSION_EXPIRY_INTERVAL => Self::SessionExpiryInterval(reader.u32()?),
            Self::ASSIGNED_CLIENT_IDENTIFIER => Self::AssignedClientIdentifier(reader.utf8()?),
            Self::SERVER_KEEP_ALIVE => Self::ServerKeepAlive(reader.u16()?),
            Self::AUTHENTICATION_METHOD => Self::AuthenticationMethod(reader.utf8()?),
            Self::AUTHENTICATION_DATA => Self::AuthenticationData(reader.binary()?),
            Self::REQUEST_PROBLEM_INFORMATION => {
                Self::RequestProblemInformation(boolean(reader, id)?)
            }
            Self::WILL_DELAY_INTERVAL => Self::WillDelayInterval(reader.u32()?),
            Self::REQUEST_RESPONSE_INFORMATION => {
                Self::RequestResponseInformation(boolean(reader, id)?)
            }
            Self::RESPONSE_INFORMATION => Self::ResponseInformation(reader.utf8()?),
            Self::SERVER_REFERENCE => Self::ServerReference(reader.utf8()?),
            Self::REASON_STRING => Self::ReasonString(reader.utf8()?),
            Self::RECEIVE_MAXIMUM => Self::ReceiveMaximum(reader.u16()?),
            Self::TOPIC_ALIAS_MAXIMUM => Self::TopicAliasMaximum(reader.u16()?),
            Self::TOPIC_ALIAS => Self::TopicAlias(reader.u16()?),
            Self::MAXIMUM_QOS => Self::MaximumQoS(reader.u8()?),
            Self::RETAIN_AVAILABLE => Self::RetainAvailable(boolean(reader, id)?),
            Self::USER_PROPERTY => Self::UserProperty(reader.utf8()?, reader.utf8()?),
            Self::MAXIMUM_PACKET_SIZE => Self::MaximumPacketSize(reader.u32()?),
            Self::WILDCARD_SUBSCRIPTION_AVAILABLE => {
                Self::WildcardSubscriptionAvailable(boolean(reader, id)?)
            }
            Self::SUBSCRIPTION_IDENTIFIER_AVAILABLE => {
                Self::SubscriptionIdentifierAvailable(boolean(reader, id)?)
            }
            Self::SHARED_SUBSCRIPTION_AVAILABLE => {
                Self::SharedSubscriptionAvailable(boolean(reader, id)?)
            }
            _ => return Err(DecodeError::PropertyUnknown(u32::from(id))),
        })
    }

    /// Reads past one property and finds all that is wrong with it; like [`Property::read`] and
    /// [`Property::measure`], but nothing is made of it: most properties are looked at only once.
    #[inline]
    pub(super) fn examine(
        reader: &mut Reader<'a>,
        admission: &mut Admission,
    ) -> Result<(), DecodeError> {
        let id = identifier(reader)?;
        admission.admit(id)?;
        let valid = match id {
            Self::PAYLOAD_FORMAT_INDICATOR
            | Self::REQUEST_PROBLEM_INFORMATION
            | Self::REQUEST_RESPONSE_INFORMATION
            | Self::MAXIMUM_QOS
            | Self::RETAIN_AVAILABLE
            | Self::WILDCARD_SUBSCRIPTION_AVAILABLE
            | Self::SUBSCRIPTION_IDENTIFIER_AVAILABLE
            | Self::SHARED_SUBSCRIPTION_AVAILABLE => reader.u8()? <= 1,
            Self::RECEIVE_MAXIMUM | Self::TOPIC_ALIAS => reader.u16()? != 0,
            Self::SERVER_KEEP_ALIVE | Self::TOPIC_ALIAS_MAXIMUM => reader.u16().map(|_| true)?,
            Self::MAXIMUM_PACKET_SIZE => reader.u32()? != 0,
            Self::MESSAGE_EXPIRY_INTERVAL
            | Self::SESSION_EXPIRY_INTERVAL
            | Self::WILL_DELAY_INTERVAL => reader.u32().map(|_| true)?,
            Self::SUBSCRIPTION_IDENTIFIER => reader.varint()? != 0,
            Self::CORRELATION_DATA | Self::AUTHENTICATION_DATA => reader.binary().map(|_| true)?,
            Self::RESPONSE_TOPIC => {
                let name = reader.string_bytes()?;
                return topic::check_name(name).map_err(DecodeError::ResponseTopic);
            }
            Self::USER_PROPERTY => {
                reader.string_bytes()?;
                reader.string_bytes().map(|_| true)?
            }
            _ => reader.string_bytes().map(|_| true)?,
        };
        if valid {
            Ok(())
        } else {
            Err(DecodeError::PropertyValue(id))
        }
    }

    /// Writes identifier and value, of as many bytes as [`Property::measure`] found.
    #[inline]
    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        let id = self.id();
        match *self {
            Self::PayloadFormatIndicator(value)
            | Self::RequestProblemInformation(value)
            | Self::RequestResponseInformation(value)
            | Self::RetainAvailable(value)
            | Self::WildcardSubscriptionAvailable(value)
            | Self::SubscriptionIdentifierAvailable(value)
            | Self::SharedSubscriptionAvailable(value) => writer.array([id, u8::from(value)]),
            Self::MaximumQoS(value) => writer.array([id, value]),
            Self::ServerKeepAlive(value)
            | Self::ReceiveMaximum(value)
            | Self::TopicAliasMaximum(value)
            | Self::TopicAlias(value) => {
                let [high, low] = value.to_be_bytes();
                writer.array([id, high, low]);
            }
            Self::MessageExpiryInterval(value)
            | Self::SessionExpiryInterval(value)
            | Self::WillDelayInterval(value)
            | Self::MaximumPacketSize(value) => {
                let [one, two, three, four] = value.to_be_bytes();
                writer.array([id, one, two, three, four]);
            }
            Self::SubscriptionIdentifier(value) => {
                writer.u8(id);
                writer.varint(value);
            }
            Self::ContentType(value)
            | Self::ResponseTopic(value)
            | Self::AssignedClientIdentifier(value)
            | Self::AuthenticationMethod(value)
            | Self::ResponseInformation(value)
            | Self::ServerReference(value)
            | Self::ReasonString(value) => writer.tagged_binary(id, value.as_bytes()),
            Self::CorrelationData(value) | Self::AuthenticationData(value) => {
                writer.tagged_binary(id, value);
            }
            Self::UserProperty(name, value) => {
                writer.tagged_binary(id, name.as_bytes());
                writer.binary(value.as_bytes());
            }
        }
    }

    /// Bytes on the wire, if it can be encoded: the value is one that the property can have, and what is of variable
    /// length fits. Receive Maximum (3.1.2.11.3), Maximum Packet Size (3.1.2.11.4), Topic Alias `[MQTT-3.3.2-8]` v5 and
    /// Subscription Identifier (3.8.2.1.2) are not 0, Maximum QoS is 0 or 1 (3.2.2.3.4), Response Topic is a Topic
    /// Name `[MQTT-3.3.2-14]` v5.
    #[inline]
    pub(super) fn measure(&self) -> Result<usize, EncodeError> {
        let (size, valid) = match *self {
            Self::PayloadFormatIndicator(_)
            | Self::RequestProblemInformation(_)
            | Self::RequestResponseInformation(_)
            | Self::RetainAvailable(_)
            | Self::WildcardSubscriptionAvailable(_)
            | Self::SubscriptionIdentifierAvailable(_)
            | Self::SharedSubscriptionAvailable(_) => (2, true),
            Self::MaximumQoS(value) => (2, value <= 1),
            Self::ServerKeepAlive(_) | Self::TopicAliasMaximum(_) => (3, true),
            Self::ReceiveMaximum(value) | Self::TopicAlias(value) => (3, value != 0),
            Self::MessageExpiryInterval(_)
            | Self::SessionExpiryInterval(_)
            | Self::WillDelayInterval(_) => (5, true),
            Self::MaximumPacketSize(value) => (5, value != 0),
            Self::SubscriptionIdentifier(value) => (
                1 + varint::length(value),
                value != 0 && value <= MAX_REMAINING_LENGTH,
            ),
            Self::ResponseTopic(value) => {
                topic::validate_name(value).map_err(DecodeError::ResponseTopic)?;
                (3 + value.len(), true)
            }
            Self::ContentType(value)
            | Self::AssignedClientIdentifier(value)
            | Self::AuthenticationMethod(value)
            | Self::ResponseInformation(value)
            | Self::ServerReference(value)
            | Self::ReasonString(value) => (1 + string_size(value)?, true),
            Self::CorrelationData(value) | Self::AuthenticationData(value) => {
                (1 + binary_size(value)?, true)
            }
            Self::UserProperty(name, value) => (1 + string_size(name)? + string_size(value)?, true),
        };
        if valid {
            Ok(size)
        } else {
            Err(DecodeError::PropertyValue(self.id()).into())
        }
    }
}

/// An identifier; those of properties have one byte, longer ones only an error to tell.
#[inline]
fn identifier(reader: &mut Reader<'_>) -> Result<u8, DecodeError> {
    let mut ahead = *reader;
    match ahead.u8()? {
        id @ 0..=0x7f => {
            *reader = ahead;
            Ok(id)
        }
        _ => Err(DecodeError::PropertyUnknown(reader.varint()?)),
    }
}

/// A byte that is 0 or 1.
#[inline]
fn boolean(reader: &mut Reader<'_>, id: u8) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::PropertyValue(id)),
    }
}
