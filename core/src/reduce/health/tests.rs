//! Findings against truth: what was planted is found, and nothing else; real messages that tell of no fault lead to
//! none; merged shards know what one table knows; bounds are kept and counted.

#![allow(clippy::print_stdout)] // what was found, shown when a test is asked to show it
extern crate std;
use super::planted::{DIALECTS, EPOCH, Fault, SPAN, Simulated, shows};
use super::{
    Cause, ChannelSlot, Connection, Device, DeviceSlot, Dialect, Entry, Health, Pattern, Vital,
    score,
};
use crate::payload::inspect;
use crate::payload::tests::{payload_of, rows};
use crate::reduce::Record;
use crate::time::Instant;
use std::format;
use std::println;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

pub(super) type Table = Health<Vec<DeviceSlot>, Vec<Entry>, Vec<ChannelSlot>, Vec<u8>>;

/// A message of a stream.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Microseconds.
    pub(super) at: u64,
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) retain: bool,
}

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, n: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % n
    }
}

fn table(devices: usize, pattern: Pattern) -> Table {
    let room = (
        vec![DeviceSlot::default(); devices],
        vec![Entry::default(); (devices * 4).next_power_of_two()],
        vec![ChannelSlot::default(); devices * 8],
        vec![0; devices * 512],
    );
    Health::new(room, pattern, 7, Some(u64::from(EPOCH) * 1_000_000))
}

fn feed(table: &mut Table, event: &Event) {
    let record = Record {
        at: Instant::from_micros(event.at),
        topic: &event.topic,
        payload: &event.payload,
        qos: 0,
        retain: event.retain,
    };
    table.record(&record, &inspect(&event.topic, &event.payload));
}

fn event(seconds: f64, topic: &str, payload: &str) -> Event {
    Event {
        at: (seconds * 1e6) as u64,
        topic: topic.to_string(),
        payload: payload.as_bytes().to_vec(),
        retain: false,
    }
}

fn retained(topic: &str, payload: &str) -> Event {
    Event {
        retain: true,
        ..event(0.0, topic, payload)
    }
}

fn of(events: &[Event]) -> Table {
    let mut table = table(64, Pattern::all());
    for event in events {
        feed(&mut table, event);
    }
    table
}

fn end() -> Instant {
    Instant::from_micros(u64::from(SPAN) * 1_000_000)
}

fn causes(device: &Device<'_, Vec<u8>>, now: Instant) -> Vec<&'static str> {
    let findings = device.findings(now);
    let points: u32 = findings
        .iter()
        .map(|finding| u32::from(finding.points))
        .sum();
    assert_eq!(u32::from(score(&findings)), 100_u32.saturating_sub(points));
    assert!(findings.is_sorted_by(|a, b| a.points >= b.points));
    let names = findings.iter().map(|finding| finding.cause.name());
    let mut names: Vec<_> = names.collect();
    names.dedup();
    names
}

fn by_id<'t>(table: &'t Table, id: &str) -> Device<'t, Vec<u8>> {
    let ids: Vec<_> = table
        .devices()
        .map(|device| device.id().to_string())
        .collect();
    let found = table.devices().find(|device| device.id() == id);
    found.unwrap_or_else(|| panic!("no {id} among {ids:?}"))
}

/// All devices of all dialects with all faults, and the messages of all in order of time.
fn household(seed: u64) -> (Vec<Simulated>, Vec<Event>) {
    let mut random = Random(seed);
    let (mut devices, mut events) = (Vec::new(), Vec::new());
    for dialect in DIALECTS {
        let faults = Fault::ALL
            .into_iter()
            .filter(|&fault| shows(dialect, fault));
        for (n, fault) in [Fault::None, Fault::None]
            .into_iter()
            .chain(faults)
            .enumerate()
        {
            let (device, said) = Simulated::new(dialect, fault, n).live(&mut random);
            devices.push(device);
            events.extend(said);
        }
    }
    events.sort_by_key(|event| event.at);
    (devices, events)
}

#[test]
fn what_was_planted_is_found_and_nothing_else() {
    let mut wrong = Vec::new();
    let mut told = 0;
    for seed in 0..4 {
        let (devices, events) = household(seed);
        let mut table = table(256, Pattern::all());
        for event in &events {
            feed(&mut table, event);
        }
        assert_eq!((table.missed(), table.channels_missed()), (0, 0));
        for planted in &devices {
            let device = by_id(&table, &planted.id);
            let found = causes(&device, end());
            told += 1;
            if found != Vec::from_iter(planted.fault.cause()) || device.dialect != planted.dialect {
                wrong.push(format!(
                    "{seed} {}: {:?} {found:?} {:?}",
                    planted.id,
                    planted.fault,
                    device.findings(end())
                ));
            }
        }
        // Nobody else is accused.
        for other in table
            .devices()
            .filter(|device| !devices.iter().any(|planted| planted.id == device.id()))
        {
            assert_eq!(causes(&other, end()), Vec::<&str>::new(), "{}", other.id());
        }
    }
    assert!(wrong.is_empty(), "{} of {told}: {wrong:#?}", wrong.len());
}

