//! `serve` as a program: its token, its files, its Unix socket, its end.

use crate::support::client::{SOON, run};
use crate::support::mosquitto::Mosquitto;
use crate::support::service::{Service, token_file};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_are_for_their_owner_alone_and_the_token_stays() {
    let service = Service::start(&[]);
    let home = service.home();
    let token = token_file(home.path());
    assert_eq!((service.token.len(), mode(&token)), (43, 0o600));
    assert_eq!(mode(token.parent().unwrap()), 0o700);
    assert_eq!(mode(&service.socket()), 0o600);
    assert_eq!(mode(service.socket().parent().unwrap()), 0o700);
    assert!(!service.stderr().contains(&service.token));
    let first = service.token.clone();
    drop(service);
    // A socket that nobody serves any more is no obstacle.
    let again = Service::start_in(&home, &[], &[]);
    assert_eq!(again.token, first);
    assert!(UnixStream::connect(again.socket()).is_ok());
    drop(again);
    let new = Service::start_in(&home, &["--new-token"], &[]);
    assert_ne!(new.token, first);
    assert_eq!(new.modern("server/discover", json!({})).status, 200);
}

#[test]
fn a_token_may_come_from_the_environment() {
    let home = Arc::new(tempfile::tempdir().unwrap());
    let given = [("BITSPERITY_MQTT_TOKEN", "short")];
    let service = Service::start_in(&home, &[], &given);
    assert_eq!(service.modern("server/discover", json!({})).status, 200);
    assert!(!token_file(home.path()).exists());
    drop(service);
    let outside = ["serve", "--set", "listen=0.0.0.0:0"];
    let folder = home.path().to_str().unwrap();
    let (code, _, error) = run(&outside, &[given[0], ("HOME", folder)]);
    assert_eq!(code, Some(1));
    assert!(
        error.contains("32 characters") && !error.contains("short"),
        "{error}"
    );
    let (code, _, error) = run(&["serve", "--new-token"], &[given[0], ("HOME", folder)]);
    assert_eq!(code, Some(1));
    assert!(error.contains("BITSPERITY_MQTT_TOKEN"), "{error}");
}

#[test]
fn an_address_in_use_is_said_with_a_way_out() {
    let service = Service::start(&[]);
    let listen = format!("listen={}", service.address);
    let home = tempfile::tempdir().unwrap();
    let environment = [("HOME", home.path().to_str().unwrap())];
    let (code, _, error) = run(&["serve", "--set", &listen], &environment);
    assert_eq!(code, Some(1));
    assert!(error.contains("--set listen="), "{error}");
}

/// One line out, one line in.
fn ask(stream: &UnixStream, message: &Value) -> Value {
    let mut writer = stream;
    writer.write_all(format!("{message}\n").as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[test]
fn the_socket_speaks_as_standard_input_and_output_do() {
    let service = Service::start(&["--set", "max_line=4096"]);
    let [one, other] = [(); 2].map(|()| {
        let stream = UnixStream::connect(service.socket()).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream
    });
    let ping = json!({"jsonrpc": "2.0", "id": "a", "method": "ping"});
    assert_eq!(
        ask(&one, &ping),
        json!({"jsonrpc": "2.0", "id": "a", "result": {}})
    );
    let long = json!({"jsonrpc": "2.0", "id": 1, "method": "x".repeat(5_000)});
    assert!(
        ask(&one, &long)["error"]["message"]
            .as_str()
            .unwrap()
            .contains("max_line")
    );
    let broker = Mosquitto::plain();
    let call = |stream, name: &str, arguments| {
        let params = json!({"name": name, "arguments": arguments,
            "_meta": crate::support::client::envelope()});
        ask(
            stream,
            &json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}),
        )
    };
    let made = call(
        &one,
        "establish_connection",
        json!({"connection_string": broker.url()}),
    );
    let id = &made["result"]["structuredContent"]["session_id"];
    assert!(id.is_string(), "{made}");
    let refused = call(&other, "close_connection", json!({"session_id": id}));
    assert_eq!(refused["result"]["isError"], true);
    // What is asked before the end of the input is answered.
    let mut writer = &other;
    writer
        .write_all(format!("{ping}\n{ping}").as_bytes())
        .unwrap();
    other.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(
        BufReader::new(&other).lines().map_while(Result::ok).count(),
        2
    );
}

#[test]
fn a_second_service_leaves_the_socket_of_the_first_alone() {
    let first = Service::start(&[]);
    let second = Service::start_in(&first.home(), &[], &[]);
    assert!(
        second
            .stderr()
            .contains("another service listens there already")
    );
    drop(second);
    assert!(UnixStream::connect(first.socket()).is_ok());
}

#[test]
fn at_the_end_calls_hand_in_what_they_have_and_files_are_removed() {
    let broker = Mosquitto::plain();
    let mut service = Service::start(&[]);
    let session = service.initialize("2025-11-25");
    let made = service.call(
        &session,
        "establish_connection",
        json!({"connection_string": broker.url()}),
    );
    let arguments = json!({"session_id": made["session_id"], "topic": "#", "duration": 30});
    let answer = std::thread::scope(|scope| {
        let params = json!({"name": "subscribe_and_collect", "arguments": arguments});
        let asking = scope.spawn(|| service.ask(&session, "tools/call", params));
        broker.wait_for_log("SUBSCRIBE");
        service.signal("-TERM");
        asking.join().unwrap()
    });
    assert_eq!(answer.json()["id"], 7, "{answer:?}");
    assert_eq!(service.wait().code(), Some(0));
    assert!(!service.socket().exists());
}
