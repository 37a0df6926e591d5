//! `test_connection`: what of a connection works, tried for real on a private random topic.
//!
//! Invariant: no retained message stays behind. It is cleared when the part is done, also when the call is taken back or
//! dropped half way, and expires by itself (5.0) should the process die between.

mod sys;

use self::sys::{Sys, sys};
use super::policy::may_publish;
use super::round_trip::{PATIENCE, one, private, publish, trip};
use super::{Annotations, Call, State, ToolError, schema, unless_cancelled};
use crate::broker::handle::{Established, Handle, Publish, State as ConnectionState};
use crate::broker::report::Retained;
use crate::mcp::clock;
use crate::render;
use futures::future::select;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// The parts that publish, each from publishing to receiving.
const PARTS: [&str; 6] = [
    "qos0_round_trip",
    "qos1_round_trip",
    "qos2_round_trip",
    "retained",
    "wildcard_subscription",
    "shared_subscription",
];

/// Seconds after which a broker that speaks 5.0 forgets the retained message by itself.
const EXPIRY: u32 = 60;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
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
    /// Of each part that was tried, by its name in [`PARTS`] or `ping` (PINGREQ to PINGRESP).
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

    fn skipped(why: &str) -> Self {
        Self::not(Outcome::Skipped, why)
    }
}

pub(super) const TOOL: super::Tool = super::Tool {
    name: "test_connection",
    title: "Test a connection",
    description: "Tries what a connection can do: ping, real round trips at QoS 0, 1 and 2 on a private \
        random topic, retained messages, wildcards, shared subscriptions, broker version and load from \
        $SYS. For when something does not work. Leaves no retained \
        message behind; skips writing under a read-only policy and says so. One to five seconds.",
    annotations: Annotations {
        read_only_hint: false,
        destructive_hint: false,
        idempotent_hint: true,
        open_world_hint: true,
    },
    input_schema: |_| schema::input::<Arguments>(),
    output_schema: schema::output::<Answer>,
};

pub(super) async fn run(
    state: &Arc<State>,
    arguments: Arguments,
    call: Call,
) -> Result<Answer, ToolError> {
    let handle = state.sessions.get(&arguments.session_id)?;
    unless_cancelled(&call, test(state, &handle)).await
}

async fn test(state: &State, handle: &Handle) -> Answer {
    let began = clock::now();
    let ping = match handle.ping(PATIENCE).await {
        Ok(took) => Check::ok(took),
        Err(error) => Check::failed(error),
    };
    let reachable = ping.result == Outcome::Ok;
    let established = handle.established();
    let prefix = private();
    let may_write = match reachable {
        true => may_publish(&state.config.policy, &format!("{prefix}/0"))
            .map_err(|denied| denied.message),
        false => Err("the broker does not answer".to_owned()),
    };
    let (parts, sys) = match may_write {
        Ok(()) => futures::join!(written(handle, &established, &prefix), sys(handle)),
        Err(why) => (
            Parts::skipped(&why),
            if reachable { sys(handle).await } else { None },
        ),
    };
    let checks = PARTS.into_iter().zip(parts.checks);
    Answer {
        verdict: verdict(reachable, &checks.clone().collect::<Vec<_>>()),
        protocol: render::protocol(&established.grants),
        broker: established.broker,
        state: handle.status().state,
        reachable,
        authenticated: reachable.then_some(true),
        // Of a broker that does not answer the ping says it all.
        checks: checks
            .filter(|_| reachable)
            .chain([("ping", ping)])
            .collect(),
        sys,
        left_behind: parts.left_behind,
        ms: render::millis(began.elapsed()),
    }
}

/// What comes of the parts that publish, in the order of [`PARTS`].
struct Parts {
    checks: [Check; 6],
    left_behind: Option<String>,
}

impl Parts {
    fn skipped(why: &str) -> Self {
        Self {
            checks: [(); 6].map(|()| Check::skipped(why)),
            left_behind: None,
        }
    }
}

