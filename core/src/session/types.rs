//! What goes into a session and what comes out of it: options, memory, verbs' arguments, messages, events, errors.
//! Plain values; who uses them how stands in [`super`].

use super::in_flight::InFlight;
use super::subscriptions::Subscription;
use crate::packet::{DecodeError, EncodeError, Properties, QoS, Reason, Version, Will};
use core::time::Duration;

/// What a session is, from its making to its end. Holds no credentials.
#[derive(Clone, Copy, Debug)]
pub struct Options<'s> {
    /// Empty: the broker assigns one (see [`Session::client_id`](super::Session::client_id)).
    pub client_id: &'s str,
    /// Seconds; 0 turns it off. A Server Keep Alive wins.
    pub keep_alive: u16,
    /// Forget at the first CONNECT what the broker holds for this client id. Reconnects of this `Session` resume
    /// where the broker can (5.0 with a session expiry; 3.1.1 only if `clean_start` is false).
    pub clean_start: bool,
    /// The client id is new to the broker (made up at random), so there is nothing to forget: 5.0 then leaves Clean
    /// Start out of the first CONNECT, because Mosquitto 2.0 keeps only such sessions through its restart.
    pub fresh_client_id: bool,
    /// Seconds that the broker keeps our state after a loss (5.0).
    pub session_expiry: u32,
    /// QoS 1 and 2 messages the broker may have in flight towards us (5.0), 1 to 65,535.
    pub receive_maximum: u16,
    /// Largest packet we take, in bytes (5.0 announces it; the framer enforces it in both).
    pub maximum_packet_size: u32,
    /// Last Will.
    pub will: Option<Will<'s>>,
}

/// Memory of a session, all of it the caller's.
pub struct Storage<'s> {
    /// Whole outgoing packets until they are sent (QoS 0) or acknowledged; bounds what can be queued.
    pub outbound: &'s mut [u8],
    /// One slot an outgoing packet that waits for something.
    pub in_flight: &'s mut [InFlight],
    /// Topic Aliases of the broker, 65,535 bytes each: `len / 65_535` of them are announced (5.0).
    pub aliases: &'s mut [u8],
    /// One slot a subscription; at most [`crate::limits::MAX_SUBSCRIPTIONS`] are used.
    pub subscriptions: &'s mut [Subscription],
    /// QoS 2 identifiers received and not yet released, one bit each: all 65,536, so the broker cannot exceed it.
    pub received: &'s mut [u64; 1024],
}

/// Opened for the moment of a CONNECT. Deliberately without `Debug`.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// User Name.
    pub user_name: Option<&'a str>,
    /// Password.
    pub password: Option<&'a [u8]>,
}

/// What a CONNACK grants, with the standard's defaults where it is silent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grants {
    /// Version of this connection.
    pub version: Version,
    /// The broker still had our session.
    pub session_present: bool,
    /// QoS 1 and 2 publications we may have in flight.
    pub receive_maximum: u16,
    /// Highest QoS we may publish with.
    pub maximum_qos: QoS,
    /// Whether retained messages exist.
    pub retain_available: bool,
    /// Largest packet the broker takes, in bytes; none: no bound of its own.
    pub maximum_packet_size: Option<u32>,
    /// Topic Aliases the broker takes from us.
    pub topic_alias_maximum: u16,
    /// Whether `+` and `#` work.
    pub wildcard_available: bool,
    /// Whether Subscription Identifiers work; never in 3.1.1.
    pub subscription_identifiers_available: bool,
    /// Whether `$share` works; unknown (`false`) in 3.1.1.
    pub shared_available: bool,
    /// Seconds of keep alive in force, and whether the broker set it.
    pub keep_alive: u16,
    /// The broker chose the keep alive.
    pub server_keep_alive: bool,
    /// Seconds the broker keeps our state; 0: none.
    pub session_expiry: u32,
}

/// Names one subscription of a session; an index below [`crate::limits::MAX_SUBSCRIPTIONS`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SubscriptionId(pub u8);

/// A set of subscriptions, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct SubscriptionSet(pub u64);

impl SubscriptionSet {
    /// Whether `id` is in it.
    pub const fn contains(self, id: SubscriptionId) -> bool {
        self.0 & (1 << (id.0 & 63)) != 0
    }
}

/// Names one publication until its [`Event::Published`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Token(pub u32);

/// A message from the broker, each once.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Topic Name, aliases resolved.
    pub topic: &'a str,
    /// Any bytes.
    pub payload: &'a [u8],
    /// QoS it was delivered with.
    pub qos: QoS,
    /// A retained message, replayed because of a SUBSCRIBE (Retain As Published is off in 5.0).
    pub retain: bool,
    /// Sent before, says the broker.
    pub dup: bool,
    /// Which subscriptions it is for. Empty: for none that lives still.
    pub subscriptions: SubscriptionSet,
    /// Properties of 5.0.
    pub properties: Properties<'a>,
}

