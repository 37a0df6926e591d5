//! A client over raw pipes: what is sent is bytes, what comes is checked line by line.

use super::schema::{LEGACY, MODERN, Schemas};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that should happen at once; large because test machines are busy.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The program and both ends of its pipes.
pub(crate) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Arc<Mutex<String>>,
    schemas: Schemas,
    /// Method and revision of each request, by its id as JSON text.
    asked: HashMap<String, (String, String)>,
    agreed: Option<String>,
    next_id: u64,
    /// Messages that came while another was waited for.
    waiting: Vec<Value>,
    /// How often it was told that the list of resources changed; not among the messages, since every session does it.
    pub(crate) lists_changed: usize,
    _home: tempfile::TempDir,
}

impl Client {
    /// Starts the program with these arguments, without any configuration of the user's.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(arguments, &[])
    }

    /// The same, with variables of the environment.
    pub(crate) fn start_in(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = program(arguments)
            .env("HOME", home.path())
            .envs(environment.iter().copied())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let stderr = Arc::new(Mutex::new(String::new()));
        let mut from = BufReader::new(child.stderr.take().unwrap());
        let to = Arc::clone(&stderr);
        thread::spawn(move || {
            let mut line = String::new();
            while from.read_line(&mut line).is_ok_and(|read| read > 0) {
                to.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            lines: read_lines(stdout),
            stderr,
            schemas: Schemas::new(),
            asked: HashMap::new(),
            agreed: None,
            next_id: 1,
            waiting: Vec::new(),
            lists_changed: 0,
            _home: home,
        }
    }

    /// Starts it and shakes hands.
    pub(crate) fn legacy(revision: &str) -> Self {
        let mut client = Self::start(&[]);
        client.initialize(revision);
        client
    }

    /// Shakes hands; gives the result.
    pub(crate) fn initialize(&mut self, revision: &str) -> Value {
        let result = self.ask("initialize", initialize_params(revision));
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        result
    }

    /// Sends bytes as they are.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("standard input is closed");
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    /// The same; false if nobody reads them any more.
    pub(crate) fn try_send_bytes(&mut self, bytes: &[u8]) -> bool {
        let stdin = self.stdin.as_mut().expect("standard input is closed");
        stdin.write_all(bytes).and_then(|()| stdin.flush()).is_ok()
    }

    /// What is sent as bytes under this id will be answered.
    pub(crate) fn expect_error_for(&mut self, id: &Value) {
        let answered = ("nothing".to_owned(), self.revision());
        self.asked.insert(id.to_string(), answered);
    }

    /// The answer to this id will be that to a tool call.
    pub(crate) fn expect_call(&mut self, id: &Value) {
        let answered = ("tools/call".to_owned(), self.revision());
        self.asked.insert(id.to_string(), answered);
    }

    /// Sends one message, or a batch.
    pub(crate) fn send(&mut self, message: &Value) {
        match message {
            Value::Array(items) => items.iter().for_each(|item| self.remember(item)),
            one => self.remember(one),
        }
        self.send_bytes(format!("{message}\n").as_bytes());
    }

    fn remember(&mut self, message: &Value) {
        let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) else {
            return;
        };
        let modern = message["params"]["_meta"].as_object().is_some_and(|meta| {
            meta.keys()
                .any(|key| key.starts_with("io.modelcontextprotocol/"))
        });
        let revision = match (&self.agreed, modern, method) {
            (_, true, _) => MODERN.to_owned(),
            // There is no ping in the modern era.
            (None, _, "ping") => LEGACY[3].to_owned(),
            _ => self.revision(),
        };
        self.asked
            .insert(id.to_string(), (method.to_owned(), revision));
    }

    /// That which binds what is no answer to a modern request.
    fn revision(&self) -> String {
        self.agreed.clone().unwrap_or_else(|| MODERN.to_owned())
    }

    /// Sends a request under an id of the client's own; gives the id.
    pub(crate) fn begin(&mut self, method: &str, params: Value) -> Value {
        let id = json!(self.next_id);
        self.next_id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Asks and waits for the result.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        let reply = self.reply(&id);
        assert!(
            reply.get("error").is_none(),
            "{method}: {reply}\n{}",
            self.stderr()
        );
        reply["result"].clone()
    }

    /// Asks and waits for the error.
    pub(crate) fn ask_wrongly(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        let reply = self.reply(&id);
        assert!(reply.get("result").is_none(), "{method}: {reply}");
        reply["error"].clone()
    }

    /// Calls a tool; gives the CallToolResult.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// Connects to a broker; gives the session_id.
    pub(crate) fn establish(&mut self, url: &str) -> String {
        let result = self.call("establish_connection", json!({"connection_string": url}));
        let id = result["structuredContent"]["session_id"].as_str();
        id.unwrap_or_else(|| panic!("{result}")).to_owned()
    }

    /// The next message, checked.
    pub(crate) fn next(&mut self) -> Value {
        self.next_within(SOON).unwrap_or_else(|| {
            panic!(
                "nothing came within {SOON:?}; standard error:\n{}",
                self.stderr()
            )
        })
    }

    /// The next message if one comes in time, checked.
    pub(crate) fn next_within(&mut self, time: Duration) -> Option<Value> {
        if !self.waiting.is_empty() {
            return Some(self.waiting.remove(0));
        }
        self.receive(time)
    }

    fn receive(&mut self, time: Duration) -> Option<Value> {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.receive_any(left)?;
            if message["method"] != "notifications/resources/list_changed" {
                return Some(message);
            }
            self.lists_changed += 1;
        }
    }

    fn receive_any(&mut self, time: Duration) -> Option<Value> {
        let line = match self.lines.recv_timeout(time) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => {
                panic!("standard output ended; standard error:\n{}", self.stderr())
            }
        };
        let value: Value = serde_json::from_str(&line)
            .unwrap_or_else(|e| panic!("{e} on standard output: {line}"));
        match &value {
            Value::Array(items) => items.iter().for_each(|item| self.check(item)),
            one => self.check(one),
        }
        Some(value)
    }

    fn check(&mut self, message: &Value) {
        if message.get("method").is_some() {
            let of_modern = message["params"]["_meta"]
                .get("io.modelcontextprotocol/subscriptionId")
                .is_some();
            let revision = if of_modern {
                MODERN.to_owned()
            } else {
                self.revision()
            };
            return self.schemas.check_message(&revision, None, message);
        }
        let id = message.get("id").map(Value::to_string).unwrap_or_default();
        if id.is_empty() || id == "null" {
            return self.schemas.check_message(&self.revision(), None, message);
        }
        let (method, revision) = self
            .asked
            .get(&id)
            .cloned()
            .unwrap_or_else(|| panic!("an answer to nothing: {message}"));
        if method == "initialize"
            && let Some(agreed) = message["result"]["protocolVersion"].as_str()
        {
            self.agreed = Some(agreed.to_owned());
            return self.schemas.check_message(agreed, Some(&method), message);
        }
        self.schemas
            .check_message(&revision, Some(&method), message);
    }

    /// Waits for the reply to `id`; what comes before is kept for [`Self::next`].
    pub(crate) fn reply(&mut self, id: &Value) -> Value {
        let is_reply = |message: &Value| message.get("method").is_none() && &message["id"] == id;
        if let Some(at) = self.waiting.iter().position(is_reply) {
            return self.waiting.remove(at);
        }
        let deadline = Instant::now() + SOON;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.receive(left) {
                Some(message) if is_reply(&message) => return message,
                Some(message) => self.waiting.push(message),
                None => panic!("no reply to {id}; standard error:\n{}", self.stderr()),
            }
        }
    }

    /// Messages that came and were not asked for yet.
    pub(crate) fn others(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.waiting)
    }

    /// What it wrote to standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Closes standard input.
    pub(crate) fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Closes our end of its standard output. It is gone when this returns.
    pub(crate) fn end_output(&mut self) {
        // The reading thread ends, and drops its end of the pipe, at the next line that nobody wants.
        let (_, nobody) = channel();
        self.lines = nobody;
        self.send_bytes(b"{\"jsonrpc\":\"2.0\",\"id\":\"last\",\"method\":\"ping\"}\n");
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self, time: Duration) -> ExitStatus {
        let deadline = Instant::now() + time;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "still there after {time:?}; standard error:\n{}",
                self.stderr()
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Process id, for those who look at its memory.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("standard error of the server:\n{}", self.stderr());
        }
    }
}

