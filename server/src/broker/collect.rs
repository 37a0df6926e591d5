//! Where session and reduction meet: a message of a listener goes through one pass over its payload into the
//! listener's accumulators; asked at any time, they give a [`super::report::Report`].
//! Interface, called by the broker's task only.

use super::report::{Findings, Wants};
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::time::Instant;

/// One message as the accumulators see it.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// On the clock of the connection's task.
    pub at: Instant,
    /// Topic Name.
    pub topic: &'a str,
    /// Any bytes.
    pub payload: &'a [u8],
    /// QoS it came with.
    pub qos: QoS,
    /// Replayed because retained.
    pub retain: bool,
}

/// The accumulators of one listener.
pub struct Collector {}

#[allow(unused_variables, clippy::todo)]
impl Collector {
    /// Empty accumulators for what is wanted, listening from `start`.
    pub fn new(wants: &Wants, start: Instant) -> Self {
        todo!()
    }

    /// Takes one message in about a microsecond. Returns whether its topic was new.
    pub fn record(&mut self, arrival: &Arrival<'_>) -> bool {
        todo!()
    }

    /// The state of all accumulators now, as owned data; times in it are relative to `start`.
    pub fn findings(&self) -> Findings {
        todo!()
    }

    /// Distinct topics so far (an estimate beyond the table).
    pub fn topics_seen(&self) -> u64 {
        todo!()
    }
}
