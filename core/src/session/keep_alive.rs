//! Keep Alive (3.1.2.10, 3.12, 3.13): PINGREQ after silence, and how long PINGRESP may take.
//!
//! PINGREQ goes out when nothing was sent for the interval `[MQTT-3.1.2-20]` v5, `[MQTT-3.1.2-23]` v3.1.1, or nothing
//! came for it, so that a half-open connection is found even by a client that only publishes. Then any packet from
//! the broker is a sign of life; silence for one and a half intervals is the end.

use crate::time::Instant;
use core::time::Duration;

/// The one PINGREQ that may be under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ping {
    Idle,
    /// To be written, since then.
    Queued(Instant),
    /// Written then; PINGRESP awaited.
    Sent(Instant),
}

/// What a deadline that has passed asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due {
    /// It has not passed.
    Nothing,
    /// A PINGREQ is queued.
    Ping,
    /// The connection is lost.
    Lost,
}

/// The clockwork of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeepAlive {
    /// In microseconds; zero: off.
    interval: u64,
    sent: Instant,
    received: Instant,
    ping: Ping,
    /// Somebody wants to know the round trip.
    measured: bool,
}

impl KeepAlive {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            interval: 0,
            sent: now,
            received: now,
            ping: Ping::Idle,
            measured: false,
        }
    }

    /// CONNACK has told the interval in force.
    pub(super) const fn start(&mut self, seconds: u16) {
        self.interval = seconds as u64 * 1_000_000;
    }

    pub(super) const fn sent(&mut self, now: Instant) {
        self.sent = now;
    }

    pub(super) const fn received(&mut self, now: Instant) {
        self.received = now;
    }

    /// A PINGREQ for the sake of its round trip; one that is under way will do.
    pub(super) fn measure(&mut self, now: Instant) {
        self.measured = true;
        self.ping(now);
    }

    /// A PINGREQ, unless one is under way.
    pub(super) fn ping(&mut self, now: Instant) {
        if self.ping == Ping::Idle {
            self.ping = Ping::Queued(now);
        }
    }

    /// Whether a PINGREQ is to be written now; it counts as written.
    pub(super) fn take_ping(&mut self, now: Instant) -> bool {
        let queued = matches!(self.ping, Ping::Queued(_));
        if queued {
            self.ping = Ping::Sent(now);
        }
        queued
    }

    /// PINGRESP: the round trip, if somebody wants to know it. One that nobody asked for says nothing.
    pub(super) fn pong(&mut self, now: Instant) -> Option<Duration> {
        let Ping::Sent(sent) = self.ping else {
            return None;
        };
        self.ping = Ping::Idle;
        core::mem::take(&mut self.measured).then(|| now.since(sent))
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.interval == 0 {
            return None;
        }
        Some(match self.ping {
            Ping::Idle => self.sent.min(self.received).after_micros(self.interval),
            Ping::Queued(since) | Ping::Sent(since) => {
                let patience = self.interval + self.interval / 2;
                since.max(self.received).after_micros(patience)
            }
        })
    }

    pub(super) fn check(&mut self, now: Instant) -> Due {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Due::Nothing;
        }
        if self.ping != Ping::Idle {
            return Due::Lost;
        }
        self.ping = Ping::Queued(now);
        Due::Ping
    }
}
