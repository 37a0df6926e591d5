//! Which properties a packet may hold, each at most once (table 2-4 of 5.0).

use super::{DecodeError, PacketType, Property};

/// Which properties a packet may hold, and which it has had: one bit an identifier, so that the work is
/// proportional to the bytes.
pub(super) struct Admission {
    home: Option<PacketType>,
    allowed: u64,
    seen: u64,
}

impl Admission {
    #[inline]
    pub(super) const fn new(home: Option<PacketType>) -> Self {
        Self {
            home,
            allowed: allowed(home),
            seen: 0,
        }
    }

    #[inline]
    pub(super) fn admit(&mut self, property: &Property<'_>) -> Result<(), DecodeError> {
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