#[test]
fn a_healthy_household_is_healthy_whenever_one_asks() {
    let (devices, events) = household(99);
    let healthy = |id: &str| {
        devices
            .iter()
            .any(|planted| planted.id == id && planted.fault == Fault::None)
    };
    let mut table = table(256, Pattern::all());
    let mut next = 0;
    for event in &events {
        if event.at > next {
            for device in table.devices().filter(|device| healthy(device.id())) {
                let now = Instant::from_micros(event.at);
                assert_eq!(
                    causes(&device, now),
                    Vec::<&str>::new(),
                    "{} at {now:?}",
                    device.id()
                );
            }
            next += 7_000_000;
        }
        feed(&mut table, event);
    }
}

/// Real messages of one file: with their times if they have them, else mixed and evenly spaced.
fn real(file: &str) -> Option<(Vec<Event>, Option<u64>)> {
    let mut rows = rows(&format!("payloads/{file}.jsonl"))?;
    let timed = rows.iter().all(|row| row["t_real"] == true);
    let millis = |row: &serde_json::Value| row["t_ms"].as_u64().unwrap();
    let start = rows.iter().map(millis).min().unwrap_or(0);
    if timed {
        rows.sort_by_key(millis);
    } else {
        let mut random = Random(11);
        rows.sort_by_cached_key(|_| random.below(1 << 30));
    }
    let events = rows.iter().zip(0..).map(|(row, n)| Event {
        at: if timed {
            (millis(row) - start) * 1_000
        } else {
            n * 5_000_000
        },
        topic: row["topic"].as_str().unwrap().to_string(),
        payload: payload_of(row),
        retain: false,
    });
    Some((events.collect(), timed.then_some(start * 1_000)))
}

#[test]
fn real_messages_lead_to_no_finding_that_they_do_not_tell_of() {
    for file in [
        "aws_iot_env_sensors",
        "nab_traffic_artificial",
        "ttn_lorawan_codecs",
        "ecowitt2mqtt",
        "frigate_hass_integration",
        "zwave_js_ui_docs",
        "telegraf_formats",
    ] {
        let Some((events, wall)) = real(file) else {
            return;
        };
        let mut table = table(512, Pattern::all());
        table.wall = wall;
        for event in &events {
            feed(&mut table, event);
        }
        let now = Instant::from_micros(events.iter().map(|event| event.at).max().unwrap());
        for device in table.devices() {
            for finding in device.findings(now) {
                println!("{file} {}: {:?} {:?}", device.id(), finding, device.limit());
                let told = |word: &str| {
                    let says = |event: &Event| {
                        std::str::from_utf8(&event.payload).is_ok_and(|text| text.contains(word))
                    };
                    events
                        .iter()
                        .any(|event| event.topic.starts_with(device.id()) && says(event))
                };
                let true_of_it = match finding.cause {
                    // What the inspection judged is measured where it is made.
                    Cause::Errors { .. } | Cause::Warnings { .. } => true,
                    Cause::Offline { .. } => told("offline"),
                    Cause::Silent { .. } | Cause::Gaps { .. } => wall.is_some(),
                    _ => false,
                };
                assert!(true_of_it, "{file} {}: {finding:?}", device.id());
            }
        }
    }
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
        let mut table = table(64, Pattern::name(pattern));
        for event in &events {
            feed(&mut table, event);
        }
        let found: Vec<_> = table
            .wanted()
            .map(|device| device.id().to_string())
            .collect();
        assert_eq!(found, [wanted], "{pattern}");
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
fn a_gap_is_told_unless_nobody_listened() {
    let beats = |deaf: bool| {
        let mut table = table(8, Pattern::all());
        for n in 0..60_u32 {
            let at = f64::from(n) * 5.0 + if n >= 30 { 60.0 } else { 0.0 };
            if n == 30 && deaf {
                table.unheard(Instant::from_micros(205_000_000));
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
fn merged_shards_know_what_one_table_knows() {
    let (devices, events) = household(5);
    let mut shards = [
        table(256, Pattern::all()),
        table(256, Pattern::all()),
        table(256, Pattern::all()),
    ];
    for (n, event) in events.iter().enumerate() {
        feed(&mut shards[n % 3], event);
    }
    let [mut merged, second, third] = shards;
    merged.merge(&second);
    merged.merge(&third);
    let mut whole = table(256, Pattern::all());
    for event in &events {
        feed(&mut whole, event);
    }
    for planted in &devices {
        let (one, all) = (by_id(&merged, &planted.id), by_id(&whole, &planted.id));
        let counts = |device: &Device<'_, Vec<u8>>| {
            (
                device.messages,
                device.retained,
                device.bytes,
                device.errors,
                device.warnings,
                device.live,
            )
        };
        assert_eq!(counts(&one), counts(&all), "{}", planted.id);
        let found = causes(&one, end());
        // What only neighbours in time tell is not known for certain, and aliases need the birth: nothing is invented.
        let sure = !matches!(
            planted.fault,
            Fault::Frozen | Fault::Jump | Fault::RebootLoop | Fault::Silent
        ) && planted.dialect != Dialect::SparkplugB;
        let wanted = Vec::from_iter(planted.fault.cause());
        assert!(
            found == wanted || !sure && found.is_empty(),
            "{}: {found:?}",
            planted.id
        );
    }
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
}
