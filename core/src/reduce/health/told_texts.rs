//! What is told of texts that are no JSON, of many that speak in turn, of totals, clocks and connections in other words.

extern crate std;
use super::tests::{Event, Table, by_id, causes, event, of};
use crate::time::Instant;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

const NONE: [&str; 0] = [];

/// Forty messages, two seconds apart.
fn stream(topic: &str, payload: impl Fn(u32) -> String) -> Vec<Event> {
    let at = |n: u32| f64::from(n) * 2.0;
    (0..40).map(|n| event(at(n), topic, &payload(n))).collect()
}

fn end() -> Instant {
    Instant::from_micros(80_000_000)
}

/// What is found of a device, by kinds and in words.
fn found(table: &Table, id: &str) -> (Vec<&'static str>, String) {
    let device = by_id(table, id);
    let texts = device.findings(end());
    let texts: Vec<_> = texts.iter().map(|it| it.cause.to_string()).collect();
    (causes(&device, end()), texts.join("; "))
}

#[track_caller]
fn check(events: &[Event], id: &str, wanted: &[&str], says: &str) {
    let (names, text) = found(&of(events), id);
    assert_eq!(names, wanted, "{text}");
    assert!(text.contains(says), "{text}");
}

/// A value that moves with every message.
fn moved(n: u32) -> f64 {
    70.0 + f64::from(n * 7_927 % 37) / 10.0
}

/// `before` for twenty messages, then `after`.
fn turned<T>(n: u32, before: T, after: T) -> T {
    if n < 20 { before } else { after }
}

#[test]
fn values_in_texts_are_watched() {
    let pairs = |n| {
        format!(
            "in={:.1}C;out={:.1}C",
            moved(n),
            moved(n) + turned(n, 0.0, 90.0)
        )
    };
    check(
        &stream("hall/dryer-4", pairs),
        "hall/dryer-4",
        &["value_jump"],
        "out jumped",
    );
    let columns = |n| format!("{:.1};{};OK", moved(n), turned(n, "GO", "Q17"));
    let says = "dryer-4 column 2 says Q17, after 20 messages with one other word";
    check(
        &stream("hall/dryer-4", columns),
        "hall/dryer-4",
        &["not_ok"],
        says,
    );
    let frozen = |n| format!("DRY,{:.1},{:.1}", moved(n), moved(n.min(20)));
    check(
        &stream("hall/dryer-4", frozen),
        "hall/dryer-4",
        &["frozen_value"],
        "column 3",
    );
    let xml = |n| format!("<d><in>{:.1}</in></d>", moved(n) + turned(n, 0.0, 90.0));
    check(
        &stream("hall/dryer-4", xml),
        "hall/dryer-4",
        &["value_jump"],
        "in jumped",
    );
    let empty = |n| turned(n, format!("{:.1}", moved(n)), "---".to_string());
    check(
        &stream("hall/dryer/air", empty),
        "hall/dryer",
        &["no_reading"],
        "air says ---",
    );
    let unit = |n| format!("{:.1} {}", moved(n), turned(n, "l/min", "l/s"));
    check(
        &stream("hall/dryer/air", unit),
        "hall/dryer",
        &["type_changed"],
        "l/s",
    );
    let well = |n| format!("in={:.1}C;state=RUN;fault=none", moved(n));
    check(&stream("hall/dryer-4", well), "hall/dryer-4", &[], "");
}

