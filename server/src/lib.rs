//! The shell around `bitsperity-mqtt-core`: sockets, sessions, MCP on standard input and output.
//!
//! `broker` owns connections (one task each), `mcp` owns the wire to the assistant, `tools` is what the
//! assistant may ask, `offer` is that with resources and prompts, `render` makes the JSON of the answers; `offline` is
//! the same reduction on files, without assistant; `selftest` tries the installed program against a broker.

pub mod broker;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod log;
pub mod mask;
pub mod mcp;
pub mod offer;
pub mod offline;
pub mod render;
pub mod selftest;
pub mod tools;
