//! What a candidate adds to what is shown already: a kind of error, a shape, more of the range of a number, a value of
//! a state, a side of a gap, a part of the stream.
//!
//! Invariant: what is shown only grows, and no gain grows with it.

use super::Pruner;
use super::choose::{Choice, Why};
use super::store::Slot;
use super::strata::*;
use crate::number::limit;

/// Parts of a stream that are told apart.
pub(super) const BINS: usize = 512;
/// Parts that stand together, and are full when as many are shown as they are.
const NEIGHBOURS: u16 = 6;

/// What is shown already.
pub(super) struct Shown {
    kinds: u64,
    /// Errors from further topics.
    elsewhere: usize,
    shapes: [u64; SHAPES / 64],
    states: [u64; STATES / 64],
    /// Of each number, where in its range from 0 to 1 what is shown ends. The middle counts as shown.
    ranges: [(f64, f64); PATHS],
    gap_sides: u16,
    parts: [u16; BINS],
    wide: [u16; BINS],
    hours: [bool; BINS],
}

/// What each thing is worth. All of one sort together are worth what its part of the measure of quality is.
pub(super) struct Worth {
    kind: f64,
    shape: f64,
    part: f64,
    hour: f64,
    number: f64,
    spike: f64,
    state: f64,
    gaps: [f64; GAPS],
}

fn share(weight: f64, count: usize) -> f64 {
    weight / f64::from(u16::try_from(count.max(1)).unwrap_or(u16::MAX))
}

fn bit(bits: &[u64], n: usize) -> bool {
    bits.get(n / 64)
        .is_some_and(|word| word >> (n % 64) & 1 == 1)
}

fn set(bits: &mut [u64], n: usize) {
    if let Some(word) = bits.get_mut(n / 64) {
        *word |= 1 << (n % 64);
    }
}

/// `part` of `whole` in thousandths.
fn ratio(part: u64, whole: u64) -> f64 {
    let thousandths = part.saturating_mul(1_000) / whole.max(1);
    f64::from(u16::try_from(thousandths).unwrap_or(1_000)) / 1_000.0
}

impl Shown {
    pub(super) const fn new() -> Self {
        Self {
            kinds: 0,
            elsewhere: 0,
            shapes: [0; SHAPES / 64],
            states: [0; STATES / 64],
            ranges: [(0.5, 0.5); PATHS],
            gap_sides: 0,
            parts: [0; BINS],
            wide: [0; BINS],
            hours: [false; BINS],
        }
    }
}

