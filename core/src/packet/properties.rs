//! The properties of one packet: which are allowed where, each at most once, and how they are looked up.
//! Sections 2.2.2 and the properties of each packet in chapter 3 of 5.0. What [`Properties`] holds from the
//! wire was checked when it was decoded, so that looking through it cannot fail.

use super::property::Field;
use super::{DecodeError, EncodeError, PacketType, Property, Version};
use crate::limits::MAX_STRING;
use crate::wire::{Reader, Writer};

/// The properties of one packet: a list of the caller's to encode, or validated bytes that were decoded.
/// Empty in 3.1.1.
#[derive(Clone, Copy, Debug)]
pub struct Properties<'a> {
    source: Source<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    List(&'a [Property<'a>]),
    Wire(&'a [u8]),
}

impl<'a> Properties<'a> {
    /// No property.
    pub const NONE: Self = Self {
        source: Source::List(&[]),
    };

    /// These, to be encoded in this order.
    pub const fn list(list: &'a [Property<'a>]) -> Self {
        Self {
            source: Source::List(list),
        }
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        match self.source {
            Source::List(list) => list.is_empty(),
            Source::Wire(bytes) => bytes.is_empty(),
        }
    }

    /// Each property in the order of the wire.
    pub const fn iter(&self) -> PropertyIter<'a> {
        PropertyIter {
            source: self.source,
        }
    }

    /// The first property of which `pick` makes something.
    pub fn find<T>(&self, pick: impl FnMut(Property<'a>) -> Option<T>) -> Option<T> {
        self.iter().find_map(pick)
    }

    /// User Properties, in order: `(name, value)`.
    pub fn user_properties(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.iter().filter_map(|property| match property {
            Property::UserProperty(name, value) => Some((name, value)),
            _ => None,
        })
    }

    /// Subscription Identifiers: of a PUBLISH, one for each subscription it is for; of a SUBSCRIBE, one or none.
    pub fn subscription_identifiers(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.iter().filter_map(|property| match property {
            Property::SubscriptionIdentifier(id) => Some(id),
            _ => None,
        })
    }
}

/// Lookups of the properties that a packet has at most once.
impl<'a> Properties<'a> {
    /// Payload Format Indicator.
    pub fn payload_format_indicator(&self) -> Option<bool> {
        self.find(|property| match property {
            Property::PayloadFormatIndicator(value) => Some(value),
            _ => None,
        })
    }

    /// Message Expiry Interval.
    pub fn message_expiry_interval(&self) -> Option<u32> {
        self.find(|property| match property {
            Property::MessageExpiryInterval(value) => Some(value),
            _ => None,
        })
    }

