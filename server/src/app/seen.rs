//! What is remembered from one look to the next: messages of all sessions that ever were, rates, breaks and the last
//! error of each broker, since when a device is unwell.
//!
//! Invariant: bounded by the number of brokers and devices that are kept, whatever assistants connect to.

use super::Owned;
use super::views::Device;
use crate::broker::handle::State;
use crate::broker::recorder::Recorded;
use crate::config::Config;
use crate::config::target::Target;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Brokers that are remembered; those of the configuration, and those that assistants named.
const MAX_BROKERS: usize = 64;

/// Devices whose past is remembered.
const MAX_DEVICES: usize = 1_024;

/// Seconds over which a rate is taken: enough to be calm, few enough to follow.
const RATE_SECONDS: usize = 10;

/// Breaks of a broker that are told.
const MAX_BREAKS: usize = 20;

/// Bars of a strip: minutes of an hour for a broker, hours of a day for a device.
pub(super) const MINUTES: usize = 60;
pub(super) const HOURS: usize = 24;

/// How a bar of a strip looks; the worst of its time wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) enum Bar {
    /// Not asked, or nothing heard.
    #[default]
    Off,
    /// Well.
    Well,
    /// A warning.
    Look,
    /// An error, or a break.
    Bad,
}

/// The latest bars of a thing, one for each stretch of time.
#[derive(Default)]
pub(super) struct Strip {
    latest: u64,
    bars: VecDeque<Bar>,
}

impl Strip {
    /// Marks the stretch with this number.
    pub(super) fn mark(&mut self, number: u64, bar: Bar, length: usize) {
        if self.bars.is_empty() || number.saturating_sub(self.latest) > length as u64 {
            self.bars.clear();
            self.latest = number;
            self.bars.push_back(Bar::Off);
        }
        while self.latest < number {
            self.latest += 1;
            self.bars.push_back(Bar::Off);
        }
        while self.bars.len() > length {
            self.bars.pop_front();
        }
        if let Some(last) = self.bars.back_mut() {
            *last = bar.max(*last);
        }
    }

    /// A letter a bar, the oldest first: `.` off, `w` well, `l` look, `b` bad.
    pub(super) fn text(&self, now: u64, length: usize) -> String {
        let behind = usize::try_from(now.saturating_sub(self.latest)).unwrap_or(length);
        let behind = behind.min(length);
        let kept = self.bars.len().min(length - behind);
        let letter = |bar: &Bar| match bar {
            Bar::Off => '.',
            Bar::Well => 'w',
            Bar::Look => 'l',
            Bar::Bad => 'b',
        };
        let blank = std::iter::repeat_n('.', length - behind - kept);
        let told = self.bars.iter().skip(self.bars.len() - kept).map(letter);
        blank
            .chain(told)
            .chain(std::iter::repeat_n('.', behind))
            .collect()
    }
}

/// One broker.
pub(super) struct Broker {
    /// In the configuration.
    pub(super) name: Option<String>,
    /// Messages of each of the last seconds.
    recent: VecDeque<u64>,
    pub(super) minutes: Strip,
    pub(super) messages: u64,
    /// The last error, also after the connection is back.
    pub(super) error: Option<(SystemTime, String)>,
    /// Times without connection: from, and to unless it goes on.
    pub(super) breaks: VecDeque<(SystemTime, Option<SystemTime>)>,
}

impl Broker {
    fn new(name: Option<String>) -> Self {
        Self {
            name,
            recent: VecDeque::new(),
            minutes: Strip::default(),
            messages: 0,
            error: None,
            breaks: VecDeque::new(),
        }
    }

    /// Messages a second.
    pub(super) fn rate(&self) -> f64 {
        let seconds = self.recent.len().max(1) as f64;
        self.recent.iter().sum::<u64>() as f64 / seconds
    }
}

/// What is remembered of one device.
struct Past {
    hours: Strip,
    finding: Option<&'static str>,
    since: SystemTime,
}

/// See the head of this file.
pub(super) struct Seen {
    /// By what the connection calls it: `mqtt://host:1883`; those of the configuration first.
    pub(super) brokers: Vec<(String, Broker)>,
    sessions: HashMap<String, (u64, u64)>,
    messages: u64,
    bytes: u64,
    past: HashMap<(String, String), Past>,
    devices: Arc<Vec<Device>>,
    looked: Option<Instant>,
}

impl Seen {
    pub(super) fn new(config: &Config) -> Self {
        let named = config.brokers.iter().map(|(name, broker)| {
            let target = Target::from_named(broker);
            let url = target.map_or_else(|_| broker.url.clone(), |target| target.display());
            (url, Broker::new(Some(name.clone())))
        });
        Self {
            brokers: named.take(MAX_BROKERS).collect(),
            sessions: HashMap::new(),
            messages: 0,
            bytes: 0,
            past: HashMap::new(),
            devices: Arc::default(),
            looked: None,
        }
    }

