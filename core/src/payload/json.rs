//! Strict JSON (RFC 8259), streamed: one pass over a text, events to a [`Visitor`], nothing built.
//!
//! Elsewhere: what the events are used for ([`super::inspect`]). Invariant: a text is accepted if and only
//! if it is one JSON value within the limits below; the events before a refusal were those of a valid prefix.

use super::escapes::escape;
pub use super::escapes::{Legible, unescape};

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
    /// it, its closing quote and a colon: then it has come. It must be what stands between quotes without escapes.
    #[inline]
    fn expected(&mut self, ahead: u128) -> Option<usize> {
        let _ = ahead;
        None
    }
    /// Whether the walk may end here.
    #[inline(always)]
    fn is_done(&self) -> bool {
        false
    }
    /// The text of the expected name that has come.
    #[inline]
    fn expected_key(&mut self, key: &'a str) {
        self.key(Text {
            raw: key,
            escaped: false,
        });
    }
}

/// Takes all events and keeps none: only whether it is JSON counts.
pub(super) struct Ignore;

impl Visitor<'_> for Ignore {
    fn open(&mut self, _: bool) {}
    fn close(&mut self) {}
    fn key(&mut self, _: Text<'_>) {}
    fn scalar(&mut self, _: Scalar<'_>) {}
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
    /// Nothing wrong: the visitor wants no more.
    Done,
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
        open: 1,
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
    /// One bit for each open container, the innermost lowest, set for an object; above them one more bit that is set.
    open: u128,
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

    #[inline(always)]
    const fn fault(&self) -> Fault {
        fault(self.bytes, self.at)
    }

    #[inline(always)]
    fn document<V: Visitor<'a>>(&mut self, visitor: &mut V) -> Result<(), Fault> {
        loop {
            // A value is due, in an object a member.
            if self.in_object() {
                self.member(visitor)?;
            }
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    let object = open == b'{';
                    self.push(object)?;
                    visitor.open(object);
                    if self.peek() != Some(if object { b'}' } else { b']' }) {
                        continue;
                    }
                }
                Some(b'"') => {
                    let (text, end) = string(self.text, self.at, usize::MAX)?;
                    self.at = end;
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
            if visitor.is_done() {
                return Err(Fault::Done);
            }
            // A value is complete: close what closes, then a comma, or the end.
            loop {
                if self.open == 1 {
                    return Ok(());
                }
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        break;
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
    }

    /// Whether the innermost container is one.
    #[inline(always)]
    const fn in_object(&self) -> bool {
        self.open != 1 && self.open & 1 == 1
    }

    #[inline(always)]
    fn push(&mut self, object: bool) -> Result<(), Fault> {
        if self.open >> MAX_DEPTH != 0 {
            return Err(Fault::Limit);
        }
        self.open = self.open << 1 | u128::from(object);
        self.at += 1;
        Ok(())
    }

    #[inline(always)]
    fn member<V: Visitor<'a>>(&mut self, visitor: &mut V) -> Result<(), Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault());
        }
        // A name that is as expected is compared whole; other names are read.
        let start = self.at + 1;
        let ahead = self.bytes.get(start..).and_then(<[u8]>::first_chunk);
        let length = ahead.and_then(|ahead| visitor.expected(u128::from_le_bytes(*ahead)));
        if let Some(length) = length
            && let Some(key) = self.text.get(start..start + length)
        {
            visitor.expected_key(key);
            self.at = start + length + 2;
            return Ok(());
        }
        self.at = other_member(self.text, self.at, visitor)?;
        Ok(())
    }

    /// A number as written, and what it is if it is a decimal of few digits, as most are.
    #[inline(always)]
    fn number(&mut self) -> Result<(&'a str, Option<f64>), Fault> {
        let start = self.at;
        let short = self.bytes.get(start..).and_then(short_decimal);
        let (length, value) = match short {
            Some((length, value)) => (length, Some(value)),
            None => (other_number(self.bytes, start)?, None),
        };
        self.at += length;
        let text = self.text.get(start..self.at).ok_or(Fault::Syntax(start))?;
        Ok((text, value))
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
        Err(literal_fault(self.bytes, self.at, word))
    }
}

// What follows is no part of `Walk` and not inlined into it, so that its state stays in registers.

/// What it is that nothing valid stands at `at`.
const fn fault(bytes: &[u8], at: usize) -> Fault {
    if at >= bytes.len() {
        Fault::End
    } else {
        Fault::Syntax(at)
    }
}

