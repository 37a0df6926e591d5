//! The last message, as a listener keeps it.

use super::Arrival;
use crate::broker::report::LastMessage;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::time::Instant;

pub(super) struct Last {
    /// Bytes of a payload that are kept.
    limit: usize,
    /// Of the payload; its memory is used again.
    front: Vec<u8>,
    /// When it came, bytes in all, QoS, retained.
    head: Option<(Instant, usize, QoS, bool)>,
}

impl Last {
    pub(super) fn new(limit: usize) -> Self {
        let front = Vec::new();
        let head = None;
        Self { limit, front, head }
    }

    pub(super) fn record(&mut self, arrival: &Arrival<'_>) {
        let payload = arrival.payload;
        let front = payload.get(..self.limit).unwrap_or(payload);
        self.front.clear();
        self.front.extend_from_slice(front);
        self.head = Some((arrival.at, payload.len(), arrival.qos, arrival.retain));
    }

    /// Bytes of memory that it may take.
    pub(super) fn bytes(&self) -> usize {
        self.limit
    }

    /// What it was; its time counts from `start`.
    pub(super) fn findings(&self, start: Instant) -> Option<LastMessage> {
        let (at, payload_bytes, qos, retain) = self.head?;
        Some(LastMessage {
            at: at.since(start),
            payload: self.front.clone(),
            payload_bytes,
            qos,
            retain,
        })
    }
}
