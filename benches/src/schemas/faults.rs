//! Nine kinds of faults, each put into a valid message where what all messages of its topic are like says that it is
//! one: another type than any there, a member that all have taken away, a string that is none of a few, and so on.

use super::Random;
use serde_json::{Map, Number, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The kinds of faults.
pub const KINDS: [&str; 9] = [
    "type", "missing", "renamed", "extra", "null", "enum", "range", "format", "foreign",
];

/// What all messages of a topic are like, by path; indices of arrays are folded.
#[derive(Default)]
pub struct Truth {
    paths: BTreeMap<String, Path>,
}

#[derive(Default)]
struct Path {
    types: BTreeSet<&'static str>,
    count: usize,
    /// Objects in which it could have been.
    around: usize,
    strings: BTreeMap<String, usize>,
    min: f64,
    max: f64,
}

/// One step down.
#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

impl Truth {
    /// Of messages.
    pub fn of<'m>(messages: impl IntoIterator<Item = &'m Value>) -> Self {
        let mut truth = Self::default();
        let mut objects: BTreeMap<String, usize> = BTreeMap::new();
        for message in messages {
            each(message, &mut |steps, value| {
                let name = name(steps);
                if value.is_object() {
                    *objects.entry(name.clone()).or_default() += 1;
                }
                let path = truth.paths.entry(name).or_insert_with(|| Path {
                    min: f64::INFINITY,
                    max: f64::NEG_INFINITY,
                    ..Path::default()
                });
                path.count += 1;
                path.types.insert(type_of(value));
                match value {
                    Value::String(text) => *path.strings.entry(text.clone()).or_default() += 1,
                    Value::Number(number) => {
                        let number = number.as_f64().unwrap_or(0.0);
                        path.min = path.min.min(number);
                        path.max = path.max.max(number);
                    }
                    _ => {}
                }
            });
        }
        for (name, path) in &mut truth.paths {
            let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
            path.around = objects.get(parent).copied().unwrap_or(0);
        }
        truth
    }

    /// `message` with a fault of a kind in it, if there is a place for one; foreign ones come from elsewhere.
    pub fn put(&self, kind: &str, message: &Value, random: &mut Random) -> Option<Value> {
        let mut places: Vec<(Vec<Step>, Value)> = Vec::new();
        each(message, &mut |steps, value| {
            let fits = self
                .paths
                .get(&name(steps))
                .is_some_and(|path| path.takes(kind, steps, value));
            if fits {
                places.push((steps.to_vec(), value.clone()));
            }
        });
        if places.is_empty() {
            return None;
        }
        let (steps, value) = places.swap_remove(random.below(places.len()));
        let path = self.paths.get(&name(&steps))?;
        let mut faulty = message.clone();
        match kind {
            "missing" | "renamed" => {
                let (Step::Key(key), around) = (steps.last()?, steps.get(..steps.len() - 1)?)
                else {
                    return None;
                };
                let object = at(&mut faulty, around)?.as_object_mut()?;
                let old = object.remove(key)?;
                if kind == "renamed" {
                    object.insert(format!("{key}_x"), old);
                }
            }
            "extra" => {
                let values = [Value::from(1), Value::from("new"), Value::Bool(true)];
                let object = at(&mut faulty, &steps)?.as_object_mut()?;
                object.insert("unknownField".into(), values.get(random.below(3))?.clone());
            }
            _ => *at(&mut faulty, &steps)? = path.faulty(kind, &value, random)?,
        }
        Some(faulty)
    }
}

impl Path {
    fn takes(&self, kind: &str, steps: &[Step], value: &Value) -> bool {
        let keyed = matches!(steps.last(), Some(Step::Key(_)));
        let leaf = !value.is_array() && !value.is_object();
        let several = self.count >= 10;
        match kind {
            "type" => leaf && !value.is_null() && self.types.len() <= 2,
            "missing" => keyed && self.count >= self.around,
            "renamed" => keyed,
            "extra" => value.is_object(),
            "null" => leaf && !self.types.contains("null"),
            "enum" => several && value.is_string() && self.is_enum(),
            "range" => several && value.is_number() && self.types.len() == 1,
            "format" => value.is_string() && self.strings.keys().all(|text| formatted(text)),
            _ => false,
        }
    }

