//! What the tests of the broker's room do with a connection: connect, publish, listen, wait for an outcome.

use super::mosquitto::Mosquitto;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_mcp::broker::handle::{Handle, Listening, Publish};
use bitsperity_mqtt_mcp::broker::report::{Listen, Report, Retained, WantMessages, Wants};
use bitsperity_mqtt_mcp::config::Limits;
use bitsperity_mqtt_mcp::config::target::{Protocol, Target};
use std::time::{Duration, Instant};

/// For anything that happens on this machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn connect_as(url: &str, protocol: Protocol) -> Handle {
    let target = Target {
        protocol,
        ..Target::parse(url).expect("a URL")
    };
    connect_with(target, &Limits::default()).await
}

pub(crate) async fn connect_with(target: Target, limits: &Limits) -> Handle {
    match Handle::connect(target, limits).await {
        Ok((handle, _)) => handle,
        Err(error) => panic!("{error}"),
    }
}

/// A lost connection is soon given up.
pub(crate) async fn connect_impatiently(url: &str) -> Handle {
    let limits = Limits {
        reconnect_time: 1.0,
        ..Limits::default()
    };
    connect_with(Target::parse(url).expect("a URL"), &limits).await
}

pub(crate) async fn connect(broker: &Mosquitto) -> Handle {
    connect_as(&broker.url(), Protocol::Auto).await
}

/// For long, until told otherwise.
pub(crate) fn listen(filter: &str) -> Listen {
    Listen {
        filters: vec![filter.into()],
        qos: QoS::AtMostOnce,
        retained: Retained::Include,
        duration: Duration::from_secs(60),
        max_messages: None,
        until_quiet: None,
        wants: Wants {
            messages: Some(WantMessages {
                target: 50,
                payload_bytes: 1_024,
            }),
            topics: Some(100),
            ..Wants::default()
        },
    }
}

pub(crate) async fn listening(handle: &Handle, listen: Listen) -> Listening {
    let result = handle.listen(listen).await;
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// Its report once it has stopped.
pub(crate) async fn outcome(listening: &Listening) -> Report {
    let stopped = async_std::future::timeout(PATIENCE, listening.stopped()).await;
    stopped.expect("a stop condition");
    listening
        .report()
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) async fn publish(handle: &Handle, topic: &str, payload: &str) {
    publish_with(handle, topic, payload, QoS::AtLeastOnce, false).await;
}

pub(crate) async fn publish_with(
    handle: &Handle,
    topic: &str,
    payload: &str,
    qos: QoS,
    retain: bool,
) {
    let publish = Publish {
        topic: topic.into(),
        payload: payload.into(),
        qos,
        retain,
        ..Publish::default()
    };
    let done = handle.publish(publish, PATIENCE).await;
    done.unwrap_or_else(|error| panic!("{error}"));
}

pub(crate) fn payloads(report: &Report) -> Vec<String> {
    let messages = report
        .findings
        .messages
        .as_ref()
        .expect("messages were wanted");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    messages
        .kept
        .iter()
        .map(|kept| text(&kept.payload))
        .collect()
}

/// Waits until the listener has counted so many.
pub(crate) async fn until_counted(listening: &Listening, messages: u64) {
    let deadline = Instant::now() + PATIENCE;
    while listening.counts().0 < messages {
        assert!(
            Instant::now() < deadline,
            "{:?} of {messages}",
            listening.counts()
        );
        async_std::task::sleep(Duration::from_millis(2)).await;
    }
}
