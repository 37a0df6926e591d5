//! Places for sessions that several registries share: the bound of a process that serves many assistants.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Why there is no session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoSession {
    /// There never was one of this id in this process.
    Unknown,
    /// It expired after so many seconds without use.
    Expired(u64),
    /// It was closed.
    Closed,
    /// So many are open already.
    TooMany(usize),
    /// So many are open already, those of other assistants among them.
    TooManyInAll(usize),
}

/// Places for sessions that several registries share: the bound of the whole process.
pub struct Seats {
    taken: AtomicUsize,
    max: usize,
}

/// A place among them; given back when dropped.
pub(super) struct Seat(Arc<Seats>);

impl Seats {
    /// So many.
    pub fn new(max: usize) -> Arc<Self> {
        let taken = AtomicUsize::new(0);
        Arc::new(Self { taken, max })
    }

    pub(super) fn take(self: &Arc<Self>) -> Result<Seat, NoSession> {
        let one_more = |taken| (taken < self.max).then_some(taken + 1);
        let (set, read) = (Ordering::Relaxed, Ordering::Relaxed);
        match self.taken.fetch_update(set, read, one_more) {
            Ok(_) => Ok(Seat(Arc::clone(self))),
            Err(_) => Err(NoSession::TooManyInAll(self.max)),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
