//! Devices of all watched brokers.

use super::views::Device;
use super::{App, DEVICES_FRESH, lock};
use crate::broker::report::{Listen, WantHealth, WantMessages, Wants};
use crate::broker::watch::Watch;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Devices of one watch that are shown, the sickest.
const DEVICES: usize = 200;

/// What the open watches know together.
#[derive(Default)]
pub(super) struct Watched {
    pub(super) topics: u64,
    pub(super) kept: u64,
    pub(super) dropped: u64,
}

impl App {
    /// All devices, the sick ones first; not older than two seconds.
    pub async fn devices(&self) -> Arc<Vec<Device>> {
        if lock(&self.seen).devices_are_older_than(DEVICES_FRESH) {
            return self.look_at_devices().await;
        }
        lock(&self.seen).devices()
    }

    pub(super) async fn look_at_devices(&self) -> Arc<Vec<Device>> {
        let mut devices: Vec<Device> = Vec::new();
        let mut known = HashSet::new();
        for (info, watch) in self.watches() {
            let wants = Wants {
                health: Some(WantHealth {
                    name: None,
                    devices: DEVICES,
                }),
                ..Wants::default()
            };
            // A session that is just ending has nothing to say.
            let Ok(report) = watch.recall(everything(&watch, wants)).await else {
                continue;
            };
            let health = report.findings.health.unwrap_or_default();
            for finding in &health.devices {
                let broker = &info.established.broker;
                let device = Device::new(broker, &info.id, report.started, finding);
                // Two assistants may watch one broker; who has watched longer knows more.
                if known.insert((device.broker.clone(), device.id.clone())) {
                    devices.push(device);
                }
            }
        }
        devices.sort_by_key(Device::rank);
        lock(&self.seen).take_devices(devices, SystemTime::now())
    }

    pub(super) async fn watched(&self) -> Watched {
        let mut sum = Watched::default();
        for (_, watch) in self.watches() {
            let wants = Wants {
                messages: Some(WantMessages {
                    target: 500,
                    payload_bytes: 0,
                }),
                ..Wants::default()
            };
            let Ok(report) = watch.recall(everything(&watch, wants)).await else {
                continue;
            };
            let messages = report.findings.messages.unwrap_or_default();
            sum.topics += report.findings.distinct.map_or(0, |(topics, _)| topics);
            sum.kept += messages.kept.len() as u64;
            sum.dropped += messages.crowded_out + report.oversized;
        }
        sum
    }
}

/// All that a watch has heard.
pub(super) fn everything(watch: &Watch, wants: Wants) -> Listen {
    Listen::to(watch.watching().filters, Duration::ZERO, wants)
}
