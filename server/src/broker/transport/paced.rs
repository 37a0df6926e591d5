//! A stream that lets others run: WebSocket and TLS read on until they have data for us, so a broker that sends pings,
//! empty messages, empty records or tickets without pause would keep them, and the executor's thread, for ever.
//!
//! Invariant: after so many bytes it says once that nothing is there and wakes its task, whatever lies above it.

use futures::io::{AsyncRead, AsyncWrite};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Bytes between two pauses: 8,192 of the smallest frames, which take about a millisecond; of real messages, a hundred or
/// more, beside which one more turn of the task costs nothing.
const BYTES: usize = 16 * 1024;

/// Bytes both ways, with pauses.
pub(crate) struct Paced<S> {
    stream: S,
    left: usize,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            left: BYTES,
        }
    }

    pub(super) fn beneath(&self) -> &S {
        &self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.left == 0 {
            self.left = BYTES;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let most = into.len().min(self.left);
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut into[..most]);
        match read {
            Poll::Ready(Ok(count)) => self.left -= count.min(self.left),
            // It paused by itself.
            Poll::Pending => self.left = BYTES,
            Poll::Ready(Err(_)) => {}
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::task::noop_waker;

    #[test]
    fn an_endless_stream_pauses_after_so_many_bytes() {
        let mut stream = Paced::new(futures::io::repeat(0));
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        let mut buffer = [0; 1_000];
        for _ in 0..3 {
            let mut bytes = 0;
            while let Poll::Ready(read) = Pin::new(&mut stream).poll_read(&mut cx, &mut buffer) {
                bytes += read.unwrap();
                assert!(bytes <= BYTES, "no pause");
            }
            assert_eq!(bytes, BYTES);
        }
    }
}
