//! Where session and reduction meet: a message of a listener goes through one pass over its payload into the
//! listener's accumulators; asked at any time, they give a [`super::report::Report`].
//!
//! One file for each accumulator: what memory it gets, and its answer as owned data. Called by the broker's task only.
//! Invariant: memory is fixed when a collector is made; pages that hold nothing yet are not touched.

mod groups;
mod health;
mod joined;
mod kinds;
mod last;
mod messages;
mod performance;
mod recent;
mod schema;
mod topics;
mod values;

use super::report::{Findings, Listen, Tap, Wants};
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::payload::decode::Decoded;
use bitsperity_mqtt_core::payload::{Facts, Format, Memo, inspect_decoded, inspect_into};
use bitsperity_mqtt_core::reduce::{Census, Record};
use bitsperity_mqtt_core::time::Instant;
use bitsperity_mqtt_core::topic::matches;
use health::Devices;
use last::Last;
use messages::Messages;
use performance::Performance;
use recent::Ring;
use schema::Shapes;
use std::hash::BuildHasher;
use topics::Table;
use values::Values;

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
    /// What the payload holds, if it is not the text that it shows.
    pub decoded: Option<Decoded<'a>>,
    /// QoS it came with.
    pub qos: QoS,
    /// Replayed because retained.
    pub retain: bool,
}

impl Arrival<'_> {
    /// The format of a payload that was decoded.
    fn decoded_format(&self) -> Option<&'static str> {
        self.decoded.as_ref().map(|it| it.format.name())
    }

    /// What is shown of it, and its bytes in all: more than are there if it was decoded in part.
    fn content(&self) -> (&[u8], usize) {
        match &self.decoded {
            Some(decoded) => {
                let text = decoded.text.as_bytes();
                (text, text.len() + usize::from(!decoded.whole))
            }
            None => (self.payload, self.payload.len()),
        }
    }
}

/// The accumulators of one listener.
pub struct Collector {
    start: Instant,
    messages: Option<Messages>,
    topics: Option<Table>,
    values: Option<Values>,
    tap: Option<Tap>,
    performance: Option<Performance>,
    health: Option<Devices>,
    last: Option<Last>,
    schema: Option<Shapes>,
    recent: Option<Ring>,
    /// Stands in for the table where none is wanted.
    census: Box<Census>,
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
            values: wants.values.map(Values::new),
            tap: wants.tap.clone(),
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
            recent: wants.recent.map(|_| Ring::new(seed)),
            census: Box::default(),
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
            || self.schema.is_some()
            || self.recent.is_some();
        if inspected {
            let (memo, topic) = (&mut *self.memo, arrival.topic);
            match arrival.decoded {
                Some(decoded) => inspect_decoded(&mut facts, memo, topic, decoded),
                None => inspect_into(&mut facts, memo, topic, arrival.payload),
            }
        }
        let record = Record {
            at: arrival.at,
            topic: arrival.topic,
            payload: arrival.payload,
            qos: arrival.qos as u8,
            retain: arrival.retain,
        };
        if let Some(tap) = &self.tap {
            tap.hand_on(arrival, self.start);
        }
        if let Some(values) = &mut self.values {
            values.record(arrival);
        }
        if let Some(last) = &mut self.last {
            last.record(arrival);
        }
        if let Some(messages) = &mut self.messages {
            messages.record(&record, &facts);
        }
        if let Some(recent) = &mut self.recent {
            recent.record(&record, &facts);
        }
        if let Some(schema) = &mut self.schema {
            schema.record(&record, &facts);
        }
        // When a replayed message was sent, nobody knows.
        let measured = self.performance.as_mut().filter(|_| !arrival.retain);
        if let Some(performance) = measured {
            performance.record(&record, arrival.wall_us, arrival.matched);
        }
        if let Some(health) = &mut self.health {
            // Sparkplug has a reader of its own there, and numbers without names say nothing of a device.
            let told = |it: &&Decoded<'_>| it.named && it.format != Format::SparkplugB;
            let payload = match arrival.decoded.as_ref().filter(told) {
                Some(decoded) => decoded.text.as_bytes(),
                None => arrival.payload,
            };
            health.record(&Record { payload, ..record }, &facts, arrival.wall_us);
        }
        match &mut self.topics {
            Some(topics) => topics.record(&record, &facts),
            None => self
                .census
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
        self.findings_for(now, None)
    }

    /// The same of the accumulators that `part` wants, if somebody asks for a part; of last values those of its filters.
    pub fn findings_for(&self, now: Instant, part: Option<&Listen>) -> Findings {
        let start = self.start;
        let wanted = |wants: fn(&Wants) -> bool| part.is_none_or(|part| wants(&part.wants));
        let messages = self
            .messages
            .as_ref()
            .filter(|_| wanted(|it| it.messages.is_some()));
        let performance = self.performance.as_ref();
        let performance = performance.filter(|_| wanted(|it| it.performance.is_some()));
        let health = self
            .health
            .as_ref()
            .filter(|_| wanted(|it| it.health.is_some()));
        let schema = self
            .schema
            .as_ref()
            .filter(|_| wanted(|it| it.schema.is_some()));
        let last = self
            .last
            .as_ref()
            .filter(|_| wanted(|it| it.last.is_some()));
        let values = self
            .values
            .as_ref()
            .filter(|_| wanted(|it| it.values.is_some()));
        let recent = part.and_then(|part| part.wants.recent);
        let recent = recent.zip(self.recent.as_ref());
        let filters = part.map(|part| &part.filters[..]);
        let topics = self.topics.as_ref().map(|it| it.findings(start));
        let asked = topics
            .as_ref()
            .zip(filters)
            .filter(|(table, _)| !table.estimated);
        let asked: Option<Vec<&str>> = asked.map(|(table, filters)| {
            let names = table.topics.iter().map(|it| &*it.topic);
            let heard = |name: &&str| filters.iter().any(|filter| matches(filter, name));
            names.filter(heard).collect()
        });
        Findings {
            latest: None,
            recent: recent.map(|(latest, ring)| ring.findings(start, now, latest)),
            distinct: Some(self.distinct()),
            messages: messages.map(|it| it.findings(start)),
            performance: performance.map(|it| it.findings(start, now)),
            health: health.map(|it| it.findings(start, now, part)),
            schema: schema.map(|it| it.findings(start, asked.as_deref())),
            // Of a part, the counts come from here.
            topics,
            last: last.and_then(|it| it.findings(start)),
            values: values.map(|it| it.findings(start, filters)),
        }
    }

    /// Bytes of memory that it may take at most.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + size_of::<Memo>()
            + size_of::<Census>()
            + self.messages.as_ref().map_or(0, Messages::bytes)
            + self.topics.as_ref().map_or(0, Table::bytes)
            + self.performance.as_ref().map_or(0, Performance::bytes)
            + self.health.as_ref().map_or(0, Devices::bytes)
            + self.schema.as_ref().map_or(0, Shapes::bytes)
            + self.last.as_ref().map_or(0, Last::bytes)
            + self.recent.as_ref().map_or(0, Ring::bytes)
            + self.values.as_ref().map_or(0, Values::bytes)
    }

    /// Distinct topics so far.
    pub fn topics_seen(&self) -> u64 {
        self.distinct().0
    }

    /// Distinct topics so far, and whether that is an estimate.
    fn distinct(&self) -> (u64, bool) {
        match &self.topics {
            Some(table) => (table.seen(), table.estimated()),
            None => (self.census.count(), self.census.estimated()),
        }
    }
}

#[cfg(test)]
mod tests;
