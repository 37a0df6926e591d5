//! Picks from the candidates when asked: greedily by marginal gain, until the target is reached.
//!
//! What a message adds is in `gain`. A gain only falls while more is shown, so the one found last time is a bound, and
//! few have to be found again for each pick. Invariant: deterministic; nothing is consumed; the picked ones stand in
//! order of time.

use super::Pruner;
use super::gain::{BINS, Shown, Worth};
use super::store::{NONE, Slot};
use super::strata::*;
use crate::payload::{Format, Severity};

/// Why a message was kept; a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Why(u16);

impl Why {
    pub(super) const ERROR: Self = Self(1);
    pub(super) const WARNING: Self = Self(1 << 1);
    pub(super) const FIRST: Self = Self(1 << 2);
    pub(super) const LAST: Self = Self(1 << 3);
    pub(super) const GAP: Self = Self(1 << 4);
    pub(super) const SHAPE: Self = Self(1 << 5);
    pub(super) const EXTREME: Self = Self(1 << 6);
    pub(super) const CHANGE: Self = Self(1 << 7);
    pub(super) const SAMPLE: Self = Self(1 << 8);
    const NAMES: [&'static str; 9] = [
        "error", "warning", "first", "last", "gap", "shape", "extreme", "change", "sample",
    ];

    pub(super) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) const fn has(self, other: Self) -> bool {
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
    pub(super) wanted: Why,
    pub(super) kind: Option<u8>,
    pub(super) latest: bool,
    /// From another topic than the first of its kind.
    pub(super) elsewhere: bool,
    pub(super) shape: Option<u16>,
    /// Parts of the stream it is in, by number and by time.
    pub(super) part: u16,
    pub(super) hour: u16,
    pub(super) gap_sides: u16,
    pub(super) spikes: u8,
    live: bool,
    picked: bool,
    /// At least what it adds.
    bound: f64,
}

