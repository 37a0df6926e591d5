//! The sessions that the assistant has open: at most `limits.max_sessions`, each named by a UUID v4, each ending after
//! `limits.session_idle` without use. A session that something listens on, other than its own watch, is in use.
//!
//! Invariant: the registry's lock is never held across an await; a place is taken before the connection is tried.

mod common;
mod place;

pub use super::seats::{NoSession, Seats};

use super::audit::{Audit, Auditor};
use super::handle::{BrokerError, Established, Handle, Status};
pub use super::origins::Origin;
use super::origins::Origins;
use super::seats::Seat;
use super::shared::lock;
use super::watch::{Watch, Watching};
use crate::config::target::Target;
use crate::config::{Limits, Policy};
use async_channel::{Receiver, Sender};
use place::Place;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant, SystemTime};
use uuid::Uuid;

/// Sessions that ended and are remembered, so that their ids get a telling answer.
const REMEMBERED: usize = 256;

/// Time to say goodbye to a broker.
const GOODBYE: Duration = Duration::from_secs(1);

/// Shortest and longest sleep between two looks for expired sessions.
const LOOK_MIN: Duration = Duration::from_millis(5);
const LOOK_MAX: Duration = Duration::from_secs(60);

/// Registry of open sessions.
pub struct Sessions {
    limits: Limits,
    policy: Arc<Policy>,
    audit: Option<Auditor>,
    registry: Arc<Mutex<Registry>>,
    /// Shared with others; none: these sessions are all.
    seats: Option<Arc<Seats>>,
    /// Of all assistants: a session that is not among these may be there.
    common: Option<Arc<Sessions>>,
    origins: Origins,
}

struct Registry {
    open: Vec<Entry>,
    /// Places taken by connections that are being tried, each with its name.
    reserved: Vec<Option<Name>>,
    ended: VecDeque<(Uuid, NoSession)>,
    idle: Duration,
    /// A task looks for expired sessions.
    watched: bool,
    /// Of all who want to hear when one was opened or ended.
    listeners: Vec<Sender<()>>,
}

/// What a broker tells clients apart by; two with the same throw each other out.
#[derive(Clone, PartialEq, Eq)]
struct Name {
    host: String,
    port: u16,
    client_id: String,
}

impl Name {
    /// None: the client id is made up.
    fn of(target: &Target) -> Option<Self> {
        (!target.client_id.is_empty()).then(|| Self {
            host: target.host.to_lowercase(),
            port: target.port,
            client_id: target.client_id.clone(),
        })
    }
}

struct Entry {
    id: Uuid,
    name: Option<Name>,
    origin: Option<Origin>,
    handle: Handle,
    watch: Option<Arc<Watch>>,
    _seat: Option<Seat>,
    created: SystemTime,
    used_at: Instant,
}

/// One session as `list_active_connections` shows it.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    /// UUID v4.
    pub id: String,
    /// What it was established with.
    pub established: Established,
    /// State and counters.
    pub status: Status,
    /// What it watches.
    pub watching: Option<Watching>,
    /// When it was made.
    pub created: SystemTime,
    /// When a tool last used it.
    pub last_used: SystemTime,
    /// When it ends if nobody uses it.
    pub expires: SystemTime,
}

/// Why a session was not made.
pub enum EstablishError {
    /// No room.
    NoSession(NoSession),
    /// The broker, or the way to it.
    Broker(BrokerError),
}

impl Sessions {
    /// None open. Every handle that it gives out asks `policy` before it publishes.
    pub fn new(limits: &Limits, policy: &Policy) -> Self {
        Self {
            limits: limits.clone(),
            policy: Arc::new(policy.clone()),
            audit: None,
            seats: None,
            common: None,
            origins: Origins::default(),
            registry: Arc::new(Mutex::new(Registry {
                open: Vec::new(),
                reserved: Vec::new(),
                ended: VecDeque::new(),
                idle: Duration::from_secs_f64(limits.session_idle.clamp(0.0, 1e9)),
                watched: false,
                listeners: Vec::new(),
            })),
        }
    }

    /// The same; each session takes one of these places, too.
    pub fn sharing(limits: &Limits, policy: &Policy, seats: &Arc<Seats>) -> Self {
        Self {
            seats: Some(Arc::clone(seats)),
            ..Self::new(limits, policy)
        }
    }

    /// The same, and each publication leaves a line in the audit file, as of this client.
    #[must_use]
    pub fn audited(self, audit: Option<&Arc<Audit>>, client: &str) -> Self {
        let audit = audit.map(|audit| Auditor::new(audit, client));
        Self { audit, ..self }
    }

