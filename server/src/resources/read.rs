//! What stands at a resource: always JSON, in the words of the tools' results.

use super::Offer;
use super::address::{Address, JSON};
use super::last::{self, HELD, Heard};
use crate::protocol::Call;
use crate::protocol::failure::ToolError;
use crate::protocol::service::{Contents, Unreadable};
use crate::render;
use crate::tools::{self, State};
use bitsperity_mqtt_core::topic::validate_name;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::SystemTime;

pub(super) async fn read(offer: &Offer, uri: &str) -> Result<Vec<Contents>, Unreadable> {
    let address = Address::parse(uri).ok_or_else(missing)?;
    let value = match &address {
        Address::Sessions => sessions(&offer.state),
        Address::Status(id) => status(&offer.state, id).await?,
        Address::Topics(id) => {
            let arguments = json!({"session_id": id, "duration": 3, "until_quiet": 0.5});
            call(&offer.state, "list_topics", arguments).await?
        }
        Address::Topic(id, topic) => {
            named(topic)?;
            let heard = last::value(offer, &address, id, topic).await;
            told(topic, &heard.map_err(unreadable)?)
        }
    };
    Ok(vec![Contents {
        uri: uri.to_owned(),
        mime_type: JSON,
        text: Some(value.to_string()),
        blob: None,
    }])
}

pub(super) fn missing() -> Unreadable {
    Unreadable::Missing(
        "Resource not found. There are mqtt://sessions, mqtt://{session}/status, mqtt://{session}/topics and \
         mqtt://{session}/topic/{topic}, with the session_id of an open session; mqtt://sessions names them"
            .to_owned(),
    )
}

/// The session is gone, or the broker does not do what it should.
pub(super) fn unreadable(error: ToolError) -> Unreadable {
    let text = format!("{}; {}", error.message, error.next_step);
    match error.code {
        "unknown_session" | "session_expired" | "session_closed" | "session_failed" => {
            Unreadable::Missing(format!("Resource not found: {text}"))
        }
        _ => Unreadable::Failed(text),
    }
}

/// A resource is one topic: a filter, or a shared subscription, is none.
pub(super) fn named(topic: &str) -> Result<(), Unreadable> {
    if validate_name(topic).is_ok() && !topic.starts_with("$share/") {
        return Ok(());
    }
    Err(Unreadable::Missing(
        "Resource not found: this is no topic name (at least one character, no + and #). To listen to a filter, call \
         list_topics or subscribe_and_collect"
            .to_owned(),
    ))
}

fn sessions(state: &State) -> Value {
    let sessions = state.sessions.list().into_iter().map(|session| {
        let id = session.id;
        json!({
            "session_id": id,
            "broker": session.established.broker,
            "state": session.status.state,
            "expires_at": render::time(session.expires),
            "status_uri": Address::Status(id.clone()).to_string(),
            "topics_uri": Address::Topics(id).to_string(),
        })
    });
    json!({
        "sessions": sessions.collect::<Vec<_>>(),
        "limit": state.config.limits.max_sessions,
        "configured_brokers": state.config.brokers.keys().collect::<Vec<_>>(),
    })
}

async fn status(state: &Arc<State>, id: &str) -> Result<Value, Unreadable> {
    let mut all = call(state, "list_active_connections", json!({})).await?;
    let sessions = all["sessions"].as_array_mut();
    let mut sessions = sessions.into_iter().flatten();
    if let Some(session) = sessions.find(|session| session["session_id"] == id) {
        return Ok(session.take());
    }
    // It says whether it ever was, and why it is no more.
    let why = state.sessions.get(id).err();
    Err(why.map_or_else(missing, |why| unreadable(why.into())))
}

async fn call(state: &Arc<State>, tool: &str, arguments: Value) -> Result<Value, Unreadable> {
    let arguments = match arguments {
        Value::Object(arguments) => arguments,
        _ => Map::new(),
    };
    let (call, _uncancelled) = Call::unwatched();
    let outcome = tools::call(state, tool, arguments, call).await;
    let answer = outcome.ok_or_else(missing)?.map_err(unreadable)?;
    answer.structured.ok_or_else(missing)
}

fn told(topic: &str, heard: &Heard) -> Value {
    let topic = render::topic(topic);
    let Some((received, last)) = &heard.last else {
        let listened = render::seconds(heard.listened);
        let note = format!(
            "nothing seen: no retained value, and nothing was published within {listened} s; subscribe to this resource, \
             or call subscribe_and_collect to listen longer"
        );
        return json!({"topic": topic, "seen": false, "note": note});
    };
    let payload = render::payload(&last.payload, last.payload_bytes, HELD);
    let age = SystemTime::now().duration_since(*received);
    let mut told = json!({
        "topic": topic,
        "seen": true,
        "received": render::time(*received),
        "age_s": render::seconds(age.unwrap_or_default()),
        "retained": last.retain,
        "qos": last.qos as u8,
        "size": last.size,
        "encoding": payload.encoding,
        "payload": payload.value,
    });
    if let Some(format) = last.decoded {
        told["format"] = format.into();
    }
    if let Some(cut_to) = payload.cut {
        told["cut_to"] = cut_to.into();
    }
    if last.retain {
        told["note"] = "retained: published at some time before `received`".into();
    }
    render::clean_all(&mut told);
    told
}
