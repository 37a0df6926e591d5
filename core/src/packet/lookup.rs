//! Properties by their names; those that may repeat (User Property, Subscription Identifier) are beside
//! [`Properties`] itself.

use super::{Properties, Property};

/// Lookups of the properties that a packet has at most once.
impl<'a> Properties<'a> {
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
        if !self.may_hold(Property::TOPIC_ALIAS) {
            return None;
        }
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
}
