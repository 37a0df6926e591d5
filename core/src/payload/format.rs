//! What kind of text a payload is, when it is not JSON: guesses by structure, each with a confidence in percent.
//! Elsewhere: bytes that are not text ([`super::binary`]).

use super::metrics::{is_line_protocol, is_nmea, is_prometheus};
use crate::number;

/// Format of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)] // the formats' own names; see `name`
pub enum Format {
    #[default]
    Empty,
    JsonObject,
    JsonArray,
    Number,
    Bool,
    JsonString,
    Null,
    JsonLines,
    JsonInvalid,
    Text,
    Xml,
    Csv,
    KeyValue,
    LineProtocol,
    Prometheus,
    Nmea,
    LogLine,
    Timestamp,
    Base64,
    Hex,
    Gzip,
    Zlib,
    Png,
    Jpeg,
    Gif,
    Webp,
    Cbor,
    MessagePack,
    Protobuf,
    SparkplugB,
    Binary,
}

impl Format {
    /// How many there are.
    pub const COUNT: usize = 31;

    /// All, in the order of [`Format::index`].
    pub const ALL: [Self; Self::COUNT] = [
        Self::Empty,
        Self::JsonObject,
        Self::JsonArray,
        Self::Number,
        Self::Bool,
        Self::JsonString,
        Self::Null,
        Self::JsonLines,
        Self::JsonInvalid,
        Self::Text,
        Self::Xml,
        Self::Csv,
        Self::KeyValue,
        Self::LineProtocol,
        Self::Prometheus,
        Self::Nmea,
        Self::LogLine,
        Self::Timestamp,
        Self::Base64,
        Self::Hex,
        Self::Gzip,
        Self::Zlib,
        Self::Png,
        Self::Jpeg,
        Self::Gif,
        Self::Webp,
        Self::Cbor,
        Self::MessagePack,
        Self::Protobuf,
        Self::SparkplugB,
        Self::Binary,
    ];

    /// Place in a table of [`Format::COUNT`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// In words, as results show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::JsonObject => "json_object",
            Self::JsonArray => "json_array",
            Self::Number => "number",
            Self::Bool => "boolean",
            Self::JsonString => "json_string",
            Self::Null => "null",
            Self::JsonLines => "json_lines",
            Self::JsonInvalid => "json_invalid",
            Self::Text => "text",
            Self::Xml => "xml",
            Self::Csv => "csv",
            Self::KeyValue => "key_value",
            Self::LineProtocol => "line_protocol",
            Self::Prometheus => "prometheus",
            Self::Nmea => "nmea",
            Self::LogLine => "log_line",
            Self::Timestamp => "timestamp",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Gif => "gif",
            Self::Webp => "webp",
            Self::Cbor => "cbor",
            Self::MessagePack => "messagepack",
            Self::Protobuf => "protobuf",
            Self::SparkplugB => "sparkplug_b",
            Self::Binary => "binary",
        }
    }

    /// Text of some kind, valid UTF-8.
    pub const fn is_text(self) -> bool {
        self.index() < Self::Gzip.index()
    }
}

/// A guess: what, how sure in percent, and what else it might be.
pub(super) type Guess = (Format, u8, Option<Format>);

/// Which kind of text `text` is; JSON has been ruled out.
pub(super) fn text(text: &str) -> Guess {
    let trimmed = super::lines::without_colour(text).trim();
    if trimmed.is_empty() {
        return (Format::Text, 90, None);
    }
    if trimmed.starts_with('<') && is_xml(trimmed) {
        return (Format::Xml, 95, None);
    }
    if is_number(trimmed) {
        return (Format::Number, 80, Some(Format::Text));
    }
    if matches!(trimmed, "True" | "False" | "TRUE" | "FALSE") {
        return (Format::Bool, 80, Some(Format::Text));
    }
    let first = trimmed.lines().next().unwrap_or("");
    if is_nmea(first) {
        return (Format::Nmea, 95, Some(Format::Csv));
    }
    if is_prometheus(trimmed) {
        return (Format::Prometheus, 90, Some(Format::Text));
    }
    if is_timestamp(trimmed) {
        return (Format::Timestamp, 90, Some(Format::Text));
    }
    if trimmed.len() != text.trim().len() || is_log_line(first) {
        return (Format::LogLine, 85, Some(Format::Text));
    }
    let comment = |line: &&str| line.is_empty() || line.starts_with('#');
    if trimmed
        .lines()
        .find(|line| !comment(line))
        .is_some_and(is_line_protocol)
    {
        return (Format::LineProtocol, 85, Some(Format::KeyValue));
    }
    if is_key_value(first) {
        return (Format::KeyValue, 80, Some(Format::Text));
    }
    if let Some(confidence) = encoded(trimmed, Format::Hex) {
        return (Format::Hex, confidence, Some(Format::Text));
    }
    if let Some(confidence) = encoded(trimmed, Format::Base64) {
        return (Format::Base64, confidence, Some(Format::Text));
    }
    if let Some(confidence) = csv(trimmed) {
        return (Format::Csv, confidence, Some(Format::Text));
    }
    (Format::Text, 70, None)
}

