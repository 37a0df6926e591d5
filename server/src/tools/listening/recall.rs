//! Answers at once from what a watch has heard: the session's, else that of the service.

use super::round_trip::RoundTrips;
use super::{Common, Heard, TICK, since};
use crate::broker::report::Listen;
use crate::broker::watch::NotRecalled;
use crate::protocol::failure::ToolError;
use crate::render;
use crate::tools::{State, session};
use std::sync::Arc;
use std::time::SystemTime;

/// What a watch has heard of it: the session's, else that of the service.
pub(super) async fn recall(
    state: &Arc<State>,
    tool: &'static str,
    mut wanted: Listen,
    asked: &Common,
) -> Result<Heard, ToolError> {
    let (filters, most) = (wanted.filters.clone(), wanted.max_messages);
    // The report is made a little later.
    let latest = asked.since.latest(SystemTime::now());
    wanted.wants.recent = latest.map(|it| it.saturating_add(TICK));
    let mut why = None;
    for (session_id, watch) in session::watches(state, asked.session_id.as_deref())? {
        match watch.recall(wanted.clone()).await {
            Ok(mut report) => {
                since::obeys(tool, most, &report)?;
                if let Some(latest) = asked.since.latest(report.started + report.elapsed) {
                    report.keep_latest(latest, wanted.retained);
                }
                return Ok(Heard {
                    tool,
                    session_id,
                    report: Arc::new(report),
                    filters,
                    capture: None,
                    since: asked.since,
                    round_trips: RoundTrips::default(),
                    id: None,
                    next: None,
                });
            }
            Err(error) => why = Some(error),
        }
    }
    Err(match why {
        Some(why) => not_recalled(why, &filters),
        None => not_watched(state, asked.session_id.as_deref()),
    })
}

/// There is no watch that could be asked.
fn not_watched(state: &State, session_id: Option<&str>) -> ToolError {
    if let Some(away) = session::unreached(state, session_id) {
        return ToolError::new(
            "not_watched",
            format!(
                "this service watches the broker from its start, but has not reached it yet: {away}"
            ),
            "correct what is said there, or wait; it is tried again by itself",
        );
    }
    ToolError::new(
        "not_watched",
        "this session watches nothing",
        "listen with since now, or establish_connection with watch, such as [\"#\"], for a session that learns",
    )
}

fn not_recalled(why: NotRecalled, filters: &[String]) -> ToolError {
    match why {
        NotRecalled::Broker(error) => error.into(),
        NotRecalled::NotApart(watched) => ToolError::new(
            "not_watched",
            "the watch measures all its filters together",
            format!(
                "list_topics with the same since tells how often a topic comes; ask for {} together; or listen with \
                 since now",
                watched.join(", ")
            ),
        ),
        NotRecalled::NotWatched(watched) => {
            let watched: Vec<_> = watched.iter().map(|it| render::topic(it)).collect();
            ToolError::new(
                "not_watched",
                format!(
                    "this session does not watch all of `{}`",
                    render::topic(&filters.join(", "))
                ),
                format!(
                    "ask for one of these or for a part of it: {}; or listen with since now",
                    watched.join(", ")
                ),
            )
        }
    }
}
