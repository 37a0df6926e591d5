//! A connection that did not come about: which stage, why, and what the user can do now.
//!
//! Invariant: hosts, ports, file names, reason codes and the broker's own words are all that is shown.

use super::tried::Tried;
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
    /// What was tried.
    pub tried: Tried,
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
        /// It signed itself.
        self_signed: bool,
    },
    /// The certificate is for other names.
    WrongName(String, Vec<String>),
    /// The certificate is not valid for another reason.
    Certificate(String),
    /// The certificate is too old or too weak: why, and the command that makes a better one.
    PoorCertificate(String, String),
    /// The file with this name does not fit the client certificate.
    ClientKeyMisfit(String),
    /// The broker wants a client certificate and got none.
    ClientCertificateWanted,
    /// The broker does not accept the client certificate; why, as far as it says.
    ClientCertificateRefused(String),
    /// Anything else that TLS says.
    Tls(String),
    /// What answered does not speak WebSocket.
    NotWebSocket(String),
    /// The upgrade was answered with this HTTP status, for this path; where a redirect leads.
    HttpStatus(u16, String, Option<String>),
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
            Cause::File(..) | Cause::ClientKeyMisfit(_) | Cause::Unusable(_) | Cause::Abandoned => {
                true
            }
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
            Cause::HttpStatus(401 | 403 | 407, ..) => "not_authorised",
            Cause::File(..) | Cause::ClientKeyMisfit(_) | Cause::Unusable(_) => "invalid_argument",
            _ if self.stage == Stage::Tls => "tls_failed",
            _ => "connect_failed",
        }
    }

    pub(super) fn next_step(&self) -> String {
        let tried = self.tried;
        let step = match &self.cause {
            Cause::UnknownHost(host, _) if host.contains('%') => {
                "Name a network interface of this machine behind the %, as in [fe80::1%25eth0]."
            }
            Cause::UnknownHost(..) => "Check the spelling of the host, or use its IP address.",
            Cause::TcpRefused(..) => {
                "Nothing listens there: check that the broker runs and that the port is right (1883 mqtt, 8883 mqtts, 80 ws, 443 wss by default); a broker in a container must publish its port."
            }
            Cause::TcpSilent(..) | Cause::TcpFailed(..) => {
                "Check the address, that this machine can reach that network, and whether a firewall drops the port."
            }
            Cause::NotTls | Cause::ClosedInTls => return tried.no_tls(),
            Cause::NotWebSocket(_) => tried.no_websocket(),
            Cause::HttpStatus(status, path, _) => return tried.http(*status, path),
            Cause::NoSubprotocol => {
                "This WebSocket endpoint does not serve MQTT: check port and path."
            }
            Cause::Silent(_) if self.stage == Stage::Connack => {
                return format!(
                    "The port is open but answers nothing that MQTT knows: {}.",
                    tried.other_port()
                );
            }
            Cause::Silent(_) => {
                "Check that the broker is healthy and the network is not dropping packets, then try again."
            }
            Cause::ClosedWithoutConnack | Cause::Broken(_) => {
                return format!("Look into the broker's log, and {}.", tried.other_port());
            }
            Cause::NotMqtt(Some("TLS")) => tried.with_tls(),
            Cause::NotMqtt(Some("HTTP")) => tried.with_websocket(),
            Cause::NotMqtt(_) | Cause::Protocol(_) => {
                "Check that host and port are those of an MQTT broker."
            }
            Cause::NeitherVersion => {
                "Update the broker, or use one that speaks MQTT 3.1.1 or 5.0: nothing older is spoken here."
            }
            Cause::Version => tried.version(),
            Cause::Refused(reason, _) => tried.refused(*reason),
            Cause::Unusable(_) => "Correct the arguments and try again.",
            Cause::Abandoned => "Call again, if the connection is still wanted.",
            certificates => return certificate_step(certificates),
        };
        step.to_owned()
    }
}

/// What to do about certificates, the broker's or our own.
fn certificate_step(cause: &Cause) -> String {
    let step = match cause {
        Cause::File(..) => "Give the path of a readable PEM file.",
        Cause::ClientKeyMisfit(_) => {
            "Give the key with which client_cert was made, or the certificate that belongs to this key."
        }
        Cause::NoRoots => {
            "Install the system's CA certificates, or pass ca_file with the PEM of the CA that signed the broker's certificate."
        }
        Cause::UntrustedCa {
            own_ca: false,
            self_signed: false,
        } => {
            "If the broker uses its own CA, pass ca_file with the PEM of that CA (or set it for a named broker in the configuration)."
        }
        Cause::UntrustedCa {
            own_ca: false,
            self_signed: true,
        } => {
            "If this is the right broker, get its certificate (PEM) from whoever runs it and pass it as ca_file (or set it for a named broker in the configuration)."
        }
        Cause::UntrustedCa {
            own_ca: true,
            self_signed: false,
        } => {
            "ca_file is not the CA that signed this broker's certificate: get the right PEM from whoever runs the broker."
        }
        Cause::UntrustedCa {
            own_ca: true,
            self_signed: true,
        } => {
            "ca_file holds another certificate than the broker's: get the right PEM from whoever runs the broker."
        }
        Cause::WrongName(_, names) if names.is_empty() => {
            "Have the certificate issued for this name as well."
        }
        Cause::WrongName(..) => {
            "Connect by one of the names in the certificate, or have it issued for this name."
        }
        Cause::PoorCertificate(_, line) => {
            return format!(
                "Have the broker's certificate made anew, for instance by `{line}`; broker.pem is then both the broker's certificate and what to pass as ca_file."
            );
        }
        Cause::ClientCertificateWanted => "Pass client_cert and client_key (PEM files).",
        Cause::ClientCertificateRefused(_) => {
            "Check that client_cert is signed by the CA that the broker trusts, is not expired, and fits client_key."
        }
        Cause::Tls(_) => "Check the broker's TLS settings (TLS 1.2 or 1.3 is needed).",
        _ => "Have the broker's certificate renewed or replaced.",
    };
    step.to_owned()
}

/// Reasons after which a reconnect cannot help or would fight another client.
pub(crate) fn is_final(reason: Reason) -> bool {
    matches!(reason.0, 0x8E | 0x86 | 0x87 | 0x8A | 0x9C | 0x9D)
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} did not connect: ", self.broker)?;
        if !matches!(
            self.cause,
            Cause::Refused(..) | Cause::File(..) | Cause::ClientKeyMisfit(_) | Cause::Unusable(_)
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
            Self::UntrustedCa {
                own_ca,
                self_signed,
            } => f.write_str(match (own_ca, self_signed) {
                (false, false) => {
                    "the broker's certificate is not signed by a CA that this system trusts"
                }
                (true, false) => "the broker's certificate is not signed by the CA in ca_file",
                (false, true) => "the broker's certificate is self-signed, and not known here",
                (true, true) => {
                    "the broker's certificate is self-signed, and not the one in ca_file"
                }
            }),
            Self::PoorCertificate(why, _) => {
                write!(f, "the broker's certificate cannot be accepted: {why}")
            }
            Self::ClientKeyMisfit(name) => write!(f, "client_key {name}: does not fit client_cert"),
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
            Self::HttpStatus(status, path, to) => {
                write!(f, "the server answered HTTP {status} for path {path}")?;
                match to {
                    Some(to) => write!(f, ", and names {to}"),
                    None => Ok(()),
                }
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
