//! Texts that are not JSON, as the events of one: elements of XML, pairs of key and value, columns, samples and a number's
//! unit as members, other text as one string. Invariant: what is no such text is refused as a whole, and its events are not
//! counted.

use super::tape::DEPTH;
use crate::number;
use crate::payload::json::{Scalar, Text, Visitor};
use crate::payload::pairs_of;

fn plain(raw: &str) -> Text<'_> {
    Text {
        raw,
        escaped: false,
    }
}

/// A text of a format in which everything is one: a number or a yes or no if it can be.
fn value<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) {
    let digits = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    match (text, number::parse(text)) {
        ("true" | "false", _) => visitor.scalar(Scalar::Bool(text == "true")),
        (_, Some(number)) if digits => visitor.number(text, Some(number)),
        _ => visitor.scalar(Scalar::String(plain(text))),
    }
}

/// Bytes of a unit: `µg/m³` has seven, `kWh/100km` nine.
const UNIT: usize = 10;

/// One string; a number with its unit behind it as these two.
pub(super) fn text<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    let text = text.trim();
    let digit = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    let (digits, unit) = text.split_at(text.find(|c| !digit(c)).unwrap_or(text.len()));
    let unit = unit.trim_start();
    let is_unit = (1..=UNIT).contains(&unit.len()) && !unit.contains([' ', ',', ':', ';']);
    match number::parse(digits) {
        Some(number) if is_unit => {
            visitor.open(true);
            visitor.key(plain("number"));
            visitor.number(digits, Some(number));
            visitor.key(plain("unit"));
            visitor.scalar(Scalar::String(plain(unit)));
            visitor.close();
        }
        _ => visitor.scalar(Scalar::String(plain(text))),
    }
    true
}

/// `key=value` and `key: value` in all their punctuations.
pub(super) fn pairs<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    visitor.open(true);
    pairs_of(text.trim(), |key, it| {
        visitor.key(plain(key));
        value(it, visitor);
    });
    visitor.close();
    true
}

/// InfluxDB's line protocol: the measurement, tags, which are texts, and fields; the time is left out, as the clock says
/// no more.
pub(super) fn line_protocol<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    let line = text.trim().lines().find(|line| !line.starts_with('#'));
    let Some((series, rest)) = line.and_then(|line| line.split_once(' ')) else {
        return false;
    };
    let (measurement, tags) = series.split_once(',').unwrap_or((series, ""));
    visitor.open(true);
    visitor.key(plain("measurement"));
    visitor.scalar(Scalar::String(plain(measurement)));
    visitor.key(plain("tags"));
    visitor.open(true);
    pairs_of(tags, |key, it| {
        visitor.key(plain(key));
        visitor.scalar(Scalar::String(plain(it)));
    });
    visitor.close();
    visitor.key(plain("fields"));
    visitor.open(true);
    pairs_of(rest, |key, it| {
        visitor.key(plain(key));
        // The mark of an integer.
        value(
            it.strip_suffix(['i', 'u'])
                .filter(|n| number::parse(n).is_some())
                .unwrap_or(it),
            visitor,
        );
    });
    visitor.close();
    visitor.close();
    true
}

/// Rows of a message that are looked at.
const ROWS: usize = 64;
/// Names for columns that have none.
const COLUMNS: [&str; 24] = [
    "column_1",
    "column_2",
    "column_3",
    "column_4",
    "column_5",
    "column_6",
    "column_7",
    "column_8",
    "column_9",
    "column_10",
    "column_11",
    "column_12",
    "column_13",
    "column_14",
    "column_15",
    "column_16",
    "column_17",
    "column_18",
    "column_19",
    "column_20",
    "column_21",
    "column_22",
    "column_23",
    "column_24",
];

/// Separated values: a row is an object, several are an array of them; the first row gives the names if it holds no number
/// and the second does.
pub(super) fn csv<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let Some(first) = lines.clone().next() else {
        return false;
    };
    let separator = [';', '\t', '|', ',']
        .into_iter()
        .find(|&mark| first.contains(mark));
    let Some(separator) = separator else {
        return false;
    };
    let numbers = |line: &str| line.split(separator).any(|it| decimal(it.trim()).is_some());
    let headed = !numbers(first) && lines.clone().nth(1).is_some_and(numbers);
    let names = first
        .split(separator)
        .map(|name| name.trim().trim_matches('"'));
    let rows = lines.skip(usize::from(headed)).take(ROWS);
    let several = rows.clone().nth(1).is_some() || headed;
    if several {
        visitor.open(false);
    }
    for row in rows {
        visitor.open(true);
        let mut named = names.clone();
        for (cell, column) in row.split(separator).zip(COLUMNS) {
            let name = named.next().filter(|name| headed && !name.is_empty());
            visitor.key(plain(name.unwrap_or(column)));
            let cell = cell.trim();
            match decimal(cell) {
                Some(number) => visitor.number(cell, Some(number)),
                None => visitor.scalar(Scalar::String(plain(cell.trim_matches('"')))),
            }
        }
        visitor.close();
    }
    if several {
        visitor.close();
    }
    true
}

