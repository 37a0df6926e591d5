//! The one JSON shape of everything that tools, page and interface show alike: a session, a call, an assistant, a broker,
//! a device, a topic, the meters. Plain values made by `App`; whoever shows them changes nothing.
//!
//! Invariant: text from outside is cleaned here, once; times are RFC 3339, durations and sizes say their unit by name.

mod broker;
mod call;
mod capture;
mod client;
mod device;
mod metrics;
mod openmetrics;
mod record;
mod session;
mod topic;

pub use broker::{Allows, Break, BrokerView};
pub use call::{CallView, LogLine};
pub use capture::CaptureView;
pub use client::ClientView;
pub use device::{Device, DeviceConnection, Finding, Reading};
pub use metrics::{Metrics, MinuteLatency, ServiceView, Stats, ToolView};
pub use record::RecordedBroker;
pub use session::{OwnedSession, Session, Watch};
pub use topic::{TopicRow, TopicSource, TopicValue, Topics};

use super::seen::{MINUTES, seconds_of};
use super::{App, SERVICE};
use crate::journal::{CallFilter, Level};
use std::time::SystemTime;

impl App {
    /// Open sessions, and whose they are.
    pub fn session_views(&self) -> Vec<OwnedSession> {
        let list = self.list().into_iter();
        list.map(|owned| {
            let recorded = self.is_recorded(&owned.info.id);
            let common = owned.client == SERVICE && self.common.get().is_some();
            let who = match recorded {
                true => Some("this service".to_owned()),
                false if common => Some("all assistants".to_owned()),
                false => self.journal.client_title(owned.client),
            };
            OwnedSession::new(owned.info, owned.client, who.unwrap_or_default(), recorded)
        })
        .collect()
    }

    /// Each broker that is configured, or that an assistant connected to since the start.
    pub fn broker_views(&self) -> Vec<BrokerView> {
        let (open, recorded) = (self.list(), self.recorded());
        let seen = super::lock(&self.seen);
        let minute = seconds_of(SystemTime::now()) / 60;
        let brokers = seen.brokers.iter();
        brokers
            .map(|(url, broker)| {
                let of = open.iter().filter(|it| it.info.established.broker == *url);
                let strip = broker.minutes.text(minute, MINUTES);
                BrokerView::new(
                    url,
                    broker,
                    strip,
                    of.map(|it| &it.info),
                    recorded
                        .iter()
                        .find(|it| Some(&it.record.broker) == broker.name.as_ref()),
                    &self.config.policy,
                )
            })
            .collect()
    }

    /// Assistants, those that are here first.
    pub fn client_views(&self) -> Vec<ClientView> {
        self.journal
            .clients()
            .into_iter()
            .map(ClientView::new)
            .collect()
    }

    /// Calls, newest first.
    pub fn call_views(&self, filter: &CallFilter) -> Vec<CallView> {
        self.journal
            .calls(filter)
            .into_iter()
            .map(CallView::new)
            .collect()
    }

    /// Warnings and errors, the latest first.
    pub fn log_views(&self, at_least: Level, limit: usize) -> Vec<LogLine> {
        let lines = self.journal.errors().into_iter();
        let lines = lines.filter(|line| line.level >= at_least);
        lines.take(limit).map(LogLine::new).collect()
    }
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}