    /// Content Type.
    pub fn content_type(&self) -> Option<&'a str> {
        self.find(|property| match property {
            Property::ContentType(value) => Some(value),
            _ => None,
        })
    }

    /// Response Topic.
    pub fn response_topic(&self) -> Option<&'a str> {
        self.find(|property| match property {
            Property::ResponseTopic(value) => Some(value),
            _ => None,
        })
    }

    /// Correlation Data.
    pub fn correlation_data(&self) -> Option<&'a [u8]> {
        self.find(|property| match property {
            Property::CorrelationData(value) => Some(value),
            _ => None,
        })
    }

    /// Session Expiry Interval.
    pub fn session_expiry_interval(&self) -> Option<u32> {
        self.find(|property| match property {
            Property::SessionExpiryInterval(value) => Some(value),
            _ => None,
        })
    }

    /// Assigned Client Identifier.
    pub fn assigned_client_identifier(&self) -> Option<&'a str> {
        self.find(|property| match property {
            Property::AssignedClientIdentifier(value) => Some(value),
            _ => None,
        })
    }

    /// Server Keep Alive.
    pub fn server_keep_alive(&self) -> Option<u16> {
        self.find(|property| match property {
            Property::ServerKeepAlive(value) => Some(value),
            _ => None,
        })
    }

    /// Authentication Method.
    pub fn authentication_method(&self) -> Option<&'a str> {
        self.find(|property| match property {
            Property::AuthenticationMethod(value) => Some(value),
            _ => None,
        })
    }

    /// Authentication Data.
    pub fn authentication_data(&self) -> Option<&'a [u8]> {
        self.find(|property| match property {
            Property::AuthenticationData(value) => Some(value),
            _ => None,
        })
    }

    /// Request Problem Information.
    pub fn request_problem_information(&self) -> Option<bool> {
        self.find(|property| match property {
            Property::RequestProblemInformation(value) => Some(value),
            _ => None,
        })
    }

    /// Will Delay Interval.
    pub fn will_delay_interval(&self) -> Option<u32> {
        self.find(|property| match property {
            Property::WillDelayInterval(value) => Some(value),
            _ => None,
        })
    }

    /// Request Response Information.
    pub fn request_response_information(&self) -> Option<bool> {
        self.find(|property| match property {
            Property::RequestResponseInformation(value) => Some(value),
            _ => None,
        })
    }

    /// Response Information.
    pub fn response_information(&self) -> Option<&'a str> {
        self.find(|property| match property {
            Property::ResponseInformation(value) => Some(value),
            _ => None,
        })
    }

    /// Server Reference.
    pub fn server_reference(&self) -> Option<&'a str> {
        self.find(|property| match property {
            Property::ServerReference(value) => Some(value),
            _ => None,
        })
    }

    /// Reason String.
    pub fn reason_string(&self) -> Option<&'a str> {
        self.find(|property| match property {
            Property::ReasonString(value) => Some(value),
            _ => None,
        })
    }

    /// Receive Maximum.
    pub fn receive_maximum(&self) -> Option<u16> {
        self.find(|property| match property {
            Property::ReceiveMaximum(value) => Some(value),
            _ => None,
        })
    }

    /// Topic Alias Maximum.
    pub fn topic_alias_maximum(&self) -> Option<u16> {
        self.find(|property| match property {
            Property::TopicAliasMaximum(value) => Some(value),
            _ => None,
        })
    }

    /// Topic Alias.
    pub fn topic_alias(&self) -> Option<u16> {
        self.find(|property| match property {
            Property::TopicAlias(value) => Some(value),
            _ => None,
        })
    }

    /// Maximum QoS.
    pub fn maximum_qos(&self) -> Option<u8> {
        self.find(|property| match property {
            Property::MaximumQoS(value) => Some(value),
            _ => None,
        })
    }

    /// Retain Available.
    pub fn retain_available(&self) -> Option<bool> {
        self.find(|property| match property {
            Property::RetainAvailable(value) => Some(value),
            _ => None,
        })
    }

    /// Maximum Packet Size.
    pub fn maximum_packet_size(&self) -> Option<u32> {
        self.find(|property| match property {
            Property::MaximumPacketSize(value) => Some(value),
            _ => None,
        })
    }

    /// Wildcard Subscription Available.
    pub fn wildcard_subscription_available(&self) -> Option<bool> {
        self.find(|property| match property {
            Property::WildcardSubscriptionAvailable(value) => Some(value),
            _ => None,
        })
    }

    /// Subscription Identifier Available.
    pub fn subscription_identifier_available(&self) -> Option<bool> {
        self.find(|property| match property {
            Property::SubscriptionIdentifierAvailable(value) => Some(value),
            _ => None,
        })
    }

    /// Shared Subscription Available.
    pub fn shared_subscription_available(&self) -> Option<bool> {
        self.find(|property| match property {
            Property::SharedSubscriptionAvailable(value) => Some(value),
            _ => None,
        })
    }
}

impl<'a> Properties<'a> {
    /// Reads Property Length and properties, each checked for `home` (`None` is the Will).
    #[inline]
    pub(super) fn decode(
        reader: &mut Reader<'a>,
        home: Option<PacketType>,
        version: Version,
    ) -> Result<Self, DecodeError> {
        if version == Version::V311 {
            return Ok(Self::NONE);
        }
        let length = reader.varint()?;
        let bytes = usize::try_from(length)
            .ok()
            .and_then(|length| reader.take(length).ok())
            .ok_or(DecodeError::PropertyLength)?;
        if bytes.is_empty() {
            return Ok(Self::NONE);
        }
        let mut admission = Admission::new(home);
        let mut rest = Reader::new(bytes);
        while !rest.is_empty() {
            let property = Property::read(&mut rest).map_err(|error| match error {
                DecodeError::Truncated => DecodeError::PropertyLength,
                error => error,
            })?;
            admission.admit(&property)?;
        }
        Ok(Self {
            source: Source::Wire(bytes),
        })
    }

