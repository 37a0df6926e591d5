//! The answer within its budget of bytes: first fewer lines about each device, then fewer devices, the healthiest first.
//! Findings of a device that is told are never cut. Same report, same answer.

use super::{
    Answer, Connection, Device, Finding, Format, Gaps, Head, Heartbeat, NotFound, Omitted, Problem,
    Reading, Rest, Sick, Topic,
};
use crate::broker::report::{DeviceFinding, HealthFindings, Report, TroubleFinding};
use crate::render;
use crate::tools::listening::sentences;
use std::time::Duration;

/// Bytes that the rest of the answer may take.
const RESERVE: usize = 640;

/// Seconds below which a clock is not told to be wrong: many fields tell whole seconds, and messages take time.
const CLOCK: f64 = 2.0;

/// Devices told in full on one page.
const DETAILS: usize = 10;

/// Bytes of a finding in one line of the overview.
const LINE: usize = 100;

const MORE: &str =
    "the arguments of `next`, response_format detailed with larger max_bytes, or a narrower topic";

/// How many lines of each kind a device gets.
#[derive(Clone, Copy)]
struct Lines {
    problems: usize,
    sample: usize,
    history: usize,
    topics: usize,
    values: usize,
}

/// Of one that has nothing.
const HEALTHY: Lines = Lines {
    problems: 1,
    sample: 80,
    history: 0,
    topics: 1,
    values: 0,
};

/// Tried in this order.
const LINES: [Lines; 4] = [
    Lines {
        problems: 4,
        sample: 120,
        history: 8,
        topics: 8,
        values: 32,
    },
    Lines {
        problems: 4,
        sample: 120,
        history: 8,
        topics: 5,
        values: 0,
    },
    Lines {
        problems: 2,
        sample: 80,
        history: 4,
        topics: 3,
        values: 0,
    },
    Lines {
        problems: 1,
        sample: 40,
        history: 0,
        topics: 1,
        values: 0,
    },
];

pub(in crate::tools) fn answer(
    mut head: Head,
    report: &Report,
    format: Format,
    budget: usize,
) -> Answer {
    let none = HealthFindings::default();
    let found = report.findings.health.as_ref().unwrap_or(&none);
    let asides = sentences::asides(report);
    let room = budget.saturating_sub(render::json_len(&head) + asides.len() + RESERVE);
    let sick = overview(found, head.offset, room / 2);
    let room = room.saturating_sub(render::json_len(&sick));
    let page = found.devices.get(head.offset..).unwrap_or(&[]);
    // Who wants details gets as many as fit.
    let page = page
        .get(..DETAILS)
        .filter(|_| format == Format::Concise)
        .unwrap_or(page);
    let lines = match format {
        Format::Detailed => LINES.get(..).unwrap_or(&[]),
        Format::Concise => LINES.get(1..).unwrap_or(&[]),
    };
    let mut devices = Vec::new();
    let mut left_out = 0;
    for lines in lines {
        // Of several, the healthy ones are soon told.
        let short =
            |it: &DeviceFinding| it.score == 100 && found.matched > 1 && format == Format::Concise;
        let told = page.iter().map(|it| match short(it) {
            true => device(it, report, HEALTHY),
            false => device(it, report, *lines),
        });
        (devices, left_out) = told.fold((Vec::new(), 0), |(mut all, sum), (one, left_out)| {
            all.push(one);
            (all, sum + left_out)
        });
        if cost(&devices) <= room {
            break;
        }
    }
    while cost(&devices) > room && devices.len() > 1 {
        devices.pop();
    }
    let matched = found.matched as u64 + found.beyond_matched;
    let told = head.offset + devices.len();
    head.rest = (told < found.devices.len())
        .then(|| Rest::From(told.max(head.offset + 1)))
        .or_else(|| (left_out > 0 && format == Format::Concise).then_some(Rest::Fuller));
    let omitted = Omitted {
        devices: matched.saturating_sub(told as u64),
        devices_not_judged: found.beyond_matched,
        lines: left_out,
        messages_of_devices_without_room: found.missed,
        numbers_without_room: found.numbers_missed,
        how_to_get_more: MORE,
    };
    let any = omitted.devices > 0 || omitted.lines > 0 || found.missed + found.numbers_missed > 0;
    Answer {
        verdict: sentences::with_interruption(report, verdict(found, report.elapsed)) + &asides,
        head,
        devices_heard: found.heard as u64 + found.beyond,
        matched,
        estimated: found.beyond > 0,
        with_findings: found.troubled,
        sick,
        devices,
        not_found: (matched == 0).then(|| not_found(found)),
        omitted: any.then_some(omitted),
    }
}

