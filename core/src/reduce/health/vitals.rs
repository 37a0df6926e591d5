//! What devices say of themselves: battery, link, signal, voltage, uptime. Told by the names that firmwares use, and
//! by what the values can be: a `battery` of 3.6 is volts, of 1 perhaps a flag.
//!
//! Invariant: what is ambiguous is not taken for a reading that could be judged.

use super::dialect::Dialect;
use crate::knowledge::battery as words;
use crate::time::Instant;

/// What a reading is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Vital {
    /// Percent.
    Battery,
    /// Of a Zigbee link, 0 to 255.
    LinkQuality,
    /// Of a wireless link, percent.
    Signal,
    /// Of a Wi-Fi link, dBm.
    WifiRssi,
    /// Of a link of another kind, dBm; what is weak depends on the kind.
    Rssi,
    /// Volts.
    Voltage,
}

impl Vital {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Battery,
        Self::LinkQuality,
        Self::Signal,
        Self::WifiRssi,
        Self::Rssi,
        Self::Voltage,
    ];

    /// In words, with the unit.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Battery => "battery_percent",
            Self::LinkQuality => "link_quality",
            Self::Signal => "signal_percent",
            Self::WifiRssi => "wifi_rssi_dbm",
            Self::Rssi => "rssi_dbm",
            Self::Voltage => "voltage_v",
        }
    }
}

/// Readings of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// How many; zero: none, and the rest means nothing.
    pub count: u32,
    /// The latest.
    pub last: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// When the latest came.
    pub at: Instant,
}

impl Reading {
    pub(super) fn add(&mut self, at: Instant, value: f64) {
        if self.count == 0 {
            (self.min, self.max) = (value, value);
        }
        self.count = self.count.saturating_add(1);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        (self.last, self.at) = (value, at);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        self.count = self.count.saturating_add(other.count);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if other.at >= self.at {
            (self.last, self.at) = (other.last, other.at);
        }
    }
}

/// `name` without case, `_`, `-` and spaces is `wanted`, which is in lower case and has none.
pub(super) fn is(name: &str, wanted: &str) -> bool {
    let plain = name
        .bytes()
        .filter(|b| !matches!(b, b'_' | b'-' | b' ' | b'$'));
    plain.map(|b| b.to_ascii_lowercase()).eq(wanted.bytes())
}

/// `name` is one of `wanted`.
pub(super) fn is_any(name: &str, wanted: &[&str]) -> bool {
    wanted.iter().any(|wanted| is(name, wanted))
}

/// Steps below which a number of a battery may be volts or a step of few.
pub(super) const STEPS: f64 = 20.0;

/// `key` is that of a battery's level.
pub(super) fn is_battery(key: &str) -> bool {
    words::is_word(key)
}

/// What a number is under `key` inside of `parent` (or the level before, of a topic).
pub(super) fn of_number(
    dialect: Dialect,
    parent: &str,
    key: &str,
    value: f64,
) -> Option<(Vital, f64)> {
    let within = is_any(parent, &["battery", "devicepower:0", "devicepower"]);
    if is_battery(key) || within && is_any(key, &["value", "level"]) {
        return battery(dialect, value);
    }
    if is_any(
        key,
        &[
            "batterylevel",
            "batterypercent",
            "batterypercentage",
            "batterypct",
        ],
    ) || within && is_any(key, &["percent", "percentage"])
    {
        // Some call volts a level.
        let volts = value < 5.0 && value % 1.0 != 0.0;
        return percent(value)
            .filter(|_| !volts)
            .map(|value| (Vital::Battery, value));
    }
    if is_any(key, &["linkquality", "lqi", "linkqualityindex"]) {
        return (0.0..=255.0)
            .contains(&value)
            .then_some((Vital::LinkQuality, value));
    }
    if is_any(key, &["voltage", "batteryvoltage"]) || within && key == "V" {
        // Zigbee devices tell millivolts.
        let volts = if value > 1_000.0 {
            value / 1_000.0
        } else {
            value
        };
        return Some((Vital::Voltage, volts));
    }
    let wifi_key = is_any(
        key,
        &[
            "wifisignal",
            "wifirssi",
            "wifisignalstrength",
            "wifistrength",
        ],
    );
    if wifi_key || is_any(key, &["rssi", "signal", "signalstrength", "signaldbm"]) {
        let wifi = wifi_key
            || is_any(parent, &["wifi", "wifista", "wlan"])
            || matches!(
                dialect,
                Dialect::Tasmota | Dialect::ShellyGen1 | Dialect::ShellyGen2 | Dialect::EspHome
            );
        return match value {
            -130.0..0.0 => Some((if wifi { Vital::WifiRssi } else { Vital::Rssi }, value)),
            0.0..=100.0 if wifi || dialect == Dialect::Homie => Some((Vital::Signal, value)),
            _ => None,
        };
    }
    None
}

fn battery(dialect: Dialect, value: f64) -> Option<(Vital, f64)> {
    let in_percent = matches!(
        dialect,
        Dialect::Zigbee2Mqtt
            | Dialect::ShellyGen1
            | Dialect::OwnTracks
            | Dialect::Homie
            | Dialect::EspHome
    );
    if in_percent || value > 20.0 {
        return percent(value).map(|value| (Vital::Battery, value));
    }
    // Below, it may be volts, a flag, or a step of few.
    let whole = value >= 5.0 && value % 1.0 == 0.0;
    whole.then_some((Vital::Battery, value))
}

fn percent(value: f64) -> Option<f64> {
    (0.0..=100.0).contains(&value).then_some(value)
}

