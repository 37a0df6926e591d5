//! Following resources: `resources/subscribe` and `unsubscribe` (legacy), `subscriptions/listen` (modern).
//!
//! Each subscription looks at the pulses of its resources twice a second, so that a resource is told at most once in
//! that time however often it changed; what finds no room on its way out is told the next time. Invariants: nothing is told
//! before the acknowledgement or after the end; at most [`MAX_FOLLOWED`] resources are followed; an end frees what it took.

use super::inflight::Ticket;
use super::job::under;
use super::message::{Code, Id, RpcError, quote, to_json};
use super::outbox::{Outbox, Outgoing};
use super::revision::{self, Revision};
use super::service::{Pulse, Service};
use crate::process::clock::sleep;
use async_channel::{Receiver, Sender, bounded};
use futures::FutureExt;
use futures::future::{Either, join_all, select};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Resources followed at once, by all subscriptions of a client together. A topic takes one of the 64 subscriptions
/// of its connection.
const MAX_FOLLOWED: usize = 32;

/// Resources that one request may name, each as often as it likes; a list without end would take its time.
const MAX_NAMED: usize = 1_000;

/// The time in which a resource is told at most once.
const COALESCED: Duration = Duration::from_millis(500);

/// The subscriptions of one client.
#[derive(Default)]
pub(super) struct Subscriptions {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    followed: usize,
    serial: u64,
    /// Those by `resources/subscribe`; dropping the sender ends one.
    by_uri: HashMap<String, (u64, Sender<()>)>,
}

impl Subscriptions {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(self: &Arc<Self>, count: usize) -> Result<Place, RpcError> {
        let mut table = self.lock();
        if table.followed + count > MAX_FOLLOWED {
            let followed = table.followed;
            let message = format!(
                "{followed} resources are followed already, of {MAX_FOLLOWED}; end a subscription first"
            );
            return Err(RpcError::new(Code::InvalidRequest, message));
        }
        table.followed += count;
        Ok(Place {
            subscriptions: Arc::clone(self),
            count,
        })
    }

    /// Takes a place for a subscription of the legacy era, which ends an earlier one to the same resource.
    pub(super) fn open(self: &Arc<Self>, uri: &str) -> Result<Open, RpcError> {
        let place = self.take(1)?;
        let (sender, ended) = bounded(1);
        let mut table = self.lock();
        table.serial += 1;
        let serial = table.serial;
        table.by_uri.insert(uri.to_owned(), (serial, sender));
        Ok(Open {
            uri: uri.to_owned(),
            serial,
            ended,
            place,
        })
    }

    /// Ends a subscription of the legacy era, if there is one.
    pub(super) fn close(&self, uri: &str) {
        self.lock().by_uri.remove(uri);
    }

    /// Ends all of the legacy era: the client is gone.
    pub(super) fn close_all(&self) {
        self.lock().by_uri.clear();
    }
}

/// Room for so many resources.
struct Place {
    subscriptions: Arc<Subscriptions>,
    count: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.subscriptions.lock().followed -= self.count;
    }
}

/// A subscription of the legacy era, from its request to its end.
pub(super) struct Open {
    uri: String,
    serial: u64,
    ended: Receiver<()>,
    place: Place,
}

impl Drop for Open {
    fn drop(&mut self) {
        let by_uri = &mut self.place.subscriptions.lock().by_uri;
        if by_uri
            .get(&self.uri)
            .is_some_and(|(serial, _)| *serial == self.serial)
        {
            by_uri.remove(&self.uri);
        }
    }
}

impl Open {
    /// Asks for the pulse of its resource.
    pub(super) async fn begin(
        &self,
        service: &dyn Service,
        revision: Revision,
    ) -> Result<Pulse, RpcError> {
        let pulse = service.follow(&self.uri).await;
        pulse.map_err(|why| super::resources::unreadable(why, &self.uri, revision))
    }

    /// Tells of its resource until it ends.
    pub(super) async fn run(self, pulse: Pulse, out: &Outbox) {
        let followed = vec![Followed::new(self.uri.clone(), pulse)];
        tell(followed, None, &self.ended, out).await;
    }
}

/// The resources that `subscriptions/listen` asks for. Other kinds of news do not exist here: no list ever changes in the
/// modern era.
pub(super) fn wanted(params: &Map<String, Value>) -> Result<Vec<String>, RpcError> {
    let refused = |message: &str| Err(RpcError::new(Code::InvalidParams, message));
    let Some(filter) = params.get("notifications").and_then(Value::as_object) else {
        return refused("params.notifications must be an object");
    };
    let Some(uris) = filter.get("resourceSubscriptions") else {
        return Ok(Vec::new());
    };
    if uris.as_array().is_some_and(|uris| uris.len() > MAX_NAMED) {
        return refused(
            "params.notifications.resourceSubscriptions names more than 1000 resources",
        );
    }
    let texts = uris.as_array().map(|uris| {
        let texts = uris.iter().map(|uri| uri.as_str().map(str::to_owned));
        texts.collect::<Option<Vec<_>>>()
    });
    let Some(Some(mut uris)) = texts else {
        return refused("params.notifications.resourceSubscriptions must be a list of strings");
    };
    uris.sort();
    uris.dedup();
    Ok(uris)
}

