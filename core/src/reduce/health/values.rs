//! What values say that are no numbers to be compared: no reading, bad quality, a word that is not OK, another type.
//!
//! Elsewhere: what is kept of them (`marks`), where they stand in a payload (`fields`), what follows (`judge`).
//! Invariant: a retained message is a state and counts as one, but teaches nothing.

use super::Health;
use super::channel::{ChannelSlot, MAX_NAME};
use super::device::DeviceSlot;
use super::fields::{Field, Value};
use super::hear::At;
use super::marks::{MAX_WORD, Retyped, Said, bits, is_ordinary, is_well};
use super::names::Cut;
use super::table::Entry;
use crate::knowledge::battery::{self, Sense};
use crate::knowledge::nothing::{self, Nothing};
use crate::knowledge::quality::{self, Grade, Mark};
use crate::knowledge::time;
use crate::knowledge::words::{
    self, DANGER, IDENTITY, LEVEL, MODE, NAME, PROBLEM, SETTING, STATUS, Words,
};
use crate::number;
use crate::payload::{Facts, Reason, Severity, hash};
use crate::reduce::Record;
use core::fmt::{Display, Write};

/// Numbers that a value has shown before a text there is of another type.
const NUMBERS: u32 = 3;

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// The channel of this place, if there is one.
    fn channel_at(&mut self, device: usize, place: u64) -> Option<&mut ChannelSlot> {
        let mut next = self.devices.as_ref().get(device)?.channels;
        loop {
            let n = usize::from(next).checked_sub(1)?;
            let channel = self.channels.as_ref().get(n)?;
            if channel.hash == place {
                return self.channels.as_mut().get_mut(n);
            }
            next = channel.next;
        }
    }

    /// The channel of a field, made if there is room.
    fn channel_for(
        &mut self,
        device: usize,
        place: u64,
        field: Field<'_>,
    ) -> Option<&mut ChannelSlot> {
        let make = || ChannelSlot::new(place, field.path, field.key);
        let n = self.channel_of(device, |known| known.hash == place, make)?;
        self.channels.as_mut().get_mut(n)
    }

    /// Takes the mark of quality beside a value; whether the value is a reading.
    pub(super) fn graded(&mut self, at: At, record: &Record<'_>, field: Field<'_>) -> bool {
        let Some(grade) = field.grade else {
            return true;
        };
        let place = self.place(record, field);
        let channel = match grade {
            // Most are good: they need no room of their own.
            Grade::Good => self.channel_at(at.device, place),
            _ => self.channel_for(at.device, place, field),
        };
        if let Some(channel) = channel {
            let marks = &mut channel.marks;
            if grade == Grade::Good {
                marks.bad.end();
            } else {
                marks.grade = grade;
                marks.add(record.at, |marks| &mut marks.bad);
            }
        }
        grade != Grade::Bad
    }

    /// Takes that there is no reading where one was, or where one should be.
    pub(super) fn nothing(
        &mut self,
        at: At,
        record: &Record<'_>,
        field: Field<'_>,
        nothing: Nothing,
    ) {
        if record.retain || field.grade == Some(Grade::Bad) {
            return;
        }
        let place = self.place(record, field);
        let surely = matches!(nothing, Nothing::NotANumber | Nothing::Infinite);
        let channel = match surely || measures(field) {
            true => self.channel_for(at.device, place, field),
            false => self.channel_at(at.device, place),
        };
        if let Some(channel) = channel {
            channel.marks.add(record.at, |marks| &mut marks.none);
            channel.marks.nothing = Some(nothing);
        }
    }

    /// Whether a number stands for none.
    pub(super) fn is_none(field: Field<'_>, number: f64) -> bool {
        if !nothing::is_sentinel(number, true) {
            return false;
        }
        let of = nothing::measured(field.key);
        of.yes && nothing::is_sentinel(number, of.heat)
    }

    /// Takes a text that is neither a number nor a time.
    pub(super) fn wording(
        &mut self,
        at: At,
        record: &Record<'_>,
        field: Field<'_>,
        text: &str,
        facts: &Facts<'_>,
    ) {
        if let Some(nothing) = nothing::of_text(text) {
            return self.nothing(at, record, field, nothing);
        }
        let place = self.place(record, field);
        if text.is_empty() {
            return self.nothing(at, record, field, Nothing::Empty);
        }
        if let Some(channel) = self.channel_at(at.device, place)
            && channel.count >= NUMBERS
            && channel.marks.said == Said::Nothing
        {
            let last = channel.last;
            let other = time::rank(field.key).is_some() || names_somebody(field.key);
            if !record.retain && !text.is_empty() && !other {
                self.retyped(at, record, field, &last, &text);
            }
            return;
        }
        if names_unit(field.key) {
            return self.unit(at, record, field, place, text);
        }
        let says = says(record.topic, field);
        if says & (STATUS | PROBLEM | DANGER) == 0 || says & (SETTING | LEVEL | MODE) != 0 {
            return;
        }
        let said = match text {
            _ if is_well(text, says & PROBLEM != 0) => Said::Well,
            _ if text.len() > 40 || Words::new(text).take(6).count() > 5 => Said::Other,
            _ if is_ordinary(text) || facts.severity != Severity::None => Said::Other,
            _ => Said::Odd,
        };
        self.said(at, record, field, place, said, text);
    }

    /// Takes a flag of a list under a name of states or problems: true is another word where false is well. What stands
    /// by itself under a name of its own is judged with its message.
    pub(super) fn flag(&mut self, at: At, record: &Record<'_>, field: Field<'_>, value: bool) {
        let listed = field.depth >= 2 && field.parent.is_empty();
        if !listed || says(record.topic, field) & (STATUS | PROBLEM | DANGER) == 0 {
            return;
        }
        let place = self.place(record, field);
        let (said, text) = match value {
            true => (Said::Odd, "true"),
            false => (Said::Well, "false"),
        };
        self.said(at, record, field, place, said, text);
    }

    /// Takes the unit of values beside it.
    fn unit(&mut self, at: At, record: &Record<'_>, field: Field<'_>, place: u64, text: &str) {
        let Some(slot) = self.slot(at.device) else {
            return;
        };
        let mut known = slot.words.iter().filter(|known| known.place == place);
        let before = known.next().map(|known| known.word.clone());
        slot.word(place, text, false);
        if let Some(before) = before.filter(|before| before != text && text.len() <= MAX_WORD) {
            self.retyped(at, record, field, &before, &text);
        }
    }

    /// Takes the unit behind a number; whether the number can be compared with those before.
    pub(super) fn has_unit(
        &mut self,
        at: At,
        record: &Record<'_>,
        field: Field<'_>,
        text: &str,
        unit: &str,
    ) -> bool {
        let place = self.place(record, field);
        let sign = match unit {
            "" => return true,
            unit => bits(hash::bytes(self.seed, unit.as_bytes())),
        };
        let Some(channel) = self.channel_at(at.device, place).filter(|it| it.count > 0) else {
            // The first number makes its place.
            return true;
        };
        let before = channel.last;
        if channel.marks.unit == 0 && channel.count < NUMBERS {
            channel.marks.unit = sign;
        }
        let same = channel.marks.unit == sign;
        if !same && !record.retain {
            self.retyped(at, record, field, &before, &text);
        }
        same
    }

    fn said(
        &mut self,
        at: At,
        record: &Record<'_>,
        field: Field<'_>,
        place: u64,
        said: Said,
        text: &str,
    ) {
        let word = hash::bytes(self.seed, text.as_bytes());
        let channel = match said {
            // What is retained teaches nothing.
            Said::Other if record.retain => self.channel_at(at.device, place),
            _ => self.channel_for(at.device, place, field),
        };
        let family = family(record.topic, field);
        let Some(channel) = channel else {
            return;
        };
        let marks = &mut channel.marks;
        (marks.said, marks.family) = (said, family);
        if !record.retain {
            marks.wording(word, said == Said::Odd);
        }
        match said {
            Said::Odd => marks.add(record.at, |marks| &mut marks.odd),
            Said::Well => {
                marks.odd.end();
                marks.well = marks.well.saturating_add(1);
            }
            Said::Nothing | Said::Other => marks.odd.end(),
        }
        let left = marks.left > 0 || marks.well > 0;
        if said == Said::Odd
            && let Some(slot) = self.slot(at.device)
        {
            slot.word(place, text, left);
        }
    }

    /// Takes that a value is of another type or unit than it was.
    pub(super) fn retyped(
        &mut self,
        at: At,
        record: &Record<'_>,
        field: Field<'_>,
        from: &dyn Display,
        to: &dyn Display,
    ) {
        let place = self.place(record, field);
        if let Some(known) = self.slot(at.device).and_then(|slot| slot.retyped.as_mut()) {
            if known.place == place {
                known.count = known.count.saturating_add(1);
            }
            return;
        }
        let Some(topic) = self.names.keep(record.topic) else {
            return;
        };
        let (mut path, mut before, mut after) = (
            Cut::<MAX_NAME>::default(),
            Cut::<MAX_WORD>::default(),
            Cut::<MAX_WORD>::default(),
        );
        let _ = path.write_str(field.path);
        let _ = write!(before, "{from}");
        let _ = write!(after, "{to}");
        if let Some(slot) = self.slot(at.device) {
            slot.retyped = Some(Retyped {
                at: record.at,
                count: 1,
                returns: 0,
                place,
                topic,
                path: path.0,
                from: before.0,
                to: after.0,
            });
        }
    }
}

