//! CONNECT (3.1) and the Will it carries.

use super::{Properties, QoS};
use core::fmt;

/// CONNECT: opens a session. Its `Debug` shows neither user name nor password.
#[derive(Clone, Copy, PartialEq)]
pub struct Connect<'a> {
    /// Clean Start (5.0), Clean Session (3.1.1).
    pub clean_start: bool,
    /// Seconds; 0 turns keep alive off.
    pub keep_alive: u16,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
    /// May be empty: the broker assigns one.
    pub client_id: &'a str,
    /// The message the broker publishes if we vanish.
    pub will: Option<Will<'a>>,
    /// User Name.
    pub user_name: Option<&'a str>,
    /// Password; in 3.1.1 only with a user name.
    pub password: Option<&'a [u8]>,
}

impl fmt::Debug for Connect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("client_id", &self.client_id)
            .field("clean_start", &self.clean_start)
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
    }
}

/// The Will Message.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Will<'a> {
    /// QoS it is published with.
    pub qos: QoS,
    /// Whether it is retained.
    pub retain: bool,
    /// Will properties; empty in 3.1.1.
    pub properties: Properties<'a>,
    /// Topic Name it is published to.
    pub topic: &'a str,
    /// Its payload.
    pub payload: &'a [u8],
}
