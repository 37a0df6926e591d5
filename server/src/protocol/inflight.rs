//! Which requests run: their ids, how to cancel them, and how many there may be.
//!
//! Invariant: an id is answered at most once, and never after it was cancelled: who answers first takes the id out.
//! A place is given back when the work has really ended, so that cancelled work counts as long as it lasts, and before
//! the reply is written, so that a client which waits for each reply finds it free.

use super::message::Id;
use async_channel::{Receiver, Sender, bounded};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why a request is not begun.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// This id is in flight.
    Duplicate,
    /// So many are in flight already.
    Full(usize),
    /// The arguments of those in flight take so many bytes.
    TooLarge,
}

/// The requests in flight of one connection.
pub(crate) struct InFlight {
    table: Mutex<Table>,
    max_requests: usize,
    max_bytes: usize,
    ended: (Sender<()>, Receiver<()>),
}

#[derive(Default)]
struct Table {
    by_id: HashMap<Id, Running>,
    serial: u64,
    /// Places taken.
    count: usize,
    bytes: usize,
    /// Requests whose reply is not handed to the output yet; those whose work has ended among them.
    unsent: usize,
}

struct Running {
    serial: u64,
    cancel: Sender<()>,
}

/// The right to answer one request, and its place.
pub(super) struct Ticket {
    in_flight: Arc<InFlight>,
    pub(super) id: Id,
    serial: u64,
    /// Bytes of its line; none once the place is given back.
    place: Option<usize>,
    pub(super) cancelled: Receiver<()>,
}

impl InFlight {
    /// None yet. `max_bytes` bounds what the lines of all requests in flight take together.
    pub(crate) fn new(max_requests: usize, max_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::default(),
            max_requests,
            max_bytes,
            ended: bounded(1),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing panics while it is held; should it ever, the table is still whole.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request of this id runs.
    pub(super) fn contains(&self, id: &Id) -> bool {
        self.lock().by_id.contains_key(id)
    }

    /// Takes a place for a request whose line has so many bytes.
    pub(super) fn begin(self: &Arc<Self>, id: Id, bytes: usize) -> Result<Ticket, Refusal> {
        let mut guard = self.lock();
        let table = &mut *guard;
        if table.count >= self.max_requests {
            return Err(Refusal::Full(self.max_requests));
        }
        if table.count > 0 && table.bytes.saturating_add(bytes) > self.max_bytes {
            return Err(Refusal::TooLarge);
        }
        let Entry::Vacant(place) = table.by_id.entry(id.clone()) else {
            return Err(Refusal::Duplicate);
        };
        let (cancel, cancelled) = bounded(1);
        table.serial += 1;
        table.count += 1;
        table.bytes += bytes;
        table.unsent += 1;
        let serial = table.serial;
        place.insert(Running { serial, cancel });
        drop(guard);
        let in_flight = Arc::clone(self);
        Ok(Ticket {
            in_flight,
            id,
            serial,
            place: Some(bytes),
            cancelled,
        })
    }

    /// The client wants no answer any more. Unknown and finished ids are nothing to speak of.
    pub(crate) fn cancel(&self, id: &Id) {
        self.lock().by_id.remove(id);
    }

    /// The process goes: all stop, and may still answer with what they have.
    pub(crate) fn cancel_all(&self) {
        for running in self.lock().by_id.values() {
            running.cancel.close();
        }
    }

    /// Resolves when nothing runs and every reply is handed to the output.
    pub(crate) async fn drained(&self) {
        while self.lock().unsent > 0 {
            let _ = self.ended.1.recv().await;
        }
    }
}

impl Ticket {
    /// Whether the client still wants to hear of it.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_in(&self.in_flight.lock())
    }

    fn is_in(&self, table: &Table) -> bool {
        let running = table.by_id.get(&self.id);
        running.is_some_and(|running| running.serial == self.serial)
    }

    /// The work has ended: gives the place back and takes the right to answer; false if the client cancelled.
    pub(super) fn claim(&mut self) -> bool {
        let mut table = self.in_flight.lock();
        if let Some(bytes) = self.place.take() {
            table.count -= 1;
            table.bytes -= bytes;
        }
        let ours = self.is_in(&table);
        if ours {
            table.by_id.remove(&self.id);
        }
        ours
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.claim();
        self.in_flight.lock().unsent -= 1;
        // One token is enough: whoever waits looks at the count again.
        let _ = self.in_flight.ended.0.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn id(text: &str) -> Id {
        Id::Text(text.to_owned())
    }

    #[test]
    fn an_id_is_answered_once_and_never_after_its_cancellation() {
        let in_flight = InFlight::new(8, 1000);
        let mut first = in_flight.begin(id("a"), 1).ok().unwrap();
        assert_eq!(in_flight.begin(id("a"), 1).err(), Some(Refusal::Duplicate));
        in_flight.cancel(&id("a"));
        assert!(first.cancelled.is_closed());
        let mut again = in_flight.begin(id("a"), 1).ok().unwrap();
        assert!(!first.claim(), "the cancelled one took the new one's place");
        assert!(again.claim());
        assert!(!again.claim());
    }

    #[test]
    fn places_come_back_when_the_work_has_ended() {
        let in_flight = InFlight::new(2, 10);
        let first = in_flight.begin(id("a"), 6).ok().unwrap();
        assert_eq!(in_flight.begin(id("b"), 6).err(), Some(Refusal::TooLarge));
        let second = in_flight.begin(id("b"), 4).ok().unwrap();
        in_flight.cancel(&id("a"));
        assert_eq!(in_flight.begin(id("c"), 0).err(), Some(Refusal::Full(2)));
        drop(first);
        assert!(in_flight.begin(id("c"), 0).is_ok());
        drop(second);
        async_std::task::block_on(in_flight.drained());
    }

    #[test]
    fn the_place_is_free_before_the_reply_is_written() {
        let in_flight = InFlight::new(1, 10);
        let mut first = in_flight.begin(id("a"), 10).ok().unwrap();
        assert!(first.claim());
        let second = in_flight.begin(id("b"), 10).ok().unwrap();
        drop(second);
        // The reply to the first is still to be written, and the end of the process waits for it.
        assert!(in_flight.drained().now_or_never().is_none());
        drop(first);
        assert!(in_flight.drained().now_or_never().is_some());
    }
}
