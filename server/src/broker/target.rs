//! Where to connect: the connection string parsed, or a named broker of the configuration.

use super::vault::Sealed;
use std::path::PathBuf;

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
    /// Last Will.
    pub will: Option<super::handle::Publish>,
}

impl Target {
    /// Parses `scheme://[user:pass@]host[:port][/client_id]` (for WebSockets the path is the WebSocket's: default `/mqtt`).
    /// Credentials are sealed at once; no error repeats them.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence without the credentials.
    pub fn parse(connection_string: &str) -> Result<Self, String> {
        let _ = connection_string;
        Err(String::new())
    }

    /// `mqtts://host:8883`, without credentials.
    pub fn display(&self) -> String {
        String::new()
    }
}
