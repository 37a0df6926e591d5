//! Any bytes as a payload: no panic; what is called JSON is what serde_json calls JSON; events are balanced, and what they
//! carry stands in the text; escapes resolve as serde_json resolves them.
#![no_main]

use bitsperity_mqtt_core::payload::decode::{NoAliases, ROOM, decode};
use bitsperity_mqtt_core::payload::json::{Fault, Scalar, Text, Visitor, unescape, walk};
use bitsperity_mqtt_core::payload::{Facts, Format, Memo, inspect, inspect_decoded};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;

const TOPICS: [&str; 6] = [
    "",
    "a/b",
    "zigbee2mqtt/lamp/availability",
    "spBv1.0/g/DDEATH/n/d",
    "$SYS/broker/uptime",
    "x/12/rejected/ä",
];

/// The checksum of RFC 1952, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let bits = |sum: u32, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
    !bytes
        .iter()
        .fold(!0, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), bits))
}

/// Any bytes as a DEFLATE stream; put in a stored block of one they are found again.
fn inside_of_gzip(bytes: &[u8]) {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let packed = [&head[..], bytes].concat();
    let facts = inspect("a", &packed);
    assert_eq!(facts.format, Format::Gzip);
    let Ok(length) = u16::try_from(bytes.len()) else {
        return;
    };
    let ([a, b], [c, d]) = (length.to_le_bytes(), (!length).to_le_bytes());
    let (sum, size) = (crc32(bytes).to_le_bytes(), u32::from(length).to_le_bytes());
    let packed = [&head[..], &[1, a, b, c, d], bytes, &sum, &size].concat();
    let stored = inspect("a", &packed);
    assert!(stored.wraps.is_some());
    let json = inspect("a", bytes).format;
    if [Format::JsonObject, Format::JsonArray].contains(&json)
        && serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
        && !bytes.starts_with(b"\xef\xbb\xbf")
    {
        assert_eq!(stored.wraps, Some(json));
    }
}

/// What is decoded is valid JSON, or the text of a wrapping, within its room; the pass over it says so.
fn decoded(topic: &str, bytes: &[u8]) {
    let mut room = vec![0; ROOM];
    let Some(decoded) = decode(topic, bytes, &mut NoAliases, &mut room) else {
        return;
    };
    // A text in another encoding is text before and after.
    let otherwise = core::str::from_utf8(bytes).is_err() || bytes.contains(&0);
    assert!(decoded.text.len() <= ROOM / 3);
    assert!(!decoded.format.is_text() || decoded.format == Format::Base64 || otherwise);
    let written = [
        Format::Cbor,
        Format::MessagePack,
        Format::Protobuf,
        Format::SparkplugB,
    ];
    let mut memo = Box::new(Memo::new(0));
    let mut facts = Facts::new();
    inspect_decoded(&mut facts, &mut memo, topic, decoded);
    assert_eq!(facts.format, decoded.format);
    if written.contains(&decoded.format) {
        let peer = serde_json::from_str::<IgnoredAny>(decoded.text);
        assert!(peer.is_ok(), "no JSON: {:?}", decoded.text);
        assert!(matches!(
            facts.content_format(),
            Format::JsonObject | Format::JsonArray
        ));
    }
}

fuzz_target!(|bytes: &[u8]| {
    let topic = TOPICS[bytes.len() % TOPICS.len()];
    decoded(topic, bytes);
    let facts = inspect(topic, bytes);
    assert!(facts.confidence <= 100);
    assert_eq!(facts.format == Format::Empty, bytes.is_empty());
    assert!(
        facts
            .reason
            .is_none_or(|reason| !reason.to_string().is_empty())
    );
    assert!(!format!("{facts:?}").is_empty());
    let wraps = [Format::Base64, Format::Gzip, Format::Zlib].contains(&facts.format);
    assert!(wraps || facts.wraps.is_none());
    inside_of_gzip(bytes);
    let Ok(text) = core::str::from_utf8(bytes) else {
        assert!(
            !is_json(facts.format),
            "{:?} without being UTF-8",
            facts.format
        );
        return;
    };
    let mut events = Events {
        depth: 0,
        in_key: false,
        values: 0,
    };
    let verdict = walk(text, &mut events);
    match verdict {
        Ok(()) => {
            // Which knows neither depth nor the range of numbers, as the grammar does not.
            let peer = serde_json::from_str::<IgnoredAny>(text);
            assert!(peer.is_ok(), "not JSON to the peer: {text:?}");
            assert!(events.depth == 0 && !events.in_key && events.values > 0);
            // Digits that no number holds exactly are an identity, which is text.
            let digits = text.trim().bytes().all(|byte| byte.is_ascii_digit());
            let long = digits && text.trim().len() > 15;
            assert!(
                is_json(facts.format) || long,
                "{:?} for {text:?}",
                facts.format
            );
        }
        Err(Fault::Limit) => {}
        Err(fault) => {
            // Which, as we do, refuses half of a surrogate pair.
            let peer = serde_json::from_str::<Value>(text);
            assert!(peer.is_err(), "{fault:?} in the peer's JSON: {text:?}");
        }
    }
});

const fn is_json(format: Format) -> bool {
    matches!(
        format,
        Format::JsonObject
            | Format::JsonArray
            | Format::JsonString
            | Format::Number
            | Format::Bool
            | Format::Null
            | Format::Timestamp
    )
}

struct Events {
    depth: usize,
    in_key: bool,
    values: usize,
}

impl Events {
    fn value(&mut self) {
        self.in_key = false;
        self.values += 1;
    }
}

impl<'a> Visitor<'a> for Events {
    fn open(&mut self, _: bool) {
        self.value();
        self.depth += 1;
    }

    fn close(&mut self) {
        assert!(!self.in_key, "a key without value");
        self.depth = self.depth.checked_sub(1).expect("closed what was not open");
    }

    fn key(&mut self, key: Text<'a>) {
        assert!(!self.in_key && self.depth > 0);
        self.in_key = true;
        check(key);
    }

    fn scalar(&mut self, value: Scalar<'a>) {
        self.value();
        match value {
            Scalar::String(text) => check(text),
            Scalar::Number(number) => assert!(serde_json::from_str::<IgnoredAny>(number).is_ok()),
            Scalar::Null | Scalar::Bool(_) => {}
        }
    }
}

fn check(text: Text<'_>) {
    assert_eq!(text.escaped, text.raw.contains('\\'));
    let mut buffer = vec![0; text.raw.len()];
    let ours = unescape(text.raw, &mut buffer);
    // It refuses a lone half of a surrogate pair, of which the grammar knows nothing.
    if let Ok(theirs) = serde_json::from_str::<String>(&format!("\"{}\"", text.raw)) {
        assert_eq!(ours, theirs);
    }
    let mut short = [0; 3];
    assert!(unescape(text.raw, &mut short).len() <= short.len());
}
