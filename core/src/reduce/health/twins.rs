//! What stops while its twins go on: one of several like topics of a device that falls silent, one of several like
//! rates that falls to nothing.
//!
//! Twins differ in one level of their topics, or in the digits of their names, and keep the same pace: a mode that ends,
//! a lamp that is switched off have none. Invariant: without two twins that go on nothing is told.

use super::channel::ChannelSlot;
use super::device::TopicUse;
use super::judge::Cause;
use super::view::Device;
use crate::reduce::stats::TAUGHT;
use crate::time::Instant;
use core::time::Duration;

/// Twins that have to go on: one alone may be the odd one.
const TWINS: usize = 2;
/// Periods of a steady topic without a message that are no accident.
const PERIODS: u32 = 6;
/// Messages of nothing in a row, and of something before, that are no accident.
const NOTHING: u32 = 8;

/// Whether two topics differ in one level only.
fn are_twins(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.rsplit('/'), other.rsplit('/'));
    let mut apart = 0;
    loop {
        match (one.next(), other.next()) {
            (None, None) => return apart == 1,
            (Some(one), Some(other)) => apart += u32::from(one != other),
            _ => return false,
        }
    }
}

/// Whether two names are equal but for their digits.
fn are_alike(one: &str, other: &str) -> bool {
    let plain = |name: &str| {
        let chars = name.chars().filter(|c| !c.is_ascii_digit());
        chars.map(|c| c.to_ascii_lowercase()).eq(other
            .chars()
            .filter(|c| !c.is_ascii_digit())
            .map(|c| c.to_ascii_lowercase()))
    };
    plain(one)
}

/// The period of a topic that keeps it.
fn pace(topic: &TopicUse) -> Option<Duration> {
    let rhythm = &topic.rhythm;
    let (median, p95) = (rhythm.expected()?, rhythm.quantile(95)?);
    let steady = p95.saturating_mul(2) <= median.saturating_mul(3);
    (rhythm.messages() > u64::from(TAUGHT) && steady).then_some(median)
}

/// A rate of what flows or turns, or the power of a source: what is switched off by people is none.
fn is_rate(name: &str) -> bool {
    const RATES: [&str; 14] = [
        "flow",
        "rate",
        "rpm",
        "throughput",
        "yield",
        "output",
        "pv",
        "string",
        "mppt",
        "dc",
        "solar",
        "panel",
        "packets",
        "frames",
    ];
    let has = |word: &&str| {
        let (name, word) = (name.as_bytes(), word.as_bytes());
        name.windows(word.len())
            .any(|part| part.eq_ignore_ascii_case(word))
    };
    RATES.iter().any(has)
}

/// It fell from something to nothing once, and stayed there.
fn has_stopped(channel: &ChannelSlot) -> bool {
    (channel.stops, channel.last) == (1, 0.0)
        && channel.run >= NOTHING
        && channel.count.saturating_sub(channel.run) >= NOTHING
        && !channel.excused
        && is_rate(channel.name())
}

/// It goes on.
fn goes_on(channel: &ChannelSlot) -> bool {
    channel.count >= 2 * NOTHING && channel.stops == 0 && channel.changes >= NOTHING
}