/// Serves one `subscriptions/listen`: the acknowledgement, then news until it is cancelled, the process goes or nothing is
/// left to tell of. Gives the reply, which is sent unless the client cancelled.
pub(super) async fn listen(
    service: &dyn Service,
    subscriptions: &Arc<Subscriptions>,
    uris: Vec<String>,
    ticket: &Ticket,
    out: &Outbox,
) -> Result<String, RpcError> {
    let _place = subscriptions.take(uris.len())?;
    let begin = |uri: String| async move {
        let pulse = service.follow(&uri).await.ok()?;
        Some(Followed::new(uri, pulse))
    };
    let begun = join_all(uris.into_iter().map(begin)).map(Ok);
    let followed = under(ticket, "subscriptions/listen", begun).await?;
    let followed: Vec<_> = followed.into_iter().flatten().collect();
    let id = &ticket.id;
    let honoured: Vec<_> = followed.iter().map(|followed| &followed.uri).collect();
    let honoured = match honoured.is_empty() {
        true => String::new(),
        false => format!("\"resourceSubscriptions\":{}", to_json(&honoured)),
    };
    let acknowledged = format!("{{{},\"notifications\":{{{honoured}}}}}", meta(id));
    let acknowledged =
        Outgoing::notification("notifications/subscriptions/acknowledged", &acknowledged);
    if !ticket.is_wanted() || out.send(acknowledged).await.is_err() {
        return Ok(end(id));
    }
    if followed.is_empty() {
        // It wants to hear of what never happens here, as the acknowledgement says. Ended at once it might be begun anew
        // at once, so it stays open.
        while ticket.cancelled.recv().await.is_ok() {}
    } else {
        tell(followed, Some(id), &ticket.cancelled, out).await;
    }
    Ok(end(id))
}

fn end(id: &Id) -> String {
    Revision::V2026_07_28.result_with("", &revision::subscription_id(id))
}

fn meta(id: &Id) -> String {
    format!("\"_meta\":{{{}}}", revision::subscription_id(id))
}

struct Followed {
    uri: String,
    pulse: Pulse,
    told: Option<u64>,
}

impl Followed {
    fn new(uri: String, pulse: Pulse) -> Self {
        let told = pulse();
        Self { uri, pulse, told }
    }
}

/// Tells of changes until `ended` is closed or nothing can change any more.
async fn tell(mut followed: Vec<Followed>, id: Option<&Id>, ended: &Receiver<()>, out: &Outbox) {
    while !followed.is_empty() {
        match select(pin!(sleep(COALESCED)), pin!(ended.recv())).await {
            Either::Left(_) => {}
            Either::Right(_) => return,
        }
        followed.retain_mut(|one| {
            let now = (one.pulse)();
            if now != one.told {
                let line = updated(&one.uri, id);
                match out.offer(line) {
                    true => one.told = now,
                    // The client does not read now; it will be told, if then it is still true.
                    false => return true,
                }
            }
            now.is_some()
        });
    }
}

fn updated(uri: &str, id: Option<&Id>) -> Outgoing {
    let meta = id.map_or_else(String::new, |id| format!("{},", meta(id)));
    let params = format!("{{{meta}\"uri\":{}}}", quote(uri));
    Outgoing::notification("notifications/resources/updated", &params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_std::task::block_on;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn lines(out: &Receiver<Outgoing>) -> Vec<String> {
        std::iter::from_fn(|| out.try_recv().ok())
            .map(|it| it.text)
            .collect()
    }

    #[test]
    fn places_are_bounded_and_come_back() {
        let subscriptions = Arc::new(Subscriptions::default());
        let all = subscriptions.take(MAX_FOLLOWED).ok();
        assert!(subscriptions.open("a").is_err());
        drop(all);
        let first = subscriptions.open("a").ok().unwrap();
        let second = subscriptions.open("a").ok().unwrap();
        assert!(first.ended.is_closed(), "two subscriptions to one resource");
        drop(first);
        assert!(!second.ended.is_closed(), "the first took the second along");
        subscriptions.close("a");
        assert!(second.ended.is_closed());
        drop(second);
        assert_eq!(subscriptions.lock().followed, 0);
    }

    #[test]
    fn tells_once_however_often_it_changed_until_it_is_gone() {
        let (count, (out, told)) = (Arc::new(AtomicU64::new(0)), Outbox::new(8));
        let (_alive, ended) = bounded(1);
        let seen = Arc::clone(&count);
        // Each look is another number, and the fourth is the last.
        let pulse: Pulse = Box::new(move || {
            let looks = seen.fetch_add(1, Ordering::Relaxed);
            (looks < 4).then_some(looks / 2)
        });
        let id = Id::Text("s".to_owned());
        block_on(tell(
            vec![Followed::new("u".to_owned(), pulse)],
            Some(&id),
            &ended,
            &out,
        ));
        let told = lines(&told);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("\"io.modelcontextprotocol/subscriptionId\":\"s\""));
    }

    #[test]
    fn what_finds_no_room_is_told_later() {
        let (out, told) = Outbox::new(1);
        assert!(out.offer(Outgoing::notification("before", "{}")));
        let (alive, ended) = bounded(1);
        let looks = AtomicU64::new(0);
        let pulse: Pulse = Box::new(move || Some(looks.fetch_add(1, Ordering::Relaxed).min(1)));
        let followed = vec![Followed::new("u".to_owned(), pulse)];
        block_on(async {
            let reader = async {
                sleep(COALESCED * 3 / 2).await;
                let before = lines(&told);
                sleep(COALESCED).await;
                drop(alive);
                (before, lines(&told))
            };
            let (_, (before, after)) = futures::join!(tell(followed, None, &ended, &out), reader);
            assert_eq!((before.len(), after.len()), (1, 1));
        });
    }
}