    fn is_enum(&self) -> bool {
        self.strings.len() <= 12
            && self.count >= self.strings.len() * 8
            && !self.strings.keys().all(|text| formatted(text))
    }

    fn faulty(&self, kind: &str, value: &Value, random: &mut Random) -> Option<Value> {
        Some(match kind {
            "type" => {
                let others = [
                    Value::from("a text"),
                    Value::from(12_345),
                    Value::Bool(true),
                    Value::Array(vec![]),
                    Value::Object(Map::new()),
                ];
                let mut others: Vec<_> = others
                    .into_iter()
                    .filter(|other| !self.types.contains(type_of(other)))
                    .collect();
                // Another scalar, mostly.
                others.truncate(2);
                others.get(random.below(others.len()))?.clone()
            }
            "null" => Value::Null,
            "enum" => {
                let texts = ["__invalid__", "UNKNOWN_STATE", "zzz"];
                Value::from(*texts.get(random.below(3))?)
            }
            "format" => {
                let texts = ["not a format", "???", "12:xx/zz"];
                Value::from(*texts.get(random.below(3))?)
            }
            "range" => {
                let span = (self.max - self.min).max(1.0);
                let far = [
                    self.max + 10.0 * span + 1_000.0,
                    self.max.abs().max(1.0) * 1_000.0 + 1e6,
                    self.min - 10.0 * span - 1_000.0,
                ];
                let far = far.get(random.below(3))?.round();
                if value.as_f64()?.fract() == 0.0 && far.abs() < 9e15 {
                    Value::from(far as i64)
                } else {
                    Value::Number(Number::from_f64(far + 0.5)?)
                }
            }
            _ => return None,
        })
    }
}

/// A string of a format that the standard names, or that is as plain to see.
fn formatted(text: &str) -> bool {
    let b = text.as_bytes();
    let digits = |from: usize, n: usize| {
        b.get(from..from + n)
            .is_some_and(|d| d.iter().all(u8::is_ascii_digit))
    };
    let date = b.len() >= 10
        && digits(0, 4)
        && b.get(4) == Some(&b'-')
        && digits(5, 2)
        && b.get(7) == Some(&b'-')
        && digits(8, 2);
    let hex = |t: &str| !t.is_empty() && t.bytes().all(|c| c.is_ascii_hexdigit());
    let mac = text.split([':', '-']).count() == 6
        && text
            .split([':', '-'])
            .all(|part| part.len() == 2 && hex(part));
    let uuid = b.len() == 36
        && text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && text.split('-').all(hex);
    let ip = text.parse::<std::net::IpAddr>().is_ok();
    let url = text.contains("://") && !text.contains(' ');
    let mail = text
        .split_once('@')
        .is_some_and(|(a, b)| !a.is_empty() && b.contains('.'))
        && !text.contains(' ');
    date || mac || uuid || ip || url || mail
}

fn name(steps: &[Step]) -> String {
    let part = |step: &Step| match step {
        Step::Key(key) => format!("/{}", key.replace('/', "~1")),
        Step::Index(_) => "/[]".to_owned(),
    };
    steps.iter().map(part).collect()
}

/// Every value of a message with where it stands.
fn each(value: &Value, visit: &mut impl FnMut(&[Step], &Value)) {
    fn go(steps: &mut Vec<Step>, value: &Value, visit: &mut impl FnMut(&[Step], &Value)) {
        visit(steps, value);
        let members: Vec<(Step, &Value)> = match value {
            Value::Object(object) => object
                .iter()
                .map(|(key, value)| (Step::Key(key.clone()), value))
                .collect(),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(i, value)| (Step::Index(i), value))
                .collect(),
            _ => return,
        };
        for (step, value) in members {
            steps.push(step);
            go(steps, value, visit);
            steps.pop();
        }
    }
    go(&mut Vec::new(), value, visit);
}

fn at<'v>(value: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(i) => value.get_mut(i),
    })
}