    /// Takes in the counters of all open sessions; messages and bytes of all that ever were.
    pub(super) fn sessions(
        &mut self,
        open: &[Owned],
        recorded: &[Recorded],
        now: SystemTime,
    ) -> (u64, u64) {
        self.sessions
            .retain(|id, _| open.iter().any(|it| it.info.id == *id));
        let minute = seconds_of(now) / 60;
        let mut counts = vec![(0, None); self.brokers.len()];
        for session in open {
            let status = &session.info.status;
            let reached = (status.messages_in, status.bytes_in);
            let before = self.sessions.insert(session.info.id.clone(), reached);
            let (messages, bytes) = before.unwrap_or((0, 0));
            let new = status.messages_in.saturating_sub(messages);
            self.messages += new;
            self.bytes += status.bytes_in.saturating_sub(bytes);
            let Some(at) = self.broker(&session.info.established.broker) else {
                continue;
            };
            counts.resize(self.brokers.len(), (0, None));
            let (_, broker) = &mut self.brokers[at];
            broker.messages += new;
            let connected = status.state == State::Connected;
            let bar = if connected { Bar::Well } else { Bar::Bad };
            broker.minutes.mark(minute, bar, MINUTES);
            broker.failed(status.last_error.as_ref(), now);
            let (count, away) = &mut counts[at];
            *count += new;
            *away = Some(away.unwrap_or(false) || !connected);
        }
        // Of those that were never reached there is no session.
        for unreached in recorded.iter().filter(|it| it.session.is_none()) {
            let name = Some(&unreached.record.broker);
            let mut known = self.brokers.iter_mut().zip(&mut counts);
            let known = known.find(|((_, broker), _)| broker.name.as_ref() == name);
            if let (Some(error), Some(((_, broker), (_, away)))) = (&unreached.error, known) {
                broker.minutes.mark(minute, Bar::Bad, MINUTES);
                broker.failed(Some(error), now);
                *away = Some(true);
            }
        }
        for ((_, broker), (count, away)) in self.brokers.iter_mut().zip(counts) {
            broker.recent.push_back(count);
            if broker.recent.len() > RATE_SECONDS {
                broker.recent.pop_front();
            }
            broker.note(away, now);
        }
        (self.messages, self.bytes)
    }

    /// Where this broker stands in the list; none if there is no room for it.
    fn broker(&mut self, url: &str) -> Option<usize> {
        if let Some(at) = self.brokers.iter().position(|(known, _)| known == url) {
            return Some(at);
        }
        if self.brokers.len() >= MAX_BROKERS {
            return None;
        }
        self.brokers.push((url.to_owned(), Broker::new(None)));
        Some(self.brokers.len() - 1)
    }

    pub(super) fn devices_are_older_than(&self, age: Duration) -> bool {
        self.looked.is_none_or(|looked| looked.elapsed() >= age)
    }

    pub(super) fn devices(&self) -> Arc<Vec<Device>> {
        self.devices.clone()
    }

    /// Takes in how all devices are now; what is told of each gains its past.
    pub(super) fn take_devices(
        &mut self,
        mut devices: Vec<Device>,
        now: SystemTime,
    ) -> Arc<Vec<Device>> {
        let hour = seconds_of(now) / 3_600;
        for device in &mut devices {
            let key = (device.broker.clone(), device.id.clone());
            if !self.past.contains_key(&key) && self.past.len() >= MAX_DEVICES {
                continue;
            }
            let past = self.past.entry(key).or_insert_with(|| Past {
                hours: Strip::default(),
                finding: None,
                since: now,
            });
            let finding = device.findings.first().map(|finding| finding.kind);
            if past.finding != finding {
                (past.finding, past.since) = (finding, now);
            }
            past.hours.mark(hour, device.bar(), HOURS);
            device.set_past(finding.map(|_| past.since), past.hours.text(hour, HOURS));
        }
        self.devices = Arc::new(devices);
        self.looked = Some(crate::journal::now());
        self.devices.clone()
    }
}

impl Broker {
    /// An error; the same one again is no news.
    fn failed(&mut self, error: Option<&String>, now: SystemTime) {
        let known = self.error.as_ref().map(|(_, known)| known);
        if error.is_some() && error != known {
            self.error = error.map(|error| (now, error.clone()));
        }
    }

    /// Connected, away, or not asked.
    fn note(&mut self, away: Option<bool>, now: SystemTime) {
        let open = self.breaks.back_mut().filter(|(_, to)| to.is_none());
        match (away, open) {
            (Some(true), None) => {
                self.breaks.push_back((now, None));
                if self.breaks.len() > MAX_BREAKS {
                    self.breaks.pop_front();
                }
            }
            (Some(false) | None, Some(open)) => open.1 = Some(now),
            _ => {}
        }
    }
}

/// Seconds since 1970.
pub(super) fn seconds_of(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |it| it.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_tells_the_worst_of_each_stretch() {
        let mut strip = Strip::default();
        assert_eq!(strip.text(7, 5), ".....");
        for (number, bar) in [
            (10, Bar::Well),
            (10, Bar::Bad),
            (10, Bar::Look),
            (12, Bar::Well),
        ] {
            strip.mark(number, bar, 5);
        }
        assert_eq!(strip.text(12, 5), "..b.w");
        assert_eq!(strip.text(14, 5), "b.w..");
        assert_eq!(strip.text(400, 5), ".....");
        strip.mark(20, Bar::Look, 5);
        assert_eq!(strip.text(20, 5), "....l");
        for number in 20..40 {
            strip.mark(number, Bar::Well, 5);
        }
        assert_eq!(strip.text(39, 5), "wwwww");
        assert_eq!(strip.bars.len(), 5);
    }

    #[test]
    fn a_break_lasts_until_the_connection_is_back() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let mut broker = Broker::new(None);
        for (second, away) in [
            (1, Some(false)),
            (2, Some(true)),
            (3, Some(true)),
            (4, Some(false)),
        ] {
            broker.note(away, at(second));
        }
        broker.note(None, at(5));
        broker.note(Some(true), at(6));
        assert_eq!(broker.breaks, [(at(2), Some(at(4))), (at(6), None)]);
        for second in 10..200 {
            broker.note(Some(second % 2 == 0), at(second));
        }
        assert_eq!(broker.breaks.len(), MAX_BREAKS);
    }
}
