//! Kinds of errors as they are told: those with the same reason on topics that differ in one level are one kind.
//!
//! Invariant: counts add up; a level that has become `+` stays so.

use crate::broker::report::ErrorKind;
use bitsperity_mqtt_core::limits::MAX_LEVELS;
use bitsperity_mqtt_core::reduce::prune::{self, KIND_TOPICS};
use bitsperity_mqtt_core::time::Instant;
use std::cmp::Reverse;

/// Topics of a kind that are named.
const EXAMPLES: usize = 4;

/// The most frequent first; times count from `start`.
pub(super) fn told<'k>(
    kinds: impl Iterator<Item = prune::ErrorKind<'k>>,
    start: Instant,
) -> Vec<ErrorKind> {
    let since_start = |micros| Instant::from_micros(micros).since(start);
    let mut told: Vec<ErrorKind> = Vec::new();
    for kind in kinds {
        let first = std::iter::once(kind.topic);
        let all = first.chain(kind.others.iter().copied());
        let kind = ErrorKind {
            count: kind.count,
            hashes: vec![kind.hash],
            pattern: pattern(kind.topic, kind.varying),
            topics: kind.topics,
            topics_more: kind.topics == KIND_TOPICS,
            examples: all.map(str::to_owned).collect(),
            why: kind.why.to_owned(),
            first: since_start(kind.first),
            latest: since_start(kind.latest),
        };
        match told
            .iter_mut()
            .find_map(|known| Some((joined(known, &kind)?, known)))
        {
            Some((pattern, known)) => join(known, kind, pattern),
            None => told.push(kind),
        }
    }
    told.sort_by_key(|kind| Reverse(kind.count));
    told
}

/// A topic with `+` for the levels that differ.
fn pattern(topic: &str, varying: u64) -> String {
    let levels = topic.splitn(MAX_LEVELS, '/').enumerate();
    let levels = levels.map(|(n, level)| if varying >> n & 1 == 1 { "+" } else { level });
    levels.collect::<Vec<_>>().join("/")
}

/// The pattern of both, if they have the same reason and differ in one level at most.
fn joined(a: &ErrorKind, b: &ErrorKind) -> Option<String> {
    if masked(&a.why) != masked(&b.why) {
        return None;
    }
    let (one, other) = (levels(&a.pattern), levels(&b.pattern));
    let differ = one.iter().zip(&other).filter(|(a, b)| a != b).count();
    let apart = one.len() != other.len() || differ > 1 || one.len() == 1 && differ > 0;
    let level = |(a, b): (&&str, &&str)| {
        if a == b {
            (*a).to_owned()
        } else {
            "+".to_owned()
        }
    };
    let both = one.iter().zip(&other).map(level);
    (!apart).then(|| both.collect::<Vec<_>>().join("/"))
}

fn levels(pattern: &str) -> Vec<&str> {
    pattern.splitn(MAX_LEVELS, '/').collect()
}

/// Without its numbers, which are different in each message.
fn masked(why: &str) -> String {
    why.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn join(known: &mut ErrorKind, more: ErrorKind, pattern: String) {
    // On the same topics another text is of the same kind, and no further topic.
    let new = |topic: &String| !known.examples.contains(topic);
    let new: Vec<String> = more.examples.into_iter().filter(new).collect();
    if !new.is_empty() {
        known.topics += more.topics;
    }
    known.examples.extend(new);
    known.examples.truncate(EXAMPLES);
    known.count += more.count;
    known.hashes.extend(more.hashes);
    known.topics_more |= more.topics_more;
    known.pattern = pattern;
    known.first = known.first.min(more.first);
    known.latest = known.latest.max(more.latest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind<'k>(
        topic: &'k str,
        why: &'k str,
        varying: u64,
        others: &[&'k str],
    ) -> prune::ErrorKind<'k> {
        prune::ErrorKind {
            hash: 1,
            count: 1 + others.len() as u64,
            topic,
            why,
            first: 5,
            latest: 9,
            topics: 1 + others.len(),
            varying,
            others: others.iter().copied().collect(),
        }
    }

    #[test]
    fn errors_of_many_are_one_kind_on_a_pattern() {
        let kinds = [
            kind("line/press1/log", "msg: jam 3", 2, &["line/press2/log"]),
            kind("line/oven/log", "msg: jam 4", 0, &[]),
            kind("line/oven/log", "msg: door open", 0, &[]),
            kind("yard/gate", "msg: jam 9", 0, &[]),
        ];
        let told = told(kinds.into_iter(), Instant::ZERO);
        let seen: Vec<_> = told
            .iter()
            .map(|it| (it.pattern.as_str(), it.topics, it.count, it.examples.len()))
            .collect();
        let expected = [
            ("line/+/log", 3, 3, 3),
            ("line/oven/log", 1, 1, 1),
            ("yard/gate", 1, 1, 1),
        ];
        assert_eq!(seen, expected);
    }
}
