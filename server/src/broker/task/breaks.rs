//! Why a stream is no good any more, in words: of one that never stood, and of one that did.

use super::Task;
use crate::broker::error::{Cause, is_final, words_of};
use crate::broker::transport::explain_first_read;
use bitsperity_mqtt_core::packet::Reason;
use bitsperity_mqtt_core::session::SessionError;
use bitsperity_mqtt_core::time::Instant;
use std::io;
use std::time::Duration;

/// Follows the words for a connection that another client of the same id seems to take, again and again.
const AGAIN: &str =
    ", again soon after it accepted us: does another client use the same client id?";

/// Why a stream is no good any more.
pub(super) enum Break {
    End,
    Io(io::Error),
    /// These bytes are no packet.
    Garbage(Vec<u8>),
    Session(SessionError),
    Silent,
}

impl Task<'_> {
    pub(super) fn handshake_cause(&self, why: Break) -> Cause {
        match why {
            Break::End => Cause::ClosedWithoutConnack,
            Break::Silent => Cause::Silent(self.life.allowed),
            Break::Garbage(bytes) => Cause::NotMqtt(looks_like(&bytes)),
            Break::Io(error) => {
                explain_first_read(&self.target, &error).unwrap_or_else(|| match error.kind() {
                    io::ErrorKind::ConnectionReset
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof => Cause::ClosedWithoutConnack,
                    _ => Cause::Broken(error.to_string()),
                })
            }
            Break::Session(error) => match error {
                SessionError::FallBack
                | SessionError::Refused(Reason::UNSUPPORTED_PROTOCOL_VERSION)
                    if self.life.tried_both() =>
                {
                    Cause::NeitherVersion
                }
                SessionError::Refused(reason) => Cause::Refused(reason, self.broker_words(reason)),
                SessionError::FallBack => Cause::Version,
                SessionError::Malformed(_) => Cause::NotMqtt(None),
                SessionError::Protocol(what) => Cause::Protocol(what.to_owned()),
                SessionError::Disconnected(reason) => {
                    Cause::Broken(format!("the broker disconnected: {}", words_of(reason)))
                }
                SessionError::PingTimeout => Cause::Silent(self.life.allowed),
            },
        }
    }

    fn broker_words(&self, reason: Reason) -> String {
        if matches!(reason.0, 0x9C | 0x9D) && !self.session.server_reference().is_empty() {
            return self.session.server_reference().to_owned();
        }
        self.session.reason_string().to_owned()
    }

    /// A connection that stood is gone.
    pub(super) fn stood(&mut self, now: Instant, heard: Instant, lived: Duration, why: &Break) {
        let closed = match why {
            Break::End => true,
            Break::Io(error) => error.kind() == io::ErrorKind::ConnectionReset,
            _ => false,
        };
        self.life.tries.stood(lived, closed);
        let (mut words, last) = match why {
            Break::End => ("the broker closed the connection".to_owned(), false),
            Break::Io(error) => (error.to_string(), false),
            Break::Garbage(_) => ("the broker sent bytes that are no packet".to_owned(), false),
            Break::Silent => (
                "the broker did not restore the subscriptions".to_owned(),
                false,
            ),
            Break::Session(SessionError::Disconnected(reason)) => {
                let text = self.broker_words(*reason);
                let words = match reason.0 {
                    0x8E => "another client connected with the same client id, says the broker (session taken over, 0x8E)".to_owned(),
                    _ => format!("the broker disconnected: {}", words_of(*reason)),
                };
                let words = if text.is_empty() {
                    words
                } else {
                    format!("{words}: {text}")
                };
                (words, is_final(*reason))
            }
            Break::Session(SessionError::PingTimeout) => {
                let silent = now.since(heard).as_secs_f64();
                let words =
                    format!("nothing came from the broker for {silent:.1} s, no PINGRESP either");
                (words, false)
            }
            Break::Session(SessionError::Protocol(what)) => {
                (format!("the broker broke the protocol: {what}"), false)
            }
            Break::Session(SessionError::Malformed(error)) => (
                format!("the broker sent bytes that are no packet: {error}"),
                false,
            ),
            Break::Session(SessionError::Refused(reason)) => (
                format!("the broker refused: {}", words_of(*reason)),
                is_final(*reason),
            ),
            Break::Session(SessionError::FallBack) => (
                "the broker does not speak MQTT 5.0 any more".to_owned(),
                false,
            ),
        };
        if self.life.tries.is_thrown_out() {
            words.push_str(AGAIN);
        }
        self.listeners.deaf(heard, &words);
        self.requests.interrupted(&words);
        self.try_again(now, last, words);
    }
}

/// What else answers on a port that is not MQTT's.
fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x15 | 0x16, 0x03, ..] => Some("TLS"),
        [b'H', b'T', b'T', b'P', ..] => Some("HTTP"),
        [b'S', b'S', b'H', b'-', ..] => Some("SSH"),
        _ => None,
    }
}
