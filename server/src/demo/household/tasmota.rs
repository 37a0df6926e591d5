//! Five plugs with Tasmota. The washer's vanishes without DISCONNECT: its Last Will says `Offline`.

use super::{Member, clock, json, text};
use serde_json::json;

/// Name and middle of its power, in watts.
const PLUGS: [(&str, f64); 5] = [
    ("washer", 410.0),
    ("dryer", 0.0),
    ("tv", 96.0),
    ("desk", 134.0),
    ("freezer", 71.0),
];

pub(super) fn members() -> Vec<Member> {
    PLUGS
        .into_iter()
        .map(|(name, watts)| plug(name, watts))
        .collect()
}

fn plug(name: &'static str, watts: f64) -> Member {
    let lwt = format!("tele/tasmota_{name}/LWT");
    let mut uptime = 86_400_u32;
    let member = Member::new(&format!("DVES_{name}"))
        .will(text(lwt.as_str(), "Offline").retained())
        .born([
            text(lwt, "Online").retained(),
            json(
                format!("tele/tasmota_{name}/INFO1"),
                &json!({"Info1": {"Module": "Gosund SP1", "Version": "14.4.1(release)", "FallbackTopic": format!("cmnd/DVES_{name}_fb/"), "GroupTopic": "cmnd/tasmotas/"}}),
            ),
            text(format!("stat/tasmota_{name}/POWER"), "ON").retained(),
        ])
        .every(3.7, move |world| {
            let power = if watts > 0.0 { world.swing(watts, watts * 0.1, 30.0) } else { 0.0 };
            let reading = json!({
                "Time": clock(),
                "ENERGY": {
                    "TotalStartTime": "2025-03-01T00:00:00",
                    "Total": 318.442,
                    "Yesterday": 1.204,
                    "Today": 0.611,
                    "Power": power,
                    "ApparentPower": power * 1.08,
                    "ReactivePower": power * 0.4,
                    "Factor": 0.93,
                    "Voltage": 229,
                    "Current": power / 229.0,
                },
            });
            vec![json(format!("tele/tasmota_{name}/SENSOR"), &reading)]
        })
        .every(9.5, move |world| {
            uptime += 10;
            let rssi = world.whole(62, 88);
            let state = json!({
                "Time": clock(),
                "Uptime": format!("1T00:{:02}:{:02}", uptime / 60 % 60, uptime % 60),
                "UptimeSec": uptime,
                "Heap": 25,
                "LoadAvg": 19,
                "MqttCount": 1,
                "POWER": "ON",
                "Wifi": {"AP": 1, "SSId": "home", "Channel": 6, "RSSI": rssi, "Signal": -70, "LinkCount": 1, "Downtime": "0T00:00:03"},
            });
            vec![json(format!("tele/tasmota_{name}/STATE"), &state)]
        })
        .answers([format!("cmnd/tasmota_{name}/POWER")], move |command, _| {
            let state = match command.payload.to_ascii_uppercase().as_slice() {
                b"OFF" | b"0" => "OFF",
                _ => "ON",
            };
            vec![
                json(format!("stat/tasmota_{name}/RESULT"), &json!({"POWER": state})),
                text(format!("stat/tasmota_{name}/POWER"), state).retained(),
            ]
        });
    if name == "washer" {
        member.vanishing(4.0, 40.0)
    } else {
        member
    }
}
