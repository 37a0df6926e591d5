//! A broker: whether it is connected, since when, what it allows, what went wrong.

use super::super::seen::Broker;
use crate::broker::handle::State;
use crate::broker::recorder::Recorded;
use crate::broker::sessions::SessionInfo;
use crate::config::Policy;
use crate::render;
use schemars::JsonSchema;
use serde::Serialize;

/// One broker.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct BrokerView {
    /// Its name in the configuration, else its address.
    pub name: String,
    /// `mqtts://host:8883`, without credentials.
    pub url: String,
    /// `connected`, `away` (a session has lost it, or the service cannot reach what it is to watch), `unused` (no session).
    pub state: &'static str,
    /// Of `state`; none while it is unused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// MQTT version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<&'static str>,
    /// TLS version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// What it grants; none while it is unused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allows: Option<Allows>,
    /// Open sessions.
    pub sessions: usize,
    /// Of these, with a watch.
    pub watched: usize,
    /// The service watches it from its start.
    #[serde(skip_serializing_if = "super::is_false")]
    pub recorded: bool,
    /// Messages a second over the last ten seconds.
    pub messages_per_s: f64,
    /// Messages of all sessions since the start.
    pub messages: u64,
    /// A letter a minute for 60 minutes, the oldest first: `w` connected, `b` with a break, `.` not asked.
    pub minutes: String,
    /// Times without connection, the latest last.
    pub breaks: Vec<Break>,
    /// The last error, also after the connection is back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When that was first said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error_at: Option<String>,
}

/// A time without connection.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Break {
    /// From when.
    pub from: String,
    /// Until when; none while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What a broker grants, and what this service's policy leaves of it.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Allows {
    /// The policy lets something be published.
    pub publish: bool,
    /// Highest QoS to publish with.
    pub maximum_qos: u8,
    /// Retained messages exist.
    pub retain: bool,
    /// `+` and `#` work.
    pub wildcards: bool,
    /// `$share` works.
    pub shared_subscriptions: bool,
    /// Largest packet in bytes; none: no bound of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_packet_bytes: Option<u32>,
    /// Keep alive in force.
    pub keep_alive_s: u16,
}

impl BrokerView {
    pub(super) fn new<'s>(
        url: &str,
        broker: &Broker,
        minutes: String,
        sessions: impl Iterator<Item = &'s SessionInfo>,
        recorded: Option<&Recorded>,
        policy: &Policy,
    ) -> Self {
        let sessions: Vec<_> = sessions.collect();
        let away = |it: &&&SessionInfo| it.status.state != State::Connected;
        let told = sessions.iter().find(away).or(sessions.first()).copied();
        let url = render::clean(url);
        let (error_at, error) = broker.error.clone().unzip();
        let open = broker.breaks.back().filter(|(_, to)| to.is_none());
        let away_since = open.map(|(from, _)| *from);
        Self {
            name: broker.name.clone().unwrap_or_else(|| url.clone()),
            url,
            state: match told.map(|it| it.status.state) {
                None if recorded.is_some_and(|it| it.away().is_some()) => "away",
                None => "unused",
                Some(State::Connected) => "connected",
                Some(_) => "away",
            },
            since: told
                .map(|it| it.status.since)
                .or(away_since)
                .map(render::time),
            protocol: told.map(|it| render::protocol(&it.established.grants)),
            tls: told.and_then(|it| it.established.tls.clone()),
            allows: told.map(|it| allows(it, policy)),
            sessions: sessions.len(),
            recorded: recorded.is_some(),
            watched: sessions.iter().filter(|it| it.watching.is_some()).count(),
            messages_per_s: render::rounded(broker.rate()),
            messages: broker.messages,
            minutes,
            breaks: broker
                .breaks
                .iter()
                .map(|(from, to)| Break {
                    from: render::time(*from),
                    to: to.map(render::time),
                })
                .collect(),
            last_error: error.as_deref().map(render::clean),
            last_error_at: error_at.map(render::time),
        }
    }
}

fn allows(session: &SessionInfo, policy: &Policy) -> Allows {
    let grants = &session.established.grants;
    Allows {
        publish: !policy.read_only,
        maximum_qos: grants.maximum_qos as u8,
        retain: grants.retain_available,
        wildcards: grants.wildcard_available,
        shared_subscriptions: grants.shared_available,
        maximum_packet_bytes: grants.maximum_packet_size,
        keep_alive_s: grants.keep_alive,
    }
}
