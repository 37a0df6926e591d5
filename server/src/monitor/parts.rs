//! The news: what is so now, in parts, each as JSON text, so that a part that has not changed is not sent again.
//! Made once for all who listen.

use super::{Desk, lock, now};
use crate::app::views::Device;
use crate::journal::{CallFilter, Level};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Parts are as fresh as this: who listens asks once a second.
const FRESH: Duration = Duration::from_millis(900);

/// The meters of an hour move slowly and are the largest part.
const METERS_FRESH: Duration = Duration::from_secs(10);

/// Lines of the log, and calls, that the page shows at first.
const LINES: usize = 100;
pub(super) const CALLS: usize = 100;

/// Parts of the news, in the order of [`Parts::texts`].
pub(super) const NAMES: [&str; 7] = [
    "service",
    "brokers",
    "assistants",
    "sessions",
    "captures",
    "log",
    "metrics",
];

/// See the head of this file.
#[derive(Clone, Default)]
pub(super) struct Parts {
    made: Option<Instant>,
    metered: Option<Instant>,
    pub(super) texts: [Arc<str>; NAMES.len()],
    pub(super) devices: Arc<Vec<Device>>,
    /// Messages a second.
    pub(super) rate: f64,
}

fn text(value: &impl Serialize) -> Arc<str> {
    serde_json::to_string(value)
        .unwrap_or_else(|_| "null".to_owned())
        .into()
}

impl Desk {
    /// What is so now.
    pub(super) async fn parts(&self) -> Parts {
        let before = lock(&self.parts).clone();
        let now = now();
        let is_old = |made: Option<Instant>, age| {
            made.is_none_or(|made| now.saturating_duration_since(made) >= age)
        };
        if !is_old(before.made, FRESH) {
            return before;
        }
        let app = &self.app;
        let service = app.service_view();
        let (metered, metrics) = match is_old(before.metered, METERS_FRESH) {
            true => (Some(now), text(&app.metrics())),
            false => (before.metered, before.texts[NAMES.len() - 1].clone()),
        };
        let parts = Parts {
            made: Some(now),
            metered,
            rate: service.messages_per_s,
            texts: [
                text(&service),
                text(&app.broker_views()),
                text(&app.client_views()),
                text(&app.session_views()),
                text(&app.capture_views()),
                text(&app.log_views(Level::Warning, LINES)),
                metrics,
            ],
            devices: app.devices().await,
        };
        *lock(&self.parts) = parts.clone();
        parts
    }

    /// Calls after this one, the oldest first, without their results, and the number of the latest.
    pub(super) fn calls_after(&self, after: u64) -> (Vec<Value>, u64) {
        let filter = CallFilter {
            after: Some(after),
            ..CallFilter::latest(CALLS)
        };
        let mut calls = self.app.call_views(&filter);
        calls.reverse();
        let last = calls.last().map_or(after, |call| call.number);
        let calls = calls.into_iter().filter_map(|mut call| {
            call.result.clear();
            serde_json::to_value(call).ok()
        });
        (calls.collect(), last)
    }
}