/// A bare number with a comma for its point.
pub(super) fn decimals<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    let number = decimal(text.trim());
    visitor.number(text.trim(), number);
    number.is_some()
}

/// A number, perhaps with a comma for its point.
fn decimal(text: &str) -> Option<f64> {
    let Some((whole, fraction)) = text.split_once(',') else {
        return number::parse(text);
    };
    let mut written = heapless::String::<32>::new();
    for part in [whole, ".", fraction] {
        written.push_str(part).ok()?;
    }
    number::parse(&written)
}

/// A sentence of NMEA 0183: its address, and fields as columns.
pub(super) fn nmea<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    let line = text.trim().lines().next().unwrap_or("");
    let line = line.trim_start_matches(['$', '!']);
    let content = line.rsplit_once('*').map_or(line, |(content, _)| content);
    let mut fields = content.split(',');
    visitor.open(true);
    visitor.key(plain("sentence"));
    visitor.scalar(Scalar::String(plain(fields.next().unwrap_or(""))));
    for (field, column) in fields.zip(COLUMNS) {
        visitor.key(plain(column));
        value(field, visitor);
    }
    visitor.close();
    true
}

/// The text format of Prometheus: the names of metrics, each with the value of its first sample.
pub(super) fn prometheus<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    visitor.open(true);
    let mut last = "";
    for line in text
        .lines()
        .map(str::trim)
        .filter(|it| !it.is_empty() && !it.starts_with('#'))
    {
        let name = line.split(['{', ' ', '\t']).next().unwrap_or(line);
        if name == last {
            continue;
        }
        last = name;
        let behind = line
            .rsplit_once('}')
            .map_or_else(|| line.split_once([' ', '\t']), Some);
        let sample = behind.and_then(|(_, behind)| behind.split_ascii_whitespace().next());
        visitor.key(plain(name));
        value(sample.unwrap_or(""), visitor);
    }
    visitor.close();
    true
}

/// Elements as objects: attributes under `@`, text under `#`, the elements inside under their names.
pub(super) fn xml<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    let mut depth = 0usize;
    let mut rest = text;
    visitor.open(true);
    while let Some((before, behind)) = rest.split_once('<') {
        if depth > 0 && !before.trim().is_empty() {
            visitor.key(plain("#"));
            value(before.trim(), visitor);
        }
        let skipped = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>"), ("!", ">")];
        if let Some((open, close)) = skipped
            .into_iter()
            .find(|(open, _)| behind.starts_with(open))
        {
            let Some((content, after)) = behind.split_once(close) else {
                return false;
            };
            if let Some(content) = content
                .strip_prefix("![CDATA[")
                .filter(|_| open == "![CDATA[" && depth > 0)
            {
                visitor.key(plain("#"));
                value(content, visitor);
            }
            rest = after;
            continue;
        }
        let Some((tag, after)) = behind.split_once('>') else {
            return false;
        };
        rest = after;
        if tag.starts_with('/') {
            if depth == 0 {
                return false;
            }
            depth -= 1;
            visitor.close();
            continue;
        }
        let (tag, alone) = tag
            .strip_suffix('/')
            .map_or((tag, false), |tag| (tag, true));
        let name = tag.split_ascii_whitespace().next().unwrap_or("");
        if name.is_empty() || depth >= DEPTH {
            return false;
        }
        visitor.key(plain(name));
        visitor.open(true);
        let attributes = tag.get(name.len()..).unwrap_or("").trim();
        if attributes.contains('=') {
            visitor.key(plain("@"));
            visitor.open(true);
            pairs_of(attributes, |key, it| {
                visitor.key(plain(key));
                value(it, visitor);
            });
            visitor.close();
        }
        if alone {
            visitor.close();
        } else {
            depth += 1;
        }
    }
    visitor.close();
    depth == 0
}
