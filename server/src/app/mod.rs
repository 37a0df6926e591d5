//! What one process of the service holds: configuration, the sessions of every assistant, the journal; and what people
//! may do and see there.
//!
//! `views` is the one JSON shape of a session, a call, a device; `seen` remembers from second to second what counters
//! alone do not tell: rates, breaks, since when a device is unwell; `process` is what the system says of us. Tools and
//! monitor both stand on this room, and neither is known here.
//! Invariant: no lock is held while anything is waited for; an assistant that is gone takes its sessions with it.

mod devices;
mod process;
mod seen;
mod topics;
pub mod views;

pub use topics::{TopicQuery, TopicsError};

use crate::broker::handle::State;
use crate::broker::sessions::{NoSession, SessionInfo, Sessions};
use crate::broker::watch::Watch;
use crate::config::Config;
use crate::journal::{ClientId, Journal, Reading};
use seen::Seen;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

/// Recalls of a device table cost a connection's task about a millisecond; within this time the last one serves all.
const DEVICES_FRESH: Duration = Duration::from_secs(2);

/// While nobody looks, devices are looked at this often, so that since when one is unwell is known to the minute.
const DEVICES_UNWATCHED: Duration = Duration::from_secs(60);

/// See the head of this file.
pub struct App {
    /// Configuration in force.
    pub config: Arc<Config>,
    /// What happened.
    pub journal: Arc<Journal>,
    started: Instant,
    started_at: SystemTime,
    owners: Mutex<Vec<Owner>>,
    seen: Mutex<Seen>,
}

/// The sessions of one assistant.
struct Owner {
    client: ClientId,
    sessions: Weak<Sessions>,
}

/// A session and whose it is.
pub(crate) struct Owned {
    pub(crate) client: ClientId,
    pub(crate) info: SessionInfo,
}

impl App {
    /// Nobody is here yet.
    pub fn new(config: Arc<Config>, journal: Arc<Journal>, started: Instant) -> Arc<Self> {
        let seen = Mutex::new(Seen::new(&config));
        Arc::new(Self {
            config,
            journal,
            started,
            started_at: SystemTime::now(),
            owners: Mutex::default(),
            seen,
        })
    }

    /// These are the sessions of this assistant, for as long as they live.
    pub fn client(&self, client: ClientId, sessions: &Arc<Sessions>) {
        let mut owners = lock(&self.owners);
        owners.retain(|owner| owner.sessions.strong_count() > 0);
        let sessions = Arc::downgrade(sessions);
        owners.push(Owner { client, sessions });
    }

    /// Closes a session, whosever it is: DISCONNECT, and its captures end.
    ///
    /// # Errors
    /// There is none of this id, or it has ended.
    pub async fn close_session(&self, id: &str) -> Result<(), NoSession> {
        let mut answer = NoSession::Unknown;
        for (_, sessions) in self.sessions() {
            match sessions.close(id).await {
                Ok(_) => return Ok(()),
                Err(NoSession::Unknown) => {}
                Err(ended) => answer = ended,
            }
        }
        Err(answer)
    }

    /// Once a second: counters become a point of the meters, breaks and rates are noted.
    pub async fn tick(&self) {
        let sessions = self.list();
        let now = SystemTime::now();
        let (messages, bytes) = lock(&self.seen).sessions(&sessions, now);
        let (memory, processor) = process::usage();
        self.journal.tick(Reading {
            messages,
            bytes,
            interrupted: sessions
                .iter()
                .any(|it| it.info.status.state != State::Connected),
            memory,
            processor,
        });
        if lock(&self.seen).devices_are_older_than(DEVICES_UNWATCHED) {
            self.look_at_devices().await;
        }
    }

    /// What a person must know of the service; none if all is well.
    pub fn degraded(&self) -> Option<String> {
        let away = self.list();
        let away = away
            .iter()
            .find(|it| it.info.status.state != State::Connected)?;
        Some(format!("{} is away", away.info.established.broker))
    }

    /// How long the process runs.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// When it started.
    pub fn started_at(&self) -> SystemTime {
        self.started_at
    }

    fn sessions(&self) -> Vec<(ClientId, Arc<Sessions>)> {
        let owners = lock(&self.owners);
        let alive = owners.iter();
        alive
            .filter_map(|owner| Some((owner.client, owner.sessions.upgrade()?)))
            .collect()
    }

    /// All open sessions, by assistant, the oldest first.
    pub(crate) fn list(&self) -> Vec<Owned> {
        let mut list = Vec::new();
        for (client, sessions) in self.sessions() {
            list.extend(
                sessions
                    .list()
                    .into_iter()
                    .map(|info| Owned { client, info }),
            );
        }
        list
    }

    /// Sessions that watch, with what they watch.
    fn watches(&self) -> Vec<(SessionInfo, Arc<Watch>)> {
        let mut watches = Vec::new();
        for (_, sessions) in self.sessions() {
            for info in sessions.list() {
                if let Some(watch) = sessions.peek_watch(&info.id) {
                    watches.push((info, watch));
                }
            }
        }
        watches
    }
}

/// Text that somebody else wrote, without credentials.
pub fn masked(text: &str) -> String {
    crate::text::mask::mask(text).into_owned()
}

/// A lock that no panic elsewhere can spoil: what is behind it is whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
