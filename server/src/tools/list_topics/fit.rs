//! The table of topics within its budget of bytes: alike topics are folded until few enough entries are left, then
//! previews get shorter, then entries go; what was cut is counted and named.

use super::super::listening::fold::{Group, Known, fold};
use super::{Answer, Example, Family, Format, Head, Omitted, Rest, Topic};
use crate::broker::report::{HealthFindings, Report, TopicFinding, TopicFindings};
use crate::render;
use crate::tools::listening::{sentences, systems};
use std::time::Duration;

/// Bytes of a preview, tried in this order; 0 is none.
const PREVIEWS: &[usize] = &[96, 48, 24, 0];

/// Bytes that the rest of the answer may take.
const RESERVE: usize = 420;

const MORE: &str = "narrower topic, larger max_topics or max_bytes, or response_format detailed";

/// One line of the answer.
enum Entry {
    Topic(Topic),
    Family(Family),
}

pub(in crate::tools) fn answer(
    mut head: Head,
    report: &Report,
    format: Format,
    budget: usize,
) -> Answer {
    let none = Default::default();
    let found = report.findings.topics.as_ref().unwrap_or(&none);
    let known: Vec<_> = found.topics.iter().map(Known::from).collect();
    let no_devices = HealthFindings::default();
    let health = report.findings.health.as_ref().unwrap_or(&no_devices);
    let systems = systems::all(health.devices.iter());
    let mut said = verdict(&head, report, found);
    if !systems.is_empty() {
        said = format!("{}; {said}", systems::sentence(&systems, health));
    }
    let verdict = sentences::with_interruption(report, said) + &sentences::asides(report);
    let taken = render::json_len(&head) + render::json_len(&systems) + verdict.len() + RESERVE;
    let room = budget.saturating_sub(taken);
    let (wanted, previews) = match format {
        Format::Concise => (20, &PREVIEWS[1..]),
        // Who wants details gets them by pages.
        Format::Detailed => (120, &PREVIEWS[..1]),
    };
    let groups = fold(&known, wanted);
    let mut entries = Vec::new();
    let mut longest = true;
    for (step, preview) in previews.iter().enumerate() {
        entries = groups
            .iter()
            .filter_map(|group| entry(group, &found.topics, report, *preview, format))
            .collect();
        longest = step == 0;
        if entries.iter().map(cost).sum::<usize>() <= room {
            break;
        }
    }
    let mut omitted = Omitted {
        topics: 0,
        families: 0,
        beyond_max_topics: found.seen.saturating_sub(found.topics.len() as u64),
        previews_cut: !longest,
        how_to_get_more: MORE,
    };
    let shown = drop_quietest(&mut entries, head.offset, room, &mut omitted);
    head.rest = match omitted.topics {
        0 if omitted.previews_cut && format == Format::Concise => Some(Rest::Detailed),
        0 => None,
        _ => Some(Rest::From(head.offset + shown.max(1))),
    };
    let mut topics = Vec::new();
    let mut families = Vec::new();
    for entry in entries {
        match entry {
            Entry::Topic(topic) => topics.push(topic),
            Entry::Family(family) => families.push(family),
        }
    }
    let any = omitted.topics > 0 || omitted.beyond_max_topics > 0 || omitted.previews_cut;
    Answer {
        verdict: Some(verdict),
        head,
        messages: report.received,
        retained: report.retained,
        topics_seen: found.seen,
        topics_seen_estimated: found.estimated,
        systems,
        topics,
        families,
        omitted: any.then_some(omitted),
    }
}

fn verdict(head: &Head, report: &Report, found: &TopicFindings) -> String {
    if report.received == 0 {
        return sentences::nothing(head, report);
    }
    let seen = sentences::count(found.seen, "topic", "topics");
    let about = if found.estimated { "about " } else { "" };
    let spoke = found.topics.iter().filter(|it| it.messages > it.retained);
    let live = report.received.saturating_sub(report.retained);
    match (spoke.count(), found.topics.len()) {
        (_, _) if live == 0 => format!("{about}{seen}, only as retained: none spoke meanwhile"),
        (spoke, all) if found.estimated => {
            format!("{about}{seen}: of the {all} that found room {spoke} with live messages")
        }
        (spoke, all) if spoke == all => format!("{about}{seen}, all with live messages"),
        (spoke, all) => format!(
            "{about}{seen}: {spoke} with live messages, {} only as retained",
            all - spoke
        ),
    }
}

fn cost(entry: &Entry) -> usize {
    1 + match entry {
        Entry::Topic(topic) => render::json_len(topic),
        Entry::Family(family) => render::json_len(family),
    }
}

