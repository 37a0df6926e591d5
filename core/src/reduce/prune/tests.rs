//! Budgets, order, determinism; the measure of quality is in `quality`.

extern crate std;
use super::store::NONE;
use super::{Choice, Pruner, Slot};
use crate::payload::inspect;
use crate::reduce::Record;
use crate::time::Instant;
use proptest::prelude::*;
use std::boxed::Box;
use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

type Boxed = Pruner<Box<[Slot]>, Box<[u8]>>;

fn pruner(target: usize) -> Boxed {
    let slots = vec![Slot::default(); Boxed::slots_for(target)].into_boxed_slice();
    Pruner::new(slots, vec![0; 256 * 1024].into_boxed_slice(), target, 4_096)
}

fn feed(pruner: &mut Boxed, micros: u64, topic: &str, payload: &[u8]) {
    let facts = inspect(topic, payload);
    let record = Record {
        at: Instant::from_micros(micros),
        topic,
        payload,
        qos: 0,
        retain: false,
    };
    pruner.record(&record, &facts);
}

fn kept(pruner: &Boxed) -> Vec<(u64, String, Vec<&'static str>)> {
    let mut scratch = vec![Choice::default(); pruner.scratch_len()];
    let kept = pruner.kept(&mut scratch);
    kept.map(|k| {
        (
            k.at,
            String::from_utf8_lossy(k.payload).to_string(),
            k.why.names().collect(),
        )
    })
    .collect()
}

