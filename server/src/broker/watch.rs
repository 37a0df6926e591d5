//! What a session learns while it lives: a listener that begins with it and ends with it, asked at any time for the part
//! that somebody wants to know.
//!
//! Invariant: all accumulators of one session take at most [`MAX_BYTES`], however many filters share them.

use super::error::BrokerError;
use super::handle::{Handle, Listening};
use super::report::{
    LastMessage, Listen, Part, Report, Retained, WantHealth, WantMessages, WantPerformance,
    WantSchema, Wants,
};
use crate::config::MAX_FILTERS;
use bitsperity_mqtt_core::topic::covers;
use std::time::{Duration, SystemTime};

/// Bytes that the accumulators of one session take at most.
pub const MAX_BYTES: usize = 9 << 20;

/// Ends with the session; this is longer than any lives.
const FOR_EVER: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);

/// Messages kept, and bytes of a payload of theirs.
const MESSAGES: usize = 200;
const PAYLOAD: usize = 4_096;
/// Topics that are known by name.
const TOPICS: usize = 4_096;
/// Bytes of all last values.
const VALUES: usize = 2 << 20;
/// The heaviest topics whose numbers are told.
const HEAVIEST: usize = 50;
/// Devices that are told of at the end of the connection; while it lives, all are known.
const DEVICES: usize = 64;
/// Families of topics whose schema is learnt, and bytes of an example.
const FAMILIES: usize = 128;
const EXAMPLE: usize = 1_024;
/// What the topics of our own probes begin with; they are heard by nobody else.
pub const PROBES: &str = "bitsperity-mqtt-mcp/test/";

/// The listener of a session's watch.
pub struct Watch {
    filters: Vec<String>,
    listening: Listening,
    since: SystemTime,
}

/// A watch as it is told of.
#[derive(Clone, Debug)]
pub struct Watching {
    /// Topic Filters.
    pub filters: Vec<String>,
    /// Since when.
    pub since: SystemTime,
    /// Messages heard.
    pub messages: u64,
}

/// What the watch cannot tell.
#[derive(Debug)]
pub enum NotRecalled {
    /// Its filters do not cover what was asked.
    NotWatched(Vec<String>),
    /// What was asked is known of all its filters together only.
    NotApart(Vec<String>),
    /// The connection.
    Broker(BrokerError),
}

impl Watch {
    /// Begins to listen; none if there is nothing to watch.
    ///
    /// # Errors
    /// The broker does not let it listen, or too many filters.
    pub(super) async fn begin(
        handle: &Handle,
        filters: &[String],
    ) -> Result<Option<Self>, BrokerError> {
        if filters.is_empty() {
            return Ok(None);
        }
        if filters.len() > MAX_FILTERS {
            let why = format!("A session watches at most {MAX_FILTERS} filters.");
            return Err(BrokerError::Invalid(why));
        }
        let listening = handle.listen(listen(filters.to_vec(), wants(filters.len())));
        Ok(Some(Self {
            filters: filters.to_vec(),
            listening: listening.await?,
            since: SystemTime::now(),
        }))
    }

    /// Subscriptions that it has in use.
    pub(super) fn live(&self) -> usize {
        match self.listening.has_stopped() {
            true => 0,
            false => self.filters.len(),
        }
    }

    /// What it is, without asking the connection's task.
    pub fn watching(&self) -> Watching {
        Watching {
            filters: self.filters.clone(),
            since: self.since,
            messages: self.listening.counts().0,
        }
    }

    /// What `wanted` would have heard had it listened all the while, as far as the bounds of memory let it be known.
    ///
    /// # Errors
    /// Its filters are not watched, or cannot be told apart; the connection's task is gone.
    pub async fn recall(&self, mut wanted: Listen) -> Result<Report, NotRecalled> {
        let health = wanted.wants.health.as_ref();
        if health.is_some_and(|wanted| wanted.name.is_some()) {
            // A device of this name, wherever it speaks.
            wanted.filters.clone_from(&self.filters);
        }
        let known = |filter: &String| {
            let mut watched = self.filters.iter();
            watched.any(|it| it == filter || covers(it, filter))
        };
        if !wanted.filters.iter().all(known) {
            return Err(NotRecalled::NotWatched(self.filters.clone()));
        }
        let same = wanted.filters == self.filters;
        if wanted.wants.performance.is_some() && !same {
            return Err(NotRecalled::NotApart(self.filters.clone()));
        }
        let part = Part {
            whole: same && wanted.retained == Retained::Include,
            listen: wanted,
        };
        let report = self.listening.recall(part).await;
        report.map_err(NotRecalled::Broker)
    }

    /// The last message of a topic and when it came; none if none came, or its topic found no room.
    ///
    /// # Errors
    /// The topic is not watched; the connection's task is gone.
    pub async fn last_value(
        &self,
        topic: &str,
    ) -> Result<Option<(SystemTime, LastMessage)>, NotRecalled> {
        let values = Wants {
            values: Some(VALUES),
            ..Wants::default()
        };
        let report = self.recall(listen(vec![topic.to_owned()], values)).await?;
        let mut found = report.findings.values.unwrap_or_default();
        let last = found.values.pop();
        Ok(last.map(|(_, last)| (report.started + last.at, last)))
    }
}

/// Whether it is a session's watch, which survives the loss of the connection.
pub(super) fn is_lasting(listen: &Listen) -> bool {
    listen.duration >= FOR_EVER
}

fn listen(filters: Vec<String>, wants: Wants) -> Listen {
    Listen::to(filters, FOR_EVER, wants)
}

/// What so many filters accumulate.
fn wants(filters: usize) -> Wants {
    Wants {
        messages: Some(WantMessages {
            target: MESSAGES,
            payload_bytes: PAYLOAD,
        }),
        topics: Some(TOPICS),
        performance: Some(WantPerformance {
            filters,
            topics: HEAVIEST,
        }),
        health: Some(WantHealth {
            name: None,
            devices: DEVICES,
        }),
        schema: Some(WantSchema {
            families: FAMILIES,
            example_bytes: EXAMPLE,
            room: false,
        }),
        values: Some(VALUES),
        recent: Some(FOR_EVER),
        ..Wants::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::collect::Collector;
    use bitsperity_mqtt_core::time::Instant;

    #[test]
    fn what_a_session_accumulates_stays_in_its_budget() {
        let wanted = wants(MAX_FILTERS);
        let bytes = Collector::new(&wanted, Instant::ZERO).bytes();
        assert!(bytes <= MAX_BYTES, "{bytes} bytes");
    }
}
