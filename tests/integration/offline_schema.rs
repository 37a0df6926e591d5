//! Recordings on files and pipes: `schema`, and `schema --payloads` of bare documents.

use crate::support::client::run;
use crate::support::pipes::filter;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The lines of standard output, each as JSON.
fn parsed(out: &str) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).unwrap();
    out.lines().map(line).collect()
}

fn accepts(schema: &Value, value: &Value) -> bool {
    jsonschema::validator_for(schema).unwrap().is_valid(value)
}

#[test]
fn each_family_of_a_recording_has_one_line_with_its_schema() {
    let mut lines = String::new();
    for n in 0..60 {
        let plug = json!({"power": n % 7, "state": if n % 2 == 0 { "ON" } else { "OFF" }});
        let plug =
            json!({"topic": format!("home/plug{}/state", n % 3), "payload": plug.to_string()});
        let _ = writeln!(lines, "{plug}");
        if n % 2 == 0 {
            let text = json!({"topic": "home/log", "payload": format!("pump {n} started")});
            let _ = writeln!(lines, "{text}");
        }
    }
    let ended = filter(&["schema"], lines.as_bytes());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let told = parsed(&ended.out);
    assert_eq!(told.len(), 2, "{}", ended.out);
    let plugs = &told[0];
    assert_eq!(plugs["pattern"], "home/+/state");
    assert_eq!(
        (&plugs["topics"], &plugs["messages"]),
        (&3.into(), &60.into())
    );
    assert_eq!(
        (&plugs["confidence"], &plugs["sample_size"]),
        (&"High".into(), &60.into())
    );
    let schema = &plugs["schema"];
    assert!(
        accepts(schema, &json!({"power": 3, "state": "OFF"})),
        "{schema}"
    );
    for wrong in [
        json!({"power": 3}),
        json!({"power": "3", "state": "ON"}),
        json!({"power": 3, "state": "BROKEN"}),
        json!({"power": 3, "state": "ON", "more": 1}),
    ] {
        assert!(!accepts(schema, &wrong), "{wrong} by {schema}");
    }
    let log = &told[1];
    assert_eq!(
        (&log["pattern"], &log["messages"]),
        (&"home/log".into(), &30.into())
    );
    assert!(log.get("schema").is_none(), "{log}");
}

#[test]
fn bare_documents_give_exactly_one_schema_whatever_they_are() {
    let documents: Vec<Value> = (0..40)
        .map(|n| match n % 4 {
            0 => json!([n, n + 1]),
            1 => json!("idle"),
            _ => json!({"t": f64::from(n) + 0.5, "at": {"room": "hall"}}),
        })
        .collect();
    let mut lines = String::new();
    for document in &documents {
        let _ = writeln!(lines, "{document}");
    }
    lines.push_str("not json\n\n{\"t\":1,\n");
    let ended = filter(&["schema", "--payloads"], lines.as_bytes());
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let schemas = parsed(&ended.out);
    assert_eq!(schemas.len(), 1, "{}", ended.out);
    for document in &documents {
        assert!(
            accepts(&schemas[0], document),
            "{document} by {}",
            schemas[0]
        );
    }
    for wrong in [
        json!(null),
        json!(5),
        json!({"t": "warm", "at": {"room": "hall"}}),
    ] {
        assert!(!accepts(&schemas[0], &wrong), "{wrong} by {}", schemas[0]);
    }
    assert!(
        ended.err.contains("-:41: not a JSON document"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("2 of 42 lines could not be read"),
        "{}",
        ended.err
    );
}

#[test]
fn nothing_to_learn_from_is_told_by_the_exit_code() {
    for words in [&["schema", "--payloads"][..], &["schema"]] {
        let lines = usize::from(words.len() > 1);
        let empty = filter(words, b"");
        assert_eq!((empty.code, empty.out.lines().count()), (Some(0), lines));
        let bad = filter(words, b"nonsense\n");
        assert_eq!((bad.code, bad.out.lines().count()), (Some(1), lines));
        let mut absent = words.to_vec();
        absent.push("no-such-file");
        let (code, out, err) = run(&absent, &[]);
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(err.contains("no-such-file: No such file"), "{err}");
    }
}
