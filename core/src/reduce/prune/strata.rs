//! The strata: tables that say which candidates matter for one thing each. All are fixed arrays; what finds no
//! room is counted. Keys are hashes that are well mixed already, so their low bits are their places.

use super::store::NONE;
use crate::number;
use crate::payload::hash;

/// Kinds of errors and warnings that are kept apart.
pub(super) const KINDS: usize = 64;
/// Largest gaps, each with both sides.
pub(super) const GAPS: usize = 6;
/// Places for shapes; half of them are used.
pub(super) const SHAPES: usize = 1_024;
/// Places for numeric paths; half of them are used.
pub(super) const PATHS: usize = 1_024;
/// Places for values of states; half of them are used.
pub(super) const STATES: usize = 1_024;
/// Places for paths of states; half of them are used.
pub(super) const STATE_PATHS: usize = 512;
/// Numbers that stood out most from what their paths had told before.
pub(super) const SPIKES: usize = 24;
/// Those of one path.
pub(super) const SPIKES_OF_PATH: usize = 6;
/// Values of one path beyond which it is no state but text.
pub(super) const STATE_VALUES: usize = 12;
/// Time buckets.
pub(super) const BUCKETS: usize = 1_024;
/// Members of the even sample over all messages.
pub(super) const DRAWN: usize = 256;

/// One kind of error or warning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) hash: u64,
    pub(super) count: u64,
    pub(super) first_at: u64,
    pub(super) latest_at: u64,
    pub(super) first: u16,
    pub(super) latest: u16,
    pub(super) error: bool,
    pub(super) topics: Topics,
}

/// Topics that one kind comes from which are counted one by one.
pub const KIND_TOPICS: usize = 32;
/// Messages of one kind from further topics that are kept.
const ELSEWHERE: usize = 3;

/// The topics of a kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Topics {
    known: [u64; KIND_TOPICS],
    pub(super) count: u8,
    /// Levels in which they differ from the first one, one bit each.
    pub(super) varying: u64,
    /// The first messages from further topics.
    pub(super) elsewhere: [u16; ELSEWHERE],
}

impl Topics {
    pub(super) fn new(hash: u64) -> Self {
        let mut known = [0; KIND_TOPICS];
        if let Some(first) = known.first_mut() {
            *first = hash;
        }
        Self {
            known,
            count: 1,
            varying: 0,
            elsewhere: [NONE; ELSEWHERE],
        }
    }

    /// Takes in a topic; whether it is new, which is not known of more than are counted.
    pub(super) fn enter(&mut self, hash: u64) -> bool {
        let count = usize::from(self.count);
        let new = !self.known.iter().take(count).any(|&known| known == hash);
        match self.known.get_mut(count).filter(|_| new) {
            Some(place) => {
                *place = hash;
                self.count += 1;
                true
            }
            None => false,
        }
    }

    pub(super) fn hashes(&self) -> impl Iterator<Item = u64> {
        self.known.into_iter().take(usize::from(self.count))
    }
}

/// A silence, with the messages on its sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    pub(super) length: u64,
    pub(super) until: u64,
    pub(super) left: u16,
    pub(super) right: u16,
}

impl Gap {
    pub(super) const NONE: Self = Self {
        length: 0,
        until: 0,
        left: NONE,
        right: NONE,
    };
}

/// An entry that is found by a hash; zero is an empty place.
pub(super) trait Keyed: Copy {
    /// Its hash.
    fn key(&self) -> u64;
}

macro_rules! keyed {
    ($($kind:ty),*) => { $(impl Keyed for $kind { fn key(&self) -> u64 { self.hash } })* };
}
keyed!(Shape, Path, State, StatePath);

/// A shape of payload, with its message of lowest rank.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) hash: u64,
    pub(super) rank: u64,
    pub(super) slot: u16,
}

impl Shape {
    pub(super) const EMPTY: Self = Self {
        hash: 0,
        rank: u64::MAX,
        slot: NONE,
    };
}

/// A numeric path with the messages of its extremes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    pub(super) hash: u64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// Where its numbers are lately, and how far from there as a rule.
    pub(super) mean: f64,
    pub(super) spread: f64,
    /// Numbers seen, up to [`Path::TAUGHT`].
    pub(super) seen: u8,
    pub(super) low: u16,
    pub(super) high: u16,
}