/// When the uptime was last told, and how often it went back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uptime {
    /// Seconds; none told: none.
    pub last: Option<f64>,
    at: Instant,
    /// Hash of the place where it stands: a device may tell several.
    place: u64,
    /// Counts of the device in a second: 1, 1,000, 1/60; zero before two came.
    per_second: f64,
    /// How often it went back.
    backs: u32,
    /// How often a start was told by itself.
    boots: u32,
    /// The latest restart.
    pub latest_restart: Instant,
}

impl Uptime {
    /// Takes a live uptime in seconds, milliseconds or minutes, as comes out of how fast it counts.
    pub(super) fn add(&mut self, at: Instant, place: u64, value: f64) {
        let Some(last) = self.last else {
            (self.last, self.at, self.place) = (Some(value), at, place);
            return;
        };
        if place != self.place {
            return;
        }
        let passed = at.since(self.at).as_secs_f64();
        if value > last && passed >= 1.0 {
            let rate = (value - last) / passed;
            self.per_second = match rate {
                500.0..2_000.0 => 1_000.0,
                0.5..2.0 => 1.0,
                _ => self.per_second,
            };
        } else if value < last {
            let scale = if self.per_second > 0.0 {
                self.per_second
            } else {
                1.0
            };
            // Since the last telling at the earliest, else it is no uptime of one device.
            let since = value / scale;
            if since <= passed + 5.0 && (last - value) / scale > 2.0 {
                self.backs = self.backs.saturating_add(1);
                self.latest_restart = at;
            }
        }
        (self.last, self.at) = (Some(value), at);
    }

    /// It says that it has just started.
    pub(super) fn booted(&mut self, at: Instant) {
        self.boots = self.boots.saturating_add(1);
        self.latest_restart = at;
    }

    /// Restarts seen: the same one may be told in both ways.
    pub fn restarts(&self) -> u32 {
        self.backs.max(self.boots)
    }

    /// Seconds, as far as the unit is known.
    pub fn seconds(&self) -> Option<f64> {
        let scale = if self.per_second > 0.0 {
            self.per_second
        } else {
            1.0
        };
        self.last.map(|last| last / scale)
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let (backs, boots) = (self.backs.max(other.backs), self.boots.max(other.boots));
        let latest_restart = self.latest_restart.max(other.latest_restart);
        if self.last.is_none() || other.last.is_some() && other.at > self.at {
            *self = *other;
        }
        (self.backs, self.boots, self.latest_restart) = (backs, boots, latest_restart);
    }
}

/// Tasmota's `1T02:03:04`: days, hours, minutes, seconds.
pub(super) fn uptime_text(text: &str) -> Option<f64> {
    let (days, clock) = text.split_once('T')?;
    let mut parts = clock.split(':').map(|part| part.parse::<u32>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let days: u32 = days.parse().ok()?;
    let small = hours < 24 && minutes < 60 && seconds < 61 && parts.next().is_none();
    small.then(|| f64::from(days) * 86_400.0 + f64::from(hours * 3_600 + minutes * 60 + seconds))
}

/// Names of an uptime.
pub(super) fn is_uptime(key: &str) -> bool {
    is_any(
        key,
        &[
            "uptime",
            "uptimesec",
            "uptimes",
            "uptimeseconds",
            "uptimems",
            "sysuptime",
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_for_what_they_can_be() {
        use Dialect::*;
        for (dialect, parent, key, value, wanted) in [
            (Zigbee2Mqtt, "", "battery", 4.0, Some((Vital::Battery, 4.0))),
            (Generic, "", "battery", 3.6, None),
            (Generic, "", "battery", 1.0, None),
            (Generic, "", "battery", 12.0, Some((Vital::Battery, 12.0))),
            (Generic, "", "wh65batt", 0.0, None),
            (
                ShellyGen2,
                "battery",
                "percent",
                80.0,
                Some((Vital::Battery, 80.0)),
            ),
            (
                Zigbee2Mqtt,
                "",
                "voltage",
                2_900.0,
                Some((Vital::Voltage, 2.9)),
            ),
            (Tasmota, "Wifi", "RSSI", 62.0, Some((Vital::Signal, 62.0))),
            (
                Tasmota,
                "Wifi",
                "Signal",
                -70.0,
                Some((Vital::WifiRssi, -70.0)),
            ),
            (
                Generic,
                "rx_metadata",
                "rssi",
                -119.0,
                Some((Vital::Rssi, -119.0)),
            ),
            (
                EspHome,
                "sensor",
                "wifi_signal",
                -91.0,
                Some((Vital::WifiRssi, -91.0)),
            ),
            (Generic, "", "temperature", 20.0, None),
        ] {
            assert_eq!(
                of_number(dialect, parent, key, value),
                wanted,
                "{parent}.{key} {value}"
            );
        }
        assert_eq!(uptime_text("1T02:03:04"), Some(93_784.0));
        assert_eq!(uptime_text("2024-01-01T02:03:04"), None);
    }

    #[test]
    fn an_uptime_that_goes_back_is_a_restart() {
        let at = |seconds: u64| Instant::from_micros(seconds * 1_000_000);
        for scale in [1.0, 1_000.0] {
            let mut uptime = Uptime::default();
            for n in 0..30 {
                uptime.add(at(n * 10), 1, (n % 10) as f64 * 10.0 * scale);
            }
            assert_eq!(uptime.restarts(), 2, "{scale}");
        }
        let mut two_devices = Uptime::default();
        for n in 0..30 {
            two_devices.add(at(n * 10), 1, if n % 2 == 0 { 90_000.0 } else { 5_000.0 });
        }
        assert_eq!(two_devices.restarts(), 0);
    }
}
