//! What others hold of a connection: commands with deadlines, status without asking.
//!
//! Invariant: no call waits longer than its deadline, and nobody is told "not sent" of what may still be sent.

use super::audit::Auditor;
use super::report::{Listen, Part, Report};
use super::shared::{Claim, Command, ListenerSlot, NoReport, Shared};
use super::task;
use crate::config::target::Target;
use crate::config::{Limits, Policy};
use async_channel::{Receiver, Sender};
use async_std::future::timeout;
use bitsperity_mqtt_core::packet::{QoS, Reason};
use bitsperity_mqtt_core::session::Grants;
use futures::channel::oneshot;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

pub use super::error::BrokerError;

/// Commands that wait for the task; its turns are short, so more means that it is stuck.
const COMMANDS: usize = 32;

/// A connection to a broker. Cheap to clone; the task ends when it is closed or the last handle is gone.
#[derive(Clone)]
pub struct Handle {
    commands: Sender<Command>,
    shared: Arc<Shared>,
    /// Closed when the task has ended.
    ended: Receiver<()>,
    /// Bounds what has no deadline of its own.
    patience: Duration,
    first: Arc<Established>,
    /// Asked before every packet that names topics to publish to.
    policy: Arc<Policy>,
    /// Where publications are noted, if anywhere.
    audit: Option<Auditor>,
}

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
    /// The broker's word at QoS 1 and 2 in 5.0; 3.1.1 has none.
    pub reason: Option<Reason>,
    /// Its Reason String.
    pub reason_string: Option<String>,
    /// From the command to the last acknowledgement (QoS 0: to the transport).
    pub took: Duration,
    /// When the command came, on the clock that `Report::started` is of.
    pub asked: SystemTime,
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
    /// Why it is not connected, without credentials; none while it is.
    pub last_error: Option<String>,
    /// Its task ended by a fault of this program.
    pub failed: bool,
}

impl Handle {
    /// Connects within `limits.connect_timeout` and starts the task, under no policy: for what a person runs. The
    /// assistant's handles come from [`Sessions`](super::sessions::Sessions).
    ///
    /// # Errors
    /// Which stage failed and why.
    pub async fn connect(
        target: Target,
        limits: &Limits,
    ) -> Result<(Self, Established), BrokerError> {
        Self::connect_under(target, limits, Arc::default(), None).await
    }

    /// The same, but the policy is asked for every publication.
    pub(super) async fn connect_under(
        target: Target,
        limits: &Limits,
        policy: Arc<Policy>,
        audit: Option<Auditor>,
    ) -> Result<(Self, Established), BrokerError> {
        let patience = Duration::from_secs_f64(limits.connect_timeout.clamp(0.001, 3_600.0));
        let (commands, inbox) = async_channel::bounded(COMMANDS);
        let (ending, ended) = async_channel::bounded(1);
        let (first, connected) = oneshot::channel();
        let shared = Arc::new(Shared::new());
        task::spawn(task::Start {
            target,
            patience,
            max_packet: limits.max_packet,
            persistence: Duration::from_secs_f64(limits.reconnect_time.clamp(0.0, 86_400.0)),
            receive_maximum: limits.receive_maximum,
            shared: shared.clone(),
            inbox,
            first,
            ending,
        });
        let established = connected.await.map_err(|_| shared.why_gone())??;
        let handle = Self {
            commands,
            shared,
            ended,
            patience,
            first: Arc::new(established.clone()),
            policy,
            audit,
        };
        Ok((handle, established))
    }

    /// The same connection; what is published by it is noted there.
    pub(super) fn audited(self, audit: Option<Auditor>) -> Self {
        Self { audit, ..self }
    }

    /// Whether the policy lets this go: for who would subscribe in vain before. [`Handle::publish`] asks by itself.
    ///
    /// # Errors
    /// The rule that forbids it.
    pub fn permits(&self, publish: &Publish) -> Result<(), BrokerError> {
        permitted(&self.policy, publish)
    }

    /// Publishes and waits for the last acknowledgement (at most until the deadline). A lost connection is tried once
    /// more first.
    ///
    /// # Errors
    /// Why it did not go, the policy included, or that it is in doubt.
    pub async fn publish(
        &self,
        publish: Publish,
        deadline: Duration,
    ) -> Result<Published, BrokerError> {
        let Some(auditor) = &self.audit else {
            return self.send(publish, deadline).await;
        };
        let pending = auditor.begin(&self.first.broker, &publish).await?;
        let result = self.send(publish, deadline).await;
        let outcome = result.as_ref().err().map_or("ok", BrokerError::code);
        pending.end(outcome).await;
        result
    }

    async fn send(&self, publish: Publish, deadline: Duration) -> Result<Published, BrokerError> {
        permitted(&self.policy, &publish)?;
        let claim = Arc::new(Claim::default());
        let (reply, answer) = oneshot::channel();
        let command = Command::Publish {
            publish: Box::new(publish),
            claim: claim.clone(),
            asked: Instant::now(),
            reply,
        };
        match timeout(deadline, self.ask(command, answer)).await {
            Ok(result) => result,
            Err(_) if claim.give_up() => Err(self.late("Publishing", deadline)),
            Err(_) => Err(BrokerError::InDoubt(format!(
                "no acknowledgement within {} s",
                deadline.as_secs_f64()
            ))),
        }
    }

