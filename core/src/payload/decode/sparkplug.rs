//! Sparkplug B payloads (3.0, chapter 6): a bounded walk over the protobuf, no message is built; as events, an object
//! of metric names and values, and of those whose quality is not good.
//!
//! Names stand in birth certificates, later messages may use aliases: [`Aliases`] remembers them. Invariant: any bytes;
//! what does not end where its length says ends the walk.

use super::protobuf::{Wire, field};
use super::{Leaf, Sink};
use core::fmt::Write;

/// What topics of Sparkplug begin with.
pub(super) const NAMESPACE: &str = "spBv1.0/";
/// Metrics of a payload that are looked at.
const METRICS: u32 = 512;
/// Templates inside one another that are followed.
const TEMPLATES: u32 = 6;
/// Columns of a data set that are told apart.
const COLUMNS: usize = 32;
/// The quality that says nothing (6.4.14).
const GOOD: u64 = 192;
/// The datatype of a time (6.4.16).
const DATE_TIME: u32 = 13;

/// What births said of aliases: the name, and the datatype, which data may leave out. The owner is a device or an edge
/// node: its group and the rest of its topic behind the message type.
pub trait Aliases {
    /// A birth names an alias.
    fn learn(&mut self, owner: (&str, &str), alias: u64, name: &str, datatype: u32);
    /// What an alias was born as.
    fn find(&self, owner: (&str, &str), alias: u64) -> Option<(&str, u32)>;
}

/// Remembers nothing.
pub struct NoAliases;

impl Aliases for NoAliases {
    fn learn(&mut self, _: (&str, &str), _: u64, _: &str, _: u32) {}

    fn find(&self, _: (&str, &str), _: u64) -> Option<(&str, u32)> {
        None
    }
}

/// One metric as it stands in a payload.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Metric<'p> {
    pub(crate) name: Option<&'p str>,
    pub(crate) alias: Option<u64>,
    /// Milliseconds since 1970.
    pub(crate) timestamp: Option<u64>,
    pub(crate) datatype: u32,
    pub(crate) historical: bool,
    /// It has no value now.
    pub(crate) is_null: bool,
    /// Of its property `Quality`.
    pub(crate) quality: Option<u64>,
    pub(crate) value: Option<Raw<'p>>,
}

/// A value before its datatype is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Raw<'p> {
    /// Field 10 or 11: bits whose sign the datatype tells.
    Whole(u64),
    Float(f64),
    Bool(bool),
    Text(&'p str),
    Bytes(&'p [u8]),
    /// A data set: rows of columns.
    Table(&'p [u8]),
    /// Metrics as parts of one.
    Template(&'p [u8]),
}

/// What stands around the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Head {
    /// Milliseconds since 1970.
    pub(crate) timestamp: Option<u64>,
    /// 0 to 255, one more with each message of an edge node.
    pub(crate) seq: Option<u64>,
}

/// Calls `take` with each metric; returns what stands around them, none if the bytes are no such payload.
pub(crate) fn each<'p>(payload: &'p [u8], mut take: impl FnMut(Metric<'p>)) -> Option<Head> {
    let mut head = Head::default();
    let mut rest = payload;
    let mut left = METRICS;
    while !rest.is_empty() {
        let (number, wire) = field(&mut rest)?;
        match (number, wire) {
            (1, Wire::Varint(millis)) => head.timestamp = Some(millis),
            (2, Wire::Bytes(bytes)) if left > 0 => {
                left -= 1;
                take(metric(bytes)?);
            }
            (3, Wire::Varint(seq)) => head.seq = Some(seq),
            _ => {}
        }
    }
    Some(head)
}

fn metric(bytes: &[u8]) -> Option<Metric<'_>> {
    let mut metric = Metric::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (number, wire) = field(&mut rest)?;
        match (number, wire) {
            (1, Wire::Bytes(name)) => metric.name = core::str::from_utf8(name).ok(),
            (2, Wire::Varint(alias)) => metric.alias = Some(alias),
            (3, Wire::Varint(millis)) => metric.timestamp = Some(millis),
            (4, Wire::Varint(datatype)) => metric.datatype = u32::try_from(datatype).unwrap_or(0),
            (5, Wire::Varint(flag)) => metric.historical = flag != 0,
            (7, Wire::Varint(flag)) => metric.is_null = flag != 0,
            (9, Wire::Bytes(properties)) => metric.quality = quality(properties),
            (10 | 11, Wire::Varint(bits)) => metric.value = Some(Raw::Whole(bits)),
            (12, Wire::Fixed32(bits)) => {
                metric.value = Some(Raw::Float(f64::from(f32::from_bits(bits))));
            }
            (13, Wire::Fixed64(bits)) => metric.value = Some(Raw::Float(f64::from_bits(bits))),
            (14, Wire::Varint(flag)) => metric.value = Some(Raw::Bool(flag != 0)),
            (15, Wire::Bytes(text)) => {
                metric.value = core::str::from_utf8(text).ok().map(Raw::Text);
            }
            (16, Wire::Bytes(bytes)) => metric.value = Some(Raw::Bytes(bytes)),
            (17, Wire::Bytes(bytes)) => metric.value = Some(Raw::Table(bytes)),
            (18, Wire::Bytes(bytes)) => metric.value = Some(Raw::Template(bytes)),
            _ => {}
        }
    }
    Some(metric)
}

