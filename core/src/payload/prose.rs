//! Prose, in six languages: a problem in it may be denied, over, or only spoken of.
//!
//! The meanings of single words stand in [`super::words`] and [`super::tongues`]. Two kinds of statement are heard: a
//! word for a failure, and words that only together tell of one (a supply and that it is low, a danger and that it was
//! seen, a denial and what should be done).

use super::severity::{PACKED_ZERO, Severity, is_none};
use super::tongues::*;
use super::words::{self, *};

/// Words of a text that are looked at.
const WORDS: usize = 80;

/// Words between a denial and what is denied: `no se pudo`, `did not really answer`.
const NEAR: usize = 3;

/// What was seen of a text so far.
#[derive(Default)]
struct Heard {
    severity: Severity,
    /// All meanings.
    all: Flags,
    /// Of these, how many are little or much: `high 24, low 12` is a range.
    poor: u32,
    /// The latest denial, and the latest thing that is to be done.
    denied: Option<usize>,
    able: Option<usize>,
    /// Words, and numbers among them.
    count: usize,
    numbers: usize,
    /// A problem stands behind `if`, or behind `last`.
    condition: bool,
    before: bool,
    /// `0 = ok`
    legend: bool,
}

/// Prose: a problem that is neither denied, nor over, nor only spoken of.
pub(super) fn prose(text: &str) -> Severity {
    let mut words = Words::new(text).take(WORDS).peekable();
    let mut heard = Heard::default();
    let mut not = false;
    while let Some(word) = words.next() {
        if word.flags & OVER != 0 && word.flags & GOOD == 0 {
            return Severity::None;
        }
        let next = words.peek();
        let ends = next.is_some_and(|n| n.flags & ABSENT != 0 && n.span.1 + 2 > text.len());
        let only_spoken_of = ends
            || next.is_some_and(is_none)
            || next.is_some_and(|n| n.flags & ABOUT != 0 && n.flags & WRONG == 0);
        let zero = word.number && word.packed == PACKED_ZERO;
        heard.legend |= zero
            && next.is_some_and(|n| {
                let between = text.get(word.span.1..n.span.0).unwrap_or("");
                n.flags & FINE != 0 && between.contains('=')
            });
        let wrong = word.flags & WRONG != 0 && !not && !only_spoken_of;
        if wrong || not && word.flags & GOOD != 0 && word.flags & PRESENCE != 0 {
            heard.wrong();
        } else if word.flags & MINOR != 0 && !not && !only_spoken_of {
            heard.severity = heard.severity.max(Severity::Warning);
        } else if refusal(word.packed, next.map_or(0, |n| n.packed)) {
            heard.severity = Severity::Error;
        }
        heard.take(word);
        // `no fatal error`: the denial reaches over problems in between.
        not = word.flags & NOT != 0 || zero || not && word.flags & (WRONG | SEVERE) != 0;
    }
    heard.judge(text)
}

impl Heard {
    fn take(&mut self, word: Word) {
        self.all |= word.flags;
        self.count += 1;
        self.numbers += usize::from(word.number);
        self.poor += u32::from(word.flags & POOR != 0);
        if word.flags & NOT != 0 {
            self.denied = Some(self.count);
        }
        if word.flags & ABLE != 0 {
            self.able = Some(self.count);
        }
        if let (Some(denied), Some(able)) = (self.denied, self.able)
            && denied.abs_diff(able) <= NEAR
            && self.all & IF == 0
        {
            self.severity = Severity::Error;
        }
    }

    fn wrong(&mut self) {
        self.condition |= self.all & (IF | PERHAPS) != 0;
        self.before |= self.all & LATEST != 0;
        self.severity = Severity::Error;
    }

    fn judge(self, text: &str) -> Severity {
        let all = self.all;
        let has = |flags: Flags| all & flags != 0;
        if self.severity != Severity::None {
            // A pronoun is an `if` where a consequence follows.
            let follows = || text.contains([',', ':']) && !is_past(text);
            let spoken_of = self.condition && (has(IF) || follows())
                // A date.
                || self.before && self.numbers >= 2
                || has(MEANS)
                || has(SHOWS) && has(FINE)
                || self.legend;
            return match spoken_of {
                true => Severity::None,
                false => self.severity,
            };
        }
        let quiet = has(NOT | FINE | IF | MEANS) || self.count > FEW;
        let spoken_of = has(ABOUT);
        let danger = has(HAZARD | DANGER);
        if quiet {
            Severity::None
        } else if !spoken_of
            && (danger && has(SEEN | ALARM) || has(HALT) && has(URGENT) || has(ALARM) && has(SEEN))
        {
            Severity::Error
        } else if self.poor == 1 && has(SUPPLY | BATTERY | HEAT | MEASURED | TOO)
            || has(SHABBY)
            || has(BEYOND) && has(BOUND)
        {
            Severity::Warning
        } else {
            Severity::None
        }
    }
}

/// Words of a statement; a longer text tells a story, in which single words say little.
const FEW: usize = 14;

/// `se perdió`, `si è verificato`, `se ha producido`: it happened, to itself.
fn is_past(text: &str) -> bool {
    const HAVE: [u128; 5] = [
        words::pack(b"e"),
        words::pack(b"ha"),
        words::pack(b"han"),
        words::pack(b"sono"),
        words::pack(b"produjo"),
    ];
    let mut words = Words::new(text).take(WORDS);
    let pronoun = words.find(|word| word.flags & PERHAPS != 0);
    let next = pronoun.and_then(|_| words.next());
    next.is_some_and(|next| {
        let word = text.get(next.span.0..next.span.1).unwrap_or("");
        HAVE.contains(&next.packed) || word.ends_with('ó')
    })
}

/// Two words that only together tell of a failure.
fn refusal(word: u128, next: u128) -> bool {
    use words::pack as p;
    const PAIRS: [(u128, u128); 12] = [
        (p(b"timed"), p(b"out")),
        (p(b"not"), p(b"found")),
        (p(b"not"), p(b"responding")),
        (p(b"not"), p(b"reachable")),
        (p(b"no"), p(b"response")),
        (p(b"no"), p(b"answer")),
        (p(b"no"), p(b"such")),
        (p(b"nicht"), p(b"gefunden")),
        (p(b"could"), p(b"not")),
        (p(b"out"), p(b"of")),
        (p(b"not"), p(b"aus")),
        (p(b"not"), p(b"halt")),
    ];
    PAIRS.contains(&(word, next))
}
