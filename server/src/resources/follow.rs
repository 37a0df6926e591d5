//! How changes of a resource are noticed: a number that changes with it, looked at by whoever follows it.

use super::address::Address;
use super::read::{missing, named, unreadable};
use super::{Offer, last};
use crate::broker::handle::{State, Status};
use crate::protocol::service::{Pulse, Unreadable};
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

pub(super) async fn follow(offer: &Offer, uri: &str) -> Result<Pulse, Unreadable> {
    let address = Address::parse(uri).ok_or_else(missing)?;
    let handle = |id: &str| {
        let handle = offer.state.sessions.get(id);
        handle.map_err(|why| unreadable(why.into()))
    };
    let hasher = RandomState::new();
    Ok(match &address {
        Address::Sessions => {
            let state = Arc::clone(&offer.state);
            Box::new(move || {
                let sessions = state.sessions.list();
                let each = sessions.iter().map(|it| (&it.id, condition(&it.status)));
                Some(hasher.hash_one(each.collect::<Vec<_>>()))
            })
        }
        Address::Status(id) => {
            let handle = handle(id)?;
            Box::new(move || {
                let status = handle.status();
                (status.state != State::Closed).then(|| hasher.hash_one(condition(&status)))
            })
        }
        Address::Topics(id) => {
            let listening = last::count_topics(&handle(id)?).await.map_err(unreadable)?;
            Box::new(move || (!listening.has_stopped()).then(|| listening.counts().1))
        }
        Address::Topic(id, topic) => {
            named(topic)?;
            let listening = offer.live.listen(&handle(id)?, &address, topic).await;
            let listening = listening.map_err(unreadable)?;
            // A value that was retained before counts as its first change.
            Box::new(move || (!listening.has_stopped()).then(|| listening.counts().0))
        }
    })
}

/// What of a status is worth telling; its counters change all the time.
fn condition(status: &Status) -> impl Hash + '_ {
    let state = status.state as u8;
    (state, status.since, status.reconnects, &status.last_error)
}
