//! Progress and cancellation of a call that listens, over the wire.

use crate::support::Client;
use crate::support::client::envelope;
use crate::support::mosquitto::Mosquitto;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn listen(session: &str, seconds: f64, meta: Value) -> Value {
    let arguments = json!({"session_id": session, "topic": "#", "duration": seconds});
    json!({"name": "subscribe_and_collect", "arguments": arguments, "_meta": meta})
}

#[test]
fn progress_carries_its_token_increases_and_ends_before_the_reply() {
    let broker = Mosquitto::plain();
    for modern in [false, true] {
        let mut client = Client::legacy("2025-06-18");
        let session = client.establish(&broker.url());
        let with = |token: Value| {
            let mut meta = if modern { envelope() } else { json!({}) };
            meta["progressToken"] = token;
            meta
        };
        let tokens = [json!(0), json!("tøken")];
        let ids: Vec<Value> = tokens
            .iter()
            .map(|token| client.begin("tools/call", listen(&session, 4.5, with(token.clone()))))
            .collect();
        let silent = client.begin("tools/call", listen(&session, 4.5, json!({})));
        let mut last = [-1.0; 2];
        let mut replies = 0;
        while replies < 3 {
            let message = client.next();
            let Some(at) = tokens
                .iter()
                .position(|token| message["params"]["progressToken"] == *token)
            else {
                assert!(
                    message["result"]["structuredContent"].is_object(),
                    "{message}"
                );
                assert!(ids.contains(&message["id"]) || message["id"] == silent);
                if let Some(at) = ids.iter().position(|id| *id == message["id"]) {
                    assert!(last[at] > 0.0, "no progress before the reply");
                    last[at] = f64::INFINITY;
                }
                replies += 1;
                continue;
            };
            let now = message["params"]["progress"].as_f64().unwrap();
            assert!(now > last[at], "{now} after {}", last[at]);
            assert!(message["params"]["total"].as_f64().unwrap() >= now);
            last[at] = now;
        }
        client.ask("ping", json!({}));
        assert!(client.others().is_empty(), "something came after the reply");
    }
}

#[test]
fn a_cancelled_listener_falls_silent_and_frees_its_place() {
    let broker = Mosquitto::plain();
    let mut client = Client::start(&["--set", "max_requests=1"]);
    client.initialize("2025-11-25");
    let session = client.establish(&broker.url());
    let id = client.begin(
        "tools/call",
        listen(&session, 200.0, json!({"progressToken": 1})),
    );
    assert_eq!(client.next()["method"], "notifications/progress");
    let params = json!({"requestId": id});
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}));
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        let id = client.begin("tools/call", json!({"name": "ping"}));
        if client.reply(&id).get("result").is_some() {
            break;
        }
        assert!(Instant::now() < deadline, "it listens on");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(
        client.next_within(Duration::from_secs(3)).is_none(),
        "it speaks on"
    );
}
