//! Cases that are worth a name: gateways, names, bounds; and what holds for any messages.

extern crate std;
use super::tests::{Event, Table, by_id, causes, end, event, feed, of, retained, table};
use super::{ChannelSlot, Connection, DeviceSlot, MAX_FINDINGS, Pattern, Vital, score};
use crate::time::Instant;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::format;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

#[test]
fn who_is_behind_a_gateway_that_is_gone_is_cut_off() {
    let mut events = vec![
        retained("zigbee2mqtt/bridge/state", r#"{"state":"online"}"#),
        retained("zigbee2mqtt/lamp/availability", r#"{"state":"online"}"#),
        event(
            5.0,
            "zigbee2mqtt/lamp",
            r#"{"linkquality":120,"state":"ON"}"#,
        ),
        event(9.0, "zigbee2mqtt/bridge/state", r#"{"state":"offline"}"#),
    ];
    assert_eq!(
        causes(&by_id(&of(&events), "zigbee2mqtt/lamp"), end()),
        ["gateway_offline"]
    );
    events.push(event(
        20.0,
        "zigbee2mqtt/bridge/state",
        r#"{"state":"online"}"#,
    ));
    let table = of(&events);
    assert_eq!(
        causes(&by_id(&table, "zigbee2mqtt/lamp"), end()),
        Vec::<&str>::new()
    );
    assert_eq!(
        causes(&by_id(&table, "zigbee2mqtt/bridge"), end()),
        ["connection_lost"]
    );
    assert_eq!(
        by_id(&table, "zigbee2mqtt/lamp").gateway(),
        Some("zigbee2mqtt/bridge")
    );
}

#[test]
fn values_of_tasks_belong_to_the_unit_that_said_it_is_connected() {
    let events = [
        event(0.0, "cellar/LWT", "Connected"),
        event(1.0, "cellar/climate/Temperature", "11.50"),
        event(1.1, "cellar/climate/Humidity", "71"),
        event(2.0, "cellar/cmd", "gpio,12,1"),
        event(9.0, "cellar/LWT", "Connection Lost"),
        event(9.5, "attic/climate/Temperature", "24.10"),
    ];
    let table = of(&events);
    let cellar = by_id(&table, "cellar");
    assert_eq!(cellar.dialect.name(), "espeasy");
    assert_eq!(causes(&cellar, end()), ["offline"]);
    for device in table.devices().filter(|it| it.id() != "cellar") {
        assert!(device.id().starts_with("attic"), "{}", device.id());
        assert_eq!(device.dialect.name(), "generic");
    }
}

#[test]
fn a_gap_is_told_unless_nobody_listened() {
    let beats = |deaf: bool| {
        let mut table = table(8, Pattern::all());
        for n in 0..60_u32 {
            let at = f64::from(n) * 5.0 + if n >= 30 { 60.0 } else { 0.0 };
            if n == 30 && deaf {
                table.pause(Instant::from_micros(146_000_000));
            }
            feed(
                &mut table,
                &event(at, "plant/press/telemetry", &format!(r#"{{"bar":{n}}}"#)),
            );
        }
        causes(
            &table.devices().next().unwrap(),
            Instant::from_micros(360_000_000),
        )
    };
    assert_eq!(beats(false), ["gaps"]);
    assert_eq!(beats(true), Vec::<&str>::new());
}

#[test]
fn sparkplug_devices_have_their_node_as_gateway() {
    let death = event(9.0, "spBv1.0/g/NDEATH/n1", "");
    let table = of(&[
        event(1.0, "spBv1.0/g/DDATA/n1/d1", ""),
        event(2.0, "spBv1.0/g/NCMD/n1", ""),
        death,
    ]);
    let node = by_id(&table, "g/n1");
    assert_eq!(
        (node.presence.state(), node.commands),
        (Connection::Offline, 1)
    );
    assert_eq!(
        causes(&by_id(&table, "g/n1/d1"), end()),
        ["gateway_offline"]
    );
}

#[test]
fn readings_are_told_with_their_range() {
    let table = of(&[
        event(
            1.0,
            "zigbee2mqtt/a",
            r#"{"battery":90,"linkquality":50,"voltage":2900}"#,
        ),
        event(
            2.0,
            "zigbee2mqtt/a",
            r#"{"battery":89,"linkquality":70,"voltage":2900}"#,
        ),
    ]);
    let device = by_id(&table, "zigbee2mqtt/a");
    let battery = device.reading(Vital::Battery);
    assert_eq!((battery.count, battery.last, battery.max), (2, 89.0, 90.0));
    assert_eq!(device.reading(Vital::LinkQuality).max, 70.0);
    assert_eq!(device.reading(Vital::Voltage).last, 2.9);
    assert_eq!(device.reading(Vital::Signal).count, 0);
}

#[test]
fn what_finds_no_room_is_counted_and_what_is_asked_for_has_room() {
    let mut table = table(8, Pattern::name("wanted"));
    for n in 0..20 {
        feed(
            &mut table,
            &event(f64::from(n), &format!("other/{n}/t"), "1"),
        );
    }
    feed(&mut table, &event(30.0, "some/wanted/t", "1"));
    assert_eq!((table.devices().count(), table.missed()), (7, 14));
    assert_eq!(table.wanted().count(), 1);
    // Thirteen or fourteen others found none, each with one message; what is asked for did.
    let (beyond, wanted) = table.beyond();
    assert!(
        (12..=14).contains(&beyond) && wanted == 0,
        "{beyond} {wanted}"
    );
    for n in 0..20 {
        feed(&mut table, &event(40.0, &format!("some/wanted {n}/t"), "1"));
    }
    let (_, wanted) = table.beyond();
    assert!(wanted > 10, "{wanted}");
}

#[test]
fn an_own_or_an_older_death_is_told_apart() {
    // bdSeq 2 in the birth, 1 in the death of the connection before, 2 in its own.
    let session = |n: u8| format!("\u{12}\u{9}\u{a}\u{5}bdSeqX{}", char::from(n));
    let birth = Event {
        payload: session(2).into_bytes(),
        ..event(1.0, "spBv1.0/g/NBIRTH/n", "")
    };
    let death = |at, n| Event {
        payload: session(n).into_bytes(),
        ..event(at, "spBv1.0/g/NDEATH/n", "")
    };
    let state = |events: &[Event]| by_id(&of(events), "g/n").presence.state();
    let old = death(2.0, 1);
    assert_eq!(state(&[birth.clone(), old.clone()]), Connection::Online);
    assert_eq!(state(&[birth, old, death(3.0, 2)]), Connection::Offline);
}

#[test]
fn a_fault_of_a_sparkplug_metric_is_an_error() {
    let fault = "\u{12}\u{f}\u{a}\u{b}Motor/Faultp\u{1}";
    let table = of(&[event(1.0, "spBv1.0/g/NDATA/n", fault)]);
    assert_eq!(causes(&by_id(&table, "g/n"), end()), ["errors"]);
}

#[test]
fn what_is_ambiguous_costs_nothing() {
    for (topic, payload) in [
        ("a/b/state", r#"{"battery":1}"#),
        ("a/b/state", r#"{"battery":3.6}"#),
        ("a/b/state", r#"{"battery":0}"#),
        ("v3/app/devices/x/up", r#"{"rx_metadata":{"rssi":-119}}"#),
        ("a/b/status", "idle"),
        ("a/b/state", "off"),
        ("shellies/x/relay/0", "off"),
        (
            "zigbee2mqtt/x",
            r#"{"state":"OFF","linkquality":255,"battery":100}"#,
        ),
        (
            "tele/x/STATE",
            r#"{"Time":"1970-01-01T00:00:05","Wifi":{"RSSI":40}}"#,
        ),
    ] {
        let table = of(&[event(1.0, topic, payload), event(2.0, topic, payload)]);
        for device in table.devices() {
            assert_eq!(
                causes(&device, end()),
                Vec::<&str>::new(),
                "{topic} {payload}"
            );
        }
    }
}

#[test]
fn a_device_has_its_budget_of_bytes() {
    let (device, channel) = (size_of::<DeviceSlot>(), size_of::<ChannelSlot>());
    assert!(device <= 4_096 && channel <= 304, "{device} {channel}");
}

#[test]
fn one_fault_costs_once() {
    let lost = |at| {
        event(
            at,
            "zigbee2mqtt/bridge/logging",
            r#"{"level":"error","message":"Publish to 'door' failed"}"#,
        )
    };
    let away = retained("zigbee2mqtt/door/availability", r#"{"state":"offline"}"#);
    let there = retained("zigbee2mqtt/door/availability", r#"{"state":"online"}"#);
    let of_door = |events: &[Event]| causes(&by_id(&of(events), "zigbee2mqtt/door"), end());
    assert_eq!(of_door(&[away, lost(1.0), lost(2.0)]), ["offline"]);
    assert_eq!(of_door(&[there, lost(1.0), lost(2.0)]), ["errors"]);
    // A Shelly that comes back announces itself; that is no restart.
    let online = |at, state| event(at, "shellies/s/online", state);
    let announce = event(9.0, "shellies/s/announce", r#"{"id":"s","new_fw":false}"#);
    let back = [
        online(1.0, "true"),
        online(5.0, "false"),
        online(8.0, "true"),
        announce,
    ];
    assert_eq!(
        causes(&by_id(&of(&back), "shellies/s"), end()),
        ["connection_lost"]
    );
}

const TOPICS: [&str; 21] = [
    "",
    "a",
    "/",
    "zigbee2mqtt/lamp",
    "zigbee2mqtt/lamp/availability",
    "zigbee2mqtt/bridge/state",
    "zigbee2mqtt/bridge/devices",
    "zigbee2mqtt/bridge/logging",
    "tele/plug/LWT",
    "tele/plug/STATE",
    "shellies/s1/online",
    "shellyplus-1/events/rpc",
    "esp/sensor/t/state",
    "homie/5/d/$state",
    "spBv1.0/g/NBIRTH/n",
    "spBv1.0/g/DDATA/n/d",
    "spBv1.0/g/NDEATH/n",
    "owntracks/a/b",
    "homeassistant/sensor/x/config",
    "tasmota/discovery/00/config",
    "site/line/machine/status",
];

const PAYLOADS: [&str; 13] = [
    "",
    "online",
    "offline",
    r#"{"state":"offline"}"#,
    r#"{"battery":3,"linkquality":4,"temperature":21.5,"uptime":7}"#,
    r#"{"battery":90,"temperature":-3e9,"ts":1700000000,"error":"E1"}"#,
    r#"[{"friendly_name":"lamp"},{"friendly_name":""}]"#,
    r#"{"level":"error","message":"'lamp' failed"}"#,
    r#"{"~":"site/line","stat_t":"~/machine","avty_t":"~/ok","dev":{"ids":"m","name":"M"}}"#,
    r#"{"t":"plug","ft":"%topic%/%prefix%/","dn":"M","ofln":"-3","onln":"21.5"}"#,
    r#"{"_type":"lwt"}"#,
    "\u{12}\u{9}\u{a}\u{5}bdSeqX\u{1}",
    "21.5",
];

fn messages() -> impl Strategy<Value = Vec<Event>> {
    let payload = prop_oneof![
        4 => prop::sample::select(&PAYLOADS[..]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    let message = (
        prop::sample::select(&TOPICS[..]),
        payload,
        0..40_000_000_u64,
        any::<bool>(),
    );
    prop::collection::vec(message, 0..120).prop_map(|messages| {
        let mut at = 0;
        let events = messages.into_iter().map(|(topic, payload, step, retain)| {
            at += step;
            Event {
                at,
                topic: topic.to_string(),
                payload,
                retain,
            }
        });
        events.collect()
    })
}

/// Answers hold together at any time; returns all messages of devices.
fn check(table: &Table, now: Instant) -> u64 {
    let mut ids = BTreeSet::new();
    let mut counted = table.missed();
    for device in table.devices() {
        assert!(
            ids.insert(device.id().to_string()),
            "twice: {}",
            device.id()
        );
        let findings = device.findings(now);
        assert!(findings.len() < MAX_FINDINGS);
        let points: u32 = findings
            .iter()
            .map(|finding| u32::from(finding.points))
            .sum();
        assert_eq!(u32::from(score(&findings)), 100_u32.saturating_sub(points));
        assert!(findings.iter().all(|finding| finding.points > 0));
        assert_eq!(
            format!("{findings:?}"),
            format!("{:?}", device.findings(now))
        );
        assert!(device.retained <= device.messages);
        assert!(device.live.is_none_or(|(first, last)| first <= last));
        assert!(device.presence.drops() <= device.presence.changes());
        counted += device.messages + device.commands;
    }
    counted
}

proptest! {
    #[test]
    fn any_messages_keep_the_books(events in messages(), devices in 1_usize..12) {
        let mut whole = table(devices, Pattern::name("lamp"));
        let mut halves = [table(devices, Pattern::all()), table(devices, Pattern::all())];
        for (n, event) in events.iter().enumerate() {
            feed(&mut whole, event);
            feed(&mut halves[n * 7 % 3 % 2], event);
        }
        let now = Instant::from_micros(events.last().map_or(0, |event| event.at) + 5_000_000);
        let nobodys = |event: &&Event| event.topic.is_empty() || event.topic == "/" || event.topic.ends_with("config");
        let own = events.len() - events.iter().filter(nobodys).count();
        prop_assert!(check(&whole, now) >= own as u64);
        let [mut merged, other] = halves;
        merged.merge(&other);
        check(&merged, now);
        if devices > 11 && merged.missed() == 0 {
            let messages = |table: &Table| table.devices().map(|device| device.messages).sum::<u64>();
            prop_assert_eq!(messages(&merged), messages(&whole));
        }
    }
}
