//! The devices and their faults, as a listener keeps them.

use super::groups::{self, Part};
use super::joined::{consequences, joined};
use crate::broker::report::{
    ConnectionFinding, Deduction, DeviceFinding, HealthFindings, HeartbeatFinding, Listen,
    ReadingFinding, TroubleFinding, ValueFinding, WantHealth,
};
use bitsperity_mqtt_core::payload::{Facts, Severity};
use bitsperity_mqtt_core::reduce::health::{
    ChannelSlot, Connection, Device, DeviceSlot, Dialect, Entry, Pattern, Vital, score,
};
use bitsperity_mqtt_core::reduce::{Health, Record};
use bitsperity_mqtt_core::time::Instant;
use bitsperity_mqtt_core::topic::matches;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Devices that are told apart.
const DEVICES: usize = 256;
/// Numbers that are watched, of all devices together.
const CHANNELS: usize = DEVICES * 8;
/// Bytes for ids, names and topics.
const NAMES: usize = DEVICES * 512;
/// Ids that are offered where none is the one that was asked for.
const NEAREST: usize = 8;

type Memory = Health<Box<[DeviceSlot]>, Box<[Entry]>, Box<[ChannelSlot]>, Box<[u8]>>;

pub(super) struct Devices {
    memory: Memory,
    pattern: Pattern,
    told: usize,
    /// Bytes of all that it has.
    bytes: usize,
}

impl Devices {
    pub(super) fn new(wanted: &WantHealth, seed: u64) -> Self {
        let room = (
            vec![DeviceSlot::default(); DEVICES].into_boxed_slice(),
            vec![Entry::default(); DEVICES * 4].into_boxed_slice(),
            vec![ChannelSlot::default(); CHANNELS].into_boxed_slice(),
            vec![0; NAMES].into_boxed_slice(),
        );
        let bytes =
            size_of_val(&*room.0) + size_of_val(&*room.1) + size_of_val(&*room.2) + room.3.len();
        let pattern = wanted.name.as_deref().map_or(Pattern::all(), Pattern::name);
        Self {
            memory: Health::new(room, pattern.clone(), seed),
            pattern,
            told: wanted.devices,
            bytes,
        }
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn record(&mut self, record: &Record<'_>, facts: &Facts<'_>, wall_us: u64) {
        self.memory.record(record, facts, Some(wall_us));
    }

    pub(super) fn pause(&mut self, now: Instant) {
        self.memory.pause(now);
    }

    /// What is known `now`, or the part of it that somebody wants; times count from `start`.
    pub(super) fn findings(
        &self,
        start: Instant,
        now: Instant,
        part: Option<&Listen>,
    ) -> HealthFindings {
        let wanted = part.and_then(|part| part.wants.health.as_ref());
        let named = wanted.and_then(|it| it.name.as_deref()).map(Pattern::name);
        let pattern = named.as_ref().unwrap_or(&self.pattern);
        let asked: BTreeSet<&str> = match &named {
            Some(pattern) => self.memory.named(pattern).map(|it| it.id()).collect(),
            None => self.memory.wanted().map(|it| it.id()).collect(),
        };
        let all: Vec<_> = self.memory.devices().collect();
        let parts: Vec<Part<'_>> = all.iter().map(part_of).collect();
        let owners = groups::owners(&parts);
        let mut groups: BTreeMap<&str, Vec<&Known<'_>>> = BTreeMap::new();
        for (owner, device) in owners.iter().zip(&all) {
            // What many share is told of each of them.
            if !device.is_shared() || !device.findings(now).is_empty() {
                groups.entry(owner).or_default().push(device);
            }
        }
        let heard_count = groups.len();
        groups.retain(|_, members| {
            members.iter().any(|it| asked.contains(it.id()))
                && members.iter().any(|it| heard(it, part))
        });
        let judged = groups.into_iter().map(|(owner, members)| {
            let members = members.into_iter().map(|it| device(it, start, now));
            joined(owner, members.collect())
        });
        let mut judged: Vec<_> = judged.collect();
        judged.sort_by(|a, b| (a.score, a.well_known, &a.id).cmp(&(b.score, b.well_known, &b.id)));
        let count = |is: fn(&DeviceFinding) -> bool| judged.iter().filter(|it| is(it)).count();
        let (matched, troubled, thin) = (
            judged.len(),
            count(|it| it.score < 100),
            count(DeviceFinding::is_thin),
        );
        consequences(&mut judged);
        let nearest = match judged.is_empty() {
            true => self.nearest(pattern),
            false => Vec::new(),
        };
        judged.truncate(wanted.map_or(self.told, |it| it.devices));
        let (beyond, beyond_matched) = self.memory.beyond();
        HealthFindings {
            beyond,
            // Of another pattern than the one at the beginning nobody knows.
            beyond_matched: if named.is_some() { 0 } else { beyond_matched },
            devices: judged,
            matched,
            troubled,
            thin,
            heard: heard_count,
            nearest,
            missed: self.memory.missed(),
            numbers_missed: self.memory.channels_missed(),
        }
    }

    fn nearest(&self, pattern: &Pattern) -> Vec<String> {
        let ids = self.memory.devices().map(|device| {
            let near = |text: &str| pattern.nearness(text);
            let name = device.name().map_or(0, near);
            (Reverse(near(device.id()).max(name)), device.id())
        });
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        ids.truncate(NEAREST);
        ids.into_iter().map(|(_, id)| id.to_owned()).collect()
    }
}

/// Whether a part would have heard the device.
fn heard(device: &Known<'_>, part: Option<&Listen>) -> bool {
    let Some(part) = part else { return true };
    let mut topics = device.topics();
    topics.any(|(topic, _, _)| part.filters.iter().any(|filter| matches(filter, topic)))
}

type Known<'m> = Device<'m, Box<[u8]>>;

fn part_of<'m>(device: &Known<'m>) -> Part<'m> {
    Part {
        id: device.id(),
        generic: device.dialect == Dialect::Generic,
        owns: device.is_present(),
        named: device.name().is_some(),
        speaks: device.is_speaker(),
        topics: device.topics().map(|(topic, ..)| topic).collect(),
    }
}

