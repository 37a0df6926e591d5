//! The table of topics, as a listener keeps it.

use crate::broker::report::{TopicFinding, TopicFindings};
use bitsperity_mqtt_core::payload::Facts;
use bitsperity_mqtt_core::reduce::topics::TopicSlot;
use bitsperity_mqtt_core::reduce::{Record, Topics};
use bitsperity_mqtt_core::time::Instant;

/// Bytes of names that a table of topics holds for each topic on average; real ones have about 45.
const NAME_BYTES: usize = 96;

type Memory = Topics<Box<[TopicSlot]>, Box<[u32]>, Box<[u8]>>;

pub(super) struct Table {
    table: Box<Memory>,
    /// Bytes of all that it has.
    bytes: usize,
}

impl Table {
    pub(super) fn new(limit: usize, seed: u64) -> Self {
        let slots = vec![TopicSlot::default(); limit].into_boxed_slice();
        let index = vec![0; (limit * 2).next_power_of_two()].into_boxed_slice();
        let names = vec![0; limit.max(64) * NAME_BYTES].into_boxed_slice();
        let boxes = size_of_val(&*slots) + size_of_val(&*index) + names.len();
        Self {
            table: Box::new(Topics::new(slots, index, names, seed)),
            bytes: size_of::<Memory>() + boxes,
        }
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[inline]
    pub(super) fn record(&mut self, record: &Record<'_>, facts: &Facts<'_>) -> bool {
        self.table.record(record, facts)
    }

    /// Distinct topics; an estimate beyond the table.
    pub(super) fn seen(&self) -> u64 {
        self.table.seen()
    }

    /// [`Table::seen`] is an estimate.
    pub(super) fn estimated(&self) -> bool {
        self.table.estimated()
    }

    /// What is known now; times count from `start`.
    pub(super) fn findings(&self, start: Instant) -> TopicFindings {
        let told = self.table.iter().map(|(topic, slot)| TopicFinding {
            topic: topic.to_owned(),
            messages: slot.messages,
            retained: slot.retained,
            errors: u64::from(slot.errors),
            warnings: u64::from(slot.warnings),
            formats: slot
                .formats()
                .map(|(format, messages)| (format.name(), u64::from(messages))),
            bytes: slot.bytes,
            first: slot.first.since(start),
            last: slot.last.since(start),
            rate: slot.rate(),
            format: slot.format.name(),
            preview: slot.preview().to_vec(),
            shown_bytes: usize::try_from(slot.shown_bytes).unwrap_or(usize::MAX),
            last_bytes: usize::try_from(slot.last_bytes).unwrap_or(usize::MAX),
        });
        let mut topics: Vec<TopicFinding> = told.collect();
        topics.sort_by(|a, b| a.topic.cmp(&b.topic));
        TopicFindings {
            topics,
            seen: self.table.seen(),
            estimated: self.table.estimated(),
        }
    }
}
