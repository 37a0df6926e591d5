//! What HTTP refuses: requests that are not well formed, from the wrong place, without the token, too long or too slow.

use crate::support::client::SOON;
use crate::support::service::{Service, read_answer};
use serde_json::json;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// Every refusal is JSON that says something.
fn refused(service: &Service, request: &str) -> u16 {
    let answer = service.raw(request.as_bytes());
    let answer = answer.unwrap_or_else(|| panic!("closed without a word: {request}"));
    if answer.header("content-type").is_some() {
        let error = &answer.json()["error"];
        assert!(
            error["message"].as_str().is_some_and(|it| it.len() > 10),
            "{answer:?}"
        );
    }
    answer.status
}

#[test]
fn only_the_token_lets_in_and_only_as_a_header() {
    let service = Service::start(&[]);
    let (host, token) = (service.address, service.token.clone());
    let ask = |path: &str, header: &str| {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\n{header}content-length: 2\r\n\r\n{{}}"
        );
        let answer = service.raw(request.as_bytes()).unwrap();
        let challenge = answer
            .header("www-authenticate")
            .unwrap_or_default()
            .to_owned();
        assert!(!challenge.contains("resource_metadata"));
        if answer.status == 401 {
            assert_eq!(answer.json()["jsonrpc"], "2.0");
            assert!(challenge.starts_with("Bearer "));
        }
        (answer.status, challenge.contains("invalid_token"))
    };
    assert_eq!(ask("/mcp", ""), (401, false));
    assert_eq!(ask(&format!("/mcp?token={token}"), ""), (401, false));
    assert_eq!(ask("/relay", ""), (401, false));
    let wrong = [
        format!("authorization: {token}\r\n"),
        format!("authorization: Basic {token}\r\n"),
        format!("authorization: Bearer {token}x\r\n"),
        format!("authorization: Bearer {}\r\n", &token[1..]),
        format!("authorization: Bearer {token}\r\n").repeat(2),
        "authorization: Bearer\r\n".to_owned(),
    ];
    for header in wrong {
        assert_eq!(ask("/mcp", &header), (401, true), "{header}");
    }
    // The words of the scheme are not case-sensitive; the token is.
    assert_eq!(
        ask("/mcp", &format!("authorization: bearer {token}\r\n")).0,
        415
    );
    // Before the method is looked at.
    let get = format!("GET /mcp HTTP/1.1\r\nhost: {host}\r\n\r\n");
    assert_eq!(refused(&service, &get), 401);
    assert!(!service.stderr().contains(&token));
}

#[test]
fn a_foreign_host_or_origin_is_refused_everywhere() {
    let service = Service::start(&[
        "--set",
        "allowed_hosts=box.lan",
        "--set",
        "allowed_origins=https://good.example",
    ]);
    let (port, token) = (service.address.port(), &service.token);
    for path in ["/health", "/mcp", "/relay", "/", "/api/calls"] {
        let ask = |headers: &str| {
            let auth = format!("authorization: Bearer {token}\r\n");
            refused(
                &service,
                &format!("DELETE {path} HTTP/1.1\r\n{auth}{headers}\r\n"),
            )
        };
        for host in [
            String::new(),
            "host: evil.example\r\n".to_owned(),
            format!("host: evil.example:{port}\r\n"),
            "host: 127.0.0.1:1\r\n".to_owned(),
            format!("host: 127.0.0.1:{port}\r\nhost: evil.example\r\n"),
            format!("host: 127.0.0.1:{port}@evil\r\n"),
            format!("host: 127.0.0.1.evil.example:{port}\r\n"),
        ] {
            let status = ask(&host);
            assert!([421, 400].contains(&status), "{path} {host}: {status}");
        }
        for host in [
            format!("127.0.0.1:{port}"),
            format!("localhost:{port}"),
            "box.lan".to_owned(),
            "BOX.lan:80".to_owned(),
        ] {
            assert!(
                ![421, 403].contains(&ask(&format!("host: {host}\r\n"))),
                "{host}"
            );
        }
        let host = format!("host: 127.0.0.1:{port}\r\n");
        for origin in ["null", "http://evil.example", "http://good.example"] {
            assert_eq!(
                ask(&format!("{host}origin: {origin}\r\n")),
                403,
                "{path} {origin}"
            );
        }
        assert_ne!(ask(&format!("{host}origin: https://good.example\r\n")), 403);
        let own = ask(&format!("{host}origin: http://127.0.0.1:{port}\r\n"));
        assert_eq!(own == 403, ["/mcp", "/relay"].contains(&path), "{path}");
    }
}