/// The number that `bits` are by their datatype (6.4.16); none for dates, which are no readings.
pub(crate) fn number(bits: u64, datatype: u32) -> Option<f64> {
    let [a, b, c, d, ..] = bits.to_le_bytes();
    Some(match datatype {
        1 => f64::from(i8::from_le_bytes([a])),
        2 => f64::from(i16::from_le_bytes([a, b])),
        3 => f64::from(i32::from_le_bytes([a, b, c, d])),
        4 => i64::from_le_bytes(bits.to_le_bytes()) as f64,
        DATE_TIME => return None,
        _ => bits as f64,
    })
}

/// The property `Quality` of a property set: keys and values stand in the same order.
fn quality(properties: &[u8]) -> Option<u64> {
    let nth = |wanted: u64| {
        let mut rest = properties;
        core::iter::from_fn(move || field(&mut rest)).filter_map(move |(number, wire)| match wire {
            Wire::Bytes(bytes) if number == wanted => Some(bytes),
            _ => None,
        })
    };
    let place = nth(1).position(|key| key.eq_ignore_ascii_case(b"quality"))?;
    let mut value = nth(2).nth(place)?;
    while !value.is_empty() {
        if let (3 | 4, Wire::Varint(code)) = field(&mut value)? {
            return Some(code);
        }
    }
    None
}

/// The message type of a topic, and whose it is: group, and edge node with its device.
fn address(topic: &str) -> Option<(&str, (&str, &str))> {
    let (group, rest) = topic.strip_prefix(NAMESPACE)?.split_once('/')?;
    let (kind, node) = rest.split_once('/')?;
    Some((kind, (group, node)))
}

/// The events of a payload: one object, its members the metrics.
pub(super) fn decode(
    topic: &str,
    payload: &[u8],
    aliases: &mut impl Aliases,
    out: &mut impl Sink,
) -> Option<()> {
    let (kind, owner) = address(topic)?;
    let birth = matches!(kind, "NBIRTH" | "DBIRTH");
    out.open(true);
    let mut doubted = false;
    each(payload, |metric| {
        if let (true, Some(name), Some(alias)) = (birth, metric.name, metric.alias) {
            aliases.learn(owner, alias, name, metric.datatype);
        }
        doubted |= metric.quality.is_some_and(|code| code != GOOD);
        told(&metric, owner, aliases, out, 0);
    })?;
    if doubted {
        out.key(Leaf::Text("$quality"));
        out.open(true);
        each(payload, |metric| {
            if let Some(code) = metric.quality.filter(|code| *code != GOOD) {
                named(&metric, owner, aliases, out);
                out.leaf(Leaf::Int(i128::from(code)));
            }
        });
        out.close();
    }
    out.close();
    Some(())
}

/// The name of a metric as a key; returns its datatype.
fn named(
    metric: &Metric<'_>,
    owner: (&str, &str),
    aliases: &impl Aliases,
    out: &mut impl Sink,
) -> u32 {
    let born = metric.alias.and_then(|alias| aliases.find(owner, alias));
    let mut unknown: heapless::String<32> = heapless::String::new();
    match (metric.name, born, metric.alias) {
        (Some(name), _, _) if !name.is_empty() => out.key(Leaf::Text(name)),
        (_, Some((name, _)), _) => out.key(Leaf::Text(name)),
        (_, None, Some(alias)) => {
            let _ = write!(unknown, "alias {alias}");
            out.key(Leaf::Text(&unknown));
        }
        _ => out.key(Leaf::Text("")),
    }
    match born {
        Some((_, datatype)) if metric.datatype == 0 => datatype,
        _ => metric.datatype,
    }
}

