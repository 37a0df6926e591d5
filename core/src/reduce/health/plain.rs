//! The values of a text that is no JSON: pairs, columns, elements of XML, a number with its unit.
//!
//! Columns are called by the header above them or by their number; a word in one is a state. Invariant: one pass, at most
//! [`VALUES`] values; what is understood in no way is one text.

use super::clock;
use super::field::{Field, MAX_NAME, Value, name_of};
use super::names::Cut;
use crate::number;
use crate::payload::{hash, pairs_of};
use core::fmt::Write;
use heapless::{String, Vec};

/// Values of a text that are looked at; lines of instruments have about a dozen.
const VALUES: usize = 24;
/// Bytes of a text that is read; two dozen values with their names take less.
const READ: usize = 8 * 1024;
/// Bytes of a text that is a value as a whole.
const WHOLE: usize = 64;
/// Bytes of a word in a column, and of a key.
const WORD: usize = 24;
/// Words of a line without separators: more are prose.
const FEW: usize = 6;

/// Calls `take` with each value of `text`, which is trimmed; of a long one with none.
pub(super) fn each(topic: &str, text: &str, take: &mut impl FnMut(Field<'_>)) {
    if text.len() > READ {
        return;
    }
    let mut given = 0;
    let mut pair = |key: &str, value: &str| {
        given += 1;
        if given <= VALUES {
            give(take, (key, key), hash::bytes(3, key.as_bytes()), value);
        }
    };
    if text.starts_with('<') {
        return elements(text, &mut pair);
    }
    if text.contains('=') {
        return pairs_of(text, |key, value| {
            // Influx marks whole numbers.
            let whole = value.strip_suffix(['i', 'u']);
            let whole = whole.filter(|it| it.parse::<i64>().is_ok());
            pair(key, whole.unwrap_or(value));
        });
    }
    if told_by_colons(text, &mut pair) || registers(text, &mut pair) {
        return;
    }
    if !columns(topic, text, take) && text.len() <= WHOLE {
        let (parent, key) = name_of(topic);
        take(Field {
            path: key,
            parent,
            key,
            place: 0,
            depth: 0,
            value: value_of(text),
            grade: None,
            node: "",
        });
    }
}

/// Hands on the value of one place, called by a path and a key.
fn give(take: &mut impl FnMut(Field<'_>), (path, key): (&str, &str), place: u64, text: &str) {
    take(Field {
        path,
        parent: "",
        key,
        place,
        depth: 1,
        value: value_of(text.trim()),
        grade: None,
        node: "",
    });
}

fn value_of(text: &str) -> Value<'_> {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => number::parse(text).map_or(Value::Text(text), Value::Number),
    }
}

/// `<key>value</key>`.
fn elements<'t>(text: &'t str, pair: &mut impl FnMut(&'t str, &'t str)) {
    for part in text.split('<').skip(1).take(4 * VALUES) {
        let (tag, content) = part.split_once('>').unwrap_or((part, ""));
        let key = tag.split([' ', '\n']).next().unwrap_or(tag);
        if !tag.starts_with(['/', '?', '!']) && !content.trim().is_empty() {
            pair(key, content.trim());
        }
    }
}

/// `key: value`, a line or a semicolon between them; all parts have to be such.
fn told_by_colons<'t>(text: &'t str, pair: &mut impl FnMut(&'t str, &'t str)) -> bool {
    let parts = || {
        let parts = text.split(['\n', ';']).map(str::trim);
        parts.filter(|part| !part.is_empty()).take(VALUES)
    };
    let is_pair = |part: &str| part.split_once(':').is_some_and(|(key, _)| is_name(key));
    if parts().count() < 2 || !parts().all(is_pair) {
        return false;
    }
    for (key, value) in parts().filter_map(|part| part.split_once(':')) {
        pair(key, value.trim());
    }
    true
}

/// `1-0:1.8.0*255(0008120.998*kWh)`, one a line: registers of meters (IEC 62056-21).
fn registers<'t>(text: &'t str, pair: &mut impl FnMut(&'t str, &'t str)) -> bool {
    let split = |line: &'t str| {
        let (key, value) = line.trim().strip_suffix(')')?.split_once('(')?;
        key.bytes()
            .any(|it| it.is_ascii_digit())
            .then_some((key, value))
    };
    if !text.ends_with(')') || !text.lines().take(VALUES).all(|line| split(line).is_some()) {
        return false;
    }
    for (key, value) in text.lines().filter_map(split) {
        pair(key, value.split_once('*').map_or(value, |(value, _)| value));
    }
    true
}

