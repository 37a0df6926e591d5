//! DNS and TCP: each address of a name is tried, in turn with a share of what is left of the deadline.

use crate::broker::error::Cause;
use async_std::future::timeout;
use async_std::net::{TcpStream, ToSocketAddrs};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Addresses of one name that are tried; a name with more is served by the first ones just as well.
const MAX_ADDRESSES: usize = 8;

/// Silence after which the system probes the other end, and between probes.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Time that sent bytes may stay unacknowledged before the system gives the connection up; finds half-open
/// connections while we write.
#[cfg(any(target_os = "linux", target_os = "android"))]
const USER_TIMEOUT: Duration = Duration::from_secs(60);

/// The addresses of `host`, resolved anew at each call.
pub(super) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Cause> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let unknown = |detail: String| Cause::UnknownHost(host.to_owned(), detail);
    let found = (host, port)
        .to_socket_addrs()
        .await
        .map_err(|error| unknown(resolver_words(&error)))?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address) && addresses.len() < MAX_ADDRESSES {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(unknown("the name has no address".into()));
    }
    Ok(addresses)
}

/// The first address that answers. The failure told is the most telling one: refused before silent before the rest.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    budget: Duration,
) -> Result<(TcpStream, SocketAddr), Cause> {
    let deadline = Instant::now() + budget;
    let mut worst: Option<Cause> = None;
    for (tried, &address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let waiting = u32::try_from(addresses.len() - tried).unwrap_or(1);
        let more = addresses.len() - 1;
        let cause = match timeout(left / waiting, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                tune(&stream);
                return Ok((stream, address));
            }
            Ok(Err(error)) => failure(address, &error, more),
            Err(_) => Cause::TcpSilent(address, more),
        };
        if worst
            .as_ref()
            .is_none_or(|worst| telling(&cause) > telling(worst))
        {
            worst = Some(cause);
        }
    }
    Err(worst.unwrap_or(Cause::Abandoned))
}

fn telling(cause: &Cause) -> u8 {
    match cause {
        Cause::TcpRefused(..) => 2,
        Cause::TcpSilent(..) => 1,
        _ => 0,
    }
}

fn failure(address: SocketAddr, error: &io::Error, more: usize) -> Cause {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Cause::TcpRefused(address, more),
        io::ErrorKind::TimedOut => Cause::TcpSilent(address, more),
        _ => Cause::TcpFailed(address, system_words(error), more),
    }
}

/// The system's words without the number behind them.
pub(super) fn system_words(error: &io::Error) -> String {
    let words = error.to_string();
    match words.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => words,
    }
}

/// "failed to lookup address information: Name or service not known" without its front.
fn resolver_words(error: &io::Error) -> String {
    let words = error.to_string();
    match words.rsplit_once(": ") {
        Some((_, words)) => words.to_lowercase(),
        None => words,
    }
}

/// Best effort: a system that lacks an option still has a connection.
fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL);
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_tcp_keepalive(&keepalive);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
}

/// The system turns this off again by itself.
pub(super) fn acknowledge_now(stream: &TcpStream) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = SockRef::from(stream).set_tcp_quickack(true);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = stream;
}
