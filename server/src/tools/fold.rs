//! Folding of alike topics: `zigbee2mqtt/lamp/availability`, `zigbee2mqtt/door/availability`, … to
//! `zigbee2mqtt/+/availability`. Deterministic; every topic ends in exactly one group.

use std::collections::{BinaryHeap, HashMap};

/// Topics that share a pattern; a pattern without `+` is a single topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Group {
    pub(super) pattern: String,
    /// Indices of the topics, ascending.
    pub(super) members: Vec<usize>,
}

/// Groups `topics` until at most about `wanted` groups are left, folding as little as that takes: first levels that
/// are not the last (what differs is the device, what is alike is the kind of message), then any.
pub(super) fn fold(topics: &[&str], wanted: usize) -> Vec<Group> {
    let mut groups: Vec<Group> = topics
        .iter()
        .enumerate()
        .map(|(i, topic)| Group {
            pattern: (*topic).to_owned(),
            members: vec![i],
        })
        .collect();
    for (any_level, least) in [(false, 3), (true, 4), (false, 2), (true, 2), (true, 2)] {
        if groups.len() <= wanted {
            break;
        }
        groups = pass(groups, any_level, least);
    }
    groups.sort_by(|a, b| a.pattern.cmp(&b.pattern));
    groups
}

/// Folds one level of every group that has at least `least - 1` others like it, the largest families first.
fn pass(groups: Vec<Group>, any_level: bool, least: usize) -> Vec<Group> {
    let mut alike: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, group) in groups.iter().enumerate() {
        for pattern in wider(&group.pattern, any_level) {
            alike.entry(pattern).or_default().push(i);
        }
    }
    alike.retain(|_, members| members.len() >= least);
    let mut queue: BinaryHeap<(usize, std::cmp::Reverse<String>)> = alike
        .iter()
        .map(|(pattern, members)| (members.len(), std::cmp::Reverse(pattern.clone())))
        .collect();
    let mut left: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
    let mut folded = Vec::new();
    while let Some((expected, std::cmp::Reverse(pattern))) = queue.pop() {
        let Some(members) = alike.get_mut(&pattern) else {
            continue;
        };
        members.retain(|i| left.get(*i).is_some_and(Option::is_some));
        if members.len() < least {
            continue;
        }
        if members.len() < expected {
            queue.push((members.len(), std::cmp::Reverse(pattern)));
            continue;
        }
        let taken = members
            .iter()
            .filter_map(|i| left.get_mut(*i).and_then(Option::take));
        let mut members: Vec<usize> = taken.flat_map(|group| group.members).collect();
        members.sort_unstable();
        folded.push(Group { pattern, members });
    }
    folded.extend(left.into_iter().flatten());
    folded
}

/// `pattern` with one level more a `+`, in every way allowed. A first level with `$` stays: `+` does not match it.
fn wider(pattern: &str, any_level: bool) -> Vec<String> {
    let levels: Vec<&str> = pattern.split('/').collect();
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
            with.join("/")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(groups: &[Group]) -> Vec<(&str, usize)> {
        groups
            .iter()
            .map(|g| (g.pattern.as_str(), g.members.len()))
            .collect()
    }

    #[test]
    fn a_few_topics_stay_as_they_are() {
        let groups = fold(&["a/1/x", "a/2/x", "a/3/x"], 10);
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
        let groups = fold(&names, 10);
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
        let groups = fold(&names, 5);
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
        let groups = fold(&names, 40);
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
        assert_eq!(fold(&names, 1).len(), 20);
    }
}
