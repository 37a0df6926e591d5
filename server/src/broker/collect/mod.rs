//! Where session and reduction meet: a message of a listener goes through one pass over its payload into the
//! listener's accumulators; asked at any time, they give a [`super::report::Report`].
//!
//! One file for each accumulator: what memory it gets, and its answer as owned data. Called by the broker's task only.
//! Invariant: memory is fixed when a collector is made; pages that hold nothing yet are not touched.

mod health;
mod last;
mod messages;
mod performance;
mod schema;
mod topics;

use super::report::{Findings, Wants};
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::payload::{Facts, Memo, inspect_into};
use bitsperity_mqtt_core::reduce::{Distinct, Record};
use bitsperity_mqtt_core::time::Instant;
use health::Devices;
use last::Last;
use messages::Messages;
use performance::Performance;
use schema::Shapes;
use std::hash::BuildHasher;
use topics::Table;

/// One message as the accumulators see it.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// On the clock of the connection's task.
    pub at: Instant,
    /// The same in microseconds since 1970.
    pub wall_us: u64,
    /// Which filters of the listener match, the first one's bit lowest.
    pub matched: u64,
    /// Topic Name.
    pub topic: &'a str,
    /// Any bytes.
    pub payload: &'a [u8],
    /// QoS it came with.
    pub qos: QoS,
    /// Replayed because retained.
    pub retain: bool,
}

/// The accumulators of one listener.
pub struct Collector {
    start: Instant,
    messages: Option<Messages>,
    topics: Option<Table>,
    performance: Option<Performance>,
    health: Option<Devices>,
    last: Option<Last>,
    schema: Option<Shapes>,
    /// Stands in for the table where none is wanted.
    distinct: Distinct,
    memo: Box<Memo>,
    seed: u64,
}

impl Collector {
    /// Empty accumulators for what is wanted, listening from `start`.
    pub fn new(wants: &Wants, start: Instant) -> Self {
        let seed = foldhash::fast::RandomState::default().hash_one(start.as_micros());
        Self {
            start,
            messages: wants.messages.as_ref().map(Messages::new),
            topics: wants.topics.map(|limit| Table::new(limit, seed)),
            performance: wants
                .performance
                .as_ref()
                .map(|wanted| Performance::new(wanted, start, seed)),
            health: wants
                .health
                .as_ref()
                .map(|wanted| Devices::new(wanted, seed)),
            last: wants.last.map(Last::new),
            schema: wants
                .schema
                .as_ref()
                .map(|wanted| Shapes::new(wanted, seed)),
            distinct: Distinct::default(),
            memo: Box::new(Memo::new(seed)),
            seed,
        }
    }

    /// Takes one message in about a microsecond. Returns whether its topic was new.
    pub fn record(&mut self, arrival: &Arrival<'_>) -> bool {
        let mut facts = Facts::new();
        let inspected = self.messages.is_some()
            || self.topics.is_some()
            || self.health.is_some()
            || self.schema.is_some();
        if inspected {
            inspect_into(&mut facts, &mut self.memo, arrival.topic, arrival.payload);
        }
        let record = Record {
            at: arrival.at,
            topic: arrival.topic,
            payload: arrival.payload,
            qos: arrival.qos as u8,
            retain: arrival.retain,
        };
        if let Some(last) = &mut self.last {
            last.record(arrival);
        }
        if let Some(messages) = &mut self.messages {
            messages.record(&record, &facts);
        }
        if let Some(schema) = &mut self.schema {
            schema.record(&record, &facts, arrival);
        }
        if let Some(performance) = &mut self.performance {
            performance.record(&record, arrival.wall_us, arrival.matched);
        }
        if let Some(health) = &mut self.health {
            health.record(&record, &facts, arrival.wall_us);
        }
        match &mut self.topics {
            Some(topics) => topics.record(&record, &facts),
            None => self
                .distinct
                .record(foldhash::fast::FixedState::with_seed(self.seed).hash_one(record.topic)),
        }
    }

    /// Nobody hears the broker from `now` on, until the next message.
    pub fn pause(&mut self, now: Instant) {
        if let Some(performance) = &mut self.performance {
            performance.pause();
        }
        if let Some(health) = &mut self.health {
            health.pause(now);
        }
    }

    /// The state of all accumulators `now`, as owned data; times in it are relative to `start`.
    pub fn findings(&self, now: Instant) -> Findings {
        Findings {
            messages: self.messages.as_ref().map(|it| it.findings(self.start)),
            topics: self.topics.as_ref().map(|it| it.findings(self.start)),
            performance: self
                .performance
                .as_ref()
                .map(|it| it.findings(self.start, now)),
            health: self.health.as_ref().map(|it| it.findings(self.start, now)),
            last: self.last.as_ref().and_then(|it| it.findings(self.start)),
            schema: self.schema.as_ref().map(|it| it.findings(self.start)),
        }
    }

    /// Distinct topics so far (an estimate beyond the table).
    pub fn topics_seen(&self) -> u64 {
        self.topics
            .as_ref()
            .map_or_else(|| self.distinct.estimate(), Table::seen)
    }
}

#[cfg(test)]
mod tests;
