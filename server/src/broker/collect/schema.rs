//! The schemas of a listener's topics. Families of like messages on like topics are told as one.

use crate::broker::report::{ChangedPath, FirstChange, SchemaFamily, SchemaFindings, WantSchema};
use bitsperity_mqtt_core::limits::MAX_LEVELS;
use bitsperity_mqtt_core::payload::Facts;
use bitsperity_mqtt_core::reduce::schema::{
    Confidence, Family, FamilyView, Node, PathView, Quantity, Row, Storage, Value,
};
use bitsperity_mqtt_core::reduce::{Record, Schemas};
use bitsperity_mqtt_core::time::Instant;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Paths for each family; one has 4 in the median, 23 at the ninetieth percentile, 357 at the ninety-ninth.
const PATHS: usize = 16;
/// Sets of members that came together, for each family.
const ROWS: usize = 4;
/// Distinct strings for each family.
const VALUES: usize = 12;
/// Bytes of keys and topics for each family.
const TEXT: usize = 256;

/// Paths of a family that changed type and are named.
const NAMED: usize = 64;

type Memory = Schemas<Box<[Family]>, Box<[Node]>, Box<[Row]>, Box<[Value]>, Box<[u8]>>;

/// For so many families; few get the room of sixty-four, so that one may be large.
fn memory(families: usize, seed: u64) -> Box<Memory> {
    let room = families.max(64);
    let storage = Storage {
        families: vec![Family::default(); families].into_boxed_slice(),
        nodes: vec![Node::default(); room * PATHS].into_boxed_slice(),
        rows: vec![Row::default(); room * ROWS].into_boxed_slice(),
        values: vec![Value::default(); room * VALUES].into_boxed_slice(),
        text: vec![0; room * TEXT].into_boxed_slice(),
    };
    Box::new(Schemas::new(storage, seed))
}

pub(super) struct Shapes {
    memory: Box<Memory>,
    seed: u64,
    wanted: WantSchema,
    /// By the family's place: the first message, and the latest if there was another.
    examples: Vec<Vec<(Vec<u8>, usize)>>,
}

impl Shapes {
    pub(super) fn new(wanted: &WantSchema, seed: u64) -> Self {
        Self {
            memory: memory(wanted.families, seed),
            seed,
            wanted: *wanted,
            examples: Vec::new(),
        }
    }

    /// Bytes of memory that it may take.
    pub(super) fn bytes(&self) -> usize {
        let families = self.wanted.families;
        let each = PATHS * size_of::<Node>()
            + ROWS * size_of::<Row>()
            + VALUES * size_of::<Value>()
            + TEXT;
        let examples = 2 * (self.wanted.example_bytes + size_of::<(Vec<u8>, usize)>());
        size_of::<Memory>() + families.max(64) * each + families * (size_of::<Family>() + examples)
    }

    #[inline]
    pub(super) fn record(&mut self, record: &Record<'_>, facts: &Facts<'_>) {
        let Some(place) = self.memory.record_facts(record, facts) else {
            return;
        };
        if self.examples.len() <= place {
            self.examples.resize_with(place + 1, Vec::new);
        }
        let Some(examples) = self.examples.get_mut(place) else {
            return;
        };
        let (content, full) = facts.content(record.payload);
        let front = content.get(..self.wanted.example_bytes).unwrap_or(content);
        match examples.as_mut_slice() {
            [_, (latest, size)] => {
                latest.clear();
                latest.extend_from_slice(front);
                *size = full;
            }
            _ => examples.push((front.to_vec(), full)),
        }
    }

