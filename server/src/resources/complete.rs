//! How arguments of prompts and variables of templates go on: brokers of the configuration, open sessions, topics that
//! a session hears within a moment (retained ones, and what speaks just then).

use super::{address, prompts};
use crate::broker::report::{Listen, Wants};
use crate::broker::sessions::SessionInfo;
use crate::protocol::service::{Reference, Unfinished};
use crate::tools::State;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::time::Duration;

/// Somebody is typing: what is not there by then does not help.
const MOMENT: Duration = Duration::from_millis(400);
/// Without a new topic, all retained ones have come.
const QUIET: Duration = Duration::from_millis(150);
/// Messages of such a moment.
const MESSAGES: u64 = 10_000;
/// Topics of such a moment.
const TOPICS: usize = 2_000;

pub(super) async fn complete(state: &State, unfinished: &Unfinished<'_>) -> Option<Vec<String>> {
    let Unfinished {
        name,
        value,
        others,
        ..
    } = *unfinished;
    match unfinished.of {
        Reference::Template(template) => {
            let known = address::templates();
            let known = known.iter().find(|known| known.uri_template == template)?;
            match name {
                "session" => Some(begin_with(session_ids(state), value)),
                "topic" if known.uri_template == address::TOPIC => {
                    Some(topics_of_uri(state, value, others).await)
                }
                _ => None,
            }
        }
        Reference::Prompt(prompt) => {
            let known = prompts::PROMPTS.iter().find(|known| known.name == prompt)?;
            let known = known.arguments.iter().find(|known| known.name == name)?;
            Some(match known.name {
                prompts::BROKER => begin_with(brokers(state), value),
                prompts::DEVICE | prompts::FILTER => {
                    levels(topics(state, value, others).await, value)
                }
                _ => Vec::new(),
            })
        }
    }
}

fn begin_with(all: impl IntoIterator<Item = String>, value: &str) -> Vec<String> {
    let all = all.into_iter().filter(|one| one.starts_with(value));
    all.collect()
}

fn session_ids(state: &State) -> Vec<String> {
    state.sessions.list().into_iter().map(|it| it.id).collect()
}

/// Names first: with them no password passes through a conversation.
fn brokers(state: &State) -> Vec<String> {
    let mut brokers: Vec<String> = state.config.brokers.keys().cloned().collect();
    for session in state.sessions.list() {
        if !brokers.contains(&session.established.broker) {
            brokers.push(session.established.broker);
        }
    }
    brokers
}

/// As they stand in a URI, since an expansion leaves `%41` in a topic as it is.
async fn topics_of_uri(state: &State, value: &str, others: &Map<String, Value>) -> Vec<String> {
    let typed = percent_decode_str(value).decode_utf8_lossy();
    let topics = topics(state, &typed, others).await;
    let encoded = topics
        .iter()
        .map(|topic| address::encoded(topic).to_string());
    encoded.collect()
}

/// Topics that begin as `typed`, in order of name.
async fn topics(state: &State, typed: &str, others: &Map<String, Value>) -> BTreeSet<String> {
    heard(state, typed, others).await.unwrap_or_default()
}

async fn heard(
    state: &State,
    typed: &str,
    others: &Map<String, Value>,
) -> Option<BTreeSet<String>> {
    let session = session(state, others)?;
    let handle = state.sessions.get(&session).ok()?;
    let listening = handle.listen(listen(filter(typed)?)).await.ok()?;
    listening.stopped().await;
    let found = listening.report().await.ok()?.findings.topics?;
    let names = found.topics.into_iter().map(|topic| topic.topic);
    Some(names.filter(|name| name.starts_with(typed)).collect())
}

/// That which is meant: the given one, else the one used last, of the given broker if there is one.
fn session(state: &State, others: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| others.get(name).and_then(Value::as_str);
    if let Some(session) = text("session") {
        return Some(session.to_owned());
    }
    let broker = text(prompts::BROKER).map(|broker| {
        let named = state.config.brokers.get(broker);
        named.map_or(broker, |named| named.url.as_str())
    });
    let of_broker = |it: &SessionInfo| broker.is_none_or(|broker| it.established.broker == broker);
    let sessions = state.sessions.list().into_iter().filter(of_broker);
    sessions.max_by_key(|it| it.last_used).map(|it| it.id)
}

/// All topics below the last whole level that is typed; none if that is a pattern.
fn filter(typed: &str) -> Option<String> {
    if typed.contains(['+', '#']) || typed.starts_with("$share") {
        return None;
    }
    Some(match typed.rfind('/') {
        Some(slash) => format!("{}#", typed.get(..=slash)?),
        // The broker's own topics are not among `#`.
        None if typed.starts_with('$') => "$SYS/#".to_owned(),
        None => "#".to_owned(),
    })
}

fn listen(filter: String) -> Listen {
    let wants = Wants {
        topics: Some(TOPICS),
        ..Wants::default()
    };
    Listen {
        max_messages: Some(MESSAGES),
        until_quiet: Some(QUIET),
        ..Listen::to(vec![filter], MOMENT, wants)
    }
}

/// Each topic only up to the level that is being typed: a device has many topics, and is one answer.
fn levels(topics: BTreeSet<String>, typed: &str) -> Vec<String> {
    let cut = |topic: String| {
        let next = topic.get(typed.len()..).and_then(|rest| rest.find('/'));
        match next.filter(|next| *next > 0) {
            Some(next) => topic.get(..typed.len() + next).unwrap_or(&topic).to_owned(),
            None => topic,
        }
    };
    let cut: BTreeSet<String> = topics.into_iter().map(cut).collect();
    cut.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listens_below_what_is_typed() {
        assert_eq!(filter("").as_deref(), Some("#"));
        assert_eq!(filter("home/li").as_deref(), Some("home/#"));
        assert_eq!(filter("/").as_deref(), Some("/#"));
        assert_eq!(filter("$S").as_deref(), Some("$SYS/#"));
        assert_eq!(filter("$SYS/br").as_deref(), Some("$SYS/#"));
        assert_eq!(filter("home/+/x"), None);
    }

    #[test]
    fn a_device_is_one_answer() {
        let topics =
            || ["zigbee/lamp/set", "zigbee/lamp", "zigbee/lampe/a/b", "z"].map(str::to_owned);
        let levels = |typed: &str| {
            let begun = topics().into_iter().filter(|it| it.starts_with(typed));
            levels(begun.collect(), typed)
        };
        assert_eq!(levels(""), ["z", "zigbee"]);
        assert_eq!(levels("zigbee/"), ["zigbee/lamp", "zigbee/lampe"]);
        assert_eq!(levels("zigbee/lampe"), ["zigbee/lampe/a/b"]);
    }
}
