//! Lines: what is tolerated around a message, and what answers that which is none.

use crate::support::Client;
use crate::support::client::enveloped;
use serde_json::{Value, json};
use std::fs;

#[test]
fn ids_come_back_as_they_were() {
    let mut client = Client::legacy("2025-06-18");
    for id in [
        json!(0),
        json!(-1),
        json!(9_007_199_254_740_993_i64),
        json!(""),
        json!("é\"\\"),
        json!("0"),
    ] {
        client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "ping"}));
        assert_eq!(client.next()["id"], id);
    }
    // Keys in another order, and a first request with id 0.
    let mut client = Client::start(&[]);
    let request =
        json!({"method": "tools/list", "params": enveloped(json!({})), "jsonrpc": "2.0", "id": 0});
    client.send(&request);
    assert!(client.next()["result"]["tools"].is_array());
}

#[test]
fn bom_carriage_returns_and_blank_lines_are_tolerated() {
    let mut client = Client::start(&[]);
    client.send_bytes(b"\xef\xbb\xbf\r\n\n   \n");
    let request = json!({"jsonrpc": "2.0", "id": "a", "method": "ping"});
    client.send(&json!({"jsonrpc": "2.0", "id": "a", "method": "ping"}));
    assert_eq!(client.next()["id"], "a");
    client.send_bytes(format!("\u{feff}{request}\r\n  {request}  \r\n").as_bytes());
    assert_eq!(client.next()["id"], "a");
    assert_eq!(client.next()["id"], "a");
    // Two messages in one write, the second in two halves.
    client.send_bytes(format!("{request}\n").as_bytes());
    let (front, back) = request.to_string().split_at(17).to_owned_pair();
    client.send_bytes(front.as_bytes());
    client.send_bytes(format!("{back}\n").as_bytes());
    assert_eq!(client.next()["id"], "a");
    assert_eq!(client.next()["id"], "a");
}

trait ToOwnedPair {
    fn to_owned_pair(self) -> (String, String);
}

impl ToOwnedPair for (&str, &str) {
    fn to_owned_pair(self) -> (String, String) {
        (self.0.to_owned(), self.1.to_owned())
    }
}

#[test]
fn garbage_is_answered_once_a_burst() {
    let mut client = Client::legacy("2025-11-25");
    client.send_bytes(b"garbage\n{\"jsonrpc\":\n\xff\xfe\n\n{'a':1}\n");
    assert_eq!(client.next()["error"]["code"], -32700);
    assert_eq!(client.ask("ping", json!({})), json!({}));
    client.send_bytes(b"again\n");
    assert_eq!(client.next()["error"]["code"], -32700);
    assert_eq!(client.ask("ping", json!({})), json!({}));
    assert!(client.others().is_empty());
}

