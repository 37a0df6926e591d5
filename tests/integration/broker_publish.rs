//! Publishing: each QoS to a real subscriber, properties, refusals, and what is promised when the broker goes away.

use crate::support::connection::connect_impatiently;
use crate::support::mosquitto::{Mosquitto, Options};
use async_std::task::block_on;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_mcp::broker::handle::{BrokerError, Handle, Publish, State};
use bitsperity_mqtt_mcp::config::Limits;
use bitsperity_mqtt_mcp::config::target::{Protocol, Target};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

const ALL: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];

async fn connect(url: &str, protocol: Protocol) -> Handle {
    let target = Target {
        protocol,
        ..Target::parse(url).expect("a URL")
    };
    match Handle::connect(target, &Limits::default()).await {
        Ok((handle, _)) => handle,
        Err(error) => panic!("{error}"),
    }
}

fn message(topic: &str, payload: &str, qos: QoS) -> Publish {
    Publish {
        topic: topic.into(),
        payload: payload.into(),
        qos,
        ..Publish::default()
    }
}

#[test]
fn every_qos_arrives() {
    let broker = Mosquitto::plain();
    let subscriber = broker.subscribe(&["-t", "plant/#", "-q", "2"]);
    block_on(async {
        for protocol in [Protocol::V5, Protocol::V311] {
            let handle = connect(&broker.url(), protocol).await;
            for qos in ALL {
                let done = handle
                    .publish(message("plant/valve", "open", qos), PATIENCE)
                    .await;
                let done = done.unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(done.qos, qos);
                // 3.1.1 acknowledges without a reason.
                let reasoned = protocol == Protocol::V5 && qos != QoS::AtMostOnce;
                assert_eq!(done.reason.is_some(), reasoned);
                let expected = format!("plant/valve {} 0 open", qos as u8);
                assert_eq!(subscriber.message(), Some(expected));
            }
            assert_eq!(handle.status().messages_out, 3);
            handle.close(PATIENCE).await;
        }
    });
}

#[test]
fn nobody_listens_and_properties() {
    let broker = Mosquitto::plain();
    block_on(async {
        let mut publish = message("plant/valve", "open", QoS::AtLeastOnce);
        publish.content_type = Some("text/plain".into());
        publish.message_expiry = Some(60);
        publish.response_topic = Some("plant/answers".into());
        publish.correlation_data = Some(vec![0, 255]);
        publish.user_properties = vec![("a".into(), "b".into()), ("a".into(), "c".into())];
        publish.utf8 = true;
        let five = connect(&broker.url(), Protocol::V5).await;
        let done = five.publish(publish.clone(), PATIENCE).await;
        let done = done.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            done.reason.map(|reason| reason.0),
            Some(0x10),
            "no matching subscribers"
        );
        assert!(!done.properties_dropped);
        let subscriber = broker.subscribe(&["-t", "plant/#", "-V", "5"]);
        let legacy = connect(&broker.url(), Protocol::V311).await;
        let done = legacy.publish(publish, PATIENCE).await;
        assert!(
            done.unwrap_or_else(|error| panic!("{error}"))
                .properties_dropped
        );
        assert_eq!(
            subscriber.message().as_deref(),
            Some("plant/valve 0 0 open")
        );
    });
}

#[test]
fn large_and_many() {
    let broker = Mosquitto::plain();
    let subscriber = broker.subscribe(&["-t", "big/#", "-q", "1", "-F", "MESSAGE %t %q %r %l"]);
    block_on(async {
        let handle = connect(&broker.url(), Protocol::Auto).await;
        for size in [0, 1, 127, 128, 65_536, 900_000] {
            let payload = "x".repeat(size);
            let publish = message("big/one", &payload, QoS::AtLeastOnce);
            handle
                .publish(publish, PATIENCE)
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(subscriber.message(), Some(format!("big/one 1 0 {size}")));
        }
        let too_large = message("big/one", &"x".repeat(2_000_000), QoS::AtMostOnce);
        let error = handle
            .publish(too_large, PATIENCE)
            .await
            .expect_err("too large");
        assert_eq!(error.code(), "too_large");
        // More at once than fits the tables: they wait for each other, and all arrive.
        let many = (0..500).map(|n| {
            let publish = message(&format!("many/{n}"), "x", QoS::ALL_BUT_ZERO[n % 2]);
            handle.publish(publish, PATIENCE)
        });
        for result in futures::future::join_all(many).await {
            match result {
                Ok(_) => {}
                Err(error) => assert_eq!(error.code(), "busy", "{error}"),
            }
        }
    });
}

trait AllButZero {
    const ALL_BUT_ZERO: [QoS; 2];
}

impl AllButZero for QoS {
    const ALL_BUT_ZERO: [QoS; 2] = [QoS::AtLeastOnce, QoS::ExactlyOnce];
}

#[test]
fn what_cannot_be_published() {
    let broker = Mosquitto::plain();
    block_on(async {
        let handle = connect(&broker.url(), Protocol::Auto).await;
        for topic in ["", "a/+", "a/#", "a\0b"] {
            let error = handle
                .publish(message(topic, "x", QoS::AtMostOnce), PATIENCE)
                .await;
            let error = error.expect_err("no valid topic");
            assert_eq!(error.code(), "invalid_argument", "{topic:?}: {error}");
        }
        assert_eq!(handle.status().state, State::Connected);
    });
}

#[test]
fn refused_by_the_broker() {
    let broker = Mosquitto::start(&Options {
        config: "acl_file /dev/null",
        ..Options::default()
    });
    block_on(async {
        let handle = connect(&broker.url(), Protocol::V5).await;
        let refused = handle
            .publish(message("a", "x", QoS::AtLeastOnce), PATIENCE)
            .await;
        let error = refused.expect_err("not authorised");
        assert_eq!(error.code(), "not_authorised");
        assert!(
            error.to_string().contains("not authorized (0x87)"),
            "{error}"
        );
    });
}

