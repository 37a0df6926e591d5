//! Brokers that the service watches from its start, each in a session of its own whose watch lives as long as the
//! process.
//!
//! Invariant: whatever becomes of one of them, it is tried again for ever, and nothing else is kept from working.

use super::handle::State;
use super::sessions::{EstablishError, SessionInfo, Sessions};
use super::shared::lock;
use super::watch::Watch;
use crate::config::target::Target;
use crate::config::{Config, Limits, Policy, Record};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// Between two looks at a broker that is well.
const LOOK: Duration = Duration::from_secs(5);

/// The first and the longest wait after a failure. A broker that is restarted is back within seconds, one whose password
/// is wrong should not be asked more often than a person corrects it.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Time for a connection that was given up to come back when asked to.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than a process lives, in seconds.
const FOR_EVER: f64 = 1e9;

/// Where a broker of the configuration is, if the policy lets anybody go there; else in words why not.
pub type Find = dyn Fn(&str) -> Result<Target, String> + Send + Sync;

/// See the head of this file.
pub struct Recorder {
    sessions: Arc<Sessions>,
    find: Box<Find>,
    records: Vec<Recording>,
}

struct Recording {
    record: Record,
    now: Mutex<Now>,
}

/// How it stands with one of them.
#[derive(Default)]
struct Now {
    session: Option<String>,
    /// Why there is no session.
    error: Option<String>,
}

/// A recorded broker as it is told of.
pub struct Recorded {
    /// What is recorded.
    pub record: Record,
    /// Its session; none before the first one.
    pub session: Option<SessionInfo>,
    /// Why there is none.
    pub error: Option<String>,
}

impl Recorded {
    /// Why it is not connected; none if it is, or is being tried for the first time.
    pub fn away(&self) -> Option<String> {
        match &self.session {
            Some(session) if session.status.state == State::Connected => None,
            Some(session) => {
                let why = session.status.last_error.clone();
                Some(why.unwrap_or_else(|| "the connection is lost".to_owned()))
            }
            None => self.error.clone(),
        }
    }
}

impl Recorder {
    /// Begins to watch what the configuration says; none if that is nothing.
    pub fn start(config: &Config, find: Box<Find>) -> Option<Arc<Self>> {
        let records = &config.records;
        if records.is_empty() {
            return None;
        }
        let limits = Limits {
            max_sessions: records.len(),
            session_idle: FOR_EVER,
            reconnect_time: FOR_EVER,
            ..config.limits.clone()
        };
        let policy = Policy {
            read_only: true,
            ..Policy::default()
        };
        let recordings = records.iter().map(|record| Recording {
            record: record.clone(),
            now: Mutex::default(),
        });
        let recorder = Arc::new(Self {
            sessions: Arc::new(Sessions::new(&limits, &policy)),
            find,
            records: recordings.collect(),
        });
        for at in 0..records.len() {
            async_std::task::spawn(keep(Arc::downgrade(&recorder), at));
        }
        Some(recorder)
    }

    /// Its sessions, which are nobody's.
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// All that is recorded, and how it stands.
    pub fn list(&self) -> Vec<Recorded> {
        let open = self.sessions.list();
        let told = self.records.iter().map(|recording| {
            let now = lock(&recording.now);
            let mut open = open.iter();
            let session = open.find(|it| Some(&it.id) == now.session.as_ref());
            Recorded {
                record: recording.record.clone(),
                session: session.cloned(),
                error: now.error.clone(),
            }
        });
        told.collect()
    }

    /// Whether this broker is recorded.
    pub fn records(&self, broker: &str) -> bool {
        self.records.iter().any(|it| it.record.broker == broker)
    }

    /// The broker that is recorded, if it is the only one.
    pub fn only(&self) -> Option<&str> {
        match self.records.as_slice() {
            [only] => Some(&only.record.broker),
            _ => None,
        }
    }

    /// The watch of this broker; none if it is not recorded, or was not reached yet.
    pub fn watch(&self, broker: &str) -> Option<Arc<Watch>> {
        let mut records = self.records.iter();
        let recording = records.find(|it| it.record.broker == broker)?;
        let session = lock(&recording.now).session.clone()?;
        self.sessions.peek_watch(&session)
    }

    /// Looks after one of them; whether it is well.
    async fn look(&self, recording: &Recording) -> bool {
        let session = lock(&recording.now).session.clone();
        if let Some(id) = session {
            if let Ok(handle) = self.sessions.get(&id) {
                let status = handle.status();
                match status.state {
                    State::Connected | State::Reconnecting => return true,
                    // What was heard so far stays with the session.
                    State::Lost if !status.failed => return handle.ping(PATIENCE).await.is_ok(),
                    State::Lost | State::Closed => {}
                }
            }
            let _ = self.sessions.close(&id).await;
        }
        let begun = self.begin(&recording.record).await;
        let mut now = lock(&recording.now);
        let broker = &recording.record.broker;
        match begun {
            Ok(session) => {
                ::log::info!("{broker}: watched from now on");
                *now = Now {
                    session: Some(session),
                    error: None,
                };
                true
            }
            Err(error) => {
                if now.error.as_ref() != Some(&error) {
                    ::log::warn!("{broker}, which is to be watched: {error}");
                }
                *now = Now {
                    session: None,
                    error: Some(error),
                };
                false
            }
        }
    }

    async fn begin(&self, record: &Record) -> Result<String, String> {
        let mut target = (self.find)(&record.broker)?;
        match target.client_id_in_url {
            true => target.distinguish(),
            // The assistants' sessions have this id; a broker throws out the first of two.
            false if !target.client_id.is_empty() => target.client_id.push_str("-record"),
            false => {}
        }
        let filters = &record.filters;
        let made = self
            .sessions
            .establish_watching(target, filters, None)
            .await;
        match made {
            Ok(session) => Ok(session.id),
            Err(EstablishError::Broker(error)) => Err(error.to_string()),
            Err(EstablishError::NoSession(why)) => Err(format!("no session: {why:?}")),
        }
    }
}

async fn keep(recorder: Weak<Recorder>, at: usize) {
    let mut wait = FIRST;
    while let Some(recorder) = recorder.upgrade() {
        let Some(recording) = recorder.records.get(at) else {
            return;
        };
        let well = recorder.look(recording).await;
        drop(recorder);
        async_std::task::sleep(if well { LOOK } else { wait }).await;
        wait = if well { FIRST } else { (wait * 2).min(LONGEST) };
    }
}
