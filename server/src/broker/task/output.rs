//! Bytes to be sent: filled from the session in large pieces, written when there is much or nothing else to do.
//!
//! Invariant: the bytes of a CONNECT are wiped once they are written, or when the connection ends before that.

use crate::broker::transport::Stream;
use bitsperity_mqtt_core::session::Session;
use bitsperity_mqtt_core::time::Instant;
use std::io;
use std::task::{Context, Poll};
use zeroize::Zeroize;

/// Bytes gathered before they are written.
const WRITE_BUFFER: usize = 32 * 1024;

/// Bytes that are worth a write of their own while packets still wait to be taken.
const WORTH_A_WRITE: usize = 8 * 1024;

pub(super) struct Output {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Holds a CONNECT.
    secret: bool,
    unflushed: bool,
    /// In all.
    pub written: u64,
}

impl Output {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; WRITE_BUFFER],
            start: 0,
            end: 0,
            secret: false,
            unflushed: false,
            written: 0,
        }
    }

    /// A new connection, or none.
    pub(super) fn reset(&mut self) {
        self.wipe();
        (self.start, self.end, self.unflushed) = (0, 0, false);
    }

    fn wipe(&mut self) {
        if self.secret {
            self.bytes.zeroize();
            self.bytes.resize(WRITE_BUFFER, 0);
            self.secret = false;
        }
    }

    /// Lets `write` put a CONNECT to the front of an empty buffer; it tells the length, or how much room it needs.
    pub(super) fn connect<E>(
        &mut self,
        mut write: impl FnMut(&mut [u8]) -> Result<usize, E>,
        needs: impl Fn(&E) -> Option<usize>,
    ) -> Result<(), E> {
        self.reset();
        self.secret = true;
        let written = match write(&mut self.bytes) {
            Err(error) => match needs(&error) {
                Some(needed) => {
                    // Empty but for a part of the CONNECT: wiped before the memory is given back.
                    self.bytes.zeroize();
                    self.bytes.resize(needed, 0);
                    write(&mut self.bytes)
                }
                None => Err(error),
            },
            written => written,
        };
        self.end = written?;
        Ok(())
    }

    /// Takes from the session what fits.
    pub(super) fn fill(&mut self, session: &mut Session<'_>, now: Instant) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        while self.end < self.bytes.len() {
            match session.poll_transmit(now, &mut self.bytes[self.end..]) {
                0 => break,
                count => self.end += count,
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end && !self.unflushed
    }

    pub(super) fn is_worth_a_write(&self) -> bool {
        self.end - self.start >= WORTH_A_WRITE
    }

    /// Writes and flushes as far as the stream takes it. Ready with whether anything was written.
    pub(super) fn poll_write(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<bool>> {
        let mut progress = false;
        while self.start < self.end {
            match stream.poll_write(cx, &self.bytes[self.start..self.end]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    self.start += count;
                    self.written += count as u64;
                    self.unflushed = true;
                    progress = true;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if progress => return Poll::Ready(Ok(true)),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.wipe();
        (self.start, self.end) = (0, 0);
        if self.unflushed {
            match stream.poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    return if progress {
                        Poll::Ready(Ok(true))
                    } else {
                        Poll::Pending
                    };
                }
            }
        }
        Poll::Ready(Ok(progress))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.wipe();
    }
}
