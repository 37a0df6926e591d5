//! Devices that speak in text, side by side under one level, and what their state words, codes and commands say.

extern crate std;
use super::tests::{by_id, causes, event, of};
use crate::time::Instant;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

const NONE: [&str; 0] = [];

fn at(seconds: u64) -> Instant {
    Instant::from_micros(seconds * 1_000_000)
}

/// A value that moves with every message.
fn moved(n: u32) -> f64 {
    40.0 + f64::from(n * 7_919 % 37) / 10.0
}

#[test]
fn sisters_that_speak_in_text_are_devices_of_their_own() {
    let texts: [fn(u32) -> String; 4] = [
        |n| format!("in={:.1} out={:.1} alarm=0", moved(n), moved(n + 5)),
        |n| format!("{:.2} kg", moved(n)),
        |n| format!("RUN;{:.1};{:.1};00", moved(n), moved(n + 9)),
        |n| format!("2026-02-03 10:00:{:02} INFO cycle {n}, 0 errors", n % 60),
    ];
    for text in texts {
        let mut events = Vec::new();
        for n in 0..60 {
            for dryer in ["D-1", "D-2"] {
                // The second one falls silent.
                if dryer == "D-1" || n < 20 {
                    let topic = format!("hall/{dryer}");
                    events.push(event(f64::from(n) * 2.0, &topic, &text(n)));
                }
            }
        }
        let table = of(&events);
        assert_eq!(causes(&by_id(&table, "hall/D-2"), at(120)), ["silent"]);
        assert_eq!(causes(&by_id(&table, "hall/D-1"), at(120)), NONE);
    }
    // A quantity of a device is none, nor is a part that says one word.
    let parts = of(&[
        event(0.0, "hall/dryer/temp1", "21.5 C"),
        event(1.0, "hall/dryer/relay/1", "on"),
    ]);
    let ids: Vec<_> = parts.devices().map(|device| device.id()).collect();
    assert_eq!(ids, ["hall/dryer", "hall/dryer/relay"]);
}

#[test]
fn a_command_under_a_word_of_a_dialect_divides_nothing() {
    let mut events = Vec::new();
    for n in 0..40 {
        let t = f64::from(n) * 2.0;
        for fan in ["north", "south"] {
            events.push(event(
                t,
                &format!("yard/fan/{fan}/output"),
                &moved(n).to_string(),
            ));
        }
        if n == 15 {
            events.push(event(t + 0.5, "yard/fan/north/command", "FASTER"));
        }
    }
    let table = of(&events);
    assert_eq!(table.devices().count(), 2);
    assert_eq!(causes(&by_id(&table, "yard/fan/north"), at(80)), NONE);
}

