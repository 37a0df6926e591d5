//! The trace that a call leaves: one line in the log, and in a service one entry of the journal.
//!
//! Invariant: of arguments names are told, and values only where they are numbers, yes or no, or texts of arguments that
//! never are secrets; what looks like credentials is masked before it is kept.

use super::call::{Invocation, Outcome};
use super::caller::Caller;
use super::job::Desk;
use super::message;
use super::service::Service;
use crate::journal::{ClientId, Ended, Journal, Noted};
use crate::text::mask::{mask, mask_connection_strings};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Bytes in ten tokens, about: results are JSON with many digits and short words, of which tokenizers make more than of
/// prose.
const BYTES_OF_TEN_TOKENS: usize = 27;

/// Names of arguments that are told; no tool has more.
const MAX_TOLD: usize = 24;

/// Bytes of one value in the journal.
const MAX_VALUE: usize = 80;

/// Bytes of a result that are handed to the journal, which keeps less.
const MAX_RESULT: usize = 8 << 10;

/// Arguments whose texts are shown: topics, names of devices and words of ours. Not `connection_string`, and no payload.
const SHOWN: [&str; 11] = [
    "topic",
    "topics",
    "filter",
    "filters",
    "watch",
    "device_pattern",
    "response_format",
    "since",
    "until",
    "retained",
    "protocol",
];

/// Tells the journal, if there is one, that an assistant is here.
pub(super) fn came(service: &dyn Service, caller: &Caller) -> Option<Arc<Journal>> {
    let journal = service.journal()?;
    journal.client_came(ClientId(caller.id), caller.transport.name());
    Some(journal)
}

/// That it has said who it is.
pub(super) fn named(desk: &Desk, caller: &Caller) {
    if let Some(journal) = &desk.journal {
        name(journal, caller);
    }
}

/// That it is gone.
pub(super) fn left(desk: &Desk, caller: &Caller) {
    if let Some(journal) = &desk.journal {
        journal.client_left(ClientId(caller.id));
    }
}

fn name(journal: &Journal, caller: &Caller) {
    if let Some(name) = &caller.name {
        let version = caller.version.as_deref().unwrap_or_default();
        journal.client_named(ClientId(caller.id), name, version);
    }
}

/// A call as it begins.
pub(super) struct Told(Noted, Arc<Caller>);

impl Told {
    pub(super) fn of(invocation: &Invocation) -> Self {
        let arguments = &invocation.arguments;
        let names = arguments.keys().take(MAX_TOLD).map(|name| {
            // A name that cannot be that of an argument may be anything, also a value in the wrong place.
            let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            let harmless = name.len() <= 40 && name.bytes().all(is_name);
            if harmless { name.as_str() } else { "?" }
        });
        let names: Vec<&str> = names.collect();
        let session = arguments.get("session_id").and_then(Value::as_str);
        let session = session.and_then(|id| Uuid::parse_str(id).ok());
        let noted = Noted {
            tool: message::repeat(&invocation.name),
            arguments: shown(arguments, &names),
            names: names.into_iter().map(str::to_owned).collect(),
            session: session.map(|id| id.to_string()),
        };
        Self(noted, Arc::clone(&invocation.caller))
    }

    /// For the log.
    pub(super) fn line(&self, took: Duration, bytes: usize, outcome: &str) -> String {
        let Noted {
            tool,
            names,
            session,
            ..
        } = &self.0;
        let (names, session) = (names.join(","), session.as_deref().unwrap_or("-"));
        let (ms, tokens) = (took.as_millis(), tokens(bytes));
        format!(
            "{tool}({names}) session={session} ms={ms} bytes={bytes} tokens={tokens} outcome={outcome}"
        )
    }

    /// For the journal.
    pub(super) fn note(
        self,
        journal: &Journal,
        took: Duration,
        bytes: usize,
        outcome: &str,
        seen: &Seen,
    ) {
        // Of a client without a handshake each request says anew who it is.
        name(journal, &self.1);
        journal.call(
            ClientId(self.1.id),
            self.0,
            Ended {
                took,
                listened: seen.listened,
                bytes,
                tokens: tokens(bytes),
                outcome,
                failed: !matches!(outcome, "ok" | "cancelled"),
                verdict: &seen.verdict,
                result: &seen.result,
            },
        );
    }
}

fn tokens(bytes: usize) -> usize {
    bytes * 10 / BYTES_OF_TEN_TOKENS
}

/// `topic: "attic/#", duration: 5, payload: 12 bytes`
fn shown(arguments: &Map<String, Value>, names: &[&str]) -> String {
    let told = arguments.values().zip(names);
    // The session is noted apart.
    let told = told.filter(|(_, name)| !matches!(**name, "session_id"));
    let told = told.map(|(value, name)| {
        let known = SHOWN.contains(name);
        let value = match value {
            Value::Number(_) | Value::Bool(_) | Value::Null => value.to_string(),
            Value::String(_) | Value::Array(_) if known => {
                let text = value.to_string();
                let text = mask_connection_strings(&text);
                let end = text.floor_char_boundary(MAX_VALUE);
                let dots = if end < text.len() { "…" } else { "" };
                format!("{}{dots}", text.get(..end).unwrap_or_default())
            }
            Value::String(text) if *name == "payload" => format!("{} bytes", text.len()),
            _ => "…".to_owned(),
        };
        format!("{name}: {value}")
    });
    told.collect::<Vec<_>>().join(", ")
}

