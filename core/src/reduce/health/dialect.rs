//! Which device a topic belongs to, and what a message there is: a reading, a state of the connection, a command.
//!
//! Zigbee2MQTT, Tasmota, Home Assistant, Shelly (both generations), ESPHome, ESPEasy, Homie 3 to 5, Sparkplug B and
//! OwnTracks are told by their topics; what none of them claims is told by common last levels (`generic`). A device's id is
//! where its topics begin, or what its topics have in common. Invariant: nothing here looks into a payload further
//! than its first byte; equal topics give equal ids as long as no further device is known.

use super::generic;
use heapless::{String, Vec};

/// Bytes of a device's id; longer ones are not followed.
pub const MAX_ID: usize = 160;
/// Levels of a topic that are told apart.
const LEVELS: usize = 16;

pub(super) type Id = String<MAX_ID>;
pub(super) type Levels<'a> = Vec<&'a str, LEVELS>;

/// The convention by which a device speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)] // proper names
pub enum Dialect {
    #[default]
    Generic,
    Zigbee2Mqtt,
    Tasmota,
    HomeAssistant,
    ShellyGen1,
    ShellyGen2,
    EspHome,
    EspEasy,
    Homie,
    SparkplugB,
    OwnTracks,
}

impl Dialect {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Zigbee2Mqtt => "zigbee2mqtt",
            Self::Tasmota => "tasmota",
            Self::HomeAssistant => "home_assistant",
            Self::ShellyGen1 => "shelly_gen1",
            Self::ShellyGen2 => "shelly_gen2",
            Self::EspHome => "esphome",
            Self::EspEasy => "espeasy",
            Self::Homie => "homie",
            Self::SparkplugB => "sparkplug_b",
            Self::OwnTracks => "owntracks",
        }
    }
}

/// What a message on a topic is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// What the device says of itself.
    Data,
    /// Lines of a log.
    Log,
    /// The state of the connection, if the payload is one.
    Presence,
    /// Sent to the device.
    Command,
    /// What is said once after a start.
    Boot,
    /// Descriptions that are no readings.
    About,
    /// Zigbee2MQTT's list of devices.
    Directory,
    /// A description of a device, or of an entity, that names its topics.
    Discovery,
    /// Sparkplug B.
    Birth,
    /// Sparkplug B.
    Death,
}

/// Where a message belongs.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) dialect: Dialect,
    pub(super) role: Role,
    pub(super) id: Id,
}

/// What is known of a device with some id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Known {
    pub(super) dialect: Dialect,
    /// Its connection's state was told under its id.
    pub(super) present: bool,
}

/// What to ask about ids.
pub(super) type Ask<'k> = &'k dyn Fn(&str) -> Option<Known>;

/// Where a message on `topic` belongs; `first` is the first byte of its payload.
pub(super) fn place(topic: &str, first: u8, ask: Ask<'_>) -> Option<Place> {
    let mut levels = Levels::new();
    for level in topic.split('/') {
        if levels.push(level).is_err() {
            break;
        }
    }
    if topic.starts_with('$') && levels.first() != Some(&"$aws") {
        return None;
    }
    match own(topic, &levels, first, ask) {
        Told::Place(place) => Some(place),
        Told::Nobody => None,
        Told::Other => generic::place(topic, &levels, first, ask),
    }
}

/// What a dialect says of a topic.
enum Told {
    Place(Place),
    /// It is the dialect's, and of no device.
    Nobody,
    /// It is not the dialect's.
    Other,
}

impl Told {
    fn by(dialect: Dialect, role: Role, id: &str) -> Self {
        match Id::try_from(id) {
            Ok(id) if !id.is_empty() => Self::Place(Place { dialect, role, id }),
            _ => Self::Nobody,
        }
    }
}