fn told(
    metric: &Metric<'_>,
    owner: (&str, &str),
    aliases: &impl Aliases,
    out: &mut impl Sink,
    depth: u32,
) {
    let datatype = named(metric, owner, aliases, out);
    match metric.value.filter(|_| !metric.is_null) {
        None => out.leaf(Leaf::Null),
        Some(Raw::Whole(bits)) => out.leaf(Leaf::Int(whole(bits, datatype))),
        Some(Raw::Float(number)) if datatype == 9 => out.leaf(Leaf::Single(single(number))),
        Some(Raw::Float(number)) => out.leaf(Leaf::Double(number)),
        Some(Raw::Bool(flag)) => out.leaf(Leaf::Bool(flag)),
        Some(Raw::Text(text)) => out.leaf(Leaf::Text(text)),
        Some(Raw::Bytes(bytes)) => out.leaf(Leaf::Bytes(bytes)),
        Some(Raw::Table(bytes)) => table(bytes, out),
        Some(Raw::Template(bytes)) if depth < TEMPLATES => {
            out.open(true);
            each(bytes, |inner| told(&inner, owner, aliases, out, depth + 1));
            out.close();
        }
        Some(Raw::Template(bytes)) => out.leaf(Leaf::Bytes(bytes)),
    }
}

/// It was of single precision before, so nothing is lost.
#[allow(clippy::cast_possible_truncation)]
const fn single(number: f64) -> f32 {
    number as f32
}

/// The whole number that `bits` are by their datatype (6.4.16).
fn whole(bits: u64, datatype: u32) -> i128 {
    let [a, b, c, d, ..] = bits.to_le_bytes();
    match datatype {
        1 => i128::from(i8::from_le_bytes([a])),
        2 => i128::from(i16::from_le_bytes([a, b])),
        3 => i128::from(i32::from_le_bytes([a, b, c, d])),
        4 => i128::from(i64::from_le_bytes(bits.to_le_bytes())),
        _ => i128::from(bits),
    }
}

/// A data set as an array of objects, one for each row.
fn table(bytes: &[u8], out: &mut impl Sink) {
    let mut columns: heapless::Vec<&str, COLUMNS> = heapless::Vec::new();
    let mut rest = bytes;
    out.open(false);
    while let Some((number, wire)) = field(&mut rest) {
        let Wire::Bytes(bytes) = wire else { continue };
        match number {
            2 => {
                let _ = columns.push(core::str::from_utf8(bytes).unwrap_or(""));
            }
            4 => {
                out.open(true);
                let mut row = bytes;
                let mut names = columns.iter();
                while let Some((_, wire)) = field(&mut row) {
                    let (Wire::Bytes(mut element), Some(name)) = (wire, names.next()) else {
                        continue;
                    };
                    out.key(Leaf::Text(name));
                    out.leaf(field(&mut element).map_or(Leaf::Null, |it| cell(it)));
                }
                out.close();
            }
            _ => {}
        }
    }
    out.close();
}

/// One value of a data set.
fn cell(field: (u64, Wire<'_>)) -> Leaf<'_> {
    match field {
        (5, Wire::Varint(flag)) => Leaf::Bool(flag != 0),
        (_, Wire::Varint(bits)) => Leaf::Int(i128::from(bits)),
        (_, Wire::Fixed32(bits)) => Leaf::Single(f32::from_bits(bits)),
        (_, Wire::Fixed64(bits)) => Leaf::Double(f64::from_bits(bits)),
        (_, Wire::Bytes(bytes)) => {
            core::str::from_utf8(bytes).map_or(Leaf::Bytes(bytes), Leaf::Text)
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn metrics_are_read_and_junk_is_not() {
        // timestamp 5; a metric `t`, alias 3, Int8, -2; seq 7.
        let bytes = [
            0x08, 5, 0x12, 10, 0x0a, 1, b't', 0x10, 3, 0x20, 1, 0x50, 0xfe, 1, 0x18, 7,
        ];
        let mut metrics = Vec::new();
        let head = each(&bytes, |metric| metrics.push(metric)).unwrap();
        assert_eq!((head.timestamp, head.seq), (Some(5), Some(7)));
        let metric = metrics[0];
        assert_eq!(
            (metric.name, metric.alias, metric.datatype),
            (Some("t"), Some(3), 1)
        );
        assert_eq!(metric.value, Some(Raw::Whole(254)));
        assert_eq!(number(254, 1), Some(-2.0));
        for end in 1..bytes.len() {
            each(&bytes[..end], |_| {});
        }
        assert_eq!(each(b"{\"a\":1}", |_| {}), None);
    }
}
