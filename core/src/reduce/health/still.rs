//! What a number does alone, while its siblings go on: it stands still, or leaves its range.
//!
//! Names like `power` or `load` say that it may be switched off or set, so its own past
//! is not enough, but that of its siblings beside it is.
//!
//! Invariant: a number that never moved, or whose siblings stand still too, is not told.

use super::channel::{BASE, ChannelSlot, Nature, STILL, TAUGHT};
use super::view::Device;
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

/// Values on either side of a jump by which both are ordinary: it is at one place by day and at another by night.
const SIDES: u8 = 10;

impl ChannelSlot {
    /// Takes on which side of its first jump a value is.
    pub(super) fn place(&mut self, value: f64) {
        let Some(jump) = self.jump else { return };
        let inside = (jump.low..=jump.high).contains(&value);
        self.away = self.away.saturating_add(u8::from(!inside));
        self.back = self.back.saturating_add(u8::from(inside && self.away >= SIDES));
    }

    /// It jumped, and is there still or was there for a moment.
    pub(super) fn has_jumped(&self) -> bool {
        self.jumps > 0 && !(self.away >= SIDES && self.back >= SIDES)
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
            && away > (AWAY * range).max(PART * middle)
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
        // It is among those itself.
        gone == 1 && stay >= MOVING
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