impl Path {
    pub(super) const EMPTY: Self = Self {
        hash: 0,
        min: 0.0,
        max: 0.0,
        mean: 0.0,
        spread: 0.0,
        seen: 0,
        low: NONE,
        high: NONE,
    };
    /// Numbers after which a path is known well enough to tell what stands out.
    pub(super) const TAUGHT: u8 = 12;
    /// Share of a new number in mean and spread.
    const LATELY: f64 = 1.0 / 16.0;

    /// Learns a number; returns how many times as far from the rest it is as they are from one another.
    #[inline]
    pub(super) fn learn(&mut self, number: f64) -> f64 {
        let away = number::tame(number) - self.mean;
        let floor = (self.max - self.min) / 32.0;
        let spread = self.spread.max(floor);
        if self.seen < Self::TAUGHT {
            self.seen += 1;
            let share = 1.0 / f64::from(self.seen);
            self.mean += away * share;
            self.spread += (away.abs() - self.spread) * share;
            return 0.0;
        }
        // What stands out teaches no more than what is far off as it goes.
        let most = spread * 4.0;
        self.mean += number::limit(away, -most, most) * Self::LATELY;
        self.spread += (away.abs().min(most) - self.spread) * Self::LATELY;
        if away.abs() > spread * Spike::LEAST {
            away.abs() / spread
        } else {
            0.0
        }
    }
}

/// A number that stood out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spike {
    /// How many times as far from the rest as they are from one another.
    pub(super) score: f64,
    pub(super) path: u64,
    pub(super) slot: u16,
}

impl Spike {
    /// Least score that stands out.
    pub(super) const LEAST: f64 = 5.0;
}

/// A value of a state, with its message of lowest rank.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) hash: u64,
    pub(super) rank: u64,
    pub(super) slot: u16,
    /// Place of its path.
    pub(super) path: u16,
}

impl State {
    pub(super) const EMPTY: Self = Self {
        hash: 0,
        rank: u64::MAX,
        slot: NONE,
        path: NONE,
    };
}

/// A path whose values are states, unless there are too many.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatePath {
    pub(super) hash: u64,
    pub(super) count: u8,
    /// Places of its values in the table of states.
    pub(super) values: [u16; STATE_VALUES],
}

impl StatePath {
    pub(super) const EMPTY: Self = Self {
        hash: 0,
        count: 0,
        values: [NONE; STATE_VALUES],
    };
    /// More values than a state has.
    pub(super) const TEXT: u8 = u8::MAX;

    /// Values that it takes; none of a path that does not change or is text.
    pub(super) fn changes(&self) -> Option<u8> {
        (self.count > 1 && self.count != Self::TEXT).then_some(self.count)
    }
}

/// One time bucket: its message of lowest rank.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    pub(super) rank: u64,
    pub(super) count: u32,
    pub(super) slot: u16,
}

impl Bucket {
    pub(super) const EMPTY: Self = Self {
        rank: u64::MAX,
        count: 0,
        slot: NONE,
    };
}

/// Hashed table with open addressing that is never more than half full.
#[derive(Clone, Debug)]
pub(super) struct Table<T, const N: usize> {
    places: [T; N],
    used: usize,
}

impl<T: Keyed, const N: usize> Table<T, N> {
    pub(super) const fn new(empty: T) -> Self {
        Self {
            places: [empty; N],
            used: 0,
        }
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// The place of `key`, which is not zero: taken (true) or free; none if it is free and the table is half full.
    #[inline]
    pub(super) fn find(&self, key: u64) -> Option<(usize, bool)> {
        let mut place = hash::index(key, N);
        loop {
            match self.places.get(place)?.key() {
                found if found == key => return Some((place, true)),
                0 => return (self.used * 2 < N).then_some((place, false)),
                _ => place = (place + 1) & (N - 1),
            }
        }
    }

    #[inline]
    pub(super) fn get(&self, place: usize) -> Option<&T> {
        self.places.get(place)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.places.get_mut(place)
    }

    /// Fills a free place.
    pub(super) fn put(&mut self, place: usize, value: T) {
        if let Some(free) = self.places.get_mut(place) {
            *free = value;
            self.used += 1;
        }
    }

    /// All places.
    pub(super) fn all(&self) -> &[T; N] {
        &self.places
    }

    /// Places in use with what is there.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.places
            .iter()
            .enumerate()
            .filter(|(_, value)| value.key() != 0)
    }
}
