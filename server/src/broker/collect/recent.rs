//! The latest messages one by one, a few bytes of each: what the counts of the last minute are made of.

use crate::broker::report::{Recent, RecentMessage};
use bitsperity_mqtt_core::payload::{Facts, Severity};
use bitsperity_mqtt_core::reduce::Record;
use bitsperity_mqtt_core::time::Instant;
use std::time::Duration;

/// Messages that are remembered: three minutes of ninety a second.
const MESSAGES: usize = 16_384;

/// One message.
type Entry = (Instant, RecentMessage);

pub(super) struct Ring {
    entries: Box<[Entry]>,
    /// Messages that came.
    came: usize,
    seed: u64,
}

impl Ring {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            entries: vec![Entry::default(); MESSAGES].into_boxed_slice(),
            came: 0,
            seed,
        }
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.entries)
    }

    pub(super) fn record(&mut self, record: &Record<'_>, facts: &Facts<'_>) {
        let problem = facts.severity != Severity::None;
        let message = RecentMessage {
            at: 0,
            topic: Recent::place(self.seed, record.topic),
            kind: if problem { facts.kind } else { 0 },
            bytes: u32::try_from(record.payload.len()).unwrap_or(u32::MAX),
            format: facts.format,
            severity: facts.severity,
            retain: record.retain,
        };
        if let Some(place) = self.entries.get_mut(self.came % MESSAGES) {
            *place = (record.at, message);
        }
        self.came = self.came.wrapping_add(1);
    }

    /// What came in the last while; times count from `start`.
    pub(super) fn findings(&self, start: Instant, now: Instant, latest: Duration) -> Recent {
        let all = self.entries.get(..self.came.min(MESSAGES)).unwrap_or(&[]);
        let elapsed = now.since(start);
        let mut from = elapsed.saturating_sub(latest);
        if self.came > MESSAGES {
            // What came at the same time as the oldest may have been overwritten.
            let oldest = all.iter().map(|(at, _)| at.since(start)).min();
            from = from.max(oldest.unwrap_or_default() + Duration::from_micros(1));
        }
        let told = all.iter().filter_map(|(at, message)| {
            let at = at.since(start);
            (at >= from).then_some(RecentMessage {
                at: u64::try_from(at.as_micros()).unwrap_or(u64::MAX),
                ..*message
            })
        });
        Recent {
            from,
            messages: told.collect(),
            seed: self.seed,
        }
    }
}
