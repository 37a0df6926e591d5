//! A part of a report: what a narrower filter would have told.
//!
//! Only what is known by topic can be told apart. Counts of messages and bytes come from the table of topics, errors from
//! their kinds, by the topic of the first of each; formats, shapes, warnings and what found no room stay those of
//! all that was heard, which [`Report::narrowed`] says.

use super::{Findings, KeptMessage, Listen, Report, Retained, TopicFinding};
use bitsperity_mqtt_core::topic::matches;

/// Reasons for keeping a message, the dearest first.
const DEAREST: [&str; 9] = [
    "error", "first", "last", "warning", "gap", "shape", "change", "extreme", "sample",
];

impl Report {
    /// Leaves what `part` would have heard and wants, as far as that can be told.
    pub(in crate::broker) fn narrow(&mut self, part: &Listen) {
        let findings = &mut self.findings;
        let wants = &part.wants;
        if wants.messages.is_none() {
            findings.messages = None;
        }
        if wants.values.is_none() {
            findings.values = None;
        }
        if let Some(values) = &mut findings.values {
            values.values.retain(|(topic, last)| {
                matches(&part.filter, topic) && is_taken(part.retained, last.retain)
            });
        }
        narrow_topics(findings, part);
        if let Some(messages) = &mut findings.messages {
            let taken = |it: &KeptMessage| {
                matches(&part.filter, &it.topic) && is_taken(part.retained, it.retain)
            };
            messages.kept.retain(taken);
            messages
                .error_kinds
                .retain(|kind| matches(&part.filter, &kind.topic));
            messages.errors = messages.error_kinds.iter().map(|kind| kind.count).sum();
            let target = wants.messages.as_ref().map_or(usize::MAX, |it| it.target);
            keep_dearest(&mut messages.kept, target);
        }
        if let Some(table) = &findings.topics {
            self.received = table.topics.iter().map(|topic| topic.messages).sum();
            self.retained = table.topics.iter().map(|topic| topic.retained).sum();
            self.bytes = table.topics.iter().map(|topic| topic.bytes).sum();
        }
        if wants.topics.is_none() {
            findings.topics = None;
        }
        self.narrowed = true;
    }
}

fn is_taken(which: Retained, retain: bool) -> bool {
    match which {
        Retained::Include => true,
        Retained::Exclude => !retain,
        Retained::Only => retain,
    }
}

fn narrow_topics(findings: &mut Findings, part: &Listen) {
    let Some(table) = &mut findings.topics else {
        return;
    };
    table.topics.retain_mut(|topic| {
        count_taken(topic, part.retained);
        topic.messages > 0 && matches(&part.filter, &topic.topic)
    });
    // Beyond the table nobody knows which topics are of the filter.
    table.seen = table.topics.len() as u64;
    if let Some(limit) = part.wants.topics {
        table.topics.truncate(limit);
    }
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
