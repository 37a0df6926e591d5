//! What came in the last while of a longer listening, counted message by message.
//!
//! Invariant: where single messages are not remembered so far back, the while is cut, which [`Latest`] says.

use super::{ErrorKind, Narrowed, Report, Retained, TopicFinding};
use bitsperity_mqtt_core::payload::{Format, Severity};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::time::Duration;

/// The latest messages, in no order.
#[derive(Clone, Debug)]
pub struct Recent {
    /// From when on they are all here, since `Report::started`.
    pub from: Duration,
    /// These.
    pub messages: Vec<RecentMessage>,
    /// Of the hashes of topics.
    pub seed: u64,
}

/// One message.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecentMessage {
    /// Microseconds since `Report::started`.
    pub at: u64,
    /// Hash of its topic.
    pub topic: u32,
    /// What messages with the same problem have in common; zero: no problem.
    pub kind: u64,
    /// Of its payload.
    pub bytes: u32,
    /// Of its payload.
    pub format: Format,
    /// Of what it tells.
    pub severity: Severity,
    /// Replayed because retained.
    pub retain: bool,
}

/// The last while of which a report tells.
#[derive(Clone, Copy, Debug)]
pub struct Latest {
    /// How long.
    pub span: Duration,
    /// How long it was to be.
    pub wanted: Duration,
    /// Counts are of it, too; else of all that was heard.
    pub counted: bool,
}

