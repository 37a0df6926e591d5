//! Hands every message of a listener on, whole, to somebody outside the connection's task who writes them down.
//!
//! Invariant: the task does not wait: what finds no room in the bounds of messages and bytes under way is counted as
//! missed, and the rest is whole and in order.

use super::collect::Arrival;
use async_channel::{Receiver, Sender};
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::time::Instant;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Messages under way.
const MESSAGES: usize = 65_536;
/// Bytes of topics and payloads under way.
const BYTES: usize = 64 << 20;

/// Where messages go in.
#[derive(Clone, Debug)]
pub struct Tap {
    messages: Sender<Tapped>,
    level: Arc<Level>,
}

/// Where they come out.
pub struct Outlet {
    messages: Receiver<Tapped>,
    level: Arc<Level>,
}

#[derive(Debug, Default)]
struct Level {
    bytes: AtomicUsize,
    missed: AtomicU64,
}

/// A message that was handed on.
#[derive(Debug)]
pub struct Tapped {
    /// Since `Report::started`.
    pub at: Duration,
    /// Topic Name.
    pub topic: String,
    /// Any bytes.
    pub payload: Vec<u8>,
    /// QoS it came with.
    pub qos: QoS,
    /// Replayed because retained.
    pub retain: bool,
}

impl Tapped {
    fn bytes(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}

/// A new one and its outlet.
pub fn new() -> (Tap, Outlet) {
    let (sender, receiver) = async_channel::unbounded();
    let level = Arc::new(Level::default());
    let tap = Tap {
        messages: sender,
        level: level.clone(),
    };
    let outlet = Outlet {
        messages: receiver,
        level,
    };
    (tap, outlet)
}

impl Tap {
    /// By the task; times count from `start`.
    pub(super) fn hand_on(&self, arrival: &Arrival<'_>, start: Instant) {
        let tapped = Tapped {
            at: arrival.at.since(start),
            topic: arrival.topic.to_owned(),
            payload: arrival.payload.to_vec(),
            qos: arrival.qos,
            retain: arrival.retain,
        };
        let bytes = tapped.bytes();
        let before = self.level.bytes.fetch_add(bytes, Ordering::Relaxed);
        // A single large one always goes.
        let fits = before == 0 || before + bytes <= BYTES;
        // Counted here: a bounded channel takes the memory of all its places at once.
        let room = fits && self.messages.len() < MESSAGES;
        if !room || self.messages.try_send(tapped).is_err() {
            self.level.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.level.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Outlet {
    /// The next message, if one is there.
    pub fn try_next(&self) -> Option<Tapped> {
        self.messages.try_recv().ok().map(|it| self.out(it))
    }

    /// The next message; none when no more can come.
    pub async fn next(&self) -> Option<Tapped> {
        self.messages.recv().await.ok().map(|it| self.out(it))
    }

    /// Messages that found no room.
    pub fn missed(&self) -> u64 {
        self.level.missed.load(Ordering::Relaxed)
    }

    fn out(&self, tapped: Tapped) -> Tapped {
        self.level
            .bytes
            .fetch_sub(tapped.bytes(), Ordering::Relaxed);
        tapped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hand_on(tap: &Tap, payload: &[u8]) {
        let start = Instant::from_micros(1_000);
        let arrival = Arrival {
            at: Instant::from_micros(3_000),
            wall_us: 0,
            matched: 1,
            topic: "a/b",
            payload,
            decoded: None,
            qos: QoS::AtLeastOnce,
            retain: true,
        };
        tap.hand_on(&arrival, start);
    }

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let (tap, outlet) = new();
        hand_on(&tap, b"1");
        hand_on(&tap, b"2");
        let first = outlet.try_next().unwrap();
        assert_eq!(
            (first.at, first.topic.as_str()),
            (Duration::from_millis(2), "a/b")
        );
        assert_eq!((first.payload, first.retain), (b"1".to_vec(), true));
        assert_eq!(outlet.try_next().unwrap().payload, b"2");
        assert!(outlet.try_next().is_none());
    }

    #[test]
    fn what_finds_no_room_is_counted_and_room_comes_back() {
        let (tap, outlet) = new();
        let large = vec![0; BYTES / 4 * 3];
        hand_on(&tap, &large);
        hand_on(&tap, &large);
        assert_eq!(outlet.missed(), 1);
        assert!(outlet.try_next().is_some() && outlet.try_next().is_none());
        hand_on(&tap, &large);
        assert_eq!(outlet.missed(), 1);
        let (tap, outlet) = new();
        for _ in 0..MESSAGES + 5 {
            hand_on(&tap, b"x");
        }
        assert_eq!(outlet.missed(), 5);
    }
}
