//! The assistants of a service that has many: what each is served, how many there are, how each is let go.

use crate::process::shutdown::SESSIONS_END;
use crate::protocol::caller::{Caller, Transport};
use crate::protocol::client::Client;
use crate::protocol::inflight::InFlight;
use crate::protocol::outbox::{Outbox, Outgoing};
use crate::protocol::service::Service;
use async_channel::Receiver;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Messages without a request that wait to be taken.
const NEWS: usize = 64;

/// Makes what one assistant is served: what it opens is its own.
pub type Serve = dyn Fn(&Caller) -> Arc<dyn Service> + Send + Sync;

/// See the head of this file.
pub struct Assistants {
    serve: Box<Serve>,
    next: AtomicU64,
    here: Mutex<Vec<Weak<Assistant>>>,
}

/// One of them. Dropping it closes what it has open.
pub(super) struct Assistant {
    pub(super) client: Client,
    pub(super) in_flight: Arc<InFlight>,
    /// Where news goes, and all else where replies share its way.
    pub(super) out: Outbox,
    pub(super) news: Receiver<Outgoing>,
    service: Arc<dyn Service>,
    /// Of requests that stand alone.
    alone: Mutex<Vec<Weak<InFlight>>>,
    max_requests: usize,
}

impl Assistants {
    /// None yet; `serve` is asked for each that comes.
    pub fn new(serve: Box<Serve>) -> Arc<Self> {
        Arc::new(Self {
            serve,
            next: AtomicU64::new(1),
            here: Mutex::default(),
        })
    }

    /// Another one comes in. `requests` bounds how many of its requests run at once; without it the service's own bound.
    pub(super) fn come(&self, transport: Transport, requests: Option<usize>) -> Arc<Assistant> {
        let caller = Caller::new(self.next.fetch_add(1, Ordering::Relaxed), transport);
        let service = (self.serve)(&caller);
        let bounds = service.bounds();
        let requests = requests.unwrap_or(bounds.max_requests);
        let in_flight = InFlight::new(requests, bounds.max_line.saturating_mul(2));
        let (out, news) = Outbox::new(NEWS);
        let flight = Arc::clone(&in_flight);
        let client = Client::new(Arc::clone(&service), caller, flight, out.clone());
        let assistant = Arc::new(Assistant {
            client,
            in_flight,
            out,
            news,
            service,
            alone: Mutex::default(),
            max_requests: requests,
        });
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        here.retain(|it| it.strong_count() > 0);
        here.push(Arc::downgrade(&assistant));
        assistant
    }

    /// Those who are here.
    pub(super) fn all(&self) -> Vec<Arc<Assistant>> {
        let here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        here.iter().filter_map(Weak::upgrade).collect()
    }

    /// The end of the process, first: requests hand in what they have.
    pub(super) async fn finish_requests(&self) {
        let all = self.all();
        let running: Vec<_> = all.iter().flat_map(|it| it.running()).collect();
        running.iter().for_each(|it| it.cancel_all());
        let draining = running.iter().map(|it| it.drained());
        futures::future::join_all(draining).await;
    }

    /// The end of the process, then: nothing is said any more.
    pub(super) fn fall_silent(&self) {
        self.all().iter().for_each(|it| it.out.close());
    }

    /// The end of the process, then: connections to brokers are closed.
    pub(super) async fn close(&self) {
        let all = self.all();
        let closing = all.iter().map(|it| close(Arc::clone(&it.service)));
        futures::future::join_all(closing).await;
    }
}

impl Assistant {
    /// The client of one request that stands alone, whose id may be that of another; none if too many run.
    pub(super) fn alone(&self) -> Option<(Client, Arc<InFlight>)> {
        let mut alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        alone.retain(|it| it.strong_count() > 0);
        if alone.len() >= self.max_requests {
            return None;
        }
        let in_flight = InFlight::new(1, usize::MAX);
        alone.push(Arc::downgrade(&in_flight));
        Some((self.client.alone(Arc::clone(&in_flight)), in_flight))
    }

    /// A request runs, whether or not its client still waits for the answer.
    pub(super) fn is_busy(&self) -> bool {
        // Held by the client and here; more is held by requests.
        Arc::strong_count(&self.in_flight) > 2
    }

    fn running(&self) -> Vec<Arc<InFlight>> {
        let alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        let alone = alone.iter().filter_map(Weak::upgrade);
        std::iter::once(Arc::clone(&self.in_flight))
            .chain(alone)
            .collect()
    }
}

async fn close(service: Arc<dyn Service>) {
    let closing = AssertUnwindSafe(service.close(SESSIONS_END)).catch_unwind();
    if closing.await.is_err() {
        log::error!("closing the connections of an assistant panicked; this is a bug");
    }
}

impl Drop for Assistant {
    fn drop(&mut self) {
        self.in_flight.cancel_all();
        async_std::task::spawn(close(Arc::clone(&self.service)));
    }
}
