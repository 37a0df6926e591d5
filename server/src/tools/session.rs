//! Which session a call means: an open one by its id, or a broker by its configured name or connection string, which is
//! connected when first asked for and used again.
//!
//! Many hosts start a process for each call: there an id never lives to the next call, a broker's name does.
//! Invariant: nothing is connected to that the policy does not allow, and no connection string is repeated.

use super::establish_connection::place;
use super::{Call, State, ToolError, unless_cancelled};
use crate::broker::recorder::Recorder;
use crate::broker::sessions::Origin;
use crate::broker::watch::Watch;
use crate::config::target::Target;
use crate::config::{Config, DEFAULT_BROKER};
use std::sync::Arc;
use uuid::Uuid;

/// Names of configured brokers in a message.
const NAMED: usize = 10;

/// The id of the session that `given` means; connects if it names a broker without one.
pub(super) async fn find(
    state: &State,
    call: &Call,
    given: Option<&str>,
) -> Result<String, ToolError> {
    if let Some(id) = open(state, given)? {
        return Ok(id);
    }
    let broker = broker(&state.config, given)?;
    let mut target = place(&state.config, broker)?;
    target.distinguish();
    let connecting = state
        .sessions
        .of_or_establish(origin(state, broker), target);
    Ok(unless_cancelled(call, connecting).await??)
}

/// The id of the open session that `given` means; none if it names a broker that none is open to.
pub(super) fn open(state: &State, given: Option<&str>) -> Result<Option<String>, ToolError> {
    let Some(given) = given.map(str::trim) else {
        return match state.sessions.list().as_slice() {
            [only] => Ok(Some(only.id.clone())),
            [] => Ok(None),
            several => match usual(&state.config) {
                Some(name) => Ok(state.sessions.of(&origin(state, name))),
                None => Err(ToolError::invalid(
                    format!(
                        "`session_id` is missing, and {} sessions are open",
                        several.len()
                    ),
                    "pass the session_id of one of them; list_active_connections shows them",
                )),
            },
        };
    };
    if Uuid::parse_str(given).is_ok() {
        // The registry knows why there is none, if there is none.
        return match state.sessions.get(given) {
            Ok(_) => Ok(Some(given.to_owned())),
            Err(reason) => Err(reason.into()),
        };
    }
    if !state.config.brokers.contains_key(given) && !Target::is_address(given) {
        return Err(unknown(&state.config));
    }
    Ok(state.sessions.of(&origin(state, given)))
}

/// What is watched all the time of what `given` means, each with what it is known by: the assistant's own session, then
/// the service's, which watches for all.
pub(super) fn watches(
    state: &State,
    given: Option<&str>,
) -> Result<Vec<(String, Arc<Watch>)>, ToolError> {
    let id = open(state, given)?;
    let mut watches = Vec::new();
    if let Some(id) = &id
        && let Some(watch) = state.sessions.watch(id)?
    {
        watches.push((id.clone(), watch));
    }
    if let Some((recorder, name)) = recorded(state, given, id.as_deref()) {
        watches.extend(recorder.watch(&name).map(|watch| (name, watch)));
    } else if id.is_none() {
        broker(&state.config, given)?;
    }
    Ok(watches)
}

/// The broker that `given`, or its open session, means, if the service watches it.
fn recorded<'a>(
    state: &'a State,
    given: Option<&str>,
    id: Option<&str>,
) -> Option<(&'a Recorder, String)> {
    let recorder = state.recorder.as_deref()?;
    let named = id.and_then(|id| state.sessions.name_of(id));
    let asked = given.map(str::trim).filter(|_| id.is_none());
    let meant = match id {
        None => usual(&state.config)
            .filter(|it| recorder.records(it))
            .or(recorder.only()),
        Some(_) => None,
    };
    let name = named.or_else(|| asked.or(meant).map(str::to_owned))?;
    recorder.records(&name).then_some((recorder, name))
}

/// Why the service has not yet reached what `given` means, if it is to watch that.
pub(super) fn unreached(state: &State, given: Option<&str>) -> Option<String> {
    let id = open(state, given).ok()?;
    let (recorder, name) = recorded(state, given, id.as_deref())?;
    let list = recorder.list().into_iter();
    let mut asked = list.filter(|it| it.record.broker == name && it.session.is_none());
    let why = asked.next()?.error;
    Some(why.unwrap_or_else(|| "it is being tried now".to_owned()))
}

/// The broker that `given` means: itself, else the one that is meant where none is named.
pub(super) fn broker<'a>(config: &'a Config, given: Option<&'a str>) -> Result<&'a str, ToolError> {
    if let Some(broken) = &config.broken {
        return Err(ToolError::new(
            "bad_configuration",
            format!("the configuration cannot be read, so nothing is connected to: {broken}"),
            "ask the owner of this server to correct it and to start the server anew",
        ));
    }
    given.map(str::trim).or_else(|| usual(config)).ok_or_else(|| {
        let next = match config.brokers.is_empty() {
            true => "establish_connection with mqtt://host:1883, or pass such a connection string as `session_id`".to_owned(),
            false => format!("name a configured broker: {}", names(config)),
        };
        ToolError::invalid("no broker is named, and there is none that is meant by itself", next)
    })
}

/// What finds the sessions of this broker again.
pub(super) fn origin(state: &State, broker: &str) -> Origin {
    match state.config.brokers.contains_key(broker) {
        true => Origin::Named(broker.to_owned()),
        false => state.sessions.address(broker),
    }
}

/// The only configured broker, else the one named `default`.
fn usual(config: &Config) -> Option<&str> {
    let mut names = config.brokers.keys().map(String::as_str);
    match (names.next(), names.next()) {
        (Some(only), None) => Some(only),
        _ => config
            .brokers
            .contains_key(DEFAULT_BROKER)
            .then_some(DEFAULT_BROKER),
    }
}

fn names(config: &Config) -> String {
    let names = config.brokers.keys().take(NAMED).map(String::as_str);
    names.collect::<Vec<_>>().join(", ")
}

fn unknown(config: &Config) -> ToolError {
    let configured = match config.brokers.is_empty() {
        true => "none is configured".to_owned(),
        false => format!("configured: {}", names(config)),
    };
    ToolError::new(
        "unknown_session",
        "`session_id` is neither the id of an open session, nor a configured broker's name, nor a connection string",
        format!(
            "leave it out to use the only session or broker, or pass a broker's name ({configured}) or mqtt://host:1883"
        ),
    )
}
