//! What was found out about topics, keys and states before: most messages of a stream repeat all three.
//!
//! Direct-mapped tables of fixed size; a newcomer takes the place of whoever had it. Entries are told apart by
//! hashes of 64 bits under a seed, so that whoever chooses topics and keys cannot choose two that are mistaken for
//! one another. Invariant: what is found is what would have been found without; a memo changes time, and the hashes.

use super::hash;
use super::severity::Told;
use super::topic::{Says, Topic};
use super::words::Flags;

const TOPICS: usize = 1_024;
const KEYS: usize = 512;
const VALUES: usize = 256;

/// Memory of what topics, keys and values say, about 60 KiB; hand it to [`super::inspect_with`].
#[derive(Clone, Debug)]
pub struct Memo {
    pub(super) seed: u64,
    topics: [(u64, Says); TOPICS],
    keys: [(u64, Flags); KEYS],
    values: [(u64, Told); VALUES],
}

impl Memo {
    /// Knows nothing yet. `seed` should be random; all hashes in [`super::Facts`] depend on it, so accumulators
    /// can be merged only if their messages were inspected under the same one.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            topics: [(0, Says::NOTHING); TOPICS],
            keys: [(0, 0); KEYS],
            values: [(0, Told::NOTHING); VALUES],
        }
    }

    #[inline]
    pub(super) fn topic<'a>(&mut self, name: &'a str) -> Topic<'a> {
        let hash = hash::bytes(self.seed, name.as_bytes()).max(1);
        let Some(place) = self.topics.get_mut(hash::index(hash, TOPICS)) else {
            return Topic::new(name, self.seed);
        };
        if place.0 != hash {
            *place = (hash, Topic::new(name, self.seed).says);
        }
        Topic {
            name,
            says: place.1,
        }
    }

    /// What the key says whose hash this is.
    #[inline]
    pub(super) fn key(&mut self, hash: u64, find: impl FnOnce() -> Flags) -> Flags {
        let hash = hash.max(1);
        let Some(place) = self.keys.get_mut(hash::index(hash, KEYS)) else {
            return find();
        };
        if place.0 != hash {
            *place = (hash, find());
        }
        place.1
    }

    /// What the value tells; `hash` is of the value and of what its key says.
    #[inline]
    pub(super) fn value(&mut self, hash: u64, judge: impl FnOnce() -> Told) -> Told {
        let hash = hash.max(1);
        let Some(place) = self.values.get_mut(hash::index(hash, VALUES)) else {
            return judge();
        };
        if place.0 != hash {
            *place = (hash, judge());
        }
        place.1
    }
}
