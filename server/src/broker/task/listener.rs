//! One listener: what it was asked for, what it has gathered, when it stops.
//!
//! Which messages it is given and which subscriptions it frees is the business of `listeners`.
//! Invariant: it counts from its last SUBACK, or from a replayed message that came before it.

use super::clock::Clock;
use crate::broker::collect::{Arrival, Collector};
use crate::broker::error::BrokerError;
use crate::broker::report::{Asides, Interruption, Listen, Part, Report, Retained, StopReason};
use crate::broker::shared::ListenerSlot;
use crate::broker::watch::PROBES;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::payload::decode::Decoded;
use bitsperity_mqtt_core::session::{Message, Oversized, SubscriptionId};
use bitsperity_mqtt_core::time::Instant;
use bitsperity_mqtt_core::topic;
use futures::channel::oneshot;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(super) struct Listener {
    pub(super) listen: Listen,
    pub(super) slot: Arc<ListenerSlot>,
    /// The subscription of each filter.
    pub(super) ids: Vec<SubscriptionId>,
    /// Those without a SUBACK.
    pub(super) unanswered: u64,
    /// Who waits for the SUBACKs; none after the last.
    pub(super) reply: Option<oneshot::Sender<Result<(), BrokerError>>>,
    /// Made at the last SUBACK, or at a replayed message that came before it.
    pub(super) collecting: Option<Collecting>,
    /// The lowest of all SUBACKs so far.
    pub(super) granted: Option<QoS>,
    pub(super) finished: bool,
}

pub(super) struct Collecting {
    pub(super) collector: Collector,
    pub(super) started: Instant,
    /// What the wall clock showed then.
    wall: SystemTime,
    pub(super) last_new_topic: Instant,
    pub(super) received: u64,
    pub(super) retained: u64,
    pub(super) bytes: u64,
    oversized: u64,
    pub(super) asides: Asides,
    pub(super) reconnects: u32,
    pub(super) deaf: Duration,
    pub(super) deaf_since: Option<Instant>,
    /// How often the connection was lost, and why the last time.
    losses: u32,
    lost_because: String,
    first_lost: Option<Instant>,
    wanted: Duration,
}

/// The set of subscriptions.
pub(super) fn members(ids: &[SubscriptionId]) -> u64 {
    ids.iter().fold(0, |set, id| set | 1 << id.0)
}

impl Listener {
    pub(super) fn collecting(&mut self, now: Instant, clock: Clock) -> &mut Collecting {
        let wants = &self.listen.wants;
        self.collecting.get_or_insert_with(|| Collecting {
            collector: Collector::new(wants, now),
            started: now,
            wall: clock.wall(now),
            last_new_topic: now,
            received: 0,
            retained: 0,
            bytes: 0,
            oversized: 0,
            asides: Asides::default(),
            reconnects: 0,
            deaf: Duration::ZERO,
            deaf_since: None,
            losses: 0,
            lost_because: String::new(),
            first_lost: None,
            wanted: self.listen.duration,
        })
    }

    /// Which filters match. None: another copy counts. Where several match, a broker may send one packet that names all
    /// their subscriptions, or one for each; counted is the one that is for the first of them.
    fn matched(&self, message: &Message<'_>) -> Option<u64> {
        let filters = &self.listen.filters;
        if filters.len() < 2 {
            return Some(1);
        }
        let (mut matched, mut first) = (0, None);
        for ((bit, filter), id) in filters.iter().enumerate().zip(&self.ids) {
            if topic::matches(filter, message.topic) {
                matched |= 1 << bit;
                // Of a shared subscription this one may never get a copy.
                if !filter.starts_with("$share/") {
                    first.get_or_insert(id.0);
                }
            }
        }
        if matched == 0 {
            // Under another topic than the filter.
            let for_it = |(bit, id): (usize, &SubscriptionId)| {
                u64::from(message.subscriptions.contains(*id)) << bit
            };
            let bits = self.ids.iter().enumerate().map(for_it);
            return Some(bits.fold(0, |all, bit| all | bit));
        }
        let counts = first.is_none_or(|id| message.subscriptions.0 & (1 << id) != 0);
        counts.then_some(matched)
    }

    /// A message that one of our tools sent to itself, and not to this listener.
    fn is_anothers_probe(&self, topic: &str) -> bool {
        let mut filters = self.listen.filters.iter();
        topic.starts_with(PROBES) && !filters.any(|filter| filter.contains(PROBES))
    }

    /// A packet over the bound that was passed over.
    pub(super) fn record_oversized(&mut self, now: Instant, clock: Clock, passed: &Oversized<'_>) {
        let collecting = self.collecting(now, clock);
        collecting.oversized += 1;
        if let Some(topic) = passed.topic {
            collecting.asides.large(topic, passed.length);
        }
    }

