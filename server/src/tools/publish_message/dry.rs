//! What would come of a publication: what the topic says now, and whether the payload is like what it usually carries.
//! That the policy allows it was asked before.

use super::{Answer, OwnWatch};
use crate::broker::handle::{Handle, Publish};
use crate::broker::report::{LastMessage, Listen, Retained, Wants};
use crate::process::clock;
use crate::render;
use futures::future::select;
use serde_json::{Map, Value};
use std::pin::pin;
use std::time::{Duration, SystemTime};

/// How long a retained message may take: brokers send it right behind the SUBACK.
const PATIENCE: Duration = Duration::from_millis(500);

/// Bytes of the present value that are held, and shown.
const HELD: usize = 4_096;
const SHOWN: usize = 160;

/// Names of fields in a sentence.
const FIELDS: usize = 5;

pub(super) async fn run(handle: &Handle, publish: &Publish, watch: Option<&OwnWatch>) -> Answer {
    let last = match watch.and_then(|watch| watch.last.clone()) {
        Some(last) => Some(last),
        None => retained(handle, &publish.topic).await,
    };
    // A command topic says nothing itself; what stands above it often is the state that it changes.
    let above = publish.topic.rsplit_once('/').map(|(above, _)| above);
    let parent = match (&last, above) {
        (None, Some(above)) => retained(handle, above).await,
        _ => None,
    };
    let (said, last) = match (last, parent) {
        (None, Some(parent)) => (
            "nothing is on this topic; the one above it last said",
            Some(parent),
        ),
        (last, _) => ("the topic last said", last),
    };
    let now = match &last {
        Some((at, last)) => {
            let ago = SystemTime::now().duration_since(*at).unwrap_or_default();
            let how = match last.retain {
                true => "retained".to_owned(),
                false => format!("{} s ago", render::seconds(ago)),
            };
            let shown = render::preview(&last.payload, last.payload_bytes, SHOWN);
            format!("{said} ({how}) {shown}{}", likeness(publish, last))
        }
        None => "nothing is retained on this topic, and nothing was heard on it".to_owned(),
    };
    let grants = handle.established().grants;
    let most = grants.maximum_qos as u8;
    let mut notes = Vec::new();
    if publish.qos as u8 > most {
        notes.push(format!("the broker allows no more than QoS {most}"));
    }
    if publish.retain && !grants.retain_available {
        notes.push("the broker takes no retained messages".to_owned());
    }
    let larger = |most: &u32| publish.payload.len() + publish.topic.len() > *most as usize;
    if let Some(most) = grants.maximum_packet_size.filter(larger) {
        notes.push(format!("the broker takes packets of at most {most} bytes"));
    }
    Answer {
        dry_run: true,
        delivered: false,
        outcome: format!("nothing was sent (dry_run); the policy allows it; {now}"),
        topic: render::topic(&publish.topic),
        size: publish.payload.len(),
        qos: (publish.qos as u8).min(most),
        retain: publish.retain,
        reason: None,
        reason_code: None,
        reason_string: None,
        ms: 0.0,
        notes,
        answered: None,
        reports: None,
        answers: None,
    }
}

async fn retained(handle: &Handle, topic: &str) -> Option<(SystemTime, LastMessage)> {
    let listen = Listen {
        filters: vec![topic.to_owned()],
        qos: render::qos(0),
        retained: Retained::Only,
        duration: PATIENCE,
        max_messages: Some(1),
        until_quiet: None,
        wants: Wants {
            last: Some(HELD),
            ..Wants::default()
        },
    };
    let listening = handle.listen(listen).await.ok()?;
    let _ = select(pin!(listening.stopped()), pin!(clock::sleep(PATIENCE))).await;
    let report = listening.report().await.ok()?;
    let last = report.findings.last?;
    Some((report.started + last.at, last))
}

/// In what the payload is unlike the last one.
fn likeness(publish: &Publish, last: &LastMessage) -> String {
    if publish.payload.is_empty() {
        return String::new();
    }
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    match (json(&publish.payload), json(&last.payload)) {
        (Some(Value::Object(new)), Some(Value::Object(old))) => fields(&new, &old),
        (Some(new), Some(old)) if kind(&new) == kind(&old) => {
            "; the payload is of the same type".to_owned()
        }
        (None, None) => String::new(),
        (new, old) => {
            let named = |value: &Option<Value>| value.as_ref().map_or("text", kind);
            format!("; the payload is {}, that was {}", named(&new), named(&old))
        }
    }
}

fn fields(new: &Map<String, Value>, old: &Map<String, Value>) -> String {
    let said = |names: Vec<&str>| render::clean(render::front(&names.join(", "), SHOWN));
    let unknown = new.keys().filter(|name| !old.contains_key(*name));
    let unknown: Vec<_> = unknown.map(String::as_str).take(FIELDS).collect();
    let other = new.iter().filter(|(name, value)| {
        let old = old.get(*name);
        old.is_some_and(|old| !old.is_null() && kind(old) != kind(value))
    });
    let other: Vec<_> = other.map(|(name, _)| name.as_str()).take(FIELDS).collect();
    match (unknown.is_empty(), other.is_empty()) {
        (true, true) => "; the payload's fields are all known from it".to_owned(),
        (false, true) => format!(
            "; the payload has fields that it does not have: {}",
            said(unknown)
        ),
        (_, false) => format!("; fields of the payload have another type: {}", said(other)),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
