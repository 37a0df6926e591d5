//! How the process ends: within a second or two, with exit code 0, whoever says so.

use crate::support::Client;
use crate::support::client::{SOON, enveloped, program};
use crate::support::mosquitto::Mosquitto;
use crate::support::peers::{packet, peer};
use serde_json::json;
use std::io::Write;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// A client with a call in flight that would take long.
fn busy() -> (Client, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = Client::legacy("2025-11-25");
    let address = listener.local_addr().unwrap();
    let arguments = json!({"connection_string": format!("mqtt://{address}")});
    client.begin(
        "tools/call",
        json!({"name": "establish_connection", "arguments": arguments}),
    );
    // The backlog accepts for us.
    assert_eq!(client.ask("ping", json!({})), json!({}));
    (client, listener)
}

fn ends_well(client: &mut Client, why: &str) {
    let started = Instant::now();
    let status = client.wait(SECOND);
    assert_eq!(
        status.code(),
        Some(0),
        "{why}: {status:?}\n{}",
        client.stderr()
    );
    eprintln!("{why}: gone after {:?}", started.elapsed());
}

#[test]
fn end_of_input() {
    let mut client = Client::start(&[]);
    client.end_input();
    ends_well(&mut client, "end of input, before anything");
    let mut client = Client::legacy("2025-11-25");
    client.end_input();
    ends_well(&mut client, "end of input, idle");
    let (mut client, _broker) = busy();
    client.end_input();
    ends_well(&mut client, "end of input, busy");
}

#[test]
fn what_was_asked_before_the_end_of_input_is_answered() {
    let mut client = Client::start(&[]);
    client.initialize("2025-11-25");
    let ids: Vec<_> = (0..50)
        .map(|_| client.begin("tools/call", json!({"name": "ping"})))
        .collect();
    client.end_input();
    for id in ids {
        assert!(client.reply(&id).get("result").is_some());
    }
    ends_well(&mut client, "end of input, answering");
}

#[cfg(unix)]
#[test]
fn signals() {
    for name in ["TERM", "INT", "HUP"] {
        let mut client = Client::legacy("2025-11-25");
        client.signal(name);
        ends_well(&mut client, name);
        let (mut client, _broker) = busy();
        client.signal(name);
        client.signal(name);
        ends_well(&mut client, name);
    }
}

#[test]
fn the_broker_is_told_goodbye() {
    for how in ["end of input", "TERM", "INT", "HUP"] {
        let broker = Mosquitto::plain();
        let mut client = Client::legacy("2025-11-25");
        let arguments = json!({"connection_string": format!("{}/the-one", broker.url())});
        let result = client.call("establish_connection", arguments);
        assert!(result["structuredContent"].is_object(), "{result}");
        match how {
            "end of input" => client.end_input(),
            signal => client.signal(signal),
        }
        ends_well(&mut client, how);
        // Without a DISCONNECT it would be "closed its connection", and a Last Will would be published.
        broker.wait_for_log("Received DISCONNECT from the-one");
    }
}

#[test]
fn closed_output() {
    let mut client = Client::legacy("2025-11-25");
    client.end_output();
    // The first write into the closed pipe is noticed, not fatal.
    let started = Instant::now();
    while client.try_send_bytes(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n") {
        assert!(
            started.elapsed() < 5 * SECOND,
            "it goes on without anybody listening"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    ends_well(&mut client, "closed output");
    assert_eq!(
        client.stderr(),
        "",
        "a client that goes is nothing to complain of"
    );
}

#[test]
fn an_output_that_nobody_reads_does_not_keep_it() {
    let mut child = program(&[]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let ask = format!(
        "{}\n",
        json!({"jsonrpc": "2.0", "id": 1, "method": "nothing"})
    );
    // More answers than the pipe holds; then it stops reading, and a write would hang.
    let writer = std::thread::spawn(move || {
        for _ in 0..20_000 {
            if stdin.write_all(ask.as_bytes()).is_err() {
                return;
            }
        }
    });
    std::thread::sleep(Duration::from_millis(300));
    let id = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-s", "TERM", &id])
        .status()
        .unwrap();
    let deadline = Instant::now() + SECOND;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "it hangs");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(0));
    writer.join().unwrap();
}

#[test]
fn the_end_of_input_is_noticed_although_nobody_reads_the_output() {
    // A broker that takes everybody and tells the first byte of each packet.
    let (seen, packets) = channel();
    let seen = Mutex::new(seen);
    let port = peer(move |_, mut stream| {
        let seen = seen.lock().unwrap().clone();
        while let Some(packet) = packet(&mut stream) {
            if packet[0] == 0x10 {
                stream.write_all(&[0x20, 3, 0, 0, 0]).unwrap();
            }
            let _ = seen.send(packet[0]);
        }
    });
    let mut child = program(&[]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut ask = |id: usize, method: &str, params| {
        let request =
            json!({"jsonrpc": "2.0", "id": id, "method": method, "params": enveloped(params)});
        stdin.write_all(format!("{request}\n").as_bytes()).unwrap();
    };
    let arguments = json!({"connection_string": format!("mqtt://127.0.0.1:{port}")});
    let params = json!({"name": "establish_connection", "arguments": arguments});
    ask(0, "tools/call", params);
    assert_eq!(packets.recv_timeout(SOON), Ok(0x10));
    // The requests fit into the pipe, the answers do not: a list of tools takes ten kilobytes and more.
    for id in 1..200 {
        ask(id, "tools/list", json!({}));
    }
    drop(stdin);
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > SOON {
            let _ = child.kill();
            panic!("it stays");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    eprintln!("gone after {:?}", started.elapsed());
    assert_eq!(status.code(), Some(0));
    let told = || packets.recv_timeout(SOON).expect("DISCONNECT");
    while told() != 0xE0 {}
}