/// Leaves the entries from `offset` on that fit, in the order of how many topics they stand for, then of messages; says
/// how many that are.
fn drop_quietest(
    entries: &mut Vec<Entry>,
    offset: usize,
    room: usize,
    omitted: &mut Omitted,
) -> usize {
    let weight = |entry: &Entry| match entry {
        Entry::Topic(topic) => (1, topic.messages),
        Entry::Family(family) => (family.topics, family.messages),
    };
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|i| (std::cmp::Reverse(entries.get(*i).map(weight)), *i));
    let mut left = vec![false; entries.len()];
    let (mut total, mut shown) = (0, 0);
    for i in order.into_iter().skip(offset) {
        let Some(entry) = entries.get(i) else {
            continue;
        };
        total += cost(entry);
        if total > room {
            omitted.topics += weight(entry).0 as u64;
            omitted.families += usize::from(matches!(entry, Entry::Family(_)));
        } else if let Some(flag) = left.get_mut(i) {
            *flag = true;
            shown += 1;
        }
    }
    let mut left = left.into_iter();
    entries.retain(|_| left.next().unwrap_or(false));
    shown
}

fn entry(
    group: &Group,
    topics: &[TopicFinding],
    report: &Report,
    preview: usize,
    format: Format,
) -> Option<Entry> {
    let members: Vec<&TopicFinding> = group
        .members
        .iter()
        .filter_map(|i| topics.get(*i))
        .collect();
    match members.as_slice() {
        [] => None,
        [one] => Some(Entry::Topic(topic(one, report, preview, format))),
        many => Some(Entry::Family(family(&group.pattern, many, report, preview))),
    }
}

fn topic(found: &TopicFinding, report: &Report, preview: usize, format: Format) -> Topic {
    // Else the age says it.
    let dated = format == Format::Detailed;
    let time = |at| render::time(report.started + at);
    Topic {
        topic: render::topic(&found.topic),
        messages: found.messages,
        retained: found.retained,
        first_seen: (dated && found.messages > 1).then(|| time(found.first)),
        last_seen: dated.then(|| time(found.last)),
        age_s: age(report, found.last),
        rate_per_s: found.rate.map(render::rounded),
        format: found.format,
        size: found.last_bytes,
        preview: shown(found, preview),
    }
}

/// In tenths: when nobody knows when the answer is read, more says nothing.
fn age(report: &Report, last: Duration) -> f64 {
    (report.elapsed.saturating_sub(last).as_secs_f64() * 10.0).round() / 10.0
}

fn shown(found: &TopicFinding, preview: usize) -> Option<String> {
    (preview > 0).then(|| render::preview(&found.preview, found.shown_bytes, preview))
}

/// Names behind one pattern; twenty take some 80 tokens.
const NAMES: usize = 20;

/// What stands in the topics where the pattern has a +, each once, in order of name.
fn names(pattern: &str, members: &[&TopicFinding]) -> Vec<String> {
    let of = |found: &&TopicFinding| {
        let levels = pattern.split('/').zip(found.topic.split('/'));
        let open = levels
            .filter(|(level, _)| *level == "+")
            .map(|(_, name)| name);
        render::topic(&open.collect::<Vec<_>>().join("/"))
    };
    let mut names: Vec<String> = members.iter().map(of).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() > NAMES {
        let more = names.len() - NAMES;
        names.truncate(NAMES);
        names.push(format!("… {more} more"));
    }
    names
}

fn family(pattern: &str, members: &[&TopicFinding], report: &Report, preview: usize) -> Family {
    let last = members
        .iter()
        .map(|found| found.last)
        .max()
        .unwrap_or_default();
    let rates: Vec<f64> = members.iter().filter_map(|found| found.rate).collect();
    let mut formats: Vec<(&'static str, usize)> = Vec::new();
    for found in members {
        match formats
            .iter_mut()
            .find(|(format, _)| *format == found.format)
        {
            Some((_, count)) => *count += 1,
            None => formats.push((found.format, 1)),
        }
    }
    formats.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    // The freshest and the first by name: what is alive, and one that is easy to find again.
    let freshest = members
        .iter()
        .max_by(|a, b| a.last.cmp(&b.last).then_with(|| b.topic.cmp(&a.topic)));
    let mut examples: Vec<&TopicFinding> = members
        .first()
        .into_iter()
        .chain(freshest)
        .copied()
        .collect();
    examples.dedup_by(|a, b| a.topic == b.topic);
    Family {
        names: names(pattern, members),
        pattern: render::topic(pattern),
        topics: members.len(),
        messages: members.iter().map(|found| found.messages).sum(),
        retained: members.iter().map(|found| found.retained).sum(),
        age_s: age(report, last),
        rate_per_s: (!rates.is_empty()).then(|| render::rounded(rates.iter().sum())),
        formats: formats
            .into_iter()
            .map(|(format, _)| format)
            .take(4)
            .collect(),
        examples: examples
            .into_iter()
            .map(|found| Example {
                topic: render::topic(&found.topic),
                preview: shown(found, preview),
            })
            .collect(),
    }
}
