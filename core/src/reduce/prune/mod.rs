//! Keeps the messages that matter out of any number: one pass, bounded memory, an answer at any time.
//!
//! Each message may become a candidate of some strata (`strata`): kinds of errors, first and last, sides of the
//! largest gaps, shapes, extremes of numbers and what stands out from them, values of states, and two samples by hash,
//! one even in time and one even in number. `store` holds the candidates; `choose` picks from them when asked, by what
//! they add (`gain`). Invariant: at most as many
//! candidates as there are slots, at most as many bytes as the arena has; what finds no room is counted.

mod choose;
mod gain;
mod marks;
mod merge;
mod merge_tables;
mod note;
mod samples;
mod store;
mod strata;
mod values;

pub use choose::{Choice, Kept, Why};
pub use store::Slot;
pub use strata::KIND_TOPICS;

use super::{Distinct, Record};
use crate::payload::{Facts, Format, Severity, hash};
use store::{NONE, Store};
use strata::*;

/// The pruner, over slots `S` and an arena `B` for topics, payloads and reasons.
#[derive(Debug)]
pub struct Pruner<S, B> {
    store: Store<S, B>,
    target: usize,
    count: u64,
    errors: u64,
    warnings: u64,
    /// Candidates that found no room.
    lost: u64,
    first: u16,
    first_at: u64,
    kinds: heapless::Vec<Kind, KINDS>,
    kinds_more: Distinct,
    gaps: [Gap; GAPS],
    shapes: Table<Shape, SHAPES>,
    shapes_more: Distinct,
    paths: Table<Path, PATHS>,
    states: Table<State, STATES>,
    state_paths: Table<StatePath, STATE_PATHS>,
    spikes: heapless::Vec<Spike, SPIKES>,
    /// Largest hash of a path that has candidates.
    values_below: u64,
    /// Largest hash of a shape that has a candidate.
    shapes_below: u64,
    buckets: [Bucket; BUCKETS],
    /// Microseconds of a bucket, a power of two.
    width: u64,
    /// Number of the first bucket, counted from the origin of time.
    base: u64,
    bucket_limit: usize,
    drawn: heapless::Vec<(u64, u16), DRAWN>,
    drawn_limit: usize,
    /// Largest rank that is drawn.
    drawn_below: u64,
    /// Steps taken to make room.
    steps: usize,
    formats: [u64; Format::COUNT],
}

/// A kind of error: like messages with their varying parts masked.
#[derive(Clone, Debug)]
pub struct ErrorKind<'a> {
    /// What its messages have in common: their [`Facts::kind`].
    pub hash: u64,
    /// How many.
    pub count: u64,
    /// Topic of the first.
    pub topic: &'a str,
    /// Why it was judged an error.
    pub why: &'a str,
    /// When the first came, in microseconds of the caller's clock.
    pub first: u64,
    /// When the latest came.
    pub latest: u64,
    /// Topics it came from, at most [`KIND_TOPICS`].
    pub topics: usize,
    /// Levels in which these differ from the first one, one bit each.
    pub varying: u64,
    /// Some of the further ones.
    pub others: heapless::Vec<&'a str, 4>,
}

