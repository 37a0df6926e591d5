//! The service as a child process, and a client of HTTP that sends bytes as they are.

use super::client::{SOON, envelope, program};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// `serve` on a free port, with a folder of its own.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    stderr: Arc<Mutex<String>>,
    home: Arc<tempfile::TempDir>,
}

/// An answer of HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(it, _)| it == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body as JSON; for a stream, its last event.
    pub(crate) fn json(&self) -> Value {
        let text = self.text();
        match self.header("content-type") {
            Some("text/event-stream") => self.events().pop().expect("an event"),
            _ => serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {self:?}")),
        }
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.text();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }
}

impl Service {
    /// With these arguments after `serve`.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(&Arc::new(tempfile::tempdir().unwrap()), arguments, &[])
    }

    /// In the folder of another that has ended.
    pub(crate) fn start_in(
        home: &Arc<tempfile::TempDir>,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let arguments = [&["serve", "--set", "listen=127.0.0.1:0"], arguments].concat();
        let mut child = program(&arguments)
            .env("HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path().join("run"))
            .envs(environment.iter().copied())
            .spawn()
            .unwrap();
        let mut from = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        while !first.contains("http://") {
            let read = from.read_line(&mut first).unwrap();
            assert!(read > 0, "not listening: {first}");
        }
        let address = first.split("http://").nth(1);
        let address = address.and_then(|rest| rest.split([' ', ';']).next()?.parse().ok());
        let address = address.unwrap_or_else(|| panic!("not listening: {first}"));
        let stderr = Arc::new(Mutex::new(first));
        let to = Arc::clone(&stderr);
        thread::spawn(move || {
            let mut line = String::new();
            while from.read_line(&mut line).is_ok_and(|read| read > 0) {
                to.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        let variables = environment.iter();
        let mut given = variables.filter(|(name, _)| *name == "BITSPERITY_MQTT_TOKEN");
        let token = match given.next() {
            Some((_, token)) => (*token).to_owned(),
            None => std::fs::read_to_string(token_file(home.path())).unwrap(),
        };
        Self {
            child,
            address,
            token: token.trim().to_owned(),
            stderr,
            home: Arc::clone(home),
        }
    }

    pub(crate) fn home(&self) -> Arc<tempfile::TempDir> {
        Arc::clone(&self.home)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.home.path().join("run/bitsperity-mqtt-mcp/socket")
    }

    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// A connection whose reads fail rather than wait for ever.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream
    }

    /// Sends bytes over a connection of their own and reads one answer; none if it is closed without.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Option<Answer> {
        let mut stream = self.connect();
        // It may refuse before everything is sent.
        let _ = stream.write_all(bytes);
        read_answer(&mut BufReader::new(stream))
    }

    /// The head of a request, with Host and token, without its last line.
    pub(crate) fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let (host, token) = (self.address, &self.token);
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n"
        );
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let head = self.head(method, path, headers);
        let length = body.len();
        let request = format!("{head}content-length: {length}\r\n\r\n{body}");
        self.raw(request.as_bytes()).expect("an answer")
    }

    /// A POST to `/mcp` as clients make it.
    pub(crate) fn post(&self, headers: &[(&str, &str)], message: &Value) -> Answer {
        let usual = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        let headers = [&usual, headers].concat();
        self.request("POST", "/mcp", &headers, &message.to_string())
    }

    /// Opens a session of the legacy era; gives its id.
    pub(crate) fn initialize(&self, revision: &str) -> String {
        let info = json!({"name": "tester", "version": "1"});
        let params = json!({"protocolVersion": revision, "capabilities": {}, "clientInfo": info});
        let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let answer = self.post(&[], &message);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["result"]["protocolVersion"], revision);
        answer.header("mcp-session-id").expect("an id").to_owned()
    }

    /// A request in a session of the legacy era; gives its answer.
    pub(crate) fn ask(&self, session: &str, method: &str, params: Value) -> Answer {
        let message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        self.post(&[("mcp-session-id", session)], &message)
    }

    /// Calls a tool in a session of the legacy era; gives what is structured of its result.
    pub(crate) fn call(&self, session: &str, tool: &str, arguments: Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        let answer = self.ask(session, "tools/call", params).json();
        let result = &answer["result"];
        match result.get("structuredContent") {
            Some(structured) => structured.clone(),
            None => {
                let text = result["content"][0]["text"].as_str();
                serde_json::from_str(text.unwrap_or_else(|| panic!("{answer}"))).unwrap()
            }
        }
    }

    /// A modern request with the headers that it demands.
    pub(crate) fn modern(&self, method: &str, params: Value) -> Answer {
        let (headers, message) = modern(9, method, params);
        let headers: Vec<_> = headers.iter().map(|(a, b)| (*a, b.as_str())).collect();
        self.post(&headers, &message)
    }

    /// Resident memory in bytes, as Linux tells it.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.unwrap().trim().strip_suffix("kB").unwrap();
        kilobytes.trim().parse::<u64>().unwrap() * 1024
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let killed = std::process::Command::new("kill")
            .args([name, &id])
            .status();
        assert!(killed.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn token_file(home: &Path) -> PathBuf {
    home.join(".local/state/bitsperity-mqtt-mcp/token")
}

/// Headers and body of a modern request.
pub(crate) fn modern(
    id: u64,
    method: &str,
    mut params: Value,
) -> (Vec<(&'static str, String)>, Value) {
    let mut headers = vec![
        ("mcp-protocol-version", "2026-07-28".to_owned()),
        ("mcp-method", method.to_owned()),
    ];
    let name = params.get("name").or(params.get("uri"));
    if let Some(name) = name.and_then(Value::as_str) {
        headers.push(("mcp-name", name.to_owned()));
    }
    params["_meta"] = match params.get("_meta").and_then(Value::as_object) {
        Some(more) => {
            let mut meta = envelope();
            let into = meta.as_object_mut().unwrap();
            into.extend(more.clone());
            meta
        }
        None => envelope(),
    };
    let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    (headers, message)
}

/// Reads one answer; none at the end of the stream.
pub(crate) fn read_answer(from: &mut impl BufRead) -> Option<Answer> {
    let (status, headers) = read_head(from)?;
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
    };
    if status == 204 || status < 200 {
        return Some(answer);
    }
    let length = answer
        .header("content-length")
        .map(|it| it.parse().unwrap());
    match length {
        Some(length) => {
            answer.body.resize(length, 0);
            from.read_exact(&mut answer.body).unwrap();
        }
        None => {
            while let Some(chunk) = read_chunk(from) {
                answer.body.extend(chunk);
            }
        }
    }
    Some(answer)
}

/// Status and headers.
pub(crate) fn read_head(from: &mut impl BufRead) -> Option<(u16, Vec<(String, String)>)> {
    let mut line = String::new();
    if from.read_line(&mut line).unwrap_or(0) == 0 {
        return None;
    }
    let status = line.split(' ').nth(1)?.parse().unwrap();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            return Some((status, headers));
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
}

/// One chunk of a body that comes in chunks; none at its end.
pub(crate) fn read_chunk(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut size = String::new();
    from.read_line(&mut size).unwrap();
    let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
    let mut chunk = vec![0; size + 2];
    from.read_exact(&mut chunk).ok()?;
    chunk.truncate(size);
    (size > 0).then_some(chunk)
}
