//! What a value of a device says beside its numbers: that there is no reading, how good it is, words, another type.
//!
//! Elsewhere: the numbers themselves (`channel`), where these are taken from (`values`), what follows of them (`judge`).
//! Invariant: only live messages are counted; a mark costs the same for any number of messages.

use super::device::DeviceSlot;
use crate::knowledge::nothing::Nothing;
use crate::knowledge::quality::Grade;
use crate::knowledge::words::{
    self, BAD, COUNT, FINE, MANY, NOT, ORDINARY, PLAIN, PROBLEM, STATUS, TEXT, WRONG, Words,
};
use crate::time::Instant;
use heapless::String;

/// Bytes of a word that are kept.
pub(super) const MAX_WORD: usize = 24;

/// How often something was said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Run {
    /// All of them, whether or not others came between.
    pub(super) all: u16,
    /// Those at the end.
    pub(super) last: u16,
}

impl Run {
    pub(super) fn add(&mut self) {
        self.all = self.all.saturating_add(1);
        self.last = self.last.saturating_add(1);
    }

    pub(super) fn end(&mut self) {
        self.last = 0;
    }

    fn merge(&mut self, other: &Self) {
        self.all = self.all.saturating_add(other.all);
        self.last = self.last.saturating_add(other.last);
    }
}

/// What a word says of a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Said {
    /// No word was heard.
    #[default]
    Nothing,
    /// All is well.
    Well,
    /// Something that is neither well nor wrong by itself (`running`), or is judged elsewhere.
    Other,
    /// Another word, where all is well otherwise.
    Odd,
}

/// Beside the numbers of a value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    /// That there is none.
    pub(super) none: Run,
    pub(super) nothing: Option<Nothing>,
    /// When the latest run of one of these began.
    pub(super) since: Instant,
    /// Marks of a quality that is not good.
    pub(super) bad: Run,
    pub(super) grade: Grade,
    /// What the latest word said.
    pub(super) said: Said,
    /// Words that said that all is well.
    pub(super) well: u16,
    /// Words that were odd.
    pub(super) odd: Run,
    /// Of the word that was said from the beginning a few bits of a hash (zero: none), and how often it was until a strange
    /// one came, if one did.
    pub(super) word: u16,
    pub(super) steady: u8,
    pub(super) broken: bool,
    /// Strange words at the end.
    pub(super) left: u8,
    /// A few bits of a hash of its unit; zero: none.
    pub(super) unit: u16,
    /// Hash of what the same value of devices of the same kind has in common; zero: none.
    pub(super) family: u64,
}

/// Messages with the same word from the beginning, and with another since, before that is a state which was left.
const STEADY: u8 = 12;
const LEFT: u8 = 3;

impl Marks {
    /// Takes a word; `strange`: it is not of the ordinary life of a device.
    pub(super) fn wording(&mut self, hash: u64, strange: bool) {
        let word = bits(hash);
        if self.word == 0 {
            self.word = word;
        }
        let away = self.word != word && strange;
        self.broken |= away;
        self.steady = self.steady.saturating_add(u8::from(!self.broken));
        self.left = if away { self.left.saturating_add(1) } else { 0 };
    }

    /// It said one word for long, and for some time now one that is of no ordinary life.
    pub(super) fn has_left(&self) -> bool {
        self.steady >= STEADY && self.left >= LEFT
    }

    /// No reading, bad quality, or an odd word, whichever `run` picks.
    pub(super) fn add(&mut self, at: Instant, run: impl Fn(&mut Self) -> &mut Run) {
        if run(self).last == 0 {
            self.since = at;
        }
        run(self).add();
    }

    /// Nothing but that the word is another one speaks against it.
    pub(super) fn is_only_other(&self) -> bool {
        self.well == 0 && self.has_left()
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.since = self.since.max(other.since);
        self.none.merge(&other.none);
        self.bad.merge(&other.bad);
        self.odd.merge(&other.odd);
        if self.unit == 0 {
            self.unit = other.unit;
        }
        if self.word == 0 {
            (self.word, self.steady) = (other.word, other.steady);
            (self.broken, self.left) = (other.broken, other.left);
        }
        self.well = self.well.saturating_add(other.well);
        self.nothing = self.nothing.or(other.nothing);
        self.grade = self.grade.max(other.grade);
        if other.said != Said::Nothing {
            self.said = other.said;
        }
        self.family = self.family.max(other.family);
    }
}

/// A few bits of a hash, never zero.
pub(super) fn bits(hash: u64) -> u16 {
    let [a, b, ..] = hash.to_le_bytes();
    u16::from_le_bytes([a, b]).max(1)
}

/// A word that is not well, and where it was said.
#[derive(Clone, Debug, Default)]
pub(super) struct Wording {
    pub(super) place: u64,
    pub(super) word: String<MAX_WORD>,
}

impl Retyped {
    /// It goes to and fro: several speak in turn, or both types are meant.
    pub(super) fn alternates(&self) -> bool {
        self.count >= 3 && self.returns >= 3
    }
}

