//! Values of the core to the JSON that tools return: times, payloads, words for codes.
//!
//! Whatever comes from a broker is data from outside: text passes through [`clean`] before it stands in a result, bytes
//! that are not text become base64, and what is cut says its size. Same input, same output.

pub use crate::text::clean::{clean, front};

use crate::text::clean::is_clean;
use crate::text::mask::mask_connection_strings;
use crate::text::secrets::{mask_members, mask_secrets};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bitsperity_mqtt_core::packet::{QoS, Reason, Version};
use bitsperity_mqtt_core::payload::json::{Legible, Scalar, Text, Visitor, walk};
use bitsperity_mqtt_core::session::Grants;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// How deep JSON may nest to be shown as such: many parsers stop at 128, and it stands inside of a message.
const MAX_DEPTH: usize = 64;

/// Bytes of a topic that are shown; longer ones are real only as an attack.
const MAX_TOPIC: usize = 512;

/// RFC 3339 with milliseconds and zone.
pub fn time(at: SystemTime) -> String {
    match jiff::Timestamp::try_from(at) {
        Ok(at) => format!("{at:.3}"),
        Err(_) => "unknown".to_owned(),
    }
}

/// Seconds with three decimals.
pub fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e3).round() / 1e3
}

/// Milliseconds with three decimals.
pub fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Whole milliseconds.
pub fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Three significant digits: enough for a rate.
pub fn rounded(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return 0.0;
    }
    let scale = 10f64.powi(2 - number.abs().log10().floor() as i32);
    (number * scale).round() / scale
}

/// Two significant digits: all that is known of what was counted in a short while.
pub fn rough(number: f64) -> f64 {
    match number > 0.0 && number.is_finite() {
        true => {
            let scale = 10f64.powi(1 - number.log10().floor() as i32);
            (number * scale).round() / scale
        }
        false => 0.0,
    }
}

/// A number without `.0` where it is whole: a fifth fewer tokens in a long list.
struct Whole(f64);

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.fract() == 0.0 && self.0.abs() < 1e15 {
            true => serializer.serialize_i64(self.0 as i64),
            false => serializer.serialize_f64(self.0),
        }
    }
}

/// Numbers of which whole ones are written so.
pub fn whole_list<S: Serializer>(list: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().map(|number| Whole(*number)))
}

/// The same by name.
pub fn whole_map<S: Serializer>(
    map: &BTreeMap<&'static str, f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(map.iter().map(|(name, number)| (name, Whole(*number))))
}

/// `5` or `3.1.1`.
pub fn protocol(grants: &Grants) -> &'static str {
    match grants.version {
        Version::V5 => "5",
        Version::V311 => "3.1.1",
    }
}

/// The QoS of a checked argument.
pub fn qos(level: u8) -> QoS {
    QoS::from_bits(level).unwrap_or_default()
}

/// What a broker means by the Reason Code of an acknowledgement (5.0, section 2.4).
pub fn reason(reason: Reason) -> &'static str {
    match reason.0 {
        0x00 => "success",
        0x10 => "no matching subscribers",
        0x80 => "unspecified error",
        0x83 => "implementation specific error",
        0x87 => "not authorized",
        0x90 => "topic name invalid",
        0x91 => "packet identifier in use",
        0x92 => "packet identifier not found",
        0x95 => "packet too large",
        0x97 => "quota exceeded",
        0x99 => "payload format invalid",
        0x9a => "retain not supported",
        0x9b => "QoS not supported",
        _ => "unknown reason",
    }
}

/// A topic to show; credentials are masked where a connection string was given for one.
pub fn topic(topic: &str) -> String {
    let topic = &*mask_connection_strings(topic);
    match topic.len() > MAX_TOPIC {
        true => format!(
            "{}… ({} bytes)",
            clean(front(topic, MAX_TOPIC)),
            topic.len()
        ),
        false => clean(topic),
    }
}

