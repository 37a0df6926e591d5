//! The clock of a connection: microseconds since its task began, as the core counts, beside wall time; and an alarm
//! that is set anew only when it must ring earlier.

use bitsperity_mqtt_core::time::Instant;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

/// A wall clock that is away from where it should be by so much was set, or the machine slept; by less it is only
/// disciplined, or this task was not scheduled between two readings.
const STEP: Duration = Duration::from_secs(1);

/// Reads the clock. The wall clock is taken to go on as it was last read: see [`Clock::follow`].
#[derive(Clone, Copy)]
pub(super) struct Clock {
    origin: std::time::Instant,
    /// What the wall clock showed, or would have shown as it is set now, at `origin`.
    wall: SystemTime,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            origin: std::time::Instant::now(),
            wall: SystemTime::now(),
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.at(std::time::Instant::now())
    }

    pub(super) fn at(&self, instant: std::time::Instant) -> Instant {
        let passed = instant.saturating_duration_since(self.origin).as_micros();
        Instant::from_micros(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// Compares what the wall clock shows `now` with what it should show. If it was set, goes by it from here on and
    /// tells by how many microseconds; negative: back.
    pub(super) fn follow(&mut self, now: Instant, shows: SystemTime) -> Option<i64> {
        let (step, forward) = match shows.duration_since(self.wall(now)) {
            Ok(step) => (step, true),
            Err(back) => (back.duration(), false),
        };
        if step < STEP {
            return None;
        }
        self.wall = shows.checked_sub(now.since(Instant::ZERO))?;
        let micros = i64::try_from(step.as_micros()).unwrap_or(i64::MAX);
        Some(if forward { micros } else { -micros })
    }

    /// Microseconds since 1970; zero before.
    pub(super) fn wall_us(&self, at: Instant) -> u64 {
        let since_1970 = self.wall(at).duration_since(SystemTime::UNIX_EPOCH);
        u64::try_from(since_1970.unwrap_or_default().as_micros()).unwrap_or(0)
    }

    pub(super) fn wall(&self, at: Instant) -> SystemTime {
        let passed = at.since(Instant::ZERO);
        self.wall.checked_add(passed).unwrap_or(self.wall)
    }
}

type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One timer for everything that a task waits for. Deadlines mostly move away (every packet moves keep alive), so a
/// timer that rings too early is let ring and set anew then, which is cheaper than moving it each time.
#[derive(Default)]
pub(super) struct Alarm {
    set: Option<(Instant, Timer)>,
}

impl Alarm {
    /// Ready once `deadline` (or something earlier that was waited for before) has come.
    pub(super) fn poll(
        &mut self,
        clock: Clock,
        deadline: Option<Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(deadline) = deadline else {
            return Poll::Pending;
        };
        let (_, timer) = match &mut self.set {
            Some(set) if set.0 <= deadline => set,
            set => {
                // The timer counts from now; a millisecond less than nothing would ring for ever.
                let left = deadline.since(clock.now()).max(Duration::from_micros(1));
                set.insert((deadline, Box::pin(async_std::task::sleep(left))))
            }
        };
        let rung = timer.as_mut().poll(cx);
        if rung.is_ready() {
            self.set = None;
        }
        rung
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_is_set_is_followed_and_told() {
        let second = Duration::from_secs(1);
        let mut clock = Clock::start();
        let wall = clock.wall(Instant::ZERO);
        let at = |seconds: u64| Instant::from_micros(seconds * 1_000_000);
        assert_eq!(clock.follow(at(10), wall + 10 * second), None);
        let late = Duration::from_millis(10_900);
        assert_eq!(clock.follow(at(10), wall + late), None, "jitter");
        // A laptop slept for a day.
        let day = 86_400 * second;
        let step = clock.follow(at(20), wall + 20 * second + day);
        assert_eq!(step, Some(86_400_000_000));
        assert_eq!(clock.wall(at(30)), wall + 30 * second + day);
        assert_eq!(clock.follow(at(30), wall + 30 * second + day), None);
        // It is set back, as far as before 1970.
        let step = clock.follow(at(40), SystemTime::UNIX_EPOCH - day);
        assert!(step.is_some_and(|micros| micros < 0), "{step:?}");
        assert_eq!(clock.wall(at(40)), SystemTime::UNIX_EPOCH - day);
        assert_eq!(clock.wall_us(at(50)), 0);
    }
}
