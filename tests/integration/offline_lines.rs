//! Recordings on files and pipes: `prune` and `classify`.

use crate::support::client::{program, run};
use crate::support::pipes::{end, filter, first_line};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};

/// A recording of `messages` lines, one a second, an error in the middle.
fn recording(messages: usize) -> String {
    let mut lines = String::new();
    for n in 0..messages {
        let t = 1_700_000_000_000 + n * 1_000;
        let payload = if n == messages / 2 {
            r#"{"error":"pump blocked"}"#.to_owned()
        } else {
            format!(r#"{{"t":{}.50,"n":{n}}}"#, 15 + n % 10)
        };
        let payload = Value::from(payload);
        let _ = writeln!(
            lines,
            r#"{{ "t_ms":{t}, "topic":"home/{}/t","qos":0,"retain":false,"payload":{payload} ,"extra":1.00}}"#,
            n % 4
        );
    }
    lines
}

#[test]
fn prune_writes_the_kept_lines_unchanged_and_in_order_and_says_why() {
    let lines = recording(3_000);
    let pruned = filter(&["prune", "--keep", "40"], lines.as_bytes());
    assert_eq!(pruned.code, Some(0), "{}", pruned.err);
    let kept: Vec<&str> = pruned.out.lines().collect();
    assert!((30..=40).contains(&kept.len()), "{}", kept.len());
    let mut read = lines.lines();
    for line in &kept {
        let (unchanged, why) = line.rsplit_once(",\"why\":").unwrap();
        let original = format!("{unchanged}}}");
        assert!(
            read.any(|line| line == original),
            "out of order or changed: {line}"
        );
        let why: Vec<String> = serde_json::from_str(why.strip_suffix('}').unwrap()).unwrap();
        assert!(!why.is_empty());
    }
    assert!(kept[0].contains("\"first\"") && kept.last().unwrap().contains("\"last\""));
    assert!(
        kept.iter()
            .any(|line| line.contains("pump blocked") && line.contains("\"error\""))
    );
    assert!(
        pruned
            .err
            .starts_with("3000 messages over 2999.000 s; kept "),
        "{}",
        pruned.err
    );
    assert!(
        pruned.err.contains("1 x home/0/t: error: pump blocked"),
        "{}",
        pruned.err
    );
    // What was pruned can be pruned again.
    let again = filter(&["prune", "--keep", "5"], pruned.out.as_bytes());
    assert_eq!((again.code, again.out.lines().count()), (Some(0), 5));
    for line in again.out.lines() {
        assert_eq!(line.matches("\"why\"").count(), 1);
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[test]
fn files_are_read_one_after_another_and_memory_stays_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.jsonl");
    // Three times what the arena holds.
    let lines = recording(4);
    let padded = lines.replace(
        "\"extra\"",
        &format!("\"x\":\"{}\",\"extra\"", "y".repeat(60_000)),
    );
    std::fs::write(&file, padded.repeat(200)).unwrap();
    let mut child = program(&["prune", file.to_str().unwrap(), "-"])
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe holds: once it is written, the file has been read.
    stdin.write_all(recording(5_000).as_bytes()).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 48 * 1_024, "{kilobytes} kB");
    drop(stdin);
    let ended = end(child);
    assert_eq!(ended.code, Some(0));
    assert!(ended.err.starts_with("5800 messages"), "{}", ended.err);
}

#[test]
fn classify_adds_format_and_severity_to_every_line() {
    let lines = concat!(
        r#"{"topic":"a/log","payload":"connection to 10.0.0.1 timed out"}"#,
        "\n",
        r#"{"topic":"a","payload_b64":"/wA=","severity":"mine","z":1.0}"#,
        "\r\n",
        r#"{"topic":"a","payload":{"battery_low":true}}"#,
    );
    let classified = filter(&["classify"], lines.as_bytes());
    assert_eq!((classified.code, classified.err.as_str()), (Some(0), ""));
    let out: Vec<&str> = classified.out.lines().collect();
    assert_eq!(out.len(), 3);
    assert!(
        out[0].starts_with(lines.lines().next().unwrap().trim_end_matches('}')),
        "{}",
        out[0]
    );
    let parsed: Vec<Value> = out
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for line in &parsed {
        let sure = line["format_confidence"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&sure) && line["format"].is_string());
    }
    assert_eq!(parsed[0]["severity"], "error");
    assert!(
        parsed[0]["severity_why"]
            .as_str()
            .unwrap()
            .contains("timed out")
    );
    assert_eq!(
        (&parsed[1]["severity"], &parsed[1]["severity_why"]),
        (&"none".into(), &"".into())
    );
    assert!(out[1].starts_with(r#"{"topic":"a","payload_b64":"/wA=","z":1.0,"format":"#));
    assert_eq!(
        (&parsed[2]["severity"], &parsed[2]["format"]),
        (&"warning".into(), &"json_object".into())
    );
}

#[test]
fn what_cannot_be_read_is_counted_and_said() {
    let mut lines = String::from("nonsense\n\n");
    for _ in 0..5 {
        lines.push_str("{\"topic\":\"a\"}\n");
    }
    let _ = writeln!(lines, "{}", "x".repeat(3 << 20));
    lines.push_str("{\"topic\":\"a\",\"payload\":\"last, without its newline\"}");
    let ended = filter(&["classify"], lines.as_bytes());
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.out.lines().count(), 1);
    let said: Vec<&str> = ended.err.lines().collect();
    assert_eq!(said[0], "-:1: not a JSON object");
    assert_eq!(said[1], "-:3: neither `payload` nor `payload_b64`");
    assert_eq!(said[3], "7 of 8 lines could not be read");
    assert!(
        said[4].starts_with("1 empty lines") && said.len() == 5,
        "{}",
        ended.err
    );

    let nothing = filter(&["prune"], b"nonsense\n");
    assert_eq!((nothing.code, nothing.out.as_str()), (Some(1), ""));
    let empty = filter(&["prune"], b"");
    assert_eq!((empty.code, empty.out.as_str()), (Some(0), ""));
    let (code, out, err) = run(&["classify", "no-such-file"], &[]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("no-such-file: No such file"), "{err}");
    assert_eq!(run(&["prune", "--keep", "0"], &[]).0, Some(2));
}

#[test]
fn whoever_reads_only_the_beginning_ends_it_quietly() {
    let mut child = program(&["classify"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        // It ends in the middle of this.
        let lines = recording(2_000);
        while stdin.write_all(lines.as_bytes()).is_ok() {}
    });
    assert!(first_line(&mut child).contains("\"severity\":\"none\""));
    writer.join().unwrap();
    let ended = end(child);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn a_live_pipe_is_answered_line_by_line() {
    let mut child = program(&["classify"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for payload in ["error: no route", "fine"] {
        writeln!(stdin, r#"{{"topic":"a/log","payload":"{payload}"}}"#).unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(
            line.contains(payload) && line.contains("\"severity\""),
            "{line}"
        );
    }
    drop(stdin);
    assert_eq!(end(child).code, Some(0));
}

#[test]
fn help_has_an_example_and_fits_a_terminal() {
    for command in ["capture", "prune", "classify", "schema"] {
        let (code, out, _) = run(&[command, "--help"], &[]);
        assert_eq!(code, Some(0));
        let example = format!("bitsperity-mqtt-mcp {command} ");
        assert!(
            out.contains(&example) && out.contains("Exit codes"),
            "{command}: {out}"
        );
        let widest = out.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= 120, "{command}: {widest} columns");
    }
}
