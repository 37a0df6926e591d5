//! The core against the standard: vectors as data, and scripts with a clock of their own.

mod codec;
mod session;
mod session_random;
