//! The answer within its budget of bytes. Payloads are shown shorter first, then the least important messages go; what
//! was cut is counted and named. Same report, same answer.

use super::{Answer, Format, Head, Message, Omitted, Rest, Summary, summary};
use crate::broker::report::{KeptMessage, Report};
use crate::render::{self, Encoding};
use crate::tools::listening::sentences;
use std::collections::BTreeMap;

/// Bytes of a payload shown, tried in this order.
const CONCISE: &[usize] = &[512, 256, 128];
/// Who wants details gets them by pages.
const DETAILED: &[usize] = &[4_096];

/// Topics and kinds of error in the summary, tried in this order until it takes no more than half of the budget.
const LISTS: &[(usize, usize)] = &[(12, 16), (6, 8), (3, 4), (1, 2), (0, 1), (0, 0)];

/// Reasons for keeping a message, the dearest first; others come before `sample`.
const DEAR: &[&str] = &["error", "first", "last", "warning"];

/// Bytes that `omitted` may take.
const RESERVE: usize = 320;

const MORE: &str = "narrower topic, shorter duration, larger max_bytes or response_format detailed";

pub(in crate::tools) fn answer(
    mut head: Head,
    report: &Report,
    format: Format,
    budget: usize,
) -> Answer {
    let none = Vec::new();
    let kept = report
        .findings
        .messages
        .as_ref()
        .map_or(&none, |found| &found.kept);
    let summary = small_summary(report, budget);
    let verdict = sentences::with_interruption(report, verdict(&head, report, &summary))
        + &sentences::asides(report);
    let base = render::json_len(&head) + render::json_len(&summary) + verdict.len() + RESERVE;
    let room = budget.saturating_sub(base);
    let sizes = match format {
        Format::Concise => CONCISE,
        Format::Detailed => DETAILED,
    };
    let longest = sizes.first().copied().unwrap_or(64);
    let page = dearest(kept, head.offset);
    let mut messages = Vec::new();
    for limit in sizes {
        let shown = page.iter().filter_map(|at| kept.get(*at));
        messages = shown.map(|m| message(m, report, *limit, format)).collect();
        if messages.iter().map(cost).sum::<usize>() <= room {
            break;
        }
    }
    let mut omitted = Omitted {
        how_to_get_more: MORE,
        ..Omitted::default()
    };
    let (mut total, mut shortened) = (0, false);
    let mut left: Vec<(usize, Message)> = Vec::with_capacity(messages.len());
    for (shown, at) in messages.into_iter().zip(page) {
        let Some(kept) = kept.get(at) else { continue };
        total += cost(&shown);
        if total > room {
            omitted.messages += 1;
            let why = kept.why.first().copied().unwrap_or("sample");
            *omitted.messages_why.entry(why).or_default() += 1;
        } else {
            omitted.payloads_cut += usize::from(is_cut(&shown, kept, longest));
            shortened |= shown.cut_to.is_some_and(|bytes| bytes < kept.payload.len());
            left.push((at, shown));
        }
    }
    head.rest = match (omitted.messages, format) {
        (1.., _) => Some(Rest::From(head.offset + left.len().max(1))),
        (0, Format::Concise) if shortened => Some(Rest::Detailed),
        (0, _) => None,
    };
    left.sort_by_key(|(at, _)| *at);
    let left = left.into_iter().map(|(_, message)| message).collect();
    let any = omitted.messages > 0 || omitted.payloads_cut > 0;
    Answer {
        verdict: Some(verdict),
        head,
        summary,
        messages: left,
        omitted: any.then_some(omitted),
    }
}

