//! The program as one of several in a pipe.

use super::client::{SOON, program};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a program that ended left behind.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the program to its end with this on standard input.
pub(crate) fn filter(arguments: &[&str], input: &[u8]) -> Ended {
    let mut child = program(arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It may end before it has read everything.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let ended = end(child);
    writer.join().unwrap();
    ended
}

/// Waits for its end and takes what it has written.
pub(crate) fn end(mut child: Child) -> Ended {
    let out = child.stdout.take().map(read_all);
    let err = child.stderr.take().map(read_all);
    let deadline = Instant::now() + SOON;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("still there after {SOON:?}");
        }
        thread::sleep(Duration::from_millis(2));
    };
    let text = |reader: Option<thread::JoinHandle<Vec<u8>>>| {
        let bytes = reader.map(|reader| reader.join().unwrap());
        String::from_utf8(bytes.unwrap_or_default()).unwrap()
    };
    Ended {
        code: status.code(),
        out: text(out),
        err: text(err),
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// Sends a signal by name.
pub(crate) fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-s", name, &id]).status();
    assert!(sent.unwrap().success());
}

/// `program(arguments)` reading what `from` writes.
pub(crate) fn after(from: &mut Child, arguments: &[&str]) -> Child {
    let stdout = from.stdout.take().unwrap();
    let mut command = program(arguments);
    command.stdin(Stdio::from(stdout)).spawn().unwrap()
}

/// The first line that it writes; nobody reads the rest.
pub(crate) fn first_line(from: &mut Child) -> String {
    // Not by a helper whose `Command` would hold the pipe open.
    let mut line = String::new();
    let mut stdout = BufReader::new(from.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    line
}
