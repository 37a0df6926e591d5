//! The walk that CBOR and MessagePack share: items that hold a known number of items, or go on until a break.
//! Invariant: no recursion; the bytes must be exactly one item.

use super::{Leaf, MAX_DEPTH, Sink};

/// Items of one payload; a payload with more is not walked to its end.
const MAX_ITEMS: u32 = 16_384;

/// What comes next.
pub(super) enum Token<'a> {
    Leaf(Leaf<'a>),
    /// Holds so many items, a map twice as many; none: until the break.
    Array(Option<u64>),
    Map(Option<u64>),
    /// Says something about the item behind it.
    Tag,
    Break,
}

#[derive(Clone, Copy)]
struct Frame {
    left: Option<u64>,
    object: bool,
    key_due: bool,
}

/// How a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// The bytes are exactly one item, whose events the sink has had.
    Whole,
    /// They end within an item; so many values came before.
    Early(u32),
    /// They are something else.
    Other,
}

/// One format: its next item, and how many bytes the head of one says that it takes at least.
pub(crate) struct Grammar {
    pub(super) next: for<'a> fn(&mut &'a [u8]) -> Option<Token<'a>>,
    pub(super) takes: fn(&[u8]) -> Option<u64>,
}

/// Whether the bytes are exactly one item, whose events `out` has then had.
pub(crate) fn walk(bytes: &[u8], grammar: &Grammar, out: &mut impl Sink) -> End {
    let mut rest = bytes;
    let mut frames: heapless::Vec<Frame, MAX_DEPTH> = heapless::Vec::new();
    let (mut begun, mut values) = (false, 0);
    for _ in 0..MAX_ITEMS {
        while frames.last().is_some_and(|frame| frame.left == Some(0)) {
            frames.pop();
            out.close();
        }
        if frames.is_empty() && begun {
            return if rest.is_empty() {
                End::Whole
            } else {
                End::Other
            };
        }
        let head = rest;
        let Some(token) = (grammar.next)(&mut rest) else {
            let short = (grammar.takes)(head).is_some_and(|it| it > head.len() as u64);
            return if short {
                End::Early(values)
            } else {
                End::Other
            };
        };
        let mut is_key = false;
        match (&token, frames.last_mut()) {
            (Token::Tag, _) => continue,
            (Token::Break, Some(frame))
                if frame.left.is_none() && frame.key_due == frame.object =>
            {
                frame.left = Some(0);
                continue;
            }
            (_, Some(frame)) => {
                frame.left = frame.left.map(|left| left.saturating_sub(1));
                is_key = frame.object && frame.key_due;
                frame.key_due = frame.object && !is_key;
            }
            (_, None) => begun = true,
        }
        let (left, object) = match token {
            Token::Leaf(leaf) if is_key => {
                out.key(leaf);
                continue;
            }
            _ if is_key => return End::Other,
            Token::Leaf(leaf) => {
                out.leaf(leaf);
                values += 1;
                continue;
            }
            Token::Array(left) => (left, false),
            Token::Map(left) => (left, true),
            Token::Tag | Token::Break => return End::Other,
        };
        out.open(object);
        let key_due = object;
        let frame = Frame {
            left,
            object,
            key_due,
        };
        if frames.push(frame).is_err() {
            return End::Other;
        }
    }
    End::Other
}

/// A big-endian number of `N` bytes.
pub(super) fn big<const N: usize>(rest: &mut &[u8]) -> Option<u64> {
    let (digits, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    let more = |number: u64, &digit: &u8| number << 8 | u64::from(digit);
    Some(digits.iter().fold(0, more))
}

/// So many bytes.
pub(super) fn take<'a>(rest: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (bytes, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = behind;
    Some(bytes)
}

/// How many items, if so many can be in what is left: each takes a byte at least.
pub(super) fn items(count: u64, each: u64, rest: &[u8]) -> Option<Option<u64>> {
    let items = count.checked_mul(each)?;
    (items <= rest.len() as u64).then_some(Some(items))
}
