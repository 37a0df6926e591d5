//! Quality of schemas. `cargo run -p bitsperity-mqtt-benches --example schemas -- [FOLDER] [WORD]`: with a word of a
//! topic's name, what was refused and let through there is shown.

#![allow(clippy::print_stdout)] // it is its purpose

use bitsperity_mqtt_benches::schemas::faults::KINDS;
use bitsperity_mqtt_benches::schemas::score::{Score, score};
use bitsperity_mqtt_benches::schemas::{Random, Topic, topics};
use std::path::PathBuf;

fn main() {
    let mut words = std::env::args().skip(1);
    let shared = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/payloads");
    let folder = words.next().map_or_else(shared, PathBuf::from);
    let word = words.next();
    let Some(all) = topics(&folder) else {
        return println!("nothing in {}", folder.display());
    };
    println!(
        "| {:>40} | F1 | accepted | rejected | {} | bytes | sure |",
        "",
        KINDS.join(" | ")
    );
    if let Some(word) = word {
        for topic in all.iter().filter(|topic| topic.name.contains(&word)) {
            for n in [200, 50, 20] {
                if let Some(score) = score(&[topic], &all, n, 1, true, true) {
                    line(&format!("{n} {}", topic.name), &[score]);
                    break;
                }
            }
        }
        return;
    }
    for shuffled in [true, false] {
        for train in [200, 50, 20] {
            let mut scores = Vec::new();
            for topic in &all {
                if let Some(score) = score(&[topic], &all, train, 1, shuffled, false) {
                    if train == 200 && shuffled {
                        line(&topic.name, std::slice::from_ref(&score));
                    }
                    scores.push(score);
                }
            }
            line(
                &format!(
                    "{train} of one topic {}",
                    if shuffled { "" } else { "in order" }
                ),
                &scores,
            );
        }
    }
    let mut scores = Vec::new();
    for seed in 1..=6 {
        scores.extend(score(&some(&all, seed), &all, 200, seed, true, false));
    }
    line("200 of many kinds", &scores);
}

/// Half of the topics, so that there are foreign ones; most kinds are few.
fn some(all: &[Topic], seed: u64) -> Vec<&Topic> {
    let mut random = Random(seed);
    all.iter().filter(|_| random.below(2) == 0).collect()
}

fn line(name: &str, scores: &[Score]) {
    let n = scores.len().max(1) as f64;
    let mean = |of: &dyn Fn(&Score) -> f64| scores.iter().map(of).sum::<f64>() / n;
    let kinds: Vec<String> = (0..KINDS.len())
        .map(|i| {
            let of: Vec<f64> = scores
                .iter()
                .filter_map(|s| {
                    s.faults
                        .get(i)
                        .filter(|f| f.1 > 0)
                        .map(|f| f64::from(f.0) / f64::from(f.1))
                })
                .collect();
            format!("{:.2}", of.iter().sum::<f64>() / of.len().max(1) as f64)
        })
        .collect();
    let mut bytes: Vec<usize> = scores.iter().map(|s| s.bytes).collect();
    bytes.sort_unstable();
    println!(
        "| {name:>40} | {:.3} | {:.3} | {:.3} | {} | {} | {:.2} |",
        mean(&Score::f1),
        mean(&Score::acceptance),
        mean(&Score::rejection),
        kinds.join(" | "),
        bytes.get(bytes.len() / 2).copied().unwrap_or(0),
        mean(&|s| s.confidence)
    );
}
