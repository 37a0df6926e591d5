//! What merging promises of the tables and estimates: any order, any grouping, and for what is a set, as often as wanted.

extern crate std;
use super::topics::TopicSlot;
use super::{Distinct, Record, Topics};
use crate::payload::{hash, inspect};
use crate::time::Instant;
use proptest::prelude::*;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

type Table = Topics<Vec<TopicSlot>, Vec<u32>, Vec<u8>>;

/// Topic, size and whether retained.
type Message = (u8, u8, bool);

fn table(messages: &[Message], mine: impl Fn(usize) -> bool) -> Table {
    let mut table = Topics::new(
        vec![TopicSlot::default(); 300],
        vec![0; 1_024],
        vec![0; 8_192],
        7,
    );
    for (n, &(topic, size, retain)) in messages.iter().enumerate().filter(|(n, _)| mine(*n)) {
        let topic = format!("t/{topic}");
        let payload = vec![b'0' + size % 10; usize::from(size)];
        let record = Record {
            at: Instant::from_micros(n as u64 * 1_000),
            topic: &topic,
            payload: &payload,
            qos: 0,
            retain,
        };
        table.record(&record, &inspect(&topic, &payload));
    }
    table
}

fn told(table: &Table) -> Vec<String> {
    let told = |(name, slot): (&str, &TopicSlot)| {
        let counts = (slot.messages, slot.retained, slot.bytes, slot.last_bytes);
        let times = (slot.first, slot.last, slot.rate());
        format!("{name} {counts:?} {times:?} {:?}", slot.preview())
    };
    let mut all: Vec<String> = table.iter().map(told).collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn topics_of_shards_are_those_of_the_stream(
        messages in prop::collection::vec((0..60u8, 0..200u8, any::<bool>()), 1..300),
        shards in prop::collection::vec(0..3usize, 300),
    ) {
        let shard = |k: usize| table(&messages, |n| shards.get(n) == Some(&k));
        let single = told(&table(&messages, |_| true));
        for order in [[0, 1, 2], [2, 0, 1]] {
            let [mut whole, b, c] = order.map(shard);
            whole.merge(&b);
            whole.merge(&c);
            prop_assert_eq!(&told(&whole), &single);
        }
        let [mut whole, mut b, c] = [0, 1, 2].map(shard);
        b.merge(&c);
        whole.merge(&b);
        prop_assert_eq!(&told(&whole), &single, "grouped otherwise");
        whole.merge(&table(&messages, |_| false));
        prop_assert_eq!(&told(&whole), &single, "with nothing");
    }

    #[test]
    fn distinct_is_a_set(
        a in prop::collection::vec(any::<u64>(), 0..2_000),
        b in prop::collection::vec(any::<u64>(), 0..2_000),
        c in prop::collection::vec(any::<u64>(), 0..200),
    ) {
        let of = |hashes: &[u64]| {
            let mut distinct = Distinct::default();
            for n in hashes {
                distinct.record(hash::bytes(9, &n.to_le_bytes()));
            }
            distinct
        };
        let merged = |mut one: Distinct, other: &Distinct| {
            one.merge(other);
            one
        };
        let bits = |distinct: &Distinct| format!("{distinct:?}");
        let (a, b, c) = (of(&a), of(&b), of(&c));
        let ab = merged(a.clone(), &b);
        prop_assert_eq!(bits(&ab), bits(&merged(b.clone(), &a)));
        let abc = merged(ab.clone(), &c);
        prop_assert_eq!(bits(&abc), bits(&merged(a.clone(), &merged(b.clone(), &c))));
        prop_assert_eq!(bits(&abc), bits(&merged(abc.clone(), &a)));
        prop_assert!(abc.estimate() >= ab.estimate());
    }
}
