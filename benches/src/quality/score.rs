//! The measure Q = 0.30 E + 0.10 B + 0.20 S + 0.15 T + 0.15 V + 0.10 C of what is kept of a stream.
//!
//! E kinds of faults kept (0.7) and faults counted (0.3); B first and last; S shapes kept of as many as can be; T how
//! even in time (0.7), no avoidable hole (0.3); V range of each number covered (0.7) and spikes kept (0.3);
//! C values of states kept and both sides of the two largest silences, by halves.

use super::streams::Message;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Values of a string that is a state, at most; with more it is text.
const STATE_VALUES: usize = 8;
/// Bytes of a string that can be a state.
const STATE: usize = 16;
/// Largest silences whose sides count: as many as are put in; what comes after them is the rhythm's chance.
const SILENCES: usize = 2;

/// Names of the parts, in their order in [`Score::parts`].
pub const PARTS: [&str; 6] = ["E", "B", "S", "T", "V", "C"];
const WEIGHTS: [f64; 6] = [0.30, 0.10, 0.20, 0.15, 0.15, 0.10];

/// Q and what it is made of, all from 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    /// The whole.
    pub q: f64,
    /// E, B, S, T, V, C.
    pub parts: [f64; 6],
}

impl Score {
    fn of(parts: [f64; 6]) -> Self {
        let weighted = parts.iter().zip(WEIGHTS);
        Self {
            q: weighted.map(|(part, weight)| part * weight).sum(),
            parts,
        }
    }

    /// The mean of several.
    pub fn mean(scores: &[Self]) -> Self {
        let mut parts = [0.0; 6];
        for score in scores {
            for (sum, part) in parts.iter_mut().zip(score.parts) {
                *sum += part / scores.len() as f64;
            }
        }
        Self::of(parts)
    }
}

/// What is in a message: shape, numbers, states, each by its place in the stream's lists.
struct Content {
    shape: usize,
    numbers: Vec<(usize, f64)>,
    states: Vec<usize>,
}

/// A stream with what is in it.
pub struct Truth<'a> {
    /// The stream, in order of time.
    pub messages: &'a [Message],
    contents: Vec<Content>,
    shapes: usize,
    kinds: usize,
    faults: usize,
    spikes: usize,
    /// Least and largest of each number that varies.
    ranges: BTreeMap<usize, (f64, f64)>,
    /// Values of each state: the path they belong to.
    states: BTreeMap<usize, BTreeSet<usize>>,
    sides: BTreeSet<usize>,
}

/// Numbers names in order of first sight.
#[derive(Default)]
struct Names(BTreeMap<String, usize>);

impl Names {
    fn number(&mut self, name: String) -> usize {
        let next = self.0.len();
        *self.0.entry(name).or_insert(next)
    }
}

#[derive(Default)]
struct Reader {
    shapes: Names,
    numbers: Names,
    states: Names,
    values: Names,
    /// Path of each value of a state.
    path_of: BTreeMap<usize, usize>,
}

/// The topic with its numbers masked.
fn class(topic: &str) -> String {
    let mut class = String::new();
    for c in topic.chars() {
        match c {
            '0'..='9' if class.ends_with('#') => {}
            '0'..='9' => class.push('#'),
            _ => class.push(c),
        }
    }
    class
}

impl Reader {
    fn content(&mut self, message: &Message) -> Content {
        let class = class(&message.topic);
        let mut content = Content {
            shape: 0,
            numbers: Vec::new(),
            states: Vec::new(),
        };
        let mut paths = BTreeSet::new();
        match serde_json::from_slice::<Value>(&message.payload) {
            Ok(value) => self.walk(&value, &class, &mut content, &mut paths),
            Err(_) => {
                let text = String::from_utf8_lossy(&message.payload);
                if text.len() <= STATE {
                    self.state(&class, &text, &mut content);
                }
            }
        }
        let shape = class + &paths.into_iter().collect::<Vec<_>>().join(",");
        content.shape = self.shapes.number(shape);
        content
    }

    fn state(&mut self, path: &str, value: &str, content: &mut Content) {
        let number = self.values.number(format!("{path}={value}"));
        self.path_of
            .insert(number, self.states.number(path.to_string()));
        content.states.push(number);
    }

    fn walk(
        &mut self,
        value: &Value,
        path: &str,
        content: &mut Content,
        paths: &mut BTreeSet<String>,
    ) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    let path = format!("{path}.{key}");
                    paths.insert(path.clone());
                    self.walk(value, &path, content, paths);
                }
            }
            Value::Array(elements) => {
                let path = format!("{path}[]");
                for value in elements {
                    self.walk(value, &path, content, paths);
                }
            }
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or_default();
                let path = self.numbers.number(path.to_string());
                content.numbers.push((path, number));
            }
            Value::Bool(value) => self.state(path, &value.to_string(), content),
            Value::String(text) if text.len() <= STATE => self.state(path, text, content),
            _ => {}
        }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 1.0 } else { sum / count as f64 }
}

