//! Connection strings, good and bad.

use super::*;

fn check(text: &str, display: &str, client_id: &str, credentials: Option<(&str, Option<&[u8]>)>) {
    let target = match Target::parse(text) {
        Ok(target) => target,
        Err(error) => panic!("{text}: {error}"),
    };
    assert_eq!(target.display(), display, "{text}");
    assert_eq!(target.client_id, client_id, "{text}");
    let opened = target.credentials.as_ref().and_then(Sealed::open);
    let found = opened
        .as_ref()
        .map(|o| (o.user_name().unwrap_or("?"), o.password()));
    assert!(found == credentials, "credentials of {text}");
}

#[test]
fn parses_connection_strings() {
    check("mqtt://h", "mqtt://h:1883", "", None);
    check(
        "MQTTS://Broker.example.com",
        "mqtts://Broker.example.com:8883",
        "",
        None,
    );
    check("ws://h", "ws://h:80", "", None);
    check("wss://h/", "wss://h:443/", "", None);
    check(
        "ws://h:9001/live/mqtt?client_id=a%20b",
        "ws://h:9001/live/mqtt",
        "a b",
        None,
    );
    check(
        "mqtt://h:2000/my%2Fclient",
        "mqtt://h:2000",
        "my/client",
        None,
    );
    for (text, display) in [
        ("192.168.1.7", "mqtt://192.168.1.7:1883"),
        ("pi:1884", "mqtt://pi:1884"),
        ("localhost", "mqtt://localhost:1883"),
        ("tcp://h", "mqtt://h:1883"),
        ("SSL://h", "mqtts://h:8883"),
        ("mqtt+ssl://h:1", "mqtts://h:1"),
    ] {
        check(text, display, "", None);
    }
    check("mqtt://[::1]", "mqtt://[::1]:1883", "", None);
    check("mqtt://[fe80::7]:99/c", "mqtt://[fe80::7]:99", "c", None);
    check("mqtt://lena@h", "mqtt://h:1883", "", Some(("lena", None)));
    check(
        "mqtt://lena:@h",
        "mqtt://h:1883",
        "",
        Some(("lena", Some(b""))),
    );
    check(
        "mqtt://l%40x:p%3A%2F%40%FF@h:1/c",
        "mqtt://h:1",
        "c",
        Some(("l@x", Some(b"p:/@\xff"))),
    );
    check(
        "mqtt://u:a@b:c@h",
        "mqtt://h:1883",
        "",
        Some(("u", Some(b"a@b:c"))),
    );
}

#[test]
fn the_path_of_a_websocket_and_its_query_are_asked_for_as_given() {
    for (text, path) in [
        ("ws://h", "/mqtt"),
        ("ws://h/", "/"),
        ("ws://h/a/b", "/a/b"),
        ("ws://h/a?token=x%20y&client_id=c&k=1", "/a?token=x%20y&k=1"),
        ("ws://h?token=x", "/mqtt?token=x"),
    ] {
        let target = Target::parse(text).ok().unwrap();
        assert_eq!(target.path, path, "{text}");
        assert!(!target.display().contains("token"), "{text}");
    }
}

#[test]
fn no_error_repeats_any_of_it() {
    for text in [
        "",
        "hunter2",
        "hunter2://lena:hunter2@h",
        "http://lena:hunter2@h",
        "lena:hunter2@h",
        "mqtt:/lena:hunter2@h",
        "mqtt://",
        "mqtt://lena:hunter2@",
        "mqtt://lena:hunter2/x@h",
        "mqtt://lena:hunter2#x@h",
        "mqtt://lena:hunter2%zz@h",
        "mqtt://lena:hunter2%4@h",
        "mqtt://%ff:hunter2@h",
        "mqtt://hunter2:hunter2:h",
        "mqtt://h:hunter2",
        "mqtt://h:0",
        "mqtt://h:65536",
        "mqtt://h:+1",
        "mqtt://[hunter2]",
        "mqtt://[::1",
        "mqtt://[::1]hunter2",
        "mqtt://::1",
        "mqtt://h?hunter2=1",
        "mqtt://h/a?client_id=hunter2",
        "mqtt://h/%ff",
        "mqtt://h?client_id=a&client_id=hunter2",
        "mqtt://h/a%00hunter2",
        "ws://h/a hunter2",
        "mqtt://hunter2 x",
        "mqtt://hünter2",
    ] {
        let Err(error) = Target::parse(text) else {
            panic!("{text} was taken");
        };
        assert!(
            !error.contains("hunter2") && !error.contains("lena"),
            "{text}: {error}"
        );
        assert!(error.ends_with('.'), "{text}: {error}");
    }
}
