//! What a process cost, from `/proc`: CPU time (in ticks of 10 ms) and resident memory.

use std::time::Duration;

/// Ticks a second, fixed in Linux' interface to programs (USER_HZ).
const TICKS: f64 = 100.0;

/// User and system time so far; also of a process that has ended and was not waited for yet.
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second member, in brackets, may hold anything; what follows it does not.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let user: f64 = fields.get(11)?.parse().ok()?;
    let system: f64 = fields.get(12)?.parse().ok()?;
    Some(Duration::from_secs_f64((user + system) / TICKS))
}

/// Resident memory now (`VmRSS`) or at its highest (`VmHWM`), in KiB.
pub(crate) fn memory(pid: u32, which: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(which))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
