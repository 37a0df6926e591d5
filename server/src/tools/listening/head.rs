//! What every listening tool says first: where its answer comes from, how long it listened, and what it costs to trust it.

use super::{Rest, Since, is_none, is_zero};
use crate::broker::report::{Report, StopReason};
use crate::render;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::tools) enum Progress {
    Running,
    Complete,
}

/// What every listening tool says first.
#[derive(Clone, Serialize, JsonSchema)]
pub(in crate::tools) struct Head {
    pub(super) status: Progress,
    /// While running: call the same tool with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capture_id: Option<String>,
    /// The arguments that bring the rest, or what comes next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::tools) next: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_reason: Option<StopReason>,
    pub(super) filter: String,
    // Of the session's watch: complete means that this is all so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Since>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<&'static str>,
    started: String,
    listened_s: f64,
    /// Only where the broker has confirmed the subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    granted_qos: Option<u8>,
    #[serde(skip_serializing_if = "is_zero")]
    reconnects: u32,
    /// Of listened_s, time without a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    deaf_s: Option<f64>,
    /// Messages over the size limit, counted but not read.
    #[serde(skip_serializing_if = "is_none")]
    oversized: u64,
    /// Some of them, with the bytes of the whole packet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    oversized_examples: Vec<Large>,
    /// Messages that the broker delivered under other topics than the filter.
    #[serde(skip_serializing_if = "is_none")]
    under_other_topics: u64,
    /// Messages of the session that fit no open filter, not counted.
    #[serde(skip_serializing_if = "is_none")]
    fit_no_filter: u64,
    /// By so many seconds this machine's clock was set forward meanwhile; negative: back.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_stepped_s: Option<f64>,
    /// Entries that are passed over, and what is left after this answer: between the call and the answer's maker.
    #[serde(skip)]
    pub(in crate::tools) offset: usize,
    #[serde(skip)]
    pub(in crate::tools) rest: Option<Rest>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct Large {
    topic: String,
    bytes: usize,
}

/// Messages over the size limit that are named in an answer.
const LARGE: usize = 4;

impl Head {
    pub(in crate::tools) fn filter(&self) -> &str {
        &self.filter
    }

    /// `next`: the capture's id and what to do with it, while it runs.
    pub(in crate::tools) fn of(
        filters: &[String],
        report: &Report,
        next: Option<(String, String)>,
    ) -> Self {
        let (capture_id, next_step) = next.unzip();
        let large = report.asides.large.iter().take(LARGE).map(|it| Large {
            topic: render::topic(&it.topic),
            bytes: it.bytes,
        });
        Self {
            status: match report.stopped {
                None => Progress::Running,
                Some(_) => Progress::Complete,
            },
            next: capture_id.as_ref().map(|id| json!({"capture_id": id})),
            capture_id,
            next_step,
            offset: 0,
            rest: None,
            stop_reason: report.stopped,
            filter: render::topic(&filters.join(", ")),
            since: None,
            note: None,
            started: render::time(report.started),
            listened_s: render::seconds(report.span()),
            granted_qos: report.granted_qos.map(|qos| qos as u8),
            reconnects: report.reconnects,
            deaf_s: (!report.deaf.is_zero()).then(|| render::seconds(report.deaf)),
            oversized: report.oversized,
            oversized_examples: large.collect(),
            under_other_topics: report.asides.elsewhere.messages,
            fit_no_filter: report.asides.strays.messages,
            clock_stepped_s: report.asides.clock_stepped().map(|(step, forward)| {
                let seconds = render::seconds(step);
                if forward { seconds } else { -seconds }
            }),
        }
    }
}
