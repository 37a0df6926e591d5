//! Payloads that are not whole: cut before their length or closing mark, a checksum that is wrong, tags that do not fit.
//! Elsewhere: JSON ([`super::pass`]), gzip and zlib, whose checksums are over what they hold ([`super::decode`]).
//! Invariant: time is linear in the payload.

use super::damage::{Damage, crc32};
use super::format::Format;
use super::json::{self, Fault, Ignore};
use super::judge::MaxWith;
use super::pass::Found;
use super::severity::{self, Severity};
use super::{Reason, decode, metrics};
use heapless::Vec;

/// The worse of what was found and a damage.
pub(super) fn or_worse<'a>(damage: Damage, found: Found<'a>, format: Format) -> Found<'a> {
    let (severity, subject) = match damage {
        Damage::Cut => (Severity::Error, "payload is cut off"),
        Damage::Checksum => (Severity::Warning, "checksum is wrong"),
        Damage::Malformed => (Severity::Warning, "payload is malformed"),
    };
    let reason = Reason {
        parent: "",
        subject,
        value: format.name(),
        json: false,
    };
    found.max_with((severity, Some(reason)))
}

/// What is wrong with a payload of a format that says where it ends or what it sums up to.
pub(super) fn of(format: Format, bytes: &[u8]) -> Option<Damage> {
    let cut = |whole: bool| (!whole).then_some(Damage::Cut);
    match format {
        Format::Png => png(bytes),
        // Some cameras put more behind the mark of the end; that of a small picture within is at the front.
        Format::Jpeg => {
            let (_, back) = bytes.split_at(bytes.len() / 2);
            cut(back.windows(2).any(|it| it == [0xff, 0xd9]))
        }
        Format::Gif => cut(without_padding(bytes).ends_with(b";")),
        Format::Webp | Format::Wav => riff(bytes),
        // The end of the central directory has a comment of at most 64 KiB behind it.
        Format::Zip => cut(bytes.windows(4).any(|it| it == b"PK\x05\x06")),
        Format::Sml => cut(bytes.windows(5).any(|it| it == b"\x1b\x1b\x1b\x1b\x1a")),
        Format::Pdf => cut(bytes.windows(5).any(|it| it == b"%%EOF")),
        Format::Cbor => cut(decode::is_cbor(bytes)),
        Format::MessagePack => cut(decode::is_messagepack(bytes)),
        Format::Obis => {
            let last = bytes.trim_ascii().rsplit(|&byte| byte == b'\n').next()?;
            cut(!last.contains(&b'(') || last.contains(&b')'))
        }
        Format::Xml => core::str::from_utf8(bytes).ok().and_then(xml),
        Format::Nmea => core::str::from_utf8(bytes).ok().and_then(nmea),
        Format::JsonLines => core::str::from_utf8(bytes).ok().and_then(last_line),
        _ => None,
    }
}

fn without_padding(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .rposition(|byte| !matches!(byte, 0 | b'\r' | b'\n'));
    end.and_then(|end| bytes.get(..=end)).unwrap_or(&[])
}