impl DeviceSlot {
    /// Keeps a word that is not well; `left`: it came in place of another, which says more than one from the beginning.
    pub(super) fn word(&mut self, place: u64, text: &str, left: bool) {
        let known = self.words.iter().position(|known| known.place == place);
        if known.is_none() {
            let _ = self.words.push(Wording {
                place,
                ..Wording::default()
            });
        }
        let last = self.words.len().saturating_sub(1);
        if let Some(kept) = self.words.get_mut(known.unwrap_or(last))
            && (kept.place != place && left || kept.place == place && kept.word != text)
        {
            kept.place = place;
            kept.word.clear();
            for c in text.chars() {
                if kept.word.push(c).is_err() {
                    break;
                }
            }
        }
    }
}

/// A value that is of another type or unit than it was.
#[derive(Clone, Debug)]
pub struct Retyped {
    /// When it was first.
    pub at: Instant,
    /// Messages with the new type, and with the old one since.
    pub(super) count: u16,
    pub(super) returns: u16,
    /// Hash of its place.
    pub(super) place: u64,
    pub(super) topic: super::names::Span,
    /// Keys around it and its key.
    pub path: String<{ super::channel::MAX_NAME }>,
    /// Before.
    pub from: String<MAX_WORD>,
    /// After.
    pub to: String<MAX_WORD>,
}

/// Whether a name is of a count of failures: `rx_errors`, `rejected_telegrams`, `crash_count`.
pub(super) fn counts_failures(name: &str) -> bool {
    let (mut failure, mut count, mut said) = (false, false, false);
    for word in Words::new(name).take(8) {
        let flags = word.flags;
        failure |= flags & (PROBLEM | BAD | WRONG | MANY) != 0;
        count |= flags & (COUNT | MANY) != 0;
        // Of messages about failures there may be many.
        said |= flags & TEXT != 0 || word.packed == const { words::pack(b"messages") };
        let text = name.get(word.span.0..word.span.1).unwrap_or("");
        count |= flags & (PROBLEM | PLAIN | STATUS) == 0
            && text.len() >= 4
            && text.ends_with(['s', 'S'])
            && !text.ends_with("ss")
            && !text.ends_with("us");
    }
    failure && count && !said
}

/// Whether a text says that all is well, and nothing else: `OK`, `normal`, `no alarm`.
pub(super) fn is_well(text: &str, problem: bool) -> bool {
    const WELL: [u128; 9] = [
        words::pack(b"ok"),
        words::pack(b"okay"),
        words::pack(b"normal"),
        words::pack(b"nominal"),
        words::pack(b"healthy"),
        words::pack(b"good"),
        words::pack(b"fine"),
        words::pack(b"alright"),
        words::pack(b"regular"),
    ];
    let none = words::pack(b"none");
    let off = words::pack(b"off");
    let mut words = Words::new(text);
    let Some(first) = words.next() else {
        return false;
    };
    let denied = first.flags & NOT != 0
        && words
            .next()
            .is_some_and(|word| word.flags & PROBLEM != 0 || problem);
    let glued = first.flags == 0 && {
        let packed = first.packed.to_be_bytes();
        let front = packed.iter().position(|&byte| byte != 0).unwrap_or(0);
        let text = packed.get(front..).unwrap_or(&[]);
        matches!(
            text,
            b"noerror" | b"noerrors" | b"noalarm" | b"noalarms" | b"nofault" | b"nofaults"
        )
    };
    let alone = words.next().is_none();
    let well =
        WELL.contains(&first.packed) || problem && (first.packed == none || first.packed == off);
    denied || alone && (well || glued)
}

/// Whether a word is of the ordinary life of a device: `running`, `closed`, `ON`. Only a few: a state that says OK
/// otherwise has left it with any other word.
pub(super) fn is_ordinary(text: &str) -> bool {
    Words::new(text)
        .next()
        .is_some_and(|word| word.flags & (FINE | ORDINARY) != 0 || word.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_counts_of_failures() {
        for name in [
            "rx_errors",
            "crcErrorCount",
            "rejected_frames",
            "failed_starts",
            "wifi_disconnects",
            "timeouts",
        ] {
            assert!(counts_failures(name), "{name}");
        }
        for name in [
            "error_code",
            "fault",
            "status",
            "messages",
            "lost",
            "energy_total",
        ] {
            assert!(!counts_failures(name), "{name}");
        }
    }

    #[test]
    fn words_for_all_is_well() {
        for text in [
            "OK",
            "Normal",
            "no alarm",
            "NO_FAULT",
            "NoError",
            "keine Störung",
        ] {
            assert!(is_well(text, false), "{text}");
        }
        assert!(is_well("none", true) && !is_well("none", false));
        assert!(is_well("OFF", true));
        for text in ["OK but slow", "DRY", "", "running"] {
            assert!(!is_well(text, false), "{text}");
        }
        assert!(is_ordinary("idle") && is_ordinary("Heating") && !is_ordinary("MANUAL"));
    }
}
