//! Bodies: of an answer, whole or as a stream of server-sent events, and of a request, gathered within its limits.

use super::io::Pace;
use crate::protocol::outbox::Outgoing;
use async_channel::Receiver;
use async_io::Timer;
use async_std::future::timeout;
use futures::Stream;
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// A comment on a silent stream: proxies cut connections that are silent for 60 s.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The body of an answer.
pub(super) struct Body {
    content: Content,
    /// Told when the answer has been given, or given up.
    pace: Option<Arc<Pace>>,
}

enum Content {
    Whole(Option<Bytes>),
    Events(Box<Events>),
}

/// Messages as server-sent events, until their outbox is closed.
pub(super) struct Events {
    /// Sent before all others.
    first: Option<Outgoing>,
    messages: Pin<Box<Receiver<Outgoing>>>,
    silent: Timer,
    /// Dropped when the stream ends or the client has gone.
    _held: Box<dyn Send + Sync>,
}

impl Body {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self {
            content: Content::Whole(Some(bytes.into())),
            pace: None,
        }
    }

    /// `held` lives as long as the stream.
    pub(super) fn events(
        first: Option<Outgoing>,
        messages: Receiver<Outgoing>,
        held: impl Send + Sync + 'static,
    ) -> Self {
        let events = Events {
            first,
            messages: Box::pin(messages),
            silent: Timer::after(KEEP_ALIVE),
            _held: Box::new(held),
        };
        Self {
            content: Content::Events(Box::new(events)),
            pace: None,
        }
    }

    /// Tells `pace` when it has been given.
    pub(super) fn paced(mut self, pace: Arc<Pace>) -> Self {
        self.pace = Some(pace);
        self
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(pace) = &self.pace {
            pace.idle();
        }
    }
}

impl Events {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let next = match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => self.messages.as_mut().poll_next(cx),
        };
        match next {
            Poll::Ready(Some(message)) => {
                self.silent.set_after(KEEP_ALIVE);
                Poll::Ready(Some(event(&message.text)))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match Pin::new(&mut self.silent).poll(cx) {
                Poll::Ready(_) => {
                    self.silent.set_after(KEEP_ALIVE);
                    Poll::Ready(Some(Bytes::from_static(b":\n\n")))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

/// Our messages hold no line ends. Without an `id:`, which would make clients come back for what they missed.
fn event(text: &str) -> Bytes {
    format!("event: message\ndata: {text}\n\n").into()
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match &mut self.content {
            Content::Whole(bytes) => Poll::Ready(bytes.take()),
            Content::Events(events) => events.poll_next(cx),
        };
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(bytes) if bytes.as_ref().is_none_or(Bytes::is_empty))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Content::Events(_) => SizeHint::default(),
        }
    }
}

/// Why the body of a request was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NotTaken {
    TooLong,
    TooSlow,
    Broken,
}

/// Reads the body of a request: at most so many bytes, in at most so long.
pub(super) async fn gather(
    mut body: Incoming,
    max: usize,
    limit: Duration,
) -> Result<Vec<u8>, NotTaken> {
    if body.size_hint().lower() > max as u64 {
        return Err(NotTaken::TooLong);
    }
    let reading = async {
        let mut gathered = Vec::new();
        while let Some(frame) = next_frame(&mut body).await {
            let frame = frame.map_err(|_| NotTaken::Broken)?;
            // What is no data is a trailer, of which we know none.
            let data = frame.into_data().unwrap_or_default();
            if gathered.len() + data.len() > max {
                return Err(NotTaken::TooLong);
            }
            gathered.extend_from_slice(&data);
        }
        Ok(gathered)
    };
    timeout(limit, reading)
        .await
        .unwrap_or(Err(NotTaken::TooSlow))
}

async fn next_frame(body: &mut Incoming) -> Option<Result<Frame<Bytes>, hyper::Error>> {
    std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
}
