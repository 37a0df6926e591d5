//! Standard input and output: one thread reads, one writes, and nothing else in the server touches either.
//!
//! Lines are UTF-8 JSON ended by a newline. End of input, SIGTERM, SIGINT, SIGHUP and a closed output all end the process
//! the same way, with exit code 0: within a second, and within two where the client closed its end of the input and
//! does not read the output.
//! Invariants: a line beyond `max_line` costs no more memory than `max_line`; every channel is bounded; each write is whole
//! lines, flushed.

use super::inflight::InFlight;
use super::server::Server;
use super::service::Service;
use async_std::channel::{Receiver, Sender, bounded};
use async_std::future::timeout;
use futures::FutureExt;
use futures::future::{Either, select};
use futures::pin_mut;
use std::fmt;
use std::io::{self, Read, Write};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

/// Lines read ahead. Each may take `max_line` bytes.
const LINES_AHEAD: usize = 2;
/// Lines waiting to be written; beyond, replies wait and progress is dropped.
const LINES_OUT: usize = 64;
/// Bytes gathered into one write.
const WRITE_TOGETHER: usize = 64 << 10;
/// Bytes asked for in one read.
const READ_CHUNK: usize = 64 << 10;

/// How often a reader whose lines nobody takes looks whether the client is still there.
const HANG_UP_CHECK: Duration = Duration::from_millis(250);

/// At the end of the input: the lines that were read are still served, if the client reads the replies.
const LINES_END: Duration = Duration::from_secs(1);
/// At the end: calls hand in what they have.
const CALLS_END: Duration = Duration::from_millis(200);
/// At the end: DISCONNECT to every broker.
const SESSIONS_END: Duration = Duration::from_millis(450);
/// At the end: the rest of the output.
const OUTPUT_END: Duration = Duration::from_millis(150);
/// The process ends after this, whatever hangs.
const ALL_END: Duration = Duration::from_millis(900);

/// To the thread that owns stdout.
pub(super) enum Output {
    /// A message, without its newline.
    Line(String),
    /// Write what came before, then end.
    End,
}

/// From who reads lines.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Input {
    /// Without its newline.
    Line(Vec<u8>),
    /// Passed over.
    TooLong,
}

/// Why the process ends.
#[derive(Clone, Copy)]
enum End {
    InputEnded,
    OutputClosed,
    Signal(i32),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InputEnded => f.write_str("the client closed standard input"),
            Self::OutputClosed => f.write_str("the client closed standard output"),
            Self::Signal(number) => write!(f, "signal {number}"),
        }
    }
}

/// Serves one client until it goes or a signal comes. Returns when everything is closed, after at most a second.
///
/// # Errors
/// A thread or a signal handler could not be set up.
pub fn serve(service: Arc<dyn Service>) -> io::Result<()> {
    let bounds = service.bounds();
    let max_line = bounds.max_line;
    let in_flight = InFlight::new(bounds.max_requests, max_line.saturating_mul(2));
    let (end, ended) = bounded(1);
    let signalled = end.clone();
    watch_signals(move |number| {
        // One reason is enough; a second signal changes nothing.
        let _ = signalled.try_send(End::Signal(number));
    })?;
    let (out, written) = start_writer(end.clone())?;
    let lines = start_reader(max_line, end)?;
    let server = Server::new(Arc::clone(&service), Arc::clone(&in_flight), out.clone());
    async_std::task::block_on(async {
        let why = until_the_end(server, lines, ended, max_line).await;
        log::info!("ending: {why}");
        shut_down(&*service, &in_flight, &out, &written).await;
    });
    Ok(())
}

async fn until_the_end(
    mut server: Server,
    lines: Receiver<Input>,
    ended: Receiver<End>,
    max_line: usize,
) -> End {
    let serving = async {
        while let Ok(input) = lines.recv().await {
            match input {
                Input::Line(line) => server.line(&line).await,
                Input::TooLong => server.too_long(max_line).await,
            }
        }
        End::InputEnded
    };
    let ending = ended.recv();
    pin_mut!(serving, ending);
    match select(ending, serving).await {
        Either::Left((Ok(End::InputEnded), serving)) => {
            let _ = timeout(LINES_END, serving).await;
            End::InputEnded
        }
        Either::Left((why, _)) => why.unwrap_or(End::OutputClosed),
        Either::Right((why, _)) => why,
    }
}

