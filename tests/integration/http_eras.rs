//! MCP over HTTP in both eras: what is answered, by which status, as JSON or as a stream, and who belongs to which session.

use crate::support::client::SOON;
use crate::support::mosquitto::Mosquitto;
use crate::support::service::{Service, modern, read_answer, read_chunk, read_head};
use serde_json::{Value, json};
use std::io::{BufReader, Write};
use std::time::Instant;

/// Of the first session of a service.
fn establish(service: &Service, session: &str, broker: &Mosquitto) -> String {
    let arguments = json!({"connection_string": broker.url()});
    let made = service.call(session, "establish_connection", arguments);
    made["session_id"]
        .as_str()
        .unwrap_or_else(|| panic!("{made}"))
        .to_owned()
}

fn open(service: &Service, session: &str) -> usize {
    let listed = service.call(session, "list_active_connections", json!({}));
    listed["sessions"].as_array().expect("a list").len()
}

#[test]
fn a_legacy_session_goes_from_initialize_to_delete() {
    let service = Service::start(&[]);
    for revision in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let session = service.initialize(revision);
        assert!(session.bytes().all(|byte| byte.is_ascii_graphic()));
        let header = [("mcp-session-id", session.as_str())];
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        // Some clients send it without their session.
        for headers in [&header[..], &[]] {
            let answer = service.post(headers, &ready);
            assert_eq!((answer.status, answer.body.len()), (202, 0));
        }
        let answer = service.ask(&session, "tools/list", json!({}));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.json()["result"].get("resultType").is_none());
        // An error of a valid request is no error of HTTP: 404 would end the session.
        let unknown = service.ask(&session, "no/such", json!({}));
        assert_eq!(
            (unknown.status, &unknown.json()["error"]["code"]),
            (200, &json!(-32601))
        );
        assert_eq!(service.request("DELETE", "/mcp", &header, "").status, 204);
        let late = service.ask(&session, "ping", json!({}));
        assert_eq!(late.status, 404);
        assert!(
            late.json()["error"]["message"]
                .as_str()
                .unwrap()
                .contains("initialize")
        );
    }
}

#[test]
fn batches_live_in_their_revision_only() {
    let service = Service::start(&[]);
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "ping"},
    ]);
    let old = service.initialize("2025-03-26");
    let answer = service.post(&[("mcp-session-id", &old)], &batch);
    assert_eq!(
        (answer.status, answer.json().as_array().map(Vec::len)),
        (200, Some(2))
    );
    let quiet = json!([{"jsonrpc": "2.0", "method": "notifications/initialized"}]);
    assert_eq!(
        service.post(&[("mcp-session-id", &old)], &quiet).status,
        202
    );
    let new = service.initialize("2025-11-25");
    let answer = service.post(&[("mcp-session-id", &new)], &batch);
    assert!(
        answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("2025-03-26")
    );
    assert_eq!(service.post(&[], &batch).status, 400);
}

#[test]
fn a_modern_request_stands_alone_and_its_status_says_what_is_wrong() {
    let service = Service::start(&[]);
    let answer = service.modern("server/discover", json!({}));
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json()["result"]["supportedVersions"],
        json!(["2026-07-28"])
    );
    assert_eq!(answer.header("mcp-session-id"), None);
    let answer = service.modern("tools/call", json!({"name": "ping"}));
    assert_eq!(answer.json()["result"]["resultType"], "complete");
    let status = |method, params| {
        let answer = service.modern(method, params);
        (
            answer.status,
            answer.json()["error"]["code"].as_i64().unwrap(),
        )
    };
    assert_eq!(status("no/such", json!({})), (404, -32601));
    assert_eq!(status("initialize", json!({})), (404, -32601));
    assert_eq!(
        status("tools/call", json!({"name": "no_such"})),
        (400, -32602)
    );
    // Without a word of its era in the body, or with another version, or with other headers.
    let (headers, message) = modern(1, "tools/list", json!({}));
    let headers: Vec<_> = headers.iter().map(|(a, b)| (*a, b.as_str())).collect();
    let code = |headers: &[(&str, &str)], message: &Value| {
        let answer = service.post(headers, message);
        let error = answer.json();
        (answer.status, error["error"]["code"].as_i64().unwrap())
    };
    let bare = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    assert_eq!(code(&headers, &bare), (400, -32602));
    assert_eq!(code(&[], &bare), (400, -32602));
    assert_eq!(code(&[], &message), (400, -32020));
    assert_eq!(
        code(&[headers[0], ("mcp-method", "ping")], &message),
        (400, -32020)
    );
    let mut future = message.clone();
    future["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2031-01-01");
    let named = [("mcp-protocol-version", "2031-01-01"), headers[1]];
    assert_eq!(code(&named, &future), (400, -32022));
    // Neither sessions nor GET nor responses exist here.
    for method in ["GET", "DELETE"] {
        let answer = service.request(method, "/mcp", &[headers[0]], "");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    }
    let response = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
    assert_eq!(service.post(&[headers[0]], &response).status, 400);
}

