//! What several tests need: the program as a child process over raw pipes, the official schemas of MCP, a real broker of
//! one's own, certificates, brokers that misbehave.

pub(crate) mod blackhole;
pub(crate) mod certificates;
#[allow(dead_code)] // each test file uses a part of it
pub(crate) mod client;
pub(crate) mod connection;
pub(crate) mod hostile;
pub(crate) mod mosquitto;
pub(crate) mod peers;
pub(crate) mod pipes;
pub(crate) mod random;
pub(crate) mod schema;
#[allow(dead_code)] // each test file uses a part of it
pub(crate) mod service;

pub(crate) use client::Client;