/// How a payload stands in a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the words of the tools' contract
pub enum Encoding {
    Json,
    Text,
    Base64,
}

/// A payload in a result.
#[derive(Clone, PartialEq, Debug)]
pub struct Payload {
    /// JSON as JSON, text as text, else base64.
    pub value: Value,
    /// Which of them.
    pub encoding: Encoding,
    /// Bytes shown, if not all.
    pub cut: Option<usize>,
}

/// `held` is the front of a payload of `size` bytes; at most `limit` bytes of it are shown.
pub fn payload(held: &[u8], size: usize, limit: usize) -> Payload {
    let whole = held.len() >= size && size <= limit;
    let shown = held.get(..limit).unwrap_or(held);
    if let Some(text) = text(shown, whole) {
        let json = whole.then(|| json(text)).flatten();
        let cut = (!whole).then_some(text.len());
        return match json {
            Some(value) => Payload {
                value,
                encoding: Encoding::Json,
                cut,
            },
            None => Payload {
                value: clean(text).into(),
                encoding: Encoding::Text,
                cut,
            },
        };
    }
    Payload {
        value: STANDARD.encode(shown).into(),
        encoding: Encoding::Base64,
        cut: (!whole).then_some(shown.len()),
    }
}

/// The text that `bytes` are; if they are only a front, a character may be cut off at the end.
fn text(bytes: &[u8], whole: bool) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if !whole && error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}

/// Digits that every float holds.
const EXACT_DIGITS: usize = 15;

/// Whether JSON would hold each number of `text` as it stands: no bare row of digits that is rather a text, no number of
/// more digits than a float or a whole number of 64 bits has.
fn is_exact(text: &str) -> bool {
    let bare = text.trim();
    if bare.len() > EXACT_DIGITS && bare.bytes().all(|b| b.is_ascii_digit()) {
        return bare.parse().is_ok_and(|number: u64| number <= 1 << 53);
    }
    // Between quotes nothing is a number; an escaped quote stays within them.
    let (mut quoted, mut escaped) = (false, false);
    let mut numbers = text.split(|c: char| {
        let ends = quoted || !(c.is_ascii_digit() || c == '.');
        match c {
            '"' if !escaped => (quoted, escaped) = (!quoted, false),
            '\\' => escaped = quoted && !escaped,
            _ => escaped = false,
        }
        ends
    });
    numbers.all(|it| {
        it.len() <= EXACT_DIGITS
            || it.parse::<u64>().is_ok()
            || it.contains('.') && it.parse().is_ok_and(|number: f64| number.to_string() == it)
    })
}

/// `text` as JSON if it is that and holds all that it shows, its strings made harmless.
pub fn json(text: &str) -> Option<Value> {
    let first = text.trim_start().bytes().next()?;
    if !is_exact(text) || !(first.is_ascii_digit() || b"{[\"-tfn".contains(&first)) {
        return None;
    }
    let value = serde_json::from_str(text).ok()?;
    let mut names = Names(0);
    // Of two members with one name a value holds the last.
    let whole = walk(text, &mut names).is_err() || names.0 == members(&value);
    clean_json(value, MAX_DEPTH).filter(|_| whole)
}

/// Whether a name stands twice in an object of `text`, which is JSON.
pub fn has_twins(text: &str) -> bool {
    let mut names = Names(0);
    let value = serde_json::from_str(text)
        .ok()
        .filter(|_| walk(text, &mut names).is_ok());
    value.is_some_and(|value| members(&value) < names.0)
}

fn members(value: &Value) -> usize {
    match value {
        Value::Object(map) => map.len() + map.values().map(members).sum::<usize>(),
        Value::Array(items) => items.iter().map(members).sum(),
        _ => 0,
    }
}

/// Counts names of members.
struct Names(usize);

impl Visitor<'_> for Names {
    fn open(&mut self, _: bool) {}
    fn close(&mut self) {}
    fn key(&mut self, _: Text<'_>) {
        self.0 += 1;
    }
    fn scalar(&mut self, _: Scalar<'_>) {}
}

