//! Findings against truth: what was planted is found, and nothing else; real messages that tell of no fault lead to
//! none; merged shards know what one table knows; bounds are kept and counted.

#![allow(clippy::print_stdout)] // what was found, shown when a test is asked to show it
extern crate std;
use super::planted::{DIALECTS, EPOCH, Fault, SPAN, Simulated, shows};
use super::{Cause, ChannelSlot, Device, DeviceSlot, Dialect, Entry, Health, Pattern, score};
use crate::payload::inspect;
use crate::payload::tests::rows;
use crate::reduce::Record;
use crate::time::Instant;
use base64::{Engine, engine::general_purpose::STANDARD};
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

pub(super) fn table(devices: usize, pattern: Pattern) -> Table {
    let room = (
        vec![DeviceSlot::default(); devices],
        vec![Entry::default(); (devices * 4).next_power_of_two()],
        vec![ChannelSlot::default(); devices * 8],
        vec![0; devices * 512],
    );
    Health::new(room, pattern, 7)
}

pub(super) fn feed(table: &mut Table, event: &Event) {
    feed_at(table, event, u64::from(EPOCH) * 1_000_000);
}

/// With the origin of time so many microseconds after 1970.
fn feed_at(table: &mut Table, event: &Event, origin: u64) {
    let record = Record {
        at: Instant::from_micros(event.at),
        topic: &event.topic,
        payload: &event.payload,
        qos: 0,
        retain: event.retain,
    };
    let facts = inspect(&event.topic, &event.payload);
    table.record(&record, &facts, Some(origin + event.at));
}

pub(super) fn event(seconds: f64, topic: &str, payload: &str) -> Event {
    Event {
        at: (seconds * 1e6) as u64,
        topic: topic.to_string(),
        payload: payload.as_bytes().to_vec(),
        retain: false,
    }
}

pub(super) fn retained(topic: &str, payload: &str) -> Event {
    Event {
        retain: true,
        ..event(0.0, topic, payload)
    }
}

pub(super) fn of(events: &[Event]) -> Table {
    let mut table = table(64, Pattern::all());
    for event in events {
        feed(&mut table, event);
    }
    table
}

pub(super) fn end() -> Instant {
    Instant::from_micros(u64::from(SPAN) * 1_000_000)
}

pub(super) fn causes(device: &Device<'_, Vec<u8>>, now: Instant) -> Vec<&'static str> {
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

pub(super) fn by_id<'t>(table: &'t Table, id: &str) -> Device<'t, Vec<u8>> {
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
        payload: STANDARD
            .decode(row["payload_b64"].as_str().unwrap())
            .unwrap(),
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
        let Some((events, origin)) = real(file) else {
            return;
        };
        let mut table = table(512, Pattern::all());
        for event in &events {
            feed_at(&mut table, event, origin.unwrap_or(0));
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
                    Cause::Silent { .. } | Cause::Gaps { .. } => origin.is_some(),
                    _ => false,
                };
                assert!(true_of_it, "{file} {}: {finding:?}", device.id());
            }
        }
    }
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
