//! What was found out about topics and keys before: most messages of a stream repeat both.
//!
//! Two direct-mapped tables of fixed size; a newcomer takes the place of whoever had it. Invariant: what comes out
//! is what would have come out without, so a memo changes time only. The hashes are seeded: whoever can choose
//! topics and keys cannot choose two that are mistaken for one another.

use super::hash;
use super::severity;
use super::topic::{Says, Topic};
use super::words::Flags;

const TOPICS: usize = 256;
const KEYS: usize = 512;

/// Memory of what topics and keys say, about 20 KiB; hand it to [`super::inspect_with`].
#[derive(Clone, Debug)]
pub struct Memo {
    seed: u64,
    topics: [(u64, Says); TOPICS],
    keys: [(u64, Flags); KEYS],
}

impl Memo {
    /// Knows nothing yet. `seed` should be random.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            topics: [(0, Says::NOTHING); TOPICS],
            keys: [(0, 0); KEYS],
        }
    }

    pub(super) fn topic<'a>(&mut self, name: &'a str) -> Topic<'a> {
        let hash = hash::bytes(self.seed, name.as_bytes());
        match self.topics.get_mut(hash::index(hash, TOPICS)) {
            Some((known, says)) if *known == hash => Topic { name, says: *says },
            Some(place) => {
                let topic = Topic::new(name);
                *place = (hash, topic.says);
                topic
            }
            None => Topic::new(name),
        }
    }

    #[inline]
    pub(super) fn key(&mut self, text: &str) -> Flags {
        let hash = hash::bytes(self.seed, text.as_bytes());
        match self.keys.get_mut(hash::index(hash, KEYS)) {
            Some((known, flags)) if *known == hash => *flags,
            Some(place) => {
                let flags = severity::key(text);
                *place = (hash, flags);
                flags
            }
            None => severity::key(text),
        }
    }
}
