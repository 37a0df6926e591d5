//! The last value of every topic, as a listener keeps it.
//!
//! Invariant: names, payloads and what their entries take never exceed the budget; a topic that finds no room is counted,
//! a payload that finds too little is held cut.

use super::Arrival;
use crate::broker::report::{LastMessage, ValueFindings};
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::time::Instant;
use bitsperity_mqtt_core::topic::matches;
use std::collections::HashMap;

/// Bytes of a payload that are held.
const PAYLOAD: usize = 16 * 1_024;

/// Bytes that an entry takes beside its name and payload: a place in a table that may be three fifths empty, and what
/// the allocator adds to two blocks.
const ENTRY: usize = 256;

pub(super) struct Values {
    budget: usize,
    held: usize,
    last: HashMap<Box<str>, Value, foldhash::fast::RandomState>,
    /// Messages of topics that found no room.
    missed: u64,
}

struct Value {
    at: Instant,
    front: Box<[u8]>,
    /// Bytes of which `front` is the front, and of the payload itself.
    full: usize,
    size: usize,
    decoded: Option<&'static str>,
    qos: QoS,
    retain: bool,
}

impl Values {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            budget,
            held: 0,
            last: HashMap::default(),
            missed: 0,
        }
    }

    pub(super) fn record(&mut self, arrival: &Arrival<'_>) {
        let (payload, full) = arrival.content();
        let free = self.budget - self.held;
        let known = self.last.get_mut(arrival.topic);
        let room = match &known {
            Some(value) => free + value.front.len(),
            None => free.saturating_sub(ENTRY + arrival.topic.len()),
        };
        let kept = payload.len().min(PAYLOAD).min(room);
        let front = payload.get(..kept).unwrap_or_default();
        let value = Value {
            at: arrival.at,
            front: front.into(),
            full,
            size: arrival.payload.len(),
            decoded: arrival.decoded_format(),
            qos: arrival.qos,
            retain: arrival.retain,
        };
        match known {
            Some(known) => {
                self.held = self.held - known.front.len() + kept;
                *known = value;
            }
            None if free < ENTRY + arrival.topic.len() => self.missed += 1,
            None => {
                self.held += ENTRY + arrival.topic.len() + kept;
                self.last.insert(arrival.topic.into(), value);
            }
        }
    }

    /// Those of some filters, or all; times count from `start`.
    pub(super) fn findings(&self, start: Instant, filters: Option<&[String]>) -> ValueFindings {
        let told = |topic: &str, value: &Value| {
            let last = LastMessage {
                at: value.at.since(start),
                payload: value.front.to_vec(),
                payload_bytes: value.full,
                size: value.size,
                decoded: value.decoded,
                qos: value.qos,
                retain: value.retain,
            };
            (topic.to_owned(), last)
        };
        // A Topic Name is the filter of itself.
        let one = match filters {
            Some([filter]) => self.last.get_key_value(filter.as_str()),
            _ => None,
        };
        let wanted = |topic: &str| {
            filters.is_none_or(|filters| filters.iter().any(|filter| matches(filter, topic)))
        };
        let values = match one {
            Some((topic, value)) => vec![told(topic, value)],
            None => {
                let wanted = self.last.iter().filter(|(topic, _)| wanted(topic));
                wanted.map(|(topic, value)| told(topic, value)).collect()
            }
        };
        ValueFindings {
            values,
            missed: self.missed,
        }
    }

    /// Bytes that it may take.
    pub(super) fn bytes(&self) -> usize {
        self.budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn record(values: &mut Values, micros: u64, topic: &str, payload: &[u8]) {
        values.record(&Arrival {
            at: Instant::from_micros(micros),
            wall_us: 0,
            matched: 1,
            topic,
            payload,
            decoded: None,
            qos: QoS::AtLeastOnce,
            retain: false,
        });
    }

    #[test]
    fn the_last_value_of_each_topic_is_known() {
        let mut values = Values::new(100_000);
        record(&mut values, 1_000, "a/1", b"old");
        record(&mut values, 2_000, "a/1", b"newer");
        record(&mut values, 3_000, "b/1", b"");
        let found = values.findings(Instant::from_micros(500), Some(&["a/1".to_owned()]));
        let [(topic, last)] = &found.values[..] else {
            panic!("{found:?}")
        };
        assert_eq!((topic.as_str(), &last.payload[..]), ("a/1", &b"newer"[..]));
        assert_eq!(last.at, Duration::from_micros(1_500));
        assert_eq!(values.findings(Instant::ZERO, None).values.len(), 2);
        assert!(
            values
                .findings(Instant::ZERO, Some(&["c".to_owned()]))
                .values
                .is_empty()
        );
    }

    #[test]
    fn the_budget_holds_and_what_it_costs_is_told() {
        let mut values = Values::new(50_000);
        for n in 0..2_000 {
            record(
                &mut values,
                n,
                &format!("t/{}", n % 300),
                &[b'x'; 40_000][..n as usize * 20],
            );
            let really: usize = values
                .last
                .iter()
                .map(|(k, v)| ENTRY + k.len() + v.front.len())
                .sum();
            assert_eq!(really, values.held);
            assert!(values.held <= 50_000);
        }
        let found = values.findings(Instant::ZERO, Some(&["t/+".to_owned()]));
        assert!(
            found.missed > 0 && found.values.len() > 10,
            "{}",
            found.values.len()
        );
        assert!(
            found
                .values
                .iter()
                .any(|(_, last)| last.payload.len() < last.payload_bytes)
        );
    }
}
