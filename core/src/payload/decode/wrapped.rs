//! What a payload that is only a wrapping holds: base64 of something, gzip or zlib of something.
//! Invariant: as much is unwrapped as finds room in a buffer of the caller's, so that no bomb takes more.

use super::super::binary;
use super::super::damage::{Damage, crc32};
use super::super::format::{self, Format};
use super::super::json::{self, Fault, Ignore};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

/// Bytes of base64 that are unwrapped; shorter ones are mostly words.
pub(super) const BASE64_BYTES: usize = 16;
/// Bytes of which [`inside`] says what they are.
const HEAD: usize = 256;

/// The wrapping that a payload is, if it looks like one.
pub(super) fn format(payload: &[u8]) -> Option<Format> {
    match payload {
        [0x1f, 0x8b, 8, ..] => Some(Format::Gzip),
        [head, check, ..] if binary::is_zlib(*head, *check) && payload.len() > 7 => {
            Some(Format::Zlib)
        }
        _ => {
            let text = core::str::from_utf8(payload.trim_ascii()).ok()?;
            let is = text.len() >= BASE64_BYTES && format::is_base64(text);
            is.then_some(Format::Base64)
        }
    }
}

/// What was written of what is wrapped.
#[derive(Clone, Copy)]
pub(super) struct Unwrapped {
    /// Bytes.
    pub(super) used: usize,
    /// That is all.
    pub(super) whole: bool,
    pub(super) damage: Option<Damage>,
}

/// Writes what is wrapped.
pub(super) fn unwrap(format: Format, payload: &[u8], out: &mut [u8]) -> Option<Unwrapped> {
    match format {
        Format::Base64 => {
            let (used, whole) = base64(payload, out)?;
            Some(Unwrapped {
                used,
                whole,
                damage: None,
            })
        }
        Format::Gzip => gunzip(behind_gzip(payload)?, out),
        Format::Zlib => {
            let (unwrapped, _) =
                inflate(payload, out, inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER)?;
            Some(unwrapped)
        }
        _ => None,
    }
}

/// A stream with the checksum and the length of what it holds behind it (RFC 1952, 2.3.1).
fn gunzip(stream: &[u8], out: &mut [u8]) -> Option<Unwrapped> {
    let (mut unwrapped, read) = inflate(stream, out, 0)?;
    if unwrapped.whole {
        let held = out.get(..unwrapped.used)?;
        unwrapped.damage = match stream.get(read..)?.first_chunk() {
            None => Some(Damage::Cut),
            Some(&[a, b, c, d, _, _, _, _]) => {
                (u32::from_le_bytes([a, b, c, d]) != crc32(held)).then_some(Damage::Checksum)
            }
        };
    }
    Some(unwrapped)
}

/// What is inside of a payload of this format; none if nothing is, or it cannot be told.
pub(in crate::payload) fn inside(format: Format, payload: &[u8]) -> Option<Format> {
    if !matches!(format, Format::Base64 | Format::Gzip | Format::Zlib) {
        return None;
    }
    let mut head = [0; HEAD];
    let Unwrapped {
        used,
        whole,
        damage,
    } = unwrap(format, payload, &mut head)?;
    let found = of(head.get(..used)?, !whole);
    // Of what is broken nothing is told but what was decoded.
    if damage.is_some() {
        return None;
    }
    // Anything at all can be written as base64: that it is text or unknown says nothing.
    let told = format != Format::Base64 || !matches!(found, Format::Text | Format::Binary);
    told.then_some(found)
}

/// DEFLATE (RFC 1951); also how much of the stream was read. Of one that breaks off what came before is told.
fn inflate(stream: &[u8], out: &mut [u8], flags: u32) -> Option<(Unwrapped, usize)> {
    let flags = flags | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut state = DecompressorOxide::new();
    let (status, read, used) = decompress(&mut state, stream, out, 0, flags);
    let (whole, damage) = match status {
        TINFLStatus::Done => (true, None),
        TINFLStatus::HasMoreOutput => (false, None),
        TINFLStatus::Adler32Mismatch => (true, Some(Damage::Checksum)),
        TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput if used > 0 => {
            (false, Some(Damage::Cut))
        }
        TINFLStatus::Failed if used > 0 => (false, Some(Damage::Malformed)),
        _ => return None,
    };
    Some((
        Unwrapped {
            used,
            whole,
            damage,
        },
        read,
    ))
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
fn base64(text: &[u8], out: &mut [u8]) -> Option<(usize, bool)> {
    let (mut bits, mut count) = (0u32, 0);
    let mut room = out.iter_mut();
    let mut used = 0;
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
            let Some(place) = room.next() else {
                return Some((used, false));
            };
            *place = byte;
            used += 1;
        }
    }
    Some((used, true))
}
/// What the head of something is, which may be all of it.
fn of(head: &[u8], cut: bool) -> Format {
    let text = match core::str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut through.
        Err(error) if cut && error.error_len().is_none() => head
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
        format::text(text).0
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use crate::payload::{Format, inspect};
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