fn device(device: &Known<'_>, start: Instant, now: Instant) -> DeviceFinding {
    let findings = device.findings(now);
    let mut topics: Vec<_> = device
        .topics()
        .map(|(name, n, _)| (name.to_owned(), n))
        .collect();
    topics.sort_by_key(|(_, messages)| Reverse(*messages));
    DeviceFinding {
        id: device.id().to_owned(),
        name: device.name().map(str::to_owned),
        dialect: device.dialect.name(),
        gateway: device.gateway().map(str::to_owned),
        well_known: device.is_known_well(now),
        score: score(&findings),
        deductions: findings
            .iter()
            .map(|finding| Deduction {
                points: finding.points,
                kind: finding.cause.name(),
                what: finding.cause.to_string(),
                check: finding.cause.check(),
            })
            .collect(),
        connection: connection(device, start, now),
        heartbeat: heartbeat(device),
        last_live: device.live.map(|(_, last)| last.since(start)),
        gaps: device.gaps,
        longest_gap: device
            .longest_gap
            .map(|gap| (gap.from.since(start), gap.length())),
        troubles: troubles(device, start),
        more_troubles: device.more_troubles,
        errors: device.errors,
        warnings: device.warnings,
        readings: readings(device),
        uptime: device.uptime.seconds(),
        restarts: device.uptime.restarts(),
        clock_behind: device.clock_off().map(|off| off.behind),
        values: values(device),
        topics,
        more_topics: device.more_topics,
        messages: device.messages,
        retained: device.retained,
        commands: device.commands,
    }
}

fn connection(device: &Known<'_>, start: Instant, now: Instant) -> Option<ConnectionFinding> {
    let presence = &device.presence;
    let latest = presence.latest()?;
    Some(ConnectionFinding {
        state: latest.to.name(),
        told: latest.at.since(start),
        retained: latest.retained,
        topic: device.presence_topic().map(str::to_owned),
        changes: presence.changes(),
        history: presence
            .told()
            .map(|told| (told.at.since(start), told.to.name()))
            .collect(),
        // What was retained may have been so for ever; only what was heard is counted.
        offline: match latest.to {
            Connection::Offline if presence.changes() == 0 => now.since(latest.at.max(start)),
            _ => presence.offline(now),
        },
    })
}

fn heartbeat(device: &Known<'_>) -> Option<HeartbeatFinding> {
    let (topic, rhythm) = device.heartbeat()?;
    Some(HeartbeatFinding {
        topic: topic.to_owned(),
        period: rhythm.expected()?,
        p95: rhythm.quantile(95)?,
        jitter: rhythm.deviation().unwrap_or(Duration::ZERO),
    })
}

fn troubles(device: &Known<'_>, start: Instant) -> Vec<TroubleFinding> {
    let troubles = device.troubles().iter().map(|trouble| TroubleFinding {
        severity: trouble.severity.name(),
        count: trouble.count,
        why: trouble.why.as_str().to_owned(),
        sample: trouble.sample.as_str().to_owned(),
        topic: device.topic_of(trouble).to_owned(),
        first: trouble.first.since(start),
        latest: trouble.latest.since(start),
        retained: trouble.retained,
    });
    let mut troubles: Vec<_> = troubles.collect();
    let error = Severity::Error.name();
    troubles.sort_by_key(|trouble| (trouble.severity != error, Reverse(trouble.count)));
    troubles
}

fn readings(device: &Known<'_>) -> Vec<ReadingFinding> {
    let readings = Vital::ALL
        .iter()
        .map(|&vital| (vital, device.reading(vital)));
    let known = readings.filter(|(_, reading)| reading.count > 0);
    let told = known.map(|(vital, reading)| ReadingFinding {
        name: vital.name(),
        last: reading.last,
        min: reading.min,
        max: reading.max,
    });
    told.collect()
}

fn values(device: &Known<'_>) -> Vec<ValueFinding> {
    let values = device.channels().map(|channel| ValueFinding {
        name: channel.name().to_owned(),
        last: channel.last,
        min: channel.min,
        max: channel.max,
        count: channel.count,
        changes: channel.changes,
    });
    let mut values: Vec<_> = values.collect();
    values.reverse();
    values
}
