//! Filters that overlap: each message once for each listener, and to each its own retained messages.

use crate::support::connection::*;
use crate::support::mosquitto::Mosquitto;
use async_std::task::block_on;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_mcp::broker::report::{Listen, Retained, WantPerformance, Wants};
use bitsperity_mqtt_mcp::config::target::Protocol;

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
fn one_listener_of_several_filters_takes_each_message_once() {
    let broker = Mosquitto::plain();
    block_on(async {
        for protocol in [Protocol::V5, Protocol::V311] {
            let url = format!("{}/several", broker.url());
            let handle = connect_as(&url, protocol).await;
            // Another one shares a filter, and one is not for it at all.
            let shares = listening(&handle, listen("o/a/#")).await;
            let filters = ["o/a/#", "o/+/x", "o/#", "p/x", "p/#"];
            let several = Listen {
                filters: filters.map(String::from).to_vec(),
                max_messages: Some(25),
                wants: Wants {
                    performance: Some(WantPerformance {
                        filters: filters.len(),
                        topics: 4,
                    }),
                    ..Wants::default()
                },
                ..listen("")
            };
            let several = listening(&handle, several).await;
            assert_eq!(handle.status().subscriptions, 6);
            let other = connect(&broker).await;
            for n in 0..20 {
                publish(&other, ["o/a/x", "o/b/x"][n % 2], &n.to_string()).await;
            }
            for n in 0..6 {
                publish(&other, "p/x", &n.to_string()).await;
            }
            let report = outcome(&several).await;
            assert_eq!(report.received, 25, "{protocol:?}");
            let found = report.findings.performance.expect("numbers");
            let counts: Vec<u64> = found.flows.iter().map(|flow| flow.messages).collect();
            assert_eq!(counts, [25, 10, 20, 20, 5, 5], "{protocol:?}");
            assert_eq!(shares.counts().0, 10);
            broker.wait_for_log("Received UNSUBSCRIBE from several");
            handle
                .ping(PATIENCE)
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(handle.status().subscriptions, 1);
            handle.close(PATIENCE).await;
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
fn listeners_of_the_same_moment_each_get_their_own_retained_messages() {
    let broker = Mosquitto::plain();
    block_on(async {
        let other = connect(&broker).await;
        for n in 0..5 {
            publish_with(&other, &format!("r/{n}"), "old", QoS::AtLeastOnce, true).await;
        }
        for protocol in [Protocol::V5, Protocol::V311] {
            let handle = connect_as(&broker.url(), protocol).await;
            let only = |filter| Listen {
                retained: Retained::Only,
                ..listen(filter)
            };
            let filters = ["r/#", "r/#", "#", "r/+", "r/3", "s/#", "r/#", "+/3"];
            let listeners = filters.map(|filter| listening(&handle, only(filter)));
            let listeners = futures::future::join_all(listeners).await;
            handle
                .ping(PATIENCE)
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            let counted: Vec<u64> = listeners.iter().map(|l| l.counts().0).collect();
            assert_eq!(counted, [5, 5, 5, 5, 1, 0, 5, 1], "{protocol:?}");
            handle.close(PATIENCE).await;
        }
    });
}
