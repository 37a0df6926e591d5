//! Topics that no dialect claims: a device is what stands before a level that names an aspect of it (`…/status`,
//! `…/temperature`), or what stands behind a level that names a kind of thing (`devices/<id>/…`).
//!
//! Invariant: what is told of a device never depends on more than its own topics and devices that are known by name.

use super::dialect::{Ask, Dialect, Id, Levels, Place, Role, front};
use super::vitals::is_any;
use crate::knowledge::nothing;

/// Stands for the first byte of a text that is neither a number nor a word, but several: `T=34.1;RH=78`, `12.5 kg`.
pub(super) const SEVERAL: u8 = 0x1d;
/// Stands for that of a text of several values that begins with none: it says more than one thing, as an object does.
pub(super) const RECORD: u8 = 0x1e;

/// Bytes at the front of a text in which what parts its values is looked for.
const FRONT: usize = 64;

/// Whether a text that begins so is of several values. JSON and lines that state their level are not asked.
pub(super) fn is_several(first: u8, payload: &[u8]) -> bool {
    let front = payload.get(..FRONT).unwrap_or(payload);
    if first == b'<' {
        return front.contains(&b'>');
    }
    let parts = front
        .iter()
        .filter(|byte| matches!(byte, b' ' | b';' | b'=' | b'\n' | b'|' | b','));
    // One comma may be that of a number.
    let least = 1 + usize::from(front.contains(&b','));
    !matches!(first, b'{' | b'[' | b'"' | 0x1b | 0x80..) && parts.count() >= least
}

/// Whether a text of several values is of pairs, lines or columns that begin with a name.
pub(super) fn is_record(first: u8, payload: &[u8]) -> bool {
    let front = payload.get(..FRONT).unwrap_or(payload);
    let count = |signs: &[u8]| front.iter().filter(|byte| signs.contains(byte)).count();
    let begins = first.is_ascii_alphabetic() || matches!(first, b'<' | b'$');
    begins && (count(b"=<") >= 2 || count(b";") >= 2 || count(b"|") >= 2 || count(b",") >= 2)
}

/// Whether a level is one of several of its kind by its number (`pump-2`, `K3`, `7`), and neither a quantity nor an aspect
/// (`temp2`).
fn is_numbered(level: &str) -> bool {
    let kind = level.trim_end_matches(|c: char| c.is_ascii_digit());
    let name = kind.trim_end_matches(['-', '_', '.']);
    kind.len() < level.len() && !is_aspect(name) && !nothing::measured(name).yes
}

/// Levels behind which an id stands.
const KINDS: [&str; 12] = [
    "devices", "device", "nodes", "node", "things", "thing", "machines", "machine", "gateways",
    "clients", "_CLIENTS", "assets",
];

/// Last levels that tell of the connection, if the payload does; without case, `_` and `-`.
const PRESENCE: [&str; 18] = [
    "status",
    "availability",
    "available",
    "lwt",
    "will",
    "lastwill",
    "online",
    "onlinestate",
    "connected",
    "connection",
    "connectionstate",
    "connectionstatus",
    "connectivity",
    "alive",
    "reachable",
    "presencestate",
    "linkstate",
    "link",
];

/// Last levels that are sent to a device.
pub(super) const COMMANDS: [&str; 18] = [
    "opdracht",
    "ordre",
    "ordine",
    "rozkaz",
    "set",
    "get",
    "command",
    "commands",
    "cmd",
    "request",
    "write",
    "control",
    "soll",
    "befehl",
    "commande",
    "comando",
    "polecenie",
    "kommando",
];

/// Last levels that are an aspect of what stands before them.
const ASPECTS: [&str; 51] = [
    "estado",
    "stato",
    "état",
    "etat",
    "stan",
    "zustand",
    "toestand",
    "state",
    "telemetry",
    "data",
    "values",
    "value",
    "sensor",
    "sensors",
    "event",
    "events",
    "attributes",
    "info",
    "up",
    "uplink",
    "down",
    "downlink",
    "battery",
    "rssi",
    "signal",
    "uptime",
    "temperature",
    "humidity",
    "pressure",
    "power",
    "energy",
    "voltage",
    "current",
    "illuminance",
    "json",
    "raw",
    "stats",
    "statistics",
    "metrics",
    "measurement",
    "measurements",
    "reading",
    "readings",
    "report",
    "heartbeat",
    "health",
    "diagnostics",
    "error",
    "errors",
    "alarm",
    "shadow",
];

/// Characters of an address at least: node numbers of meshes have eight, parts of hardware addresses six.
const ADDRESS: usize = 6;

/// Last levels that are lines of a log.
const LOGS: [&str; 5] = ["log", "logs", "logging", "debug", "syslog"];

