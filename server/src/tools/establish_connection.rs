//! `establish_connection`: a session with a broker, by connection string or by the name of a configured broker.
//!
//! The connection string may hold a password: nothing here repeats it, in whatever way the call fails.

use super::arguments::topic::checked_filter;
use super::arguments::{ranges, schema};
use super::{Annotations, Call, State, ToolError, session, unless_cancelled};
use crate::broker::sessions::SessionInfo;
use crate::config::target::{Protocol, Target};
use crate::config::{Config, MAX_FILTERS, Policy, hosts};
use crate::render;
use crate::text::spelling::nearest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Configured broker's name or [mqtt|mqtts|ws|wss://][user:pass@]host[:port][/client_id], percent-encoded; default: the only one or that named default
    connection_string: Option<String>,
    /// auto: 5, then 3.1.1
    #[serde(default)]
    protocol: Version,
    /// Seconds between signs of life
    #[serde(default = "ranges::keep_alive")]
    #[schemars(range(min = ranges::KEEP_ALIVE.min, max = ranges::KEEP_ALIVE.max))]
    keep_alive: u16,
    /// false: resumes the session of this client id
    #[serde(default = "ranges::yes")]
    clean_start: bool,
    /// PEM, in an allowed folder
    ca_file: Option<PathBuf>,
    /// PEM
    client_cert: Option<PathBuf>,
    /// PEM
    client_key: Option<PathBuf>,
    /// Trusts any certificate, if the configuration allows
    #[serde(default)]
    insecure_tls: bool,
    /// Topic Filters to learn from while the session lives, e.g. #; then tools answer at once with since
    #[serde(default)]
    #[schemars(length(max = MAX_FILTERS))]
    watch: Vec<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum Version {
    #[default]
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "5")]
    V5,
    #[serde(rename = "3.1.1")]
    V311,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    session_id: String,
    broker: String,
    protocol: &'static str,
    client_id: String,
    client_id_assigned: bool,
    session_present: bool,
    allows: Allows,
    keep_alive_s: u16,
    /// The broker chose keep_alive_s.
    server_keep_alive: bool,
    session_expiry_s: u32,
    peer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<String>,
    /// Milliseconds of each stage.
    ms: BTreeMap<&'static str, f64>,
    /// Moves on with every use.
    expires_at: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    watching: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct Allows {
    max_qos: u8,
    retain: bool,
    wildcards: bool,
    // 3.1.1 does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_subscriptions: Option<bool>,
    subscription_identifiers: bool,
    receive_maximum: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_packet_size: Option<u32>,
    topic_alias_maximum: u16,
}

pub(super) const TOOL: super::Tool = super::Tool {
    name: "establish_connection",
    title: "Connect to a broker",
    description: "Connects to an MQTT broker: the session_id for the other tools, and what the broker allows. \
        Call it first; one session serves many calls. Usually under a second. A lost connection is restored; an \
        unused session ends.",
    annotations: Annotations {
        read_only_hint: false,
        destructive_hint: false,
        idempotent_hint: false,
        open_world_hint: true,
    },
    input_schema,
    output_schema: schema::output::<Answer>,
    run: |request| request.by(run),
};

/// Names the configured brokers, so that the assistant need not guess.
fn input_schema(config: &Config) -> serde_json::Value {
    const NAMED: usize = 10;
    let mut schema = schema::input::<Arguments>();
    let names: Vec<&str> = config
        .brokers
        .keys()
        .take(NAMED)
        .map(String::as_str)
        .collect();
    let described = &mut schema["properties"]["connection_string"]["description"];
    if let (false, Some(text)) = (names.is_empty(), described.as_str()) {
        *described = format!("{text} Configured: {}.", names.join(", ")).into();
    }
    schema
}

