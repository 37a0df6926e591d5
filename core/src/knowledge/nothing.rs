//! The ways in which devices say that they have no reading: null, nan, words, and numbers that stand for none.
//!
//! Invariant: a number stands for none only where the name of its value is of a quantity that cannot have it.

use super::words::{AIM, HEAT, MEASURED, SETTING, Words};

/// How it is said that there is no reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Nothing {
    /// `null`.
    Null,
    /// `nan`.
    NotANumber,
    /// `inf`: a division by zero, or a sensor beyond its range.
    Infinite,
    /// `unknown`.
    Unknown,
    /// `unavailable`.
    Unavailable,
    /// `---`.
    Dashes,
    /// An empty text.
    Empty,
    /// A number that stands for none.
    Sentinel,
}

impl Nothing {
    /// As it is written.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::NotANumber => "NaN",
            Self::Infinite => "Infinity",
            Self::Unknown => "unknown",
            Self::Unavailable => "unavailable",
            Self::Dashes => "---",
            Self::Empty => "an empty text",
            Self::Sentinel => "a number that stands for no reading",
        }
    }
}

/// What a text says instead of a reading.
pub(crate) fn of_text(text: &str) -> Option<Nothing> {
    let plain = text.trim_start_matches(['-', '+']);
    if plain.is_empty() && text.len() >= 2 {
        return Some(Nothing::Dashes);
    }
    let is = |wanted: &str| plain.eq_ignore_ascii_case(wanted);
    match plain.as_bytes().first()? | 0x20 {
        b'n' if is("nan") || is("nan(ind)") => Some(Nothing::NotANumber),
        b'n' if is("null") || is("none") || is("n/a") => Some(Nothing::Null),
        b'i' if is("inf") || is("infinity") => Some(Nothing::Infinite),
        b'u' if is("unknown") || is("undefined") => Some(Nothing::Unknown),
        b'u' if is("unavailable") => Some(Nothing::Unavailable),
        _ => None,
    }
}

/// Whether a number stands for none: what drivers of sensors, and fields of sixteen bits that were never written, give.
pub(crate) fn is_sentinel(number: f64, heat: bool) -> bool {
    // DS18B20 without contact; fields of 16 bits with none, one or two decimals; gaps in weather records.
    const OF_HEAT: [f64; 4] = [-127.0, -3_276.8, 3_276.7, -327.68];
    const OF_ALL: [f64; 6] = [
        655.35,
        6_553.5,
        6_553.4,
        -9_999.0,
        -32_768.0,
        4_294_967_295.0,
    ];
    heat && OF_HEAT.contains(&number) || OF_ALL.contains(&number)
}

/// Whether a number is one of those that stand for none, if it is far from all others: rows of nines, and the ends of
/// the ranges of whole numbers.
pub(crate) fn may_stand_for_none(number: f64) -> bool {
    const ENDS: [f64; 9] = [
        32_767.0,
        -32_768.0,
        65_534.0,
        65_535.0,
        2_147_483_647.0,
        -2_147_483_648.0,
        4_294_967_295.0,
        670_760.96,
        670_433.28,
    ];
    const NINES: [f64; 8] = [
        999.0,
        999.9,
        999.99,
        9_999.0,
        9_999.9,
        99_999.0,
        999_999.0,
        9_999_999.0,
    ];
    ENDS.contains(&number) || NINES.contains(&number.abs()) || is_sentinel(number, true)
}

/// What the name of a value says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Measured {
    /// It is read by a sensor.
    pub(crate) yes: bool,
    /// It is a temperature.
    pub(crate) heat: bool,
}

/// Whether a name is of a quantity that a sensor reads, and neither set nor told of the past.
pub(crate) fn measured(name: &str) -> Measured {
    let mut all = 0;
    for word in Words::new(name).take(6) {
        all |= word.flags;
    }
    let set = all & (SETTING | AIM) != 0;
    Measured {
        yes: all & (MEASURED | HEAT) != 0 && !set,
        heat: all & HEAT != 0 && !set,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_say_that_there_is_none() {
        for (text, found) in [
            ("nan", Some(Nothing::NotANumber)),
            ("-nan(ind)", Some(Nothing::NotANumber)),
            ("-Infinity", Some(Nothing::Infinite)),
            ("UNKNOWN", Some(Nothing::Unknown)),
            ("unavailable", Some(Nothing::Unavailable)),
            ("None", Some(Nothing::Null)),
            ("nano", None),
            ("", None),
            ("21.5", None),
        ] {
            assert_eq!(of_text(text), found, "{text}");
        }
        assert!(is_sentinel(-127.0, true) && !is_sentinel(-127.0, false));
        assert!(is_sentinel(655.35, false) && !is_sentinel(85.0, true));
    }

    #[test]
    fn names_of_quantities_are_told_from_others() {
        for name in [
            "Temperature",
            "soil_moisture",
            "co2",
            "bme680_pressure",
            "luftfeuchte",
            "vwc",
        ] {
            assert!(measured(name).yes, "{name}");
        }
        for name in [
            "target_temperature",
            "title",
            "linkquality",
            "max_pressure",
            "last_action",
        ] {
            assert!(!measured(name).yes, "{name}");
        }
    }
}
