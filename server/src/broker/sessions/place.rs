//! A place among the sessions that are open at once, taken before a connection is tried.

use super::{EstablishError, Name, NoSession, Registry};
use crate::broker::handle::BrokerError;
use crate::broker::shared::lock;
use std::sync::{Arc, Mutex};

/// A place for a session that is being established; given back when dropped.
pub(super) struct Place {
    registry: Arc<Mutex<Registry>>,
    name: Option<Name>,
}

impl Place {
    pub(super) fn take(
        registry: &Arc<Mutex<Registry>>,
        limit: usize,
        name: Option<Name>,
    ) -> Result<Self, EstablishError> {
        let mut inner = lock(registry);
        inner.expire();
        let taken = inner.open.len() + inner.reserved.len();
        if taken >= limit {
            return Err(EstablishError::NoSession(NoSession::TooMany(taken)));
        }
        if let Some(name) = &name {
            let mut open = inner.open.iter();
            let other = open.find(|entry| entry.name.as_ref() == Some(name));
            let session = match other {
                Some(entry) => Some(entry.id.to_string()),
                None if inner.reserved.contains(&Some(name.clone())) => {
                    Some("that is being established".to_owned())
                }
                None => None,
            };
            if let Some(session) = session {
                let error = BrokerError::ClientIdInUse(name.client_id.clone(), session);
                return Err(EstablishError::Broker(error));
            }
        }
        inner.reserved.push(name.clone());
        drop(inner);
        Ok(Self {
            registry: registry.clone(),
            name,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut registry = lock(&self.registry);
        let place = registry.reserved.iter().position(|it| *it == self.name);
        if let Some(place) = place {
            registry.reserved.swap_remove(place);
        }
    }
}
