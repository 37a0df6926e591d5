//! Whose a replayed retained message is, where no Subscription Identifier says it (3.3.1.3, 3.8.4).
//!
//! 3.1.1 has no identifiers, and some brokers of 5.0 replay without them. Then the only sign is order: a SUBSCRIBE waits
//! while replays of another that overlaps it may be under way. They are over when PINGRESP has come to a PINGREQ that
//! was written after the SUBACK, as brokers answer in order. Replays at QoS 1 and 2 beyond what may be in flight come
//! later still, and go to the newest caller they match.

use super::bits::Bits;
use super::subscriptions::Subscriptions;
use super::{Grants, Replay};
use crate::packet::Version;
use crate::topic;

/// What is known about replays on this connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Replays {
    /// The broker knows Subscription Identifiers.
    identified: bool,
    /// It replays whatever is asked for: 3.1.1.
    unasked: bool,
    /// Whether its replays carry them, once one has come.
    marked: Option<bool>,
    /// Filters whose replays may be under way.
    coming: Bits,
    /// Those among them that are over with the next PINGRESP.
    ending: Bits,
}

impl Replays {
    /// CONNACK.
    pub(super) fn connected(&mut self, grants: &Grants) {
        self.identified = grants.subscription_identifiers_available;
        self.unasked = grants.version == Version::V311;
        self.coming = Bits::EMPTY;
        self.ending = Bits::EMPTY;
    }

    /// A replay has come, with or without an identifier.
    pub(super) fn seen(&mut self, marked: bool) {
        self.marked = Some(marked);
    }

    /// A SUBSCRIBE was written.
    pub(super) fn begun(&mut self, filter: u8, replay: Replay) {
        if self.unasked || replay == Replay::Send {
            self.coming.insert(filter);
            self.ending.remove(filter);
        }
    }

    /// UNSUBACK, which brokers send behind what they have replayed, or a refusal.
    pub(super) fn over(&mut self, filter: u8) {
        self.coming.remove(filter);
        self.ending.remove(filter);
    }

    fn told_apart(&self) -> bool {
        self.identified && self.marked == Some(true)
    }
}

impl Subscriptions<'_> {
    /// The caller whose SUBSCRIBE is written next; none while each must wait.
    /// `suspect`: among those whose filter is, else among the others.
    pub(super) fn next_caller(&self, suspect: bool) -> Option<u8> {
        let filter = |id| self.caller(id).map_or(0, |caller| caller.filter);
        let mut waiting = self.waiting;
        waiting.find(|&id| self.suspects.contains(filter(id)) == suspect && !self.must_wait(id))
    }

    fn must_wait(&self, id: u8) -> bool {
        if self.replays.told_apart() || self.replays.coming.is_empty() {
            return false;
        }
        let text = |slot| self.filter(slot).map_or("", |filter| filter.text());
        let wanted = self.caller(id).map_or("", |caller| text(caller.filter));
        let mut coming = self.replays.coming;
        coming.any(|slot| topic::overlaps(wanted, text(slot)))
    }

    /// Filters whose replays may be under way although all that was asked about them is answered.
    fn answered_replays(&self) -> Bits {
        let asked = self.requests.iter().flatten();
        let asked = asked.fold(Bits::EMPTY, |all, r| all.or(Bits::one(r.filter)));
        self.replays.coming.without(asked)
    }

    /// Whether a PINGREQ would let a SUBSCRIBE that waits go on.
    pub(super) fn wants_ping(&self) -> bool {
        !self.waiting.is_empty()
            && self.replays.ending.is_empty()
            && self.next_caller(false).is_none()
            && self.next_caller(true).is_none()
            && !self.answered_replays().is_empty()
    }

    /// PINGREQ was written.
    pub(super) fn ping_written(&mut self) {
        self.replays.ending = self.answered_replays();
    }

    /// PINGRESP has come.
    pub(super) fn ping_answered(&mut self) {
        self.replays.coming = self.replays.coming.without(self.replays.ending);
        self.replays.ending = Bits::EMPTY;
    }
}
