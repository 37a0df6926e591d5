//! Keeps the messages that matter out of any number: one pass, bounded memory, an answer at any time.
//!
//! Each message may become a candidate of some strata (`strata`): kinds of errors, first and last, sides of the
//! largest gaps, shapes, extremes of numbers, values of states, and two samples by hash, one even in time and one
//! even in number. `store` holds the candidates; `choose` picks from them when asked. Invariant: at most as many
//! candidates as there are slots, at most as many bytes as the arena has; what finds no room is counted.

mod choose;
mod merge;
mod store;
mod strata;

pub use choose::{Choice, Kept, Why};
pub use store::Slot;

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
    states: Table<State, { STATES * 2 }>,
    state_paths: Table<StatePath, STATES>,
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
    formats: [u64; Format::COUNT],
}

/// A kind of error: like messages with their varying parts masked.
#[derive(Clone, Copy, Debug)]
pub struct ErrorKind<'a> {
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
            buckets: [Bucket::EMPTY; BUCKETS],
            width: 1,
            base: 0,
            bucket_limit: (target * 2).next_power_of_two().clamp(32, BUCKETS),
            drawn: heapless::Vec::new(),
            drawn_limit: target.clamp(8, DRAWN),
            drawn_below: u64::MAX,
            formats: [0; Format::COUNT],
        }
    }

    /// Takes one message and what one pass over it found.
    pub fn record(&mut self, record: &Record<'_>, facts: &Facts<'_>) {
        let at = record.at.as_micros();
        let silence = if self.count == 0 {
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
        let (bits, new_states) = self.states_of(facts);
        self.store.set_last(record, facts, id, bits);
        self.count += 1;
        if let Some(count) = self.formats.get_mut(facts.format.index()) {
            *count += 1;
        }
        // One slot is shared by all strata that want this message.
        let mut mine = NONE;
        if self.count == 1 {
            self.first = self.want(&mut mine);
            self.first_at = at;
        }
        if silence > self.least_gap() {
            let right = self.want(&mut mine);
            self.note_gap(Gap {
                length: silence,
                until: at,
                left,
                right,
            });
        }
        if facts.severity != Severity::None {
            self.note_problem(facts, at, &mut mine);
        }
        self.note_shape(facts.shape, &mut mine);
        self.note_numbers(facts, &mut mine);
        for place in new_states {
            let slot = self.want(&mut mine);
            if let Some(state) = self.states.get_mut(place) {
                state.slot = slot;
            }
        }
        self.note_time(at, id, &mut mine);
        if id < self.drawn_below {
            self.draw(id, &mut mine);
        }
        if mine != NONE && self.store.tight() {
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

    /// Kinds of errors, in order of first sight.
    pub fn error_kinds(&self) -> impl Iterator<Item = ErrorKind<'_>> {
        let errors = self.kinds.iter().filter(|kind| kind.error);
        errors.map(|kind| {
            let (topic, _, why) = self
                .store
                .get(kind.first)
                .map_or(("", &[][..], ""), |slot| self.store.content(slot));
            ErrorKind {
                count: kind.count,
                topic,
                why,
                first: kind.first_at,
                latest: kind.latest_at,
            }
        })
    }

    /// Kinds of errors that found no room, an estimate.
    pub fn error_kinds_more(&self) -> u64 {
        self.kinds_more.estimate()
    }

    /// A reference to the newest message, which becomes a candidate by the first one.
    fn want(&mut self, mine: &mut u16) -> u16 {
        if *mine == NONE {
            *mine = self.keep_last();
        } else {
            self.store.hold(*mine);
        }
        *mine
    }

    fn keep_last(&mut self) -> u16 {
        match self.store.keep_last() {
            Some(slot) => slot,
            None => {
                self.lost += 1;
                NONE
            }
        }
    }

    /// A reference to the newest message before this one, which may be a candidate already.
    fn keep_previous(&mut self) -> u16 {
        let last = &self.store.last;
        let same = |slot: &Slot| slot.live() && (slot.id, slot.at) == (last.id, last.at);
        let found = self.store.slots().iter().position(same);
        match found.and_then(|n| u16::try_from(n).ok()) {
            Some(slot) => {
                self.store.hold(slot);
                slot
            }
            None => self.keep_last(),
        }
    }

    fn least_gap(&self) -> u64 {
        self.gaps.last().map_or(0, |gap| gap.length)
    }

    /// Puts a gap among the largest, which stand in order of length.
    fn note_gap(&mut self, gap: Gap) {
        let mut entering = gap;
        for place in &mut self.gaps {
            if (entering.length, place.until) > (place.length, entering.until) {
                core::mem::swap(place, &mut entering);
            }
        }
        self.store.release(entering.left);
        self.store.release(entering.right);
    }

    fn note_problem(&mut self, facts: &Facts<'_>, at: u64, mine: &mut u16) {
        let error = facts.severity == Severity::Error;
        *(if error {
            &mut self.errors
        } else {
            &mut self.warnings
        }) += 1;
        if let Some(n) = self
            .kinds
            .iter()
            .position(|kind| kind.hash == facts.kind && kind.error == error)
        {
            let first_at = self.first_at;
            let Some(kind) = self.kinds.get_mut(n) else {
                return;
            };
            kind.count += 1;
            kind.latest_at = at;
            // The latest message itself moves in steps, so that a flood of one kind stays cheap.
            let latest = self.store.get(kind.latest).map_or(0, |slot| slot.at);
            if kind.count > 32 && at.saturating_sub(latest) < at.saturating_sub(first_at) / 32 {
                return;
            }
            let old = kind.latest;
            let latest = self.want(mine);
            if let Some(kind) = self.kinds.get_mut(n) {
                kind.latest = latest;
            }
            self.store.release(old);
            return;
        }
        if self.kinds.is_full() && !(error && self.drop_warning()) {
            if error {
                self.kinds_more.record(facts.kind);
            }
            return;
        }
        let first = self.want(mine);
        let kind = Kind {
            hash: facts.kind,
            count: 1,
            first_at: at,
            latest_at: at,
            first,
            latest: NONE,
            error,
        };
        let _ = self.kinds.push(kind);
    }

    /// Makes room for an error by forgetting a kind of warning.
    fn drop_warning(&mut self) -> bool {
        let Some(n) = self.kinds.iter().rposition(|kind| !kind.error) else {
            return false;
        };
        let kind = self.kinds.remove(n);
        self.store.release(kind.first);
        self.store.release(kind.latest);
        true
    }

    fn note_shape(&mut self, shape: u64, mine: &mut u16) {
        let shape = shape.max(1);
        match self.shapes.find(shape) {
            Some((place, true)) => {
                if let Some(known) = self.shapes.get_mut(place) {
                    known.count = known.count.saturating_add(1);
                }
            }
            Some((place, false)) => {
                // More candidates than places in the answer help nobody.
                let slot = if self.shapes.used() < self.target + 16 {
                    self.want(mine)
                } else {
                    NONE
                };
                self.shapes.put(
                    place,
                    Shape {
                        hash: shape,
                        count: 1,
                        slot,
                    },
                );
            }
            None => {
                self.shapes_more.record(shape);
            }
        }
    }

    fn note_numbers(&mut self, facts: &Facts<'_>, mine: &mut u16) {
        for &(path, number) in &facts.numbers {
            let path = path.max(1);
            match self.paths.find(path) {
                Some((place, true)) => {
                    let Some(known) = self.paths.get(place).copied() else {
                        continue;
                    };
                    // A step beyond an extreme must be worth it, so that a counter does not make every message one.
                    let step = (known.max - known.min) / 128.0;
                    let (high, low) = (number > known.max + step, number < known.min - step);
                    if !high && !low {
                        continue;
                    }
                    let slot = self.want(mine);
                    let Some(known) = self.paths.get_mut(place) else {
                        continue;
                    };
                    let (bound, holder) = if high {
                        (&mut known.max, &mut known.high)
                    } else {
                        (&mut known.min, &mut known.low)
                    };
                    *bound = number;
                    let old = core::mem::replace(holder, slot);
                    self.store.release(old);
                }
                Some((place, false)) => {
                    let (low, high) = (self.want(mine), self.want(mine));
                    self.paths.put(
                        place,
                        Path {
                            hash: path,
                            min: number,
                            max: number,
                            low,
                            high,
                        },
                    );
                }
                None => {}
            }
        }
    }

    /// The bits of the states of a message, and the places of those that are seen for the first time.
    fn states_of(&mut self, facts: &Facts<'_>) -> ([u64; STATE_WORDS], heapless::Vec<usize, 8>) {
        let mut bits = [0; STATE_WORDS];
        let mut new = heapless::Vec::new();
        for &(path, value) in &facts.states {
            let key = hash::mix(path, value).max(1);
            if let Some((place, true)) = self.states.find(key) {
                let bit = self.states.get(place).map_or(NONE, |state| state.bit);
                set(&mut bits, usize::from(bit));
                continue;
            }
            if let Some((place, bit)) = self.new_state(path.max(1), key) {
                set(&mut bits, bit);
                let _ = new.push(place);
            }
        }
        (bits, new)
    }

    /// Enters a value of a state, unless its path has too many of them to be one.
    fn new_state(&mut self, path: u64, key: u64) -> Option<(usize, usize)> {
        let (path_place, known) = self.state_paths.find(path)?;
        if !known {
            self.state_paths.put(
                path_place,
                StatePath {
                    hash: path,
                    ..StatePath::EMPTY
                },
            );
        }
        let entry = *self.state_paths.get(path_place)?;
        if entry.count == StatePath::TEXT {
            return None;
        }
        let Some(count) = Some(usize::from(entry.count)).filter(|&count| count < STATE_VALUES)
        else {
            self.dissolve(path_place, entry);
            return None;
        };
        let bit = self.states.used();
        let (place, _) = self.states.find(key).filter(|_| bit < STATES)?;
        self.states.put(
            place,
            State {
                hash: key,
                slot: NONE,
                bit: u16::try_from(bit).ok()?,
            },
        );
        let entry = self.state_paths.get_mut(path_place)?;
        entry.count += 1;
        *entry.values.get_mut(count)? = u16::try_from(place).ok()?;
        Some((place, bit))
    }

    /// So many values are no state: their candidates are let go.
    fn dissolve(&mut self, path_place: usize, entry: StatePath) {
        for place in entry.values {
            if let Some(state) = self.states.get_mut(usize::from(place)) {
                let slot = core::mem::replace(&mut state.slot, NONE);
                self.store.release(slot);
            }
        }
        if let Some(entry) = self.state_paths.get_mut(path_place) {
            entry.count = StatePath::TEXT;
        }
    }

    /// The sample that is even in time: of each bucket the message of lowest hash.
    fn note_time(&mut self, at: u64, rank: u64, mine: &mut u16) {
        if self.count == 1 {
            self.base = at;
        }
        let place = loop {
            let number = (at / self.width).saturating_sub(self.base);
            match usize::try_from(number)
                .ok()
                .filter(|&n| n < self.bucket_limit)
            {
                Some(place) => break place,
                None => self.double_width(),
            }
        };
        let Some(bucket) = self.buckets.get_mut(place) else {
            return;
        };
        bucket.count = bucket.count.saturating_add(1);
        if rank < bucket.rank {
            bucket.rank = rank;
            let old = core::mem::replace(&mut bucket.slot, NONE);
            let slot = self.want(mine);
            if let Some(bucket) = self.buckets.get_mut(place) {
                bucket.slot = slot;
            }
            self.store.release(old);
        }
    }

    /// Pairs of buckets become one; buckets are aligned to multiples of their width, so shards agree on them.
    fn double_width(&mut self) {
        let old = core::mem::replace(&mut self.buckets, [Bucket::EMPTY; BUCKETS]);
        let base = self.base / 2;
        for (n, bucket) in old
            .iter()
            .enumerate()
            .filter(|(_, bucket)| bucket.count > 0)
        {
            let place = usize::try_from((self.base + n as u64) / 2 - base).unwrap_or(0);
            let Some(into) = self.buckets.get_mut(place) else {
                continue;
            };
            let gone = into.take(bucket);
            self.store.release(gone);
        }
        self.base = base;
        self.width = self.width.saturating_mul(2);
    }

    /// The sample that is even in number: the messages of lowest hash.
    fn draw(&mut self, rank: u64, mine: &mut u16) {
        if self.drawn.iter().any(|&(known, _)| known == rank) {
            return;
        }
        if self.drawn.len() >= self.drawn_limit {
            let worst = self
                .drawn
                .iter()
                .enumerate()
                .max_by_key(|(_, drawn)| drawn.0)
                .map(|(n, _)| n);
            if let Some(n) = worst {
                let (_, slot) = self.drawn.swap_remove(n);
                self.store.release(slot);
            }
        }
        let slot = self.want(mine);
        let _ = self.drawn.push((rank, slot));
        if self.drawn.len() >= self.drawn_limit {
            self.drawn_below = self
                .drawn
                .iter()
                .map(|drawn| drawn.0)
                .max()
                .unwrap_or(u64::MAX);
        }
    }

    /// Lets go of samples; false if there are none left to let go.
    fn loosen(&mut self) -> bool {
        if self.bucket_limit > 32 {
            self.bucket_limit /= 2;
            while self
                .buckets
                .iter()
                .skip(self.bucket_limit)
                .any(|bucket| bucket.count > 0)
            {
                self.double_width();
            }
            true
        } else if self.drawn_limit > 8 {
            self.drawn_limit /= 2;
            while self.drawn.len() > self.drawn_limit {
                let worst = self
                    .drawn
                    .iter()
                    .enumerate()
                    .max_by_key(|(_, drawn)| drawn.0)
                    .map(|(n, _)| n);
                let (_, slot) = self.drawn.swap_remove(worst.unwrap_or(0));
                self.store.release(slot);
            }
            self.drawn_below = self
                .drawn
                .iter()
                .map(|drawn| drawn.0)
                .max()
                .unwrap_or(u64::MAX);
            true
        } else {
            false
        }
    }
}

impl Bucket {
    /// Takes in another bucket; returns the candidate that goes.
    fn take(&mut self, other: &Self) -> u16 {
        self.count = self.count.saturating_add(other.count);
        if other.rank < self.rank {
            self.rank = other.rank;
            core::mem::replace(&mut self.slot, other.slot)
        } else {
            other.slot
        }
    }
}

fn set(bits: &mut [u64], bit: usize) {
    if let Some(word) = bits.get_mut(bit / 64) {
        *word |= 1 << (bit % 64);
    }
}

/// Bytes of a payload that tell it from others.
const IDENTITY: usize = 1_024;

/// Hash of a message: the same message, seen twice, counts as one; the order by it is as good as random.
fn identity(record: &Record<'_>, facts: &Facts<'_>) -> u64 {
    let payload = record.payload.get(..IDENTITY).unwrap_or(record.payload);
    let content = hash::bytes(record.payload.len() as u64, payload);
    hash::mix(hash::mix(content, facts.class), record.at.as_micros())
}

#[cfg(test)]
mod quality;
#[cfg(test)]
mod tests;
