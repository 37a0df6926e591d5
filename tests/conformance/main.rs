//! The core against the standard: vectors as data, and scripts with a clock of their own.
//!
//! Also under Miri (components `miri`, `rust-src`), which then takes less of the data and no sources, about fifteen minutes on
//! one core; the tests leak what their packets borrow from, the core itself allocates nothing:
//! `MIRIFLAGS=-Zmiri-ignore-leaks cargo +nightly miri nextest run -p bitsperity-mqtt-core --test conformance`.

mod codec;
mod describe;
mod framer;
mod roundtrip;
mod session;
mod session_random;
mod statements;
mod topics;
mod vectors;