    /// Subscribes; resolves at the SUBACK. Stops when the [`Listening`] is dropped.
    ///
    /// # Errors
    /// Why not.
    pub async fn listen(&self, listen: Listen) -> Result<Listening, BrokerError> {
        let (stopping, stopped) = async_channel::bounded(1);
        let (reply, answer) = oneshot::channel();
        // Made before the task hears of it: if this call is dropped on its way, the subscription is freed as well.
        let listening = Listening {
            slot: Arc::new(ListenerSlot::new(stopping)),
            shared: self.shared.clone(),
            stopped,
        };
        let command = Command::Listen {
            listen: Box::new(listen),
            slot: listening.slot.clone(),
            reply,
        };
        match timeout(self.patience, self.ask(command, answer)).await {
            Ok(result) => result.map(|()| listening),
            Err(_) => Err(self.late("Subscribing", self.patience)),
        }
    }

    /// PINGREQ to PINGRESP.
    ///
    /// # Errors
    /// Lost, or no answer within the deadline.
    pub async fn ping(&self, deadline: Duration) -> Result<Duration, BrokerError> {
        let (reply, answer) = oneshot::channel();
        match timeout(deadline, self.ask(Command::Ping { reply }, answer)).await {
            Ok(result) => result,
            Err(_) => Err(self.late("A ping of the broker", deadline)),
        }
    }

    /// Nothing came of it within the deadline, and nothing was sent.
    fn late(&self, what: &'static str, deadline: Duration) -> BrokerError {
        let status = self.status();
        match status
            .last_error
            .filter(|_| status.state == State::Reconnecting)
        {
            Some(why) => BrokerError::Lost(format!("{why}; it is being tried again")),
            None => BrokerError::Timeout(what, deadline),
        }
    }

    /// DISCONNECT, and the end of the task; listeners stop with `session_closed` and can still be asked.
    pub async fn close(&self, deadline: Duration) {
        self.shared.close();
        // Resolves with an error when the task has ended, which is what is waited for.
        let _ = timeout(deadline, self.ended.recv()).await;
    }

    /// Begins to close, without waiting for the end.
    pub(super) fn end(&self) {
        self.shared.close();
    }

    /// What is known now.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// What the connection was established with; after a reconnect, what it was established with anew.
    pub fn established(&self) -> Established {
        let latest = self.shared.established();
        latest.unwrap_or_else(|| (*self.first).clone())
    }

    async fn ask<T>(
        &self,
        command: Command,
        answer: oneshot::Receiver<Result<T, BrokerError>>,
    ) -> Result<T, BrokerError> {
        if self.commands.send(command).await.is_err() {
            return Err(self.shared.why_gone());
        }
        match answer.await {
            Ok(result) => result,
            Err(_) => Err(self.shared.why_gone()),
        }
    }
}

/// Whether the policy lets every topic be published to that the packet names: others answer to the response topic.
fn permitted(policy: &Policy, publish: &Publish) -> Result<(), BrokerError> {
    let named = |what: &str, topic: &str| {
        let denied = policy.may_publish(topic).err();
        denied.map(|denied| BrokerError::Denied(denied, format!("{what} `{topic}`")))
    };
    let response = || named("response topic", publish.response_topic.as_deref()?);
    named("topic", &publish.topic)
        .or_else(response)
        .map_or(Ok(()), Err)
}

/// A listener of a connection's task. Dropping it ends it and frees its subscription.
pub struct Listening {
    slot: Arc<ListenerSlot>,
    shared: Arc<Shared>,
    /// Closed when the listener has stopped.
    stopped: Receiver<()>,
}

impl Listening {
    /// Resolves when a stop condition came (at once if it has).
    pub async fn stopped(&self) {
        let _ = self.stopped.recv().await;
    }

    /// Whether a stop condition came.
    pub fn has_stopped(&self) -> bool {
        self.stopped.is_closed()
    }

    /// Stops it now, as cancelled; its state stays and can be asked.
    pub async fn stop(&self) {
        self.end();
        self.stopped().await;
    }

    /// The same without waiting for it.
    pub fn end(&self) {
        self.slot.stop();
        self.shared.call();
    }

    /// Its state now; works also after it stopped and after the session was closed.
    ///
    /// # Errors
    /// The task is gone without a word.
    pub async fn report(&self) -> Result<Report, BrokerError> {
        self.asked(None).await
    }

    /// A part of its state now.
    ///
    /// # Errors
    /// The task is gone without a word.
    pub async fn recall(&self, part: Part) -> Result<Report, BrokerError> {
        self.asked(Some(Arc::new(part))).await
    }

    async fn asked(&self, part: Option<Arc<Part>>) -> Result<Report, BrokerError> {
        let answer = match self.slot.ask(part) {
            Ok(Ok(report)) => return Ok(report),
            Ok(Err(answer)) => answer,
            Err(NoReport::Busy) => return Err(BrokerError::Busy),
            Err(NoReport::Gone) => return Err(self.shared.why_gone()),
        };
        self.shared.call();
        answer.await.map_err(|_| self.shared.why_gone())
    }

    /// Messages and distinct topics so far, without asking the task.
    pub fn counts(&self) -> (u64, u64) {
        self.slot.counts()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.slot.leave();
        self.shared.call();
    }
}
