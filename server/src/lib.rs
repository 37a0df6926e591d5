//! The shell around `bitsperity-mqtt-core`: sockets, sessions, MCP on standard input and output.
//!
//! `broker` owns connections (one task each), `protocol` is MCP, `hosts` carries it (pipes, sockets, HTTP), `process` is what
//! the process has once, `tools` is what the assistant may ask, `offer` is that with resources and prompts, `render` makes
//! the JSON of the answers; `offline` is the same reduction on files, without assistant. Of the service: `journal` is what
//! happened, `app` what the process holds, `monitor` the page and the interface for people and scripts.

pub mod app;
pub mod broker;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod hosts;
pub mod journal;
pub mod log;
pub mod mask;
pub mod monitor;
pub mod offer;
pub mod offline;
pub mod process;
pub mod protocol;
pub mod render;
pub mod serve;
mod text;
pub mod tools;

pub use protocol as mcp;