async fn written(handle: &Handle, established: &Established, prefix: &str) -> Parts {
    let at = |level: u8| trip_at(handle, established, prefix, level);
    let (qos0, qos1, qos2, (retained, left_behind), wildcard, shared) = futures::join!(
        at(0),
        at(1),
        at(2),
        retained(handle, established, prefix),
        wildcard(handle, established, prefix),
        shared(handle, established, prefix),
    );
    Parts {
        checks: [qos0, qos1, qos2, retained, wildcard, shared],
        left_behind,
    }
}

async fn trip_at(handle: &Handle, established: &Established, prefix: &str, level: u8) -> Check {
    let highest = established.grants.maximum_qos as u8;
    if level > highest {
        return Check::not(
            Outcome::Unsupported,
            format!("the broker allows at most QoS {highest}"),
        );
    }
    let topic = format!("{prefix}/{level}");
    tried(handle, topic.clone(), topic, level).await
}

async fn wildcard(handle: &Handle, established: &Established, prefix: &str) -> Check {
    if !established.grants.wildcard_available {
        return Check::not(Outcome::Unsupported, "the broker says so in its CONNACK");
    }
    tried(
        handle,
        format!("{prefix}/wild/+"),
        format!("{prefix}/wild/one"),
        0,
    )
    .await
}

async fn shared(handle: &Handle, established: &Established, prefix: &str) -> Check {
    let v5 = render::protocol(&established.grants) == "5";
    if v5 && !established.grants.shared_available {
        return Check::not(Outcome::Unsupported, "the broker says so in its CONNACK");
    }
    let check = tried(
        handle,
        format!("$share/test/{prefix}/shared"),
        format!("{prefix}/shared"),
        0,
    )
    .await;
    match check.result {
        Outcome::Failed if !v5 => Check {
            result: Outcome::Unsupported,
            ..check
        },
        _ => check,
    }
}

/// From publishing to `topic` to receiving it by `filter`.
async fn tried(handle: &Handle, filter: String, topic: String, level: u8) -> Check {
    match trip(handle, filter, topic, level).await {
        Ok(took) => Check::ok(took),
        Err(why) => Check::failed(why),
    }
}

/// Publishes a retained message, looks whether it is replayed, clears it. Second: its topic if that failed.
async fn retained(
    handle: &Handle,
    established: &Established,
    prefix: &str,
) -> (Check, Option<String>) {
    if !established.grants.retain_available {
        let check = Check::not(Outcome::Unsupported, "the broker says so in its CONNACK");
        return (check, None);
    }
    let highest = established.grants.maximum_qos as u8;
    let mut clearing = Clearing {
        handle: handle.clone(),
        message: Publish {
            topic: format!("{prefix}/retained"),
            qos: render::qos(highest.min(1)),
            retain: true,
            ..Publish::default()
        },
        armed: true,
    };
    let check = replay(handle, &clearing.message).await;
    match publish(handle, clearing.message.clone()).await {
        Ok(_) => {
            clearing.armed = false;
            (check, None)
        }
        Err(_) => (check, Some(clearing.message.topic.clone())),
    }
}

async fn replay(handle: &Handle, empty: &Publish) -> Check {
    let message = Publish {
        payload: b"test".to_vec(),
        message_expiry: Some(EXPIRY),
        ..empty.clone()
    };
    let began = clock::now();
    if let Err(why) = publish(handle, message).await {
        return Check::failed(why);
    }
    let listening = match handle
        .listen(one(empty.topic.clone(), 0, Retained::Only))
        .await
    {
        Ok(listening) => listening,
        Err(error) => return Check::failed(error),
    };
    let _ = select(pin!(listening.stopped()), pin!(clock::sleep(PATIENCE))).await;
    let took = began.elapsed();
    match listening.report().await {
        Ok(report) if report.received > 0 => Check::ok(took),
        Ok(_) => Check::failed("the retained message was not replayed"),
        Err(error) => Check::failed(error),
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
                if let Err(why) = publish(&handle, message).await {
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
    }
    match said.is_empty() {
        true => "everything works".to_owned(),
        false => said.join("; "),
    }
}
