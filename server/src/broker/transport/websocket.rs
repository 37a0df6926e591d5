//! WebSocket with the subprotocol `mqtt` (MQTT 5.0 section 6): the upgrade, and binary messages as a plain stream of bytes.
//! A message need not hold whole packets, nor only one `[MQTT-6.0.0-2]`.

use super::tcp::system_words;
use crate::broker::error::Cause;
use crate::config::target::Target;
use crate::text::mask::mask;
use async_tungstenite::tungstenite::client::IntoClientRequest;
use async_tungstenite::tungstenite::error::{ProtocolError, UrlError};
use async_tungstenite::tungstenite::http::HeaderValue;
use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use async_tungstenite::tungstenite::{Bytes, Error, Message};
use async_tungstenite::{WebSocketStream, client_async_with_config};
use futures::io::{AsyncRead, AsyncWrite};
use futures::sink::Sink;
use futures::stream::Stream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Bytes of the buffers beneath: as much as one read of the task takes.
const BUFFER: usize = 64 * 1024;

/// Bytes of one message that we send.
const MAX_SENT: usize = 64 * 1024;

/// Messages that one read takes. Each ping is answered by a write of its own, some 5 µs, so these take about a millisecond;
/// of real messages they are enough that one more turn of the task does not count.
const MESSAGES_A_READ: usize = 256;

/// A broker may put several packets into one message.
const PACKETS_A_MESSAGE: usize = 2;

/// Binary messages as bytes.
pub(crate) struct ByteStream<S> {
    socket: WebSocketStream<S>,
    /// What is left of the last message.
    rest: Bytes,
    ended: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream<S> {
    pub(super) fn beneath(&self) -> &S {
        self.socket.get_ref()
    }
}

/// The upgrade.
pub(super) async fn connect<S>(
    target: &Target,
    stream: S,
    max_packet: usize,
) -> Result<ByteStream<S>, Cause>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // TLS, where it is spoken, lies beneath `stream` already; the URL gives Host and path.
    let scheme = target.scheme.name();
    let mut request = format!("{scheme}://{}{}", target.authority(), target.path)
        .into_client_request()
        .map_err(|_| Cause::Unusable("the WebSocket path is not usable in a URL".into()))?;
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt")); // [MQTT-6.0.0-3] v5
    // A message over the bound of a packet must still pass, to be passed over by the framer; anything above ends here.
    let largest = max_packet.saturating_mul(PACKETS_A_MESSAGE).max(BUFFER);
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_write_buffer_size(4 * BUFFER)
        .max_message_size(Some(largest))
        .max_frame_size(Some(largest));
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _)) => Ok(ByteStream {
            socket,
            rest: Bytes::new(),
            ended: false,
        }),
        Err(error) => Err(explain(target, error)),
    }
}

fn explain(target: &Target, error: Error) -> Cause {
    match error {
        Error::Http(response) => {
            let path = target.path.split('?').next().unwrap_or_default();
            let to = response.headers().get("Location").and_then(place);
            Cause::HttpStatus(response.status().as_u16(), path.to_owned(), to)
        }
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => Cause::NoSubprotocol,
        Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            Cause::NotWebSocket("it closed the connection during the upgrade".into())
        }
        Error::Io(error) => Cause::NotWebSocket(system_words(&error)),
        Error::Url(UrlError::NoPathOrQuery) => {
            Cause::Unusable("the WebSocket path is not usable in a URL".into())
        }
        other => Cause::NotWebSocket(other.to_string()),
    }
}

/// Where a redirect leads, without what may be a secret in it.
fn place(location: &HeaderValue) -> Option<String> {
    /// Characters of an address that a person reads.
    const MAX: usize = 200;
    let location = location.to_str().ok()?.split(['?', '#']).next()?;
    Some(mask(location).chars().take(MAX).collect())
}

