//! Strict JSON (RFC 8259), streamed: one pass over a text, events to a [`Visitor`], nothing built.
//!
//! Elsewhere: what the events are used for ([`super::inspect`]). Invariant: a text is accepted if and only
//! if it is one JSON value within the limits below; the events before a refusal were those of a valid prefix.

pub use super::escapes::unescape;

/// Containers inside one another; deeper is refused, as other widely used parsers do.
pub const MAX_DEPTH: u32 = 127;
/// Bytes of a key as written; the longest in use are under 200.
pub const MAX_KEY: usize = 4_096;
/// Bytes of a number as written; a 64-bit float needs at most 25.
pub const MAX_NUMBER: usize = 1_024;

/// A string or a key as it stands between its quotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Text<'a> {
    /// Escapes are still in it.
    pub raw: &'a str,
    /// It holds at least one escape.
    pub escaped: bool,
}

/// A value that is not a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the standard's words
pub enum Scalar<'a> {
    Null,
    Bool(bool),
    /// As written.
    Number(&'a str),
    String(Text<'a>),
}

/// Takes the events of [`walk`].
pub trait Visitor<'a> {
    /// `{` or `[`.
    fn open(&mut self, object: bool);
    /// `}` or `]`.
    fn close(&mut self);
    /// The name of a member; its value follows.
    fn key(&mut self, key: Text<'a>);
    /// A value that is not a container.
    fn scalar(&mut self, value: Scalar<'a>);
    /// A number, and what it is if that fell out of reading it; without it, the text may still be a float.
    #[inline]
    fn number(&mut self, text: &'a str, value: Option<f64>) {
        let _ = value;
        self.scalar(Scalar::Number(text));
    }
    /// Length of the name that is expected next, if `ahead`, the sixteen bytes behind its opening quote, begins with
    /// it, its closing quote and a colon. It must be what stands between quotes without escapes.
    #[inline]
    fn expected(&mut self, ahead: u128) -> Option<usize> {
        let _ = ahead;
        None
    }
    /// The expected name came.
    #[inline]
    fn expected_key(&mut self, key: &'a str) {
        self.key(Text {
            raw: key,
            escaped: false,
        });
    }
}

/// Why a text was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Not JSON from this byte on.
    Syntax(usize),
    /// JSON so far, and it ends too early.
    End,
    /// Over [`MAX_DEPTH`], [`MAX_KEY`] or [`MAX_NUMBER`].
    Limit,
}

/// Walks `text`, which must be one JSON value with nothing but white space around it.
///
/// # Errors
/// The first thing that is wrong; events until then have been delivered.
pub fn walk<'a, V: Visitor<'a>>(text: &'a str, visitor: &mut V) -> Result<(), Fault> {
    let mut walk = Walk {
        text,
        bytes: text.as_bytes(),
        at: 0,
        objects: 0,
        depth: 0,
    };
    walk.document(visitor)?;
    match walk.peek() {
        None => Ok(()),
        Some(_) => Err(Fault::Syntax(walk.at)),
    }
}

struct Walk<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// One bit a level, the innermost lowest: set for an object.
    objects: u128,
    depth: u32,
}

impl<'a> Walk<'a> {
    /// The next byte that is not white space.
    #[inline(always)]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(&byte) if byte > b' ' => return Some(byte),
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    fn fault(&self) -> Fault {
        if self.at >= self.bytes.len() {
            Fault::End
        } else {
            Fault::Syntax(self.at)
        }
    }

