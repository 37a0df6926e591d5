//! What a pass does at each event of the JSON walk: keeps where it is, gathers paths, numbers and states, and
//! hands each pair of key and value to the judgement.

use super::hash;
use super::json::{Scalar, Text, Visitor};
use super::pass::{ASKED, Frame, Pass, WITHIN};
use super::words::*;

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
        let Some(frame) = self.frames.pop() else {
            return;
        };
        if let (Some(name), Some(value)) = (frame.name, frame.value) {
            self.set_key(frame.path, name);
            self.flags |= frame.flags & ASKED;
            self.judge(value);
        }
    }

    #[inline]
    fn key(&mut self, key: Text<'a>) {
        let Some(frame) = self.frames.last() else {
            return;
        };
        let (path, again, inherited) = (frame.path, frame.again, frame.flags & (ASKED | WITHIN));
        self.set_key(path, key.raw);
        self.flags |= inherited;
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
                & (PROBLEM | HINT | HEAT | STATUS | PRESENCE | GOOD | DANGER | SETTING);
        }
    }

    #[inline]
    fn scalar(&mut self, value: Scalar<'a>) {
        let top = match self.frames.last() {
            Some(frame) if !frame.object => {
                self.element();
                false
            }
            Some(_) => false,
            None => {
                self.once = self.once.wrapping_add(self.path);
                true
            }
        };
        match value {
            Scalar::Number(text) => {
                if let Some(number) = decimal(text) {
                    let _ = self.numbers.push((self.path, number));
                }
            }
            Scalar::Bool(value) => {
                let _ = self.states.push((self.path, u64::from(value)));
            }
            Scalar::String(text) if !text.escaped => self.state(text.raw),
            Scalar::String(_) | Scalar::Null => {}
        }
        if top && let Scalar::String(text) = value {
            self.bare(text.raw);
            return;
        }
        if self.flags & (NAME | VALUE) != 0 {
            self.pair_up(value);
        }
        self.judge(value);
    }
}

impl<'a> Pass<'_, 'a> {
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
            self.flags = frame.flags;
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

/// A number of JSON as a float, quickly if it is a short decimal.
#[inline]
fn decimal(text: &str) -> Option<f64> {
    const POWERS: [f64; 16] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let digits = text.strip_prefix('-').unwrap_or(text);
    let mut number = 0u64;
    let mut count = 0u32;
    let mut point = None;
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => {
                number = number.wrapping_mul(10).wrapping_add(u64::from(byte & 0x0f));
                count += 1;
            }
            b'.' => point = Some(count),
            _ => count = u32::from(u16::MAX),
        }
    }
    if count > 15 {
        let number = text.parse().ok();
        return number.filter(|number: &f64| number.is_finite());
    }
    // At most fifteen digits: exact in a float, and so is the power of ten.
    let scale = usize::try_from(count - point.unwrap_or(count)).unwrap_or(0);
    let value = number as f64 / POWERS.get(scale).copied().unwrap_or(1.0);
    let negative = digits.len() < text.len();
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::decimal;

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
            "1e308",
            "0.30000000000000004",
        ] {
            assert_eq!(decimal(text), text.parse().ok(), "{text}");
        }
        assert_eq!(decimal("1e999"), None);
    }
}
