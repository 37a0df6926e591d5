//! The numbers of one stream of messages, such as all that match one Topic Filter; about 13 KB.

use super::{Gap, Latency, Rhythm, Series, Sketch};
use crate::payload::{Stamp, hash};
use crate::reduce::{Distinct, Record};
use crate::time::Instant;
use heapless::Vec;

/// Gaps that are told; of more the longest are.
pub const GAPS: usize = 8;

/// One stream.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Messages.
    pub messages: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Payload sizes in bytes.
    pub sizes: Sketch,
    /// Microseconds between messages.
    pub intervals: Sketch,
    /// What the stream teaches of its intervals.
    pub rhythm: Rhythm,
    /// Messages and bytes over time.
    pub series: Series,
    /// Age of messages by their own account.
    pub latency: Latency,
    /// Distinct topics.
    pub topics: Distinct,
    gaps: Vec<Gap, GAPS>,
    gaps_more: u64,
}

impl Flow {
    /// Nothing yet; its series begins at `origin`.
    pub fn new(origin: Instant) -> Self {
        Self {
            messages: 0,
            bytes: 0,
            sizes: Sketch::default(),
            intervals: Sketch::default(),
            rhythm: Rhythm::default(),
            series: Series::new(origin),
            latency: Latency::default(),
            topics: Distinct::default(),
            gaps: Vec::new(),
            gaps_more: 0,
        }
    }

    /// Takes one message, `stamp` what time it tells and `arrived` the microseconds from 1970 until it came.
    pub fn record(&mut self, record: &Record<'_>, arrived: u64, stamp: Option<&Stamp<'_>>) {
        let (_, last) = self.rhythm.ends();
        if self.rhythm.is_heard() {
            let micros = record.at.as_micros().saturating_sub(last.as_micros());
            self.intervals.record(micros);
        }
        if let Some(gap) = self.rhythm.record(record.at) {
            self.note(gap);
        }
        self.messages += 1;
        self.bytes += record.payload.len() as u64;
        self.sizes.record(record.payload.len() as u64);
        self.series.record(record.at, record.payload.len());
        self.topics.record(hash::bytes(0, record.topic.as_bytes()));
        if let Some(stamp) = stamp {
            self.latency.record(arrived, stamp);
        }
    }

    /// Nobody listens for a while from now on.
    pub fn pause(&mut self) {
        self.rhythm.pause();
    }

    /// Takes in what another of the same origin has seen.
    pub fn merge(&mut self, other: &Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.sizes.merge(&other.sizes);
        self.intervals.merge(&other.intervals);
        self.rhythm.merge(&other.rhythm);
        self.series.merge(&other.series);
        self.latency.merge(&other.latency);
        self.topics.merge(&other.topics);
        self.gaps_more += other.gaps_more;
        other.gaps.iter().for_each(|&gap| self.note(gap));
    }

    /// Silences that were gaps by the rhythm taught until then, the longest of them, in order of time.
    pub fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter()
    }

    /// Gaps that found no room.
    pub fn gaps_more(&self) -> u64 {
        self.gaps_more
    }

    fn note(&mut self, gap: Gap) {
        if self.gaps.is_full() {
            self.gaps_more += 1;
            let gaps = self.gaps.iter().enumerate();
            let shortest = gaps.min_by_key(|(_, gap)| gap.length());
            match shortest.map(|(place, shortest)| (place, shortest.length())) {
                Some((place, length)) if length < gap.length() => drop(self.gaps.remove(place)),
                _ => return,
            }
        }
        let place = self.gaps.partition_point(|known| known.until <= gap.until);
        let _ = self.gaps.insert(place, gap);
    }
}
