//! What each endpoint answers.

use super::query::Query;
use super::reply::Reply;
use super::routes::Asked;
use super::{Desk, openapi, page, tickets};
use crate::app::{NotClosed, TopicQuery, TopicsError};
use crate::journal::{CallFilter, Level, Reported};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bytes of a reported call.
const MAX_REPORT: usize = 4 << 10;

/// Milliseconds that a reported call may have taken: a day.
const MAX_MS: f64 = 86_400_000.0;

/// Bytes of a name or of an error in a report.
const MAX_TEXT: usize = 512;

pub(super) async fn page(desk: Arc<Desk>, asked: Asked) -> Reply {
    let numbers = asked.trusted.then(|| page::numbers(&desk.app));
    page::page(numbers.as_deref())
}

pub(super) async fn open_metrics(desk: Arc<Desk>) -> Reply {
    Reply::text(OPEN_METRICS, desk.app.open_metrics())
}

pub(super) async fn sessions(desk: Arc<Desk>) -> Reply {
    Reply::json(200, &desk.app.session_views())
}

pub(super) async fn close_session(desk: Arc<Desk>, asked: Asked) -> Reply {
    let id = asked.id.unwrap_or_default();
    match desk.app.close_session(&id).await {
        Ok(()) => {
            log::info!("a session was closed from the monitor");
            Reply::empty(204)
        }
        Err(NotClosed::Recorded) => Reply::error(
            409,
            "recorded",
            "this service watches the broker as its configuration says; take the broker's [[record]] out and restart it",
        ),
        Err(NotClosed::Unknown) => Reply::error(
            404,
            "unknown_session",
            "no open session has this id; GET api/sessions lists them",
        ),
    }
}

pub(super) async fn captures(desk: Arc<Desk>) -> Reply {
    Reply::json(200, &desk.app.capture_views())
}

pub(super) async fn end_capture(desk: Arc<Desk>, asked: Asked) -> Reply {
    let id = asked.id.unwrap_or_default();
    if !desk.app.end_capture(&id) {
        let why = "no running capture has this id; GET api/captures lists them";
        return Reply::error(404, "unknown_capture", why);
    }
    log::info!("a capture was ended from the monitor");
    Reply::empty(204)
}

pub(super) async fn brokers(desk: Arc<Desk>) -> Reply {
    Reply::json(200, &desk.app.broker_views())
}

pub(super) async fn metrics(desk: Arc<Desk>) -> Reply {
    Reply::json(200, &desk.app.metrics())
}

pub(super) async fn stats(desk: Arc<Desk>) -> Reply {
    Reply::json(200, &desk.app.stats().await)
}

pub(super) async fn errors(desk: Arc<Desk>, query: Query) -> Reply {
    let level = match query.text("level").as_deref() {
        Some("error") => Level::Error,
        _ => Level::Warning,
    };
    Reply::json(200, &desk.app.log_views(level, limit(&query)))
}

pub(super) async fn calls(desk: Arc<Desk>, query: Query) -> Reply {
    let filter = CallFilter {
        tool: query.text("tool"),
        failed: query.flag("error"),
        before: query.number("before"),
        ..CallFilter::latest(limit(&query))
    };
    Reply::json(200, &desk.app.call_views(&filter))
}

fn limit(query: &Query) -> usize {
    let limit = query.number("limit").unwrap_or_default();
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// A call that another process made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    /// Name of the tool: letters, digits and `_ - . /`.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_./-]{1,64}$"))]
    tool: String,
    /// How long it took.
    #[schemars(range(min = 0.0, max = 86_400_000.0))]
    duration_ms: f64,
    /// It went well.
    success: bool,
    /// Who called.
    #[schemars(length(min = 1, max = 512))]
    client: Option<String>,
    /// Bytes of the answer.
    #[serde(default, deserialize_with = "whole")]
    bytes: Option<u32>,
    /// What went wrong.
    #[schemars(length(max = 512))]
    error: Option<String>,
}

/// A whole number as JSON Schema has it: `7.0` is one.
fn whole<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    use serde::{Deserialize, de::Error};
    let Some(number) = Option::<f64>::deserialize(from)? else {
        return Ok(None);
    };
    if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
        return Ok(Some(number as u32));
    }
    Err(D::Error::custom(
        "`bytes` must be a whole number of 32 bits",
    ))
}

