//! Several parts of one device as one: its findings are theirs, the whole is as sick as all of them together.
//!
//! Invariant: the score is 100 less the points of the findings; one kind of fault costs in full once.

use crate::broker::report::{Deduction, DeviceFinding};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Points for the same kind of fault of one more part.
const AGAIN: u8 = 5;

/// Points for a part that is silent while its twins speak.
const PART: u8 = 15;

/// Readings, values and topics of a device, so that one with many parts stays bounded.
const MOST: usize = 64;

/// The device `id` of its parts; at least one.
pub(super) fn joined(id: &str, parts: Vec<DeviceFinding>) -> DeviceFinding {
    let own = parts.iter().position(|part| part.id == id);
    let mut parts = parts;
    if parts.len() > 1 {
        quiet(&mut parts);
    }
    if let Some(own) = own {
        // What its parts are called is not its name.
        let others = parts.iter_mut().enumerate().filter(|(n, _)| *n != own);
        others.for_each(|(_, part)| part.name = None);
    }
    let mut parts: Vec<_> = parts.into_iter().map(Some).collect();
    let Some(mut whole) = parts.get_mut(own.unwrap_or(0)).and_then(Option::take) else {
        return DeviceFinding::default();
    };
    if whole.id != id {
        id.clone_into(&mut whole.id);
    }
    let more = parts.into_iter().flatten();
    let several = more.fold(false, |_, part| {
        absorb(&mut whole, part);
        true
    });
    if several {
        weigh(&mut whole);
    }
    whole
}

/// Twins of a part that have to go on before its silence is told.
const TWINS: usize = 2;

/// A part is not silent as long as the device speaks, nor if the device said that it went; but it is if its twins speak.
fn quiet(parts: &mut [DeviceFinding]) {
    let is = |part: &DeviceFinding, kind| part.deductions.iter().any(|it| it.kind == kind);
    let alive = |part: &DeviceFinding| part.last_live.is_some() && !is(part, "silent");
    let gone = parts.iter().any(|part| is(part, "offline"));
    if !gone && !parts.iter().any(alive) {
        return;
    }
    let period = |it: &DeviceFinding| it.heartbeat.as_ref().map(|it| it.period);
    let paces: Vec<_> = parts
        .iter()
        .map(|it| (it.id.clone(), alive(it).then(|| period(it)).flatten()))
        .collect();
    for part in parts {
        let own = period(part);
        let twins = paces.iter().filter(|(id, pace)| {
            let close = |(a, b): (Duration, Duration)| a * 3 <= b * 4 && b * 3 <= a * 4;
            are_twins(id, &part.id) && own.zip(*pace).is_some_and(close)
        });
        let told = !gone && twins.count() >= TWINS;
        part.deductions.retain(|it| told || it.kind != "silent");
        let silent = part.deductions.iter_mut().filter(|it| it.kind == "silent");
        for it in silent {
            (it.kind, it.points) = ("part_silent", PART);
            it.what = format!("{} is {}, while its twins go on", part.id, it.what);
        }
    }
}

/// Whether two parts differ in one level only.
fn are_twins(one: &str, other: &str) -> bool {
    let apart = one.split('/').zip(other.split('/')).filter(|(a, b)| a != b);
    apart.count() == 1 && one.matches('/').count() == other.matches('/').count()
}

fn absorb(whole: &mut DeviceFinding, part: DeviceFinding) {
    whole.name = whole.name.take().or(part.name);
    whole.gateway = whole.gateway.take().or(part.gateway);
    let tail = part.id.strip_prefix(whole.id.as_str());
    let tail = tail.and_then(|tail| tail.strip_prefix('/')).unwrap_or("");
    let told = part.deductions.into_iter().map(|mut it| {
        if !tail.is_empty() && !it.what.contains(tail) {
            it.what = format!("{tail}: {}", it.what);
        }
        it
    });
    whole.deductions.extend(told);
    let offline = |it: &DeviceFinding| {
        it.connection
            .as_ref()
            .is_some_and(|it| it.state == "offline")
    };
    if whole.connection.is_none()
        || !offline(whole)
            && part
                .connection
                .as_ref()
                .is_some_and(|it| it.state == "offline")
    {
        whole.connection = part.connection.or(whole.connection.take());
    }
    whole.well_known |= part.well_known;
    whole.heartbeat = whole.heartbeat.take().or(part.heartbeat);
    whole.last_live = whole.last_live.max(part.last_live);
    whole.gaps = whole.gaps.saturating_add(part.gaps);
    whole.longest_gap = [whole.longest_gap, part.longest_gap]
        .into_iter()
        .flatten()
        .max_by_key(|(_, length)| *length);
    whole.troubles.extend(part.troubles);
    whole.more_troubles += part.more_troubles;
    whole.errors += part.errors;
    whole.warnings += part.warnings;
    whole.readings.extend(part.readings);
    whole.readings.truncate(MOST);
    whole.uptime = whole.uptime.or(part.uptime);
    whole.restarts = whole.restarts.saturating_add(part.restarts);
    whole.clock_behind = whole.clock_behind.or(part.clock_behind);
    whole.values.extend(part.values);
    whole.values.truncate(MOST);
    whole.topics.extend(part.topics);
    whole.topics.sort_by_key(|(_, messages)| Reverse(*messages));
    let beyond = whole.topics.iter().skip(MOST).map(|(_, messages)| messages);
    whole.more_topics += part.more_topics + beyond.sum::<u64>();
    whole.topics.truncate(MOST);
    whole.messages += part.messages;
    whole.retained += part.retained;
    whole.commands += part.commands;
}

