//! What values say, from messages to findings: each kind with what is wrong, and with what only looks like it.

extern crate std;
use super::tests::{Event, by_id, causes, event, of, retained};
use crate::time::Instant;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// Twenty messages, three seconds apart, each made of its number.
fn stream(topic: &str, payload: impl Fn(usize) -> String) -> Vec<Event> {
    let at = |n: usize| f64::from(u32::try_from(n).unwrap()) * 3.0;
    (0..20).map(|n| event(at(n), topic, &payload(n))).collect()
}

fn end() -> Instant {
    Instant::from_micros(60_000_000)
}

/// Findings of the device, and their texts.
fn found(events: &[Event], id: &str) -> (Vec<&'static str>, String) {
    let table = of(events);
    let device = by_id(&table, id);
    let findings = device.findings(end());
    let texts: Vec<_> = findings.iter().map(|it| it.cause.to_string()).collect();
    (causes(&device, end()), texts.join("; "))
}

#[track_caller]
fn check(events: &[Event], id: &str, wanted: &[&str], says: &str) {
    let (names, text) = found(events, id);
    assert_eq!(names, wanted, "{text}");
    assert!(text.contains(says), "{text}");
}

#[test]
fn a_sensor_without_a_reading_is_told_with_its_path() {
    let of = |payload: &'static str| stream("barn/probe", move |_| payload.to_string());
    check(
        &of(r#"{"soil":{"moisture":null},"run":1}"#),
        "barn/probe",
        &["no_reading"],
        "soil.moisture says null in all 20",
    );
    check(
        &of(r#"{"soil":NaN,"run":1}"#),
        "barn/probe",
        &["no_reading", "warnings"],
        "soil says NaN",
    );
    check(
        &of(r#"{"water_temp":-127,"run":1}"#),
        "barn/probe",
        &["no_reading"],
        "water_temp",
    );
    check(
        &of(r#"{"pressure":6553.5,"run":1}"#),
        "barn/probe",
        &["no_reading"],
        "pressure",
    );
    // What nobody measures may be missing, and what is asked for too.
    check(
        &of(r#"{"title":null,"action":null,"target_temperature":null}"#),
        "barn/probe",
        &[],
        "",
    );
    let late = stream("barn/probe", |n| match n {
        0..12 => format!(r#"{{"flow":{}.5}}"#, n % 4),
        _ => r#"{"flow":"unavailable"}"#.to_string(),
    });
    check(
        &late,
        "barn/probe",
        &["no_reading"],
        "after 12 values, the last 3.5",
    );
    let short = stream("barn/probe", |n| match n {
        5 => r#"{"flow":null}"#.to_string(),
        _ => format!(r#"{{"flow":{}.5}}"#, n % 4),
    });
    check(&short, "barn/probe", &[], "");
}

#[test]
fn a_value_of_bad_quality_is_none() {
    let opc = stream("plant/Torque", |n| match n {
        0..10 => format!(r#"{{"v":4{n},"q":192,"t":1}}"#),
        _ => r#"{"v":0,"q":24,"t":1}"#.to_string(),
    });
    check(
        &opc,
        "plant/Torque",
        &["bad_quality"],
        "Torque is bad for 10 messages",
    );
    let back = stream("plant/Torque", |n| match n {
        5..9 => r#"{"value":0,"quality":"Bad_NotConnected"}"#.to_string(),
        _ => format!(r#"{{"value":4{n},"quality":"Good"}}"#),
    });
    check(
        &back,
        // A value with its quality is a reading of what stands before its name.
        "plant",
        &["bad_quality"],
        "was bad 4 times, and is good again",
    );
    let tags = stream("gateway7", |n| {
        format!(
            r#"{{"vals":[{{"id":"P1.Torque","qc":3,"val":{n}}},{{"id":"P2.Speed","qc":0,"val":0}}]}}"#
        )
    });
    check(&tags, "gateway7", &["bad_quality"], "P2.Speed is bad");
    let power = stream("meter", |n| format!(r#"{{"p":23{n},"q":0}}"#));
    check(&power, "meter", &[], "");
}

#[test]
fn counts_of_failures_tell_only_while_they_grow() {
    let of = |payload: fn(usize) -> String| stream("switch/port3", payload);
    check(
        &of(|_| r#"{"rx_errors":41,"lost_frames":3}"#.to_string()),
        "switch/port3",
        &[],
        "",
    );
    check(
        &of(|n| format!(r#"{{"rx_errors":{}}}"#, 41 + n / 4)),
        "switch/port3",
        &["failures_grow"],
        "rx_errors grows: from 41 to 45",
    );
    check(
        &of(|n| format!(r#"{{"alarm_messages":{n}}}"#)),
        "switch/port3",
        &[],
        "",
    );
}

#[test]
fn a_word_that_is_not_ok_is_told_whatever_it_is() {
    let mut events = Vec::new();
    for n in 0..8 {
        let word = if n == 3 { "EMPTY_PIPE" } else { "NORMAL" };
        events.extend(stream(&format!("heat/m{n}"), |_| {
            format!(r#"{{"status":"{word}","mode":"day"}}"#)
        }));
    }
    check(
        &events,
        "heat/m3",
        &["not_ok"],
        "status says EMPTY_PIPE, where 7 others",
    );
    check(&events, "heat/m4", &[], "");
    let before = stream("heat/m1", |n| {
        let word = if n < 12 { "OK" } else { "BYPASS" };
        format!(r#"{{"status":"{word}"}}"#)
    });
    check(
        &before,
        "heat/m1",
        &["not_ok"],
        "status says BYPASS, after 12 messages",
    );
    let ordinary = stream("heat/m1", |n| {
        let word = ["OK", "OK", "OK", "idle", "running"][n % 5];
        format!(r#"{{"status":"{word}","mode":"{n}x"}}"#)
    });
    check(&ordinary, "heat/m1", &[], "");
}

#[test]
fn a_value_of_another_type_is_told_with_both() {
    let typed = stream("yard/tank", |n| match n {
        15 => r#"{"level":"41 cm"}"#.to_string(),
        _ => format!(r#"{{"level":{}}}"#, 40 + n % 3),
    });
    check(
        &typed,
        "yard/tank",
        &["type_changed"],
        "level changed its type or unit: from 42 to 41 cm on yard/tank",
    );
    let unit = stream("yard/tank", |n| {
        let unit = if n < 12 { "cm" } else { "in" };
        format!(r#"{{"level":{},"level_unit":"{unit}"}}"#, 40 + n % 3)
    });
    check(&unit, "yard/tank", &["type_changed"], "from cm to in");
    let both = stream("yard/tank", |n| match n % 2 {
        0 => r#"{"level":"full"}"#.to_string(),
        _ => r#"{"level":40}"#.to_string(),
    });
    check(&both, "yard/tank", &[], "");
}

#[test]
fn a_total_that_falls_and_comes_back_was_misread() {
    let total = |lost: &'static [usize]| {
        stream("pv/roof", move |n| match lost.contains(&n) {
            true => r#"{"total_yield_kwh":0}"#.to_string(),
            false => format!(r#"{{"total_yield_kwh":{}}}"#, 7_000 + n),
        })
    };
    check(
        &total(&[11, 12]),
        "pv/roof",
        &["total_fell"],
        "fell from 7010 to 0 and came back",
    );
    check(&total(&[]), "pv/roof", &[], "");
    let reset = stream("pv/roof", |n| {
        format!(r#"{{"total_yield_kwh":{}}}"#, 100 + n % 11 * 10)
    });
    check(&reset, "pv/roof", &[], "");
}

#[test]
fn batteries_are_low_in_all_words() {
    for payload in [
        r#"{"LOWBAT":true}"#,
        r#"{"low_batt":1}"#,
        r#"{"battery_ok":false}"#,
        r#"{"battery_ok":0}"#,
        r#"{"battery":"low"}"#,
        r#"{"battery":{"critical":"true"}}"#,
    ] {
        let events = stream("shed/door", |_| payload.to_string());
        check(&events, "shed/door", &["battery_low"], "battery is low");
    }
    for payload in [
        r#"{"LOWBAT":false,"battery_ok":1,"battery_state":"good"}"#,
        r#"{"battery_ok":true}"#,
        r#"{"battery":{"critical":"false"}}"#,
    ] {
        check(
            &stream("shed/door", |_| payload.to_string()),
            "shed/door",
            &[],
            "",
        );
    }
    check(
        &stream("shed/door/battery/critical", |_| "1".to_string()),
        "shed/door",
        &["battery_low"],
        "",
    );
}

#[test]
fn a_description_says_what_on_means() {
    let config = |class: &str| {
        retained(
            "homeassistant/binary_sensor/loft/config",
            &format!(
                r#"{{"stat_t":"loft/eye","dev_cla":"{class}","pl_on":"YES","val_tpl":"{{{{ value_json.seen }}}}"}}"#
            ),
        )
    };
    let seen = |class: &str, word: &str| {
        let mut events = std::vec![config(class)];
        events.extend(stream("loft/eye", |n| {
            format!(r#"{{"seen":"{}"}}"#, if n < 9 { "NO" } else { word })
        }));
        events
    };
    check(
        &seen("gas", "YES"),
        "loft/eye",
        &["alarm"],
        "gas: loft/eye says YES",
    );
    check(&seen("gas", "NO"), "loft/eye", &[], "");
    check(&seen("window", "YES"), "loft/eye", &[], "");
    check(&seen("battery", "YES"), "loft/eye", &["battery_low"], "");
    let device = retained(
        "homeassistant/device/loft/config",
        r#"{"dev":{"ids":"l7"},"stat_t":"loft/eye","cmps":{"a":{"p":"binary_sensor","dev_cla":"smoke","val_tpl":"{{ value_json.smoke }}"},"b":{"p":"sensor","dev_cla":"temperature","val_tpl":"{{ value_json.t }}"}}}"#,
    );
    let mut events = std::vec![device];
    events.extend(stream("loft/eye", |n| {
        format!(r#"{{"smoke":"ON","t":2{}}}"#, n % 4)
    }));
    check(&events, "loft/eye", &["alarm"], "smoke: loft/eye says ON");
}

#[test]
fn who_announces_itself_without_a_farewell_restarts() {
    let looping = stream("robots/arm7/$state", |n| {
        if n % 2 == 0 { "init" } else { "ready" }.to_string()
    });
    check(
        &looping,
        "robots/arm7",
        &["announced_again"],
        "without having left",
    );
    let once = stream("robots/arm8/$state", |n| {
        if n == 0 { "init" } else { "ready" }.to_string()
    });
    check(&once, "robots/arm8", &[], "");
}

#[test]
fn a_family_teaches_a_device_whatever_its_most_regular_topic_is() {
    let mut events = Vec::new();
    for kiln in 0..5 {
        for (n, value) in (0..20).zip(["21", "22", "20"].into_iter().cycle()) {
            // The last one stops after its fourth report.
            if kiln == 4 && n > 3 {
                continue;
            }
            let at = f64::from(n) * 3.0;
            events.push(event(at, &format!("kilns/k{kiln}/draught"), value));
            events.push(event(at + 0.1, &format!("kilns/k{kiln}/heat"), value));
        }
    }
    events.sort_by_key(|event| event.at);
    check(&events, "kilns/k4", &["silent"], "silent for");
    check(&events, "kilns/k3", &[], "");
}
