//! `--connect`: a host that only knows standard input and output, and a service that is there, away, or refuses.

use crate::support::Client;
use crate::support::client::{SOON, enveloped, run};
use crate::support::service::{Service, token_file};
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

const EXAMPLE: &str = "http://192.168.1.7:8090";

/// Both ways to a service: its Unix socket, and its address with the token's file.
fn ways(service: &Service) -> [(Vec<String>, String); 2] {
    let home = service.home();
    let run = home.path().join("run").display().to_string();
    let token = token_file(home.path()).display().to_string();
    let url = format!("http://{}", service.address);
    let remote = ["--connect", &url, "--token-file", &token].map(str::to_owned);
    [
        (vec!["--connect".to_owned()], run.clone()),
        (remote.to_vec(), run),
    ]
}

fn relay(way: &(Vec<String>, String)) -> Client {
    let arguments: Vec<_> = way.0.iter().map(String::as_str).collect();
    Client::start_in(&arguments, &[("XDG_RUNTIME_DIR", &way.1)])
}

#[test]
fn a_relayed_client_sees_what_one_alone_sees_in_both_eras() {
    let service = Service::start(&[]);
    let mut alone = Client::legacy("2025-11-25");
    let expected = alone.ask("tools/list", json!({}));
    for way in ways(&service) {
        let mut client = relay(&way);
        client.initialize("2025-11-25");
        assert_eq!(client.ask("tools/list", json!({})), expected);
        client.ask("server/discover", enveloped(json!({})));
        client.send_bytes(b"{oops\n");
        assert_eq!(client.next()["error"]["code"], -32700);
        let made = client.call("ping", json!({}));
        assert_eq!(made["structuredContent"]["sessions_open"], 0);
        // Asked before the end of the input, answered after it.
        let id = client.begin("ping", json!({}));
        client.end_input();
        client.reply(&id);
        assert_eq!(client.wait(SOON).code(), Some(0));
        assert_eq!(client.stderr(), "");
    }
}

#[test]
fn who_is_not_there_or_refuses_is_said_at_once_and_tried_again() {
    let service = Service::start(&[]);
    let [local, mut remote] = ways(&service);
    let home = service.home();
    let wrong = home.path().join("wrong");
    std::fs::write(&wrong, "wrong").unwrap();
    let right = std::mem::replace(&mut remote.0[3], wrong.display().to_string());
    let mut refused = relay(&remote);
    let error = refused.ask_wrongly("initialize", json!({"protocolVersion": "2025-11-25"}));
    let words = error["message"].as_str().unwrap();
    assert!(
        words.contains("401") && words.contains("--token-file"),
        "{words}"
    );
    // The file is read at the start; another relay has the right one.
    remote.0[3] = right;
    drop(service);
    for way in [&local, &remote] {
        let mut client = relay(way);
        let error = client.ask_wrongly("tools/list", enveloped(json!({})));
        assert!(
            error["message"].as_str().unwrap().contains("serve"),
            "{error}"
        );
        client.ask_wrongly("tools/list", enveloped(json!({})));
        // Once, however often it is tried.
        let deadline = Instant::now() + SOON;
        while client.stderr().is_empty() {
            assert!(Instant::now() < deadline, "nothing is said");
            std::thread::yield_now();
        }
        assert_eq!(client.stderr().lines().count(), 1, "{}", client.stderr());
    }
    let mut client = relay(&local);
    client.ask_wrongly("tools/list", enveloped(json!({})));
    let again = Service::start_in(&home, &[], &[]);
    client.ask("tools/list", enveloped(json!({})));
    drop(again);
}

#[test]
fn a_service_that_goes_answers_nobody_but_the_relay_does_and_the_session_goes_on() {
    let first = Service::start(&[]);
    let broker = crate::support::mosquitto::Mosquitto::plain();
    let [local, _] = ways(&first);
    let home = first.home();
    let mut client = relay(&local);
    client.initialize("2025-06-18");
    let session = client.establish(&broker.url());
    let arguments = json!({"session_id": session, "topic": "#", "duration": 30});
    let params = json!({"name": "subscribe_and_collect", "arguments": arguments});
    let id = client.begin("tools/call", params);
    client.expect_error_for(&id);
    broker.wait_for_log("SUBSCRIBE");
    first.signal("-KILL");
    let lost = client.reply(&id);
    assert!(
        lost["error"]["message"]
            .as_str()
            .unwrap()
            .contains("has gone"),
        "{lost}"
    );
    drop(first);
    let _second = Service::start_in(&home, &[], &[]);
    // Without another handshake of the host.
    client.ask("tools/list", json!({}));
    let listed = client.call("list_active_connections", json!({}));
    let sessions = listed["structuredContent"]["sessions"].as_array();
    assert_eq!(sessions.map(Vec::len), Some(0));
}

#[test]
fn what_connect_and_health_cannot_use_is_said() {
    for (url, words) in [("https://box", EXAMPLE), ("box:8090", EXAMPLE)] {
        for arguments in [["--connect", url], ["health", url]] {
            let (code, _, error) = run(&arguments, &[]);
            assert!(code == Some(1) && error.contains(words), "{error}");
        }
    }
    let (code, _, error) = run(
        &["--connect", "http://box", "--token-file", "/no/such"],
        &[],
    );
    assert!(code == Some(1) && error.contains("/no/such"), "{error}");
}

#[test]
fn health_tells_by_its_exit_code() {
    let home = Arc::new(tempfile::tempdir().unwrap());
    let service = Service::start_in(&home, &[], &[]);
    let url = format!("http://{}", service.address);
    let (code, _, said) = run(&["health", &url], &[]);
    assert!(code == Some(0) && said.contains("healthy"), "{said}");
    let listen = format!("listen={}", service.address);
    let (code, _, _) = run(&["health", "--set", &listen], &[]);
    assert_eq!(code, Some(0));
    drop(service);
    let (code, _, error) = run(&["health", &url], &[]);
    assert!(code == Some(1) && error.contains("no service"), "{error}");
}
