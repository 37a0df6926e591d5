//! Which properties a packet may hold, each at most once (table 2-4 of 5.0).

use super::{DecodeError, PacketType, Property};

/// A set of property identifiers: one bit each, so that the work is proportional to the bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids(u64);

impl Ids {
    const NONE: Self = Self(0);

    /// The highest identifier is 42; what is beyond the bits is in no set.
    #[inline]
    const fn bit(id: u8) -> u64 {
        if id < 64 { 1 << id } else { 0 }
    }

    const fn of(ids: &[u8]) -> Self {
        let mut set = 0;
        let mut rest = ids;
        while let [id, tail @ ..] = rest {
            set |= Self::bit(*id);
            rest = tail;
        }
        Self(set)
    }

    #[inline]
    pub(super) const fn holds(self, id: u8) -> bool {
        self.0 & Self::bit(id) != 0
    }
}

/// Which properties a packet may hold, and which it has had.
pub(super) struct Admission {
    home: Option<PacketType>,
    allowed: Ids,
    seen: Ids,
}

impl Admission {
    #[inline]
    pub(super) const fn new(home: Option<PacketType>) -> Self {
        Self {
            home,
            allowed: allowed(home),
            seen: Ids::NONE,
        }
    }

    /// Takes one more property, unless it is not allowed here or not allowed twice.
    #[inline]
    pub(super) const fn admit(&mut self, id: u8) -> Result<(), DecodeError> {
        if !self.allowed.holds(id) {
            return Err(self.refusal(id));
        }
        if self.seen.holds(id) && !self.may_repeat(id) {
            return Err(DecodeError::PropertyTwice(id));
        }
        self.seen.0 |= Ids::bit(id);
        Ok(())
    }

    /// Whether a packet may hold all of `ids`, however often any other packet may hold them.
    #[inline]
    pub(super) const fn takes_all(home: Option<PacketType>, ids: Ids) -> bool {
        let repeated =
            matches!(home, Some(PacketType::Publish)) || !ids.holds(P::SUBSCRIPTION_IDENTIFIER);
        ids.0 & !allowed(home).0 == 0 && repeated
    }

    /// The properties that were admitted.
    #[inline]
    pub(super) const fn seen(&self) -> Ids {
        self.seen
    }

    #[cold]
    const fn refusal(&self, id: u8) -> DecodeError {
        if P::exists(id) {
            DecodeError::PropertyNotAllowed(self.home, id)
        } else {
            DecodeError::PropertyUnknown(id as u32)
        }
    }

    /// User Properties everywhere; Subscription Identifiers in PUBLISH, one for each matching subscription.
    #[inline]
    const fn may_repeat(&self, id: u8) -> bool {
        match id {
            P::USER_PROPERTY => true,
            P::SUBSCRIPTION_IDENTIFIER => matches!(self.home, Some(PacketType::Publish)),
            _ => false,
        }
    }
}

/// Table 2-4 of 5.0, by packet; `None` is the Will.
#[inline]
const fn allowed(home: Option<PacketType>) -> Ids {
    match home {
        None => {
            const {
                Ids::of(&[
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
                Ids::of(&[
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
                Ids::of(&[
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
                Ids::of(&[
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
            const { Ids::of(&[P::SUBSCRIPTION_IDENTIFIER, P::USER_PROPERTY]) }
        }
        Some(PacketType::Unsubscribe) => const { Ids::of(&[P::USER_PROPERTY]) },
        Some(PacketType::Disconnect) => {
            const {
                Ids::of(&[
                    P::SESSION_EXPIRY_INTERVAL,
                    P::SERVER_REFERENCE,
                    P::REASON_STRING,
                    P::USER_PROPERTY,
                ])
            }
        }
        Some(PacketType::Auth) => {
            const {
                Ids::of(&[
                    P::AUTHENTICATION_METHOD,
                    P::AUTHENTICATION_DATA,
                    P::REASON_STRING,
                    P::USER_PROPERTY,
                ])
            }
        }
        Some(PacketType::PingReq | PacketType::PingResp) => Ids::NONE,
        Some(_) => const { Ids::of(&[P::REASON_STRING, P::USER_PROPERTY]) },
    }
}

type P = Property<'static>;
