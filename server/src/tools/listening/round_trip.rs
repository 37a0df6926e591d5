//! Round trips over a connection: to the broker and back, and from publishing to receiving on a private random topic.
//!
//! `test_connection` tries single ones, `monitor_performance` repeats them beside its listening.
//! Invariant: nothing is retained.

use crate::broker::handle::{BrokerError, Handle, Publish};
use crate::broker::report::{Listen, Retained, WantMessages, Wants};
use crate::process::clock;
use crate::render;
use futures::future::select;
use std::fmt;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long one of them may take.
pub(in crate::tools) const PATIENCE: Duration = Duration::from_secs(4);

/// What our private topics begin with.
pub(in crate::tools) const PRIVATE: &str = crate::broker::watch::PROBES;

/// Round trips that are kept of one capture.
const KEPT: usize = 64;

/// Failures in a row after which probes are given up.
const GIVEN_UP: u32 = 2;

/// The beginning of private topics that nobody else uses.
pub(in crate::tools) fn private() -> String {
    format!("{PRIVATE}{}", uuid::Uuid::new_v4())
}

/// Why a message did not come back.
#[derive(Debug)]
pub(in crate::tools) enum NoTrip {
    /// It could not be asked for or sent.
    Broker(BrokerError),
    /// The connection ended meanwhile: why.
    Broke(String),
    /// Nothing came within this time.
    Nothing(Duration),
}

impl From<BrokerError> for NoTrip {
    fn from(error: BrokerError) -> Self {
        Self::Broker(error)
    }
}

impl NoTrip {
    /// Forbidden by our own policy: nothing was sent.
    pub(in crate::tools) fn is_denied(&self) -> bool {
        matches!(self, Self::Broker(BrokerError::Denied(..)))
    }
}

impl fmt::Display for NoTrip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker(error) => write!(f, "{error}"),
            Self::Broke(why) => write!(f, "the connection ended upon it: {why}"),
            Self::Nothing(patience) => write!(
                f,
                "no message came back within {} s; the broker may not allow this user to publish or to subscribe there",
                render::seconds(*patience)
            ),
        }
    }
}

/// Subscribes to `filter`, publishes to `topic`, waits for the message: how long that took from publishing on.
pub(in crate::tools) async fn trip(
    handle: &Handle,
    filter: String,
    topic: String,
    level: u8,
    patience: Duration,
) -> Result<Duration, NoTrip> {
    let message = Publish {
        topic,
        payload: b"test".to_vec(),
        qos: render::qos(level),
        ..Publish::default()
    };
    handle.permits(&message)?;
    let listening = handle.listen(one(filter, level, Retained::Exclude)).await?;
    let asked = handle.publish(message, PATIENCE).await?.asked;
    let _ = select(pin!(listening.stopped()), pin!(clock::sleep(patience))).await;
    let report = listening.report().await?;
    let kept = report.findings.messages.unwrap_or_default().kept;
    match (kept.first(), report.interruption) {
        (Some(message), _) => {
            let came = report.started + message.at;
            Ok(came.duration_since(asked).unwrap_or_default())
        }
        (None, Some(lost)) => Err(NoTrip::Broke(lost.reason)),
        (None, None) => Err(NoTrip::Nothing(patience)),
    }
}

/// Listens for one message.
pub(in crate::tools) fn one(filter: String, level: u8, retained: Retained) -> Listen {
    Listen {
        filters: vec![filter],
        qos: render::qos(level),
        retained,
        duration: PATIENCE,
        max_messages: Some(1),
        until_quiet: None,
        wants: Wants {
            messages: Some(WantMessages {
                target: 1,
                payload_bytes: 64,
            }),
            ..Wants::default()
        },
    }
}

/// Round trips of one capture.
#[derive(Clone, Debug, Default)]
pub(in crate::tools) struct RoundTrips {
    /// PINGREQ to PINGRESP.
    pub(in crate::tools) pings: Measured,
    /// Publishing to receiving at QoS 0.
    pub(in crate::tools) probes: Measured,
}

/// One kind of round trip.
#[derive(Clone, Debug, Default)]
pub(in crate::tools) struct Measured {
    /// In order of time.
    pub(in crate::tools) took: Vec<Duration>,
    /// How many failed.
    pub(in crate::tools) failed: u32,
    /// Why the last one failed, or why there is none.
    pub(in crate::tools) why_not: Option<String>,
}

impl Measured {
    fn add(&mut self, outcome: Result<Duration, String>) {
        match outcome {
            Ok(took) if self.took.len() < KEPT => self.took.push(took),
            Ok(_) => {}
            Err(why) => {
                self.failed += 1;
                // Perhaps in the broker's own words.
                self.why_not = Some(render::clean(&why));
            }
        }
    }
}

/// Measures at once and then every `period`, until dropped.
pub(in crate::tools) async fn measure(handle: &Handle, period: Duration, into: &Mutex<RoundTrips>) {
    let with = |change: &dyn Fn(&mut RoundTrips)| {
        change(&mut into.lock().unwrap_or_else(PoisonError::into_inner));
    };
    let topic = private();
    let mut failures = 0;
    loop {
        let ping = handle
            .ping(PATIENCE)
            .await
            .map_err(|error| error.to_string());
        with(&|it| it.pings.add(ping.clone()));
        if failures < GIVEN_UP {
            match trip(handle, topic.clone(), topic.clone(), 0, PATIENCE).await {
                Err(denied) if denied.is_denied() => {
                    failures = GIVEN_UP;
                    let why = render::clean(&format!("skipped: {denied}"));
                    with(&|it| it.probes.why_not = Some(why.clone()));
                }
                probe => {
                    failures = if probe.is_ok() { 0 } else { failures + 1 };
                    let probe = probe.map_err(|why| why.to_string());
                    with(&|it| it.probes.add(probe.clone()));
                }
            }
        }
        clock::sleep(period).await;
    }
}
