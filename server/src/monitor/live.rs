//! News over WebSocket: a snapshot, then once a second what has changed.
//!
//! Invariants: who brings no ticket hears nothing; who does not read is dropped, never waited for and never buffered for
//! beyond one message; at most [`MAX_LISTENERS`] listen.

use super::parts::{NAMES, Parts};
use super::{Desk, Monitor};
use crate::app::views::Device;
use async_std::future::timeout;
use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use async_tungstenite::tungstenite::{Error, Message};
use futures::future::{Either, select};
use futures::{AsyncRead, AsyncWrite, StreamExt};
use serde::Deserialize;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

/// Who may listen at once.
const MAX_LISTENERS: usize = 8;

/// Time for the first message, which is the ticket.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time in which a message must be taken.
const SENDING: Duration = Duration::from_secs(10);

/// Between two messages; the second where a broker is very busy, as the page says.
const CALM: Duration = Duration::from_secs(1);
const BUSY: Duration = Duration::from_secs(5);

/// Messages a second from which a broker is very busy: a person sees nothing more in a figure that is new each second,
/// and the processor is wanted elsewhere.
const BUSY_RATE: f64 = 20_000.0;

#[derive(Deserialize)]
struct First {
    ticket: String,
}

/// What one listener has heard.
#[derive(Default)]
struct Heard {
    texts: [Option<Arc<str>>; NAMES.len()],
    devices: HashMap<String, Device>,
    order: Vec<String>,
    calls: u64,
    began: bool,
}

/// A seat, given back when dropped.
struct Seat<'d>(&'d Desk);

impl<'d> Seat<'d> {
    fn take(desk: &'d Desk) -> Option<Self> {
        let taken = desk
            .listeners
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken < MAX_LISTENERS).then_some(taken + 1)
            });
        taken.ok().map(|_| Self(desk))
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.listeners.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Monitor {
    /// Sends the news until the other side goes. Unless it is trusted, its first message is `{"ticket": …}`.
    pub async fn live<S>(&self, mut socket: WebSocketStream<S>, trusted: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let desk = &*self.desk;
        if !trusted && !has_ticket(desk, &mut socket).await {
            let why = "the first message must be a ticket of POST api/ticket";
            return close(&mut socket, CloseCode::Policy, why).await;
        }
        let Some(_seat) = Seat::take(desk) else {
            let why = "too many pages listen; close another one";
            return close(&mut socket, CloseCode::Again, why).await;
        };
        let mut heard = Heard::default();
        loop {
            let parts = desk.parts().await;
            let every = if parts.rate >= BUSY_RATE { BUSY } else { CALM };
            let news = heard.news(desk, &parts, every);
            match timeout(SENDING, socket.send(Message::text(news))).await {
                Ok(Ok(())) => {}
                _ => return,
            }
            let pause = pin!(async_std::task::sleep(every));
            let silence = pin!(until_gone(&mut socket));
            if let Either::Right(_) = select(pause, silence).await {
                return;
            }
        }
    }
}

async fn has_ticket<S>(desk: &Desk, socket: &mut WebSocketStream<S>) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let first = timeout(PATIENCE, socket.next()).await;
    let Ok(Some(Ok(Message::Text(text)))) = first else {
        return false;
    };
    let first: Result<First, _> = serde_json::from_str(&text);
    first.is_ok_and(|first| desk.tickets.redeem(&first.ticket))
}

/// Reads, so that pings are answered and an end is noticed; what else is said is passed over.
async fn until_gone<S>(socket: &mut WebSocketStream<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(said) = socket.next().await {
        match said {
            Ok(Message::Close(_)) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => return,
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

async fn close<S>(socket: &mut WebSocketStream<S>, code: CloseCode, why: &'static str)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let frame = CloseFrame {
        code,
        reason: why.into(),
    };
    let _ = timeout(SENDING, socket.close(Some(frame))).await;
}

impl Heard {
    /// What is new since the last time, as a message.
    fn news(&mut self, desk: &Desk, parts: &Parts, every: Duration) -> String {
        let kind = if std::mem::replace(&mut self.began, true) {
            "change"
        } else {
            "snapshot"
        };
        let at = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let (at, every) = (at.as_millis(), every.as_secs());
        let mut news = format!("{{\"type\":\"{kind}\",\"at\":{at},\"every_s\":{every}");
        for ((name, text), known) in NAMES.iter().zip(&parts.texts).zip(&mut self.texts) {
            if known.as_ref() != Some(text) {
                news += &format!(",\"{name}\":{text}");
                *known = Some(text.clone());
            }
        }
        self.devices(&parts.devices, &mut news);
        let (calls, last) = desk.calls_after(self.calls);
        if !calls.is_empty() || kind == "snapshot" {
            news += &format!(",\"calls\":{}", serde_json::Value::from(calls));
        }
        self.calls = last;
        news.push('}');
        news
    }

    /// Devices that are other than before, and the keys of all in their order if that is another.
    fn devices(&mut self, devices: &[Device], news: &mut String) {
        let order: Vec<String> = devices.iter().map(key).collect();
        let changed = devices
            .iter()
            .filter(|it| self.devices.get(&key(it)) != Some(it));
        let changed: Vec<&Device> = changed.collect();
        if !changed.is_empty()
            && let Ok(json) = serde_json::to_string(&changed)
        {
            *news += &format!(",\"devices\":{json}");
        }
        if order != self.order
            && let Ok(json) = serde_json::to_string(&order)
        {
            *news += &format!(",\"device_keys\":{json}");
        }
        if !changed.is_empty() || order != self.order {
            self.devices = devices.iter().map(|it| (key(it), it.clone())).collect();
            self.order = order;
        }
    }
}

/// What names a device on the page.
fn key(device: &Device) -> String {
    format!("{} {}", device.broker, device.id)
}

#[cfg(all(test, unix))]
mod tests;
