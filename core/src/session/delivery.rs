//! Which callers a message is for (3.3.4): by its Subscription Identifiers in 5.0, else by its Topic Name.
//!
//! A replayed retained message is only for the caller whose SUBSCRIBE brought it (`replays` sees to it that this can be
//! told). Without identifiers a broker may
//! send a message once, or once for each overlapping subscription (3.3.5 in 3.1.1, 3.3.4 in 5.0): each caller gets
//! it once. Copies are recognised by standing right behind one another, at most as many as there are subscriptions
//! that match; a broker that was seen not to copy is believed for the rest of the connection.

use super::SubscriptionSet;
use super::bits::Bits;
use super::subscriptions::Subscriptions;
use crate::packet::Properties;
use crate::topic;

/// What is known about copies on this connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Overlap {
    /// The broker sends one packet however many subscriptions match.
    single: bool,
    /// Copies of the last message that may still come.
    left: u32,
    /// A copy of it has come.
    copied: bool,
    /// The broker had confirmed at least two of its subscriptions.
    firm: bool,
    /// Of topic and payload.
    digest: u64,
}

impl Overlap {
    /// Whether this message, which `count` subscriptions match, `firm` of them confirmed, repeats the one before.
    fn is_copy(&mut self, topic: &str, payload: &[u8], count: u32, firm: u32) -> bool {
        if self.single || (count < 2 && self.left == 0) {
            return false;
        }
        let digest = digest(topic, payload);
        if count > 1 && self.left > 0 && self.digest == digest {
            self.left -= 1;
            self.copied = true;
            return true;
        }
        if self.left > 0 && !self.copied && self.firm {
            self.single = true;
        }
        *self = Self {
            single: self.single,
            left: count.saturating_sub(1),
            copied: false,
            firm: firm > 1,
            digest,
        };
        false
    }
}

/// A quick digest, eight bytes at a time; only ever compared with that of the message before.
fn digest(topic: &str, payload: &[u8]) -> u64 {
    let mut state = u64::try_from(payload.len()).unwrap_or_default();
    let mut mix = |word: u64| {
        state = (state ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state ^= state >> 29;
    };
    for bytes in [topic.as_bytes(), payload] {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| mix(u64::from_le_bytes(*word)));
        rest.iter().for_each(|&byte| mix(u64::from(byte) | 0x100));
    }
    state
}

impl Subscriptions<'_> {
    /// The callers of a message. Called once for each message, in the order of the wire.
    pub(super) fn audience(
        &mut self,
        topic: &str,
        payload: &[u8],
        retain: bool,
        properties: &Properties<'_>,
    ) -> SubscriptionSet {
        let by_identifier = self.by_identifier(topic, retain, properties);
        if retain {
            self.replays.seen(by_identifier.is_some());
        }
        let callers = match by_identifier {
            Some(callers) => callers,
            None => self.by_topic(topic, payload, retain),
        };
        SubscriptionSet(callers.without(self.waiting).0)
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

    fn by_topic(&mut self, topic: &str, payload: &[u8], retain: bool) -> Bits {
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
        if retain {
            return latest.1.map(Bits::one).unwrap_or_default();
        }
        if self.overlap.is_copy(topic, payload, count, firm) {
            return Bits::EMPTY;
        }
        callers
    }
}
