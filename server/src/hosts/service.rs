//! A long-running process for many assistants: what listens, and how it ends. `http` and `socket` are the ways in.
//!
//! Invariant: at the end nothing new is begun, calls hand in what they have, streams end with their answers, connections to
//! brokers are closed, all within a few seconds.

use super::assistants::Assistants;
use super::http::Http;
#[cfg(unix)]
use super::socket::Socket;
use crate::process::shutdown::{SERVICE_CALLS_END, SERVICE_END, SERVICE_OUTPUT_END, guard};
use crate::process::signals::watch_signals;
use async_channel::bounded;
use async_std::future::timeout;
use async_std::net::TcpListener;
use futures::future::BoxFuture;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// What listens.
pub struct Service {
    /// HTTP and its socket, which is open.
    pub http: (Arc<Http>, TcpListener),
    /// The Unix socket; none where it could not be made.
    #[cfg(unix)]
    pub socket: Option<Socket>,
    /// Who comes in.
    pub assistants: Arc<Assistants>,
    /// At the end: closes what is nobody's.
    pub goodbye: BoxFuture<'static, ()>,
}

/// Opens the socket of HTTP; gives it with its address, which tells the port where any was asked for.
///
/// # Errors
/// The address is in use, or none of ours.
pub fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(address)?;
    let bound = listener.local_addr()?;
    Ok((TcpListener::from(listener), bound))
}

/// Opens the socket at this port of loopback, else at the next one that is free.
///
/// # Errors
/// None of the next ones is free, nor any other.
pub fn bind_near(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    /// So many processes of one person find a port near the usual one.
    const NEAR: u16 = 32;
    let ports = (0..NEAR).filter_map(|more| port.checked_add(more));
    let addresses = ports
        .chain([0])
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let addresses: Vec<_> = addresses.collect();
    let listener = std::net::TcpListener::bind(addresses.as_slice())?;
    let bound = listener.local_addr()?;
    Ok((TcpListener::from(listener), bound))
}

/// Serves a page for as long as the process lives.
pub fn beside(http: Arc<Http>, listener: TcpListener) {
    async_std::task::spawn(async move {
        let (_alive, ending) = bounded(1);
        http.serve(listener, ending).await;
    });
}

/// Serves until a signal comes.
///
/// # Errors
/// Signals could not be watched.
pub fn run(service: Service) -> io::Result<()> {
    let (stop, stopped) = bounded(1);
    watch_signals(move |number| {
        // One reason is enough; a second signal changes nothing.
        let _ = stop.try_send(number);
    })?;
    let Service {
        http: (http, listener),
        #[cfg(unix)]
        socket,
        assistants,
        goodbye,
    } = service;
    async_std::task::block_on(async {
        let (alive, ending) = bounded(1);
        let serving = Arc::clone(&http);
        let until = ending.clone();
        async_std::task::spawn(async move { serving.serve(listener, until).await });
        #[cfg(unix)]
        if let Some(socket) = socket {
            let assistants = Arc::clone(&assistants);
            async_std::task::spawn(async move { socket.serve(assistants, ending).await });
        }
        if let Ok(number) = stopped.recv().await {
            log::info!("ending: signal {number}");
        }
        guard(SERVICE_END);
        http.end();
        drop(alive);
        let finishing = assistants.finish_requests();
        if timeout(SERVICE_CALLS_END, finishing).await.is_err() {
            log::warn!("not every call has ended in time");
        }
        assistants.fall_silent();
        let leaving = timeout(SERVICE_OUTPUT_END, http.empty());
        let closing = futures::future::join(assistants.close(), goodbye);
        let closing = timeout(SERVICE_OUTPUT_END, closing);
        if let (Err(_), _) | (_, Err(_)) = futures::future::join(leaving, closing).await {
            log::warn!("not every connection could be closed in time");
        }
    });
    Ok(())
}
