//! What a device does with what it is sent and how it sends: commands that nothing followed, messages that come twice.
//!
//! A command is followed when a later report says, under the same name, what was asked for. Invariant: what cannot be
//! compared (`TOGGLE`, another name, a number on its way) counts for nothing.

use super::Health;
use super::channel::ChannelSlot;
use super::device::{DeviceSlot, TopicUse};
use super::fields::{self, Field, Value};
use super::generic;
use super::judge::Cause;
use super::names::Cut;
use super::table::Entry;
use super::view::Device;
use crate::number;
use crate::payload::{Facts, hash};
use crate::reduce::Record;
use crate::time::Instant;
use core::fmt::Write;
use core::time::Duration;
use heapless::String;

/// Bytes of what was asked for that are kept.
const WORD: usize = 16;
/// A report that comes sooner was on its way already.
const AT_ONCE: Duration = Duration::from_millis(500);
/// Commands that nothing followed before that says something; or one, after which the same was reported so often and
/// for so long: most things that move begin to do so at once.
const IGNORED: u32 = 2;
const SAME: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(20);
/// The same message again within so much comes twice; no device measures faster and finds the same.
const TWICE: Duration = Duration::from_millis(100);
/// Within so much it does if that is at most half of the time to the message before: who measures at that pace
/// keeps it.
const LATE: Duration = Duration::from_millis(500);
/// Pairs before that says something, and the part of all messages that are the second of one, in percent (half of
/// them, if every message came twice).
const PAIRS: u16 = 5;
const PART: u64 = 40;

/// What a device was asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    key: u64,
    value: u64,
    at: Instant,
    /// Reports since then that say something else, and whether they said different things: it is on its way.
    against: u32,
    moved: bool,
    /// When the latest of them came.
    latest: Instant,
    word: String<WORD>,
    says: String<WORD>,
}

/// Commands of a device.
#[derive(Clone, Debug, Default)]
pub(super) struct Deeds {
    asked: Option<Asked>,
    /// Commands in a row that nothing followed, the latest not counted.
    ignored: u32,
}

impl Asked {
    /// It is alone, and nothing has moved since.
    fn is_ignored(&self) -> bool {
        let lasting = self.latest.since(self.at);
        !self.moved && self.against >= SAME && lasting >= PATIENCE
    }
}

impl Deeds {
    /// Commands that nothing followed, with the latest.
    fn ignored(&self) -> Option<(u32, &Asked)> {
        let asked = self.asked.as_ref().filter(|asked| asked.against > 0)?;
        Some((self.ignored.saturating_add(1), asked))
    }

    fn ask(&mut self, asked: Asked) {
        if let Some(before) = &self.asked
            && before.against > 0
        {
            self.ignored = self.ignored.saturating_add(1);
        }
        self.asked = Some(asked);
    }

    /// A report under a name; `switched`: in a state that is another than before.
    pub(super) fn report(&mut self, at: Instant, seed: u64, field: Field<'_>, switched: bool) {
        let Some(asked) = &mut self.asked else {
            return;
        };
        if asked.key != name(seed, field.key) {
            return;
        }
        let mut word = Cut::default();
        let Some(value) = value(seed, field.value, &mut word) else {
            return;
        };
        if value == asked.value {
            *self = Self::default();
        } else if at.since(asked.at) > AT_ONCE {
            asked.moved |= switched || asked.against > 0 && asked.says != word.0;
            asked.against = asked.against.saturating_add(1);
            (asked.says, asked.latest) = (word.0, at);
        }
    }

    /// Whether something was asked for that has not come to be.
    pub(super) fn waits(&self) -> bool {
        self.asked.is_some()
    }
}

/// Hash of a name, whatever its case.
fn name(seed: u64, key: &str) -> u64 {
    let lower = key.bytes().map(|b| b.to_ascii_lowercase());
    lower.fold(seed, |hash, b| hash::mix(hash, u64::from(b)))
}

/// Hash of a value that can be compared; `word` takes it as it is shown.
fn value(seed: u64, value: Value<'_>, word: &mut Cut<WORD>) -> Option<u64> {
    let text = match value {
        Value::Number(number) => {
            let _ = write!(word, "{number}");
            return Some(hash::mix(seed, number.to_bits()));
        }
        Value::Bool(true) => "on",
        Value::Bool(false) => "off",
        Value::Text(text) => text.trim(),
        Value::Nothing(_) | Value::Object => return None,
    };
    let _ = word.write_str(text);
    if let Some(number) = number::parse(text) {
        return Some(hash::mix(seed, number.to_bits()));
    }
    let same = |wanted: &str| text.eq_ignore_ascii_case(wanted);
    let text = match text {
        _ if same("true") => "on",
        _ if same("false") => "off",
        _ if [
            "toggle", "stop", "press", "query", "identify", "refresh", "",
        ]
        .iter()
        .any(|it| same(it)) =>
        {
            return None;
        }
        text => text,
    };
    Some(name(seed, text))
}

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// Takes a command to a device.
    pub(super) fn commanded(&mut self, device: usize, record: &Record<'_>) {
        let seed = self.seed;
        let mut levels = record.topic.rsplit('/');
        let last = levels.next().unwrap_or("");
        if record.retain || last == "get" {
            return;
        }
        let verb = generic::COMMANDS.contains(&last);
        let bare = if verb {
            levels.next().unwrap_or("")
        } else {
            last
        };
        let mut asked = None;
        fields::each(record.topic, record.payload, false, |field| {
            let key = if field.depth == 0 { bare } else { field.key };
            let mut word = Cut::default();
            if field.depth <= 1
                && asked.is_none()
                && let Some(value) = value(seed, field.value, &mut word)
            {
                asked = Some(Asked {
                    key: name(seed, key),
                    value,
                    at: record.at,
                    word: word.0,
                    ..Asked::default()
                });
            }
        });
        if let (Some(asked), Some(slot)) = (asked, self.slot(device)) {
            slot.deeds.ask(asked);
        }
    }
}

