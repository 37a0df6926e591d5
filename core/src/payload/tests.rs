//! The walk against serde_json, and what holds for any message; how often the judgement is right is measured in the
//! package of the benches (`quality`).

#![allow(clippy::print_stdout)] // what was measured, shown when a test is asked to show it
extern crate std;
use super::json::{self, Ignore};
use super::{Format, Severity, front, inspect};
use std::format;
use std::path::PathBuf;
use std::println;
use std::string::ToString;
use std::vec::Vec;

/// Third-party data beside the repository; none where it is absent.
pub(crate) fn rows(file: &str) -> Option<Vec<serde_json::Value>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data")
        .join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no {file}");
        return None;
    };
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

#[test]
fn walk_agrees_with_serde_json() {
    let seeds = [
        r#"{"a":1,"b":[true,false,null,"x\n\u00e4\ud83d\ude00"],"c":{"d":-0.5e+10,"":{}},"e":[]}"#,
        r#"  [ 0 , -1 , 1.5 , 2e3 , "" , [ [ ] ] , { "k" : "v" } ]  "#,
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "-12.25",
        "true",
    ];
    let bytes = br#"{}[]",:\0123eE+-.truefalsn u"#;
    let mut state = 1u64;
    let mut random = move |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % n
    };
    let mut accepted = 0;
    for round in 0..60_000 {
        let mut text: Vec<u8> = seeds[round % seeds.len()].bytes().collect();
        for _ in 0..round % 4 {
            let at = random(text.len());
            match random(4) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, bytes[random(bytes.len())]),
                2 => text[at] = bytes[random(bytes.len())],
                _ => text.truncate(at.max(1)),
            }
            if text.is_empty() {
                text.push(b'1');
            }
        }
        let Ok(text) = core::str::from_utf8(&text) else {
            continue;
        };
        let ours = json::walk(text, &mut Ignore).is_ok();
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(_) => assert!(ours, "refused: {text}"),
            Err(error) if error.to_string().contains("out of range") => {}
            Err(error) => assert!(!ours, "accepted: {text} ({error})"),
        }
        accepted += u32::from(ours);
    }
    assert!(accepted > 10_000 && accepted < 55_000, "{accepted}");
}

#[test]
fn limits_hold_and_depth_agrees_with_serde_json() {
    for depth in [1, 126, 127, 128, 129, 100_000] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let ours = json::walk(&text, &mut Ignore).is_ok();
        assert_eq!(
            ours,
            serde_json::from_str::<serde_json::Value>(&text).is_ok(),
            "{depth}"
        );
    }
    let key = format!("{{\"{}\":1}}", "k".repeat(json::MAX_KEY + 1));
    assert_eq!(json::walk(&key, &mut Ignore), Err(json::Fault::Limit));
    let number = "1".repeat(json::MAX_NUMBER + 1);
    assert_eq!(json::walk(&number, &mut Ignore), Err(json::Fault::Limit));
}

#[test]
fn of_a_long_text_the_front_is_judged_and_all_is_checked() {
    #[derive(Default)]
    struct Count(usize);
    impl json::Visitor<'_> for Count {
        fn open(&mut self, _: bool) {
            self.0 += 1;
        }
        fn close(&mut self) {
            self.0 += 1;
        }
        fn key(&mut self, _: json::Text<'_>) {
            self.0 += 1;
        }
        fn scalar(&mut self, _: json::Scalar<'_>) {
            self.0 += 1;
        }
    }
    let numbers = "1,".repeat(front::JUDGED_EVENTS);
    let (whole, cut) = (format!("[{numbers}1]"), format!("[{numbers}"));
    for rest in [front::Rest::Check, front::Rest::Leave] {
        let mut count = Count::default();
        assert_eq!(front::walk_front(&whole, &mut count, rest), Ok(()));
        assert_eq!(count.0, front::JUDGED_EVENTS);
    }
    let checked = front::walk_front(&cut, &mut Count::default(), front::Rest::Check);
    assert_eq!(checked, Err(json::Fault::End));
    let mut all = Count::default();
    assert_eq!(json::walk(&whole, &mut all), Ok(()));
    assert_eq!(all.0, front::JUDGED_EVENTS + 3);
    let facts = inspect("plant/log", cut.as_bytes());
    assert_eq!(facts.format, Format::JsonInvalid);
}