impl<S, B> Pruner<S, B>
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// Slots that are enough for `target`.
    pub const fn slots_for(target: usize) -> usize {
        let slots = 512 + target * 2;
        if slots > 1_400 { 1_400 } else { slots }
    }

    /// An empty pruner that keeps at most `target` messages with the first `payload` bytes of each payload.
    /// [`Pruner::slots_for`] says how many slots are enough; an arena of 256 KiB is enough for small messages.
    pub fn new(slots: S, arena: B, target: usize, payload: usize) -> Self {
        Self {
            store: Store::new(slots, arena, payload),
            target,
            count: 0,
            errors: 0,
            warnings: 0,
            lost: 0,
            first: NONE,
            first_at: u64::MAX,
            kinds: heapless::Vec::new(),
            kinds_more: Distinct::default(),
            gaps: [Gap::NONE; GAPS],
            shapes: Table::new(Shape::EMPTY),
            shapes_more: Distinct::default(),
            paths: Table::new(Path::EMPTY),
            states: Table::new(State::EMPTY),
            state_paths: Table::new(StatePath::EMPTY),
            spikes: heapless::Vec::new(),
            values_below: u64::MAX,
            shapes_below: u64::MAX,
            buckets: [Bucket::EMPTY; BUCKETS],
            width: 1,
            base: 0,
            bucket_limit: (target * 2).next_power_of_two().clamp(32, BUCKETS),
            drawn: heapless::Vec::new(),
            drawn_limit: target.clamp(8, DRAWN),
            drawn_below: u64::MAX,
            steps: 0,
            formats: [0; Format::COUNT],
        }
    }

    /// Takes one message and what one pass over it found.
    pub fn record(&mut self, record: &Record<'_>, facts: &Facts<'_>) {
        let at = record.at.as_micros();
        // What a broker replays tells nothing about when it was sent.
        let silence = if self.count == 0 || record.retain {
            0
        } else {
            at.saturating_sub(self.store.last.at)
        };
        let left = if silence > self.least_gap() {
            self.keep_previous()
        } else {
            NONE
        };
        let id = identity(record, facts);
        let marks = self.mark(facts);
        self.store.set_last(record, facts, id, &marks);
        self.count += 1;
        if let Some(count) = self.formats.get_mut(facts.format.index()) {
            *count += 1;
        }
        // One slot is shared by all strata that want this message.
        let mut mine = NONE;
        if self.count == 1 {
            self.first = self.must(&mut mine);
            self.first_at = at;
        }
        if silence > self.least_gap() {
            let right = self.must(&mut mine);
            self.note_gap(Gap {
                length: silence,
                until: at,
                left,
                right,
            });
        }
        if facts.severity != Severity::None {
            self.note_problem(record.topic, facts, at, &mut mine);
        }
        self.note_shape(facts.shape, id, record.retain, &mut mine);
        self.note_numbers(&marks, &mut mine);
        self.note_states(&marks, id, &mut mine);
        self.note_time(at, id, &mut mine);
        if id < self.drawn_below {
            self.draw(id, &mut mine);
        }
        if self.store.tight() {
            self.loosen();
        }
    }

    /// Messages taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Messages judged errors, and warnings.
    pub fn problems(&self) -> (u64, u64) {
        (self.errors, self.warnings)
    }

    /// Candidates that found no room.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Messages per format.
    pub fn formats(&self) -> impl Iterator<Item = (Format, u64)> {
        Format::ALL
            .into_iter()
            .zip(self.formats)
            .filter(|&(_, count)| count > 0)
    }

    /// Distinct shapes, an estimate beyond the table.
    pub fn shapes(&self) -> u64 {
        self.shapes.used() as u64 + self.shapes_more.estimate()
    }

    /// Whether [`Pruner::shapes`] is an estimate.
    pub fn shapes_estimated(&self) -> bool {
        self.shapes_more.estimate() > 0
    }

    /// Kinds of errors, in order of first sight.
    pub fn error_kinds(&self) -> impl Iterator<Item = ErrorKind<'_>> {
        let errors = self.kinds.iter().filter(|kind| kind.error);
        errors.map(|kind| {
            let (topic, _, why) = self
                .store
                .get(kind.first)
                .map_or(("", &[][..], ""), |slot| self.store.content(slot));
            let mut others = heapless::Vec::new();
            for slot in kind.topics.elsewhere.into_iter().chain([kind.latest]) {
                let other = self.store.get(slot).map(|slot| self.store.content(slot).0);
                if let Some(other) = other.filter(|it| *it != topic && !others.contains(it)) {
                    let _ = others.push(other);
                }
            }
            ErrorKind {
                hash: kind.hash,
                count: kind.count,
                topic,
                why,
                first: kind.first_at,
                latest: kind.latest_at,
                topics: usize::from(kind.topics.count),
                varying: kind.topics.varying,
                others,
            }
        })
    }

    /// Kinds of errors that found no room, an estimate.
    pub fn error_kinds_more(&self) -> u64 {
        self.kinds_more.estimate()
    }
}

/// Bytes of a payload that tell it from others.
const IDENTITY: usize = 1_024;

/// Hash of a message: the same message, seen twice, counts as one; the order by it is as good as random.
fn identity(record: &Record<'_>, facts: &Facts<'_>) -> u64 {
    let payload = record.payload.get(..IDENTITY).unwrap_or(record.payload);
    let content = hash::bytes(record.payload.len() as u64 ^ facts.class, payload);
    let place = hash::bytes(content, record.topic.as_bytes());
    hash::mix(place, record.at.as_micros())
}

#[cfg(test)]
mod tests;
