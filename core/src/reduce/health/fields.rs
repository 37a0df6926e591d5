//! The values of a payload with their places: `ENERGY.Power`, or what the topic calls a bare value; each with the mark
//! of quality that stands beside it.
//!
//! One pass of a walk over JSON; other texts are read in `plain`. What stands in arrays is left out, because it has no name that stays, except objects
//! that name themselves: `{"id":"Press.Force","v":4.1,"q":true}`.

use super::field::MAX_NAME;
pub(super) use super::field::{Field, Value, name_of};
use super::names::Cut;
use super::plain;
use crate::knowledge::address;
use crate::knowledge::nothing::{self, Nothing};
use crate::knowledge::quality::{self, Grade, Mark};
use crate::number;
use crate::payload::front::{self, Rest};
use crate::payload::json::{Scalar, Text, Visitor};
use crate::payload::{hash, lenient};
use core::fmt::Write;
use heapless::{String, Vec};

/// Objects inside one another that are followed.
const DEPTH: usize = 6;
/// Values of a payload that are looked at; an eighth of them of each device of a map of devices, of so many.
const FIELDS: u32 = 64;
const NODES: u32 = 32;

/// Calls `take` with each value of `payload` on `topic`; `almost`: it is only almost JSON.
pub(super) fn each<'p>(
    topic: &'p str,
    payload: &'p [u8],
    almost: bool,
    mut take: impl FnMut(Field<'_>),
) {
    let Ok(text) = core::str::from_utf8(payload) else {
        return;
    };
    let text = text.trim();
    if !almost && !text.starts_with(['{', '[', '"']) {
        return plain::each(topic, text, &mut take);
    }
    let mut walk = Walk {
        topic,
        path: String::new(),
        frames: Vec::new(),
        deeper: 0,
        key: "",
        left: FIELDS,
        nodes: NODES,
        take,
    };
    if almost {
        let _ = lenient::walk(text, &mut walk);
    } else {
        // What came before something malformed has been taken already, and was valid.
        let _ = front::walk_front(text, &mut walk, Rest::Leave);
    }
}

#[derive(Default)]
struct Frame<'p> {
    key: &'p str,
    object: bool,
    /// Bytes of the path before this key.
    before: usize,
    /// Hash of the keys down to this one.
    hash: u64,
    /// Key of this object or of one around it that is an address, or empty.
    node: &'p str,
    /// What an object calls itself.
    id: &'p str,
    /// The key and the value of an object that is one reading: what it says waits for the mark of quality.
    held: Option<(&'p str, Value<'p>)>,
    grade: Option<Grade>,
    /// The mark is so short that it is one only beside a value.
    short: bool,
    /// Flags of this list so far.
    flags: u8,
}

struct Walk<'p, F> {
    topic: &'p str,
    path: String<MAX_NAME>,
    frames: Vec<Frame<'p>, DEPTH>,
    /// Containers that are not followed.
    deeper: u32,
    key: &'p str,
    left: u32,
    /// Devices of a map that may still be looked at for themselves.
    nodes: u32,
    take: F,
}

/// Keys of what an object calls itself.
const IDS: [&str; 8] = ["id", "name", "tag", "n", "Id", "Name", "tagName", "signal"];

/// Those of them of which the value is a name and no text.
pub(super) const NAMES: [&str; 2] = ["n", "bn"];

/// Keys of the value that an object is made for.
pub(super) fn is_value(key: &str) -> bool {
    // The last two of SenML: true or false, and a text.
    matches!(
        key,
        "value" | "val" | "v" | "Value" | "Val" | "d" | "vb" | "vs"
    )
}

