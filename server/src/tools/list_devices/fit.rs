//! The lines of the inventory in the order that was asked for, as many as fit from the offset on. Same report, same answer.

use super::models::Models;
use super::{Answer, Head, Line, Only, Rest, Sort};
use crate::broker::report::{DeviceFinding, HealthFindings, Report, ValueFindings};
use crate::render;
use crate::tools::listening::{sentences, systems};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::HashMap;

/// Bytes that the rest of the answer may take.
const RESERVE: usize = 320;

/// Percent at which a battery is soon empty: coin cells fall fast from there.
const LOW: f64 = 20.0;

/// Messages from which on a rate is told: one or two that came say nothing of how often they come.
const RATED: u64 = 3;

/// Findings of a device in its line.
const FINDINGS: usize = 4;

/// How deep in a payload a date is looked for.
const DEPTH: usize = 3;

pub(in crate::tools) fn answer(
    mut head: Head,
    report: &Report,
    (sort, only): (Sort, Only),
    budget: usize,
) -> Answer {
    let none = HealthFindings::default();
    let found = report.findings.health.as_ref().unwrap_or(&none);
    let systems = match only {
        Only::All => systems::all(found.devices.iter()),
        _ => Vec::new(),
    };
    let mut devices: Vec<&DeviceFinding> = found.devices.iter().filter(|it| is(it, only)).collect();
    devices.sort_by(|a, b| order(a, b, sort).then_with(|| a.id.cmp(&b.id)));
    let verdict = sentences::with_interruption(
        report,
        verdict(&head, report, found, &systems, (only, devices.len())),
    ) + &sentences::asides(report);
    let taken = render::json_len(&head) + render::json_len(&systems) + verdict.len() + RESERVE;
    let mut left = budget.saturating_sub(taken);
    let dates = Dates::of(report.findings.values.as_ref());
    let models = Models::of(report.findings.values.as_ref());
    let page = devices.iter().skip(head.offset).map_while(|device| {
        let line = line(device, report, &dates, &models);
        left = left.checked_sub(render::json_len(&line) + 1)?;
        Some(line)
    });
    let lines: Vec<Line> = page.collect();
    let told = head.offset + lines.len();
    head.rest = (told < devices.len()).then(|| Rest::From(told.max(head.offset + 1)));
    Answer {
        verdict,
        head,
        devices_heard: found.heard as u64 + found.beyond,
        matched: devices.len(),
        omitted: devices.len().saturating_sub(lines.len()) as u64,
        systems,
        devices: lines,
    }
}

fn verdict(
    head: &Head,
    report: &Report,
    found: &HealthFindings,
    systems: &[systems::System],
    (only, matched): (Only, usize),
) -> String {
    if found.devices.is_empty() {
        return match report.received {
            0 => sentences::nothing(head, report),
            messages => format!(
                "{} and no device in them: list_topics shows what they are",
                sentences::count(messages, "message", "messages")
            ),
        };
    }
    let count =
        |wanted: fn(&DeviceFinding) -> bool| found.devices.iter().filter(|it| wanted(it)).count();
    let mut all = sentences::count(found.heard as u64 + found.beyond, "device", "devices");
    let what = match only {
        Only::All => {
            all += &format!(": {}", systems::sentence(systems, found));
            None
        }
        Only::Sick => Some("with findings"),
        Only::Battery => Some("with a battery that is told"),
        Only::Retained => Some("known from retained messages only"),
    };
    if let Some(what) = what {
        return format!("{matched} of {all} {what}");
    }
    for (number, what) in [
        (count(|it| it.score < 100), "with findings"),
        (
            count(|it| battery(it).is_some_and(|percent| percent <= LOW)),
            "with a battery of 20 % or less",
        ),
        (
            count(|it| is(it, Only::Retained)),
            "known from retained messages only",
        ),
    ] {
        if number > 0 {
            all += &format!("; {number} {what}");
        }
    }
    all
}

fn is(device: &DeviceFinding, only: Only) -> bool {
    match only {
        Only::All => true,
        Only::Sick => device.score < 100,
        Only::Battery => battery(device).is_some(),
        Only::Retained => device.last_live.is_none() && device.retained > 0,
    }
}

fn reading(device: &DeviceFinding, name: &str) -> Option<f64> {
    let known = device.readings.iter().find(|it| it.name == name);
    known.map(|it| it.last).filter(|number| number.is_finite())
}