impl<'h, B: AsMut<[u8]> + AsRef<[u8]>> Device<'h, B> {
    pub(super) fn twins(&self, now: Instant, tell: &mut impl FnMut(Cause<'h>)) {
        if let Some((topic, silence, period)) = self.silent_twin(now) {
            tell(Cause::PartSilent {
                topic,
                silence,
                period,
            });
        }
        if let Some(channel) = self.values_all().find(|it| has_stopped(it))
            && self.twins_of(channel) >= TWINS
        {
            tell(Cause::Stopped(channel));
        }
    }

    /// A topic of a device that speaks, which is silent for many of its periods while its twins keep theirs.
    fn silent_twin(&self, now: Instant) -> Option<(&'h str, Duration, Duration)> {
        let topics = self.slot.topics.iter();
        let (_, last) = self.slot.live?;
        // Who was switched may have been told to stop.
        let quiet = |at: Instant| self.slot.switched.is_none_or(|it| it < at);
        topics
            .filter_map(|topic| Some((topic, pace(topic)?)))
            .find_map(|(topic, period)| {
                let (_, at) = topic.rhythm.ends();
                let silence = now.since(at);
                let longest = topic.rhythm.longest().map_or(period, |gap| gap.length());
                let limit = period
                    .saturating_mul(PERIODS)
                    .max(longest.saturating_mul(3));
                let gone = |at: Instant| now.since(at) > limit;
                let twins = self.slot.topics.iter().filter(|it| {
                    let same = pace(it).is_some_and(|it| {
                        it.saturating_mul(4) >= period.saturating_mul(3)
                            && it.saturating_mul(3) <= period.saturating_mul(4)
                    });
                    let (own, other) = (self.name_of(topic), self.name_of(it));
                    same && !gone(it.rhythm.ends().1)
                        && own != other
                        && (are_twins(own, other) || are_alike(own, other))
                });
                let told = silence > limit
                    && !gone(last)
                    && silence > Duration::from_secs(2)
                    && topic.rhythm.is_heard()
                    && quiet(at)
                    && twins.count() >= TWINS;
                told.then(|| (self.name_of(topic), silence, period))
            })
    }

    /// Like rates of this device, or of others of its kind, that go on.
    fn twins_of(&self, channel: &'h ChannelSlot) -> usize {
        let alike = |it: &&ChannelSlot| {
            it.hash != channel.hash && goes_on(it) && are_alike(it.name(), channel.name())
        };
        let own = self.values_all().filter(alike).count();
        if own > 0 {
            return own;
        }
        let kin = self.all.iter().filter(|it| it.dialect == self.slot.dialect);
        kin.flat_map(|it| self.values_of(it)).filter(alike).count()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::tests::{Event, by_id, causes, event, of};
    use super::*;
    use std::format;
    use std::vec::Vec;

    fn told(id: &str, events: impl Fn(u32) -> Vec<Event>) -> Vec<&'static str> {
        let events: Vec<_> = (0..40).flat_map(events).collect();
        causes(&by_id(&of(&events), id), Instant::from_micros(80_000_000))
    }

    #[test]
    fn a_topic_that_stops_while_its_twins_go_on_is_told() {
        let bank = |stops: u32, ends: [&'static str; 3]| {
            told("devices/bank", move |n| {
                let lives = |k: usize| k != 1 || n < stops;
                let topic = |k: usize| format!("devices/bank/{}", ends[k]);
                let all = (0..3).filter(|&k| lives(k));
                all.map(|k| {
                    let at = f64::from(n) * 2.0 + k as f64 / 10.0;
                    event(at, &topic(k), &format!("{}.5", 20 + n % 7))
                })
                .collect()
            })
        };
        let twins = ["cell1/volts", "cell2/volts", "cell3/volts"];
        assert_eq!(bank(20, twins), ["part_silent"]);
        assert_eq!(bank(40, twins), Vec::<&str>::new());
        // What ends with its job has no twins.
        let others = ["cell1/volts", "progress", "cell3/volts"];
        assert_eq!(bank(20, others), Vec::<&str>::new());
    }

    #[test]
    fn a_rate_that_falls_to_nothing_while_its_twins_go_on_is_told() {
        let roof = |first: f64, second: u32, key: &'static str| {
            told("roof/east", move |n| {
                let fell = n >= second;
                let value = |k: u32| f64::from(200 + (n * 7 + k) % 19);
                let payload = format!(
                    r#"{{"{key}1":{},"{key}2":{},"{key}3":{}}}"#,
                    value(1),
                    if fell { first } else { value(2) },
                    value(3)
                );
                [event(f64::from(n) * 2.0, "roof/east", &payload)].into()
            })
        };
        assert_eq!(roof(0.0, 20, "pv_power"), ["rate_stopped"]);
        assert_eq!(roof(0.0, 35, "pv_power"), Vec::<&str>::new());
        assert_eq!(roof(0.0, 20, "plug_power"), Vec::<&str>::new());
    }
}
