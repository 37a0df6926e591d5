//! Quality stays what it was when it was measured, a little below; skipped, saying so, where the data is absent.

#![allow(clippy::print_stdout)] // what was measured, shown when a test is asked to show it

use super::labels;
use super::score::{Score, Truth};
use super::selectors::{BASELINES, baseline, ours};
use super::streams::{Scenario, Sent, scenarios, stream};

const TARGET: usize = 50;

fn data() -> Option<(Vec<Scenario>, Vec<Sent>)> {
    let data = scenarios();
    if data.is_none() {
        println!("skipped: no payloads");
    }
    data
}

fn whole(_: usize, _: usize) -> bool {
    true
}

#[test]
fn keeps_what_matters_of_500() {
    let Some((scenarios, faults)) = data() else {
        return;
    };
    let mut means = Vec::new();
    let mut others = vec![Vec::new(); BASELINES.len()];
    for scenario in &scenarios {
        let mut scores = Vec::new();
        for seed in 1..=3 {
            let all = stream(scenario, &faults, 500, seed);
            let truth = Truth::of(&all);
            let (kept, counted) = ours(&all, TARGET, 1, whole);
            assert!(kept.len() <= TARGET);
            let score = truth.score(&kept, TARGET, counted);
            println!(
                "  {} {seed}: {:.3} {:.2?}",
                scenario.name, score.q, score.parts
            );
            assert!(score.parts[0] >= 0.95, "{}: {score:?}", scenario.name);
            scores.push(score);
            for (scores, (_, select)) in others.iter_mut().zip(BASELINES) {
                let (kept, counted) = baseline(select, &truth, TARGET);
                scores.push(truth.score(&kept, TARGET, counted));
            }
        }
        let mean = Score::mean(&scores);
        println!("{}: {:.3} {:.2?}", scenario.name, mean.q, mean.parts);
        assert!(mean.q >= 0.83, "{}: {mean:?}", scenario.name);
        means.push(mean);
    }
    let mean = Score::mean(&means).q;
    println!("mean {mean:.3}");
    assert!(mean >= 0.91, "{mean}");
    for (scores, (name, _)) in others.iter().zip(BASELINES) {
        let other = Score::mean(scores).q;
        println!("{name}: {other:.3}");
        assert!(other + 0.1 < mean, "{name}: {other}");
    }
}

#[test]
fn keeps_what_matters_of_20_000() {
    let Some((scenarios, faults)) = data() else {
        return;
    };
    let mut scores = Vec::new();
    for scenario in &scenarios {
        let all = stream(scenario, &faults, 20_000, 4);
        let (kept, counted) = ours(&all, TARGET, 1, whole);
        let score = Truth::of(&all).score(&kept, TARGET, counted);
        println!("{}: {:.3} {:.2?}", scenario.name, score.q, score.parts);
        scores.push(score);
    }
    let mean = Score::mean(&scores).q;
    println!("mean {mean:.3}");
    assert!(mean >= 0.87, "{mean}");
}

#[test]
fn shards_merged_are_as_good_as_the_stream() {
    let Some((scenarios, faults)) = data() else {
        return;
    };
    let (mut singles, mut shards) = (Vec::new(), Vec::new());
    for (scenario, seed) in scenarios.iter().flat_map(|s| [(s, 9), (s, 10), (s, 11)]) {
        let all = stream(scenario, &faults, 500, seed);
        let truth = Truth::of(&all);
        let score = |(kept, counted): (Vec<usize>, usize)| truth.score(&kept, TARGET, counted);
        let single = score(ours(&all, TARGET, 1, whole));
        let three = score(ours(&all, TARGET, 3, |n, part| n % 3 == part));
        println!(
            "{}: {:.3} whole, {:.3} merged",
            scenario.name, single.q, three.q
        );
        singles.push(single);
        shards.push(three);
    }
    let (single, three) = (Score::mean(&singles).q, Score::mean(&shards).q);
    println!("{single:.3} whole, {three:.3} merged");
    assert!((single - three).abs() < 0.01, "{single} {three}");
}

#[test]
fn severity_is_judged_as_labelled() {
    let Some(found) = labels::severity() else {
        return println!("skipped: no lines");
    };
    println!("F1 {:.3} {:#?}", found.f1(), found.wrong);
    assert!(found.f1() >= 0.93, "{}", found.f1());
}

#[test]
fn formats_are_guessed_as_labelled() {
    let Some((right, all, wrong)) = labels::formats() else {
        return println!("skipped: no payloads");
    };
    println!("{right} of {all} {wrong:#?}");
    assert!(right * 100 >= all * 95, "{right} of {all}");
}
