//! A Mosquitto of the test's own: on free ports, in a folder of its own, killed when dropped.

use super::certificates::Certificates;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Time for anything that a local broker does.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the broker is to be like.
#[derive(Default)]
pub(crate) struct Options {
    /// User name and password that it wants.
    pub(crate) password: Option<(&'static str, &'static str)>,
    /// A TLS listener (and one for secure WebSockets) whose certificate is for these names.
    pub(crate) tls: Option<&'static [&'static str]>,
    /// The TLS listeners want a client certificate.
    pub(crate) client_certificates: bool,
    /// A WebSocket listener.
    pub(crate) websockets: bool,
    /// Keeps sessions and messages through a restart.
    pub(crate) persistence: bool,
    /// Lines of its configuration before the first listener.
    pub(crate) config: &'static str,
}

/// A running broker.
pub(crate) struct Mosquitto {
    folder: TempDir,
    process: Option<Child>,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    pub(crate) ws_port: u16,
    pub(crate) wss_port: u16,
    /// Those that its configuration opens.
    ports: Vec<u16>,
    pub(crate) certificates: Option<Certificates>,
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

impl Mosquitto {
    /// With plain MQTT and nothing else.
    pub(crate) fn plain() -> Self {
        Self::start(&Options::default())
    }

    /// Starts it and waits until it takes connections. Another process may take a port first: then on other ports.
    pub(crate) fn start(options: &Options) -> Self {
        for _ in 0..5 {
            let mut broker = Self::configured(options);
            if broker.try_run() {
                return broker;
            }
        }
        panic!("mosquitto did not start");
    }

    fn configured(options: &Options) -> Self {
        let folder = TempDir::new().expect("a folder");
        let certificates = options
            .tls
            .map(|names| Certificates::make(folder.path(), names));
        let mut broker = Self {
            process: None,
            port: free_port(),
            tls_port: free_port(),
            ws_port: free_port(),
            wss_port: free_port(),
            certificates,
            folder,
            ports: Vec::new(),
        };
        broker.ports = broker.listeners(options);
        let config = broker.config(options);
        fs::write(broker.folder.path().join("mosquitto.conf"), config).expect("a file");
        broker
    }

    /// The ports that its configuration opens, one after the other.
    fn listeners(&self, options: &Options) -> Vec<u16> {
        let (tls, websockets) = (self.certificates.is_some(), options.websockets);
        let all = [
            (true, self.port),
            (websockets, self.ws_port),
            (tls, self.tls_port),
            (tls && websockets, self.wss_port),
        ];
        let open = all.into_iter().filter(|(open, _)| *open);
        open.map(|(_, port)| port).collect()
    }

    fn config(&self, options: &Options) -> String {
        let folder = self.folder.path().display();
        let mut config = format!(
            "user root\nlog_dest file {folder}/log\nlog_type all\nper_listener_settings false\n{}\n",
            options.config
        );
        if let Some((user, password)) = options.password {
            let status = Command::new("mosquitto_passwd")
                .args(["-b", "-c"])
                .arg(self.folder.path().join("passwords"))
                .args([user, password])
                .status();
            assert!(status.expect("mosquitto_passwd").success());
            let _ = write!(
                config,
                "allow_anonymous false\npassword_file {folder}/passwords\n"
            );
        } else {
            config.push_str("allow_anonymous true\n");
        }
        if options.persistence {
            let _ = write!(config, "persistence true\npersistence_location {folder}/\n");
        }
        let mut listener = |port: u16, tls: bool, websockets: bool| {
            let _ = writeln!(config, "listener {port} 127.0.0.1");
            if websockets {
                config.push_str("protocol websockets\n");
            }
            if let Some(files) = self.certificates.as_ref().filter(|_| tls) {
                let (ca, cert, key) = (&files.ca, &files.server, &files.server_key);
                let _ = write!(
                    config,
                    "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate {}\n",
                    ca.display(),
                    cert.display(),
                    key.display(),
                    options.client_certificates
                );
            }
        };
        listener(self.port, false, false);
        if options.websockets {
            listener(self.ws_port, false, true);
        }
        if self.certificates.is_some() {
            listener(self.tls_port, true, false);
            if options.websockets {
                listener(self.wss_port, true, true);
            }
        }
        config
    }

    /// Starts it again, on the same ports and with the same folder.
    pub(crate) fn run(&mut self) {
        // The ports of one that was just killed may be in use for a moment.
        let deadline = Instant::now() + PATIENCE;
        while !self.try_run() {
            assert!(Instant::now() < deadline, "mosquitto: {}", self.log());
        }
    }

