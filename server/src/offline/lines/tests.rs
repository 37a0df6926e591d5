//! Lines of every origin, whole and broken.

use super::*;

fn read(text: &[u8]) -> Result<(u64, String, Vec<u8>, u8, bool), String> {
    let mut seen = None;
    one(text, &mut Clock::default(), |m| {
        let at = m.at.as_micros();
        seen = Some((at, m.topic.to_owned(), m.payload.to_vec(), m.qos, m.retain));
        Ok(())
    })?
    .unwrap();
    Ok(seen.unwrap())
}

fn payload(text: &str) -> Vec<u8> {
    read(text.as_bytes()).unwrap().2
}

#[test]
fn a_line_of_our_own() {
    let line = r#"{"t_ms":1500.25,"topic":"a/ü","qos":1,"retain":true,"payload":"x\ny"}"#;
    let expected = (1_500_250, "a/ü".to_owned(), b"x\ny".to_vec(), 1, true);
    assert_eq!(read(line.as_bytes()), Ok(expected));
    assert_eq!(payload(r#"{"topic":"a","payload_b64":"/wA="}"#), [0xff, 0]);
    assert_eq!(payload(r#" {"payload":""} "#), b"");
}

#[test]
fn lines_of_mosquitto_sub() {
    // As mosquitto_sub 2.0.11 prints them with %j, then with %J.
    let quoted = r#"{"tst":"2026-11-23T01:46:21.545174Z+0100","topic":"a/b","qos":1,"retain":1,"payloadlen":9,"mid":1,"payload":"hello \"x\""}"#;
    let expected = (
        1_795_394_781_545_174,
        "a/b".to_owned(),
        b"hello \"x\"".to_vec(),
        1,
        true,
    );
    assert_eq!(read(quoted.as_bytes()), Ok(expected));
    for (line, expected) in [
        (r#"{"retain":0,"payloadlen":0,"payload":null}"#, &b""[..]),
        (r#"{"retain":0,"payloadlen":4,"payload":null}"#, b"null"),
        (
            r#"{"retain":0,"payloadlen":21,"payload":{"x":1000,"y":[1,2]}}"#,
            br#"{"x":1000,"y":[1,2]}"#,
        ),
        (r#"{"retain":0,"payloadlen":5,"payload":12.5}"#, b"12.5"),
        // The payload was the JSON string itself; below, its text.
        (r#"{"retain":0,"payloadlen":4,"payload":"ON"}"#, br#""ON""#),
        (r#"{"retain":0,"payloadlen":2,"payload":"ON"}"#, b"ON"),
    ] {
        assert_eq!(payload(line), expected, "{line}");
    }
    // With %j bytes that are not text come as they are.
    let raw = read(b"{\"topic\":\"a\",\"payload\":\"\xff\"}").unwrap();
    assert_eq!(raw.2, "\u{fffd}".as_bytes());
}

#[test]
fn what_is_no_message_says_why() {
    for (line, why) in [
        ("[1]", "not a JSON object"),
        ("{}", "neither `payload` nor `payload_b64`"),
        (
            r#"{"payload":"x""#,
            "EOF while parsing an object at column 14",
        ),
        (
            r#"{"payload":"x","payload":"y"}"#,
            "duplicate field `payload`",
        ),
        (r#"{"payload":"x","qos":3}"#, "`qos` is not 0, 1 or 2"),
        (
            r#"{"payload_b64":"!"}"#,
            "`payload_b64`: Invalid symbol 33, offset 0.",
        ),
        (r#"{"payload":"x","tst":"noon"}"#, "`tst` is not a time"),
        (
            r#"{"payload":"x","topic":5}"#,
            "invalid type: integer `5`, expected",
        ),
    ] {
        let said = read(line.as_bytes()).unwrap_err();
        assert!(said.starts_with(why), "{line}: {said}");
    }
    let long = format!(r#"{{"payload":"x","qos":"{}"}}"#, "\u{1b}[2J".repeat(100));
    let said = read(long.replace('\u{1b}', "\\u001b").as_bytes()).unwrap_err();
    assert!(said.len() < 500 && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn time_goes_forward_whatever_the_lines_say() {
    let mut clock = Clock::default();
    let mut next = |millis: Option<u64>| clock.next(millis.map(|ms| ms * 1_000)).as_micros();
    assert_eq!(next(Some(100_000)), 100_000_000);
    assert_eq!(next(Some(100_000)), 100_000_001);
    // Another source whose clock is behind.
    assert_eq!(next(Some(90_000)), 100_000_002);
    assert_eq!(next(Some(101_000)), 101_000_000);
    assert_eq!(next(None), 101_001_000);
    // Another recording.
    assert_eq!(next(Some(0)), 101_001_001);
    assert_eq!(next(Some(500)), 101_501_000);
}
