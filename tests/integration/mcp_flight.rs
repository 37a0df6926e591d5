//! Requests in flight: side by side, out of order, cancelled, refused.

use crate::support::Client;
use crate::support::client::{SOON, enveloped, program};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// A broker that takes connections and never says a word, so that a call stays in flight.
struct Silent {
    listener: TcpListener,
    open: Vec<TcpStream>,
}

impl Silent {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let open = Vec::new();
        Self { listener, open }
    }

    fn arguments(&self) -> Value {
        let address = self.listener.local_addr().unwrap();
        // Of one version only, so that there is no second try.
        json!({"connection_string": format!("mqtt://{address}"), "protocol": "5"})
    }

    /// A call that hangs; resolves when it has reached us.
    fn hang(&mut self, client: &mut Client, id: Value) {
        let params = json!({"name": "establish_connection", "arguments": self.arguments()});
        client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}));
        // A connection must stay open for its call to hang.
        let deadline = Instant::now() + SOON;
        loop {
            match self.listener.accept() {
                Ok((connection, _)) => return self.open.push(connection),
                Err(_) if Instant::now() < deadline => {
                    assert!(client.next_within(Duration::from_millis(5)).is_none());
                }
                Err(error) => panic!("nobody connected: {error}"),
            }
        }
    }

    /// Ends all calls that hang.
    fn hang_up(&mut self) {
        self.open.clear();
    }
}

/// So long that no call that hangs ends by itself.
const PATIENT: &str = "connect_timeout=300";

fn cancel(client: &mut Client, id: Value) {
    let params = json!({"requestId": id, "reason": "enough"});
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}));
}

#[test]
fn a_slow_call_holds_up_nothing() {
    let mut broker = Silent::new();
    let mut client = Client::start(&["--set", PATIENT]);
    client.initialize("2025-11-25");
    broker.hang(&mut client, json!("slow"));
    for _ in 0..20 {
        assert_eq!(client.ask("ping", json!({})), json!({}));
        client.call("ping", json!({}));
        client.ask("tools/list", json!({}));
    }
    assert!(client.others().is_empty(), "the slow call was not slow");
    broker.hang_up();
    let reply = client.reply(&json!("slow"));
    assert_eq!(reply["result"]["isError"], true, "{reply}");
}

#[test]
fn after_a_cancellation_nothing_more_is_said() {
    let mut broker = Silent::new();
    let mut client = Client::start(&["--set", PATIENT, "--set", "max_requests=1"]);
    client.initialize("2025-11-25");
    broker.hang(&mut client, json!(0));
    // Another type is another id.
    cancel(&mut client, json!("0"));
    let busy = client.ask_wrongly("tools/call", json!({"name": "ping"}));
    assert_eq!(busy["code"], -32603);
    cancel(&mut client, json!(0));
    cancel(&mut client, json!(0));
    // The place is free when the work has ended; then every answer to it would have come.
    let free = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let id = client.begin("tools/call", json!({"name": "ping"}));
        client.reply(&id).get("result").is_some()
    });
    assert!(free, "the cancelled call did not end");
    assert_eq!(client.ask("ping", json!({})), json!({}));
    assert!(
        client.others().is_empty(),
        "something was said after the cancellation"
    );
}

#[test]
fn an_id_in_flight_is_refused_and_the_first_still_answered() {
    let mut broker = Silent::new();
    let mut client = Client::start(&["--set", PATIENT]);
    client.initialize("2025-11-25");
    broker.hang(&mut client, json!("twice"));
    client.send(&json!({"jsonrpc": "2.0", "id": "twice", "method": "ping"}));
    client.expect_call(&json!("twice"));
    let refused = client.next();
    assert_eq!(refused["id"], "twice");
    assert_eq!(refused["error"]["code"], -32600);
    broker.hang_up();
    let first = client.next();
    assert_eq!(first["id"], "twice");
    assert_eq!(first["result"]["isError"], true);
    // And free again.
    client.send(&json!({"jsonrpc": "2.0", "id": "twice", "method": "ping"}));
    assert_eq!(client.next()["result"], json!({}));
}

#[test]
fn beyond_max_requests_a_call_is_refused_at_once() {
    let mut broker = Silent::new();
    let mut client = Client::start(&["--set", "max_requests=2", "--set", PATIENT]);
    client.initialize("2025-11-25");
    broker.hang(&mut client, json!("a"));
    broker.hang(&mut client, json!("b"));
    let error = client.ask_wrongly("tools/call", json!({"name": "ping"}));
    assert_eq!(error["code"], -32603);
    assert!(
        error["message"].as_str().unwrap().contains("max_requests"),
        "{error}"
    );
    // What takes no place is served.
    assert_eq!(client.ask("ping", json!({})), json!({}));
    broker.hang_up();
    client.reply(&json!("a"));
    client.reply(&json!("b"));
    client.call("ping", json!({}));
}

#[test]
fn who_waits_for_each_answer_is_never_refused() {
    let mut child = program(&["--set", "max_requests=1"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for id in 0..3_000 {
        let params = enveloped(json!({"name": "ping"}));
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        stdin.write_all(format!("{call}\n").as_bytes()).unwrap();
        let reply: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(reply["id"], id);
        assert!(reply["result"].is_object(), "{reply}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_thousand_calls_are_each_answered_once() {
    let mut client = Client::start(&["--set", "max_requests=1024"]);
    client.initialize("2025-11-25");
    let ids: Vec<Value> = (0..1000)
        .map(|_| client.begin("tools/call", json!({"name": "ping"})))
        .collect();
    for id in &ids {
        assert!(client.reply(id)["result"]["structuredContent"].is_object());
    }
    assert!(client.others().is_empty());
}
