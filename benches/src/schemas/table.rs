//! The rows of the table of schemas, and what is told of each.

use super::score::{Score, Trial, score};
use super::{Random, Topic};

/// What a row measures.
pub struct Row {
    /// What it is called.
    pub name: &'static str,
    /// Messages to learn from.
    pub train: usize,
    /// As they came rather than in any order.
    pub in_order: bool,
    /// Messages of half of all topics together rather than each topic by itself.
    pub together: bool,
}

const fn row(name: &'static str, train: usize, in_order: bool, together: bool) -> Row {
    Row {
        name,
        train,
        in_order,
        together,
    }
}

/// All rows.
pub const ROWS: [Row; 7] = [
    row("200 of one topic", 200, false, false),
    row("50 of one topic", 50, false, false),
    row("20 of one topic", 20, false, false),
    row("the first 200 of one topic", 200, true, false),
    row("the first 50 of one topic", 50, true, false),
    row("the first 20 of one topic", 20, true, false),
    row("200, many kinds together", 200, false, true),
];

impl Row {
    /// A score for each topic that has enough messages, or for each of some choices of topics (`seeds`); judged by at
    /// most `judge` messages each.
    pub fn scores(&self, all: &[Topic], seeds: u64, judge: usize) -> Vec<Score> {
        let trial = |seed| Trial {
            train: self.train,
            judge,
            shuffled: !self.in_order,
            seed,
        };
        if self.together {
            let of = |seed| score(&some(all, seed), all, trial(seed));
            return (1..=seeds).filter_map(of).collect();
        }
        let of = |topic| score(&[topic], all, trial(1));
        all.iter().filter_map(of).collect()
    }
}

/// Half of the topics, so that there are foreign ones; most kinds are few.
fn some(all: &[Topic], seed: u64) -> Vec<&Topic> {
    let mut random = Random(seed);
    all.iter().filter(|_| random.below(2) == 0).collect()
}

/// Of several scores.
pub struct Mean {
    /// How good.
    pub f1: f64,
    /// Share of unseen messages that are accepted.
    pub acceptance: f64,
    /// Share of faults that are rejected.
    pub rejection: f64,
    /// Confidence that was told.
    pub confidence: f64,
    /// Bytes of a schema, the median.
    pub bytes: usize,
}

impl Mean {
    /// Each score weighs as much as another.
    pub fn of(scores: &[Score]) -> Self {
        let n = scores.len().max(1) as f64;
        let mean = |of: fn(&Score) -> f64| scores.iter().map(of).sum::<f64>() / n;
        let mut bytes: Vec<usize> = scores.iter().map(|s| s.bytes).collect();
        bytes.sort_unstable();
        Self {
            f1: mean(Score::f1),
            acceptance: mean(Score::acceptance),
            rejection: mean(Score::rejection),
            confidence: mean(|s| s.confidence),
            bytes: bytes.get(bytes.len() / 2).copied().unwrap_or(0),
        }
    }
}
