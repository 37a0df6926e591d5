//! Brokers that change topics, or send a message once for each filter in rounds: what comes is placed, counted, named.

use crate::support::connection::*;
use crate::support::peers;
use async_std::task::block_on;
use bitsperity_mqtt_mcp::broker::report::Listen;
use bitsperity_mqtt_mcp::config::target::Protocol;
use std::io::Write;
use std::net::TcpStream;

/// PUBLISH of 3.1.1 at QoS 0.
fn publish(topic: &str, payload: &str) -> Vec<u8> {
    let length = 2 + topic.len() + payload.len();
    let mut packet = vec![0x30, length as u8, 0, topic.len() as u8];
    packet.extend_from_slice(topic.as_bytes());
    packet.extend_from_slice(payload.as_bytes());
    packet
}

/// A broker of 3.1.1 that sends `messages` behind its `nth` SUBACK.
fn broker(nth: usize, messages: Vec<u8>) -> String {
    let serve = move |mut stream: TcpStream| -> Option<()> {
        let mut subscribed = 0;
        while let Some(packet) = peers::packet(&mut stream) {
            let answer = match packet[0] >> 4 {
                1 => vec![0x20, 2, 0, 0],
                8 => {
                    subscribed += 1;
                    let mut answer = vec![0x90, 3, packet[2], packet[3], 0];
                    if subscribed == nth {
                        answer.extend_from_slice(&messages);
                    }
                    answer
                }
                10 => vec![0xB0, 2, packet[2], packet[3]],
                12 => vec![0xD0, 0],
                _ => continue,
            };
            stream.write_all(&answer).ok()?;
        }
        Some(())
    };
    let port = peers::peer(move |_, stream| {
        serve(stream);
    });
    format!("mqtt://127.0.0.1:{port}")
}

#[test]
fn messages_under_other_topics_belong_to_the_only_filter() {
    let messages = [
        publish("plant/v2/3/level", "7"),
        publish("plant/v2/3/level", "8"),
    ];
    let url = broker(1, messages.concat());
    block_on(async {
        let handle = connect_as(&url, Protocol::V311).await;
        let wanted = Listen {
            max_messages: Some(2),
            ..listen("plant/v2.3/#")
        };
        let report = outcome(&listening(&handle, wanted).await).await;
        assert_eq!((report.received, payloads(&report).len()), (2, 2));
        let elsewhere = &report.asides.elsewhere;
        let told = (elsewhere.messages, elsewhere.topic.as_str());
        assert_eq!(told, (2, "plant/v2/3/level"));
        assert_eq!(report.asides.strays.messages, 0);
    });
}

#[test]
fn what_fits_no_filter_of_several_is_counted_and_named() {
    let messages = [publish("plant/v2/3/level", "7"), publish("plant/ok", "1")];
    let url = broker(2, messages.concat());
    block_on(async {
        let handle = connect_as(&url, Protocol::V311).await;
        let first = listening(&handle, listen("plant/v2.3/#")).await;
        let second = listening(&handle, listen("plant/ok")).await;
        until_counted(&second, 1).await;
        for (listening, received) in [(&first, 0), (&second, 1)] {
            let report = listening.report().await;
            let report = report.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(report.received, received);
            let strays = &report.asides.strays;
            let told = (strays.messages, strays.topic.as_str());
            assert_eq!(told, (1, "plant/v2/3/level"));
        }
    });
}

#[test]
fn copies_that_come_in_rounds_count_once() {
    let round: Vec<u8> = (0..40)
        .flat_map(|n| publish("r/a", &n.to_string()))
        .collect();
    let end = publish("r/end", "");
    let url = broker(2, [round.clone(), round, end].concat());
    block_on(async {
        let handle = connect_as(&url, Protocol::V311).await;
        let wide = listening(&handle, listen("r/#")).await;
        let narrow = listening(&handle, listen("r/a")).await;
        until_counted(&wide, 41).await;
        assert_eq!((wide.counts().0, narrow.counts().0), (41, 40));
    });
}
