//! One line through the whole protocol layer, before any handshake and after two of them: each request is answered once,
//! in the manner of its era; nothing else is.

use crate::little::Little;
use bitsperity_mqtt_mcp::protocol::answers;
use bitsperity_mqtt_mcp::protocol::message::{self, Incoming, Line, Params};
use bitsperity_mqtt_mcp::protocol::revision::has_envelope;
use serde_json::Value;
use std::sync::Arc;

/// None, one in whose sessions there are batches, and the newest.
const HANDSHAKES: [&[u8]; 3] = [
    b"",
    br#"{"jsonrpc":"2.0","id":"handshake","method":"initialize","params":{"protocolVersion":"2025-03-26"}}"#,
    br#"{"jsonrpc":"2.0","id":"handshake","method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#,
];

pub fn exchange(line: &[u8]) {
    for handshake in HANDSHAKES {
        let said = answers(Arc::new(Little), &[handshake, line]);
        let mut said = said.iter().map(|line| {
            assert!(!line.contains(['\n', '\r']));
            serde_json::from_str::<Value>(line).expect("a line is JSON")
        });
        if !handshake.is_empty() {
            assert_eq!(said.next().expect("an answer")["id"], "handshake");
        }
        let (notes, replies): (Vec<_>, Vec<_>) = said.partition(|it| it.get("method").is_some());
        for note in &notes {
            let method = note["method"].as_str().expect("a word");
            assert!(method.starts_with("notifications/") && note.get("id").is_none());
        }
        answered(message::parse(line), replies);
    }
}

fn answered(line: Line, mut replies: Vec<Value>) {
    match line {
        Line::Blank => assert!(replies.is_empty()),
        Line::NotJson(_) => assert_eq!(
            only(&replies)["error"]["code"],
            message::Code::ParseError.number()
        ),
        Line::One(incoming) => one(&incoming, &replies),
        Line::Batch(items) if matches!(replies.first(), Some(Value::Array(_))) => {
            let Value::Array(inner) = replies.remove(0) else {
                unreachable!()
            };
            assert!(replies.is_empty(), "a batch has one reply");
            let wants =
                |it: &&Incoming| matches!(it, Incoming::Request(_) | Incoming::Invalid { .. });
            // A request of the batch may have been cancelled by another message of it.
            assert!(inner.len() <= items.iter().filter(wants).count());
        }
        Line::Batch(_) => assert!(replies.iter().all(|reply| reply["error"].is_object())),
    }
}

fn one(incoming: &Incoming, replies: &[Value]) {
    match incoming {
        Incoming::Request(request) => {
            let reply = only(replies);
            let id = message::parse(
                format!(
                    "{{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":{}}}",
                    request.id.render()
                )
                .as_bytes(),
            );
            assert!(matches!(id, Line::One(Incoming::Request(ref it)) if it.id == request.id));
            assert_eq!(reply["id"].to_string(), request.id.render());
            assert_ne!(reply.get("result").is_some(), reply.get("error").is_some());
            if let Some(result) = reply.get("result") {
                let modern =
                    matches!(&request.params, Params::Object(params) if has_envelope(params));
                assert_eq!(result.get("resultType").is_some(), modern, "{reply}");
                no_null(result);
            }
        }
        Incoming::Invalid { .. } => assert!(only(replies)["error"].is_object()),
        Incoming::Notification { .. } | Incoming::Response => assert!(replies.is_empty()),
    }
}

fn only(replies: &[Value]) -> &Value {
    assert_eq!(replies.len(), 1, "{replies:?}");
    &replies[0]
}

fn no_null(value: &Value) {
    match value {
        Value::Null => panic!("a null in a result"),
        Value::Array(items) => items.iter().for_each(no_null),
        Value::Object(members) => members.values().for_each(no_null),
        _ => {}
    }
}