#[test]
fn exactly_once_through_a_restart() {
    let mut broker = Mosquitto::start(&Options {
        persistence: true,
        ..Options::default()
    });
    let durable = ["-t", "orders/#", "-q", "2", "-c", "-i", "keeper"];
    drop(broker.subscribe(&durable));
    block_on(async {
        for round in 0..3 {
            // With nothing asked for: the client id is made up, so the session need not begin clean, and only such
            // sessions does Mosquitto write down.
            let target = Target::parse(&broker.url()).expect("a URL");
            let handle = match Handle::connect(target, &Limits::default()).await {
                Ok((handle, _)) => handle,
                Err(error) => panic!("{error}"),
            };
            // Nothing is answered while it is frozen, so all of it is under way when the broker goes.
            broker.freeze(true);
            let before = handle.status().bytes_out;
            let publishing: Vec<_> = (0..20)
                .map(|n| {
                    let handle = handle.clone();
                    let payload = format!("order {}", round * 20 + n);
                    async_std::task::spawn(async move {
                        let publish = message("orders/new", &payload, QoS::ExactlyOnce);
                        handle.publish(publish, PATIENCE).await
                    })
                })
                .collect();
            while handle.status().bytes_out < before + 20 * 20 {
                async_std::task::sleep(Duration::from_millis(1)).await;
            }
            broker.terminate();
            broker.run();
            for result in futures::future::join_all(publishing).await {
                result.unwrap_or_else(|error| panic!("{error}"));
            }
            assert_eq!(handle.status().reconnects, 1);
            handle.close(PATIENCE).await;
        }
        let handle = connect(&broker.url(), Protocol::V5).await;
        let last = message("orders/new", "the last", QoS::ExactlyOnce);
        handle
            .publish(last, PATIENCE)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    });
    let mut arrived = broker.subscribe(&durable).messages_until("the last");
    arrived.sort_by_key(|line| line.rsplit(' ').next().and_then(|n| n.parse::<u32>().ok()));
    let expected: Vec<String> = (0..60)
        .map(|n| format!("orders/new 2 0 order {n}"))
        .collect();
    assert_eq!(arrived, expected);
}

#[test]
fn never_silently_lost_when_the_broker_is_killed() {
    let mut broker = Mosquitto::plain();
    block_on(async {
        let (mut delivered, mut doubted) = (0, 0);
        for _ in 0..3 {
            let handle = connect(&broker.url(), Protocol::V5).await;
            let subscriber = broker.subscribe(&["-t", "orders/#", "-q", "2"]);
            let publishing: Vec<_> = (0..10)
                .map(|n| {
                    let handle = handle.clone();
                    async_std::task::spawn(async move {
                        let publish = message("orders/new", &n.to_string(), QoS::ExactlyOnce);
                        handle.publish(publish, PATIENCE).await
                    })
                })
                .collect();
            // One has arrived, so the rest is under way.
            assert!(subscriber.message().is_some());
            broker.kill();
            broker.run();
            for result in futures::future::join_all(publishing).await {
                match result {
                    Ok(_) => delivered += 1,
                    Err(BrokerError::InDoubt(why)) => {
                        assert!(why.contains("without its memory"), "{why}");
                        doubted += 1;
                    }
                    // It broke right upon what was under way.
                    Err(BrokerError::PublishBreaks { .. }) => doubted += 1,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        assert_eq!(delivered + doubted, 30);
    });
}

#[test]
fn waits_for_a_reconnect_and_says_when_it_gave_up() {
    let mut broker = Mosquitto::plain();
    block_on(async {
        let handle = connect_impatiently(&broker.url()).await;
        broker.freeze(true);
        let short = Duration::from_millis(100);
        let error = handle
            .publish(message("a", "x", QoS::AtLeastOnce), short)
            .await;
        assert_eq!(error.expect_err("frozen").code(), "in_doubt");
        let error = handle.ping(short).await.expect_err("frozen");
        assert_eq!(error.code(), "timeout");
        broker.freeze(false);
        handle
            .ping(PATIENCE)
            .await
            .unwrap_or_else(|error| panic!("{error}"));

        broker.kill();
        let error = handle
            .publish(message("a", "x", QoS::AtLeastOnce), PATIENCE)
            .await;
        let error = error.expect_err("no broker");
        assert!(
            matches!(error.code(), "connection_lost" | "in_doubt"),
            "{error}"
        );
        while handle.status().state != State::Lost {
            // The next call tries once more, and says that it failed.
            let error = handle.ping(PATIENCE).await.expect_err("no broker");
            assert_eq!(error.code(), "connection_lost", "{error}");
        }
        let error = handle.ping(PATIENCE).await.expect_err("no broker");
        assert!(error.to_string().contains("refused"), "{error}");
        broker.run();
        let done = handle
            .publish(message("a", "x", QoS::AtLeastOnce), PATIENCE)
            .await;
        done.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(handle.status().state, State::Connected);
    });
}

#[test]
fn goodbye_when_the_last_handle_goes() {
    let broker = Mosquitto::plain();
    block_on(async {
        let target = Target::parse(&format!("{}/leaving", broker.url())).expect("a URL");
        let (handle, _) = match Handle::connect(target, &Limits::default()).await {
            Ok(connected) => connected,
            Err(error) => panic!("{error}"),
        };
        drop(handle);
    });
    broker.wait_for_log("Client leaving disconnected.");
}
