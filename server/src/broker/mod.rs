//! Connections to brokers. One task owns a session (the core's state machine), its stream and its listeners; everybody
//! else holds a [`handle::Handle`] and sends commands over a bounded channel.
//!
//! Read in this order: [`handle`] (what others see), `task` (the one loop; `task/link` is a connection's life),
//! `transport` (DNS, TCP, TLS, WebSocket), [`sessions`] (which of them the assistant has open). [`collect`] is where messages
//! meet the reduction, [`report`] what comes of it, [`tap`] hands them on whole, [`watch`] goes on for as long as a session
//! does, [`recorder`] for as long as the process does, [`error`] what goes wrong, in words that a person understands;
//! `shared` is what a task and its handles have in common,
//! `origins` which session belongs to which broker as it was named.
//!
//! Invariant: the task waits for nobody who waits for it, and nothing here shows a credential.

pub mod audit;
pub mod collect;
pub mod decoder;
pub mod error;
pub mod handle;
mod origins;
pub mod recorder;
pub mod report;
mod seats;
pub mod sessions;
mod shared;
pub mod tap;
mod task;
mod transport;
pub mod watch;
