//! The program: configuration, logging, then MCP on standard input and output.

use bitsperity_mqtt_mcp::broker::sessions::Sessions;
use bitsperity_mqtt_mcp::config::{Config, Limits, Policy};
use bitsperity_mqtt_mcp::{mcp, tools};
use std::sync::Arc;

fn main() {
    let started = std::time::Instant::now();
    let config = Config {
        brokers: Default::default(),
        limits: Limits::default(),
        policy: Policy::default(),
        log: log::LevelFilter::Warn,
    };
    mcp::start_executor();
    let sessions = Sessions::new(&config.limits);
    let state = Arc::new(tools::State {
        config,
        sessions,
        started,
    });
    if let Err(e) = mcp::serve(state) {
        eprintln!("{e}");
        std::process::exit(1);
    }
}
