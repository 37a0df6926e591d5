//! What a session learns while it lives: listeners that begin with it and end with it, asked at any time for the part
//! that somebody wants to know.
//!
//! Invariant: all accumulators of one session take at most [`MAX_BYTES`], however many filters share them.

use super::error::BrokerError;
use super::handle::{Handle, Listening};
use super::report::{LastMessage, Listen, Report, Retained, WantMessages, Wants};
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::topic::covers;
use std::time::{Duration, SystemTime};

/// Filters of one session.
pub const MAX_FILTERS: usize = 4;

/// Bytes that the accumulators of one session take at most.
pub const MAX_BYTES: usize = 8 << 20;

/// Ends with the session; this is longer than any lives.
const FOR_EVER: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);

/// Messages kept for each filter.
const MESSAGES: usize = 200;
/// Bytes of one payload, of all last values, and topics, which the filters share.
const PAYLOAD: usize = 4_096;
const VALUES: usize = 2 << 20;
const TOPICS: usize = 4_096;

/// The listeners of a session's watch.
pub struct Watch {
    listening: Vec<(String, Listening)>,
    since: SystemTime,
}

/// A watch as it is told of.
#[derive(Clone, Debug)]
pub struct Watching {
    /// Topic Filters.
    pub filters: Vec<String>,
    /// Since when.
    pub since: SystemTime,
    /// Messages heard; one of two filters counts twice.
    pub messages: u64,
}

/// What the watch cannot tell.
#[derive(Debug)]
pub enum NotRecalled {
    /// None of these filters covers what was asked.
    NotWatched(Vec<String>),
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
        if filters.len() > MAX_FILTERS {
            let why = format!("A session watches at most {MAX_FILTERS} filters.");
            return Err(BrokerError::Invalid(why));
        }
        let mut listening = Vec::with_capacity(filters.len());
        for filter in filters {
            let listen = Listen {
                wants: wants(filters.len()),
                ..part(filter.clone())
            };
            listening.push((filter.clone(), handle.listen(listen).await?));
        }
        let since = SystemTime::now();
        Ok((!listening.is_empty()).then_some(Self { listening, since }))
    }

    /// Subscriptions that it has in use.
    pub(super) fn live(&self) -> usize {
        let live = self.listening.iter().filter(|(_, it)| !it.has_stopped());
        live.count()
    }

    /// What it is, without asking the connection's task.
    pub fn watching(&self) -> Watching {
        let filters = self.listening.iter().map(|(filter, _)| filter.clone());
        Watching {
            filters: filters.collect(),
            since: self.since,
            messages: self.listening.iter().map(|(_, it)| it.counts().0).sum(),
        }
    }

    /// What `wanted` would have heard had it listened all the while, as far as the bounds of memory let it be known.
    ///
    /// # Errors
    /// Its filter is not watched; the connection's task is gone.
    pub async fn recall(&self, wanted: Listen) -> Result<Report, NotRecalled> {
        let exactly = |(filter, _): &&(String, Listening)| *filter == wanted.filter;
        let wider = |(filter, _): &&(String, Listening)| covers(filter, &wanted.filter);
        let mut watched = self.listening.iter();
        let found = watched
            .clone()
            .find(exactly)
            .or_else(|| watched.find(wider));
        let Some((_, listening)) = found else {
            return Err(NotRecalled::NotWatched(self.watching().filters));
        };
        let report = listening.recall(wanted).await;
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
        let report = self.recall(Listen {
            wants: values,
            ..part(topic.to_owned())
        });
        let report = report.await?;
        let last = report
            .findings
            .values
            .and_then(|mut found| found.values.pop());
        Ok(last.map(|(_, last)| (report.started + last.at, last)))
    }
}

fn part(filter: String) -> Listen {
    Listen {
        filter,
        qos: QoS::AtMostOnce,
        retained: Retained::Include,
        duration: FOR_EVER,
        max_messages: None,
        until_quiet: None,
        wants: Wants::default(),
    }
}

/// What each of so many filters accumulates.
fn wants(filters: usize) -> Wants {
    let filters = filters.max(1);
    Wants {
        messages: Some(WantMessages {
            target: MESSAGES,
            payload_bytes: PAYLOAD / filters,
        }),
        topics: Some(TOPICS / filters),
        values: Some(VALUES / filters),
        ..Wants::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::collect::Collector;
    use bitsperity_mqtt_core::time::Instant;

    #[test]
    fn what_all_filters_accumulate_stays_in_the_budget() {
        for filters in 1..=MAX_FILTERS {
            let each = Collector::new(&wants(filters), Instant::ZERO).bytes();
            let all = each * filters;
            assert!(all <= MAX_BYTES, "{filters} filters: {all} bytes");
        }
    }
}
