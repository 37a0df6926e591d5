//! What was tried when a connection did not come about, and advice that depends on it.
//!
//! Invariant: no advice is given that was followed already, and no text holds more than host, port and path.

use crate::config::target::{Protocol, Scheme, Target};
use bitsperity_mqtt_core::packet::Reason;

/// What a connection was tried with. Holds no secret.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    /// `mqtt`, `mqtts`, `ws`, `wss`.
    pub scheme: Scheme,
    /// Port.
    pub port: u16,
    /// Protocol.
    pub protocol: Protocol,
    /// The broker is one of the configuration.
    pub named: bool,
    /// A user name or a password was given.
    pub credentials: bool,
    /// A client id was given.
    pub client_id: bool,
    /// The address has a query.
    pub query: bool,
}

impl Tried {
    /// What connecting to `target` tries.
    pub fn of(target: &Target) -> Self {
        Self {
            scheme: target.scheme,
            port: target.port,
            protocol: target.protocol,
            named: target.named,
            credentials: target.credentials.is_some(),
            client_id: !target.client_id.is_empty(),
            query: target.path.contains('?'),
        }
    }

    /// Something answers, but not as an MQTT broker does.
    pub(super) fn other_port(self) -> &'static str {
        match self.scheme {
            Scheme::Mqtt => {
                "check that it is the broker's MQTT port (a TLS port needs mqtts://, a WebSocket port ws://)"
            }
            Scheme::Mqtts => {
                "check that it is the broker's MQTT port (a WebSocket port with TLS needs wss://)"
            }
            Scheme::Ws => {
                "check that MQTT is served at this path (a WebSocket port with TLS needs wss://, a plain MQTT port mqtt://)"
            }
            Scheme::Wss => {
                "check that MQTT is served at this path (an MQTT port with TLS needs mqtts://)"
            }
        }
    }

    /// The port does not speak TLS.
    pub(super) fn no_tls(self) -> String {
        let plain = match self.scheme {
            Scheme::Ws | Scheme::Wss => "ws://",
            Scheme::Mqtt | Scheme::Mqtts => "mqtt://",
        };
        let usual = match self.scheme {
            Scheme::Ws | Scheme::Wss => Scheme::Wss.default_port(),
            Scheme::Mqtt | Scheme::Mqtts => Scheme::Mqtts.default_port(),
        };
        match self.port == usual {
            true => format!(
                "The port may not be a TLS port, although {usual} usually is one: use {plain} for it, or look into the broker's listeners."
            ),
            false => format!(
                "The port may not be a TLS port: use the broker's TLS port (usually {usual}), or {plain} if it has none."
            ),
        }
    }

    /// TLS answered where none was spoken.
    pub(super) fn with_tls(self) -> &'static str {
        match self.scheme {
            Scheme::Mqtt => "Use mqtts:// for this port (or wss://, if it is a WebSocket port).",
            Scheme::Ws => "Use wss:// for this port.",
            Scheme::Mqtts | Scheme::Wss => {
                "Within TLS the port speaks TLS once more: check that it is the broker's."
            }
        }
    }

    /// HTTP answered.
    pub(super) fn with_websocket(self) -> &'static str {
        match self.scheme {
            Scheme::Mqtt => {
                "Use ws:// for this port, or find the broker's MQTT port (usually 1883)."
            }
            Scheme::Mqtts => {
                "Use wss:// for this port, or find the broker's MQTT port with TLS (usually 8883)."
            }
            Scheme::Ws | Scheme::Wss => "Check that MQTT is served at this path.",
        }
    }

    /// No WebSocket there.
    pub(super) fn no_websocket(self) -> &'static str {
        match self.scheme.is_tls() {
            true => "The port may not be a WebSocket port: try another port, or mqtts://.",
            false => {
                "The port may not be a WebSocket port: try another port, or mqtt://; if it is one with TLS, wss://."
            }
        }
    }

    /// The broker does not know the version.
    pub(super) fn version(self) -> &'static str {
        match self.protocol {
            Protocol::Auto => {
                "Update the broker, or use one that speaks MQTT 3.1.1 or 5.0: both were tried, and nothing older is spoken here."
            }
            Protocol::V5 => "Use protocol auto or 3.1.1.",
            Protocol::V311 => "Use protocol auto or 5.",
        }
    }

    /// What to do about this status in place of an upgrade.
    pub(super) fn http(self, status: u16, path: &str) -> String {
        let step = match status {
            401 | 403 | 407 if self.query => {
                "The web server before the broker does not accept the credentials in the address's query: ask whoever runs it for valid ones. User name and password go to the broker only, in CONNECT."
            }
            401 | 403 | 407 => {
                "The web server before the broker wants credentials of its own: ask whoever runs it, for instance for a token to put into the address (wss://host/path?token=…), or for a way past it. User name and password go to the broker only, in CONNECT."
            }
            404 | 410 => return path_step(path),
            429 => "The web server wants fewer connections: wait, then try again.",
            300..=399 => {
                "Redirects are not followed: connect to the address that the server names, or ask whoever runs it."
            }
            502..=504 => {
                "The web server answers, but not the broker behind it: check that the broker runs and that the web server's settings lead to it, then try again."
            }
            500..=599 => "The web server has a fault of its own: look into its log.",
            _ => {
                "The web server takes no WebSocket at this address: check host, port and path, and that the web server passes upgrades on."
            }
        };
        step.to_owned()
    }

    /// What to do about a CONNACK that refuses.
    pub(super) fn refused(self, reason: Reason) -> &'static str {
        match reason.0 {
            0x84 => self.version(),
            0x85 if self.client_id => "Choose another client id (or none, then one is made up).",
            0x85 => "Name a client id that the broker accepts; the one refused was made up here.",
            0x86 => self.credentials(),
            // Mosquitto 2.0 answers a wrong password with 0x87 as well.
            0x87 if self.credentials => {
                "Check user name and password (some brokers say this for a wrong password, too); if they are right, this user or client id may not connect: ask whoever runs the broker."
            }
            0x87 => {
                "The broker may want a user name and a password, and none were given; if it wants none, this client may not connect: ask whoever runs the broker."
            }
            0x8A => "This client is banned: ask whoever runs the broker.",
            0x88 | 0x89 | 0x8B | 0x9F | 0x97 => {
                "The broker is overloaded or going down: try again later."
            }
            0x9C | 0x9D => "Connect to the server that the broker names.",
            0x95 => {
                "Shorten client id, user name or password: the broker takes no CONNECT of this size."
            }
            _ => "Look into the broker's log for the reason.",
        }
    }

    fn credentials(self) -> &'static str {
        match (self.credentials, self.named) {
            (true, true) => "Correct user and password of this broker in the configuration.",
            (true, false) => {
                "Check user name and password (percent-encoded in the connection string), or use a named broker of the configuration."
            }
            (false, true) => {
                "The broker wants a user name and a password: set user and password_file of this broker in the configuration."
            }
            (false, false) => {
                "The broker wants a user name and a password: give them in the connection string, percent-encoded, or use a named broker of the configuration."
            }
        }
    }
}

