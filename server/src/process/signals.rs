//! Signals that end the process.

use std::io;
use std::thread;

/// Calls `signalled` with the number of each SIGTERM, SIGINT and SIGHUP.
#[cfg(unix)]
pub(crate) fn watch_signals(signalled: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || signals.forever().for_each(signalled))?;
    Ok(())
}

/// There are none.
#[cfg(not(unix))]
pub(crate) fn watch_signals(_: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    Ok(())
}