/// A packet over our bound that was passed over: acknowledged if its QoS asked for it, its payload never held.
#[derive(Clone, Copy, Debug)]
pub struct Oversized<'a> {
    /// Topic Name, if it was a PUBLISH whose head could be read.
    pub topic: Option<&'a str>,
    /// Bytes of the whole packet.
    pub length: usize,
    /// Which subscriptions it would have been for.
    pub subscriptions: SubscriptionSet,
}

/// What a caller publishes.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// Topic Name, without wildcards.
    pub topic: &'a str,
    /// Any bytes.
    pub payload: &'a [u8],
    /// Lowered to what the broker grants.
    pub qos: QoS,
    /// To be retained.
    pub retain: bool,
    /// 5.0 only; dropped in 3.1.1.
    pub properties: Properties<'a>,
}

/// Whether a subscription wants the retained messages replayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Replay {
    /// Yes.
    #[default]
    Send,
    /// No. 3.1.1 replays them all the same; they come with `retain` set.
    DoNotSend,
}

/// What happened, other than a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// CONNACK accepted; see [`Session::grants`](super::Session::grants). Subscriptions are being restored.
    Connected,
    /// Every subscription is restored (at once where there is none): only now tell others `connected`.
    Ready,
    /// A publication ended.
    Published {
        /// Of which [`Session::publish`](super::Session::publish).
        token: Token,
        /// QoS it went with, after the broker's Maximum QoS.
        qos: QoS,
        /// How it ended.
        outcome: Outcome,
    },
    /// SUBACK for a new subscription: the granted QoS, or why not (the subscription is then gone).
    Subscribed {
        /// Which.
        id: SubscriptionId,
        /// Granted QoS or the broker's reason.
        result: Result<QoS, Reason>,
    },
    /// The connection ended right upon this SUBSCRIBE, also when it came back alone: the subscription is gone.
    ClosedUpon {
        /// Which.
        id: SubscriptionId,
    },
    /// PINGRESP to [`Session::ping`](super::Session::ping).
    Pong {
        /// From PINGREQ written to PINGRESP read.
        round_trip: Duration,
    },
}

/// How a publication ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Handed to the transport; QoS 0 promises no more.
    Sent,
    /// The broker took responsibility: PUBACK, or PUBREC and PUBCOMP. 0x10 is "no matching subscribers".
    Acknowledged(Reason),
    /// The broker refused it.
    Refused(Reason),
    /// The broker came back without our session before it had acknowledged: it may have arrived or not.
    InDoubt,
    /// The connection ended right upon it, and its fate is not known; it is not sent a third time. Perhaps its size,
    /// topic, QoS or retain flag is the reason, or a right that is missing.
    ClosedUpon,
}

/// Why a connection cannot go on; the caller closes it after a last `poll_transmit` (a DISCONNECT may wait there).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionError {
    /// The broker sent bytes that are no packet.
    Malformed(DecodeError),
    /// The broker broke the protocol: what it did and the statement it breaks.
    Protocol(&'static str),
    /// CONNACK with a failure.
    Refused(Reason),
    /// The broker does not speak 5.0: try 3.1.1 on a new connection.
    FallBack,
    /// DISCONNECT from the broker.
    Disconnected(Reason),
    /// Silence after a PINGREQ for half as long as before it, at least 2 s.
    PingTimeout,
}

/// Why a publication was not queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PublishError {
    /// No room in `outbound` or `in_flight` now; try again after an acknowledgement.
    Busy,
    /// Larger than `outbound` can ever hold or than the broker's Maximum Packet Size (bytes of the limit).
    TooLarge(usize),
    /// The broker has no retained messages and `retain` was asked for.
    RetainUnavailable,
    /// The packet breaks a rule (topic, property).
    Invalid(EncodeError),
}

/// Why a subscription was not made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SubscribeError {
    /// All slots are in use.
    TooMany,
    /// Over [`crate::limits::MAX_FILTER`] bytes.
    TooLong,
    /// Not a Topic Filter.
    Invalid(crate::topic::TopicError),
    /// The broker allows no wildcards.
    WildcardUnavailable,
    /// The broker allows no shared subscriptions.
    SharedUnavailable,
    /// No room for the SUBSCRIBE now.
    Busy,
}

/// What the end of a connection means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closed {
    /// Before CONNACK, on 5.0: the broker may not know 5.0; try 3.1.1.
    FallBack,
    /// Reconnect to go on.
    Lost,
    /// After our own DISCONNECT.
    Finished,
}