    /// Whether they can be encoded into `home` (`None` is the Will).
    pub(super) fn check(
        &self,
        home: Option<PacketType>,
        version: Version,
    ) -> Result<(), EncodeError> {
        if self.is_empty() {
            return Ok(());
        }
        if version == Version::V311 {
            return Err(EncodeError::NotInVersion);
        }
        let mut admission = Admission::new(home);
        for property in self.iter() {
            admission.admit(&property)?;
            for field in property.fields() {
                match field {
                    Field::None => {}
                    Field::String(string) => check_string(string)?,
                    Field::Binary(bytes) => check_binary(bytes)?,
                }
            }
        }
        Ok(())
    }

    /// Writes Property Length and properties; nothing in 3.1.1. No properties are a Property Length of zero
    /// `[MQTT-2.2.2-1]` v5.
    #[inline]
    pub(super) fn write(&self, version: Version, writer: &mut Writer<'_>) {
        if version == Version::V311 {
            return;
        }
        match self.source {
            Source::Wire(bytes) => {
                writer.varint(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
                writer.bytes(bytes);
            }
            Source::List(list) => {
                let mut size = Writer::counting();
                list.iter().for_each(|property| property.write(&mut size));
                writer.varint(u32::try_from(size.needed()).unwrap_or(u32::MAX));
                list.iter().for_each(|property| property.write(writer));
            }
        }
    }
}

impl PartialEq for Properties<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a> IntoIterator for &Properties<'a> {
    type Item = Property<'a>;
    type IntoIter = PropertyIter<'a>;

    fn into_iter(self) -> PropertyIter<'a> {
        self.iter()
    }
}

/// Iterator of [`Properties::iter`].
#[derive(Clone, Debug)]
pub struct PropertyIter<'a> {
    source: Source<'a>,
}

impl<'a> Iterator for PropertyIter<'a> {
    type Item = Property<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.source {
            Source::List(list) => {
                let (&property, rest) = list.split_first()?;
                self.source = Source::List(rest);
                Some(property)
            }
            Source::Wire(bytes) => {
                let mut reader = Reader::new(bytes);
                let property = Property::read(&mut reader).ok()?;
                self.source = Source::Wire(reader.rest());
                Some(property)
            }
        }
    }
}

impl core::iter::FusedIterator for PropertyIter<'_> {}

/// Which properties a packet may hold, and which it has had: one bit an identifier, so that the work is
/// proportional to the bytes.
struct Admission {
    home: Option<PacketType>,
    allowed: u64,
    seen: u64,
}

impl Admission {
    #[inline]
    const fn new(home: Option<PacketType>) -> Self {
        Self {
            home,
            allowed: allowed(home),
            seen: 0,
        }
    }

    #[inline]
    fn admit(&mut self, property: &Property<'_>) -> Result<(), DecodeError> {
        let bit = bit(property.id());
        if self.allowed & bit == 0 {
            return Err(DecodeError::PropertyNotAllowed(self.home, property.id()));
        }
        if self.seen & bit != 0 && !self.may_repeat(property) {
            return Err(DecodeError::PropertyTwice(property.id()));
        }
        self.seen |= bit;
        property.check_value()
    }

    /// User Properties everywhere; Subscription Identifiers in PUBLISH, one for each matching subscription.
    #[inline]
    const fn may_repeat(&self, property: &Property<'_>) -> bool {
        match property {
            Property::UserProperty(..) => true,
            Property::SubscriptionIdentifier(_) => matches!(self.home, Some(PacketType::Publish)),
            _ => false,
        }
    }
}

const fn bit(id: u8) -> u64 {
    1 << (id & 63)
}

const fn set(ids: &[u8]) -> u64 {
    let mut set = 0;
    let mut rest = ids;
    while let [id, tail @ ..] = rest {
        set |= bit(*id);
        rest = tail;
    }
    set
}

