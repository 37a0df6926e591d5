//! What is almost JSON: bare NaN, Infinity and None, single quotes, commas before a closing bracket, as Python and printf
//! write them. Read only where the strict walk refused; the events are the same.
//!
//! Elsewhere: strict JSON (`json`). Invariant: what is read here is no JSON, and whoever reads it says so; one pass over
//! the text, containers as deep as in the strict walk.

use super::json::{Fault, MAX_DEPTH, MAX_KEY, MAX_NUMBER, Scalar, Text, Visitor};

/// What is wrong with a text that was read nevertheless.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Slip {
    /// A word where a number or `null` was due.
    Word,
    /// Single quotes.
    Quotes,
    /// A comma before a closing bracket.
    Comma,
}

impl Slip {
    /// In words.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Word => "invalid JSON: a bare word such as NaN",
            Self::Quotes => "invalid JSON: single quotes",
            Self::Comma => "invalid JSON: a comma before a closing bracket",
        }
    }
}

/// Walks `text`, which must be one value with the slips above; returns the first of these.
///
/// # Errors
/// What even this does not read; events until then have been delivered.
pub(crate) fn walk<'a, V: Visitor<'a>>(text: &'a str, visitor: &mut V) -> Result<Slip, Fault> {
    let mut walk = Walk {
        text,
        at: 0,
        open: 1,
        slip: None,
    };
    walk.document(visitor)?;
    match (walk.peek(), walk.slip) {
        (None, Some(slip)) => Ok(slip),
        _ => Err(Fault::Syntax(walk.at)),
    }
}

/// Whether `text` can be read so, and what is wrong with it.
pub(crate) fn slip(text: &str) -> Option<Slip> {
    struct Nobody;
    impl Visitor<'_> for Nobody {
        fn open(&mut self, _: bool) {}
        fn close(&mut self) {}
        fn key(&mut self, _: Text<'_>) {}
        fn scalar(&mut self, _: Scalar<'_>) {}
    }
    walk(text, &mut Nobody).ok()
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    /// As in the strict walk: a bit for each open container, set for an object.
    open: u128,
    slip: Option<Slip>,
}

impl<'a> Walk<'a> {
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let space = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        self.at += rest.iter().take_while(space).count();
        self.text.as_bytes().get(self.at).copied()
    }

    const fn in_object(&self) -> bool {
        self.open != 1 && self.open & 1 == 1
    }

    fn fault(&self) -> Fault {
        if self.at >= self.text.len() {
            Fault::End
        } else {
            Fault::Syntax(self.at)
        }
    }

    fn slipped(&mut self, slip: Slip) {
        self.slip.get_or_insert(slip);
    }

    fn document<V: Visitor<'a>>(&mut self, visitor: &mut V) -> Result<(), Fault> {
        loop {
            if self.in_object() {
                let key = self.string()?;
                if key.raw.len() > MAX_KEY {
                    return Err(Fault::Limit);
                }
                visitor.key(key);
                if self.peek() != Some(b':') {
                    return Err(self.fault());
                }
                self.at += 1;
            }
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if self.open >> MAX_DEPTH != 0 {
                        return Err(Fault::Limit);
                    }
                    let object = open == b'{';
                    self.open = self.open << 1 | u128::from(object);
                    self.at += 1;
                    visitor.open(object);
                    if self.peek() != Some(if object { b'}' } else { b']' }) {
                        continue;
                    }
                }
                Some(b'"' | b'\'') => {
                    let text = self.string()?;
                    visitor.scalar(Scalar::String(text));
                }
                _ => self.word(visitor)?,
            }
            if self.complete(visitor)? {
                return Ok(());
            }
        }
    }

    /// Behind a value: closes what closes; whether all is closed.
    fn complete<V: Visitor<'a>>(&mut self, visitor: &mut V) -> Result<bool, Fault> {
        loop {
            if self.open == 1 {
                return Ok(true);
            }
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    if !matches!(self.peek(), Some(b'}' | b']')) {
                        return Ok(false);
                    }
                    self.slipped(Slip::Comma);
                    continue;
                }
                Some(b'}') if self.in_object() => {}
                Some(b']') if !self.in_object() => {}
                _ => return Err(self.fault()),
            }
            self.at += 1;
            self.open >>= 1;
            visitor.close();
        }
    }

    /// A string in quotes of either kind.
    fn string(&mut self) -> Result<Text<'a>, Fault> {
        let quote = match self.peek() {
            Some(quote @ (b'"' | b'\'')) => quote,
            _ => return Err(self.fault()),
        };
        if quote == b'\'' {
            self.slipped(Slip::Quotes);
        }
        let start = self.at + 1;
        let mut escaped = false;
        let mut end = start;
        loop {
            match self.text.as_bytes().get(end) {
                Some(&byte) if byte == quote => break,
                Some(b'\\') => {
                    escaped = true;
                    end += 2;
                }
                Some(0x20..) => end += 1,
                _ => return Err(Fault::Syntax(end)),
            }
        }
        self.at = end + 1;
        let raw = self.text.get(start..end).ok_or(Fault::Syntax(start))?;
        Ok(Text { raw, escaped })
    }

    /// A number, a literal of JSON or of Python, or a word for no number.
    fn word<V: Visitor<'a>>(&mut self, visitor: &mut V) -> Result<(), Fault> {
        let rest = self.text.get(self.at..).unwrap_or("");
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')))
            .unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or("");
        let plain = word.trim_start_matches(['-', '+']);
        match word {
            "true" => visitor.scalar(Scalar::Bool(true)),
            "false" => visitor.scalar(Scalar::Bool(false)),
            "null" => visitor.scalar(Scalar::Null),
            "True" | "False" | "None" | "undefined" => {
                self.slipped(Slip::Word);
                visitor.scalar(match word {
                    "True" => Scalar::Bool(true),
                    "False" => Scalar::Bool(false),
                    _ => Scalar::Null,
                });
            }
            _ if ["nan", "inf", "infinity"]
                .iter()
                .any(|it| plain.eq_ignore_ascii_case(it)) =>
            {
                self.slipped(Slip::Word);
                visitor.scalar(Scalar::Number(word));
            }
            _ if word.len() <= MAX_NUMBER && crate::number::parse(word).is_some() => {
                visitor.scalar(Scalar::Number(word));
            }
            _ => return Err(self.fault()),
        }
        self.at += end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_read_and_named() {
        for (text, slip) in [
            (r#"{"a": NaN, "b": 2}"#, Some(Slip::Word)),
            (r#"{"a": -Infinity}"#, Some(Slip::Word)),
            ("{'a': 'it', 'b': True}", Some(Slip::Quotes)),
            (r#"{"a": [1, 2,], "b": {},}"#, Some(Slip::Comma)),
            (r#"{"a": nope}"#, None),
            (r#"{"a": 1 "b": 2}"#, None),
            (r#"{"a": 1"#, None),
            ("{'a", None),
            ("{'a\\", None),
            ("[,]", None),
            (r#"{"a": 1}"#, None),
        ] {
            assert_eq!(super::slip(text), slip, "{text}");
        }
        let deep = std::iter::repeat_n('[', 400).collect::<std::string::String>();
        assert_eq!(super::slip(&deep), None);
    }

    #[test]
    fn any_bytes_end() {
        let text = "{'k': [NaN, {\"q\\\"\": -inf},], 'é': None}";
        for end in 0..=text.len() {
            if let Some(front) = text.get(..end) {
                let _ = super::slip(front);
            }
        }
        assert_eq!(super::slip(text), Some(Slip::Quotes));
    }

    extern crate std;
}