fn weigh(whole: &mut DeviceFinding) {
    let deductions = &mut whole.deductions;
    deductions.sort_by_key(|it| Reverse(it.points));
    for n in 1..deductions.len() {
        let (before, rest) = deductions.split_at_mut(n);
        if let Some(it) = rest.first_mut()
            && before.iter().any(|known: &Deduction| known.kind == it.kind)
        {
            it.points = it.points.min(AGAIN);
        }
    }
    deductions.sort_by_key(|it| Reverse(it.points));
    let points = deductions.iter().map(|it| it.points);
    whole.score = points.fold(100, u8::saturating_sub);
    whole
        .troubles
        .sort_by_key(|it| (it.severity != "error", Reverse(it.count)));
}

/// Devices of which only their gateway is wrong stand in the line of the gateway, if that is told.
pub(super) fn consequences(devices: &mut Vec<DeviceFinding>) {
    let cut_off = |it: &DeviceFinding| {
        let mut kinds = it.deductions.iter().map(|it| it.kind);
        !it.deductions.is_empty() && kinds.all(|kind| kind == "gateway_offline")
    };
    let mut behind: BTreeMap<String, usize> = BTreeMap::new();
    for device in devices.iter().filter(|it| cut_off(it)) {
        if let Some(gateway) = &device.gateway {
            *behind.entry(gateway.clone()).or_default() += 1;
        }
    }
    let mut told = BTreeSet::new();
    for device in devices.iter_mut() {
        if let Some(&count) = behind.get(&device.id)
            && let Some(offline) = device.deductions.iter_mut().find(|it| it.kind == "offline")
        {
            offline.what += &match count {
                1 => ", and the device behind it".to_owned(),
                _ => format!(", and its {count} devices"),
            };
            told.insert(device.id.clone());
        }
    }
    devices.retain(|it| {
        let gateway = it.gateway.as_ref();
        !(cut_off(it) && gateway.is_some_and(|gateway| told.contains(gateway)))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::report::HeartbeatFinding;

    fn part(id: &str, silent: bool) -> DeviceFinding {
        let silent = silent.then(|| Deduction {
            points: 30,
            kind: "silent",
            what: "silent for 60 s".to_owned(),
            check: "",
        });
        DeviceFinding {
            id: id.to_owned(),
            name: Some(id.to_owned()),
            last_live: Some(Duration::from_secs(60)),
            heartbeat: Some(HeartbeatFinding {
                topic: id.to_owned(),
                period: Duration::from_secs(5),
                p95: Duration::from_secs(5),
                jitter: Duration::ZERO,
            }),
            deductions: silent.into_iter().collect(),
            ..DeviceFinding::default()
        }
    }

    #[test]
    fn the_silence_of_a_part_is_told_if_its_twins_speak() {
        let rack = |silent: &[&str]| {
            let ids = ["rack/cell1", "rack/cell2", "rack/cell3", "rack"];
            let parts = ids.map(|id| part(id, silent.contains(&id)));
            joined("rack", parts.into())
        };
        let told = rack(&["rack/cell2"]);
        let [only] = told.deductions.as_slice() else {
            panic!("{:?}", told.deductions.len());
        };
        assert_eq!((only.kind, told.score), ("part_silent", 85));
        assert!(
            only.what.starts_with("rack/cell2 is silent"),
            "{}",
            only.what
        );
        // Its parts' names are not its own, and with its twins it may be a mode.
        assert_eq!(told.name.as_deref(), Some("rack"));
        assert!(rack(&["rack/cell2", "rack/cell3"]).deductions.is_empty());
    }
}
