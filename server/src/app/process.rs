//! What the operating system says of this process.

use std::fs;
use std::time::Duration;

/// Ticks of the processor's clock in a second, as Linux tells them to programs on every architecture.
const TICKS: u64 = 100;

/// Resident memory in bytes and processor time; none where the system has no `/proc`.
pub(super) fn usage() -> (Option<u64>, Option<Duration>) {
    (resident(), processor())
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

fn processor() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name may hold spaces and brackets; the fields behind it do not.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let ticks = |field: Option<&str>| field?.parse::<u64>().ok();
    let (user, system) = (ticks(fields.next())?, ticks(fields.next())?);
    Some(Duration::from_millis((user + system) * 1_000 / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_knows_this_process() {
        let (memory, _) = usage();
        let memory = memory.expect("Linux tells it");
        assert!((1 << 20..1 << 40).contains(&memory), "{memory}");
        // As long as it takes: processor time goes on while we wait for it.
        let before = processor().expect("Linux tells it");
        while processor() == Some(before) {
            std::hint::black_box(usage());
        }
        assert!(processor() > Some(before));
    }
}
