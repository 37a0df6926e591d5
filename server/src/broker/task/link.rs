//! The life of a connection: dialing, CONNECT to CONNACK, standing, broken, waiting for the next try, lost.
//!
//! Three tries in a row, 0.5 s doubling with full jitter; the count is reset only after the connection has stood for a
//! while, or two clients with one id would fight for ever. Names are resolved anew each time. 3.1.1 is tried where the
//! broker does not know 5.0, and remembered.

use super::Task;
use crate::broker::error::{BrokerError, Cause, ConnectError, Stage, is_final, words_of};
use crate::broker::handle::{Established, State};
use crate::broker::report::StopReason;
use crate::broker::target::{Protocol, Target};
use crate::broker::transport::{Dialed, Stream, dial, explain_first_read};
use crate::broker::vault::Sealed;
use bitsperity_mqtt_core::packet::{EncodeError, Reason, Version};
use bitsperity_mqtt_core::session::{Closed, Credentials, SessionError};
use bitsperity_mqtt_core::time::Instant;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

/// Tries in a row.
const TRIES: u32 = 3;

/// Longest wait before the first of them; doubles.
const BACKOFF: Duration = Duration::from_millis(500);

/// A connection that stood as long as this begins a new row of tries.
const STEADY: Duration = Duration::from_secs(10);

type Dialing = Pin<Box<dyn Future<Output = Result<Dialed, ConnectError>> + Send>>;

/// Where the connection stands.
pub(super) enum Link {
    Dialing(Dialing),
    Open(Box<Open>),
    /// For the next try.
    Waiting(Instant),
    Lost,
}

/// A stream to the broker.
pub(super) struct Open {
    pub stream: Stream,
    peer: String,
    tls: Option<String>,
    stages: Vec<(&'static str, Duration)>,
    /// Since when the stage lasts: CONNECT sent, or ready.
    since: Instant,
    ready: bool,
}

impl Link {
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// Connected, and every subscription restored.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self, Self::Open(open) if open.ready)
    }
}

/// What outlives a single connection.
pub(super) struct Life {
    target: Arc<Target>,
    patience: Duration,
    max_packet: usize,
    /// Of the attempt under way.
    deadline: Instant,
    version: Version,
    /// What the broker spoke before.
    agreed: Option<Version>,
    tries: u32,
}

/// Why a stream is no good any more.
pub(super) enum Break {
    End,
    Io(io::Error),
    /// These bytes are no packet.
    Garbage(Vec<u8>),
    Session(SessionError),
    Silent,
}

impl Life {
    pub(super) fn new(target: Arc<Target>, patience: Duration, max_packet: usize) -> Self {
        Self {
            target,
            patience,
            max_packet,
            deadline: Instant::ZERO,
            version: Version::V5,
            agreed: None,
            tries: 0,
        }
    }

    /// The next failure is the last one.
    pub(super) fn last_try(&mut self) {
        self.tries = TRIES;
    }

    pub(super) fn failed(&self, cause: Cause) -> BrokerError {
        BrokerError::Connect(Box::new(self.error(cause, Vec::new())))
    }

    fn error(&self, cause: Cause, stages: Vec<(&'static str, Duration)>) -> ConnectError {
        ConnectError {
            broker: self.target.display(),
            stage: Stage::Connack,
            cause,
            stages,
        }
    }

    fn may_fall_back(&self) -> bool {
        self.target.protocol == Protocol::Auto
            && self.agreed.is_none()
            && self.version == Version::V5
    }
}

impl Task<'_> {
    /// Begins to connect.
    pub(super) fn attempt(&mut self, now: Instant) {
        self.life.deadline = now.after(self.life.patience);
        self.life.version = match (self.target.protocol, self.life.agreed) {
            (Protocol::V5, _) => Version::V5,
            (Protocol::V311, _) => Version::V311,
            (Protocol::Auto, agreed) => agreed.unwrap_or(Version::V5),
        };
        if self.first.is_none() {
            self.shared.set_state(State::Reconnecting, None);
        }
        self.dial(now);
    }

    fn dial(&mut self, now: Instant) {
        let target = self.target.clone();
        let (left, max_packet) = (self.life.deadline.since(now), self.life.max_packet);
        self.link = Link::Dialing(Box::pin(
            async move { dial(&target, left, max_packet).await },
        ));
    }

