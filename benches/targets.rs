//! The targets of the requirements, measured on this machine and held against what they are:
//!
//!     cargo run --release -p bitsperity-mqtt-benches --example targets [SERVER]
//!
//! Builds the server first, unless a binary is given. Linux only (`/proc`). Five sessions collect at once what a replay
//! server sends as fast as they read; a Mosquitto, if there is one, is what is connected to. Exit code 1: one was missed.

#![allow(clippy::print_stdout)] // the table is the purpose

#[path = "end_to_end/broker.rs"]
mod broker;
#[path = "end_to_end/mcp.rs"]
#[allow(dead_code)] // starting is no target
mod mcp;
#[path = "end_to_end/process.rs"]
#[allow(dead_code)] // CPU time is no target
mod process;
#[path = "end_to_end/replay.rs"]
#[allow(dead_code)] // rates are no target
mod replay;

use mcp::{Server, structured};
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

const SESSIONS: usize = 5;
/// Publications that each session receives, as fast as it can.
const MESSAGES: usize = 200_000;
/// Calls of which the slowest hundredth is taken.
const CALLS: usize = 2_000;

/// A row: what, target, measured, met.
struct Row(&'static str, String, String, bool);

fn main() -> io::Result<ExitCode> {
    let binary = match std::env::args().nth(1) {
        Some(path) => PathBuf::from(path),
        None => build()?,
    };
    println!("server: {}\n", binary.display());
    let mut rows = connecting(&binary)?;
    rows.extend(load(&binary)?);
    println!("| what | target | measured | met |\n| --- | ---: | ---: | --- |");
    for Row(what, target, measured, met) in &rows {
        let met = if *met { "yes" } else { "**no**" };
        println!("| {what} | {target} | {measured} | {met} |");
    }
    let missed = rows.iter().filter(|row| !row.3).count();
    println!("\n{missed} of {} missed", rows.len());
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn build() -> io::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "-p", "bitsperity-mqtt-mcp"])
        .status()?;
    if !built.success() {
        return Err(io::Error::other("the server does not build"));
    }
    // This example is target/release/examples/targets.
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).unwrap_or(Path::new("."));
    Ok(target.join("bitsperity-mqtt-mcp"))
}

fn time(what: &'static str, target: Duration, measured: Duration) -> Row {
    let shown = format!("{:.2} ms", measured.as_secs_f64() * 1e3);
    let target_shown = format!("< {:?}", target);
    Row(what, target_shown, shown, measured < target)
}

fn memory(what: &'static str, target: u64, measured: f64) -> Row {
    let mebibytes = measured / 1024.0;
    let shown = format!("{mebibytes:.1} MiB");
    Row(
        what,
        format!("< {target} MiB"),
        shown,
        mebibytes < target as f64,
    )
}

/// One connection, its first collection, and calls without anything to do.
fn connecting(binary: &Path) -> io::Result<Vec<Row>> {
    // No messages: nobody publishes, so the broker only answers.
    let mosquitto = broker::start(0)?;
    let source = match mosquitto {
        Some(source) => source,
        None => replay::start(replay::BATCH)?,
    };
    let mut server = Server::start(binary)?;
    let began = Instant::now();
    let session = server.connect(&format!("mqtt://{}", source.address))?;
    let connected = began.elapsed();
    let began = Instant::now();
    let arguments = json!({"session_id": session, "topic": "replay/#", "duration": 1});
    let collected = server.tool("subscribe_and_collect", &arguments)?;
    let listened = collected["listened_s"].as_f64().unwrap_or(0.0);
    let started = began.elapsed().as_secs_f64() - listened;
    let mut calls = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let began = Instant::now();
        server.tool("list_active_connections", &json!({}))?;
        calls.push(began.elapsed());
    }
    calls.sort_unstable();
    let ms = Duration::from_millis;
    Ok(vec![
        time("connecting to a broker", ms(30_000), connected),
        time(
            "a collection starts (and ends) beside its own time",
            ms(2_000),
            Duration::from_secs_f64(started.max(0.0)),
        ),
        time(
            "overhead of a call, slowest hundredth",
            ms(100),
            calls[CALLS * 99 / 100],
        ),
    ])
}

/// Five sessions that collect at once at full rate, and `ping` beside them.
fn load(binary: &Path) -> io::Result<Vec<Row>> {
    let replay = replay::start(MESSAGES)?;
    let mut server = Server::start(binary)?;
    server.tool("ping", &json!({}))?;
    let idle = process::memory(server.pid(), "VmRSS").unwrap_or(0) as f64;
    let mut open = Vec::new();
    for _ in 0..SESSIONS {
        let session = server.connect(&format!("mqtt://{}", replay.address))?;
        let arguments = json!({"session_id": session, "topic": "replay/#", "duration": 40, "max_messages": MESSAGES});
        open.push(server.ask_tool("subscribe_and_collect", &arguments)?);
    }
    let mut worst = Duration::ZERO;
    while !open.is_empty() {
        let began = Instant::now();
        let ping = server.ask_tool("ping", &json!({}))?;
        loop {
            let (id, message, _) = server.next()?;
            let result = structured(message)?;
            if id == ping {
                worst = worst.max(began.elapsed());
                break;
            }
            open.retain(|asked| *asked != id);
            let received = result["summary"]["received"].as_u64();
            if received != Some(MESSAGES as u64) {
                return Err(io::Error::other(format!(
                    "{received:?} of {MESSAGES} messages received"
                )));
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let peak = process::memory(server.pid(), "VmHWM").unwrap_or(0) as f64;
    Ok(vec![
        time(
            "`ping` while five sessions collect, worst",
            Duration::from_millis(100),
            worst,
        ),
        memory("memory in all, five sessions under load", 256, peak),
        memory(
            "memory a session, five under load",
            50,
            (peak - idle) / SESSIONS as f64,
        ),
    ])
}