impl Report {
    fn check(&self) -> Result<(), String> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
        if !(1..=64).contains(&self.tool.len()) || !self.tool.bytes().all(is_name) {
            return Err("`tool` must be 1 to 64 letters, digits and _ - . /".to_owned());
        }
        if !(0.0..=MAX_MS).contains(&self.duration_ms) {
            return Err(format!("`duration_ms` must be from 0 to {MAX_MS}"));
        }
        let long = |text: &Option<String>| {
            text.as_ref()
                .is_some_and(|it| it.chars().count() > MAX_TEXT)
        };
        if long(&self.client) || self.client.as_deref() == Some("") {
            return Err(format!(
                "`client` must be a text of 1 to {MAX_TEXT} characters"
            ));
        }
        match long(&self.error) {
            true => Err(format!("`error` must be at most {MAX_TEXT} characters")),
            false => Ok(()),
        }
    }
}

pub(super) async fn log_call(desk: Arc<Desk>, asked: Asked) -> Reply {
    if !asked.json {
        return Reply::error(
            415,
            "unsupported_media_type",
            "send `Content-Type: application/json`",
        );
    }
    if asked.body.len() > MAX_REPORT {
        return Reply::error(413, "too_large", "a report has at most 4096 bytes");
    }
    // serde's words may repeat a value; they go back to who sent it, and nowhere else.
    let report: Report = match serde_json::from_slice(&asked.body) {
        Ok(report) => report,
        Err(why) => return Reply::error(400, "bad_argument", &format!("not such a report: {why}")),
    };
    if let Err(why) = report.check() {
        return Reply::error(400, "bad_argument", &why);
    }
    if !desk.may_report() {
        let why = "at most 50 reports a second; put several calls together, or wait a second";
        return Reply::error(429, "too_many", why).with("retry-after", "1");
    }
    let masked = |text: String| crate::app::masked(&text);
    desk.app.journal.reported(Reported {
        tool: report.tool,
        client: report.client.map(masked),
        took: Duration::from_secs_f64(report.duration_ms / 1e3),
        success: report.success,
        bytes: report
            .bytes
            .map_or(0, |it| usize::try_from(it).unwrap_or(usize::MAX)),
        error: report.error.map(masked),
    });
    Reply::empty(202)
}

pub(super) async fn topics(desk: Arc<Desk>, query: Query) -> Reply {
    let query = TopicQuery {
        session: query.text("session"),
        filter: query.text("filter"),
        under: query.text("under"),
        topic: query.text("topic"),
        limit: limit(&query),
    };
    match desk.app.topics(&query).await {
        Ok(topics) => Reply::json(200, &topics),
        Err(TopicsError::BadFilter(why)) => Reply::error(400, "bad_argument", &why),
        Err(TopicsError::NoSession) => {
            let why = "no session of this id watches anything; `sources` of this path lists those that do";
            Reply::error(404, "unknown_session", why)
        }
        Err(TopicsError::Gone) => Reply::error(404, "session_ended", "the session has just ended"),
    }
}

pub(super) async fn devices(desk: Arc<Desk>) -> Reply {
    Reply::json(200, &*desk.app.devices().await)
}

/// What to say first on the WebSocket.
#[derive(Serialize, JsonSchema)]
pub(super) struct Ticket {
    /// As `{"ticket": …}`.
    ticket: String,
    /// It is void afterwards.
    expires_s: u64,
}

pub(super) async fn ticket(desk: Arc<Desk>) -> Reply {
    let ticket = desk.tickets.issue();
    let expires_s = tickets::LIFETIME.as_secs();
    Reply::json(200, &Ticket { ticket, expires_s })
}

pub(super) async fn not_upgraded() -> Reply {
    let why = "this is a WebSocket: connect with `Upgrade: websocket`, version 13";
    Reply::error(426, "upgrade_required", why).with("upgrade", "websocket")
}

pub(super) async fn description() -> Reply {
    Reply::json(200, &openapi::description())
}
