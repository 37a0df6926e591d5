//! How old messages are when they come, by the time that their payloads tell.
//!
//! Clocks differ, so the least age is told as offset of the clocks and what is above it as jitter; both are true even
//! if neither clock is. Some fields at once, because a payload may tell several times. Invariant: an age beyond
//! [`BELIEVED`] is no latency (a recording, a date of birth) and only counted.

use super::Sketch;
use crate::payload::Stamp;
use heapless::Vec;

/// Fields that are told apart.
pub const FIELDS: usize = 3;
/// Bytes of a field's name that are kept.
pub const NAME: usize = 32;
/// Microseconds that clocks may differ: a day and the widest offset between zones.
const BELIEVED: u64 = 26 * 3_600 * 1_000_000;

/// What one field tells.
#[derive(Clone, Debug)]
pub struct Field {
    name: [u8; NAME],
    name_len: u8,
    /// Microseconds of the steps in which it tells the time: 1, 1,000 or 1,000,000.
    pub step: u64,
    /// The least age in microseconds: offset of the clocks and the shortest way.
    pub least: i64,
    /// Microseconds above it.
    pub above: Sketch,
}

/// The ages of messages.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    fields: Vec<Field, FIELDS>,
    unbelieved: u64,
    missed: u64,
}

impl Field {
    fn new(name: &str, step: u64, least: i64) -> Self {
        let mut field = Self {
            name: [0; NAME],
            name_len: 0,
            step,
            least,
            above: Sketch::default(),
        };
        let shown = name.get(..name.floor_char_boundary(NAME)).unwrap_or("");
        if let Some(place) = field.name.get_mut(..shown.len()) {
            place.copy_from_slice(shown.as_bytes());
            field.name_len = u8::try_from(shown.len()).unwrap_or(0);
        }
        field
    }

    /// Name of the field, cut at [`NAME`] bytes; empty: the payload is nothing else.
    pub fn name(&self) -> &str {
        let name = self.name.get(..usize::from(self.name_len));
        core::str::from_utf8(name.unwrap_or(&[])).unwrap_or("")
    }

    fn record(&mut self, age: i64, step: u64) {
        self.lower(age);
        self.above.record(age.abs_diff(self.least));
        self.step = self.step.min(step);
    }

    /// Makes `least` the least age, if it is.
    fn lower(&mut self, least: i64) {
        if least < self.least {
            self.above.shift(self.least.abs_diff(least));
            self.least = least;
        }
    }
}

impl Latency {
    /// Takes the stamp of a message that came `arrived` microseconds after 1970.
    pub fn record(&mut self, arrived: u64, stamp: &Stamp<'_>) {
        if arrived.abs_diff(stamp.micros) > BELIEVED {
            self.unbelieved += 1;
            return;
        }
        let distance = i64::try_from(arrived.abs_diff(stamp.micros)).unwrap_or(i64::MAX);
        let age = if arrived < stamp.micros {
            -distance
        } else {
            distance
        };
        let step = match stamp.micros {
            micros if micros.is_multiple_of(1_000_000) => 1_000_000,
            micros if micros.is_multiple_of(1_000) => 1_000,
            _ => 1,
        };
        match self.field(stamp.field, step, age) {
            Some(field) => field.record(age, step),
            None => self.missed += 1,
        }
    }

    /// Takes in what another has seen.
    pub fn merge(&mut self, other: &Self) {
        self.unbelieved += other.unbelieved;
        self.missed += other.missed;
        for theirs in &other.fields {
            let Some(ours) = self.field(theirs.name(), theirs.step, theirs.least) else {
                self.missed += theirs.above.count();
                continue;
            };
            ours.lower(theirs.least);
            let mut above = theirs.above.clone();
            above.shift(theirs.least.abs_diff(ours.least));
            ours.above.merge(&above);
            ours.step = ours.step.min(theirs.step);
        }
    }

    /// The field that most messages have; none if none has one.
    pub fn leading(&self) -> Option<&Field> {
        // Of equals the first one.
        self.fields
            .iter()
            .rev()
            .max_by_key(|field| field.above.count())
    }

    /// Messages whose time was too far off to be that of their sending.
    pub fn unbelieved(&self) -> u64 {
        self.unbelieved
    }

    /// Messages whose field found no room.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    fn field(&mut self, name: &str, step: u64, least: i64) -> Option<&mut Field> {
        let shown = name.get(..name.floor_char_boundary(NAME)).unwrap_or("");
        let place = self.fields.iter().position(|field| field.name() == shown);
        let place = match place {
            Some(place) => place,
            None => {
                self.fields.push(Field::new(name, step, least)).ok()?;
                self.fields.len() - 1
            }
        };
        self.fields.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use super::{BELIEVED, Latency};
    use crate::payload::Stamp;

    const NOW: u64 = 1_700_000_000_000_000;

    fn feed(latency: &mut Latency, field: &str, sent: u64, age: i64) {
        let micros = NOW + sent;
        latency.record(micros.saturating_add_signed(age), &Stamp { field, micros });
    }

    /// Ages from 20,000 µs to 119,900 µs in an order of no order, on a clock that is `offset` µs behind.
    fn ages(offset: i64, range: core::ops::Range<u64>) -> Latency {
        let mut latency = Latency::default();
        for n in range {
            let age = i64::try_from(n * 7_919 % 1_000).unwrap() * 100 + 20_000;
            feed(&mut latency, "ts", n * 1_001, age + offset);
        }
        latency
    }

    #[track_caller]
    fn check(latency: &Latency, least: i64) {
        let field = latency.leading().unwrap();
        assert_eq!((field.name(), field.step, field.least), ("ts", 1, least));
        for (percent, exact) in [(50, 49_900_u64), (95, 94_900), (100, 99_900)] {
            let above = field.above.quantile(percent).unwrap();
            assert!(above.abs_diff(exact) * 33 <= exact, "{percent}: {above}");
        }
    }

    #[test]
    fn offset_and_jitter_are_told_apart() {
        check(&ages(0, 0..1_000), 20_000);
        check(&ages(-3_600_000_000, 0..1_000), -3_599_980_000);
        check(&ages(7_200_000_000, 0..1_000), 7_200_020_000);
    }

    #[test]
    fn shards_are_the_stream() {
        let mut merged = ages(-5_000_000, 300..1_000);
        merged.merge(&ages(-5_000_000, 0..300));
        check(&merged, -4_980_000);
    }

    #[test]
    fn fields_are_apart_and_what_cannot_be_is_counted() {
        let mut latency = Latency::default();
        for n in 0..10 {
            feed(&mut latency, "created", n * 1_000_000, 5_000_000);
            feed(&mut latency, "ts", n * 1_000_000, 7_000);
            feed(&mut latency, "ts", n * 1_000_000 + 1_000, 7_000);
        }
        feed(&mut latency, "", 0, 1);
        feed(&mut latency, "fourth", 0, 1);
        feed(&mut latency, "ts", 0, i64::try_from(BELIEVED).unwrap() + 1);
        let field = latency.leading().unwrap();
        assert_eq!(
            (field.name(), field.step, field.least),
            ("ts", 1_000, 7_000)
        );
        assert_eq!((latency.missed(), latency.unbelieved()), (1, 1));
        assert!(Latency::default().leading().is_none());
        let name = "a field whose name is longer than thirty-two bytes";
        let mut long = Latency::default();
        feed(&mut long, name, 0, 1);
        feed(&mut long, name, 1, 1);
        assert_eq!(long.leading().unwrap().above.count(), 2);
    }
}
