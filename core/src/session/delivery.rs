//! Which callers a message is for (3.3.4): by its Subscription Identifiers in 5.0, else by its Topic Name.
//!
//! A replayed retained message is only for the caller whose SUBSCRIBE brought it (`replays` sees to it that this can be
//! told). What fits no filter is the business of `strays`, what a broker sends once for each overlapping filter that of
//! `copies`: each caller gets a message once.

use super::SubscriptionSet;
use super::bits::Bits;
use super::subscriptions::Subscriptions;
use crate::packet::Properties;
use crate::time::Instant;
use crate::topic;

/// Whom a message is for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Audience {
    pub(super) callers: SubscriptionSet,
    /// It fits no open filter, and nobody can tell whose it is.
    pub(super) stray: bool,
}

impl Subscriptions<'_> {
    /// The callers of a message. Called once for each message, in the order of the wire.
    pub(super) fn audience(
        &mut self,
        now: Instant,
        topic: &str,
        payload: &[u8],
        retain: bool,
        properties: &Properties<'_>,
    ) -> Audience {
        let by_identifier = self.by_identifier(topic, retain, properties);
        if retain {
            self.replays.seen(by_identifier.is_some());
        }
        let by_topic = match by_identifier {
            Some(callers) => Some(callers),
            None => self.by_topic(now, topic, payload, retain),
        };
        let Some(callers) = by_topic.or_else(|| self.unfitting(now, topic, retain)) else {
            return Audience {
                stray: true,
                ..Audience::default()
            };
        };
        Audience {
            callers: SubscriptionSet(callers.without(self.waiting).0),
            stray: false,
        }
    }

    /// `None`: the packet has no Subscription Identifier.
    fn by_identifier(
        &self,
        topic: &str,
        retain: bool,
        properties: &Properties<'_>,
    ) -> Option<Bits> {
        let mut callers = None;
        let mut newest = None;
        for identifier in properties.subscription_identifiers() {
            let so_far = callers.get_or_insert(Bits::EMPTY);
            let Some((slot, age)) = self.named(identifier) else {
                continue;
            };
            let Some(filter) = self.filter(slot) else {
                continue;
            };
            if self.foreign && !topic::matches_bytes(filter.bytes(), topic.as_bytes()) {
                continue;
            }
            if !retain {
                *so_far = so_far.or(filter.callers);
            } else if newest.is_none_or(|(youngest, _, _)| age < youngest) {
                newest = Some((age, identifier, filter.callers));
            }
        }
        if let Some((_, identifier, mut sharers)) = newest {
            let own = |&id: &u8| self.caller(id).is_some_and(|c| c.identifier == identifier);
            callers = Some(sharers.find(own).map(Bits::one).unwrap_or_default());
        }
        callers
    }

    /// `None`: it matches no filter.
    fn by_topic(
        &mut self,
        now: Instant,
        topic: &str,
        payload: &[u8],
        retain: bool,
    ) -> Option<Bits> {
        let (mut callers, mut count, mut firm) = (Bits::EMPTY, 0, 0);
        let mut latest = (0, None);
        for slot in self.at_broker.or(self.leaving) {
            let Some(filter) = self.filter(slot) else {
                continue;
            };
            if !topic::matches_bytes(filter.bytes(), topic.as_bytes()) {
                continue;
            }
            callers = callers.or(filter.callers);
            count += 1;
            if self.firm.contains(slot) && !filter.bytes().starts_with(b"$share/") {
                firm += 1;
            }
            if filter.order > latest.0 {
                latest = (filter.order, filter.newest);
            }
        }
        if count == 0 {
            return None;
        }
        if retain {
            return Some(latest.1.map(Bits::one).unwrap_or_default());
        }
        if count > 1 && self.copies.is_copy(now, topic, payload, count, firm) {
            return Some(Bits::EMPTY);
        }
        Some(callers)
    }
}