#[test]
fn errors_and_edges_survive_a_flood() {
    let mut pruner = pruner(20);
    for n in 0..20_000u64 {
        let payload = match n {
            7_000 => String::from(r#"{"error":"disk full"}"#),
            9_000 => String::from(r#"{"temp":99.5}"#),
            _ => format!("{{\"temp\":{}}}", 20 + n % 5),
        };
        feed(&mut pruner, n * 1_000, "room/1/climate", payload.as_bytes());
    }
    let kept = kept(&pruner);
    assert!(kept.len() <= 20 && kept.is_sorted_by_key(|k| k.0));
    assert_eq!(kept.first().unwrap().0, 0);
    assert_eq!(kept.last().unwrap().0, 19_999_000);
    let why = |text: &str| kept.iter().find(|k| k.1.contains(text)).map(|k| k.2[0]);
    assert_eq!(why("disk full"), Some("error"));
    assert!(why("99.5").is_some());
    assert_eq!(pruner.error_kinds().count(), 1);
    assert_eq!(pruner.problems(), (1, 0));
}

/// Every reference that a stratum holds is counted in the store, and no other.
fn check(pruner: &Boxed) {
    let mut references = BTreeMap::new();
    let mut hold = |slot: u16| {
        if slot != NONE {
            *references.entry(slot).or_insert(0) += 1;
        }
    };
    hold(pruner.first);
    pruner.kinds.iter().for_each(|kind| {
        let elsewhere = kind.topics.elsewhere.into_iter();
        elsewhere
            .chain([kind.first, kind.latest])
            .for_each(&mut hold);
    });
    pruner
        .gaps
        .iter()
        .for_each(|gap| [gap.left, gap.right].into_iter().for_each(&mut hold));
    pruner.shapes.iter().for_each(|(_, shape)| hold(shape.slot));
    pruner
        .paths
        .iter()
        .for_each(|(_, path)| [path.low, path.high].into_iter().for_each(&mut hold));
    pruner.states.iter().for_each(|(_, state)| hold(state.slot));
    pruner.spikes.iter().for_each(|spike| hold(spike.slot));
    pruner.buckets.iter().for_each(|bucket| hold(bucket.slot));
    pruner.drawn.iter().for_each(|&(_, slot)| hold(slot));
    pruner.store.check(&references);
}

/// Steps of time, topic, kind of payload, a number: enough to reach every stratum.
fn streams() -> impl Strategy<Value = Vec<(u64, u8, u8, u16)>> {
    let steps = prop_oneof![4 => 0..2_000_000u64, 1 => 0..2u64, 1 => 0..5_000_000_000u64];
    prop::collection::vec((steps, 0..12u8, 0..9u8, any::<u16>()), 1..400)
}

fn payload(kind: u8, n: u16) -> String {
    match kind {
        0 => format!(
            r#"{{"error":"no {}","code":{n}}}"#,
            (b'a' + n as u8 % 26) as char
        ),
        1 => format!(
            r#"{{"t":{n},"state":"{}"}}"#,
            ["on", "off", "auto"][usize::from(n % 3)]
        ),
        2 => format!(r#"{{"k{}":{{"x":{n}}}}}"#, n % 300),
        3 => format!("{n}"),
        4 => format!(
            r#"{{"name":"text{}","battery_low":true}}"#,
            (b'a' + n as u8 % 26) as char
        ),
        5 => "x".repeat(usize::from(n) % 3_000),
        6 => String::from(r#"{"v":[1,2"#),
        7 => format!("WARN thing {n} is slow"),
        _ => String::new(),
    }
}

fn small(target: usize, slots: usize, arena: usize) -> Boxed {
    let slots = vec![Slot::default(); slots].into_boxed_slice();
    Pruner::new(slots, vec![0; arena].into_boxed_slice(), target, 512)
}

fn run(pruner: &mut Boxed, stream: &[(u64, u8, u8, u16)], mine: impl Fn(usize) -> bool) {
    let mut at = 0;
    for (n, &(step, topic, kind, number)) in stream.iter().enumerate() {
        // No two are the same message.
        at += step + 1;
        if mine(n) {
            feed(
                pruner,
                at,
                &format!("site/{topic}/x{}", number % 7),
                payload(kind, number).as_bytes(),
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn budgets_hold(stream in streams(), target in 1..60usize, slots in 4..300usize, arena in 2_000..40_000usize) {
        let mut pruner = small(target, slots, arena);
        run(&mut pruner, &stream, |_| true);
        check(&pruner);
        let first = kept(&pruner);
        prop_assert!(first.len() <= target && first.is_sorted_by_key(|k| k.0));
        prop_assert!(first.iter().all(|k| !k.2.is_empty()));
        prop_assert_eq!(pruner.count(), stream.len() as u64);
        let mut again = small(target, slots, arena);
        run(&mut again, &stream, |_| true);
        prop_assert_eq!(&first, &kept(&again));
        prop_assert_eq!(&first, &kept(&pruner), "asking changes nothing");
    }

    #[test]
    fn merging_keeps_budgets_and_counts(stream in streams(), slots in 16..300usize, arena in 4_000..40_000usize) {
        let mut parts = [small(20, slots, arena), small(20, 200, 40_000), small(20, slots, arena)];
        for (shard, part) in parts.iter_mut().enumerate() {
            run(part, &stream, |n| n % 3 == shard);
        }
        let [mut whole, b, c] = parts;
        whole.merge(&b);
        check(&whole);
        whole.merge(&c);
        check(&whole);
        prop_assert_eq!(whole.count(), stream.len() as u64);
        let mut single = small(20, 1_400, 262_144);
        run(&mut single, &stream, |_| true);
        prop_assert_eq!(whole.problems(), single.problems());
        let (merged, one) = (kept(&whole), kept(&single));
        prop_assert!(merged.len() <= 20 && merged.is_sorted_by_key(|k| k.0));
        let edge = |kept: &[(u64, String, Vec<&str>)]| kept.last().map(|k| k.0);
        prop_assert_eq!(edge(&merged), edge(&one));
    }
}

/// Everything that merging promises to be exact for, in an order of its own.
#[derive(PartialEq, Debug)]
struct Exact {
    counts: (u64, (u64, u64), Vec<u64>),
    edges: (u64, u64, u64),
    /// Width, then number, rank and count of each.
    buckets: (u64, Vec<(u64, u64, u32)>),
    drawn: Vec<u64>,
    shapes: Vec<(u64, u64)>,
    states: Vec<(u64, u64)>,
    kinds: Vec<(u64, bool, u64, u64, u64)>,
}

fn exact(pruner: &Boxed) -> Exact {
    let sorted = |mut all: Vec<(u64, u64)>| {
        all.sort_unstable();
        all
    };
    let buckets = (pruner.base..).zip(&pruner.buckets);
    let buckets = buckets.filter(|(_, bucket)| bucket.count > 0);
    let states = pruner.states.iter().filter(|(_, state)| state.path != NONE);
    let mut drawn: Vec<u64> = pruner.drawn.iter().map(|drawn| drawn.0).collect();
    drawn.sort_unstable();
    let kinds = pruner.kinds.iter();
    let mut kinds: Vec<_> = kinds
        .map(|kind| {
            (
                kind.hash,
                kind.error,
                kind.count,
                kind.first_at,
                kind.latest_at,
            )
        })
        .collect();
    kinds.sort_unstable();
    let first = pruner.store.get(pruner.first).map_or(0, |slot| slot.id);
    Exact {
        counts: (pruner.count, pruner.problems(), pruner.formats.to_vec()),
        edges: (pruner.first_at, first, pruner.store.last.id),
        buckets: (
            pruner.width,
            buckets
                .map(|(n, bucket)| (n, bucket.rank, bucket.count))
                .collect(),
        ),
        drawn,
        shapes: sorted(
            pruner
                .shapes
                .iter()
                .map(|(_, s)| (s.hash, s.rank))
                .collect(),
        ),
        states: sorted(states.map(|(_, s)| (s.hash, s.rank)).collect()),
        kinds,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn shards_merged_in_any_order_are_the_stream(stream in streams()) {
        let shard = |mine: &dyn Fn(usize) -> bool| {
            let mut pruner = Box::new(small(20, 1_400, 2_000_000));
            run(&mut pruner, &stream, mine);
            pruner
        };
        let third = |k: usize| shard(&|n| (n / 2) % 3 == k);
        let single = exact(&shard(&|_| true));
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let [mut whole, b, c] = order.map(third);
            whole.merge(&b);
            whole.merge(&c);
            check(&whole);
            prop_assert_eq!(&exact(&whole), &single);
        }
        let [mut whole, mut b, c] = [0, 1, 2].map(third);
        b.merge(&c);
        whole.merge(&b);
        prop_assert_eq!(&exact(&whole), &single, "grouped otherwise");
        // What has been seen already adds nothing but weight in time.
        let kept_before = kept(&whole);
        let mut before = exact(&whole);
        whole.merge(&shard(&|_| true));
        check(&whole);
        let mut after = exact(&whole);
        before.buckets.1.iter_mut().for_each(|bucket| bucket.2 = 0);
        after.buckets.1.iter_mut().for_each(|bucket| bucket.2 = 0);
        prop_assert_eq!(before, after);
        prop_assert_eq!(kept_before.len(), kept(&whole).len());
    }
}

#[test]
fn merging_into_nothing_is_taking_over() {
    let mut full = pruner(30);
    for n in 0..500u64 {
        let payload = payload((n % 9) as u8, n as u16);
        feed(
            &mut full,
            1_000_000 + n * n * 1_000,
            "a/b",
            payload.as_bytes(),
        );
    }
    let mut empty = pruner(30);
    empty.merge(&full);
    check(&empty);
    let times = |pruner: &Boxed| kept(pruner).into_iter().map(|k| k.0).collect::<Vec<_>>();
    assert_eq!(times(&empty), times(&full));
    full.merge(&pruner(30));
    check(&full);
    assert_eq!(times(&empty), times(&full));
}

#[test]
fn large_messages_do_not_crowd_out_errors() {
    let mut pruner = pruner(50);
    for n in 0..3_000u64 {
        let payload = match n % 150 {
            0 => format!(
                r#"{{"error":"part {} broke"}}"#,
                (b'a' + (n / 150) as u8) as char
            ),
            _ => format!(r#"{{"k{}":{n},"blob":"{}"}}"#, n % 149, "x".repeat(6_000)),
        };
        feed(&mut pruner, n * 1_000, "camera/1", payload.as_bytes());
    }
    check(&pruner);
    let kept = kept(&pruner);
    assert_eq!(kept.iter().filter(|k| k.2[0] == "error").count(), 20);
    assert_eq!((kept[0].0, kept.last().unwrap().0), (0, 2_999_000));
    assert!(pruner.lost() > 0);
}

#[test]
fn state_fits_its_budget() {
    let slots = Boxed::slots_for(500) * size_of::<Slot>();
    assert!(
        size_of::<Boxed>() + slots <= 256 * 1024,
        "{} + {slots}",
        size_of::<Boxed>()
    );
}
