//! `list_devices`: the inventory: which systems there are, and a line for each device.

mod fit;
mod models;

pub(super) use fit::answer as fitted;

use super::arguments::topic::{checked_filter, everything};
use super::arguments::{ranges, schema};
use super::listening::systems::System;
use super::listening::{Asked, Head, Heard, Listens, Rest, Room, is_none, seconds};
use super::{Annotations, ToolError};
use crate::broker::report::{Listen, WantHealth, Wants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Devices that are known for an answer and its further pages: all that find room in the table.
const DEVICES: usize = 256;

/// Bytes of last values, in which the dates of retained messages are looked for.
const VALUES: usize = 512 * 1024;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    #[serde(default = "everything")]
    topic: String,
    /// Worst or longest first
    #[serde(default)]
    sort: Sort,
    /// Which devices
    #[serde(default)]
    only: Only,
    #[serde(default = "ranges::inventory")]
    #[schemars(range(min = ranges::INVENTORY.min, max = ranges::INVENTORY.max))]
    duration: f64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sort {
    #[default]
    Findings,
    Battery,
    Link,
    Silent,
    Rate,
    Name,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Only {
    #[default]
    All,
    Sick,
    Battery,
    // Known from retained messages alone.
    Retained,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    /// The answer in one line.
    verdict: String,
    #[serde(flatten)]
    head: Head,
    /// Of all devices; absent with `only`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    systems: Vec<System>,
    devices_heard: u64,
    /// Of these, what `only` asks for.
    matched: usize,
    devices: Vec<Line>,
    /// Of what matched, not on this page.
    #[serde(skip_serializing_if = "is_none")]
    omitted: u64,
}

/// A device.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Line {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    system: String,
    /// Where it is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    battery_percent: Option<f64>,
    /// As it is told, with its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_heard_s: Option<f64>,
    /// Live messages a minute of listening.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_minute: Option<f64>,
    /// Nothing live came.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retained_only: bool,
    /// The latest date in its retained payloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    dated: Option<String>,
    /// Kinds, the weightiest first; debug_device explains them.
    #[serde(skip_serializing_if = "String::is_empty")]
    findings: String,
}

pub(super) const TOOL: super::Tool = super::Tool {
    name: "list_devices",
    title: "List devices",
    description: "The inventory: what do I have, which batteries are low, which links weak, what is retained \
        and dead. The systems, then a line a device with state, battery, link, last heard, messages a minute, \
        findings in a word. Takes `duration` seconds; longer finds devices that speak rarely.",
    annotations: Annotations::reads(true),
    input_schema: schema::input_with_budget::<Asked<Arguments>>,
    output_schema: schema::output::<Answer>,
    run: |request| request.by_listening::<Arguments>(),
};

impl Listens for Arguments {
    const TOOL: &'static str = TOOL.name;
    type Answer = Answer;

    fn wanted(&self) -> Result<Listen, ToolError> {
        let filter = checked_filter("topic", &self.topic)?;
        let health = WantHealth {
            name: None,
            devices: DEVICES,
        };
        let wants = Wants {
            health: Some(health),
            values: Some(VALUES),
            ..Wants::default()
        };
        Ok(Listen::to(vec![filter], seconds(self.duration), wants))
    }

    fn answer(&self, heard: &mut Heard, head: Head, (_, budget): Room) -> Answer {
        fitted(head, &heard.report, (self.sort, self.only), budget)
    }

    // Another order would be another list: the pages keep that of the first.
    fn further(&self) -> Map<String, Value> {
        let further = json!({"sort": self.sort, "only": self.only});
        further.as_object().cloned().unwrap_or_default()
    }

    fn head(answer: &mut Answer) -> &mut Head {
        &mut answer.head
    }
}
