//! Connections to brokers. One task owns a session (the core's state machine), its socket and its listeners; everybody
//! else holds a [`handle::Handle`] and sends commands over a bounded channel.

pub mod collect;
pub mod error;
pub mod handle;
pub mod report;
pub mod sessions;
mod shared;
pub mod target;
mod task;
mod transport;
pub mod vault;
