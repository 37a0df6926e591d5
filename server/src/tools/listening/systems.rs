//! The systems that speak on a broker, as people call them, and how many devices each has.

use crate::broker::report::{DeviceFinding, HealthFindings};
use crate::render;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Systems that are named in one sentence.
const NAMED: usize = 6;

/// A system and its devices.
#[derive(Clone, Serialize, JsonSchema)]
pub(in crate::tools) struct System {
    pub(in crate::tools) system: String,
    pub(in crate::tools) devices: usize,
}

/// What a device belongs to: the convention by which it speaks, else the first level of its topics.
pub(in crate::tools) fn of(device: &DeviceFinding) -> String {
    let known = match device.dialect {
        "zigbee2mqtt" => "Zigbee2MQTT",
        "tasmota" => "Tasmota",
        "home_assistant" => "Home Assistant",
        "shelly_gen1" | "shelly_gen2" => "Shelly",
        "esphome" => "ESPHome",
        "espeasy" => "ESPEasy",
        "homie" => "Homie",
        "sparkplug_b" => "Sparkplug B",
        "owntracks" => "OwnTracks",
        _ => {
            let first = device.id.split('/').find(|level| !level.is_empty());
            return render::topic(first.unwrap_or("other"));
        }
    };
    known.to_owned()
}

/// All systems, the one with the most devices first.
pub(in crate::tools) fn all<'a>(devices: impl Iterator<Item = &'a DeviceFinding>) -> Vec<System> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for device in devices {
        *counts.entry(of(device)).or_default() += 1;
    }
    let systems = counts.into_iter();
    let mut systems: Vec<System> = systems
        .map(|(system, devices)| System { system, devices })
        .collect();
    systems.sort_by_key(|it| std::cmp::Reverse(it.devices));
    systems
}

/// `Zigbee2MQTT 21 devices, Tasmota 11, Shelly 9`; empty if nothing is known.
pub(in crate::tools) fn sentence(systems: &[System], found: &HealthFindings) -> String {
    let mut said = Vec::new();
    for (n, it) in systems.iter().take(NAMED).enumerate() {
        let unit = match (n, it.devices) {
            (0, 1) => " device",
            (0, _) => " devices",
            _ => "",
        };
        said.push(format!("{} {}{unit}", it.system, it.devices));
    }
    if systems.len() > NAMED {
        said.push(format!("{} further systems", systems.len() - NAMED));
    }
    if found.beyond > 0 {
        said.push(format!("about {} devices that found no room", found.beyond));
    }
    said.join(", ")
}
