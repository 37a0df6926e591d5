//! An answer as a person reads it: for each tool the few lines that matter. What the assistant gets is the whole.

use super::paint::{cut, size};
use serde_json::Value;

/// Entries of a list that are shown.
const ENTRIES: usize = 6;

/// Characters of a payload that are shown.
const PAYLOAD: usize = 100;

/// The lines for a tool's `structuredContent`.
pub(super) fn lines(tool: &str, answer: &Value) -> Vec<String> {
    match tool {
        "establish_connection" => established(answer),
        "test_connection" => tested(answer),
        "list_topics" => topics(answer),
        "subscribe_and_collect" => collected(answer),
        "get_topic_schema" => schemas(answer),
        "debug_device" => devices(answer),
        "monitor_performance" => performance(answer),
        "publish_message" => published(answer),
        "list_active_connections" => sessions(answer),
        _ => vec![members(answer)],
    }
}

fn established(answer: &Value) -> Vec<String> {
    vec![
        format!(
            "session {}, MQTT {} with {}",
            id(&answer["session_id"]),
            text(&answer["protocol"]),
            text(&answer["broker"])
        ),
        format!("allows {}", members(&answer["allows"])),
        format!("milliseconds {}", members(&answer["ms"])),
    ]
}

fn tested(answer: &Value) -> Vec<String> {
    let mut lines = vec![text(&answer["verdict"])];
    let checks = answer["checks"].as_object();
    for (check, outcome) in checks.into_iter().flatten() {
        lines.push(format!("{check}: {}", members(outcome)));
    }
    lines
}

fn topics(answer: &Value) -> Vec<String> {
    let mut lines = vec![format!(
        "{} topics, {} messages, {} of them retained, in {} s",
        answer["topics_seen"], answer["messages"], answer["retained"], answer["listened_s"]
    )];
    let families = list(&answer["families"]);
    lines.extend(families.iter().take(ENTRIES).map(|family| {
        format!(
            "{}  ({} topics alike, {} messages, {})",
            text(&family["pattern"]),
            family["topics"],
            family["messages"],
            words(&family["formats"])
        )
    }));
    more(&mut lines, families.len(), "patterns");
    let single = list(&answer["topics"]);
    lines.extend(single.iter().take(ENTRIES).map(|topic| {
        format!(
            "{}  ({}, {})  {}",
            text(&topic["topic"]),
            text(&topic["format"]),
            size(topic["size"].as_u64().unwrap_or(0)),
            text(&topic["preview"])
        )
    }));
    more(&mut lines, single.len(), "topics");
    lines
}

fn collected(answer: &Value) -> Vec<String> {
    let summary = &answer["summary"];
    let mut lines = vec![
        format!(
            "{} messages on {} topics in {} s; errors: {}, warnings: {}",
            summary["received"],
            summary["topics_seen"],
            answer["listened_s"],
            summary["errors"],
            summary["warnings"]
        ),
        format!(
            "kept {}: {}",
            summary["kept"],
            members(&summary["kept_why"])
        ),
    ];
    let kinds = list(&summary["error_kinds"]);
    lines.extend(kinds.iter().take(ENTRIES).map(|kind| {
        format!(
            "{} × {}: {}",
            kind["count"],
            text(&kind["topic"]),
            text(&kind["why"])
        )
    }));
    more(&mut lines, kinds.len(), "kinds of error");
    // Errors first: they are why one listens.
    let mut kept: Vec<&Value> = list(&answer["messages"]).iter().collect();
    kept.sort_by_key(|message| match message["severity"].as_str() {
        Some(severity) if severity.starts_with("error") => 0,
        Some(_) => 1,
        None => 2,
    });
    lines.extend(kept.iter().take(ENTRIES).map(|message| {
        format!(
            "+{:.1} s  {}  {}",
            message["t_ms"].as_f64().unwrap_or(0.0) / 1000.0,
            text(&message["topic"]),
            cut(&text(&message["payload"]), PAYLOAD)
        )
    }));
    more(&mut lines, kept.len(), "messages");
    lines
}

