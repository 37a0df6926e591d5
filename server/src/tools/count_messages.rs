//! `count_messages`: how many messages come to a filter.

use super::Annotations;
use super::ToolError;
use super::arguments::schema;
use super::arguments::topic::{checked_filter, everything};
use super::listening::{Asked, Head, Heard, Listens, Room, seconds};
use crate::broker::report::{Listen, Wants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
pub(super) struct Arguments {
    #[serde(default = "everything")]
    topic: String,
    #[serde(default = "super::arguments::ranges::inventory")]
    duration: f64,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    #[serde(flatten)]
    head: Head,
    messages: u64,
    topics: u64,
}

pub(super) const TOOL: super::Tool = super::Tool {
    name: "count_messages",
    title: "Count messages",
    description: "Counts the messages of a topic filter. Takes `duration` seconds.",
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
        let wants = Wants {
            topics: Some(256),
            ..Wants::default()
        };
        Ok(Listen::to(vec![filter], seconds(self.duration), wants))
    }

    fn answer(&self, heard: &mut Heard, head: Head, _: Room) -> Answer {
        let topics = heard.report.findings.topics.as_ref();
        Answer {
            head,
            messages: heard.report.received,
            topics: topics.map_or(0, |it| it.seen),
        }
    }

    fn head(answer: &mut Answer) -> &mut Head {
        &mut answer.head
    }
}
