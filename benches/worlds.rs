//! What the device report finds in generated worlds. `cargo run --release -p bitsperity-mqtt-benches --example worlds [SEEDS]`

#![allow(clippy::print_stdout)] // it is its purpose

use bitsperity_mqtt_benches::worlds::{Fault, Judgement, World, judge};

fn main() {
    let seeds = std::env::args().nth(1).and_then(|it| it.parse().ok());
    let judgements = (1..=seeds.unwrap_or(20)).map(|seed| judge(&World::of(seed)));
    let all = judgements.reduce(Judgement::with).unwrap_or_default();
    println!("| fault | planted | in the overview | by name |\n| --- | ---: | ---: | ---: |");
    for kind in Fault::ALL {
        let of = |found: &[(Fault, bool)]| -> Vec<_> {
            found
                .iter()
                .copied()
                .filter(|(fault, _)| *fault == kind)
                .collect()
        };
        let (overview, by_name) = (of(&all.overview), of(&all.by_name));
        let (seen, named) = (Judgement::recall(&overview), Judgement::recall(&by_name));
        println!("| {kind:?} | {} | {seen:.2} | {named:.2} |", overview.len());
    }
    let (overview, by_name) = (
        Judgement::recall(&all.overview),
        Judgement::recall(&all.by_name),
    );
    println!(
        "| **all** | {} | {overview:.3} | {by_name:.3} |",
        all.overview.len()
    );
    println!(
        "\n{} of {} healthy devices are accused",
        all.invented.len(),
        all.healthy
    );
    for (name, complaint) in all.invented.iter().take(20) {
        println!("- {name}: {complaint}");
    }
}
