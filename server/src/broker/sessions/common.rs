//! Sessions that the assistants of one process share, where the policy wants that: each is found by the name of its broker.
//!
//! Invariant: none of them can close one; who publishes by one is noted under his own name.

use super::{EstablishError, NoSession, Origin, SessionInfo, Sessions, Target};
use crate::broker::handle::Handle;
use crate::broker::shared::lock;
use std::sync::Arc;

impl Sessions {
    /// The same; what is asked for by a broker's name is among these.
    #[must_use]
    pub fn sharing_names(self, common: Option<&Arc<Self>>) -> Self {
        let common = common.map(Arc::clone);
        Self { common, ..self }
    }

    /// Those of all assistants that are open.
    pub fn shared(&self) -> Vec<SessionInfo> {
        let common = self.common.as_ref();
        common.map_or_else(Vec::new, |common| common.list())
    }

    /// The name in the configuration by which a session was asked for.
    pub fn name_of(&self, id: &str) -> Option<String> {
        let registry = lock(&self.registry);
        let entry = registry.find(id).ok().and_then(|at| registry.open.get(at));
        match entry.map(|entry| &entry.origin) {
            Some(Some(Origin::Named(name))) => Some(name.clone()),
            Some(_) => None,
            None => self.common.as_ref()?.name_of(id),
        }
    }

    pub(super) fn common_handle(&self, id: &str) -> Result<Handle, NoSession> {
        let common = self.common.as_ref().ok_or(NoSession::Unknown)?;
        Ok(common.get(id)?.audited(self.audit.clone()))
    }

    /// Where sessions of this origin are kept, if not among one assistant's own.
    pub(super) fn common_of(&self, origin: &Origin) -> Option<&Arc<Self>> {
        let common = self.common.as_ref();
        common.filter(|_| matches!(origin, Origin::Named(_)))
    }

    /// The session of this origin; connects if there is none. Who asks meanwhile waits, and gets the same session.
    ///
    /// # Errors
    /// As of [`Sessions::establish`].
    pub async fn of_or_establish(
        &self,
        origin: Origin,
        target: Target,
    ) -> Result<String, EstablishError> {
        let place = self.common_of(&origin).map_or(self, |common| common);
        let door = place.origins.door(&origin);
        let _alone = door.lock().await;
        if let Some(id) = self.of(&origin) {
            return Ok(id);
        }
        let made = place.establish_watching(target, &[], Some(origin)).await?;
        Ok(made.id)
    }
}
