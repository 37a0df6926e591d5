//! Where session and reduction meet: a message of a listener goes through one pass over its payload into the
//! listener's accumulators; asked at any time, they give a [`super::report::Report`].
//! Interface, called by the broker's task only. Invariant: memory is fixed when a collector is made; pages that
//! hold nothing yet are not touched.

use super::report::{
    ErrorKind, Findings, KeptMessage, MessageFindings, TopicFinding, TopicFindings, WantMessages,
    Wants,
};
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::payload::{Facts, Memo, Severity, inspect_into};
use bitsperity_mqtt_core::reduce::prune::{Choice, Kept, Slot};
use bitsperity_mqtt_core::reduce::topics::TopicSlot;
use bitsperity_mqtt_core::reduce::{Distinct, Pruner, Record, Topics};
use bitsperity_mqtt_core::time::Instant;
use std::hash::BuildHasher;
use std::time::Duration;

/// Bytes of names that a table of topics holds for each topic on average; real ones have about 45.
const NAME_BYTES: usize = 96;
/// Bytes for payloads at least; with small messages this holds every candidate.
const ARENA: usize = 256 * 1024;
/// Bytes for payloads at most.
const MAX_ARENA: usize = 16 * 1024 * 1024;

/// One message as the accumulators see it.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// On the clock of the connection's task.
    pub at: Instant,
    /// Topic Name.
    pub topic: &'a str,
    /// Any bytes.
    pub payload: &'a [u8],
    /// QoS it came with.
    pub qos: QoS,
    /// Replayed because retained.
    pub retain: bool,
}

type Messages = Pruner<Box<[Slot]>, Box<[u8]>>;
type Table = Topics<Box<[TopicSlot]>, Box<[u32]>, Box<[u8]>>;

/// The accumulators of one listener.
pub struct Collector {
    start: Instant,
    messages: Option<Box<Messages>>,
    topics: Option<Box<Table>>,
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
            messages: wants.messages.as_ref().map(new_messages),
            topics: wants.topics.map(|limit| new_topics(limit, seed)),
            distinct: Distinct::default(),
            memo: Box::new(Memo::new(seed)),
            seed,
        }
    }

    /// Takes one message in about a microsecond. Returns whether its topic was new.
    pub fn record(&mut self, arrival: &Arrival<'_>) -> bool {
        let mut facts = Facts::new();
        if self.messages.is_some() || self.topics.is_some() {
            inspect_into(&mut facts, &mut self.memo, arrival.topic, arrival.payload);
        }
        let record = Record {
            at: arrival.at,
            topic: arrival.topic,
            payload: arrival.payload,
            qos: arrival.qos as u8,
            retain: arrival.retain,
        };
        if let Some(messages) = &mut self.messages {
            messages.record(&record, &facts);
        }
        self.record_topic(&record, &facts)
    }

    /// The state of all accumulators now, as owned data; times in it are relative to `start`.
    pub fn findings(&self) -> Findings {
        Findings {
            messages: self
                .messages
                .as_ref()
                .map(|messages| self.message_findings(messages)),
            topics: self
                .topics
                .as_ref()
                .map(|topics| self.topic_findings(topics)),
        }
    }

    /// Distinct topics so far (an estimate beyond the table).
    pub fn topics_seen(&self) -> u64 {
        self.topics
            .as_ref()
            .map_or_else(|| self.distinct.estimate(), |topics| topics.seen())
    }

    fn record_topic(&mut self, record: &Record<'_>, facts: &Facts<'_>) -> bool {
        match &mut self.topics {
            Some(topics) => topics.record(record, facts),
            None => self
                .distinct
                .record(foldhash::fast::FixedState::with_seed(self.seed).hash_one(record.topic)),
        }
    }

    fn since_start(&self, micros: u64) -> Duration {
        Instant::from_micros(micros).since(self.start)
    }

    fn message_findings(&self, messages: &Messages) -> MessageFindings {
        let mut scratch = vec![Choice::default(); messages.scratch_len()];
        let kept = messages
            .kept(&mut scratch)
            .map(|kept| self.kept(&kept))
            .collect();
        let mut error_kinds: Vec<ErrorKind> = messages
            .error_kinds()
            .map(|kind| ErrorKind {
                count: kind.count,
                topic: kind.topic.to_owned(),
                why: kind.why.to_owned(),
                first: self.since_start(kind.first),
                latest: self.since_start(kind.latest),
            })
            .collect();
        error_kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
        let mut formats: Vec<_> = messages
            .formats()
            .map(|(format, count)| (format.name(), count))
            .collect();
        formats.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let (errors, warnings) = messages.problems();
        MessageFindings {
            kept,
            error_kinds,
            error_kinds_more: messages.error_kinds_more(),
            crowded_out: messages.lost(),
            errors,
            warnings,
            formats,
            shapes: messages.shapes(),
        }
    }

    fn kept(&self, kept: &Kept<'_>) -> KeptMessage {
        KeptMessage {
            at: self.since_start(kept.at),
            topic: kept.topic.to_owned(),
            payload: kept.payload.to_vec(),
            payload_bytes: usize::try_from(kept.payload_bytes).unwrap_or(usize::MAX),
            qos: match kept.qos {
                0 => QoS::AtMostOnce,
                1 => QoS::AtLeastOnce,
                _ => QoS::ExactlyOnce,
            },
            retain: kept.retain,
            why: kept.why.names().collect(),
            format: kept.format.name(),
            severity: (kept.severity != Severity::None)
                .then(|| (kept.severity.name(), kept.reason.to_owned())),
        }
    }

    fn topic_findings(&self, table: &Table) -> TopicFindings {
        let mut topics: Vec<TopicFinding> = table
            .iter()
            .map(|(topic, slot)| TopicFinding {
                topic: topic.to_owned(),
                messages: slot.messages,
                retained: slot.retained,
                bytes: slot.bytes,
                first: slot.first.since(self.start),
                last: slot.last.since(self.start),
                rate: slot.rate(),
                format: slot.format.name(),
                preview: slot.preview().to_vec(),
                last_bytes: usize::try_from(slot.last_bytes).unwrap_or(usize::MAX),
            })
            .collect();
        topics.sort_by(|a, b| a.topic.cmp(&b.topic));
        TopicFindings {
            topics,
            seen: table.seen(),
            estimated: table.estimated(),
        }
    }
}