/// Where a message on a topic of no dialect belongs.
pub(super) fn place(topic: &str, levels: &Levels<'_>, first: u8, ask: Ask<'_>) -> Option<Place> {
    let n = levels.len();
    let last = levels.last().copied().unwrap_or("");
    let role = role(last);
    let by = |dialect, count: usize| {
        let id = Id::try_from(front(topic, count))
            .ok()
            .filter(|id| !id.is_empty())?;
        Some(Place { dialect, role, id })
    };
    // What stands below a device that is known by a dialect is its own; below another, one level is.
    for count in (1..n).rev() {
        if let Some(known) = ask(front(topic, count)) {
            let own = match known.dialect {
                // A numbered thing below it that says several things is told by itself, and put to it later.
                Dialect::Generic | Dialect::HomeAssistant => {
                    let several = matches!(first, b'{' | SEVERAL | RECORD) && is_numbered(last);
                    known.present && count + 1 == n && !several
                }
                Dialect::SparkplugB | Dialect::OwnTracks | Dialect::Tasmota => false,
                _ => true,
            };
            if own {
                return by(known.dialect, count);
            }
        }
    }
    let kind = levels
        .iter()
        .take(n.saturating_sub(2))
        .rposition(|level| KINDS.contains(level));
    if let Some(at) = kind {
        return by(Dialect::Generic, numbered(levels, at + 2));
    }
    let mut count = match first {
        b'{' if !is_aspect(last) => n,
        SEVERAL | RECORD if n > 1 && is_numbered(last) => n,
        RECORD if n > 1 && !is_aspect(last) => n,
        // A word at an address is of whoever has it.
        _ if first.is_ascii_alphabetic() && is_address(last) => n,
        _ => n.saturating_sub(1).max(1),
    };
    // An aspect of an aspect is the device's, too: `…/status/reachable`. One that tells of the connection has a device
    // before it, even if that is the first level.
    let least = if role == Role::Presence { 1 } else { 2 };
    let above = |count: usize| levels.get(count - 1).copied().unwrap_or("");
    while count > least && is_aspect(above(count)) {
        count -= 1;
    }
    // So is a quantity whose value stands at a suffix: `…/battery_voltage/state`.
    if count > 2 && count + 1 == n && is_aspect(last) && is_quantity(above(count)) {
        count -= 1;
    }
    by(Dialect::Generic, count.min(n))
}

/// `!a2e227d4`, `0x00158d0001`, `240ac4112233`.
fn is_address(level: &str) -> bool {
    let plain = level.trim_start_matches('!');
    let plain = plain.strip_prefix("0x").unwrap_or(plain);
    let hex = plain
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'-'));
    plain.len() >= ADDRESS && hex && plain.bytes().any(|byte| byte.is_ascii_digit())
}

/// Behind a kind of thing may stand its model first, and then its number: `devices/Tower/A/4711/…`.
fn numbered(levels: &Levels<'_>, count: usize) -> usize {
    let digits = |level: &&str| level.len() > 1 && level.bytes().all(|it| it.is_ascii_digit());
    let named = |level: &&str| !level.bytes().any(|it| it.is_ascii_digit());
    if !levels.get(count - 1).is_some_and(named) {
        return count;
    }
    let behind = levels.iter().take(levels.len() - 1).skip(count);
    behind
        .clone()
        .position(digits)
        .map_or(count, |at| count + at + 1)
}

/// A level of this name is an aspect of what stands before it.
fn is_aspect(level: &str) -> bool {
    role(level) != Role::Data || is_any(level, &ASPECTS)
}

/// A quantity that a device has and no thing: `battery_voltage`, but neither `temp-01` nor `water_meter`.
fn is_quantity(level: &str) -> bool {
    let end = level.rsplit(['_', '-', ' ']).next().unwrap_or(level);
    end.len() < level.len() && nothing::measured(end).yes
}

fn role(last: &str) -> Role {
    match last {
        _ if is_any(last, &PRESENCE) => Role::Presence,
        _ if COMMANDS.contains(&last) => Role::Command,
        _ if LOGS.contains(&last) => Role::Log,
        "config" | "announce" => Role::About,
        _ => Role::Data,
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialect;

    #[test]
    fn a_device_stands_before_its_aspects() {
        for (topic, first, id) in [
            ("Cellar_7/status/LWT", b'C', "Cellar_7"),
            ("fleet/Cart_4/Last_Will", b'{', "fleet/Cart_4"),
            ("Cellar_7/BME/Temperature", b'1', "Cellar_7/BME"),
            ("pv/unit_2/battery_voltage/state", b'5', "pv/unit_2"),
            ("pv/unit_2/work_mode/state", b'S', "pv/unit_2/work_mode"),
            ("hall/temp-01/value", b'2', "hall/temp-01"),
            ("site/Press/Status/Speed", b'6', "site/Press"),
        ] {
            let place = dialect::place(topic, first, &|_| None).unwrap();
            assert_eq!(place.id, id, "{topic}");
        }
    }
}
