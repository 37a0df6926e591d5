//! Twelve devices behind a Zigbee2MQTT bridge: lamps that answer, thermometers (one stands still, one has an empty
//! battery), motion (one with a weak link) and contact sensors, a plug, and a garage door that the bridge no longer reaches.

use super::{Member, World, clock, json};
use crate::demo::link::Message;
use serde_json::{Value, json};

const BASE: &str = "zigbee2mqtt";

const LAMPS: [&str; 3] = ["living_room_lamp", "hall_lamp", "kitchen_lamp"];

/// Name, vendor and model as the bridge lists them.
const DEVICES: [(&str, &str, &str); 12] = [
    ("living_room_lamp", "IKEA", "LED2003G10"),
    ("hall_lamp", "IKEA", "LED2003G10"),
    ("kitchen_lamp", "Philips", "8719514440937"),
    ("bedroom_climate", "Aqara", "WSDCGQ11LM"),
    ("bathroom_climate", "SONOFF", "SNZB-02D"),
    ("cellar_climate", "Aqara", "WSDCGQ11LM"),
    ("greenhouse_climate", "SONOFF", "SNZB-02D"),
    ("hall_motion", "Philips", "9290012607"),
    ("stairs_motion", "IKEA", "E1745"),
    ("front_door", "Aqara", "MCCGQ11LM"),
    ("garage_door", "Aqara", "MCCGQ11LM"),
    ("fridge_plug", "IKEA", "E1603/E1702/E1708"),
];

struct Lamp {
    on: bool,
    brightness: u64,
}

pub(super) fn members() -> Vec<Member> {
    let mut lamps = LAMPS.map(|_| Lamp {
        on: false,
        brightness: 127,
    });
    let bridge = Member::new("zigbee2mqtt_bridge")
        .will(json(topic("bridge/state"), &json!({"state": "offline"})).retained())
        .born(birth())
        .answers(
            LAMPS.map(|name| topic(&format!("{name}/set"))),
            move |command, world| {
                let lamp = LAMPS
                    .iter()
                    .position(|name| command.topic == topic(&format!("{name}/set")));
                match lamp {
                    Some(index) => set(&mut lamps[index], LAMPS[index], command, world),
                    None => Vec::new(),
                }
            },
        );
    vec![faults(sensors(bridge))]
}

fn topic(rest: &str) -> String {
    format!("{BASE}/{rest}")
}

fn birth() -> Vec<Message> {
    let list: Vec<Value> = (1_u64..)
        .zip(DEVICES)
        .map(|(number, (name, vendor, model))| {
            json!({
                "ieee_address": format!("0x00158d0001{number:06x}"),
                "friendly_name": name,
                "type": if LAMPS.contains(&name) { "Router" } else { "EndDevice" },
                "supported": true,
                "disabled": false,
                "definition": {"vendor": vendor, "model": model},
                "interview_completed": true,
            })
        })
        .collect();
    let mut said = vec![
        json(topic("bridge/state"), &json!({"state": "online"})).retained(),
        json(
            topic("bridge/info"),
            &json!({"version": "2.6.3", "coordinator": {"type": "EmberZNet"}, "permit_join": false, "log_level": "info"}),
        )
        .retained(),
        json(topic("bridge/devices"), &Value::Array(list)).retained(),
    ];
    for (name, ..) in DEVICES {
        let state = if name == "garage_door" {
            "offline"
        } else {
            "online"
        };
        let availability = topic(&format!("{name}/availability"));
        said.push(json(availability, &json!({"state": state})).retained());
    }
    for name in LAMPS {
        said.push(
            json(
                topic(name),
                &json!({"state": "OFF", "brightness": 127, "linkquality": 120}),
            )
            .retained(),
        );
    }
    said
}

