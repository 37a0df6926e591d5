//! What payloads hold that are not text: CBOR, MessagePack, protobuf, Sparkplug B, and what gzip, zlib or base64 wrap.
//!
//! A decoder is a source of events for a `Sink`; `json_out` writes them as JSON into a buffer of the caller's, and
//! that text goes through the same pass as JSON that came as JSON. So schema, severity, health and results see all
//! formats alike. Invariant: any bytes; nothing is allocated, depth, items, output and time are bounded, and what
//! comes out is valid JSON or the text that was wrapped.

mod cbor;
mod items;
mod json_out;
mod messagepack;
pub(crate) mod protobuf;
pub(crate) mod sparkplug;
mod wrapped;

pub use sparkplug::{Aliases, NoAliases};
pub(super) use wrapped::inside;

use super::Format;
use super::binary;
use json_out::JsonOut;

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
    items::walk(bytes, cbor::next, &mut Ignore)
}

/// Whether bytes are exactly one map or array.
pub(super) fn is_messagepack(bytes: &[u8]) -> bool {
    items::walk(bytes, messagepack::next, &mut Ignore)
}

/// Only whether the walk comes to its end counts.
struct Ignore;

impl Sink for Ignore {
    fn open(&mut self, _: bool) {}
    fn close(&mut self) {}
    fn key(&mut self, _: Leaf<'_>) {}
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
}

/// Whether a payload may hold something else than it shows, so that [`decode`] is worth its memory: a look at the front.
#[inline]
pub fn needs_decoding(topic: &str, payload: &[u8]) -> bool {
    is_packed(payload) || topic.starts_with(sparkplug::NAMESPACE)
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
    let (unwrapped, twice) = rest.split_at_mut_checked(third)?;
    let sparkplug = topic.starts_with(sparkplug::NAMESPACE);
    let Some(format) = wrapped::format(payload).filter(|_| !sparkplug) else {
        return decode_bytes(topic, payload, aliases, text, false);
    };
    let (used, whole) = wrapped::unwrap(format, payload, unwrapped)?;
    let mut inner: &'b [u8] = unwrapped.get(..used)?;
    let mut whole = whole;
    // Base64 of gzip is common, deeper is not.
    if let Some(second) = wrapped::format(inner)
        && let Some((used, all)) = wrapped::unwrap(second, inner, twice)
    {
        (inner, whole) = (twice.get(..used)?, whole && all);
    }
    if let Some(text) = readable(inner, whole) {
        return Some(Decoded {
            format,
            text,
            whole,
            named: true,
        });
    }
    let decoded = decode_bytes(topic, inner, aliases, text, format == Format::Base64)?;
    Some(Decoded {
        format,
        whole: decoded.whole && whole,
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
    let mut out = JsonOut::new(room);
    let format = if topic.starts_with(sparkplug::NAMESPACE)
        && sparkplug::decode(topic, bytes, aliases, &mut out).is_some()
    {
        Format::SparkplugB
    } else {
        out.clear();
        let (format, _, _) = binary::guess(bytes);
        let done = match format {
            Format::Cbor => items::walk(bytes, cbor::next, &mut out),
            Format::MessagePack => items::walk(bytes, messagepack::next, &mut out),
            Format::Protobuf if !chance => protobuf::decode(bytes, &mut out),
            _ => false,
        };
        if !done {
            return None;
        }
        format
    };
    let (text, whole) = out.finish();
    let text = text.filter(|text| !chance || text.starts_with('{'));
    Some(Decoded {
        format,
        text: text?,
        whole,
        named: format != Format::Protobuf,
    })
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
