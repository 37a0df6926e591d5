//! What is known of one device: its topics with their rhythms, its troubles, its readings.
//!
//! A silence is judged by all topics together: a device is silent when each of them is beyond its own rhythm.
//! Invariant: only live messages teach and are judged by time; replayed ones tell of a state.

use super::channel::MAX_NAME;
use super::classes::{Alarm, MAX_ALARMS};
use super::clock::Clock;
use super::deeds::Deeds;
use super::dialect::{Dialect, Role};
use super::marks::{Retyped, Wording};
use super::names::Span;
use super::presence::{Connection, Presence};
use super::speakers::{MEMBERS, Member};
use super::vitals::{Reading, Uptime, Vital};
use crate::payload::Severity;
use crate::reduce::stats::{Gap, Rhythm, TAUGHT};
use crate::time::Instant;
use core::time::Duration;
use heapless::{String, Vec};

/// Topics of a device that are told apart.
pub const MAX_TOPICS: usize = 8;
/// Kinds of errors and warnings of a device that are told apart.
pub const MAX_TROUBLES: usize = 4;
/// Places whose words are kept.
const MAX_WORDS: usize = 2;
/// Bytes of the text that is kept of one.
pub const MAX_TEXT: usize = 120;

/// Silences shorter than this are the network's.
const LEAST_SILENCE: Duration = Duration::from_secs(2);

/// One topic of a device.
#[derive(Clone, Debug, Default)]
pub(super) struct TopicUse {
    pub(super) hash: u64,
    pub(super) name: Span,
    pub(super) messages: u64,
    /// States (on, off …) in the latest message.
    pub(super) states: u64,
    /// Hash of the latest replayed payload that is a word; zero: none.
    pub(super) word: u64,
    pub(super) rhythm: Rhythm,
    /// Of the latest live message: what tells it from others, and when it came.
    pub(super) sign: u32,
    pub(super) at: Instant,
    /// Milliseconds between that and the one before, if it was no copy; at most a minute.
    pub(super) apart: u16,
    /// Messages that were the one before again, at once.
    pub(super) twice: u16,
}

/// A kind of error or warning.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub(super) kind: u64,
    /// How bad.
    pub severity: Severity,
    /// How many.
    pub count: u64,
    /// When the first came.
    pub first: Instant,
    /// When the latest came.
    pub latest: Instant,
    /// Only replayed: it is as old as the retained message.
    pub retained: bool,
    pub(super) topic: Span,
    /// Hash of the paths of the message; zero: what it tells is an event, which nothing takes back.
    pub(super) shape: u32,
    /// A message of the same paths said later that all is well.
    pub settled: bool,
    /// Why it was judged so: path or word, and value.
    pub why: String<MAX_NAME>,
    /// Text of the first.
    pub sample: String<MAX_TEXT>,
}

/// Sparkplug B: counts of an edge node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sequence {
    /// Numbers go to 255 and begin anew.
    pub(super) last: Option<u8>,
    pub(super) steps: u32,
    pub(super) gaps: u32,
    /// Number of the connection (bdSeq).
    pub(super) session: Option<u64>,
    /// When its latest birth came; the origin of time: none did.
    pub(super) born: Instant,
    /// Messages of a device since the birth of its node that none of its own came before.
    pub(super) unborn: u16,
}

