//! Schemas stay as good as they were when they were measured, a little below; skipped, saying so, without the data.

#![allow(clippy::print_stdout)] // what was measured, shown when a test is asked to show it

use super::table::{Mean, ROWS};
use super::{shared, topics};

#[test]
fn accepts_what_is_like_it_and_rejects_what_is_not() {
    let Some(all) = topics(&shared()) else {
        return println!("skipped: no payloads");
    };
    // F1 at least, by the rows of the table.
    let least = [0.98, 0.97, 0.97, 0.98, 0.97, 0.95, 0.88];
    for (row, least) in ROWS.iter().zip(least) {
        let judge = if row.together { 100 } else { 10 };
        let scores = row.scores(&all, 3, judge);
        let mean = Mean::of(&scores);
        println!(
            "{}: {:.3}, accepted {:.3}, rejected {:.3}, told {:.3}",
            row.name, mean.f1, mean.acceptance, mean.rejection, mean.confidence
        );
        assert!(mean.f1 >= least, "{}: {}", row.name, mean.f1);
        assert!(
            row.together || mean.bytes <= 1_100,
            "{}: {}",
            row.name,
            mean.bytes
        );
        // Nobody is to rely on what does not hold.
        assert!(mean.confidence <= mean.acceptance + 0.15, "{}", row.name);
        for score in &scores {
            let (refused, outliers) = score.unlearnt;
            assert!(u64::from(refused) <= outliers, "{}: {score:?}", row.name);
        }
    }
}
