//! What the whole process has once: the clock, the executor, the signals that end it, the time its end may take.

pub mod clock;
mod executor;
pub(crate) mod shutdown;
pub(crate) mod signals;

pub use executor::start_executor;