impl<'p, F: FnMut(Field<'_>)> Walk<'p, F> {
    fn bare(&mut self, value: Value<'_>) {
        let (parent, key) = name_of(self.topic);
        (self.take)(Field {
            path: key,
            parent,
            key,
            place: 0,
            depth: 0,
            value,
            grade: None,
            node: "",
        });
    }

    fn value(&mut self, value: Value<'p>) {
        if self.deeper > 0 || self.left == 0 {
            return;
        }
        self.left -= 1;
        let arrays = self.frames.iter().filter(|frame| !frame.object).count();
        let key = self.key;
        let Some(frame) = self.frames.last_mut() else {
            self.bare(value);
            return;
        };
        if arrays > 1 || !frame.object {
            if let (Value::Bool(_), true) = (value, arrays == 1 && !frame.object) {
                self.flag(value);
            }
            return;
        }
        if let Some((grade, mark)) = graded(key, value) {
            frame.grade = frame.grade.max(Some(grade));
            frame.short = key.len() == 1 && mark != Mark::Null;
            return;
        }
        if let Value::Text(text) = value
            && frame.id.is_empty()
            && IDS.contains(&key)
        {
            frame.id = text;
        }
        if is_value(key) && frame.held.is_none() {
            frame.held = Some((key, value));
        } else if arrays == 0 {
            self.give(key, value, None);
        }
    }

    /// Hands on one of a list of flags.
    fn flag(&mut self, value: Value<'p>) {
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        frame.flags = frame.flags.saturating_add(1);
        let (n, key, hash) = (frame.flags, frame.key, frame.hash);
        let mut path = Cut::<MAX_NAME>::default();
        let _ = write!(path, "{} {n}", self.path);
        (self.take)(Field {
            path: &path.0,
            parent: "",
            key,
            place: hash::mix(hash, u64::from(n)),
            depth: 2,
            value,
            grade: None,
            node: "",
        });
    }

    /// Hands on a value of the innermost object.
    fn give(&mut self, key: &'p str, value: Value<'p>, grade: Option<Grade>) {
        let (depth, before) = (self.frames.len(), self.path.len());
        let (parent, hash, node) = self
            .frames
            .last()
            .map_or(("", 0, ""), |frame| (frame.key, frame.hash, frame.node));
        extend(&mut self.path, key);
        (self.take)(Field {
            path: &self.path,
            parent,
            key,
            place: hash::bytes(hash, key.as_bytes()),
            depth,
            value,
            grade,
            node,
        });
        self.path.truncate(before);
    }

    /// At the end of an object: what waited for its mark, or the mark alone.
    fn finish(&mut self) {
        let arrays = self.frames.iter().filter(|frame| !frame.object).count();
        let depth = self.frames.len();
        let Some(frame) = self.frames.last().filter(|frame| frame.object) else {
            return;
        };
        let (id, grade, node) = (frame.id, frame.grade, frame.node);
        match (frame.held, grade) {
            (Some((_, value)), _) if arrays == 1 && !id.is_empty() => {
                let key = id.rsplit(['.', '/', ':', '|']).next().unwrap_or(id);
                (self.take)(Field {
                    path: id,
                    parent: "",
                    key,
                    place: hash::bytes(frame.hash, id.as_bytes()),
                    depth,
                    value,
                    grade,
                    node,
                });
            }
            // `{"value": 21.5}` is what the topic says.
            (Some((held, value)), _) if depth == 1 && (grade.is_some() || held != "d") => {
                let (parent, key) = name_of(self.topic);
                (self.take)(Field {
                    path: key,
                    parent,
                    key,
                    place: 1,
                    depth,
                    value,
                    grade,
                    node,
                });
            }
            (Some((key, value)), _) if arrays == 0 => self.give(key, value, grade),
            (None, Some(_)) if arrays == 0 && !frame.short => {
                let key = match depth {
                    1 => name_of(self.topic).1,
                    _ => frame.key,
                };
                (self.take)(Field {
                    path: if depth == 1 { key } else { &self.path },
                    parent: "",
                    key,
                    place: frame.hash,
                    depth,
                    value: Value::Object,
                    grade,
                    node,
                });
            }
            _ => {}
        }
    }
}

/// What a member says of the quality of what stands beside it, if it is such a mark.
fn graded(key: &str, value: Value<'_>) -> Option<(Grade, Mark)> {
    let mark = quality::mark(key)?;
    let grade = match value {
        Value::Number(number) => mark.of_number(number)?,
        Value::Bool(value) => mark.of_bool(value),
        Value::Text(text) => mark.of_text(text)?,
        Value::Nothing(_) | Value::Object => return None,
    };
    Some((grade, mark))
}

/// Adds a key to a path, as much of it as fits; returns the new length.
fn extend<const N: usize>(path: &mut String<N>, key: &str) -> usize {
    let dot = !path.is_empty();
    let chars = dot.then_some('.').into_iter().chain(key.chars());
    for c in chars {
        if path.push(c).is_err() {
            break;
        }
    }
    path.len()
}

