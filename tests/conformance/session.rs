//! The session against the standard: scripts as data, each run with every packet whole and byte by byte (but with
//! `spin` only whole), with a clock of its own. The files are `session/*.txt`; how they are written stands in
//! `session/README.md`.
//!
//! After every input the session is asked for everything that it has to say; each word of it must be expected.

#[path = "session_words.rs"]
mod words;

use bitsperity_mqtt_core::framer::{Frame, next_frame};
use bitsperity_mqtt_core::packet::{Packet, Properties, QoS, Reason, Version, Will};
use bitsperity_mqtt_core::session::{
    Credentials, InFlight, Options, Publication, Replay, Session, Storage, Subscription,
    SubscriptionId,
};
use bitsperity_mqtt_core::time::Instant;
use core::time::Duration;

/// How bytes travel.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Mode {
    Whole,
    ByteByByte,
}

/// One run of one script.
struct Run<'s> {
    session: Session<'s>,
    version: Version,
    mode: Mode,
    now: Instant,
    /// What the session said and nobody expected yet.
    said: Vec<String>,
    /// Bytes on their way out that make no whole packet yet.
    written: Vec<u8>,
    /// Bytes that the transport still takes.
    window: usize,
}

impl Run<'_> {
    fn input(&mut self, frame: &[u8]) {
        let mut received = Vec::new();
        let pieces: Vec<&[u8]> = match self.mode {
            Mode::Whole => vec![frame],
            Mode::ByteByByte => frame.chunks(1).collect(),
        };
        for piece in pieces {
            received.extend_from_slice(piece);
            if let Frame::Whole(length) = next_frame(&received, usize::MAX) {
                assert_eq!(length, received.len());
                match self.session.handle_frame(self.now, &received) {
                    Ok(None) => {}
                    Ok(Some(message)) => self.said.push(words::message(&message)),
                    Err(error) => self.said.push(words::error(&error)),
                }
                received.clear();
            }
        }
        assert!(received.is_empty(), "the script's bytes are no packet");
    }

    fn tail(&mut self) {
        while let Some(event) = self.session.poll_event() {
            self.said.push(words::event(&event));
        }
        let mut out = match self.mode {
            Mode::Whole => vec![0; 70_000],
            Mode::ByteByByte => vec![0; 1],
        };
        loop {
            let room = out.len().min(self.window);
            let count = self.session.poll_transmit(self.now, &mut out[..room]);
            if count == 0 {
                break;
            }
            self.window -= count;
            self.written.extend_from_slice(&out[..count]);
        }
        while let Frame::Whole(length) = next_frame(&self.written, usize::MAX) {
            let packet = Packet::decode(&self.written[..length], self.version);
            self.said
                .push(words::sent(&packet.expect("we write packets only")));
            self.written.drain(..length);
        }
        while let Some(event) = self.session.poll_event() {
            self.said.push(words::event(&event));
        }
    }

    fn connect(&mut self, words: &[&str]) {
        match words {
            ["5"] => self.version = Version::V5,
            ["3.1.1"] => self.version = Version::V311,
            _ => {}
        }
        let mut out = [0; 1024];
        let credentials = Credentials::default();
        let length = self
            .session
            .connect(self.now, self.version, credentials, &mut out)
            .expect("CONNECT fits");
        let packet = Packet::decode(&out[..length], self.version);
        self.said.push(words::sent(&packet.expect("CONNECT")));
    }

    fn publish(&mut self, words: &[&str]) {
        let [qos, topic, payload, flags @ ..] = words else {
            panic!("publish QOS TOPIC PAYLOAD");
        };
        let (count, byte) = payload.split_once('*').unwrap_or(("1", payload));
        let payload = byte.repeat(count.parse().unwrap());
        let properties = words::properties(flags);
        let publication = Publication {
            topic,
            payload: payload.as_bytes(),
            qos: words::qos(qos),
            retain: flags.contains(&"retain"),
            properties: Properties::list(&properties),
        };
        if let Err(error) = self.session.publish(self.now, &publication) {
            self.said.push(words::debug(&error));
        }
    }

    fn subscribe(&mut self, words: &[&str]) {
        let [qos, filter, flags @ ..] = words else {
            panic!("subscribe QOS FILTER");
        };
        let replay = if flags.contains(&"quiet") {
            Replay::DoNotSend
        } else {
            Replay::Send
        };
        let qos = words::qos(qos);
        if let Err(error) = self.session.subscribe(self.now, filter, qos, replay) {
            self.said.push(words::debug(&error));
        }
    }

    fn spin(&mut self) {
        self.publish(&["q1", "a", "x"]);
        let mut out = [0; 64];
        let length = self.session.poll_transmit(self.now, &mut out);
        let packet = Packet::decode(&out[..length], self.version).expect("a PUBLISH");
        let Packet::Publish(publish) = packet else {
            panic!("not {packet:?}");
        };
        let id = publish.delivery.packet_id().expect("QoS 1").get();
        let [high, low] = id.to_be_bytes();
        let frame = [0x40, 2, high, low];
        assert_eq!(
            self.session
                .handle_frame(self.now, &frame)
                .map(|m| m.is_some()),
            Ok(false)
        );
        assert!(self.session.poll_event().is_some());
    }

    fn verb(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[0] {
            "connect" => self.connect(&words[1..]),
            "publish" => self.publish(&words[1..]),
            "subscribe" => self.subscribe(&words[1..]),
            "unsubscribe" => {
                let id = SubscriptionId(words[1].parse().unwrap());
                self.session.unsubscribe(self.now, id);
            }
            "ping" => self.session.ping(self.now),
            "attentive" => self.session.set_attentive(true),
            "bytes" => self.session.handle_bytes(self.now),
            "disconnect" => {
                let reason = words.get(1).map_or(0, |w| words::hex(w));
                self.session.disconnect(self.now, Reason(reason));
            }
            "closed" => {
                let closed = self.session.handle_closed(self.now);
                self.said.push(words::debug(&closed));
                self.written.clear();
                self.window = usize::MAX;
            }
            // How much the transport takes from now on.
            "window" => self.window = words[1].parse().unwrap_or(usize::MAX),
            // A packet over our bound, of which only so many bytes are held.
            "oversized" => {
                let frame = words::received(&words[2..].join(" "), self.version);
                let head = &frame[..words[1].parse::<usize>().unwrap().min(frame.len())];
                match self.session.handle_oversized(self.now, head, frame.len()) {
                    Ok(passed) => self.said.push(words::oversized(&passed)),
                    Err(error) => self.said.push(words::error(&error)),
                }
            }
            // So many QoS 1 publications, each acknowledged, to move the identifiers on.
            "spin" => {
                for _ in 0..words[1].parse::<usize>().unwrap() {
                    self.spin();
                }
            }
            // So many QoS 2 messages that the broker releases without having sent them.
            "flood" => {
                for _ in 0..words[1].parse::<usize>().unwrap() {
                    self.input(&[0x62, 2, 0, 9]);
                }
            }
            other => panic!("no verb {other}"),
        }
    }

    fn question(&mut self, line: &str) {
        let session = &self.session;
        let answer = match line {
            "timeout" => session.poll_timeout().map_or_else(
                || "none".to_owned(),
                |at| {
                    let micros = i128::from(at.as_micros()) - i128::from(self.now.as_micros());
                    format!("{:+}s", micros as f64 / 1e6)
                },
            ),
            "client_id" => session.client_id().to_owned(),
            "reason" => session.reason_string().to_owned(),
            "reference" => session.server_reference().to_owned(),
            "doubtful" => session.is_doubtful(self.now).to_string(),
            "can_receive" => session.can_receive().to_string(),
            "grants" => words::grants(session.grants()),
            other => panic!("no question {other}"),
        };
        self.said.push(answer);
    }

    fn wait(&mut self, line: &str) {
        let seconds: f64 = line.trim_matches(['+', 's']).parse().unwrap();
        self.now = self.now.after(Duration::from_secs_f64(seconds));
        if let Err(error) = self.session.handle_timeout(self.now) {
            self.said.push(words::error(&error));
        }
    }

    fn line(&mut self, sign: char, line: &str) {
        match sign {
            '>' => self.verb(line),
            '<' => {
                let frame = words::received(line, self.version);
                self.input(&frame);
            }
            '@' => self.wait(line),
            '?' => return self.question(line),
            other => panic!("no sign {other}"),
        }
        self.tail();
    }
}

