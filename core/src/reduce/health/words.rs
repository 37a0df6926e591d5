//! Findings in words: what was seen, with its numbers, and what to check next.

use super::clock::{NEVER_SET, Off};
use super::evidence::Standing;
use super::judge::Cause;
use super::vitals::Vital;
use core::fmt::{Display, Formatter, Result};
use core::time::Duration;

impl Display for Cause<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match *self {
            Self::Offline {
                lasting,
                retained,
                ghosts,
            } => {
                if retained {
                    f.write_str(
                        "offline since before listening began (the retained state says so)",
                    )?;
                } else {
                    write!(f, "offline for {}", Span(lasting))?;
                }
                match ghosts {
                    0 => Ok(()),
                    _ => write!(f, ", although {ghosts} live messages came since"),
                }
            }
            Self::GatewayOffline { gateway } => {
                write!(f, "{gateway}, which it is reached through, is offline")
            }
            Self::Alert => f.write_str("reports the state alert: it needs a person"),
            Self::Flapping { changes, drops } => {
                write!(
                    f,
                    "connection comes and goes: {drops} times offline, {changes} changes"
                )
            }
            Self::Dropped { drops: 1 } => f.write_str("connection was lost once"),
            Self::Dropped { drops } => write!(f, "connection was lost {drops} times"),
            Self::Announced { count, ago } => write!(
                f,
                "announced itself {count} times again without having left, the last {} ago",
                Span(ago)
            ),
            Self::Silent { silence, limit } => write!(
                f,
                "silent for {}; by its own rhythm {} is the most",
                Span(silence),
                Span(limit)
            ),
            Self::Gaps { count, longest } => write!(
                f,
                "silent beyond its own rhythm {count} times, for up to {}",
                Span(longest.length())
            ),
            Self::PartSilent {
                topic,
                silence,
                period,
            } => write!(
                f,
                "{topic} is silent for {}, usually every {}, while its twins go on",
                Span(silence),
                Span(period)
            ),
            Self::Stopped(channel) => write!(
                f,
                "{} fell to nothing for {} messages while its twins go on",
                channel.name(),
                channel.run
            ),
            Self::Errors {
                count,
                standing: Standing::Over { within, ago },
                ..
            } => write!(
                f,
                "{count} errors within {}, the last {} ago: it is well again",
                Span(within),
                Span(ago)
            ),
            Self::Errors { count, of, .. } => write!(f, "{count} of {of} messages tell of errors"),
            Self::Warnings { count, of } => write!(f, "{count} of {of} messages tell of warnings"),
            Self::Restarts { count, ago } => {
                let times = if count == 1 {
                    "once"
                } else {
                    "again and again"
                };
                write!(f, "restarted {times} ({count}), last {} ago", Span(ago))
            }
            Self::Battery {
                percent: Some(percent),
            } => write!(f, "battery at {percent} %"),
            Self::Battery { percent: None } => f.write_str("says that its battery is low"),
            Self::WeakLink { vital, best } => {
                let (what, unit) = match vital {
                    Vital::LinkQuality => ("link quality", "of 255"),
                    Vital::WifiRssi => ("Wi-Fi signal", "dBm"),
                    _ => ("signal", "%"),
                };
                write!(f, "weak link: {what} at best {best} {unit}")
            }
            Self::Frozen(channel) => write!(
                f,
                "{} stands still at {} for {} messages, after {} changes in {}",
                channel.name(),
                channel.last,
                channel.run,
                channel.changes,
                channel.count.saturating_sub(channel.run)
            ),
            Self::Jumps(channel, jump) => {
                let again = if channel.jumps > 1 {
                    ", not only once"
                } else {
                    ""
                };
                write!(
                    f,
                    "{} jumped from {} to {}{again}; its range was {} to {}",
                    channel.name(),
                    jump.from,
                    jump.to,
                    jump.low,
                    jump.high
                )
            }
            Self::Drifts(channel) => {
                let [low, high, _] = channel.base;
                let (name, last) = (channel.name(), channel.last);
                write!(
                    f,
                    "{name} left its range of {low} to {high} bit by bit and is {last}, while others of its name stay"
                )
            }
            Self::NoReading(_)
            | Self::BadQuality(_)
            | Self::Growing(_)
            | Self::Fell(..)
            | Self::NotOk { .. }
            | Self::Retyped { .. } => self.of_value(f),
            Self::Clock(off) => clock(f, off),
            Self::OldTime { age } => write!(
                f,
                "its messages come now and tell of {} ago: it repeats what is old",
                Span(Duration::from_secs_f64(age))
            ),
            Self::TimeStands { lasting } => write!(
                f,
                "its messages tell of the same time for {}: its clock stands, or it repeats what is old",
                Span(lasting)
            ),
            Self::Twice { count, topic } => {
                write!(f, "messages on {topic} came twice at once, {count} times")
            }
            Self::Unfollowed { count, asked, says } => {
                let commands = match count {
                    1 => "a command was",
                    _ => "commands, one after the other, were",
                };
                write!(
                    f,
                    "{commands} not followed ({count}): asked for {asked}, it still says {says}"
                )
            }
            Self::Alarm {
                class,
                topic,
                word,
                lasting,
            } => write!(
                f,
                "{class}: {topic} says {word} for {}, an alarm by its description",
                Span(lasting)
            ),
            Self::Lost { gaps, of } => {
                write!(f, "sequence numbers missing {gaps} times in {of} messages")
            }
            Self::Unborn { count } => write!(
                f,
                "{count} messages of values without a birth that names them, since its node was born"
            ),
        }
    }
}

