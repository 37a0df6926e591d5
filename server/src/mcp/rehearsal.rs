//! The protocol without pipes: lines in, lines out, for those who examine it (the fuzz target `mcp_line`).

use super::inflight::InFlight;
use super::server::Server;
use super::service::Service;
use super::stdio::Output;
use async_std::channel::unbounded;
use async_std::task::block_on;
use std::sync::Arc;

/// What a client that sends these lines and then closes its end is told. Waits for all requests; subscriptions end at
/// once, as they do at the end of the process.
pub fn answers(service: Arc<dyn Service>, lines: &[&[u8]]) -> Vec<String> {
    let bounds = service.bounds();
    let in_flight = InFlight::new(bounds.max_requests, bounds.max_line);
    // As long as the lines are few, so are the answers.
    let (out, told) = unbounded();
    let mut server = Server::new(service, Arc::clone(&in_flight), out);
    block_on(async {
        for line in lines {
            server.line(line).await;
        }
        in_flight.cancel_all();
        in_flight.drained().await;
    });
    let next = || match told.try_recv() {
        Ok(Output::Line(line)) => Some(line),
        _ => None,
    };
    std::iter::from_fn(next).collect()
}
