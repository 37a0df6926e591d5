//! How devices spread over topics: layouts that are met in houses, plants and fleets, under words that mean nothing.

use super::{Fault, LENGTH, Planted, World, name};
use crate::quality::streams::Random;
use serde_json::{Map, Value, json};

/// Puts a group of devices of one layout into a world.
pub(super) type Layout = fn(&mut World, &mut Random);

/// Each layout.
pub(super) const ALL: [Layout; 6] = [
    scalars,
    documents,
    machines,
    one_topic,
    presence_object,
    sleepers,
];

/// One device in so many is sick.
const SICK: usize = 6;

/// When faults begin: the rhythm is known by then, and enough time is left to see it.
const ONSET: u64 = LENGTH / 2;

/// A device of a group, with what its messages are made of.
struct Device {
    name: String,
    fault: Option<Fault>,
    /// Milliseconds between two reports.
    period: u64,
    /// Milliseconds of its first report.
    phase: u64,
    base: f64,
    uptime: u64,
}

impl Device {
    fn is(&self, fault: Fault, at: u64) -> bool {
        self.fault == Some(fault) && at >= ONSET
    }

    /// When it reports.
    fn reports(&self) -> impl Iterator<Item = u64> + use<> {
        let quiet = matches!(self.fault, Some(Fault::Silent | Fault::Gone));
        let end = if quiet { ONSET } else { LENGTH };
        let (phase, period) = (self.phase, self.period);
        (0..)
            .map(move |n| phase + n * period)
            .take_while(move |at| *at < end)
    }

    /// A number that moves.
    fn number(&self, at: u64, random: &mut Random) -> f64 {
        if self.is(Fault::Frozen, at) {
            return self.base;
        }
        let step = random.below(200) as f64 / 100.0 - 1.0;
        ((self.base + step) * 100.0).round() / 100.0
    }

    fn reading(&self, at: u64, random: &mut Random) -> Value {
        match self.is(Fault::NoReading, at) {
            true => Value::Null,
            false => json!(self.number(at, random)),
        }
    }

    fn battery(&self, at: u64) -> u64 {
        if self.is(Fault::Battery, at) { 4 } else { 87 }
    }

    /// Seconds since its start.
    fn uptime(&self, at: u64) -> u64 {
        match self.is(Fault::Restarts, at) {
            true => (at / 1_000) % 150,
            false => self.uptime + at / 1_000,
        }
    }

    fn state(&self, at: u64, fine: &str) -> String {
        if self.is(Fault::Failure, at) {
            "JAMMED".to_owned()
        } else {
            fine.to_owned()
        }
    }
}

/// Devices of one group; `faults` are those that its layout can show.
fn group(
    world: &mut World,
    random: &mut Random,
    count: usize,
    period: u64,
    faults: &[Fault],
) -> Vec<Device> {
    let sick = 1 + random.below(count / SICK + 1);
    let mut devices = Vec::new();
    while devices.len() < count {
        let name = name(random);
        if world.devices.iter().any(|it| it.name == name) {
            continue;
        }
        let fault = (devices.len() < sick).then(|| faults[random.below(faults.len())]);
        world.devices.push(Planted {
            name: name.clone(),
            fault,
        });
        devices.push(Device {
            name,
            fault,
            period: period + random.below(300) as u64,
            phase: random.below(usize::try_from(period).unwrap_or(1)) as u64,
            base: 15.0 + random.below(60) as f64,
            uptime: 40_000 + random.below(900_000) as u64,
        });
    }
    devices
}

/// `site/room/device/quantity`, one number a topic, and a retained `online` or `offline` beside them.
fn scalars(world: &mut World, random: &mut Random) {
    use Fault::{Battery, Flaps, Frozen, Gone, NoReading, Silent};
    let site = name(random);
    let rooms = ["cellar", "attic", "yard"];
    let count = 5 + random.below(6);
    for device in group(
        world,
        random,
        count,
        20_000,
        &[Silent, Gone, Flaps, Battery, NoReading, Frozen],
    ) {
        let at_home = format!(
            "{site}/{}/{}",
            rooms[random.below(rooms.len())],
            device.name
        );
        let presence = format!("{at_home}/status");
        world.keep(&presence, "online".to_owned());
        if device.fault == Some(Gone) {
            world.send(ONSET + 5_000, &presence, "offline".to_owned());
        }
        if device.fault == Some(Flaps) {
            for n in 0..8 {
                world.send(ONSET + n * 40_000, &presence, "offline".to_owned());
                world.send(ONSET + n * 40_000 + 9_000, &presence, "online".to_owned());
            }
        }
        for at in device.reports() {
            let value = match device.reading(at, random) {
                Value::Null => "nan".to_owned(),
                number => number.to_string(),
            };
            world.send(at, &format!("{at_home}/temperature"), value);
            let humidity = device.number(at, random) / 2.0;
            world.send(
                at + 20,
                &format!("{at_home}/humidity"),
                humidity.to_string(),
            );
            world.send(
                at + 40,
                &format!("{at_home}/battery"),
                device.battery(at).to_string(),
            );
        }
    }
}

