//! Where to connect: the connection string parsed, or a named broker of the configuration.
//!
//! Invariant: credentials are sealed before anything else is looked at, and no error repeats any part of the
//! connection string, since a malformed one may hold the password anywhere.

use crate::config::NamedBroker;
use crate::vault::{Opened, Sealed};
use percent_encoding::percent_decode_str;
use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Bytes of the longest client id that a connection string may name; real ones are under 100.
pub const MAX_CLIENT_ID: usize = 1_024;

/// Bytes of the longest connection string.
pub const MAX_CONNECTION_STRING: usize = 8_192;

/// Seconds of keep alive where nobody said otherwise.
pub const DEFAULT_KEEP_ALIVE: u16 = 60;

/// Path of the WebSocket where nobody said otherwise: what most brokers listen on.
const DEFAULT_PATH: &str = "/mqtt";

const SCHEMES: &str =
    "The connection string must begin with mqtt://, mqtts://, ws:// or wss://, or be host:port.";

/// Other names that people and other programs give to the schemes.
const ALIASES: &[(&str, Scheme)] = &[
    ("tcp", Scheme::Mqtt),
    ("ssl", Scheme::Mqtts),
    ("tls", Scheme::Mqtts),
    ("mqtt+ssl", Scheme::Mqtts),
    ("mqtt+tls", Scheme::Mqtts),
];

/// Which protocol version to speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// 5.0 first, 3.1.1 if the broker does not know it.
    #[default]
    Auto,
    /// 5.0 only.
    V5,
    /// 3.1.1 only.
    V311,
}

/// `mqtt`, `mqtts`, `ws`, `wss`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Scheme {
    Mqtt,
    Mqtts,
    Ws,
    Wss,
}

impl Scheme {
    /// As it stands before `://`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Mqtts => "mqtts",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// By the name that stands before `://`, in any case, or by another name that people give it.
    pub fn of(name: &str) -> Option<Self> {
        let own = [Self::Mqtt, Self::Mqtts, Self::Ws, Self::Wss].map(|known| (known.name(), known));
        let mut known = own.iter().chain(ALIASES);
        known
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, scheme)| *scheme)
    }

    /// Port where none is named.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Mqtt => 1883,
            Self::Mqtts => 8883,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }

    /// Whether TLS is spoken.
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Mqtts | Self::Wss)
    }

    /// Whether WebSocket is spoken.
    pub const fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

/// Everything needed to connect, the credentials sealed.
pub struct Target {
    /// Scheme.
    pub scheme: Scheme,
    /// Host name or address, IPv6 without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path of the WebSocket.
    pub path: String,
    /// Client id; empty: made up.
    pub client_id: String,
    /// User name and password.
    pub credentials: Option<Sealed>,
    /// Protocol.
    pub protocol: Protocol,
    /// Seconds.
    pub keep_alive: u16,
    /// Clean start.
    pub clean_start: bool,
    /// PEM of the CA.
    pub ca_file: Option<PathBuf>,
    /// PEM of the client certificate.
    pub client_cert: Option<PathBuf>,
    /// PEM of its key.
    pub client_key: Option<PathBuf>,
    /// Do not check the broker's certificate.
    pub insecure_tls: bool,
    /// The configuration names this broker.
    pub named: bool,
    /// The client id stands in the URL.
    pub client_id_in_url: bool,
}