#[test]
fn any_bytes_are_looked_at() {
    let mut state = 7u64;
    let mut payload = Vec::new();
    for round in 0..20_000u32 {
        payload.clear();
        for _ in 0..round % 70 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            payload.push(u8::try_from(state >> 56).unwrap() >> (round % 3));
        }
        let facts = inspect("a/b", &payload);
        assert!(facts.confidence <= 100);
        assert_eq!(facts.reason.is_some(), facts.severity != Severity::None);
        let again = inspect("a/b", &payload);
        assert_eq!(
            (facts.shape, facts.kind, facts.format),
            (again.shape, again.kind, again.format)
        );
    }
}

#[test]
fn shape_is_of_keys_and_types_not_of_values() {
    let shape = |topic, payload: &str| inspect(topic, payload.as_bytes()).shape;
    let one = shape("home/1/state", r#"{"a":1,"b":[{"c":1},{"c":2}]}"#);
    assert_eq!(one, shape("home/22/state", r#"{"b":[{"c":true}],"a":2.5}"#));
    assert_eq!(one, shape("home/1/state", r#"{"a":null,"b":[{"c":1}]}"#));
    assert_ne!(one, shape("home/1/state", r#"{"a":"x","b":[{"c":1}]}"#));
    assert_ne!(one, shape("home/1/state", r#"{"a":1,"b":[{"d":1}]}"#));
    assert_ne!(one, shape("home/1/state", r#"{"a":1}"#));
    assert_ne!(
        one,
        shape("home/1/config", r#"{"a":1,"b":[{"c":1},{"c":2}]}"#)
    );
}

#[test]
fn bare_values_of_different_topics_have_different_shapes() {
    let facts = |topic| inspect(topic, b"21.5");
    assert_ne!(facts("a/temperature").shape, facts("a/humidity").shape);
    assert_eq!(
        facts("a/1/temperature").shape,
        facts("a/2/temperature").shape
    );
}

#[test]
fn what_varies_in_a_topic_is_masked() {
    let class = |topic| inspect(topic, b"").class;
    for (one, other) in [
        ("a/sensor007/b", "a/sensor1234/b"),
        ("a/shelly-a8032abe54dc", "a/shelly-b9032abe5400"),
        ("a/0x00158d0001abcd/b", "a/0x00158d0001ffff/b"),
        ("a/k3j9x2m1/b", "a/z1j8x4m7/b"),
        (
            "a/f47ac10b-58cc-4372-a567-0e02b2c3d479/b",
            "a/7d444840-9dc0-11d1-b245-5ffdce74fad2/b",
        ),
    ] {
        assert_eq!(class(one), class(other), "{one} {other}");
    }
    for (one, other) in [
        ("a/co2/b", "a/pm25/b"),
        ("a/am107", "a/r718t"),
        ("a/temp1", "a/humi1"),
    ] {
        assert_ne!(class(one), class(other), "{one} {other}");
    }
}

#[test]
fn sparkplug_is_told_by_its_topic() {
    let death = inspect("spBv1.0/g/NDEATH/e", &[8, 128, 1]);
    assert_eq!(
        (death.format, death.severity),
        (Format::SparkplugB, Severity::Error)
    );
}

#[test]
fn a_memo_changes_time_only() {
    let Some(rows) = rows("errors_dev.jsonl") else {
        return;
    };
    let mut memo = super::Memo::new(0);
    for row in rows.iter().chain(&rows) {
        let text = |field: &str| row[field].as_str().unwrap();
        let with = super::inspect_with(&mut memo, text("topic"), text("payload").as_bytes());
        let without = inspect(text("topic"), text("payload").as_bytes());
        assert_eq!(format!("{with:?}"), format!("{without:?}"));
    }
}

#[test]
fn formats_of_metrics_positions_and_images() {
    let of = |payload: &[u8]| inspect("a/b", payload).format;
    for line in [
        "cpu,host=a usage=1.5",
        "cpu,host\\=x=a\\ b,zone=2 usage=1i,state=\"a b, c\" 1700000000000000000",
        "# a comment\nm v=t\nm v=2u",
        "m f=-1e3 -5",
    ] {
        assert_eq!(of(line.as_bytes()), Format::LineProtocol, "{line}");
    }
    for line in ["a b=c d", "hello there=you", "temp=21.5 hum=40"] {
        assert_ne!(of(line.as_bytes()), Format::LineProtocol, "{line}");
    }
    let metrics =
        "# HELP up Whether it is up.\n# TYPE up gauge\nup 1\nup{job=\"a b\"} NaN 1700000000000\n";
    assert_eq!(of(metrics.as_bytes()), Format::Prometheus);
    assert_ne!(of(b"up 1"), Format::Prometheus);
    assert_eq!(of(b"$GPGLL,4916.45,N,12311.12,W,225444,A*31"), Format::Nmea);
    assert_eq!(of(b"$GPGLL,4916.45,N,12311.12,W,225444,A*32"), Format::Nmea);
    assert_ne!(of(b"$GPGLL,4916.45,N,12311.12,W,225444,A*3x"), Format::Nmea);
    assert_eq!(of(b"GIF89a\x01\x00\x01\x00\x80\xff"), Format::Gif);
    assert_eq!(of(b"RIFF\x24\x00\x00\x00WEBPVP8 \xff"), Format::Webp);
    // What Python writes is read, and said to be almost JSON only.
    assert_eq!(of(br#"{"a":1,"b":NaN}"#), Format::JsonObject);
    assert_eq!(of(br#"{"a":1,"b":"x"#), Format::JsonInvalid);
    assert_eq!(of(b"level: 5, fault: none"), Format::KeyValue);
    assert_eq!(of(b"one, two and three\nfour, five and six"), Format::Text);
    assert_eq!(of(b"time,value\n1,2\n2,3"), Format::Csv);
    assert_eq!(of(b"3032303130363030303030323341"), Format::Hex);
    assert_eq!(of(b"9007199254740992"), Format::Number);
    assert_eq!(of(b"90071992547409931"), Format::Text);
}

#[test]
fn other_formats_are_called_by_their_names() {
    let of = |payload: &[u8]| inspect("a/b", payload).format.name();
    for (payload, name) in [
        (&b"17,25"[..], "number"),
        (b"17,25,3", "csv"),
        (b"A7|18.2|run|40", "csv"),
        (b"F:18.2;G:40;mode:idle", "key_value"),
        (b"pressure: 1.9\nflow: 12\n", "key_value"),
        (b"boot_total 4\nfree_heap_bytes 9120\n", "prometheus"),
        (b"1-0:2.7.0*255(000.31*kW)", "obis"),
        (b"[radio]\nchannel = 6\n", "ini"),
        (b"tank:\n  level: 3\n", "yaml"),
        (b"05.03.2026 07:11:00", "timestamp"),
        (
            b"<30>1 2026-03-05T07:11:00Z gw app - - [x@1 a=\"b\"] up",
            "log_line",
        ),
        (b"eyJmbG93IjoxMi41LCJpZCI6ImE_In0", "base64"),
        (b"0x01 0x03 0x10", "hex"),
        (b"7E:01:F0:22", "hex"),
        (b"data:image/png;base64,iVBORw0KGgo=", "text"),
        (b"ready\x07 \x1b[32mgreen\x1b[0m", "text"),
        (b"stop\0\0", "text"),
        (b"{\"flow\":2}\0", "json_object"),
        (b"{\"flow\":2}{\"flow\":3}", "json_lines"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "zstd"),
        (b"\x0c\0\0\0\x10a\0\x07\0\0\0\0", "bson"),
        (b"\x08\x66", "binary"),
    ] {
        assert_eq!(of(payload), name, "{}", payload.escape_ascii());
    }
}