/// A member's name, from its opening quote at `at` to behind the colon.
#[inline(never)]
fn other_member<'a, V: Visitor<'a>>(
    text: &'a str,
    at: usize,
    visitor: &mut V,
) -> Result<usize, Fault> {
    let (key, end) = string(text, at, MAX_KEY)?;
    visitor.key(key);
    let space = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    let behind = text.as_bytes().get(end..).unwrap_or_default();
    let colon = end + behind.iter().take_while(space).count();
    match text.as_bytes().get(colon) {
        Some(b':') => Ok(colon + 1),
        _ => Err(fault(text.as_bytes(), colon)),
    }
}

/// From the opening quote at `at` to behind the closing one.
#[inline(always)]
fn string(text: &str, at: usize, limit: usize) -> Result<(Text<'_>, usize), Fault> {
    let bytes = text.as_bytes();
    let start = at + 1;
    let mut end = start;
    let mut escaped = false;
    loop {
        end = plain_end(bytes, end);
        match bytes.get(end) {
            Some(b'"') => break,
            Some(b'\\') => {
                escaped = true;
                end = escape(bytes, end).map_err(|at| fault(bytes, at))?;
                while bytes.get(end) == Some(&b'\\') {
                    end = escape(bytes, end).map_err(|at| fault(bytes, at))?;
                }
            }
            _ => return Err(fault(bytes, end)),
        }
    }
    let raw = text.get(start..end).ok_or(Fault::Syntax(start))?;
    if raw.len() > limit {
        return Err(Fault::Limit);
    }
    Ok((Text { raw, escaped }, end + 1))
}

/// Bytes of the number at `at`.
#[cold]
fn other_number(bytes: &[u8], at: usize) -> Result<usize, Fault> {
    let is = |at: usize, set: &[u8]| bytes.get(at).is_some_and(|byte| set.contains(byte));
    // At least one digit, up to what is behind them.
    let digits = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default().iter();
        match rest.take_while(|byte| byte.is_ascii_digit()).count() {
            0 => Err(fault(bytes, at)),
            count => Ok(at + count),
        }
    };
    let mut end = at + usize::from(is(at, b"-"));
    end = if is(end, b"0") { end + 1 } else { digits(end)? };
    if is(end, b".") {
        end = digits(end + 1)?;
    }
    if is(end, b"eE") {
        end = digits(end + 1 + usize::from(is(end + 1, b"+-")))?;
    }
    if end - at > MAX_NUMBER {
        return Err(Fault::Limit);
    }
    Ok(end - at)
}

/// Where `word`, which does not stand at `at`, is left.
#[cold]
fn literal_fault(bytes: &[u8], at: usize, word: &str) -> Fault {
    let there = bytes.get(at..).unwrap_or_default().iter();
    let same = there.zip(word.as_bytes()).take_while(|(a, b)| a == b);
    fault(bytes, at + same.count())
}

/// Digits of a decimal that is exact in a float, as is the power of ten under it; so their quotient is rounded once.
const EXACT: usize = 15;

/// Bytes and value of the number in front, if it is a decimal and has at most so many digits and signs.
#[inline(always)]
fn short_decimal(bytes: &[u8]) -> Option<(usize, f64)> {
    const POWERS: [f64; EXACT + 1] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let first = usize::from(bytes.first() == Some(&b'-'));
    let (point, mut number) = match bytes.get(first) {
        Some(b'0') => (first + 1, 0),
        _ => digits(bytes, first, 0),
    };
    let (mut end, mut scale) = (point, 0);
    if bytes.get(point) == Some(&b'.') {
        (end, number) = digits(bytes, point + 1, number);
        scale = end - point - 1;
        if scale == 0 {
            return None;
        }
    }
    if point == first || end > EXACT || matches!(bytes.get(end), Some(b'e' | b'E')) {
        return None;
    }
    let mut value = number as f64;
    if scale > 0 {
        value /= POWERS.get(scale).copied().unwrap_or(1.0);
    }
    Some((end, if first == 1 { -value } else { value }))
}

/// `number` with the digits at `at` behind it, right if they are few; and where they end.
#[inline(always)]
fn digits(bytes: &[u8], mut at: usize, mut number: i64) -> (usize, i64) {
    while let Some(&byte @ b'0'..=b'9') = bytes.get(at) {
        number = number.wrapping_mul(10).wrapping_add(i64::from(byte & 0x0f));
        at += 1;
    }
    (at, number)
}

/// Where what stands at `at` ceases to be plain: a quote, a backslash, a control character, or the end.
#[inline(never)]
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    // Eight bytes at a time.
    let (words, tail) = bytes.get(at..).unwrap_or_default().as_chunks();
    for word in words {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return at + usize::try_from(found.trailing_zeros() / 8).unwrap_or(0);
        }
        at += 8;
    }
    let plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | 0..=0x1f);
    at + tail.iter().take_while(plain).count()
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
