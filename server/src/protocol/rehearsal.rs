//! The protocol without pipes: lines in, lines out, for those who examine it (the fuzz target `mcp_line`).

use super::caller::{Caller, Transport};
use super::client::Client;
use super::inflight::InFlight;
use super::outbox::Outbox;
use super::service::Service;
use async_std::task::block_on;
use std::sync::Arc;

/// What a client that sends these lines and then closes its end is told. Waits for all requests; subscriptions end at
/// once, as they do at the end of the process.
pub fn answers(service: Arc<dyn Service>, lines: &[&[u8]]) -> Vec<String> {
    let bounds = service.bounds();
    let in_flight = InFlight::new(bounds.max_requests, bounds.max_line);
    // As long as the lines are few, so are the answers.
    let (out, told) = Outbox::new(1 << 20);
    let caller = Caller::new(0, Transport::Stdio);
    let client = Client::new(service, caller, Arc::clone(&in_flight), out.clone());
    block_on(async {
        for line in lines {
            client.line(line, &out).await;
        }
        in_flight.cancel_all();
        in_flight.drained().await;
    });
    std::iter::from_fn(|| told.try_recv().ok())
        .map(|it| it.text)
        .collect()
}
