//! What one process of the service holds: configuration, the sessions of every assistant, the journal; and what people
//! may do and see there.
//!
//! `views` is the one JSON shape of a session, a call, a device; `seen` remembers from second to second what counters
//! alone do not tell: rates, breaks, since when a device is unwell; `process` is what the system says of us. Tools and
//! monitor both stand on this room, and neither is known here.
//! Invariant: no lock is held while anything is waited for; an assistant that is gone takes its sessions with it.

mod captures;
mod devices;
mod process;
mod seen;
mod topics;
pub mod views;

pub use captures::{Captures, Listener};
pub use topics::{TopicQuery, TopicsError};

use crate::broker::handle::State;
use crate::broker::recorder::{Recorded, Recorder};
use crate::broker::sessions::{SessionInfo, Sessions};
use crate::broker::watch::Watch;
use crate::config::Config;
use crate::journal::{ClientId, Journal, Reading};
use seen::Seen;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

/// Recalls of a device table cost a connection's task about a millisecond; within this time the last one serves all.
const DEVICES_FRESH: Duration = Duration::from_secs(2);

/// While nobody looks, devices are looked at this often, so that since when one is unwell is known to the minute.
const DEVICES_UNWATCHED: Duration = Duration::from_secs(60);

/// Whose the sessions are that the service itself has; assistants are numbered from 1.
const SERVICE: ClientId = ClientId(0);

/// See the head of this file.
pub struct App {
    /// Configuration in force.
    pub config: Arc<Config>,
    /// What happened.
    pub journal: Arc<Journal>,
    started: Instant,
    started_at: SystemTime,
    owners: Mutex<Vec<Owner>>,
    recorder: OnceLock<Arc<Recorder>>,
    common: OnceLock<Arc<Sessions>>,
    seen: Mutex<Seen>,
}

/// The sessions of one assistant.
struct Owner {
    client: ClientId,
    sessions: Weak<Sessions>,
    captures: Weak<dyn Captures>,
}

/// Why a session is not closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotClosed {
    /// There is none of this id, or it has ended.
    Unknown,
    /// The configuration names it.
    Recorded,
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
            recorder: OnceLock::new(),
            common: OnceLock::new(),
            seen,
        })
    }

    /// These are the sessions and captures of this assistant, for as long as they live.
    pub fn client(&self, client: ClientId, sessions: &Arc<Sessions>, captures: Weak<dyn Captures>) {
        let mut owners = lock(&self.owners);
        owners.retain(|owner| owner.sessions.strong_count() > 0);
        let sessions = Arc::downgrade(sessions);
        owners.push(Owner {
            client,
            sessions,
            captures,
        });
    }

    /// There is one assistant, which has no number, and no way in for others.
    fn is_alone(&self) -> bool {
        lock(&self.owners).iter().any(|it| it.client == SERVICE)
    }

    /// What it records is shown from now on.
    pub fn recording(&self, recorder: Option<Arc<Recorder>>) {
        if let Some(recorder) = recorder {
            let _ = self.recorder.set(recorder);
        }
    }

    /// These sessions are those of all assistants.
    pub fn shared(&self, common: Option<&Arc<Sessions>>) {
        if let Some(common) = common {
            let _ = self.common.set(Arc::clone(common));
        }
    }

    /// What the service watches from its start.
    pub(crate) fn recorded(&self) -> Vec<Recorded> {
        self.recorder.get().map_or_else(Vec::new, |it| it.list())
    }

    /// Closes a session of an assistant: DISCONNECT, and its captures end.
    ///
    /// # Errors
    /// See [`NotClosed`].
    pub async fn close_session(&self, id: &str) -> Result<(), NotClosed> {
        if self.is_recorded(id) {
            return Err(NotClosed::Recorded);
        }
        for (_, sessions) in self.sessions() {
            if sessions.close(id).await.is_ok() {
                return Ok(());
            }
        }
        Err(NotClosed::Unknown)
    }

    /// Whether a session is the recorder's.
    fn is_recorded(&self, id: &str) -> bool {
        let recorder = self.recorder.get();
        recorder.is_some_and(|it| it.sessions().list().iter().any(|it| it.id == id))
    }

    /// Once a second: counters become a point of the meters, breaks and rates are noted.
    pub async fn tick(&self) {
        let sessions = self.list();
        let now = SystemTime::now();
        let (messages, bytes) = lock(&self.seen).sessions(&sessions, &self.recorded(), now);
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
        let recorded = self.recorded();
        // The reason is not for everybody who may ask.
        if let Some(away) = recorded.iter().find(|it| it.away().is_some()) {
            return Some(format!("{} is away", away.record.broker));
        }
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
        let alive = alive.filter_map(|owner| Some((owner.client, owner.sessions.upgrade()?)));
        let recorder = self.recorder.get().map(|it| it.sessions());
        let own = recorder.into_iter().chain(self.common.get());
        let own = own.map(|sessions| (SERVICE, Arc::clone(sessions)));
        own.chain(alive).collect()
    }

    /// All open sessions, by assistant, the oldest first; those of the service before.
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
