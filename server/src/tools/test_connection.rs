//! `test_connection`: what of a connection works, tried for real on a private random topic.
//!
//! One part after the other, those that some brokers answer by closing the connection last; such a part has failed, and
//! the rest is tried once the connection stands again.
//! Invariant: no retained message stays behind. It is cleared when the part is done, also when the call is taken back or
//! dropped half way, and expires by itself (5.0) should the process die between.

mod sys;

use self::sys::{Sys, sys};
use super::arguments::schema;
use super::listening::round_trip::{NoTrip, PATIENCE, one, private, trip};
use super::{Annotations, Call, State, ToolError, session, unless_cancelled};
use crate::broker::handle::{BrokerError, Established, Handle, Publish, State as ConnectionState};
use crate::broker::report::Retained;
use crate::process::clock;
use crate::render;
use futures::future::{Either, select};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

// The parts that publish, each from publishing to receiving.
const QOS0: &str = "qos0_round_trip";
const QOS1: &str = "qos1_round_trip";
const QOS2: &str = "qos2_round_trip";
const RETAINED: &str = "retained";
const WILDCARD: &str = "wildcard_subscription";
const SHARED: &str = "shared_subscription";

const SAYS_SO: &str = "the broker says so in its CONNACK";

/// A message may take so many pings to come back, within these bounds: what is silently forbidden shall not cost
/// [`PATIENCE`] for each part.
const PINGS: u32 = 10;
const SHORTEST: Duration = Duration::from_secs(1);

/// How long a part may take in all, and how long the connection may take to stand again after one.
const PART: Duration = Duration::from_secs(12);
const RECOVERY: Duration = Duration::from_secs(12);

/// Seconds after which a broker that speaks 5.0 forgets the retained message by itself.
const EXPIRY: u32 = 60;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    /// In words.
    verdict: String,
    broker: String,
    protocol: &'static str,
    state: ConnectionState,
    reachable: bool,
    /// Absent: not reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated: Option<bool>,
    /// Of each part that was tried, by its name, or `ping` (PINGREQ to PINGRESP).
    checks: BTreeMap<&'static str, Check>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sys: Option<Sys>,
    /// Topic whose retained message could not be cleared.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_behind: Option<String>,
    ms: f64,
}

#[derive(Clone, Serialize, JsonSchema)]
struct Check {
    result: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Ok,
    Failed,
    Unsupported,
    Skipped,
}

impl Check {
    fn ok(took: Duration) -> Self {
        Self {
            result: Outcome::Ok,
            ms: Some(render::millis(took)),
            why: None,
        }
    }

    fn not(result: Outcome, why: impl Into<String>) -> Self {
        Self {
            result,
            ms: None,
            why: Some(why.into()),
        }
    }

    fn failed(why: impl ToString) -> Self {
        // Perhaps in the broker's own words.
        Self::not(Outcome::Failed, render::clean(&why.to_string()))
    }

    fn skipped(why: impl ToString) -> Self {
        Self::not(Outcome::Skipped, render::clean(&why.to_string()))
    }

    /// What did not come about because of `error`.
    fn of(error: &BrokerError) -> Self {
        match error {
            BrokerError::Denied(..) => Self::skipped(error),
            BrokerError::Unavailable(_) => Self::not(Outcome::Unsupported, error.to_string()),
            _ => Self::failed(error),
        }
    }
}

pub(super) const TOOL: super::Tool = super::Tool {
    name: "test_connection",
    title: "Test a connection",
    description: "For when something does not work: tries ping, round trips at QoS 0, 1 and 2 on a private \
        random topic, retained messages, wildcards, shared subscriptions, broker version and load from $SYS. \
        Leaves no retained message behind; skips what the policy forbids. 1 to 5 s, longer if parts fail.",
    annotations: Annotations {
        read_only_hint: false,
        destructive_hint: false,
        idempotent_hint: true,
        open_world_hint: true,
    },
    input_schema: |_| schema::input::<Arguments>(),
    output_schema: schema::output::<Answer>,
    run: |request| request.by(run),
};

pub(super) async fn run(
    state: &Arc<State>,
    arguments: Arguments,
    call: Call,
) -> Result<Answer, ToolError> {
    let session = session::find(state, &call, arguments.session_id.as_deref()).await?;
    let handle = state.sessions.get(&session)?;
    unless_cancelled(&call, test(&handle)).await
}

