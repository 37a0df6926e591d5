//! Bounded accumulators over a stream of messages: `record`, `merge`, an answer at any time.
//!
//! [`prune`] keeps the messages that matter, [`topics`] a table of topics, [`stats`] numbers, [`Distinct`] an estimate of how many
//! different things came, [`health`] a table of devices with their faults. All memory is the caller's or fixed; what finds no room is counted, and the count is part
//! of the answer. Nothing here sees a packet or a session. Invariant: merging what shards saw gives what one stream
//! would have given, up to what bounds cost.

mod distinct;
pub mod health;
pub mod prune;
pub mod schema;
pub mod stats;
pub mod topics;

pub use distinct::{Census, Distinct};
pub use health::Health;
pub use prune::Pruner;
pub use schema::Schemas;
pub use stats::{Rhythm, Stats};
pub use topics::Topics;

use crate::limits::MAX_LEVELS;
use crate::time::Instant;

/// One message as an accumulator sees it.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// When it came.
    pub at: Instant,
    /// Topic Name.
    pub topic: &'a str,
    /// Any bytes.
    pub payload: &'a [u8],
    /// QoS it came with, 0 to 2.
    pub qos: u8,
    /// Replayed because retained.
    pub retain: bool,
}

/// Levels in which two topics differ, one bit each.
fn differing(a: &str, b: &str) -> u64 {
    let mut bits = 0;
    let mut levels = (a.splitn(MAX_LEVELS, '/'), b.splitn(MAX_LEVELS, '/'));
    for level in 0..MAX_LEVELS {
        match (levels.0.next(), levels.1.next()) {
            (None, None) => return bits,
            (a, b) if a != b => bits |= 1 << level,
            _ => {}
        }
    }
    bits
}

#[cfg(test)]
mod merging;
#[cfg(test)]
mod numbers;