    fn document<V: Visitor<'a>>(&mut self, visitor: &mut V) -> Result<(), Fault> {
        loop {
            // A value is due.
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    self.push(open == b'{')?;
                    visitor.open(open == b'{');
                    let close = if open == b'{' { b'}' } else { b']' };
                    if self.peek() != Some(close) {
                        if open == b'{' {
                            self.member(visitor)?;
                        }
                        continue;
                    }
                }
                Some(b'"') => {
                    let text = self.string(usize::MAX)?;
                    visitor.scalar(Scalar::String(text));
                }
                Some(b'-' | b'0'..=b'9') => {
                    let (text, value) = self.number()?;
                    visitor.number(text, value);
                }
                Some(b't') => visitor.scalar(self.literal("true", Scalar::Bool(true))?),
                Some(b'f') => visitor.scalar(self.literal("false", Scalar::Bool(false))?),
                Some(b'n') => visitor.scalar(self.literal("null", Scalar::Null)?),
                _ => return Err(self.fault()),
            }
            // A value is complete: close what closes, then a comma, or the end.
            loop {
                if self.depth == 0 {
                    return Ok(());
                }
                let object = self.objects & 1 == 1;
                match self.peek() {
                    Some(b'}') if object => self.pop(),
                    Some(b']') if !object => self.pop(),
                    Some(b',') => {
                        self.at += 1;
                        if object {
                            self.member(visitor)?;
                        }
                        break;
                    }
                    _ => return Err(self.fault()),
                }
                visitor.close();
            }
        }
    }

    fn push(&mut self, object: bool) -> Result<(), Fault> {
        if self.depth >= MAX_DEPTH {
            return Err(Fault::Limit);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(object);
        self.at += 1;
        Ok(())
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
        self.at += 1;
    }

    #[inline(always)]
    fn member<V: Visitor<'a>>(&mut self, visitor: &mut V) -> Result<(), Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault());
        }
        // A name that is as expected is compared whole; other names are read.
        let ahead = self.bytes.get(self.at + 1..).and_then(<[u8]>::first_chunk);
        let known = ahead.and_then(|ahead| visitor.expected(u128::from_le_bytes(*ahead)));
        let start = self.at + 1;
        match known.and_then(|length| self.text.get(start..start + length)) {
            Some(key) => {
                visitor.expected_key(key);
                self.at = start + key.len() + 2;
                return Ok(());
            }
            None => {
                let key = self.string(MAX_KEY)?;
                visitor.key(key);
            }
        }
        if self.peek() != Some(b':') {
            return Err(self.fault());
        }
        self.at += 1;
        Ok(())
    }

    /// From the opening quote to behind the closing one.
    #[inline(always)]
    fn string(&mut self, limit: usize) -> Result<Text<'a>, Fault> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            // Eight bytes at a time to the next one that is not plain.
            let mut at = self.at;
            // In long ones more at a time, which compilers make into wide instructions.
            while let Some(chunk) = self.bytes.get(at..).and_then(<[u8]>::first_chunk) {
                if !all_plain(chunk) {
                    break;
                }
                at += WIDE;
            }
            while let Some(chunk) = self.bytes.get(at..).and_then(<[u8]>::first_chunk) {
                let found = special(u64::from_le_bytes(*chunk));
                if found != 0 {
                    at += usize::try_from(found.trailing_zeros() / 8).unwrap_or(0);
                    break;
                }
                at += 8;
            }
            self.at = at;
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0..=0x1f) | None => return Err(self.fault()),
                Some(_) => self.at += 1,
            }
        }
        let raw = self.text.get(start..self.at).ok_or(Fault::Syntax(start))?;
        if raw.len() > limit {
            return Err(Fault::Limit);
        }
        self.at += 1;
        Ok(Text { raw, escaped })
    }

    #[cold]
    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        match self.bytes.get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let unit = self.unit()?;
                match unit {
                    0xD800..=0xDBFF => {
                        for expected in [b'\\', b'u'] {
                            if self.bytes.get(self.at) != Some(&expected) {
                                return Err(self.fault());
                            }
                            self.at += 1;
                        }
                        self.at -= 1;
                        if !(0xDC00..=0xDFFF).contains(&self.unit()?) {
                            return Err(Fault::Syntax(self.at));
                        }
                    }
                    0xDC00..=0xDFFF => return Err(Fault::Syntax(self.at)),
                    _ => {}
                }
            }
            _ => return Err(self.fault()),
        }
        Ok(())
    }

    /// `uXXXX`, from the `u`.
    fn unit(&mut self) -> Result<u32, Fault> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self
                .bytes
                .get(self.at)
                .and_then(|&b| char::from(b).to_digit(16));
            unit = unit << 4 | digit.ok_or(self.fault())?;
            self.at += 1;
        }
        Ok(unit)
    }

    /// A number as written, and what it is if it is a decimal of few digits, as most are.
    #[inline(always)]
    fn number(&mut self) -> Result<(&'a str, Option<f64>), Fault> {
        let start = self.at;
        let negative = self.bytes.get(self.at) == Some(&b'-');
        self.at += usize::from(negative);
        let first = self.at;
        let mut digits = 0;
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            digits = self.digits(digits)?;
        }
        let mut count = self.at - first;
        let mut scale = 0;
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            let point = self.at;
            digits = self.digits(digits)?;
            scale = self.at - point;
            count += scale;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits(0)?;
            count = usize::MAX;
        }
        if self.at - start > MAX_NUMBER {
            return Err(Fault::Limit);
        }
        let text = self.text.get(start..self.at).ok_or(Fault::Syntax(start))?;
        let value = (count <= EXACT).then(|| decimal(negative, digits, scale));
        Ok((text, value))
    }

    /// At least one digit; `number` with all of them behind it, if they are few.
    #[inline(always)]
    fn digits(&mut self, mut number: i64) -> Result<i64, Fault> {
        let start = self.at;
        let mut at = start;
        while let Some(&byte @ b'0'..=b'9') = self.bytes.get(at) {
            number = number.wrapping_mul(10).wrapping_add(i64::from(byte & 0x0f));
            at += 1;
        }
        self.at = at;
        if at == start {
            Err(self.fault())
        } else {
            Ok(number)
        }
    }

    #[inline(always)]
    fn literal(&mut self, word: &str, value: Scalar<'a>) -> Result<Scalar<'a>, Fault> {
        if self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            self.at += word.len();
            return Ok(value);
        }
        // It is not, and this finds where.
        for expected in word.bytes() {
            if self.bytes.get(self.at) != Some(&expected) {
                return Err(self.fault());
            }
            self.at += 1;
        }
        Ok(value)
    }
}

/// Digits of a decimal that is exact in a float, as is the power of ten under it; so their quotient is rounded once.
const EXACT: usize = 15;

#[inline(always)]
fn decimal(negative: bool, digits: i64, scale: usize) -> f64 {
    const POWERS: [f64; EXACT + 1] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let mut value = digits as f64;
    if scale > 0 {
        value /= POWERS.get(scale).copied().unwrap_or(1.0);
    }
    if negative { -value } else { value }
}

/// Bytes of a string that are looked at together.
const WIDE: usize = 32;

/// None is a quote, a backslash or a control character.
#[inline]
fn all_plain(chunk: &[u8; WIDE]) -> bool {
    let special =
        |&byte: &u8| u8::from(byte == b'"') | u8::from(byte == b'\\') | u8::from(byte < 0x20);
    chunk.iter().fold(0, |any, byte| any | special(byte)) == 0
}

/// Marks the bytes of `word` that are a quote, a backslash or a control character; the lowest mark is right.
#[inline]
const fn special(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word
    }
    let quote = zeros(word ^ (ONES * b'"' as u64));
    let backslash = zeros(word ^ (ONES * b'\\' as u64));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (quote | backslash | control) & (ONES * 0x80)
}
