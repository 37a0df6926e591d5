//! A part of a report: what a narrower filter would have told.
//!
//! Only what is known by topic can be told apart; families of topics are told whole if one of theirs is asked for.
//! Counts of messages, bytes, errors, warnings and formats come from the table of topics, kinds of errors go by the
//! topic of the first of each; shapes and what found no room stay those of all that was heard, which
//! [`Report::narrowed`] says.

use super::{Findings, KeptMessage, Listen, Report, Retained, TopicFinding};
use bitsperity_mqtt_core::reduce::health::Pattern;
use bitsperity_mqtt_core::topic::{matches, overlaps};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A part of what a listener hears.
#[derive(Debug)]
pub struct Part {
    /// What would have heard it, and what it wants to know.
    pub listen: Listen,
    /// It would have heard all of it.
    pub whole: bool,
}

/// How well a part could be told from the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Narrowed {
    /// Errors, warnings and formats are those of the part.
    Counted,
    /// Warnings and formats are those of all that was heard.
    Roughly,
}

/// Reasons for keeping a message, the dearest first.
const DEAREST: [&str; 9] = [
    "error", "first", "last", "warning", "gap", "shape", "change", "extreme", "sample",
];

impl Report {
    /// Leaves what `part` would have heard and wants, as far as that can be told.
    pub(in crate::broker) fn narrow(&mut self, part: &Part) {
        let (wants, findings) = (&part.listen.wants, &mut self.findings);
        if !part.whole {
            if let Some(values) = &mut findings.values {
                let taken = |topic: &str, retain| part.takes(topic, retain);
                values
                    .values
                    .retain(|(topic, last)| taken(topic, last.retain));
            }
            // Those of further topics cannot be told apart.
            let large = &mut self.asides.large;
            large.retain(|it| part.matches(&it.topic));
            self.oversized = large.iter().map(|it| it.messages).sum();
            narrow_topics(findings, part);
            narrow_messages(findings, part);
            if let Some(schema) = &mut findings.schema {
                let filters = &part.listen.filters;
                let known = findings.topics.as_ref().filter(|table| !table.estimated);
                let heard = |pattern: &str| match known {
                    Some(table) => table.topics.iter().any(|it| matches(pattern, &it.topic)),
                    None => filters.iter().any(|filter| overlaps(filter, pattern)),
                };
                schema.families.retain(|family| heard(&family.pattern));
            }
            findings.distinct = None;
            if let Some(table) = &findings.topics {
                findings.distinct = Some((table.seen, table.estimated));
                self.received = table.topics.iter().map(|topic| topic.messages).sum();
                self.retained = table.topics.iter().map(|topic| topic.retained).sum();
                self.bytes = table.topics.iter().map(|topic| topic.bytes).sum();
            }
            let apart = part.listen.retained == Retained::Include && count_apart(findings);
            self.narrowed = Some(if apart {
                Narrowed::Counted
            } else {
                Narrowed::Roughly
            });
        }
        match (&wants.messages, &mut findings.messages) {
            (None, messages) => *messages = None,
            (Some(wanted), Some(messages)) => keep_dearest(&mut messages.kept, wanted.target),
            (Some(_), None) => {}
        }
        match (wants.topics, &mut findings.topics) {
            (None, topics) => *topics = None,
            (Some(limit), Some(table)) => table.topics.truncate(limit),
            (Some(_), None) => {}
        }
        if wants.performance.is_none() {
            findings.performance = None;
        }
        if wants.health.is_none() {
            findings.health = None;
        }
        if wants.schema.is_none() {
            findings.schema = None;
        }
        if wants.last.is_none() {
            findings.last = None;
        }
        if wants.values.is_none() {
            findings.values = None;
        }
    }
}

