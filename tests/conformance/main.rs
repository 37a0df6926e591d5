//! The core against the standard: vectors as data, and scripts with a clock of their own.
//!
//! Also under Miri, which then takes less of the data and no sources:
//! `cargo +nightly miri nextest run -p bitsperity-mqtt-core --test conformance` (components `miri`, `rust-src`).

mod codec;
mod describe;
mod framer;
mod roundtrip;
mod session;
mod session_random;
mod statements;
mod topics;
mod vectors;
