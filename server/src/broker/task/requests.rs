//! What is asked of a connection: publications, subscriptions, pings. They wait, in order, until the connection stands and
//! the session has room; then for the broker's answer.
//!
//! Invariant: whatever was not handed to the session was certainly not sent.

use super::Task;
use crate::broker::error::{BrokerError, words_of};
use crate::broker::handle::{Publish, Published};
use crate::broker::report::{Listen, Retained};
use crate::broker::shared::{Claim, Command, ListenerSlot};
use bitsperity_mqtt_core::limits::{MAX_FILTER, MAX_SUBSCRIPTIONS};
use bitsperity_mqtt_core::packet::{Properties, Property, QoS, Version};
use bitsperity_mqtt_core::session::{
    Event, Outcome, Publication, PublishError, Replay, SubscribeError, Token,
};
use bitsperity_mqtt_core::time::Instant;
use futures::channel::oneshot;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Commands that wait for the connection.
const MAX_WAITING: usize = 64;

type Answer<T> = oneshot::Sender<Result<T, BrokerError>>;

/// What is asked and not yet answered.
#[derive(Default)]
pub(super) struct Requests {
    waiting: VecDeque<Command>,
    publishing: Vec<Publishing>,
    pinging: Vec<Answer<Duration>>,
}

struct Publishing {
    token: Token,
    asked: Instant,
    qos: QoS,
    retain: bool,
    /// Bytes of topic and payload.
    bytes: usize,
    properties_dropped: bool,
    reply: Answer<Published>,
}

impl Requests {
    pub(super) fn any_waiting(&self) -> bool {
        self.waiting.iter().any(|command| !command.is_abandoned())
    }

    /// The broker owes an answer.
    pub(super) fn any_asked(&self) -> bool {
        !self.publishing.is_empty() || !self.pinging.is_empty()
    }

    pub(super) fn wait(&mut self, command: Command) {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.retain(|waiting| !waiting.is_abandoned());
        }
        if self.waiting.len() >= MAX_WAITING {
            command.fail(BrokerError::Busy);
        } else {
            self.waiting.push_back(command);
        }
    }

    /// The connection is gone and is tried again: what can wait does.
    pub(super) fn interrupted(&mut self, why: &str) {
        for ping in self.pinging.drain(..) {
            let _ = ping.send(Err(BrokerError::Lost(why.to_owned())));
        }
    }

    /// The connection is gone for good.
    pub(super) fn lost(&mut self, why: &str) {
        self.interrupted(why);
        for command in self.waiting.drain(..) {
            command.fail(BrokerError::Lost(why.to_owned()));
        }
        self.doubt(why);
    }

    /// The session was closed.
    pub(super) fn close(&mut self) {
        for command in self.waiting.drain(..) {
            command.fail(BrokerError::Closed);
        }
        for ping in self.pinging.drain(..) {
            let _ = ping.send(Err(BrokerError::Closed));
        }
        self.doubt("the session was closed");
    }

    fn doubt(&mut self, why: &str) {
        for publishing in self.publishing.drain(..) {
            let _ = publishing
                .reply
                .send(Err(BrokerError::InDoubt(why.to_owned())));
        }
    }
}

