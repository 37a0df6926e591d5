//! Warnings and errors of the log. Equal ones are one line with a count: numbers in them do not make them different,
//! because a message that counts would fill the ring by itself.

use super::cut;
use super::latest::Ring;
use std::time::SystemTime;

/// Lines that differ; about 100 KB at most.
const MAX_LINES: usize = 200;

/// Bytes of a text.
const MAX_TEXT: usize = 512;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Something did not go as it should; the process has coped.
    Warning,
    /// Something was lost or is wrong.
    Error,
}

/// One line of the log, or several that are equal.
#[derive(Clone, Debug)]
pub struct ErrorLine {
    /// How bad.
    pub level: Level,
    /// The part of the program.
    pub origin: String,
    /// The latest text.
    pub text: String,
    /// How often.
    pub count: u64,
    /// When the first came.
    pub first: SystemTime,
    /// When the latest came.
    pub last: SystemTime,
}

pub(super) struct Errors(Ring<ErrorLine>);

impl Default for Errors {
    fn default() -> Self {
        Self(Ring::new(MAX_LINES))
    }
}

impl Errors {
    pub(super) fn push(&mut self, level: Level, origin: &str, text: &str, now: SystemTime) {
        let (origin, text) = (cut(origin, MAX_TEXT), cut(text, MAX_TEXT));
        let before = self.0.take(|line| {
            line.level == level && line.origin == origin && is_same(&line.text, &text)
        });
        let (count, first) = before.map_or((1, now), |line| (line.count + 1, line.first));
        self.0.push(ErrorLine {
            level,
            origin,
            text,
            count,
            first,
            last: now,
        });
    }

    pub(super) fn list(&self) -> Vec<ErrorLine> {
        self.0.iter().rev().cloned().collect()
    }
}

/// Equal but for digits.
fn is_same(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

/// The text with `0` in place of each run of digits.
fn letters(text: &str) -> impl Iterator<Item = char> {
    let mut before = false;
    text.chars().filter_map(move |c| {
        let digit = c.is_ascii_digit();
        let goes_on = std::mem::replace(&mut before, digit) && digit;
        (!goes_on).then_some(if digit { '0' } else { c })
    })
}
