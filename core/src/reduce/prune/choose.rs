//! Picks from the candidates when asked: greedily by marginal gain, until the target is reached.
//!
//! A gain is what a message adds to the picture: a kind of error not shown yet, a shape, an extreme, a state, a side
//! of a gap, a part of time. Invariant: deterministic; nothing is consumed; the picked ones stand in order of time.

use super::store::{NONE, Slot};
use super::strata::*;
use super::{Pruner, set};
use crate::payload::{Format, Severity};

/// Why a message was kept; a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Why(u16);

impl Why {
    const ERROR: Self = Self(1);
    const WARNING: Self = Self(1 << 1);
    const FIRST: Self = Self(1 << 2);
    const LAST: Self = Self(1 << 3);
    const GAP: Self = Self(1 << 4);
    const SHAPE: Self = Self(1 << 5);
    const EXTREME: Self = Self(1 << 6);
    const CHANGE: Self = Self(1 << 7);
    const SAMPLE: Self = Self(1 << 8);
    const NAMES: [&'static str; 9] = [
        "error", "warning", "first", "last", "gap", "shape", "extreme", "change", "sample",
    ];

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The reasons in words, most important first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .into_iter()
            .enumerate()
            .filter(move |(n, _)| self.0 >> n & 1 == 1)
            .map(|(_, name)| name)
    }
}

/// Scratch for one candidate while choosing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice {
    slot: u16,
    why: Why,
    /// What it is a candidate for.
    wanted: Why,
    kind: Option<u8>,
    latest: bool,
    shape: Option<u16>,
    bin: u16,
    extremes: [u64; EXTREME_WORDS],
    gap_sides: u16,
    live: bool,
    picked: bool,
}

const EXTREME_WORDS: usize = PATHS / 64;
const SHAPE_WORDS: usize = SHAPES / 64;
/// Parts of time that are told apart.
const BINS: usize = 512;

/// One kept message.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Kept<'a> {
    /// When it came, in microseconds of the caller's clock.
    pub at: u64,
    /// Topic Name.
    pub topic: &'a str,
    /// The front of the payload.
    pub payload: &'a [u8],
    /// Bytes of the whole payload.
    pub payload_bytes: u32,
    /// QoS it came with.
    pub qos: u8,
    /// Replayed because retained.
    pub retain: bool,
    /// Format of the payload.
    pub format: Format,
    /// Severity.
    pub severity: Severity,
    /// Why it was judged so.
    pub reason: &'a str,
    /// Why it was kept.
    pub why: Why,
}

/// What is shown already.
struct Shown {
    kinds: u64,
    shapes: [u64; SHAPE_WORDS],
    extremes: [u64; EXTREME_WORDS],
    states: [u64; STATE_WORDS],
    gap_sides: u16,
    bins: [u16; BINS],
}

/// What each thing is worth: the weights of the measure of quality, shared out.
struct Worth {
    kind: f32,
    shape: f32,
    bin: f32,
    extreme: f32,
    state: f32,
    gaps: [f32; GAPS],
}

