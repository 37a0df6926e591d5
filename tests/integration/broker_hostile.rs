//! Brokers that send what no broker should: bytes by chance, single bytes, nothing at all, resets. Whatever they do, the
//! program lives, answers each call, and takes no more memory.

use crate::support::Client;
use crate::support::connection::*;
use crate::support::hostile::*;
use crate::support::mosquitto::Mosquitto;
use crate::support::random::{Random, rounds, seed};
use async_std::task::block_on;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_mcp::broker::handle::Publish;
use bitsperity_mqtt_mcp::broker::report::Listen;
use bitsperity_mqtt_mcp::config::target::Protocol;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Calls that wait at once.
const AT_ONCE: usize = 16;

/// Resident KiB that a session may cost after it was closed, however many came before: 16 at once were measured to leave
/// 16 to 27 MiB with the allocator of a debug build.
const KIB_A_SESSION: u64 = 4 * 1024;

/// PUBLISH packets as a broker may send them behind a SUBACK.
fn messages(random: &mut Random, five: bool) -> Vec<u8> {
    const PAYLOADS: [&[u8]; 8] = [
        br#"{"temperature":21.5,"state":"ok","list":[1,2,{"a":null}]}"#,
        b"+1e999",
        b"",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\x56\xca\x00",
        b"\xa2\x61a\x01\x61b\x82\x02\x03",
        b"ERROR: pump 3 failed",
        b"\xff\xfe\x00\x01",
        b"a=1,b=2.5,c=x",
    ];
    let mut bytes = Vec::new();
    for _ in 0..random.below(6) {
        let topic = random.pick(&["plant/1/state", "plant/2/log", "x", "spBv1.0/g/DDATA/n/d"]);
        let qos = random.below(3) as u8;
        let mut body = vec![0, topic.len() as u8];
        body.extend_from_slice(topic.as_bytes());
        if qos > 0 {
            body.extend_from_slice(&[0, 1 + random.below(9) as u8]);
        }
        if five {
            let some: &[u8] = &[9, 0x01, 1, 0x02, 0, 0, 0, 60, 0x0B, 1];
            body.extend_from_slice(random.pick(&[&[0][..], some]));
        }
        body.extend_from_slice(random.pick(&PAYLOADS));
        bytes.extend_from_slice(&[0x30 | qos << 1 | random.below(2) as u8, body.len() as u8]);
        bytes.extend_from_slice(&body);
    }
    bytes
}

/// Flips, cuts, repeats, inserts.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        let until = (at + random.below(8)).min(bytes.len());
        match random.below(6) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 if at < bytes.len() => bytes[at] = random.pick(&[0, 0x7F, 0x80, 0xFF]),
            3 => bytes.truncate(at),
            4 => bytes.extend_from_within(at..until),
            _ => bytes.insert(at, random.next() as u8),
        }
    }
}

/// What was sent last, for whoever has to find out what broke the program.
type Sent = Arc<Mutex<VecDeque<String>>>;

/// A broker whose answers are honest, or changed by chance: one CONNACK in four, half of all else.
fn mutating(over: Over, seed: u64, sent: &Sent) -> String {
    let sent = sent.clone();
    answering(over, move |asked| {
        let kind = asked.packet[0] >> 4;
        let mut random =
            Random::new(seed ^ (asked.connection as u64) << 20 ^ (asked.packet.len() as u64));
        let mut bytes = asked.honest;
        if kind == SUBSCRIBE {
            bytes.extend(messages(&mut random, asked.five));
        }
        if random.once_in(if kind == CONNECT { 4 } else { 2 }) {
            mutate(&mut random, &mut bytes);
        }
        let mut sent = sent.lock().expect("whole");
        sent.push_back(format!("{}: {bytes:02x?}", asked.connection));
        if sent.len() > 4 * AT_ONCE {
            sent.pop_front();
        }
        Some(bytes)
    })
}

/// Calls side by side; the structured results, whether the calls went well or not.
fn all(client: &mut Client, calls: Vec<(&str, Value)>) -> Vec<Value> {
    let begun: Vec<Value> = calls
        .into_iter()
        .map(|(name, arguments)| {
            client.begin("tools/call", json!({"name": name, "arguments": arguments}))
        })
        .collect();
    let mut results = Vec::new();
    for id in begun {
        let reply = client.reply(&id);
        assert!(reply.get("error").is_none(), "{reply}");
        results.push(reply["result"]["structuredContent"].clone());
    }
    results
}

fn sessions_of(results: &[Value]) -> Vec<String> {
    let ids = results
        .iter()
        .filter_map(|result| result["session_id"].as_str());
    ids.map(String::from).collect()
}

/// KiB that the program holds in memory.
fn resident(client: &Client) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.process()));
    let status = status.expect("the program lives");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let figure = line.and_then(|line| line.split_whitespace().nth(1));
    figure.and_then(|text| text.parse().ok()).expect("a figure")
}

/// One batch of sessions with a broker: connect, listen and publish, ask, close. Returns how many were connected.
fn batch(client: &mut Client, url: &str, protocol: &str) -> usize {
    let connect = json!({"connection_string": url, "protocol": protocol});
    let connected = all(client, vec![("establish_connection", connect); AT_ONCE]);
    let ids = sessions_of(&connected);
    let listen = |id| json!({"session_id": id, "topic": "plant/#", "duration": 0.3, "qos": 1});
    let calls = ids.iter().enumerate().map(|(n, id)| match n % 3 {
        0 => ("subscribe_and_collect", listen(id)),
        1 => ("list_topics", json!({"session_id": id, "duration": 0.3})),
        _ => (
            "debug_device",
            json!({"session_id": id, "device_pattern": "plant/#", "duration": 0.3}),
        ),
    });
    all(client, calls.collect());
    all(client, vec![("list_active_connections", json!({}))]);
    let close = |id: &String| ("close_connection", json!({"session_id": id}));
    all(client, ids.iter().map(close).collect());
    ids.len()
}

