//! The dearest messages that a broker may send, each through every accumulator of a listener at once: a session's task
//! takes no other message, and answers nobody, while it works on one.

use bitsperity_mqtt_core::payload::decode::{Aliases, ROOM, decode};
use bitsperity_mqtt_core::payload::{Facts, Memo, inspect_decoded, inspect_into};
use bitsperity_mqtt_core::reduce::health::{ChannelSlot, DeviceSlot, Entry, Pattern};
use bitsperity_mqtt_core::reduce::prune::Slot;
use bitsperity_mqtt_core::reduce::schema::{Family, Node, Row, Storage, Value};
use bitsperity_mqtt_core::reduce::stats::{Flow, Heavy, TopicStats};
use bitsperity_mqtt_core::reduce::topics::TopicSlot;
use bitsperity_mqtt_core::reduce::{Health, Pruner, Record, Schemas, Stats, Topics};
use bitsperity_mqtt_core::time::Instant;

/// Bytes of the largest packet that is taken by default.
const PAYLOAD: usize = 1 << 20;
/// Bytes of the longest topic that MQTT allows.
const TOPIC: usize = 65_535;
const TARGET: usize = 50;

type Make = fn(u64) -> Vec<u8>;

/// What is sent, each time a little different so that nothing known helps.
pub const MESSAGES: [(&str, Make); 15] = [
    ("worst: an array of small numbers", |n| {
        wrapped("[", "1,", &format!("{n}]"))
    }),
    ("worst: an array of long numbers", |n| {
        wrapped("[", "-1.234567890123456789e-7,", &format!("{n}]"))
    }),
    ("worst: members of new names", members),
    ("worst: one name again and again", |n| {
        wrapped("{", "\"state\":\"error\",", &format!("\"n\":{n}}}"))
    }),
    ("worst: nested to the bottom", |n| {
        wrapped("", "[", &n.to_string())
    }),
    ("worst: small objects in an array", |n| {
        wrapped("[", r#"{"a":{"b":[{}]}},"#, &format!("{n}]"))
    }),
    ("worst: a string of escapes", |n| {
        wrapped("{\"error\":\"", "\\u0041", &format!("{n}\"}}"))
    }),
    ("worst: JSON that breaks at its end", |n| {
        wrapped("[", "\"fault\",", &n.to_string())
    }),
    ("worst: words of errors", |n| {
        wrapped("", "no error failed, ", &n.to_string())
    }),
    ("worst: pairs of key and value", |n| {
        wrapped("", "k=1 ", &n.to_string())
    }),
    ("worst: lines of values", |n| {
        wrapped("", "1;2;3\n", &n.to_string())
    }),
    ("worst: XML", |n| {
        wrapped("<r>", "<a b='c'/>", &format!("{n}</r>"))
    }),
    ("worst: CBOR", |n| {
        binary(&[0x9f], &[0xa1, 0x61, b'a', 0x80], n)
    }),
    ("worst: protobuf", |n| {
        binary(&[], &[0x0a, 0x02, 0x08, 0x01], n)
    }),
    ("worst: characters of base64", |n| {
        wrapped("", "QUJD", &format!("{:04}", n % 10_000))
    }),
];

fn wrapped(front: &str, piece: &str, back: &str) -> Vec<u8> {
    binary(front.as_bytes(), piece.as_bytes(), 0)
        .into_iter()
        .take((PAYLOAD - back.len()) / piece.len() * piece.len() + front.len())
        .chain(back.bytes())
        .collect()
}

fn binary(front: &[u8], piece: &[u8], n: u64) -> Vec<u8> {
    let mut out = front.to_vec();
    while out.len() + piece.len() <= PAYLOAD {
        out.extend_from_slice(piece);
    }
    if n > 0 {
        out.extend_from_slice(&[u8::try_from(n % 24).unwrap_or_default()]);
    }
    out
}

fn members(n: u64) -> Vec<u8> {
    let mut out = String::from("{");
    // Cheap to make: what it costs is counted as well.
    let mut name = [b'a'; 8];
    while out.len() + 32 < PAYLOAD {
        for letter in &mut name {
            *letter = if *letter == b'z' { b'a' } else { *letter + 1 };
            if *letter != b'a' {
                break;
            }
        }
        name[7] = b'a' + (n % 26) as u8;
        out.push('"');
        out.extend(name.map(char::from));
        out.push_str("\":1,");
    }
    out.push_str("\"z\":0}");
    out.into_bytes()
}

/// A topic of as many levels as fit.
fn topic(n: u64) -> String {
    let end = n.to_string();
    format!("{}{end}", "a/".repeat((TOPIC - end.len()) / 2))
}

struct Nobody;

impl Aliases for Nobody {
    fn learn(&mut self, _: (&str, &str), _: u64, _: &str, _: u32) {}

    fn find(&self, _: (&str, &str), _: u64) -> Option<(&str, u32)> {
        None
    }
}

/// So many of such messages through all accumulators.
pub fn run(make: Make, times: u64) {
    let slots = vec![Slot::default(); Pruner::<Vec<Slot>, Vec<u8>>::slots_for(TARGET)];
    let mut pruner = Box::new(Pruner::new(slots, vec![0; 256 * 1024], TARGET, 1024));
    let slots = vec![TopicSlot::default(); 1_000];
    let mut topics = Topics::new(slots, vec![0; 2_048], vec![0; 96_000], 7);
    let mut schemas = Box::new(Schemas::new(
        Storage {
            families: vec![Family::default(); 64],
            nodes: vec![Node::default(); 1_024],
            rows: vec![Row::default(); 256],
            values: vec![Value::default(); 768],
            text: vec![0; 16_384],
        },
        1,
    ));
    let room = (
        vec![DeviceSlot::default(); 256],
        vec![Entry::default(); 1_024],
        vec![ChannelSlot::default(); 2_048],
        vec![0; 131_072],
    );
    let mut health = Health::new(room, Pattern::all(), 7);
    let heavy = Heavy::new(
        vec![TopicStats::default(); 64],
        vec![0; 128],
        vec![0; 8_192],
        7,
    );
    let mut stats = Stats::new(vec![Flow::new(Instant::ZERO)], heavy);
    let mut memo = Box::new(Memo::new(1));
    let mut text = vec![0; ROOM];
    for n in 1..=times {
        let (topic, payload) = (topic(n), make(n));
        let record = Record {
            at: Instant::from_micros(n * 100_000),
            topic: &topic,
            payload: &payload,
            qos: 0,
            retain: false,
        };
        let mut facts = Facts::new();
        match decode(&topic, &payload, &mut Nobody, &mut text) {
            Some(decoded) => inspect_decoded(&mut facts, &mut memo, &topic, decoded),
            None => inspect_into(&mut facts, &mut memo, &topic, &payload),
        }
        pruner.record(&record, &facts);
        schemas.record(&record, n % 4, facts.content_format());
        stats.record(&record, n * 100_000, 0);
        health.record(&record, &facts, Some(n * 100_000));
        topics.record(&record, &facts);
    }
    assert_eq!(pruner.count(), times);
}
