//! The settings of `serve`: where it listens, who may reach it, where its files are, and the limits of HTTP.

use super::source::{ConfigError, Environment, Origin, Raw};
use super::table::{Row, bytes, count, seconds};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// What `serve` is told beside the limits.
#[derive(Clone, Debug)]
pub struct Service {
    /// Address of HTTP.
    pub listen: SocketAddr,
    /// Path of the Unix socket; none: the default one.
    pub socket: Option<PathBuf>,
    /// File of the token; none: in the state directory.
    pub token_file: Option<PathBuf>,
    /// Addresses, or names, of proxies that know their user.
    pub trusted_proxy: Vec<String>,
    /// Names by which HTTP may be addressed, beside the local ones.
    pub allowed_hosts: Vec<String>,
    /// Origins of pages that may use HTTP.
    pub allowed_origins: Vec<String>,
    /// Where what outlives the process is kept; none: the default one.
    pub state_dir: Option<PathBuf>,
    /// Where publications are noted, in `serve` and without it.
    pub audit_file: Option<PathBuf>,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8090)),
            socket: None,
            token_file: None,
            trusted_proxy: Vec::new(),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            state_dir: None,
            audit_file: None,
        }
    }
}

/// Limits of HTTP; each is a setting of the table.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // the table of settings says what each is
pub struct HttpLimits {
    pub head_bytes: usize,
    pub head_time: f64,
    pub body_bytes: usize,
    pub mcp_body_bytes: usize,
    pub body_time: f64,
    pub write_time: f64,
    pub keep_alive: f64,
    pub connections: usize,
    pub connections_per_address: usize,
    pub clients: usize,
    pub client_idle: f64,
    pub requests: usize,
}

/// One text setting of [`Service`].
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    kind: Kind,
}

enum Kind {
    Address(fn(&mut Service) -> &mut SocketAddr),
    Path(fn(&mut Service) -> &mut Option<PathBuf>),
    Places(fn(&mut Service) -> &mut Vec<String>),
    Texts(fn(&mut Service) -> &mut Vec<String>),
}

/// All rules, in the order of `config show`.
pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "listen",
        what: "address and port of HTTP; anything but a loopback address can be reached from outside",
        kind: Kind::Address(|s| &mut s.listen),
    },
    Rule {
        name: "socket",
        what: "path of the Unix socket; empty: in $XDG_RUNTIME_DIR, /run as a system service",
        kind: Kind::Path(|s| &mut s.socket),
    },
    Rule {
        name: "token_file",
        what: "file of the token that HTTP demands; empty: token in state_dir",
        kind: Kind::Path(|s| &mut s.token_file),
    },
    Rule {
        name: "audit_file",
        what: "file to which a line is appended for each publication (no payload); while it cannot be written, nothing is published; empty: none",
        kind: Kind::Path(|s| &mut s.audit_file),
    },
    Rule {
        name: "trusted_proxy",
        what: "addresses of proxies that know their user, or names in a network of containers: requests from there reach page and API without the token",
        kind: Kind::Places(|s| &mut s.trusted_proxy),
    },
    Rule {
        name: "allowed_hosts",
        what: "names by which HTTP may be addressed, with or without port, beside localhost and the own address",
        kind: Kind::Texts(|s| &mut s.allowed_hosts),
    },
    Rule {
        name: "allowed_origins",
        what: "origins (https://host) of web pages that may use HTTP, /mcp too; a program sends none",
        kind: Kind::Texts(|s| &mut s.allowed_origins),
    },
    Rule {
        name: "state_dir",
        what: "folder of what outlives the process; empty: $XDG_STATE_HOME or ~/.local/state, then bitsperity-mqtt-mcp",
        kind: Kind::Path(|s| &mut s.state_dir),
    },
];

impl Rule {
    /// Puts a value in force, in place of the weaker layer's.
    pub(super) fn put(
        &self,
        service: &mut Service,
        value: Raw,
        origin: &Origin,
        environment: &Environment,
    ) -> Result<(), ConfigError> {
        match self.kind {
            Kind::Address(field) => {
                let address = value.text().and_then(|text| text.trim().parse().ok());
                let Some(address) = address else {
                    return origin.refuse("must be an address with a port, such as 127.0.0.1:8090");
                };
                *field(service) = address;
            }
            Kind::Path(field) => {
                let Some(text) = value.text() else {
                    return origin.refuse("must be a path");
                };
                *field(service) = (!text.is_empty()).then(|| origin.path(&text, environment));
            }
            Kind::Places(field) => {
                let places = value.list().unwrap_or_else(|| vec![String::new()]);
                if !places.iter().all(|it| is_place(it)) {
                    return origin.refuse("must be a list of IP addresses or names of hosts");
                }
                *field(service) = places;
            }
            Kind::Texts(field) => {
                let Some(items) = value.list() else {
                    return origin
                        .refuse("must be a list of texts (separated by commas outside the file)");
                };
                *field(service) = items.iter().map(|it| it.to_ascii_lowercase()).collect();
            }
        }
        Ok(())
    }

