//! Families of schemas within the answer's budget of bytes: examples get shorter, then the families with the fewest
//! messages go, then the longest schemas; what was cut is counted.

use super::{
    Answer, Binary, Bytes, Changed, Confidence, Family, First, Format, Head, Omitted, Rest, Text,
};
use crate::broker::report::{Report, SchemaFamily, SchemaFindings};
use crate::render;
use crate::tools::listening::sentences;
use serde_json::Value;

/// Examples of a family and the bytes of each, tried in this order.
const EXAMPLES: &[(usize, usize)] = &[(2, 1_024), (1, 400), (1, 160)];

/// Bytes that the rest of the answer may take.
const RESERVE: usize = 420;

/// Paths that changed type, texts that are shown.
const PATHS: usize = 24;
const TEXTS: usize = 8;

const MORE: &str = "narrower topic, larger max_bytes, or response_format detailed";

pub(in crate::tools) fn answer(
    mut head: Head,
    report: &Report,
    format: Format,
    budget: usize,
) -> Answer {
    let none = Default::default();
    let found = report.findings.schema.as_ref().unwrap_or(&none);
    let verdict = sentences::with_interruption(report, verdict(&head, report, found))
        + &sentences::asides(report);
    let room = budget.saturating_sub(render::json_len(&head) + verdict.len() + RESERVE);
    let steps = match format {
        Format::Concise => &EXAMPLES[1..],
        Format::Detailed => EXAMPLES,
    };
    let mut families = Vec::new();
    for &(count, bytes) in steps {
        let told = found.families.iter().skip(head.offset);
        families = told.map(|family| tell(family, count, bytes)).collect();
        if cost(&families) <= room {
            break;
        }
    }
    let mut omitted = Omitted {
        messages_beyond: found.messages_beyond,
        members_lost: found.members_lost,
        how_to_get_more: MORE,
        ..Omitted::default()
    };
    cut(&mut families, room, &mut omitted);
    head.rest = match (omitted.families, omitted.schemas) {
        (_, 1..) if format == Format::Concise => Some(Rest::Fuller),
        (1.., _) => Some(Rest::From(head.offset + families.len().max(1))),
        (0, _) => None,
    };
    let (topics_seen, topics_seen_estimated) = seen(report, found);
    // Of one family the total is known better than the part.
    if let [only] = &mut families[..]
        && found.messages_beyond == 0
        && found.families.len() == 1
    {
        (only.topics, only.topics_estimated) = (topics_seen, topics_seen_estimated);
    }
    let any = omitted.families > 0
        || omitted.schemas > 0
        || omitted.messages_beyond > 0
        || omitted.members_lost > 0;
    Answer {
        verdict: Some(verdict),
        head,
        messages: report.received,
        topics_seen,
        topics_seen_estimated,
        families,
        omitted: any.then_some(omitted),
    }
}

/// Distinct topics, and whether that is an estimate.
fn seen(report: &Report, found: &SchemaFindings) -> (u64, bool) {
    let topics = found.families.iter().map(|family| family.topics);
    let estimated = found.families.iter().any(|family| family.topics_estimated);
    match report.findings.distinct {
        Some(known) => known,
        None => (topics.sum::<u64>().min(report.received), estimated),
    }
}

fn verdict(head: &Head, report: &Report, found: &SchemaFindings) -> String {
    // Of a session that has no room left for this topic, listening anew tells it.
    let unknown = found.families.is_empty() && report.received > 0;
    let beyond = match found.messages_beyond {
        0 => String::new(),
        _ if unknown && report.narrowed.is_some() => {
            return format!(
                "{} came, but the session's memory had no room for their schema: ask again with since now, which listens anew",
                sentences::count(report.received, "message", "messages")
            );
        }
        beyond => format!(
            "; {} of further families found no room",
            sentences::count(beyond, "message", "messages")
        ),
    };
    lines(head, report, &found.families) + &beyond
}

fn lines(head: &Head, report: &Report, families: &[SchemaFamily]) -> String {
    if report.received == 0 {
        return sentences::nothing(head, report);
    }
    let judged = families.iter().filter(|family| family.sample > 0);
    let low = judged.filter(|family| family.confidence.1 == "Low").count();
    let all = sentences::count(families.len() as u64, "family", "families");
    let lead = match families {
        [only] => lead(only),
        _ => format!("{all} of topics"),
    };
    match low {
        0 => lead,
        1 if families.len() == 1 => {
            format!("{lead}: so few that the schema is a guess, listen longer")
        }
        low => format!(
            "{lead}; for {low} so few messages came that the schema is a guess: listen longer"
        ),
    }
}