/// Whether a reason is of what is judged elsewhere: batteries by their flags and levels, values by the marks beside them
/// and by what they are, not by a word.
pub(super) fn is_judged_as_value(reason: Reason<'_>, retain: bool) -> bool {
    let none = number::parse(reason.value).is_some_and(|it| nothing::is_sentinel(it, true))
        || nothing::of_text(reason.value).is_some() && nothing::measured(reason.subject).yes;
    none && !retain
        || battery::flag(reason.parent, reason.subject).is_some()
        || battery::is_battery(reason.subject)
        || quality::mark(reason.subject).is_some_and(|mark| mark != Mark::StatusCode)
}

/// What the text of a battery says: whether it is low.
pub(super) fn battery_says(field: Field<'_>, text: &str) -> Option<bool> {
    if text.len() > 12 {
        return None;
    }
    let flag = match text {
        "true" | "True" | "TRUE" | "on" | "ON" | "yes" | "YES" => Some(true),
        "false" | "False" | "FALSE" | "off" | "OFF" | "no" | "NO" => Some(false),
        _ => None,
    };
    match flag {
        Some(flag) => battery::flag(field.parent, field.key).map(|it| flag == (it == Sense::Low)),
        None if battery::is_battery(field.key) => battery::is_low(text),
        None => None,
    }
}

