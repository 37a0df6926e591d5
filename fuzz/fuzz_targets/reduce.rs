//! Any messages through the accumulators. Input: target, slots, arena in 128 bytes, payload bound in 8 bytes; then messages,
//! each: topic and flags, how much later, length, payload.
//!
//! Schemas are JSON however little room there is, tell the same again, and have lost nothing that is not counted.
//! Budgets hold: at most the target is kept, in order of time, each a message that came, cut at the bounds; asking
//! changes nothing. Counts are exact. Two halves of the stream, merged, keep the same budgets and have the counts of the whole.
#![no_main]

mod reduce_health;

use bitsperity_mqtt_core::payload::inspect;
use bitsperity_mqtt_core::reduce::prune::{Choice, Pruner, Slot};
use bitsperity_mqtt_core::reduce::schema::{Family, Node, Row, Schemas, Storage, Value};
use bitsperity_mqtt_core::reduce::stats::{Flow, Heavy, Stats, TopicStats};
use bitsperity_mqtt_core::reduce::topics::{TopicSlot, Topics};
use bitsperity_mqtt_core::reduce::{Distinct, Record};
use bitsperity_mqtt_core::time::Instant;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;

const TOPIC_SLOTS: usize = 8;
const TOPICS: [&str; 16] = [
    "",
    "a",
    "a/b",
    "a/b/c",
    "home/1/climate",
    "home/2/climate",
    "home/3/climate",
    "home/climate/error",
    "zigbee2mqtt/lamp/availability",
    "spBv1.0/g/DDEATH/n/d",
    "$SYS/broker/uptime",
    "x/12/rejected/ä",
    "x/13",
    "x/14",
    "x/15",
    "x/16",
];

type Pruned = Pruner<Vec<Slot>, Vec<u8>>;
type Shapes = Schemas<Vec<Family>, Vec<Node>, Vec<Row>, Vec<Value>, Vec<u8>>;
type Table = Topics<Vec<TopicSlot>, Vec<u32>, Vec<u8>>;
type Numbers = Stats<Vec<Flow>, Vec<TopicStats>, Vec<u32>, Vec<u8>>;

struct Message<'a> {
    head: u8,
    at: u64,
    topic: &'static str,
    payload: &'a [u8],
    qos: u8,
    retain: bool,
}

struct Bounds {
    target: usize,
    slots: usize,
    arena: usize,
    payload: usize,
}

impl Bounds {
    /// The arena is so small that topics are cut as well.
    fn is_tight(&self) -> bool {
        self.arena / 8 < self.payload + 2_048
    }
}

/// All accumulators over one stream.
struct Sums {
    pruner: Pruned,
    topics: Table,
    distinct: Distinct,
    schemas: Shapes,
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&[target, slots, arena, payload], rest)) = bytes.split_first_chunk() else {
        return;
    };
    let bounds = Bounds {
        target: usize::from(target % 64),
        slots: usize::from(slots),
        arena: usize::from(arena) * 128,
        payload: usize::from(payload) * 8,
    };
    let messages = messages(rest);
    let mut whole = Sums::new(&bounds);
    let mut halves = [Sums::new(&bounds), Sums::new(&bounds)];
    for (n, message) in messages.iter().enumerate() {
        whole.record(message);
        // Not simply in turn, so that either may be the first, the last, or empty.
        halves[(n / 3 + message.payload.len()) % 2].record(message);
    }
    whole.check(&bounds, &messages);
    let [mut merged, other] = halves;
    merged.merge(&other);
    merged.check(&bounds, &messages);
    merged.assert_counts_of(&whole);
    check_numbers(&messages);
    // What has been seen already, once more.
    merged.pruner.merge(&whole.pruner);
    merged.check_kept(&bounds, &messages);
    reduce_health::check(&messages);
});

fn messages(mut bytes: &[u8]) -> Vec<Message<'_>> {
    let mut messages = Vec::new();
    let mut at = 0_u64;
    while let Some((&[head, step, length], rest)) = bytes.split_first_chunk() {
        let (payload, rest) = rest.split_at(usize::from(length).min(rest.len()));
        // From next to nothing to a year; no two are the same message.
        at += 1 + (u64::from(step & 7) << (step >> 3));
        messages.push(Message {
            head,
            at,
            topic: TOPICS[usize::from(head & 15)],
            payload,
            qos: (head >> 4) % 3,
            retain: head & 0x80 != 0,
        });
        bytes = rest;
    }
    messages
}