impl TopicUse {
    /// Takes a live message, to see whether it is the one before again, at once; whether it says something else.
    pub(super) fn again(&mut self, record: &Record<'_>, facts: &Facts<'_>) -> bool {
        let end = record.payload.last_chunk::<8>().copied();
        let length = record.payload.len() as u64;
        let sign = hash::mix(length, end.map_or(0, u64::from_le_bytes));
        let numbers = facts.numbers.iter().map(|(_, number)| number.to_bits());
        let sign = numbers.fold(sign, |all, bits| all.rotate_left(7) ^ bits);
        // Half of the hash will do: a mistake has to come five times.
        let [a, b, c, d, ..] = hash::mix(sign, length).to_le_bytes();
        let sign = u32::from_le_bytes([a, b, c, d]);
        let apart = record.at.since(self.at);
        let millis = u16::try_from(apart.as_millis()).unwrap_or(u16::MAX);
        let late = apart <= LATE && millis.saturating_mul(2) <= self.apart;
        let again = sign == self.sign && (apart <= TWICE || late) && length > 0;
        let news = !again && self.sign != 0 && sign != self.sign;
        if !again {
            self.apart = millis;
        }
        self.twice = self.twice.saturating_add(u16::from(again));
        // The third of three is the first of a pair again.
        self.sign = if again { !sign } else { sign };
        self.at = record.at;
        news
    }
}

impl<'h, B: AsMut<[u8]> + AsRef<[u8]>> Device<'h, B> {
    pub(super) fn deeds(&self, now: Instant, tell: &mut impl FnMut(Cause<'h>)) {
        if let Some((count, asked)) = self.slot.deeds.ignored()
            && (count >= IGNORED || asked.is_ignored())
        {
            tell(Cause::Unfollowed {
                count,
                asked: &asked.word,
                says: &asked.says,
            });
        }
        let twice = self.slot.topics.iter().find(|topic| {
            let of = topic.messages.saturating_mul(PART) / 100;
            topic.twice >= PAIRS && u64::from(topic.twice) >= of
        });
        if let Some(topic) = twice {
            tell(Cause::Twice {
                count: u32::from(topic.twice),
                topic: self.name_of(topic),
            });
        }
        for alarm in self.slot.alarms.iter().filter(|alarm| alarm.stands()) {
            tell(Cause::Alarm {
                class: alarm.class.name(),
                topic: self.told_on(alarm),
                word: &alarm.word,
                lasting: now.since(alarm.since),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{by_id, causes, event, of};
    use crate::time::Instant;
    use std::vec::Vec;

    /// The lamp is asked for `wanted` four times, each time it reports `says` three times.
    fn asked(command: (&str, &str), report: (&str, &str)) -> Vec<&'static str> {
        let mut events = Vec::new();
        for n in 0..24 {
            let at = f64::from(n) * 2.0;
            if n % 6 == 0 {
                events.push(event(at + 0.3, command.0, command.1));
            }
            events.push(event(at + 1.0, report.0, report.1));
        }
        let table = of(&events);
        let id = report.0.strip_suffix("/state").unwrap_or(report.0);
        causes(&by_id(&table, id), Instant::from_micros(48_000_000))
    }

    #[test]
    fn commands_that_nothing_follows_are_told() {
        let ignored = ["command_ignored"];
        let none: [&str; 0] = [];
        let z2m = "zigbee2mqtt/attic";
        let set = "zigbee2mqtt/attic/set";
        assert_eq!(
            asked(
                (set, r#"{"state":"ON"}"#),
                (z2m, r#"{"state":"OFF","linkquality":90}"#)
            ),
            ignored
        );
        assert_eq!(
            asked(
                (set, r#"{"state":"on"}"#),
                (z2m, r#"{"state":"ON","linkquality":90}"#)
            ),
            none
        );
        assert_eq!(
            asked(
                (set, r#"{"state":"TOGGLE"}"#),
                (z2m, r#"{"state":"OFF","linkquality":90}"#)
            ),
            none
        );
        assert_eq!(
            asked(
                (set, r#"{"position":40}"#),
                (z2m, r#"{"position":40.0,"linkquality":90}"#)
            ),
            none
        );
        assert_eq!(
            asked(("hall/fan/set", "true"), ("hall/fan/state", "OFF")),
            ignored
        );
        assert_eq!(
            asked(("hall/fan/set", "true"), ("hall/fan/state", "ON")),
            none
        );
    }

    #[test]
    fn messages_that_come_twice_are_told() {
        let twice = |apart: f64, different: bool| {
            let mut events = Vec::new();
            for n in 0..20 {
                let at = f64::from(n) * 3.0;
                let value = |n: i32| std::format!(r#"{{"level":{}}}"#, 40 + n % 7);
                events.push(event(at, "yard/tank", &value(n)));
                events.push(event(
                    at + apart,
                    "yard/tank",
                    &value(n + i32::from(different)),
                ));
            }
            let table = of(&events);
            causes(
                &by_id(&table, "yard/tank"),
                Instant::from_micros(60_000_000),
            )
            .contains(&"messages_twice")
        };
        assert!(twice(0.02, false) && twice(0.3, false));
        assert!(!twice(1.5, false) && !twice(0.02, true));
    }

    extern crate std;
}