/// One kept message.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Kept<'a> {
    /// When it came, in microseconds of the caller's clock.
    pub at: u64,
    /// Topic Name.
    pub topic: &'a str,
    /// The front of the payload, or of what it holds if it was decoded.
    pub payload: &'a [u8],
    /// Bytes of the whole of that.
    pub payload_bytes: u32,
    /// The front of the payload itself, if it was decoded.
    pub raw: Option<&'a [u8]>,
    /// Bytes of the payload itself.
    pub size: u32,
    /// QoS it came with.
    pub qos: u8,
    /// Replayed because retained.
    pub retain: bool,
    /// Format of the payload.
    pub format: Format,
    /// What is inside of it, if that is a wrapping.
    pub wraps: Option<Format>,
    /// Severity.
    pub severity: Severity,
    /// Why it was judged so.
    pub reason: &'a str,
    /// Why it was kept.
    pub why: Why,
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
        let (payload, raw) = self.store.shown(slot, payload);
        let mut why = choice.why;
        if why == Why::default() {
            why = Why::SAMPLE;
        }
        Some(Kept {
            at: slot.at,
            topic,
            payload,
            payload_bytes: slot.full,
            raw,
            size: slot.size,
            qos: slot.qos,
            retain: slot.retain,
            format: slot.format,
            wraps: slot.wraps,
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
        for (n, kind) in (0u8..).zip(&self.kinds).filter(|(_, kind)| kind.error) {
            for slot in kind.topics.elsewhere {
                if let Some(choice) = tell(scratch, slot, Why::ERROR)
                    && choice.kind.is_none()
                {
                    choice.kind = Some(n);
                    choice.elsewhere = true;
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
        for spike in &self.spikes {
            if let Some(choice) = tell(scratch, spike.slot, Why::EXTREME) {
                choice.spikes = choice.spikes.saturating_add(1);
            }
        }
        self.place_in_time(scratch);
    }

    /// Parts of the stream and shape of every candidate.
    fn place_in_time(&self, scratch: &mut [Choice]) {
        let span = self.store.last.at.saturating_sub(self.first_at).max(1);
        let mut before = [0; BUCKETS];
        let mut sum: u64 = 0;
        for (before, bucket) in before.iter_mut().zip(&self.buckets) {
            *before = sum;
            sum += u64::from(bucket.count);
        }
        for choice in scratch.iter_mut().filter(|choice| choice.live) {
            let Some(slot) = self.slot(choice) else {
                continue;
            };
            let since = slot.at.saturating_sub(self.first_at).min(span);
            choice.hour = part(since, span, self.hours());
            let number = (slot.at / self.width).saturating_sub(self.base);
            let place = usize::try_from(number).unwrap_or(BUCKETS);
            // Inside of a bucket its messages are taken to be even.
            let (count, inside) = self.buckets.get(place).map_or((0, 0), |bucket| {
                (u64::from(bucket.count), slot.at % self.width)
            });
            let inside = u128::from(count) * u128::from(inside) / u128::from(self.width.max(1));
            let at = before.get(place).copied().unwrap_or(sum);
            let at = at + u64::try_from(inside).unwrap_or(0);
            choice.part = part(at, sum.max(1), self.parts());
            choice.shape = match self.shapes.find(slot.shape.max(1)) {
                Some((place, true)) => u16::try_from(place).ok(),
                _ => None,
            };
        }
    }

    /// Parts of the stream, equal in number of messages, each of which should show one.
    pub(super) fn parts(&self) -> usize {
        self.target.clamp(1, BINS)
    }

    /// Parts of the time, none of which should be left out.
    pub(super) fn hours(&self) -> usize {
        (self.target / 3).clamp(1, BINS)
    }

    fn pick(&self, scratch: &mut [Choice]) {
        let worth = self.worth();
        let mut shown = Shown::new();
        for choice in scratch.iter_mut() {
            choice.bound = f64::MAX;
        }
        for _ in 0..self.target.min(scratch.len()) {
            let Some(n) = self.best(scratch, &shown, &worth) else {
                return;
            };
            let Some(choice) = scratch.get_mut(n) else {
                return;
            };
            choice.picked = true;
            if let Some(slot) = self.slot(choice) {
                self.show_too(&mut shown, choice, slot);
            }
        }
    }

    /// The candidate that adds most: gains are found anew, the largest bound first, until one is the largest.
    fn best(&self, scratch: &mut [Choice], shown: &Shown, worth: &Worth) -> Option<usize> {
        let mut best: Option<Standing> = None;
        loop {
            let top = self.top(scratch)?;
            if best.is_some_and(|best| best.n == top.n) {
                return Some(top.n);
            }
            let choice = scratch.get_mut(top.n)?;
            let (gain, why) = self.gain(choice, self.slot(choice)?, shown, worth);
            choice.bound = choice.bound.min(gain);
            choice.why = why;
            let now = Standing {
                bound: choice.bound,
                ..top
            };
            if best.is_none_or(|best| now.above(best)) {
                best = Some(now);
            }
        }
    }

    /// The candidate with the largest bound.
    fn top(&self, scratch: &[Choice]) -> Option<Standing> {
        let mut top: Option<Standing> = None;
        let open = scratch.iter().enumerate();
        for (n, choice) in open.filter(|(_, choice)| choice.live && !choice.picked) {
            if top.is_some_and(|top| choice.bound < top.bound) {
                continue;
            }
            let (bound, id) = (choice.bound, self.slot(choice)?.id);
            let mine = Standing { bound, id, n };
            if top.is_none_or(|top| mine.above(top)) {
                top = Some(mine);
            }
        }
        top
    }
}

/// Where a candidate stands among the others.
#[derive(Clone, Copy)]
struct Standing {
    bound: f64,
    id: u64,
    n: usize,
}

impl Standing {
    /// By bound; of equals the lowest identity.
    fn above(self, other: Self) -> bool {
        self.bound > other.bound
            || self.bound == other.bound && (self.id, self.n) < (other.id, other.n)
    }
}

/// Which of so many equal parts `at` of `whole` is in.
fn part(at: u64, whole: u64, parts: usize) -> u16 {
    let part = u128::from(at) * parts as u128 / (u128::from(whole) + 1);
    u16::try_from(part).unwrap_or(0)
}

/// Notes what the candidate in `slot`, if any, is wanted for.
fn tell(scratch: &mut [Choice], slot: u16, why: Why) -> Option<&mut Choice> {
    let choice = scratch.get_mut(usize::from(slot))?;
    choice.wanted.add(why);
    Some(choice)
}