async fn shut_down(
    service: &dyn Service,
    in_flight: &InFlight,
    out: &Sender<Output>,
    written: &Receiver<()>,
) {
    let started = thread::Builder::new().spawn(|| {
        thread::sleep(ALL_END);
        std::process::exit(0);
    });
    if let Err(error) = started {
        log::warn!("no thread to guard the end: {error}");
    }
    in_flight.cancel_all();
    let _ = timeout(CALLS_END, in_flight.drained()).await;
    let closing = AssertUnwindSafe(service.close(SESSIONS_END)).catch_unwind();
    if !matches!(timeout(SESSIONS_END, closing).await, Ok(Ok(()))) {
        log::warn!("not every connection could be closed in time");
    }
    let flush = async {
        if out.send(Output::End).await.is_ok() {
            let _ = written.recv().await;
        }
    };
    if timeout(OUTPUT_END, flush).await.is_err() {
        log::warn!("the client did not read the rest of the output");
    }
}

/// Calls `signalled` with the number of each SIGTERM, SIGINT and SIGHUP.
#[cfg(unix)]
pub(crate) fn watch_signals(signalled: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || signals.forever().for_each(signalled))?;
    Ok(())
}

/// There are none.
#[cfg(not(unix))]
pub(crate) fn watch_signals(_: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    Ok(())
}

fn start_reader(max_line: usize, end: Sender<End>) -> io::Result<Receiver<Input>> {
    let (lines, receiver) = bounded(LINES_AHEAD);
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            let ended = read_lines(io::stdin().lock(), max_line, |input| {
                hand_on(&lines, input, &end)
            });
            if let Err(error) = ended {
                log::warn!("standard input: {error}");
            }
            let _ = end.try_send(End::InputEnded);
        })?;
    Ok(receiver)
}

/// Waits until the line is taken; false if nobody will. While it waits, it tells when the client has gone, which may be
/// why nobody takes lines: the replies to those before find no reader.
fn hand_on(lines: &Sender<Input>, input: Input, end: &Sender<End>) -> bool {
    let input = match lines.try_send(input) {
        Ok(()) => return true,
        Err(refused) => refused.into_inner(),
    };
    async_std::task::block_on(async {
        let sending = lines.send(input);
        pin_mut!(sending);
        loop {
            match timeout(HANG_UP_CHECK, sending.as_mut()).await {
                Ok(sent) => return sent.is_ok(),
                Err(_) if is_hung_up() => drop(end.try_send(End::InputEnded)),
                Err(_) => {}
            }
        }
    })
}

/// Whether the client has closed its end of standard input, also where unread bytes wait in between.
#[cfg(unix)]
fn is_hung_up() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let closed = PollFlags::HUP | PollFlags::RDHUP;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let closed = PollFlags::HUP;
    let stdin = io::stdin();
    let mut fds = [PollFd::new(&stdin, closed)];
    let at_once = Timespec::default();
    poll(&mut fds, Some(&at_once)).is_ok() && fds[0].revents().intersects(closed)
}

/// Cannot be seen here.
#[cfg(not(unix))]
fn is_hung_up() -> bool {
    false
}

/// Cuts a stream into lines for `take`, until it ends or `take` returns false. The last line may lack its newline. What was
/// read is wiped as soon as it is in its line, because it may hold a password and this memory lives as long as the process.
pub(crate) fn read_lines(
    mut input: impl Read,
    max_line: usize,
    mut take: impl FnMut(Input) -> bool,
) -> io::Result<()> {
    let mut buffer = Zeroizing::new(vec![0; READ_CHUNK]);
    let mut lines = Cutter::new(max_line);
    loop {
        let count = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let Some(chunk) = buffer.get_mut(..count) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let go_on = lines.cut(chunk, &mut take);
        chunk.zeroize();
        if !go_on {
            return Ok(());
        }
    }
    if !lines.line.is_empty() {
        take(Input::Line(lines.line));
    }
    Ok(())
}

/// Cuts what was read into lines.
struct Cutter {
    max_line: usize,
    line: Vec<u8>,
    /// The line is too long, which was told.
    discarding: bool,
}

impl Cutter {
    fn new(max_line: usize) -> Self {
        Self {
            max_line,
            line: Vec::new(),
            discarding: false,
        }
    }

