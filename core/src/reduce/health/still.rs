//! What a number does alone, while its siblings go on: it stands still, or leaves its range.
//!
//! Names like `power` or `load` say that it may be switched off or set, so its own past
//! is not enough, but that of its siblings beside it is.
//!
//! Invariant: a number that never moved, or whose siblings stand still too, is not told.

use super::channel::{BASE, ChannelSlot, Jump, STILL, TAUGHT};
use super::nature::Nature;
use super::view::Device;
use super::vitals;
use crate::knowledge::nothing;
use crate::time::Instant;
use core::time::Duration;

/// Others of the same name that move: two may have been switched on by chance.
const MOVING: usize = 2;
/// Values of an other before it is said to move, and equal ones at its end at most.
const HEARD: u32 = 2 * TAUGHT;
const RUN: u32 = 3;
/// Beginnings at zero that are no single cycle of work.
const RESTARTS: u8 = 3;

/// So many times that range, and this part of the number itself, it has to be away.
const AWAY: f64 = 8.0;
const PART: f64 = 0.15;

/// A total is far from zero if it is so many times what was added to it while somebody listened: less may be of a shift.
const FAR: f64 = 20.0;
/// Ends of the ranges of counters.
const WRAPS: [f64; 10] = [
    256.0,
    1e3,
    1e4,
    65_536.0,
    1e5,
    1e6,
    1e7,
    16_777_216.0,
    1e8,
    4_294_967_296.0,
];
/// Totals that begin anew within so much do so together: a day or a shift is over.
const TOGETHER: Duration = Duration::from_secs(60);
/// A number that stands for none is so many times as far away as the values are large.
const STAND_IN: f64 = 2.0;
/// So much before and after a fall to zero nothing else may have changed that is set or chosen.
const QUIET: Duration = Duration::from_secs(5);

/// Whether a number is of electricity or of what turns, by a letter or two or in other languages: it is switched off.
fn may_be_off(name: &str) -> bool {
    const SHORT: [&str; 8] = ["p", "pw", "pac", "w", "watt", "watts", "i", "amps"];
    const LONG: [&str; 15] = [
        "leistung",
        "strom",
        "drehzahl",
        "stroom",
        "vermogen",
        "toeren",
        "courant",
        "puissance",
        "vitesse",
        "corriente",
        "potencia",
        "velocidad",
        "corrente",
        "potenza",
        "rpm",
    ];
    let key = name.rsplit('.').next().unwrap_or(name);
    let has = |word: &&str| {
        let (key, word) = (key.as_bytes(), word.as_bytes());
        key.windows(word.len())
            .any(|part| part.eq_ignore_ascii_case(word))
    };
    vitals::is_any(key, &SHORT) || LONG.iter().any(has)
}

/// Values on either side of a jump by which both are ordinary: it is at one place by day and at another by night.
const SIDES: u8 = 10;

impl ChannelSlot {
    /// Takes on which side of its first jump a value is.
    pub(super) fn place(&mut self, value: f64) {
        let Some(jump) = self.jump else { return };
        let inside = (jump.low..=jump.high).contains(&value);
        if self.away < SIDES {
            self.away = if inside { 0 } else { self.away + 1 };
        } else if self.back < SIDES {
            self.back = if inside { self.back + 1 } else { 0 };
        }
    }

    /// It jumped, and is there still or was there for a moment.
    pub(super) fn has_jumped(&self) -> bool {
        let stays = |jump: Jump| jump.to != 0.0 || self.last == 0.0 && self.run >= STILL;
        self.jumps > 0 && self.back < SIDES && self.jump.is_some_and(stays)
    }

    /// Keeps the first of the jumps, and the range at that time.
    pub(super) fn keep_jump(&mut self, at: Instant, from: f64, to: f64) {
        self.jump.get_or_insert(Jump {
            at,
            from,
            to,
            low: self.min,
            high: self.max,
        });
    }

    /// It counts: each message had the same step up, until it stood still.
    fn counts_messages(&self) -> bool {
        let moving = self.count.saturating_sub(self.run);
        self.changes >= TAUGHT
            && self.changes == moving
            && self.steps == self.max - self.min
            && self.steps == self.largest_step * f64::from(self.changes)
            && self.longest_run == 1
            && self.last == self.max
    }

    /// A total that was far from zero fell once, for good, and counts on from there; what wraps at the end of its range, or
    /// falls as its siblings do at the same time, is no such.
    fn has_begun_anew(&self) -> Option<Jump> {
        let jump = self
            .jump
            .filter(|_| self.resets == 1 && self.glitches == 0)?;
        let wraps = |end: f64| jump.from < end && jump.from >= end * 0.99;
        let far = jump.from - jump.low >= 0.0 && jump.from > FAR * (jump.high - jump.low);
        (far && !WRAPS.into_iter().any(wraps)).then_some(jump)
    }

    /// A number that stands for none, far out of the range in which the values were.
    pub(super) fn stands_for_none(&self, value: f64) -> bool {
        let range = self.max - self.min;
        let out = if value > self.max {
            value - self.max
        } else {
            self.min - value
        };
        self.changes >= TAUGHT
            && nothing::may_stand_for_none(value)
            && out > STAND_IN * range.max(self.max.abs()).max(self.min.abs())
    }