    fn try_run(&mut self) -> bool {
        let mut process = Command::new(mosquitto())
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed");
        let deadline = Instant::now() + PATIENCE;
        let closed = |&port: &u16| TcpStream::connect(("127.0.0.1", port)).is_err();
        while self.ports.iter().any(closed) {
            if process.try_wait().expect("its state").is_some() || Instant::now() > deadline {
                let _ = process.kill();
                let _ = process.wait();
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.process = Some(process);
        true
    }

    /// `kill -9`: what it had in memory is gone.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it was running");
            process.wait().expect("it ends");
        }
    }

    /// SIGTERM: it says goodbye and, with persistence, writes down what it has.
    pub(crate) fn terminate(&mut self) {
        if let Some(mut process) = self.process.take() {
            signal(process.id(), "-TERM");
            // It may be frozen, and then takes notice only now.
            signal(process.id(), "-CONT");
            process.wait().expect("it ends");
        }
    }

    /// Stops it without ending it: it is there and answers nothing.
    pub(crate) fn freeze(&self, frozen: bool) {
        let process = self.process.as_ref().expect("it runs");
        signal(process.id(), if frozen { "-STOP" } else { "-CONT" });
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until the log holds `text`.
    pub(crate) fn wait_for_log(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(text) {
            assert!(
                Instant::now() < deadline,
                "no {text:?} in the log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// For files of the test beside its own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `mqtt://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Publishes with `mosquitto_pub` and waits until it is done.
    pub(crate) fn publish(&self, args: &[&str]) {
        let output = self.command("mosquitto_pub").args(args).output();
        let output = output.expect("mosquitto_pub is installed");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {words}");
    }

    /// A `mosquitto_pub -l`: each line is a message. Lines end when the stdin is dropped.
    pub(crate) fn publisher(&self, args: &[&str]) -> Publisher {
        let mut process = self
            .command("mosquitto_pub")
            .arg("-l")
            .args(args)
            .stdin(Stdio::piped())
            .spawn()
            .expect("mosquitto_pub is installed");
        let stdin = process.stdin.take();
        Publisher { process, stdin }
    }

    /// Subscribes with `mosquitto_sub`; returns once it listens.
    pub(crate) fn subscribe(&self, args: &[&str]) -> Subscriber {
        // Line by line also into a pipe.
        let mut process = Command::new("stdbuf")
            .args(["-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p"])
            .arg(self.port.to_string())
            .args(["-d", "-F", "MESSAGE %t %q %r %p"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("mosquitto_sub is installed");
        let stdout = process.stdout.take().expect("a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let subscriber = Subscriber { process, lines };
        let listens = |line: &String| line.starts_with("Subscribed (mid");
        subscriber.line(listens).expect("a SUBACK");
        subscriber
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command
    }
}

fn signal(process: u32, signal: &str) {
    let status = Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(status.expect("kill").success());
}

fn mosquitto() -> PathBuf {
    let debian = Path::new("/usr/sbin/mosquitto");
    if debian.exists() {
        debian.into()
    } else {
        "mosquitto".into()
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A `mosquitto_sub` that listens.
pub(crate) struct Subscriber {
    process: Child,
    lines: Receiver<String>,
}

impl Subscriber {
    fn line(&self, wanted: impl Fn(&String) -> bool) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).ok()?;
            if wanted(&line) {
                return Some(line);
            }
        }
    }

    /// The next message as `topic qos retain payload`; none if none comes for long.
    pub(crate) fn message(&self) -> Option<String> {
        let line = self.line(|line| line.starts_with("MESSAGE "))?;
        Some(line.trim_start_matches("MESSAGE ").to_owned())
    }

    /// All messages that come until one whose payload is `last`, that one left out.
    pub(crate) fn messages_until(&self, last: &str) -> Vec<String> {
        let mut messages = Vec::new();
        loop {
            let message = self.message().expect("the last message");
            if message.ends_with(&format!(" {last}")) {
                return messages;
            }
            messages.push(message);
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A `mosquitto_pub` that publishes lines.
pub(crate) struct Publisher {
    process: Child,
    stdin: Option<ChildStdin>,
}

impl Publisher {
    /// Publishes one message.
    pub(crate) fn line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("not finished");
        writeln!(stdin, "{line}").expect("mosquitto_pub reads");
    }

    /// No more lines; waits until all are sent.
    pub(crate) fn finish(mut self) {
        drop(self.stdin.take());
        let status = self.process.wait().expect("it ends");
        assert!(status.success(), "mosquitto_pub: {status}");
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
