//! What a payload that is only a wrapping holds: base64 of something, gzip or zlib of something.
//! The head of it is unwrapped, which is enough to say what it is. Invariant: a few hundred bytes of work.

use super::binary;
use super::format::Format;
use super::inflate::{HEAD, Head, inflate};
use super::json::{self, Fault, Scalar, Text, Visitor};

/// What is inside of a payload of this format; none if nothing is, or it cannot be told.
pub(super) fn inside(format: Format, payload: &[u8]) -> Option<Format> {
    let mut head = Head::new();
    match format {
        Format::Base64 => decode(payload, &mut head)?,
        Format::Gzip => inflate(behind_gzip(payload)?, &mut head)?,
        Format::Zlib => inflate(payload.get(2..)?, &mut head)?,
        _ => return None,
    }
    let found = of(head.bytes(), head.full());
    // Anything at all can be written as base64: that it is text or unknown says nothing.
    let told = format != Format::Base64 || !matches!(found, Format::Text | Format::Binary);
    told.then_some(found)
}

/// The stream behind the header of gzip (RFC 1952, 2.3).
fn behind_gzip(payload: &[u8]) -> Option<&[u8]> {
    let (&[_, _, _, flags, ..], mut rest) = payload.split_first_chunk::<10>()?;
    if flags & 4 != 0 {
        let (&length, behind) = rest.split_first_chunk()?;
        rest = behind.get(usize::from(u16::from_le_bytes(length))..)?;
    }
    for _ in 0..(flags >> 3 & 3).count_ones() {
        let end = rest.iter().position(|&byte| byte == 0)?;
        rest = rest.get(end + 1..)?;
    }
    rest.get(usize::from(flags & 2)..)
}

/// RFC 4648, both alphabets.
fn decode(text: &[u8], head: &mut Head) -> Option<()> {
    let (mut bits, mut count) = (0u32, 0);
    for &byte in text.trim_ascii().iter().take_while(|&&byte| byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        (bits, count) = (bits << 6 | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            let [byte, ..] = (bits >> count).to_le_bytes();
            if head.put(byte).is_none() {
                break;
            }
        }
    }
    Some(())
}

/// What the head of something is, which may be all of it.
fn of(head: &[u8], cut: bool) -> Format {
    let text = match core::str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut through.
        Err(error) if cut && error.valid_up_to() + 4 > HEAD => head
            .get(..error.valid_up_to())
            .and_then(|front| core::str::from_utf8(front).ok())
            .unwrap_or(""),
        Err(_) => return binary::guess(head).0,
    };
    let first = text.trim_ascii_start().bytes().next().unwrap_or(b' ');
    if matches!(first, b'{' | b'[') {
        let whole = match json::walk(text, &mut Ignore) {
            Ok(()) => true,
            Err(fault) => cut && fault == Fault::End,
        };
        if whole && first == b'{' {
            return Format::JsonObject;
        } else if whole {
            return Format::JsonArray;
        }
    }
    let control = |byte: u8| byte < 0x20 && !byte.is_ascii_whitespace();
    if text.bytes().any(control) {
        binary::guess(head).0
    } else {
        super::format::text(text).0
    }
}

/// Only whether it is JSON counts.
struct Ignore;

impl Visitor<'_> for Ignore {
    fn open(&mut self, _: bool) {}
    fn close(&mut self) {}
    fn key(&mut self, _: Text<'_>) {}
    fn scalar(&mut self, _: Scalar<'_>) {}
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::{Format, inspect};
    use base64::{Engine, engine::general_purpose::STANDARD};
    use flate2::{Compression, write::GzEncoder, write::ZlibEncoder};
    use std::format;
    use std::io::Write;
    use std::string::String;
    use std::vec::Vec;

    fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn told(payload: &[u8]) -> (Format, Option<Format>) {
        let facts = inspect("a/b", payload);
        (facts.format, facts.wraps)
    }

    #[test]
    fn what_is_inside_is_told() {
        let short = String::from(r#"{"temperature":21.5,"humidity":40}"#);
        let rows: Vec<String> = (0..60)
            .map(|n| format!(r#"{{"t":{},"n":"grün {n}"}}"#, n * 7))
            .collect();
        let long = format!("[{}]", rows.join(","));
        for (text, inside) in [(short, Format::JsonObject), (long, Format::JsonArray)] {
            for level in [0, 1, 6, 9] {
                let (gzip, zlib) = (gzip(text.as_bytes(), level), zlib(text.as_bytes(), level));
                assert_eq!(told(&gzip), (Format::Gzip, Some(inside)), "{level}");
                assert_eq!(told(&zlib), (Format::Zlib, Some(inside)), "{level}");
                let both = STANDARD.encode(&gzip);
                assert_eq!(
                    told(both.as_bytes()),
                    (Format::Base64, Some(Format::Gzip)),
                    "{level}"
                );
            }
            let base64 = STANDARD.encode(&text);
            assert_eq!(told(base64.as_bytes()), (Format::Base64, Some(inside)));
        }
        assert_eq!(
            told(&gzip(b"2026-01-02 03:04:05 ERROR pump: stuck", 6)).1,
            Some(Format::LogLine)
        );
        assert_eq!(
            told(STANDARD.encode("just some words").as_bytes()),
            (Format::Base64, None)
        );
        assert_eq!(
            told(br#"{"a":"aGVsbG8gd29ybGQ="}"#),
            (Format::JsonObject, None)
        );
    }

    #[test]
    fn a_broken_wrapping_tells_nothing_or_the_front() {
        let whole = gzip(format!(r#"{{"k":"{}"}}"#, "x".repeat(90)).as_bytes(), 6);
        for end in 0..whole.len() - 8 {
            let front = &whole[..end];
            assert!(matches!(told(front), (_, None)), "{end}");
        }
        let mut state = 1u64;
        for round in 0..20_000usize {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let mut bytes = whole.clone();
            let at = 10 + usize::try_from(state >> 33).unwrap() % (bytes.len() - 10);
            bytes[at] ^= 1 << (round % 8);
            inspect("a/b", &bytes);
        }
    }
}
