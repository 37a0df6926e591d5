//! Devices that sleep: they run on a battery, come to report, and go.
//!
//! Invariant: who stays awake for long, or whose connection another tells, does not sleep.

use super::device::DeviceSlot;
use super::presence::Connection;
use super::vitals::Vital;
use crate::time::Instant;
use core::time::Duration;

/// As long as a device that sleeps most of the time is there to report, at most; and its messages each time.
const AWAKE: Duration = Duration::from_secs(60);
const REPORTS: u64 = 16;
impl DeviceSlot {
    /// Whether it runs on a battery and wakes only to report: each time it was there it was so for a moment, and now it
    /// is not away much longer than it was before.
    pub(super) fn sleeps(&self, now: Instant) -> bool {
        if self.presence.state() != Connection::Offline || self.reading(Vital::Battery).count == 0 {
            return false;
        }
        let live = self.messages.saturating_sub(self.retained);
        let Some((first, last)) = self.live else {
            // Nothing but what it left behind was heard.
            return self.more_topics == 0;
        };
        let (mut spells, mut pause, mut before) = (0_u64, Duration::ZERO, None);
        for told in self.presence.told() {
            match (before, told.to) {
                (Some((Connection::Online, at, retained)), Connection::Offline) => {
                    if retained || told.at.since(at) > AWAKE {
                        return false;
                    }
                    spells += 1;
                }
                (Some((Connection::Offline, at, false)), Connection::Online) if spells > 0 => {
                    pause = pause.max(told.at.since(at));
                }
                _ => {}
            }
            before = Some((told.to, told.at, told.retained));
        }
        if spells == 0 {
            // It was only heard for a moment, without a word of its being there.
            return live <= REPORTS && last.since(first) <= AWAKE && self.presence.changes() == 0;
        }
        let overdue = pause > Duration::ZERO && now.since(last) > pause.saturating_mul(2);
        live <= spells.saturating_mul(REPORTS) && !overdue
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{by_id, causes, event, of, retained};
    use crate::time::Instant;

    #[test]
    fn who_comes_to_report_and_goes_is_not_offline() {
        let report = |at: f64| {
            [
                event(at, "attic/button/online", "true"),
                event(at + 0.1, "attic/button/battery", "81"),
                event(at + 0.2, "attic/button/clicks", "4"),
                event(at + 4.0, "attic/button/online", "false"),
            ]
        };
        let at = |seconds: u64| Instant::from_micros(seconds * 1_000_000);
        let mut events: std::vec::Vec<_> = report(10.0).into_iter().chain(report(70.0)).collect();
        let table = of(&events);
        let none: [&str; 0] = [];
        assert_eq!(causes(&by_id(&table, "attic/button"), at(90)), none);
        // Beyond twice its longest pause it should have come again.
        assert!(causes(&by_id(&table, "attic/button"), at(300)).contains(&"offline"));
        // Without a battery it is offline.
        events.retain(|event| !event.topic.ends_with("battery"));
        let table = of(&events);
        assert!(causes(&by_id(&table, "attic/button"), at(90)).contains(&"offline"));
        let left = [
            retained("attic/button/online", "false"),
            retained("attic/button/battery", "81"),
        ];
        assert_eq!(causes(&by_id(&of(&left), "attic/button"), at(90)), none);
        let left = [
            retained("shellies/shellyflood-77/online", "false"),
            retained("shellies/shellyflood-77/sensor/battery", "81"),
        ];
        let table = of(&left);
        let flood = by_id(&table, "shellies/shellyflood-77");
        assert_eq!(causes(&flood, at(90)), none);
    }

    extern crate std;
}
