//! Round trips over a connection: to the broker and back, and from publishing to receiving on a private random topic.
//!
//! `test_connection` tries single ones, `monitor_performance` repeats them beside its listening.
//! Invariant: nothing is published where the policy does not allow it, and never retained.

use super::policy::may_publish;
use crate::broker::handle::{Handle, Publish};
use crate::broker::report::{Listen, Retained, WantMessages, Wants};
use crate::config::Policy;
use crate::mcp::clock;
use crate::render;
use futures::future::select;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long one of them may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// What our private topics begin with.
pub(super) const PRIVATE: &str = "bitsperity-mqtt-mcp/test/";

/// Round trips that are kept of one capture.
const KEPT: usize = 64;

/// Failures in a row after which probes are given up.
const GIVEN_UP: u32 = 2;

/// The beginning of private topics that nobody else uses.
pub(super) fn private() -> String {
    format!("{PRIVATE}{}", uuid::Uuid::new_v4())
}

/// Subscribes to `filter`, publishes to `topic`, waits for the message: how long that took from publishing on.
pub(super) async fn trip(
    handle: &Handle,
    filter: String,
    topic: String,
    level: u8,
) -> Result<Duration, String> {
    let listening = handle
        .listen(one(filter, level, Retained::Exclude))
        .await
        .map_err(|error| error.to_string())?;
    let message = Publish {
        topic,
        payload: b"test".to_vec(),
        qos: render::qos(level),
        ..Publish::default()
    };
    let asked = publish(handle, message).await?;
    let _ = select(pin!(listening.stopped()), pin!(clock::sleep(PATIENCE))).await;
    let report = listening
        .report()
        .await
        .map_err(|error| error.to_string())?;
    let kept = report.findings.messages.unwrap_or_default().kept;
    let came = kept.first().map(|message| report.started + message.at);
    match came {
        Some(came) => Ok(came.duration_since(asked).unwrap_or_default()),
        None => Err(format!(
            "no message came back within {} s; the broker may not allow this user to publish or to subscribe there",
            PATIENCE.as_secs()
        )),
    }
}

/// Listens for one message.
pub(super) fn one(filter: String, level: u8, retained: Retained) -> Listen {
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

/// Publishes. Gives back when that was asked for, on the clock that reports of listeners count from.
pub(super) async fn publish(
    handle: &Handle,
    message: Publish,
) -> Result<std::time::SystemTime, String> {
    let published = handle
        .publish(message, PATIENCE)
        .await
        .map_err(|error| error.to_string())?;
    match published.reason.filter(|reason| reason.is_failure()) {
        Some(reason) => Err(format!("the broker refused it: {}", render::reason(reason))),
        None => Ok(published.asked),
    }
}

/// Round trips of one capture.
#[derive(Clone, Debug, Default)]
pub(super) struct RoundTrips {
    /// PINGREQ to PINGRESP.
    pub(super) pings: Measured,
    /// Publishing to receiving at QoS 0.
    pub(super) probes: Measured,
}

/// One kind of round trip.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    /// In order of time.
    pub(super) took: Vec<Duration>,
    /// How many failed.
    pub(super) failed: u32,
    /// Why the last one failed, or why there is none.
    pub(super) why_not: Option<String>,
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
pub(super) async fn measure(
    handle: &Handle,
    policy: &Policy,
    period: Duration,
    into: &Mutex<RoundTrips>,
) {
    let with = |change: &dyn Fn(&mut RoundTrips)| {
        change(&mut into.lock().unwrap_or_else(PoisonError::into_inner));
    };
    let topic = private();
    let mut failures = 0;
    if let Err(denied) = may_publish(policy, &topic) {
        failures = GIVEN_UP;
        with(&|it| it.probes.why_not = Some(format!("skipped: {}", denied.message)));
    }
    loop {
        let ping = handle
            .ping(PATIENCE)
            .await
            .map_err(|error| error.to_string());
        with(&|it| it.pings.add(ping.clone()));
        if failures < GIVEN_UP {
            let probe = trip(handle, topic.clone(), topic.clone(), 0).await;
            failures = if probe.is_ok() { 0 } else { failures + 1 };
            with(&|it| it.probes.add(probe.clone()));
        }
        clock::sleep(period).await;
    }
}
