//! Sparkplug B payloads (3.0, chapter 6): a bounded walk over the protobuf, no message is built.
//!
//! Names stand in birth certificates, later messages may use aliases. Invariant: any bytes; what does not end where
//! its length says ends the walk.

/// Metrics of a payload that are looked at.
const METRICS: u32 = 512;

/// One metric as it stands in a payload.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Metric<'p> {
    pub(super) name: Option<&'p str>,
    pub(super) alias: Option<u64>,
    /// Milliseconds since 1970.
    pub(super) timestamp: Option<u64>,
    pub(super) datatype: u32,
    pub(super) historical: bool,
    /// It says that it has no value.
    pub(super) null: bool,
    /// The property `Quality`.
    pub(super) quality: Option<u64>,
    pub(super) value: Option<Raw<'p>>,
}

/// A value before its datatype is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Raw<'p> {
    /// Field 10 or 11: bits whose sign the datatype tells.
    Whole(u64),
    Float(f64),
    Bool(bool),
    Text(&'p str),
}

/// What stands around the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Head {
    /// Milliseconds since 1970.
    pub(super) timestamp: Option<u64>,
    /// 0 to 255, one more with each message of an edge node.
    pub(super) seq: Option<u64>,
}

/// A field of a protobuf message.
enum Wire<'p> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'p [u8]),
    Fixed32(u32),
}

/// Calls `take` with each metric; returns what stands around them, none if the bytes are no such payload.
pub(super) fn each<'p>(payload: &'p [u8], mut take: impl FnMut(Metric<'p>)) -> Option<Head> {
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
            (7, Wire::Varint(flag)) => metric.null = flag != 0,
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
            _ => {}
        }
    }
    Some(metric)
}

/// The whole number that the property `Quality` has (6.4.16): names stand in a list, values in another of equal order.
fn quality(properties: &[u8]) -> Option<u64> {
    let (mut names, mut wanted, mut values) = (0_u32, None, 0_u32);
    let mut found = None;
    // Names may stand behind values.
    for _ in 0..2 {
        let mut rest = properties;
        while !rest.is_empty() {
            match field(&mut rest)? {
                (1, Wire::Bytes(name)) if wanted.is_none() => {
                    if name.eq_ignore_ascii_case(b"quality") {
                        wanted = Some(names);
                    }
                    names += 1;
                }
                (2, Wire::Bytes(value)) => {
                    if wanted == Some(values) {
                        found = whole(value);
                    }
                    values += 1;
                }
                _ => {}
            }
        }
        values = 0;
    }
    found
}

/// The whole number that a property has.
fn whole(value: &[u8]) -> Option<u64> {
    let mut rest = value;
    while !rest.is_empty() {
        if let (3 | 4, Wire::Varint(number)) = field(&mut rest)? {
            return Some(number);
        }
    }
    None
}

/// The number that `bits` are by their datatype (6.4.16); none for dates, which are no readings.
pub(super) fn number(bits: u64, datatype: u32) -> Option<f64> {
    let [a, b, c, d, ..] = bits.to_le_bytes();
    Some(match datatype {
        1 => f64::from(i8::from_le_bytes([a])),
        2 => f64::from(i16::from_le_bytes([a, b])),
        3 => f64::from(i32::from_le_bytes([a, b, c, d])),
        4 => i64::from_le_bytes(bits.to_le_bytes()) as f64,
        13 => return None,
        _ => bits as f64,
    })
}

fn field<'p>(rest: &mut &'p [u8]) -> Option<(u64, Wire<'p>)> {
    let tag = varint(rest)?;
    let wire = match tag & 7 {
        0 => Wire::Varint(varint(rest)?),
        1 => {
            let (bytes, behind) = rest.split_first_chunk()?;
            *rest = behind;
            Wire::Fixed64(u64::from_le_bytes(*bytes))
        }
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (bytes, behind) = rest.split_at_checked(length)?;
            *rest = behind;
            Wire::Bytes(bytes)
        }
        5 => {
            let (bytes, behind) = rest.split_first_chunk()?;
            *rest = behind;
            Wire::Fixed32(u32::from_le_bytes(*bytes))
        }
        _ => return None,
    };
    Some((tag >> 3, wire))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
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

    #[test]
    fn a_metric_without_a_value_says_why() {
        // A metric `p` that is null; properties `unit` (text) and `Quality` (0).
        let bytes = [
            0x12, 31, 0x0a, 1, b'p', 0x38, 1, 0x4a, 24, 0x0a, 4, b'u', b'n', b'i', b't', 0x0a, 7,
            b'Q', b'u', b'a', b'l', b'i', b't', b'y', 0x12, 3, 0x42, 1, b'x', 0x12, 2, 0x18, 0,
        ];
        let mut metrics = Vec::new();
        let _ = each(&bytes, |metric| metrics.push((metric.null, metric.quality)));
        assert_eq!(metrics, [(true, Some(0))]);
        for end in 1..bytes.len() {
            each(&bytes[..end], |_| {});
        }
    }
}