/// The only family in words.
fn lead(family: &SchemaFamily) -> String {
    let formats: Vec<&str> = family.formats.iter().map(|(name, _)| *name).collect();
    let confidence = match family.sample {
        0 => String::new(),
        _ => format!(", confidence {}", family.confidence.1),
    };
    format!(
        "{}: {}{confidence}, from {}",
        render::topic(&family.pattern),
        formats.join(" or "),
        sentences::count(family.messages, "message", "messages")
    )
}

fn cost(families: &[Family]) -> usize {
    families
        .iter()
        .map(|family| render::json_len(family) + 1)
        .sum()
}

/// First schemas that take more than half of the room each, then whole families from the end.
fn cut(families: &mut Vec<Family>, room: usize, omitted: &mut Omitted) {
    let mut total = cost(families);
    while total > room && families.len() > 1 {
        let Some(family) = families.pop() else { break };
        total -= render::json_len(&family) + 1;
        omitted.families += 1;
        omitted.families_messages += family.messages;
    }
    if let [only] = families.as_mut_slice()
        && total > room
    {
        total -= only.schema.take().as_ref().map_or(0, render::json_len);
        omitted.schemas += 1;
    }
    if total > room {
        omitted.families += families.len();
        families.clear();
    }
}

fn tell(found: &SchemaFamily, examples: usize, bytes: usize) -> Family {
    let share = |count: u64| render::rounded(count as f64 / found.messages.max(1) as f64);
    let formats = found.formats.iter();
    let (min, mean, max) = found.bytes;
    let parse = |text: &String| serde_json::from_str(text).unwrap_or_default();
    Family {
        pattern: render::topic(&found.pattern),
        topics: found.topics,
        topics_estimated: found.topics_estimated,
        messages: found.messages,
        formats: formats.map(|&(name, count)| (name, share(count))).collect(),
        confidence: (found.sample > 0).then(|| Confidence {
            level: found.confidence.1,
            score: render::rounded(found.confidence.0),
            sample_size: found.sample,
        }),
        schema: found.schema.as_ref().map(parse).map(without_dialect),
        changed_type: found.changed.iter().take(PATHS).map(changed).collect(),
        outliers: found.outliers,
        text: found.text.as_ref().map(|(schema, values)| {
            let schema: Value = parse(schema);
            // An enumeration names them all.
            let shown = if schema.get("enum").is_some() {
                0
            } else {
                TEXTS
            };
            let values = values.iter().take(shown);
            Text {
                schema,
                values: values.map(|text| render::clean(text)).collect(),
            }
        }),
        binary: found
            .binary
            .as_ref()
            .map(|(messages, entropy, magic)| Binary {
                messages: *messages,
                entropy_bits_per_byte: render::rounded(*entropy),
                first_bytes_hex: magic.iter().map(|byte| format!("{byte:02x}")).collect(),
            }),
        bytes: Bytes { min, mean, max },
        examples: shown(found, examples, bytes),
    }
}

/// The output schema says which JSON Schema it is, once for all.
fn without_dialect(mut schema: Value) -> Value {
    if let Some(members) = schema.as_object_mut() {
        members.shift_remove("$schema");
    }
    schema
}

fn changed(found: &crate::broker::report::ChangedPath) -> Changed {
    Changed {
        path: render::clean(render::front(&found.path, 160)),
        types: found.types.iter().copied().collect(),
        last_change_t_ms: render::whole_millis(found.last),
        first: found.first.as_ref().map(|first| First {
            topic: render::topic(&first.topic),
            t_ms: render::whole_millis(first.at),
            from: render::clean(&first.values.0),
            to: render::clean(&first.values.1),
        }),
    }
}

/// The first examples: JSON as JSON where it fits, else a front of it.
fn shown(found: &SchemaFamily, count: usize, bytes: usize) -> Vec<Value> {
    let examples = found.examples.iter().take(count);
    examples
        .map(|(held, size)| {
            let text = std::str::from_utf8(held).ok();
            match text.and_then(render::json) {
                Some(json) if *size <= bytes && held.len() == *size => json,
                _ => Value::from(render::preview(held, *size, bytes)),
            }
        })
        .collect()
}
