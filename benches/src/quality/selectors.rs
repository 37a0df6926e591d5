//! What chooses messages: the pruner, and simple selectors to compare it with.

use super::score::Truth;
use super::streams::{Message, Random};
use bitsperity_mqtt_core::payload::{Memo, inspect_with};
use bitsperity_mqtt_core::reduce::prune::{Choice, Slot};
use bitsperity_mqtt_core::reduce::{Pruner, Record};
use bitsperity_mqtt_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of the arena for payloads: what the server gives to a collection of fifty.
const ARENA: usize = 256 * 1024;
/// Bytes of a payload that are kept.
const PAYLOAD: usize = 4_096;

/// The pruner as measured.
pub type Boxed = Pruner<Box<[Slot]>, Box<[u8]>>;

/// What a selector answers: places in the stream, in order, and how many errors it counted.
pub type Selection = (Vec<usize>, usize);

/// An empty pruner with the memory that the server gives it.
pub fn pruner(target: usize) -> Boxed {
    let slots = vec![Slot::default(); Boxed::slots_for(target)].into_boxed_slice();
    Pruner::new(slots, vec![0; ARENA].into_boxed_slice(), target, PAYLOAD)
}

/// Gives a message to a pruner.
pub fn feed(pruner: &mut Boxed, memo: &mut Memo, message: &Message) {
    let facts = inspect_with(memo, &message.topic, &message.payload);
    let record = Record {
        at: Instant::from_micros(message.at),
        topic: &message.topic,
        payload: &message.payload,
        qos: 0,
        retain: false,
    };
    pruner.record(&record, &facts);
}

/// What the pruner keeps of the parts that it merges: message `n` goes to those parts for which `takes` is true.
pub fn ours(
    all: &[Message],
    target: usize,
    parts: usize,
    takes: impl Fn(usize, usize) -> bool,
) -> Selection {
    let mut pruners: Vec<_> = (0..parts).map(|_| pruner(target)).collect();
    let mut memo = Memo::new(1);
    for (n, message) in all.iter().enumerate() {
        for (part, pruner) in pruners.iter_mut().enumerate() {
            if takes(n, part) {
                feed(pruner, &mut memo, message);
            }
        }
    }
    let mut whole = pruners.remove(0);
    pruners.iter().for_each(|part| whole.merge(part));
    let mut scratch = vec![Choice::default(); whole.scratch_len()];
    let place = |at| all.binary_search_by_key(&at, |message: &Message| message.at);
    let kept: BTreeSet<usize> = whole
        .kept(&mut scratch)
        .map(|kept| place(kept.at).expect("a message that came"))
        .collect();
    let counted = usize::try_from(whole.problems().0).unwrap_or(usize::MAX);
    (kept.into_iter().collect(), counted)
}