impl Task<'_> {
    /// Hands waiting commands to the session, in order, until it has no room.
    pub(super) fn serve_requests(&mut self, now: Instant) {
        while let Some(command) = self.requests.waiting.pop_front() {
            if command.is_abandoned() {
                continue;
            }
            let back = match command {
                Command::Publish {
                    publish,
                    claim,
                    asked,
                    reply,
                } => self.publish(now, publish, claim, asked, reply),
                Command::Listen {
                    listen,
                    slot,
                    reply,
                } => self.listen(now, listen, slot, reply),
                Command::Ping { reply } => {
                    if self.requests.pinging.is_empty() {
                        self.session.ping(now);
                    }
                    self.requests.pinging.push(reply);
                    None
                }
            };
            if let Some(command) = back {
                self.requests.waiting.push_front(command);
                return;
            }
        }
    }

    /// Gives the command back where the session has no room now.
    fn publish(
        &mut self,
        now: Instant,
        publish: Box<Publish>,
        claim: Arc<Claim>,
        asked: std::time::Instant,
        reply: Answer<Published>,
    ) -> Option<Command> {
        if !claim.take() {
            return None;
        }
        let properties = properties(&publish);
        let publication = Publication {
            topic: &publish.topic,
            payload: &publish.payload,
            qos: publish.qos,
            retain: publish.retain,
            properties: Properties::list(&properties),
        };
        let error = match self.session.publish(now, &publication) {
            Ok(token) => {
                self.counts.messages_out += 1;
                self.requests.publishing.push(Publishing {
                    token,
                    asked: self.clock.at(asked),
                    qos: publish.qos,
                    retain: publish.retain,
                    bytes: publish.topic.len() + publish.payload.len(),
                    properties_dropped: !properties.is_empty() && self.speaks_311(),
                    reply,
                });
                return None;
            }
            Err(PublishError::Busy) => {
                claim.give_back();
                return Some(Command::Publish {
                    publish,
                    claim,
                    asked,
                    reply,
                });
            }
            Err(PublishError::TooLarge(limit)) => BrokerError::TooLarge(limit),
            Err(PublishError::RetainUnavailable) => BrokerError::Unavailable("retained messages"),
            Err(PublishError::Invalid(error)) => {
                BrokerError::Invalid(format!("The message cannot be written: {error:?}."))
            }
        };
        let _ = reply.send(Err(error));
        None
    }

    fn speaks_311(&self) -> bool {
        let grants = self.session.grants();
        grants.is_some_and(|grants| grants.version == Version::V311)
    }

    /// Gives the command back where the session has no room now.
    fn listen(
        &mut self,
        now: Instant,
        listen: Box<Listen>,
        slot: Arc<ListenerSlot>,
        reply: Answer<()>,
    ) -> Option<Command> {
        let replay = match listen.retained {
            Retained::Include | Retained::Only => Replay::Send,
            Retained::Exclude => Replay::DoNotSend,
        };
        let mut ids = Vec::with_capacity(listen.filters.len());
        let subscribed = listen.filters.iter().try_for_each(|filter| {
            // A SUBSCRIBE of its own: its identifier tells which filter a message is for.
            let id = self.session.subscribe(now, filter, listen.qos, replay)?;
            ids.push(id);
            Ok(())
        });
        if subscribed.is_err() {
            ids.iter().for_each(|&id| self.session.unsubscribe(now, id));
        }
        let error = match subscribed {
            Ok(()) => {
                self.listeners.add(ids, *listen, slot, reply);
                return None;
            }
            Err(SubscribeError::Busy) => {
                return Some(Command::Listen {
                    listen,
                    slot,
                    reply,
                });
            }
            Err(SubscribeError::TooMany) => BrokerError::TooManySubscriptions(MAX_SUBSCRIPTIONS),
            Err(SubscribeError::TooLong) => BrokerError::Invalid(format!(
                "The topic filter is longer than {MAX_FILTER} bytes."
            )),
            Err(SubscribeError::Invalid(error)) => {
                BrokerError::Invalid(format!("The topic filter is not valid: {error:?}."))
            }
            Err(SubscribeError::WildcardUnavailable) => {
                BrokerError::Unavailable("subscriptions with wildcards")
            }
            Err(SubscribeError::SharedUnavailable) => {
                BrokerError::Unavailable("shared subscriptions")
            }
        };
        let _ = reply.send(Err(error));
        None
    }

    /// Tells whoever waits for it what happened.
    pub(super) fn events(&mut self, now: Instant) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Connected => self.accepted(now),
                Event::Ready => self.ready(now),
                Event::Published {
                    token,
                    qos,
                    outcome,
                } => self.published(now, token, qos, outcome),
                Event::Subscribed { id, result } => {
                    let result = result.map_err(|reason| {
                        let words = self.session.reason_string().to_owned();
                        BrokerError::SubscribeRefused(reason, words)
                    });
                    let session = &mut self.session;
                    self.listeners
                        .answered(id, now, result, |id| session.unsubscribe(now, id));
                }
                Event::ClosedUpon { id } => {
                    let filter = self.listeners.filter_of(id).to_owned();
                    let result = Err(BrokerError::SubscribeBreaks(filter));
                    let session = &mut self.session;
                    self.listeners
                        .answered(id, now, result, |id| session.unsubscribe(now, id));
                }
                Event::Pong { round_trip } => {
                    for ping in self.requests.pinging.drain(..) {
                        let _ = ping.send(Ok(round_trip));
                    }
                }
            }
        }
    }

    fn published(&mut self, now: Instant, token: Token, qos: QoS, outcome: Outcome) {
        let publishing = &mut self.requests.publishing;
        let Some(place) = publishing.iter().position(|p| p.token == token) else {
            return;
        };
        let publishing = publishing.swap_remove(place);
        let words = || self.session.reason_string().to_owned();
        let (reason, reason_string) = match outcome {
            Outcome::Sent => (None, None),
            // What 3.1.1 acknowledges it may have thrown away: it has no reason codes.
            Outcome::Acknowledged(_) if self.speaks_311() => (None, None),
            Outcome::Acknowledged(reason) => {
                (Some(reason), Some(words()).filter(|w| !w.is_empty()))
            }
            Outcome::Refused(reason) => {
                ::log::debug!("{}: publication refused: {}", self.target, words_of(reason));
                let error = BrokerError::PublishRefused(reason, words());
                let _ = publishing.reply.send(Err(error));
                return;
            }
            Outcome::ClosedUpon => {
                let error = BrokerError::PublishBreaks {
                    bytes: publishing.bytes,
                    qos: publishing.qos,
                    retain: publishing.retain,
                };
                let _ = publishing.reply.send(Err(error));
                return;
            }
            Outcome::InDoubt => {
                let why = match publishing.qos {
                    QoS::AtMostOnce => "the connection broke",
                    _ => "the broker came back without its memory of this session",
                };
                let _ = publishing.reply.send(Err(BrokerError::InDoubt(why.into())));
                return;
            }
        };
        let _ = publishing.reply.send(Ok(Published {
            qos,
            reason,
            reason_string,
            took: now.since(publishing.asked),
            asked: self.clock.wall(publishing.asked),
            properties_dropped: publishing.properties_dropped,
        }));
    }
}

/// The properties of a publication or a Will.
pub(super) fn properties(publish: &Publish) -> Vec<Property<'_>> {
    let mut list = Vec::new();
    if publish.utf8 {
        list.push(Property::PayloadFormatIndicator(true));
    }
    list.extend(publish.message_expiry.map(Property::MessageExpiryInterval));
    list.extend(publish.content_type.as_deref().map(Property::ContentType));
    list.extend(
        publish
            .response_topic
            .as_deref()
            .map(Property::ResponseTopic),
    );
    list.extend(
        publish
            .correlation_data
            .as_deref()
            .map(Property::CorrelationData),
    );
    let user = publish.user_properties.iter();
    list.extend(user.map(|(name, value)| Property::UserProperty(name, value)));
    list
}
