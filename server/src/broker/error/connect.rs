//! A connection that did not come about: which stage, why, and what the user can do now.
//!
//! Invariant: hosts, ports, file names, reason codes and the broker's own words are all that is shown.

use super::words_of;
use bitsperity_mqtt_core::packet::Reason;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// A stage of establishing a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Name to addresses.
    Dns,
    /// TCP connection.
    Tcp,
    /// TLS handshake.
    Tls,
    /// WebSocket upgrade.
    WebSocket,
    /// CONNECT to CONNACK.
    Connack,
}

impl Stage {
    /// As in [`crate::broker::handle::Established::stages`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::WebSocket => "websocket",
            Self::Connack => "connack",
        }
    }

    const fn doing(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::WebSocket => "WebSocket",
            Self::Connack => "MQTT",
        }
    }
}

/// A connection that did not come about.
#[derive(Clone, Debug)]
pub struct ConnectError {
    /// `mqtts://host:8883`, without credentials.
    pub broker: String,
    /// The stage that failed.
    pub stage: Stage,
    /// Why.
    pub cause: Cause,
    /// Each stage with its time, the failed one last.
    pub stages: Vec<(&'static str, Duration)>,
}

/// Why a connection did not come about.
#[derive(Clone, Debug)]
pub enum Cause {
    /// The name has no address; the resolver's word.
    UnknownHost(String, String),
    /// The port refused; how many other addresses failed as well.
    TcpRefused(SocketAddr, usize),
    /// Nothing answered; how many other addresses failed as well.
    TcpSilent(SocketAddr, usize),
    /// The network's word; how many other addresses failed as well.
    TcpFailed(SocketAddr, String, usize),
    /// A file that the caller named: what it is, its name, what is wrong.
    File(&'static str, String, String),
    /// The system has no root certificates.
    NoRoots,
    /// What answered does not speak TLS.
    NotTls,
    /// The connection was closed in the handshake.
    ClosedInTls,
    /// Nobody known here signed the broker's certificate.
    UntrustedCa {
        /// A CA of the caller's was tried.
        own_ca: bool,
    },
    /// The certificate is for other names.
    WrongName(String, Vec<String>),
    /// The certificate is not valid for another reason.
    Certificate(String),
    /// The broker wants a client certificate and got none.
    ClientCertificateWanted,
    /// The broker does not accept the client certificate; its alert.
    ClientCertificateRefused(String),
    /// Anything else that TLS says.
    Tls(String),
    /// What answered does not speak WebSocket.
    NotWebSocket(String),
    /// The upgrade was answered with this HTTP status, for this path.
    HttpStatus(u16, String),
    /// The WebSocket server does not offer the subprotocol `mqtt`.
    NoSubprotocol,
    /// No answer within the deadline.
    Silent(Duration),
    /// Closed without CONNACK.
    ClosedWithoutConnack,
    /// The answer is not MQTT; what it looks like.
    NotMqtt(Option<&'static str>),
    /// The broker broke the protocol.
    Protocol(String),
    /// The broker speaks another version than the one insisted on.
    Version,
    /// The broker speaks neither 5.0 nor 3.1.1.
    NeitherVersion,
    /// CONNACK with a failure, in the codes of 5.0; Reason String or Server Reference.
    Refused(Reason, String),
    /// CONNECT cannot be written, or no random bytes: the caller's or the system's fault.
    Unusable(String),
    /// The connection broke.
    Broken(String),
    /// The caller gave up.
    Abandoned,
}

impl ConnectError {
    /// Whether trying again cannot help, or would fight another client: stops reconnecting at once.
    pub(crate) fn is_final(&self) -> bool {
        match &self.cause {
            Cause::Refused(reason, _) => is_final(*reason),
            Cause::File(..) | Cause::Unusable(_) | Cause::Abandoned => true,
            _ => false,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match &self.cause {
            Cause::Refused(reason, _) if matches!(reason.0, 0x86 | 0x87 | 0x8A | 0x8C) => {
                "not_authorised"
            }
            Cause::Refused(..) => "connection_refused",
            Cause::Silent(_) | Cause::TcpSilent(..) => "timeout",
            Cause::File(..) | Cause::Unusable(_) => "invalid_argument",
            _ if self.stage == Stage::Tls => "tls_failed",
            _ => "connect_failed",
        }
    }

    pub(super) fn next_step(&self) -> String {
        let step = match &self.cause {
            Cause::UnknownHost(..) => "Check the spelling of the host, or use its IP address.",
            Cause::TcpRefused(..) => {
                "Nothing listens there: check that the broker runs and that the port is right (1883 mqtt, 8883 mqtts, 80 ws, 443 wss by default); a broker in a container must publish its port."
            }
            Cause::TcpSilent(..) | Cause::TcpFailed(..) => {
                "Check the address, that this machine can reach that network, and whether a firewall drops the port."
            }
            Cause::File(..) => "Give the path of a readable PEM file.",
            Cause::NoRoots => {
                "Install the system's CA certificates, or pass ca_file with the PEM of the CA that signed the broker's certificate."
            }
            Cause::NotTls | Cause::ClosedInTls => {
                "The port may not be a TLS port: try the TLS port (usually 8883, WebSocket 443), or mqtt:// or ws:// if the broker has none."
            }
            Cause::UntrustedCa { own_ca: false } => {
                "If the broker uses its own CA, pass ca_file with the PEM of that CA (or set it for a named broker in the configuration)."
            }
            Cause::UntrustedCa { own_ca: true } => {
                "ca_file is not the CA that signed this broker's certificate: get the right PEM from whoever runs the broker."
            }
            Cause::WrongName(..) => {
                "Connect by one of the names in the certificate, or have it issued for this name."
            }
            Cause::Certificate(_) => "Have the broker's certificate renewed or replaced.",
            Cause::ClientCertificateWanted => "Pass client_cert and client_key (PEM files).",
            Cause::ClientCertificateRefused(_) => {
                "Check that client_cert is signed by the CA that the broker trusts, is not expired, and fits client_key."
            }
            Cause::Tls(_) => "Check the broker's TLS settings (TLS 1.2 or 1.3 is needed).",
            Cause::NotWebSocket(_) => {
                "The port may not be a WebSocket port: try another port, or mqtt:// or mqtts://."
            }
            Cause::HttpStatus(..) => {
                "Check the path of the WebSocket (ws://host:port/path; often /mqtt, /ws or /)."
            }
            Cause::NoSubprotocol => {
                "This WebSocket endpoint does not serve MQTT: check port and path."
            }
            Cause::Silent(_) if self.stage == Stage::Connack => {
                "The port is open but answers nothing that MQTT knows: check that it is the broker's MQTT port (a TLS port needs mqtts://, a WebSocket port ws://)."
            }
            Cause::Silent(_) => {
                "Check that the broker is healthy and the network is not dropping packets, then try again."
            }
            Cause::ClosedWithoutConnack | Cause::Broken(_) => {
                "Check that this is the broker's MQTT port (a TLS port needs mqtts://, a WebSocket port ws://), and look into the broker's log."
            }
            Cause::NotMqtt(Some("TLS")) => "Use mqtts:// (or wss://) for this port.",
            Cause::NotMqtt(Some("HTTP")) => {
                "Use ws:// (or wss://) for this port, or find the broker's MQTT port (usually 1883)."
            }
            Cause::NotMqtt(_) | Cause::Protocol(_) => {
                "Check that host and port are those of an MQTT broker."
            }
            Cause::NeitherVersion => {
                "Update the broker, or use one that speaks MQTT 3.1.1 or 5.0: nothing older is spoken here."
            }
            Cause::Version => "Use protocol auto, or the version that the broker speaks.",
            Cause::Refused(reason, _) => return refused_step(*reason).to_owned(),
            Cause::Unusable(_) | Cause::Abandoned => "Correct the arguments and try again.",
        };
        step.to_owned()
    }
}

/// Reasons after which a reconnect cannot help or would fight another client.
pub(crate) fn is_final(reason: Reason) -> bool {
    matches!(reason.0, 0x8E | 0x86 | 0x87 | 0x8A | 0x9C | 0x9D)
}

fn refused_step(reason: Reason) -> &'static str {
    match reason.0 {
        0x84 => "Use protocol auto, or the version that the broker speaks.",
        0x85 => "Choose another client id (or none, then one is made up).",
        0x86 => {
            "Check user name and password (percent-encoded in the connection string), or use a named broker of the configuration."
        }
        // Mosquitto 2.0 answers a wrong password with 0x87 as well.
        0x87 => {
            "Check user name and password (some brokers say this for a wrong password, too); if they are right, this user or client id may not connect: ask whoever runs the broker."
        }
        0x8A => "This client is banned: ask whoever runs the broker.",
        0x88 | 0x89 | 0x8B | 0x9F | 0x97 => {
            "The broker is overloaded or going down: try again later."
        }
        0x9C | 0x9D => "Connect to the server that the broker names.",
        0x95 | 0x99 | 0x9A | 0x9B => "The Last Will does not fit what the broker allows.",
        _ => "Look into the broker's log for the reason.",
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} did not connect: ", self.broker)?;
        if !matches!(
            self.cause,
            Cause::Refused(..) | Cause::File(..) | Cause::Unusable(_)
        ) {
            write!(f, "{}: ", self.stage.doing())?;
        }
        write!(f, "{}", self.cause)?;
        if !self.stages.is_empty() {
            let stages: Vec<String> = self
                .stages
                .iter()
                .map(|(name, took)| format!("{name} {:.1} ms", took.as_secs_f64() * 1e3))
                .collect();
            write!(f, " [{}]", stages.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others = |f: &mut fmt::Formatter<'_>, others: usize| match others {
            0 => Ok(()),
            1 => write!(f, " (and so did one other address)"),
            n => write!(f, " (and so did {n} other addresses)"),
        };
        match self {
            Self::UnknownHost(host, detail) => write!(f, "host \"{host}\" not found ({detail})"),
            Self::TcpRefused(address, more) => {
                write!(f, "connection to {address} refused")?;
                others(f, *more)
            }
            Self::TcpSilent(address, more) => {
                write!(f, "{address} did not answer")?;
                others(f, *more)
            }
            Self::TcpFailed(address, why, more) => {
                write!(f, "connection to {address} failed: {why}")?;
                others(f, *more)
            }
            Self::File(what, name, why) => write!(f, "{what} {name}: {why}"),
            Self::NoRoots => f.write_str("this system has no root certificates"),
            Self::NotTls => f.write_str("what answered does not speak TLS"),
            Self::ClosedInTls => f.write_str("the connection was closed during the handshake"),
            Self::UntrustedCa { own_ca: false } => f.write_str(
                "the broker's certificate is not signed by a CA that this system trusts",
            ),
            Self::UntrustedCa { own_ca: true } => {
                f.write_str("the broker's certificate is not signed by the CA in ca_file")
            }
            Self::WrongName(host, names) if names.is_empty() => {
                write!(f, "certificate not valid for name \"{host}\"")
            }
            Self::WrongName(host, names) => write!(
                f,
                "certificate not valid for name \"{host}\"; it is for {}",
                names.join(", ")
            ),
            Self::Certificate(why) => write!(f, "the broker's certificate is not valid: {why}"),
            Self::ClientCertificateWanted => f.write_str("the broker wants a client certificate"),
            Self::ClientCertificateRefused(alert) => {
                write!(f, "the broker refused the client certificate ({alert})")
            }
            Self::Tls(why) | Self::Protocol(why) | Self::Unusable(why) | Self::Broken(why) => {
                f.write_str(why)
            }
            Self::NotWebSocket(why) => write!(f, "what answered is not a WebSocket server ({why})"),
            Self::HttpStatus(status, path) => {
                write!(f, "the server answered HTTP {status} for path {path}")
            }
            Self::NoSubprotocol => f.write_str("the server does not offer the subprotocol mqtt"),
            Self::Silent(after) => write!(f, "no answer within {} s", after.as_secs_f64()),
            Self::ClosedWithoutConnack => {
                f.write_str("the broker closed the connection without a CONNACK")
            }
            Self::NotMqtt(Some(what)) => write!(f, "what answered speaks {what}, not MQTT"),
            Self::NotMqtt(None) => f.write_str("what answered is not MQTT"),
            Self::NeitherVersion => {
                f.write_str("the broker speaks neither MQTT 5.0 nor 3.1.1 (perhaps only 3.1)")
            }
            Self::Version => f.write_str("the broker does not speak the MQTT version asked for"),
            Self::Refused(reason, words) => {
                write!(f, "broker refused: {}", words_of(*reason))?;
                if words.is_empty() {
                    Ok(())
                } else {
                    write!(f, ": {words}")
                }
            }
            Self::Abandoned => f.write_str("given up by the caller"),
        }
    }
}
