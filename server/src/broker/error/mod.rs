//! What can go wrong with a broker: whose fault, and what the user can do now. `connect` is about connections that did not
//! come about.
//!
//! Invariant: nothing here ever holds a credential; hosts, ports, file names, reason codes and the broker's own
//! words (Reason String, HTTP status) are all that is shown.

mod connect;
mod tried;

pub(crate) use connect::is_final;
pub use connect::{Cause, ConnectError, Stage};
pub use tried::Tried;

use crate::config::Denied;
use bitsperity_mqtt_core::packet::{QoS, Reason};
use std::fmt;
use std::time::Duration;

/// What is told of a session whose task ended by a fault.
pub(crate) const FAILED: &str = "The session ended by an internal fault of this program.";

/// `bad user name or password (0x86)`.
pub(crate) fn words_of(reason: Reason) -> String {
    format!("{} (0x{:02X})", reason.name().to_lowercase(), reason.0)
}

/// Whose fault, and what now. Its `Display` is what went wrong in one sentence, never with a credential.
#[derive(Clone, Debug)]
pub enum BrokerError {
    /// No connection came about.
    Connect(Box<ConnectError>),
    /// The connection is lost, reconnecting included: why.
    Lost(String),
    /// The connection's task ended by a fault of this program.
    Failed,
    /// The session was closed.
    Closed,
    /// Not done within the deadline, and not sent either.
    Timeout(&'static str, Duration),
    /// A publication of QoS 1 or 2 was sent but not acknowledged: it may have arrived or not.
    InDoubt(String),
    /// The broker refused the publication; its Reason String.
    PublishRefused(Reason, String),
    /// The broker refused the subscription; its Reason String.
    SubscribeRefused(Reason, String),
    /// The connection ended right upon a publication that the broker had not acknowledged.
    PublishBreaks {
        /// Of topic and payload.
        bytes: usize,
        /// QoS asked for.
        qos: QoS,
        /// To be retained.
        retain: bool,
    },
    /// The connection ended twice right upon the subscription to this filter.
    SubscribeBreaks(String),
    /// Another session of this process has the client id at this broker: the id and the session.
    ClientIdInUse(String, String),
    /// The configuration's policy does not let this topic be published to.
    Denied(Denied, String),
    /// The broker's CONNACK does not allow it.
    Unavailable(&'static str),
    /// The caller's mistake.
    Invalid(String),
    /// Larger than this many bytes.
    TooLarge(usize),
    /// All subscriptions of the connection are in use.
    TooManySubscriptions(usize),
    /// Too much is waiting on this connection.
    Busy,
}

impl BrokerError {
    /// Stable code for the assistant (`connect_failed`, `not_authorised`, `connection_lost`, `timeout`, …).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Connect(error) => error.code(),
            Self::Lost(_) => "connection_lost",
            Self::Failed => "session_failed",
            Self::Closed => "session_closed",
            Self::Timeout(..) => "timeout",
            Self::InDoubt(_) | Self::PublishBreaks { .. } => "in_doubt",
            Self::SubscribeBreaks(_) => "refused_by_broker",
            Self::ClientIdInUse(..) => "client_id_in_use",
            Self::PublishRefused(reason, _) | Self::SubscribeRefused(reason, _) => match reason.0 {
                0x87 => "not_authorised",
                0x97 => "quota_exceeded",
                _ => "refused_by_broker",
            },
            Self::Denied(..) => "policy_denied",
            Self::Unavailable(_) => "not_supported_by_broker",
            Self::Invalid(_) => "invalid_argument",
            Self::TooLarge(_) => "too_large",
            Self::TooManySubscriptions(_) => "too_many_subscriptions",
            Self::Busy => "busy",
        }
    }

