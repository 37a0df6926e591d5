//! The measure of quality Q = 0.30 E + 0.10 B + 0.20 S + 0.15 T + 0.15 V + 0.10 C, on streams made from real
//! payloads with faults put in, beside simple selectors. Shapes, values and states are found with serde_json here,
//! not with what is measured.

#![allow(clippy::print_stderr)] // what was measured, shown when a test is asked to show it
extern crate std;
use super::Choice;
use super::streams::{Message, Random, scenarios, stream};
use super::tests::{feed, pruner};
use std::collections::{BTreeMap, BTreeSet};
use std::eprintln;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

/// What is in a message: shape, numbers, states.
struct Content {
    shape: String,
    numbers: Vec<(String, f64)>,
    states: Vec<(String, String)>,
}

fn content(message: &Message) -> Content {
    let class: String = message
        .topic
        .chars()
        .map(|c| if c.is_ascii_digit() { '#' } else { c })
        .collect();
    let class = class
        .replace("####", "#")
        .replace("###", "#")
        .replace("##", "#");
    let mut content = Content {
        shape: class.clone(),
        numbers: Vec::new(),
        states: Vec::new(),
    };
    let mut paths = BTreeSet::new();
    match serde_json::from_slice::<serde_json::Value>(&message.payload) {
        Ok(value) => walk(&value, &class, &mut content, &mut paths),
        Err(_) => {
            let text = String::from_utf8_lossy(&message.payload).to_string();
            if text.len() <= 16 {
                content.states.push((class, text));
            }
        }
    }
    content.shape += &paths.into_iter().collect::<Vec<_>>().join(",");
    content
}

fn walk(
    value: &serde_json::Value,
    path: &str,
    content: &mut Content,
    paths: &mut BTreeSet<String>,
) {
    use serde_json::Value::*;
    match value {
        Object(members) => {
            for (key, value) in members {
                let path = format!("{path}.{key}");
                paths.insert(path.clone());
                walk(value, &path, content, paths);
            }
        }
        Array(elements) => elements
            .iter()
            .for_each(|value| walk(value, &format!("{path}[]"), content, paths)),
        Number(number) => content
            .numbers
            .push((path.to_string(), number.as_f64().unwrap())),
        Bool(value) => content.states.push((path.to_string(), value.to_string())),
        String(text) if text.len() <= 16 => content.states.push((path.to_string(), text.clone())),
        _ => {}
    }
}

struct Score {
    q: f64,
    e: f64,
    parts: [f64; 6],
}

