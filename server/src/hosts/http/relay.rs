//! `/relay`: a WebSocket that carries the lines of a client elsewhere, one text message each; and upgrades in general.
//!
//! Invariant: a client that takes nothing for `http_write_time` is let go; its requests end with it.

use super::body::Body;
use super::connection::Connection;
use super::headers::only;
use super::io::Io;
use super::refusal::Refusal;
use crate::hosts::assistants::{Assistant, Assistants};
use crate::protocol::caller::Transport;
use async_std::future::timeout;
use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::handshake::derive_accept_key;
use async_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use async_tungstenite::{WebSocketReceiver, WebSocketSender, WebSocketStream};
use futures::StreamExt;
use futures::future::select;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderName, HeaderValue, UPGRADE};
use hyper::{HeaderMap, Request, Response, StatusCode};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// A WebSocket of ours.
pub type Socket = WebSocketStream<Connection>;

/// Bytes of a message of the page; it sends almost nothing.
const SMALL: usize = 64 << 10;
/// Bytes that may wait to be written.
const WRITE_BUFFER: usize = 256 << 10;

/// A relay pings three times in this; one that is silent for so long is gone, though its connection does not say so.
const SILENT: Duration = Duration::from_secs(90);

/// Answers a request for `/relay`.
pub(super) fn answer(
    request: Request<Incoming>,
    assistants: &Arc<Assistants>,
    max_line: usize,
    write_time: Duration,
) -> Result<Response<Body>, Refusal> {
    let assistants = Arc::clone(assistants);
    upgrade_with(request, max_line, move |socket| async move {
        let assistant = assistants.come(Transport::Relay, None);
        converse(&assistant, socket, write_time).await;
    })
}

/// Both directions, until one ends.
async fn converse(assistant: &Assistant, socket: Socket, write_time: Duration) {
    let (sink, stream) = socket.split();
    let reading = pin!(read(assistant, stream));
    let writing = pin!(write(assistant, sink, write_time));
    select(reading, writing).await;
    // Who waits for room must not wait for ever.
    assistant.out.close();
}

async fn read(assistant: &Assistant, mut stream: WebSocketReceiver<Connection>) {
    while let Ok(Some(Ok(message))) = timeout(SILENT, stream.next()).await {
        match message {
            Message::Text(line) => {
                let line = line.as_str().as_bytes();
                assistant.client.line(line, &assistant.out).await;
            }
            Message::Close(_) => return,
            _ => {}
        }
    }
}

async fn write(assistant: &Assistant, mut sink: WebSocketSender<Connection>, limit: Duration) {
    while let Ok(message) = assistant.news.recv().await {
        let sending = sink.send(Message::text(message.text));
        if !matches!(timeout(limit, sending).await, Ok(Ok(()))) {
            log::info!("relay: the client takes nothing any more");
            return;
        }
    }
    let _ = timeout(limit, sink.close(None)).await;
}

/// Whether a request wants another protocol.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE)
}

/// Makes a WebSocket of small messages of the connection of a request.
pub(super) fn upgrade<F>(
    request: Request<Incoming>,
    then: impl FnOnce(Socket) -> F + Send + 'static,
) -> Result<Response<Body>, Refusal>
where
    F: Future<Output = ()> + Send + 'static,
{
    upgrade_with(request, SMALL, then)
}

fn upgrade_with<F>(
    mut request: Request<Incoming>,
    max: usize,
    then: impl FnOnce(Socket) -> F + Send + 'static,
) -> Result<Response<Body>, Refusal>
where
    F: Future<Output = ()> + Send + 'static,
{
    let accept = accept_key(&request)?;
    let upgrading = hyper::upgrade::on(&mut request);
    async_std::task::spawn(async move {
        let upgraded = match upgrading.await {
            Ok(upgraded) => upgraded,
            Err(error) => return log::debug!("upgrade: {error}"),
        };
        let Ok(parts) = upgraded.downcast::<Io<Connection>>() else {
            return log::error!("upgrade: not a connection of ours; this is a bug");
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(max))
            .max_frame_size(Some(max))
            .read_buffer_size(4 << 10)
            .max_write_buffer_size(WRITE_BUFFER.max(max));
        let (stream, read) = (parts.io.into_inner(), parts.read_buf.to_vec());
        let socket =
            WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await;
        then(socket).await;
    });
    let mut response = Response::new(Body::whole(""));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(HeaderName::from_static("sec-websocket-accept"), accept);
    }
    Ok(response)
}

fn accept_key(request: &Request<Incoming>) -> Result<String, Refusal> {
    let headers = request.headers();
    let is = |name: &str, wanted: &str| {
        let value = only(headers, name).unwrap_or_default();
        let mut words = value.split(',').map(str::trim);
        words.any(|word| word.eq_ignore_ascii_case(wanted))
    };
    if request.method() != hyper::Method::GET {
        return Err(Refusal::method("GET").closing());
    }
    let websocket = is("upgrade", "websocket") && is("connection", "upgrade");
    if !websocket || !is("sec-websocket-version", "13") {
        let message = "a WebSocket of version 13 is spoken here";
        return Err(Refusal::upgrade(message).closing());
    }
    match only(headers, "sec-websocket-key") {
        Some(key) if key.len() == 24 => Ok(derive_accept_key(key.as_bytes())),
        _ => {
            let message = "Sec-WebSocket-Key must be 16 bytes as base64";
            Err(Refusal::new(StatusCode::BAD_REQUEST, message).closing())
        }
    }
}
