//! `--page`: the monitor beside standard input and output; without it there is neither port nor thread.

use crate::support::Client;
use crate::support::client::SOON;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Status and body.
fn get(address: &str, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let head =
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, body.to_owned())
}

fn started(arguments: &[&str]) -> (Client, Value) {
    let mut client = Client::start(arguments);
    client.initialize("2025-11-25");
    let pong = client.call("ping", json!({}))["structuredContent"].clone();
    (client, pong)
}

#[test]
fn a_page_shows_what_the_only_assistant_does() {
    let (mut client, pong) = started(&["--page"]);
    let link = pong["page"].as_str().unwrap();
    let (address, token) = link
        .strip_prefix("http://")
        .unwrap()
        .split_once("/#key=")
        .unwrap();
    assert!(
        address.starts_with("127.0.0.1:") && token.len() == 43,
        "{link}"
    );
    assert!(client.stderr().contains(link));
    let (status, page) = get(address, "/", "");
    assert!(status == 200 && page.contains("<title>MQTT monitor</title>"));
    assert_eq!(get(address, "/api/calls", "").0, 401);
    let bearer = format!("authorization: Bearer {token}\r\n");
    let (status, calls) = get(address, "/api/calls", &bearer);
    let calls: Value = serde_json::from_str(&calls).unwrap();
    assert_eq!(
        (status, &calls[0]["tool"]),
        (200, &json!("ping")),
        "{calls}"
    );
    let service = get(address, "/api/metrics", &bearer).1;
    let service: Value = serde_json::from_str(&service).unwrap();
    assert_eq!(service["service"]["alone"], true);
    // It is a page, and no way in for assistants.
    for path in ["/mcp", "/relay"] {
        assert_eq!(get(address, path, &bearer).0, 404, "{path}");
    }
    // A second one finds another port; its token is another, too.
    let (other, pong) = started(&["--page"]);
    let second = pong["page"].as_str().unwrap();
    assert!(
        !second.contains(address) && !second.contains(token),
        "{second}"
    );
    drop(other);
    client.end_input();
    assert!(client.wait(SOON).success());
    assert!(TcpStream::connect(address).is_err());
}

/// Sockets that this process listens on, and its threads.
#[cfg(target_os = "linux")]
fn looks(id: u32) -> (usize, usize) {
    let links = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap();
    let links = links.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
    let open: Vec<_> = links.map(|it| it.display().to_string()).collect();
    let listening = ["tcp", "tcp6"].map(|table| {
        let table = std::fs::read_to_string(format!("/proc/{id}/net/{table}")).unwrap();
        // State 0A is LISTEN; the tenth column is the socket's number.
        let rows = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        let rows = rows.filter(|row| row.get(3) == Some(&"0A"));
        rows.filter(|row| open.contains(&format!("socket:[{}]", row[9])))
            .count()
    });
    let threads = std::fs::read_dir(format!("/proc/{id}/task"))
        .unwrap()
        .count();
    (listening.iter().sum(), threads)
}

#[cfg(target_os = "linux")]
#[test]
fn without_it_nothing_listens_and_no_thread_more_is_there() {
    let (plain, pong) = started(&[]);
    assert!(pong.get("page").is_none(), "{pong}");
    let (listening, threads) = looks(plain.process());
    assert_eq!(listening, 0);
    let (paged, _) = started(&["--page"]);
    let (listening, more) = looks(paged.process());
    assert_eq!(listening, 1);
    assert!(threads <= more, "{threads} {more}");
}
