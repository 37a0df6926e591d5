//! Connections: how many there are, each with its place, and how one is served from its first request to its last.

use super::front::{Ends, Front};
use super::io::{Deadlines, Io, Pace};
use async_channel::Receiver;
use async_std::future::timeout;
use async_std::net::TcpStream;
use futures::future::{Either, select};
use futures::{AsyncRead, AsyncWrite};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// For connections at the end of the process: answers that have begun are finished.
const LAST: Duration = Duration::from_secs(3);

/// Places for connections.
pub(super) struct Places {
    taken: Mutex<Taken>,
    max: usize,
    max_of_one: usize,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place; given back when dropped.
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    pub(super) fn new(max: usize, max_of_one: usize) -> Arc<Self> {
        Arc::new(Self {
            taken: Mutex::default(),
            max,
            max_of_one,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from this address; none if there is none.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.lock();
        let of_one = taken.by_address.get(&address).copied().unwrap_or(0);
        if taken.all >= self.max || of_one >= self.max_of_one {
            return None;
        }
        taken.all += 1;
        taken.by_address.insert(address, of_one + 1);
        Some(Place {
            places: Arc::clone(self),
            address,
        })
    }

    /// Places that are taken.
    pub(super) fn taken(&self) -> usize {
        self.lock().all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(count) = taken.by_address.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// An accepted connection with its place.
pub struct Connection {
    stream: TcpStream,
    _place: Place,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, place: Place) -> Self {
        Self {
            stream,
            _place: place,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// Serves one connection until it ends; once `ending` is closed, until the answers that have begun are given.
pub(super) async fn serve(
    connection: Connection,
    ends: Ends,
    front: Arc<Front>,
    deadlines: Deadlines,
    max_head: usize,
    ending: Receiver<()>,
) {
    let pace = Pace::new();
    let io = Io::new(connection, Arc::clone(&pace), deadlines);
    let service = service_fn(move |request| {
        let (front, pace) = (Arc::clone(&front), Arc::clone(&pace));
        pace.busy();
        async move {
            let response = front.answer(request, ends).await;
            Ok::<_, Infallible>(response.map(|body| body.paced(pace)))
        }
    });
    let connection = http1::Builder::new()
        .auto_date_header(false)
        .max_buf_size(max_head.max(8 << 10))
        .serve_connection(io, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = match select(connection.as_mut(), pin!(ending.recv())).await {
        Either::Left((ended, _)) => ended,
        Either::Right(_) => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        // A client that goes in the middle is nothing special.
        log::debug!("http {}: {error}", ends.peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_for_all_and_for_each_and_come_back() {
        let places = Places::new(3, 2);
        let [one, other] = [1, 2].map(|last| IpAddr::from([10, 0, 0, last]));
        let first = places.take(one).unwrap();
        let second = places.take(one).unwrap();
        assert!(places.take(one).is_none());
        let third = places.take(other).unwrap();
        assert!(places.take(other).is_none());
        drop(first);
        assert!(places.take(one).is_some());
        drop((second, third));
        assert_eq!(places.taken(), 0);
        assert!(places.lock().by_address.is_empty());
    }
}