fn schemas(answer: &Value) -> Vec<String> {
    let families = list(&answer["families"]);
    let mut lines: Vec<String> = Vec::new();
    for family in families.iter().take(ENTRIES / 2) {
        lines.push(format!(
            "{}  ({} topics, {} messages, confidence {})",
            text(&family["pattern"]),
            family["topics"],
            family["messages"],
            text(&family["confidence"]["level"])
        ));
        lines.push(cut(&text(&family["schema"]), PAYLOAD * 3));
    }
    if families.len() > ENTRIES / 2 {
        lines.push(format!(
            "… and {} more families",
            families.len() - ENTRIES / 2
        ));
    }
    lines
}

fn devices(answer: &Value) -> Vec<String> {
    let mut lines = vec![text(&answer["verdict"])];
    let devices = list(&answer["devices"]);
    for device in devices.iter().take(ENTRIES) {
        lines.push(format!(
            "{}: {} of 100",
            text(&device["id"]),
            device["score"]
        ));
        let findings = list(&device["findings"]).iter();
        lines.extend(
            findings.map(|finding| format!("  −{} {}", finding["points"], text(&finding["what"]))),
        );
    }
    more(&mut lines, devices.len(), "devices");
    lines
}

fn performance(answer: &Value) -> Vec<String> {
    let mut lines = vec![text(&answer["verdict"])];
    lines.extend(list(&answer["streams"]).iter().take(1).map(|stream| {
        format!(
            "milliseconds between messages: {}; bytes: {}",
            members(&stream["interval_ms"]),
            members(&stream["size_bytes"])
        )
    }));
    lines.push(format!("round trip: {}", members(&answer["round_trip"])));
    lines
}

fn published(answer: &Value) -> Vec<String> {
    let mut lines = vec![format!(
        "{} ({} ms)",
        text(&answer["outcome"]),
        answer["ms"]
    )];
    lines.extend(list(&answer["answers"]).iter().map(|reply| {
        format!(
            "after {} ms{}: {}  {}",
            reply["round_trip_ms"],
            match reply["fits_schema"].as_bool() {
                Some(true) => ", fits the schema",
                Some(false) => ", does not fit the schema",
                None => "",
            },
            text(&reply["topic"]),
            text(&reply["payload"]),
        )
    }));
    lines
}

fn sessions(answer: &Value) -> Vec<String> {
    list(&answer["sessions"])
        .iter()
        .map(|session| {
            format!(
                "{} {}: {}, {} messages in, {} out, {} in",
                id(&session["session_id"]),
                text(&session["broker"]),
                text(&session["state"]),
                session["messages_in"],
                session["messages_out"],
                size(session["bytes_in"].as_u64().unwrap_or(0)),
            )
        })
        .collect()
}

fn more(lines: &mut Vec<String>, all: usize, what: &str) {
    if all > ENTRIES {
        lines.push(format!("… and {} more {what}", all - ENTRIES));
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The front of a UUID is enough for a person.
fn id(value: &Value) -> String {
    cut(&text(value), 9)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn words(value: &Value) -> String {
    list(value).iter().map(text).collect::<Vec<_>>().join(", ")
}

fn members(value: &Value) -> String {
    let Value::Object(members) = value else {
        return text(value);
    };
    members
        .iter()
        .map(|(name, member)| {
            let member = match name.as_str() {
                "session_id" => id(member),
                "memory_bytes" => size(member.as_u64().unwrap_or(0)),
                _ => text(member),
            };
            format!("{name} {member}")
        })
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::lines;
    use serde_json::json;

    #[test]
    fn errors_come_first_and_what_is_not_shown_is_counted() {
        let mut messages: Vec<_> = (0..8)
            .map(|n| json!({"t_ms": n * 100, "topic": format!("a/{n}"), "payload": n}))
            .collect();
        messages.push(json!({"t_ms": 900, "topic": "a/bad", "payload": {"error": "E07"}, "severity": "error"}));
        let shown = lines(
            "subscribe_and_collect",
            &json!({"summary": {"kept": 9}, "messages": messages}),
        );
        assert_eq!(shown[2], "+0.9 s  a/bad  {\"error\":\"E07\"}");
        assert_eq!(
            shown.last().map(String::as_str),
            Some("… and 3 more messages")
        );
    }
}
