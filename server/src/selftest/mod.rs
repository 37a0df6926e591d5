//! `selftest`: starts this very program as an assistant's host does, works with a broker through it, and holds what that
//! took against the targets. For who has installed it and wants to know whether all is well.
//!
//! Invariant: it measures from outside, over the pipes; nothing that the server does is known here but its answers.

pub(crate) mod client;

use crate::config::Given;
use crate::text::mask::mask;
use client::Client;
use serde_json::{Map, Value, json};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

/// Longer than any answer may take: connecting has 30 s, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(90);
/// Targets. The first is a host's patience with a program that it starts.
const START: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(30);
const COLLECT: Duration = Duration::from_secs(2);
const OVERHEAD: Duration = Duration::from_millis(100);
const MEMORY: u64 = 256 << 20;
const END: Duration = Duration::from_secs(5);
/// Calls of which the slowest hundredth is taken.
const CALLS: usize = 200;

const HELP: &str = "\
Starts this program as an assistant's host does, connects to the broker, sends test messages to
itself (below bitsperity-mqtt-mcp/, never retained for long), listens for a second, and prints a
table of what was measured. It changes nothing else at the broker.

A password does not belong on a command line: give the name of a configured broker, or set
BITSPERITY_MQTT_URL and BITSPERITY_MQTT_PASSWORD, which is the broker \"default\".

Example:
  bitsperity-mqtt-mcp selftest --broker mqtt://127.0.0.1:1883

Exit codes: 0 all targets are met; 1 one is missed, or the broker cannot be used; 2 the command
line or the configuration are wrong.";

/// Tries this program against a broker, as an assistant would use it, and says what was measured
#[derive(clap::Args)]
#[command(after_long_help = HELP)]
pub struct SelftestArgs {
    /// Name of a configured broker, or mqtt|mqtts|ws|wss://[user:pass@]host[:port]
    #[arg(long, value_name = "BROKER", default_value = "default")]
    broker: String,
}

/// Rows of the table: what, target, measured, met.
struct Table {
    rows: Vec<(&'static str, String, String, bool)>,
}

/// Runs it, with the configuration that the command line names.
pub fn run(args: &SelftestArgs, given: &Given) -> ExitCode {
    let mut table = Table { rows: Vec::new() };
    let done = measure(args.broker.trim(), &arguments(given), &mut table);
    let mut text = table.text();
    if let Err(error) = &done {
        text += &format!("\nnot finished: {}\n", mask(&error.to_string()));
    }
    let met = done.is_ok() && table.rows.iter().all(|row| row.3);
    // Nobody reads it: as of `selftest | head`.
    let _ = io::stdout().write_all(text.as_bytes());
    if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The command line of the server: the configuration that was named here.
fn arguments(given: &Given) -> Vec<OsString> {
    let mut arguments = Vec::new();
    if let Some(file) = &given.file {
        arguments.extend(["--config".into(), file.into()]);
    }
    for setting in &given.set {
        arguments.extend(["--set".into(), setting.into()]);
    }
    arguments
}

fn measure(broker: &str, arguments: &[OsString], table: &mut Table) -> io::Result<()> {
    let mut client = Client::start_configured(arguments)?;
    let hello = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "selftest", "version": env!("CARGO_PKG_VERSION")},
    });
    let id = client.ask("initialize", hello)?;
    let hello = client.wait(id, PATIENCE, |_| ())?;
    table.time("the server starts and answers", START, hello.took);
    client.tell("notifications/initialized")?;

    let (opened, took) = call(
        &mut client,
        "establish_connection",
        json!({"connection_string": broker}),
    )?;
    table.time("connecting to the broker", CONNECT, took);
    let session = json!({"session_id": opened["session_id"]});

    let (tested, _) = call(&mut client, "test_connection", session.clone())?;
    for (name, check) in tested["checks"].as_object().into_iter().flatten() {
        let result = check["result"].as_str().unwrap_or("no result");
        table.found(name, result, check["ms"].as_f64());
    }

    let listen = json!({"session_id": opened["session_id"], "topic": "#", "duration": 1});
    let (collected, took) = call(&mut client, "subscribe_and_collect", listen)?;
    let listened = Duration::from_secs_f64(
        collected["listened_s"]
            .as_f64()
            .unwrap_or_default()
            .clamp(0.0, 60.0),
    );
    table.time(
        "a collection starts and ends, beside its own time",
        COLLECT,
        took.saturating_sub(listened),
    );

    let mut calls = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        calls.push(call(&mut client, "list_active_connections", json!({}))?.1);
    }
    calls.sort_unstable();
    let slow = calls.get(CALLS * 99 / 100).copied().unwrap_or_default();
    table.time("overhead of a call, slowest hundredth", OVERHEAD, slow);
    if let Some(bytes) = client.memory() {
        table.bytes("memory of the server", MEMORY, bytes);
    }

    call(&mut client, "close_connection", session)?;
    let (status, took) = client.end(PATIENCE)?;
    table.time("the server ends with its host", END, took);
    if !status.success() {
        return Err(io::Error::other(format!("the server ended with {status}")));
    }
    Ok(())
}

