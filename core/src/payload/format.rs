//! What kind of text a payload is, when it is not JSON: guesses by structure, each with a confidence in percent.
//! Elsewhere: bytes that are not text ([`super::binary`]).

use super::kinds;
use super::metrics::{is_line_protocol, is_prometheus, sentence};
use crate::number;

macro_rules! formats {
    ($first:ident $first_name:literal, $($format:ident $name:literal,)*) => {
        /// Format of a payload.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        #[allow(missing_docs)] // the formats' own names; see `name`
        pub enum Format {
            #[default]
            $first,
            $($format,)*
        }

        impl Format {
            /// All, in the order of [`Format::index`].
            pub const ALL: [Self; Self::COUNT] = [Self::$first, $(Self::$format,)*];

            /// In words, as results show it.
            pub const fn name(self) -> &'static str {
                match self {
                    Self::$first => $first_name,
                    $(Self::$format => $name,)*
                }
            }
        }
    };
}

formats! {
    Empty "empty",
    JsonObject "json_object",
    JsonArray "json_array",
    Number "number",
    Bool "boolean",
    JsonString "json_string",
    Null "null",
    JsonLines "json_lines",
    JsonInvalid "json_invalid",
    Text "text",
    Xml "xml",
    Csv "csv",
    KeyValue "key_value",
    LineProtocol "line_protocol",
    Prometheus "prometheus",
    Nmea "nmea",
    LogLine "log_line",
    Timestamp "timestamp",
    Base64 "base64",
    Hex "hex",
    Gzip "gzip",
    Zlib "zlib",
    Png "png",
    Jpeg "jpeg",
    Gif "gif",
    Webp "webp",
    Cbor "cbor",
    MessagePack "messagepack",
    Protobuf "protobuf",
    SparkplugB "sparkplug_b",
    Obis "obis",
    Ini "ini",
    Yaml "yaml",
    Zstd "zstd",
    Bzip2 "bzip2",
    Xz "xz",
    Zip "zip",
    Pdf "pdf",
    Wav "wav",
    Mp4 "mp4",
    Ogg "ogg",
    Bson "bson",
    Avro "avro",
    Sml "sml",
    Utf16 "utf16",
    Latin1 "latin1",
    Binary "binary",
}

impl Format {
    /// How many there are.
    pub const COUNT: usize = Self::Binary.index() + 1;

    /// Place in a table of [`Format::COUNT`].
    pub const fn index(self) -> usize {
        self as usize
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
    if kinds::is_ini(trimmed) {
        return (Format::Ini, 90, Some(Format::KeyValue));
    }
    if is_number(trimmed) {
        return (Format::Number, 80, Some(Format::Text));
    }
    if matches!(trimmed, "True" | "False" | "TRUE" | "FALSE") {
        return (Format::Bool, 80, Some(Format::Text));
    }
    let first = trimmed.lines().next().unwrap_or("");
    if sentence(first).is_some() {
        return (Format::Nmea, 95, Some(Format::Csv));
    }
    if is_prometheus(trimmed) {
        return (Format::Prometheus, 90, Some(Format::Text));
    }
    if kinds::is_obis(trimmed) {
        return (Format::Obis, 90, Some(Format::Text));
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
    if kinds::is_named(trimmed) {
        return (Format::KeyValue, 75, Some(Format::Text));
    }
    if kinds::is_yaml(trimmed) {
        return (Format::Yaml, 80, Some(Format::Text));
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
    // What is cut off has no end, but has shown that it is none of the texts that put something between such marks.
    let begun = text.starts_with("<?xml") || text.contains("</") && text.contains('>');
    named && (text.ends_with('>') || begun) && !text.starts_with("</")
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
    text.bytes().all(plain) && number::parse(text).is_some() || is_decimal(text)
}

/// A number with a comma for its point.
fn is_decimal(text: &str) -> bool {
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit());
    text.strip_prefix('-')
        .unwrap_or(text)
        .split_once(',')
        .is_some_and(|(whole, fraction)| digits(whole) && digits(fraction) && text.len() <= 16)
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
    let date = digits(0, 4) && is(4, b"-/") && digits(5, 2) && is(7, b"-/") && digits(8, 2)
        || digits(0, 2) && is(2, b"./") && digits(3, 2) && is(5, b"./") && digits(6, 4);
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
    // RFC 5424, 6.2.1: the priority.
    let priority = line.strip_prefix('<').and_then(|it| it.split_once('>'));
    if is_old_syslog(line) || priority.is_some_and(|(it, _)| matches!(it.parse(), Ok(0..=191u8))) {
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
        let separator = [' ', ':', '-', ',']
            .into_iter()
            .find(|&it| text.contains(it));
        let mut pairs = text.split(separator.unwrap_or(' '));
        let (count, prefixed) = (pairs.clone().count(), bytes.starts_with(b"0x"));
        // Six between colons or minus signs are an address; between commas decimal numbers could be as short.
        let set_apart = match separator {
            Some(' ') => bytes.len() >= 11 || prefixed,
            Some(',') => prefixed,
            _ => count >= 4 && count != 6,
        };
        let is_pair = |pair: &str| {
            let pair = pair.strip_prefix("0x").unwrap_or(pair);
            pair.len() == 2 && is_hex(pair.as_bytes())
        };
        if count > 1 && set_apart && pairs.all(is_pair) {
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
    // The alphabet of addresses leaves its padding out; what begins so is an object of JSON.
    let address = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if body.len() >= 16 && body.starts_with(b"eyJ") && body.iter().all(address) {
        return Some(85);
    }
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
    // HL7 names its separators, and all but those of its fields are within one.
    let hl7 = text.starts_with("MSH|");
    if hl7 || text.starts_with("data:") && text.contains(";base64,") {
        return None;
    }
    let separators = |line: &str| {
        // What is set in is no row.
        let marks = |b: &u8| matches!(b, b',' | b';' | b'\t' | b'|');
        let inset = line.starts_with(['\t', ' ']);
        line.as_bytes()
            .iter()
            .filter(|b| !inset && marks(b))
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
    let fields = first.split([',', ';', '\t', '|']);
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
