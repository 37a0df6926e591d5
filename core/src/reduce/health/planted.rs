//! Simulated devices of every dialect over ten minutes, healthy ones and ones with a fault that is known: the truth
//! that the findings are held against.

extern crate std;
use super::Dialect;
use super::tests::{Event, Random};
use std::format;
use std::string::String;
use std::vec::Vec;

/// Seconds that are simulated.
pub(super) const SPAN: u32 = 600;
/// 2026-01-01 00:00:00 UTC: the origin of time.
pub(super) const EPOCH: u32 = 1_767_225_600;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    None,
    Offline,
    Flapping,
    Silent,
    ErrorBurst,
    Frozen,
    Jump,
    LowBattery,
    WeakLink,
    RebootLoop,
    ClockOff,
}

impl Fault {
    pub(super) const ALL: [Self; 11] = [
        Self::None,
        Self::Offline,
        Self::Flapping,
        Self::Silent,
        Self::ErrorBurst,
        Self::Frozen,
        Self::Jump,
        Self::LowBattery,
        Self::WeakLink,
        Self::RebootLoop,
        Self::ClockOff,
    ];

    /// The only finding that it may lead to.
    pub(super) fn cause(self) -> Option<&'static str> {
        Some(match self {
            Self::None => return None,
            Self::Offline => "offline",
            Self::Flapping => "flapping",
            Self::Silent => "silent",
            Self::ErrorBurst => "errors",
            Self::Frozen => "frozen_value",
            Self::Jump => "value_jump",
            Self::LowBattery => "battery_low",
            Self::WeakLink => "weak_link",
            Self::RebootLoop => "restarts",
            Self::ClockOff => "clock_off",
        })
    }
}

pub(super) const DIALECTS: [Dialect; 9] = [
    Dialect::Generic,
    Dialect::Zigbee2Mqtt,
    Dialect::Tasmota,
    Dialect::ShellyGen1,
    Dialect::ShellyGen2,
    Dialect::EspHome,
    Dialect::Homie,
    Dialect::SparkplugB,
    Dialect::OwnTracks,
];

/// Whether a dialect's messages can show a fault.
pub(super) fn shows(dialect: Dialect, fault: Fault) -> bool {
    use Dialect::*;
    match fault {
        Fault::ClockOff => matches!(dialect, Generic | Tasmota | ShellyGen2 | SparkplugB),
        Fault::RebootLoop => !matches!(dialect, Zigbee2Mqtt | OwnTracks | ShellyGen1),
        Fault::WeakLink => !matches!(dialect, OwnTracks | ShellyGen1 | SparkplugB),
        Fault::LowBattery => !matches!(dialect, Tasmota),
        Fault::Frozen | Fault::Jump => !matches!(dialect, OwnTracks),
        _ => true,
    }
}

/// A device as it is at one time.
pub(super) struct Now {
    pub(super) t: f64,
    pub(super) temperature: f64,
    pub(super) humidity: f64,
    pub(super) battery: u32,
    /// 0 to 1.
    pub(super) link: f64,
    pub(super) uptime: u32,
    /// Seconds since 1970 by its own clock.
    pub(super) clock: f64,
}

/// One device and everything that it says.
pub(super) struct Simulated {
    pub(super) dialect: Dialect,
    pub(super) fault: Fault,
    /// What its id must be.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) seq: u64,
    events: Vec<Event>,
}

impl Simulated {
    pub(super) fn new(dialect: Dialect, fault: Fault, number: usize) -> Self {
        let name = format!("{}-{fault:?}-{number}", dialect.name()).to_lowercase();
        let id = match dialect {
            Dialect::Generic => format!("plant/{name}"),
            Dialect::Zigbee2Mqtt => format!("zigbee2mqtt/{name}"),
            Dialect::ShellyGen1 => format!("shellies/{name}"),
            Dialect::Homie => format!("homie/{name}"),
            Dialect::SparkplugB => format!("g1/{name}"),
            Dialect::OwnTracks => format!("owntracks/anna/{name}"),
            _ => name.clone(),
        };
        Self {
            dialect,
            fault,
            id,
            name,
            seq: 0,
            events: Vec::new(),
        }
    }

    /// Everything that it says, in any order.
    pub(super) fn live(mut self, random: &mut Random) -> (Self, Vec<Event>) {
        let mut chance = || random.below(10_000) as f64 / 10_000.0;
        let period = 8.0 + chance() * 4.0;
        let phase = chance() * 6.0;
        self.presence(0.0, true, true);
        let mut t = chance() * period + 1.0;
        let mut still = None;
        while t < f64::from(SPAN) {
            let mut now = Now {
                t,
                temperature: tenth(21.0 + 2.0 * (t / 97.0 + phase).sin() + chance() * 0.9),
                humidity: tenth(52.0 + 5.0 * (t / 71.0 + phase).cos() + chance() * 1.9),
                battery: 87,
                link: 0.5 + 0.3 * chance(),
                uptime: 86_400 + t as u32,
                clock: f64::from(EPOCH) + t,
            };
            let speaks = self.bend(&mut now, &mut still);
            if speaks {
                self.say(&now);
            }
            t += period * (0.95 + 0.1 * chance());
        }
        self.interrupt();
        let events = core::mem::take(&mut self.events);
        (self, events)
    }

    /// Bends what is by the fault; false: it says nothing now.
    fn bend(&mut self, now: &mut Now, still: &mut Option<(f64, f64)>) -> bool {
        match self.fault {
            Fault::Offline => return now.t < 400.0,
            Fault::Silent => return now.t < 350.0,
            Fault::Flapping => return now.t < 100.0 || now.t % 60.0 > 12.0,
            Fault::Frozen if now.t > 250.0 => {
                let (temperature, humidity) = *still.get_or_insert((now.temperature, now.humidity));
                (now.temperature, now.humidity) = (temperature, humidity);
            }
            Fault::Jump if (400.0..413.0).contains(&now.t) => now.temperature = 85.0,
            Fault::LowBattery => now.battery = 4,
            Fault::WeakLink => now.link *= 0.05,
            Fault::RebootLoop => now.uptime = now.t as u32 % 70,
            Fault::ClockOff => now.clock -= 3_700.0,
            _ => {}
        }
        true
    }

    /// What happens besides readings.
    fn interrupt(&mut self) {
        match self.fault {
            Fault::Offline => self.presence(401.0, false, false),
            Fault::Flapping => {
                for n in 2..10 {
                    self.presence(f64::from(n) * 60.0, false, false);
                    self.presence(f64::from(n) * 60.0 + 12.0, true, false);
                }
            }
            Fault::ErrorBurst => {
                for n in 0..6 {
                    self.error(300.0 + f64::from(n) * 1.5);
                }
            }
            _ => {}
        }
    }

    pub(super) fn tell(
        &mut self,
        at: f64,
        topic: String,
        payload: impl Into<Vec<u8>>,
        retain: bool,
    ) {
        self.events.push(Event {
            at: (at * 1e6) as u64,
            topic,
            payload: payload.into(),
            retain,
        });
    }
}

fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
