//! What the integration tests share: the program as a child process over raw pipes, and the official schemas.
#![allow(dead_code)] // each test file uses a part of it

pub mod client;
pub mod schema;

pub use client::Client;
