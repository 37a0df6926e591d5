//! The clock, and tasks by themselves, for rooms that may not name the executor.

use std::future::Future;
use std::time::{Duration, Instant};

/// Now, on the monotonic clock.
pub fn now() -> Instant {
    Instant::now()
}

/// Resolves after `duration`.
pub async fn sleep(duration: Duration) {
    async_std::task::sleep(duration).await;
}

/// Runs `work` by itself, to its end or to the end of the process.
pub fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    async_std::task::spawn(work);
}
