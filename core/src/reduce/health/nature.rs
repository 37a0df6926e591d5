//! How a number behaves, by its name.

use super::vitals::is_any;

/// How numbers of a name behave.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) enum Nature {
    /// Unknown.
    #[default]
    Any,
    /// Moves slowly; a step beyond the floor, in its own unit, is out of the ordinary.
    Inert(f64),
    /// Is switched, set, or counts.
    Free,
    /// Adds up and never falls.
    Total,
}

/// How numbers of this name behave.
pub(super) fn nature(key: &str) -> Nature {
    let has = |word: &str| {
        let (key, word) = (key.as_bytes(), word.as_bytes());
        key.windows(word.len())
            .any(|part| part.eq_ignore_ascii_case(word))
    };
    // Set, switched or counted, whatever else the name says.
    const FREE: [&str; 37] = [
        "set",
        "target",
        "power",
        "current",
        "energy",
        "bright",
        "count",
        "total",
        "today",
        "yesterday",
        "color",
        "colour",
        "position",
        "speed",
        "level",
        "duration",
        "time",
        "stamp",
        "illumi",
        "lux",
        "bytes",
        "heap",
        "load",
        "free",
        "mem",
        "rate",
        "angle",
        "index",
        "seq",
        "freq",
        "duty",
        "mired",
        "factor",
        "elapsed",
        "remain",
        "limit",
        "size",
    ];
    if ["total", "energy", "kwh", "odometer", "lifetime", "counter"]
        .iter()
        .any(|word| has(word))
        && !has("rate")
        && !has("power")
    {
        return Nature::Total;
    }
    if FREE.iter().any(|word| has(word)) && !has("pressure") && !has("moisture") {
        return Nature::Free;
    }
    if has("temp") || is_any(key, &["tc", "t"]) {
        Nature::Inert(10.0)
    } else if has("humid") || has("moist") || is_any(key, &["rh", "h"]) {
        Nature::Inert(25.0)
    } else if has("pressure") || has("baro") {
        Nature::Inert(20.0)
    } else {
        Nature::Any
    }
}