fn new_messages(wanted: &WantMessages) -> Box<Messages> {
    let slots = vec![Slot::default(); Messages::slots_for(wanted.target)].into_boxed_slice();
    let arena = (wanted.target * wanted.payload_bytes * 2).clamp(ARENA, MAX_ARENA);
    Box::new(Pruner::new(
        slots,
        vec![0; arena].into_boxed_slice(),
        wanted.target,
        wanted.payload_bytes,
    ))
}

fn new_topics(limit: usize, seed: u64) -> Box<Table> {
    let slots = vec![TopicSlot::default(); limit].into_boxed_slice();
    let index = vec![0; (limit * 2).next_power_of_two()].into_boxed_slice();
    let names = vec![0; limit.max(64) * NAME_BYTES].into_boxed_slice();
    Box::new(Topics::new(slots, index, names, seed))
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Collector};
    use crate::broker::report::{WantMessages, Wants};
    use bitsperity_mqtt_core::packet::QoS;
    use bitsperity_mqtt_core::time::Instant;
    use std::time::Duration;

    fn wants(messages: bool, topics: Option<usize>) -> Wants {
        let messages = messages.then_some(WantMessages {
            target: 10,
            payload_bytes: 64,
        });
        Wants { messages, topics }
    }

    fn feed(collector: &mut Collector, millis: u64, topic: &str, payload: &[u8]) -> bool {
        collector.record(&Arrival {
            at: Instant::from_micros(millis * 1_000),
            topic,
            payload,
            qos: QoS::AtLeastOnce,
            retain: false,
        })
    }

    #[test]
    fn findings_count_from_the_start_and_keep_what_matters() {
        let start = Instant::from_micros(5_000_000);
        let mut collector = Collector::new(&wants(true, Some(100)), start);
        for n in 0..1_000 {
            let payload = format!("{{\"t\":{}}}", n % 7);
            feed(
                &mut collector,
                5_000 + n,
                &format!("room/{}/t", n % 4),
                payload.as_bytes(),
            );
        }
        feed(
            &mut collector,
            6_000,
            "room/1/t",
            br#"{"error":"sensor lost"}"#,
        );
        feed(&mut collector, 6_001, "room/1/t", &[b'x'; 500]);
        let findings = collector.findings();
        let messages = findings.messages.unwrap();
        assert!(messages.kept.len() <= 10 && messages.kept.is_sorted_by_key(|kept| kept.at));
        assert_eq!(messages.kept[0].at, Duration::ZERO);
        let error = messages
            .kept
            .iter()
            .find(|kept| kept.why[0] == "error")
            .unwrap();
        assert_eq!(
            error.severity,
            Some(("error", String::from("error: sensor lost")))
        );
        assert_eq!((error.qos, error.format), (QoS::AtLeastOnce, "json_object"));
        assert_eq!((messages.errors, messages.error_kinds.len()), (1, 1));
        assert_eq!(messages.error_kinds[0].topic, "room/1/t");
        assert_eq!(messages.error_kinds[0].first, Duration::from_secs(1));
        let last = messages.kept.last().unwrap();
        assert_eq!((last.payload.len(), last.payload_bytes), (64, 500));
        assert_eq!(messages.formats, [("json_object", 1_001), ("text", 1)]);
        let topics = findings.topics.unwrap();
        let names: Vec<_> = topics
            .topics
            .iter()
            .map(|topic| topic.topic.as_str())
            .collect();
        assert_eq!(names, ["room/0/t", "room/1/t", "room/2/t", "room/3/t"]);
        assert_eq!((topics.seen, topics.estimated), (4, false));
    }

    #[test]
    fn only_what_is_wanted_is_there() {
        let start = Instant::ZERO;
        let mut topics = Collector::new(&wants(false, Some(2)), start);
        assert!(topics.messages.is_none());
        assert!(feed(&mut topics, 1, "a", b"1"));
        assert!(!feed(&mut topics, 2, "a", b"1"));
        assert!(topics.findings().messages.is_none());
        let mut messages = Collector::new(&wants(true, None), start);
        assert!(feed(&mut messages, 1, "a", b"1"));
        assert!(!feed(&mut messages, 2, "a", b"1"));
        assert!(messages.findings().topics.is_none());
        assert_eq!((topics.topics_seen(), messages.topics_seen()), (1, 1));
    }

    #[test]
    fn what_came_before_the_start_counts_as_its_beginning() {
        let mut collector = Collector::new(&wants(true, None), Instant::from_micros(1_000_000));
        feed(&mut collector, 900, "a", b"1");
        assert_eq!(
            collector.findings().messages.unwrap().kept[0].at,
            Duration::ZERO
        );
    }
}