/// The usual paths but the one that was tried.
fn path_step(path: &str) -> String {
    let others: Vec<&str> = ["/mqtt", "/ws", "/"]
        .into_iter()
        .filter(|usual| *usual != path)
        .collect();
    format!(
        "Check the path of the WebSocket (ws://host:port/path; often {}).",
        others.join(" or ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::error::{Cause, ConnectError, Stage};
    use std::time::Duration;

    /// Every cause that advice is given for.
    fn causes() -> Vec<(Stage, Cause)> {
        let address = || "10.0.0.1:1883".parse().unwrap();
        let text = || "why".to_owned();
        let mut all = vec![
            (Stage::Dns, Cause::UnknownHost("h".into(), text())),
            (Stage::Tcp, Cause::TcpRefused(address(), 0)),
            (Stage::Tcp, Cause::TcpSilent(address(), 0)),
            (Stage::Tcp, Cause::TcpFailed(address(), text(), 0)),
            (Stage::Tls, Cause::NotTls),
            (Stage::Tls, Cause::ClosedInTls),
            (Stage::Tls, Cause::Tls(text())),
            (Stage::Tls, Cause::ClientCertificateWanted),
            (Stage::WebSocket, Cause::NotWebSocket(text())),
            (Stage::WebSocket, Cause::NoSubprotocol),
            (Stage::Connack, Cause::Silent(Duration::from_secs(1))),
            (Stage::Tcp, Cause::Silent(Duration::from_secs(1))),
            (Stage::Connack, Cause::ClosedWithoutConnack),
            (Stage::Connack, Cause::NotMqtt(Some("TLS"))),
            (Stage::Connack, Cause::NotMqtt(Some("HTTP"))),
            (Stage::Connack, Cause::NotMqtt(None)),
            (Stage::Connack, Cause::Broken(text())),
            (Stage::Connack, Cause::Version),
            (Stage::Connack, Cause::NeitherVersion),
        ];
        for status in [301, 400, 401, 403, 404, 407, 429, 500, 502, 503, 504] {
            all.push((
                Stage::WebSocket,
                Cause::HttpStatus(status, "/ws".into(), None),
            ));
        }
        all.extend(
            (0x80..=0x9F).map(|code| (Stage::Connack, Cause::Refused(Reason(code), text()))),
        );
        all
    }

    fn step(address: &str, protocol: Protocol, stage: Stage, cause: &Cause) -> String {
        let target = Target {
            protocol,
            ..Target::parse(address).unwrap()
        };
        let error = ConnectError {
            broker: target.display(),
            tried: Tried::of(&target),
            stage,
            cause: cause.clone(),
            stages: Vec::new(),
        };
        error.next_step()
    }

    #[test]
    fn no_advice_to_do_what_was_done() {
        /// What is never advised when the address holds this.
        const DONE: &[(&str, &[&str])] = &[
            ("mqtt://", &["or mqtt://", "MQTT port mqtt://"]),
            ("mqtts://", &["needs mqtts://", "se mqtts://"]),
            ("ws://", &["needs ws://", "or ws://", "se ws://"]),
            ("wss://", &["needs wss://", "with TLS, wss://", "se wss://"]),
            (":8883", &["TLS port (usually 8883)"]),
            (":443", &["TLS port (usually 443)"]),
            ("/ws", &["or /ws", "often /ws"]),
            ("token", &["?token=…"]),
            (
                "user:",
                &["none were given", "give them in the connection string"],
            ),
            ("own-id", &["Name a client id"]),
        ];
        let addresses = [
            "mqtt://h",
            "mqtt://user:word@h/own-id",
            "mqtts://h:8883",
            "mqtts://h:1883",
            "ws://h/ws",
            "ws://h/ws?token=x",
            "wss://user:word@h:443/ws",
            "wss://h:8084/ws",
        ];
        for address in addresses {
            for protocol in [Protocol::Auto, Protocol::V5, Protocol::V311] {
                let scheme = Target::parse(address).unwrap().scheme;
                let arises = |(stage, _): &(Stage, Cause)| match stage {
                    Stage::Tls => scheme.is_tls(),
                    Stage::WebSocket => scheme.is_websocket(),
                    _ => true,
                };
                for (stage, cause) in causes().into_iter().filter(arises) {
                    let step = step(address, protocol, stage, &cause);
                    assert!(step.ends_with('.') && step.len() > 20, "{cause:?}: {step}");
                    let begins = |done: &str| match done.ends_with("://") {
                        true => address.starts_with(done),
                        false => address.contains(done),
                    };
                    for (done, advised) in DONE.iter().filter(|(done, _)| begins(done)) {
                        for words in *advised {
                            assert!(
                                !step.contains(words),
                                "{address} has {done}; {cause:?}: {step}"
                            );
                        }
                    }
                    let version = match protocol {
                        Protocol::Auto => "protocol auto",
                        Protocol::V5 => "auto or 5",
                        Protocol::V311 => "auto or 3.1.1",
                    };
                    assert!(!step.contains(version), "{protocol:?} {cause:?}: {step}");
                }
            }
        }
    }

    #[test]
    fn what_was_not_given_is_not_to_be_checked() {
        for code in [0x86, 0x87] {
            let cause = Cause::Refused(Reason(code), String::new());
            let without = step("mqtt://h", Protocol::Auto, Stage::Connack, &cause);
            assert!(!without.contains("Check user name"), "{without}");
            let with = step("mqtt://user:word@h", Protocol::Auto, Stage::Connack, &cause);
            assert!(with.contains("Check user name"), "{with}");
        }
        for code in [0x95, 0x99, 0x9A, 0x9B] {
            let cause = Cause::Refused(Reason(code), String::new());
            let step = step("mqtt://h", Protocol::Auto, Stage::Connack, &cause);
            assert!(!step.contains("Last Will"), "{step}");
        }
    }

    #[test]
    fn a_status_tells_whose_turn_it_is() {
        for (status, words) in [
            (301, "Redirects are not followed"),
            (401, "credentials"),
            (403, "credentials"),
            (404, "path of the WebSocket"),
            (500, "its log"),
            (502, "broker behind it"),
            (503, "broker behind it"),
        ] {
            let cause = Cause::HttpStatus(status, "/mqtt".into(), None);
            let step = step("ws://h", Protocol::Auto, Stage::WebSocket, &cause);
            assert!(step.contains(words), "{status}: {step}");
            assert_eq!(step.contains("Check the path"), status == 404, "{step}");
        }
    }
}
