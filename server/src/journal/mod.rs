//! What happened in this process, for people to look at: tool calls, warnings and errors, assistants, meters. Kept in
//! memory only, by the service only; a process on standard input and output has no journal.
//!
//! `calls` and `errors` are rings, `clients` a table, `meters` counters with a point a second for an hour.
//! Invariants: memory is bounded whatever comes in; nothing is a secret, because whoever writes here has masked it
//! before; no lock is held while anything is waited for.

mod calls;
mod clients;
mod errors;
mod histogram;
mod latest;
mod meters;

pub use calls::{Call, CallFilter, Ended, Noted, Reported};
pub use clients::{Client, ClientId};
pub use errors::{ErrorLine, Level};
pub use histogram::{BOUNDS_MS, Histogram};
pub use meters::{HOUR, Meters, Point, Reading, ToolMeter};

use calls::Calls;
use clients::Clients;
use errors::Errors;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

/// See the head of this file. Cheap to share.
#[derive(Default)]
pub struct Journal {
    calls: Mutex<Calls>,
    clients: Mutex<Clients>,
    errors: Mutex<Errors>,
    meters: Mutex<Meters>,
}

/// A lock that no panic elsewhere can spoil: what is behind it is whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// Empty.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// An assistant has connected by this way (`stdio`, `socket`, `relay`, `http`).
    pub fn client_came(&self, id: ClientId, transport: &'static str) {
        lock(&self.clients).came(id, transport, SystemTime::now());
    }

    /// It has said who it is. Only the front of both texts is kept.
    pub fn client_named(&self, id: ClientId, name: &str, version: &str) {
        lock(&self.clients).named(id, name, version);
    }

    /// It is gone; its calls stay.
    pub fn client_left(&self, id: ClientId) {
        lock(&self.clients).left(id, SystemTime::now());
    }

    /// All that are known, those that are here first, then the latest first.
    pub fn clients(&self) -> Vec<Client> {
        lock(&self.clients).list()
    }

    /// What people call this assistant; none if it is forgotten.
    pub fn client_title(&self, id: ClientId) -> Option<String> {
        lock(&self.clients).title(id)
    }

    /// A tool call has ended.
    pub fn call(&self, client: ClientId, noted: Noted, ended: Ended<'_>) {
        let now = SystemTime::now();
        let call = Call::new(client, noted, &ended, now);
        let title = {
            let mut clients = lock(&self.clients);
            clients.called(client, call.failed, call.published, now);
            clients.title(client)
        };
        self.keep(Call {
            who: title.unwrap_or_else(|| "an assistant".to_owned()),
            ..call
        });
    }

    /// Another process says that it made a call.
    pub fn reported(&self, reported: Reported) {
        self.keep(Call::reported(reported, SystemTime::now()));
    }

    fn keep(&self, call: Call) {
        lock(&self.meters).called(&call);
        lock(&self.calls).push(call);
    }

    /// The latest calls that `filter` takes, newest first.
    pub fn calls(&self, filter: &CallFilter) -> Vec<Call> {
        lock(&self.calls).find(filter)
    }

    /// Number of the latest call; 0 before the first.
    pub fn last_call(&self) -> u64 {
        lock(&self.calls).last()
    }

    /// A warning or an error of the log, masked, one line.
    pub fn error(&self, level: Level, origin: &str, text: &str) {
        lock(&self.errors).push(level, origin, text, SystemTime::now());
    }

    /// Warnings and errors, the latest first, equal ones in one line.
    pub fn errors(&self) -> Vec<ErrorLine> {
        lock(&self.errors).list()
    }

    /// Once a second: what the process and its connections did since the last time.
    pub fn tick(&self, reading: Reading) {
        lock(&self.meters).tick(reading, SystemTime::now());
    }

    /// Looks at the meters.
    pub fn meters<T>(&self, look: impl FnOnce(&Meters) -> T) -> T {
        look(&lock(&self.meters))
    }
}

/// The clock of rings and rates; it is read here only.
pub fn now() -> Instant {
    Instant::now()
}

/// The front of `text`, at most `limit` bytes, and a mark where something was cut.
fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut front = text.get(..end).unwrap_or_default().to_owned();
    front.push('…');
    front
}

#[cfg(test)]
mod tests;
