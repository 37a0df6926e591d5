//! `health`: asks a running service how it is, for the health check of an image that has no shell.

use super::place::Place;
use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// For each step.
const LIMIT: Duration = Duration::from_secs(3);
/// Bytes of the longest answer.
const MAX_ANSWER: u64 = 16 << 10;

/// What the service says of itself, as JSON text.
///
/// # Errors
/// In one sentence why it is not there, or not well.
pub fn ask(place: &Place) -> Result<String, String> {
    let failed = |error: io::Error| format!("no service at http://{place}: {error}");
    let mut addresses = place.to_resolve().to_socket_addrs().map_err(failed)?;
    let unknown = || failed(io::Error::other("the name has no address"));
    let address = addresses.next().ok_or_else(unknown)?;
    let answer = exchange(address, place);
    let answer = answer.map_err(failed)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(format!("http://{place} answers {status:?}"));
    }
    let health: Value = serde_json::from_str(body).unwrap_or_default();
    match health["status"].as_str() {
        // A broker that is away is no fault of the service, and no restart would help.
        Some("healthy" | "degraded") => Ok(body.to_owned()),
        _ => Err(format!(
            "what answers at http://{place} is no service of ours"
        )),
    }
}

fn exchange(address: SocketAddr, place: &Place) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let request = format!("GET /health HTTP/1.1\r\nhost: {place}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}