/// Little room, so that bounds are met.
fn schemas(bounds: &Bounds) -> Shapes {
    let memory = Storage {
        families: vec![Family::default(); 4],
        nodes: vec![Node::default(); bounds.slots],
        rows: vec![Row::default(); bounds.target],
        values: vec![Value::default(); bounds.target],
        text: vec![0; bounds.arena],
    };
    Schemas::new(memory, 7)
}

impl Sums {
    fn new(bounds: &Bounds) -> Self {
        Self {
            pruner: Pruner::new(
                vec![Slot::default(); bounds.slots],
                vec![0; bounds.arena],
                bounds.target,
                bounds.payload,
            ),
            topics: Topics::new(
                vec![TopicSlot::default(); TOPIC_SLOTS],
                vec![0; TOPIC_SLOTS * 2],
                vec![0; 64],
                7,
            ),
            distinct: Distinct::default(),
            schemas: schemas(bounds),
        }
    }

    fn record(&mut self, message: &Message<'_>) {
        let record = Record {
            at: Instant::from_micros(message.at),
            topic: message.topic,
            payload: message.payload,
            qos: message.qos,
            retain: message.retain,
        };
        let facts = inspect(message.topic, message.payload);
        self.pruner.record(&record, &facts);
        self.topics.record(&record, &facts);
        self.distinct.record(facts.shape);
        self.schemas.record(&record, facts.class, facts.format);
    }

    fn merge(&mut self, other: &Self) {
        self.pruner.merge(&other.pruner);
        self.topics.merge(&other.topics);
        self.distinct.merge(&other.distinct);
        self.schemas.merge(&other.schemas);
    }

