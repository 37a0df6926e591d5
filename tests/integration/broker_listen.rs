//! Listening: stop conditions, what is counted, what is freed, and collections that live through a restart of the broker.

use crate::support::connection::*;
use crate::support::mosquitto::{Mosquitto, Options};
use crate::support::peers;
use async_std::task::block_on;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_mcp::broker::handle::{BrokerError, State};
use bitsperity_mqtt_mcp::broker::report::{Listen, StopReason};
use bitsperity_mqtt_mcp::broker::watch::PROBES;
use bitsperity_mqtt_mcp::config::target::Protocol;
use std::time::Duration;

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
                assert_eq!(report.granted_qos, Some(qos));
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
fn our_own_probes_are_heard_by_nobody_else() {
    let broker = Mosquitto::plain();
    block_on(async {
        let handle = connect(&broker).await;
        let probe = format!("{PROBES}one");
        let all = listening(&handle, listen("#")).await;
        let ours = listening(&handle, listen(&probe)).await;
        let other = connect(&broker).await;
        publish(&other, &probe, "1").await;
        publish(&other, "a/b", "2").await;
        while all.counts().0 == 0 || ours.counts().0 == 0 {
            let pinged = handle.ping(PATIENCE).await;
            pinged.unwrap_or_else(|error| panic!("{error}"));
        }
        assert_eq!((all.counts().0, ours.counts().0), (1, 1));
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
            let interruption = report.interruption.expect("one");
            assert_eq!(interruption.lasted, report.deaf);
            assert_eq!((interruption.times, interruption.now_connected), (1, true));
            assert!(!interruption.reason.is_empty());
            assert_eq!(handle.status().reconnects, 1);
        });
    }
}

#[test]
fn a_lost_connection_and_a_closed_session_keep_the_findings() {
    let mut broker = Mosquitto::plain();
    block_on(async {
        let handle = connect_impatiently(&broker.url()).await;
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
    // Grants CONNECT, refuses every SUBSCRIBE to what is secret as not authorised.
    let port = peers::peer(|_, mut stream| {
        use std::io::Write;
        while let Some(packet) = peers::packet(&mut stream) {
            let reply: &[u8] = match packet[0] {
                0x10 => &[0x20, 0x03, 0, 0, 0],
                0x82 => {
                    let secret = packet.windows(6).any(|bytes| bytes == b"secret");
                    let reason = if secret { 0x87 } else { 0 };
                    &[0x90, 0x04, packet[2], packet[3], 0, reason]
                }
                0xa2 => &[0xb0, 0x04, packet[2], packet[3], 0, 0],
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
        // One of several: the others are freed.
        let several = Listen {
            filters: ["open/#", "secret/#", "open/too"]
                .map(String::from)
                .to_vec(),
            ..listen("")
        };
        let error = handle.listen(several).await.err().expect("refused");
        assert_eq!(error.code(), "not_authorised");
        assert_eq!(handle.status().subscriptions, 0);
        drop(listening(&handle, listen("open/#")).await);
    });
}