/// None if it nests deeper than `depth`.
fn clean_json(value: Value, depth: usize) -> Option<Value> {
    let inner = depth.checked_sub(1);
    Some(match value {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(items) => {
            let inner = inner?;
            let items = items.into_iter().map(|item| clean_json(item, inner));
            Value::Array(items.collect::<Option<_>>()?)
        }
        Value::Object(map) => {
            let inner = inner?;
            let members = map.into_iter();
            let members = members.map(|(key, value)| Some((key, clean_json(value, inner)?)));
            Value::Object(clean_keys(members.collect::<Option<Map<_, _>>>()?))
        }
        other => other,
    })
}

/// Every text in an answer, names of members included: made harmless, and without secrets.
pub(crate) fn clean_all(value: &mut Value) {
    match value {
        Value::String(text) => {
            if !is_clean(text) {
                *text = clean(text);
            }
            if let Cow::Owned(masked) = mask_connection_strings(text) {
                *text = masked;
            }
            if let Cow::Owned(masked) = mask_secrets(text) {
                *text = masked;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clean_all),
        Value::Object(map) => {
            mask_members(map);
            map.values_mut().for_each(clean_all);
            *map = clean_keys(std::mem::take(map));
        }
        _ => {}
    }
}

/// Names that are alike once they are harmless get a number, so that no member is lost.
fn clean_keys(map: Map<String, Value>) -> Map<String, Value> {
    if map.keys().all(|key| is_clean(key)) {
        return map;
    }
    let mut cleaned = Map::with_capacity(map.len());
    // Members that keep their name do so whatever the others become.
    let mut next = 2u64;
    let kept: std::collections::HashSet<String> =
        map.keys().filter(|key| is_clean(key)).cloned().collect();
    for (key, value) in map {
        let mut name = clean(&key);
        if name != key {
            let plain = name.clone();
            while kept.contains(&name) || cleaned.contains_key(&name) {
                name = format!("{plain} ({next})");
                next += 1;
            }
        }
        cleaned.insert(name, value);
    }
    cleaned
}

/// A payload in one short line: its front as text, or base64 said to be that.
pub fn preview(held: &[u8], size: usize, limit: usize) -> String {
    let whole = held.len() >= size && size <= limit;
    let shown = held.get(..limit).unwrap_or(held);
    let dots = if whole { "" } else { "…" };
    match text(shown, whole) {
        Some(text) => {
            // Lines tell names and values apart.
            let text = clean(&mask_secrets(&Legible(text).to_string()));
            format!("{}{dots}", text.replace(['\n', '\t'], " "))
        }
        None => {
            let third = shown.get(..(limit * 3 / 4).max(3)).unwrap_or(shown);
            let dots = if third.len() < size { "…" } else { "" };
            format!("base64:{}{dots}", STANDARD.encode(third))
        }
    }
}

/// As base64.
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes that base64 stands for; padding may be absent.
///
/// # Errors
/// It is not base64.
pub fn from_base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    let packed: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bare = packed.trim_end_matches('=');
    base64::engine::general_purpose::STANDARD_NO_PAD.decode(bare)
}

