//! What was found out about topics, keys and states before: most messages of a stream repeat all three.
//!
//! Tables of fixed size, in which an entry has a place of its own or stands near it; where there is no room, a newcomer
//! takes the place that is its own. Entries are told apart by hashes of 64 bits under a seed, so that whoever chooses
//! topics and keys cannot choose two that are mistaken for one another. Invariant: what is found is what would have been found without; a memo changes time, and the hashes.

use super::hash;
use super::severity::{self, Told};
use super::topic::{Says, Topic};
use super::words::Flags;

const TOPICS: usize = 1_024;
const KEYS: usize = 512;
const VALUES: usize = 256;

/// Places at which an entry can stand, so that two with the same place do not drive one another out for ever.
const WAYS: usize = 4;

/// Memory of what topics, keys and values say, about 100 KiB; hand it to [`super::inspect_with`].
#[derive(Clone, Debug)]
pub struct Memo {
    pub(super) seed: u64,
    topics: [(u64, Says); TOPICS],
    keys: [Key; KEYS],
    values: [(u64, Told); VALUES],
    /// Which key came last time behind each key, and first in each topic: messages repeat the order of their keys.
    next: [u16; KEYS + TOPICS],
    /// The key before, as a place in `next`.
    before: usize,
}

/// A key that came before.
#[derive(Clone, Copy, Debug)]
struct Key {
    hash: u64,
    flags: Flags,
    /// Bytes of the text; zero if it does not fit, or needs escapes.
    length: u8,
    /// The text, a quote and a colon behind it, and which bits that are.
    text: u128,
    mask: u128,
}

impl Key {
    const NONE: Self = Self {
        hash: 0,
        flags: 0,
        length: 0,
        text: 0,
        mask: 0,
    };

    fn new(hash: u64, key: &str, flags: Flags) -> Self {
        let mut text = [0; 16];
        let mut mask = [0; 16];
        let bytes = key.bytes().chain([b'"', b':']);
        // Keys of other formats come here too: what would be no key of JSON is not expected in one.
        let plain = key.bytes().all(|b| b > 0x1f && b != b'"' && b != b'\\');
        for ((to, bits), byte) in text.iter_mut().zip(&mut mask).zip(bytes) {
            (*to, *bits) = (byte, u8::MAX);
        }
        Self {
            hash,
            flags,
            length: u8::try_from(key.len())
                .ok()
                .filter(|&n| n < 15 && plain)
                .unwrap_or(0),
            text: u128::from_le_bytes(text),
            mask: u128::from_le_bytes(mask),
        }
    }
}

/// Where `hash`, not zero, stands in a table of `len` entries whose hashes `at` tells; or where it shall.
#[inline(always)]
fn place(hash: u64, len: usize, at: impl Fn(usize) -> u64) -> usize {
    let own = hash::index(hash, len);
    if at(own) == hash {
        return own;
    }
    let mut near = (1..WAYS).map(|way| own ^ way);
    near.clone()
        .find(|&place| at(place) == hash)
        .or_else(|| {
            if at(own) == 0 {
                None
            } else {
                near.find(|&place| at(place) == 0)
            }
        })
        .unwrap_or(own)
}

impl Memo {
    /// Knows nothing yet. `seed` should be random; all hashes in [`super::Facts`] depend on it, so accumulators
    /// can be merged only if their messages were inspected under the same one.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            topics: [(0, Says::NOTHING); TOPICS],
            keys: [Key::NONE; KEYS],
            values: [(0, Told::NOTHING); VALUES],
            next: [0; KEYS + TOPICS],
            before: 0,
        }
    }

    #[inline]
    pub(super) fn topic<'a>(&mut self, name: &'a str) -> Topic<'a> {
        let hash = hash::bytes(self.seed, name.as_bytes()).max(1);
        let number = place(hash, TOPICS, |n| {
            self.topics.get(n).map_or(0, |topic| topic.0)
        });
        self.before = KEYS + number;
        let Some(place) = self.topics.get_mut(number) else {
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
    pub(super) fn key(&mut self, hash: u64, key: &str) -> Flags {
        let hash = hash.max(1);
        let number = place(hash, KEYS, |n| self.keys.get(n).map_or(0, |key| key.hash));
        let (Some(place), Some(next)) = (self.keys.get_mut(number), self.next.get_mut(self.before))
        else {
            return severity::key(key);
        };
        *next = u16::try_from(number).unwrap_or(0);
        self.before = number;
        if place.hash != hash {
            *place = Key::new(hash, key, severity::key(key));
        }
        place.flags
    }

    /// The key that came here last time, if `ahead` begins with it, a quote and a colon: its length, its hash and what
    /// it says. It has come then.
    #[inline(always)]
    pub(super) fn expected(&mut self, ahead: u128) -> Option<(usize, u64, Flags)> {
        let number = usize::from(*self.next.get(self.before)?);
        let key = self.keys.get(number)?;
        if (ahead ^ key.text) & key.mask != 0 || key.length == 0 {
            return None;
        }
        self.before = number;
        Some((usize::from(key.length), key.hash, key.flags))
    }

    /// What the value tells; `hash` is of the value and of what its key says.
    #[inline]
    pub(super) fn value(&mut self, hash: u64, judge: impl FnOnce() -> Told) -> Told {
        let hash = hash.max(1);
        let number = place(hash, VALUES, |n| {
            self.values.get(n).map_or(0, |value| value.0)
        });
        let Some(place) = self.values.get_mut(number) else {
            return judge();
        };
        if place.0 != hash {
            *place = (hash, judge());
        }
        place.1
    }
}