pub(super) async fn run(
    state: &Arc<State>,
    arguments: Arguments,
    call: Call,
) -> Result<Answer, ToolError> {
    let watch = arguments.watch.iter();
    let watch: Result<Vec<_>, _> = watch.map(|it| checked_filter("watch", it)).collect();
    let watch = watch?;
    let given = session::broker(&state.config, arguments.connection_string.as_deref())?;
    let origin = session::origin(state, given);
    let target = target(&state.config, given, &arguments)?;
    let establishing = state
        .sessions
        .establish_watching(target, &watch, Some(origin));
    let session = unless_cancelled(&call, establishing).await??;
    Ok(answer(session))
}

/// Where `given`, the name of a configured broker or a URL, leads, if the policy lets anybody go there.
pub(crate) fn place(config: &Config, given: &str) -> Result<Target, ToolError> {
    let named = config.brokers.contains_key(given) || !is_place(config, given);
    let target = match named {
        false => Target::parse(given).map_err(|wrong| {
            ToolError::invalid(
                wrong,
                "give mqtt://host[:port], mqtts://, ws:// or wss://, user and password percent-encoded, or the name of a \
                 configured broker",
            )
        })?,
        true => configured(config, given)?,
    };
    host_allowed(&config.policy, &target.host)?;
    Ok(target)
}

/// Whether `given` says where to connect: an address, or a host's bare name that is not close to a broker's.
fn is_place(config: &Config, given: &str) -> bool {
    let known = || config.brokers.keys().map(String::as_str);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let bare =
        !given.is_empty() && given.bytes().all(plain) && uuid::Uuid::parse_str(given).is_err();
    Target::is_address(given) || bare && nearest(given, known()).is_none()
}

fn target(config: &Config, given: &str, arguments: &Arguments) -> Result<Target, ToolError> {
    let mut target = place(config, given)?;
    target.protocol = match arguments.protocol {
        Version::Auto => target.protocol,
        Version::V5 => Protocol::V5,
        Version::V311 => Protocol::V311,
    };
    target.keep_alive = arguments.keep_alive;
    target.clean_start = arguments.clean_start;
    if target.clean_start {
        target.distinguish();
    }
    if arguments.client_cert.is_some() != arguments.client_key.is_some() {
        return Err(ToolError::invalid(
            "a client certificate needs its key and a key its certificate",
            "give both `client_cert` and `client_key`, or neither",
        ));
    }
    for (name, file, slot) in [
        ("ca_file", &arguments.ca_file, &mut target.ca_file),
        (
            "client_cert",
            &arguments.client_cert,
            &mut target.client_cert,
        ),
        ("client_key", &arguments.client_key, &mut target.client_key),
    ] {
        if let Some(file) = file {
            *slot = Some(file_allowed(&config.policy, name, file)?);
        }
    }
    if arguments.insecure_tls {
        if !config.policy.allow_insecure_tls {
            return Err(ToolError::policy(
                "`insecure_tls` is not allowed by this server's configuration",
                "pass the broker's CA with `ca_file`, or ask the owner to set policy.allow_insecure_tls",
            ));
        }
        target.insecure_tls = true;
    }
    Ok(target)
}

fn configured(config: &Config, name: &str) -> Result<Target, ToolError> {
    let Some(broker) = config.brokers.get(name) else {
        let known: Vec<&str> = config.brokers.keys().map(String::as_str).collect();
        let near =
            nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        let listed = match known.is_empty() {
            true => "none is configured".to_owned(),
            false => known.join(", "),
        };
        return Err(ToolError::invalid(
            "`connection_string` is neither a URL nor the name of a configured broker",
            format!(
                "{}give a URL such as mqtt://host:1883, or the name of a configured broker ({listed})",
                near.unwrap_or_default()
            ),
        ));
    };
    Target::from_named(broker).map_err(|wrong| {
        ToolError::new(
            "bad_configuration",
            format!("broker `{name}`: {wrong}"),
            "correct the configuration file",
        )
    })
}

fn host_allowed(policy: &Policy, host: &str) -> Result<(), ToolError> {
    let patterns = &policy.broker_hosts;
    if hosts::allow(patterns, host) {
        return Ok(());
    }
    Err(ToolError::policy(
        "this server's configuration does not allow connections to this host",
        format!("allowed hosts: {}", patterns.join(", ")),
    ))
}