/// One device of a table.
#[derive(Clone, Debug, Default)]
pub struct DeviceSlot {
    pub(super) id: Span,
    pub(super) name: Option<Span>,
    pub(super) wanted: u8,
    /// Convention by which it speaks.
    pub dialect: Dialect,
    pub(super) present: bool,
    /// It is one of many on its topics, told apart by a member.
    pub(super) speaks: bool,
    /// Members that may tell devices apart that share its topics.
    pub(super) members: [Member; MEMBERS],
    /// Hash of the path of the one that does; zero: none.
    pub(super) told_apart: u32,
    /// One above the place of the device that it is reached through; zero: none.
    pub(super) gateway: u16,
    /// One above the place of its first channel.
    pub(super) channels: u16,
    pub(super) channel_count: u16,
    /// Messages of it, commands not counted.
    pub messages: u64,
    /// Of these, replayed because retained.
    pub retained: u64,
    /// Messages sent to it.
    pub commands: u64,
    /// Payload bytes of its messages.
    pub bytes: u64,
    /// First and last live message that it sent by itself.
    pub live: Option<(Instant, Instant)>,
    /// Live messages after it was told to be offline.
    pub(super) ghosts: u32,
    pub(super) ordinary: Duration,
    /// When a state (on, off, playing …) last changed, and how often one did.
    pub(super) switched: Option<Instant>,
    pub(super) switches: u64,
    /// Silences beyond its own rhythm, that it came back from.
    pub gaps: u32,
    /// The longest of them.
    pub longest_gap: Option<Gap>,
    /// Its connection.
    pub presence: Presence,
    /// Topic that told of the connection.
    pub(super) presence_topic: Option<Span>,
    pub(super) vitals: [Reading; Vital::ALL.len()],
    /// It says itself that its battery is low.
    pub battery_low: bool,
    /// A number of its battery that may be percent, volts, a flag or a step of few.
    pub(super) small_battery: Option<u8>,
    /// Its uptime.
    pub uptime: Uptime,
    /// Its clock.
    pub clock: Clock,
    pub(super) topics: Vec<TopicUse, MAX_TOPICS>,
    /// Messages on further topics.
    pub more_topics: u64,
    pub(super) troubles: Vec<Trouble, MAX_TROUBLES>,
    /// Errors and warnings of further kinds.
    pub more_troubles: u64,
    /// Messages judged errors.
    pub errors: u64,
    /// Messages judged warnings.
    pub warnings: u64,
    /// Of errors and warnings, those that its gateway told of it.
    pub(super) reported: u64,
    pub(super) sequence: Sequence,
    /// What it was asked for.
    pub(super) deeds: Deeds,
    /// Alarms by its description.
    pub(super) alarms: Vec<Alarm, MAX_ALARMS>,
    /// Words that are not well, the latest of each place.
    pub(super) words: Vec<Wording, MAX_WORDS>,
    /// The first value that became of another type.
    pub(super) retyped: Option<Retyped>,
}

impl Sequence {
    /// Takes a message of the node, or of a device behind it if not `own`; false: the will of a connection before
    /// this one, which is to be passed over (6.4.19).
    pub(super) fn take(
        &mut self,
        role: Role,
        own: bool,
        session: Option<u64>,
        seq: Option<u64>,
    ) -> bool {
        let seq = seq.and_then(|seq| u8::try_from(seq).ok());
        match role {
            Role::Death if own => {
                let old = session.is_some() && self.session.is_some() && session != self.session;
                if !old {
                    self.last = None;
                }
                return !old;
            }
            Role::Birth if own => (self.last, self.session) = (seq, session),
            _ => {
                if let (Some(last), Some(seq)) = (self.last, seq) {
                    self.steps = self.steps.saturating_add(1);
                    let gap = seq != last.wrapping_add(1);
                    self.gaps = self.gaps.saturating_add(u32::from(gap));
                }
                self.last = seq;
            }
        }
        true
    }
}

impl DeviceSlot {
    /// Readings of a kind; none has a count of zero.
    pub fn reading(&self, vital: Vital) -> &Reading {
        let [battery, link, signal, wifi, rssi, voltage] = &self.vitals;
        match vital {
            Vital::Battery => battery,
            Vital::LinkQuality => link,
            Vital::Signal => signal,
            Vital::WifiRssi => wifi,
            Vital::Rssi => rssi,
            Vital::Voltage => voltage,
        }
    }