/// What the journal keeps of an outcome.
#[derive(Default)]
pub(super) struct Seen {
    verdict: String,
    listened: Duration,
    result: String,
}

impl Seen {
    pub(super) fn of(outcome: &Outcome) -> Self {
        match outcome {
            None => Self {
                verdict: "there is no tool of this name".to_owned(),
                ..Self::default()
            },
            Some(Err(error)) => Self {
                verdict: mask(&format!("{}; {}", error.message, error.next_step)).into_owned(),
                ..Self::default()
            },
            Some(Ok(answer)) => {
                let Some(structured) = &answer.structured else {
                    return Self::default();
                };
                let text = |name: &str| structured.get(name).and_then(Value::as_str);
                let listened = structured.get("listened_s").and_then(Value::as_f64);
                let listened = listened.and_then(|it| Duration::try_from_secs_f64(it).ok());
                let mut result = structured.to_string();
                result.truncate(result.floor_char_boundary(MAX_RESULT));
                Self {
                    verdict: text("verdict")
                        .or(text("status"))
                        .unwrap_or_default()
                        .to_owned(),
                    listened: listened.unwrap_or_default(),
                    result,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::caller::Transport;
    use super::super::revision::Revision;
    use super::super::service::Answer;
    use super::*;
    use crate::journal::CallFilter;
    use crate::protocol::failure::ToolError;
    use serde_json::json;

    fn invocation(name: &str, arguments: Value) -> Invocation {
        let Value::Object(arguments) = arguments else {
            unreachable!()
        };
        Invocation {
            name: name.to_owned(),
            arguments,
            token: None,
            revision: Revision::V2025_11_25,
            caller: Arc::new(Caller::new(3, Transport::Http)),
        }
    }

    #[test]
    fn a_call_leaves_a_line_without_the_values_of_its_arguments() {
        let arguments = json!({
            "session_id": "0C0A1B2C-3D4E-4F5A-8B6C-7D8E9F0A1B2C", "payload": "hunter2", "retain": true,
            "hunter2": 1, "mqtt://me:hunter2@host": 1
        });
        let mut told = invocation("publish_message mqtt://me:hunter2@host", arguments);
        let line = Told::of(&told).line(Duration::from_millis(7), 270, "ok");
        for part in [
            "publish_message",
            "mqtt://***@host",
            "payload",
            "retain",
            "?",
            "ms=7",
            "tokens=100",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert!(line.contains("session=0c0a1b2c-3d4e-4f5a-8b6c-7d8e9f0a1b2c"));
        assert!(!line.contains("hunter2"), "{line}");
        told.arguments
            .insert("session_id".to_owned(), json!("hunter2"));
        let line = Told::of(&told).line(Duration::ZERO, 0, "ok");
        assert!(line.contains("session=-"), "{line}");
    }

    #[test]
    fn the_journal_shows_what_may_be_shown() {
        let arguments = json!({
            "topic": "attic/#", "duration": 5, "payload": "hunter2", "password": "hunter2", "expect": {"topic": "hunter2"},
            "topics": ["a", "mqtt://me:hunter2@host"], "connection_string": "hunter2", "device_pattern": "x".repeat(500)
        });
        let told = Told::of(&invocation("subscribe_and_collect", arguments)).0;
        let shown = &told.arguments;
        for part in [
            "topic: \"attic/#\"",
            "duration: 5",
            "payload: 7 bytes",
            "password: …",
            "***@host",
            "xxx…",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.len() < 400, "{shown}");
    }

    #[test]
    fn verdicts_and_errors_come_into_the_journal() {
        let journal = Journal::new();
        journal.client_came(ClientId(3), "http");
        let note = |outcome: Outcome, word: &str| {
            let told = Told::of(&invocation("debug_device", json!({})));
            let took = Duration::from_secs(5);
            told.note(&journal, took, 10, word, &Seen::of(&outcome));
        };
        let answer =
            json!({"verdict": "all well", "listened_s": 4.9, "devices": ["ä".repeat(20_000)]});
        note(Some(Ok(Answer::from(answer))), "ok");
        let error = ToolError {
            code: "timeout",
            message: "mqtt://me:hunter2@host does not answer".to_owned(),
            next_step: "try again".to_owned(),
        };
        note(Some(Err(error)), "timeout");
        note(None, "-32602");
        let calls = journal.calls(&CallFilter::latest(3));
        let told: Vec<_> = calls
            .iter()
            .map(|call| (call.verdict.as_str(), call.failed))
            .collect();
        let expected = [
            ("there is no tool of this name", true),
            ("mqtt://***@host does not answer; try again", true),
            ("all well", false),
        ];
        assert_eq!(told, expected);
        assert_eq!(calls[2].own.as_millis(), 100);
    }
}