#[test]
fn what_takes_long_becomes_a_stream_with_progress_that_ends_with_its_answer() {
    let broker = Mosquitto::plain();
    let service = Service::start(&[]);
    let session = service.initialize("2025-11-25");
    let id = establish(&service, &session, &broker);
    let arguments = json!({"session_id": id, "topic": "quiet/#", "duration": 3});
    let params = json!({"name": "subscribe_and_collect", "arguments": arguments,
        "_meta": {"progressToken": "p"}});
    let answer = service.ask(&session, "tools/call", params.clone());
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert!(!answer.text().contains("id:") && answer.text().starts_with("event: message\n"));
    let events = answer.events();
    let (last, before) = events.split_last().unwrap();
    assert_eq!(last["id"], 7);
    assert!(!before.is_empty() && before.iter().all(|it| it["params"]["progressToken"] == "p"));
    // Who takes only JSON gets that, however long it takes.
    let only = [
        ("content-type", "application/json"),
        ("mcp-session-id", session.as_str()),
    ];
    let message = json!({"jsonrpc": "2.0", "id": 8, "method": "tools/call", "params": params});
    let answer = service.request("POST", "/mcp", &only, &message.to_string());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["id"], 8);
}

#[test]
fn nobody_sees_or_uses_the_sessions_of_another() {
    let broker = Mosquitto::plain();
    let service = Service::start(&["--set", "max_sessions=2", "--set", "max_sessions_all=3"]);
    let [one, other] = [(); 2].map(|()| service.initialize("2025-11-25"));
    let id = establish(&service, &one, &broker);
    assert_eq!((open(&service, &one), open(&service, &other)), (1, 0));
    for (tool, arguments) in [
        ("list_topics", json!({"session_id": id, "duration": 1})),
        (
            "publish_message",
            json!({"session_id": id, "topic": "a", "payload": "b"}),
        ),
        ("close_connection", json!({"session_id": id})),
    ] {
        let refused = service.call(&other, tool, arguments.clone());
        assert_eq!(refused["code"], "unknown_session", "{refused}");
        let params = json!({"name": tool, "arguments": arguments});
        let modern = service.modern("tools/call", params).json();
        assert_eq!(modern["result"]["isError"], true, "{modern}");
    }
    let uri = format!("mqtt://{id}/status");
    let read = service
        .ask(&other, "resources/read", json!({"uri": uri}))
        .json();
    assert_eq!(read["error"]["code"], -32002);
    assert_eq!(open(&service, &one), 1);
    // Two each, three together.
    establish(&service, &one, &broker);
    establish(&service, &other, &broker);
    let arguments = json!({"connection_string": broker.url()});
    for (session, whose) in [(&one, "close_connection"), (&other, "max_sessions_all")] {
        let refused = service.call(session, "establish_connection", arguments.clone());
        assert_eq!(refused["code"], "too_many_sessions");
        assert!(refused.to_string().contains(whose), "{refused}");
    }
    // What its assistant leaves behind is closed, and its places are free.
    service.request("DELETE", "/mcp", &[("mcp-session-id", &one)], "");
    let deadline = Instant::now() + SOON;
    while service
        .call(&other, "establish_connection", arguments.clone())
        .get("code")
        .is_some()
    {
        assert!(Instant::now() < deadline, "no place came free");
    }
}

#[test]
fn news_of_a_session_come_by_get_and_to_all_who_wait() {
    let broker = Mosquitto::plain();
    let service = Service::start(&[]);
    let [one, other] = [(); 2].map(|()| service.initialize("2025-11-25"));
    let streams = [&one, &other].map(|session| {
        let headers = [
            ("mcp-session-id", session.as_str()),
            ("accept", "text/event-stream"),
        ];
        let mut stream = service.connect();
        let head = service.head("GET", "/mcp", &headers);
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        assert_eq!(read_head(&mut reader).unwrap().0, 200);
        reader
    });
    establish(&service, &one, &broker);
    establish(&service, &other, &broker);
    for mut stream in streams {
        let event = read_chunk(&mut stream).expect("news");
        let event = String::from_utf8(event).unwrap();
        assert!(
            event.contains("notifications/resources/list_changed"),
            "{event}"
        );
    }
    // Its end ends the stream.
    let headers = [
        ("mcp-session-id", one.as_str()),
        ("accept", "text/event-stream"),
    ];
    let mut stream = service.connect();
    let head = service.head("GET", "/mcp", &headers);
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    read_head(&mut reader).unwrap();
    service.request("DELETE", "/mcp", &headers, "");
    while let Some(chunk) = read_chunk(&mut reader) {
        assert!(String::from_utf8(chunk).unwrap().contains("list_changed"));
    }
}