    /// Connects and registers; the place is reserved before, so that the limit holds under concurrency.
    ///
    /// # Errors
    /// No place, the client id is in use here, or the connection failed.
    pub async fn establish(&self, target: Target) -> Result<SessionInfo, EstablishError> {
        self.establish_watching(target, &[], None).await
    }

    /// The origin of sessions that this connection string asks for.
    pub fn address(&self, connection_string: &str) -> Origin {
        self.origins.of_address(connection_string)
    }

    /// The session of this origin that was used last.
    pub fn of(&self, origin: &Origin) -> Option<String> {
        let mut registry = lock(&self.registry);
        registry.expire();
        let open = registry.open.iter();
        let same = open.filter(|it| it.origin.as_ref() == Some(origin));
        let whole = same.filter(|it| !it.handle.status().failed);
        let latest = whole.max_by_key(|it| it.used_at);
        let latest = latest.map(|it| it.id.to_string());
        latest.or_else(|| self.common_of(origin)?.of(origin))
    }

    /// As [`Sessions::establish`], and watches these Topic Filters from the beginning; `origin` finds it again.
    ///
    /// # Errors
    /// Also if the broker lets it not listen to one of them.
    pub async fn establish_watching(
        &self,
        target: Target,
        filters: &[String],
        origin: Option<Origin>,
    ) -> Result<SessionInfo, EstablishError> {
        let name = Name::of(&target);
        let place = Place::take(&self.registry, self.limits.max_sessions, name.clone())?;
        let seat = self.seats.as_ref().map(Seats::take).transpose();
        let seat = seat.map_err(EstablishError::NoSession)?;
        let (handle, _) = Handle::connect_under(
            target,
            &self.limits,
            self.policy.clone(),
            self.audit.clone(),
        )
        .await
        .map_err(EstablishError::Broker)?;
        let watch = match Watch::begin(&handle, filters).await {
            Ok(watch) => watch.map(Arc::new),
            Err(error) => {
                handle.close(GOODBYE).await;
                return Err(EstablishError::Broker(error));
            }
        };
        let now = SystemTime::now();
        let entry = Entry {
            id: Uuid::new_v4(),
            name,
            origin,
            handle,
            watch,
            _seat: seat,
            created: now,
            used_at: Instant::now(),
        };
        let mut registry = lock(&self.registry);
        let info = entry.info(registry.idle);
        registry.open.push(entry);
        registry.tell();
        if !std::mem::replace(&mut registry.watched, true) {
            async_std::task::spawn(look_after(Arc::downgrade(&self.registry)));
        }
        drop(registry);
        drop(place);
        Ok(info)
    }

    /// Where a word comes when a session was opened or ended; each who asks hears of each change.
    pub fn changes(&self) -> Receiver<()> {
        // One word is enough for whoever looks at the list afterwards.
        let (changed, changes) = async_channel::bounded(1);
        let mut registry = lock(&self.registry);
        registry.listeners.retain(|it| !it.is_closed());
        registry.listeners.push(changed);
        changes
    }

    /// The handle of a session, which counts as its use.
    ///
    /// # Errors
    /// Unknown, expired (remembered), closed (remembered).
    pub fn get(&self, id: &str) -> Result<Handle, NoSession> {
        let mut registry = lock(&self.registry);
        registry.expire();
        let at = match registry.find(id) {
            Err(NoSession::Unknown) if self.common.is_some() => return self.common_handle(id),
            at => at?,
        };
        let entry = &mut registry.open[at];
        entry.used();
        Ok(entry.handle.clone())
    }

    /// The watch of a session, if it has one, which counts as its use.
    ///
    /// # Errors
    /// As of [`Sessions::get`].
    pub fn watch(&self, id: &str) -> Result<Option<Arc<Watch>>, NoSession> {
        let mut registry = lock(&self.registry);
        registry.expire();
        let at = match registry.find(id) {
            // Nobody watches by it.
            Err(NoSession::Unknown) if self.common.is_some() => {
                return self.common_handle(id).map(|_| None);
            }
            at => at?,
        };
        let entry = &mut registry.open[at];
        entry.used();
        Ok(entry.watch.clone())
    }

    /// The same for who only looks: it is no use of the session.
    pub fn peek_watch(&self, id: &str) -> Option<Arc<Watch>> {
        let registry = lock(&self.registry);
        registry.open.get(registry.find(id).ok()?)?.watch.clone()
    }