    /// It went to and fro in a narrow range, left it without a jump, and is away from it as far as it ever was.
    pub(super) fn has_drifted(&self) -> bool {
        let [low, high, steps] = self.base.map(f64::from);
        let range = high - low;
        let (away, extreme) = match self.last > high {
            true => (self.last - high, self.max - self.last),
            false => (low - self.last, self.last - self.min),
        };
        let middle = (low + high).abs() / 2.0;
        self.count >= 2 * BASE
            && matches!(self.nature, Nature::Any | Nature::Inert(_))
            && !self.counts
            && self.jumps == 0
            && range > 0.0
            && steps > 1.5 * range
            && (away > (AWAY * range).max(PART * middle) || away > 5.0 * AWAY * range)
            && self.largest_step < away / 4.0
            && extreme <= range
    }

    /// It may be switched or set, moved with nearly every value, and is the same for so long that it is no chance.
    pub(super) fn has_stopped(&self) -> bool {
        let moving = self.count.saturating_sub(self.run);
        self.nature == Nature::Free
            && !self.counts
            && !self.excused
            && self.changes >= TAUGHT
            && self.changes.saturating_mul(10) >= moving.saturating_mul(9)
            && self.run >= STILL
            && self.run > self.longest_run.saturating_mul(4)
            && self.counts_not()
    }
}

impl<B: AsMut<[u8]> + AsRef<[u8]>> Device<'_, B> {
    /// It has drifted away, and others of its name have not.
    pub(super) fn drifts_alone(&self, channel: &ChannelSlot) -> bool {
        if !channel.has_drifted() {
            return false;
        }
        let like = |other: &&ChannelSlot| other.name == channel.name && other.count >= HEARD;
        let (mut gone, mut stay) = (0, 0);
        for other in self.everybody().iter().filter(like) {
            match other.has_drifted() {
                true => gone += 1,
                false => stay += 1,
            }
        }
        // It is among those itself. One other is enough if it is very far away.
        let [low, high, _] = channel.base.map(f64::from);
        let away = (channel.last - high).max(low - channel.last);
        let least = if away > 1.5 * AWAY * (high - low) {
            1
        } else {
            MOVING
        };
        gone == 1 && stay >= least
    }

    /// A total of it that began anew, alone among those of its name.
    pub(super) fn begun_anew(&self, channel: &ChannelSlot) -> Option<Jump> {
        let jump = channel.has_begun_anew()?;
        let too = |other: &ChannelSlot| {
            let fell = other.has_begun_anew().or(other.jump);
            let close = |it: Jump| it.at.since(jump.at).max(jump.at.since(it.at)) < TOGETHER;
            other.hash != channel.hash && other.name == channel.name && fell.is_some_and(close)
        };
        (!self.everybody().iter().any(too)).then_some(jump)
    }

    /// It jumped, and if to zero, nothing says that it was switched off: neither a command, nor a state, nor a code that
    /// changed about then, nor others of its name that did the same.
    pub(super) fn jumped(&self, channel: &ChannelSlot) -> bool {
        let Some(jump) = channel.jump.filter(|_| channel.has_jumped()) else {
            return false;
        };
        if jump.to != 0.0 {
            return true;
        }
        let near = |at: Instant| at.since(jump.at).max(jump.at.since(at)) < QUIET;
        let code = |other: &ChannelSlot| {
            other.hash != channel.hash
                && other.changes > 0
                && other.changes <= 3
                && near(other.run_since)
        };
        let too = |other: &ChannelSlot| {
            other.hash != channel.hash
                && other.name == channel.name
                && other.last == 0.0
                && other.changes > 0
        };
        let switched = self
            .slot
            .switched
            .is_some_and(|at| jump.at.since(at) <= QUIET);
        self.slot.commands == 0
            && !may_be_off(channel.name())
            && !switched
            && !self.channels().any(code)
            && !self.everybody().iter().any(too)
    }

    /// A number that climbs with the clock, as that of a sibling does all the while, began anew at zero again and again: how
    /// often, and how long ago by its own account.
    pub(super) fn restarts_alone(&self, now: Instant) -> Option<(u32, Duration)> {
        let own = self.channels();
        let mut own = own.filter(|it| it.keeps_time() && it.restarts >= RESTARTS);
        let climbs = |channel: &ChannelSlot| {
            self.everybody().iter().any(|other| {
                other.name == channel.name
                    && other.keeps_time()
                    && other.restarts == 0
                    && other.last > channel.max
            })
        };
        let channel = own.find(|it| climbs(it))?;
        let lasting = Duration::try_from_secs_f64(channel.last).unwrap_or_default();
        Some((u32::from(channel.restarts), now.since(channel.at) + lasting))
    }

    /// It used to move with every message, stands still now inside of its own range, and others of its name go on.
    pub(super) fn stands_alone(&self, channel: &ChannelSlot) -> bool {
        let (low, high) = (channel.min, channel.max);
        // What is switched off, or is at its end, leaves its range or stops at the edge.
        let inside = channel.last > low && channel.last < high;
        if channel.run >= STILL && channel.last != 100.0 && channel.counts_messages() {
            let counts = |other: &ChannelSlot| {
                other.name == channel.name
                    && other.count >= HEARD
                    && other.run == 1
                    && other.counts_messages()
                    && other.at > channel.run_since
            };
            return self.everybody().iter().any(counts);
        }
        if !inside || !channel.has_stopped() {
            return false;
        }
        let moves = |other: &&ChannelSlot| {
            other.name == channel.name
                && other.count >= HEARD
                && other.run <= RUN
                && other.at > channel.run_since
        };
        self.everybody().iter().filter(moves).take(MOVING).count() == MOVING
    }
}