fn is_xml(text: &str) -> bool {
    let inside = text.get(1..).unwrap_or("");
    let named =
        inside.starts_with(|c: char| c.is_alphabetic() || matches!(c, '?' | '!' | '_' | '/'));
    named && text.ends_with('>') && !text.starts_with("</")
}

/// The largest whole number up to which a float holds every one.
const WHOLE: u64 = 1 << 53;

/// Bare digits that no float holds exactly: a serial number, or the digits of something.
pub(super) fn is_digits(text: &str) -> bool {
    let text = text.trim_ascii();
    text.len() >= 16
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.parse().map_or(true, |number: u64| number > WHOLE)
}

/// A number that JSON does not write so: `+21.5`, `0021`, `.5`.
fn is_number(text: &str) -> bool {
    if is_digits(text) {
        return false;
    }
    let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    text.bytes().all(plain) && number::parse(text).is_some()
}

/// `2026-01-02`, `2026-01-02 03:04:05.6Z`, `03:04:05`, and nothing else.
fn is_timestamp(text: &str) -> bool {
    let (date, clock) = stamp(text);
    let all = text.len() <= 40
        && text.bytes().all(|b| {
            b.is_ascii_digit()
                || matches!(
                    b,
                    b'-' | b':' | b'.' | b'T' | b'Z' | b' ' | b'+' | b'/' | b','
                )
        });
    all && (date || clock)
}

/// Whether `text` begins with a date, and whether a time of day is in its front.
fn stamp(text: &str) -> (bool, bool) {
    let digits = |at: usize, n: usize| {
        text.as_bytes()
            .get(at..at + n)
            .is_some_and(|d| d.iter().all(u8::is_ascii_digit))
    };
    let is = |at: usize, set: &[u8]| text.as_bytes().get(at).is_some_and(|b| set.contains(b));
    let date = digits(0, 4) && is(4, b"-/") && digits(5, 2) && is(7, b"-/") && digits(8, 2);
    let at = if date { 11 } else { 0 };
    let clock = digits(at, 2) && is(at + 2, b":") && digits(at + 3, 2);
    (date, clock)
}

/// `Jan  2 03:04:05 host program`, as RFC 3164 has it.
fn is_old_syslog(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let month = words.next().is_some_and(|word| {
        let months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
        word.len() == 3 && months.split(' ').any(|month| month == word)
    });
    let day = words
        .next()
        .is_some_and(|day| matches!(day.parse(), Ok(1..=31u8)));
    month && day && words.next().is_some_and(|time| stamp(time).1) && words.next().is_some()
}

/// A line that states a level, or begins with date and time and goes on in words.
fn is_log_line(line: &str) -> bool {
    if is_old_syslog(line) {
        return true;
    }
    let (date, clock) = stamp(line);
    if date && clock && line.len() > 20 && line.bytes().filter(u8::is_ascii_alphabetic).count() > 4
    {
        return true;
    }
    line.contains([' ', ':']) && !line.contains('=') && super::lines::line_level(line).is_some()
}

