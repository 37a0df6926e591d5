//! HTTP: hyper over async-std. `connection` is one connection with its limits, `io` its deadlines, `front` what every
//! request passes, `mcp` and `relay` the ways for assistants, `token` who may come in. The page is somebody else's: [`Pages`].
//!
//! Invariant: every size and time that a client can choose has a limit among the settings.

mod body;
mod connection;
mod front;
mod headers;
mod io;
mod mcp;
mod proxies;
mod refusal;
mod relay;
mod session_id;
mod sessions;
pub mod token;

pub use connection::Connection;
pub use relay::Socket;

use super::assistants::Assistants;
use crate::config::{Limits, Service as Settings};
use crate::process::clock;
use async_channel::Receiver;
use async_std::net::{TcpListener, TcpStream};
use connection::Places;
use front::{Ends, Front, Rpc};
use futures::future::{BoxFuture, Either, select};
use io::Deadlines;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// After an accept that failed, which happens when the process has too many files open.
const BREATH: Duration = Duration::from_millis(100);
/// How often sessions that nobody uses are looked for.
const LOOK: Duration = Duration::from_secs(60);

/// Who answers for the page and its API.
pub trait Pages: Send + Sync + 'static {
    /// Whether this needs no token.
    fn is_public(&self, method: &hyper::Method, path: &str) -> bool;
    /// Answers a request that has passed all checks; `trusted`: it had the token, or came from a trusted proxy.
    fn respond(
        &self,
        request: hyper::Request<Vec<u8>>,
        trusted: bool,
    ) -> BoxFuture<'static, hyper::Response<Vec<u8>>>;
    /// Serves the live socket, until it is closed.
    fn live(&self, socket: Socket, trusted: bool) -> BoxFuture<'static, ()>;
    /// In one sentence what is not as it should be, for `/health`.
    fn degraded(&self) -> Option<String>;
}

/// The service over HTTP, not yet listening.
pub struct Http {
    front: Arc<Front>,
    places: Arc<Places>,
    deadlines: Deadlines,
    max_head: usize,
}

impl Http {
    /// Over these settings; without `assistants` there is the page alone.
    pub fn new(
        settings: &Settings,
        limits: &Limits,
        guard: token::Guard,
        assistants: Option<&Arc<Assistants>>,
        pages: Option<Arc<dyn Pages>>,
    ) -> Arc<Self> {
        let http = &limits.http;
        let rpc = assistants.map(|assistants| Rpc {
            endpoint: mcp::Endpoint {
                sessions: sessions::Sessions::new(
                    Arc::clone(assistants),
                    guard.sessions.clone(),
                    sessions::Limits {
                        sessions: http.clients,
                        requests: http.requests,
                        idle: seconds(http.client_idle),
                    },
                ),
                max_body: http.mcp_body_bytes,
                body_time: seconds(http.body_time),
            },
            assistants: Arc::clone(assistants),
        });
        let front = Front {
            guard,
            rpc,
            pages,
            hosts: settings.allowed_hosts.clone(),
            origins: settings.allowed_origins.clone(),
            trusted: proxies::Proxies::new(&settings.trusted_proxy),
            max_body: http.body_bytes,
            max_line: limits.max_line,
            body_time: seconds(http.body_time),
            write_time: seconds(http.write_time),
            ending: AtomicBool::new(false),
        };
        Arc::new(Self {
            front: Arc::new(front),
            places: Places::new(http.connections, http.connections_per_address),
            deadlines: Deadlines {
                head: seconds(http.head_time),
                idle: seconds(http.keep_alive),
                write: seconds(http.write_time),
            },
            max_head: http.head_bytes,
        })
    }

    /// Takes connections until `ending` is closed.
    pub async fn serve(&self, listener: TcpListener, ending: Receiver<()>) {
        let mut looked = clock::now();
        loop {
            let accepting = pin!(async_std::future::timeout(LOOK, listener.accept()));
            let accepted = match select(accepting, pin!(ending.recv())).await {
                Either::Left((accepted, _)) => accepted,
                Either::Right(_) => return,
            };
            if looked.elapsed() >= LOOK {
                looked = clock::now();
                if let Some(rpc) = &self.front.rpc {
                    rpc.endpoint.sessions.expire();
                }
            }
            match accepted {
                Ok(Ok((stream, peer))) => self.take(stream, peer, ending.clone()),
                Ok(Err(error)) => {
                    log::warn!("http: accept: {error}");
                    async_std::task::sleep(BREATH).await;
                }
                Err(_) => {}
            }
        }
    }

    fn take(&self, stream: TcpStream, peer: SocketAddr, ending: Receiver<()>) {
        let Some(place) = self.places.take(peer.ip().to_canonical()) else {
            log::info!("http: no place for another connection from {}", peer.ip());
            return;
        };
        // Answers leave in one write each.
        let _ = stream.set_nodelay(true);
        let Ok(local) = stream.local_addr() else {
            return;
        };
        let connection = Connection::new(stream, place);
        let serving = connection::serve(
            connection,
            Ends { peer, local },
            Arc::clone(&self.front),
            self.deadlines,
            self.max_head,
            ending,
        );
        async_std::task::spawn(serving);
    }

    /// From now on nothing new is begun.
    pub fn end(&self) {
        let ending = &self.front.ending;
        ending.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Resolves when no connection is left.
    pub async fn empty(&self) {
        while self.places.taken() > 0 {
            async_std::task::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn seconds(setting: f64) -> Duration {
    // The table's ranges are far from what a duration cannot hold.
    Duration::try_from_secs_f64(setting).unwrap_or(Duration::MAX)
}

/// Of this moment, for people and programs.
fn timestamp() -> String {
    crate::render::time(std::time::SystemTime::now())
}