    /// A stream stands, or does not: CONNECT, with the credentials in the open for as long as it takes to write it.
    pub(super) fn dialed(&mut self, now: Instant, dialed: Result<Dialed, ConnectError>) {
        let dialed = match dialed {
            Ok(dialed) => dialed,
            Err(error) => return self.attempt_failed(now, error),
        };
        let opened = self.target.credentials.as_ref().and_then(Sealed::open);
        let credentials = Credentials {
            user_name: opened.as_ref().and_then(|opened| opened.user_name()),
            password: opened.as_ref().and_then(|opened| opened.password()),
        };
        let (session, version) = (&mut self.session, self.life.version);
        let written = self.output.connect(
            |out| session.connect(now, version, credentials, out),
            |error| match error {
                EncodeError::OutputTooSmall { needed } => Some(*needed),
                _ => None,
            },
        );
        if let Err(error) = written {
            let why = format!("CONNECT cannot be written ({error:?})");
            let error = self.life.error(Cause::Unusable(why), dialed.stages);
            return self.attempt_failed(now, error);
        }
        self.input.reset();
        self.link = Link::Open(Box::new(Open {
            stream: dialed.stream,
            peer: dialed.peer,
            tls: dialed.tls,
            stages: dialed.stages,
            since: now,
            ready: false,
        }));
    }

    /// CONNACK, and every subscription restored.
    pub(super) fn ready(&mut self, now: Instant) {
        let Link::Open(open) = &mut self.link else {
            return;
        };
        let Some(grants) = self.session.grants() else {
            return;
        };
        open.stages
            .push((Stage::Connack.name(), now.since(open.since)));
        open.since = now;
        open.ready = true;
        let client_id = self.session.client_id();
        let established = Established {
            broker: self.target.display(),
            client_id_assigned: client_id != self.offered,
            client_id: client_id.to_owned(),
            grants: *grants,
            peer: open.peer.clone(),
            tls: open.tls.clone(),
            stages: open.stages.clone(),
        };
        self.life.agreed = Some(self.life.version);
        self.shared.set_established(established.clone());
        self.shared.set_state(State::Connected, None);
        match self.first.take() {
            Some(first) => {
                ::log::debug!("{}: connected", self.target);
                let _ = first.send(Ok(established));
            }
            None => {
                ::log::info!("{}: connected again", self.target);
                self.counts.reconnects += 1;
                // Before anybody learns of it by the answer to what waited.
                self.tell();
                self.listeners.hearing(now);
            }
        }
    }

    /// The stream is no good any more.
    pub(super) fn broke(&mut self, now: Instant, why: Break) {
        self.last_words(now);
        let Link::Open(open) = std::mem::replace(&mut self.link, Link::Lost) else {
            return;
        };
        let falls_back = matches!(why, Break::Session(SessionError::FallBack));
        let closed = self.session.handle_closed(now);
        // Whatever the broker said before the end may have settled a publication.
        self.events(now);
        self.output.reset();
        if open.ready {
            self.stood(now, open.since, &why);
        } else if (falls_back || closed == Closed::FallBack)
            && self.life.may_fall_back()
            && !matches!(why, Break::Silent | Break::Garbage(_))
        {
            ::log::debug!("{}: does not speak 5.0, trying 3.1.1", self.target);
            self.life.version = Version::V311;
            self.dial(now);
        } else {
            let mut stages = open.stages;
            stages.push((Stage::Connack.name(), now.since(open.since)));
            let cause = self.handshake_cause(why);
            let mut error = self.life.error(cause, stages);
            if matches!(
                error.cause,
                Cause::ClientCertificateWanted | Cause::ClientCertificateRefused(_) | Cause::Tls(_)
            ) {
                error.stage = Stage::Tls;
            }
            self.attempt_failed(now, error);
        }
    }

    /// A DISCONNECT with the reason may wait in the session: written if the stream takes it at once.
    fn last_words(&mut self, now: Instant) {
        let Link::Open(open) = &mut self.link else {
            return;
        };
        self.output.fill(&mut self.session, now);
        let mut cx = Context::from_waker(Waker::noop());
        let _ = self.output.poll_write(&mut open.stream, &mut cx);
    }

