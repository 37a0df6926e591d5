//! The life of a connection: dialing, CONNECT to CONNACK, standing, broken, waiting for the next try, lost.
//!
//! When it is tried again stands in `tries`. Names are resolved anew each time. 3.1.1 is tried where the broker does
//! not know 5.0, or says nothing to it for a third of the deadline; what it spoke is remembered.
//! Invariant: time without a connection counts from the last byte heard.

use super::Task;
use super::breaks::Break;
use super::tries::Tries;
use crate::broker::error::{BrokerError, Cause, ConnectError, Stage, Tried};
use crate::broker::handle::{Established, State};
use crate::broker::transport::{Dialed, Stream, dial};
use crate::config::target::{Protocol, Target};
use crate::vault::Sealed;
use bitsperity_mqtt_core::packet::{EncodeError, Version};
use bitsperity_mqtt_core::session::{Closed, Credentials, SessionError};
use bitsperity_mqtt_core::time::Instant;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

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
    /// Until when it must be ready.
    due: Instant,
    /// When the last byte came.
    heard: Instant,
    /// CONNACK has come.
    accepted: bool,
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
    /// What the attempt under way may take.
    pub(super) allowed: Duration,
    max_packet: usize,
    /// Of the attempt under way.
    deadline: Instant,
    version: Version,
    /// What the broker spoke before.
    agreed: Option<Version>,
    pub(super) tries: Tries,
}

impl Life {
    pub(super) fn new(
        target: Arc<Target>,
        patience: Duration,
        max_packet: usize,
        persistence: Duration,
    ) -> Self {
        Self {
            target,
            patience,
            allowed: patience,
            max_packet,
            deadline: Instant::ZERO,
            version: Version::V5,
            agreed: None,
            tries: Tries::new(persistence),
        }
    }

    pub(super) fn failed(&self, cause: Cause) -> BrokerError {
        BrokerError::Connect(Box::new(self.error(cause, Vec::new())))
    }

    fn error(&self, cause: Cause, stages: Vec<(&'static str, Duration)>) -> ConnectError {
        ConnectError {
            broker: self.target.display(),
            tried: Tried::of(&self.target),
            stage: Stage::Connack,
            cause,
            stages,
        }
    }

    /// 5.0 was refused before.
    pub(super) fn tried_both(&self) -> bool {
        self.target.protocol == Protocol::Auto && self.version == Version::V311
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
        let patience = self.life.tries.patience(now, self.life.patience);
        self.life.allowed = patience;
        self.life.deadline = now.after(patience);
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
        let mut due = self.life.deadline;
        if self.life.may_fall_back() {
            // Some brokers are silent to what they do not know; 3.1.1 has the rest.
            due = due.min(now.after(self.life.allowed / 3));
        }
        self.input.reset();
        self.link = Link::Open(Box::new(Open {
            stream: dialed.stream,
            peer: dialed.peer,
            tls: dialed.tls,
            stages: dialed.stages,
            since: now,
            due,
            heard: now,
            accepted: false,
            ready: false,
        }));
    }

    /// CONNACK: what was subscribed is restored.
    pub(super) fn accepted(&mut self, now: Instant) {
        if let Link::Open(open) = &mut self.link {
            open.accepted = true;
            open.due = now.after(self.life.patience);
        }
    }

    /// Bytes have come.
    pub(super) fn heard(&mut self, now: Instant) {
        self.session.handle_bytes(now);
        if let Link::Open(open) = &mut self.link {
            open.heard = now;
        }
    }

    /// When the last byte came, if the broker owes an answer and nobody knows whether the line lives.
    pub(super) fn doubted_since(&self, now: Instant) -> Option<Instant> {
        match &self.link {
            Link::Open(open) if self.session.is_doubtful(now) => Some(open.heard),
            _ => None,
        }
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
        self.life.tries.connected();
        #[cfg(test)]
        super::tests::fail_upon(self.session.client_id());
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
        if open.accepted && self.first.is_none() {
            // The end of a stream stands behind all that was sent; else nothing is known since the last byte.
            let heard = match why {
                Break::End => now,
                _ => open.heard,
            };
            self.stood(now, heard, now.since(open.since), &why);
        } else if (falls_back || closed == Closed::FallBack)
            && self.life.may_fall_back()
            && !matches!(why, Break::Garbage(_))
            && now < self.life.deadline
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

    pub(super) fn try_again(&mut self, now: Instant, last: bool, why: String) {
        // Without random bytes tries are only less even.
        let part = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        let wait = self.life.tries.wait(now, part);
        let Some(wait) = wait.filter(|_| !last) else {
            return self.lost(now, why);
        };
        ::log::info!("{}: {why}; connecting again", self.target);
        self.shared.set_state(State::Reconnecting, Some(why));
        self.link = Link::Waiting(now.after(wait));
    }

    fn lost(&mut self, now: Instant, why: String) {
        ::log::warn!("{}: lost: {why}", self.target);
        self.link = Link::Lost;
        self.shared.set_state(State::Lost, Some(why.clone()));
        let session = &mut self.session;
        self.listeners
            .end_passing(now, |id| session.unsubscribe(now, id));
        self.requests.lost(&why);
    }

    /// A caller waits for a connection that there is none of: one more try, or the next one soon.
    pub(super) fn hurry(&mut self, now: Instant) {
        match &mut self.link {
            Link::Lost => {
                self.life.tries.once();
                self.attempt(now);
            }
            Link::Waiting(until) => *until = Tries::hurried(now, *until),
            Link::Dialing(_) | Link::Open(_) => {}
        }
    }

    /// When the life of the connection has something to do.
    pub(super) fn next_due(&self) -> Option<Instant> {
        match &self.link {
            Link::Waiting(until) => Some(*until),
            Link::Open(open) if !open.ready => Some(open.due),
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
