//! How simulated devices say what they say, in the topics and payloads of each dialect.

extern crate std;
use super::Dialect;
use super::planted::{EPOCH, Fault, Now, Simulated};
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

impl Simulated {
    pub(super) fn presence(&mut self, at: f64, online: bool, retain: bool) {
        let name = &self.name;
        let pick = |on: &str, off: &str| (if online { on } else { off }).to_string();
        let (topic, payload) = match self.dialect {
            Dialect::Generic => (format!("plant/{name}/status"), pick("online", "offline")),
            Dialect::Zigbee2Mqtt => (
                format!("zigbee2mqtt/{name}/availability"),
                pick(r#"{"state":"online"}"#, r#"{"state":"offline"}"#),
            ),
            Dialect::Tasmota => (format!("tele/{name}/LWT"), pick("Online", "Offline")),
            Dialect::ShellyGen1 => (format!("shellies/{name}/online"), pick("true", "false")),
            Dialect::ShellyGen2 => (format!("{name}/online"), pick("true", "false")),
            Dialect::EspHome => (format!("{name}/status"), pick("online", "offline")),
            Dialect::Homie => (format!("homie/{name}/$state"), pick("ready", "lost")),
            Dialect::OwnTracks if online => {
                let payload = format!(
                    r#"{{"_type":"location","lat":52.1,"lon":13.2,"batt":87,"tst":{EPOCH}}}"#
                );
                (format!("owntracks/anna/{name}"), payload)
            }
            Dialect::OwnTracks => (
                format!("owntracks/anna/{name}"),
                format!(r#"{{"_type":"lwt","tst":{EPOCH}}}"#),
            ),
            Dialect::SparkplugB => return self.certificate(at, online),
            Dialect::HomeAssistant | Dialect::EspEasy => return,
        };
        self.tell(at, topic, payload, retain);
    }

    /// Sparkplug B: NBIRTH and NDEATH, never retained.
    fn certificate(&mut self, at: f64, online: bool) {
        if !online {
            let metric = metric(Some("bdSeq"), None, 8, &varint_field(11, 1));
            let payload = payload(at, None, &[metric]);
            self.tell(
                at,
                format!("spBv1.0/g1/NDEATH/{}", self.name),
                payload,
                false,
            );
            return;
        }
        let names = [
            "bdSeq",
            "Temperature",
            "Humidity",
            "Properties/Battery Level",
            "Node/Uptime",
        ];
        let metrics = names.into_iter().zip(0..).map(|(name, alias)| {
            let (datatype, value) = match name {
                "bdSeq" => (8, varint_field(11, 1)),
                "Temperature" | "Humidity" => (10, double_field(20.0)),
                "Node/Uptime" => (
                    8,
                    varint_field(
                        11,
                        if self.fault == Fault::RebootLoop {
                            0
                        } else {
                            86_400
                        },
                    ),
                ),
                _ => (
                    7,
                    varint_field(
                        10,
                        if self.fault == Fault::LowBattery {
                            4
                        } else {
                            87
                        },
                    ),
                ),
            };
            metric(Some(name), Some(alias), datatype, &value)
        });
        let metrics: Vec<_> = metrics.collect();
        let clock = if self.fault == Fault::ClockOff {
            at - 3_700.0
        } else {
            at
        };
        let payload = payload(clock, Some(0), &metrics);
        self.tell(
            at,
            format!("spBv1.0/g1/NBIRTH/{}", self.name),
            payload,
            false,
        );
    }

    pub(super) fn error(&mut self, at: f64) {
        let name = &self.name;
        let (topic, payload) = match self.dialect {
            Dialect::Zigbee2Mqtt => (
                "zigbee2mqtt/bridge/logging".to_string(),
                format!(
                    r#"{{"level":"error","message":"Publish 'set' 'state' to '{name}' failed: timeout"}}"#
                ),
            ),
            Dialect::Tasmota => (
                format!("stat/{name}/RESULT"),
                r#"{"Command":"Error"}"#.to_string(),
            ),
            Dialect::ShellyGen1 => (
                format!("shellies/{name}/relay/0/error"),
                "overpower".to_string(),
            ),
            Dialect::ShellyGen2 => (
                format!("{name}/events/rpc"),
                format!(
                    r#"{{"src":"{name}","method":"NotifyStatus","params":{{"switch:0":{{"errors":["overtemp"]}}}}}}"#
                ),
            ),
            Dialect::EspHome => (
                format!("{name}/debug"),
                "[E][dht:057]: Requesting data from DHT failed!".to_string(),
            ),
            Dialect::Homie => (
                format!("homie/{name}/$log/error"),
                "sensor failed".to_string(),
            ),
            Dialect::SparkplugB => return self.error_of_no_dialect(at, format!("g1/{name}/error")),
            Dialect::OwnTracks => {
                return self.error_of_no_dialect(at, format!("owntracks/anna/{name}/event"));
            }
            _ => return self.error_of_no_dialect(at, format!("plant/{name}/status")),
        };
        self.tell(at, topic, payload, false);
    }

    fn error_of_no_dialect(&mut self, at: f64, topic: String) {
        self.tell(
            at,
            topic,
            r#"{"error":"sensor E07: no reply on bus"}"#,
            false,
        );
    }

    pub(super) fn say(&mut self, now: &Now) {
        let Now {
            t,
            temperature,
            humidity,
            battery,
            link,
            uptime,
            clock,
        } = now;
        let name = self.name.clone();
        let dbm = -94.0 + 45.0 * link;
        let percent = (link * 100.0) as u32;
        let lqi = (link * 255.0) as u32;
        match self.dialect {
            Dialect::Generic | Dialect::HomeAssistant | Dialect::EspEasy => self.tell(*t, format!("plant/{name}/telemetry"), format!(
                r#"{{"ts":{},"temperature":{temperature},"humidity":{humidity},"battery_level":{battery},"wifi_rssi":{dbm:.0},"uptime":{uptime},"state":"RUN"}}"#,
                (clock * 1e3) as u64,
            ), false),
            Dialect::Zigbee2Mqtt => self.tell(*t, format!("zigbee2mqtt/{name}"), format!(
                r#"{{"battery":{battery},"humidity":{humidity},"linkquality":{lqi},"temperature":{temperature},"voltage":2900,"update":{{"state":"idle"}}}}"#,
            ), false),
            Dialect::Tasmota => {
                let time = iso(*clock);
                self.tell(*t, format!("tele/{name}/STATE"), format!(
                    r#"{{"Time":"{time}","Uptime":"{}T{:02}:{:02}:{:02}","UptimeSec":{uptime},"Heap":25,"POWER":"ON","Wifi":{{"AP":1,"RSSI":{percent},"Signal":{dbm:.0},"LinkCount":1}}}}"#,
                    uptime / 86_400, uptime / 3_600 % 24, uptime / 60 % 60, uptime % 60,
                ), false);
                self.tell(t + 0.02, format!("tele/{name}/SENSOR"), format!(
                    r#"{{"Time":"{time}","AM2301":{{"Temperature":{temperature},"Humidity":{humidity}}},"TempUnit":"C"}}"#,
                ), false);
            }
            Dialect::ShellyGen1 => {
                self.tell(*t, format!("shellies/{name}/relay/0"), "on", false);
                self.tell(t + 0.01, format!("shellies/{name}/sensor/temperature"), temperature.to_string(), false);
                self.tell(t + 0.02, format!("shellies/{name}/sensor/humidity"), humidity.to_string(), false);
                self.tell(t + 0.03, format!("shellies/{name}/sensor/battery"), battery.to_string(), false);
            }
            Dialect::ShellyGen2 => self.tell(*t, format!("{name}/events/rpc"), format!(
                r#"{{"src":"{name}","dst":"{name}/events","method":"NotifyFullStatus","params":{{"ts":{clock:.2},"wifi":{{"rssi":{dbm:.0}}},"sys":{{"uptime":{uptime}}},"devicepower:0":{{"battery":{{"V":5.9,"percent":{battery}}}}},"temperature:0":{{"id":0,"tC":{temperature}}},"humidity:0":{{"rh":{humidity}}}}}}}"#,
            ), false),
            Dialect::EspHome => {
                let values = [
                    ("temperature", temperature.to_string()),
                    ("humidity", humidity.to_string()),
                    ("battery_level", battery.to_string()),
                    ("wifi_signal", format!("{dbm:.0}")),
                    ("uptime", uptime.to_string()),
                ];
                for (n, (value, text)) in values.into_iter().enumerate() {
                    self.tell(t + n as f64 * 0.01, format!("{name}/sensor/{value}/state"), text, false);
                }
            }
            Dialect::Homie => {
                let values = [
                    ("climate/temperature", temperature.to_string()),
                    ("climate/humidity", humidity.to_string()),
                    ("$stats/battery", battery.to_string()),
                    ("$stats/signal", percent.to_string()),
                    ("$stats/uptime", uptime.to_string()),
                ];
                for (n, (value, text)) in values.into_iter().enumerate() {
                    self.tell(t + n as f64 * 0.01, format!("homie/{name}/{value}"), text, false);
                }
            }
            Dialect::SparkplugB => {
                self.seq = (self.seq + 1) % 256;
                let values = [
                    metric(None, Some(1), 0, &double_field(*temperature)),
                    metric(None, Some(2), 0, &double_field(*humidity)),
                    metric(None, Some(3), 0, &varint_field(10, u64::from(*battery))),
                    metric(None, Some(4), 0, &varint_field(11, u64::from(*uptime))),
                ];
                let payload = payload(clock - f64::from(EPOCH), Some(self.seq), &values);
                self.tell(*t, format!("spBv1.0/g1/NDATA/{name}"), payload, false);
            }
            Dialect::OwnTracks => self.tell(*t, format!("owntracks/anna/{name}"), format!(
                r#"{{"_type":"location","acc":12,"batt":{battery},"conn":"w","lat":{:.5},"lon":{:.5},"tst":{},"vel":0}}"#,
                52.0 + temperature / 1e3, 13.0 + humidity / 1e3, *clock as u64,
            ), false),
        }
    }
}

/// `2026-01-01T00:12:34`, on the first day.
fn iso(clock: f64) -> String {
    let seconds = clock as i64 - i64::from(EPOCH) + 86_400;
    let (day, rest) = (seconds / 86_400, seconds % 86_400);
    let date = if day == 0 { "2025-12-31" } else { "2026-01-01" };
    format!(
        "{date}T{:02}:{:02}:{:02}",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    )
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn varint_field(number: u64, value: u64) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}

fn double_field(value: f64) -> Vec<u8> {
    let mut bytes = varint(13 << 3 | 1);
    bytes.extend(value.to_le_bytes());
    bytes
}

fn bytes_field(number: u64, bytes: &[u8]) -> Vec<u8> {
    [
        varint(number << 3 | 2),
        varint(bytes.len() as u64),
        bytes.to_vec(),
    ]
    .concat()
}

fn metric(name: Option<&str>, alias: Option<u64>, datatype: u64, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![];
    bytes.extend(
        name.map(|name| bytes_field(1, name.as_bytes()))
            .unwrap_or_default(),
    );
    bytes.extend(
        alias
            .map(|alias| varint_field(2, alias))
            .unwrap_or_default(),
    );
    if datatype > 0 {
        bytes.extend(varint_field(4, datatype));
    }
    bytes.extend(value);
    bytes
}

/// `clock`: seconds since the origin of time, by the node's clock.
fn payload(clock: f64, seq: Option<u64>, metrics: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = varint_field(1, ((clock + f64::from(EPOCH)) * 1e3) as u64);
    for metric in metrics {
        bytes.extend(bytes_field(2, metric));
    }
    bytes.extend(seq.map(|seq| varint_field(3, seq)).unwrap_or_default());
    bytes
}
