//! The client's session: MQTT's state machine without clock, socket or random bytes.
//!
//! Order of calls, one connection after the other on the same `Session`:
//! [`Session::connect`] writes CONNECT into a slice (the only moment that sees credentials); then for each
//! whole frame [`Session::handle_frame`], for each packet over our bound [`Session::handle_oversized`]; after every input the same tail:
//! [`Session::poll_event`] until `None`, [`Session::poll_transmit`] until 0, [`Session::poll_timeout`];
//! when the connection is gone, [`Session::handle_closed`]. Bare verbs (`publish`, `subscribe`, …) may come at any
//! time between; they only queue. A message that `handle_frame` returned is acknowledged by the next
//! `poll_transmit`, so it must have been recorded by then.
//!
//! Rooms: `handshake` (CONNECT, CONNACK, the end), `receive` (dispatch), `inbound` and `aliases` (what the broker
//! publishes), `subscriptions`, `requests`, `replays` and `delivery` (for whom), `outbound` and `in_flight` (what we
//! publish), `losses` (what the end of a connection means for all that), `transmit` (what is written next),
//! `keep_alive`. Nothing here grows: every table is [`Storage`] or of fixed size.

mod aliases;
mod bits;
mod delivery;
mod handshake;
mod in_flight;
mod inbound;
mod keep_alive;
mod losses;
mod outbound;
mod receive;
mod replays;
mod requests;
mod subscriptions;
mod transmit;
mod types;

pub use in_flight::InFlight;
pub use subscriptions::Subscription;
pub use types::{
    Closed, Credentials, Event, Grants, Message, Options, Outcome, Oversized, Publication,
    PublishError, Replay, SessionError, Storage, SubscribeError, SubscriptionId, SubscriptionSet,
    Token,
};

use crate::packet::{EncodeError, QoS, Reason, Version};
use crate::time::Instant;
use core::time::Duration;

/// Texts of the broker that are kept: as much as fits.
type Text = heapless::String<256>;

/// A broker that closes the connection upon a packet does so at once; a round trip by satellite takes less than this.
const UPON: Duration = Duration::from_secs(2);

/// Where a connection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// None.
    Idle,
    /// CONNECT is written, CONNACK awaited.
    Connecting,
    /// CONNACK accepted us.
    Connected,
    /// Our DISCONNECT waits behind what else there is to send.
    Leaving(Reason),
    /// Our DISCONNECT was written.
    Finished,
    /// The broker broke the protocol; a DISCONNECT says so.
    Failing(Reason),
    /// Nothing is sent any more.
    Failed,
    /// The broker does not know 5.0.
    FallBack,
}

/// The state machine. See the module for the order of calls.
pub struct Session<'s> {
    options: Options<'s>,
    phase: Phase,
    version: Version,
    /// Clean Start of the last CONNECT.
    clean_start: bool,
    /// CONNACK has accepted this connection.
    accepted: bool,
    grants: Option<Grants>,
    /// What a lower acknowledgement has told of the broker's Maximum QoS.
    highest_qos: QoS,
    assigned: Text,
    reason_string: Text,
    server_reference: Text,
    next_packet_id: u16,
    aliases: aliases::Aliases<'s>,
    inbound: inbound::Inbound<'s>,
    outbound: outbound::Outbound<'s>,
    subscriptions: subscriptions::Subscriptions<'s>,
    keep_alive: keep_alive::KeepAlive,
    scratch: transmit::Scratch,
    tell_connected: bool,
    tell_ready: bool,
    pong: Option<Duration>,
}

impl<'s> Session<'s> {
    /// A session that has not connected yet.
    pub fn new(options: Options<'s>, storage: Storage<'s>) -> Self {
        Self {
            options,
            phase: Phase::Idle,
            version: Version::V5,
            clean_start: options.clean_start,
            accepted: false,
            grants: None,
            highest_qos: QoS::ExactlyOnce,
            assigned: Text::new(),
            reason_string: Text::new(),
            server_reference: Text::new(),
            next_packet_id: 1,
            aliases: aliases::Aliases::new(storage.aliases),
            inbound: inbound::Inbound::new(storage.received),
            outbound: outbound::Outbound::new(storage.outbound, storage.in_flight),
            subscriptions: subscriptions::Subscriptions::new(storage.subscriptions),
            keep_alive: keep_alive::KeepAlive::new(Instant::ZERO),
            scratch: transmit::Scratch::new(),
            tell_connected: false,
            tell_ready: false,
            pong: None,
        }
    }

    /// Starts on a new connection: writes CONNECT into `out`, returns its length.
    ///
    /// # Errors
    /// When CONNECT cannot be encoded.
    pub fn connect(
        &mut self,
        now: Instant,
        version: Version,
        credentials: Credentials<'_>,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        self.write_connect(now, version, credentials, out)
    }

