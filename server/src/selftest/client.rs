//! An MCP client over the pipes of a child process, as small as `selftest` and the demo need: requests may overlap,
//! progress is handed on while waiting. Legacy revision 2025-06-18, which every assistant speaks today, plus one modern request.

use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// Lines that wait to be looked at.
const LINES: usize = 256;

/// A server as a child process.
pub(crate) struct Client {
    child: Child,
    /// Taken when the conversation is over.
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    next_id: u64,
    /// Answers that came while another was waited for.
    early: HashMap<u64, Reply>,
    asked_at: HashMap<u64, Instant>,
}

/// An answer.
pub(crate) struct Reply {
    /// The `result`, or the JSON-RPC error.
    pub(crate) outcome: Result<Value, Value>,
    pub(crate) took: Duration,
    /// Bytes of the whole line.
    #[cfg(feature = "demo")]
    pub(crate) bytes: usize,
}

impl Client {
    /// Starts this very executable as a server, without the configuration of whoever watches.
    #[cfg(feature = "demo")]
    pub(crate) fn start() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env_remove("HOME").env_remove("XDG_CONFIG_HOME");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("BITSPERITY_MQTT_") {
                command.env_remove(name);
            }
        }
        Self::spawn(command)
    }

    /// Starts this very executable as a server, with these arguments and the configuration it finds.
    pub(crate) fn start_configured(arguments: &[OsString]) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let Some(stdout) = child.stdout.take() else {
            return Err(io::Error::other("the server has no standard output"));
        };
        let (sender, lines) = sync_channel(LINES);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            stdin,
            lines,
            next_id: 1,
            early: HashMap::new(),
            asked_at: HashMap::new(),
        })
    }

    /// Resident memory of the server in bytes, where the system tells it (Linux).
    pub(crate) fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// Sends a request; its answer is fetched by [`Client::wait`].
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> io::Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        self.asked_at.insert(id, Instant::now());
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        Ok(id)
    }

    /// Sends a tool call that wants progress.
    pub(crate) fn ask_tool(
        &mut self,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> io::Result<u64> {
        let token = self.next_id;
        self.ask(
            "tools/call",
            json!({"name": name, "arguments": arguments, "_meta": {"progressToken": token}}),
        )
    }

    /// Sends a notification.
    pub(crate) fn tell(&mut self, method: &str) -> io::Result<()> {
        self.send(&json!({"jsonrpc": "2.0", "method": method}))
    }

    fn send(&mut self, message: &Value) -> io::Result<()> {
        let Some(stdin) = &mut self.stdin else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        stdin.write_all(format!("{message}\n").as_bytes())
    }

    /// Waits for the answer to `id`; `progress` gets what is said in between.
    pub(crate) fn wait(
        &mut self,
        id: u64,
        within: Duration,
        mut progress: impl FnMut(&str),
    ) -> io::Result<Reply> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(reply) = self.early.remove(&id) {
                return Ok(reply);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let line = match self.lines.recv_timeout(left) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(io::Error::other(format!("no answer within {within:?}")));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(io::Error::other("the server ended"));
                }
            };
            let mut message: Value = serde_json::from_str(&line)?;
            if let Some(message) = message.pointer("/params/message").and_then(Value::as_str) {
                progress(message);
            }
            let Some(answered) = message.get("id").and_then(Value::as_u64) else {
                continue;
            };
            let asked_at = self.asked_at.remove(&answered).unwrap_or_else(Instant::now);
            let outcome = match message.get_mut("result") {
                Some(result) => Ok(result.take()),
                None => Err(message["error"].take()),
            };
            self.early.insert(
                answered,
                Reply {
                    outcome,
                    took: asked_at.elapsed(),
                    #[cfg(feature = "demo")]
                    bytes: line.len(),
                },
            );
        }
    }

    /// Closes standard input, as a client does at its end; returns how the server ended and how soon.
    pub(crate) fn end(&mut self, within: Duration) -> io::Result<(ExitStatus, Duration)> {
        let began = Instant::now();
        self.stdin = None;
        // The reader's channel closes when the server closes its standard output, which it does by ending.
        while began.elapsed() < within {
            let left = within.saturating_sub(began.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok((self.child.wait()?, began.elapsed()));
                }
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        Err(io::Error::other("the server did not end"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // No harm if it has ended: then there is nobody to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