/// `a=1 b="x y"`, `a=1,b=2`, `a=1&b=2`: at least half of the parts are pairs, the first one is.
fn is_key_value(line: &str) -> bool {
    let mut pairs = 0;
    let mut others = 0;
    let mut quoted = false;
    for part in line
        .split([' ', ',', '&', ';', '\t'])
        .filter(|part| !part.is_empty())
        .take(64)
    {
        let opens = part.bytes().filter(|&b| b == b'"').count() % 2 == 1;
        match part.split_once('=') {
            Some((key, value)) if !quoted && is_name(key) && is_value(value) => pairs += 1,
            _ if quoted => {}
            _ if pairs == 0 => return false,
            _ => others += 1,
        }
        quoted ^= opens;
    }
    pairs > others
}

/// Not the end of base64.
fn is_value(value: &str) -> bool {
    !value.is_empty() && !value.starts_with('=')
}

fn is_name(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 64
        && key.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b':' | b'@')
        })
}

fn is_hex(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_hexdigit)
}

/// Whether `text` looks like base64 of something.
pub(super) fn is_base64(text: &str) -> bool {
    encoded(text, Format::Base64).is_some()
}

/// Confidence that `text` is hex or base64 of something; none if it is neither.
fn encoded(text: &str, format: Format) -> Option<u8> {
    let bytes = text.as_bytes();
    if format == Format::Hex {
        // Pairs set apart, as tools that show a frame print it.
        let mut pairs = text.split(' ');
        if bytes.len() >= 11 && pairs.all(|p| p.len() == 2 && is_hex(p.as_bytes())) {
            return Some(85);
        }
        let digits = bytes.strip_prefix(b"0x").unwrap_or(bytes);
        let all = digits.len() >= 8 && digits.len().is_multiple_of(2) && is_hex(digits);
        return all.then_some(if digits.len() >= 16 { 90 } else { 60 });
    }
    let body = bytes
        .strip_suffix(b"==")
        .or(bytes.strip_suffix(b"="))
        .unwrap_or(bytes);
    if bytes.len() < 8
        || !bytes.len().is_multiple_of(4)
        || !body
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
    {
        return None;
    }
    let padded = body.len() < bytes.len();
    let kinds = [
        u8::is_ascii_uppercase,
        u8::is_ascii_lowercase,
        u8::is_ascii_digit,
    ];
    let mixed = kinds.iter().filter(|kind| body.iter().any(kind)).count();
    match (padded, mixed, bytes.len()) {
        (true, _, _) => Some(85),
        (false, 3, 16..) => Some(80),
        _ => None,
    }
}

/// Confidence that `text` is separated values.
fn csv(text: &str) -> Option<u8> {
    let separators = |line: &str| {
        line.bytes()
            .filter(|b| matches!(b, b',' | b';' | b'\t'))
            .count()
    };
    let first = text.lines().next()?;
    let count = separators(first);
    // Prose puts a blank behind a comma, and few of its parts are numbers.
    let prose = |line: &&str| {
        let mut parts = line.split(", ").skip(1).peekable();
        parts.peek().is_some() && parts.all(|part| number::parse(part.trim()).is_none())
    };
    let lines = text.lines().filter(|line| !line.is_empty()).take(16);
    if lines.clone().filter(prose).count() * 2 > lines.count() {
        return None;
    }
    let more = text.lines().skip(1).take(8);
    let even = more
        .clone()
        .filter(|line| separators(line) == count)
        .count();
    if count > 0 && even > 0 && even * 2 >= more.count() {
        return Some(85);
    }
    if text.contains('\n') {
        // A preamble may come before: what counts is that lines with as many separators follow one another.
        let lines = text.lines().filter(|line| !line.is_empty()).take(64);
        let pairs = lines.clone().zip(lines.clone().skip(1));
        let alike = pairs
            .filter(|(a, b)| separators(a) > 0 && separators(a) == separators(b))
            .count();
        let all = lines.filter(|line| !line.contains(", ")).count();
        return (alike >= 1 && alike * 3 >= all).then_some(60);
    }
    let fields = first.split([',', ';', '\t']);
    let numeric = fields
        .clone()
        .filter(|f| number::parse(f.trim()).is_some())
        .count();
    match (count, numeric) {
        (1.., 1..) if numeric * 2 > count || !first.contains(", ") => Some(75),
        (2.., _) if !first.contains(' ') => Some(60),
        _ => None,
    }
}