    /// All open sessions, oldest first; is no use of them.
    pub fn list(&self) -> Vec<SessionInfo> {
        let mut registry = lock(&self.registry);
        registry.expire();
        let idle = registry.idle;
        registry.open.iter().map(|entry| entry.info(idle)).collect()
    }

    /// Sends DISCONNECT, wipes, forgets.
    ///
    /// # Errors
    /// Unknown, expired, closed before.
    pub async fn close(&self, id: &str) -> Result<SessionInfo, NoSession> {
        let (handle, mut info) = {
            let mut registry = lock(&self.registry);
            registry.expire();
            let at = registry.find(id)?;
            let idle = registry.idle;
            let entry = registry.open.remove(at);
            registry.remember(entry.id, NoSession::Closed);
            (entry.handle.clone(), entry.info(idle))
        };
        handle.close(GOODBYE).await;
        info.status = handle.status();
        Ok(info)
    }

    /// Closes all, at the end of the process, within `budget`.
    pub async fn close_all(&self, budget: Duration) {
        let entries = {
            let mut registry = lock(&self.registry);
            let entries = std::mem::take(&mut registry.open);
            for entry in &entries {
                registry.remember(entry.id, NoSession::Closed);
            }
            entries
        };
        let closing = entries.iter().map(|entry| entry.handle.close(budget));
        futures::future::join_all(closing).await;
    }
}

impl Registry {
    /// Where the session stands in `open`, or why it does not.
    fn find(&self, id: &str) -> Result<usize, NoSession> {
        let id = Uuid::parse_str(id).map_err(|_| NoSession::Unknown)?;
        if let Some(at) = self.open.iter().position(|entry| entry.id == id) {
            return Ok(at);
        }
        let ended = self.ended.iter().rev().find(|(ended, _)| *ended == id);
        Err(ended.map_or(NoSession::Unknown, |(_, how)| how.clone()))
    }

    fn remember(&mut self, id: Uuid, how: NoSession) {
        if self.ended.len() >= REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back((id, how));
        self.tell();
    }

    fn tell(&self) {
        for listener in &self.listeners {
            let _ = listener.try_send(());
        }
    }

    /// Ends what nobody used for too long. Dropping the last handle ends the task, which says goodbye to the broker.
    fn expire(&mut self) {
        let (now, idle) = (Instant::now(), self.idle);
        let mut at = 0;
        while let Some(entry) = self.open.get_mut(at) {
            let watching = entry.watch.as_ref().map_or(0, |watch| watch.live());
            if entry.handle.status().subscriptions > watching {
                entry.used();
            }
            if now.saturating_duration_since(entry.used_at) < idle {
                at += 1;
                continue;
            }
            let entry = self.open.remove(at);
            entry.handle.end();
            self.remember(entry.id, NoSession::Expired(idle.as_secs()));
            ::log::info!("{}: session expired", entry.handle.established().broker);
        }
    }

    /// Until the next session may expire; none when none is open.
    fn next_look(&self) -> Option<Duration> {
        let now = Instant::now();
        let left = |entry: &Entry| (entry.used_at + self.idle).saturating_duration_since(now);
        let next = self.open.iter().map(left).min()?;
        Some(next.clamp(LOOK_MIN, LOOK_MAX))
    }
}

impl Entry {
    fn used(&mut self) {
        self.used_at = Instant::now();
    }

    fn info(&self, idle: Duration) -> SessionInfo {
        let (now, idle_for) = (SystemTime::now(), self.used_at.elapsed());
        SessionInfo {
            id: self.id.to_string(),
            established: self.handle.established(),
            status: self.handle.status(),
            watching: self.watch.as_ref().map(|watch| watch.watching()),
            created: self.created,
            last_used: shown(now, idle_for),
            // By the clock as it is now: it may have been set since the last use.
            expires: now + idle.saturating_sub(idle_for),
        }
    }
}

/// What the clock, as it is set now, showed so long ago.
fn shown(now: SystemTime, ago: Duration) -> SystemTime {
    now.checked_sub(ago).unwrap_or(now)
}

/// Looks for expired sessions for as long as any is open.
async fn look_after(registry: Weak<Mutex<Registry>>) {
    loop {
        let sleep = {
            let Some(registry) = registry.upgrade() else {
                return;
            };
            let mut registry = lock(&registry);
            registry.expire();
            let Some(sleep) = registry.next_look() else {
                registry.watched = false;
                return;
            };
            sleep
        };
        async_std::task::sleep(sleep).await;
    }
}
