//! The last message, as a listener keeps it.

use super::Arrival;
use crate::broker::report::LastMessage;
use bitsperity_mqtt_core::time::Instant;
use std::time::Duration;

pub(super) struct Last {
    /// Bytes of a payload that are kept.
    limit: usize,
    /// Of the payload; its memory is used again.
    front: Vec<u8>,
    /// When it came, and all else of it.
    head: Option<(Instant, LastMessage)>,
}

impl Last {
    pub(super) fn new(limit: usize) -> Self {
        let front = Vec::new();
        let head = None;
        Self { limit, front, head }
    }

    pub(super) fn record(&mut self, arrival: &Arrival<'_>) {
        let (payload, full) = arrival.content();
        let front = payload.get(..self.limit).unwrap_or(payload);
        self.front.clear();
        self.front.extend_from_slice(front);
        let head = LastMessage {
            at: Duration::ZERO,
            payload: Vec::new(),
            payload_bytes: full,
            size: arrival.payload.len(),
            decoded: arrival.decoded_format(),
            qos: arrival.qos,
            retain: arrival.retain,
        };
        self.head = Some((arrival.at, head));
    }

    /// Bytes of memory that it may take.
    pub(super) fn bytes(&self) -> usize {
        self.limit
    }

    /// What it was; its time counts from `start`.
    pub(super) fn findings(&self, start: Instant) -> Option<LastMessage> {
        let (at, head) = self.head.as_ref()?;
        Some(LastMessage {
            at: at.since(start),
            payload: self.front.clone(),
            ..head.clone()
        })
    }
}