/// A script of a file: its head, and its lines with their numbers.
struct Script<'t> {
    head: &'t str,
    lines: Vec<(usize, &'t str)>,
}

fn scripts(text: &str) -> Vec<Script<'_>> {
    let mut scripts: Vec<Script<'_>> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split(" // ").next().unwrap().trim();
        if let Some(head) = line.strip_prefix("## ") {
            let lines = Vec::new();
            scripts.push(Script { head, lines });
        } else if !line.is_empty() && !line.starts_with('#') {
            let script = scripts.last_mut().expect("a script begins with ##");
            script.lines.push((number, line));
        }
    }
    scripts
}

/// Value of `name=` in a script's head.
fn option<'t>(head: &'t str, name: &str) -> Option<&'t str> {
    head.split_whitespace()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn number(head: &str, name: &str, default: usize) -> usize {
    option(head, name).map_or(default, |value| value.parse().unwrap())
}

fn run(script: &Script<'_>, version: Version, mode: Mode, file: &str) {
    let head = script.head;
    let options = Options {
        client_id: option(head, "client").unwrap_or("c"),
        keep_alive: number(head, "keep_alive", 60) as u16,
        clean_start: number(head, "clean", 1) == 1,
        fresh_client_id: number(head, "fresh", 0) == 1,
        session_expiry: number(head, "expiry", 0) as u32,
        receive_maximum: number(head, "receive", 64) as u16,
        maximum_packet_size: 1_048_576,
        will: option(head, "will").map(|topic| Will {
            qos: QoS::AtLeastOnce,
            retain: true,
            properties: Properties::NONE,
            topic,
            payload: b"gone",
        }),
    };
    let mut outbound = vec![0; number(head, "arena", 4096)];
    let mut in_flight = vec![InFlight::default(); number(head, "slots", 16)];
    let mut aliases = vec![0; 65_535 * number(head, "aliases", 2)];
    let mut subscriptions = vec![Subscription::EMPTY; number(head, "subscriptions", 8)];
    let mut received = [0; 1024];
    let storage = Storage {
        outbound: &mut outbound,
        in_flight: &mut in_flight,
        aliases: &mut aliases,
        subscriptions: &mut subscriptions,
        received: &mut received,
    };
    let mut run = Run {
        session: Session::new(options, storage),
        version,
        mode,
        now: Instant::from_micros(1_000_000_000),
        said: Vec::new(),
        written: Vec::new(),
        window: usize::MAX,
    };
    let place = |line: usize| format!("{file}:{line} ({head}; {version:?}, {mode:?})");
    for &(line, text) in &script.lines {
        let (signs, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut signs = signs.chars();
        let sign = signs.next().unwrap();
        match (signs.next(), version) {
            (None, _) | (Some('5'), Version::V5) | (Some('3'), Version::V311) => {}
            _ => continue,
        }
        if sign == '=' {
            assert!(
                !run.said.is_empty(),
                "{}: expected {rest:?}, but nothing",
                place(line)
            );
            assert_eq!(run.said.remove(0), rest, "{}", place(line));
        } else {
            assert!(
                run.said.is_empty(),
                "before {}: not expected {:?}",
                place(line),
                run.said
            );
            run.line(sign, rest);
        }
    }
    assert!(
        run.said.is_empty(),
        "at the end of {}: {:?}",
        place(0),
        run.said
    );
}

fn check(file: &str, text: &str) {
    let scripts = scripts(text);
    assert!(!scripts.is_empty());
    for script in scripts.iter().step_by(if cfg!(miri) { 4 } else { 1 }) {
        let versions: &[Version] = match script.head.split_whitespace().next() {
            Some("5") => &[Version::V5],
            Some("3.1.1") => &[Version::V311],
            Some("both") => &[Version::V311, Version::V5],
            other => panic!("{file}: {other:?} is no version"),
        };
        for &version in versions {
            run(script, version, Mode::Whole, file);
            let spins = script
                .lines
                .iter()
                .any(|(_, line)| line.starts_with("> spin"));
            if !spins && !cfg!(miri) {
                run(script, version, Mode::ByteByByte, file);
            }
        }
    }
}

macro_rules! files {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let file = concat!("session/", stringify!($name), ".txt");
            check(file, include_str!(concat!("session/", stringify!($name), ".txt")));
        }
    )*};
}

files!(handshake refusals publishing receiving resuming subscribing overlapping timing bounds);