/// `root/device/state`, one document a report, with harmless members that look like faults.
fn documents(world: &mut World, random: &mut Random) {
    use Fault::{Battery, Error, Failure, NoReading, Restarts, Silent};
    let root = name(random);
    let count = 5 + random.below(8);
    for device in group(
        world,
        random,
        count,
        15_000,
        &[Silent, Battery, NoReading, Failure, Error, Restarts],
    ) {
        let topic = format!("{root}/{}/state", device.name);
        for at in device.reports() {
            let error = device.is(Error, at).then_some("sensor does not answer");
            let document = json!({
                "temp": device.reading(at, random),
                "level": device.number(at, random),
                "valve": device.state(at, "OK"),
                "error": error,
                "last_error": "none",
                "errors_total": 3,
                "battery": device.battery(at),
                "uptime": device.uptime(at),
            });
            world.send(at, &topic, document.to_string());
        }
    }
}

/// `works/hall/line/machine/…` with telemetry, a state that is sent on change, and events.
fn machines(world: &mut World, random: &mut Random) {
    use Fault::{Error, Failure, Frozen, Silent};
    let works = name(random);
    let count = 6 + random.below(8);
    for device in group(
        world,
        random,
        count,
        5_000,
        &[Silent, Failure, Error, Frozen],
    ) {
        let (hall, line) = (1 + random.below(2), 1 + random.below(3));
        let machine = format!("{works}/hall{hall}/line{line}/{}", device.name);
        world.keep(
            &format!("{machine}/state"),
            json!({"state": "RUNNING"}).to_string(),
        );
        if device.fault == Some(Failure) {
            let stopped = json!({"state": "FAULTED", "code": 417});
            world.send(ONSET, &format!("{machine}/state"), stopped.to_string());
        }
        for (n, at) in device.reports().enumerate() {
            let telemetry = json!({
                "spindle_load": device.number(at, random),
                "feed": 1_200,
                "fault_code": 0,
                "alarm": false,
                "parts": n / 3,
            });
            world.send(at, &format!("{machine}/telemetry"), telemetry.to_string());
            if n % 40 == 7 {
                let event = json!({"severity": "info", "text": "tool changed"});
                world.send(at + 100, &format!("{machine}/events"), event.to_string());
            }
            if device.is(Error, at) && n % 20 == 3 {
                let event = json!({"severity": "error", "text": "coolant pressure lost"});
                world.send(at + 200, &format!("{machine}/events"), event.to_string());
            }
        }
    }
}

/// Many devices behind one topic, told apart by a member.
fn one_topic(world: &mut World, random: &mut Random) {
    use Fault::{Battery, NoReading, Silent};
    let topic = format!("{}/uplink", name(random));
    let count = 5 + random.below(6);
    for device in group(world, random, count, 30_000, &[Silent, Battery, NoReading]) {
        for at in device.reports() {
            let mut report = Map::new();
            report.insert("id".to_owned(), json!(device.name));
            report.insert("temperature_C".to_owned(), device.reading(at, random));
            report.insert("battery".to_owned(), json!(device.battery(at)));
            world.send(at, &topic, Value::Object(report).to_string());
        }
    }
}

/// Presence as an object, values as small objects with a time of their own.
fn presence_object(world: &mut World, random: &mut Random) {
    use Fault::{Flaps, Gone, NoReading, Silent};
    let root = name(random);
    let count = 5 + random.below(6);
    for device in group(
        world,
        random,
        count,
        12_000,
        &[Silent, Gone, Flaps, NoReading],
    ) {
        let presence = format!("{root}/{}/availability", device.name);
        let word = |word: &str| json!({"state": word}).to_string();
        world.keep(&presence, word("online"));
        if device.fault == Some(Gone) {
            world.send(ONSET + 5_000, &presence, word("offline"));
        }
        if device.fault == Some(Flaps) {
            for n in 0..8 {
                world.send(ONSET + n * 50_000, &presence, word("offline"));
                world.send(ONSET + n * 50_000 + 7_000, &presence, word("online"));
            }
        }
        for at in device.reports() {
            let value = json!({"value": device.reading(at, random), "unit": "bar"});
            world.send(
                at,
                &format!("{root}/{}/pressure", device.name),
                value.to_string(),
            );
            let value = json!({"value": device.number(at, random), "unit": "l/min"});
            world.send(
                at + 30,
                &format!("{root}/{}/flow", device.name),
                value.to_string(),
            );
        }
    }
}

/// Battery devices that report seldom, and others that speak only when something happens.
fn sleepers(world: &mut World, random: &mut Random) {
    use Fault::Battery;
    let root = name(random);
    let count = 5 + random.below(4);
    for device in group(world, random, count, 240_000, &[Battery]) {
        let topic = format!("{root}/{}", device.name);
        for at in device.reports() {
            let open = random.below(4) == 0;
            let report = json!({"contact": !open, "battery": device.battery(at), "tamper": false});
            world.send(at, &topic, report.to_string());
        }
    }
}
