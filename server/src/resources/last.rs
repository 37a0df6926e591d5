//! The last value of a topic: from a subscription to its resource if one is open and has heard something, from the
//! session's watch if that has, else by listening for a moment, in which a retained value comes at once.

use super::Offer;
use super::address::Address;
use crate::broker::handle::{Handle, Listening};
use crate::broker::report::{LastMessage, Listen, Report, Wants};
use crate::protocol::failure::ToolError;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

/// How long a topic may take to say something.
const MOMENT: Duration = Duration::from_secs(1);

/// A subscription to a resource ends with its session at the latest; ten years are no limit.
const FOR_EVER: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);

/// Bytes of a value that are kept.
pub(super) const HELD: usize = 16 * 1_024;

/// What was heard of a topic.
pub(super) struct Heard {
    /// None: nothing.
    pub(super) last: Option<(SystemTime, LastMessage)>,
    pub(super) listened: Duration,
}

/// The topics that a subscription to their resource listens to.
#[derive(Default)]
pub(super) struct Live(Mutex<HashMap<Address, Weak<Listening>>>);

impl Live {
    fn lock(&self) -> MutexGuard<'_, HashMap<Address, Weak<Listening>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, address: &Address) -> Option<Arc<Listening>> {
        self.lock().get(address)?.upgrade()
    }

    /// Listens to a topic for as long as somebody holds what is returned; two who follow it share it.
    pub(super) async fn listen(
        &self,
        handle: &Handle,
        address: &Address,
        topic: &str,
    ) -> Result<Arc<Listening>, ToolError> {
        if let Some(listening) = self.get(address).filter(|it| !it.has_stopped()) {
            return Ok(listening);
        }
        let listening = Arc::new(handle.listen(listen(topic, FOR_EVER, None)).await?);
        let mut live = self.lock();
        live.retain(|_, listening| listening.strong_count() > 0);
        live.insert(address.clone(), Arc::downgrade(&listening));
        Ok(listening)
    }
}

/// The last value of a topic of a session.
pub(super) async fn value(
    offer: &Offer,
    address: &Address,
    session: &str,
    topic: &str,
) -> Result<Heard, ToolError> {
    if let Some(listening) = offer.live.get(address)
        && let Ok(report) = listening.report().await
        && report.findings.last.is_some()
    {
        return Ok(heard(report));
    }
    if let Some(watch) = offer.state.sessions.watch(session)?
        && let Ok(Some(last)) = watch.last_value(topic).await
    {
        let listened = Duration::ZERO;
        let last = Some(last);
        return Ok(Heard { last, listened });
    }
    let handle = offer.state.sessions.get(session)?;
    let listening = handle.listen(listen(topic, MOMENT, Some(1))).await?;
    listening.stopped().await;
    Ok(heard(listening.report().await?))
}

fn heard(report: Report) -> Heard {
    let (started, listened) = (report.started, report.elapsed);
    let last = report.findings.last.map(|last| (started + last.at, last));
    Heard { last, listened }
}

fn listen(topic: &str, duration: Duration, max_messages: Option<u64>) -> Listen {
    let wants = Wants {
        last: Some(HELD),
        ..Wants::default()
    };
    Listen {
        max_messages,
        ..Listen::to(vec![topic.to_owned()], duration, wants)
    }
}

/// Listens to all topics, only to count them, for as long as somebody holds what is returned.
pub(super) async fn count_topics(handle: &Handle) -> Result<Listening, ToolError> {
    let mut all = listen("#", FOR_EVER, None);
    all.wants = Wants::default();
    Ok(handle.listen(all).await?)
}