/// Chunks of length, type, content and checksum (PNG, section 5.3), the last an `IEND`.
fn png(bytes: &[u8]) -> Option<Damage> {
    let mut rest = bytes.get(8..)?;
    loop {
        let Some((length, behind)) = rest.split_first_chunk::<4>() else {
            return Some(Damage::Cut);
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((chunk, behind)) = behind.split_at_checked(length.saturating_add(4)) else {
            return Some(Damage::Cut);
        };
        let Some((sum, behind)) = behind.split_first_chunk::<4>() else {
            return Some(Damage::Cut);
        };
        if u32::from_be_bytes(*sum) != crc32(chunk) {
            return Some(Damage::Checksum);
        }
        if chunk.starts_with(b"IEND") {
            return None;
        }
        rest = behind;
    }
}

/// The length behind the first four bytes counts all that follows it.
fn riff(bytes: &[u8]) -> Option<Damage> {
    let length = bytes.get(4..8)?.first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    // Who sends while it records does not know the length yet.
    let open = matches!(length, 0 | u32::MAX);
    (!open && u64::from(length) + 8 > bytes.len() as u64).then_some(Damage::Cut)
}

fn nmea(text: &str) -> Option<Damage> {
    let wrong = |line: &str| metrics::sentence(line.trim()) == Some(false);
    text.lines().any(wrong).then_some(Damage::Checksum)
}

/// Only the last line can be cut off.
fn last_line(text: &str) -> Option<Damage> {
    let last = text.trim_end().lines().next_back()?;
    (json::walk(last, &mut Ignore) == Err(Fault::End)).then_some(Damage::Cut)
}

/// Elements inside one another that are followed.
const DEPTH: usize = 32;

/// Elements of HTML that have no end.
const VOID: [&str; 6] = ["br", "hr", "img", "input", "link", "meta"];

/// Every element that begins ends, and they end in reverse order. HTML leaves some open.
fn xml(text: &str) -> Option<Damage> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let head = severity::front(text, 14);
    if head.eq_ignore_ascii_case("<!doctype html")
        || severity::front(text, 5).eq_ignore_ascii_case("<html")
    {
        return None;
    }
    let mut open: Vec<&str, DEPTH> = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('<') {
        let end = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")]
            .into_iter()
            .find(|(begin, _)| behind.starts_with(begin))
            .map_or(">", |(_, end)| end);
        let Some((tag, after)) = behind.split_once(end) else {
            return Some(Damage::Cut);
        };
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name.trim()) {
                return Some(Damage::Malformed);
            }
        } else if end == ">" && !tag.starts_with('!') && !tag.ends_with('/') {
            let name = tag.split_ascii_whitespace().next().unwrap_or("");
            if VOID.iter().any(|void| name.eq_ignore_ascii_case(void)) {
                continue;
            }
            if open.push(name).is_err() {
                return None;
            }
        }
    }
    (!open.is_empty()).then_some(Damage::Cut)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::payload::inspect;
    use std::string::ToString;
    use std::vec::Vec;

    fn told(payload: &[u8]) -> std::string::String {
        let facts = inspect("yard/feed", payload);
        facts
            .reason
            .map_or_else(Default::default, |reason| reason.to_string())
    }

    #[test]
    fn what_is_not_whole_is_said() {
        for (payload, expected) in [
            (&b"<a><b x=\"1\"/><c>2</c></a>"[..], ""),
            (b"<a><b x=\"1\"/><c>2</c>", "payload is cut off: xml"),
            (
                b"<?xml version=\"1.0\"?><a><b x=\"1",
                "payload is cut off: xml",
            ),
            (b"<a><b>2</a>", "payload is malformed: xml"),
            (b"$GPZDA,093012.00,03,04,2026,00,00*6E", ""),
            (
                b"$GPZDA,093012.00,03,04,2026,00,00*67",
                "checksum is wrong: nmea",
            ),
            (b"{\"n\":1}\n{\"n\":2}\n", ""),
            (
                b"{\"n\":1}\n{\"n\":2}\n{\"n\":",
                "payload is cut off: json_lines",
            ),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\xff\xd9\0", ""),
            (
                b"\xff\xd8\xff\xe0\0\x10JFIF\x33\xd9",
                "payload is cut off: jpeg",
            ),
            (b"RIFF\x0c\0\0\0WEBPVP8 ", "payload is cut off: webp"),
            (b"\xa2\x64flow\x18\x2a\x65state\x64open", ""),
            (
                b"\xa2\x64flow\x18\x2a\x65state\x64op",
                "payload is cut off: cbor",
            ),
            (b"\x82\xa4flow\x2a\xa5state\xa4open", ""),
            (
                b"\x82\xa4flow\x2a\xa5state\xa4op",
                "payload is cut off: messagepack",
            ),
            (
                b"/XYZ5\r\n\r\n1-0:1.7.0(00.4*kW)\r\n1-0:2.7.0(00.",
                "payload is cut off: obis",
            ),
        ] {
            assert_eq!(told(payload), expected, "{payload:?}");
        }
    }

    #[test]
    fn chunks_of_png_are_checked() {
        let chunk = |kind: &[u8], content: &[u8]| {
            let length = u32::try_from(content.len()).unwrap().to_be_bytes();
            let named = [kind, content].concat();
            [&length[..], &named, &crc32(&named).to_be_bytes()].concat()
        };
        let signature = b"\x89PNG\r\n\x1a\n".to_vec();
        let whole: Vec<u8> = [signature, chunk(b"IHDR", &[0; 13]), chunk(b"IEND", b"")].concat();
        assert_eq!(told(&whole), "");
        assert_eq!(told(&whole[..whole.len() - 5]), "payload is cut off: png");
        let mut other = whole.clone();
        other[20] ^= 1;
        assert_eq!(told(&other), "checksum is wrong: png");
    }
}
