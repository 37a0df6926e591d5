//! The beginning and the end of a connection: CONNECT (3.1), CONNACK (3.2), what it grants, the four ways in which a
//! broker says that it does not know 5.0, and what survives a loss (4.1, 4.4).

use super::{Closed, Credentials, Grants, Phase, Session, SessionError, Text};
use crate::packet::{
    self, ConnAck, Connect, EncodeError, Packet, Properties, Property, QoS, Reason, Version, Will,
};
use crate::time::Instant;

/// Whether a CONNACK is the answer of a broker that knows only 3.1.1 to a CONNECT of 5.0. One of two bytes is none of
/// 5.0, whatever it says: some brokers accept without looking at the version.
fn is_fall_back(frame: &[u8]) -> bool {
    matches!(
        frame,
        [0x20, 0x03, 0x00, 0x84, 0x00] | [0x20, 0x02, 0x00 | 0x01, 0x00..=0x05 | 0x84]
    )
}

impl Session<'_> {
    pub(super) fn write_connect(
        &mut self,
        now: Instant,
        version: Version,
        credentials: Credentials<'_>,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        self.handle_closed(now);
        let clean_start = self.starts_clean(version);
        let own = [
            Property::SessionExpiryInterval(self.options.session_expiry),
            Property::ReceiveMaximum(self.options.receive_maximum.max(1)),
            Property::MaximumPacketSize(self.options.maximum_packet_size.max(1)),
            Property::TopicAliasMaximum(self.aliases.maximum()),
        ];
        let legacy = version == Version::V311;
        let will = self.options.will.map(|will| Will {
            properties: if legacy {
                Properties::NONE
            } else {
                will.properties
            },
            ..will
        });
        let connect = Connect {
            clean_start,
            keep_alive: self.options.keep_alive,
            properties: if legacy {
                Properties::NONE
            } else {
                Properties::list(&own)
            },
            client_id: self.client_id(),
            will,
            user_name: credentials.user_name,
            password: credentials.password,
        };
        let length = packet::encode(&connect, version, out)?;
        self.version = version;
        self.clean_start = clean_start;
        self.phase = Phase::Connecting;
        self.keep_alive.restart(now);
        self.aliases.reset();
        let quota = (!legacy).then_some(self.options.receive_maximum.max(1));
        self.inbound.reset(quota);
        Ok(length)
    }

    /// Whether the broker is to forget what it holds for this client.
    fn starts_clean(&self, version: Version) -> bool {
        if version == Version::V311 && self.client_id().is_empty() {
            return true; // [MQTT-3.1.3-7] v3.1.1
        }
        match self.grants {
            None if version == Version::V5 && self.options.fresh_client_id => false,
            None => self.options.clean_start,
            Some(_) if version == Version::V311 => self.options.clean_start,
            Some(grants) => grants.session_expiry == 0,
        }
    }

    /// The first packet of a connection, which must be CONNACK `[MQTT-3.2.0-1]`.
    pub(super) fn handle_connack(&mut self, frame: &[u8]) -> Result<(), SessionError> {
        if self.version == Version::V5 && is_fall_back(frame) {
            self.phase = Phase::FallBack;
            return Err(SessionError::FallBack);
        }
        let packet = Packet::decode(frame, self.version).map_err(|e| self.malformed(e))?;
        let Packet::ConnAck(connack) = packet else {
            return Err(self.violation(
                Reason::PROTOCOL_ERROR,
                "a packet before CONNACK [MQTT-3.2.0-1]",
            ));
        };
        self.note_reason(&connack.properties);
        if connack.reason != Reason::SUCCESS {
            return Err(self.refused(connack.reason));
        }
        // What we have no state of cannot be taken up [MQTT-3.2.2-4] v5; with `clean_start` false the caller has asked
        // for what the broker kept.
        if connack.session_present && self.clean_start {
            return Err(self.violation(
                Reason::PROTOCOL_ERROR,
                "Session Present after Clean Start [MQTT-3.2.2-2] v5, [MQTT-3.2.2-1] v3.1.1",
            ));
        }
        let first = self.grants.is_none();
        let grants = self.granted(&connack);
        self.keep_alive.start(grants.keep_alive);
        self.grants = Some(grants);
        self.phase = Phase::Connected;
        self.accepted = true;
        self.tell_connected = true;
        self.tell_ready = true;
        // Only here is state given up, never while a connection is up `[MQTT-4.1.0-1]` v5.
        if !connack.session_present {
            self.inbound.forget();
        }
        self.outbound.connected(&grants);
        self.subscriptions.connected(&grants, first);
        Ok(())
    }

    fn refused(&mut self, reason: Reason) -> SessionError {
        if self.version == Version::V5 && reason == Reason::UNSUPPORTED_PROTOCOL_VERSION {
            self.phase = Phase::FallBack;
            return SessionError::FallBack;
        }
        let reason = match self.version {
            Version::V311 => reason.from_v311(),
            Version::V5 => reason,
        };
        self.phase = Phase::Failed;
        SessionError::Refused(reason)
    }

    /// Grants of `connack`, with the defaults of the standard (3.2.2.3) where it is silent.
    fn granted(&mut self, connack: &ConnAck<'_>) -> Grants {
        let five = self.version == Version::V5;
        let mut grants = Grants {
            version: self.version,
            session_present: connack.session_present,
            receive_maximum: u16::MAX,
            maximum_qos: QoS::ExactlyOnce,
            retain_available: true,
            maximum_packet_size: None,
            topic_alias_maximum: 0,
            wildcard_available: true,
            subscription_identifiers_available: five,
            shared_available: five,
            keep_alive: self.options.keep_alive,
            server_keep_alive: false,
            session_expiry: if five { self.options.session_expiry } else { 0 },
        };
        for property in connack.properties.iter() {
            match property {
                Property::ReceiveMaximum(value) => grants.receive_maximum = value,
                Property::MaximumQoS(value) => {
                    grants.maximum_qos = QoS::from_bits(value).unwrap_or_default();
                }
                Property::RetainAvailable(value) => grants.retain_available = value,
                Property::MaximumPacketSize(value) => grants.maximum_packet_size = Some(value),
                Property::TopicAliasMaximum(value) => grants.topic_alias_maximum = value,
                Property::WildcardSubscriptionAvailable(value) => grants.wildcard_available = value,
                Property::SubscriptionIdentifierAvailable(value) => {
                    grants.subscription_identifiers_available = value;
                }
                Property::SharedSubscriptionAvailable(value) => grants.shared_available = value,
                Property::ServerKeepAlive(value) => {
                    grants.keep_alive = value; // [MQTT-3.1.2-21] v5, [MQTT-3.2.2-21] v5
                    grants.server_keep_alive = true;
                }
                Property::SessionExpiryInterval(value) => grants.session_expiry = value,
                Property::AssignedClientIdentifier(id) => self.take_client_id(id),
                _ => {}
            }
        }
        grants.maximum_qos = grants.maximum_qos.min(self.highest_qos);
        grants
    }

    /// From now on it is as if it were ours `[MQTT-3.1.3-7]` v5: it names the state `[MQTT-3.1.3-2]` v5. One over the
    /// bound is not kept: the session then starts anew at every connect.
    fn take_client_id(&mut self, id: &str) {
        self.assigned = Text::new();
        let _ = self.assigned.push_str(id);
    }

    /// Publications, identifiers and subscriptions stay `[MQTT-3.1.2-23]` v5.
    pub(super) fn close(&mut self, now: Instant) -> Closed {
        let closed = match self.phase {
            Phase::Connecting if self.version == Version::V5 => Closed::FallBack,
            Phase::FallBack => Closed::FallBack,
            Phase::Leaving(_) | Phase::Finished => Closed::Finished,
            _ => Closed::Lost,
        };
        if self.phase != Phase::Idle {
            self.outbound.closed(now);
            self.subscriptions.closed(now);
        }
        self.phase = Phase::Idle;
        self.accepted = false;
        self.tell_connected = false;
        self.tell_ready = false;
        self.pong = None;
        self.scratch.clear();
        closed
    }
}