async fn test(handle: &Handle) -> Answer {
    let began = clock::now();
    let pinged = handle.ping(PATIENCE).await;
    let established = handle.established();
    let (tried, sys) = match &pinged {
        Ok(took) => {
            let mut bench = Bench {
                handle,
                established: &established,
                prefix: private(),
                patience: (*took * PINGS).clamp(SHORTEST, PATIENCE),
                gone: false,
            };
            let tried = bench.all().await;
            let sys = if bench.gone { None } else { sys(handle).await };
            (tried, sys)
        }
        // The ping says it all.
        Err(_) => (Tried::default(), None),
    };
    let reachable = pinged.is_ok();
    let ping = match pinged {
        Ok(took) => Check::ok(took),
        Err(error) => Check::failed(error),
    };
    Answer {
        verdict: verdict(reachable, &tried.checks),
        protocol: render::protocol(&established.grants),
        broker: established.broker,
        state: handle.status().state,
        reachable,
        authenticated: reachable.then_some(true),
        checks: tried.checks.into_iter().chain([("ping", ping)]).collect(),
        sys,
        left_behind: tried.left_behind,
        ms: render::millis(began.elapsed()),
    }
}

/// What came of the parts that were tried.
#[derive(Default)]
struct Tried {
    checks: Vec<(&'static str, Check)>,
    left_behind: Option<String>,
}

/// Tries one part after the other.
struct Bench<'a> {
    handle: &'a Handle,
    established: &'a Established,
    /// What private topics begin with.
    prefix: String,
    /// How long a message may take to come back.
    patience: Duration,
    /// The connection did not come back.
    gone: bool,
}

impl Bench<'_> {
    /// The harmless parts first.
    async fn all(&mut self) -> Tried {
        let mut left_behind = None;
        let mut checks = Vec::new();
        for part in [QOS0, QOS1, WILDCARD, RETAINED, SHARED, QOS2] {
            let check = match self.gone {
                true => Check::skipped("the connection did not come back"),
                false => self.part(part, &mut left_behind).await,
            };
            if check.result != Outcome::Ok && !self.gone {
                self.gone = !stands(self.handle).await;
            }
            checks.push((part, check));
        }
        Tried {
            checks,
            left_behind,
        }
    }

    async fn part(&self, part: &'static str, left_behind: &mut Option<String>) -> Check {
        let work = async {
            match part {
                QOS0 => self.trip_at(0).await,
                QOS1 => self.trip_at(1).await,
                QOS2 => self.trip_at(2).await,
                WILDCARD => self.wildcard().await,
                SHARED => self.shared().await,
                _ => {
                    let (check, behind) = self.retained().await;
                    *left_behind = behind;
                    check
                }
            }
        };
        match select(pin!(work), pin!(clock::sleep(PART))).await {
            Either::Left((check, _)) => check,
            Either::Right(_) => {
                Check::failed(format!("it did not end within {} s", PART.as_secs()))
            }
        }
    }

    async fn trip_at(&self, level: u8) -> Check {
        let highest = self.established.grants.maximum_qos as u8;
        if level > highest {
            let why = format!("the broker allows at most QoS {highest}");
            return Check::not(Outcome::Unsupported, why);
        }
        let topic = format!("{}/{level}", self.prefix);
        self.tried(topic.clone(), topic, level).await
    }

    async fn wildcard(&self) -> Check {
        if !self.established.grants.wildcard_available {
            return Check::not(Outcome::Unsupported, SAYS_SO);
        }
        let filter = format!("{}/wild/+", self.prefix);
        self.tried(filter, format!("{}/wild/one", self.prefix), 0)
            .await
    }

    async fn shared(&self) -> Check {
        let grants = &self.established.grants;
        let v5 = render::protocol(grants) == "5";
        if v5 && !grants.shared_available {
            return Check::not(Outcome::Unsupported, SAYS_SO);
        }
        let topic = format!("{}/shared", self.prefix);
        let check = self.tried(format!("$share/test/{topic}"), topic, 0).await;
        match check.result {
            Outcome::Failed if !v5 => Check {
                result: Outcome::Unsupported,
                ..check
            },
            _ => check,
        }
    }

    /// From publishing to `topic` to receiving it by `filter`.
    async fn tried(&self, filter: String, topic: String, level: u8) -> Check {
        match trip(self.handle, filter, topic, level, self.patience).await {
            Ok(took) => Check::ok(took),
            Err(denied) if denied.is_denied() => {
                Check::skipped(format!("the subscription was granted; {denied}"))
            }
            Err(NoTrip::Broker(error)) => Check::of(&error),
            Err(why) => Check::failed(why),
        }
    }

    /// Publishes a retained message, looks whether it is replayed, clears it. Second: its topic if it stayed behind.
    async fn retained(&self) -> (Check, Option<String>) {
        let grants = &self.established.grants;
        if !grants.retain_available {
            return (Check::not(Outcome::Unsupported, SAYS_SO), None);
        }
        let mut clearing = Clearing {
            handle: self.handle.clone(),
            message: Publish {
                topic: format!("{}/retained", self.prefix),
                qos: render::qos((grants.maximum_qos as u8).min(1)),
                retain: true,
                ..Publish::default()
            },
            armed: true,
        };
        let topic = clearing.message.topic.clone();
        let message = Publish {
            payload: b"test".to_vec(),
            message_expiry: Some(EXPIRY),
            ..clearing.message.clone()
        };
        let began = clock::now();
        let published = self.handle.publish(message, PATIENCE).await;
        let check = match &published {
            Ok(_) => match self.replayed(&topic).await {
                Ok(true) => Check::ok(began.elapsed()),
                Ok(false) => Check::failed("the retained message was not replayed"),
                Err(error) => Check::failed(error),
            },
            Err(error) => Check::of(error),
        };
        let cleared = match published {
            // What a broker closes upon, it closes upon again: it is looked for, not sent anew.
            Err(BrokerError::PublishBreaks { .. }) => self.stays(&topic).await != Some(true),
            Err(BrokerError::InDoubt(_)) | Ok(_) => {
                let empty = clearing.message.clone();
                let cleared = self.handle.publish(empty, PATIENCE).await.is_ok();
                cleared || self.stays(&topic).await == Some(false)
            }
            // It was not sent, or the broker refused it.
            Err(_) => true,
        };
        clearing.armed = false;
        (check, (!cleared).then_some(topic))
    }

    /// Whether the broker replays a retained message of this topic.
    async fn replayed(&self, topic: &str) -> Result<bool, BrokerError> {
        let wanted = one(topic.to_owned(), 0, Retained::Only);
        let listening = self.handle.listen(wanted).await?;
        let patience = pin!(clock::sleep(self.patience));
        let _ = select(pin!(listening.stopped()), patience).await;
        Ok(listening.report().await?.received > 0)
    }

    /// Whether a retained message is there; none where that cannot be seen.
    async fn stays(&self, topic: &str) -> Option<bool> {
        match stands(self.handle).await {
            true => self.replayed(topic).await.ok(),
            false => None,
        }
    }
}

