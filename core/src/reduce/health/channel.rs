//! A number that a device tells again and again: whether it stands still although it used to move, or jumps.
//!
//! Both are judged by what the number itself has taught, and only where it can be judged: a power that drops to
//! nothing is a switch, a counter that begins anew no leap. Invariant: what stands still has changed before so
//! steadily that standing so long by chance has a probability below one in a thousand million.

pub use super::field::MAX_NAME;
use super::marks::{Marks, counts_failures};
use super::nature::{Nature, nature};
use crate::time::Instant;
use heapless::String;

/// Changes that a channel has shown before its standing still says something.
pub(super) const TAUGHT: u32 = 10;
/// Equal values in a row that are no chance.
pub(super) const STILL: u32 = 10;
/// Rises of a total, by its name, or of any number that has never fallen, before a fall says something.
const ROSE_TOTAL: u32 = 2;
const ROSE: u32 = 10;
/// Changes of a fallen total after which it was reset and counts anew.
const RESET: u8 = 3;
/// Values before a jump says something.
const SETTLED: u32 = 8;
/// A jump of a number of unknown nature is so many times its range and its usual step: noise has no such tails.
const RANGES: f64 = 4.0;
const STEPS: f64 = 20.0;
/// A number whose least was so many times its range is not zero for a moment by chance.
const NARROW: f64 = 8.0;
/// Values by which the range is known that a number leaves bit by bit.
pub(super) const BASE: u32 = 16;

/// One number of a device.
#[derive(Clone, Debug, Default)]
pub struct ChannelSlot {
    pub(super) hash: u64,
    /// The next channel of the same device; one above its place, zero for none.
    pub(super) next: u16,
    /// Sparkplug B: stands for the name after birth.
    pub(super) alias: Option<u64>,
    /// Sparkplug B: what the bits of the value mean.
    pub(super) datatype: u32,
    pub(super) name: String<MAX_NAME>,
    pub(super) nature: Nature,
    /// When the first live value came.
    pub(super) begun: Instant,
    /// Live values.
    pub count: u32,
    /// The latest.
    pub last: f64,
    /// When.
    pub at: Instant,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// Values unlike the one before.
    pub changes: u32,
    /// Values equal to the latest, at the end.
    pub run: u32,
    /// When that run began.
    pub run_since: Instant,
    pub(super) longest_run: u32,
    /// How often it became zero.
    pub(super) stops: u8,
    pub(super) largest_step: f64,
    /// Sum of steps without their sign.
    pub(super) steps: f64,
    /// Something that the device is (on, off) changed when the run began.
    pub(super) excused: bool,
    /// Steps that were jumps.
    pub jumps: u16,
    /// The first of them.
    pub jump: Option<Jump>,
    /// What it was before it fell to less than half, if it is a total, which should not; zero: it did not.
    pub(super) fallen: f64,
    /// Changes since then.
    pub(super) fallen_changes: u8,
    /// Falls of a total that it came back from, and for good.
    pub(super) glitches: u8,
    pub(super) resets: u8,
    /// Values out of the range before the first jump, and in it again later.
    pub(super) away: u8,
    pub(super) back: u8,
    /// It counts failures.
    pub(super) counts: bool,
    /// What such a count was first.
    pub(super) counted_from: f64,
    /// Steps at the pace of the clock, and how often it began anew at zero.
    pub(super) ticks: u16,
    pub(super) restarts: u8,
    /// Of the first [`BASE`] values: the lowest, the highest, and the sum of steps.
    pub(super) base: [f32; 3],
    /// What is known beside numbers.
    pub(super) marks: Marks,
}

/// A step out of a channel's own range.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Jump {
    /// When.
    pub at: Instant,
    /// The value before.
    pub from: f64,
    /// The value it jumped to.
    pub to: f64,
    /// The range until then.
    pub low: f64,
    /// See `low`.
    pub high: f64,
}

impl ChannelSlot {
    pub(super) fn new(hash: u64, name: &str, key: &str) -> Self {
        let mut kept = String::new();
        // Of a path that does not fit, its end says more than its front.
        let (front, name) = match name.len() + 4 > MAX_NAME && !name.ends_with(key) {
            true => ("…", key),
            false => ("", name),
        };
        for c in front.chars().chain(name.chars()) {
            if kept.push(c).is_err() {
                break;
            }
        }
        let counts = counts_failures(key);
        Self {
            hash,
            name: kept,
            nature: if counts { Nature::Free } else { nature(key) },
            counts,
            ..Self::default()
        }
    }

