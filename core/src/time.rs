//! A point in time as the caller counts it: microseconds since an origin of the caller's choice.
//! The core never reads a clock; a test moves this one by hand.

use core::time::Duration;

/// Microseconds since the caller's origin; never goes back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Instant(u64);

impl Instant {
    /// The caller's origin.
    pub const ZERO: Self = Self(0);

    /// The point `micros` microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time passed since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// This point moved forward by `duration`, at most to the end of representable time.
    pub fn after(self, duration: Duration) -> Self {
        self.after_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }

    /// As [`Instant::after`], by so many microseconds.
    pub(crate) const fn after_micros(self, micros: u64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}
