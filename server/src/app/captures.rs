//! Listening that outlives its call: shown, and ended by a person.

use super::views::CaptureView;
use super::{App, lock};
use crate::journal::ClientId;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The captures of one assistant, wherever they are kept.
pub trait Captures: Send + Sync {
    /// Those that listen now.
    fn running(&self) -> Vec<Listener>;
    /// Stops one; what it has heard can still be asked for. Whether there is one of this id.
    fn stop(&self, id: &str) -> bool;
}

/// One that listens.
pub struct Listener {
    /// UUID.
    pub id: String,
    /// Of the tool that began it.
    pub tool: &'static str,
    /// Where it listens.
    pub session_id: String,
    /// Topic Filters.
    pub filters: Vec<String>,
    /// When it began.
    pub began: SystemTime,
    /// How long it will have listened.
    pub lasts: Duration,
    /// Heard so far.
    pub messages: u64,
}

impl App {
    /// Captures of all assistants, the oldest first.
    pub fn capture_views(&self) -> Vec<CaptureView> {
        let owners = self.owners_with_captures();
        let running = owners.iter().flat_map(|(client, captures)| {
            let running = captures.running().into_iter();
            running.map(|listener| (*client, listener))
        });
        let mut running: Vec<_> = running.collect();
        running.sort_by_key(|(_, listener)| listener.began);
        let told = running.into_iter().map(|(client, listener)| {
            let who = self.journal.client_title(client).unwrap_or_default();
            CaptureView::new(listener, client, &who)
        });
        told.collect()
    }

    /// Ends a capture, whosever it is; whether there is one of this id.
    pub fn end_capture(&self, id: &str) -> bool {
        let owners = self.owners_with_captures();
        owners.iter().any(|(_, captures)| captures.stop(id))
    }

    fn owners_with_captures(&self) -> Vec<(ClientId, Arc<dyn Captures>)> {
        let owners = lock(&self.owners);
        let alive = owners.iter();
        alive
            .filter_map(|owner| Some((owner.client, owner.captures.upgrade()?)))
            .collect()
    }
}
