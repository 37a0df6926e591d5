//! MQTT 3.1.1 and 5.0 for a client, and the reduction of message streams, without I/O.
//!
//! `no_std`, no allocator, no `unsafe`, no clock, no socket, no randomness: time and random bytes are
//! arguments, memory is the caller's. Read from here: [`packet`] and [`framer`] (bytes to packets),
//! [`session`] (the client's state machine), [`payload`] (one pass over a payload), [`reduce`] (bounded
//! accumulators). Who may import whom, left to right only:
//! `limits, time, number` ← `wire` ← `framer`, `topic` ← `packet` ← `session`; `knowledge` ← `payload` ← `reduce`,
//! which never sees a packet or a session. Every size that somebody else can choose has a name in [`limits`].
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap,
        clippy::unreachable
    )
)]

pub mod framer;
mod knowledge;
pub mod limits;
mod number;
pub mod packet;
pub mod payload;
pub mod reduce;
pub mod session;
pub mod time;
pub mod topic;
mod wire;
