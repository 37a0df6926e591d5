//! What payloads hold that are not text in UTF-8: text in other encodings, CBOR, MessagePack, protobuf, Sparkplug B, and what gzip, zlib or base64 wrap.
//!
//! A decoder is a source of events for a `Sink`; `json_out` writes them as JSON into a buffer of the caller's, and
//! that text goes through the same pass as JSON that came as JSON. So schema, severity, health and results see all
//! formats alike. Invariant: any bytes; nothing is allocated, depth, items, output and time are bounded, and what
//! comes out is valid JSON or the text that was wrapped.

mod cbor;
mod items;
mod json_out;
mod letters;
mod messagepack;
pub(crate) mod protobuf;
pub(crate) mod sparkplug;
mod wrapped;

pub use sparkplug::{Aliases, NoAliases};
pub(super) use wrapped::inside;

use super::Format;
use super::binary;
use super::damage::Damage;
use items::{End, Grammar};
use json_out::JsonOut;
use letters::Letters;

/// Bytes of memory that are enough to decode into, one payload after the other: 64 KiB for the text, which is more than a
/// result shows of one payload and than births of Sparkplug need, and as much for each of two wrappings.
pub const ROOM: usize = 3 * 64 * 1024;
/// Containers inside one another that are followed, as many as the pass over JSON tells apart.
const MAX_DEPTH: usize = 24;

