//! The clock of a connection: microseconds since its task began, as the core counts, beside wall time; and an alarm
//! that is set anew only when it must ring earlier.

use bitsperity_mqtt_core::time::Instant;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

/// Reads the clock; copies agree.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    origin: std::time::Instant,
    wall: SystemTime,
    wall_us: u64,
}

impl Clock {
    pub(super) fn start() -> Self {
        let wall = SystemTime::now();
        let since_1970 = wall
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            origin: std::time::Instant::now(),
            wall,
            wall_us: u64::try_from(since_1970.as_micros()).unwrap_or(0),
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.at(std::time::Instant::now())
    }

    pub(super) fn at(&self, instant: std::time::Instant) -> Instant {
        let passed = instant.saturating_duration_since(self.origin).as_micros();
        Instant::from_micros(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// Microseconds since 1970.
    pub(super) fn wall_us(&self, at: Instant) -> u64 {
        self.wall_us + at.as_micros()
    }

    pub(super) fn wall(&self, at: Instant) -> SystemTime {
        self.wall + at.since(Instant::ZERO)
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
