//! How good the reduction is: the tables of README. `cargo run --release -p bitsperity-mqtt-benches --example quality`

#![allow(clippy::print_stdout)] // it is its purpose

use bitsperity_mqtt_benches::quality::labels;
use bitsperity_mqtt_benches::quality::score::{PARTS, Score, Truth};
use bitsperity_mqtt_benches::quality::selectors::{BASELINES, Selection, baseline, knowing, ours};
use bitsperity_mqtt_benches::quality::streams::{Message, Scenario, Sent, scenarios, stream};
use bitsperity_mqtt_benches::schemas::table::{Mean, ROWS};
use bitsperity_mqtt_benches::schemas::{shared, topics};

const TARGET: usize = 50;
const SEEDS: [u64; 3] = [1, 2, 3];

fn main() {
    let Some((scenarios, faults)) = scenarios() else {
        return println!("Nothing to measure on: there is no ../shared/data.");
    };
    let said = |word: &str| std::env::args().any(|said| said == word);
    if said("schemas") {
        return schemas();
    }
    let long = !said("short");
    println!("## {TARGET} of 500, mean of {} seeds", SEEDS.len());
    table(&scenarios, &faults, 500, &SEEDS, long);
    println!("\n## {TARGET} of 20,000");
    table(&scenarios, &faults, 20_000, &[4], false);
    shards(&scenarios, &faults);
    judgements();
    schemas();
}

fn whole(_: usize, _: usize) -> bool {
    true
}

/// One line a scenario for the pruner, then one line a selector for all of them.
fn table(scenarios: &[Scenario], faults: &[Sent], count: usize, seeds: &[u64], oracle: bool) {
    println!("\n| pruner on | Q | {} |", PARTS.join(" | "));
    println!("| --- | ---: |{}", " ---: |".repeat(PARTS.len()));
    let mut means = Vec::new();
    let mut others = vec![Vec::new(); BASELINES.len() + 1];
    for scenario in scenarios {
        let mut scores = Vec::new();
        for &seed in seeds {
            let all = stream(scenario, faults, count, seed);
            let truth = Truth::of(&all);
            let score = |(kept, counted): Selection| truth.score(&kept, TARGET, counted);
            scores.push(score(ours(&all, TARGET, 1, whole)));
            for (others, (_, select)) in others.iter_mut().zip(BASELINES) {
                others.push(score(baseline(select, &truth, TARGET)));
            }
            if oracle && let Some(others) = others.last_mut() {
                others.push(score(knowing(&truth, TARGET)));
            }
        }
        means.push(line(&scenario.name, &scores));
    }
    line("**mean**", &means);
    println!("\n| selector, mean of all | Q | {} |", PARTS.join(" | "));
    println!("| --- | ---: |{}", " ---: |".repeat(PARTS.len()));
    for (scores, (name, _)) in others.iter().zip(BASELINES) {
        line(name, scores);
    }
    line("**pruner**", &means);
    if let Some(scores) = others.last().filter(|scores| !scores.is_empty()) {
        line("greedy that knows the labels", scores);
    }
}

fn line(name: &str, scores: &[Score]) -> Score {
    let mean = Score::mean(scores);
    let parts = mean.parts.map(|part| format!("{part:.3}"));
    println!("| {name} | {:.3} | {} |", mean.q, parts.join(" | "));
    mean
}

/// Three shards, of which each also sees every fifth message of the next one, merged.
fn shards(scenarios: &[Scenario], faults: &[Sent]) {
    println!(
        "\n## Shards: Q of one stream, of three merged, of three with every fifth message twice\n"
    );
    println!("| scenario | one | three | with duplicates |");
    println!("| --- | ---: | ---: | ---: |");
    let mut sums = [0.0; 3];
    for scenario in scenarios {
        let mut means = [0.0; 3];
        for seed in SEEDS {
            let all = stream(scenario, faults, 500, seed);
            let truth = Truth::of(&all);
            let q = |all: &[Message], parts, takes: fn(usize, usize) -> bool| {
                let (kept, counted) = ours(all, TARGET, parts, takes);
                truth.score(&kept, TARGET, counted).q / SEEDS.len() as f64
            };
            means[0] += q(&all, 1, whole);
            means[1] += q(&all, 3, |n, part| n % 3 == part);
            means[2] += q(&all, 3, |n, part| {
                n % 3 == part || n % 5 == 0 && (n + 1) % 3 == part
            });
        }
        println!(
            "| {} | {:.3} | {:.3} | {:.3} |",
            scenario.name, means[0], means[1], means[2]
        );
        for (sum, mean) in sums.iter_mut().zip(means) {
            *sum += mean / scenarios.len() as f64;
        }
    }
    println!(
        "| **mean** | {:.3} | {:.3} | {:.3} |",
        sums[0], sums[1], sums[2]
    );
}

fn judgements() {
    println!("\n## Judgement of single messages\n\n| what | result |\n| --- | ---: |");
    if let Some(found) = labels::severity() {
        let (hits, false_alarms, misses) = (found.hits, found.false_alarms, found.misses);
        println!(
            "| severity, F1 ({hits} hits, {false_alarms} false alarms, {misses} misses) | {:.3} |",
            found.f1()
        );
    }
    if let Some((right, all, _)) = labels::formats() {
        println!("| formats guessed right | {right} of {all} |");
    }
}

/// How sure a schema is said to be stands beside the share of messages that it really accepts.
fn schemas() {
    let Some(all) = topics(&shared()) else {
        return;
    };
    println!(
        "\n## Schemas\n\n| learnt from | trials | F1 | accepted | rejected | confidence | median bytes |"
    );
    println!("| --- |{}", " ---: |".repeat(6));
    for row in ROWS {
        let scores = row.scores(&all, 6, 100);
        let mean = Mean::of(&scores);
        println!(
            "| {} | {} | {:.3} | {:.3} | {:.3} | {:.3} | {} |",
            row.name,
            scores.len(),
            mean.f1,
            mean.acceptance,
            mean.rejection,
            mean.confidence,
            mean.bytes
        );
    }
}
