//! Standard input and output: one thread reads, one writes, and nothing else in the server touches either.
//!
//! Lines are UTF-8 JSON ended by a newline. End of input, SIGTERM, SIGINT, SIGHUP and a closed output all end the process
//! the same way, with exit code 0: within a second, and within two where the client closed its end of the input and
//! does not read the output.
//! Invariants: a line beyond `max_line` costs no more memory than `max_line`; every channel is bounded; each write is whole
//! lines, flushed.

use crate::process::shutdown::{ALL_END, CALLS_END, OUTPUT_END, SESSIONS_END, guard};
use crate::process::signals::watch_signals;
use crate::protocol::caller::{Caller, Transport};
use crate::protocol::client::Client;
use crate::protocol::inflight::InFlight;
use crate::protocol::outbox::{Outbox, Outgoing};
use crate::protocol::service::Service;
use crate::text::lines::{Input, read_lines};
use async_channel::{Receiver, Sender, bounded};
use async_std::future::timeout;
use futures::FutureExt;
use futures::future::{Either, select};
use futures::pin_mut;
use std::fmt;
use std::io::{self, Write};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Lines read ahead. Each may take `max_line` bytes.
const LINES_AHEAD: usize = 2;
/// Lines waiting to be written; beyond, replies wait and progress is dropped.
const LINES_OUT: usize = 64;
/// Bytes gathered into one write.
const WRITE_TOGETHER: usize = 64 << 10;

/// How often a reader whose lines nobody takes looks whether the client is still there.
const HANG_UP_CHECK: Duration = Duration::from_millis(250);

/// At the end of the input: the lines that were read are still served, if the client reads the replies.
const LINES_END: Duration = Duration::from_secs(1);
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
    let caller = Caller::new(0, Transport::Stdio);
    let news = out.clone();
    let client = Client::new(Arc::clone(&service), caller, Arc::clone(&in_flight), news);
    async_std::task::block_on(async {
        let why = until_the_end(client, &out, lines, ended, max_line).await;
        log::info!("ending: {why}");
        shut_down(&*service, &in_flight, &out, &written).await;
    });
    Ok(())
}

async fn until_the_end(
    client: Client,
    out: &Outbox,
    lines: Receiver<Input>,
    ended: Receiver<End>,
    max_line: usize,
) -> End {
    let serving = async {
        while let Ok(input) = lines.recv().await {
            match input {
                Input::Line(line) => client.line(&line, out).await,
                Input::TooLong => client.too_long(max_line, out).await,
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
    out: &Outbox,
    written: &Receiver<()>,
) {
    guard(ALL_END);
    in_flight.cancel_all();
    let _ = timeout(CALLS_END, in_flight.drained()).await;
    let closing = AssertUnwindSafe(service.close(SESSIONS_END)).catch_unwind();
    if !matches!(timeout(SESSIONS_END, closing).await, Ok(Ok(()))) {
        log::warn!("not every connection could be closed in time");
    }
    let flush = async {
        // Who waits for room in the outbox gets it before that is closed.
        in_flight.drained().await;
        out.close();
        let _ = written.recv().await;
    };
    if timeout(OUTPUT_END, flush).await.is_err() {
        log::warn!("the client did not read the rest of the output");
    }
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

fn start_writer(end: Sender<End>) -> io::Result<(Outbox, Receiver<()>)> {
    let (out, lines) = Outbox::new(LINES_OUT);
    let (done, written) = bounded(1);
    thread::Builder::new()
        .name("stdout".to_owned())
        .spawn(move || {
            if let Err(error) = write_lines(&lines, io::stdout().lock()) {
                log::info!("standard output: {error}");
                let _ = end.try_send(End::OutputClosed);
                // Whoever still wants to say something must not wait for ever.
                while lines.recv_blocking().is_ok() {}
            }
            let _ = done.try_send(());
        })?;
    Ok((out, written))
}

fn write_lines(lines: &Receiver<Outgoing>, mut stdout: impl Write) -> io::Result<()> {
    let mut buffer = Vec::new();
    let mut ending = false;
    while !ending {
        let mut next = lines.recv_blocking().ok();
        loop {
            match next {
                Some(line) => {
                    buffer.extend_from_slice(line.text.as_bytes());
                    buffer.push(b'\n');
                }
                None => ending = true,
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
