//! The way to the broker: DNS, TCP, TLS, WebSocket, one after the other under one deadline, every stage timed and named.
//! The TLS and WebSocket crates are used in this folder only. CONNECT and CONNACK are the task's.
//!
//! Invariant: a [`Stream`] is a plain, ordered stream of bytes `[MQTT-4.2-1]` v5, whatever lies beneath it; frames of a
//! WebSocket and records of TLS need not align with packets.

mod paced;
mod tcp;
mod tls;
mod trust;
mod websocket;
mod x509;

use super::error::{Cause, ConnectError, Stage, Tried};
use crate::config::target::Target;
use async_std::future::timeout;
use async_std::net::TcpStream;
use futures::io::{AsyncRead, AsyncWrite};
use paced::Paced;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

pub(crate) use tls::explain_first_read;

/// Bytes both ways.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Tls(Box<tls::TlsStream>),
    Ws(Box<websocket::ByteStream<Paced<TcpStream>>>),
    Wss(Box<websocket::ByteStream<tls::TlsStream>>),
}

/// A way to the broker that stands; MQTT has not begun.
pub(crate) struct Dialed {
    pub stream: Stream,
    pub peer: String,
    pub tls: Option<String>,
    pub stages: Vec<(&'static str, Duration)>,
}

/// Names the stage under way and how long each took.
struct Stages<'t> {
    target: &'t Target,
    deadline: Instant,
    budget: Duration,
    begun: Instant,
    done: Vec<(&'static str, Duration)>,
}

impl<'t> Stages<'t> {
    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Runs one stage within what is left of the deadline.
    async fn run<T>(
        &mut self,
        stage: Stage,
        work: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, ConnectError> {
        self.begun = Instant::now();
        let result = match timeout(self.left(), work).await {
            Ok(result) => result,
            Err(_) => Err(Cause::Silent(self.budget)),
        };
        self.done.push((stage.name(), self.begun.elapsed()));
        result.map_err(|cause| ConnectError {
            broker: self.target.display(),
            tried: Tried::of(self.target),
            stage,
            cause,
            stages: std::mem::take(&mut self.done),
        })
    }
}

/// Dials: every address of the name in turn, then TLS and WebSocket as the scheme says, all within `budget`.
pub(crate) async fn dial(
    target: &Target,
    budget: Duration,
    max_packet: usize,
) -> Result<Dialed, ConnectError> {
    let now = Instant::now();
    let mut stages = Stages {
        target,
        deadline: now + budget,
        budget,
        begun: now,
        done: Vec::with_capacity(5),
    };
    let addresses = stages
        .run(Stage::Dns, tcp::resolve(&target.host, target.port))
        .await?;
    let left = stages.left();
    let (tcp, address) = stages
        .run(Stage::Tcp, tcp::connect(&addresses, left))
        .await?;
    let peer = address.to_string();
    let mut tls_version = None;
    let stream = if target.scheme.is_tls() {
        let tls = stages
            .run(Stage::Tls, tls::connect(target, Paced::new(tcp)))
            .await?;
        tls_version = tls::version(&tls);
        if target.scheme.is_websocket() {
            let upgrade = websocket::connect(target, tls, max_packet);
            Stream::Wss(Box::new(stages.run(Stage::WebSocket, upgrade).await?))
        } else {
            Stream::Tls(Box::new(tls))
        }
    } else if target.scheme.is_websocket() {
        let upgrade = websocket::connect(target, Paced::new(tcp), max_packet);
        Stream::Ws(Box::new(stages.run(Stage::WebSocket, upgrade).await?))
    } else {
        Stream::Tcp(tcp)
    };
    Ok(Dialed {
        stream,
        peer,
        tls: tls_version,
        stages: stages.done,
    })
}

/// Calls the same poll on whichever stream it is.
macro_rules! each {
    ($self:expr, $stream:ident => $call:expr) => {
        match $self {
            Stream::Tcp($stream) => $call,
            Stream::Tls($stream) => $call,
            Stream::Ws($stream) => $call,
            Stream::Wss($stream) => $call,
        }
    };
}

impl Stream {
    /// Has the system acknowledge at once what was read. Brokers that leave Nagle's algorithm on (Mosquitto) hold the
    /// next small packet back until then, up to 40 ms.
    pub(crate) fn acknowledge_now(&self) {
        let socket = match self {
            Self::Tcp(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0.beneath(),
            Self::Ws(ws) => ws.beneath().beneath(),
            Self::Wss(wss) => wss.beneath().get_ref().0.beneath(),
        };
        tcp::acknowledge_now(socket);
    }

    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_read(cx, into))
    }

    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write(cx, from))
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_close(cx))
    }
}
