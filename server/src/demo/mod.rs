//! `demo`: what this server does, seen in twenty seconds on any machine. An embedded broker ([`broker`]) on loopback,
//! a simulated household ([`household`]) that talks over it, and this very executable as a child process, with which
//! an assistant's session through every tool is played ([`play`]) and printed ([`view`], [`paint`]).
//!
//! `demo --hold` keeps the household running for an assistant of one's own, on port 18883 or another; `--page` shows it on
//! the page. All of this is in the binary only with the cargo feature `demo`.
#![allow(clippy::print_stdout)] // the demo's output is its purpose; it is not the server's process

mod broker;
mod household;
mod link;
mod paint;
mod play;
mod view;

use crate::config::{self, Environment, Given};
use crate::hosts::http::token;
use crate::serve::{self, ServeArgs};
use paint::{Painter, Style};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Instant;

/// Where `--hold` keeps the household if nobody else is there.
pub const HOLD_PORT: u16 = 18_883;

/// What can be asked of the demo.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct DemoArgs {
    /// Keep the simulated household running on mqtt://127.0.0.1:18883 until Ctrl-C, for an assistant of your own
    #[arg(long)]
    pub hold: bool,
    /// Keep it at this port of 127.0.0.1 [default: 18883, or a free one where that is taken]
    #[arg(long, requires = "hold")]
    pub port: Option<u16>,
    /// Show it on a page, at 127.0.0.1:8090 or the next free port
    #[arg(long, requires = "hold")]
    pub page: bool,
}

/// Runs the demo. Fails if anything that an assistant would do did not work.
pub fn run(args: DemoArgs) -> ExitCode {
    let mut painter = Painter::new();
    let outcome = if args.hold {
        hold(args, &mut painter)
    } else {
        perform(&mut painter)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            painter.whole(Style::Red, &format!("  ✗ {error}"));
            ExitCode::FAILURE
        }
    }
}

fn household(port: u16) -> Result<SocketAddr, String> {
    let address = broker::start(port).map_err(|error| error.to_string())?;
    async_std::task::block_on(household::start(address))
        .map_err(|error| format!("the household did not start: {error}"))?;
    Ok(address)
}

fn perform(painter: &mut Painter) -> Result<(), String> {
    let address = household(0)?;
    painter.sentence(
        Style::Plain,
        "",
        &format!(
            "A broker at mqtt://{address}, {} simulated devices, and an assistant's session of about twenty seconds:",
            household::DEVICES
        ),
    );
    play::play(address, painter)?;
    farewell(painter, None);
    Ok(())
}

fn hold(args: DemoArgs, painter: &mut Painter) -> Result<(), String> {
    let address = household(args.port.unwrap_or_else(free_port))?;
    painter.line(
        Style::Bold,
        &format!(
            "{} simulated devices at mqtt://{address} until Ctrl-C.",
            household::DEVICES
        ),
    );
    farewell(painter, Some(address));
    if args.page {
        return serve_page(address);
    }
    loop {
        std::thread::park();
    }
}

/// [`HOLD_PORT`], or 0 (any) where somebody has it.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, HOLD_PORT)).map_or(0, |_| HOLD_PORT)
}

/// The service, until Ctrl-C, with the household watched from the start and nothing of the user's configuration.
fn serve_page(address: SocketAddr) -> Result<(), String> {
    let token = token::make().map_err(|error| error.to_string())?;
    let settings = [
        ("BITSPERITY_MQTT_URL", format!("mqtt://{address}")),
        ("BITSPERITY_MQTT_RECORD", "#".to_owned()),
        ("BITSPERITY_MQTT_TOKEN", token.to_string()),
    ];
    let settings = settings.map(|(name, value)| (name.into(), value.into()));
    let environment = Environment::new(settings);
    let loaded = config::load(&Given::default(), &environment);
    let loaded = loaded.map_err(|error| error.to_string())?;
    crate::log::init(loaded.config.log);
    let args = ServeArgs::of_demo(|link| {
        println!("\n  The page, with the household watched:\n    {link}");
    });
    serve::run(&args, loaded, &environment, Instant::now())
}

/// The lines to paste into an assistant's configuration.
fn farewell(painter: &mut Painter, address: Option<SocketAddr>) {
    let executable = std::env::current_exe().map_or_else(
        |_| env!("CARGO_PKG_NAME").to_owned(),
        |path| path.display().to_string(),
    );
    let server = json!({"command": executable});
    let servers = json!({"mcpServers": {"mqtt": server}});
    let vs_code = json!({"name": "mqtt", "type": "stdio", "command": executable});
    painter.heading("For your own assistant, paste one of these");
    let lines = [
        (
            "Claude Code, on the command line:",
            format!(
                "claude mcp add --scope user mqtt -- {}",
                shell_word(&executable)
            ),
        ),
        (
            "Claude Desktop, in claude_desktop_config.json (Settings, Developer, Edit Config):",
            servers.to_string(),
        ),
        ("Cursor, in ~/.cursor/mcp.json:", servers.to_string()),
        (
            "VS Code, on the command line:",
            format!("code --add-mcp {}", shell_word(&vs_code.to_string())),
        ),
        (
            "VS Code, in .vscode/mcp.json:",
            json!({"servers": {"mqtt": {"type": "stdio", "command": executable}}}).to_string(),
        ),
    ];
    for (place, line) in lines {
        painter.line(Style::Dim, &format!("  {place}"));
        painter.whole(Style::Plain, &format!("    {line}"));
    }
    let broker = address.map_or_else(
        || "mqtt://your-broker (or keep this household: demo --hold)".to_owned(),
        |address| format!("mqtt://{address}"),
    );
    painter.sentence(
        Style::Plain,
        "  ",
        &format!("Then say: “Connect to {broker} and tell me what is wrong in the house.”"),
    );
}

/// One word for a POSIX shell.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn a_path_with_a_blank_stays_one_word() {
        assert_eq!(shell_word("/opt/bin/mqtt"), "/opt/bin/mqtt");
        assert_eq!(shell_word("/a b/it's"), r"'/a b/it'\''s'");
    }
}