    /// Returns whether it is full now.
    pub(super) fn record(
        &mut self,
        now: Instant,
        clock: Clock,
        message: &Message<'_>,
        decoded: Option<Decoded<'_>>,
    ) -> bool {
        let taken = match self.listen.retained {
            Retained::Include => true,
            Retained::Exclude => !message.retain,
            Retained::Only => message.retain,
        };
        if !taken || self.is_anothers_probe(message.topic) {
            return false;
        }
        let Some(matched) = self.matched(message) else {
            return false;
        };
        let (max_messages, retained) = (self.listen.max_messages, self.listen.retained);
        let collecting = self.collecting(now, clock);
        let new_topic = collecting.collector.record(&Arrival {
            at: now,
            wall_us: clock.wall_us(now),
            matched,
            topic: message.topic,
            payload: message.payload,
            decoded,
            qos: message.qos,
            retain: message.retain,
        });
        if new_topic {
            collecting.last_new_topic = now;
        }
        collecting.received += 1;
        collecting.retained += u64::from(message.retain);
        collecting.bytes += message.payload.len() as u64;
        // A broker that changes topics does so from the first one on: where it does not, only new topics are looked at.
        let doubtful = new_topic || collecting.asides.elsewhere.messages > 0;
        let received = collecting.received;
        let counted = match retained {
            Retained::Only => received,
            Retained::Include | Retained::Exclude => received - collecting.retained,
        };
        let topics = new_topic.then(|| collecting.collector.topics_seen());
        self.slot.set_counts(received, topics);
        if doubtful {
            self.compare(message.topic);
        }
        max_messages.is_some_and(|max| counted >= max)
    }

    /// Counts a message under a topic that fits none of the filters.
    fn compare(&mut self, topic: &str) {
        let fits = |filter: &String| topic::matches(filter, topic);
        if let Some(collecting) = &mut self.collecting
            && !self.listen.filters.iter().any(fits)
        {
            collecting.asides.elsewhere.count(topic);
        }
    }

    /// When it stops by itself, and why; nothing before the SUBACK.
    pub(super) fn deadline(&self) -> Option<(Instant, StopReason)> {
        if self.reply.is_some() {
            return None;
        }
        let collecting = self.collecting.as_ref()?;
        let duration = collecting.started.after(self.listen.duration);
        match self
            .listen
            .until_quiet
            .map(|quiet| collecting.last_new_topic.after(quiet))
        {
            Some(quiet) if quiet < duration => Some((quiet, StopReason::Quiet)),
            _ => Some((duration, StopReason::Duration)),
        }
    }

    /// All of its state, or of a part of it what that wants. `doubt`: nothing is known since then.
    pub(super) fn report(
        &self,
        now: Instant,
        clock: Clock,
        doubt: Option<Instant>,
        stopped: Option<StopReason>,
        part: Option<&Part>,
    ) -> Report {
        let Some(collecting) = &self.collecting else {
            return Report {
                started: clock.wall(now),
                elapsed: Duration::ZERO,
                stopped,
                granted_qos: None,
                received: 0,
                retained: 0,
                bytes: 0,
                oversized: 0,
                asides: Asides::default(),
                reconnects: 0,
                deaf: Duration::ZERO,
                interruption: None,
                narrowed: None,
                findings: Default::default(),
            };
        };
        let interruption = collecting.interruption(now, doubt);
        let mut report = Report {
            started: collecting.wall,
            elapsed: now.since(collecting.started),
            stopped,
            granted_qos: self.granted.filter(|_| self.unanswered == 0),
            received: collecting.received,
            retained: collecting.retained,
            bytes: collecting.bytes,
            oversized: collecting.oversized,
            asides: collecting.asides.clone(),
            reconnects: collecting.reconnects,
            deaf: interruption.as_ref().map_or(Duration::ZERO, |it| it.lasted),
            interruption,
            narrowed: None,
            findings: collecting
                .collector
                .findings_for(doubt.unwrap_or(now), part.map(|part| &part.listen)),
        };
        if let Some(part) = part {
            report.narrow(part);
        }
        report
    }

    pub(super) fn finish(
        &mut self,
        now: Instant,
        clock: Clock,
        doubt: Option<Instant>,
        why: StopReason,
    ) {
        self.finished = true;
        // What it waited for may have come in messages before the SUBACK.
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(Ok(()));
        }
        if self.slot.is_left() {
            self.slot.abandon();
        } else {
            let report = self.report(now, clock, doubt, Some(why), None);
            self.slot.finish(report);
        }
    }
}

impl Collecting {
    /// The connection is gone, and nothing was heard from `since` on; only the reason may be new.
    pub(super) fn deafen(&mut self, since: Instant, why: &str) {
        why.clone_into(&mut self.lost_because);
        if self.deaf_since.is_none() {
            self.deaf_since = Some(since.max(self.started));
            self.first_lost = self.first_lost.or(self.deaf_since);
            self.losses += 1;
        }
        self.collector.pause(since.max(self.started));
    }

    /// The connection is back and every subscription restored.
    pub(super) fn hear(&mut self, now: Instant) {
        if let Some(since) = self.deaf_since.take() {
            self.deaf += now.since(since);
            self.reconnects += 1;
        }
    }

    fn interruption(&self, now: Instant, doubt: Option<Instant>) -> Option<Interruption> {
        let doubt = doubt.map(|since| since.max(self.started));
        let lately = self.deaf_since.or(doubt).map(|since| now.since(since));
        let (mut reason, mut times) = (self.lost_because.clone(), self.losses);
        if self.deaf_since.is_none() && doubt.is_some() {
            reason = "the broker has not answered a PINGREQ so far".to_owned();
            times += 1;
        }
        let first = self.first_lost.or(doubt).unwrap_or(self.started);
        (times > 0).then(|| Interruption {
            reason,
            times,
            after: first.since(self.started),
            wanted: self.wanted,
            lasted: self.deaf + lately.unwrap_or(Duration::ZERO),
            now_connected: lately.is_none(),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if !self.finished {
            self.slot.abandon();
        }
    }
}