impl Target {
    /// Parses `scheme://[user:pass@]host[:port][/client_id]` or `host:port`. For WebSockets path and query are the
    /// WebSocket's, as they are given (none: `/mqtt`), but for `client_id=` in the query. Credentials are sealed at once;
    /// no error repeats them.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence without the credentials.
    pub fn parse(connection_string: &str) -> Result<Self, String> {
        if connection_string.len() > MAX_CONNECTION_STRING {
            return Err(format!(
                "The connection string is longer than {MAX_CONNECTION_STRING} bytes."
            ));
        }
        let (scheme, rest) = split_scheme(connection_string.trim())?;
        if rest.contains('#') {
            return Err("The connection string holds a #; write it as %23.".into());
        }
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, Some(path)),
            None => (rest, None),
        };
        let (user_info, host_port) = match authority.rsplit_once('@') {
            Some((user_info, host_port)) => (Some(user_info), host_port),
            None => (None, authority),
        };
        let credentials = user_info.map(seal_user_info).transpose()?;
        let (host, port) = split_host_port(host_port)?;
        let (mut client_id, web_query) = split_query(query.unwrap_or_default())?;
        if !(web_query.is_empty() || scheme.is_websocket()) {
            return Err("After the ? of the connection string only client_id=… may stand.".into());
        }
        let mut web_path = DEFAULT_PATH.to_owned();
        match path {
            Some(path) if scheme.is_websocket() => web_path = checked_path(path)?,
            Some("") => {}
            Some(_) if client_id.is_some() => {
                return Err("The client id is named twice, as the path and as ?client_id=.".into());
            }
            Some(path) => client_id = Some(decode_text(path)?),
            None => {}
        }
        if !web_query.is_empty() {
            web_path = format!("{web_path}?{web_query}");
        }
        let client_id_in_url = client_id.is_some();
        Ok(Self {
            scheme,
            host,
            port: port.unwrap_or(scheme.default_port()),
            path: web_path,
            client_id: checked_client_id(client_id.unwrap_or_default())?,
            credentials,
            protocol: Protocol::Auto,
            keep_alive: DEFAULT_KEEP_ALIVE,
            clean_start: true,
            ca_file: None,
            client_cert: None,
            client_key: None,
            insecure_tls: false,
            named: false,
            client_id_in_url,
        })
    }

    /// Whether `text` is meant as a place, with a scheme or as `host:port`, and not as the name of a broker.
    pub fn is_address(text: &str) -> bool {
        let plain = !text.contains(['/', '@', '?']);
        text.contains("://") || plain && (text.contains(['.', ':', '[']) || text == "localhost")
    }

    /// A broker that the configuration names. Its own user name, password and client id win over what its URL holds.
    ///
    /// # Errors
    /// What is wrong with the URL, in one sentence without credentials.
    pub fn from_named(broker: &NamedBroker) -> Result<Self, String> {
        let mut target = Self::parse(&broker.url)?;
        target.named = true;
        if broker.user_name.is_some() || broker.password.is_some() {
            let opened = broker.password.as_ref().and_then(Sealed::open);
            let password = opened.as_ref().and_then(Opened::password);
            target.credentials =
                Some(Sealed::seal(broker.user_name.as_deref(), password).map_err(|_| no_random())?);
        }
        if let Some(client_id) = &broker.client_id {
            target.client_id = checked_client_id(client_id.clone())?;
            target.client_id_in_url = false;
        }
        target.ca_file.clone_from(&broker.ca_file);
        target.client_cert.clone_from(&broker.client_cert);
        target.client_key.clone_from(&broker.client_key);
        target.insecure_tls = broker.insecure_tls;
        Ok(target)
    }

    /// Gives a client id of a configured URL a random end: hosts start a server twice with one configuration, and a
    /// broker throws out the first of two clients with one id. What `client_id` of the configuration or a call's own
    /// address says stays as it is: brokers give rights by client id.
    pub fn distinguish(&mut self) {
        if self.named && self.client_id_in_url && !self.client_id.is_empty() {
            let tail = uuid::Uuid::new_v4().simple().to_string();
            // 24 bits: two of ten processes meet once in 400,000 times.
            let tail = tail.get(..6).unwrap_or_default();
            self.client_id = format!("{}-{tail}", self.client_id);
            self.client_id_in_url = false;
        }
    }

    /// `mqtts://host:8883`, without credentials.
    pub fn display(&self) -> String {
        self.to_string()
    }

    /// `host:port`, an IPv6 address in brackets.
    pub fn host_port(&self) -> String {
        host_port(&self.host, self.port)
    }

    /// The host without the zone of an IPv6 address, which means something on this machine only.
    pub fn plain_host(&self) -> &str {
        self.host.split('%').next().unwrap_or_default()
    }

    /// `host:port` as a URL and the broker know it: without a zone.
    pub fn authority(&self) -> String {
        host_port(self.plain_host(), self.port)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.host_port())?;
        if self.scheme.is_websocket() && self.path != DEFAULT_PATH {
            // A query may carry a token; the path alone says which endpoint it is.
            f.write_str(self.path.split('?').next().unwrap_or_default())?;
        }
        Ok(())
    }
}

fn host_port(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn split_scheme(text: &str) -> Result<(Scheme, &str), String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Target::is_address(text)
            .then_some((Scheme::Mqtt, text))
            .ok_or_else(|| SCHEMES.to_owned());
    };
    let scheme = Scheme::of(scheme).ok_or(SCHEMES)?;
    Ok((scheme, rest))
}

fn seal_user_info(user_info: &str) -> Result<Sealed, String> {
    let (user_name, password) = match user_info.split_once(':') {
        Some((user_name, password)) => (user_name, Some(password)),
        None => (user_info, None),
    };
    let user_name = Zeroizing::new(decode(user_name)?);
    let user_name = std::str::from_utf8(&user_name)
        .map_err(|_| "The user name in the connection string is not UTF-8.")?;
    let password = password.map(decode).transpose()?.map(Zeroizing::new);
    if user_name.len() > 65_535 || password.as_ref().is_some_and(|p| p.len() > 65_535) {
        return Err("User name and password may have 65,535 bytes at most.".into());
    }
    Sealed::seal(Some(user_name), password.as_ref().map(|p| p.as_slice())).map_err(|_| no_random())
}