/// Q of keeping the messages at `kept` (in order), if `counted` errors were counted.
fn score(
    all: &[Message],
    contents: &[Content],
    kept: &[usize],
    target: usize,
    counted: u64,
) -> Score {
    let mut is_kept = vec![false; all.len()];
    kept.iter().for_each(|&n| is_kept[n] = true);
    let share = |part: usize, whole: usize| {
        if whole == 0 {
            1.0
        } else {
            part as f64 / whole as f64
        }
    };
    let kinds = |at: &mut dyn Iterator<Item = usize>| {
        at.filter_map(|n| all[n].fault)
            .collect::<BTreeSet<_>>()
            .len()
    };
    let truth = all.iter().filter(|message| message.fault.is_some()).count();
    let miscounted = share(truth.abs_diff(counted as usize), truth.max(1)).min(1.0);
    let e = 0.7 * share(kinds(&mut kept.iter().copied()), kinds(&mut (0..all.len())))
        + 0.3 * (1.0 - miscounted);
    let b = f64::from(u8::from(kept.contains(&0))) / 2.0
        + f64::from(u8::from(kept.contains(&(all.len() - 1)))) / 2.0;

    let shapes = |at: &mut dyn Iterator<Item = usize>| {
        at.map(|n| contents[n].shape.as_str())
            .collect::<BTreeSet<_>>()
            .len()
    };
    let s = share(
        shapes(&mut kept.iter().copied()),
        shapes(&mut (0..all.len())).min(target),
    )
    .min(1.0);

    let (mut ks, mut seen) = (0.0f64, 0);
    for (n, &kept_too) in is_kept.iter().enumerate() {
        seen += usize::from(kept_too);
        ks = ks.max((share(seen, kept.len().max(1)) - share(n + 1, all.len())).abs());
    }
    let span = (all[all.len() - 1].at - all[0].at) as f64;
    let largest = |times: &[u64]| {
        times
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .max()
            .unwrap_or(0) as f64
    };
    let times: Vec<u64> = kept.iter().map(|&n| all[n].at).collect();
    let every: Vec<u64> = all.iter().map(|message| message.at).collect();
    let mut edges = vec![every[0]];
    edges.extend(&times);
    edges.push(every[every.len() - 1]);
    let unavoidable = largest(&every).max(3.0 * span / target as f64);
    let hole = ((largest(&edges) - unavoidable) / span).max(0.0);
    let t = 0.7 * (1.0 - ks) + 0.3 * (1.0 - hole);

    let mut ranges: BTreeMap<&str, [f64; 4]> = BTreeMap::new();
    let mut states: BTreeMap<&str, [BTreeSet<&str>; 2]> = BTreeMap::new();
    for (n, content) in contents.iter().enumerate() {
        let mine = is_kept[n];
        for (path, number) in &content.numbers {
            let range = ranges
                .entry(path)
                .or_insert([f64::MAX, f64::MIN, f64::MAX, f64::MIN]);
            *range = [
                range[0].min(*number),
                range[1].max(*number),
                range[2],
                range[3],
            ];
            if mine {
                *range = [
                    range[0],
                    range[1],
                    range[2].min(*number),
                    range[3].max(*number),
                ];
            }
        }
        for (path, state) in &content.states {
            let sets = states.entry(path).or_default();
            sets[0].insert(state);
            if mine {
                sets[1].insert(state);
            }
        }
    }
    let mean = |values: Vec<f64>| {
        if values.is_empty() {
            1.0
        } else {
            values.iter().sum::<f64>() / values.len() as f64
        }
    };
    let ranges = ranges.values().filter(|range| range[1] > range[0]);
    let v = mean(
        ranges
            .map(|range| ((range[3] - range[2]).max(0.0)) / (range[1] - range[0]))
            .collect(),
    );
    let enums = states
        .values()
        .filter(|sets| sets[0].len() > 1 && sets[0].len() <= 8);
    let values = mean(
        enums
            .map(|sets| share(sets[1].len(), sets[0].len()))
            .collect(),
    );
    let mut gaps: Vec<usize> = (1..all.len()).collect();
    gaps.sort_by_key(|&n| core::cmp::Reverse(all[n].at - all[n - 1].at));
    let sides: BTreeSet<usize> = gaps.iter().take(3).flat_map(|&n| [n - 1, n]).collect();
    let c = 0.5 * values
        + 0.5
            * share(
                sides.iter().filter(|n| kept.contains(n)).count(),
                sides.len(),
            );
    let q = 0.30 * e + 0.10 * b + 0.20 * s + 0.15 * t + 0.15 * v + 0.10 * c;
    Score {
        q,
        e,
        parts: [e, b, s, t, v, c],
    }
}

/// What the pruner keeps, as places in the stream; in `shards` parts that are merged.
fn ours(all: &[Message], target: usize, shards: usize) -> (Vec<usize>, u64) {
    let mut parts: Vec<_> = (0..shards).map(|_| pruner(target)).collect();
    for (n, message) in all.iter().enumerate() {
        feed(
            &mut parts[n % shards],
            message.at,
            &message.topic,
            &message.payload,
        );
    }
    let mut whole = parts.remove(0);
    parts.iter().for_each(|part| whole.merge(part));
    let mut scratch = vec![Choice::default(); whole.scratch_len()];
    let kept: BTreeSet<usize> = whole
        .kept(&mut scratch)
        .map(|kept| {
            all.binary_search_by_key(&kept.at, |message| message.at)
                .unwrap()
        })
        .collect();
    assert!(kept.len() <= target);
    (kept.into_iter().collect(), whole.problems().0)
}