    fn check(&self, bounds: &Bounds, messages: &[Message<'_>]) {
        self.check_kept(bounds, messages);
        let formats: u64 = self.pruner.formats().map(|(_, count)| count).sum();
        assert_eq!(formats, messages.len() as u64);
        self.check_topics(messages);
        self.check_schemas(messages);
    }

    fn check_schemas(&self, messages: &[Message<'_>]) {
        let mut counted = self.schemas.lost().messages;
        for family in self.schemas.families() {
            counted += family.messages();
            let (mut schema, mut again, mut text) = (String::new(), String::new(), String::new());
            family.write_schema(&mut schema).unwrap();
            family.write_schema(&mut again).unwrap();
            family.write_text_schema(&mut text).unwrap();
            assert_eq!(schema, again);
            for schema in [schema, text] {
                let read = serde_json::from_str::<serde_json::Value>(&schema);
                assert!(read.is_ok_and(|json| json.is_object()), "{schema}");
            }
            let (sure, _) = family.confidence();
            assert!((0.0..=1.0).contains(&sure));
            assert!(family.documents() <= family.messages());
            family.each_path(|_, path| {
                assert!(path.types().map(|of| of.1).sum::<u32>() == path.count())
            });
        }
        assert_eq!(counted, messages.len() as u64);
    }

    fn check_kept(&self, bounds: &Bounds, messages: &[Message<'_>]) {
        let mut scratch = vec![Choice::default(); self.pruner.scratch_len()];
        let kept: Vec<_> = self.pruner.kept(&mut scratch).collect();
        assert!(kept.len() <= bounds.target.min(messages.len()));
        assert!(kept.is_sorted_by_key(|kept| kept.at));
        for kept in &kept {
            let came = messages.iter().any(|message| {
                message.at == kept.at
                    && message.topic.starts_with(kept.topic)
                    && (message.topic == kept.topic || bounds.is_tight())
                    && message.qos == kept.qos
                    && message.retain == kept.retain
                    && message.payload.len() == kept.payload_bytes as usize
                    && message.payload.starts_with(kept.payload)
            });
            assert!(came, "never came: {kept:?}");
            assert!(kept.payload.len() <= bounds.payload);
            assert!(kept.why.names().next().is_some());
        }
        let shown: Vec<_> = kept.iter().map(|kept| format!("{kept:?}")).collect();
        let mut scratch = vec![Choice::default(); self.pruner.scratch_len()];
        let again = self.pruner.kept(&mut scratch);
        assert!(again.map(|kept| format!("{kept:?}")).eq(shown));
    }

    fn check_topics(&self, messages: &[Message<'_>]) {
        let names: BTreeSet<_> = messages.iter().map(|message| message.topic).collect();
        let mut counted = self.topics.missed();
        let mut entered = BTreeSet::new();
        for (name, slot) in self.topics.iter() {
            assert!(names.contains(name) && entered.insert(name));
            assert!(slot.messages > 0 && slot.retained <= slot.messages && slot.first <= slot.last);
            assert!(slot.rate().is_none_or(f64::is_finite));
            counted += slot.messages;
        }
        assert_eq!(counted, messages.len() as u64);
        assert!(entered.len() <= TOPIC_SLOTS);
        if !self.topics.estimated() {
            assert_eq!(self.topics.seen(), names.len() as u64);
            assert_eq!(entered, names);
        }
    }

    fn assert_counts_of(&self, whole: &Self) {
        assert_eq!(self.pruner.count(), whole.pruner.count());
        assert_eq!(self.pruner.problems(), whole.pruner.problems());
        assert!(self.pruner.formats().eq(whole.pruner.formats()));
        assert_eq!(self.distinct.estimate(), whole.distinct.estimate());
        for (name, slot) in self.topics.iter() {
            let same = whole.topics.iter().find(|&(other, _)| other == name);
            // With one table full, what the other has of a topic was missed.
            if let Some((_, same)) = same.filter(|_| !self.topics.estimated()) {
                let counts = |slot: &TopicSlot| {
                    (
                        slot.messages,
                        slot.retained,
                        slot.bytes,
                        slot.first,
                        slot.last,
                    )
                };
                assert_eq!(counts(slot), counts(same));
            }
        }
    }
}

/// The numbers of the whole stream and of two halves merged: counts exact, sizes and rates alike, answers in order.
fn check_numbers(messages: &[Message<'_>]) {
    let mut whole = numbers();
    let mut halves = [numbers(), numbers()];
    for (n, message) in messages.iter().enumerate() {
        let record = Record {
            at: Instant::from_micros(message.at),
            topic: message.topic,
            payload: message.payload,
            qos: message.qos,
            retain: message.retain,
        };
        let arrived = 1_700_000_000_000_000 + message.at;
        whole.record(&record, arrived, u64::from(message.retain));
        let half = &mut halves[(n / 3 + message.payload.len()) % 2];
        half.record(&record, arrived, u64::from(message.retain));
        if message.qos == 2 {
            whole.pause();
        }
    }
    let [mut merged, other] = halves;
    merged.merge(&other);
    let now = Instant::from_micros(messages.last().map_or(0, |message| message.at));
    for numbers in [&whole, &merged] {
        let bytes: usize = messages.iter().map(|message| message.payload.len()).sum();
        let all = &numbers.flows()[0];
        assert_eq!(
            (all.messages, all.bytes),
            (messages.len() as u64, bytes as u64)
        );
        assert_eq!(all.sizes.count(), all.messages);
        for flow in numbers.flows() {
            assert!(
                flow.gaps()
                    .all(|gap| gap.from < gap.until && gap.until <= now)
            );
            let quantiles = [0, 50, 95, 100].map(|percent| flow.intervals.quantile(percent));
            assert!(quantiles.is_sorted());
            let spikes = flow.series.spikes(now);
            assert!(spikes.spikes.len() <= spikes.count as usize);
            assert!(
                flow.series
                    .trend(now)
                    .is_none_or(|trend| trend.slope.is_finite())
            );
            let _ = (
                flow.latency.leading(),
                flow.rhythm.deviation(),
                flow.rhythm.silent(now),
            );
        }
        let counted: u64 = numbers
            .heavy()
            .iter()
            .map(|(_, topic)| topic.messages())
            .sum();
        assert!(counted >= messages.len() as u64 || numbers.heavy().replaced() > 0);
    }
    for (merged, whole) in merged.flows().iter().zip(whole.flows()) {
        assert_eq!(merged.sizes.quantile(50), whole.sizes.quantile(50));
        assert_eq!(merged.series.until(now), whole.series.until(now));
        assert_eq!(merged.rhythm.ends(), whole.rhythm.ends());
    }
}

fn numbers() -> Numbers {
    let slots = vec![TopicStats::default(); TOPIC_SLOTS];
    let heavy = Heavy::new(slots, vec![0; TOPIC_SLOTS * 2], vec![0; TOPIC_SLOTS * 4], 7);
    Stats::new(vec![Flow::new(Instant::ZERO); 2], heavy)
}
