//! `list_devices`: the inventory: which systems there are, and a line for each device.

mod fit;
mod models;

pub(super) use fit::answer as fitted;

use super::arguments::topic::{checked_filter, everything};
use super::arguments::{ranges, schema};
use super::listening::systems::System;
use super::listening::{Common, Head, Rest, is_none, listen, seconds};
use super::{Annotations, Call, State, ToolError};
use crate::broker::report::{Listen, Retained, WantHealth, Wants};
use crate::render;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Devices that are known for an answer and its further pages: all that find room in the table.
const DEVICES: usize = 256;

/// Bytes of last values, in which the dates of retained messages are looked for.
const VALUES: usize = 512 * 1024;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    #[serde(flatten)]
    common: Common,
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
    description: "The inventory, for what do I have, which batteries are low, which links are weak, what is retained \
        and dead: the systems on the broker, then a line a device with state, battery, link, last heard, messages a \
        minute, findings in a word. Takes `duration` seconds; longer finds devices that speak rarely.",
    annotations: Annotations::reads(true),
    input_schema: schema::input_with_budget::<Arguments>,
    output_schema: schema::output::<Answer>,
};

pub(super) async fn run(
    state: &Arc<State>,
    arguments: Arguments,
    call: Call,
) -> Result<Answer, ToolError> {
    let asked = &arguments.common;
    let heard = listen(state, &call, TOOL.name, asked, || wanted(&arguments)).await?;
    let (order, budget) = ((arguments.sort, arguments.only), asked.budget(state));
    let mut answer = fitted(heard.head(asked), &heard.report, order, budget);
    // Another order would be another list: the pages keep that of the first.
    let further = [
        ("sort", serde_json::to_value(arguments.sort)),
        ("only", serde_json::to_value(arguments.only)),
    ];
    heard.keep(state, asked, &mut answer.head);
    if let Some(next) = answer
        .head
        .next
        .as_mut()
        .and_then(|next| next.as_object_mut())
    {
        let known = further
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.ok()?)));
        next.extend(known);
    }
    Ok(answer)
}

fn wanted(arguments: &Arguments) -> Result<Listen, ToolError> {
    Ok(Listen {
        filters: vec![checked_filter("topic", &arguments.topic)?],
        qos: render::qos(0),
        retained: Retained::Include,
        duration: seconds(arguments.duration),
        max_messages: None,
        until_quiet: None,
        wants: Wants {
            health: Some(WantHealth {
                name: None,
                devices: DEVICES,
            }),
            values: Some(VALUES),
            ..Wants::default()
        },
    })
}