impl Recent {
    /// Hash of a topic.
    pub fn place(seed: u64, topic: &str) -> u32 {
        let hash = foldhash::fast::FixedState::with_seed(seed).hash_one(topic);
        let [a, b, c, d, ..] = hash.to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

impl Report {
    /// The time that its counts are of.
    pub fn span(&self) -> Duration {
        let latest = self.findings.latest.filter(|it| it.counted);
        latest.map_or(self.elapsed, |it| it.span)
    }

    /// Leaves what is of the last while: messages, topics and kinds of errors with their counts, and devices that spoke in
    /// it or have findings, whose numbers stay those of all that was heard.
    pub fn keep_latest(&mut self, wanted: Duration, retained: Retained) {
        let recent = self.findings.recent.take();
        let mut from = self.elapsed.saturating_sub(wanted);
        if from.is_zero() {
            return;
        }
        let counted = self.findings.topics.is_some();
        if let Some(recent) = recent.filter(|_| counted) {
            from = from.max(recent.from);
            self.count_latest(&recent, from, retained);
        }
        let (elapsed, found) = (self.elapsed, &mut self.findings);
        found.latest = Some(Latest {
            span: elapsed.saturating_sub(from),
            wanted,
            counted,
        });
        if let Some(messages) = &mut found.messages {
            messages.kept.retain(|it| it.at >= from && !it.retain);
        }
        if let Some(health) = &mut found.health {
            let spoke = |at: Option<Duration>| at.is_some_and(|at| at >= from && at <= elapsed);
            health
                .devices
                .retain(|it| it.score < 100 || spoke(it.last_live));
        }
    }

    fn count_latest(&mut self, recent: &Recent, from: Duration, retained: Retained) {
        let found = &mut self.findings;
        let Some(table) = &mut found.topics else {
            return;
        };
        let place = |topic: &str| Recent::place(recent.seed, topic);
        let known: HashMap<u32, usize> = (0..)
            .zip(&table.topics)
            .map(|(n, it)| (place(&it.topic), n))
            .collect();
        for topic in &mut table.topics {
            empty(topic);
        }
        let from = u64::try_from(from.as_micros()).unwrap_or(u64::MAX);
        let whole = self.narrowed.is_none();
        let taken = |it: &&RecentMessage| match retained {
            Retained::Include => true,
            Retained::Exclude => !it.retain,
            Retained::Only => it.retain,
        };
        let messages = recent.messages.iter().filter(taken);
        let messages: Vec<_> = messages
            .filter(|it| it.at >= from && (whole || known.contains_key(&it.topic)))
            .collect();
        (self.received, self.retained, self.bytes) = (messages.len() as u64, 0, 0);
        let mut formats: BTreeMap<&'static str, u64> = BTreeMap::new();
        let (mut errors, mut warnings) = (0, 0);
        for message in &messages {
            self.retained += u64::from(message.retain);
            self.bytes += u64::from(message.bytes);
            errors += u64::from(message.severity == Severity::Error);
            warnings += u64::from(message.severity == Severity::Warning);
            *formats.entry(message.format.name()).or_default() += 1;
            let topic = known.get(&message.topic);
            if let Some(topic) = topic.and_then(|n| table.topics.get_mut(*n)) {
                add(topic, message);
            }
        }
        let seconds = self.elapsed.as_secs_f64() - from as f64 / 1e6;
        for topic in &mut table.topics {
            let live = topic.messages - topic.retained;
            topic.rate = topic.rate.filter(|_| seconds > 0.0 && live > 1);
            topic.rate = topic.rate.map(|_| live as f64 / seconds);
        }
        table.topics.retain(|it| it.messages > 0);
        let seen: BTreeSet<u32> = messages.iter().map(|it| it.topic).collect();
        (table.seen, table.estimated) = (seen.len() as u64, false);
        found.distinct = Some((table.seen, false));
        let Some(kept) = &mut found.messages else {
            return;
        };
        (kept.errors, kept.warnings) = (errors, warnings);
        kept.formats = formats.into_iter().collect();
        kept.formats.sort_by_key(|&(_, count)| Reverse(count));
        let names = table.topics.iter().map(|it| (place(&it.topic), &*it.topic));
        let names: HashMap<u32, &str> = names.collect();
        kept.error_kinds
            .retain_mut(|kind| count_kind(kind, &messages, &names));
        kept.error_kinds.sort_by_key(|kind| Reverse(kind.count));
        let told: u64 = kept.error_kinds.iter().map(|it| it.count).sum();
        if told >= errors {
            kept.error_kinds_more = 0;
        }
        if !whole {
            self.narrowed = Some(Narrowed::Counted);
        }
    }
}

/// Nothing was counted yet.
fn empty(topic: &mut TopicFinding) {
    (topic.messages, topic.retained, topic.bytes) = (0, 0, 0);
    (topic.errors, topic.warnings) = (0, 0);
    topic.formats = topic.formats.map(|(name, _)| (name, 0));
}

fn add(topic: &mut TopicFinding, message: &RecentMessage) {
    topic.messages += 1;
    topic.retained += u64::from(message.retain);
    topic.bytes += u64::from(message.bytes);
    topic.errors += u64::from(message.severity == Severity::Error);
    topic.warnings += u64::from(message.severity == Severity::Warning);
    let mut formats = topic.formats.iter_mut();
    if let Some((_, count)) = formats.find(|(name, _)| *name == message.format.name()) {
        *count += 1;
    }
}

/// Counts a kind anew; false if nothing of it is among the messages.
fn count_kind(
    kind: &mut ErrorKind,
    messages: &[&RecentMessage],
    names: &HashMap<u32, &str>,
) -> bool {
    let of_kind =
        |it: &&&RecentMessage| it.severity == Severity::Error && kind.hashes.contains(&it.kind);
    let own: Vec<_> = messages.iter().filter(of_kind).collect();
    let at = |it: &&&&RecentMessage| Duration::from_micros(it.at);
    let (Some(first), Some(latest)) = (own.iter().min_by_key(at), own.iter().max_by_key(at)) else {
        return false;
    };
    (kind.first, kind.latest) = (at(&first), at(&latest));
    kind.count = own.len() as u64;
    let topics: BTreeSet<u32> = own.iter().map(|it| it.topic).collect();
    (kind.topics, kind.topics_more) = (topics.len(), false);
    let mut named: Vec<&str> = topics
        .iter()
        .filter_map(|it| names.get(it).copied())
        .collect();
    named.sort_unstable();
    if let ([only], 1) = (&*named, topics.len()) {
        (*only).clone_into(&mut kind.pattern);
    }
    let shown = kind.examples.len().max(1);
    kind.examples = named.into_iter().take(shown).map(str::to_owned).collect();
    true
}

#[cfg(test)]
mod tests {
    use super::super::{Part, WantMessages, Wants};
    use super::*;
    use crate::broker::collect::{Arrival, Collector};
    use crate::broker::report::Listen;
    use bitsperity_mqtt_core::packet::QoS;
    use bitsperity_mqtt_core::time::Instant;
    use std::time::SystemTime;

    /// Ten minutes of a mill that speaks each second, of a kiln that fails each minute until the seventh, and of a belt that
    /// fails in the last one; asked for the last so long.
    fn told(filter: &str, latest: Duration) -> Report {
        let recent = Some(latest);
        let wants = Wants {
            messages: Some(WantMessages {
                target: 50,
                payload_bytes: 64,
            }),
            topics: Some(64),
            recent,
            ..Wants::default()
        };
        let mut collector = Collector::new(&wants, Instant::ZERO);
        let mut feed = |second: u64, topic: &str, payload: &str| {
            collector.record(&Arrival {
                at: Instant::from_micros(second * 1_000_000),
                wall_us: second * 1_000_000,
                matched: 1,
                topic,
                payload: payload.as_bytes(),
                decoded: None,
                qos: QoS::AtMostOnce,
                retain: false,
            });
        };
        for second in 0..600 {
            feed(second, "mine/mill", &format!("{}", second % 9));
            if second % 60 == 7 && second < 420 {
                feed(second, "mine/kiln", r#"{"error":"flame lost"}"#);
            }
            if second >= 580 && second % 10 == 0 {
                feed(second, "mine/belt", r#"{"error":"belt torn"}"#);
            }
        }
        let listen = Listen {
            filters: vec![filter.to_owned()],
            qos: QoS::AtMostOnce,
            retained: Retained::Include,
            duration: latest,
            max_messages: None,
            until_quiet: None,
            wants,
        };
        let now = Instant::from_micros(600_000_000);
        let part = Part {
            whole: filter == "#",
            listen,
        };
        let mut report = Report {
            started: SystemTime::UNIX_EPOCH,
            elapsed: Duration::from_secs(600),
            stopped: None,
            granted_qos: None,
            received: 609,
            retained: 0,
            bytes: 0,
            oversized: 0,
            asides: Default::default(),
            reconnects: 0,
            deaf: Duration::ZERO,
            interruption: None,
            narrowed: None,
            findings: collector.findings_for(now, Some(&part.listen)),
        };
        report.narrow(&part);
        report.keep_latest(latest, Retained::Include);
        report
    }

    #[test]
    fn counts_and_kinds_are_of_the_last_while() {
        let report = told("#", Duration::from_secs(60));
        let found = &report.findings;
        let messages = found.messages.as_ref().unwrap();
        assert_eq!((report.received, messages.errors), (62, 2));
        assert_eq!(messages.formats, [("number", 60), ("json_object", 2)]);
        let kinds: Vec<_> = messages.error_kinds.iter().collect();
        assert_eq!((kinds.len(), kinds[0].count), (1, 2));
        assert_eq!(kinds[0].pattern, "mine/belt");
        assert_eq!(kinds[0].first, Duration::from_secs(580));
        let topics = &found.topics.as_ref().unwrap().topics;
        let counts: Vec<_> = topics.iter().map(|it| (&*it.topic, it.messages)).collect();
        assert_eq!(counts, [("mine/belt", 2), ("mine/mill", 60)]);
        assert_eq!(report.span(), Duration::from_secs(60));
        assert!(
            messages
                .kept
                .iter()
                .all(|it| it.at >= Duration::from_secs(540))
        );
    }

    #[test]
    fn so_are_those_of_a_part_and_of_a_while_that_is_longer() {
        let report = told("mine/kiln", Duration::from_secs(300));
        let messages = report.findings.messages.as_ref().unwrap();
        assert_eq!((report.received, messages.errors), (2, 2));
        assert_eq!(messages.error_kinds[0].count, 2);
        // All of it is no last while.
        let report = told("mine/kiln", Duration::from_secs(3_600));
        assert!(report.findings.latest.is_none());
        assert_eq!(report.findings.messages.unwrap().errors, 7);
    }
}
