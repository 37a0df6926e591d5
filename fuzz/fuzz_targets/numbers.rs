//! Any texts where numbers are expected, through the accumulators. Input: texts, separated by line ends; each goes round
//! every place where a number is read. What comes in is finite, and whatever is asked of an accumulator is finite.
#![no_main]

use bitsperity_mqtt_core::payload::inspect;
use bitsperity_mqtt_core::reduce::health::{ChannelSlot, DeviceSlot, Entry, Pattern};
use bitsperity_mqtt_core::reduce::prune::{Choice, Slot};
use bitsperity_mqtt_core::reduce::schema::{Family, Node, Row, Storage, Value};
use bitsperity_mqtt_core::reduce::stats::{Flow, Heavy, TopicStats};
use bitsperity_mqtt_core::reduce::{Health, Pruner, Record, Schemas, Stats};
use bitsperity_mqtt_core::time::Instant;
use libfuzzer_sys::fuzz_target;

/// More than the thirteen alike that a range needs before its bounds are used.
const ROUNDS: usize = 14;

/// Texts of one input: work must stay within what a unit may take.
const MAX_TEXTS: usize = 6;

type Table = Health<Vec<DeviceSlot>, Vec<Entry>, Vec<ChannelSlot>, Vec<u8>>;
type Shapes = Schemas<Vec<Family>, Vec<Node>, Vec<Row>, Vec<Value>, Vec<u8>>;
type Numbers = Stats<Vec<Flow>, Vec<TopicStats>, Vec<u32>, Vec<u8>>;

struct Sums {
    pruner: Pruner<Vec<Slot>, Vec<u8>>,
    health: Table,
    schemas: Shapes,
    stats: Numbers,
    now: Instant,
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    let texts: Vec<&str> = text.split('\n').take(MAX_TEXTS).collect();
    let mut sums = Sums::new();
    // Each many times, then all in turn, so that each is a step from the one before.
    for text in &texts {
        (0..ROUNDS).for_each(|_| sums.take(text));
    }
    (0..3).for_each(|_| texts.iter().for_each(|text| sums.take(text)));
    sums.check();
});

/// The number alone, as a field of several kinds of text, and where a device's vital signs are read.
fn payloads(number: &str) -> [(&'static str, String); 5] {
    [
        ("plant/1/level", number.to_owned()),
        (
            "zigbee2mqtt/lamp",
            format!(r#"{{"temperature":{number},"battery":{number},"linkquality":{number}}}"#),
        ),
        (
            "tele/plug/STATE",
            format!(r#"{{"UptimeSec":{number},"Wifi":{{"RSSI":{number}}}}}"#),
        ),
        ("plant/3", format!("level={number},flow={number}")),
        (
            "plant/4",
            format!("weather,location=us temperature={number}"),
        ),
    ]
}

impl Sums {
    fn new() -> Self {
        let room = (
            vec![DeviceSlot::default(); 8],
            vec![Entry::default(); 64],
            vec![ChannelSlot::default(); 24],
            vec![0; 2_048],
        );
        let memory = Storage {
            families: vec![Family::default(); 6],
            nodes: vec![Node::default(); 32],
            rows: vec![Row::default(); 16],
            values: vec![Value::default(); 16],
            text: vec![0; 4_096],
        };
        let heavy = Heavy::new(vec![TopicStats::default(); 8], vec![0; 16], vec![0; 128], 7);
        Self {
            pruner: Pruner::new(vec![Slot::default(); 32], vec![0; 8_192], 8, 256),
            health: Health::new(room, Pattern::all(), 7),
            schemas: Schemas::new(memory, 7),
            stats: Stats::new(vec![Flow::new(Instant::ZERO)], heavy),
            now: Instant::ZERO,
        }
    }

    fn take(&mut self, number: &str) {
        for (topic, payload) in payloads(number) {
            let micros = self.now.as_micros() + 700_000;
            self.now = Instant::from_micros(micros);
            let record = Record {
                at: self.now,
                topic,
                payload: payload.as_bytes(),
                qos: 0,
                retain: false,
            };
            let facts = inspect(topic, record.payload);
            assert!(facts.numbers.iter().all(|(_, number)| number.is_finite()));
            self.pruner.record(&record, &facts);
            self.schemas.record(&record, facts.class, facts.format);
            self.stats.record(&record, micros, 1);
            let wall = 1_700_000_000_000_000 + micros;
            self.health.record(&record, &facts, Some(wall));
        }
    }

    fn check(&self) {
        let mut scratch = vec![Choice::default(); self.pruner.scratch_len()];
        assert!(self.pruner.kept(&mut scratch).count() > 0);
        for device in self.health.devices() {
            let _ = device.findings(self.now);
            for channel in device.channels() {
                let numbers = [channel.last, channel.min, channel.max];
                assert!(numbers.iter().all(|number| number.is_finite()));
                assert!(channel.min <= channel.max);
            }
        }
        for flow in self.stats.flows() {
            let trend = flow.series.trend(self.now);
            assert!(trend.is_none_or(|trend| trend.slope.is_finite()));
        }
        for family in self.schemas.families() {
            let (mut schema, mut text) = (String::new(), String::new());
            family.write_schema(&mut schema).unwrap();
            family.write_text_schema(&mut text).unwrap();
            for schema in [schema, text] {
                // `inf` and `NaN` are no JSON, and the parser refuses what an `f64` does not hold.
                let read = serde_json::from_str::<serde_json::Value>(&schema);
                assert!(read.is_ok(), "{schema}");
            }
        }
    }
}
