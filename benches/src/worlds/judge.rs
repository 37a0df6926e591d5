//! What the device report finds of a world, held against what was planted.

use super::{Fault, World};
use bitsperity_mqtt_core::payload::{Memo, inspect_with};
use bitsperity_mqtt_core::reduce::health::{ChannelSlot, DeviceSlot, Entry, Pattern};
use bitsperity_mqtt_core::reduce::{Health, Record};
use bitsperity_mqtt_core::time::Instant;

/// Devices that the table holds, as in the server.
const DEVICES: usize = 256;

/// 1 September 2026, in microseconds since 1970.
const WALL: u64 = 1_788_220_800_000_000;

type Memory = Health<Vec<DeviceSlot>, Vec<Entry>, Vec<ChannelSlot>, Vec<u8>>;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// Faults that the overview names at their device.
    pub overview: Vec<(Fault, bool)>,
    /// Faults that are found where the device is asked for by name.
    pub by_name: Vec<(Fault, bool)>,
    /// Healthy devices.
    pub healthy: usize,
    /// Those of them that are accused: the name, and of what.
    pub invented: Vec<(String, String)>,
}

impl Judgement {
    /// The part of these faults that was found.
    #[must_use]
    pub fn recall(faults: &[(Fault, bool)]) -> f64 {
        let found = faults.iter().filter(|(_, found)| *found).count();
        found as f64 / faults.len().max(1) as f64
    }

    /// Both together.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.overview.extend(other.overview);
        self.by_name.extend(other.by_name);
        self.healthy += other.healthy;
        self.invented.extend(other.invented);
        self
    }
}

/// Plays a world to the device report and asks it at the end.
#[must_use]
pub fn judge(world: &World) -> Judgement {
    let (health, now) = played(world);
    let mut judgement = Judgement::default();
    for device in &world.devices {
        let pattern = Pattern::name(&device.name);
        let complaints: Vec<String> = health
            .named(&pattern)
            .flat_map(|it| {
                it.findings(now)
                    .iter()
                    .map(|it| format!("{:?}", it.cause))
                    .collect::<Vec<_>>()
            })
            .collect();
        let in_overview = health.devices().any(|it| {
            let its = |text: &str| text.contains(&device.name);
            let is_it = its(it.id()) || it.topics().any(|(topic, ..)| its(topic));
            is_it && !it.findings(now).is_empty()
        });
        match device.fault {
            Some(fault) => {
                judgement.overview.push((fault, in_overview));
                judgement.by_name.push((fault, !complaints.is_empty()));
            }
            None => {
                judgement.healthy += 1;
                if let Some(complaint) = complaints.first() {
                    judgement
                        .invented
                        .push((device.name.clone(), complaint.clone()));
                }
            }
        }
    }
    judgement
}

fn played(world: &World) -> (Memory, Instant) {
    let room = (
        vec![DeviceSlot::default(); DEVICES],
        vec![Entry::default(); DEVICES * 4],
        vec![ChannelSlot::default(); DEVICES * 8],
        vec![0; DEVICES * 512],
    );
    let mut health = Health::new(room, Pattern::all(), 7);
    let mut memo = Memo::new(1);
    for message in &world.messages {
        let micros = message.at * 1_000;
        let payload = message.payload.as_bytes();
        let record = Record {
            at: Instant::from_micros(micros),
            topic: &message.topic,
            payload,
            qos: 0,
            retain: message.retain,
        };
        let facts = inspect_with(&mut memo, &message.topic, payload);
        health.record(&record, &facts, Some(WALL + micros));
    }
    (health, Instant::from_micros(super::LENGTH * 1_000))
}
