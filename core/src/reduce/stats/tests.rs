//! All of the numbers together.

extern crate std;
use super::{Flow, Heavy, Stats, TopicStats, sqrt, whole};
use crate::reduce::Record;
use crate::time::Instant;
use proptest::prelude::*;
use std::format;
use std::vec;
use std::vec::Vec;

type Owned = Stats<Vec<Flow>, Vec<TopicStats>, Vec<u32>, Vec<u8>>;

const WALL: u64 = 1_790_000_000_000_000;

fn stats(flows: usize, topics: usize) -> Owned {
    let slots = vec![TopicStats::default(); topics];
    let heavy = Heavy::new(slots, vec![0; topics * 2], vec![0; topics * 64], 3);
    Stats::new(vec![Flow::new(Instant::ZERO); flows], heavy)
}

fn feed(stats: &mut Owned, micros: u64, topic: &str, payload: &str, matched: u64) {
    let record = Record {
        at: Instant::from_micros(micros),
        topic,
        payload: payload.as_bytes(),
        qos: 0,
        retain: false,
    };
    stats.record(&record, WALL + micros, matched);
}

#[test]
fn a_publisher_of_known_rate_gap_and_delay() {
    let mut stats = stats(3, 8);
    for n in 0..600_u64 {
        // 20 a second, silent from 10 s to 14 s; each 30 ms old when it comes.
        let micros = n * 50_000 + u64::from(n >= 200) * 4_000_000;
        let payload = format!(
            r#"{{"ts":{},"value":{n}}}"#,
            (WALL + micros - 30_000) / 1_000
        );
        feed(&mut stats, micros, "a/t", &payload, 1);
        if n % 10 == 0 {
            feed(&mut stats, micros + 1, "b/t", "x", 2);
        }
    }
    let [all, a, b] = stats.flows() else { panic!() };
    assert_eq!((all.messages, a.messages, b.messages), (660, 600, 60));
    assert_eq!((all.topics.estimate(), a.topics.estimate()), (2, 1));
    let gap = a.gaps().next().unwrap();
    assert_eq!(
        (gap.from.as_micros(), gap.until.as_micros()),
        (9_950_000, 14_000_000)
    );
    assert_eq!((a.gaps().count(), a.gaps_more()), (1, 0));
    let median = a.intervals.quantile(50).unwrap();
    assert!(median.abs_diff(50_000) <= 1_000, "{median}");
    let field = a.latency.leading().unwrap();
    assert_eq!(
        (field.name(), field.step, field.least),
        ("ts", 1_000, 30_000)
    );
    assert_eq!(field.above.most(), Some(0));
    assert!(b.latency.leading().is_none());
    let now = Instant::from_micros(34_000_000);
    let counted: u32 = a
        .series
        .until(now)
        .iter()
        .map(|bucket| bucket.messages)
        .sum();
    assert_eq!(counted, 600);
    let (_, topic) = stats
        .heavy()
        .iter()
        .find(|(name, _)| *name == "a/t")
        .unwrap();
    assert_eq!((topic.messages(), topic.gaps), (600, 1));
}

#[test]
fn nobody_listening_is_no_gap() {
    let mut stats = stats(1, 4);
    (0..50).for_each(|n| feed(&mut stats, n * 100_000, "t", "", 0));
    stats.pause();
    (0..50).for_each(|n| feed(&mut stats, 60_000_000 + n * 100_000, "t", "", 0));
    let [all] = stats.flows() else { panic!() };
    assert_eq!((all.gaps().count(), all.messages), (0, 100));
    assert_eq!(
        (all.intervals.count(), all.intervals.most()),
        (98, Some(100_000))
    );
    assert_eq!(stats.heavy().iter().next().unwrap().1.gaps, 0);
}

#[test]
fn of_many_gaps_the_longest_are_told() {
    let mut stats = stats(1, 4);
    let mut micros = 0;
    for n in 0..20 {
        for _ in 0..2_000 {
            micros += 10_000;
            feed(&mut stats, micros, "t", "", 0);
        }
        micros += 1_000_000 * (n * 7 % 20 + 1);
    }
    let gaps: Vec<_> = stats.flows()[0].gaps().collect();
    assert_eq!((gaps.len(), stats.flows()[0].gaps_more()), (8, 11));
    assert!(gaps.is_sorted_by_key(|gap| gap.from));
    assert!(
        gaps.iter().all(|gap| gap.length().as_secs() >= 12),
        "{gaps:?}"
    );
}

#[test]
fn roots() {
    for x in [1e-300, 1e-9, 0.25, 1.0, 2.0, 3.0, 1e6, 123_456.789, 1e300] {
        let root = sqrt(x);
        assert!((root * root / x - 1.0).abs() < 1e-12, "{x}: {root}");
    }
    assert_eq!((sqrt(0.0), sqrt(-1.0), sqrt(f64::NAN)), (0.0, 0.0, 0.0));
    assert_eq!((whole(1.5), whole(-3.0), whole(1e300)), (2, 0, u64::MAX));
}

proptest! {
    /// Shards by topic, as the filters of one stream are shared out.
    #[test]
    fn shards_are_the_stream(
        messages in prop::collection::vec((1..2_000_000_u64, 0..6_u32, 0..300_usize), 1..300), shards in 1..4_u32,
    ) {
        let mut whole = stats(2, 8);
        let mut parts: Vec<Owned> = (0..shards).map(|_| stats(2, 8)).collect();
        let mut micros = 0;
        for (step, topic, size) in messages {
            micros += step;
            let (name, payload) = (format!("t/{topic}"), "x".repeat(size));
            let matched = u64::from(topic % 2);
            feed(&mut whole, micros, &name, &payload, matched);
            feed(&mut parts[(topic % shards) as usize], micros, &name, &payload, matched);
        }
        let mut merged = parts.remove(0);
        parts.iter().for_each(|part| merged.merge(part));
        let now = Instant::from_micros(micros + 1);
        for (merged, whole) in merged.flows().iter().zip(whole.flows()) {
            prop_assert_eq!((merged.messages, merged.bytes), (whole.messages, whole.bytes));
            prop_assert_eq!(merged.topics.estimate(), whole.topics.estimate());
            for percent in [0, 5, 50, 95, 99, 100] {
                prop_assert_eq!(merged.sizes.quantile(percent), whole.sizes.quantile(percent));
            }
            prop_assert_eq!(merged.series.until(now), whole.series.until(now));
            prop_assert_eq!(merged.rhythm.ends(), whole.rhythm.ends());
            let (mean, whole_mean) = (merged.rhythm.mean(), whole.rhythm.mean());
            prop_assert_eq!(mean.map(|mean| mean.as_micros() / 2), whole_mean.map(|mean| mean.as_micros() / 2));
        }
        for (name, topic) in whole.heavy().iter() {
            let same = merged.heavy().iter().find(|(other, _)| *other == name).unwrap().1;
            prop_assert_eq!((same.messages(), same.bytes, same.gaps), (topic.messages(), topic.bytes, topic.gaps));
            prop_assert_eq!(same.rhythm.expected(), topic.rhythm.expected());
            prop_assert_eq!(same.rhythm.longest(), topic.rhythm.longest());
        }
    }
}
