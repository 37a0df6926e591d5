//! Time for those who may not name the executor: the tools and `render` take it from here.

pub use super::sleep;

use std::future::Future;
use std::time::Instant;

/// Now, on the monotonic clock.
pub fn now() -> Instant {
    Instant::now()
}

/// Runs `work` by itself, to its end or to the end of the process.
pub fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    async_std::task::spawn(work);
}
