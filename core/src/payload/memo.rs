//! What was found out about topics, keys and states before: most messages of a stream repeat all three.
//!
//! Direct-mapped tables of fixed size; a newcomer takes the place of whoever had it. Invariant: what comes out is
//! what would have come out without, so a memo changes time only. Keys and values are compared whole; topics by a
//! seeded hash of 64 bits, so that nobody can choose two that are mistaken for one another.

use super::hash;
use super::severity::Severity;
use super::topic::{Says, Topic};
use super::words::Flags;

const TOPICS: usize = 1_024;
const KEYS: usize = 256;
const VALUES: usize = 128;
/// Bytes of a key or a value that is remembered.
pub(super) const TEXT: usize = 27;

/// Memory of what topics, keys and values say, about 55 KiB; hand it to [`super::inspect_with`].
#[derive(Clone, Debug)]
pub struct Memo {
    seed: u64,
    topics: [(u64, Says); TOPICS],
    keys: [(Short, Flags); KEYS],
    values: [(Short, Flags, Severity); VALUES],
}

/// A short text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Short {
    length: u8,
    bytes: [u8; TEXT],
}

impl Short {
    const NONE: Self = Self {
        length: u8::MAX,
        bytes: [0; TEXT],
    };

    fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; TEXT];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        Some(Self {
            length: u8::try_from(text.len()).ok()?,
            bytes,
        })
    }

    #[inline]
    fn is(&self, text: &str) -> bool {
        self.bytes.get(..usize::from(self.length)) == Some(text.as_bytes())
    }
}

impl Memo {
    /// Knows nothing yet. `seed` should be random.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            topics: [(0, Says::NOTHING); TOPICS],
            keys: [(Short::NONE, 0); KEYS],
            values: [(Short::NONE, 0, Severity::None); VALUES],
        }
    }

    #[inline]
    pub(super) fn topic<'a>(&mut self, name: &'a str) -> Topic<'a> {
        let hash = hash::bytes(self.seed, name.as_bytes());
        let Some(place) = self.topics.get_mut(hash::index(hash, TOPICS)) else {
            return Topic::new(name);
        };
        if place.0 != hash {
            *place = (hash, Topic::new(name).says);
        }
        Topic {
            name,
            says: place.1,
        }
    }

    /// What the key says; `hash` is its own.
    #[inline]
    pub(super) fn key(&mut self, hash: u64, text: &str, find: impl FnOnce(&str) -> Flags) -> Flags {
        let Some(place) = self.keys.get_mut(hash::index(hash, KEYS)) else {
            return find(text);
        };
        if place.0.is(text) {
            return place.1;
        }
        let flags = find(text);
        if let Some(short) = Short::new(text) {
            *place = (short, flags);
        }
        flags
    }

    /// How bad the value is under a key that says `flags`; `hash` is its own.
    #[inline]
    pub(super) fn value(
        &mut self,
        hash: u64,
        flags: Flags,
        text: &str,
        judge: impl FnOnce(Flags, &str) -> Severity,
    ) -> Severity {
        let index = hash::index(hash ^ u64::from(flags), VALUES);
        let Some(place) = self.values.get_mut(index) else {
            return judge(flags, text);
        };
        if place.1 == flags && place.0.is(text) {
            return place.2;
        }
        let severity = judge(flags, text);
        if let Some(short) = Short::new(text) {
            *place = (short, flags, severity);
        }
        severity
    }
}
