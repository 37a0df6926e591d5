//! The part of `reduce` that looks at the table of devices: any messages on the topics of every dialect.
//!
//! Nothing is lost from the books, findings hold together whenever one asks, and two halves merge.

use crate::Message;
use bitsperity_mqtt_core::payload::inspect;
use bitsperity_mqtt_core::reduce::health::{
    ChannelSlot, DeviceSlot, Entry, MAX_FINDINGS, Pattern, score,
};
use bitsperity_mqtt_core::reduce::{Health, Record};
use bitsperity_mqtt_core::time::Instant;

const DEVICES: usize = 12;
const TOPICS: [&str; 32] = [
    "a",
    "a/b/status",
    "a/b/telemetry",
    "a/devices/d1/up",
    "zigbee2mqtt/lamp",
    "zigbee2mqtt/lamp/availability",
    "zigbee2mqtt/lamp/set",
    "zigbee2mqtt/bridge/state",
    "zigbee2mqtt/bridge/devices",
    "zigbee2mqtt/bridge/logging",
    "tele/plug/LWT",
    "tele/plug/STATE",
    "tele/plug/INFO3",
    "cmnd/plug/POWER",
    "shellies/s1/online",
    "shellies/s1/sensor/battery",
    "shellyplus-1/events/rpc",
    "shellyplus-1/online",
    "esp/sensor/uptime/state",
    "esp/debug",
    "homie/5/d/$state",
    "homie/d/$stats/signal",
    "spBv1.0/g/NBIRTH/n",
    "spBv1.0/g/NDATA/n",
    "spBv1.0/g/DDATA/n/d",
    "spBv1.0/g/NDEATH/n",
    "spBv1.0/STATE/h",
    "owntracks/a/b",
    "homeassistant/sensor/x/config",
    "homeassistant/status",
    "site/line/machine/status",
    "",
];

type Table = Health<Vec<DeviceSlot>, Vec<Entry>, Vec<ChannelSlot>, Vec<u8>>;

fn table(pattern: Pattern) -> Table {
    let room = (
        vec![DeviceSlot::default(); DEVICES],
        vec![Entry::default(); 64],
        vec![ChannelSlot::default(); 40],
        vec![0; 1_024],
    );
    Health::new(room, pattern, 7)
}

fn feed(table: &mut Table, message: &Message<'_>) {
    let topic = TOPICS[usize::from(message.head & 31)];
    let record = Record {
        at: Instant::from_micros(message.at),
        topic,
        payload: message.payload,
        qos: 0,
        retain: message.retain,
    };
    let facts = inspect(topic, message.payload);
    table.record(&record, &facts, Some(1_700_000_000_000_000 + message.at));
}

/// The whole stream into one table, its halves into two that are merged.
pub(crate) fn check(messages: &[Message<'_>]) {
    let mut whole = table(Pattern::name("lamp"));
    let mut halves = [table(Pattern::all()), table(Pattern::all())];
    for (n, message) in messages.iter().enumerate() {
        feed(&mut whole, message);
        feed(&mut halves[(n / 3 + message.payload.len()) % 2], message);
        if message.payload.is_empty() {
            whole.pause(Instant::from_micros(message.at));
        }
    }
    let now = Instant::from_micros(messages.last().map_or(0, |message| message.at) + 60_000_000);
    assert_sound(&whole, now);
    assert!(whole.wanted().count() <= DEVICES);
    let [mut merged, other] = halves;
    merged.merge(&other);
    assert_sound(&merged, now);
}

fn assert_sound(table: &Table, now: Instant) {
    for device in table.devices() {
        let findings = device.findings(now);
        assert!(findings.len() < MAX_FINDINGS);
        assert!(findings.is_sorted_by(|a, b| a.points >= b.points));
        let points: u32 = findings
            .iter()
            .map(|finding| u32::from(finding.points))
            .sum();
        assert_eq!(u32::from(score(&findings)), 100_u32.saturating_sub(points));
        assert!(device.retained <= device.messages);
        assert!(device.presence.drops() <= device.presence.changes());
        assert!(!device.id().is_empty());
        assert!(
            device
                .channels()
                .all(|channel| channel.min <= channel.max && channel.last.is_finite())
        );
    }
}