    /// What is known now, of these topics if not of all; times count from `start`.
    pub(super) fn findings(&self, start: Instant, topics: Option<&[&str]>) -> SchemaFindings {
        let hashes = topics.map(|topics| {
            let hashes = topics.iter().map(|topic| self.memory.hash(topic));
            let mut hashes: Vec<u64> = hashes.collect();
            hashes.sort_unstable();
            hashes
        });
        let families: Vec<FamilyView<'_>> = self.memory.families().collect();
        let asked = |family: &FamilyView<'_>| hashes.as_ref().is_none_or(|it| family.holds(it));
        let (mut scratch, room) = (None, self.wanted.room);
        let mut told: Vec<SchemaFamily> = Vec::new();
        for (pattern, places) in alike(&families, asked) {
            let examples = places.iter().filter_map(|place| self.examples.get(*place));
            let examples: Vec<_> = examples.flatten().take(2).cloned().collect();
            let mut family = match places.as_slice() {
                [one] => families.get(*one).map(|family| tell(family, start, room)),
                many => {
                    let joined =
                        scratch.get_or_insert_with(|| memory(self.wanted.families, self.seed));
                    joined.clear();
                    for place in many {
                        joined.absorb(&self.memory, *place, 0);
                    }
                    joined
                        .families()
                        .next()
                        .map(|family| tell(&family, start, room))
                }
            };
            // What was joined without being of one size says little of the next value.
            let sizes = places
                .iter()
                .filter_map(|place| families.get(*place)?.quantity());
            let mut rest = sizes.clone();
            let first = rest.next();
            let apart = first.is_some_and(|first| rest.any(|it| first.join(it).is_none()));
            if let Some(family) = family.as_mut().filter(|_| apart) {
                family.confidence = lowered(family.confidence);
            }
            if let Some(family) = &mut family {
                (family.pattern, family.examples) = (pattern, examples);
            }
            told.extend(family);
        }
        told.sort_by(|a, b| {
            let by_messages = b.messages.cmp(&a.messages);
            by_messages.then_with(|| a.pattern.cmp(&b.pattern))
        });
        let lost = self.memory.lost();
        SchemaFindings {
            families: told,
            messages_beyond: lost.messages,
            members_lost: lost.members + lost.deep,
        }
    }
}

