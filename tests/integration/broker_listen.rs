//! Listening: stop conditions, what is counted, what is freed, and collections that live through a restart of the broker.

use crate::support::mosquitto::{Mosquitto, Options};
use crate::support::peers;
use async_std::task::block_on;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_mcp::broker::handle::{BrokerError, Handle, Listening, Publish, State};
use bitsperity_mqtt_mcp::broker::report::{
    Listen, Report, Retained, StopReason, WantMessages, Wants,
};
use bitsperity_mqtt_mcp::broker::target::{Protocol, Target};
use bitsperity_mqtt_mcp::config::Limits;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);

async fn connect_as(url: &str, protocol: Protocol) -> Handle {
    let target = Target {
        protocol,
        ..Target::parse(url).expect("a URL")
    };
    match Handle::connect(target, &Limits::default()).await {
        Ok((handle, _)) => handle,
        Err(error) => panic!("{error}"),
    }
}

async fn connect(broker: &Mosquitto) -> Handle {
    connect_as(&broker.url(), Protocol::Auto).await
}

/// For long, until told otherwise.
fn listen(filter: &str) -> Listen {
    Listen {
        filter: filter.into(),
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
        },
    }
}

async fn listening(handle: &Handle, listen: Listen) -> Listening {
    let result = handle.listen(listen).await;
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// Its report once it has stopped.
async fn outcome(listening: &Listening) -> Report {
    let stopped = async_std::future::timeout(PATIENCE, listening.stopped()).await;
    stopped.expect("a stop condition");
    listening
        .report()
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn publish(handle: &Handle, topic: &str, payload: &str) {
    publish_with(handle, topic, payload, QoS::AtLeastOnce, false).await;
}

async fn publish_with(handle: &Handle, topic: &str, payload: &str, qos: QoS, retain: bool) {
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

fn payloads(report: &Report) -> Vec<String> {
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
async fn until_counted(listening: &Listening, messages: u64) {
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

#[test]
fn every_qos_comes_in() {
    let broker = Mosquitto::plain();
    block_on(async {
        for protocol in [Protocol::V5, Protocol::V311] {
            let handle = connect_as(&broker.url(), protocol).await;
            for (qos, sent) in [
                (QoS::AtMostOnce, "0"),
                (QoS::AtLeastOnce, "1"),
                (QoS::ExactlyOnce, "2"),
            ] {
                let three = Listen {
                    qos,
                    max_messages: Some(3),
                    ..listen("house/#")
                };
                let listening = listening(&handle, three).await;
                for payload in ["first", "second", "third"] {
                    broker.publish(&["-t", "house/door", "-q", sent, "-m", payload]);
                }
                let report = outcome(&listening).await;
                assert_eq!(report.stopped, Some(StopReason::MaxMessages));
                assert_eq!(report.granted_qos, qos);
                assert_eq!((report.received, report.bytes), (3, 16));
                assert_eq!(payloads(&report), ["first", "second", "third"]);
                let kept = report.findings.messages.expect("messages");
                assert!(
                    kept.kept
                        .iter()
                        .all(|kept| kept.qos == qos && kept.topic == "house/door")
                );
            }
        }
    });
}

#[test]
fn max_messages_is_exact_and_frees_the_subscription() {
    let broker = Mosquitto::plain();
    block_on(async {
        let handle = connect_as(&format!("{}/listener", broker.url()), Protocol::Auto).await;
        let seven = Listen {
            max_messages: Some(7),
            ..listen("n/#")
        };
        let exact = listening(&handle, seven).await;
        let all = listening(&handle, listen("n/+")).await;
        let other = connect(&broker).await;
        for n in 0..100 {
            publish(&other, &format!("n/{n}"), &n.to_string()).await;
        }
        let report = outcome(&exact).await;
        assert_eq!(report.received, 7);
        assert_eq!(exact.counts(), (7, 7));
        assert_eq!(payloads(&report), ["0", "1", "2", "3", "4", "5", "6"]);
        broker.wait_for_log("Received UNSUBSCRIBE from listener");
        until_counted(&all, 100).await;
        assert_eq!(handle.status().subscriptions, 1);
        // Asked again, it says the same.
        assert_eq!(exact.report().await.map(|r| r.received).ok(), Some(7));
    });
}

#[test]
fn dropping_a_listener_frees_its_subscription() {
    let broker = Mosquitto::plain();
    block_on(async {
        let handle = connect_as(&format!("{}/dropper", broker.url()), Protocol::Auto).await;
        let listening = listening(&handle, listen("a/#")).await;
        assert_eq!(handle.status().subscriptions, 1);
        drop(listening);
        broker.wait_for_log("Received UNSUBSCRIBE from dropper");
        handle
            .ping(PATIENCE)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(handle.status().subscriptions, 0);
        // As many as one likes, one after the other.
        for n in 0..200 {
            drop(self::listening(&handle, listen(&format!("a/{n}"))).await);
        }
    });
}

#[test]
fn stops_by_duration_quiet_or_the_holder() {
    let broker = Mosquitto::plain();
    block_on(async {
        let handle = connect(&broker).await;
        let short = Listen {
            duration: Duration::from_millis(200),
            ..listen("a/#")
        };
        let quiet = Listen {
            until_quiet: Some(Duration::from_millis(300)),
            ..listen("a/#")
        };
        let (short, quiet, held) = (
            listening(&handle, short).await,
            listening(&handle, quiet).await,
            listening(&handle, listen("a/#")).await,
        );
        publish(&handle, "a/b", "x").await;
        let report = outcome(&short).await;
        assert_eq!(
            (report.stopped, report.received),
            (Some(StopReason::Duration), 1)
        );
        assert!(
            (200..600).contains(&report.elapsed.as_millis()),
            "{:?}",
            report.elapsed
        );
        let report = outcome(&quiet).await;
        assert_eq!(
            (report.stopped, report.received),
            (Some(StopReason::Quiet), 1)
        );
        let running = held
            .report()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((running.stopped, running.received), (None, 1));
        held.stop().await;
        assert_eq!(outcome(&held).await.stopped, Some(StopReason::Cancelled));
        assert_eq!(handle.status().subscriptions, 0);
    });
}

#[test]
fn each_message_once_where_filters_overlap() {
    let broker = Mosquitto::plain();
    block_on(async {
        for protocol in [Protocol::V5, Protocol::V311] {
            let handle = connect_as(&broker.url(), protocol).await;
            let filters = ["o/#", "o/a/#", "o/+/x", "o/a/x", "o/a/x"];
            let mut listeners = Vec::new();
            for filter in filters {
                listeners.push(listening(&handle, listen(filter)).await);
            }
            let other = connect(&broker).await;
            for n in 0..20 {
                publish(&other, "o/a/x", &n.to_string()).await;
            }
            publish(&other, "o/b", "end").await;
            until_counted(&listeners[0], 21).await;
            handle
                .ping(PATIENCE)
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            let counted: Vec<u64> = listeners.iter().map(|l| l.counts().0).collect();
            assert_eq!(counted, [21, 20, 20, 20, 20], "{protocol:?}");
        }
    });
}

#[test]
fn retained_messages_only_for_who_has_just_subscribed() {
    let broker = Mosquitto::plain();
    block_on(async {
        let other = connect(&broker).await;
        for n in 0..5 {
            publish_with(&other, &format!("r/{n}"), "old", QoS::AtLeastOnce, true).await;
        }
        for protocol in [Protocol::V5, Protocol::V311] {
            let handle = connect_as(&broker.url(), protocol).await;
            let first = listening(&handle, listen("r/#")).await;
            until_counted(&first, 5).await;
            let (exclude, only) = (
                Listen {
                    retained: Retained::Exclude,
                    ..listen("r/#")
                },
                Listen {
                    retained: Retained::Only,
                    max_messages: Some(5),
                    ..listen("r/+")
                },
            );
            let exclude = listening(&handle, exclude).await;
            let only = listening(&handle, only).await;
            let report = outcome(&only).await;
            assert_eq!((report.received, report.retained), (5, 5), "{protocol:?}");
            publish_with(&other, "r/1", "new", QoS::AtLeastOnce, true).await;
            until_counted(&exclude, 1).await;
            until_counted(&first, 6).await;
            let report = first
                .report()
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((report.received, report.retained), (6, 5), "{protocol:?}");
            let report = exclude
                .report()
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((report.received, report.retained), (1, 0), "{protocol:?}");
            handle.close(PATIENCE).await;
        }
    });
}

#[test]
fn a_collection_lives_through_a_restart_and_says_how_long_it_was_deaf() {
    for graceful in [true, false] {
        let mut broker = Mosquitto::plain();
        block_on(async {
            let handle = connect(&broker).await;
            let listening = listening(&handle, listen("house/#")).await;
            broker.publish(&["-t", "house/door", "-m", "before"]);
            until_counted(&listening, 1).await;
            if graceful {
                broker.terminate();
            } else {
                broker.kill();
            }
            broker.run();
            // A ping waits for the connection, and with it for the subscription.
            handle
                .ping(PATIENCE)
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            broker.publish(&["-t", "house/door", "-m", "after"]);
            until_counted(&listening, 2).await;
            let report = listening
                .report()
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(payloads(&report), ["before", "after"]);
            assert_eq!((report.stopped, report.reconnects), (None, 1));
            assert!(report.deaf > Duration::from_millis(10), "{:?}", report.deaf);
            assert!(report.deaf < report.elapsed);
            assert_eq!(handle.status().reconnects, 1);
        });
    }
}

#[test]
fn a_lost_connection_and_a_closed_session_keep_the_findings() {
    let mut broker = Mosquitto::plain();
    block_on(async {
        let handle = connect(&broker).await;
        let first = listening(&handle, listen("house/#")).await;
        publish(&handle, "house/door", "open").await;
        until_counted(&first, 1).await;
        broker.kill();
        let report = outcome(&first).await;
        assert_eq!(
            (report.stopped, report.received),
            (Some(StopReason::ConnectionLost), 1)
        );
        assert_eq!(payloads(&report), ["open"]);
        assert_eq!(handle.status().state, State::Lost);
        assert!(
            handle
                .status()
                .last_error
                .is_some_and(|error| error.contains("refused"))
        );
        broker.run();
        // The next call tries once more.
        let second = listening(&handle, listen("house/#")).await;
        publish(&handle, "house/door", "shut").await;
        until_counted(&second, 1).await;
        handle.close(PATIENCE).await;
        let report = outcome(&second).await;
        assert_eq!(
            (report.stopped, report.received),
            (Some(StopReason::SessionClosed), 1)
        );
        let error = handle
            .listen(listen("house/#"))
            .await
            .err()
            .expect("closed");
        assert!(matches!(error, BrokerError::Closed), "{error}");
        let error = handle.ping(PATIENCE).await.expect_err("closed");
        assert_eq!(error.code(), "session_closed");
    });
}

#[test]
fn filters_that_are_refused() {
    let broker = Mosquitto::start(&Options {
        config: "acl_file /dev/null",
        ..Options::default()
    });
    block_on(async {
        let handle = connect(&broker).await;
        for filter in ["", "a/#/b", "a+", "$share//a", &"x".repeat(70_000)] {
            let error = handle
                .listen(listen(filter))
                .await
                .err()
                .expect("no filter");
            assert_eq!(error.code(), "invalid_argument", "{error}");
        }
        let mut listeners = Vec::new();
        let error = loop {
            match handle
                .listen(listen(&format!("a/{}", listeners.len())))
                .await
            {
                Ok(listening) => listeners.push(listening),
                Err(error) => break error,
            }
        };
        assert_eq!(
            (error.code(), listeners.len()),
            ("too_many_subscriptions", 64),
            "{error}"
        );
    });
}

#[test]
fn refused_by_the_broker() {
    // Grants CONNECT, refuses every SUBSCRIBE as not authorised.
    let port = peers::peer(|_, mut stream| {
        use std::io::Write;
        while let Some(packet) = peers::packet(&mut stream) {
            let reply: &[u8] = match packet[0] {
                0x10 => &[0x20, 0x03, 0, 0, 0],
                0x82 => &[0x90, 0x04, packet[2], packet[3], 0, 0x87],
                _ => return,
            };
            let _ = stream.write_all(reply);
        }
    });
    block_on(async {
        let handle = connect_as(&format!("mqtt://127.0.0.1:{port}"), Protocol::V5).await;
        let error = handle
            .listen(listen("secret/#"))
            .await
            .err()
            .expect("refused");
        assert_eq!(error.code(), "not_authorised");
        assert!(
            error.to_string().contains("not authorized (0x87)"),
            "{error}"
        );
        assert_eq!(handle.status().subscriptions, 0);
    });
}

#[test]
fn a_giant_message_is_passed_over() {
    let broker = Mosquitto::plain();
    block_on(async {
        // Mosquitto keeps what is larger than we announce to itself in 5.0, not in 3.1.1.
        let handle = connect_as(&broker.url(), Protocol::V311).await;
        let listening = listening(&handle, listen("g/#")).await;
        let file = broker.folder().join("giant");
        std::fs::write(&file, vec![b'x'; 5_000_000]).expect("a file");
        for qos in ["0", "1", "2"] {
            broker.publish(&[
                "-t",
                "g/giant",
                "-q",
                qos,
                "-f",
                file.to_str().expect("a path"),
            ]);
            broker.publish(&["-t", "g/small", "-q", qos, "-m", "here"]);
        }
        until_counted(&listening, 3).await;
        let report = listening
            .report()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            (report.received, report.oversized, report.reconnects),
            (3, 3, 0)
        );
        assert_eq!(payloads(&report), ["here", "here", "here"]);
    });
}

#[test]
fn over_websocket_and_tls_in_volume() {
    let broker = Mosquitto::start(&Options {
        tls: Some(&["localhost"]),
        websockets: true,
        config: "max_queued_messages 0",
        ..Options::default()
    });
    let ports = [
        ("mqtt", broker.port),
        ("mqtts", broker.tls_port),
        ("ws", broker.ws_port),
        ("wss", broker.wss_port),
    ];
    block_on(async {
        let mut listeners = Vec::new();
        for (scheme, port) in ports {
            let target = Target {
                insecure_tls: true,
                ..Target::parse(&format!("{scheme}://localhost:{port}")).expect("a URL")
            };
            let handle = match Handle::connect(target, &Limits::default()).await {
                Ok((handle, _)) => handle,
                Err(error) => panic!("{error}"),
            };
            let many = Listen {
                qos: QoS::AtLeastOnce,
                max_messages: Some(5_000),
                ..listen("v/#")
            };
            let listening = listening(&handle, many).await;
            listeners.push((scheme, handle, listening));
        }
        let mut publisher = broker.publisher(&["-t", "v/x", "-q", "1"]);
        for n in 0..5_000 {
            publisher.line(&format!("{n} {}", "x".repeat(n % 300)));
        }
        publisher.finish();
        for (scheme, _handle, listening) in &listeners {
            let report = outcome(listening).await;
            assert_eq!(report.received, 5_000, "{scheme}");
            assert_eq!(report.reconnects, 0, "{scheme}");
        }
    });
}

#[test]
fn a_flood_starves_nobody() {
    // Sends QoS 0 messages as fast as they are taken.
    let port = peers::peer(|_, mut stream| {
        use std::io::Write;
        let (Some(_connect), Ok(())) = (
            peers::packet(&mut stream),
            stream.write_all(&[0x20, 3, 0, 0, 0]),
        ) else {
            return;
        };
        let Some(subscribe) = peers::packet(&mut stream) else {
            return;
        };
        let _ = stream.write_all(&[0x90, 4, subscribe[2], subscribe[3], 0, 0]);
        let mut flood = Vec::new();
        for _ in 0..500 {
            flood.extend_from_slice(&[0x30, 108, 0, 5, b'f', b'/', b'a', b'/', b'b', 0]);
            flood.extend_from_slice(&[b'x'; 100]);
        }
        while stream.write_all(&flood).is_ok() {}
    });
    let broker = Mosquitto::plain();
    block_on(async {
        let handle = connect_as(&format!("mqtt://127.0.0.1:{port}"), Protocol::V5).await;
        let other = connect(&broker).await;
        let counting = Listen {
            wants: Wants::default(),
            ..listen("f/#")
        };
        let listening = listening(&handle, counting).await;
        until_counted(&listening, 10_000).await;
        for _ in 0..5 {
            let begun = Instant::now();
            let report = listening.report().await;
            assert!(report.unwrap_or_else(|error| panic!("{error}")).received >= 10_000);
            other
                .ping(PATIENCE)
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            assert!(
                begun.elapsed() < Duration::from_millis(500),
                "{:?}",
                begun.elapsed()
            );
        }
        let begun = Instant::now();
        listening.stop().await;
        handle.close(PATIENCE).await;
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "{:?}",
            begun.elapsed()
        );
    });
}