/// What a lamp's bridge publishes after `…/set`: its new state, or the complaint about an unknown value.
fn set(lamp: &mut Lamp, name: &str, command: &Message, world: &mut World) -> Vec<Message> {
    let wanted: Value = serde_json::from_slice(&command.payload).unwrap_or(Value::Null);
    match wanted.get("state").and_then(Value::as_str) {
        Some("ON") => lamp.on = true,
        Some("OFF") => lamp.on = false,
        Some("TOGGLE") => lamp.on = !lamp.on,
        Some(_) | None if wanted.get("brightness").is_none() => {
            return vec![json(
                topic("bridge/logging"),
                &json!({"level": "error", "message": format!("Invalid payload received on topic '{}'", command.topic)}),
            )];
        }
        Some(_) | None => {}
    }
    if let Some(brightness) = wanted.get("brightness").and_then(Value::as_u64) {
        lamp.brightness = brightness.min(254);
    }
    let state = if lamp.on { "ON" } else { "OFF" };
    let link_quality = world.whole(96, 140);
    vec![
        json(
            topic(name),
            &json!({
                "state": state,
                "brightness": lamp.brightness,
                "color_mode": "color_temp",
                "color_temp": 370,
                "linkquality": link_quality,
            }),
        )
        .retained(),
    ]
}

fn climate(name: &'static str, world: &mut World, middle: f64, battery: u32) -> Vec<Message> {
    let temperature = world.swing(middle, 1.5, 60.0);
    let humidity = world.swing(52.0, 6.0, 45.0);
    let link_quality = world.whole(60, 140);
    vec![
        json(
            topic(name),
            &json!({
                "battery": battery,
                "humidity": humidity,
                "linkquality": link_quality,
                "temperature": temperature,
                "voltage": 2500 + battery * 5,
                "last_seen": clock(),
            }),
        )
        .retained(),
    ]
}

fn sensors(bridge: Member) -> Member {
    let mut motion = false;
    let mut open = false;
    bridge
        .every(3.1, |world| climate("bedroom_climate", world, 20.5, 87))
        .every(4.3, |world| climate("bathroom_climate", world, 22.5, 100))
        .every(5.2, |world| climate("greenhouse_climate", world, 14.0, 4))
        .every(2.9, move |world| {
            motion = !motion;
            let illuminance = world.whole(10, 300);
            vec![json(
                topic("hall_motion"),
                &json!({"battery": 93, "illuminance": illuminance, "linkquality": 101, "occupancy": motion}),
            )]
        })
        .every(7.7, |world| {
            let quiet = world.chance() > 0.3;
            vec![json(
                topic("stairs_motion"),
                &json!({"battery": 61, "linkquality": 9, "occupancy": !quiet, "requested_brightness_percent": 100}),
            )]
        })
        .every(8.3, move |_| {
            open = !open;
            vec![json(
                topic("front_door"),
                &json!({"battery": 78, "contact": !open, "device_temperature": 21, "linkquality": 88, "voltage": 2995}),
            )]
        })
        .every(2.0, |world| {
            let power = world.swing(68.0, 12.0, 20.0);
            vec![json(
                topic("fridge_plug"),
                &json!({"current": (power / 2.3).round() / 100.0, "energy": 412.7, "linkquality": 143, "power": power, "state": "ON", "voltage": 230}),
            )]
        })
}

fn faults(bridge: Member) -> Member {
    bridge
        // Stands still: the same reading to the last digit, whatever the weather.
        .every(4.0, |_| {
            vec![json(
                topic("cellar_climate"),
                &json!({"battery": 55, "humidity": 71.3, "linkquality": 51, "temperature": 12.8, "voltage": 2775}),
            )]
        })
        .every(9.0, |_| {
            vec![json(
                topic("bridge/logging"),
                &json!({
                    "level": "error",
                    "message": "Publish 'get' 'contact' to 'garage_door' failed: 'Error: ZCL command 0x00158d000100000b/1 genOnOff.read failed (Delivery failed for 0x1d2a)'",
                }),
            )]
        })
        .every(11.0, |_| {
            vec![json(
                topic("bridge/logging"),
                &json!({"level": "warning", "message": "Failed to ping 'garage_door' (attempt 2/2)"}),
            )]
        })
}
