//! Folding of alike topics: `zigbee2mqtt/lamp/availability`, `zigbee2mqtt/door/availability`, … to
//! `zigbee2mqtt/+/availability`. Deterministic; every topic ends in exactly one group.

use crate::broker::report::TopicFinding;
use bitsperity_mqtt_core::limits::MAX_LEVELS;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// A topic and the format of its last payload.
#[derive(Clone, Copy, Debug)]
pub(in crate::tools) struct Known<'a> {
    pub(in crate::tools) topic: &'a str,
    pub(in crate::tools) format: &'a str,
}

impl<'a> From<&'a TopicFinding> for Known<'a> {
    fn from(found: &'a TopicFinding) -> Self {
        Self {
            topic: &found.topic,
            format: found.format,
        }
    }
}

/// Topics that share a pattern; a pattern without `+` is a single topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::tools) struct Group {
    pub(in crate::tools) pattern: String,
    /// Indices of the topics, ascending.
    pub(in crate::tools) members: Vec<usize>,
}

/// Groups `topics` until at most `wanted` groups are left or nothing is alike any more, folding as little as that takes:
/// first levels that are not the last (what differs is the device, what is alike is the kind of message), then any.
pub(in crate::tools) fn fold(topics: &[Known<'_>], wanted: usize) -> Vec<Group> {
    let alone = topics.iter().enumerate().map(|(i, known)| Group {
        pattern: known.topic.to_owned(),
        members: vec![i],
    });
    let mut groups: Vec<Group> = alone.collect();
    for (any_level, least) in [(false, 3), (true, 4), (false, 2), (true, 2), (true, 2)] {
        if groups.len() <= wanted {
            break;
        }
        groups = pass(topics, groups, any_level, least);
    }
    groups.sort_by(|a, b| a.pattern.cmp(&b.pattern));
    groups
}

/// Folds one level of every group that has at least `least - 1` others like it, the largest families first.
fn pass(topics: &[Known<'_>], groups: Vec<Group>, any_level: bool, least: usize) -> Vec<Group> {
    let mut alike: HashMap<(String, &str), Vec<usize>> = HashMap::new();
    for (i, group) in groups.iter().enumerate() {
        for (pattern, last) in wider(&group.pattern, any_level) {
            // What shares all but the last level is alike only if it looks alike.
            let looks = if last { looks(topics, group) } else { Some("") };
            if let Some(looks) = looks {
                alike.entry((pattern, looks)).or_default().push(i);
            }
        }
    }
    // Two or three kinds of message are told by their names; `looks` is empty where another level differs.
    alike.retain(|(_, looks), members| {
        members.len() >= least.max(if looks.is_empty() { 0 } else { SIBLINGS })
    });
    let mut queue: BinaryHeap<_> = alike
        .iter()
        .map(|(key, members)| (members.len(), std::cmp::Reverse(key.clone())))
        .collect();
    let mut taken: HashSet<String> = groups.iter().map(|group| group.pattern.clone()).collect();
    let mut left: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
    let mut folded = Vec::new();
    while let Some((expected, std::cmp::Reverse(key))) = queue.pop() {
        let Some(members) = alike.get_mut(&key) else {
            continue;
        };
        members.retain(|i| left.get(*i).is_some_and(Option::is_some));
        let covered = members.iter().filter_map(|i| left.get(*i)?.as_ref());
        let covered: usize = covered.map(|group| group.members.len()).sum();
        if members.len() < least || covered < enough(&key.0) || taken.contains(&key.0) {
            continue;
        }
        if members.len() < expected {
            queue.push((members.len(), std::cmp::Reverse(key)));
            continue;
        }
        let gone = members
            .iter()
            .filter_map(|i| left.get_mut(*i).and_then(Option::take));
        let mut members: Vec<usize> = gone.flat_map(|group| group.members).collect();
        members.sort_unstable();
        taken.insert(key.0.clone());
        folded.push(Group {
            pattern: key.0,
            members,
        });
    }
    folded.extend(left.into_iter().flatten());
    folded
}

/// Groups that differ in the last level only and are told as one, at least.
const SIBLINGS: usize = 4;

/// Topics that a pattern must stand for at least, to say more than their names would: the less it says, the more.
fn enough(pattern: &str) -> usize {
    let count = |wanted: fn(&str) -> bool| {
        pattern
            .splitn(MAX_LEVELS, '/')
            .filter(|level| wanted(level))
            .count()
    };
    let open = count(|level| level == "+");
    match (count(|level| !level.is_empty() && level != "+"), open) {
        (0, _) => usize::MAX,
        _ if pattern.ends_with('+') => {
            4usize.saturating_pow(u32::try_from(open).unwrap_or(u32::MAX))
        }
        (1, 1) => 3,
        (_, 0 | 1) => 2,
        _ => 8,
    }
}

/// What all payloads of a group look like; none if they differ.
fn looks<'a>(topics: &[Known<'a>], group: &Group) -> Option<&'a str> {
    let formats = group.members.iter().filter_map(|i| topics.get(*i));
    let mut looks = formats.map(|known| class(known.format));
    let first = looks.next()?;
    looks.all(|it| it == first).then_some(first)
}