    pub(super) fn read(&mut self, at: Instant, vital: Vital, value: f64) {
        let place = Vital::ALL.iter().position(|&known| known == vital);
        if let Some(reading) = place.and_then(|n| self.vitals.get_mut(n)) {
            reading.add(at, value);
        }
    }

    /// Many devices speak on one of its topics, each told by itself.
    pub fn is_shared(&self) -> bool {
        self.told_apart != 0
    }

    /// It is one of many on its topics, told apart by a member of what they say.
    pub fn is_speaker(&self) -> bool {
        self.speaks
    }

    /// Its connection was told under its own id.
    pub fn is_present(&self) -> bool {
        self.present
    }

    /// What was heard was of several devices: nothing of it may be said of one.
    pub(super) fn forget(&mut self) {
        self.vitals = Default::default();
        (self.battery_low, self.small_battery) = (false, None);
        self.troubles.clear();
        (self.errors, self.warnings, self.more_troubles) = (0, 0, 0);
        (self.channels, self.channel_count) = (0, 0);
        self.uptime = Uptime::default();
        self.clock = Clock::default();
        self.words.clear();
        self.retyped = None;
    }

    /// Kinds of errors and warnings, in order of first sight.
    pub fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }

    /// A live message of its own on the topic at `topic` of its topics.
    pub(super) fn beat(&mut self, at: Instant, topic: Option<usize>) {
        if let Some((_, last)) = self.live {
            let silence = at.since(last);
            if silence > self.ordinary {
                let beyond = self.limit().is_some_and(|limit| silence > limit);
                if beyond {
                    self.resume();
                }
                if beyond && !self.presence.was_offline(last, at) && !self.is_done(last) {
                    let gap = Gap {
                        from: last,
                        until: at,
                    };
                    self.gaps = self.gaps.saturating_add(1);
                    if self
                        .longest_gap
                        .is_none_or(|known| gap.length() > known.length())
                    {
                        self.longest_gap = Some(gap);
                    }
                } else if !beyond {
                    self.ordinary = silence;
                }
            }
        }
        self.live = Some((self.live.map_or(at, |(first, _)| first), at));
        match topic.and_then(|n| self.topics.get_mut(n)) {
            Some(topic) => {
                topic.rhythm.record(at);
            }
            None => self.more_topics = self.more_topics.saturating_add(1),
        }
        // That it is offline is no relic if it is said again: another speaks for it.
        if self.presence.latest().is_some_and(|told| {
            told.to == Connection::Offline && at.since(told.at) > Duration::from_secs(5)
        }) && !self.presence.is_confirmed()
        {
            self.ghosts = self.ghosts.saturating_add(1);
        }
    }

    /// The silence until the next message says nothing of its rhythm.
    fn resume(&mut self) {
        for topic in &mut self.topics {
            topic.rhythm.pause();
        }
    }

    /// Nobody listened until `at`.
    pub(super) fn unheard(&mut self, at: Instant) {
        self.resume();
        if let Some((_, last)) = &mut self.live {
            *last = at.max(*last);
        }
        self.sequence.last = None;
    }

    /// The silence that none of its topics explains; none as long as no topic has taught a steady rhythm.
    pub fn limit(&self) -> Option<Duration> {
        let mut limit = LEAST_SILENCE;
        let mut taught = false;
        for topic in &self.topics {
            let rhythm = &topic.rhythm;
            let (Some(median), Some(p95)) = (rhythm.expected(), rhythm.quantile(95)) else {
                continue;
            };
            let steady = p95 <= median.saturating_mul(2);
            let longest = rhythm.longest().map_or(Duration::ZERO, |gap| gap.length());
            limit = limit.max(match rhythm.limit() {
                Some(_) if steady => {
                    taught = true;
                    p95.saturating_mul(4)
                }
                Some(limit) => limit,
                None => longest.saturating_mul(4),
            });
        }
        if self.more_topics > 0 {
            limit = limit.max(self.ordinary.saturating_mul(4));
        }
        taught.then_some(limit)
    }

    /// The longest silence that was an ordinary one, or the network's.
    pub(super) fn longest_pause(&self) -> Duration {
        self.ordinary.max(LEAST_SILENCE)
    }

    /// How long it has been silent beyond `limit`, unless it is offline or asleep, which explains it.
    pub(super) fn silent_beyond(&self, limit: Duration, now: Instant) -> Option<Duration> {
        let away = matches!(
            self.presence.state(),
            Connection::Offline | Connection::Sleeping
        );
        let (_, last) = self.live.filter(|_| !away)?;
        let silence = now.since(last);
        let beyond = silence > self.ordinary && silence > limit && !self.is_done(last);
        beyond.then_some(silence)
    }

    /// What it did was over with its `last` message: a state that seldom changes had just changed.
    fn is_done(&self, last: Instant) -> bool {
        let heartbeat = self.heartbeat().and_then(|(_, rhythm)| rhythm.expected());
        let just = heartbeat.unwrap_or_default().max(LEAST_SILENCE);
        let seldom = self.switches.saturating_mul(5) <= self.messages;
        seldom && self.switched.is_some_and(|at| last.since(at) <= just)
    }

    /// The rhythm of its most regular topic, with the topic.
    pub(super) fn heartbeat(&self) -> Option<(&TopicUse, &Rhythm)> {
        let taught = self
            .topics
            .iter()
            .filter(|topic| topic.rhythm.messages() > u64::from(TAUGHT));
        let best =
            taught.min_by(|a, b| unsteadiness(&a.rhythm).total_cmp(&unsteadiness(&b.rhythm)))?;
        Some((best, &best.rhythm))
    }

    /// Takes in what another table knows of the same device; places in tables and arenas stay this one's.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.messages += other.messages;
        self.retained += other.retained;
        self.commands += other.commands;
        self.bytes += other.bytes;
        self.ghosts = self.ghosts.saturating_add(other.ghosts);
        self.present |= other.present;
        if self.dialect == Dialect::Generic {
            self.dialect = other.dialect;
        }
        self.absorb_gaps(other);
        self.live = match (self.live, other.live) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        self.ordinary = self.ordinary.max(other.ordinary);
        self.switched = self.switched.max(other.switched);
        self.switches += other.switches;
        self.presence.merge(&other.presence);
        for (ours, theirs) in self.vitals.iter_mut().zip(&other.vitals) {
            ours.merge(theirs);
        }
        self.battery_low |= other.battery_low;
        self.small_battery = self.small_battery.or(other.small_battery);
        self.uptime.merge(&other.uptime);
        self.clock.merge(&other.clock);
        self.more_topics += other.more_topics;
        self.more_troubles += other.more_troubles;
        // In shards, numbers are missing by nature.
        self.sequence = Sequence::default();
    }

    /// One after the other, gaps add up. Of shards side by side only what both missed is surely a gap, because a
    /// silence of one may have been filled by the other.
    fn absorb_gaps(&mut self, other: &Self) {
        let apart = match (self.live, other.live) {
            (Some(a), Some(b)) => a.1 <= b.0 || b.1 <= a.0,
            _ => true,
        };
        let length = |gap: Option<Gap>| gap.map_or(Duration::ZERO, |gap| gap.length());
        let longer = length(self.longest_gap) >= length(other.longest_gap);
        if longer != apart {
            self.longest_gap = other.longest_gap;
        }
        self.gaps = if apart {
            self.gaps.saturating_add(other.gaps)
        } else {
            self.gaps.min(other.gaps)
        };
    }
}

/// How much longer its long intervals are than its usual ones; of equals, the slower one is the steadier.
fn unsteadiness(rhythm: &Rhythm) -> f64 {
    match (rhythm.expected(), rhythm.quantile(95)) {
        (Some(median), Some(p95)) => p95.as_secs_f64() / median.as_secs_f64().max(1e-6),
        _ => f64::MAX,
    }
}
