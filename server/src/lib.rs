//! The shell around `bitsperity-mqtt-core`: sockets, sessions, MCP on standard input and output.
//!
//! `broker` owns connections (one task each), `protocol` is MCP, `hosts` carries it (pipes, sockets, HTTP), `process` is what
//! the process has once, `tools` is what the assistant may ask, `resources` adds resources, prompts and completion, `render`
//! makes the JSON of the results; `offline` is the same reduction on files, without an assistant. Of the service: `journal` is
//! what happened, `app` what the process holds, `monitor` the page and the interface for people and scripts. `selftest` tries
//! the installed program against a broker. On the ground floor: `text`, and `vault`, which keeps credentials sealed.

pub mod app;
pub mod broker;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod hosts;
pub mod journal;
pub mod log;
pub mod monitor;

pub mod offline;
pub mod process;
pub mod protocol;
pub mod render;
pub mod resources;
pub mod selftest;
pub mod serve;
pub mod text;
pub mod tools;
pub mod vault;