/// A line for each device with findings, the sickest first, in so many bytes; on the first page only, and only if there
/// are more than are told in full.
fn overview(found: &HealthFindings, offset: usize, room: usize) -> Vec<Sick> {
    let mut left = room;
    let sick = found.devices.iter().filter(|it| it.score < 100);
    if offset > 0 || sick.clone().count() <= DETAILS {
        return Vec::new();
    }
    let lines = sick.map(|it| Sick {
        id: render::topic(&it.id),
        score: it.score,
        first: it.deductions.first().map(|first| {
            let what = render::clean(render::front(&first.what, LINE));
            format!("{}: {what}", first.kind)
        }),
    });
    let fitting = lines.map_while(|line| {
        left = left.checked_sub(render::json_len(&line) + 1)?;
        Some(line)
    });
    fitting.collect()
}

fn cost(devices: &[Device]) -> usize {
    devices
        .iter()
        .map(|device| render::json_len(device) + 1)
        .sum()
}

fn verdict(found: &HealthFindings, elapsed: Duration) -> String {
    let all = found.heard as u64 + found.beyond;
    let of = match (found.matched, found.beyond_matched) {
        (0, 0) if found.beyond > 0 => {
            return format!(
                "no such device among {} of about {all} heard: the others found no room and were not judged",
                found.heard
            );
        }
        (0, 0) => return format!("no such device among the {all} heard"),
        (0, beyond) => {
            return format!("about {beyond} such devices found no room and were not judged");
        }
        (1, 0) => String::new(),
        (many, 0) => format!("{} of {many} devices have findings; ", found.troubled),
        (judged, beyond) => format!(
            "{judged} of about {} devices judged: {} have findings (the others found no room); ",
            judged as u64 + beyond,
            found.troubled
        ),
    };
    let of = match found.thin {
        few @ 1.. if found.matched > 1 => format!("{of}{few} not heard enough to judge; "),
        _ => of,
    };
    let Some(worst) = found.devices.first() else {
        return of;
    };
    let mut id = render::topic(&worst.id);
    if let Some(name) = &worst.name {
        id = format!("{} ({id})", render::topic(name));
    }
    match worst.deductions.first() {
        Some(first) => {
            let what = render::clean(&first.what);
            format!("{of}{id} scores {}: {what}{}", worst.score, foremost(worst))
        }
        None if worst.messages == 0 => format!("{of}{id} is known by name only: it said nothing"),
        None if worst.is_thin() => format!(
            "{of}{id}: not enough heard to judge: {}",
            heard(worst, elapsed)
        ),
        None => format!(
            "{of}{id} scores 100: nothing wrong was seen in {} s",
            render::seconds(elapsed)
        ),
    }
}

fn heard(found: &DeviceFinding, elapsed: Duration) -> String {
    let live = found.messages.saturating_sub(found.retained);
    match (live, found.last_live) {
        (0, _) => "only retained messages, which may be old".to_owned(),
        (1, None) => "1 message".to_owned(),
        (_, None) => format!("{live} messages"),
        (1, Some(last)) => format!("1 message, {} s ago", ago(last, elapsed)),
        (_, Some(last)) => format!("{live} messages, the last {} s ago", ago(last, elapsed)),
    }
}

fn ago(last: Duration, elapsed: Duration) -> f64 {
    render::seconds(elapsed.saturating_sub(last))
}

/// The error that a finding counts, if that is the first one.
fn foremost(device: &DeviceFinding) -> String {
    let level = match device.deductions.first().map(|first| first.kind) {
        Some("errors") => "error",
        Some("warnings") => "warning",
        _ => return String::new(),
    };
    let mut troubles = device.troubles.iter();
    match troubles.find(|trouble| trouble.severity == level) {
        Some(trouble) => {
            let said = why(trouble).unwrap_or(&trouble.sample);
            format!(", first `{}`", render::clean(render::front(said, 120)))
        }
        None => String::new(),
    }
}

fn not_found(found: &HealthFindings) -> NotFound {
    NotFound {
        nearest: found.nearest.iter().map(|id| render::topic(id)).collect(),
        next_step: match found.heard {
            _ if found.beyond > 0 => {
                "call again with a topic filter that brings fewer devices, such as zigbee2mqtt/garage/#"
            }
            0 => {
                "nothing was heard: check the filter and the rights of this session, or listen longer"
            }
            _ => "call again with one of these, listen longer, or look with list_topics",
        },
    }
}

