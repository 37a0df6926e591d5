//! Devices that others describe: their names, which topics belong together, words of their own for a connection.

extern crate std;
use super::tests::{Event, by_id, causes, end, event, feed, of, retained, table};
use super::{Connection, Pattern};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// Ids of the devices that a name finds.
pub(super) fn said(name: &str, events: &[Event]) -> Vec<String> {
    let mut table = table(64, Pattern::name(name));
    for event in events {
        feed(&mut table, event);
    }
    table
        .wanted()
        .map(|device| device.id().to_string())
        .collect()
}

#[test]
fn devices_are_found_by_name() {
    let events = [
        retained(
            "zigbee2mqtt/bridge/devices",
            r#"[{"friendly_name":"floor/garage door","type":"EndDevice"},{"friendly_name":"old","disabled":true}]"#,
        ),
        retained("tele/tasmota_washer/LWT", "Offline"),
        retained(
            "homeassistant/sensor/x1/t/config",
            r#"{"~":"pool/box","stat_t":"~/t","avty_t":"~/ok","name":"t","dev":{"ids":["x1"],"name":"Pool pump"}}"#,
        ),
        event(1.0, "pool/box/t", "21.5"),
        event(2.0, "pool/box/ok", "offline"),
    ];
    for (pattern, wanted) in [
        ("Garage Door", "zigbee2mqtt/floor/garage door"),
        ("washer", "tasmota_washer"),
        ("pool pump", "pool/box"),
        ("tasmota_washer", "tasmota_washer"),
    ] {
        assert_eq!(said(pattern, &events), [wanted], "{pattern}");
    }
    let all = of(&events);
    assert_eq!(all.devices().count(), 4, "the switched off one is left out");
    let pool = by_id(&all, "pool/box");
    assert_eq!(
        (pool.name(), pool.presence.state()),
        (Some("Pool pump"), Connection::Offline)
    );
    assert_eq!(pool.presence_topic(), Some("pool/box/ok"));
    let washer = by_id(&all, "tasmota_washer");
    assert!(washer.presence.latest().unwrap().retained);
    assert_eq!(causes(&washer, end()), ["offline"]);
}

#[test]
fn a_connection_is_told_in_the_words_of_the_description() {
    let base =
        r#""stat_t":"~/t","~":"pool/box","name":"t","dev":{"ids":["x1"],"name":"K\u00fcche"}"#;
    for (availability, topic, dead, alive) in [
        (
            r#""avty_t":"~/ok","pl_avail":"up and well","pl_not_avail":"taken away""#,
            "pool/box/ok",
            "taken away",
            "up and well",
        ),
        (
            r#""availability":[{"payload_not_available":"gone","topic":"~/status","payload_available":"here"}]"#,
            "pool/box/status",
            "gone",
            "here",
        ),
        (
            r#""availability":{"t":"pool/box/link","val_tpl":"{{ value_json['up'] }}","pl_avail":"True","pl_not_avail":"False"}"#,
            "pool/box/link",
            r#"{"n":0,"up":false}"#,
            r#"{"n":0,"up":true}"#,
        ),
        (
            r#""availability_topic":"pool/box/health","payload_available":"0","payload_not_available":"1""#,
            "pool/box/health",
            "1",
            "0",
        ),
        // Words that say the opposite of what they say elsewhere.
        (
            r#""avty_t":"pool/box/offline","pl_avail":"false","pl_not_avail":"true""#,
            "pool/box/offline",
            "true",
            "false",
        ),
    ] {
        let config = format!("{{{availability},{base}}}");
        let config = retained("homeassistant/sensor/x1/t/config", &config);
        let beat = event(3.0, "pool/box/t", "21.5");
        let state = |events: &[Event]| {
            let table = of(events);
            assert_eq!(table.devices().count(), 1, "{topic}");
            let pool = by_id(&table, "pool/box");
            assert_eq!((pool.name(), pool.messages), (Some("Küche"), 2));
            pool.presence.state()
        };
        let told = |payload| [config.clone(), event(1.0, topic, payload), beat.clone()];
        assert_eq!(state(&told(dead)), Connection::Offline, "{topic}");
        assert_eq!(state(&told(alive)), Connection::Online, "{topic}");
        assert_eq!(state(&told("something else")), Connection::Unknown);
        // A broker replays in any order.
        if !dead.starts_with('{') {
            let early = [retained(topic, dead), config.clone(), beat.clone()];
            assert_eq!(state(&early), Connection::Offline, "{topic}");
        }
    }
}

#[test]
fn entities_with_availabilities_of_their_own_are_one_device() {
    let mut events = Vec::new();
    for n in 0..5 {
        let config = format!(
            r#"{{"stat_t":"ha/w/s{n}/state","avty_t":"ha/w/s{n}/availability","dev":{{"ids":["w"],"name":"Weather"}}}}"#
        );
        let topic = format!("homeassistant/sensor/s{n}/config");
        events.push(retained(&topic, &config));
    }
    for n in 0..5 {
        let said = if n == 3 { "offline" } else { "online" };
        events.push(retained(&format!("ha/w/s{n}/availability"), said));
        events.push(event(f64::from(n), &format!("ha/w/s{n}/state"), "5"));
        events.push(event(f64::from(n), &format!("ha/w/s{n}/attributes"), "{}"));
    }
    let table = of(&events);
    assert_eq!(table.devices().count(), 1);
    let weather = table.devices().next().unwrap();
    assert_eq!((weather.name(), weather.messages), (Some("Weather"), 15));
    assert_eq!(weather.presence.state(), Connection::Online);
    assert_eq!(weather.presence.changes(), 0);
}

#[test]
fn descriptions_leave_room_to_devices() {
    let mut table = table(8, Pattern::all());
    for n in 0..100 {
        let config = format!(
            r#"{{"stat_t":"h/{n}/t","avty_t":"h/0/{n}","pl_avail":"a{n}","dev":{{"ids":"one"}}}}"#
        );
        feed(
            &mut table,
            &retained(&format!("homeassistant/sensor/{n}/config"), &config),
        );
    }
    for n in 0..8 {
        feed(
            &mut table,
            &event(f64::from(n), &format!("other/{n}/t"), "1"),
        );
    }
    assert_eq!(table.devices().count(), 8);
}
