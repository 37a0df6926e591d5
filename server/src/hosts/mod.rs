//! How an assistant reaches this process: one file a way in. A host knows pipes, sockets and HTTP, and nothing of tools
//! or brokers; it is given what to serve.

pub mod assistants;
pub mod connect;
pub mod health;
pub mod http;
pub mod link;
pub mod place;
pub mod service;
#[cfg(unix)]
pub mod socket;
pub mod stdio;