/// Shows what was sent last if the test fails.
struct Shown(Sent);

impl Drop for Shown {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("sent last: {:#?}", self.0.lock());
        }
    }
}

fn assert_unharmed(client: &mut Client, before: u64) {
    assert_eq!(client.ask("ping", json!({})), json!({}));
    let list = all(client, vec![("list_active_connections", json!({}))]);
    assert_eq!(list[0]["sessions"], json!([]), "{list:?}");
    let errors = client.stderr();
    assert!(
        !errors.contains("panic") && !errors.contains("internal fault"),
        "{errors}"
    );
    let (now, room) = (resident(client), KIB_A_SESSION * AT_ONCE as u64);
    assert!(now < before + room, "{before} KiB before, {now} KiB now");
}

fn bytes_by_chance(over: Over) {
    let sent = Sent::default();
    let _shown = Shown(sent.clone());
    let mut client = Client::start(&[
        "--set=max_sessions=64",
        "--set=connect_timeout=1",
        "--set=reconnect_time=1",
    ]);
    client.initialize("2025-11-25");
    let before = resident(&client);
    let (first, wanted) = (seed(), rounds("HOSTILE_SESSIONS", 96));
    let mut connected = 0;
    for n in 0..wanted.div_ceil(AT_ONCE) {
        let seed = first + n as u64;
        let url = mutating(over, seed << 32, &sent);
        eprintln!("SEED={seed}");
        connected += batch(&mut client, &url, ["5", "3.1.1", "auto"][n % 3]);
    }
    assert!(connected > wanted / 4, "{connected} of {wanted} connected");
    assert_unharmed(&mut client, before);
}

#[test]
fn bytes_by_chance_over_tcp_cost_their_own_session_only() {
    bytes_by_chance(Over::Tcp);
}

#[test]
fn bytes_by_chance_over_a_websocket_cost_their_own_session_only() {
    bytes_by_chance(Over::WebSocket);
}

/// SUBACK and what follows come byte by byte, each in a segment or a WebSocket message of its own.
#[test]
fn packets_that_come_byte_by_byte_are_whole() {
    for over in [Over::Tcp, Over::WebSocket] {
        let url = scripted(over, |_| {
            // SUBACK of the first packet identifier, then a message at QoS 0.
            let bytes = b"\x90\x03\x00\x01\x00\x30\x0b\x00\x07plant/124";
            vec![
                Step::Until(CONNECT),
                Step::Swallow(SUBSCRIBE),
                Step::Dribble(bytes.to_vec()),
                Step::Serve,
            ]
        });
        block_on(async {
            let handle = connect_as(&url, Protocol::V311).await;
            let one = Listen {
                max_messages: Some(1),
                ..listen("plant/#")
            };
            let report = outcome(&listening(&handle, one).await).await;
            assert_eq!(payloads(&report), ["24"]);
            assert_eq!(report.reconnects, 0);
        });
    }
}

/// The first connection is reset behind a message, half of which has come; the second one is good.
#[test]
fn a_reset_in_the_middle_of_a_packet_costs_the_connection_only() {
    for over in [Over::Tcp, Over::WebSocket] {
        let url = scripted(over, |connection| match connection {
            0 => vec![
                Step::Until(SUBSCRIBE),
                Step::Send(b"\x30\x20\x00\x07pla".to_vec()),
                Step::Reset,
            ],
            _ => vec![
                Step::Until(SUBSCRIBE),
                Step::Send(b"\x30\x0b\x00\x07plant/125".to_vec()),
                Step::Serve,
            ],
        });
        block_on(async {
            let handle = connect_as(&url, Protocol::V311).await;
            let one = Listen {
                max_messages: Some(1),
                ..listen("plant/#")
            };
            let report = outcome(&listening(&handle, one).await).await;
            assert_eq!(payloads(&report), ["25"]);
            assert_eq!(report.reconnects, 1);
        });
    }
}

/// Whoever stops reading holds up his own session and no other.
#[test]
fn a_broker_that_reads_no_more_holds_up_its_own_session_only() {
    let held = || {
        scripted(Over::Tcp, |_| {
            vec![Step::Until(CONNECT), Step::Hold(PATIENCE * 6)]
        })
    };
    let broker = Mosquitto::plain();
    let (stuck, fine) = (held(), broker.url());
    block_on(async {
        let stuck = connect_as(&stuck, Protocol::V311).await;
        let fine = connect_as(&fine, Protocol::V311).await;
        let large = || Publish {
            topic: "plant/1".into(),
            payload: vec![b'x'; 900_000],
            qos: QoS::AtLeastOnce,
            ..Publish::default()
        };
        // More than the socket buffers of both ends hold.
        let short = Duration::from_millis(300);
        let publishes = (0..8).map(|_| stuck.publish(large(), short));
        for result in futures::future::join_all(publishes).await {
            let error = result.expect_err("nobody reads");
            assert!(
                ["in_doubt", "timeout", "busy"].contains(&error.code()),
                "{}",
                error.code()
            );
        }
        let done = fine.publish(large(), PATIENCE).await;
        done.unwrap_or_else(|error| panic!("{error}"));
        stuck.close(short).await;
    });
}
