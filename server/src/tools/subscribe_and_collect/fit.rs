//! The answer within its budget of bytes. Payloads are shown shorter first, then the least important messages go; what
//! was cut is counted and named. Same report, same answer.

use super::{Answer, Format, Head, Message, Omitted, Summary, summary};
use crate::broker::report::{KeptMessage, Report, StopReason};
use crate::render::{self, Encoding};
use crate::tools::said;
use std::collections::BTreeMap;

/// Bytes of a payload shown, tried in this order.
const CONCISE: &[usize] = &[512, 256, 128, 64];
const DETAILED: &[usize] = &[4_096, 2_048, 1_024, 512, 256, 128, 64];

/// Topics and kinds of error in the summary, tried in this order until it takes no more than half of the budget.
const LISTS: &[(usize, usize)] = &[(12, 16), (6, 8), (3, 4), (1, 2), (0, 1), (0, 0)];

/// Reasons for keeping a message, the dearest first; others come before `sample`.
const DEAR: &[&str] = &["error", "first", "last", "warning"];

/// Bytes that `omitted` may take.
const RESERVE: usize = 320;

const MORE: &str = "narrower topic, shorter duration, larger max_bytes or response_format detailed";

pub(in crate::tools) fn answer(
    head: Head,
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
    let verdict =
        said::with_interruption(report, verdict(&head, report, &summary)) + &said::asides(report);
    let base = render::json_len(&head) + render::json_len(&summary) + verdict.len() + RESERVE;
    let room = budget.saturating_sub(base);
    let sizes = match format {
        Format::Concise => CONCISE,
        Format::Detailed => DETAILED,
    };
    let longest = sizes.first().copied().unwrap_or(64);
    let mut messages = Vec::new();
    let mut total = 0;
    for limit in sizes {
        messages = kept
            .iter()
            .map(|m| message(m, report, *limit, format))
            .collect();
        total = messages.iter().map(cost).sum();
        if total <= room {
            break;
        }
    }
    let dropped = drop_least(kept, &messages, total, room);
    let mut omitted = Omitted {
        how_to_get_more: MORE,
        ..Omitted::default()
    };
    let mut left = Vec::with_capacity(messages.len());
    for ((shown, kept), gone) in messages.into_iter().zip(kept).zip(&dropped) {
        if *gone {
            omitted.messages += 1;
            *omitted
                .messages_why
                .entry(kept.why.first().copied().unwrap_or("sample"))
                .or_default() += 1;
        } else {
            omitted.payloads_cut += usize::from(is_cut(&shown, kept, longest));
            left.push(shown);
        }
    }
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
        return said::nothing(head, report);
    }
    let about = if summary.estimates.contains(&"topics_seen") {
        "about "
    } else {
        ""
    };
    let mut all = format!(
        "{} on {about}{}: ",
        said::count(summary.received, "message", "messages"),
        said::count(summary.topics_seen, "topic", "topics")
    );
    all += &match summary.errors {
        0 => "no errors".to_owned(),
        errors => said::count(errors, "error", "errors"),
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
        all += &format!("; {}", said::count(summary.warnings, "warning", "warnings"));
    }
    let early = report.stopped == Some(StopReason::MaxMessages);
    if early && summary.received == summary.retained {
        all += "; all retained: raise max_messages, or retained exclude";
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

/// Which messages go so that the rest fits.
fn drop_least(kept: &[KeptMessage], shown: &[Message], total: usize, room: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..kept.len()).collect();
    let mut seen: BTreeMap<usize, u32> = BTreeMap::new();
    let ranks: Vec<(usize, u32)> = kept
        .iter()
        .map(|message| {
            let rank = rank(message);
            let nth = seen.entry(rank).or_default();
            *nth += 1;
            // Bits in reverse spread what stays of one rank evenly over time.
            (rank, (*nth - 1).reverse_bits())
        })
        .collect();
    order.sort_by_key(|i| std::cmp::Reverse(ranks.get(*i).copied().unwrap_or_default()));
    let mut dropped = vec![false; kept.len()];
    let mut total = total;
    for i in order {
        if total <= room {
            break;
        }
        total -= shown.get(i).map_or(0, cost);
        if let Some(flag) = dropped.get_mut(i) {
            *flag = true;
        }
    }
    dropped
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
    }
}