impl<'p, F: FnMut(Field<'_>)> Visitor<'p> for Walk<'p, F> {
    fn open(&mut self, object: bool) {
        let before = self.path.len();
        let key = if self.frames.is_empty() { "" } else { self.key };
        let (hash, node) = self
            .frames
            .last()
            .map_or((2, ""), |frame| (frame.hash, frame.node));
        let frame = Frame {
            key,
            object,
            before,
            hash: hash::bytes(hash, key.as_bytes()),
            node: if object && address::is(key) {
                key
            } else {
                node
            },
            ..Frame::default()
        };
        if frame.node != node && self.nodes > 0 {
            self.nodes -= 1;
            self.left = self.left.max(FIELDS / 8);
        }
        if self.deeper > 0 || self.frames.push(frame).is_err() {
            self.deeper += 1;
        } else if !key.is_empty() {
            extend(&mut self.path, key);
        }
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
            return;
        }
        self.finish();
        if let Some(frame) = self.frames.pop() {
            self.path.truncate(frame.before);
        }
    }

    fn key(&mut self, key: Text<'p>) {
        if self.deeper == 0 {
            self.key = key.raw;
        }
    }

    fn number(&mut self, text: &'p str, value: Option<f64>) {
        if let Some(number) = value.or_else(|| number::parse(text)) {
            self.value(Value::Number(number));
        } else if let Some(nothing) = nothing::of_text(text) {
            self.value(Value::Nothing(nothing));
        }
    }

    fn is_done(&self) -> bool {
        self.left == 0
    }

    fn scalar(&mut self, value: Scalar<'p>) {
        match value {
            Scalar::Null => self.value(Value::Nothing(Nothing::Null)),
            Scalar::Bool(value) => self.value(Value::Bool(value)),
            Scalar::Number(text) => self.number(text, None),
            Scalar::String(text) => self.value(Value::Text(text.raw)),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Value, each};
    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    fn of(topic: &str, payload: &str) -> Vec<String> {
        let mut fields = Vec::new();
        each(topic, payload.as_bytes(), false, |field| {
            let value = match field.value {
                Value::Number(number) => number.to_string(),
                other => format!("{other:?}"),
            };
            fields.push(format!(
                "{} {}|{}={value}",
                field.path, field.parent, field.key
            ));
        });
        fields
    }

    #[test]
    fn values_come_with_the_mark_beside_them() {
        let graded = |topic: &str, payload: &str| {
            let mut found = Vec::new();
            each(topic, payload.as_bytes(), false, |field| {
                found.push(format!(
                    "{} {:?} {:?}",
                    field.path, field.value, field.grade
                ));
            });
            found
        };
        assert_eq!(
            graded("plant/Force", r#"{"q":24,"v":0,"t":5}"#),
            ["t Number(5.0) None", "Force Number(0.0) Some(Bad)"]
        );
        assert_eq!(
            graded(
                "gw",
                r#"{"values":[{"id":"P1.Force","v":null,"q":false},{"id":"P2.Speed","v":7,"q":true}]}"#
            ),
            [
                "P1.Force Nothing(Null) Some(Bad)",
                "P2.Speed Number(7.0) Some(Good)"
            ]
        );
        assert_eq!(
            graded("plant/press", r#"{"speed":7,"quality":"bad"}"#),
            ["speed Number(7.0) None", "press Object Some(Bad)"]
        );
        assert_eq!(
            graded(
                "plant/press",
                r#"{"Force":{"value":4.5,"StatusCode":2147483648}}"#
            ),
            ["Force.value Number(4.5) Some(Bad)"]
        );
        // A number that happens to be called `q`.
        assert_eq!(
            graded("meter", r#"{"p":230,"q":0}"#),
            ["p Number(230.0) None"]
        );
    }

    #[test]
    fn values_come_with_their_places() {
        let found = of(
            "a/b",
            r#"{"a":{"b":1,"c":[1,{"d":2}]},"e":"x","value":-2.5}"#,
        );
        assert_eq!(found, ["a.b a|b=1", "e |e=Text(\"x\")", "b a|b=-2.5"]);
        assert_eq!(of("x/sensor/co2/state", "612"), ["co2 sensor|co2=612"]);
        assert_eq!(of("x/relay/0", "on"), ["0 relay|0=Text(\"on\")"]);
        let deep = of("a", &format!("{}1{}", r#"{"k":"#.repeat(9), "}".repeat(9)));
        assert!(deep.is_empty(), "{deep:?}");
        let long = of("a", &format!("{{\"{}\":{{\"x\":1}}}}", "ä".repeat(60)));
        assert_eq!(long.len(), 1);
    }
}
