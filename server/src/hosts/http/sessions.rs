//! The MCP sessions of HTTP, by their ids. Not the sessions with brokers: those belong to the assistant of each.
//!
//! Invariant: at most `http_clients` are held; the one unused for longest gives way, unless it is in use. An id that we
//! sealed and do not know (the service was restarted, or it gave way) opens an empty session again; one that its client
//! ended stays ended.

use super::session_id;
use crate::hosts::assistants::{Assistant, Assistants};
use crate::process::clock;
use crate::protocol::caller::Transport;
use crate::protocol::revision::Revision;
use ring::hmac;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Ended sessions that are remembered.
const REMEMBERED: usize = 256;

/// See the head of this file.
pub(super) struct Sessions {
    assistants: Arc<Assistants>,
    key: hmac::Key,
    limits: Limits,
    table: Mutex<Table>,
}

/// Bounds of all sessions.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) sessions: usize,
    pub(super) requests: usize,
    pub(super) idle: Duration,
}

#[derive(Default)]
struct Table {
    open: HashMap<String, Entry>,
    ended: VecDeque<String>,
    /// Of all requests that stand alone.
    alone: Option<Arc<Assistant>>,
}

struct Entry {
    assistant: Arc<Assistant>,
    used: Instant,
}

/// Why there is no session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NoSession {
    /// Ended, or not ours.
    Unknown,
    /// All are in use.
    Full,
}

impl Sessions {
    pub(super) fn new(assistants: Arc<Assistants>, key: hmac::Key, limits: Limits) -> Self {
        Self {
            assistants,
            key,
            limits,
            table: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An assistant for `initialize`; it has no id before that went well.
    pub(super) fn come(&self) -> Arc<Assistant> {
        self.assistants
            .come(Transport::Http, Some(self.limits.requests))
    }

    /// Takes in an assistant that has agreed on a revision; gives its id.
    pub(super) fn keep(
        &self,
        assistant: Arc<Assistant>,
        agreed: Revision,
    ) -> Result<String, NoSession> {
        let id = session_id::make(&self.key, agreed).ok_or(NoSession::Full)?;
        self.insert(&mut self.lock(), id.clone(), assistant)?;
        Ok(id)
    }

    /// The assistant of a session, which counts as its use.
    pub(super) fn get(&self, id: &str) -> Result<Arc<Assistant>, NoSession> {
        let mut table = self.lock();
        table.expire(self.limits.idle);
        if let Some(entry) = table.open.get_mut(id) {
            entry.used = clock::now();
            return Ok(Arc::clone(&entry.assistant));
        }
        if table.ended.iter().any(|ended| ended == id) {
            return Err(NoSession::Unknown);
        }
        let agreed = session_id::open(&self.key, id).ok_or(NoSession::Unknown)?;
        let assistant = self.come();
        self.insert(&mut table, id.to_owned(), Arc::clone(&assistant))?;
        drop(table);
        assistant.client.agree(agreed);
        Ok(assistant)
    }

    fn insert(
        &self,
        table: &mut Table,
        id: String,
        assistant: Arc<Assistant>,
    ) -> Result<(), NoSession> {
        table.expire(self.limits.idle);
        if table.open.len() >= self.limits.sessions {
            let idle = table.open.iter().filter(|(_, it)| !it.is_in_use());
            let oldest = idle.min_by_key(|(_, it)| it.used).map(|(id, _)| id.clone());
            table.open.remove(&oldest.ok_or(NoSession::Full)?);
        }
        let used = clock::now();
        table.open.insert(id, Entry { assistant, used });
        Ok(())
    }

    /// Its client ends a session. What runs in it ends with it.
    pub(super) fn end(&self, id: &str) -> Result<(), NoSession> {
        self.get(id)?;
        let mut table = self.lock();
        if table.ended.len() >= REMEMBERED {
            table.ended.pop_front();
        }
        table.ended.push_back(id.to_owned());
        if let Some(entry) = table.open.remove(id) {
            entry.assistant.in_flight.cancel_all();
            entry.assistant.news.close();
        }
        Ok(())
    }

    /// The assistant of requests that stand alone: all who know the token share it.
    pub(super) fn alone(&self) -> Arc<Assistant> {
        let mut table = self.lock();
        let come = || self.assistants.come(Transport::Http, None);
        Arc::clone(table.alone.get_or_insert_with(come))
    }

    /// Lets go of those unused for too long.
    pub(super) fn expire(&self) {
        self.lock().expire(self.limits.idle);
    }
}

impl Table {
    fn expire(&mut self, idle: Duration) {
        let now = clock::now();
        self.open.retain(|_, entry| {
            if entry.is_in_use() {
                entry.used = now;
            }
            now.saturating_duration_since(entry.used) < idle
        });
    }
}

impl Entry {
    /// A request or a stream holds it.
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.assistant) > 1 || self.assistant.is_busy()
    }
}
