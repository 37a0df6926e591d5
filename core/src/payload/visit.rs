//! What a pass does at each event of the JSON walk: keeps where it is, gathers paths, numbers and states, and
//! hands each pair of key and value to the judgement.

use super::Severity;
use super::hash;
use super::json::{Scalar, Text, Visitor};
use super::judge::MaxWith;
use super::pass::{ASKED, Frame, Pass, WITHIN};
use super::words::*;
use crate::number;

/// Bytes of a string that can be a state.
const STATE: usize = 24;

impl<'a> Visitor<'a> for Pass<'_, 'a> {
    fn open(&mut self, object: bool) {
        let top = self.frames.is_empty();
        let (array, again) = match self.frames.last() {
            Some(frame) => (!frame.object, frame.again),
            None => (false, false),
        };
        if array {
            self.element();
        }
        let mut flags = if top { 0 } else { self.flags };
        let asked = flags & SETTING != 0 && flags & (STATUS | TEXT) == 0;
        if asked || top && self.topic.says.asked {
            flags |= ASKED;
        }
        if flags & (PROBLEM | HINT) != 0 || top && self.topic.says.within {
            flags |= WITHIN;
        }
        let frame = Frame {
            path: self.path,
            key: if top { "" } else { self.key },
            flags,
            object,
            again: again || !object,
            name: None,
            value: None,
            off: false,
            away: None,
        };
        if self.frames.push(frame).is_err() {
            self.deeper += 1;
        }
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
            return;
        }
        if let Some(key) = self
            .frames
            .last()
            .and_then(|it| it.away.filter(|_| !it.off))
        {
            let reason = self.reason(key, "false");
            self.hard = self.hard.max_with((Severity::Error, Some(reason)));
        }
        let Some(frame) = self.frames.pop() else {
            return;
        };
        if let (Some(name), Some(value)) = (frame.name, frame.value) {
            self.set_key(frame.path, name);
            self.flags |= frame.flags & ASKED;
            self.judge(value);
        }
    }

    #[inline(always)]
    fn key(&mut self, key: Text<'a>) {
        if let Some(frame) = self.frames.last() {
            let (again, inherited) = (frame.again, frame.flags);
            self.set_key(frame.path, key.raw);
            self.member(again, inherited);
        }
    }

    #[inline(always)]
    fn expected(&mut self, ahead: u128) -> Option<usize> {
        let (length, hash, flags) = self.memo.as_mut()?.expected(ahead)?;
        let frame = self.frames.last()?;
        let (again, inherited) = (frame.again, frame.flags);
        self.path = hash::mix(frame.path, hash);
        self.flags = flags;
        self.member(again, inherited);
        Some(length)
    }

    #[inline(always)]
    fn expected_key(&mut self, key: &'a str) {
        self.key = key;
    }

    #[inline(always)]
    fn number(&mut self, text: &'a str, value: Option<f64>) {
        self.place();
        if let Some(number) = value.or_else(|| number::parse(text)) {
            let _ = self.numbers.push((self.path, number));
        }
        self.tell(Scalar::Number(text));
    }

    #[inline(always)]
    fn scalar(&mut self, value: Scalar<'a>) {
        let top = self.place();
        match value {
            Scalar::Bool(value) => {
                let _ = self.states.push((self.path, u64::from(value)));
            }
            Scalar::String(text) if !text.escaped => self.state(text.raw),
            _ => {}
        }
        // The type of a value is part of the shape; null may stand for any.
        let turn = match value {
            Scalar::Bool(_) => 16,
            Scalar::String(_) => 32,
            _ => 0,
        };
        if turn != 0 && !top && self.frames.last().is_some_and(|frame| !frame.again) {
            self.once = self.once.wrapping_add(self.path.rotate_left(turn));
        }
        if top && let Scalar::String(text) = value {
            self.bare(text.raw);
            return;
        }
        self.tell(value);
    }
}

impl<'a> Pass<'_, 'a> {
    /// What is to be done with the current key, whichever it is, in a container inside an array or not, whose key
    /// says `around`.
    #[inline]
    fn member(&mut self, again: bool, around: Flags) {
        self.flags |= around & (ASKED | WITHIN);
        if around & COUNT != 0 {
            // What stands among statistics is counted.
            self.flags |= MANY;
        }
        if around & STATUS != 0 && self.flags & (NAME | VALUE) != 0 {
            // `"status": {"symbol": "Bad"}`
            self.flags |= STATUS;
        }
        if again {
            let [bits, ..] = self.path.to_le_bytes();
            if let Some(word) = self.often.get_mut(usize::from(bits >> 6)) {
                *word |= 1 << (bits & 63);
            }
        } else {
            self.once = self.once.wrapping_add(self.path);
        }
        if self.flags & VALUE != 0 && self.frames.len() == 1 {
            self.flags |= self.topic.says.key
                & (PROBLEM
                    | HINT
                    | HEAT
                    | STATUS
                    | PRESENCE
                    | GOOD
                    | DANGER
                    | SETTING
                    | MODE
                    | MANY);
        }
    }

    /// Where a scalar stands that comes now; whether that is outside of everything.
    #[inline]
    fn place(&mut self) -> bool {
        match self.frames.last() {
            Some(frame) if frame.object => false,
            Some(_) => {
                self.element();
                false
            }
            None => {
                self.once = self.once.wrapping_add(self.path);
                true
            }
        }
    }

    #[inline]
    fn tell(&mut self, value: Scalar<'a>) {
        if self.flags & (NAME | VALUE) != 0 {
            self.pair_up(value);
        }
        self.judge(value);
    }

    /// A string that may be a state: short, and not mostly digits.
    pub(super) fn state(&mut self, text: &str) {
        if text.len() <= STATE && text.bytes().filter(u8::is_ascii_digit).count() < 3 {
            let hash = hash::bytes(self.seed, text.as_bytes());
            let _ = self.states.push((self.path, hash));
        }
    }

    /// An element of an array stands under the key of the array.
    #[inline]
    fn element(&mut self) {
        if let Some(frame) = self.frames.last() {
            self.key = frame.key;
            // A list of codes is no count.
            self.flags = frame.flags & !MANY;
            self.path = hash::mix(frame.path, 7);
        }
    }

    /// Remembers the halves of `{"name": …, "value": …}`.
    fn pair_up(&mut self, value: Scalar<'a>) {
        let flags = self.flags;
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        match value {
            Scalar::String(text) if flags & NAME != 0 && frame.name.is_none() => {
                frame.name = Some(text.raw);
            }
            _ if flags & VALUE != 0 => frame.value = Some(value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::inspect;

    #[test]
    fn decimals_are_floats() {
        for text in [
            "0",
            "-0.0",
            "1.5",
            "-12.25",
            "123456789.012345",
            "1234567890123456789",
            "1e3",
            "-2.5E-3",
            "0.1",
            "999999999999999",
            "9999999999999999",
            "1e308",
            "0.30000000000000004",
        ] {
            let json = std::format!("[{text}]");
            let found = inspect("a", json.as_bytes()).numbers.first().map(|n| n.1);
            assert_eq!(found, text.parse().ok(), "{text}");
        }
        assert!(inspect("a", b"1e999").numbers.is_empty());
    }
}
