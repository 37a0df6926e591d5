//! The values of a payload with their places: `ENERGY.Power`, or what the topic calls a bare value.
//!
//! One pass of the strict walk over JSON; what stands in arrays is left out, because it has no name that stays.

use super::channel::MAX_NAME;
use crate::number;
use crate::payload::json::{self, Scalar, Text, Visitor};
use heapless::{String, Vec};

/// Objects inside one another that are followed.
const DEPTH: usize = 6;
/// Values of a payload that are looked at.
const FIELDS: u32 = 64;

/// One value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'p> {
    /// Keys around the key and the key, dots between them; the front of it.
    pub(super) path: &'p str,
    /// Key of the object around, or empty.
    pub(super) parent: &'p str,
    pub(super) key: &'p str,
    /// Objects around it; zero: the payload is a bare value.
    pub(super) depth: usize,
    pub(super) value: Value<'p>,
}

/// A value as far as it can be judged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Value<'p> {
    Number(f64),
    Bool(bool),
    /// Between its quotes, escapes and all.
    Text(&'p str),
}

/// Calls `take` with each value of `payload` on `topic`.
pub(super) fn each<'p>(topic: &'p str, payload: &'p [u8], take: impl FnMut(Field<'_>)) {
    let Ok(text) = core::str::from_utf8(payload) else {
        return;
    };
    let text = text.trim();
    let mut walk = Walk {
        topic,
        path: String::new(),
        frames: Vec::new(),
        deeper: 0,
        key: "",
        left: FIELDS,
        take,
    };
    if text.starts_with(['{', '"', '-', 't', 'f']) || text.starts_with(|c: char| c.is_ascii_digit())
    {
        // What came before something malformed has been taken already, and was valid.
        let _ = json::walk(text, &mut walk);
    } else if text.len() <= 64 {
        walk.bare(Value::Text(text));
    }
}

/// What a bare value on `topic` is called, and the level before.
fn name_of(topic: &str) -> (&str, &str) {
    let mut levels = topic.rsplit('/').filter(|level| !level.is_empty());
    let silent = |level: &&str| {
        matches!(
            *level,
            "state" | "value" | "val" | "status" | "raw" | "data"
        )
    };
    let last = levels.next().unwrap_or(topic);
    if !silent(&last) {
        return (levels.next().unwrap_or(""), last);
    }
    let name = levels.next().unwrap_or(last);
    (levels.next().unwrap_or(""), name)
}

struct Frame<'p> {
    key: &'p str,
    object: bool,
    /// Bytes of the path before this key.
    before: usize,
}

struct Walk<'p, F> {
    topic: &'p str,
    path: String<MAX_NAME>,
    frames: Vec<Frame<'p>, DEPTH>,
    /// Containers that are not followed.
    deeper: u32,
    key: &'p str,
    left: u32,
    take: F,
}

impl<F: FnMut(Field<'_>)> Walk<'_, F> {
    fn bare(&mut self, value: Value<'_>) {
        let (parent, key) = name_of(self.topic);
        (self.take)(Field {
            path: key,
            parent,
            key,
            depth: 0,
            value,
        });
    }

    fn value(&mut self, value: Value<'_>) {
        if self.deeper > 0 || self.left == 0 || self.frames.iter().any(|frame| !frame.object) {
            return;
        }
        self.left -= 1;
        let Some(frame) = self.frames.last() else {
            self.bare(value);
            return;
        };
        let (depth, before) = (self.frames.len(), self.path.len());
        let (mut parent, mut key) = (frame.key, self.key);
        let end = extend(&mut self.path, key);
        // `{"value": 21.5}` is what the topic says.
        if depth == 1 && matches!(key, "value" | "val" | "v" | "Value") {
            (parent, key) = name_of(self.topic);
        }
        (self.take)(Field {
            path: &self.path,
            parent,
            key,
            depth,
            value,
        });
        debug_assert!(end >= before);
        self.path.truncate(before);
    }
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
        let frame = Frame {
            key,
            object,
            before,
        };
        if self.deeper > 0 || self.frames.push(frame).is_err() {
            self.deeper += 1;
        } else if !key.is_empty() {
            extend(&mut self.path, key);
        }
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(frame) = self.frames.pop() {
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
        }
    }

    fn scalar(&mut self, value: Scalar<'p>) {
        match value {
            Scalar::Null => {}
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
        each(topic, payload.as_bytes(), |field| {
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
    fn values_come_with_their_places() {
        let found = of(
            "a/b",
            r#"{"a":{"b":1,"c":[1,{"d":2}]},"e":"x","value":-2.5}"#,
        );
        assert_eq!(found, ["a.b a|b=1", "e |e=Text(\"x\")", "value a|b=-2.5"]);
        assert_eq!(of("x/sensor/co2/state", "612"), ["co2 sensor|co2=612"]);
        assert_eq!(of("x/relay/0", "on"), ["0 relay|0=Text(\"on\")"]);
        let deep = of("a", &format!("{}1{}", r#"{"k":"#.repeat(9), "}".repeat(9)));
        assert!(deep.is_empty(), "{deep:?}");
        let long = of("a", &format!("{{\"{}\":{{\"x\":1}}}}", "ä".repeat(60)));
        assert_eq!(long.len(), 1);
    }
}
