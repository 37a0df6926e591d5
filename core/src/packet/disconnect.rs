//! DISCONNECT (3.14) and AUTH (3.15, 5.0 only).

use super::{Properties, Reason};

/// DISCONNECT; from the broker in 5.0 only.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Disconnect<'a> {
    /// Why; success in 3.1.1, which has none on the wire.
    pub reason: Reason,
    /// Empty in 3.1.1.
    pub properties: Properties<'a>,
}

/// AUTH: extended authentication, which this client does not use.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Auth<'a> {
    /// 0x00, 0x18 or 0x19.
    pub reason: Reason,
    /// Method and data.
    pub properties: Properties<'a>,
}
