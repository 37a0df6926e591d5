//! A stream of futures-io as hyper wants it, with the deadlines that hyper lacks: for the head of a request, for an idle
//! connection, for a client that takes nothing. Safe code only; what is read passes through a buffer of 4 KiB.
//!
//! Invariant: while a request is answered nothing limits reading, so that a disconnected client is noticed.

use async_io::Timer;
use futures::task::AtomicWaker;
use futures::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBufCursor, Write};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Bytes of one read.
const CHUNK: usize = 4 << 10;

/// Deadlines of one connection.
#[derive(Clone, Copy)]
pub(super) struct Deadlines {
    pub(super) head: Duration,
    pub(super) idle: Duration,
    pub(super) write: Duration,
}

/// Where a connection stands, as the deadlines see it: known to the stream and to who answers.
pub(super) struct Pace {
    is: AtomicU8,
    /// Of the connection, which has a deadline again once it is idle.
    waker: AtomicWaker,
}

/// Waits for a request; the first must come as soon as its head must end.
const FRESH: u8 = 0;
/// Reads a head.
const HEAD: u8 = 1;
/// Reads a body, works or answers.
const BUSY: u8 = 2;
/// Waits for another request.
const IDLE: u8 = 3;

impl Pace {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            is: AtomicU8::new(FRESH),
            waker: AtomicWaker::new(),
        })
    }

    /// A head has been read.
    pub(super) fn busy(&self) {
        self.is.store(BUSY, Ordering::Release);
    }

    /// An answer has been given.
    pub(super) fn idle(&self) {
        self.is.store(IDLE, Ordering::Release);
        self.waker.wake();
    }

    fn is(&self) -> u8 {
        self.is.load(Ordering::Acquire)
    }

    /// Bytes came; true if they are the first of another head.
    fn came(&self) -> bool {
        let head_begins = |waiting| {
            let (set, fail) = (Ordering::AcqRel, Ordering::Acquire);
            self.is.compare_exchange(waiting, HEAD, set, fail).is_ok()
        };
        !head_begins(FRESH) && head_begins(IDLE)
    }
}

/// See the head of this file.
pub(super) struct Io<S> {
    stream: S,
    pace: Arc<Pace>,
    deadlines: Deadlines,
    /// The pace for which the time runs, and when it is over.
    read_by: Option<(u8, Timer)>,
    write_by: Option<Timer>,
}

impl<S> Io<S> {
    pub(super) fn new(stream: S, pace: Arc<Pace>, deadlines: Deadlines) -> Self {
        Self {
            stream,
            pace,
            deadlines,
            read_by: None,
            write_by: None,
        }
    }

    /// The stream, for another protocol.
    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    /// Nothing came: whether that may go on.
    fn wait_to_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.pace.waker.register(cx.waker());
        let pace = self.pace.is();
        let limit = match pace {
            BUSY => {
                self.read_by = None;
                return Poll::Pending;
            }
            IDLE => self.deadlines.idle,
            _ => self.deadlines.head,
        };
        // A head may come in pieces, the first when the connection was fresh: its time begins once.
        let same = |of: u8| of == pace || (of == FRESH && pace == HEAD);
        if self.read_by.as_ref().is_none_or(|(of, _)| !same(*of)) {
            self.read_by = Some((pace, Timer::after(limit)));
        }
        match &mut self.read_by {
            Some((_, timer)) => Pin::new(timer).poll(cx).map(|_| late()),
            None => Poll::Pending,
        }
    }

    /// The result of a write, or that it took too long.
    fn in_time<T>(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.write_by = None;
            return done;
        }
        let limit = self.deadlines.write;
        let timer = self.write_by.get_or_insert_with(|| Timer::after(limit));
        Pin::new(timer).poll(cx).map(|_| Err(late()))
    }
}

fn late() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

impl<S: AsyncRead + Unpin> Read for Io<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let mut chunk = [0; CHUNK];
        let room = buf.remaining().min(CHUNK);
        let Some(chunk) = chunk.get_mut(..room) else {
            return Poll::Ready(Ok(()));
        };
        let Poll::Ready(count) = Pin::new(&mut this.stream).poll_read(cx, chunk) else {
            return Poll::Ready(Err(ready!(this.wait_to_read(cx))));
        };
        let count = count?;
        if this.pace.came() {
            this.read_by = None;
        }
        buf.put_slice(chunk.get(..count).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> Write for Io<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.in_time(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.in_time(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.stream).poll_close(cx);
        self.in_time(cx, closed)
    }
}