    /// What to do now.
    pub fn next_step(&self) -> String {
        let step = match self {
            Self::Connect(error) => return error.next_step(),
            Self::Lost(_) => {
                "Call the tool again, which tries once more to connect; if that fails, close_connection and establish_connection."
            }
            Self::Failed => {
                "close_connection, then establish_connection again, and report the fault with this program's log: it is a bug here, not of the broker. What was sent just before may or may not have arrived."
            }
            Self::Closed => "Call establish_connection again.",
            Self::Timeout(..) => "Try again, or test_connection to see whether the broker answers.",
            Self::InDoubt(_) => {
                "Check whether it arrived (subscribe_and_collect on the topic, or the device's state) before publishing again."
            }
            Self::PublishBreaks { .. } => {
                "Do not repeat it unchanged, unless the broker was being restarted: it may be too large, not allowed for this user, or of a QoS, a retain flag or a topic that the broker does not take. Try a small message at QoS 0 without retain, or look into the broker's log; whether it arrived is not known."
            }
            Self::SubscribeBreaks(_) => {
                "Do not repeat it unchanged: use a narrower filter without $SYS or leading wildcards, or ask whoever runs the broker what this user may read."
            }
            Self::ClientIdInUse(..) => {
                "Use that session, or close_connection it first, or connect with another client id (or none, then one is made up)."
            }
            Self::PublishRefused(reason, _) | Self::SubscribeRefused(reason, _) => match reason.0 {
                0x87 => {
                    "This user may not use that topic: ask whoever runs the broker, or use another topic or user."
                }
                0x97 => "The broker's quota is used up: try again later.",
                0x95 => "Send less, or split it: the broker takes no message of this size.",
                0x9A | 0x9B => "Ask for what the broker offers: a lower QoS, or no retain.",
                0x8F | 0x90 => "Use another topic; the broker does not accept this one.",
                _ => "Look into the broker's log for the reason.",
            },
            Self::Denied(Denied::ReadOnly, _) => {
                "Only listen, or ask the owner to set policy.read_only = false."
            }
            Self::Denied(Denied::Forbidden(filters), _) => {
                return format!(
                    "Use a topic that none of these filters covers, they are forbidden: {}.",
                    filters.join(", ")
                );
            }
            Self::Denied(Denied::NotAllowed(filters), _) => {
                return format!(
                    "Use a topic that one of the allowed filters covers: {}.",
                    filters.join(", ")
                );
            }
            Self::Denied(Denied::NoAudit, _) => {
                "Only listen, or ask the owner to make audit_file writable: nothing was sent."
            }
            Self::Unavailable(_) => "Do without it on this broker.",
            Self::Invalid(_) => "Correct the arguments and call again.",
            Self::TooLarge(_) => "Send less, or split it.",
            Self::TooManySubscriptions(_) => {
                "Wait for a listening call to end, or listen to one wider filter."
            }
            Self::Busy => "Wait for running calls of this session to end, then try again.",
        };
        step.to_owned()
    }
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |f: &mut fmt::Formatter<'_>, what: &str, reason: &Reason, words: &str| {
            write!(f, "The broker refused the {what}: {}", words_of(*reason))?;
            if words.is_empty() {
                f.write_str(".")
            } else {
                write!(f, ": {words}.")
            }
        };
        match self {
            Self::Connect(error) => write!(f, "{error}."),
            Self::Lost(why) => write!(f, "The connection to the broker is lost: {why}."),
            Self::Failed => f.write_str(FAILED),
            Self::Closed => f.write_str("The session was closed."),
            Self::Timeout(what, after) => {
                write!(
                    f,
                    "{what} did not succeed within {} s.",
                    after.as_secs_f64()
                )
            }
            Self::InDoubt(why) => write!(
                f,
                "The message was sent but not acknowledged ({why}): it may or may not have arrived."
            ),
            Self::PublishBreaks { bytes, qos, retain } => write!(
                f,
                "The broker closed the connection right upon this message ({bytes} bytes of topic and payload, QoS {}{}) without acknowledging it; usual reasons are its size, a right that is missing, QoS, retain, or the topic.",
                *qos as u8,
                if *retain { ", retained" } else { "" }
            ),
            Self::SubscribeBreaks(filter) => write!(
                f,
                "The broker closed the connection twice right upon the subscription to {filter}: it does not allow this filter."
            ),
            Self::ClientIdInUse(id, session) => write!(
                f,
                "Session {session} is connected to this broker with client id {id} already; a broker lets only one live."
            ),
            Self::PublishRefused(reason, words) => said(f, "publication", reason, words),
            Self::SubscribeRefused(reason, words) => said(f, "subscription", reason, words),
            Self::Denied(Denied::ReadOnly, _) => {
                f.write_str("This server is read-only: its configuration forbids publishing.")
            }
            Self::Denied(Denied::Forbidden(_), topic) => write!(
                f,
                "This server's configuration forbids publishing to {topic}."
            ),
            Self::Denied(Denied::NotAllowed(_), topic) => write!(
                f,
                "This server's configuration does not allow publishing to {topic}."
            ),
            Self::Denied(Denied::NoAudit, why) => write!(
                f,
                "The audit file, without which nothing is published, cannot be written: {why}."
            ),
            Self::Unavailable(what) => write!(f, "The broker does not offer {what}."),
            Self::Invalid(why) => f.write_str(why),
            Self::TooLarge(limit) => {
                write!(
                    f,
                    "The message is larger than the {limit} bytes that can be sent here."
                )
            }
            Self::TooManySubscriptions(limit) => {
                write!(
                    f,
                    "All {limit} subscriptions of this connection are in use."
                )
            }
            Self::Busy => f.write_str("Too much is waiting on this connection already."),
        }
    }
}

impl std::error::Error for BrokerError {}