/// The program with piped ends and nothing of the user's environment.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitsperity-mqtt-mcp"));
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the program to its end with empty standard input; gives exit code, standard output, standard error.
pub(crate) fn run(
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> (Option<i32>, String, String) {
    let mut command = program(arguments);
    command
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn read_lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        loop {
            let mut line = String::new();
            match stdout.read_line(&mut line) {
                Ok(read) if read > 0 => {
                    assert!(line.ends_with('\n'), "half a line: {line}");
                    if sender.send(line).is_err() {
                        return;
                    }
                }
                _ => return,
            }
        }
    });
    lines
}

/// Parameters of `initialize`.
pub(crate) fn initialize_params(revision: &str) -> Value {
    json!({
        "protocolVersion": revision,
        "capabilities": {},
        "clientInfo": {"name": "raw pipes", "version": "1"},
    })
}

/// `params` with the envelope of the modern era.
pub(crate) fn enveloped(params: Value) -> Value {
    let mut params = match params {
        Value::Object(params) => params,
        _ => Map::new(),
    };
    params.insert("_meta".to_owned(), envelope());
    Value::from(params)
}

/// `params` as either era wants them.
pub(crate) fn of_era(modern: bool, params: Value) -> Value {
    if modern { enveloped(params) } else { params }
}

/// The envelope by itself.
pub(crate) fn envelope() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}