/// The file that `file` really is, if it lies below a folder that may be named.
fn file_allowed(policy: &Policy, name: &str, file: &Path) -> Result<PathBuf, ToolError> {
    let denied = || {
        ToolError::policy(
            format!("`{name}` does not lie below a folder that this server's configuration allows"),
            "use a configured broker, or ask the owner to add the folder to policy.file_roots",
        )
    };
    let allowed = |real: &Path| {
        let below = |root: &PathBuf| root.canonicalize().is_ok_and(|root| real.starts_with(root));
        policy.file_roots.iter().any(below)
    };
    match file.canonicalize() {
        Ok(real) if allowed(&real) => Ok(real),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // Only who may look into a folder is told that something is not in it.
            let real = |folder: &Path| folder.canonicalize().ok();
            let plain = file.components().all(|part| part != Component::ParentDir);
            let nearest = file.ancestors().skip(1).find_map(real);
            match nearest.filter(|folder| plain && allowed(folder)) {
                Some(_) => Err(ToolError::invalid(
                    format!("`{name}`: no such file"),
                    "check the spelling of its path",
                )),
                None => Err(denied()),
            }
        }
        _ => Err(denied()),
    }
}

fn answer(session: SessionInfo) -> Answer {
    let established = session.established;
    let grants = established.grants;
    let protocol = render::protocol(&grants);
    let mut ms: BTreeMap<_, _> = established
        .stages
        .iter()
        .map(|(stage, took)| (*stage, render::millis(*took)))
        .collect();
    let total = established.stages.iter().map(|(_, took)| *took).sum();
    ms.insert("total", render::millis(total));
    Answer {
        session_id: session.id,
        broker: established.broker,
        protocol,
        client_id: render::clean(&established.client_id),
        client_id_assigned: established.client_id_assigned,
        session_present: grants.session_present,
        allows: Allows {
            max_qos: grants.maximum_qos as u8,
            retain: grants.retain_available,
            wildcards: grants.wildcard_available,
            shared_subscriptions: (protocol == "5").then_some(grants.shared_available),
            subscription_identifiers: grants.subscription_identifiers_available,
            receive_maximum: grants.receive_maximum,
            maximum_packet_size: grants.maximum_packet_size,
            topic_alias_maximum: grants.topic_alias_maximum,
        },
        keep_alive_s: grants.keep_alive,
        server_keep_alive: grants.server_keep_alive,
        session_expiry_s: grants.session_expiry,
        peer: established.peer,
        tls: established.tls,
        ms,
        expires_at: render::time(session.expires),
        watching: session.watching.map_or_else(Vec::new, |watching| {
            watching
                .filters
                .iter()
                .map(|it| render::topic(it))
                .collect()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_only_below_the_allowed_folders() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("in"), folder.path().join("out.pem"));
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(&outside, "x").unwrap();
        std::fs::write(inside.join("ca.pem"), "x").unwrap();
        let none = Policy::default();
        let some = Policy {
            file_roots: vec![inside.clone()],
            ..Policy::default()
        };
        let allowed = |policy, file: PathBuf| file_allowed(policy, "ca_file", &file).is_ok();
        assert!(allowed(&some, inside.join("ca.pem")));
        assert!(!allowed(&none, inside.join("ca.pem")));
        assert!(!allowed(&some, outside));
        assert!(!allowed(&some, inside.join("../out.pem")));
        let code = |policy, file: PathBuf| file_allowed(policy, "ca_file", &file).unwrap_err().code;
        assert_eq!(code(&some, inside.join("absent.pem")), "invalid_argument");
        assert_eq!(
            code(&some, inside.join("no/folder/x.pem")),
            "invalid_argument"
        );
        assert_eq!(code(&some, inside.join("../absent.pem")), "policy_denied");
        assert_eq!(
            code(&some, folder.path().join("absent.pem")),
            "policy_denied"
        );
        assert_eq!(code(&none, inside.join("absent.pem")), "policy_denied");
    }
}