impl<S, B> Pruner<S, B>
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// Places of scratch that [`Pruner::kept`] needs.
    pub fn scratch_len(&self) -> usize {
        self.store.slots().len() + 1
    }

    /// The messages that matter, at most the target, in order of time. `scratch` is overwritten.
    pub fn kept<'a>(&'a self, scratch: &'a mut [Choice]) -> impl Iterator<Item = Kept<'a>> {
        self.prepare(scratch);
        self.pick(scratch);
        scratch.sort_unstable_by_key(|choice| {
            let slot = self.slot(choice);
            (!choice.picked, slot.map(|slot| (slot.at, slot.id)))
        });
        let picked = scratch.iter().take_while(|choice| choice.picked);
        picked.filter_map(|choice| self.show(choice))
    }

    fn slot(&self, choice: &Choice) -> Option<&Slot> {
        if choice.slot == NONE {
            Some(&self.store.last)
        } else {
            self.store.get(choice.slot)
        }
    }

    fn show(&self, choice: &Choice) -> Option<Kept<'_>> {
        let slot = self.slot(choice)?;
        let (topic, payload, reason) = self.store.content(slot);
        let mut why = choice.why;
        if why == Why::default() {
            why = Why::SAMPLE;
        }
        Some(Kept {
            at: slot.at,
            topic,
            payload,
            payload_bytes: slot.full,
            qos: slot.qos,
            retain: slot.retain,
            format: slot.format,
            severity: slot.severity,
            reason,
            why,
        })
    }

    /// Fills the scratch from the strata: place `n` is slot `n`, the last place is the newest message.
    fn prepare(&self, scratch: &mut [Choice]) {
        let slots = self.store.slots();
        scratch.fill(Choice::default());
        for ((n, slot), choice) in slots.iter().enumerate().zip(scratch.iter_mut()) {
            choice.live = slot.live();
            choice.slot = u16::try_from(n).unwrap_or(NONE);
        }
        let twin = slots
            .iter()
            .position(|slot| slot.live() && slot.id == self.store.last.id);
        let last = twin.unwrap_or(slots.len());
        if let Some(choice) = scratch.get_mut(last).filter(|_| self.count > 0) {
            if twin.is_none() {
                *choice = Choice {
                    slot: NONE,
                    live: true,
                    ..Choice::default()
                };
            }
            choice.wanted.add(Why::LAST);
        }
        tell(scratch, self.first, Why::FIRST);
        for (n, kind) in (0u8..).zip(&self.kinds) {
            let why = if kind.error { Why::ERROR } else { Why::WARNING };
            for (slot, latest) in [(kind.first, false), (kind.latest, true)] {
                if let Some(choice) = tell(scratch, slot, why) {
                    choice.kind = Some(n);
                    choice.latest = latest;
                }
            }
        }
        for (n, gap) in self.gaps.iter().enumerate() {
            for (side, slot) in [gap.left, gap.right].into_iter().enumerate() {
                if let Some(choice) = tell(scratch, slot, Why::GAP) {
                    choice.gap_sides |= 1 << (n * 2 + side);
                }
            }
        }
        for (place, path) in self.paths.iter().filter(|(_, path)| path.low != path.high) {
            // At most half of the places are taken; folding them together costs a rare collision.
            for (side, slot) in [path.low, path.high].into_iter().enumerate() {
                if let Some(choice) = tell(scratch, slot, Why::EXTREME) {
                    set(&mut choice.extremes, (place * 2 + side) % PATHS);
                }
            }
        }
        for (_, shape) in self.shapes.iter() {
            tell(scratch, shape.slot, Why::SHAPE);
        }
        for (_, state) in self.states.iter() {
            tell(scratch, state.slot, Why::CHANGE);
        }
        self.place_in_time(scratch);
    }

    /// Part of time and shape of every candidate.
    fn place_in_time(&self, scratch: &mut [Choice]) {
        let bins = self.target.clamp(1, BINS);
        let span = self.store.last.at.saturating_sub(self.first_at).max(1);
        for choice in scratch.iter_mut().filter(|choice| choice.live) {
            let slot = if choice.slot == NONE {
                Some(&self.store.last)
            } else {
                self.store.get(choice.slot)
            };
            let Some(slot) = slot else { continue };
            let since = slot.at.saturating_sub(self.first_at).min(span);
            let share = u128::from(since) * bins as u128 / (u128::from(span) + 1);
            choice.bin = u16::try_from(share).unwrap_or(0);
            choice.shape = match self.shapes.find(slot.shape.max(1)) {
                Some((place, true)) => u16::try_from(place).ok(),
                _ => None,
            };
        }
    }

    fn worth(&self) -> Worth {
        let share = |weight: f32, count: usize| {
            weight / f32::from(u16::try_from(count.max(1)).unwrap_or(u16::MAX))
        };
        let errors = self.kinds.iter().filter(|kind| kind.error).count();
        let extremes = self
            .paths
            .iter()
            .filter(|(_, path)| path.low != path.high)
            .count()
            * 2;
        let silent: u64 = self.gaps.iter().map(|gap| gap.length).sum();
        Worth {
            kind: share(0.21, errors),
            shape: share(0.20, self.shapes.used().min(self.target)),
            bin: share(0.15, self.target),
            extreme: share(0.15, extremes),
            state: share(0.05, self.states.used()),
            // Each side of a silence: half for being one of the largest, half by its length.
            gaps: self
                .gaps
                .map(|gap| 0.0125 * ratio(gap.length, silent) + 0.002),
        }
    }

    fn pick(&self, scratch: &mut [Choice]) {
        let worth = self.worth();
        let mut shown = Shown {
            kinds: 0,
            shapes: [0; SHAPE_WORDS],
            extremes: [0; EXTREME_WORDS],
            states: [0; STATE_WORDS],
            gap_sides: 0,
            bins: [0; BINS],
        };
        for _ in 0..self.target {
            let mut best: Option<(f32, u64, usize)> = None;
            for (n, choice) in scratch.iter().enumerate() {
                if !choice.live || choice.picked {
                    continue;
                }
                let Some(slot) = self.slot(choice) else {
                    continue;
                };
                let (gain, _) = self.gain(choice, slot, &shown, &worth);
                if best.is_none_or(|(most, id, _)| gain > most || gain == most && slot.id < id) {
                    best = Some((gain, slot.id, n));
                }
            }
            let Some((_, _, n)) = best else { return };
            let Some(choice) = scratch.get_mut(n) else {
                return;
            };
            let Some(slot) = self.slot(choice) else {
                return;
            };
            let (_, why) = self.gain(choice, slot, &shown, &worth);
            choice.picked = true;
            choice.why = why;
            shown.add(choice, slot);
        }
    }

    /// What a candidate adds, and by what.
    fn gain(&self, choice: &Choice, slot: &Slot, shown: &Shown, worth: &Worth) -> (f32, Why) {
        let mut why = Why::default();
        let mut gain = 0.0;
        let mut add = |reason: Why, worth: f32| {
            why.add(reason);
            gain += worth;
        };
        if let Some(kind) = choice.kind {
            let told = shown.kinds >> kind & 1 == 1;
            let error = choice.wanted.has(Why::ERROR);
            match (error, told) {
                (true, false) => add(Why::ERROR, worth.kind),
                (true, true) if choice.latest => add(Why::ERROR, 0.01),
                (false, false) => add(Why::WARNING, 0.02),
                _ => {}
            }
        }
        for edge in [Why::FIRST, Why::LAST] {
            if choice.wanted.has(edge) {
                add(edge, 0.05);
            }
        }
        let fresh = |mine: &[u64], shown: &[u64]| -> f32 {
            let count: u32 = mine
                .iter()
                .zip(shown)
                .map(|(mine, shown)| (mine & !shown).count_ones())
                .sum();
            f32::from(u16::try_from(count).unwrap_or(u16::MAX))
        };
        let sides = choice.gap_sides & !shown.gap_sides;
        for (n, worth) in worth.gaps.iter().enumerate() {
            let mine = (sides >> (n * 2) & 3).count_ones();
            if mine > 0 {
                add(
                    Why::GAP,
                    worth * f32::from(u16::try_from(mine).unwrap_or(0)),
                );
            }
        }
        if let Some(shape) = choice.shape
            && shown
                .shapes
                .get(usize::from(shape) / 64)
                .is_some_and(|word| word >> (shape % 64) & 1 == 0)
        {
            add(Why::SHAPE, worth.shape);
        }
        let extremes = fresh(&choice.extremes, &shown.extremes);
        if extremes > 0.0 {
            add(Why::EXTREME, worth.extreme * extremes);
        }
        let states = fresh(&slot.states, &shown.states);
        if states > 0.0 {
            add(Why::CHANGE, worth.state * states);
        }
        let crowd = shown
            .bins
            .get(usize::from(choice.bin))
            .copied()
            .unwrap_or(0);
        gain += worth.bin / (1.0 + 3.0 * f32::from(crowd));
        (gain, why)
    }
}

/// Notes what the candidate in `slot`, if any, is wanted for.
fn tell(scratch: &mut [Choice], slot: u16, why: Why) -> Option<&mut Choice> {
    let choice = scratch.get_mut(usize::from(slot))?;
    choice.wanted.add(why);
    Some(choice)
}

/// `part` of `whole` in thousandths.
fn ratio(part: u64, whole: u64) -> f32 {
    let thousandths = part.saturating_mul(1_000) / whole.max(1);
    f32::from(u16::try_from(thousandths).unwrap_or(1_000)) / 1_000.0
}

impl Shown {
    fn add(&mut self, choice: &Choice, slot: &Slot) {
        if let Some(kind) = choice.kind {
            self.kinds |= 1 << kind;
        }
        if let Some(shape) = choice.shape {
            set(&mut self.shapes, usize::from(shape));
        }
        for (shown, mine) in self.extremes.iter_mut().zip(choice.extremes) {
            *shown |= mine;
        }
        for (shown, mine) in self.states.iter_mut().zip(slot.states) {
            *shown |= mine;
        }
        self.gap_sides |= choice.gap_sides;
        if let Some(bin) = self.bins.get_mut(usize::from(choice.bin)) {
            *bin = bin.saturating_add(1);
        }
    }
}