#[test]
fn what_is_json_but_no_message_is_answered_with_its_id_if_that_can_be_read() {
    let mut client = Client::legacy("2025-11-25");
    for (line, id) in [
        (r#"{"id":5,"method":"ping"}"#, Some(json!(5))),
        (
            r#"{"jsonrpc":"1.0","id":"x","method":"ping"}"#,
            Some(json!("x")),
        ),
        (r#"{"jsonrpc":"2.0","id":6}"#, Some(json!(6))),
        (r#"{"jsonrpc":"2.0","id":7,"method":null}"#, Some(json!(7))),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, None),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, None),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, None),
        ("5", None),
        ("null", None),
        ("\"ping\"", None),
        ("[]", None),
        ("[1]", None),
    ] {
        if let Some(id) = &id {
            // The harness wants to know what is answered.
            client.expect_error_for(id);
        }
        client.send_bytes(format!("{line}\n").as_bytes());
        let reply = client.next();
        assert_eq!(reply["error"]["code"], -32600, "{line}");
        assert_eq!(reply.get("id"), id.as_ref(), "{line}");
    }
}

#[test]
fn an_unreadable_id_is_null_where_the_revision_knows_no_absent_one() {
    for (revision, null) in [
        ("2024-11-05", true),
        ("2025-06-18", true),
        ("2025-11-25", false),
    ] {
        let mut client = Client::legacy(revision);
        client.send_bytes(b"garbage\n");
        let reply = client.next();
        assert_eq!(reply.get("id"), null.then_some(&Value::Null), "{revision}");
    }
}

#[test]
fn notifications_and_stray_responses_are_not_answered() {
    let mut client = Client::legacy("2025-11-25");
    for line in [
        r#"{"jsonrpc":"2.0","method":"no/such"}"#,
        r#"{"jsonrpc":"2.0","method":"tools/list","params":[1]}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"unknown"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":null}}"#,
        r#"{"jsonrpc":"2.0","id":99,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":99,"error":{"code":1,"message":"x"}}"#,
    ] {
        client.send_bytes(format!("{line}\n").as_bytes());
    }
    assert_eq!(client.ask("ping", json!({})), json!({}));
    assert!(client.others().is_empty());
}

#[test]
fn batches_belong_to_one_revision_only() {
    let ping = |id: Value| json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    for revision in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let mut client = Client::legacy(revision);
        client.send(&json!([ping(json!(1))]));
        assert_eq!(client.next()["error"]["code"], -32600, "{revision}");
    }
    let mut client = Client::legacy("2025-03-26");
    let call =
        json!({"jsonrpc": "2.0", "id": "call", "method": "tools/call", "params": {"name": "ping"}});
    let modern = json!({"jsonrpc": "2.0", "id": "m", "method": "tools/list", "params": enveloped(json!({}))});
    let again = json!({"jsonrpc": "2.0", "id": "i", "method": "initialize", "params": {"protocolVersion": "2025-03-26"}});
    client.send(&json!([ping(json!(0)), note, call, modern, again, 5]));
    let replies = client.next();
    let replies = replies.as_array().unwrap();
    assert_eq!(replies.len(), 5);
    let of = |id: Value| replies.iter().find(|reply| reply["id"] == id).unwrap();
    assert_eq!(of(json!(0))["result"], json!({}));
    assert!(of(json!("call"))["result"]["structuredContent"].is_object());
    assert_eq!(of(json!("m"))["error"]["code"], -32600);
    assert_eq!(of(json!("i"))["error"]["code"], -32600);
    assert_eq!(of(Value::Null)["error"]["code"], -32600);
    client.send(&json!([note, note]));
    client.send(&json!([]));
    assert_eq!(
        client.next()["error"]["code"],
        -32600,
        "only the empty batch is answered"
    );
    assert_eq!(client.ask("ping", json!({})), json!({}));
    assert!(client.others().is_empty());
}

#[test]
fn the_replies_to_a_batch_take_no_more_than_one_reply_may() {
    const BOUND: usize = 1 << 20;
    let mut client = Client::legacy("2025-03-26");
    let list = |id: usize| json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"});
    let lists = |count: usize| Value::Array((1_000..1_000 + count).map(list).collect());
    client.send(&lists(1_000));
    let replies = client.next();
    let replies = replies.as_array().unwrap();
    assert_eq!(replies.len(), 1_000);
    let told = replies.iter().filter(|it| it["result"].is_object());
    let bytes: usize = told.clone().map(|it| it.to_string().len()).sum();
    let one = bytes / told.clone().count();
    assert!(bytes <= BOUND && bytes > BOUND - 2 * one, "{bytes} bytes");
    // Those that do not fit say so, each under its id, in a few words.
    for (id, reply) in (1_000..).zip(replies) {
        assert_eq!(reply["id"], id);
        if let Some(error) = reply.get("error") {
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("send this request alone") && message.len() < 200);
        }
    }
    // One after the other each would fit.
    assert!(client.ask("tools/list", json!({}))["tools"].is_array());
    client.send(&lists(1_001));
    let refused = client.next();
    assert_eq!(refused["error"]["code"], -32600);
    assert!(
        refused["error"]["message"]
            .as_str()
            .unwrap()
            .contains("at most 1000")
    );
    assert!(client.others().is_empty());
}

#[test]
fn whatever_a_line_holds_the_answer_is_short() {
    let mut client = Client::legacy("2025-11-25");
    let big = 2 << 20;
    let text = "x".repeat(big);
    let numbers = |count: usize| format!("[{}0]", "0,".repeat(count));
    let same = |count: usize| format!("{{{}\"a\":0}}", "\"a\":0,".repeat(count));
    let call = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"publish_message","arguments":{arguments}}}}}"#
        )
    };
    let with = |method: &str, params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
    };
    let named = |name: &str| format!(r#"{{"name":"{name}","arguments":{{}}}}"#);
    for line in [
        "[".repeat(big),
        "{\"a\":".repeat(big / 5),
        with("tools/list", &"[".repeat(100_000)),
        with("ping", &numbers(big / 2)),
        with("ping", &numbers(50_000)),
        with(&text, "{}"),
        with("nothing", &same(300_000)),
        with("nothing", &same(50_000)),
        with("nothing", &format!("{{\"_meta\":{}}}", same(50_000))),
        with("tools/call", &named(&text)),
        with("prompts/get", &named(&text)),
        with("resources/read", &format!(r#"{{"uri":"mqtt://{text}"}}"#)),
        with(
            "resources/subscribe",
            &format!(r#"{{"uri":"mqtt://{}"}}"#, &text[..190_000]),
        ),
        with(
            "completion/complete",
            &format!(r#"{{"ref":{{"type":"{text}"}}}}"#),
        ),
        call(&format!("{{\"{text}\":1}}")),
        call(&same(50_000)),
        call(&format!("{{\"session_id\":\"{text}\"}}")),
        call(&format!("{{\"qos\":\"{text}\"}}")),
        call(&format!("{{\"expect\":{}}}", numbers(50_000))),
        // Text that becomes an object where one is wanted, of more values than a line may have.
        call(&format!("{{\"expect\":\"{}\"}}", numbers(big))),
        format!(r#"{{"jsonrpc":"2.0","id":"{text}","method":"ping"}}"#),
        format!(
            r#"{{"jsonrpc":"2.0","id":1{},"method":"ping"}}"#,
            "0".repeat(big)
        ),
    ] {
        match line.contains("tools/call") {
            true => client.expect_call(&json!(1)),
            false => client.expect_error_for(&json!(1)),
        }
        client.send_bytes(format!("{line}\n").as_bytes());
        let reply = client.next().to_string();
        let begin = &line[..line.len().min(80)];
        assert!(reply.len() < 4_096, "{} bytes to {begin}", reply.len());
        assert!(
            reply.contains("error") || reply.contains("isError"),
            "{reply} to {begin}"
        );
        // One that is not JSON is answered once a burst; this ends the burst.
        assert_eq!(client.ask("ping", json!({})), json!({}));
    }
    assert!(client.others().is_empty());
    if let Some(peak) = memory(client.process(), "VmHWM:") {
        assert!(peak < 160 << 20, "{peak} bytes at the most");
    }
}

#[test]
fn an_over_long_line_costs_an_error_and_no_memory() {
    let mut client = Client::start(&["--set", "max_line=65536"]);
    client.initialize("2025-11-25");
    let before = resident(client.process());
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        client.send_bytes(&piece);
    }
    client.send_bytes(b"\n");
    let reply = client.next();
    assert_eq!(reply["error"]["code"], -32600);
    assert!(
        reply["error"]["message"]
            .as_str()
            .unwrap()
            .contains("65536 bytes")
    );
    assert_eq!(client.ask("ping", json!({})), json!({}));
    assert!(client.others().is_empty());
    if let (Some(before), Some(after)) = (before, resident(client.process())) {
        assert!(after < before + (2 << 20), "{before} bytes became {after}");
    }
}

#[test]
fn a_line_just_below_the_limit_is_taken() {
    let mut client = Client::legacy("2025-11-25");
    let padding = "x".repeat(10 << 20);
    let result = client.ask("ping", json!({"_meta": {"padding": padding}}));
    assert_eq!(result, json!({}));
}

/// Resident bytes, where the system tells.
fn resident(process: u32) -> Option<u64> {
    memory(process, "VmRSS:")
}

/// A line of the process's status, in bytes.
fn memory(process: u32, which: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(which))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib << 10)
}