fn verdict(head: &Head, report: &Report, summary: &Summary) -> String {
    if summary.received == 0 {
        return sentences::nothing(head, report);
    }
    let about = if summary.estimates.contains(&"topics_seen") {
        "about "
    } else {
        ""
    };
    let mut all = format!(
        "{} on {about}{}: ",
        sentences::count(summary.received, "message", "messages"),
        sentences::count(summary.topics_seen, "topic", "topics")
    );
    all += &match summary.errors {
        0 => "no errors".to_owned(),
        errors => sentences::count(errors, "error", "errors"),
    };
    if let Some(kind) = summary.error_kinds.first() {
        let why = render::front(&kind.why, 140);
        let place = match kind.topics {
            Some(topics) => {
                let more = if kind.topics_more { " or more" } else { "" };
                format!(
                    "on {topics}{more} topics ({})",
                    render::front(&kind.topic, 80)
                )
            }
            None => format!("on {}", render::front(&kind.topic, 80)),
        };
        // One kind needs no counting twice.
        all += &match summary.errors == kind.count && summary.error_kinds.len() == 1 {
            true => format!(" {place}, `{why}`"),
            false => format!(", most often `{why}` {place}, {}×", kind.count),
        };
    }
    if summary.warnings > 0 {
        all += &format!(
            "; {}",
            sentences::count(summary.warnings, "warning", "warnings")
        );
    }
    all
}

/// Shown shorter than the format alone would have it.
fn is_cut(shown: &Message, kept: &KeptMessage, longest: usize) -> bool {
    shown
        .cut_to
        .is_some_and(|bytes| bytes + 4 < kept.payload.len().min(longest))
}

fn small_summary(report: &Report, budget: usize) -> Summary {
    let mut lists = LISTS.iter();
    loop {
        let (topics, kinds) = lists.next().copied().unwrap_or((0, 0));
        let summary = summary(report, topics, kinds);
        if render::json_len(&summary) <= budget / 2 || (topics, kinds) == (0, 0) {
            return summary;
        }
    }
}

fn cost(message: &Message) -> usize {
    render::json_len(message) + 1
}

/// Places of the messages, the dearest first, without the first `offset` of them.
fn dearest(kept: &[KeptMessage], offset: usize) -> Vec<usize> {
    let mut seen: BTreeMap<usize, u32> = BTreeMap::new();
    let ranks = kept.iter().enumerate().map(|(at, message)| {
        let rank = rank(message);
        let nth = seen.entry(rank).or_default();
        *nth += 1;
        // Bits in reverse spread what stays of one rank evenly over time.
        (rank, (*nth - 1).reverse_bits(), at)
    });
    let mut ranks: Vec<_> = ranks.collect();
    ranks.sort_unstable();
    ranks
        .into_iter()
        .skip(offset)
        .map(|(_, _, at)| at)
        .collect()
}

/// Smaller is dearer.
fn rank(message: &KeptMessage) -> usize {
    let of = |why: &&'static str| match *why {
        "sample" => DEAR.len() + 1,
        why => DEAR
            .iter()
            .position(|dear| *dear == why)
            .unwrap_or(DEAR.len()),
    };
    message.why.iter().map(of).min().unwrap_or(DEAR.len() + 1)
}

fn message(kept: &KeptMessage, report: &Report, limit: usize, format: Format) -> Message {
    let shown = render::payload(&kept.payload, kept.payload_bytes, limit);
    let text = (shown.encoding == Encoding::Text).then(|| std::str::from_utf8(&kept.payload));
    let twins = text.is_some_and(|text| text.is_ok_and(render::has_twins));
    let severity = kept.severity.as_ref().map(|(level, why)| {
        // A long text stands in the payload already.
        let why = match why.split_once(": ") {
            Some((place, text)) if text.len() > 24 && shown.cut.is_none() => place,
            _ => render::front(why, 120),
        };
        format!("{level}: {}", render::clean(why))
    });
    Message {
        t: render::time(report.started + kept.at),
        t_ms: render::whole_millis(kept.at),
        topic: render::topic(&kept.topic),
        payload: shown.value,
        encoding: (shown.encoding != Encoding::Json).then_some(shown.encoding),
        size: kept.size,
        cut_to: shown.cut,
        qos: kept.qos as u8,
        retain: kept.retain,
        why: kept.why.clone(),
        severity,
        format: match kept.wraps {
            // Shown is what it wraps, if that could be read.
            Some(inside) => Some(format!("{} of {inside}", kept.format)),
            // What was decoded looks like JSON.
            None => {
                let told = format == Format::Detailed || kept.raw.is_some();
                told.then(|| kept.format.to_owned())
            }
        },
        note: twins.then_some("duplicate names in an object: all are shown, as they came"),
    }
}