fn split_host_port(text: &str) -> Result<(String, Option<u16>), String> {
    if let Some(rest) = text.strip_prefix('[') {
        return split_ipv6(rest);
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    if port.is_some_and(|port| port.contains(':')) {
        return Err("An IPv6 address in the connection string must stand in brackets, as in mqtt://[::1]:1883.".into());
    }
    if host.is_empty() {
        return Err("The connection string names no host.".into());
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
    if host.len() > 253 || !host.bytes().all(plain) {
        return Err("The host in the connection string holds a character that no host name has; percent-encode special characters of user name and password (@ is %40, / is %2F, : is %3A).".into());
    }
    let port = port.map(parse_port).transpose()?;
    Ok((host.to_owned(), port))
}

/// What stands behind the `[` of an IPv6 address.
fn split_ipv6(text: &str) -> Result<(String, Option<u16>), String> {
    let (address, rest) = text
        .split_once(']')
        .ok_or("The connection string has a [ without ] around its IPv6 address.")?;
    // RFC 6874 writes the % before a zone as %25; people write it as their system shows it.
    let (number, zone) = match address.split_once('%') {
        Some((number, zone)) => (number, Some(zone.strip_prefix("25").unwrap_or(zone))),
        None => (address, None),
    };
    let named = |zone: &str| {
        !zone.is_empty()
            && zone
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    if !zone.is_none_or(named) {
        return Err(
            "Behind the % of the IPv6 address its zone must follow, as in [fe80::1%25eth0].".into(),
        );
    }
    number
        .parse::<Ipv6Addr>()
        .map_err(|_| "What stands in [ ] in the connection string is not an IPv6 address.")?;
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(parse_port(port)?),
        None if rest.is_empty() => None,
        None => return Err("After the ] of the IPv6 address only :port may follow.".into()),
    };
    let host = match zone {
        Some(zone) => format!("{number}%{zone}"),
        None => number.to_owned(),
    };
    Ok((host, port))
}

fn parse_port(port: &str) -> Result<u16, String> {
    port.parse()
        .ok()
        .filter(|&number| number != 0 && port.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(|| {
            "The port in the connection string must be a number from 1 to 65535; percent-encode special characters of user name and password (@ is %40, / is %2F, : is %3A).".into()
        })
}

/// The client id, and the rest of the query as it stands.
fn split_query(query: &str) -> Result<(Option<String>, String), String> {
    let mut client_id = None;
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("client_id", value)) if client_id.is_none() => {
                client_id = Some(decode_text(value)?);
            }
            Some(("client_id", _)) => {
                return Err("The connection string names client_id twice.".into());
            }
            _ => rest.push(pair),
        }
    }
    let rest = rest.join("&");
    if rest.bytes().all(|b| b.is_ascii_graphic()) {
        Ok((client_id, rest))
    } else {
        Err("The WebSocket query holds a character that must be percent-encoded.".into())
    }
}

fn checked_client_id(client_id: String) -> Result<String, String> {
    if client_id.len() > MAX_CLIENT_ID {
        return Err(format!(
            "The client id is longer than {MAX_CLIENT_ID} bytes."
        ));
    }
    if client_id.chars().any(char::is_control) {
        return Err("The client id holds a control character.".into());
    }
    Ok(client_id)
}

fn checked_path(path: &str) -> Result<String, String> {
    if path.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(format!("/{path}"))
    } else {
        Err("The WebSocket path holds a character that must be percent-encoded.".into())
    }
}

fn decode_text(text: &str) -> Result<String, String> {
    String::from_utf8(decode(text)?)
        .map_err(|_| "A part of the connection string is not UTF-8 after percent-decoding.".into())
}

fn decode(text: &str) -> Result<Vec<u8>, String> {
    let bytes = text.as_bytes();
    let whole = |at: usize| {
        bytes
            .get(at + 1..at + 3)
            .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    if (0..bytes.len()).any(|at| bytes[at] == b'%' && !whole(at)) {
        return Err("A % in the connection string must be followed by two hex digits; write %25 for a % itself.".into());
    }
    Ok(percent_decode_str(text).collect())
}

fn no_random() -> String {
    "The system gives no random bytes, so the password cannot be sealed.".into()
}

#[cfg(test)]
mod tests;
