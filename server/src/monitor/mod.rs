//! What people and scripts see of a service: one page and an interface. tide is the router; requests come from the HTTP
//! front, which has checked host, origin, size and token before.
//!
//! `routes` is the one table of what there is, `api` answers, `query` checks what is asked, `reply` is what goes out,
//! `live` the news over WebSocket, `tickets` who may hear them, `openapi` the description, `page` the page.
//! Invariants: nothing here changes a broker or sends to one but by a command of `app`; every answer to a wrong
//! request is JSON that says what would be right; memory is bounded whatever is asked.

mod api;
mod live;
mod openapi;
mod page;
mod parts;
mod query;
mod reply;
mod routes;
mod tickets;

use crate::app::App;
use async_std::task;
use futures::FutureExt;
use http::{Method, Request, Response};
use parts::Parts;
use reply::Reply;
use routes::{Asked, ROUTES, Route};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tickets::Tickets;

/// Between two looks at the counters.
const TICK: Duration = Duration::from_secs(1);

/// Calls that other processes may report in a second.
const REPORTS_A_SECOND: u32 = 50;

/// See the head of this file.
pub struct Monitor {
    router: tide::Server<Arc<Desk>>,
    desk: Arc<Desk>,
}

/// What all endpoints share.
struct Desk {
    app: Arc<App>,
    tickets: Tickets,
    /// Live sockets that are open.
    listeners: AtomicUsize,
    parts: Mutex<Parts>,
    reports: Mutex<(Instant, u32)>,
}

impl Monitor {
    /// Looks at the counters once a second from now on, for as long as it lives.
    pub fn new(app: Arc<App>) -> Arc<Self> {
        let watched = Arc::downgrade(&app);
        task::spawn(async move {
            while let Some(app) = watched.upgrade() {
                app.tick().await;
                drop(app);
                task::sleep(TICK).await;
            }
        });
        let desk = Arc::new(Desk {
            app,
            tickets: Tickets::default(),
            listeners: AtomicUsize::new(0),
            parts: Mutex::default(),
            reports: Mutex::new((now(), 0)),
        });
        let router = routes::router(&desk);
        Arc::new(Self { router, desk })
    }

    /// Whether this is answered without the token: the page, which holds no data then, the handshake of the news, whose
    /// first message is a ticket, and that there is nothing at a path.
    pub fn is_public(method: &Method, path: &str) -> bool {
        if routes::find(path).is_none() {
            return true;
        }
        let reads = *method == Method::GET || *method == Method::HEAD;
        reads && matches!(path, "/" | "/api/live") || *method == Method::OPTIONS
    }

    /// Answers a request; `trusted` says that it brought the token, or came by a proxy that knows its user.
    pub async fn respond(&self, request: Request<Vec<u8>>, trusted: bool) -> Response<Vec<u8>> {
        let answering = AssertUnwindSafe(self.answer(request, trusted)).catch_unwind();
        let reply = answering.await.unwrap_or_else(|_| {
            log::error!("a request of the monitor panicked; this is a bug");
            Reply::error(
                500,
                "internal",
                "internal error; other requests are not affected",
            )
        });
        reply.into_response(trusted)
    }

    async fn answer(&self, request: Request<Vec<u8>>, trusted: bool) -> Reply {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        let Some((route, id)) = routes::find(path) else {
            return Reply::error(
                404,
                "not_found",
                "there is nothing here; api/openapi.json lists what there is",
            );
        };
        if !trusted && !Self::is_public(&head.method, path) {
            let why = "the token is missing or wrong: send `Authorization: Bearer …`";
            return Reply::error(401, "unauthorized", why)
                .with("www-authenticate", "Bearer realm=\"bitsperity-mqtt-mcp\"");
        }
        let allowed = routes::allowed(route.path);
        if head.method == Method::OPTIONS {
            return Reply::empty(204).with("allow", &allowed);
        }
        let wanted = if head.method == Method::HEAD {
            Method::GET
        } else {
            head.method.clone()
        };
        let row = ROUTES
            .iter()
            .find(|row| row.path == route.path && row.method == wanted.as_str());
        let Some(row) = row else {
            let why = format!("{} is not for this path; {allowed} are", head.method);
            return Reply::error(405, "method_not_allowed", &why).with("allow", &allowed);
        };
        let kind = head
            .headers
            .get("content-type")
            .and_then(|it| it.to_str().ok());
        let asked = Asked {
            id,
            query: head.uri.query().unwrap_or_default().to_owned(),
            json: kind.is_some_and(|kind| kind.split(';').next() == Some("application/json")),
            body,
            trusted,
        };
        let reply = self.routed(row, path, asked).await;
        if head.method == Method::HEAD {
            reply.without_body()
        } else {
            reply
        }
    }

    /// Through the router: what is asked travels beside the request, so that nothing is parsed twice.
    async fn routed(&self, row: &Route, path: &str, asked: Asked) -> Reply {
        let url = format!("http://monitor{path}");
        let (Ok(url), Ok(method)) = (tide::http::Url::parse(&url), row.method.parse()) else {
            return Reply::error(400, "bad_request", "the path cannot be read");
        };
        let mut request = tide::http::Request::new::<tide::http::Url>(method, url);
        request.ext_mut().insert(asked);
        let answer: tide::http::Result<tide::http::Response> = self.router.respond(request).await;
        let reply = answer
            .ok()
            .and_then(|mut it| it.ext_mut().remove::<Reply>());
        reply.unwrap_or_else(|| {
            Reply::error(500, "internal", "the router gave no answer; this is a bug")
        })
    }

    /// Why the service is not well; none if it is.
    pub fn degraded(&self) -> Option<String> {
        self.desk.app.degraded()
    }
}

impl Desk {
    /// Whether one more reported call may be taken in this second.
    fn may_report(&self) -> bool {
        let mut reports = lock(&self.reports);
        let now = now();
        if now.saturating_duration_since(reports.0) >= Duration::from_secs(1) {
            *reports = (now, 0);
        }
        reports.1 += 1;
        reports.1 <= REPORTS_A_SECOND
    }
}

fn now() -> Instant {
    crate::journal::now()
}

/// A lock that no panic elsewhere can spoil: what is behind it is whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