    /// Gives each line that ends in `chunk` to `take`; false when that wants no more.
    fn cut(&mut self, chunk: &[u8], take: &mut impl FnMut(Input) -> bool) -> bool {
        for part in chunk.split_inclusive(|&byte| byte == b'\n') {
            let text = part.strip_suffix(b"\n").unwrap_or(part);
            if !self.discarding && self.line.len() + text.len() > self.max_line {
                self.discarding = true;
                self.line = Vec::new();
                if !take(Input::TooLong) {
                    return false;
                }
            }
            if !self.discarding {
                self.line.extend_from_slice(text);
            }
            if text.len() < part.len() {
                let line = std::mem::take(&mut self.line);
                if !self.discarding && !take(Input::Line(line)) {
                    return false;
                }
                self.discarding = false;
            }
        }
        true
    }
}

fn start_writer(end: Sender<End>) -> io::Result<(Sender<Output>, Receiver<()>)> {
    let (out, lines) = bounded(LINES_OUT);
    let (done, written) = bounded(1);
    thread::Builder::new()
        .name("stdout".to_owned())
        .spawn(move || {
            if let Err(error) = write_lines(&lines, io::stdout().lock()) {
                log::info!("standard output: {error}");
                let _ = end.try_send(End::OutputClosed);
                // Whoever still wants to say something must not wait for ever.
                while !matches!(lines.recv_blocking(), Ok(Output::End) | Err(_)) {}
            }
            let _ = done.try_send(());
        })?;
    Ok((out, written))
}

fn write_lines(lines: &Receiver<Output>, mut stdout: impl Write) -> io::Result<()> {
    let mut buffer = Vec::new();
    let mut ending = false;
    while !ending {
        let mut next = lines.recv_blocking().ok();
        loop {
            match next {
                Some(Output::Line(line)) => {
                    buffer.extend_from_slice(line.as_bytes());
                    buffer.push(b'\n');
                }
                Some(Output::End) | None => ending = true,
            }
            if ending || buffer.len() >= WRITE_TOGETHER {
                break;
            }
            match lines.try_recv() {
                Ok(more) => next = Some(more),
                Err(_) => break,
            }
        }
        stdout.write_all(&buffer)?;
        stdout.flush()?;
        buffer.clear();
        buffer.shrink_to(WRITE_TOGETHER);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(input: &[u8], max: usize) -> Vec<Input> {
        let mut seen = Vec::new();
        read_lines(input, max, |line| {
            seen.push(line);
            true
        })
        .unwrap();
        seen
    }

    fn line(text: &str) -> Input {
        Input::Line(text.as_bytes().to_vec())
    }

    #[test]
    fn cuts_lines_and_takes_a_last_one_without_newline() {
        assert_eq!(lines_of(b"", 8), []);
        assert_eq!(
            lines_of(b"a\n\nbc\r\nd", 8),
            [line("a"), line(""), line("bc\r"), line("d")]
        );
    }

    /// Gives one piece at each read, and sees what is left in the memory that it is given.
    struct Pieces(Vec<&'static [u8]>);

    impl Read for Pieces {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            assert!(room.iter().all(|&byte| byte == 0), "left behind");
            let piece = self.0.pop().unwrap_or_default();
            room[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn what_was_read_is_wiped_before_more_is_read() {
        let pieces = Pieces(vec![b"end", b"ond\nthird is too long", b"first\nsec"]);
        let mut seen = Vec::new();
        read_lines(pieces, 10, |line| {
            seen.push(line);
            true
        })
        .unwrap();
        assert_eq!(seen, [line("first"), line("second"), Input::TooLong]);
    }

    #[test]
    fn discards_an_over_long_line_up_to_its_newline() {
        assert_eq!(lines_of(b"12345678\n", 8), [line("12345678")]);
        assert_eq!(
            lines_of(b"123456789\nok\n", 8),
            [Input::TooLong, line("ok")]
        );
        let mut long = vec![b'x'; 3 * READ_CHUNK];
        long.extend_from_slice(b"\nok\n");
        assert_eq!(
            lines_of(&long, READ_CHUNK + 1),
            [Input::TooLong, line("ok")]
        );
        assert_eq!(lines_of(b"123456789", 8), [Input::TooLong]);
    }
}