/// Waits until the broker answers again; not if the connection is gone for good.
async fn stands(handle: &Handle) -> bool {
    let began = clock::now();
    loop {
        let left = RECOVERY.saturating_sub(began.elapsed());
        match handle.ping(left).await {
            Ok(_) => return true,
            // It broke while it waited, and is tried again.
            Err(BrokerError::Lost(_))
                if !left.is_zero() && handle.status().state != ConnectionState::Lost => {}
            Err(_) => return false,
        }
    }
}

/// Clears a retained message when dropped, unless that was done.
struct Clearing {
    handle: Handle,
    message: Publish,
    armed: bool,
}

impl Drop for Clearing {
    fn drop(&mut self) {
        if self.armed {
            let (handle, message) = (self.handle.clone(), std::mem::take(&mut self.message));
            clock::spawn(async move {
                if let Err(why) = handle.publish(message, PATIENCE).await {
                    log::warn!("a retained test message may have stayed behind: {why}");
                }
            });
        }
    }
}

fn verdict(reachable: bool, checks: &[(&str, Check)]) -> String {
    if !reachable {
        return "the broker does not answer over this connection; the error of `ping` says why"
            .to_owned();
    }
    let with = |outcome: Outcome| -> Vec<&str> {
        let named = checks.iter().filter(|(_, check)| check.result == outcome);
        named.map(|(name, _)| *name).collect()
    };
    let mut said = Vec::new();
    for (outcome, word) in [
        (Outcome::Failed, "failed"),
        (Outcome::Unsupported, "not supported by the broker"),
        (Outcome::Skipped, "skipped"),
    ] {
        let names = with(outcome);
        if !names.is_empty() {
            said.push(format!("{word}: {}", names.join(", ")));
        }
        let why = checks.iter().find(|(_, check)| check.result == outcome);
        if let (Outcome::Skipped, Some((_, Check { why: Some(why), .. }))) = (outcome, why) {
            said.push(format!("skipped as {why}"));
        }
    }
    match said.is_empty() {
        true => "everything works".to_owned(),
        false => said.join("; "),
    }
}