    /// Keys around the number's key, dots between them, or what the topic calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes a live value; `switched`: something that the device is changed with it.
    pub(super) fn add(&mut self, at: Instant, value: f64, switched: bool) {
        if !value.is_finite() {
            return;
        }
        self.count = self.count.saturating_add(1);
        let stops = value == 0.0 && (self.count == 1 || self.last != 0.0);
        self.stops = self.stops.saturating_add(u8::from(stops));
        if self.count == 1 || value < self.last {
            self.counted_from = value;
        }
        if self.count == 1 {
            (self.min, self.max) = (value, value);
            (self.run, self.run_since, self.begun) = (1, at, at);
        } else if value == self.last {
            self.run = self.run.saturating_add(1);
            self.excused |= switched && self.run <= 3;
        } else {
            self.tick(at, value);
            self.step(at, value, switched);
            self.longest_run = self.longest_run.max(self.run);
            self.changes = self.changes.saturating_add(1);
            (self.run, self.run_since) = (1, at);
            self.excused = switched;
        }
        self.place(value);
        (self.last, self.at) = (value, at);
        if self.count == BASE {
            #[allow(clippy::cast_possible_truncation)]
            // rounded: a range is compared with its multiples
            let base = [self.min, self.max, self.steps].map(|it| it as f32);
            self.base = base;
        }
    }

    /// Seconds since a start climb with the clock, and after the next one are as many as have passed since the last telling
    /// at most.
    fn tick(&mut self, at: Instant, value: f64) {
        let passed = at.since(self.at).as_secs_f64();
        let step = value - self.last;
        if step > 0.0 && (step - passed).abs() <= 0.2 * passed + 1.0 && value % 1.0 == 0.0 {
            self.ticks = self.ticks.saturating_add(1);
        } else if step < -2.0 && (0.0..=passed + 2.0).contains(&value) {
            self.restarts = self.restarts.saturating_add(1);
        }
    }

    /// It climbs with the clock, whatever it is called.
    pub(super) fn keeps_time(&self) -> bool {
        self.ticks >= 8 && u32::from(self.ticks) * 10 >= self.changes * 7
    }

    fn step(&mut self, at: Instant, value: f64, switched: bool) {
        let adds_up = match self.nature {
            Nature::Total => ROSE_TOTAL,
            Nature::Any => ROSE,
            _ => u32::MAX,
        };
        if self.changes >= adds_up && self.falls(at, value, switched) {
            return;
        }
        let step = (value - self.last).abs();
        if self.is_jump(value, step) && !switched {
            self.jumps = self.jumps.saturating_add(1);
            self.keep_jump(at, self.last, value);
        } else {
            // What comes back from a jump teaches nothing either.
            let back = self.jumps > 0 && !self.within(self.last);
            if !back {
                self.largest_step = self.largest_step.max(step);
                self.steps += step;
            }
            self.min = self.min.min(value);
            self.max = self.max.max(value);
        }
    }

    /// A total that falls to less than half and comes back to where it was, or a little further, was not read right; one
    /// that goes on from there was reset.
    fn falls(&mut self, at: Instant, value: f64, switched: bool) -> bool {
        if self.fallen > 0.0 {
            let before = self.fallen;
            if value < before {
                self.fallen_changes += 1;
                if self.fallen_changes < RESET {
                    return true;
                }
                // It counts from there.
                self.fallen = 0.0;
                self.resets = self.resets.saturating_add(1);
                self.keep_jump(at, before, self.last);
                return false;
            }
            self.fallen = 0.0;
            if value <= before + (before - self.min).max(before * 0.01) * 2.0 {
                self.glitches = self.glitches.saturating_add(1);
                self.keep_jump(at, before, self.last);
                self.max = self.max.max(value);
                return true;
            }
            return false;
        }
        let rose = self.last == self.max && self.min > 0.0;
        let steadily = self.steps <= (self.max - self.min) * 1.001;
        // A state that changes with it says why: another shift, another batch.
        if rose && steadily && !switched && value < self.last * 0.5 {
            (self.fallen, self.fallen_changes) = (self.last, 0);
            return true;
        }
        false
    }

    fn within(&self, value: f64) -> bool {
        (self.min..=self.max).contains(&value)
    }

    fn is_jump(&self, value: f64, step: f64) -> bool {
        if self.count <= SETTLED || self.within(value) || !self.within(self.last) {
            return false;
        }
        let range = self.max - self.min;
        match self.nature {
            Nature::Inert(floor) => {
                step > floor && step > 3.0 * range && step > 6.0 * self.largest_step
            }
            Nature::Any => {
                // Whole numbers may be codes.
                let fine = value % 1.0 != 0.0 || self.last % 1.0 != 0.0;
                let usual = self.steps / f64::from(self.changes.max(1));
                // What is little at times may be nothing.
                let narrow = value != 0.0 || self.min > NARROW * range;
                self.changes >= TAUGHT
                    && narrow
                    && fine
                    && step > RANGES * range
                    && step > STEPS * usual
                    && (self.counts_not() || step > STEPS * range)
            }
            Nature::Free | Nature::Total => false,
        }
    }

