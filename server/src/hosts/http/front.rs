//! What every request passes before anybody answers it: its path, its framing, Host, Origin, the token. Then who answers.
//!
//! Invariant: nothing is read of a body before the checks; what is refused is refused with a JSON body.

use super::body::{Body, NotTaken, gather};
use super::headers::only;
use super::mcp::Endpoint;
use super::proxies::Proxies;
use super::refusal::{Refusal, json_answer};
use super::token::Guard;
use super::{Pages, relay};
use crate::hosts::assistants::Assistants;
use futures::FutureExt;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, HeaderValue, TRANSFER_ENCODING};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// In a path these mean something else to one reader than to another.
const AMBIGUOUS: [&str; 6] = ["..", "//", "\\", "%2e", "%2f", "%5c"];

/// See the head of this file.
pub(super) struct Front {
    pub(super) guard: Guard,
    pub(super) rpc: Option<Rpc>,
    pub(super) pages: Option<Arc<dyn Pages>>,
    pub(super) hosts: Vec<String>,
    pub(super) origins: Vec<String>,
    pub(super) trusted: Proxies,
    pub(super) max_body: usize,
    pub(super) max_line: usize,
    pub(super) body_time: Duration,
    pub(super) write_time: Duration,
    pub(super) ending: AtomicBool,
}

/// The ways for assistants; a process that has one already has none of them.
pub(super) struct Rpc {
    pub(super) endpoint: Endpoint,
    pub(super) assistants: Arc<Assistants>,
}

/// The two ends of a connection.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
}

impl Front {
    /// Answers a request; one that panics costs itself.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        ends: Ends,
    ) -> Response<Body> {
        let rpc = is_rpc(request.uri().path());
        let refuse = |refusal: Refusal| match rpc {
            true => refusal.as_rpc(),
            false => refusal.as_json(),
        };
        if self.ending.load(Ordering::Relaxed) {
            let message = "the service is ending; try again in a moment";
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message);
            return refuse(refusal.closing());
        }
        let answering = AssertUnwindSafe(self.checked(request, ends)).catch_unwind();
        match answering.await {
            Ok(Ok(response)) => response,
            Ok(Err(refusal)) => refuse(refusal),
            Err(_) => {
                log::error!("a request over HTTP panicked; this is a bug");
                let message = "internal error; other requests are not affected";
                let refusal = Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, message);
                refuse(refusal.closing())
            }
        }
    }

    async fn checked(
        &self,
        request: Request<Incoming>,
        ends: Ends,
    ) -> Result<Response<Body>, Refusal> {
        let (headers, path) = (request.headers(), request.uri().path());
        check_path(request.uri())?;
        check_framing(headers)?;
        let proxied = self.trusted.have(ends.peer.ip().to_canonical()).await;
        let host = self.host(headers, ends.local, proxied)?;
        let rpc = is_rpc(path);
        self.check_origin(headers, &host, rpc)?;
        if path == "/health" {
            return self.health(request.method());
        }
        let known = self.has_token(headers, ends.peer.ip()).await;
        if let (true, Some(ways)) = (rpc, &self.rpc) {
            known?;
            return match path.starts_with("/mcp") {
                true => Ok(ways.endpoint.answer(request).await),
                false => relay::answer(request, &ways.assistants, self.max_line, self.write_time),
            };
        }
        self.page(request, known, proxied).await
    }

    fn host(
        &self,
        headers: &HeaderMap,
        local: SocketAddr,
        proxied: bool,
    ) -> Result<String, Refusal> {
        let host = only(headers, "host").map(str::to_ascii_lowercase);
        let host = host.filter(|host| proxied || self.is_ours(host, local));
        host.ok_or_else(|| {
            let message = "the Host header names another server; if this name is right, add it to allowed_hosts";
            Refusal::new(StatusCode::MISDIRECTED_REQUEST, message).closing()
        })
    }

    fn is_ours(&self, host: &str, local: SocketAddr) -> bool {
        let port = local.port();
        let named = |name: &str| host == format!("{name}:{port}") || (port == 80 && host == name);
        let ip = local.ip().to_canonical();
        let own = match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let here = ip.is_loopback() && ["localhost", "127.0.0.1", "[::1]"].into_iter().any(named);
        let without_port = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let listed = |it: &String| it == host || it == without_port;
        let forwarded = !ip.is_loopback() && needs_no_name(host);
        here || named(&own) || forwarded || self.hosts.iter().any(listed)
    }

    /// A page of ours names us as its origin. Programs send none, so that on the ways for programs any must be listed.
    fn check_origin(&self, headers: &HeaderMap, host: &str, rpc: bool) -> Result<(), Refusal> {
        if !headers.contains_key("origin") {
            return Ok(());
        }
        let origin = only(headers, "origin").map(str::to_ascii_lowercase);
        let right = origin.is_some_and(|origin| {
            let own = ["http://", "https://"].map(|scheme| format!("{scheme}{host}"));
            self.origins.contains(&origin) || (!rpc && own.contains(&origin))
        });
        if right {
            return Ok(());
        }
        let message = "web pages of this origin may not use this service; if this one may, add it to allowed_origins";
        Err(Refusal::new(StatusCode::FORBIDDEN, message).closing())
    }

    /// The token is right; a wrong one may wait for its answer.
    async fn has_token(&self, headers: &HeaderMap, from: IpAddr) -> Result<(), Refusal> {
        let given = headers.contains_key("authorization");
        let token = only(headers, "authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            let bearer = scheme.eq_ignore_ascii_case("bearer");
            bearer.then_some(token.trim())
        });
        if token.is_some_and(|token| self.guard.is_right(token.as_bytes())) {
            return Ok(());
        }
        if given {
            let wait = self.guard.wrong(from.to_canonical());
            if !wait.is_zero() {
                async_std::task::sleep(wait).await;
            }
        }
        Err(Refusal::token(given).closing())
    }

    fn health(&self, method: &Method) -> Result<Response<Body>, Refusal> {
        if ![Method::GET, Method::HEAD].contains(method) {
            return Err(Refusal::method("GET, HEAD").closing());
        }
        let degraded = self.pages.as_ref().and_then(|pages| pages.degraded());
        let status = match degraded {
            None => "healthy",
            Some(_) => "degraded",
        };
        let mut health = json!({
            "status": status,
            "timestamp": super::timestamp(),
            "version": env!("CARGO_PKG_VERSION"),
        });
        if let Some(reason) = degraded {
            health["reason"] = reason.into();
        }
        let mut response = json_answer(StatusCode::OK, health.to_string());
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(CACHE_CONTROL, no_store);
        Ok(response)
    }

    /// The monitor's page and API, if there is a monitor.
    async fn page(
        &self,
        request: Request<Incoming>,
        known: Result<(), Refusal>,
        proxied: bool,
    ) -> Result<Response<Body>, Refusal> {
        let path = request.uri().path();
        let pages = match &self.pages {
            Some(pages) if !path.starts_with("/.well-known/") => pages,
            _ => return Err(Refusal::new(StatusCode::NOT_FOUND, "there is nothing here").closing()),
        };
        let has_token = known.is_ok();
        let trusted = has_token || proxied;
        if !trusted && !pages.is_public(request.method(), path) {
            known?;
        }
        if relay::is_upgrade(request.headers()) && path == "/api/live" {
            let pages = Arc::clone(pages);
            // Some proxies ask nobody for a login where a request upgrades; the page has a ticket.
            return relay::upgrade(request, move |socket| pages.live(socket, has_token));
        }
        let (head, body) = request.into_parts();
        let body = gather(body, self.max_body, self.body_time).await;
        let body = body.map_err(|why| not_taken(why, self.max_body))?;
        let answer = pages
            .respond(Request::from_parts(head, body), trusted)
            .await;
        Ok(answer.map(Body::whole))
    }
}

