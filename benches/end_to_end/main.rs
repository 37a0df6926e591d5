//! The server as a whole, beside `mosquitto_sub`, in one run and one table:
//!
//!     cargo run --release -p bitsperity-mqtt-benches --example end_to_end [MESSAGES] [SERVER]
//!
//! Builds the server first, unless a binary is given. Linux only (`/proc`). A replay server on loopback sends
//! publications as fast as the client reads; then a publisher sends them through a Mosquitto. The peers take turns, and
//! the median of three turns counts.

#![allow(clippy::print_stdout)] // the table is the purpose

mod bare;
mod broker;
mod mcp;
mod process;
mod replay;

use mcp::{Server, structured};
use replay::Source;
use serde_json::{Value, json};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Publications of a turn, unless said otherwise: what `max_messages` allows at most.
const MESSAGES: usize = 1_000_000;

/// As many through a broker are this part of them: it is slower than all that listen to it.
const THROUGH_BROKER: usize = 4;

/// Turns of each peer.
const TURNS: usize = 3;

/// Starts of the server, and calls of a tool, that a percentile is taken of.
const STARTS: usize = 50;
const CALLS: usize = 5_000;

/// What receiving one turn cost a peer.
struct Turn {
    seconds: f64,
    cpu: f64,
    /// KiB at the highest.
    memory: u64,
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("receive").is_some() {
        let (Some(address), Some(count)) = (arguments.next(), arguments.next()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        return bare::receive(&address, count.parse().map_err(io::Error::other)?);
    }
    let messages = match arguments.next() {
        Some(count) => count.parse().map_err(io::Error::other)?,
        None => MESSAGES,
    };
    let messages = (messages / replay::BATCH).max(1) * replay::BATCH;
    let binary = match arguments.next() {
        Some(path) => PathBuf::from(path),
        None => build()?,
    };
    println!("server: {}", binary.display());
    throughput(&binary, messages)?;
    small(&binary)?;
    during(&binary, messages)?;
    sessions(&binary, messages / 5)
}

/// Builds the server as it is shipped; returns the binary.
fn build() -> io::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "-p", "bitsperity-mqtt-mcp"])
        .status()?;
    if !built.success() {
        return Err(io::Error::other("the server does not build"));
    }
    // This example is target/release/examples/end_to_end.
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).unwrap_or(Path::new("."));
    Ok(target.join("bitsperity-mqtt-mcp"))
}

fn throughput(binary: &Path, messages: usize) -> io::Result<()> {
    println!(
        "\n{messages} publications of {} bytes at QoS 0, median of {TURNS} turns\n",
        replay::PAYLOAD
    );
    compare(binary, messages, true, || replay::start(messages).map(Some))?;
    let messages = (messages / THROUGH_BROKER / replay::BATCH).max(1) * replay::BATCH;
    println!("\n{messages} of them through a Mosquitto that queues without end\n");
    compare(binary, messages, false, || broker::start(messages))
}

/// A table of all that receive from a source of the same kind; `alone`: also what the core does without the server.
fn compare(
    binary: &Path,
    messages: usize,
    alone: bool,
    source: impl Fn() -> io::Result<Option<Source>>,
) -> io::Result<()> {
    let (mut ours, mut theirs, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        // Who begins changes, so that a machine that warms up or tires favours nobody.
        for peer in [turn % 2, (turn + 1) % 2] {
            let Some(source) = source()? else {
                println!("mosquitto is not installed: skipped");
                return Ok(());
            };
            if peer == 0 {
                theirs.extend(process_turn(
                    &source,
                    &mut mosquitto_sub(&source, messages),
                )?);
            } else {
                ours.push(subscribe_and_collect(binary, &source, messages)?);
            }
        }
        if alone && let Some(source) = source()? {
            bare.extend(process_turn(
                &source,
                &mut bare_receive(&source, messages)?,
            )?);
        }
    }
    println!("| client | messages/s | CPU s per million | peak RSS, MiB |");
    println!("| --- | ---: | ---: | ---: |");
    let ours = report("subscribe_and_collect", messages, &ours);
    if alone {
        report("framer and session alone", messages, &bare);
    }
    if theirs.is_empty() {
        println!("\nmosquitto_sub is not installed: no comparison");
    } else {
        let theirs = report("mosquitto_sub", messages, &theirs);
        println!(
            "\n{:.1} times its rate at {:.2} of its CPU",
            ours.0 / theirs.0,
            ours.1 / theirs.1
        );
    }
    Ok(())
}

/// Prints a line of the table; returns rate and CPU seconds per million.
fn report(name: &str, messages: usize, turns: &[Turn]) -> (f64, f64) {
    let rate = messages as f64 / median(turns.iter().map(|turn| turn.seconds));
    let cpu = median(turns.iter().map(|turn| turn.cpu)) * 1e6 / messages as f64;
    let memory = median(turns.iter().map(|turn| turn.memory as f64)) / 1024.0;
    println!("| `{name}` | {rate:.0} | {cpu:.2} | {memory:.1} |");
    (rate, cpu)
}

/// Prints every payload to nowhere.
fn mosquitto_sub(source: &Source, messages: usize) -> Command {
    let mut command = Command::new("mosquitto_sub");
    command
        .args(["-h", "127.0.0.1", "-t", "replay/#"])
        .args(["-p", &source.address.port().to_string()])
        .args(["-C", &messages.to_string()]);
    command
}

