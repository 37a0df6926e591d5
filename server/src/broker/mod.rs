//! Connections to brokers. One task owns a session (the core's state machine), its socket and its listeners; everybody
//! else holds a [`handle::Handle`] and sends commands over a bounded channel.

pub mod collect;
pub mod handle;
pub mod report;
pub mod sessions;
pub mod target;
pub mod transport;
pub mod vault;