impl<'a> Truth<'a> {
    /// Reads a stream.
    pub fn of(messages: &'a [Message]) -> Self {
        let mut reader = Reader::default();
        let contents: Vec<Content> = messages.iter().map(|m| reader.content(m)).collect();
        let mut ranges = BTreeMap::new();
        for &(path, number) in contents.iter().flat_map(|content| &content.numbers) {
            let (low, high) = ranges.entry(path).or_insert((number, number));
            (*low, *high) = (low.min(number), high.max(number));
        }
        ranges.retain(|_, (low, high)| low < high);
        let mut states: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for &value in contents.iter().flat_map(|content| &content.states) {
            let path = reader.path_of[&value];
            states.entry(path).or_default().insert(value);
        }
        states.retain(|_, values| (2..=STATE_VALUES).contains(&values.len()));
        let mut silences: Vec<usize> = (1..messages.len()).collect();
        silences.sort_by_key(|&n| Reverse(messages[n].at - messages[n - 1].at));
        let sides = silences.iter().take(SILENCES).flat_map(|&n| [n - 1, n]);
        let faults = || messages.iter().filter_map(|message| message.fault);
        Self {
            messages,
            shapes: reader.shapes.0.len(),
            kinds: faults().collect::<BTreeSet<_>>().len(),
            faults: faults().count(),
            spikes: messages.iter().filter(|message| message.spike).count(),
            contents,
            ranges,
            states,
            sides: sides.collect(),
        }
    }

    /// Shape of message `n`, as a number.
    pub fn shape(&self, n: usize) -> usize {
        self.contents[n].shape
    }

    /// Q of keeping the messages at `kept`, in order, of at most `target`, when `counted` messages were judged errors.
    pub fn score(&self, kept: &[usize], target: usize, counted: usize) -> Score {
        let mut is_kept = vec![false; self.messages.len()];
        kept.iter().for_each(|&n| is_kept[n] = true);
        let faults = kept.iter().filter_map(|&n| self.messages[n].fault);
        let kinds = faults.collect::<BTreeSet<_>>().len();
        let miscounted = self.faults.abs_diff(counted) as f64 / self.faults.max(1) as f64;
        let edges = [is_kept[0], is_kept[self.messages.len() - 1]];
        let shapes = kept.iter().map(|&n| self.contents[n].shape);
        let shapes = shapes.collect::<BTreeSet<_>>().len();
        Score::of([
            0.7 * share(kinds, self.kinds) + 0.3 * (1.0 - miscounted.min(1.0)),
            share(edges.iter().filter(|&&edge| edge).count(), 2),
            share(shapes, self.shapes.min(target)).min(1.0),
            self.evenness(kept, &is_kept, target),
            self.values(kept),
            0.5 * self.changes(kept)
                + 0.5
                    * share(
                        self.sides.iter().filter(|&&n| is_kept[n]).count(),
                        self.sides.len(),
                    ),
        ])
    }

    fn evenness(&self, kept: &[usize], is_kept: &[bool], target: usize) -> f64 {
        let (mut distance, mut seen) = (0.0f64, 0);
        for (n, &kept_too) in is_kept.iter().enumerate() {
            seen += usize::from(kept_too);
            let apart = share(seen, kept.len().max(1)) - share(n + 1, is_kept.len());
            distance = distance.max(apart.abs());
        }
        let at = |n: usize| self.messages[n].at;
        let last = self.messages.len() - 1;
        let largest = |places: &mut dyn Iterator<Item = usize>| {
            let (mut before, mut largest) = (at(0), 0);
            for n in places {
                largest = largest.max(at(n) - before);
                before = at(n);
            }
            largest as f64
        };
        let span = (at(last) - at(0)).max(1) as f64;
        let unavoidable = largest(&mut (0..=last)).max(3.0 * span / target as f64);
        let hole = largest(&mut kept.iter().copied().chain([last])) - unavoidable;
        0.7 * (1.0 - distance) + 0.3 * (1.0 - (hole / span).max(0.0))
    }

    fn values(&self, kept: &[usize]) -> f64 {
        let mut covered: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for &(path, number) in kept.iter().flat_map(|&n| &self.contents[n].numbers) {
            let (low, high) = covered.entry(path).or_insert((number, number));
            (*low, *high) = (low.min(number), high.max(number));
        }
        let ranges = mean(self.ranges.iter().map(|(path, (low, high))| {
            covered
                .get(path)
                .map_or(0.0, |mine| (mine.1 - mine.0) / (high - low))
        }));
        let spikes = kept.iter().filter(|&&n| self.messages[n].spike).count();
        0.7 * ranges + 0.3 * share(spikes, self.spikes)
    }

    fn changes(&self, kept: &[usize]) -> f64 {
        let shown: BTreeSet<usize> = kept
            .iter()
            .flat_map(|&n| &self.contents[n].states)
            .copied()
            .collect();
        let shares = self.states.values();
        mean(shares.map(|values| share(values.intersection(&shown).count(), values.len())))
    }
}
