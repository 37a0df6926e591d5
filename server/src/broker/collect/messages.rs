//! The messages that matter, as a listener keeps them.

use super::kinds;
use crate::broker::report::{KeptMessage, MessageFindings, WantMessages};
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::payload::{Facts, Format, Severity};
use bitsperity_mqtt_core::reduce::prune::{Choice, Kept, Slot};
use bitsperity_mqtt_core::reduce::{Pruner, Record};
use bitsperity_mqtt_core::time::Instant;
use std::time::Duration;

/// Bytes for payloads at least; with small messages this holds every candidate.
const ARENA: usize = 256 * 1024;
/// Bytes for payloads at most.
const MAX_ARENA: usize = 16 * 1024 * 1024;

type Memory = Pruner<Box<[Slot]>, Box<[u8]>>;

pub(super) struct Messages {
    pruner: Box<Memory>,
    /// Bytes of all that it has.
    bytes: usize,
}

impl Messages {
    pub(super) fn new(wanted: &WantMessages) -> Self {
        let slots = vec![Slot::default(); Memory::slots_for(wanted.target)].into_boxed_slice();
        let arena = (wanted.target * wanted.payload_bytes * 2).clamp(ARENA, MAX_ARENA);
        let bytes = size_of::<Memory>() + size_of_val(&*slots) + arena;
        let arena = vec![0; arena].into_boxed_slice();
        let pruner = Pruner::new(slots, arena, wanted.target, wanted.payload_bytes);
        Self {
            pruner: Box::new(pruner),
            bytes,
        }
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[inline]
    pub(super) fn record(&mut self, record: &Record<'_>, facts: &Facts<'_>) {
        self.pruner.record(record, facts);
    }

    /// What is kept now; times count from `start`.
    pub(super) fn findings(&self, start: Instant) -> MessageFindings {
        let since_start = |micros| Instant::from_micros(micros).since(start);
        let mut scratch = vec![Choice::default(); self.pruner.scratch_len()];
        let kept = self.pruner.kept(&mut scratch);
        let kept = kept.map(|kept| told(&kept, since_start(kept.at))).collect();
        let error_kinds = kinds::told(self.pruner.error_kinds(), start);
        let formats = self.pruner.formats();
        let mut formats: Vec<_> = formats.map(|(format, n)| (format.name(), n)).collect();
        formats.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let told = formats.iter().map(|(_, count)| count).sum();
        let (errors, warnings) = self.pruner.problems();
        MessageFindings {
            kept,
            error_kinds,
            error_kinds_more: self.pruner.error_kinds_more(),
            crowded_out: self.pruner.lost(),
            errors,
            warnings,
            formats,
            // Each message has one at most.
            shapes: self.pruner.shapes().min(told),
            shapes_estimated: self.pruner.shapes_estimated(),
        }
    }
}

fn told(kept: &Kept<'_>, at: Duration) -> KeptMessage {
    KeptMessage {
        at,
        topic: kept.topic.to_owned(),
        payload: kept.payload.to_vec(),
        payload_bytes: usize::try_from(kept.payload_bytes).unwrap_or(usize::MAX),
        raw: kept.raw.map(<[u8]>::to_vec),
        size: usize::try_from(kept.size).unwrap_or(usize::MAX),
        qos: match kept.qos {
            0 => QoS::AtMostOnce,
            1 => QoS::AtLeastOnce,
            _ => QoS::ExactlyOnce,
        },
        retain: kept.retain,
        why: kept.why.names().collect(),
        format: kept.format.name(),
        wraps: kept.wraps.map(Format::name),
        severity: (kept.severity != Severity::None)
            .then(|| (kept.severity.name(), kept.reason.to_owned())),
    }
}