/// How a simple selector chooses so many messages.
pub type Select = fn(&Truth<'_>, usize) -> Vec<usize>;

/// Simple selectors by name.
pub const BASELINES: [(&str, Select); 7] = [
    ("first", |_, target| (0..target).collect()),
    ("last", |truth, target| {
        (truth.messages.len() - target..truth.messages.len()).collect()
    }),
    ("random", random),
    ("even stride", |truth, target| {
        stride(truth.messages.len(), target)
    }),
    ("LTTB", largest_triangle),
    ("grep errors, then stride", grep),
    ("shape strata", strata),
];

/// What a simple selector keeps; it counts the errors that it kept.
pub fn baseline(select: Select, truth: &Truth<'_>, target: usize) -> Selection {
    let kept = select(truth, target);
    let faults = kept.iter().filter(|&&n| truth.messages[n].fault.is_some());
    let counted = faults.count();
    (kept, counted)
}

fn random(truth: &Truth<'_>, target: usize) -> Vec<usize> {
    let mut random = Random(truth.messages.len() as u64);
    let mut drawn = BTreeSet::new();
    while drawn.len() < target {
        drawn.insert(random.below(truth.messages.len()));
    }
    drawn.into_iter().collect()
}

fn stride(count: usize, target: usize) -> Vec<usize> {
    (0..target)
        .map(|n| n * (count - 1) / (target - 1))
        .collect()
}

/// Largest-Triangle-Three-Buckets (Steinarsson 2013) over the lengths of the payloads.
fn largest_triangle(truth: &Truth<'_>, target: usize) -> Vec<usize> {
    let count = truth.messages.len();
    let value = |n: usize| truth.messages[n].payload.len() as f64;
    let edge = |n: usize| 1 + n * (count - 2) / (target - 2);
    let mut kept = vec![0];
    for bucket in 0..target - 2 {
        let before = kept[kept.len() - 1];
        let next = edge(bucket + 1)..edge(bucket + 2).clamp(edge(bucket + 1) + 1, count);
        let size = next.len() as f64;
        let centre = (
            next.clone().map(|n| n as f64).sum::<f64>() / size,
            next.map(value).sum::<f64>() / size,
        );
        let area = |n: usize| {
            let (x, y) = (before as f64, value(before));
            ((x - centre.0) * (value(n) - y) - (x - n as f64) * (centre.1 - y)).abs()
        };
        let best = (edge(bucket)..edge(bucket + 1)).max_by(|&a, &b| area(a).total_cmp(&area(b)));
        kept.extend(best);
    }
    kept.push(count - 1);
    kept
}

/// What contains a word of an error, then an even stride of the rest.
fn grep(truth: &Truth<'_>, target: usize) -> Vec<usize> {
    let words = ["error", "fail", "alarm", "fault", "offline", "fatal"];
    let tells = |message: &Message| {
        let text = String::from_utf8_lossy(&message.payload).to_lowercase();
        let topic = message.topic.to_lowercase();
        words
            .iter()
            .any(|word| text.contains(word) || topic.contains(word))
    };
    let hits = (0..truth.messages.len()).filter(|&n| tells(&truth.messages[n]));
    let mut kept: BTreeSet<usize> = hits.take(target).collect();
    fill(&mut kept, truth, target);
    kept.into_iter().collect()
}

/// The first message of each shape, the rarest first, then an even stride of the rest.
fn strata(truth: &Truth<'_>, target: usize) -> Vec<usize> {
    let mut shapes: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for n in 0..truth.messages.len() {
        shapes.entry(truth.shape(n)).or_insert((0, n)).0 += 1;
    }
    let mut shapes: Vec<_> = shapes.into_values().collect();
    shapes.sort_unstable();
    let mut kept = shapes.iter().map(|&(_, n)| n).take(target).collect();
    fill(&mut kept, truth, target);
    kept.into_iter().collect()
}

/// As evenly as there is room.
fn fill(kept: &mut BTreeSet<usize>, truth: &Truth<'_>, target: usize) {
    let count = truth.messages.len();
    let room = target - kept.len();
    if room > 1 {
        kept.extend(stride(count, room));
    }
}

/// What raises Q most, one message after the other, with the labels before it: about as good as it gets.
pub fn knowing(truth: &Truth<'_>, target: usize) -> Selection {
    let all = truth.messages.iter();
    let counted = all.filter(|message| message.fault.is_some()).count();
    let mut kept: Vec<usize> = Vec::new();
    for _ in 0..target {
        let mut best: Option<(f64, usize, usize)> = None;
        for n in 0..truth.messages.len() {
            let Err(place) = kept.binary_search(&n) else {
                continue;
            };
            kept.insert(place, n);
            let q = truth.score(&kept, target, counted).q;
            kept.remove(place);
            if best.is_none_or(|(most, ..)| q > most) {
                best = Some((q, place, n));
            }
        }
        if let Some((_, place, n)) = best {
            kept.insert(place, n);
        }
    }
    (kept, counted)
}
