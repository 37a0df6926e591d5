//! The front of a long JSON text: so many events that no message keeps a task for long.
//!
//! Elsewhere: the walk itself ([`super::json`]). Invariant: a text of at most [`JUDGED_EVENTS`] bytes is delivered whole.

use super::json::{Fault, Scalar, Text, Visitor, walk};

/// Events of a text that [`walk_front`] delivers. Judging one costs up to 5,000 instructions, and a task that reads a
/// message answers nobody: so many take 20 ms. The largest lists that a bridge tells of its devices have about as many.
pub(crate) const JUDGED_EVENTS: usize = 16_384;

/// What becomes of the text behind the events that are delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rest {
    /// It must be valid as well.
    Check,
    /// Nobody reads it.
    Leave,
}

/// Walks `text` as [`walk`] does, but delivers the first [`JUDGED_EVENTS`] events only.
///
/// # Errors
/// The first thing that is wrong in what was read.
#[inline(always)]
pub(crate) fn walk_front<'a, V: Visitor<'a>>(
    text: &'a str,
    visitor: &mut V,
    rest: Rest,
) -> Result<(), Fault> {
    // An event takes a byte at least.
    if text.len() <= JUDGED_EVENTS {
        return walk(text, visitor);
    }
    walk_long(text, visitor, rest)
}

#[cold]
#[inline(never)]
fn walk_long<'a, V: Visitor<'a>>(text: &'a str, visitor: &mut V, rest: Rest) -> Result<(), Fault> {
    let mut front = Front {
        visitor,
        left: JUDGED_EVENTS,
        rest,
    };
    match walk(text, &mut front) {
        Err(Fault::Done) => Ok(()),
        walked => walked,
    }
}

struct Front<'v, V> {
    visitor: &'v mut V,
    left: usize,
    rest: Rest,
}

impl<V> Front<'_, V> {
    fn next(&mut self) -> Option<&mut V> {
        self.left = self.left.checked_sub(1)?;
        Some(self.visitor)
    }
}

impl<'a, V: Visitor<'a>> Visitor<'a> for Front<'_, V> {
    fn open(&mut self, object: bool) {
        if let Some(visitor) = self.next() {
            visitor.open(object);
        }
    }

    fn close(&mut self) {
        if let Some(visitor) = self.next() {
            visitor.close();
        }
    }

    fn key(&mut self, key: Text<'a>) {
        if let Some(visitor) = self.next() {
            visitor.key(key);
        }
    }

    fn scalar(&mut self, value: Scalar<'a>) {
        if let Some(visitor) = self.next() {
            visitor.scalar(value);
        }
    }

    fn number(&mut self, text: &'a str, value: Option<f64>) {
        if let Some(visitor) = self.next() {
            visitor.number(text, value);
        }
    }

    fn is_done(&self) -> bool {
        self.left == 0 && self.rest == Rest::Leave
    }
}
