//! Healthy devices that are not regular: what is switched, moved, rung, played, rained on. Nothing may be found.

extern crate std;
use super::Pattern;
use super::tests::{Event, Random, causes, feed, table};
use crate::time::Instant;
use std::format;
use std::string::String;
use std::vec::Vec;

/// Seconds that are simulated.
const SPAN: f64 = 7_200.0;

struct Mood<'r> {
    random: &'r mut Random,
    events: Vec<Event>,
}

impl Mood<'_> {
    /// From 0 to 1.
    fn chance(&mut self) -> f64 {
        f64::from(self.random.below(1 << 20)) / f64::from(1 << 20)
    }

    fn say(&mut self, seconds: f64, topic: &str, payload: String) {
        self.events.push(Event {
            at: (seconds * 1e6) as u64,
            topic: String::from(topic),
            payload: payload.into_bytes(),
            retain: false,
        });
    }

    /// Calls `say` at times that lie so far apart on average, by chance.
    fn now_and_then(&mut self, mean: f64, mut say: impl FnMut(&mut Self, f64)) {
        let mut t = 0.0;
        loop {
            t += 0.2 - mean * (1.0 - self.chance()).ln();
            if t > SPAN {
                return;
            }
            say(self, t);
        }
    }

    fn every(&mut self, period: f64, mut say: impl FnMut(&mut Self, f64)) {
        let mut t = self.chance() * period;
        while t < SPAN {
            say(self, t);
            t += period * (0.97 + 0.06 * self.chance());
        }
    }
}

fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn switched(mood: &mut Mood<'_>) {
    let (mut motion, mut open, mut on) = (false, false, false);
    mood.now_and_then(90.0, |it, t| {
        motion = !motion;
        let lux = it.random.below(400);
        it.say(
            t,
            "zigbee2mqtt/motion",
            format!(
                r#"{{"battery":88,"illuminance":{lux},"linkquality":71,"occupancy":{motion}}}"#
            ),
        );
    });
    mood.now_and_then(400.0, |it, t| {
        open = !open;
        it.say(
            t,
            "zigbee2mqtt/door",
            format!(r#"{{"battery":100,"contact":{open},"linkquality":40,"temperature":17}}"#),
        );
    });
    mood.now_and_then(700.0, |it, t| {
        it.say(
            t,
            "zigbee2mqtt/button",
            String::from(r#"{"action":"single","battery":60,"linkquality":90}"#),
        );
        it.say(
            t + 0.05,
            "zigbee2mqtt/button",
            String::from(r#"{"action":"","battery":60,"linkquality":90}"#),
        );
    });
    mood.every(10.0, |it, t| {
        if it.chance() < 0.02 {
            on = !on;
        }
        let power = if on { tenth(1_850.0 + 60.0 * it.chance()) } else { 0.0 };
        let state = if on { "ON" } else { "OFF" };
        let volts = tenth(229.0 + 3.0 * it.chance());
        it.say(t, "zigbee2mqtt/kettle", format!(r#"{{"energy":{},"power":{power},"state":"{state}","voltage":{volts},"linkquality":120}}"#, (t / 60.0).floor() / 100.0));
    });
    mood.every(15.0, |it, t| {
        let running = t as u64 / 900 % 2 == 0;
        let power = if running {
            tenth(80.0 + 4.0 * it.chance())
        } else {
            1.2
        };
        it.say(t, "shellies/fridge/relay/0/power", format!("{power:.2}"));
    });
}

fn weather(mood: &mut Mood<'_>) {
    let mut rain = 0.0;
    mood.every(16.0, |it, t| {
        rain += if it.chance() < 0.1 { 0.3 } else { 0.0 };
        let wind = tenth(it.chance() * it.chance() * 40.0);
        let sun = if t < 3_000.0 { tenth(400.0 + 300.0 * it.chance()) } else { 0.0 };
        let celsius = (14.0 - t / 900.0 + 0.1 * it.chance()) * 10.0;
        let celsius = celsius.round() / 10.0;
        it.say(t, "weather/roof/state", format!(r#"{{"temperature":{celsius},"humidity":{},"wind_speed":{wind},"solar":{sun},"rain_mm":{rain:.1},"pressure":1013.2,"battery_ok":1}}"#, 60 + t as u64 / 600));
    });
    // Rounded to half degrees, and told only when it changes.
    let mut last = f64::NAN;
    mood.every(5.0, |it, t| {
        let degrees = ((20.0 + 1.5 * (t / 800.0).sin()) * 2.0).round() / 2.0;
        if degrees != last {
            last = degrees;
            it.say(t, "home/bath/temperature", format!("{degrees}"));
        }
    });
    mood.now_and_then(1_200.0, |it, t| {
        let dbm = -118.0 + tenth(8.0 * it.chance());
        it.say(t, "v3/app@ttn/devices/field-1/up", format!(r#"{{"uplink_message":{{"f_cnt":{},"decoded_payload":{{"battery":3.6,"moisture":31.2}},"rx_metadata":[{{"rssi":{dbm}}}]}}}}"#, t as u64));
    });
}

fn busy(mood: &mut Mood<'_>) {
    // Plays for some minutes, then pauses as long.
    let mut playing = true;
    mood.every(1.0, |it, t| {
        let plays = t as u64 / 240 % 2 == 0;
        if plays != playing {
            playing = plays;
            it.say(
                t,
                "media/player/state",
                String::from(if plays { "playing" } else { "paused" }),
            );
        }
        if plays {
            it.say(
                t + 0.01,
                "media/player/position",
                format!("{}", t as u64 % 240),
            );
        }
    });
    // A heating that starts: flow temperature climbs, then holds.
    mood.every(20.0, |it, t| {
        let flow = tenth(if t < 2_000.0 {
            22.0 + 0.4 * it.chance()
        } else {
            (22.0 + (t - 2_000.0) / 25.0).min(48.0) + 0.3 * it.chance()
        });
        it.say(
            t,
            "ebusd/boiler/status",
            format!(
                r#"{{"flowtemp":{{"value":{flow}}},"error":null,"fault_count":0,"pump":"on"}}"#
            ),
        );
    });
    // A robot that works for half an hour, then charges; uptime and clock go on.
    mood.every(30.0, |it, t| {
        let works = t as u64 / 1_800 % 2 == 0;
        let percent = if works {
            100 - t as u64 % 1_800 / 30
        } else {
            40 + t as u64 % 1_800 / 30
        };
        let mode = if works { "cleaning" } else { "docked" };
        let rssi = -60 - i64::from(it.random.below(20));
        it.say(
            t,
            "valetudo/robot/telemetry",
            format!(
                r#"{{"battery_level":{percent},"mode":"{mode}","uptime":{},"wifi_rssi":{}}}"#,
                500_000 + t as u64,
                rssi
            ),
        );
    });
}

#[test]
fn irregular_devices_are_healthy() {
    for seed in 0..3 {
        let mut random = Random(seed);
        let mut mood = Mood {
            random: &mut random,
            events: Vec::new(),
        };
        switched(&mut mood);
        weather(&mut mood);
        busy(&mut mood);
        let mut events = mood.events;
        events.sort_by_key(|event| event.at);
        let mut table = table(64, Pattern::all());
        let mut next = 0;
        for event in &events {
            if event.at > next {
                let now = Instant::from_micros(event.at);
                for device in table.devices() {
                    let found = causes(&device, now);
                    assert!(
                        found.is_empty(),
                        "{seed} {} at {now:?}: {:?}",
                        device.id(),
                        device.findings(now)
                    );
                }
                next += 31_000_000;
            }
            feed(&mut table, event);
        }
        assert_eq!(table.devices().count(), 11);
    }
}