/// A device with so many lines, and how many were left out.
fn device(found: &DeviceFinding, report: &Report, lines: Lines) -> (Device, usize) {
    let time = |at: Duration| render::time(report.started + at);
    let mut left_out = found.troubles.len().saturating_sub(lines.problems)
        + usize::try_from(found.more_troubles).unwrap_or(usize::MAX / 2)
        + found.topics.len().saturating_sub(lines.topics)
        + usize::from(found.more_topics > 0);
    let connection = found.connection.as_ref().map(|told| {
        let skip = told.history.len().saturating_sub(lines.history);
        // The first telling is no change.
        let history = told.history.iter().skip(skip.max(1));
        left_out += skip.saturating_sub(1);
        Connection {
            state: told.state,
            since: (!told.retained).then(|| time(told.told)),
            told_by: told.topic.as_deref().map(render::topic),
            changes: told.changes,
            offline_s: render::seconds(told.offline),
            history: history
                .map(|(at, state)| format!("{} s {state}", render::seconds(*at)))
                .collect(),
            gateway: found.gateway.as_deref().map(render::topic),
        }
    });
    let shown = Device {
        id: render::topic(&found.id),
        name: found.name.as_deref().map(render::topic),
        dialect: found.dialect,
        score: (!found.is_thin()).then_some(found.score),
        findings: found.deductions.iter().map(finding).collect(),
        connection,
        heartbeat: found.heartbeat.as_ref().map(|beat| Heartbeat {
            topic: render::topic(&beat.topic),
            period_s: render::seconds(beat.period),
            p95_s: render::seconds(beat.p95),
            jitter_s: render::seconds(beat.jitter),
        }),
        silent_s: found
            .last_live
            .map(|last| render::seconds(report.elapsed.saturating_sub(last))),
        gaps: found.longest_gap.map(|(from, length)| Gaps {
            count: found.gaps,
            longest_s: render::seconds(length),
            longest_from: time(from),
        }),
        problems: problems(found, lines),
        readings: readings(found, lines),
        uptime_s: found.uptime.map(f64::round),
        clock_behind_s: found
            .clock_behind
            .filter(|seconds| seconds.abs() >= CLOCK)
            .map(|seconds| (seconds * 10.0).round() / 10.0),
        messages: found.messages,
        commands: found.commands,
        topics: found
            .topics
            .iter()
            .take(lines.topics)
            .map(|(topic, messages)| Topic {
                topic: render::topic(topic),
                messages: *messages,
            })
            .collect(),
    };
    (shown, left_out)
}

fn finding(deduction: &crate::broker::report::Deduction) -> Finding {
    Finding {
        points: deduction.points,
        kind: deduction.kind,
        what: render::clean(&deduction.what),
        check: deduction.check,
    }
}

fn problems(found: &DeviceFinding, lines: Lines) -> Vec<Problem> {
    let problems = found.troubles.iter().take(lines.problems);
    let told = problems.map(|trouble| Problem {
        severity: trouble.severity,
        count: trouble.count,
        why: why(trouble).map(render::clean),
        topic: render::topic(&trouble.topic),
        sample: render::clean(render::front(&trouble.sample, lines.sample)),
        first_t_ms: render::whole_millis(trouble.first),
        latest_t_ms: render::whole_millis(trouble.latest),
        retained: trouble.retained,
    });
    told.collect()
}

/// Where it was found and what was found there, unless the sample is just that and says enough: `true` says nothing
/// without its key.
fn why(trouble: &TroubleFinding) -> Option<&str> {
    let said = |text: &str| !text.is_empty() && trouble.sample.starts_with(text);
    match trouble.why.split_once(": ") {
        Some((_, text)) if said(text) && trouble.sample.trim().contains(' ') => None,
        _ => Some(&trouble.why),
    }
}

/// Six significant digits.
fn short(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}

/// Battery and link always; other numbers if there is room for them.
fn readings(found: &DeviceFinding, lines: Lines) -> Vec<Reading> {
    let vitals = found.readings.iter().map(|it| {
        let moved = it.min != it.max;
        Reading {
            name: it.name.to_owned(),
            last: short(it.last),
            min: moved.then(|| short(it.min)),
            max: moved.then(|| short(it.max)),
            changes: None,
        }
    });
    let values = found.values.iter().take(lines.values).map(|it| {
        let moved = it.min != it.max;
        Reading {
            name: render::topic(&it.name),
            last: short(it.last),
            min: moved.then(|| short(it.min)),
            max: moved.then(|| short(it.max)),
            changes: Some(it.changes),
        }
    });
    vitals.chain(values).collect()
}