    fn handshake_cause(&self, why: Break) -> Cause {
        match why {
            Break::End => Cause::ClosedWithoutConnack,
            Break::Silent => Cause::Silent(self.life.patience),
            Break::Garbage(bytes) => Cause::NotMqtt(looks_like(&bytes)),
            Break::Io(error) => {
                explain_first_read(&self.target, &error).unwrap_or_else(|| match error.kind() {
                    io::ErrorKind::ConnectionReset
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof => Cause::ClosedWithoutConnack,
                    _ => Cause::Broken(error.to_string()),
                })
            }
            Break::Session(error) => match error {
                SessionError::Refused(reason) => Cause::Refused(reason, self.broker_words(reason)),
                SessionError::FallBack => Cause::Version,
                SessionError::Malformed(_) => Cause::NotMqtt(None),
                SessionError::Protocol(what) => Cause::Protocol(what.to_owned()),
                SessionError::Disconnected(reason) => {
                    Cause::Broken(format!("the broker disconnected: {}", words_of(reason)))
                }
                SessionError::PingTimeout => Cause::Silent(self.life.patience),
            },
        }
    }

    fn broker_words(&self, reason: Reason) -> String {
        if matches!(reason.0, 0x9C | 0x9D) && !self.session.server_reference().is_empty() {
            return self.session.server_reference().to_owned();
        }
        self.session.reason_string().to_owned()
    }

    /// An attempt came to nothing.
    fn attempt_failed(&mut self, now: Instant, error: ConnectError) {
        self.link = Link::Lost;
        match self.first.take() {
            Some(first) => {
                let _ = first.send(Err(BrokerError::Connect(Box::new(error))));
                self.over = true;
            }
            None => self.try_again(now, error.is_final(), error.to_string()),
        }
    }

    /// A connection that stood is gone.
    fn stood(&mut self, now: Instant, since: Instant, why: &Break) {
        let (words, last) = match why {
            Break::End => ("the broker closed the connection".to_owned(), false),
            Break::Io(error) => (error.to_string(), false),
            Break::Garbage(_) => ("the broker sent bytes that are no packet".to_owned(), false),
            Break::Silent => (
                "the broker did not restore the subscriptions".to_owned(),
                false,
            ),
            Break::Session(SessionError::Disconnected(reason)) => {
                let text = self.broker_words(*reason);
                let words = format!("the broker disconnected: {}", words_of(*reason));
                let words = if text.is_empty() {
                    words
                } else {
                    format!("{words}: {text}")
                };
                (words, is_final(*reason))
            }
            Break::Session(SessionError::PingTimeout) => {
                ("the broker answered no PINGREQ".to_owned(), false)
            }
            Break::Session(SessionError::Protocol(what)) => {
                (format!("the broker broke the protocol: {what}"), false)
            }
            Break::Session(error) => (format!("{error:?}"), false),
        };
        self.listeners.deaf(now, &words);
        self.requests.interrupted(&words);
        if now.since(since) >= STEADY {
            self.life.tries = 0;
        }
        self.try_again(now, last, words);
    }

    fn try_again(&mut self, now: Instant, last: bool, why: String) {
        if last || self.life.tries >= TRIES {
            return self.lost(now, why);
        }
        let most = BACKOFF * 2u32.pow(self.life.tries);
        self.life.tries += 1;
        ::log::info!("{}: {why}; connecting again", self.target);
        self.shared.set_state(State::Reconnecting, Some(why));
        self.link = Link::Waiting(now.after(jitter(most)));
    }

    fn lost(&mut self, now: Instant, why: String) {
        ::log::warn!("{}: lost: {why}", self.target);
        self.link = Link::Lost;
        self.shared.set_state(State::Lost, Some(why.clone()));
        let session = &mut self.session;
        self.listeners
            .end_all(now, StopReason::ConnectionLost, |id| {
                session.unsubscribe(now, id)
            });
        self.requests.lost(&why);
    }

    /// When the life of the connection has something to do.
    pub(super) fn next_due(&self) -> Option<Instant> {
        match &self.link {
            Link::Waiting(until) => Some(*until),
            Link::Open(open) if !open.ready => Some(self.life.deadline),
            _ => None,
        }
    }

    pub(super) fn due(&mut self, now: Instant) {
        if self.next_due().is_none_or(|due| due > now) {
            return;
        }
        if self.link.is_open() {
            self.broke(now, Break::Silent);
        } else {
            self.attempt(now);
        }
    }
}

/// Full jitter: anything up to `most`, but not so little that all tries are spent while a broker restarts.
fn jitter(most: Duration) -> Duration {
    // Without random bytes there is no jitter, which only makes reconnects less even.
    let part = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    most.mul_f64(0.1 + 0.9 * part)
}

/// What else answers on a port that is not MQTT's.
fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x15 | 0x16, 0x03, ..] => Some("TLS"),
        [b'H', b'T', b'T', b'P', ..] => Some("HTTP"),
        [b'S', b'S', b'H', b'-', ..] => Some("SSH"),
        _ => None,
    }
}