    /// Takes one whole packet, fixed header included.
    ///
    /// # Errors
    /// The connection cannot go on.
    pub fn handle_frame<'a>(
        &'a mut self,
        now: Instant,
        frame: &'a [u8],
    ) -> Result<Option<Message<'a>>, SessionError> {
        self.receive(now, frame)
    }

    /// Takes notice of a packet over our bound; `head` is as much of its front as the caller holds (the topic is in it
    /// if `head` has 65,544 bytes or all).
    ///
    /// # Errors
    /// The connection cannot go on.
    pub fn handle_oversized<'a>(
        &'a mut self,
        now: Instant,
        head: &'a [u8],
        length: usize,
    ) -> Result<Oversized<'a>, SessionError> {
        self.receive_oversized(now, head, length)
    }

    /// The connection is gone.
    pub fn handle_closed(&mut self, now: Instant) -> Closed {
        self.close(now)
    }

    /// The time of [`Session::poll_timeout`] has come.
    ///
    /// # Errors
    /// The connection is lost (no PINGRESP).
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        if !self.is_up() {
            return Ok(());
        }
        match self.keep_alive.check(now) {
            keep_alive::Due::Nothing | keep_alive::Due::Ping => Ok(()),
            keep_alive::Due::Lost => {
                self.phase = Phase::Failed;
                Err(SessionError::PingTimeout)
            }
        }
    }

    /// Queues a publication. Sent in order, as the broker's Receive Maximum allows.
    ///
    /// # Errors
    /// Why not.
    pub fn publish(
        &mut self,
        now: Instant,
        publication: &Publication<'_>,
    ) -> Result<Token, PublishError> {
        let _ = now;
        self.outbound.publish(publication, self.grants.as_ref())
    }

    /// Queues a subscription. Two with the same filter share one at the broker; each message still comes
    /// once for each.
    ///
    /// # Errors
    /// Why not.
    pub fn subscribe(
        &mut self,
        now: Instant,
        filter: &str,
        qos: QoS,
        replay: Replay,
    ) -> Result<SubscriptionId, SubscribeError> {
        let _ = now;
        let shared = filter.starts_with("$share/");
        if self
            .grants
            .is_some_and(|g| !g.shared_available && g.version == Version::V5)
            && shared
        {
            return Err(SubscribeError::SharedUnavailable);
        }
        let wildcard = filter.contains(['+', '#']);
        if self.grants.is_some_and(|g| !g.wildcard_available) && wildcard {
            return Err(SubscribeError::WildcardUnavailable);
        }
        self.subscriptions.subscribe(filter, qos, replay)
    }

    /// Ends a subscription; UNSUBSCRIBE is queued if no other shares its filter. The slot is free at once.
    pub fn unsubscribe(&mut self, now: Instant, id: SubscriptionId) {
        let _ = now;
        self.subscriptions.unsubscribe(id.0);
    }

    /// Queues a PINGREQ to measure the round trip; answered by [`Event::Pong`].
    pub fn ping(&mut self, now: Instant) {
        self.keep_alive.measure(now);
    }

    /// Whether somebody waits for what the broker sends: then 10 s of silence ask for a PINGREQ, also where keep alive
    /// is longer or off. Holds until it is said otherwise.
    pub fn set_attentive(&mut self, attentive: bool) {
        self.keep_alive.set_attentive(attentive);
    }

    /// Bytes have come, be it a part of a packet only: a sign of life.
    pub fn handle_bytes(&mut self, now: Instant) {
        self.keep_alive.received(now);
    }

    /// Nothing has come for a second or more since a PINGREQ: whether the line lives is not known.
    pub fn is_doubtful(&self, now: Instant) -> bool {
        self.is_up() && self.keep_alive.is_overdue(now)
    }

    /// Queues DISCONNECT; nothing is sent after it.
    pub fn disconnect(&mut self, now: Instant, reason: Reason) {
        let _ = now;
        if matches!(self.phase, Phase::Connecting | Phase::Connected) {
            self.phase = Phase::Leaving(reason);
        }
    }

    /// Writes the next bytes to send into `out`, as many as fit; 0 when nothing waits.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> usize {
        self.transmit(now, out)
    }

    /// When [`Session::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.is_up().then(|| self.keep_alive.deadline()).flatten()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        if core::mem::take(&mut self.tell_connected) {
            return Some(Event::Connected);
        }
        if let Some(event) = self.outbound.poll_event() {
            return Some(event);
        }
        if let Some(event) = self.subscriptions.poll_event() {
            return Some(event);
        }
        if self.tell_ready && self.subscriptions.restored() {
            self.tell_ready = false;
            return Some(Event::Ready);
        }
        let round_trip = self.pong.take()?;
        Some(Event::Pong { round_trip })
    }

    /// What the current or last connection was granted.
    pub fn grants(&self) -> Option<&Grants> {
        self.grants.as_ref()
    }

    /// The client id in force, assigned or given.
    pub fn client_id(&self) -> &str {
        if self.assigned.is_empty() {
            self.options.client_id
        } else {
            &self.assigned
        }
    }

    /// The last Reason String of the broker, cut to 256 bytes; empty if it gave none.
    pub fn reason_string(&self) -> &str {
        &self.reason_string
    }

    /// The last Server Reference of the broker (0x9C, 0x9D), cut to 256 bytes.
    pub fn server_reference(&self) -> &str {
        &self.server_reference
    }

    /// Whether there is room to take more frames: acknowledgements wait in a bounded queue until they are sent.
    /// When false, `poll_transmit` before the next `handle_frame`.
    pub fn can_receive(&self) -> bool {
        self.inbound.has_room()
    }

    /// Keep alive runs: CONNACK has come and no DISCONNECT is written.
    const fn is_up(&self) -> bool {
        self.accepted && matches!(self.phase, Phase::Connected | Phase::Leaving(_))
    }
}