/// A level less.
fn lowered((sure, level): (f64, &'static str)) -> (f64, &'static str) {
    match level {
        "High" => (sure.min(0.9), "Medium"),
        _ => (sure.min(0.7), "Low"),
    }
}

/// Topics of a family up to which they are counted one by one.
const EXACT: u64 = 15;

/// Likeness of the messages, and levels of the topics.
type Pattern = (u64, Vec<String>);

/// Levels that say which way messages go: a command and the state that it changes are never one family.
const WAYS: [&str; 36] = [
    "cmnd",
    "cmd",
    "command",
    "commands",
    "control",
    "set",
    "get",
    "write",
    "read",
    "stat",
    "state",
    "status",
    "tele",
    "telemetry",
    "event",
    "events",
    "config",
    "request",
    "requests",
    "req",
    "response",
    "responses",
    "res",
    "reply",
    "ack",
    "in",
    "out",
    "input",
    "output",
    "rx",
    "tx",
    "up",
    "down",
    "desired",
    "reported",
    "rpc",
];

/// One or more families that are told as one.
struct Group {
    likeness: u64,
    levels: Vec<String>,
    places: Vec<usize>,
    /// What is measured, if they are of numbers.
    quantity: Option<Quantity>,
}

impl Group {
    /// Whether a level may be one of many: not the first of `$SYS`, which `+` does not match, not the type of a
    /// message of Sparkplug, in which births and data are told apart, nor one that says which way messages go.
    fn may_vary(&self, level: usize) -> bool {
        let special = self.levels.iter().any(|level| level.starts_with('$'));
        let sparkplug = self.levels.first().is_some_and(|first| first == "spBv1.0");
        let way = self.levels.get(level).is_some_and(|name| {
            let word = name.to_ascii_lowercase();
            WAYS.contains(&word.as_str())
        });
        let kept = level == 0 && special || level == 2 && sparkplug || way;
        !kept
    }
}

/// The places of the families that are asked for, by their patterns. Families whose messages are alike and whose topics differ in one level that
/// is not the last, or only in numbers, become one, level by level, if their values could be one quantity; then all of
/// the same pattern.
fn alike<'s>(
    families: &[FamilyView<'s>],
    asked: impl Fn(&FamilyView<'s>) -> bool,
) -> Vec<(String, Vec<usize>)> {
    let places = families.iter().enumerate();
    let own = places
        .filter(|(_, family)| asked(family))
        .map(|(place, family)| {
            let (topic, varying) = family.topic();
            Group {
                likeness: family.likeness(),
                levels: levels(topic, varying),
                places: vec![place],
                quantity: family.quantity(),
            }
        });
    let mut groups = of_one_name(own);
    let deepest = groups.iter().map(|group| group.levels.len()).max();
    for level in 0..deepest.unwrap_or(0) {
        let mut wider: BTreeMap<Pattern, Vec<usize>> = BTreeMap::new();
        for (n, group) in groups.iter().enumerate() {
            let Some(name) = group.levels.get(level).filter(|_| group.may_vary(level)) else {
                continue;
            };
            let last = level + 1 == group.levels.len();
            if last && !name.bytes().any(|b| b.is_ascii_digit()) {
                continue;
            }
            let mut levels = group.levels.clone();
            levels[level] = if last { masked(name) } else { "+".to_owned() };
            let wider = wider.entry((group.likeness, levels)).or_default();
            wider.push(n);
        }
        let mut left: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
        let mut joined = Vec::new();
        for ((_, mut levels), members) in wider {
            if members.len() < 2 {
                continue;
            }
            levels[level] = "+".to_owned();
            let of = |n: usize| left.get(n).and_then(Option::as_ref);
            let Some((chosen, quantity)) = of_one_quantity(&members, of) else {
                continue;
            };
            let taken = chosen.into_iter().filter_map(|n| left[n].take());
            let taken: Vec<Group> = taken.collect();
            let likeness = taken.first().map_or(0, |group| group.likeness);
            joined.push(Group {
                likeness,
                levels,
                places: taken.into_iter().flat_map(|group| group.places).collect(),
                quantity,
            });
        }
        groups = left.into_iter().flatten().chain(joined).collect();
    }
    // Whoever asks for a pattern wants one answer: unlike messages become kinds of one schema.
    let mut told: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for group in groups {
        told.entry(group.levels.join("/"))
            .or_default()
            .extend(group.places);
    }
    told.into_iter().collect()
}

/// What is of one topic and alike is one group: a topic may have been heard as several families.
fn of_one_name(own: impl Iterator<Item = Group>) -> Vec<Group> {
    let mut named: BTreeMap<Pattern, Group> = BTreeMap::new();
    for group in own {
        match named.entry((group.likeness, group.levels.clone())) {
            Entry::Vacant(free) => {
                free.insert(group);
            }
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                let both = known.quantity.zip(group.quantity);
                known.quantity = both.map(|(a, b)| a.with(b));
                known.places.extend(group.places);
            }
        }
    }
    named.into_values().collect()
}

/// Of the groups `members` those that could measure one quantity, if they are three quarters of them at least, and what
/// that is; all if they measure nothing. A fewer part would be chance.
fn of_one_quantity<'g>(
    members: &[usize],
    of: impl Fn(usize) -> Option<&'g Group>,
) -> Option<(Vec<usize>, Option<Quantity>)> {
    let mut known: Vec<(usize, Option<Quantity>)> = members
        .iter()
        .filter_map(|&n| Some((n, of(n)?.quantity)))
        .collect();
    if known.len() < 2 {
        return None;
    }
    if known.iter().any(|(_, quantity)| quantity.is_none()) {
        return Some((known.into_iter().map(|(n, _)| n).collect(), None));
    }
    let size = |quantity: &Option<Quantity>| quantity.map_or(0.0, |it| it.most.max(-it.least));
    known.sort_by(|a, b| size(&a.1).total_cmp(&size(&b.1)));
    // The longest run of those that go with its first.
    let mut best: (Vec<usize>, Option<Quantity>) = (Vec::new(), None);
    for (from, (_, first)) in known.iter().enumerate() {
        let (mut run, mut all) = (Vec::new(), *first);
        for (n, quantity) in known.iter().skip(from) {
            let near = first
                .zip(*quantity)
                .is_some_and(|(a, b)| a.join(b).is_some());
            let joined = all.zip(*quantity).and_then(|(a, b)| a.join(b));
            if near && joined.is_some() {
                run.push(*n);
                all = joined;
            }
        }
        if run.len() > best.0.len() {
            best = (run, all);
        }
    }
    let enough = best.0.len() >= 2 && best.0.len() * 4 >= known.len() * 3;
    enough.then_some(best)
}