#[test]
fn many_that_speak_in_turn_are_told_apart_whatever_the_name_says() {
    let boxes = |n: u32| {
        let who = n % 3 + 1;
        let low = who == 2;
        format!(
            r#"{{"crate":"BOX-{who}","fill":{:.1},"battery_low":{low}}}"#,
            moved(n)
        )
    };
    let table = of(&stream("dock/heard", boxes));
    assert_eq!(found(&table, "dock/heard/BOX-2").0, ["battery_low"]);
    assert_eq!(found(&table, "dock/heard/BOX-1").0, NONE);
    let columns = |n: u32| {
        let who = ["NORTH_A", "SOUTH", "EAST_B"];
        let who = who[n as usize % 3];
        let word = if who == "SOUTH" && n > 21 {
            "BAD"
        } else {
            "OK"
        };
        format!("{who};{:.1};{word}", moved(n))
    };
    let table = of(&stream("dock/lines", columns));
    assert_eq!(found(&table, "dock/lines/SOUTH").0, ["not_ok"]);
    assert_eq!(found(&table, "dock/lines/EAST_B").0, NONE);
    // Phases last for several messages, and a place in a grid has one letter.
    for (key, name) in [("phase", "PH-"), ("hole", "C")] {
        let text = |n: u32| {
            let turn = if key == "phase" { n / 5 } else { n };
            format!(r#"{{"{key}":"{name}{}","fill":{:.1}}}"#, turn % 3, moved(n))
        };
        let table = of(&stream("dock/one", text));
        assert_eq!(table.devices().count(), 1, "{key}");
    }
}

#[test]
fn a_total_that_begins_anew_is_told_unless_something_says_why() {
    let total = |n: u32| turned(n, 51_000 + n, n - n.min(20) + 2);
    let alone = |n| format!(r#"{{"boxes":{}}}"#, total(n));
    check(
        &stream("line/a", alone),
        "line/a",
        &["total_fell"],
        "boxes fell from 51019 to",
    );
    let shift = |n| {
        format!(
            r#"{{"shift":"{}","boxes":{}}}"#,
            turned(n, "early", "late"),
            total(n)
        )
    };
    check(&stream("line/a", shift), "line/a", &[], "");
    let mut both = stream("line/a", alone);
    both.extend(stream("line/b", alone));
    both.sort_by_key(|event| event.at);
    check(&both, "line/a", &[], "");
    let lap = |n: u32| format!(r#"{{"lap":{}}}"#, turned(n, 30 + n, n - n.min(20)));
    check(&stream("line/a", lap), "line/a", &[], "");
}

#[test]
fn a_fall_to_zero_is_told_unless_it_was_switched_off() {
    let rate = |n| turned(n, moved(n), 0.0);
    let alone = |n| format!(r#"{{"frames":{:.1},"lid":"shut"}}"#, rate(n));
    check(
        &stream("yard/eye", alone),
        "yard/eye",
        &["value_jump"],
        "frames jumped from",
    );
    let off = |n| {
        format!(
            r#"{{"frames":{:.1},"lid":"{}"}}"#,
            rate(n),
            turned(n, "open", "shut")
        )
    };
    check(&stream("yard/eye", off), "yard/eye", &[], "");
    let code = |n| format!(r#"{{"frames":{:.1},"step":{}}}"#, rate(n), turned(n, 4, 1));
    check(&stream("yard/eye", code), "yard/eye", &[], "");
    let current = |n| format!(r#"{{"leistung":{:.1}}}"#, rate(n));
    check(&stream("yard/eye", current), "yard/eye", &[], "");
}

#[test]
fn numbers_and_flags_that_say_that_something_is_wrong() {
    let nines = |n| format!(r#"{{"sun":{:.1}}}"#, turned(n, moved(n), -9_999.0));
    let says = "sun says -9999 20 times, which stands for none";
    check(
        &stream("roof/mast", nines),
        "roof/mast",
        &["no_reading"],
        says,
    );
    let flags = |n| format!(r#"{{"statusBits":[false,{},false]}}"#, n >= 20);
    let says = "statusBits 2 says true, after 20 messages that all is well";
    check(&stream("roof/unit", flags), "roof/unit", &["not_ok"], says);
    let relays = |n| format!(r#"{{"outputs":[false,{},false]}}"#, n >= 20);
    check(&stream("roof/unit", relays), "roof/unit", &[], "");
    let records = |n| {
        format!(
            r#"[{{"n":"fault","vb":false}},{{"n":"flow","v":{:.1}}}]"#,
            moved(n)
        )
    };
    check(&stream("roof/unit/up", records), "roof/unit", &[], "");
    let raised = |n| format!(r#"[{{"n":"fault","vb":{}}},{{"n":"flow","v":4}}]"#, n >= 20);
    check(
        &stream("roof/unit/up", raised),
        "roof/unit",
        &["not_ok"],
        "fault says true",
    );
}

#[test]
fn a_clock_is_known_by_its_going_whatever_it_is_called() {
    let time = |n: u32| format!("2023-11-14T20:{:02}:{:02}Z", 13 + n * 2 / 60, n * 2 % 60);
    let behind = |n: u32| format!(r#"{{"moment":"{}","air":{:.1}}}"#, time(n), moved(n));
    check(
        &stream("attic/probe", behind),
        "attic/probe",
        &["clock_off"],
        "behind",
    );
    let built = |n| {
        format!(
            r#"{{"built":"2019-03-04T00:00:00Z","air":{:.1}}}"#,
            moved(n)
        )
    };
    check(&stream("attic/probe", built), "attic/probe", &[], "");
}

#[test]
fn a_word_that_may_be_of_a_cable_is_of_the_connection_if_silence_follows() {
    let told = |speaks: bool| {
        let mut events = std::vec![event(0.1, "quay/pump/stato", "connesso")];
        for n in 1..40 {
            if n < 20 || speaks {
                events.push(event(
                    f64::from(n) * 2.0,
                    "quay/pump/flow",
                    &format!("{:.1}", moved(n)),
                ));
            }
        }
        events.push(event(39.0, "quay/pump/stato", "disconnesso"));
        events.sort_by_key(|event| event.at);
        found(&of(&events), "quay/pump").0
    };
    assert_eq!(told(false), ["offline"]);
    assert_eq!(told(true), NONE);
}
