//! What follows of what values say beside their numbers, and how it is told.
//!
//! Elsewhere: what is kept (`marks`), numbers that stand still or jump (`judge`). Invariant: what is over costs less than
//! what stands; a word is odd only against what this device, or its siblings, say otherwise.

use super::channel::ChannelSlot;
use super::judge::{CHANNELS, Cause};
use super::marks::Said;
use super::view::Device;
use super::words::Span;
use crate::knowledge::nothing::{self, Nothing};
use crate::knowledge::quality::Grade;
use crate::knowledge::words::{AIM, IDENTITY, SETTING, Words};
use core::fmt::{Formatter, Result};
use core::time::Duration;

/// Messages in a row without a reading before that says something: one or two are the start of a driver.
const EMPTY: u16 = 3;
/// Values before their absence says something, where the name does not tell a quantity.
const FILLED: u32 = 8;
/// Words that all is well before another one says something; siblings too.
const WELL: u16 = 3;
/// Values of a count, and steps or failures by which it has to grow: a single one is ordinary life.
const COUNTED: u32 = 4;
const STEPS: u32 = 2;
const FAILURES: f64 = 5.0;

impl<'h, B: AsMut<[u8]> + AsRef<[u8]>> Device<'h, B> {
    pub(super) fn values(&self, tell: &mut impl FnMut(Cause<'h>)) {
        let all = || self.values_all();
        for channel in all().filter(|it| lacks(it)).take(CHANNELS) {
            tell(Cause::NoReading(channel));
        }
        for channel in all().filter(|it| is_graded_bad(it)).take(CHANNELS) {
            tell(Cause::BadQuality(channel));
        }
        for channel in all().filter(|it| self.drifts_alone(it)).take(CHANNELS) {
            tell(Cause::Drifts(channel));
        }
        for channel in all().filter(|it| grows(it)).take(CHANNELS) {
            tell(Cause::Growing(channel));
        }
        let fell = all().filter_map(|channel| match channel.glitches {
            0 => Some((channel, self.begun_anew(channel)?)),
            _ => Some((channel, channel.jump?)),
        });
        for (channel, jump) in fell.take(CHANNELS) {
            tell(Cause::Fell(channel, jump));
        }
        let odd = all().filter_map(|it| Some((it, self.is_odd(it)?)));
        for (channel, siblings) in odd.take(CHANNELS) {
            let mut words = self.slot.words.iter();
            let word = words.find(|known| known.place == channel.hash);
            let word = word.map_or("another word", |known| known.word.as_str());
            tell(Cause::NotOk {
                channel,
                word,
                siblings,
            });
        }
        if let Some((what, topic)) = self.retyped().filter(|(what, _)| !what.alternates()) {
            tell(Cause::Retyped { what, topic });
        }
    }

    /// How many siblings say that all is well where this device says something else; zero: it said so itself.
    fn is_odd(&self, channel: &ChannelSlot) -> Option<u32> {
        let marks = &channel.marks;
        if marks.has_left() {
            return Some(0);
        }
        if marks.odd.all == 0 {
            return None;
        }
        if marks.well >= WELL {
            return Some(0);
        }
        if marks.said != Said::Odd {
            return None;
        }
        let (mut well, mut odd) = (0, 0);
        for other in self.everybody() {
            if other.marks.family == marks.family && other.count == 0 {
                well += u32::from(other.marks.said == Said::Well);
                odd += u32::from(other.marks.said == Said::Odd);
            }
        }
        (well >= u32::from(WELL) && well >= odd.saturating_mul(2)).then_some(well)
    }
}

fn flags(name: &str) -> crate::knowledge::words::Flags {
    Words::new(name)
        .take(8)
        .fold(0, |all, word| all | word.flags)
}

fn lacks(channel: &ChannelSlot) -> bool {
    let marks = &channel.marks;
    match marks.nothing {
        // A single one is wrong already: it is taken for a value by whoever does not know it.
        Some(Nothing::Sentinel) => return marks.none.all > 0,
        Some(Nothing::NotANumber | Nothing::Infinite) => return marks.none.all >= EMPTY,
        _ => {}
    }
    if marks.none.last < EMPTY {
        return false;
    }
    let key = channel.name().rsplit(['.', '/']).next().unwrap_or("");
    let job = flags(key) & (AIM | SETTING | IDENTITY) != 0;
    // By its own name or by that of the sensor around it; keys further out may be long addresses.
    let mut names = channel.name().rsplit(['.', '/']).take(2);
    !job && (channel.count >= FILLED || names.any(|name| nothing::measured(name).yes))
}

fn is_graded_bad(channel: &ChannelSlot) -> bool {
    let marks = &channel.marks;
    let times = match marks.grade {
        Grade::Bad => 2,
        _ => EMPTY,
    };
    marks.bad.last >= times || marks.bad.all >= EMPTY
}

fn grows(channel: &ChannelSlot) -> bool {
    let grown = channel.last - channel.counted_from;
    channel.counts
        && channel.count >= COUNTED
        && (grown >= FAILURES || channel.changes >= STEPS && grown >= f64::from(STEPS))
}

impl Cause<'_> {
    /// In words, where it is of a value.
    pub(super) fn of_value(&self, f: &mut Formatter<'_>) -> Result {
        match *self {
            Self::NoReading(channel) => {
                let none = &channel.marks.none;
                let word = channel.marks.nothing.map_or("nothing", Nothing::word);
                let name = channel.name();
                let stand_in = channel.marks.nothing == Some(Nothing::Sentinel);
                if let Some(jump) = channel.jump.filter(|_| stand_in && channel.jumps == 0) {
                    return write!(
                        f,
                        "no reading: {name} says {} {} times, which stands for none, after {}",
                        jump.to, none.all, jump.from
                    );
                }
                match (channel.count, none.last) {
                    (0, _) => write!(
                        f,
                        "no reading: {name} says {word} in all {} messages",
                        none.all
                    ),
                    (_, 0) => write!(
                        f,
                        "no reading at times: {name} said {word} {} times among {} values",
                        none.all, channel.count
                    ),
                    (count, last) => write!(
                        f,
                        "no reading: {name} says {word} for {last} messages, after {count} values, the last {}",
                        channel.last
                    ),
                }
            }
            Self::BadQuality(channel) => {
                let marks = &channel.marks;
                let grade = match marks.grade {
                    Grade::Uncertain => "uncertain",
                    _ => "bad",
                };
                let (name, all) = (channel.name(), marks.bad.all);
                match marks.bad.last {
                    0 => write!(
                        f,
                        "quality of {name} was {grade} {all} times, and is good again"
                    ),
                    last => write!(
                        f,
                        "quality of {name} is {grade} for {last} messages: its value is no reading"
                    ),
                }
            }
            Self::Growing(channel) => {
                let from = channel.counted_from;
                write!(
                    f,
                    "{} grows: from {from} to {} while listening",
                    channel.name(),
                    channel.last
                )?;
                let passed = channel.at.since(channel.begun);
                match passed > Duration::from_secs(1) {
                    true => write!(f, ", in {}", Span(passed)),
                    false => Ok(()),
                }
            }
            Self::Fell(channel, jump) => write!(
                f,
                "{} fell from {} to {} and {}: a total does not fall",
                channel.name(),
                jump.from,
                jump.to,
                match channel.glitches {
                    0 => "goes on from there",
                    _ => "came back",
                }
            ),
            Self::NotOk {
                channel,
                word,
                siblings,
            } => {
                let name = channel.name();
                let marks = &channel.marks;
                match (siblings, marks.odd.last) {
                    (0, 0) => write!(
                        f,
                        "{name} said {word} {} times, and is well again",
                        marks.odd.all
                    ),
                    (0, _) if marks.is_only_other() => write!(
                        f,
                        "{name} says {word}, after {} messages with one other word",
                        marks.steady
                    ),
                    (0, _) => write!(
                        f,
                        "{name} says {word}, after {} messages that all is well",
                        marks.well
                    ),
                    _ => write!(
                        f,
                        "{name} says {word}, where {siblings} others of its kind say that all is well"
                    ),
                }
            }
            Self::Retyped { what, topic } => write!(
                f,
                "{} changed its type or unit: from {} to {} on {topic}",
                what.path, what.from, what.to
            ),
            _ => Ok(()),
        }
    }
}