/// A level without its numbers.
fn masked(name: &str) -> String {
    let mut masked: String = name.split(|c: char| c.is_ascii_digit()).collect();
    masked.push('#');
    masked
}

/// The levels of a topic, those that differ among a family's topics as `+`.
fn levels(topic: &str, varying: u64) -> Vec<String> {
    let own = topic.splitn(MAX_LEVELS, '/').enumerate();
    own.map(|(level, name)| {
        let differs = level < MAX_LEVELS && varying >> level & 1 == 1;
        if differs { "+" } else { name }.to_owned()
    })
    .collect()
}

fn tell(family: &FamilyView<'_>, start: Instant, room: bool) -> SchemaFamily {
    let mut formats: Vec<_> = family
        .formats()
        .map(|(format, count)| (format.name(), count))
        .collect();
    formats.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let sample = family.documents();
    let (sure, level) = family.confidence();
    let mut told = SchemaFamily {
        topics: family.topics().min(family.messages()),
        topics_estimated: family.topics() > EXACT,
        messages: family.messages(),
        formats,
        bytes: family.bytes(),
        sample,
        confidence: (sure, named(level)),
        outliers: family.outliers(),
        binary: family
            .binary()
            .map(|(count, entropy, magic)| (count, entropy, magic.to_vec())),
        ..SchemaFamily::default()
    };
    if sample > 0 {
        let mut schema = String::new();
        // Writing to a string does not fail.
        let _ = match room {
            true => family.write_schema(&mut schema),
            false => family.write_description(&mut schema),
        };
        told.schema = Some(schema);
    }
    family.each_path(|path, found| {
        if told.changed.len() < NAMED {
            told.changed.extend(changed(family, path, found, start));
        }
    });
    let mut schema = String::new();
    let _ = family.write_text_schema(&mut schema);
    if schema.len() > "{}".len() {
        told.text = Some((schema, family.texts().map(str::to_owned).collect()));
    }
    told
}

fn changed(
    family: &FamilyView<'_>,
    path: &[&str],
    found: &PathView<'_>,
    start: Instant,
) -> Option<ChangedPath> {
    let (times, last) = found.changes();
    let own = path.join(".");
    let first = family.type_changes().find(|it| it.path.as_str() == own);
    (times > 0).then(|| ChangedPath {
        path: if path.is_empty() {
            "(the payload)".to_owned()
        } else {
            path.join(".")
        },
        types: found.types().collect(),
        last: Instant::from_micros(last).since(start),
        first: first.map(|it| FirstChange {
            topic: it.topic.as_str().to_owned(),
            at: Instant::from_micros(it.at).since(start),
            values: (it.before.as_str().to_owned(), it.after.as_str().to_owned()),
        }),
    })
}

const fn named(level: Confidence) -> &'static str {
    match level {
        Confidence::Low => "Low",
        Confidence::Medium => "Medium",
        Confidence::High => "High",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_deep_in_a_topic_is_one_level() {
        let levels = levels(&"a/".repeat(30_000), 0b10);
        assert_eq!(levels.len(), MAX_LEVELS);
        assert_eq!(levels[..3], ["a", "+", "a"]);
    }
}