    /// As `config show` prints it.
    pub(super) fn value(&self, service: &Service) -> Value {
        // The accessors give places to write to, hence the copy.
        let mut service = service.clone();
        match self.kind {
            Kind::Address(field) => field(&mut service).to_string().into(),
            Kind::Path(field) => field(&mut service)
                .as_ref()
                .map_or_else(String::new, |path| path.display().to_string())
                .into(),
            Kind::Places(field) | Kind::Texts(field) => field(&mut service).clone().into(),
        }
    }

    /// As `config show` prints it.
    pub(super) fn default_value(&self) -> Value {
        self.value(&Service::default())
    }
}

/// An address, or a name that cannot be taken for one.
fn is_place(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let name = text.bytes().all(plain) && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    text.parse::<IpAddr>().is_ok() || name
}

/// Limits of `serve`, in the order of `config show`.
pub(super) static ROWS: &[Row] = &[
    count(
        "max_sessions_all",
        (20.0, 1.0, 1_024.0),
        "sessions",
        "connections to brokers open at once for all assistants of `serve`; max_sessions is for each",
        |l| l.max_sessions_all as f64,
        |l, v| l.max_sessions_all = v as usize,
    ),
    bytes(
        "http_head_bytes",
        // hyper's buffer cannot be smaller.
        (8_192.0, 8_192.0, 65_536.0),
        "longest head of an HTTP request",
        |l| l.http.head_bytes as f64,
        |l, v| l.http.head_bytes = v as usize,
    ),
    seconds(
        "http_head_time",
        (5.0, 0.1, 300.0),
        "time for the head of an HTTP request",
        |l| l.http.head_time,
        |l, v| l.http.head_time = v,
    ),
    bytes(
        "http_body_bytes",
        (1_048_576.0, 4_096.0, 67_108_864.0),
        "longest body of an HTTP request, /mcp excepted",
        |l| l.http.body_bytes as f64,
        |l, v| l.http.body_bytes = v as usize,
    ),
    bytes(
        "http_mcp_body_bytes",
        (4_194_304.0, 4_096.0, 67_108_864.0),
        "longest message of an assistant over /mcp",
        |l| l.http.mcp_body_bytes as f64,
        |l, v| l.http.mcp_body_bytes = v as usize,
    ),
    seconds(
        "http_body_time",
        (10.0, 0.1, 600.0),
        "time for the body of an HTTP request",
        |l| l.http.body_time,
        |l, v| l.http.body_time = v,
    ),
    seconds(
        "http_write_time",
        (10.0, 0.1, 600.0),
        "a connection whose client takes nothing for so long is closed",
        |l| l.http.write_time,
        |l, v| l.http.write_time = v,
    ),
    seconds(
        "http_keep_alive",
        (30.0, 0.1, 3_600.0),
        "time for which an idle HTTP connection is kept",
        |l| l.http.keep_alive,
        |l, v| l.http.keep_alive = v,
    ),
    count(
        "http_connections",
        (256.0, 1.0, 4_096.0),
        "connections",
        "HTTP connections open at once",
        |l| l.http.connections as f64,
        |l, v| l.http.connections = v as usize,
    ),
    count(
        "http_connections_per_address",
        (32.0, 1.0, 4_096.0),
        "connections",
        "HTTP connections open at once from one address",
        |l| l.http.connections_per_address as f64,
        |l, v| l.http.connections_per_address = v as usize,
    ),
    count(
        "http_clients",
        (64.0, 1.0, 1_024.0),
        "assistants",
        "MCP sessions over HTTP open at once; the one unused for longest gives way",
        |l| l.http.clients as f64,
        |l, v| l.http.clients = v as usize,
    ),
    seconds(
        "http_client_idle",
        (3_600.0, 1.0, 604_800.0),
        "time without use after which an MCP session over HTTP ends",
        |l| l.http.client_idle,
        |l, v| l.http.client_idle = v,
    ),
    count(
        "http_requests",
        (16.0, 1.0, 1_024.0),
        "requests",
        "requests in flight at once in one MCP session over HTTP",
        |l| l.http.requests as f64,
        |l, v| l.http.requests = v as usize,
    ),
];