/// A name of a value: it begins with a letter, and has few words.
fn is_name(key: &str) -> bool {
    let key = key.trim();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/');
    key.len() <= WORD && key.starts_with(char::is_alphabetic) && key.chars().all(fits)
}

type Cells<'t> = Vec<&'t str, VALUES>;

/// The cells of a line, and whether a sign parts them.
fn cells(line: &str) -> Option<(Cells<'_>, bool)> {
    let count = |sign: char| line.matches(sign).count();
    let signs = [('|', 1), (';', 1), ('\t', 1), (',', 2)];
    let sign = signs
        .into_iter()
        .find(|&(sign, least)| count(sign) >= least);
    match sign {
        Some((sign, _)) => Some((line.split(sign).map(str::trim).take(VALUES).collect(), true)),
        None => {
            let cells: Cells<'_> = line.split_whitespace().take(FEW + 1).collect();
            let number = cells.iter().any(|it| number::parse(it).is_some());
            (cells.len() >= 3 && cells.len() <= FEW && number).then_some((cells, false))
        }
    }
}

/// The latest of lines of columns; false if the text is none.
fn columns(topic: &str, text: &str, take: &mut impl FnMut(Field<'_>)) -> bool {
    let Some(line) = text.lines().next_back() else {
        return false;
    };
    let Some((row, signed)) = cells(line) else {
        return false;
    };
    let header = text.lines().next().filter(|it| it.len() < text.len());
    let header = header.and_then(cells).map(|(cells, _)| cells);
    let header = header.filter(|it| it.len() == row.len() && it.iter().all(|it| is_name(it)));
    // `SPEED,1500,OIL,4.1`
    let named = row.iter().step_by(2).all(|it| is_name(it));
    let numbers = row
        .iter()
        .skip(1)
        .step_by(2)
        .filter(|it| quantity(it).is_some());
    if row.len() >= 4 && row.len() % 2 == 0 && named && numbers.count() * 4 >= row.len() {
        for pair in row.chunks_exact(2) {
            if let [key, value] = pair {
                give(take, (key, key), hash::bytes(3, key.as_bytes()), value);
            }
        }
        return true;
    }
    let (_, level) = name_of(topic);
    // NMEA 0183: the columns are those of a sentence.
    let sentence = row.first().filter(|it| it.starts_with(['$', '!']));
    let level = sentence.copied().unwrap_or(level);
    let mut skip = false;
    for (n, cell) in row.iter().enumerate() {
        // The unit of the number before.
        if core::mem::take(&mut skip) {
            continue;
        }
        let mut value = Cut::<WORD>::default();
        let next = row.get(n + 1).filter(|it| !signed && is_unit(it));
        let _ = value.write_str(cell);
        if let Some(unit) = next.filter(|_| number::parse(cell).is_some()) {
            let _ = write!(value, " {unit}");
            skip = true;
        }
        let heading = header.as_ref().and_then(|it| it.get(n)).copied();
        // Lines without separators may be of several kinds.
        let is_number = quantity(&value.0).is_some();
        let kind = if signed {
            0
        } else {
            1 + usize::from(is_number)
        };
        let kind = (row.len() as u64) << 8 | kind as u64;
        column(take, level, (n, heading), kind, &value.0);
    }
    true
}

/// One cell.
fn column(
    take: &mut impl FnMut(Field<'_>),
    level: &str,
    (n, heading): (usize, Option<&str>),
    kind: u64,
    cell: &str,
) {
    let mut path = Cut::<MAX_NAME>::default();
    let _ = match heading {
        Some(heading) => path.write_str(heading),
        None => write!(path, "{level} column {}", n + 1),
    };
    let place = hash::mix(hash::bytes(kind, level.as_bytes()), n as u64);
    let key = match heading {
        Some(heading) => heading,
        None if clock::of_text(cell).is_some() => "time",
        None if quantity(cell).is_some() => "column",
        None => "status",
    };
    if cell.len() <= WORD {
        give(take, (&path.0, key), place, cell);
    }
}

/// A number and its unit, which may be none: `21.5`, `4,1 °C`, `405 m3/h`, `7%`.
pub(super) fn quantity(text: &str) -> Option<(f64, &str)> {
    if text.len() > WORD {
        return None;
    }
    if let Some(number) = number::parse(text) {
        return Some((number, ""));
    }
    let digit = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+');
    let end = text.find(|c| !digit(c)).unwrap_or(text.len());
    let (front, unit) = text.split_at_checked(end)?;
    let unit = unit.trim_start();
    if !unit.is_empty() && !is_unit(unit) {
        return None;
    }
    if let Some(number) = number::parse(front) {
        return Some((number, unit));
    }
    // A decimal comma.
    let (whole, rest) = front.split_once(',')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if !plain(whole.trim_start_matches('-')) || !plain(rest) {
        return None;
    }
    let mut text = String::<WORD>::new();
    let dotted = text.push_str(whole).and_then(|()| text.push('.'));
    dotted.and_then(|()| text.push_str(rest)).ok()?;
    Some((number::parse(&text)?, unit))
}

/// Whether a word is a unit: `kWh`, `m3/h`, `°C`, `%`.
fn is_unit(word: &str) -> bool {
    const UNITS: [&str; 48] = [
        "%", "°C", "ºC", "°F", "C", "F", "K", "V", "A", "W", "Wh", "Hz", "bar", "Pa", "psi", "m",
        "s", "min", "h", "g", "t", "l", "L", "rpm", "dB", "dBm", "lx", "lux", "ppm", "ppb", "NTU",
        "VA", "var", "VAr", "Ah", "J", "N", "Nm", "kn", "mph", "U/min", "pH", "S", "Ω", "m3", "m²",
        "m³", "°",
    ];
    let known = |part: &str| {
        let with_prefix = |prefix: &str| {
            let rest = part.strip_prefix(prefix);
            rest.is_some_and(|rest| UNITS.contains(&rest))
        };
        ["", "k", "m", "M", "G", "c", "d", "h", "µ", "u"]
            .into_iter()
            .any(with_prefix)
    };
    word.len() <= 8 && word.split('/').all(known)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;
    use std::vec::Vec;

    fn of(text: &str) -> Vec<std::string::String> {
        let mut found = Vec::new();
        each("yard/mill-3/state", text, &mut |field: Field<'_>| {
            found.push(match field.value {
                Value::Number(number) => format!("{}={number}", field.path),
                Value::Text(text) => format!("{}={text}", field.path),
                other => format!("{}={other:?}", field.path),
            });
        });
        found
    }

    #[test]
    fn values_of_texts_have_names() {
        for (text, found) in [
            (
                "speed=4.5;oil=7 gate=false",
                &["speed=4.5", "oil=7", "gate=Bool(false)"][..],
            ),
            (
                "mill,nr=2 load=3.5,starts=4i 17",
                &["nr=2", "load=3.5", "starts=4"],
            ),
            ("P: 7.2 bar\nFLAP: open", &["P=7.2 bar", "FLAP=open"]),
            (
                "<r><load u='A'>3</load><flap>shut</flap></r>",
                &["load=3", "flap=shut"],
            ),
            ("1-0:1.8.0*255(0081.5*kWh)", &["1-0:1.8.0*255=81.5"]),
            ("RPM,1500,OIL,4.1", &["RPM=1500", "OIL=4.1"]),
            ("load;flap\n3.5;shut", &["load=3.5", "flap=shut"]),
            (
                "MILL;3.5;OK",
                &[
                    "mill-3 column 1=MILL",
                    "mill-3 column 2=3.5",
                    "mill-3 column 3=OK",
                ],
            ),
            (
                "$GPGLL,53.1,N",
                &[
                    "$GPGLL column 1=$GPGLL",
                    "$GPGLL column 2=53.1",
                    "$GPGLL column 3=N",
                ],
            ),
            (
                "3.5 m3/h GOOD",
                &["mill-3 column 1=3.5 m3/h", "mill-3 column 3=GOOD"],
            ),
            ("12.5 kg", &["mill-3=12.5 kg"]),
            ("RUNNING", &["mill-3=RUNNING"]),
        ] {
            assert_eq!(of(text), found, "{text}");
        }
        assert!(of(&"word ".repeat(20)).is_empty());
    }

    #[test]
    fn numbers_have_units() {
        for (text, found) in [
            ("21.5", Some((21.5, ""))),
            ("4,1 °C", Some((4.1, "°C"))),
            ("-3,25", Some((-3.25, ""))),
            ("405 m3/h", Some((405.0, "m3/h"))),
            ("7%", Some((7.0, "%"))),
            ("12A4", None),
            ("3 doors", None),
            ("2026-11-27", None),
            ("1,2,3", None),
            ("ok", None),
        ] {
            assert_eq!(quantity(text), found, "{text}");
        }
    }
}