impl Report {
    /// Of devices, those that the part asks for, as its accumulator would have told while it was there.
    pub(in crate::broker) fn narrow_health(&mut self, part: &Part) {
        let (Some(wanted), Some(health)) = (&part.listen.wants.health, &mut self.findings.health)
        else {
            return;
        };
        let name = Pattern::name(wanted.name.as_deref().unwrap_or(""));
        let named = |text: &str| wanted.name.is_none() || name.is_in(text);
        health.devices.retain(|device| {
            let topics = device.topics.iter().map(|(topic, _)| topic);
            let heard = part.whole || topics.clone().any(|topic| part.matches(topic));
            let mut texts = topics.chain([&device.id]).chain(&device.name);
            heard && texts.any(|text| named(text))
        });
        health.matched = health.devices.len();
        health.troubled = health.devices.iter().filter(|it| it.score < 100).count();
        health.thin = health.devices.iter().filter(|it| it.is_thin()).count();
        health.devices.truncate(wanted.devices);
    }
}

impl Part {
    fn matches(&self, topic: &str) -> bool {
        let mut filters = self.listen.filters.iter();
        filters.any(|filter| matches(filter, topic))
    }

    fn takes(&self, topic: &str, retain: bool) -> bool {
        is_taken(self.listen.retained, retain) && self.matches(topic)
    }
}

fn narrow_messages(findings: &mut Findings, part: &Part) {
    if let Some(messages) = &mut findings.messages {
        messages.kept.retain(|it| part.takes(&it.topic, it.retain));
        messages
            .error_kinds
            .retain(|kind| kind.examples.iter().any(|it| part.matches(it)));
        messages.errors = messages.error_kinds.iter().map(|kind| kind.count).sum();
    }
}

/// Counts errors, warnings and formats by the topics that are left; whether all of them are known.
fn count_apart(findings: &mut Findings) -> bool {
    let (Some(messages), Some(table)) = (&mut findings.messages, &findings.topics) else {
        return false;
    };
    let known = |topic: &TopicFinding| topic.formats.iter().map(|(_, count)| count).sum::<u64>();
    if table.estimated || table.topics.iter().any(|it| known(it) != it.messages) {
        return false;
    }
    messages.errors = table.topics.iter().map(|it| it.errors).sum();
    messages.warnings = table.topics.iter().map(|it| it.warnings).sum();
    let mut formats: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (format, count) in table.topics.iter().flat_map(|it| it.formats) {
        *formats.entry(format).or_default() += count;
    }
    messages.formats = formats
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    messages.formats.sort_by_key(|&(_, count)| Reverse(count));
    true
}

fn is_taken(which: Retained, retain: bool) -> bool {
    match which {
        Retained::Include => true,
        Retained::Exclude => !retain,
        Retained::Only => retain,
    }
}

fn narrow_topics(findings: &mut Findings, part: &Part) {
    let Some(table) = &mut findings.topics else {
        return;
    };
    table.topics.retain_mut(|topic| {
        count_taken(topic, part.listen.retained);
        topic.messages > 0 && part.matches(&topic.topic)
    });
    // Beyond the table nobody knows which topics are of the filter.
    table.seen = table.topics.len() as u64;
}

fn count_taken(topic: &mut TopicFinding, which: Retained) {
    match which {
        Retained::Include => {}
        Retained::Exclude => {
            topic.messages -= topic.retained.min(topic.messages);
            topic.retained = 0;
        }
        Retained::Only => topic.messages = topic.retained,
    }
}

/// Keeps `target` messages, the dearest, in order of time.
fn keep_dearest(kept: &mut Vec<KeptMessage>, target: usize) {
    if kept.len() <= target {
        return;
    }
    let worth = |message: &KeptMessage| {
        let ranks = message.why.iter();
        let ranks = ranks.filter_map(|why| DEAREST.iter().position(|dear| dear == why));
        ranks.min().unwrap_or(DEAREST.len())
    };
    kept.sort_by_key(worth);
    kept.truncate(target);
    kept.sort_by_key(|message| message.at);
}