fn broken(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::NotConnected.into(),
        Error::Capacity(_) => io::Error::new(
            io::ErrorKind::InvalidData,
            "the broker sent a larger WebSocket message than we take",
        ),
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ByteStream<S> {
    /// Fills as much as is there: one message is often one packet, and each turn of the task costs more than that. But not
    /// without end: pings and empty messages fill nothing.
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut filled = 0;
        let mut messages = 0;
        while filled < into.len() && !self.ended {
            if self.rest.is_empty() {
                if messages == MESSAGES_A_READ {
                    if filled > 0 {
                        break;
                    }
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                messages += 1;
                match Pin::new(&mut self.socket).poll_next(cx) {
                    Poll::Ready(Some(Ok(Message::Binary(bytes)))) => self.rest = bytes,
                    Poll::Ready(Some(Ok(Message::Text(_)))) => {
                        // [MQTT-6.0.0-1]: anything but binary closes the connection.
                        let text = "the broker sent text over the WebSocket";
                        return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, text)));
                    }
                    Poll::Ready(Some(Ok(Message::Close(_))) | None) => self.ended = true,
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(Some(Err(error))) if filled == 0 => {
                        return Poll::Ready(match broken(error) {
                            error if error.kind() == io::ErrorKind::NotConnected => Ok(0),
                            error => Err(error),
                        });
                    }
                    Poll::Ready(Some(Err(_))) => self.ended = true,
                    Poll::Pending if filled == 0 => return Poll::Pending,
                    Poll::Pending => break,
                }
                continue;
            }
            let take = self.rest.len().min(into.len() - filled);
            let part = self.rest.split_to(take);
            into[filled..filled + take].copy_from_slice(&part);
            filled += take;
        }
        Poll::Ready(Ok(filled))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ByteStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(broken)?;
        let part = &from[..from.len().min(MAX_SENT)];
        let message = Message::Binary(Bytes::copy_from_slice(part));
        Pin::new(&mut self.socket)
            .start_send(message)
            .map_err(broken)?;
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(broken)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx).map_err(broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_tungstenite::tungstenite::protocol::Role;
    use futures::task::noop_waker;

    /// Sends the same bytes again and again, takes what is written, and counts both.
    struct Endless {
        pattern: &'static [u8],
        read: usize,
        written: usize,
    }

    impl AsyncRead for Endless {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            into: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            // A reader that does not stop would hang here for ever.
            assert!(self.read < 64 * BUFFER, "one poll read without end");
            for byte in into.iter_mut() {
                *byte = self.pattern[self.read % self.pattern.len()];
                self.read += 1;
            }
            Poll::Ready(Ok(into.len()))
        }
    }

    impl AsyncWrite for Endless {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            from: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.written += 1;
            Poll::Ready(Ok(from.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    async fn stream(pattern: &'static [u8]) -> ByteStream<super::super::Paced<Endless>> {
        let endless = Endless {
            pattern,
            read: 0,
            written: 0,
        };
        let endless = super::super::Paced::new(endless);
        ByteStream {
            socket: WebSocketStream::from_raw_socket(endless, Role::Client, None).await,
            rest: Bytes::new(),
            ended: false,
        }
    }

    #[test]
    fn one_read_takes_so_many_messages_only() {
        // A ping with four bytes, an empty message, a pong.
        for pattern in [&b"\x89\x04ping"[..], b"\x82\x00", b"\x8a\x00"] {
            let mut stream = async_std::task::block_on(stream(pattern));
            let waker = noop_waker();
            let mut cx = Context::from_waker(&waker);
            let mut buffer = [0; 1_000];
            for turn in 1..=100 {
                let read = Pin::new(&mut stream).poll_read(&mut cx, &mut buffer);
                assert!(read.is_pending(), "{pattern:?}");
                let written = stream.beneath().beneath().written;
                assert!(written <= turn * MESSAGES_A_READ, "{written} pongs");
            }
            assert!(stream.beneath().beneath().read > 0);
        }
    }

    #[test]
    fn one_read_of_empty_fragments_ends() {
        // The first fragment of a message, then continuations with nothing in them.
        let mut stream = async_std::task::block_on(stream(b"\x00\x00"));
        let first = Bytes::from_static(b"\x02\x00");
        stream.socket = async_std::task::block_on(WebSocketStream::from_partially_read(
            super::super::Paced::new(Endless {
                pattern: b"\x00\x00",
                read: 0,
                written: 0,
            }),
            first.to_vec(),
            Role::Client,
            None,
        ));
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        let mut before = 0;
        for _ in 0..20 {
            let read = Pin::new(&mut stream).poll_read(&mut cx, &mut [0; 1_000]);
            assert!(read.is_pending());
            let read = stream.beneath().beneath().read;
            assert!(
                read - before <= BUFFER,
                "{} bytes in one poll",
                read - before
            );
            before = read;
        }
        assert!(before > 0);
    }

    #[test]
    fn small_messages_are_handed_over_together() {
        let mut stream = async_std::task::block_on(stream(b"\x82\x01x"));
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        let read = Pin::new(&mut stream).poll_read(&mut cx, &mut [0; 1_000]);
        assert!(matches!(read, Poll::Ready(Ok(MESSAGES_A_READ))), "{read:?}");
    }
}