/// Table 2-4 of 5.0, by packet; `None` is the Will.
#[inline]
const fn allowed(home: Option<PacketType>) -> u64 {
    match home {
        None => {
            const {
                set(&[
                    P::PAYLOAD_FORMAT_INDICATOR,
                    P::MESSAGE_EXPIRY_INTERVAL,
                    P::CONTENT_TYPE,
                    P::RESPONSE_TOPIC,
                    P::CORRELATION_DATA,
                    P::WILL_DELAY_INTERVAL,
                    P::USER_PROPERTY,
                ])
            }
        }
        Some(PacketType::Connect) => {
            const {
                set(&[
                    P::SESSION_EXPIRY_INTERVAL,
                    P::AUTHENTICATION_METHOD,
                    P::AUTHENTICATION_DATA,
                    P::REQUEST_PROBLEM_INFORMATION,
                    P::REQUEST_RESPONSE_INFORMATION,
                    P::RECEIVE_MAXIMUM,
                    P::TOPIC_ALIAS_MAXIMUM,
                    P::USER_PROPERTY,
                    P::MAXIMUM_PACKET_SIZE,
                ])
            }
        }
        Some(PacketType::ConnAck) => {
            const {
                set(&[
                    P::SESSION_EXPIRY_INTERVAL,
                    P::ASSIGNED_CLIENT_IDENTIFIER,
                    P::SERVER_KEEP_ALIVE,
                    P::AUTHENTICATION_METHOD,
                    P::AUTHENTICATION_DATA,
                    P::RESPONSE_INFORMATION,
                    P::SERVER_REFERENCE,
                    P::REASON_STRING,
                    P::RECEIVE_MAXIMUM,
                    P::TOPIC_ALIAS_MAXIMUM,
                    P::MAXIMUM_QOS,
                    P::RETAIN_AVAILABLE,
                    P::USER_PROPERTY,
                    P::MAXIMUM_PACKET_SIZE,
                    P::WILDCARD_SUBSCRIPTION_AVAILABLE,
                    P::SUBSCRIPTION_IDENTIFIER_AVAILABLE,
                    P::SHARED_SUBSCRIPTION_AVAILABLE,
                ])
            }
        }
        Some(PacketType::Publish) => {
            const {
                set(&[
                    P::PAYLOAD_FORMAT_INDICATOR,
                    P::MESSAGE_EXPIRY_INTERVAL,
                    P::CONTENT_TYPE,
                    P::RESPONSE_TOPIC,
                    P::CORRELATION_DATA,
                    P::SUBSCRIPTION_IDENTIFIER,
                    P::TOPIC_ALIAS,
                    P::USER_PROPERTY,
                ])
            }
        }
        Some(PacketType::Subscribe) => {
            const { set(&[P::SUBSCRIPTION_IDENTIFIER, P::USER_PROPERTY]) }
        }
        Some(PacketType::Unsubscribe) => bit(P::USER_PROPERTY),
        Some(PacketType::Disconnect) => {
            const {
                set(&[
                    P::SESSION_EXPIRY_INTERVAL,
                    P::SERVER_REFERENCE,
                    P::REASON_STRING,
                    P::USER_PROPERTY,
                ])
            }
        }
        Some(PacketType::Auth) => {
            const {
                set(&[
                    P::AUTHENTICATION_METHOD,
                    P::AUTHENTICATION_DATA,
                    P::REASON_STRING,
                    P::USER_PROPERTY,
                ])
            }
        }
        Some(PacketType::PingReq | PacketType::PingResp) => 0,
        Some(_) => const { set(&[P::REASON_STRING, P::USER_PROPERTY]) },
    }
}

type P = Property<'static>;

/// Whether `string` can be a UTF-8 Encoded String (1.5.4).
#[inline]
pub(super) fn check_string(string: &str) -> Result<(), EncodeError> {
    check_binary(string.as_bytes())?;
    if string.as_bytes().contains(&0) {
        return Err(EncodeError::Invalid(DecodeError::Nul));
    }
    Ok(())
}

/// Whether `bytes` can be Binary Data (1.5.6).
#[inline]
pub(super) const fn check_binary(bytes: &[u8]) -> Result<(), EncodeError> {
    if bytes.len() > MAX_STRING {
        return Err(EncodeError::FieldTooLong);
    }
    Ok(())
}
