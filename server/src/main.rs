//! The program: configuration, logging, then MCP on standard input and output.

use bitsperity_mqtt_mcp::config::{Config, Limits, Policy};
use bitsperity_mqtt_mcp::{mcp, tools};

fn main() {
    let started = std::time::Instant::now();
    let config = Config {
        brokers: Default::default(),
        limits: Limits::default(),
        policy: Policy::default(),
        log: log::LevelFilter::Warn,
    };
    mcp::start_executor();
    let state = tools::State::new(config, started);
    if let Err(e) = mcp::serve(state) {
        eprintln!("{e}");
        std::process::exit(1);
    }
}