/// Formats between which values of one thing change, under one name.
fn class(format: &str) -> &str {
    match format {
        "number" | "boolean" | "null" | "empty" => "number",
        "text" | "json_string" | "base64" | "hex" | "timestamp" => "text",
        "json_object" | "json_array" => "json_object",
        other => other,
    }
}

/// `pattern` with one level more a `+`, in every way allowed, and whether that is the last. A first level with `$` stays:
/// `+` does not match it.
fn wider(pattern: &str, any_level: bool) -> Vec<(String, bool)> {
    let levels: Vec<&str> = pattern.splitn(MAX_LEVELS, '/').collect();
    let last = levels.len().saturating_sub(1);
    let can = |(i, level): &(usize, &&str)| {
        **level != "+" && (any_level || *i < last) && !(*i == 0 && level.starts_with('$'))
    };
    let places = levels.iter().enumerate().filter(can).map(|(i, _)| i);
    places
        .map(|place| {
            let with = levels.iter().enumerate();
            let with: Vec<&str> = with
                .map(|(i, level)| if i == place { "+" } else { *level })
                .collect();
            (with.join("/"), place == last)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of one format.
    fn all<'a>(topics: &[&'a str], format: &'a str) -> Vec<Known<'a>> {
        let known = topics.iter().map(|topic| Known { topic, format });
        known.collect()
    }

    fn patterns(groups: &[Group]) -> Vec<(&str, usize)> {
        groups
            .iter()
            .map(|g| (g.pattern.as_str(), g.members.len()))
            .collect()
    }

    #[test]
    fn a_topic_of_many_levels_is_widened_in_few_ways() {
        let deep = "/".repeat(65_000);
        assert_eq!(wider(&deep, true).len(), MAX_LEVELS);
        assert_eq!(wider(&format!("a{deep}"), false).len(), MAX_LEVELS - 1);
    }

    #[test]
    fn a_few_topics_stay_as_they_are() {
        let groups = fold(&all(&["a/1/x", "a/2/x", "a/3/x"], "text"), 10);
        assert_eq!(
            patterns(&groups),
            [("a/1/x", 1), ("a/2/x", 1), ("a/3/x", 1)]
        );
    }

    #[test]
    fn devices_fold_and_kinds_of_message_stay_apart() {
        let mut topics = Vec::new();
        for device in 0..12 {
            for kind in ["state", "set", "availability"] {
                topics.push(format!("zigbee2mqtt/dev{device}/{kind}"));
            }
        }
        topics.push("zigbee2mqtt/bridge/info".into());
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        let groups = fold(&all(&names, "text"), 10);
        let expected = [
            ("zigbee2mqtt/+/availability", 12),
            ("zigbee2mqtt/+/set", 12),
            ("zigbee2mqtt/+/state", 12),
            ("zigbee2mqtt/bridge/info", 1),
        ];
        assert_eq!(patterns(&groups), expected);
    }

    #[test]
    fn two_varying_levels_fold_when_one_is_not_enough() {
        let topics: Vec<String> = (0..400)
            .map(|i| format!("homeassistant/sensor/0x{}/p{}/config", i / 8, i % 8))
            .collect();
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        let groups = fold(&all(&names, "text"), 5);
        assert_eq!(
            patterns(&groups),
            [("homeassistant/sensor/+/+/config", 400)]
        );
    }

    #[test]
    fn every_topic_is_in_one_group_and_matches_it() {
        let topics: Vec<String> = (0..3_000)
            .map(|i| format!("s{}/d{}/{}", i % 7, i % 101, ["a", "b", "c/d"][i % 3]))
            .collect();
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        let groups = fold(&all(&names, "text"), 40);
        let mut seen: Vec<usize> = groups.iter().flat_map(|g| g.members.clone()).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..topics.len()).collect::<Vec<_>>());
        assert!(groups.len() < 60, "{}", groups.len());
        for group in &groups {
            for member in &group.members {
                let levels = group.pattern.split('/').zip(names[*member].split('/'));
                assert!(levels.into_iter().all(|(p, t)| p == "+" || p == t));
            }
        }
    }

    #[test]
    fn a_first_level_with_a_dollar_is_never_folded() {
        let names: Vec<String> = (0..20).map(|i| format!("$SYS{i}/x")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(fold(&all(&names, "text"), 1).len(), 20);
    }

    #[test]
    fn short_topics_that_have_nothing_in_common_stay_apart() {
        let rooms = ["kitchen", "garage", "attic", "porch", "cellar", "study"];
        let things = ["light", "door", "fan", "siren", "pump", "clock"];
        let names: Vec<String> = rooms
            .iter()
            .zip(things)
            .map(|(r, t)| format!("{r}/{t}"))
            .collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.extend(["uptime", "version", "hello"]);
        let groups = fold(&all(&names, "text"), 2);
        assert!(
            groups.iter().all(|group| group.members.len() == 1),
            "{groups:?}"
        );
    }

    #[test]
    fn two_of_a_kind_are_told_by_their_names_where_little_else_is_alike() {
        let names = ["lamp/state", "fan/state", "weather/now", "radio/title"];
        assert_eq!(fold(&all(&names, "text"), 1).len(), 4);
        let names = ["lamp/state", "fan/state", "door/state", "weather/now"];
        let expected = [("+/state", 3), ("weather/now", 1)];
        assert_eq!(patterns(&fold(&all(&names, "text"), 1)), expected);
    }

    #[test]
    fn siblings_fold_if_they_look_alike() {
        let numbers: Vec<String> = (0..20).map(|i| format!("meter/{i}")).collect();
        let mut known: Vec<Known<'_>> = numbers
            .iter()
            .map(|topic| Known {
                topic,
                format: "number",
            })
            .collect();
        for topic in ["meter/config", "meter/log"] {
            let format = if topic.ends_with("log") {
                "text"
            } else {
                "json_object"
            };
            known.push(Known { topic, format });
        }
        let expected = [("meter/+", 20), ("meter/config", 1), ("meter/log", 1)];
        assert_eq!(patterns(&fold(&known, 1)), expected);
    }

    #[test]
    fn two_kinds_of_message_of_many_devices_stay_apart() {
        let names: Vec<String> = (0..60)
            .map(|i| format!("ha/sensor/s{}/{}", i / 2, ["config", "attributes"][i % 2]))
            .chain((0..30).map(|i| format!("single{i}/x{i}")))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let groups = fold(&all(&names, "json_object"), 20);
        let families: Vec<_> = patterns(&groups)
            .into_iter()
            .filter(|it| it.1 > 1)
            .collect();
        let expected = [("ha/sensor/+/attributes", 30), ("ha/sensor/+/config", 30)];
        assert_eq!(families, expected);
    }

    #[test]
    fn a_house_reads_as_a_person_would_tell_it() {
        let mut known = Vec::new();
        let rooms = ["kitchen", "bath", "attic", "hall", "cellar"];
        let things = [
            ("temperature", "number"),
            ("window", "text"),
            ("lamp", "json_object"),
        ];
        let names: Vec<(String, &str)> = rooms
            .iter()
            .flat_map(|room| things.map(|(thing, format)| (format!("home/{room}/{thing}"), format)))
            .collect();
        known.extend(names.iter().map(|(topic, format)| Known { topic, format }));
        for (topic, format) in [
            ("doorbell", "text"),
            ("power/total", "number"),
            ("news/today", "xml"),
        ] {
            known.push(Known { topic, format });
        }
        let expected = [
            ("doorbell", 1),
            ("home/+/lamp", 5),
            ("home/+/temperature", 5),
            ("home/+/window", 5),
            ("news/today", 1),
            ("power/total", 1),
        ];
        assert_eq!(patterns(&fold(&known, 3)), expected);
    }
}
