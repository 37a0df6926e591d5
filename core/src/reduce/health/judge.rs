//! What is a fault and how much it weighs: a score from 100 down, every deduction with its cause.
//!
//! Invariant: no cause without evidence; one fault is deducted once (who is offline is not silent as well).

use super::channel::{ChannelSlot, Jump};
use super::clock::Off;
use super::evidence::{Standing, is_cut_off};
use super::marks::Retyped;
use super::presence::Connection;
use super::readings::BATTERY_EMPTY;
use super::view::Device;
use super::vitals::Vital;
use crate::reduce::stats::Gap;
use crate::time::Instant;
use core::time::Duration;
use heapless::Vec;

/// Findings of one device at most; there are fewer kinds, and at most three each of standing still and jumping.
pub const MAX_FINDINGS: usize = 32;

/// Numbers told one by one of those of which the same is to be said.
pub(super) const CHANNELS: usize = 3;

/// Points for one more number of which the same is to be said.
const AGAIN: u8 = 5;

/// Why points were deducted.
#[derive(Clone, Copy, Debug)]
pub enum Cause<'h> {
    /// It is offline.
    Offline {
        /// Since it was told.
        lasting: Duration,
        /// That was told by a retained message: it is longer than that.
        retained: bool,
        /// Live messages since then: the state or the device is wrong.
        ghosts: u32,
    },
    /// What it is reached through is offline.
    GatewayOffline {
        /// Its id.
        gateway: &'h str,
    },
    /// It says that it needs a person.
    Alert,
    /// Its connection comes and goes.
    Flapping {
        /// Changes of the connection.
        changes: u32,
        /// Of these, to offline.
        drops: u32,
    },
    /// Its connection was lost, and is back.
    Dropped {
        /// How often.
        drops: u32,
    },
    /// It announced itself, again and again, without having left.
    Announced {
        /// How often.
        count: u32,
        /// Since the latest.
        ago: Duration,
    },
    /// It is silent beyond its own rhythm.
    Silent {
        /// How long.
        silence: Duration,
        /// Beyond this, by what it has taught.
        limit: Duration,
    },
    /// It was silent beyond its own rhythm, and came back.
    Gaps {
        /// How often.
        count: u32,
        /// The longest.
        longest: Gap,
    },
    /// One of its topics is silent while its twins go on.
    PartSilent {
        /// Which.
        topic: &'h str,
        /// How long.
        silence: Duration,
        /// Usually between two messages.
        period: Duration,
    },
    /// A rate fell to nothing while its twins go on.
    Stopped(&'h ChannelSlot),
    /// It told of errors.
    Errors {
        /// Messages.
        count: u64,
        /// Of so many.
        of: u64,
        /// Whether they stand.
        standing: Standing,
    },
    /// It told of warnings, again and again.
    Warnings {
        /// Messages.
        count: u64,
        /// Of so many.
        of: u64,
    },
    /// It started anew.
    Restarts {
        /// How often.
        count: u32,
        /// Since the latest.
        ago: Duration,
    },
    /// Its battery is nearly empty.
    Battery {
        /// None: it only says that it is low.
        percent: Option<f64>,
    },
    /// Its link is weak even at its best.
    WeakLink {
        /// What was read.
        vital: Vital,
        /// The best reading.
        best: f64,
    },
    /// A number stands still that used to move.
    Frozen(&'h ChannelSlot),
    /// A number left its own range at once.
    Jumps(&'h ChannelSlot, Jump),
    /// A number left its own range bit by bit.
    Drifts(&'h ChannelSlot),
    /// A value has no reading, or had none.
    NoReading(&'h ChannelSlot),
    /// The quality of a value is not good, or was not.
    BadQuality(&'h ChannelSlot),
    /// A count of failures grows.
    Growing(&'h ChannelSlot),
    /// A total fell, and came back or begins anew.
    Fell(&'h ChannelSlot, Jump),
    /// A state that says OK otherwise says something else.
    NotOk {
        /// Where.
        channel: &'h ChannelSlot,
        /// What it says.
        word: &'h str,
        /// Devices of the same kind that say that all is well; zero: it said so itself before.
        siblings: u32,
    },
    /// A value became of another type or unit.
    Retyped {
        /// Where, when and which.
        what: &'h Retyped,
        /// On this topic.
        topic: &'h str,
    },
    /// Its clock is wrong.
    Clock(Off),
    /// Its messages tell of times that are a day old or more, and do not go on.
    OldTime {
        /// Seconds.
        age: f64,
    },
    /// Its messages tell of the same time again and again.
    TimeStands {
        /// Since then.
        lasting: Duration,
    },
    /// Every message comes twice.
    Twice {
        /// How often.
        count: u32,
        /// On this topic.
        topic: &'h str,
    },
    /// What it was asked for did not come to be.
    Unfollowed {
        /// Commands.
        count: u32,
        /// What the latest asked for.
        asked: &'h str,
        /// What it says since.
        says: &'h str,
    },
    /// A sensor says what its description calls an alarm.
    Alarm {
        /// Of which kind.
        class: &'static str,
        /// On this topic.
        topic: &'h str,
        /// In this word.
        word: &'h str,
        /// Since then.
        lasting: Duration,
    },
    /// Sparkplug B: numbers of messages are missing.
    Lost {
        /// How often.
        gaps: u32,
        /// Of so many messages.
        of: u32,
    },
    /// Sparkplug B: it tells values without a birth that tells their names.
    Unborn {
        /// Messages since the birth of its node.
        count: u32,
    },
}

impl Cause<'_> {
    /// A stable word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Offline { .. } => "offline",
            Self::GatewayOffline { .. } => "gateway_offline",
            Self::Alert => "alert",
            Self::Flapping { .. } => "flapping",
            Self::Dropped { .. } => "connection_lost",
            Self::Announced { .. } => "announced_again",
            Self::Silent { .. } => "silent",
            Self::Gaps { .. } => "gaps",
            Self::PartSilent { .. } => "part_silent",
            Self::Stopped(_) => "rate_stopped",
            Self::Errors { .. } => "errors",
            Self::Warnings { .. } => "warnings",
            Self::Restarts { .. } => "restarts",
            Self::Battery { .. } => "battery_low",
            Self::WeakLink { .. } => "weak_link",
            Self::Frozen(_) => "frozen_value",
            Self::Jumps(..) => "value_jump",
            Self::Drifts(_) => "value_drifts",
            Self::NoReading(_) => "no_reading",
            Self::BadQuality(_) => "bad_quality",
            Self::Growing(_) => "failures_grow",
            Self::Fell(..) => "total_fell",
            Self::NotOk { .. } => "not_ok",
            Self::Retyped { .. } => "type_changed",
            Self::Clock(_) => "clock_off",
            Self::OldTime { .. } => "old_time",
            Self::TimeStands { .. } => "time_stands",
            Self::Twice { .. } => "messages_twice",
            Self::Unfollowed { .. } => "command_ignored",
            Self::Alarm { .. } => "alarm",
            Self::Lost { .. } => "messages_lost",
            Self::Unborn { .. } => "no_birth",
        }
    }

    /// Points of 100.
    fn points(&self) -> u8 {
        match *self {
            Self::Offline { ghosts, .. } if ghosts >= 3 => 30,
            Self::Offline { .. } => 60,
            Self::GatewayOffline { .. } => 50,
            Self::Flapping { .. } => 35,
            Self::Alert | Self::Silent { .. } => 30,
            Self::Dropped { drops } => {
                if drops > 1 {
                    20
                } else {
                    10
                }
            }
            Self::Announced { .. } => 25,
            Self::Restarts { count, .. } => match count {
                0 | 1 => 15,
                2 => 25,
                _ => 35,
            },
            Self::Errors {
                standing: Standing::Over { .. },
                ..
            } => 10,
            Self::Errors {
                count,
                of,
                standing,
            } => match count.saturating_mul(100) / of.max(1) {
                50.. => 35,
                10..50 => 25,
                _ if standing == Standing::Stands => 25,
                2..10 => 15,
                _ => 10,
            },
            Self::Battery { percent } => match percent {
                Some(percent) if percent <= BATTERY_EMPTY => 20,
                Some(_) => 10,
                None => 15,
            },
            Self::Frozen(_) | Self::PartSilent { .. } | Self::Stopped(_) => 15,
            Self::NoReading(channel) if channel.marks.none.last > 0 => 15,
            Self::BadQuality(channel) if channel.marks.bad.last > 0 => 20,
            Self::NotOk { channel, .. } if channel.marks.is_only_other() => 10,
            Self::NotOk { channel, .. } if channel.marks.odd.last > 0 => 20,
            // It is over.
            Self::NoReading(_) | Self::BadQuality(_) | Self::NotOk { .. } => 5,
            Self::Growing(_) | Self::Drifts(_) | Self::Fell(..) | Self::Retyped { .. } => 10,
            Self::WeakLink { .. } | Self::Jumps(..) | Self::Gaps { .. } | Self::Lost { .. } => 10,
            Self::Clock(_) | Self::Warnings { .. } | Self::Twice { .. } => 5,
            Self::OldTime { .. } | Self::TimeStands { .. } | Self::Unborn { .. } => 10,
            Self::Unfollowed { .. } => 15,
            Self::Alarm { .. } => 35,
        }
    }
}

/// A deduction.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'h> {
    /// Points of 100.
    pub points: u8,
    /// Why.
    pub cause: Cause<'h>,
}

impl<'h, B: AsMut<[u8]> + AsRef<[u8]>> Device<'h, B> {
    /// Everything that is wrong at `now`, the weightiest first.
    pub fn findings(&self, now: Instant) -> Vec<Finding<'h>, MAX_FINDINGS> {
        let mut found = Vec::new();
        let mut tell = |cause: Cause<'h>| {
            let again = found
                .iter()
                .any(|known: &Finding<'_>| known.cause.name() == cause.name());
            let points = if again { AGAIN } else { cause.points() };
            let _ = found.push(Finding { points, cause });
        };
        let now = self.paused.map_or(now, |paused| paused.min(now));
        self.connection(now, &mut tell);
        self.timing(now, &mut tell);
        self.told(now, &mut tell);
        self.readings(&mut tell);
        self.numbers(&mut tell);
        self.values(&mut tell);
        self.deeds(now, &mut tell);
        if let (0, Some((count, ago))) = (self.slot.uptime.restarts(), self.restarts_alone(now)) {
            tell(Cause::Restarts { count, ago });
        }
        self.twins(now, &mut tell);
        self.sequence(&mut tell);
        // Stable by insertion: equals stay in the order above.
        for n in 1..found.len() {
            let mut at = n;
            while at > 0 && points(&found, at) > points(&found, at - 1) {
                found.swap(at, at - 1);
                at -= 1;
            }
        }
        found
    }

    fn connection(&self, now: Instant, tell: &mut impl FnMut(Cause<'h>)) {
        let presence = &self.slot.presence;
        if self.gateway.is_none() && self.slot.sleeps(now) {
            return;
        }
        let state = presence.state();
        match (state, presence.latest()) {
            (Connection::Offline, _) if presence.is_vague() && !self.is_silent(now) => {}
            (Connection::Offline, Some(told)) => tell(Cause::Offline {
                lasting: now.since(told.at),
                retained: told.retained,
                ghosts: self.slot.ghosts,
            }),
            (Connection::Alert, _) => tell(Cause::Alert),
            _ => {}
        }
        let (changes, drops) = (presence.changes(), presence.drops());
        // That it is offline now is told already.
        let earlier = drops.saturating_sub(u32::from(state == Connection::Offline));
        if drops >= 3 {
            tell(Cause::Flapping { changes, drops });
        } else if earlier > 0 {
            tell(Cause::Dropped { drops: earlier });
        }
        if let (Some(slot), Some(gateway)) = (self.gateway, self.gateway())
            && state != Connection::Offline
            && is_cut_off(self.slot, slot)
        {
            tell(Cause::GatewayOffline { gateway });
        }
    }

    fn timing(&self, now: Instant, tell: &mut impl FnMut(Cause<'h>)) {
        let slot = self.slot;
        let cut_off = self
            .gateway
            .is_some_and(|gateway| is_cut_off(slot, gateway));
        let limit = slot.limit().or_else(|| self.family_limit());
        let silence = limit.and_then(|limit| slot.silent_beyond(limit, now));
        if let (Some(silence), Some(limit), false) = (silence, limit, cut_off) {
            tell(Cause::Silent { silence, limit });
        }
        if let (1.., Some(longest)) = (slot.gaps, slot.longest_gap) {
            tell(Cause::Gaps {
                count: slot.gaps,
                longest,
            });
        }
        let count = slot.uptime.restarts();
        if count > 0 {
            tell(Cause::Restarts {
                count,
                ago: now.since(slot.uptime.latest_restart),
            });
        } else if let Some(count) = self.announced() {
            let ago = now.since(slot.presence.again_at);
            tell(Cause::Announced { count, ago });
        }
        if let Some(off) = self.clock_off().filter(Off::is_wrong) {
            tell(Cause::Clock(off));
        } else if let Some(age) = slot.clock.stale() {
            tell(Cause::OldTime { age });
        } else if let Some(lasting) = slot.live.and_then(|(_, last)| slot.clock.stands(last)) {
            tell(Cause::TimeStands { lasting });
        }
    }

    fn numbers(&self, tell: &mut impl FnMut(Cause<'h>)) {
        // Who is silent does not stand still.
        for channel in self
            .channels()
            .filter(|channel| channel.is_frozen() || self.stands_alone(channel))
            .take(CHANNELS)
        {
            tell(Cause::Frozen(channel));
        }
        let jumps = self
            .channels()
            .filter(|channel| self.jumped(channel))
            .filter_map(|channel| Some((channel, channel.jump?)));
        for (channel, jump) in jumps.take(CHANNELS) {
            tell(Cause::Jumps(channel, jump));
        }
    }
}

/// 100 less all deductions, at least zero.
pub fn score(findings: &[Finding<'_>]) -> u8 {
    let points = findings.iter().map(|finding| finding.points);
    points.fold(100, u8::saturating_sub)
}

fn points(found: &[Finding<'_>], n: usize) -> u8 {
    found.get(n).map_or(0, |finding| finding.points)
}
