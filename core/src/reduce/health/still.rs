//! A number that stands still alone: names like `power` or `load` say that it may be switched off or set, so its own past
//! is not enough, but that of its siblings beside it is.
//!
//! Invariant: a number that never moved, or whose siblings stand still too, is not told.

use super::channel::{ChannelSlot, TAUGHT};
use super::view::Device;

/// Others of the same name that move: two may have been switched on by chance.
const MOVING: usize = 2;
/// Values of an other before it is said to move, and equal ones at its end at most.
const HEARD: u32 = 2 * TAUGHT;
const RUN: u32 = 3;

impl<B: AsMut<[u8]> + AsRef<[u8]>> Device<'_, B> {
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