fn own(topic: &str, levels: &Levels<'_>, first: u8, ask: Ask<'_>) -> Told {
    let level = |n: usize| levels.get(n).copied().unwrap_or("");
    let last = levels.last().copied().unwrap_or("");
    match level(0) {
        "spBv1.0" => return sparkplug(levels),
        "owntracks" if levels.len() >= 3 => {
            let role = if last == "cmd" {
                Role::Command
            } else {
                Role::Data
            };
            return Told::by(Dialect::OwnTracks, role, front(topic, 3));
        }
        "shellies" => return shelly_gen1(topic, levels, last),
        "homeassistant" if last == "config" && levels.len() >= 4 => {
            return Told::by(Dialect::HomeAssistant, Role::Discovery, topic);
        }
        "homeassistant" if levels.len() == 2 && last == "status" => {
            return Told::by(Dialect::HomeAssistant, Role::Presence, "homeassistant");
        }
        "tasmota" if level(1) == "discovery" && levels.len() == 4 && last == "config" => {
            return Told::by(Dialect::Tasmota, Role::Discovery, topic);
        }
        "tasmota" if level(1) == "discovery" => return Told::Nobody,
        _ => {}
    }
    if let told @ (Told::Place(_) | Told::Nobody) = homie(topic, levels, last) {
        return told;
    }
    if let Some(base) = zigbee_base(topic, levels, ask) {
        return zigbee(topic, base, levels, first);
    }
    if let told @ (Told::Place(_) | Told::Nobody) = tasmota(topic, levels, last) {
        return told;
    }
    if let told @ (Told::Place(_) | Told::Nobody) = shelly_gen2(topic, levels, ask) {
        return told;
    }
    if let told @ Told::Place(_) = espeasy(levels, first, ask) {
        return told;
    }
    esphome(topic, levels, first, ask)
}

/// Sparkplug 3.0, 4.1: `spBv1.0/group/TYPE/edge node[/device]`.
fn sparkplug(levels: &Levels<'_>) -> Told {
    let (group, kind, node) = match levels.as_slice() {
        ["spBv1.0", "STATE", host] => {
            return Told::by(Dialect::SparkplugB, Role::Presence, host);
        }
        ["spBv1.0", group, kind, node] | ["spBv1.0", group, kind, node, _] => {
            (*group, *kind, *node)
        }
        _ => return Told::Nobody,
    };
    let role = match kind {
        "NBIRTH" | "DBIRTH" => Role::Birth,
        "NDEATH" | "DDEATH" => Role::Death,
        "NDATA" | "DDATA" => Role::Data,
        "NCMD" | "DCMD" => Role::Command,
        _ => return Told::Nobody,
    };
    let mut id = Id::new();
    let parts = [Some(group), Some(node), levels.get(4).copied()];
    for (n, part) in parts.into_iter().flatten().enumerate() {
        if n > 0 && id.push('/').is_err() || id.push_str(part).is_err() {
            return Told::Nobody;
        }
    }
    Told::Place(Place {
        dialect: Dialect::SparkplugB,
        role,
        id,
    })
}

fn shelly_gen1(topic: &str, levels: &Levels<'_>, last: &str) -> Told {
    if levels.len() < 3 {
        return Told::Nobody; // `shellies/announce` and `shellies/command` are everybody's.
    }
    let role = match last {
        "online" if levels.len() == 3 => Role::Presence,
        // Said after a start, and whenever somebody asks.
        "announce" => Role::About,
        "info" => Role::Data,
        "command" | "set" => Role::Command,
        _ => Role::Data,
    };
    Told::by(Dialect::ShellyGen1, role, front(topic, 2))
}

