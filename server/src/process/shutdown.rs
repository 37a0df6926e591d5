//! How long each step of the end may take. Hosts give a server that is told to go about a second.

use std::time::Duration;

/// Calls hand in what they have.
pub(crate) const CALLS_END: Duration = Duration::from_millis(200);
/// DISCONNECT to every broker.
pub(crate) const SESSIONS_END: Duration = Duration::from_millis(450);
/// The rest of the output.
pub(crate) const OUTPUT_END: Duration = Duration::from_millis(150);
/// The process ends after this, whatever hangs.
pub(crate) const ALL_END: Duration = Duration::from_millis(900);

/// Of a service that has many clients: calls hand in what they have.
pub(crate) const SERVICE_CALLS_END: Duration = Duration::from_secs(1);
/// Of a service: connections of clients are finished.
pub(crate) const SERVICE_OUTPUT_END: Duration = Duration::from_secs(2);
/// Of a service: the process ends after this.
pub(crate) const SERVICE_END: Duration = Duration::from_secs(5);

/// Ends the process when its time is over.
pub(crate) fn guard(time: Duration) {
    let started = std::thread::Builder::new().spawn(move || {
        std::thread::sleep(time);
        std::process::exit(0);
    });
    if let Err(error) = started {
        log::warn!("no thread to guard the end: {error}");
    }
}