#[test]
fn a_modern_client_that_goes_cancels_and_a_legacy_one_does_not() {
    let broker = Mosquitto::plain();
    let service = Service::start(&["--log", "info"]);
    let session = service.initialize("2025-11-25");
    let id = establish(&service, &session, &broker);
    let arguments = json!({"connection_string": broker.url()});
    let params = json!({"name": "establish_connection", "arguments": arguments});
    let made = service.modern("tools/call", params).json();
    let alone = &made["result"]["structuredContent"]["session_id"];
    let listen = |id: &Value| {
        json!({"name": "subscribe_and_collect",
        "arguments": {"session_id": id, "topic": "quiet/#", "duration": 4}})
    };
    let begin = |headers: &[(&str, &str)], message: &Value| {
        let usual = [
            ("content-type", "application/json"),
            ("accept", "text/event-stream"),
        ];
        let head = service.head("POST", "/mcp", &[&usual, headers].concat());
        let body = message.to_string();
        let mut stream = service.connect();
        let length = body.len();
        let request = format!("{head}content-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        assert_eq!(read_head(&mut reader).unwrap().0, 200);
        drop(reader);
    };
    let (headers, message) = modern(1, "tools/call", listen(alone));
    let headers: Vec<_> = headers.iter().map(|(a, b)| (*a, b.as_str())).collect();
    begin(&headers, &message);
    let waiting =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": listen(&json!(id))});
    begin(&[("mcp-session-id", &session)], &waiting);
    let deadline = Instant::now() + SOON;
    let ends = |outcome: &str| {
        let log = service.stderr();
        let mut calls = log
            .lines()
            .filter(|line| line.contains("subscribe_and_collect("));
        calls.any(|line| line.contains(outcome))
    };
    while !(ends("outcome=cancelled") && ends("outcome=ok")) {
        assert!(Instant::now() < deadline, "{}", service.stderr());
        std::thread::yield_now();
    }
}

#[test]
fn a_listener_is_acknowledged_first_and_told_of_the_end() {
    let mut service = Service::start(&[]);
    let (headers, message) = modern(
        3,
        "subscriptions/listen",
        json!({"notifications": {"resourceSubscriptions": ["mqtt://sessions"]}}),
    );
    let headers: Vec<_> = headers.iter().map(|(a, b)| (*a, b.as_str())).collect();
    let usual = [
        ("content-type", "application/json"),
        ("accept", "text/event-stream"),
    ];
    let head = service.head("POST", "/mcp", &[&usual, &headers[..]].concat());
    let body = message.to_string();
    let mut stream = service.connect();
    let length = body.len();
    stream
        .write_all(format!("{head}content-length: {length}\r\n\r\n{body}").as_bytes())
        .unwrap();
    let mut reader = BufReader::new(stream);
    read_head(&mut reader).unwrap();
    let first = String::from_utf8(read_chunk(&mut reader).unwrap()).unwrap();
    assert!(first.contains("subscriptions/acknowledged") && first.contains("mqtt://sessions"));
    service.signal("-TERM");
    let mut rest = String::new();
    while let Some(chunk) = read_chunk(&mut reader) {
        rest += &String::from_utf8(chunk).unwrap();
    }
    assert!(
        rest.contains("\"id\":3") && rest.contains("\"resultType\":\"complete\""),
        "{rest}"
    );
    assert_eq!(service.wait().code(), Some(0));
}

#[test]
fn a_session_survives_a_restart_but_not_another_token() {
    let first = Service::start(&[]);
    let session = first.initialize("2025-06-18");
    let home = first.home();
    drop(first);
    let second = Service::start_in(&home, &[], &[]);
    let answer = second.ask(&session, "tools/call", json!({"name": "ping"}));
    assert_eq!(answer.status, 200, "{answer:?}");
    drop(second);
    let third = Service::start_in(&home, &["--new-token"], &[]);
    assert_eq!(third.ask(&session, "ping", json!({})).status, 404);
}

#[test]
fn connections_are_kept_and_requests_on_them_are_answered_in_order() {
    let service = Service::start(&[]);
    let head = service.head("GET", "/health", &[]);
    let mut stream = service.connect();
    stream
        .write_all(format!("{head}\r\n").repeat(3).as_bytes())
        .unwrap();
    let mut reader = BufReader::new(stream);
    for _ in 0..3 {
        assert_eq!(
            read_answer(&mut reader).unwrap().json()["status"],
            "healthy"
        );
    }
}
