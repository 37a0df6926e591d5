//! Much at once: giant messages, volume over every transport, a flood that must starve nobody.

use crate::support::connection::*;
use crate::support::mosquitto::{Mosquitto, Options};
use crate::support::peers;
use async_std::task::block_on;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_mcp::broker::handle::Handle;
use bitsperity_mqtt_mcp::broker::report::{Listen, Wants};
use bitsperity_mqtt_mcp::config::Limits;
use bitsperity_mqtt_mcp::config::target::{Protocol, Target};
use std::time::{Duration, Instant};

#[test]
fn a_giant_message_is_passed_over() {
    let broker = Mosquitto::plain();
    block_on(async {
        // Mosquitto keeps what is larger than we announce to itself in 5.0, not in 3.1.1: it must not.
        let mut listeners = Vec::new();
        for protocol in [Protocol::V311, Protocol::V5] {
            let handle = connect_as(&broker.url(), protocol).await;
            let listening = listening(&handle, listen("g/#")).await;
            listeners.push((handle, listening));
        }
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
        for (_, listening) in &listeners {
            until_counted(listening, 3).await;
            let report = listening
                .report()
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(
                (report.received, report.oversized, report.reconnects),
                (3, 3, 0)
            );
            assert_eq!(payloads(&report), ["here", "here", "here"]);
            let [giant] = &report.asides.large[..] else {
                panic!("{:?}", report.asides.large);
            };
            assert_eq!((giant.topic.as_str(), giant.messages), ("g/giant", 3));
            assert!(giant.bytes > 5_000_000, "{} bytes", giant.bytes);
        }
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
                begun.elapsed() < Duration::from_secs(5),
                "{:?}",
                begun.elapsed()
            );
        }
        let begun = Instant::now();
        listening.stop().await;
        handle.close(PATIENCE).await;
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    });
}
