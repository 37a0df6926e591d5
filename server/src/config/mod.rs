//! Configuration: defaults, TOML file, environment, flags; the later the stronger.
//!
//! `table` is the one table of numbers, `source` is a layer, `load` merges them, `policy` and `broker` know their
//! settings, `target` is a broker's address, `record` what the service watches from its start, `hosts` is what host patterns mean, `show` prints what is in
//! force and where it comes from.
//! Invariant: an unknown name is refused, not ignored; no error, warning or output repeats a secret.

mod broker;
pub mod hosts;
mod load;
mod policy;
mod record;
mod service;
mod show;
mod source;
mod table;
pub mod target;
#[cfg(test)]
mod tests;

pub(crate) use load::DEFAULT_BROKER;
pub use load::{Given, Loaded, load, load_or_broken};
pub use policy::Denied;
pub use record::{MAX_FILTERS, Record};
pub use service::{HttpLimits, Service};
pub use source::{ConfigError, Environment, Source};

use crate::vault::Sealed;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Everything that can be configured, after merging and checking. Has no `Debug`: it holds secrets.
pub struct Config {
    /// Named brokers.
    pub brokers: BTreeMap<String, NamedBroker>,
    /// Defaults and limits.
    pub limits: Limits,
    /// What the assistant may do.
    pub policy: Policy,
    /// What `serve` is told.
    pub service: Service,
    /// What `serve` watches from its start.
    pub records: Vec<Record>,
    /// Log level for standard error.
    pub log: ::log::LevelFilter,
    /// Put before the name of every tool, for hosts that do not keep the tools of two servers apart.
    pub tool_prefix: String,
    /// What is wrong with the configuration, and where. Then nothing of it is in force, and nothing is connected to.
    pub broken: Option<String>,
}

/// A broker of the configuration; its password never passes through a conversation.
pub struct NamedBroker {
    /// `mqtt://host:1883` and so on, without credentials.
    pub url: String,
    /// User Name.
    pub user_name: Option<String>,
    /// Password, sealed with no user name: from the file, a password file or the environment.
    pub password: Option<Sealed>,
    /// Client id; empty: a random one.
    pub client_id: Option<String>,
    /// PEM of the CA that signed the broker's certificate.
    pub ca_file: Option<PathBuf>,
    /// PEM of the client certificate.
    pub client_cert: Option<PathBuf>,
    /// PEM of its key.
    pub client_key: Option<PathBuf>,
    /// Do not check the broker's certificate.
    pub insecure_tls: bool,
}

/// What the assistant may do.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// No publishing at all.
    pub read_only: bool,
    /// Filters that may be published to; empty: all.
    pub publish_allow: Vec<String>,
    /// Filters that may not be published to; stronger than `publish_allow`.
    pub publish_deny: Vec<String>,
    /// Host patterns (`*.example.com`, `192.168.1.7`, `192.168.0.0/16`) that may be connected to; empty: all. See
    /// [`hosts`].
    pub broker_hosts: Vec<String>,
    /// `insecure_tls` may be asked for by a tool call.
    pub allow_insecure_tls: bool,
    /// Who names a configured broker gets a connection that all assistants of `serve` share.
    pub share_connections: bool,
    /// Tool arguments may name files (`ca_file`, `client_cert`, `client_key`) only below these folders; empty: none
    /// but what the configuration names.
    pub file_roots: Vec<PathBuf>,
}

/// One numeric setting: its name, default, range and unit. Tools read ranges from here, `config show` prints it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Key in the file and, upper case with the prefix, in the environment.
    pub name: &'static str,
    /// Value in force.
    pub value: f64,
    /// Default.
    pub default: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// `s`, `bytes`, `messages`, …
    pub unit: &'static str,
    /// What it bounds, in one line.
    pub what: &'static str,
}

/// The one table of defaults and limits.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Sessions open at once (5).
    pub max_sessions: usize,
    /// Seconds without use after which a session ends (3600).
    pub session_idle: f64,
    /// Seconds for establishing a connection in all (30).
    pub connect_timeout: f64,
    /// Seconds for which a lost connection is tried again (150).
    pub reconnect_time: f64,
    /// Seconds a call may last without a progress token before it returns `running` (45).
    pub call_limit: f64,
    /// The same with a progress token (240).
    pub call_limit_progress: f64,
    /// Seconds a capture lives after nobody asked (300).
    pub capture_lease: f64,
    /// Captures at once over all sessions (16).
    pub max_captures: usize,
    /// Bytes of a tool result (16 KiB).
    pub max_bytes: usize,
    /// Largest packet received, in bytes (1 MiB + header).
    pub max_packet: usize,
    /// Receive Maximum announced (64).
    pub receive_maximum: u16,
    /// Requests in flight on one MCP connection (64).
    pub max_requests: usize,
    /// Bytes of one line from the assistant (16 MiB).
    pub max_line: usize,
    /// Sessions open at once for all assistants of one `serve` (20).
    pub max_sessions_all: usize,
    /// Of HTTP.
    pub http: HttpLimits,
}
