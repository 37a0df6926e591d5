//! A connection string with a password, wherever a client may put it: the password comes back in no reply and no log line.

use crate::support::client::program;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::thread;

const PASSWORD: &str = "Qv8-fennel-Zz31";

/// A connection string, well written and otherwise. Nobody listens there.
fn words() -> Vec<String> {
    let forms = [
        "mqtt://lena:PASSWORD@127.0.0.1:1",
        "ws://lena:PASSWORD@127.0.0.1:1/mqtt?x=y#z",
        "mqxx://lena:PASSWORD@@127.0.0.1:99999",
        "mqtt:/lena:PASSWORD@local host",
        "lena:PASSWORD@127.0.0.1",
        "mqtt://lena:a PASSWORD@127.0.0.1:1",
        "mqtt%3A%2F%2Flena%3APASSWORD%40127.0.0.1",
        "mqtt://lena:PASSWORD",
    ];
    forms
        .iter()
        .map(|form| form.replace("PASSWORD", PASSWORD))
        .collect()
}

/// Every request in which `word` stands where it does not belong, and some where it does.
fn requests(word: &str) -> Vec<Value> {
    let uri = |method: &str, uri: String| json!({"method": method, "params": {"uri": uri}});
    let call = |tool: &str, arguments: Value| json!({"method": "tools/call", "params": {"name": tool, "arguments": arguments}});
    let topic = |topic: String| call("list_topics", json!({"session_id": "none", "topic": topic}));
    let argument = json!({"name": word, "value": word});
    vec![
        json!({"method": format!("nope {word}")}),
        json!({"method": word}),
        json!({"method": "prompts/get", "params": {"name": word}}),
        json!({"method": "prompts/get", "params": {"name": "explore_broker", "arguments": {word: "x"}}}),
        json!({"method": "prompts/get", "params": {"name": "diagnose_device", "arguments": {"device": word, "broker": word}}}),
        json!({"method": "completion/complete", "params": {"ref": {"type": "ref/prompt", "name": word}, "argument": argument}}),
        uri("resources/read", word.to_owned()),
        uri("resources/read", format!("mqtt://sessions/{word}")),
        uri("resources/subscribe", word.to_owned()),
        call(word, json!({})),
        call("ping", json!({word: 1})),
        call("establish_connection", json!({"connection_string": word})),
        call(
            "establish_connection",
            json!({"connection_string": {"a": word}}),
        ),
        call(
            "establish_connection",
            json!({"connection_string": word, "protocol": word}),
        ),
        call(
            "establish_connection",
            json!({"connection_string": word, "watch": [word, "a#"]}),
        ),
        call("establish_connection", json!({"connection_strin": word})),
        call("close_connection", json!({"session_id": word})),
        call(
            "publish_message",
            json!({"session_id": "none", "topic": format!("{word}/#"), "payload": "1"}),
        ),
        topic(format!("{word}/#x")),
        topic(format!("{word}/{}", "y".repeat(600))),
        topic(word.to_owned()),
    ]
}

/// What the program says to these lines: replies, as many as are expected, then its log.
fn said(lines: String, replies: usize) -> (Vec<String>, String) {
    let mut log = tempfile::tempfile().unwrap();
    let arguments = [
        "--log",
        "trace",
        "--set",
        "max_requests=1024",
        "--set",
        "connect_timeout=1",
    ];
    let mut child = program(&arguments)
        .stderr(log.try_clone().unwrap())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || {
        stdin.write_all(lines.as_bytes()).unwrap();
        stdin
    });
    let told = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let told = told.filter(|line| line.contains("\"id\":"));
    let told = told.take(replies).collect();
    drop(writer.join().unwrap());
    assert!(child.wait().unwrap().success());
    let mut text = String::new();
    log.seek(SeekFrom::Start(0)).unwrap();
    log.read_to_string(&mut text).unwrap();
    (told, text)
}

#[test]
fn a_password_comes_back_nowhere() {
    let hello = json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}}});
    let mut input = format!("{hello}\n");
    let mut asked = 0;
    for word in words() {
        for mut request in requests(&word) {
            request["jsonrpc"] = json!("2.0");
            request["id"] = json!(asked);
            input += &format!("{request}\n");
            asked += 1;
        }
    }
    // As an id it cannot come back; in a line that is no JSON it is not shown.
    let word = &words()[0];
    input += &format!(
        "{}\n",
        json!({"jsonrpc": "2.0", "id": word, "method": "ping"})
    );
    input += &format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{word}\n");
    let (replies, log) = said(input, asked + 3);
    assert_eq!(replies.len(), asked + 3);
    for line in replies.iter().map(String::as_str).chain(log.lines()) {
        assert!(!line.contains(PASSWORD), "{line}");
    }
    assert!(log.contains("outcome="), "calls leave a line in the log");
}
