//! A device: how well it is, and why.

use super::super::seen::Bar;
use crate::broker::report::DeviceFinding;
use crate::render;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::SystemTime;

/// Topics of a device that are named.
const TOPICS: usize = 12;

/// Kinds of findings that say that the device cannot be reached.
const UNREACHABLE: [&str; 2] = ["offline", "gateway_offline"];

/// Points from which a finding is an error and no warning: `debug_device` deducts as much for errors and alerts.
const ERROR_POINTS: u8 = 25;

/// One device of a watched broker.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Device {
    /// The broker's address.
    pub broker: String,
    /// The session that watches it.
    pub session_id: String,
    /// Where its topics begin, or what they have in common.
    pub id: String,
    /// What others call it, else its id.
    pub name: String,
    /// Convention by which it speaks.
    pub dialect: &'static str,
    /// `offline`, `error`, `warning`, `unknown` (not enough heard), `well`.
    pub state: &'static str,
    /// 100 less the points of the findings; none if not enough was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// The weightiest first.
    pub findings: Vec<Finding>,
    /// Since when this process knows of the first finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// A letter an hour for 24 hours, the oldest first: `w` well, `l` warning, `b` error, `.` not heard.
    pub hours: String,
    /// Its last live message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heard: Option<String>,
    /// Its connection, if something told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<DeviceConnection>,
    /// Battery, link, signal, voltage; the unit is in the name.
    pub readings: Vec<Reading>,
    /// Seconds that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_s: Option<f64>,
    /// Restarts seen.
    pub restarts: u32,
    /// Its messages.
    pub messages: u64,
    /// Its busiest topics.
    pub topics: Vec<String>,
    /// Topics in all.
    pub topic_count: usize,
}

/// Why points were deducted.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Finding {
    /// Of 100.
    pub points: u8,
    /// A stable word.
    pub kind: &'static str,
    /// What was seen.
    pub what: String,
    /// What to check next.
    pub check: &'static str,
}

/// A connection of a device.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct DeviceConnection {
    /// `online`, `offline`, `sleeping`, `alert`.
    pub state: &'static str,
    /// When that was said; for a retained message the time it was received, it is older.
    pub told: String,
    /// The topic that said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

/// The last value of a reading.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Reading {
    /// With its unit.
    pub name: &'static str,
    /// The last value.
    pub last: f64,
}

impl Device {
    /// `started` is what the times of `finding` count from.
    pub(in crate::app) fn new(
        broker: &str,
        session_id: &str,
        started: SystemTime,
        finding: &DeviceFinding,
    ) -> Self {
        let state = state(finding);
        Self {
            broker: render::clean(broker),
            session_id: session_id.to_owned(),
            id: render::topic(&finding.id),
            name: render::clean(finding.name.as_deref().unwrap_or(&finding.id)),
            dialect: finding.dialect,
            state,
            score: (state != "unknown").then_some(finding.score),
            findings: finding
                .deductions
                .iter()
                .map(|it| Finding {
                    points: it.points,
                    kind: it.kind,
                    what: render::clean(&it.what),
                    check: it.check,
                })
                .collect(),
            since: None,
            hours: String::new(),
            heard: finding.last_live.map(|at| render::time(started + at)),
            connection: finding.connection.as_ref().map(|it| DeviceConnection {
                state: it.state,
                told: render::time(started + it.told),
                topic: it.topic.as_deref().map(render::topic),
            }),
            readings: finding
                .readings
                .iter()
                .map(|it| Reading {
                    name: it.name,
                    last: it.last,
                })
                .collect(),
            uptime_s: finding.uptime,
            restarts: finding.restarts,
            messages: finding.messages,
            topics: finding
                .topics
                .iter()
                .take(TOPICS)
                .map(|(topic, _)| render::topic(topic))
                .collect(),
            topic_count: finding.topics.len(),
        }
    }

    pub(in crate::app) fn bar(&self) -> Bar {
        match self.state {
            "well" => Bar::Well,
            "warning" => Bar::Look,
            "unknown" => Bar::Off,
            _ => Bar::Bad,
        }
    }

    /// Sick, then unknown, then well; the worst score first.
    pub(in crate::app) fn rank(&self) -> (u8, u8) {
        let state = match self.state {
            "offline" | "error" | "warning" => 0,
            "unknown" => 1,
            _ => 2,
        };
        (state, self.score.unwrap_or(100))
    }

    pub(in crate::app) fn set_past(&mut self, since: Option<SystemTime>, hours: String) {
        self.since = since.map(render::time);
        self.hours = hours;
    }
}

fn state(finding: &DeviceFinding) -> &'static str {
    let deductions = &finding.deductions;
    if deductions.iter().any(|it| UNREACHABLE.contains(&it.kind)) {
        return "offline";
    }
    match deductions.iter().map(|it| it.points).max() {
        Some(points) if points >= ERROR_POINTS => "error",
        Some(_) => "warning",
        None if finding.last_live.is_none() && finding.connection.is_none() => "unknown",
        None => "well",
    }
}