/// A value that is not a container.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Leaf<'a> {
    Null,
    Bool(bool),
    Int(i128),
    Single(f32),
    Double(f64),
    Text(&'a str),
    /// Text in pieces, as CBOR allows.
    Pieces(cbor::Pieces<'a>),
    Bytes(&'a [u8]),
}

/// Takes the events of a decoder.
pub(super) trait Sink {
    /// An object begins, or an array.
    fn open(&mut self, object: bool);
    /// It ends.
    fn close(&mut self);
    /// The name of a member; its value follows.
    fn key(&mut self, key: Leaf<'_>);
    /// A value that is not a container.
    fn leaf(&mut self, value: Leaf<'_>);
}

/// Whether bytes are exactly one map or array.
pub(super) fn is_cbor(bytes: &[u8]) -> bool {
    items::walk(bytes, &cbor::GRAMMAR, &mut Names::default()) == End::Whole
}

/// Whether bytes are exactly one map or array.
pub(super) fn is_messagepack(bytes: &[u8]) -> bool {
    items::walk(bytes, &messagepack::GRAMMAR, &mut Names::default()) == End::Whole
}

/// Whether bytes are the front of a map.
pub(super) fn is_cut_cbor(bytes: &[u8]) -> bool {
    is_cut(bytes, &cbor::GRAMMAR)
}

/// Whether bytes are the front of a map.
pub(super) fn is_cut_messagepack(bytes: &[u8]) -> bool {
    is_cut(bytes, &messagepack::GRAMMAR)
}

/// Names all the way, and a value at least: other bytes hardly ever have them by chance.
fn is_cut(bytes: &[u8], grammar: &Grammar) -> bool {
    let mut names = Names::default();
    let end = items::walk(bytes, grammar, &mut names);
    matches!(end, End::Early(1..)) && names.named > 0 && names.others == 0
}

/// Names of members: how many are words of a letter at least, and how many are something else.
#[derive(Default)]
struct Names {
    named: u32,
    others: u32,
}

impl Sink for Names {
    fn open(&mut self, _: bool) {}
    fn close(&mut self) {}
    fn key(&mut self, key: Leaf<'_>) {
        let plain = |c: char| c.is_ascii_graphic() || c == ' ';
        match key {
            Leaf::Text(name) if !name.is_empty() && name.chars().all(plain) => self.named += 1,
            _ => self.others += 1,
        }
    }
    fn leaf(&mut self, _: Leaf<'_>) {}
}

/// What a payload holds.
#[derive(Clone, Copy, Debug)]
pub struct Decoded<'b> {
    /// Format of the payload itself.
    pub format: Format,
    /// JSON, or the text that was wrapped.
    pub text: &'b str,
    /// Whether that is all; else it is a front of it, closed so that it is valid.
    pub whole: bool,
    /// Whether its members have names; those of protobuf have only numbers.
    pub named: bool,
    /// What is wrong with the payload as a whole.
    pub damage: Option<Damage>,
}

/// Whether a payload may hold something else than it shows, so that [`decode`] is worth its memory: a look at the front.
#[inline]
pub fn needs_decoding(topic: &str, payload: &[u8]) -> bool {
    is_packed(payload) || is_written_otherwise(payload) || topic.starts_with(sparkplug::NAMESPACE)
}

/// Bytes of a text in another encoding that is read.
const WRITTEN: usize = 16 * 1024;

/// Whether a payload may be a text in another encoding than UTF-8.
#[inline]
fn is_written_otherwise(payload: &[u8]) -> bool {
    matches!(payload, [0, ..] | [_, 0, ..])
        || payload.len() <= WRITTEN && !payload.is_ascii() && core::str::from_utf8(payload).is_err()
}

#[inline]
fn is_packed(payload: &[u8]) -> bool {
    match payload.first() {
        Some(0x80..) => true,
        Some(b'\n' | b'\r' | b'\t' | 0x1b) | Some(b' '..=b'/' | b':'..=b'@' | b'['..=b'`') => false,
        Some(b'{'..=0x7f) => false,
        // Letters and digits may be base64, `x` zlib.
        Some(b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z') => {
            payload.len() >= wrapped::BASE64_BYTES || payload.first() == Some(&b'x')
        }
        Some(_) => true,
        None => false,
    }
}

/// What a payload holds, if it is of one of the formats above; none if it is text already or nobody knows.
/// Births of Sparkplug teach `aliases`, data use them. `room` is [`ROOM`] bytes; less shows less.
pub fn decode<'b>(
    topic: &str,
    payload: &[u8],
    aliases: &mut impl Aliases,
    room: &'b mut [u8],
) -> Option<Decoded<'b>> {
    if !needs_decoding(topic, payload) {
        return None;
    }
    let third = room.len() / 3;
    let (text, rest) = room.split_at_mut_checked(third)?;
    if !topic.starts_with(sparkplug::NAMESPACE)
        && let Some(letters) = letters(payload)
    {
        let (text, whole) = letters.decode(payload, text);
        let text = text.filter(|text| !text.bytes().any(super::is_control))?;
        // JSON is UTF-8 (RFC 8259, 8.1).
        let json = letters == Letters::Latin && text.trim_start().starts_with(['{', '[']);
        return Some(Decoded {
            format: if json {
                Format::JsonInvalid
            } else {
                letters.format()
            },
            text,
            whole,
            named: true,
            damage: json.then_some(Damage::Malformed),
        });
    }
    let (unwrapped, twice) = rest.split_at_mut_checked(third)?;
    let sparkplug = topic.starts_with(sparkplug::NAMESPACE);
    let Some(format) = wrapped::format(payload).filter(|_| !sparkplug) else {
        return decode_bytes(topic, payload, aliases, text, false);
    };
    let once = wrapped::unwrap(format, payload, unwrapped)?;
    let mut inner: &'b [u8] = unwrapped.get(..once.used)?;
    let (mut whole, mut damage) = (once.whole, once.damage);
    // Base64 of gzip is common, deeper is not.
    if let Some(second) = wrapped::format(inner)
        && let Some(again) = wrapped::unwrap(second, inner, twice)
    {
        inner = twice.get(..again.used)?;
        (whole, damage) = (whole && again.whole, damage.or(again.damage));
    }
    if let Some(text) = readable(inner, whole) {
        return Some(Decoded {
            format,
            text,
            whole,
            named: true,
            damage,
        });
    }
    let decoded = decode_bytes(topic, inner, aliases, text, format == Format::Base64)?;
    Some(Decoded {
        format,
        whole: decoded.whole && whole,
        damage: damage.or(decoded.damage),
        ..decoded
    })
}

/// What bytes hold that are no wrapping. `chance`: they may be anything, as a token written
/// in base64 is; only what can hardly be so by chance is told.
fn decode_bytes<'b>(
    topic: &str,
    bytes: &[u8],
    aliases: &mut impl Aliases,
    room: &'b mut [u8],
    chance: bool,
) -> Option<Decoded<'b>> {
    if readable(bytes, true).is_some() {
        return None;
    }
    let (mut out, mut damage) = (JsonOut::new(room), None);
    let format = if topic.starts_with(sparkplug::NAMESPACE)
        && sparkplug::decode(topic, bytes, aliases, &mut out).is_some()
    {
        Format::SparkplugB
    } else {
        out.clear();
        let (format, _, _) = binary::guess(bytes);
        let end = match format {
            Format::Cbor => items::walk(bytes, &cbor::GRAMMAR, &mut out),
            Format::MessagePack => items::walk(bytes, &messagepack::GRAMMAR, &mut out),
            Format::Protobuf if !chance && protobuf::decode(bytes, &mut out) => End::Whole,
            _ => End::Other,
        };
        match end {
            End::Whole => {}
            End::Early(_) => damage = Some(Damage::Cut),
            End::Other => return None,
        }
        format
    };
    let (text, whole) = out.finish();
    let text = text.filter(|text| !chance || text.starts_with('{'));
    Some(Decoded {
        format,
        text: text?,
        whole: whole && damage.is_none(),
        named: format != Format::Protobuf,
        damage,
    })
}

/// How a payload is written, if it is text in another encoding, and nothing that has a better claim.
fn letters(payload: &[u8]) -> Option<Letters> {
    let letters = is_written_otherwise(payload).then(|| letters::encoding(payload))??;
    let claimed = match letters {
        Letters::Latin => binary::guess(payload).0,
        Letters::Little(_) | Letters::Big(_) => Format::Binary,
    };
    matches!(claimed, Format::Binary | Format::Protobuf).then_some(letters)
}

/// Text without control characters other than those of layout and colour; a front may end within a character.
fn readable(bytes: &[u8], whole: bool) -> Option<&str> {
    let text = match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if !whole && error.error_len().is_none() => {
            core::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    (!text.bytes().any(super::is_control)).then_some(text)
}

#[cfg(test)]
mod tests;