/// `<prefix>/online`, `<prefix>/events/rpc`, `<prefix>/status/switch:0`, `<prefix>/rpc`; the prefix is the device.
fn shelly_gen2(topic: &str, levels: &Levels<'_>, ask: Ask<'_>) -> Told {
    let by = |role, id| Told::by(Dialect::ShellyGen2, role, id);
    let n = levels.len();
    if n < 2 {
        return Told::Other;
    }
    let known = |id: &str| {
        let last = id.rsplit('/').next().unwrap_or(id);
        last.starts_with("shelly")
            || ask(id).is_some_and(|known| known.dialect == Dialect::ShellyGen2)
    };
    let outer = front(topic, n - 1);
    let before = front(topic, n.saturating_sub(2));
    match levels.as_slice() {
        [.., "events", "rpc"] if n > 2 => by(Role::Data, before),
        [.., "status", part] if n > 2 && (part.contains(':') || known(before)) => {
            by(Role::Data, before)
        }
        [.., "online"] if known(outer) => by(Role::Presence, outer),
        [.., "rpc" | "command"] if known(outer) => by(Role::Command, outer),
        [.., "command", _] if n > 2 && known(before) => by(Role::Command, before),
        _ => Told::Other,
    }
}

/// The Homie convention, 3.0.1 to 5.0: attributes begin with `$`.
fn homie(topic: &str, levels: &Levels<'_>, last: &str) -> Told {
    let by = |role, id| Told::by(Dialect::Homie, role, id);
    if levels.first() != Some(&"homie") {
        return match last {
            "$state" => by(Role::Presence, front(topic, levels.len().saturating_sub(1))),
            _ => Told::Other,
        };
    }
    let five = levels.get(1) == Some(&"5");
    let device = if five { 3 } else { 2 };
    if levels.len() <= device || topic.contains("$broadcast") {
        return Told::Nobody;
    }
    let attribute = levels.get(device).copied().unwrap_or("");
    let role = match attribute {
        "$state" => Role::Presence,
        "$stats" => Role::Data,
        "$log" => Role::Log,
        "$alert" => Role::Log,
        _ if last == "set" || last == "$target" => Role::Command,
        _ if last.starts_with('$') || attribute.starts_with('$') => Role::About,
        _ => Role::Data,
    };
    by(role, front(topic, device))
}

/// The base topic of a Zigbee2MQTT, if this is one.
fn zigbee_base<'a>(topic: &'a str, levels: &Levels<'_>, ask: Ask<'_>) -> Option<&'a str> {
    let base = front(topic, 1);
    if levels.len() < 2 || base.is_empty() {
        return None;
    }
    let named = base
        .get(..11)
        .is_some_and(|front| front.eq_ignore_ascii_case("zigbee2mqtt"));
    let says = levels.get(1) == Some(&"bridge")
        && matches!(
            levels.get(2).copied(),
            Some("devices" | "info" | "logging" | "groups" | "definitions" | "extensions")
        );
    let learned = || {
        let mut id = Id::try_from(base).ok()?;
        id.push_str("/bridge").ok()?;
        ask(&id).filter(|known| known.dialect == Dialect::Zigbee2Mqtt)
    };
    (named || says || learned().is_some()).then_some(base)
}

/// The friendly name may hold slashes.
fn zigbee(topic: &str, base: &str, levels: &Levels<'_>, first: u8) -> Told {
    let by = |role, id| Told::by(Dialect::Zigbee2Mqtt, role, id);
    if levels.get(1) == Some(&"bridge") {
        let role = match levels.get(2).copied().unwrap_or("") {
            "state" => Role::Presence,
            "devices" => Role::Directory,
            "logging" | "log" | "response" => Role::Log,
            "request" | "config" => Role::Command,
            _ => Role::About,
        };
        return by(role, topic.get(..base.len() + 7).unwrap_or(topic));
    }
    let n = levels.len();
    for (at, level) in levels.iter().enumerate().skip(2) {
        if matches!(*level, "set" | "get") {
            return by(Role::Command, front(topic, at));
        }
    }
    match levels.last().copied() {
        Some("availability") if n > 2 => by(Role::Presence, front(topic, n - 1)),
        // With `output: attribute` each value has a topic of its own.
        _ if first != b'{' && n > 2 => by(Role::Data, front(topic, n - 1)),
        _ => by(Role::Data, topic),
    }
}

