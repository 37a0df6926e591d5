extern crate std;
use super::*;
use std::string::{String, ToString};
use std::vec::Vec;

#[derive(Default)]
struct Known(std::collections::HashMap<(String, u64), (String, u32)>);

impl Aliases for Known {
    fn learn(&mut self, owner: (&str, &str), alias: u64, name: &str, datatype: u32) {
        let key = (std::format!("{owner:?}"), alias);
        self.0.insert(key, (name.to_string(), datatype));
    }

    fn find(&self, owner: (&str, &str), alias: u64) -> Option<(&str, u32)> {
        let found = self.0.get(&(std::format!("{owner:?}"), alias))?;
        Some((&found.0, found.1))
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn shown(topic: &str, payload: &[u8]) -> Option<(Format, String)> {
    let mut room = std::vec![0; ROOM];
    let decoded = decode(topic, payload, &mut NoAliases, &mut room)?;
    Some((decoded.format, decoded.text.to_string()))
}

fn is(payload: &[u8], format: Format, json: &str) {
    let (found, text) = shown("a/b", payload).unwrap_or_else(|| panic!("{json}"));
    assert_eq!((found, text.as_str()), (format, json));
}

fn hurt(payload: &[u8]) -> (String, Option<Damage>) {
    let mut room = std::vec![0; ROOM];
    let decoded = decode("a/b", payload, &mut NoAliases, &mut room).unwrap();
    (decoded.text.to_string(), decoded.damage)
}

#[test]
fn text_in_other_encodings_is_read() {
    is(
        b"\xdcberlauf am Beh\xe4lter: 35 \xb0C",
        Format::Latin1,
        "Überlauf am Behälter: 35 °C",
    );
    is(b"d\xe9bit 12 \x80", Format::Latin1, "débit 12 €");
    is(b"Gr\xf6\xdfe", Format::Latin1, "Größe");
    is(b"\xff\xfeT\0\xfc\0r\0", Format::Utf16, "Tür");
    is(b"\0o\0p\0e\0n", Format::Utf16, "open");
    let broken = (r#"{"ort":"Tür"}"#.to_string(), Some(Damage::Malformed));
    assert_eq!(hurt(b"{\"ort\":\"T\xfcr\"}"), broken);
    // Four bytes of a float, a frame of a bus, a character cut in two.
    for other in [
        &b"A\xe4\x66\x66"[..],
        b"\x01\x03\x04\x00\xc8\x01\xe0\xfa",
        b"ab\xe4",
    ] {
        assert_eq!(shown("a/b", other), None, "{other:?}");
    }
}

#[test]
fn what_is_cut_or_damaged_is_shown_as_far_as_it_goes() {
    use flate2::{Compression, write::GzEncoder, write::ZlibEncoder};
    use std::io::Write;
    let text = r#"{"sluice":"north","gates":[1,2,3],"level":4.25}"#;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(hurt(&gzip), (text.to_string(), None));
    assert_eq!(hurt(&gzip[..gzip.len() - 3]).1, Some(Damage::Cut));
    let (front, damage) = hurt(&gzip[..gzip.len() - 20]);
    assert!(!front.is_empty() && text.starts_with(&front), "{front}");
    assert_eq!(damage, Some(Damage::Cut));
    let mut other = gzip.clone();
    other[gzip.len() - 8] ^= 1;
    assert_eq!(hurt(&other), (text.to_string(), Some(Damage::Checksum)));
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(text.as_bytes()).unwrap();
    let mut zlib = zlib.finish().unwrap();
    *zlib.last_mut().unwrap() ^= 1;
    assert_eq!(hurt(&zlib), (text.to_string(), Some(Damage::Checksum)));
    let cbor = b"\xa2\x65level\x18\x2a\x65gates\x83\x01\x02";
    assert_eq!(
        hurt(cbor),
        (r#"{"level":42}"#.to_string(), Some(Damage::Cut))
    );
    let pack = b"\x82\xa5level\x2a\xa5state\xa4op";
    assert_eq!(
        hurt(pack),
        (r#"{"level":42}"#.to_string(), Some(Damage::Cut))
    );
}

#[test]
fn cbor_becomes_json() {
    // RFC 8949, appendix A, inside of maps and arrays.
    is(
        &hex("a3 61 61 01 61 62 82 02 03 61 63 f5"),
        Format::Cbor,
        r#"{"a":1,"b":[2,3],"c":true}"#,
    );
    is(
        &hex(
            "8a f97bff f93c00 f9c400 f90001 f97e00 f97c00 fa47c35000 fb3ff199999999999a 3bffffffffffffffff 1bffffffffffffffff",
        ),
        Format::Cbor,
        r#"[65504.0,1.0,-4.0,5.9604645e-8,"NaN","Infinity",100000.0,1.1,-18446744073709551616,18446744073709551615]"#,
    );
    is(
        &hex("bf 63 46756e f5 63 416d74 21 ff"),
        Format::Cbor,
        r#"{"Fun":true,"Amt":-2}"#,
    );
    is(
        &hex("9f 7f 65 7374726561 64 6d696e67 ff 5f 42 0102 43 030405 ff f6 c1 1a 514b67b0 ff"),
        Format::Cbor,
        r#"["streaming","0102",null,1363896240]"#,
    );
    is(
        &hex("d9d9f7 a1 01 43 0a0b0c"),
        Format::Cbor,
        r#"{"1":"0a0b0c"}"#,
    );
}

#[test]
fn messagepack_becomes_json() {
    is(
        &hex("82 a7 636f6d70616374 c3 a6 736368656d61 00"),
        Format::MessagePack,
        r#"{"compact":true,"schema":0}"#,
    );
    is(
        &hex(
            "89 a161 ff a162 d0 80 a163 d1 8000 a164 cb 3ff199999999999a a165 ca 41a9999a a166 c4 02 beef a167 d6 ff 5a4af6a5 a168 c0 a169 93 01 cd 0100 d9 02 6f6b",
        ),
        Format::MessagePack,
        r#"{"a":-1,"b":-128,"c":-32768,"d":1.1,"e":21.2,"f":"beef","g":1514862245,"h":null,"i":[1,256,"ok"]}"#,
    );
}

#[test]
fn protobuf_becomes_its_fields_by_number() {
    // 1: 150, 2: "testing", 3: { 1: 7, 2: 9 }, 4 twice, 5: a float, 6: bytes.
    let bytes = hex("089601 1207 74657374696e67 1a04 08071009 2001 2002 2d 0000b041 3203 ff00fe");
    is(
        &bytes,
        Format::Protobuf,
        r#"{"1":150,"2":"testing","3":{"1":7,"2":9},"4":[1,2],"5":22.0,"6":"ff00fe"}"#,
    );
    // Two random bytes can be one field.
    assert_eq!(shown("a/b", &[0x08, 0x2a]), None);
}

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut all = std::vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
    all.extend(content);
    all
}

#[test]
fn sparkplug_metrics_have_the_names_of_their_births() {
    let mut known = Known::default();
    let mut room = std::vec![0; ROOM];
    let mut told = |topic: &str, payload: &[u8]| {
        let decoded = decode(topic, payload, &mut known, &mut room).unwrap();
        assert_eq!(decoded.format, Format::SparkplugB);
        decoded.text.to_string()
    };
    // Tank/Level, alias 7, Int16, -2; Valve, Boolean.
    let level = [
        &field(1, b"Tank/Level")[..],
        &[0x10, 7, 0x20, 2, 0x50, 0xfe, 0xff, 3],
    ]
    .concat();
    let valve = [&field(1, b"Valve")[..], &[0x20, 11, 0x70, 1]].concat();
    let birth = [
        &[8, 5][..],
        &field(2, &level),
        &field(2, &valve),
        &[0x18, 0],
    ]
    .concat();
    let data = [&field(2, &[0x10, 7, 0x50, 0xff, 0xff, 3])[..], &[0x18, 1]].concat();
    let quality = [&field(1, b"Quality")[..], &field(2, &[8, 3, 0x18, 0])].concat();
    let bad = [&[0x10, 7, 0x50, 4][..], &field(9, &quality)].concat();
    let bad = [&field(2, &bad)[..], &field(2, &[0x10, 9, 0x38, 1])].concat();
    // Before the birth only the alias is known.
    assert_eq!(told("spBv1.0/g/DDATA/n/d", &data), r#"{"alias 7":65535}"#);
    assert_eq!(
        told("spBv1.0/g/DBIRTH/n/d", &birth),
        r#"{"Tank/Level":-2,"Valve":true}"#
    );
    assert_eq!(told("spBv1.0/g/DDATA/n/d", &data), r#"{"Tank/Level":-1}"#);
    assert_eq!(told("spBv1.0/g/DDATA/n/e", &data), r#"{"alias 7":65535}"#);
    assert_eq!(
        told("spBv1.0/g/DDATA/n/d", &bad),
        r#"{"Tank/Level":4,"alias 9":null,"$quality":{"Tank/Level":0}}"#
    );
}

#[test]
fn what_does_not_fit_is_left_out_and_said() {
    // An array of texts that takes twice the room.
    let text = [b'x'; 200];
    let mut bytes = std::vec![0x9f];
    for _ in 0..2 * ROOM / 200 {
        bytes.extend([0x78, 200]);
        bytes.extend(text);
    }
    bytes.push(0xff);
    let mut room = std::vec![0; ROOM];
    let decoded = decode("a", &bytes, &mut NoAliases, &mut room).unwrap();
    assert!(!decoded.whole && decoded.text.len() > ROOM / 3 - 300);
    serde_json::from_str::<serde_json::Value>(decoded.text).unwrap();
}

#[test]
fn any_bytes_give_valid_json_or_nothing() {
    let seeds = [
        hex("bf63416d74a3616101616282020361637f61616162ffff"),
        hex("89a161ffa162d080a164cb3ff199999999999aa16993 01cd0100d9026f6b"),
        hex("089601120774657374696e671a0408071009200120022d0000b041"),
        [
            &field(
                2,
                &[&field(1, b"n")[..], &[0x50, 3], &field(9, &field(1, b"q"))].concat(),
            )[..],
            &[0x18, 1],
        ]
        .concat(),
    ];
    let mut state = 9u64;
    let mut room = std::vec![0; ROOM];
    let mut known = Known::default();
    let mut any = 0;
    for round in 0..40_000usize {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..round % 4 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let at = usize::try_from(state >> 33).unwrap() % bytes.len();
            bytes[at] = (state >> 20) as u8;
        }
        for topic in ["a", "spBv1.0/g/DBIRTH/n/d"] {
            let Some(decoded) = decode(topic, &bytes, &mut known, &mut room) else {
                continue;
            };
            any += 1;
            let parsed = serde_json::from_str::<serde_json::Value>(decoded.text);
            assert!(parsed.is_ok(), "{:?} of {bytes:x?}", decoded.text);
        }
    }
    assert!(any > 10_000, "{any}");
}

#[test]
fn containers_that_promise_much_take_nothing() {
    // Arrays of four thousand million, one in another, and the same as maps.
    for bytes in [
        hex("9affffffff").repeat(9_000),
        hex("ddffffffff").repeat(9_000),
        hex("81").repeat(70_000),
    ] {
        assert_eq!(shown("a", &bytes), None);
    }
    let mut nested = std::vec![];
    for _ in 0..60 {
        nested = [
            &[0x0a, u8::try_from(nested.len() + 2).unwrap_or(200)][..],
            &nested,
            &[8, 1],
        ]
        .concat();
    }
    if let Some((_, text)) = shown("a", &nested) {
        assert!(text.matches('{').count() <= 9);
    }
}
