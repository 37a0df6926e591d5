//! The core against the standard: vectors as data, and scripts with a clock of their own.

mod codec;
mod describe;
mod framer;
mod roundtrip;
mod session;
mod session_random;
mod statements;
mod topics;
mod vectors;
