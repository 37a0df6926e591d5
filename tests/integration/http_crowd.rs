//! Many connections at once: who takes all places of an address takes none of another, and memory stays bounded.
#![cfg(target_os = "linux")] // where every 127.x is an address of this machine

use crate::support::client::SOON;
use crate::support::service::{Service, read_answer};
use socket2::{Domain, Socket, Type};
use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

/// A connection that comes from 127.0.0.`last`.
fn from(last: u8, service: &Service) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let address = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0));
    socket.bind(&address.into()).unwrap();
    socket.connect(&service.address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}

fn healthy(service: &Service, last: u8) -> bool {
    let mut stream = from(last, service);
    let host = service.address;
    let asked =
        stream.write_all(format!("GET /health HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes());
    let answer = asked
        .ok()
        .and_then(|()| read_answer(&mut BufReader::new(stream)));
    answer.is_some_and(|answer| answer.status == 200)
}

#[test]
fn two_thousand_idle_connections_of_one_address_take_no_place_of_another() {
    // They are idle for longer than the test lasts.
    let service = Service::start(&[
        "--set",
        "http_head_time=300",
        "--set",
        "http_keep_alive=300",
    ]);
    assert!(healthy(&service, 1));
    let before = service.memory();
    let mut kept = Vec::new();
    for number in 0..2_000 {
        let mut stream = from(2, &service);
        if number < 32 {
            // Half a head: its place is taken for as long as it may last.
            stream.write_all(b"GET /health HTTP/1.1\r\n").unwrap();
            kept.push(stream);
            continue;
        }
        // Closed at once, with or without a reset.
        assert!(
            !matches!(stream.read(&mut [0]), Ok(1..)),
            "{number} was served"
        );
    }
    assert!(!healthy(&service, 2));
    assert!(healthy(&service, 3));
    // Each of the 32 has buffers of some 16 KiB; all that were refused leave nothing.
    let grown = service.memory().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes");
    drop(kept);
    let back = (0..2_000).any(|_| healthy(&service, 2));
    assert!(back, "the places did not come back");
}

#[test]
fn bodies_that_come_slowly_are_refused_and_answers_nobody_reads_are_dropped() {
    let service = Service::start(&[
        "--set",
        "http_body_time=0.5",
        "--set",
        "http_write_time=0.5",
    ]);
    let slow: Vec<_> = (0..16u8)
        .map(|_| {
            let mut stream = from(2, &service);
            let head = service.head(
                "POST",
                "/api/log-call",
                &[("content-type", "application/json")],
            );
            stream
                .write_all(format!("{head}content-length: 900\r\n\r\n{{").as_bytes())
                .unwrap();
            stream
        })
        .collect();
    // Requests without end whose answers nobody takes: the service closes, as writing gets nowhere.
    let mut deaf = from(3, &service);
    deaf.set_write_timeout(Some(SOON)).unwrap();
    let asked = format!("{}\r\n", service.head("GET", "/api/openapi.json", &[]));
    let mut asking = 0;
    while deaf.write_all(asked.as_bytes()).is_ok() {
        asking += 1;
        assert!(
            asking < 1_000_000,
            "answers without a reader are kept without end"
        );
    }
    for stream in slow {
        let answer = read_answer(&mut BufReader::new(stream)).expect("an answer");
        assert_eq!(answer.status, 408);
    }
    assert!(healthy(&service, 2));
}