impl<S, B> Pruner<S, B>
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    pub(super) fn worth(&self) -> Worth {
        let errors = self.kinds.iter().filter(|kind| kind.error).count();
        let numbers = self.paths.iter().filter(|(_, path)| path.min < path.max);
        let numbers = u16::try_from(numbers.count().max(1)).unwrap_or(u16::MAX);
        let states = self.state_paths.iter();
        let states = states.filter(|(_, path)| path.changes().is_some()).count();
        let silent: u64 = self.gaps.iter().map(|gap| gap.length).sum();
        Worth {
            kind: share(0.21, errors),
            shape: share(0.20, self.shapes.used().min(self.target)),
            part: share(0.12, self.parts()),
            hour: share(0.03, self.hours()),
            number: 0.12 / f64::from(numbers),
            spike: share(0.04, self.spikes.len().max(4)),
            state: share(0.05, states),
            // Each side of a silence: half for being one of the largest, half by its length.
            gaps: self
                .gaps
                .map(|gap| 0.0125 * ratio(gap.length, silent) + 0.002),
        }
    }

    /// What a candidate adds, and by what.
    pub(super) fn gain(
        &self,
        choice: &Choice,
        slot: &Slot,
        shown: &Shown,
        worth: &Worth,
    ) -> (f64, Why) {
        let mut why = Why::default();
        let mut gain = 0.0;
        let mut add = |reason: Why, worth: f64| {
            if worth > 0.0 {
                why.add(reason);
                gain += worth;
            }
        };
        if let Some(kind) = choice.kind {
            let told = shown.kinds >> kind & 1 == 1;
            let error = choice.wanted.has(Why::ERROR);
            match (error, told) {
                (true, false) => add(Why::ERROR, worth.kind),
                // More than a side of a gap, less than an edge; of many kinds each has its first one before.
                (true, true) if choice.elsewhere && shown.elsewhere < self.target / 4 => {
                    add(Why::ERROR, 0.02);
                }
                (true, true) if choice.latest => add(Why::ERROR, 0.005),
                (false, false) => add(Why::WARNING, 0.01),
                _ => {}
            }
        }
        for edge in [Why::FIRST, Why::LAST] {
            if choice.wanted.has(edge) {
                add(edge, 0.05);
            }
        }
        let sides = choice.gap_sides & !shown.gap_sides;
        for (n, worth) in worth.gaps.iter().enumerate() {
            let mine = u8::try_from((sides >> (n * 2) & 3).count_ones()).unwrap_or(0);
            add(Why::GAP, worth * f64::from(mine));
        }
        if choice
            .shape
            .is_some_and(|shape| !bit(&shown.shapes, usize::from(shape)))
        {
            add(Why::SHAPE, worth.shape);
        }
        add(Why::EXTREME, worth.spike * f64::from(choice.spikes));
        let (wider, stands_out) = self.wider(slot, shown, worth);
        if stands_out {
            add(Why::EXTREME, wider);
        }
        add(Why::CHANGE, self.more_states(slot, shown, worth));
        let at = |bins: &[u16; BINS], n: u16| bins.get(usize::from(n)).copied().unwrap_or(0);
        let (crowd, near) = (
            at(&shown.parts, choice.part),
            at(&shown.wide, choice.part / NEIGHBOURS),
        );
        gain += if stands_out { 0.0 } else { wider };
        gain += worth.part * 0.5 / (1.0 + 3.0 * f64::from(crowd));
        gain +=
            worth.part * 0.5 * f64::from(NEIGHBOURS.saturating_sub(near)) / f64::from(NEIGHBOURS);
        if shown.hours.get(usize::from(choice.hour)) == Some(&false) {
            gain += worth.hour;
        }
        (gain, why)
    }

    /// What the numbers of a candidate add to the ranges, and whether one of a path does that is known well enough: any
    /// first reading is the least or the most so far.
    fn wider(&self, slot: &Slot, shown: &Shown, worth: &Worth) -> (f64, bool) {
        let (mut wider, mut known) = (0.0, false);
        for (place, number) in self.store.marks(slot).numbers() {
            let place = usize::from(place);
            let (Some(path), Some((low, high))) = (self.paths.get(place), shown.ranges.get(place))
            else {
                continue;
            };
            if let Some(at) = within(path, number) {
                let more = (low - at).max(at - high).max(0.0);
                wider += more;
                known |= more > 0.0 && path.seen >= Path::TAUGHT;
            }
        }
        (wider * worth.number, known)
    }

    /// What the states of a candidate add to those shown, each path worth the same.
    fn more_states(&self, slot: &Slot, shown: &Shown, worth: &Worth) -> f64 {
        let mut more = 0.0;
        for place in self.store.marks(slot).states() {
            let place = usize::from(place);
            if bit(&shown.states, place) {
                continue;
            }
            let path = self
                .states
                .get(place)
                .map_or(0, |state| usize::from(state.path));
            if let Some(values) = self.state_paths.get(path).and_then(StatePath::changes) {
                more += worth.state / f64::from(values);
            }
        }
        more
    }

    pub(super) fn show_too(&self, shown: &mut Shown, choice: &Choice, slot: &Slot) {
        if let Some(kind) = choice.kind {
            shown.kinds |= 1 << kind;
            shown.elsewhere += usize::from(choice.elsewhere);
        }
        if let Some(shape) = choice.shape {
            set(&mut shown.shapes, usize::from(shape));
        }
        for (place, number) in self.store.marks(slot).numbers() {
            let place = usize::from(place);
            let at = self.paths.get(place).and_then(|path| within(path, number));
            if let (Some(at), Some((low, high))) = (at, shown.ranges.get_mut(place)) {
                (*low, *high) = (low.min(at), high.max(at));
            }
        }
        for place in self.store.marks(slot).states() {
            set(&mut shown.states, usize::from(place));
        }
        shown.gap_sides |= choice.gap_sides;
        let part = usize::from(choice.part);
        if let Some(part) = shown.parts.get_mut(part) {
            *part = part.saturating_add(1);
        }
        if let Some(wide) = shown.wide.get_mut(part / usize::from(NEIGHBOURS)) {
            *wide = wide.saturating_add(1);
        }
        if let Some(hour) = shown.hours.get_mut(usize::from(choice.hour)) {
            *hour = true;
        }
    }
}

/// Where in the range of a path a number is, from 0 to 1; none if the path has but one number.
fn within(path: &Path, number: f64) -> Option<f64> {
    let range = path.max - path.min;
    (range > 0.0).then(|| limit((number - path.min) / range, 0.0, 1.0))
}
