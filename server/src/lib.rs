//! The shell around `bitsperity-mqtt-core`: sockets, sessions, MCP on standard input and output.
//!
//! `broker` owns connections (one task each), `protocol` is MCP, `hosts` carries it (pipes, sockets, HTTP), `process` is what
//! the process has once, `tools` is what the assistant may ask, `offer` is that with resources and prompts, `render` makes the JSON of the answers; `offline` is
//! the same reduction on files, without assistant.

pub mod broker;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod hosts;
pub mod log;
pub mod mask;
pub mod offer;
pub mod offline;
pub mod process;
pub mod protocol;
pub mod render;
pub mod serve;
mod text;
pub mod tools;

pub use protocol as mcp;
