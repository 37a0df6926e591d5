//! Recordings from a real broker: `capture`, alone and in pipes, and what Mosquitto's own client records.

use crate::support::client::program;
use crate::support::mosquitto::{Mosquitto, Options};
use crate::support::pipes::{after, end, first_line, signal};
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};

fn capture(broker: &Mosquitto, arguments: &[&str]) -> Child {
    let mut all = vec!["capture", "--broker"];
    let url = broker.url();
    all.push(&url);
    all.extend(arguments);
    program(&all).stdin(Stdio::null()).spawn().unwrap()
}

fn values(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_message_is_one_line() {
    let broker = Mosquitto::plain();
    broker.publish(&["-t", "a/1", "-r", "-q", "1", "-m", "{\"t\":21.50}"]);
    broker.publish(&["-t", "a/ü \"x\"", "-r", "-m", "two\nlines"]);
    let file = broker.folder().join("binary");
    std::fs::write(&file, [0xff, 0x00, 0x01]).unwrap();
    broker.publish(&["-t", "a/3", "-r", "-f", file.to_str().unwrap()]);
    let before = jiff::Timestamp::now().as_millisecond();
    let capture = capture(
        &broker,
        &["--topic", "a/#", "--qos", "1", "--max-messages", "3"],
    );
    let ended = end(capture);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.starts_with("3 messages in "), "{}", ended.err);
    let mut lines = values(&ended.out);
    for line in &mut lines {
        let t = line["t_ms"].take().as_i64().unwrap();
        assert!((before - 1_000..before + 60_000).contains(&t), "{t}");
    }
    lines.sort_by_key(|line| line["topic"].to_string());
    let expected = [
        json!({"t_ms": null, "topic": "a/1", "qos": 1, "retain": true, "payload": "{\"t\":21.50}"}),
        json!({"t_ms": null, "topic": "a/3", "qos": 0, "retain": true, "payload_b64": "/wAB"}),
        json!({"t_ms": null, "topic": "a/ü \"x\"", "qos": 0, "retain": true, "payload": "two\nlines"}),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn an_interrupt_ends_it_with_what_it_has() {
    for name in ["INT", "TERM"] {
        let broker = Mosquitto::plain();
        let mut capture = capture(&broker, &["--topic", "live/#"]);
        let mut pruned = after(&mut capture, &["classify"]);
        broker.wait_for_log("Sending SUBACK");
        broker.publish(&["-t", "live/1", "-q", "1", "-m", "error: dry run"]);
        // What is written down arrives at once, through both.
        let mut out = std::io::BufReader::new(pruned.stdout.take().unwrap());
        let mut line = String::new();
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        assert!(line.contains("dry run"), "{line}");
        signal(&capture, name);
        let ended = end(capture);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(ended.err.starts_with("1 messages in "), "{}", ended.err);
        assert_eq!(end(pruned).code, Some(0));
    }
}

#[test]
fn what_is_captured_can_be_pruned() {
    let broker = Mosquitto::plain();
    let mut capture = capture(&broker, &["--topic", "p/#", "--max-messages", "400"]);
    let pruned = after(&mut capture, &["prune", "--keep", "12"]);
    broker.wait_for_log("Sending SUBACK");
    let mut publisher = broker.publisher(&["-t", "p/pump", "-q", "1"]);
    for n in 0..400 {
        let payload = match n {
            250 => "{\"error\":\"blocked\"}".to_owned(),
            n => format!("{{\"rpm\":{n}}}"),
        };
        publisher.line(&payload);
    }
    publisher.finish();
    assert_eq!(end(capture).code, Some(0));
    let ended = end(pruned);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let kept = values(&ended.out);
    assert_eq!(kept.len(), 12);
    assert!(ended.err.starts_with("400 messages over "), "{}", ended.err);
    let error = kept.iter().find(|line| line["why"][0] == "error").unwrap();
    assert_eq!(error["payload"], "{\"error\":\"blocked\"}");
}

#[test]
fn a_reader_that_had_enough_ends_it_quietly() {
    let broker = Mosquitto::plain();
    broker.publish(&["-t", "a/1", "-r", "-m", "one"]);
    let mut capture = capture(&broker, &["--topic", "a/#"]);
    assert!(first_line(&mut capture).contains("\"payload\":\"one\""));
    broker.publish(&["-t", "a/1", "-m", "two"]);
    let ended = end(capture);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn credentials_come_from_the_configuration_and_the_policy_applies() {
    let broker = Mosquitto::start(&Options {
        password: Some(("me", "hunter2")),
        ..Options::default()
    });
    let url = format!("mqtt://me@127.0.0.1:{}", broker.port);
    let run = |password: &str, arguments: &[&str]| {
        let mut all = vec!["capture", "--duration", "0.2"];
        all.extend(arguments);
        let mut command = program(&all);
        command.env("BITSPERITY_MQTT_URL", &url);
        command.env("BITSPERITY_MQTT_PASSWORD", password);
        end(command.stdin(Stdio::null()).spawn().unwrap())
    };
    let ended = run("hunter2", &[]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), ""),
        "{}",
        ended.err
    );
    let ended = run("hunter3", &[]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.starts_with("error: ") && !ended.err.contains("hunter"),
        "{}",
        ended.err
    );
    let ended = run("hunter2", &["--set", "broker_hosts=*.example.com"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("allowed hosts: *.example.com"),
        "{}",
        ended.err
    );
    for wrong in [
        ["--broker", "nowhere"],
        ["--topic", "a/#/b"],
        ["--duration", "0"],
    ] {
        assert_eq!(run("hunter2", &wrong).code, Some(2), "{wrong:?}");
    }
}

#[test]
fn what_mosquitto_sub_prints_is_read() {
    for format in ["%j", "%J"] {
        let broker = Mosquitto::plain();
        let port = broker.port.to_string();
        let mut theirs = Command::new("mosquitto_sub")
            .args(["-h", "127.0.0.1", "-p", &port, "-t", "m/#", "-q", "1"])
            .args(["-F", format, "-C", "5"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ours = after(&mut theirs, &["prune"]);
        broker.wait_for_log("Sending SUBACK");
        for payload in [
            r#"{"t":1.5}"#,
            "12.5",
            "",
            "not JSON",
            r#"{"error":"sensor lost"}"#,
        ] {
            broker.publish(&["-t", "m/1", "-q", "1", "-m", payload]);
        }
        assert!(theirs.wait().unwrap().success());
        let ended = end(ours);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        // With %J what is not JSON is an empty line.
        let expected = if format == "%j" { 5 } else { 4 };
        let kept = values(&ended.out);
        assert_eq!(kept.len(), expected, "{}", ended.out);
        assert!(kept.iter().all(|line| line["tst"].is_string()));
        assert_eq!(kept[expected - 1]["why"][0], "error");
        let said = ended
            .err
            .contains("1 empty lines (mosquitto_sub -F %J prints one");
        assert_eq!(said, format == "%J", "{}", ended.err);
    }
}