/// An address, or `localhost`, with any port: a container's port is forwarded, and there it is another one. Whoever turns a
/// browser against us by DNS needs a name of his own; these lead where they say.
fn needs_no_name(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let local = host
        .strip_prefix("localhost")
        .map(|rest| rest.strip_prefix(':').unwrap_or(rest));
    host.parse::<SocketAddr>().is_ok()
        || bare.unwrap_or(host).parse::<IpAddr>().is_ok()
        || local.is_some_and(|port| port.is_empty() || port.parse::<u16>().is_ok())
}

fn is_rpc(path: &str) -> bool {
    ["/mcp", "/mcp/", "/relay"].contains(&path)
}

fn check_path(uri: &Uri) -> Result<(), Refusal> {
    let path = uri.path().to_ascii_lowercase();
    let plain = uri.scheme().is_none() && uri.authority().is_none() && path.starts_with('/');
    if plain && !AMBIGUOUS.iter().any(|part| path.contains(part)) {
        return Ok(());
    }
    let message = "the path must be plain: beginning with /, without .. or // or coded slashes";
    Err(Refusal::new(StatusCode::BAD_REQUEST, message).closing())
}

/// hyper takes other codings beside chunked, and ignores them.
fn check_framing(headers: &HeaderMap) -> Result<(), Refusal> {
    if !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(());
    }
    let coding = only(headers, TRANSFER_ENCODING.as_str()).unwrap_or_default();
    if coding.trim().eq_ignore_ascii_case("chunked") {
        return Ok(());
    }
    let message = "the only transfer coding is chunked";
    Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, message).closing())
}

fn not_taken(why: NotTaken, max: usize) -> Refusal {
    let (status, message) = match why {
        NotTaken::TooLong => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body has more than {max} bytes (http_body_bytes)"),
        ),
        NotTaken::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            "the body did not come in time (http_body_time)".to_owned(),
        ),
        NotTaken::Broken => (
            StatusCode::BAD_REQUEST,
            "the body could not be read".to_owned(),
        ),
    };
    Refusal::new(status, message).closing()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_no_name_and_a_name_is_no_address() {
        for host in [
            "192.168.1.5",
            "192.168.1.5:9000",
            "[fd00::5]",
            "[fd00::5]:80",
            "localhost",
            "localhost:9000",
        ] {
            assert!(needs_no_name(host), "{host}");
        }
        for host in [
            "",
            "localhost:x",
            "localhost.evil",
            "192.168.1.5.evil",
            "192.168.1.5:",
            "1.5",
            "0x7f000001",
            "2130706433",
            "fd00::5:x",
            "[fd00::5",
            "evil:80",
        ] {
            assert!(!needs_no_name(host), "{host}");
        }
    }
}
