//! CONNACK (3.2).

use super::{Properties, Reason};

/// CONNACK: the broker's answer to CONNECT.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ConnAck<'a> {
    /// The broker still had this client's session.
    pub session_present: bool,
    /// 5.0: Reason Code; 3.1.1: return code 0 to 5, as it stood on the wire.
    pub reason: Reason,
    /// What the broker grants; empty in 3.1.1.
    pub properties: Properties<'a>,
}