/// `%prefix%/%topic%/NAME` or `%topic%/%prefix%/NAME`.
fn tasmota(topic: &str, levels: &Levels<'_>, last: &str) -> Told {
    let n = levels.len();
    let prefix =
        |level: Option<&&str>| level.is_some_and(|l| matches!(*l, "tele" | "stat" | "cmnd"));
    if n < 3 {
        return Told::Other;
    }
    let (prefix, id) = if prefix(levels.first()) {
        let start = levels.first().map_or(0, |l| l.len() + 1);
        let end = topic.len().saturating_sub(last.len() + 1);
        (levels.first(), topic.get(start..end).unwrap_or(""))
    } else if prefix(levels.get(n - 2)) {
        (levels.get(n - 2), front(topic, n - 2))
    } else {
        return Told::Other;
    };
    // What a device says has a name in capitals; `stat` or `tele` alone is anybody's.
    let named = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if prefix != Some(&"cmnd") && !last.bytes().all(named) {
        return Told::Other;
    }
    let role = match (prefix.copied(), last) {
        (Some("cmnd"), _) => Role::Command,
        (_, "LWT") => Role::Presence,
        (_, "INFO3") => Role::Boot,
        (_, "INFO1" | "INFO2") => Role::About,
        (_, "LOGGING") => Role::Log,
        _ => Role::Data,
    };
    Told::by(Dialect::Tasmota, role, id)
}

/// Components of ESPHome that have topics of their own.
const COMPONENTS: [&str; 14] = [
    "sensor",
    "binary_sensor",
    "switch",
    "light",
    "climate",
    "cover",
    "fan",
    "number",
    "select",
    "text_sensor",
    "lock",
    "button",
    "valve",
    "text",
];

/// `<prefix>/<component>/<object>/state`, `<prefix>/debug`.
fn esphome(topic: &str, levels: &Levels<'_>, first: u8, ask: Ask<'_>) -> Told {
    let by = |role, n| Told::by(Dialect::EspHome, role, front(topic, n));
    let n = levels.len();
    match levels.as_slice() {
        ["homeassistant", ..] => Told::Other,
        [.., component, _, "state"] if n > 3 && COMPONENTS.contains(component) => {
            by(Role::Data, n - 3)
        }
        // Others have fans and lights, too: a command is no witness of who is commanded.
        [.., component, _, "command"]
            if n > 3
                && COMPONENTS.contains(component)
                && ask(front(topic, n - 3)).is_some_and(|it| it.dialect == Dialect::EspHome) =>
        {
            by(Role::Command, n - 3)
        }
        // Its log is in colour or begins with the level.
        [.., "debug"] if n > 1 && matches!(first, b'[' | 0x1b) => by(Role::Log, n - 1),
        _ => Told::Other,
    }
}

/// `<unit>/LWT` says `Connected` or `Connection Lost`; then `<unit>/<task>/<value>`, `<unit>/cmd` and `<unit>/cmd/<command>`.
/// Its templates may be changed: other topics below a unit that is known are found to be its own by `generic`.
fn espeasy(levels: &Levels<'_>, first: u8, ask: Ask<'_>) -> Told {
    let by = |role, unit| Told::by(Dialect::EspEasy, role, unit);
    let known = |unit| ask(unit).is_some_and(|it| it.dialect == Dialect::EspEasy);
    match levels.as_slice() {
        [unit, "LWT"] if first == b'C' || known(unit) => by(Role::Presence, unit),
        [unit, "cmd"] | [unit, "cmd", _] if known(unit) => by(Role::Command, unit),
        _ => Told::Other,
    }
}

/// The first `n` levels of `topic`.
pub(super) fn front(topic: &str, n: usize) -> &str {
    let Some(before) = n.checked_sub(1) else {
        return "";
    };
    match topic.match_indices('/').nth(before) {
        Some((end, _)) => topic.get(..end).unwrap_or(topic),
        None => topic,
    }
}
