//! What a broker tells of itself below `$SYS`: not in the standard, but many do, Mosquitto's names first.

use crate::broker::handle::Handle;
use crate::broker::report::{Listen, Report, Wants};
use crate::process::clock;
use crate::render;
use futures::future::select;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

/// How long `$SYS` is listened to, and how long it may be silent.
const SYS: Duration = Duration::from_secs(2);
const SYS_QUIET: Duration = Duration::from_millis(300);

#[derive(Default, Serialize, JsonSchema)]
pub(super) struct Sys {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uptime: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clients_connected: Option<String>,
    /// Per minute.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    load: BTreeMap<String, String>,
}

/// What the broker tells of itself; none if it does not.
pub(super) async fn sys(handle: &Handle) -> Option<Sys> {
    let wants = Wants {
        topics: Some(256),
        ..Wants::default()
    };
    let listen = Listen {
        until_quiet: Some(SYS_QUIET),
        ..Listen::to(vec!["$SYS/#".to_owned()], SYS, wants)
    };
    let listening = handle.listen(listen).await.ok()?;
    let _ = select(pin!(listening.stopped()), pin!(clock::sleep(SYS * 2))).await;
    told(&listening.report().await.ok()?)
}

fn told(report: &Report) -> Option<Sys> {
    let topics = &report.findings.topics.as_ref()?.topics;
    let mut sys = Sys::default();
    for found in topics {
        let value = || render::preview(&found.preview, found.last_bytes, 96);
        let name = found.topic.as_str();
        if name.ends_with("/version") {
            sys.version.get_or_insert_with(value);
        } else if name.ends_with("/uptime") {
            sys.uptime.get_or_insert_with(value);
        } else if name.ends_with("/clients/connected") {
            sys.clients_connected.get_or_insert_with(value);
        } else if let Some((_, load)) = name.split_once("/load/")
            && let Some(what) = load.strip_suffix("/1min")
            && sys.load.len() < 12
        {
            sys.load.insert(render::topic(what), value());
        }
    }
    (!topics.is_empty()).then_some(sys)
}
