//! What a session was asked for by: the name of a configured broker or a connection string. Who names the same again
//! gets the session that is open.
//!
//! Invariant: of a connection string only a hash under a key of this process is kept, since it may hold a password.

use super::shared::lock;
use futures::lock::Mutex as AsyncMutex;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, Weak};

/// A broker as it was named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// By its name in the configuration.
    Named(String),
    /// By a connection string, hashed.
    Address(u64),
}

/// Makes origins, and lets one caller at a time connect to each.
#[derive(Default)]
pub(super) struct Origins {
    key: RandomState,
    doors: Mutex<Vec<(Origin, Weak<AsyncMutex<()>>)>>,
}

impl Origins {
    pub(super) fn of_address(&self, connection_string: &str) -> Origin {
        Origin::Address(self.key.hash_one(connection_string.trim()))
    }

    /// The lock of an origin; it is forgotten when nobody holds it.
    pub(super) fn door(&self, origin: &Origin) -> Arc<AsyncMutex<()>> {
        let mut doors = lock(&self.doors);
        doors.retain(|(_, door)| door.strong_count() > 0);
        let known = doors.iter().find(|(known, _)| known == origin);
        if let Some(door) = known.and_then(|(_, door)| door.upgrade()) {
            return door;
        }
        let door = Arc::default();
        doors.push((origin.clone(), Arc::downgrade(&door)));
        door
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_again_and_cannot_be_read() {
        let origins = Origins::default();
        let given = "mqtt://me:hunter2@host";
        let origin = origins.of_address(given);
        assert_eq!(origin, origins.of_address(&format!(" {given} ")));
        assert_ne!(origin, origins.of_address("mqtt://host"));
        assert!(!format!("{origin:?}").contains("hunter2"));
    }

    #[test]
    fn one_door_for_each_origin_while_somebody_stands_in_it() {
        let origins = Origins::default();
        let home = Origin::Named("home".to_owned());
        let held = origins.door(&home);
        assert!(Arc::ptr_eq(&held, &origins.door(&home)));
        let other = origins.door(&Origin::Named("plant".to_owned()));
        assert!(!Arc::ptr_eq(&held, &other));
        drop((held, other));
        drop(origins.door(&home));
        assert_eq!(lock(&origins.doors).len(), 1);
    }
}