/// Calls a tool; its own error is an error.
fn call(client: &mut Client, name: &str, arguments: Value) -> io::Result<(Value, Duration)> {
    let arguments: Map<String, Value> = match arguments {
        Value::Object(arguments) => arguments,
        _ => Map::new(),
    };
    let id = client.ask_tool(name, &arguments)?;
    let reply = client.wait(id, PATIENCE, |_| ())?;
    let mut result = reply
        .outcome
        .map_err(|error| io::Error::other(format!("{name}: {}", error["message"])))?;
    if result["isError"] == true {
        return Err(io::Error::other(format!("{name}: {}", failure(&result))));
    }
    Ok((result["structuredContent"].take(), reply.took))
}

/// What a tool says when it fails: the message and what to do, which are JSON in its text.
fn failure(result: &Value) -> String {
    let text = result["content"][0]["text"].as_str().unwrap_or("failed");
    let error: Value = serde_json::from_str(text).unwrap_or_default();
    match (error["message"].as_str(), error["next_step"].as_str()) {
        (Some(message), Some(step)) => format!("{message}\n{step}"),
        _ => text.to_owned(),
    }
}

impl Table {
    fn time(&mut self, what: &'static str, target: Duration, measured: Duration) {
        let seconds = |time: Duration| match time.as_secs_f64() {
            time if time < 1.0 => format!("{:.1} ms", time * 1e3),
            time => format!("{time:.1} s"),
        };
        let target_text = format!("< {}", seconds(target).replace(".0 ", " "));
        self.rows
            .push((what, target_text, seconds(measured), measured < target));
    }

    fn bytes(&mut self, what: &'static str, target: u64, measured: u64) {
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let target_text = format!("< {:.0} MiB", mebibytes(target));
        let measured_text = format!("{:.1} MiB", mebibytes(measured));
        self.rows
            .push((what, target_text, measured_text, measured < target));
    }

    /// What the broker can do: told, and only a failure is a failure.
    fn found(&mut self, name: &str, result: &str, ms: Option<f64>) {
        let what = match name {
            "ping" => "broker: ping",
            "qos0_round_trip" => "broker: a message comes back at QoS 0",
            "qos1_round_trip" => "broker: a message comes back at QoS 1",
            "qos2_round_trip" => "broker: a message comes back at QoS 2",
            "retained" => "broker: retained messages",
            "shared_subscription" => "broker: shared subscriptions",
            "wildcard_subscription" => "broker: wildcards",
            _ => return,
        };
        let measured = match ms {
            Some(ms) => format!("{result}, {ms:.1} ms"),
            None => result.to_owned(),
        };
        self.rows.push((
            what,
            "not failed".to_owned(),
            measured,
            !result.contains("fail"),
        ));
    }

    fn text(&self) -> String {
        let width = |of: fn(&(&'static str, String, String, bool)) -> usize| {
            self.rows.iter().map(of).max().unwrap_or_default()
        };
        let (what, target, measured) = (
            width(|row| row.0.chars().count()),
            width(|row| row.1.chars().count()),
            width(|row| row.2.chars().count()),
        );
        let mut text = String::new();
        for row in &self.rows {
            let met = if row.3 { "met" } else { "MISSED" };
            text += &format!(
                "{:what$}  {:target$}  {:measured$}  {met}\n",
                row.0, row.1, row.2
            );
        }
        text
    }
}