impl Cause<'_> {
    /// What to check next.
    pub const fn check(&self) -> &'static str {
        match self {
            Self::Offline { ghosts: 1.., .. } => {
                "whether its availability topic holds an old state: it speaks, so the state may be stale"
            }
            Self::Offline { .. } => {
                "power and network of the device, then why it does not reconnect"
            }
            Self::GatewayOffline { .. } => "the gateway first: what is behind it cannot be reached",
            Self::Alert => "the device's own messages for what it asks for",
            Self::Flapping { .. } => {
                "signal at its place, power supply, and whether two clients share one client id"
            }
            Self::Dropped { .. } => {
                "whether it was restarted on purpose; else network and keep alive"
            }
            Self::Announced { .. } => {
                "whether it restarts, or two clients share one client id and throw each other out"
            }
            Self::Silent { .. } => {
                "whether it hangs: it was not reported offline; try a command or a power cycle"
            }
            Self::Gaps { .. } => {
                "network between device and broker at the time of the gap; QoS 0 loses messages"
            }
            Self::PartSilent { .. } | Self::Stopped(_) => {
                "what stands behind this one: its twins have the same source of power and network"
            }
            Self::Errors { .. } => "the error patterns below, most frequent first",
            Self::Warnings { .. } => "the warning patterns below",
            Self::Restarts { .. } => {
                "power supply and the reason of the restart; firmware if it goes on"
            }
            Self::Battery { .. } => "replace or charge the battery",
            Self::WeakLink { .. } => {
                "distance to the next router or access point, obstacles, channel"
            }
            Self::Frozen(_) => "whether the sensor is stuck or the device repeats an old value",
            Self::Jumps(..) => "sensor and wiring; compare with a neighbouring sensor",
            Self::Drifts(_) => "what it measures, now; then the sensor",
            Self::NoReading(_) => {
                "sensor, wiring and its settings: the device runs, the sensor does not answer"
            }
            Self::BadQuality(_) => {
                "the connection between this value's source and what publishes it"
            }
            Self::Growing(_) => "cables, interference and load of what is counted",
            Self::Fell(..) => "who reads totals from it: a zero that was no reading spoils sums",
            Self::NotOk { .. } => "the maker's manual for this word",
            Self::Retyped { .. } => {
                "a change of firmware or settings; who reads this value may no longer do so"
            }
            Self::OldTime { .. } | Self::TimeStands { .. } => {
                "what stands between the device and the broker: a store that is replayed, or a source that stopped"
            }
            Self::Twice { .. } => "two bridges, or two clients, that publish the same",
            Self::Unfollowed { .. } => {
                "whether the command's topic and words are those that the device understands, then the device"
            }
            Self::Alarm { .. } => "the place of the sensor, now",
            Self::Clock(_) => "time server and time zone of the device",
            Self::Lost { .. } => "QoS and buffers between the edge node and the broker",
            Self::Unborn { .. } => {
                "whether the node forgot its birth: ask it for one (Node Control/Rebirth)"
            }
        }
    }
}

fn clock(f: &mut Formatter<'_>, off: Off) -> Result {
    if off.behind > NEVER_SET {
        return f.write_str("its clock was never set (its times are years behind)");
    }
    let way = |seconds: f64| if seconds > 0.0 { "behind" } else { "ahead" };
    let long = |seconds: f64| Span(Duration::from_secs_f64(seconds.abs()));
    write!(f, "its clock is {} {}", long(off.behind), way(off.behind))?;
    match (off.local, off.witnesses) {
        (Some(local), _) => write!(
            f,
            ", or {} {} if it tells a local time",
            long(local),
            way(local)
        ),
        (None, 0) => Ok(()),
        (None, witnesses) => write!(
            f,
            "; {witnesses} others of its kind agree with this machine"
        ),
    }
}

/// A time as a person would say it: `45 s`, `12 min`, `3.5 h`.
pub(super) struct Span(pub(super) Duration);

impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let seconds = self.0.as_secs_f64();
        match seconds {
            ..9.95 => write!(f, "{seconds:.1} s"),
            ..120.0 => write!(f, "{seconds:.0} s"),
            ..7_200.0 => write!(f, "{:.0} min", seconds / 60.0),
            ..172_800.0 => write!(f, "{:.1} h", seconds / 3_600.0),
            _ => write!(f, "{:.0} days", seconds / 86_400.0),
        }
    }
}