/// Bytes that `value` takes as compact JSON.
pub fn json_len(value: &impl serde::Serialize) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => usize::MAX / 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_are_rfc_3339_with_milliseconds_and_zone() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_999);
        assert_eq!(time(at), "2023-11-14T22:13:20.123Z");
    }

    #[test]
    fn every_text_of_an_answer_is_harmless_and_no_member_is_lost() {
        let mut answer = json!({"x": ["a\u{202e}b", {"k\u{fe0f}": 1, "k\u{e0041}": "\u{1b}[2J", "k\u{fffd}": 3}]});
        clean_all(&mut answer);
        let expected = json!({"x": ["a\u{fffd}b",
            {"k\u{fffd} (2)": 1, "k\u{fffd} (3)": "\u{241b}[2J", "k\u{fffd}": 3}]});
        assert_eq!(answer, expected);
    }

    #[test]
    fn what_json_would_change_stays_text() {
        let is = |text: &str| json(text).is_some();
        for kept in [
            "18.0",
            "[0.30000000000000004]",
            r#"{"id":18446744073709551615}"#,
            r#"{"oid":"1.3.6.1.4.1.2680.1.2.7.3.2.0","n":1}"#,
            r#"{"a \"12345678901234567890123\" b":1}"#,
            "9007199254740992",
        ] {
            assert!(is(kept), "{kept}");
        }
        for changed in [
            "9007199254740993",
            "3032303130363030303030323341",
            "[123456789012345678901234]",
            "[0.1234567890123456789]",
        ] {
            assert!(!is(changed), "{changed}");
        }
    }

    #[test]
    fn payloads_by_what_they_are() {
        let shown = |bytes: &[u8]| payload(bytes, bytes.len(), 64);
        assert_eq!(shown(br#"{"t":21.45}"#).value, json!({"t": 21.45}));
        assert_eq!(shown(b"23.5").value, json!(23.5));
        assert_eq!(shown(b"ON").encoding, Encoding::Text);
        assert_eq!(shown(b"").value, json!(""));
        assert_eq!(shown(&[0xff, 0x00]).value, json!("/wA="));
        assert_eq!(
            shown("{\"\u{1b}[2J\":\"\\u001b[31m\"".as_bytes()).value,
            json!("{\"␛[2J\":\"\\u001b[31m\"")
        );
        assert_eq!(shown(br#"{"a":"\u001b[31m"}"#).value, json!({"a": "␛[31m"}));
    }

    #[test]
    fn what_is_cut_says_so_and_is_not_cut_through_a_character() {
        let text = "äöü".repeat(40);
        let cut = payload(text.as_bytes(), text.len(), 63);
        assert_eq!((cut.encoding, cut.cut), (Encoding::Text, Some(62)));
        let held = payload(b"{\"a\":1", 4_000, 64);
        assert_eq!((held.encoding, held.cut), (Encoding::Text, Some(6)));
        let binary = payload(&[0xff; 100], 100, 64);
        assert_eq!((binary.encoding, binary.cut), (Encoding::Base64, Some(64)));
    }

    #[test]
    fn nothing_that_steers_or_hides_survives() {
        let nasty = "a\u{1b}]0;x\u{7}\u{9b}\u{202e}\u{e0041}\r\nb";
        let shown = clean(nasty);
        assert_eq!(shown, "a␛]0;x␇\u{fffd}\u{fffd}\u{fffd}␍\nb");
    }

    #[test]
    fn json_that_nests_too_deep_is_shown_as_text() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let shown = |text: String| payload(text.as_bytes(), text.len(), 4_096).encoding;
        assert_eq!(shown(nested(MAX_DEPTH)), Encoding::Json);
        assert_eq!(shown(nested(MAX_DEPTH + 1)), Encoding::Text);
        assert_eq!(shown(nested(1_000)), Encoding::Text);
    }

    #[test]
    fn previews_are_one_line() {
        assert_eq!(preview(b"a\nb", 3, 48), "a b");
        assert_eq!(preview(b"abcdef", 600, 4), "abcd…");
        assert_eq!(preview(&[0xff, 0xfe, 0xfd], 3, 48), "base64://79");
    }

    #[test]
    fn rates_keep_three_digits() {
        assert_eq!(
            [rounded(0.123456), rounded(1234.5), rounded(0.0)],
            [0.123, 1230.0, 0.0]
        );
    }

    #[test]
    fn base64_with_and_without_padding() {
        assert_eq!(from_base64("/wA=\n").unwrap(), [0xff, 0]);
        assert_eq!(from_base64("/wA").unwrap(), [0xff, 0]);
        assert!(from_base64("!").is_err());
    }
}