    /// It went up and down.
    pub(super) fn counts_not(&self) -> bool {
        self.steps > 1.5 * (self.max - self.min)
    }

    /// Stands still although it used to move.
    pub fn is_frozen(&self) -> bool {
        let moving = self.count.saturating_sub(self.run);
        let steadily = self.changes >= TAUGHT && self.changes.saturating_mul(2) >= moving;
        if matches!(self.nature, Nature::Free | Nature::Total)
            || self.excused
            || self.last == 0.0
            || !steadily
        {
            return false;
        }
        self.run >= STILL
            && self.run > self.longest_run.saturating_mul(4)
            && self.counts_not()
            && chance(self.changes, moving, self.run) < 1e-9
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            self.marks.merge(&other.marks);
            return;
        }
        if self.count == 0 {
            let mut marks = self.marks;
            marks.merge(&other.marks);
            let (next, alias) = (self.next, self.alias);
            *self = other.clone();
            (self.next, self.alias, self.marks) = (next, alias.or(other.alias), marks);
            return;
        }
        let late = other.at > self.at;
        self.count = self.count.saturating_add(other.count);
        self.changes = self.changes.saturating_add(other.changes);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.largest_step = self.largest_step.max(other.largest_step);
        self.steps += other.steps;
        self.ticks = self.ticks.saturating_add(other.ticks);
        self.restarts = self.restarts.saturating_add(other.restarts);
        self.longest_run = self.longest_run.max(other.longest_run);
        self.stops = self.stops.saturating_add(other.stops);
        // Both stand still at the same value, or the one that moved last counts.
        let (run, same) = (self.run.saturating_add(other.run), self.last == other.last);
        if other.run_since > self.run_since {
            (self.run, self.run_since) = (other.run, other.run_since);
        }
        if same {
            self.run = run;
        }
        if late {
            (self.last, self.at) = (other.last, other.at);
        }
        self.excused |= other.excused;
        self.glitches = self.glitches.saturating_add(other.glitches);
        self.counted_from = self.counted_from.min(other.counted_from);
        self.marks.merge(&other.marks);
        self.jumps = self.jumps.saturating_add(other.jumps);
        self.jump = match (self.jump, other.jump) {
            (Some(ours), Some(theirs)) => Some(if theirs.at < ours.at { theirs } else { ours }),
            (ours, theirs) => ours.or(theirs),
        };
    }
}

/// How likely `run` equal values in a row are, where so many of `moving` changed.
fn chance(changes: u32, moving: u32, run: u32) -> f64 {
    let still = 1.0 - f64::from(changes) / f64::from(moving.max(1)).max(f64::from(changes) + 0.5);
    let mut chance = 1.0;
    for _ in 1..run.min(256) {
        chance *= still;
    }
    chance
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::ChannelSlot;
    use crate::time::Instant;

    fn of(key: &str, values: impl IntoIterator<Item = f64>) -> ChannelSlot {
        let mut channel = ChannelSlot::new(1, key, key);
        for (value, n) in values.into_iter().zip(0..) {
            channel.add(Instant::from_micros(n * 1_000_000), value, false);
        }
        channel
    }

    fn swing(n: u32) -> f64 {
        20.0 + f64::from(n * 7_919 % 31) / 10.0
    }

    #[test]
    fn what_used_to_move_and_stands_still_is_frozen() {
        assert!(!of("temperature", (0..60).map(swing)).is_frozen());
        let frozen = (0..40).map(|n| swing(n.min(20)));
        assert!(of("temperature", frozen.clone()).is_frozen());
        assert!(!of("power", frozen).is_frozen());
        // Off is not frozen, standing still from the start neither, nor a slow value that is rounded.
        assert!(!of("flow", (0..60).map(|n| if n < 20 { swing(n) } else { 0.0 })).is_frozen());
        assert!(!of("temperature", (0..200).map(|_| 20.0)).is_frozen());
        assert!(!of("temperature", (0..200).map(|n| f64::from(n / 12))).is_frozen());
    }

    #[test]
    fn a_leap_out_of_its_own_range_is_a_jump() {
        let leap = (0..40).map(|n| if n == 30 { 85.0 } else { swing(n) });
        let channel = of("temperature", leap.clone());
        let jump = channel.jump.unwrap();
        assert_eq!((channel.jumps, jump.to, jump.high), (1, 85.0, 23.0));
        assert!(channel.max < 24.0);
        assert_eq!(of("power", leap).jumps, 0);
        assert_eq!(of("temperature", (0..100).map(swing)).jumps, 0);
        assert_eq!(
            of("temperature", (0..100).map(|n| f64::from(n) * 0.4)).jumps,
            0
        );
        let level = (0..60).map(|n| {
            if n < 50 {
                3.4 + swing(n) / 1_000.0
            } else {
                9.91
            }
        });
        assert_eq!(of("ph", level).jumps, 1);
    }
}
