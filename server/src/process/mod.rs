//! What the whole process has once: the executor, the signals that end it, the time its end may take.

mod executor;
pub(crate) mod shutdown;
pub(crate) mod signals;

pub use executor::start_executor;
