//! Keep Alive (3.1.2.10, 3.12, 3.13): PINGREQ after silence, and how long PINGRESP may take.
//!
//! PINGREQ goes out when nothing was sent for the interval `[MQTT-3.1.2-20]` v5, `[MQTT-3.1.2-23]` v3.1.1, or nothing
//! came for it, so that a half-open connection is found even by a client that only publishes. While somebody waits for
//! what the broker sends, silence is asked about after [`ATTENTIVE`] already. Then any byte from the broker is a
//! sign of life; silence for half as long again is the end.

use crate::time::Instant;
use core::time::Duration;

/// Microseconds of silence before a PINGREQ while somebody listens: what is lost on a dead line is known 15 s after the
/// last byte, and two packets every 10 s are no burden even for a metered link.
const ATTENTIVE: u64 = 10_000_000;

/// Microseconds that a PINGRESP may take at least: a round trip by satellite with two retransmissions of TCP.
const LEAST_PATIENCE: u64 = 2_000_000;

/// Microseconds after which a PINGRESP is overdue, so that nobody knows whether the line is dead.
const OVERDUE: u64 = 1_000_000;

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
    /// Somebody waits for what the broker sends.
    attentive: bool,
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
            attentive: false,
            measured: false,
        }
    }

    /// A new connection.
    pub(super) const fn restart(&mut self, now: Instant) {
        let attentive = self.attentive;
        *self = Self::new(now);
        self.attentive = attentive;
    }

    pub(super) const fn set_attentive(&mut self, attentive: bool) {
        self.attentive = attentive;
    }

    /// Silence before a PINGREQ; zero: none is sent.
    const fn silence(&self) -> u64 {
        if self.attentive && (self.interval == 0 || self.interval > ATTENTIVE) {
            ATTENTIVE
        } else {
            self.interval
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
        let silence = self.silence();
        if silence == 0 {
            return None;
        }
        Some(match self.ping {
            Ping::Idle => {
                let heard = self.received.after_micros(silence);
                match self.interval {
                    0 => heard,
                    interval => heard.min(self.sent.after_micros(interval)),
                }
            }
            Ping::Queued(since) | Ping::Sent(since) => {
                let patience = (silence / 2).max(LEAST_PATIENCE);
                since.max(self.received).after_micros(patience)
            }
        })
    }

    /// Nothing has come since a PINGREQ that would have been answered by now on a line that lives.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        let (Ping::Queued(since) | Ping::Sent(since)) = self.ping else {
            return false;
        };
        self.received <= since && now >= since.after_micros(OVERDUE)
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
