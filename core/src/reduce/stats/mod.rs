//! Numbers about streams of messages: rates, intervals, gaps, sizes, latency, trend.
//!
//! [`Stats`] joins them: one [`Flow`] for each stream that is asked for, and the heaviest topics. Parts: [`Rhythm`]
//! what one topic teaches of its intervals, [`Sketch`] percentiles, [`Series`] rates over time with spikes and trend,
//! [`Latency`] the age of messages by their own account, [`Heavy`] the table of topics; `scale` and `bins` are how
//! distributions are kept. Invariant: as for all of [`super`], merging is what one stream would have given.

mod bins;
mod flow;
mod heavy;
mod latency;
mod rhythm;
mod scale;
mod series;
mod sketch;

pub use flow::{Flow, GAPS};
pub use heavy::{Heavy, TopicStats};
pub use latency::{FIELDS, Field, Latency, NAME};
pub use rhythm::{Gap, Rhythm, TAUGHT};
pub use series::{BUCKETS, Bucket, SPIKES, Series, Spike, Spikes, Trend};
pub use sketch::Sketch;

use super::Record;
use crate::payload;

/// The numbers of several streams at once, over flows `F`, and slots `S`, index `I` and names `B` of [`Heavy`].
#[derive(Debug)]
pub struct Stats<F, S, I, B> {
    flows: F,
    heavy: Heavy<S, I, B>,
}

impl<F, S, I, B> Stats<F, S, I, B>
where
    F: AsMut<[Flow]> + AsRef<[Flow]>,
    S: AsMut<[TopicStats]> + AsRef<[TopicStats]>,
    I: AsMut<[u32]> + AsRef<[u32]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// The first of `flows` takes all messages, the others those that match; all have the same origin.
    pub fn new(flows: F, heavy: Heavy<S, I, B>) -> Self {
        Self { flows, heavy }
    }

    /// Takes one message that came `arrived` microseconds after 1970, for the first flow and those whose bit is set
    /// in `matched`, the second one's lowest.
    pub fn record(&mut self, record: &Record<'_>, arrived: u64, matched: u64) {
        let stamp = payload::stamp(record.payload);
        let wanted = core::iter::successors(Some(1 | matched << 1), |bits| Some(bits >> 1));
        for (flow, bits) in self.flows.as_mut().iter_mut().zip(wanted) {
            if bits & 1 == 1 {
                flow.record(record, arrived, stamp.as_ref());
            }
        }
        self.heavy
            .record(record.at, record.topic, record.payload.len());
    }

    /// Nobody listens for a while from now on: the silence until the next message says nothing.
    pub fn pause(&mut self) {
        self.flows.as_mut().iter_mut().for_each(Flow::pause);
        self.heavy.pause();
    }

    /// Takes in what another with the same flows has seen.
    pub fn merge(&mut self, other: &Self) {
        let theirs = other.flows.as_ref();
        for (ours, theirs) in self.flows.as_mut().iter_mut().zip(theirs) {
            ours.merge(theirs);
        }
        self.heavy.merge(&other.heavy);
    }

    /// The streams.
    pub fn flows(&self) -> &[Flow] {
        self.flows.as_ref()
    }

    /// The heaviest topics.
    pub fn heavy(&self) -> &Heavy<S, I, B> {
        &self.heavy
    }
}

/// Square root by Newton's method; zero of what is not positive.
fn sqrt(x: f64) -> f64 {
    if x <= 0.0 || !x.is_finite() {
        return 0.0;
    }
    // Half the exponent is within a factor of two.
    let mut root = f64::from_bits((x.to_bits() >> 1) + (1_023 << 51));
    for _ in 0..5 {
        root = 0.5 * (root + x / root);
    }
    root
}

/// To the nearest whole number; zero of what is negative or none.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates, which is what is wanted
fn whole(x: f64) -> u64 {
    (x + 0.5) as u64
}

#[cfg(test)]
mod tests;