fn battery(device: &DeviceFinding) -> Option<f64> {
    reading(device, "battery_percent")
}

/// The link as a share of the best there is, and as it is told.
fn link(device: &DeviceFinding) -> Option<(f64, String)> {
    let by_name = |name: &'static str| Some((name, reading(device, name)?));
    let known = [
        "link_quality",
        "signal_percent",
        "wifi_rssi_dbm",
        "rssi_dbm",
    ];
    let (name, value) = known.into_iter().find_map(by_name)?;
    Some(match name {
        "link_quality" => (value / 255.0, format!("{value} of 255")),
        "signal_percent" => (value / 100.0, format!("{value} %")),
        // -100 dBm is nothing, -50 dBm as good as it gets.
        _ => ((value + 100.0) / 50.0, format!("{value} dBm")),
    })
}

/// The worst, the longest silent, the busiest first; what is not known last.
fn order(a: &DeviceFinding, b: &DeviceFinding, sort: Sort) -> Ordering {
    let rising = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    match sort {
        Sort::Findings => a.score.cmp(&b.score),
        Sort::Battery => rising(battery(a), battery(b)),
        Sort::Link => rising(link(a).map(|it| it.0), link(b).map(|it| it.0)),
        Sort::Silent => a.last_live.cmp(&b.last_live),
        Sort::Rate => live(b).cmp(&live(a)),
        Sort::Name => Ordering::Equal,
    }
}

fn live(device: &DeviceFinding) -> u64 {
    device.messages.saturating_sub(device.retained)
}

fn line(device: &DeviceFinding, report: &Report, dates: &Dates, models: &Models) -> Line {
    let retained_only = is(device, Only::Retained);
    let minutes = report.elapsed.as_secs_f64().max(1.0) / 60.0;
    let mut kinds: Vec<&str> = device.deductions.iter().map(|it| it.kind).collect();
    kinds.dedup();
    kinds.truncate(FINDINGS);
    Line {
        id: render::topic(&device.id),
        name: device.name.as_deref().map(render::topic),
        system: systems::of(device),
        model: models.find(device),
        state: device.connection.as_ref().map(|it| it.state),
        battery_percent: battery(device),
        link: link(device).map(|(_, told)| told),
        last_heard_s: device
            .last_live
            .map(|last| render::seconds(report.elapsed.saturating_sub(last))),
        per_minute: (live(device) >= RATED).then(|| render::rough(live(device) as f64 / minutes)),
        retained_only,
        dated: retained_only.then(|| dates.latest(device)).flatten(),
        findings: kinds.join(", "),
    }
}

/// Last values by topic.
struct Dates<'a>(HashMap<&'a str, &'a [u8]>);

impl<'a> Dates<'a> {
    fn of(values: Option<&'a ValueFindings>) -> Self {
        let values = values.map_or(&[][..], |values| &values.values);
        let by_topic = values
            .iter()
            .map(|(topic, last)| (topic.as_str(), &last.payload[..]));
        Self(by_topic.collect())
    }

    /// The latest date in any of the device's payloads.
    fn latest(&self, device: &DeviceFinding) -> Option<String> {
        let topics = device.topics.iter();
        let payloads = topics.filter_map(|(topic, _)| self.0.get(topic.as_str()));
        let dates = payloads.filter_map(|bytes| {
            let value = serde_json::from_slice::<Value>(bytes);
            date(
                &value
                    .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned())),
                DEPTH,
            )
        });
        dates.max().map(|date| date.to_string())
    }
}

fn date(value: &Value, depth: usize) -> Option<jiff::civil::Date> {
    match value {
        Value::String(text) => {
            // A date, perhaps with a time and a zone behind it.
            let day = text.trim().get(..10)?;
            day.parse().ok()
        }
        Value::Object(members) if depth > 0 => {
            members.values().filter_map(|it| date(it, depth - 1)).max()
        }
        Value::Array(items) if depth > 0 => items.iter().filter_map(|it| date(it, depth - 1)).max(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_latest_date_of_a_payload_is_found() {
        let dated = |value: Value| date(&value, DEPTH).map(|date| date.to_string());
        let payload = json!({"at": "2024-05-01T10:00:00", "log": [{"seen": "2024-06-02 11:00"}], "n": "20240701"});
        assert_eq!(dated(payload).as_deref(), Some("2024-06-02"));
        assert_eq!(dated(json!({"a": "12:00", "b": 5})), None);
    }
}