/// Whether a value is of a quantity that a sensor reads, by its own name or by that of the sensor around it.
fn measures(field: Field<'_>) -> bool {
    nothing::measured(field.key).yes
        || field.value == Value::Nothing(Nothing::Null)
            && matches!(field.key, "value" | "Value")
            && nothing::measured(field.parent).yes
}

fn names_unit(key: &str) -> bool {
    let units: [&[u8]; 3] = [b"unit", b"units", b"uom"];
    let last = Words::new(key).last().map(|word| word.packed);
    units.iter().any(|unit| last == Some(words::pack(unit)))
}

/// Whether a key is of who it is, or which of several: one may be called `2` and the next `A`.
fn names_somebody(key: &str) -> bool {
    Words::new(key)
        .last()
        .is_some_and(|word| word.flags & (IDENTITY | NAME) != 0)
}

/// What a key says, and the last level of a topic that only says `status`.
fn says(topic: &str, field: Field<'_>) -> crate::knowledge::words::Flags {
    let mut all = 0;
    let last = topic.rsplit('/').next().filter(|_| field.depth == 0);
    for name in [Some(field.key), last].into_iter().flatten() {
        for word in Words::new(name).take(6) {
            all |= word.flags;
        }
    }
    all
}

/// What the same value of devices of the same kind has in common: how its topics begin, how deep they are, its path.
fn family(topic: &str, field: Field<'_>) -> u64 {
    let (first, _) = topic.split_once('/').unwrap_or((topic, ""));
    // Counted by bytes, as this is done for each value and a topic may have 32,767 levels.
    let depth = topic.bytes().filter(|&byte| byte == b'/').count() as u64;
    let last = topic
        .rsplit_once('/')
        .filter(|_| field.depth == 0)
        .map_or("", |(_, last)| last);
    let path = hash::bytes(depth, field.path.as_bytes());
    let path = match field.depth {
        0 => hash::bytes(depth, last.as_bytes()),
        _ => path,
    };
    hash::mix(hash::bytes(1, first.as_bytes()), path).max(1)
}