fn stride(count: usize, target: usize) -> Vec<usize> {
    (0..target)
        .map(|n| n * (count - 1) / (target - 1))
        .collect()
}

#[test]
fn keeps_what_matters_of_500() {
    let Some((scenarios, faults)) = scenarios() else {
        eprintln!("skipped: no payloads");
        return;
    };
    let (count, target) = (500, 50);
    let (mut sum, mut rounds, mut least_e, mut others) = (0.0, 0.0, 1.0f64, [0.0; 4]);
    for (name, base, kinds) in &scenarios {
        let (mut mine, mut e) = (0.0, 0.0);
        for seed in 1..=3 {
            let all = stream(base, &faults, count, *kinds, seed);
            let contents: Vec<Content> = all.iter().map(content).collect();
            let (kept, counted) = ours(&all, target, 1);
            let score_of = |kept: &[usize]| {
                score(
                    &all,
                    &contents,
                    kept,
                    target,
                    kept.iter().filter(|&&n| all[n].fault.is_some()).count() as u64,
                )
                .q
            };
            let ours = score(&all, &contents, &kept, target, counted);
            eprintln!("  {name} {seed}: {:.3} {:.2?}", ours.q, ours.parts);
            let mut random = Random(seed);
            let drawn: BTreeSet<usize> = (0..target).map(|_| random.below(count)).collect();
            let baselines = [
                (0..target).collect(),
                (count - target..count).collect(),
                drawn.into_iter().collect(),
                stride(count, target),
            ];
            for (sum, kept) in others.iter_mut().zip(baselines) {
                *sum += score_of(&kept);
            }
            mine += ours.q / 3.0;
            e += ours.e / 3.0;
            least_e = least_e.min(ours.e);
        }
        eprintln!("{name}: Q {mine:.3} E {e:.3}");
        assert!(mine >= 0.75, "{name}: {mine}");
        sum += mine;
        rounds += 1.0;
    }
    let mean = sum / rounds;
    eprintln!(
        "mean {mean:.3}; first, last, random, stride: {:.3?}",
        others.map(|sum| sum / rounds / 3.0)
    );
    eprintln!("least E {least_e:.3}");
    assert!(mean >= 0.85, "{mean}");
    assert!(others.iter().all(|sum| sum / rounds / 3.0 < mean));
}

#[test]
fn shards_merged_are_as_good_as_the_stream() {
    let Some((scenarios, faults)) = scenarios() else {
        eprintln!("skipped: no payloads");
        return;
    };
    for (name, base, kinds) in &scenarios {
        let all = stream(base, &faults, 500, *kinds, 9);
        let contents: Vec<Content> = all.iter().map(content).collect();
        let q = |shards| {
            let (kept, counted) = ours(&all, 50, shards);
            score(&all, &contents, &kept, 50, counted).q
        };
        let (whole, merged) = (q(1), q(3));
        eprintln!("{name}: {whole:.3} whole, {merged:.3} merged");
        assert!((whole - merged).abs() < 0.05, "{name}: {whole} {merged}");
    }
}

#[test]
fn keeps_what_matters_of_a_long_stream() {
    let Some((scenarios, faults)) = scenarios() else {
        eprintln!("skipped: no payloads");
        return;
    };
    let mut sum = 0.0;
    for (name, base, kinds) in &scenarios {
        let all = stream(base, &faults, 5_000, *kinds, 4);
        let contents: Vec<Content> = all.iter().map(content).collect();
        let (kept, counted) = ours(&all, 50, 1);
        let ours = score(&all, &contents, &kept, 50, counted);
        eprintln!("{name}: {:.3} {:.2?}", ours.q, ours.parts);
        sum += ours.q;
    }
    let mean = sum / scenarios.len() as f64;
    eprintln!("mean of long streams {mean:.3}");
    assert!(mean >= 0.80, "{mean}");
}
