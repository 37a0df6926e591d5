//! Messages that fit no open filter, because the broker changes topics (mount points, dots that become slashes), or
//! takes a prefix such as `$exclusive/` for a way to subscribe and not for a part of the topic.
//!
//! The rule: what fits a filter without such a prefix belongs to it. Else it belongs to the one filter that there is,
//! if the broker has confirmed it. But after an UNSUBSCRIBE messages of that filter may still come (3.10.4), under a
//! changed topic too: until some seconds after UNSUBACK nothing is given to the filter that is left. What came late for
//! a filter that is gone is dropped in silence, all else that nobody can place is a stray and is counted.

use super::bits::Bits;
use super::subscriptions::Subscriptions;
use crate::time::Instant;
use crate::topic;
use core::time::Duration;

/// How long after UNSUBACK messages may come that the broker had in its queues for us.
const LATE: Duration = Duration::from_secs(5);

/// Words in front of a filter that some brokers (EMQX) take for a way to subscribe.
const WAYS: [&[u8]; 2] = [b"$queue/", b"$exclusive/"];

impl Subscriptions<'_> {
    /// The callers of a message that matches no filter; none: a stray.
    #[cold]
    pub(super) fn unfitting(&mut self, now: Instant, topic: &str, retain: bool) -> Option<Bits> {
        let fits = |bytes: &[u8]| topic::matches_bytes(bytes, topic.as_bytes());
        let without_way = |bytes: &[u8]| {
            let mut ways = WAYS.iter();
            ways.any(|way| bytes.strip_prefix(*way).is_some_and(fits))
        };
        let mut open = self.at_broker.or(self.leaving);
        let slot = open.find(|&slot| self.filter(slot).is_some_and(|f| without_way(f.bytes())));
        if let Some(slot) = slot {
            return Some(self.callers_of(slot, retain));
        }
        if self.left_at.is_some_and(|at| at.after(LATE) <= now) {
            self.left_at = None;
            self.left = Bits::EMPTY;
        }
        let mut left = self.left;
        if left.any(|slot| self.filter(slot).is_some_and(|f| fits(f.bytes()))) {
            return Some(Bits::EMPTY);
        }
        let settled = self.left_at.is_none() && self.leave.or(self.leaving).is_empty();
        let Some(only) = self.at_broker.lowest() else {
            return Some(Bits::EMPTY);
        };
        let alone = self.at_broker == Bits::one(only) && self.firm.contains(only);
        (settled && alone && !self.foreign).then(|| self.callers_of(only, retain))
    }

    /// Of a replayed message only the one that subscribed last.
    fn callers_of(&self, slot: u8, retain: bool) -> Bits {
        let filter = self.filter(slot);
        let callers = match retain {
            true => filter.and_then(|f| f.newest).map(Bits::one),
            false => filter.map(|f| f.callers),
        };
        callers.unwrap_or_default()
    }
}