#[test]
fn what_is_malformed_is_refused_and_the_next_request_is_served() {
    let service = Service::start(&[]);
    let host = service.address;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    for path in [
        "/x/../health",
        "/x/%2e%2e/health",
        "//health",
        "/x%2Fhealth",
        "/x%5chealth",
    ] {
        assert_eq!(refused(&service, &get(path)), 400, "{path}");
    }
    assert_eq!(
        refused(&service, &get(&format!("http://{host}/health"))),
        400
    );
    assert_eq!(
        refused(
            &service,
            &format!("OPTIONS * HTTP/1.1\r\nhost: {host}\r\n\r\n")
        ),
        400
    );
    assert_eq!(
        refused(&service, &get("/.well-known/oauth-protected-resource")),
        404
    );
    let old = service.head("GET", "/sse", &[]) + "\r\n";
    assert_eq!(refused(&service, &old), 404);
    assert_eq!(
        refused(
            &service,
            &format!("POST /health HTTP/1.1\r\nhost: {host}\r\n\r\n")
        ),
        405
    );
    let post = service.head("POST", "/mcp", &[("content-type", "application/json")]);
    let coded = |coding: &str| format!("{post}transfer-encoding: {coding}\r\n\r\n0\r\n\r\n");
    assert_eq!(refused(&service, &coded("gzip, chunked")), 501);
    assert_eq!(
        refused(&service, &format!("{post}content-length: 5000000\r\n\r\n")),
        413
    );
    for body in [
        "",
        "{oops",
        "[]",
        "17",
        "{}",
        "{\"jsonrpc\":\"2.0\",\"id\":1}",
        "\u{0}",
    ] {
        let length = body.len();
        let status = refused(
            &service,
            &format!("{post}content-length: {length}\r\n\r\n{body}"),
        );
        assert_eq!(status, 400, "{body}");
    }
    let bad = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";
    let length = bad.len();
    let typed = service.head("POST", "/mcp", &[("content-type", "text/plain")]);
    assert_eq!(
        refused(
            &service,
            &format!("{typed}content-length: {length}\r\n\r\n{bad}")
        ),
        415
    );
    let html = service.head(
        "POST",
        "/mcp",
        &[
            ("content-type", "application/json"),
            ("accept", "text/html"),
        ],
    );
    assert_eq!(
        refused(
            &service,
            &format!("{html}content-length: {length}\r\n\r\n{bad}")
        ),
        406
    );
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost : x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\n folded\r\n\r\n",
        b"POST /mcp HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"POST /mcp HTTP/1.1\r\ncontent-length: +3\r\n\r\nabc",
        b"GET /\0 HTTP/1.1\r\n\r\n",
    ] {
        let answer = service.raw(bytes);
        assert!(answer.is_none_or(|it| it.status >= 400), "{bytes:?}");
    }
    let foreign = format!("GET /health HTTP/1.1\r\nhost: {host}\r\nx-name: \u{e9}\r\n\r\n");
    assert_eq!(service.raw(foreign.as_bytes()).unwrap().status, 200);
    let long = format!(
        "GET /health HTTP/1.1\r\nhost: {host}\r\nx: {}\r\n\r\n",
        "y".repeat(20_000)
    );
    assert!(
        service
            .raw(long.as_bytes())
            .is_none_or(|it| it.status == 431)
    );
    assert_eq!(service.raw(get("/health").as_bytes()).unwrap().status, 200);
}

/// Reads until the other side closes.
fn closes(mut stream: TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => rest,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => rest,
        Err(error) => panic!("still open: {error}"),
    }
}

#[test]
fn the_slow_are_closed_and_say_so_where_they_can_hear() {
    let settings = [
        "http_head_time=0.3",
        "http_body_time=0.3",
        "http_keep_alive=0.3",
        "http_write_time=0.5",
    ];
    let settings: Vec<_> = settings.iter().flat_map(|it| ["--set", *it]).collect();
    let service = Service::start(&settings);
    let host = service.address;
    assert!(closes(service.connect()).is_empty(), "nothing is sent");
    let mut slow = service.connect();
    slow.write_all(b"GET /health HTTP/1.1\r\nhost:").unwrap();
    closes(slow);
    let mut idle = service.connect();
    idle.write_all(format!("GET /health HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes())
        .unwrap();
    let answered = closes(idle);
    assert!(answered.starts_with(b"HTTP/1.1 200"));
    let post = service.head("POST", "/mcp", &[("content-type", "application/json")]);
    let answer = service.raw(format!("{post}content-length: 10\r\n\r\n{{").as_bytes());
    assert_eq!(answer.unwrap().status, 408);
    // Who asks much and reads nothing is let go.
    let mut deaf = service.connect();
    let ask = service.head("GET", "/health", &[]) + "\r\n";
    let deadline = Instant::now() + SOON;
    while deaf.write_all(ask.repeat(100).as_bytes()).is_ok() {
        assert!(Instant::now() < deadline, "still served");
    }
}

#[test]
fn connections_are_bounded_and_their_places_come_back() {
    let service = Service::start(&["--set", "http_connections_per_address=4"]);
    let held: Vec<_> = (0..4).map(|_| service.connect()).collect();
    let health = service.head("GET", "/health", &[]) + "\r\n";
    // The four are accepted before the fifth, which is closed.
    assert!(service.raw(health.as_bytes()).is_none());
    drop(held);
    let deadline = Instant::now() + SOON;
    while service.raw(health.as_bytes()).is_none() {
        assert!(Instant::now() < deadline, "no place came free");
    }
}

#[test]
fn sessions_are_bounded_and_the_oldest_gives_way() {
    let service = Service::start(&["--set", "http_clients=2"]);
    let first = service.initialize("2025-11-25");
    for _ in 0..5 {
        service.initialize("2025-11-25");
    }
    // It is ours, and opens again, empty.
    assert_eq!(service.ask(&first, "ping", json!({})).status, 200);
    for id in [
        "",
        "x",
        &first[1..],
        &first.replace(&first[..4], "AAAA"),
        &"A".repeat(72),
    ] {
        let status = service.ask(id, "ping", json!({})).status;
        assert!([400, 404].contains(&status), "{id}: {status}");
    }
}

#[test]
fn a_request_is_not_smuggled_behind_another() {
    let service = Service::start(&[]);
    let host = service.address;
    let mut stream = service.connect();
    let inner = format!("GET /health HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let length = inner.len();
    // Refused before its body is read: what follows is not taken as a request.
    stream
        .write_all(
            format!(
                "POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n{inner}"
            )
            .as_bytes(),
        )
        .unwrap();
    let mut reader = BufReader::new(stream);
    assert_eq!(read_answer(&mut reader).unwrap().status, 401);
    assert!(read_answer(&mut reader).is_none());
}