#[test]
fn who_hands_on_what_others_say_is_not_silent() {
    let mut events = Vec::new();
    for n in 0..60_u32 {
        let tag = n % 3;
        let text = format!(r#"{{"mac":"c0:0{tag}","level":{}}}"#, moved(n));
        events.push(event(f64::from(n) * 2.0, "gate/advert", &text));
    }
    let table = of(&events);
    assert_eq!(causes(&by_id(&table, "gate/advert"), at(120)), NONE);
}

/// A press whose member says `before` 30 times and `after` then.
fn press(member: &str, before: &str, after: &str) -> Vec<&'static str> {
    let mut events = Vec::new();
    for n in 0..60 {
        let word = if n < 30 { before } else { after };
        let text = format!(r#"{{"{member}":"{word}","load":{}}}"#, moved(n));
        events.push(event(f64::from(n) * 2.0, "works/press", &text));
    }
    let table = of(&events);
    causes(&by_id(&table, "works/press"), at(120))
}

#[test]
fn a_state_that_never_changed_and_leaves_ordinary_life_is_told() {
    assert_eq!(press("state", "PRODUCING", "SPINDLE_CHANGE"), ["not_ok"]);
    assert_eq!(
        press("Zustand", "in Arbeit", "Wartungsstellung"),
        ["not_ok"]
    );
    for (before, after) in [
        ("RUNNING", "IDLE"),
        ("abierto", "cerrado"),
        ("gotowa", "praca"),
    ] {
        assert_eq!(press("state", before, after), NONE, "{after}");
    }
    // Two states in turn are its life.
    let mut events = Vec::new();
    for n in 0..80 {
        let word = if n / 5 % 2 == 0 {
            "WEAVING"
        } else {
            "THREADING"
        };
        let text = format!(r#"{{"state":"{word}","load":{}}}"#, moved(n));
        events.push(event(f64::from(n) * 2.0, "works/loom", &text));
    }
    assert_eq!(causes(&by_id(&of(&events), "works/loom"), at(160)), NONE);
}

#[test]
fn codes_and_words_of_other_languages() {
    assert_eq!(press("fault_word", "0x0000", "0x0200"), ["errors"]);
    assert_eq!(press("fault_word", "0x0000", "0x0000"), NONE);
    for none in ["keiner", "brak", "aucune", "nessuno", "nie", "niet"] {
        assert_eq!(press("alarm", none, none), NONE, "{none}");
    }
    assert_eq!(press("defaut", "aucun", "moteur bloqué"), ["errors"]);
    assert_eq!(press("awaria", "brak", "przegrzanie silnika"), ["errors"]);
    // What was last is past.
    for member in [
        "last_alarm",
        "letzte_Störung",
        "ultimo_fallo",
        "ostatnia_awaria",
    ] {
        let word = "2025-06-11 door";
        assert_eq!(press(member, word, word), NONE, "{member}");
    }
}

#[test]
fn one_command_that_nothing_follows_is_told_after_a_while() {
    let valve = |asked: &str, after: &str| {
        let mut events = Vec::new();
        for n in 0..40 {
            let word = if n < 15 { "CLOSED" } else { after };
            events.push(event(f64::from(n) * 2.0, "tank/V7/state", word));
            if n == 14 {
                events.push(event(29.0, "tank/V7/cmd", asked));
            }
        }
        causes(&by_id(&of(&events), "tank/V7"), at(80))
    };
    assert_eq!(valve("OPEN", "CLOSED"), ["command_ignored"]);
    assert_eq!(valve("OPEN", "OPEN"), NONE);
    assert_eq!(valve("CLOSED", "CLOSED"), NONE);
}

#[test]
fn a_number_that_may_be_switched_stands_still_alone() {
    let mut events = Vec::new();
    for n in 0..80 {
        for mill in 0..4 {
            // The first stands still, the second was switched off.
            let value = match (mill, n) {
                (0, 30..) => 41.3,
                (1, 30..) => 0.4,
                _ => moved(n + mill),
            };
            let text = format!(r#"{{"motor_load":{value}}}"#);
            events.push(event(f64::from(n) * 2.0, &format!("mills/m{mill}"), &text));
        }
    }
    let table = of(&events);
    assert_eq!(
        causes(&by_id(&table, "mills/m0"), at(160)),
        ["frozen_value"]
    );
    for mill in ["mills/m1", "mills/m2", "mills/m3"] {
        assert_eq!(causes(&by_id(&table, mill), at(160)), NONE, "{mill}");
    }
}

#[test]
fn a_battery_among_those_that_tell_percent_tells_percent() {
    let mut events = Vec::new();
    for n in 0..60_u32 {
        let tag = n % 4;
        let level = [93, 81, 4, 77][tag as usize];
        let text = format!(r#"{{"addr":"t{tag}","bat":{level},"rh":{}}}"#, moved(n));
        events.push(event(f64::from(n) * 2.0, "gate/rx", &text));
    }
    events.push(event(121.0, "shed/lamp", r#"{"battery":"6 %","on":true}"#));
    let table = of(&events);
    assert_eq!(
        causes(&by_id(&table, "gate/rx/t2"), at(122)),
        ["battery_low"]
    );
    assert_eq!(causes(&by_id(&table, "gate/rx/t1"), at(122)), NONE);
    assert_eq!(
        causes(&by_id(&table, "shed/lamp"), at(122)),
        ["battery_low"]
    );
}

/// Pumps of which the first draws 11 A, and then what `value` says.
fn pumps(value: impl Fn(u32) -> f64, messages: u32) -> Vec<&'static str> {
    let mut events = Vec::new();
    for n in 0..messages {
        for pump in 0..4 {
            let usual = 11.0 + (moved(n * 3 + pump) - 41.8) / 9.0;
            let drawn = if pump == 0 { value(n) } else { usual };
            let text = format!(r#"{{"draw_a":{drawn:.2}}}"#);
            events.push(event(f64::from(n) * 1.5, &format!("wells/p{pump}"), &text));
        }
    }
    let table = of(&events);
    let now = at(u64::from(messages) * 3 / 2);
    for pump in ["wells/p1", "wells/p2", "wells/p3"] {
        assert_eq!(causes(&by_id(&table, pump), now), NONE);
    }
    causes(&by_id(&table, "wells/p0"), now)
}

#[test]
fn a_jump_is_told_however_long_all_was_well_before() {
    let usual = |n: u32| 11.0 + (moved(n * 3) - 41.8) / 9.0;
    for n in [14, 20, 35, 50, 70, 150] {
        let leap = |m: u32| usual(m) + if m < n { 0.0 } else { 16.0 };
        assert_eq!(pumps(leap, n + 8), ["value_jump"], "{n}");
    }
    let sentinel = |m: u32| if m < 30 { usual(m) } else { 9_999.0 };
    assert!(pumps(sentinel, 50).contains(&"no_reading"));
}

#[test]
fn a_number_that_leaves_its_range_bit_by_bit_alone_is_told() {
    let usual = |n: u32| 11.0 + (moved(n * 3) - 41.8) / 9.0;
    let drift = |n: u32| usual(n) + f64::from(n.saturating_sub(30)) * 0.4;
    assert_eq!(pumps(drift, 60), ["value_drifts"]);
    assert_eq!(pumps(usual, 60), NONE);
    // Where all do so, it is the weather.
    let mut events = Vec::new();
    for n in 0..60 {
        for wall in ["w1", "w2", "w3"] {
            let text = format!(r#"{{"glow":{:.2}}}"#, drift(n));
            events.push(event(f64::from(n) * 2.0, &format!("tower/{wall}"), &text));
        }
    }
    assert_eq!(causes(&by_id(&of(&events), "tower/w1"), at(120)), NONE);
}

#[test]
fn a_strange_word_that_all_say_from_the_beginning_is_how_they_rest() {
    let mut events = Vec::new();
    for n in 0..40 {
        for winch in 0..4 {
            let word = if winch == 3 && n >= 25 {
                "kabel slitt av"
            } else {
                "hvilende"
            };
            let text = format!(r#"{{"alarm":"{word}","load":{}}}"#, moved(n + winch));
            events.push(event(f64::from(n) * 2.0, &format!("quay/w{winch}"), &text));
        }
    }
    let table = of(&events);
    assert_eq!(causes(&by_id(&table, "quay/w0"), at(80)), NONE);
    assert_eq!(causes(&by_id(&table, "quay/w3"), at(80)), ["errors"]);
}

#[test]
fn what_climbs_with_the_clock_and_begins_anew_tells_of_restarts() {
    let mut events = Vec::new();
    for n in 0..60 {
        for (lamp, since) in [("l1", n * 2 % 24), ("l2", 70_000 + n * 2)] {
            let text = format!(r#"{{"sekunden_an":{since},"glow":{}}}"#, moved(n));
            events.push(event(f64::from(n) * 2.0, &format!("pier/{lamp}"), &text));
        }
        let cycle = format!(r#"{{"cycle_s":{},"glow":{}}}"#, n * 2 % 24, moved(n));
        events.push(event(f64::from(n) * 2.0, "pier/press", &cycle));
    }
    let table = of(&events);
    assert_eq!(causes(&by_id(&table, "pier/l1"), at(120)), ["restarts"]);
    assert_eq!(causes(&by_id(&table, "pier/l2"), at(120)), NONE);
    assert_eq!(causes(&by_id(&table, "pier/press"), at(120)), NONE);
}

#[test]
fn what_is_wanted_and_what_is_in_other_words() {
    let mut events = Vec::new();
    for n in 0..40 {
        events.push(event(f64::from(n) * 2.0, "gate/in/ist", "zu"));
        if n == 14 {
            events.push(event(29.0, "gate/in/soll", "auf"));
        }
    }
    assert_eq!(
        causes(&by_id(&of(&events), "gate/in"), at(80)),
        ["command_ignored"]
    );
}
