//! The way from a relay to its service: a Unix socket with one message a line, or a WebSocket with one a text message.
//!
//! Invariant: a link that has ended, however, is a closed channel; errors are said in one sentence that says what to do.

use super::place::Place;
use crate::text::lines::{Cutter, Input, READ_CHUNK};
use async_channel::{Receiver, Sender, bounded};
use async_std::future::timeout;
use async_std::net::TcpStream;
use async_tungstenite::tungstenite::client::IntoClientRequest;
use async_tungstenite::tungstenite::http::{HeaderValue, Response};
use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use async_tungstenite::tungstenite::{Error, Message};
use async_tungstenite::{WebSocketReceiver, WebSocketSender, client_async_with_config};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

/// For the whole of a connection's beginning.
const CONNECT: Duration = Duration::from_secs(5);
/// After so long without a message a WebSocket is pinged, since proxies cut what is silent.
const PING: Duration = Duration::from_secs(20);
/// Messages on their way, each direction.
const AHEAD: usize = 2;

/// Where the service is.
pub enum Target {
    /// A Unix socket.
    Socket(PathBuf),
    /// A WebSocket, with the token if there is one.
    Http(Place, Option<Zeroizing<String>>),
}

/// An open link.
pub(super) struct Link {
    /// Dropped when there is nothing more to say.
    pub(super) to: Sender<Vec<u8>>,
    /// Closed when the service is gone.
    pub(super) from: Receiver<Vec<u8>>,
}

impl Target {
    /// Opens a link.
    ///
    /// # Errors
    /// In one sentence what is wrong, and what to do.
    pub(super) async fn connect(&self, max_line: usize) -> Result<Link, String> {
        let connecting = async {
            match self {
                #[cfg(unix)]
                Self::Socket(path) => unix(path, max_line).await,
                #[cfg(not(unix))]
                Self::Socket(_) => {
                    Err("there are no Unix sockets here: give --connect an address".to_owned())
                }
                Self::Http(place, token) => {
                    let token = token.as_ref().map(|token| token.as_str());
                    websocket(place, token, max_line).await
                }
            }
        };
        let late = |_| Err("the service does not answer; is it the right address?".to_owned());
        timeout(CONNECT, connecting).await.unwrap_or_else(late)
    }
}

#[cfg(unix)]
async fn unix(path: &std::path::Path, max_line: usize) -> Result<Link, String> {
    let stream = async_std::os::unix::net::UnixStream::connect(path).await;
    let mut stream = stream.map_err(|error| {
        format!(
            "no service listens at {}: {error}; start one with `bitsperity-mqtt-mcp serve`",
            path.display()
        )
    })?;
    let (to, outgoing) = bounded::<Vec<u8>>(AHEAD);
    let (incoming, from) = bounded(AHEAD);
    let mut input = stream.clone();
    async_std::task::spawn(async move {
        let mut buffer = vec![0; READ_CHUNK];
        let mut cutter = Cutter::new(max_line);
        while let Ok(count @ 1..) = input.read(&mut buffer).await {
            let mut lines = Vec::new();
            cutter.cut(buffer.get(..count).unwrap_or_default(), &mut |line| {
                lines.push(line);
                true
            });
            for line in lines {
                let Input::Line(line) = line else { return };
                if incoming.send(line).await.is_err() {
                    return;
                }
            }
        }
    });
    async_std::task::spawn(async move {
        while let Ok(mut line) = outgoing.recv().await {
            line.push(b'\n');
            if stream.write_all(&line).await.is_err() {
                return;
            }
        }
        let _ = stream.shutdown(std::net::Shutdown::Write);
    });
    Ok(Link { to, from })
}

async fn websocket(place: &Place, token: Option<&str>, max_line: usize) -> Result<Link, String> {
    let request = format!("ws://{place}/relay").into_client_request();
    let mut request = request.map_err(|error| format!("http://{place}: {error}"))?;
    if let Some(token) = token {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut value = value.map_err(|_| "the token holds what no header may hold")?;
        value.set_sensitive(true);
        request.headers_mut().insert("authorization", value);
    }
    let gone = |error| {
        format!(
            "no service listens at http://{place}: {error}; start one with `bitsperity-mqtt-mcp serve`"
        )
    };
    let stream = TcpStream::connect(place.to_resolve()).await.map_err(gone)?;
    let _ = stream.set_nodelay(true);
    let config = WebSocketConfig::default()
        .max_message_size(Some(max_line))
        .max_frame_size(Some(max_line));
    let opened = client_async_with_config(request, stream, Some(config)).await;
    let (socket, _) = opened.map_err(|error| match error {
        Error::Http(answer) => refused(place, &answer),
        error => format!("http://{place} is no service of ours: {error}"),
    })?;
    let (sink, stream) = socket.split();
    let (to, outgoing) = bounded(AHEAD);
    let (incoming, from) = bounded(AHEAD);
    async_std::task::spawn(receive(stream, incoming));
    async_std::task::spawn(send(sink, outgoing));
    Ok(Link { to, from })
}

/// In the service's own words, if it has any.
fn refused(place: &Place, answer: &Response<Option<Vec<u8>>>) -> String {
    let body = answer.body().as_deref().unwrap_or_default();
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let words = said["error"]["message"].as_str().unwrap_or_default();
    let status = answer.status().as_u16();
    let advice = match status {
        401 => "give the service's token by --token-file or BITSPERITY_MQTT_TOKEN",
        _ => "is it the right address?",
    };
    format!("http://{place} refuses ({status}): {words}; {advice}")
}

async fn receive(mut stream: WebSocketReceiver<TcpStream>, to: Sender<Vec<u8>>) {
    while let Some(Ok(message)) = stream.next().await {
        if let Message::Text(line) = message
            && to.send(line.as_str().as_bytes().to_vec()).await.is_err()
        {
            return;
        }
    }
}

async fn send(mut sink: WebSocketSender<TcpStream>, from: Receiver<Vec<u8>>) {
    loop {
        let message = match timeout(PING, from.recv()).await {
            // What is no UTF-8 is no JSON: it is answered as such.
            Ok(Ok(line)) => Message::text(String::from_utf8_lossy(&line).into_owned()),
            Ok(Err(_)) => break,
            Err(_) => Message::Ping(Default::default()),
        };
        if sink.send(message).await.is_err() {
            return;
        }
    }
    let _ = sink.close(None).await;
}
