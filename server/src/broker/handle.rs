//! What others hold of a connection: commands with deadlines, status without asking.

use super::report::{Listen, Report};
use super::target::Target;
use crate::config::Limits;
use bitsperity_mqtt_core::packet::{QoS, Reason};
use bitsperity_mqtt_core::session::Grants;
use std::fmt;
use std::time::{Duration, SystemTime};

/// A connection to a broker. Cheap to clone; the task ends when it is closed or the last handle is gone.
#[derive(Clone)]
pub struct Handle {}

/// What `Handle::connect` learnt.
#[derive(Clone, Debug)]
pub struct Established {
    /// `mqtts://host:8883`, without credentials.
    pub broker: String,
    /// Client id in force.
    pub client_id: String,
    /// The broker chose it.
    pub client_id_assigned: bool,
    /// What CONNACK allows.
    pub grants: Grants,
    /// Address connected to.
    pub peer: String,
    /// `TLS 1.3` and so on.
    pub tls: Option<String>,
    /// Each stage with its time: `dns`, `tcp`, `tls`, `websocket`, `connack`.
    pub stages: Vec<(&'static str, Duration)>,
}

/// A publication for [`Handle::publish`].
#[derive(Clone, Default)]
pub struct Publish {
    /// Topic Name.
    pub topic: String,
    /// Any bytes.
    pub payload: Vec<u8>,
    /// QoS asked for.
    pub qos: QoS,
    /// To be retained.
    pub retain: bool,
    /// Content Type (5.0).
    pub content_type: Option<String>,
    /// Seconds (5.0).
    pub message_expiry: Option<u32>,
    /// Response Topic (5.0).
    pub response_topic: Option<String>,
    /// Correlation Data (5.0).
    pub correlation_data: Option<Vec<u8>>,
    /// User Properties (5.0).
    pub user_properties: Vec<(String, String)>,
    /// Payload Format Indicator: UTF-8 (5.0).
    pub utf8: bool,
}

/// How a publication ended.
#[derive(Clone, Debug)]
pub struct Published {
    /// QoS it went with.
    pub qos: QoS,
    /// The broker's word at QoS 1 and 2.
    pub reason: Option<Reason>,
    /// Its Reason String.
    pub reason_string: Option<String>,
    /// From the command to the last acknowledgement (QoS 0: to the transport).
    pub took: Duration,
    /// 5.0 properties were dropped because the connection speaks 3.1.1.
    pub properties_dropped: bool,
}

/// State of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the words of the tools' contract
pub enum State {
    Connected,
    Reconnecting,
    Lost,
    Closed,
}

/// What is known of a connection without asking its task.
#[derive(Clone, Debug)]
pub struct Status {
    /// State.
    pub state: State,
    /// Since when.
    pub since: SystemTime,
    /// PUBLISH packets in.
    pub messages_in: u64,
    /// PUBLISH packets out.
    pub messages_out: u64,
    /// Bytes in, as read from the transport.
    pub bytes_in: u64,
    /// Bytes out.
    pub bytes_out: u64,
    /// Subscriptions in use.
    pub subscriptions: usize,
    /// Reconnects so far.
    pub reconnects: u32,
    /// The last error, without credentials.
    pub last_error: Option<String>,
}

/// Whose fault, and what now. Its `Display` is what went wrong in one sentence, never with a credential.
pub enum BrokerError {}

impl BrokerError {
    /// Stable code for the assistant (`connect_failed`, `not_authorised`, `connection_lost`, `timeout`, …).
    pub fn code(&self) -> &'static str {
        match *self {}
    }

    /// What to do now.
    pub fn next_step(&self) -> String {
        match *self {}
    }
}

impl fmt::Display for BrokerError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

#[allow(unused_variables, clippy::todo)]
impl Handle {
    /// Connects within `limits.connect_timeout` and starts the task.
    ///
    /// # Errors
    /// Which stage failed and why.
    pub async fn connect(
        target: Target,
        limits: &Limits,
    ) -> Result<(Self, Established), BrokerError> {
        todo!()
    }

    /// Publishes and waits for the last acknowledgement (at most until the deadline). A lost connection is tried once more first.
    ///
    /// # Errors
    /// Why it did not go, or that it is in doubt.
    pub async fn publish(
        &self,
        publish: Publish,
        deadline: Duration,
    ) -> Result<Published, BrokerError> {
        todo!()
    }

    /// Subscribes; resolves at the SUBACK. Stops when the [`Listening`] is dropped.
    ///
    /// # Errors
    /// Why not.
    pub async fn listen(&self, listen: Listen) -> Result<Listening, BrokerError> {
        todo!()
    }

    /// PINGREQ to PINGRESP.
    ///
    /// # Errors
    /// Lost, or no answer within the deadline.
    pub async fn ping(&self, deadline: Duration) -> Result<Duration, BrokerError> {
        todo!()
    }

    /// DISCONNECT, and the end of the task; listeners stop with `session_closed` and can still be asked.
    pub async fn close(&self, deadline: Duration) {
        todo!()
    }

    /// What is known now.
    pub fn status(&self) -> Status {
        todo!()
    }

    /// What the connection was established with.
    pub fn established(&self) -> Established {
        todo!()
    }
}

/// A listener of a connection's task. Dropping it ends it and frees its subscription.
pub struct Listening {}

#[allow(unused_variables, clippy::todo)]
impl Listening {
    /// Resolves when a stop condition came (at once if it has).
    pub async fn stopped(&self) {
        todo!()
    }

    /// Its state now; works also after it stopped and after the session was closed.
    ///
    /// # Errors
    /// The task is gone without a word.
    pub async fn report(&self) -> Result<Report, BrokerError> {
        todo!()
    }

    /// Messages and distinct topics so far, without asking the task.
    pub fn counts(&self) -> (u64, u64) {
        todo!()
    }
}
