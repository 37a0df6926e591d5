//! Four ESPHome boards that announce themselves by Home Assistant's discovery (retained `…/config`).

use super::{Member, text};
use crate::demo::link::Message;
use serde_json::json;

const BOARDS: [(&str, f64); 4] = [
    ("esp-living-room", 21.4),
    ("esp-office", 22.1),
    ("esp-attic", 17.9),
    ("esp-terrace", 8.3),
];

pub(super) fn members() -> Vec<Member> {
    BOARDS
        .into_iter()
        .map(|(name, middle)| board(name, middle))
        .collect()
}

fn board(name: &'static str, middle: f64) -> Member {
    let status = format!("{name}/status");
    Member::new(name)
        .will(text(status.as_str(), "offline").retained())
        .born([
            config(name, "temperature", "°C"),
            config(name, "carbon_dioxide", "ppm"),
            text(status, "online").retained(),
        ])
        .every(3.3, move |world| {
            let temperature = world.swing(middle, 0.8, 90.0);
            let carbon_dioxide = world.whole(480, 1150);
            vec![
                text(
                    format!("{name}/sensor/temperature/state"),
                    temperature.to_string(),
                ),
                text(
                    format!("{name}/sensor/carbon_dioxide/state"),
                    carbon_dioxide.to_string(),
                ),
            ]
        })
        .every(6.1, move |world| {
            let level = world.whole(0, 9);
            let line = if level < 8 {
                "[D][sensor:093]: 'Temperature': Sending state with 1 decimals of accuracy"
            } else {
                "[W][component:170]: Component scd4x took a long time for an operation (61 ms)"
            };
            vec![text(format!("{name}/debug"), line)]
        })
}

fn config(name: &str, class: &str, unit: &str) -> Message {
    let config = json!({
        "name": class,
        "unique_id": format!("{name}-{class}"),
        "device_class": class,
        "unit_of_measurement": unit,
        "state_topic": format!("{name}/sensor/{class}/state"),
        "availability_topic": format!("{name}/status"),
        "device": {"identifiers": [name], "name": name, "manufacturer": "Espressif", "model": "esp32-c3", "sw_version": "2026.10.1"},
    });
    super::json(
        format!("homeassistant/sensor/{name}/{class}/config"),
        &config,
    )
    .retained()
}
