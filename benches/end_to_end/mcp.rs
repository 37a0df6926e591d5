//! The least of an MCP client over pipes, with times.

use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The server as a child process.
pub(crate) struct Server {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    next_id: u64,
}

impl Server {
    /// Starts the server and shakes hands.
    pub(crate) fn start(binary: &Path) -> io::Result<Self> {
        let mut server = Self::spawn(binary)?;
        let id = server.ask("initialize", &hello())?;
        server.answer(id)?;
        Ok(server)
    }

    /// From the start of the process to its answer to `tools/list`, which it gets in one go with the handshake;
    /// with the size of that answer.
    pub(crate) fn first_list(binary: &Path) -> io::Result<(Self, Duration, usize)> {
        let began = Instant::now();
        let mut server = Self::spawn(binary)?;
        server.ask("initialize", &hello())?;
        let list = server.ask("tools/list", &json!({}))?;
        let (_, bytes) = server.answer(list)?;
        Ok((server, began.elapsed(), bytes))
    }

    fn spawn(binary: &Path) -> io::Result<Self> {
        let mut child = Command::new(binary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok(Self {
                child,
                stdin,
                stdout: BufReader::new(stdout),
                next_id: 1,
            }),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a request.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> io::Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.stdin.write_all(format!("{line}\n").as_bytes())?;
        Ok(id)
    }

    /// Sends a tool call.
    pub(crate) fn ask_tool(&mut self, name: &str, arguments: &Value) -> io::Result<u64> {
        self.ask("tools/call", &json!({"name": name, "arguments": arguments}))
    }

    /// The next answer, whosever it is: its id, the whole message, its bytes.
    pub(crate) fn next(&mut self) -> io::Result<(u64, Value, usize)> {
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let message: Value = serde_json::from_str(&line)?;
            if let Some(id) = message.get("id").and_then(Value::as_u64) {
                return Ok((id, message, line.len()));
            }
        }
    }

    /// Waits for one answer; others that come before it are dropped.
    pub(crate) fn answer(&mut self, id: u64) -> io::Result<(Value, usize)> {
        loop {
            let (answered, message, bytes) = self.next()?;
            if answered == id {
                return Ok((message, bytes));
            }
        }
    }

    /// Calls a tool and waits; an error is an error.
    pub(crate) fn tool(&mut self, name: &str, arguments: &Value) -> io::Result<Value> {
        let id = self.ask_tool(name, arguments)?;
        let (message, _) = self.answer(id)?;
        structured(message)
    }

    /// Opens a connection; returns its `session_id`.
    pub(crate) fn connect(&mut self, url: &str) -> io::Result<String> {
        let made = self.tool("establish_connection", &json!({"connection_string": url}))?;
        match made["session_id"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => Err(io::Error::other("no session_id")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The `structuredContent` of a tool's answer.
pub(crate) fn structured(mut message: Value) -> io::Result<Value> {
    if message["result"]["isError"] == true || message.get("error").is_some() {
        return Err(io::Error::other(message.to_string()));
    }
    Ok(message["result"]["structuredContent"].take())
}

fn hello() -> Value {
    json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "end_to_end", "version": "1"},
    })
}