/// This program, as [`bare::receive`].
fn bare_receive(source: &Source, messages: usize) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([
        "receive",
        &source.address.to_string(),
        &messages.to_string(),
    ]);
    Ok(command)
}

/// One turn of a process that ends when it has received all; none if it is not installed.
fn process_turn(source: &Source, command: &mut Command) -> io::Result<Option<Turn>> {
    let mut child = match command.stdout(Stdio::null()).spawn() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let began = source.started.recv().map_err(io::Error::other)?;
    let pid = child.id();
    let mut memory = 0;
    // A process that has ended and is not waited for has no memory but still its CPU time.
    while let Some(now) = process::memory(pid, "VmHWM") {
        memory = now;
        std::thread::sleep(Duration::from_millis(2));
    }
    let seconds = began.elapsed().as_secs_f64();
    let cpu = process::cpu(pid).map_or(f64::NAN, |cpu| cpu.as_secs_f64());
    if !child.wait()?.success() {
        return Err(io::Error::other(format!("{command:?} failed")));
    }
    Ok(Some(Turn {
        seconds,
        cpu,
        memory,
    }))
}

fn subscribe_and_collect(binary: &Path, source: &Source, messages: usize) -> io::Result<Turn> {
    let mut server = Server::start(binary)?;
    let session = server.connect(&format!("mqtt://{}", source.address))?;
    let before = process::cpu(server.pid()).unwrap_or_default();
    let collected = server.tool("subscribe_and_collect", &collect(&session, messages))?;
    let began = source.started.recv().map_err(io::Error::other)?;
    let seconds = began.elapsed().as_secs_f64();
    let after = process::cpu(server.pid()).unwrap_or_default();
    complete(&collected, messages)?;
    Ok(Turn {
        seconds,
        cpu: (after - before).as_secs_f64(),
        memory: process::memory(server.pid(), "VmHWM").unwrap_or(0),
    })
}

fn collect(session: &str, messages: usize) -> Value {
    json!({"session_id": session, "topic": "replay/#", "duration": 40, "max_messages": messages})
}

/// A figure counts only if every message was taken in.
fn complete(collected: &Value, messages: usize) -> io::Result<()> {
    let received = collected["summary"]["received"].as_u64();
    if received == Some(messages as u64) {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{received:?} of {messages} messages received: {collected}"
    )))
}

/// Start, size, memory at rest, overhead of a call.
fn small(binary: &Path) -> io::Result<()> {
    let mut starts = Vec::new();
    let mut size = 0;
    for _ in 0..STARTS {
        let (_server, took, bytes) = Server::first_list(binary)?;
        starts.push(took);
        size = bytes;
    }
    let mut server = Server::start(binary)?;
    let listed = server.ask("tools/list", &json!({}))?;
    server.answer(listed)?;
    let idle = process::memory(server.pid(), "VmRSS").unwrap_or(0);
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        server.tool("list_active_connections", &json!({}))?;
        calls.push(began.elapsed());
    }
    println!("\n| | median | p99 | worst |\n| --- | ---: | ---: | ---: |");
    percentiles("start to first `tools/list` reply", starts);
    percentiles("a tool call (`list_active_connections`)", calls);
    println!(
        "\n`tools/list`: {size} bytes; resident at rest: {:.1} MiB",
        idle as f64 / 1024.0
    );
    Ok(())
}

/// `ping` while a collection runs at full rate.
fn during(binary: &Path, messages: usize) -> io::Result<()> {
    let replay = replay::start(messages)?;
    let mut server = Server::start(binary)?;
    let session = server.connect(&format!("mqtt://{}", replay.address))?;
    let collection = server.ask_tool("subscribe_and_collect", &collect(&session, messages))?;
    replay.started.recv().map_err(io::Error::other)?;
    let mut pings = Vec::new();
    loop {
        let began = Instant::now();
        let ping = server.ask_tool("ping", &json!({}))?;
        let (first, message, _) = server.next()?;
        if first == collection {
            complete(&structured(message)?, messages)?;
            break;
        }
        if first == ping {
            pings.push(began.elapsed());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    println!("\n| | median | p99 | worst |\n| --- | ---: | ---: | ---: |");
    percentiles("`ping` while a collection runs", pings);
    Ok(())
}

/// Memory with five sessions that all collect at full rate.
fn sessions(binary: &Path, messages: usize) -> io::Result<()> {
    let messages = (messages / replay::BATCH).max(1) * replay::BATCH;
    let replay = replay::start(messages)?;
    let mut server = Server::start(binary)?;
    let mut open = Vec::new();
    for _ in 0..5 {
        let session = server.connect(&format!("mqtt://{}", replay.address))?;
        open.push(server.ask_tool("subscribe_and_collect", &collect(&session, messages))?);
    }
    while !open.is_empty() {
        let (id, message, _) = server.next()?;
        open.retain(|asked| *asked != id);
        complete(&structured(message)?, messages)?;
    }
    let peak = process::memory(server.pid(), "VmHWM").unwrap_or(0);
    println!(
        "\nresident at most, five sessions collecting {messages} messages each: {:.1} MiB",
        peak as f64 / 1024.0
    );
    Ok(())
}

fn percentiles(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((times.len() - 1) as f64 * share).round() as usize;
        times[index].as_secs_f64() * 1000.0
    };
    if times.is_empty() {
        println!("| {name} | – | – | – |");
    } else {
        println!(
            "| {name} ({}) | {:.2} ms | {:.2} ms | {:.2} ms |",
            times.len(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
