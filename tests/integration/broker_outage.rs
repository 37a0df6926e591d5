//! Outages: lines that die without a word, brokers that stay away, that are silent, or that know only other versions.

use crate::support::blackhole::Blackhole;
use crate::support::connection::{
    PATIENCE, connect_impatiently, connect_with, listen, listening, until_counted,
};
use crate::support::mosquitto::Mosquitto;
use crate::support::peers;
use async_std::task::{block_on, sleep};
use bitsperity_mqtt_core::packet::Version;
use bitsperity_mqtt_mcp::broker::handle::{Handle, State, Status};
use bitsperity_mqtt_mcp::broker::report::{Listen, Retained, WantMessages, Wants};
use bitsperity_mqtt_mcp::broker::sessions::Sessions;
use bitsperity_mqtt_mcp::config::target::{Protocol, Target};
use bitsperity_mqtt_mcp::config::{Limits, Policy};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// Waits until the status is as wanted.
async fn until(status: impl Fn() -> Status, state: State) {
    let deadline = Instant::now() + PATIENCE;
    while status().state != state {
        assert!(Instant::now() < deadline, "{:?}", status());
        sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn a_dead_line_counts_from_the_last_byte() {
    let broker = Mosquitto::plain();
    let hole = Blackhole::before(broker.port);
    block_on(async {
        let target = Target {
            // So a second of silence asks, and two more are the end.
            keep_alive: 1,
            ..Target::parse(&hole.url()).expect("a URL")
        };
        let handle = connect_with(target, &Limits::default()).await;
        let listening = listening(&handle, listen("house/#")).await;
        let before = Instant::now();
        broker.publish(&["-t", "house/door", "-m", "before"]);
        until_counted(&listening, 1).await;
        hole.swallow(true);
        let dark = Instant::now();
        until(|| handle.status(), State::Reconnecting).await;
        let least = dark.elapsed();
        let report = listening.report().await.expect("a report");
        let interruption = report.interruption.expect("one");
        assert!(!interruption.now_connected && interruption.times == 1);
        assert!(interruption.lasted >= least, "{interruption:?}, {least:?}");
        assert!(interruption.lasted <= before.elapsed(), "{interruption:?}");
        assert!(interruption.reason.contains("PINGRESP"), "{interruption:?}");

        hole.swallow(false);
        let pinged = handle.ping(PATIENCE).await;
        pinged.unwrap_or_else(|error| panic!("{error}"));
        broker.publish(&["-t", "house/door", "-m", "after"]);
        until_counted(&listening, 2).await;
        let report = listening.report().await.expect("a report");
        let healed = report.interruption.expect("one");
        assert!(healed.now_connected && healed.lasted >= interruption.lasted);
        assert_eq!((healed.times, report.reconnects), (1, 1));
    });
}

#[test]
fn a_silent_broker_that_answers_in_time_is_not_lost() {
    let broker = Mosquitto::plain();
    block_on(async {
        let target = Target {
            keep_alive: 1,
            ..Target::parse(&broker.url()).expect("a URL")
        };
        let handle = connect_with(target, &Limits::default()).await;
        let listening = listening(&handle, listen("nothing/#")).await;
        let pings = handle.status().bytes_out;
        let deadline = Instant::now() + PATIENCE;
        while handle.status().bytes_out < pings + 4 {
            assert!(Instant::now() < deadline);
            sleep(Duration::from_millis(5)).await;
        }
        let report = listening.report().await.expect("a report");
        assert_eq!(report.interruption, None);
    });
}

fn recalled() -> Listen {
    Listen {
        retained: Retained::Include,
        wants: Wants {
            messages: Some(WantMessages {
                target: 5,
                payload_bytes: 10,
            }),
            ..Wants::default()
        },
        ..listen("#")
    }
}

#[test]
fn a_watch_outlives_the_loss_and_hears_again() {
    let mut broker = Mosquitto::plain();
    let limits = Limits {
        reconnect_time: 0.5,
        ..Limits::default()
    };
    let sessions = Sessions::new(&limits, &Policy::default());
    block_on(async {
        let target = Target::parse(&broker.url()).expect("a URL");
        let made = sessions
            .establish_watching(target, &["#".into()], None)
            .await;
        let Ok(info) = made else { panic!("no session") };
        let watch = sessions.watch(&info.id).expect("open").expect("a watch");
        broker.publish(&["-t", "a", "-m", "before"]);
        let heard = async |count: u64| {
            let deadline = Instant::now() + PATIENCE;
            while watch.watching().messages < count {
                assert!(Instant::now() < deadline);
                sleep(Duration::from_millis(5)).await;
            }
        };
        heard(1).await;
        broker.kill();
        let status = || sessions.list()[0].status.clone();
        until(status, State::Lost).await;
        broker.run();
        // To ask is to try again; the answer is what is known.
        let report = watch.recall(recalled()).await.expect("a report");
        assert!(!report.interruption.expect("one").now_connected);
        assert_eq!((report.stopped, report.received), (None, 1));
        until(status, State::Connected).await;
        broker.publish(&["-t", "a", "-m", "after"]);
        heard(2).await;
        let report = watch.recall(recalled()).await.expect("a report");
        assert!(report.interruption.expect("one").now_connected);
    });
}

#[test]
fn tries_end_after_the_time_that_is_set_for_them() {
    let mut broker = Mosquitto::plain();
    block_on(async {
        let handle = connect_impatiently(&broker.url()).await;
        broker.kill();
        until(|| handle.status(), State::Lost).await;
        let error = handle.ping(PATIENCE).await.expect_err("no broker");
        assert_eq!(error.code(), "connection_lost");
    });
}

/// Answers CONNECT of 3.1.1 and is silent to 5.0.
fn knows_only_311() -> u16 {
    peers::peer(|_, mut stream| {
        let Some(connect) = peers::packet(&mut stream) else {
            return;
        };
        if connect[8] == 4 {
            let _ = stream.write_all(&[0x20, 2, 0, 0]);
        }
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

#[test]
fn a_broker_that_is_silent_to_5_0_is_asked_in_3_1_1_in_time() {
    let target = Target::parse(&format!("mqtt://127.0.0.1:{}", knows_only_311())).expect("a URL");
    let limits = Limits {
        connect_timeout: 3.0,
        ..Limits::default()
    };
    let handle = block_on(connect_with(target, &limits));
    assert_eq!(handle.established().grants.version, Version::V311);
}

#[test]
fn a_broker_that_knows_neither_version_is_not_advised_auto() {
    let port = peers::answers(&[0x20, 2, 0, 1]);
    for (protocol, auto) in [(Protocol::Auto, false), (Protocol::V311, true)] {
        let target = Target {
            protocol,
            ..Target::parse(&format!("mqtt://127.0.0.1:{port}")).expect("a URL")
        };
        let refused = block_on(Handle::connect(target, &Limits::default()));
        let error = refused.err().expect("refused");
        assert_eq!(error.next_step().contains("auto"), auto, "{error}");
        assert_eq!(error.to_string().contains("neither"), !auto, "{error}");
    }
}
