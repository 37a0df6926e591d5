//! Connecting: the four schemes, and everything that goes wrong on the way, told in words that a person understands.

use crate::support::mosquitto::{Mosquitto, Options, free_port};
use crate::support::peers;
use async_std::task::block_on;
use bitsperity_mqtt_core::packet::Version;
use bitsperity_mqtt_mcp::broker::handle::{BrokerError, Established, Handle, State};
use bitsperity_mqtt_mcp::config::Limits;
use bitsperity_mqtt_mcp::config::target::{Protocol, Target};
use std::path::Path;
use std::time::{Duration, Instant};

fn target(url: &str) -> Target {
    Target::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn limits(connect_timeout: f64) -> Limits {
    Limits {
        connect_timeout,
        ..Limits::default()
    }
}

fn connect(target: Target) -> Result<Established, BrokerError> {
    block_on(async {
        let (handle, established) = Handle::connect(target, &limits(10.0)).await?;
        assert_eq!(handle.status().state, State::Connected);
        handle.ping(Duration::from_secs(5)).await?;
        handle.close(Duration::from_secs(5)).await;
        assert_eq!(handle.status().state, State::Closed);
        Ok(established)
    })
}

fn connected(target: Target) -> Established {
    connect(target).unwrap_or_else(|error| panic!("{error} {}", error.next_step()))
}

/// The connection must fail with this code, with these words in its sentence and that one in the next step.
fn refused(target: Target, code: &str, words: &[&str], next: &str) {
    let error = match connect(target) {
        Ok(established) => panic!("connected to {}", established.broker),
        Err(error) => error,
    };
    let (sentence, step) = (error.to_string(), error.next_step());
    assert_eq!(error.code(), code, "{sentence}");
    for word in words {
        assert!(sentence.contains(word), "no {word:?} in: {sentence}");
    }
    assert!(step.contains(next), "no {next:?} in: {step}");
    assert!(
        !format!("{sentence}{step}{error:?}").contains("hunter2"),
        "{sentence}"
    );
}

fn with_ca(url: &str, ca: &Path) -> Target {
    Target {
        ca_file: Some(ca.into()),
        ..target(url)
    }
}

fn stage_names(established: &Established) -> Vec<&'static str> {
    established.stages.iter().map(|(name, _)| *name).collect()
}

#[test]
fn all_four_schemes() {
    let broker = Mosquitto::start(&Options {
        password: Some(("lena", "hunter2:@/%")),
        tls: Some(&["localhost", "127.0.0.1"]),
        websockets: true,
        ..Options::default()
    });
    let ca = &broker.certificates.as_ref().expect("certificates").ca;
    let user = "lena:hunter2%3A%40%2F%25";

    let plain = connected(target(&format!(
        "mqtt://{user}@127.0.0.1:{}/my-id",
        broker.port
    )));
    assert_eq!(plain.broker, broker.url());
    assert_eq!(plain.client_id, "my-id");
    assert_eq!(plain.grants.version, Version::V5);
    assert_eq!(plain.peer, format!("127.0.0.1:{}", broker.port));
    assert_eq!(stage_names(&plain), ["dns", "tcp", "connack"]);
    broker.wait_for_log("Client my-id disconnected."); // [MQTT-3.14.4-2] v5

    let tls = connected(with_ca(
        &format!("mqtts://{user}@localhost:{}", broker.tls_port),
        ca,
    ));
    assert_eq!(tls.tls.as_deref(), Some("TLS 1.3"));
    assert_eq!(stage_names(&tls), ["dns", "tcp", "tls", "connack"]);

    // [MQTT-4.2-1] v5; Mosquitto speaks MQTT only where the subprotocol was asked for [MQTT-6.0.0-3] v5.
    let ws = connected(target(&format!(
        "ws://{user}@localhost:{}/mqtt?client_id=web",
        broker.ws_port
    )));
    assert_eq!(ws.client_id, "web");
    assert_eq!(stage_names(&ws), ["dns", "tcp", "websocket", "connack"]);

    let wss = connected(with_ca(
        &format!("wss://{user}@127.0.0.1:{}", broker.wss_port),
        ca,
    ));
    assert_eq!(
        stage_names(&wss),
        ["dns", "tcp", "tls", "websocket", "connack"]
    );
    assert_eq!(wss.tls.as_deref(), Some("TLS 1.3"));
}

#[test]
fn versions() {
    let broker = Mosquitto::plain();
    for (protocol, version) in [
        (Protocol::Auto, Version::V5),
        (Protocol::V5, Version::V5),
        (Protocol::V311, Version::V311),
    ] {
        let target = Target {
            protocol,
            ..target(&broker.url())
        };
        assert_eq!(connected(target).grants.version, version);
    }
}

#[test]
fn wrong_password_user_or_none() {
    let broker = Mosquitto::start(&Options {
        password: Some(("lena", "correct")),
        ..Options::default()
    });
    for (user, protocol) in [
        ("lena:hunter2@", Protocol::Auto),
        ("lena:hunter2@", Protocol::V311),
        ("max:hunter2@", Protocol::V5),
        ("", Protocol::Auto),
    ] {
        let target = Target {
            protocol,
            ..target(&format!("mqtt://{user}127.0.0.1:{}", broker.port))
        };
        let words = ["broker refused: not authorized (0x87)", "tcp", "connack"];
        refused(
            target,
            "not_authorised",
            &words,
            "ask whoever runs the broker",
        );
    }
    assert!(!broker.log().contains("hunter2"));
}

#[test]
fn bad_user_name_or_password_by_name() {
    // Mosquitto says 0x87; others say 0x86, in 3.1.1 return code 4.
    let five = peers::answers(&[0x20, 0x03, 0x00, 0x86, 0x00]);
    let legacy = peers::answers(&[0x20, 0x02, 0x00, 0x04]);
    for (port, protocol) in [(five, Protocol::V5), (legacy, Protocol::V311)] {
        let target = Target {
            protocol,
            ..target(&format!("mqtt://lena:hunter2@127.0.0.1:{port}"))
        };
        let words = ["broker refused: bad user name or password (0x86)"];
        refused(target, "not_authorised", &words, "user name and password");
    }
}

#[test]
fn nobody_there() {
    let port = free_port();
    refused(
        target(&format!("mqtt://lena:hunter2@127.0.0.1:{port}")),
        "connect_failed",
        &[&format!("TCP: connection to 127.0.0.1:{port} refused")],
        "check that the broker runs",
    );
    refused(
        target("mqtt://lena:hunter2@no-such-host.invalid"),
        "connect_failed",
        &["DNS: host \"no-such-host.invalid\" not found"],
        "spelling of the host",
    );
}

#[test]
fn certificates_that_do_not_fit() {
    let broker = Mosquitto::start(&Options {
        tls: Some(&["localhost"]),
        ..Options::default()
    });
    let other = Mosquitto::start(&Options {
        tls: Some(&["localhost"]),
        ..Options::default()
    });
    let own = &broker.certificates.as_ref().expect("certificates").ca;
    let foreign = &other.certificates.as_ref().expect("certificates").ca;
    let (by_name, by_address) = (
        format!("mqtts://localhost:{}", broker.tls_port),
        format!("mqtts://127.0.0.1:{}", broker.tls_port),
    );
    let untrusted = "not signed by the CA in ca_file";
    refused(
        with_ca(&by_name, foreign),
        "tls_failed",
        &[untrusted],
        "get the right PEM",
    );
    let untrusted = "not signed by a CA that this system trusts";
    refused(
        target(&by_name),
        "tls_failed",
        &["TLS: ", untrusted],
        "pass ca_file",
    );
    let name = "certificate not valid for name \"127.0.0.1\"; it is for localhost";
    refused(
        with_ca(&by_address, own),
        "tls_failed",
        &[name],
        "one of the names",
    );
    let missing = with_ca(&by_name, Path::new("/no/such/ca.pem"));
    refused(
        missing,
        "invalid_argument",
        &["ca_file /no/such/ca.pem: does not exist"],
        "readable PEM",
    );
    let empty = broker.folder().join("mosquitto.conf");
    refused(
        with_ca(&by_name, &empty),
        "invalid_argument",
        &["holds no PEM certificate"],
        "readable PEM",
    );

    let unchecked = Target {
        insecure_tls: true,
        ..target(&by_address)
    };
    connected(unchecked);
}

#[test]
fn client_certificates() {
    let broker = Mosquitto::start(&Options {
        tls: Some(&["localhost"]),
        client_certificates: true,
        ..Options::default()
    });
    let foreign = Mosquitto::start(&Options {
        tls: Some(&["localhost"]),
        ..Options::default()
    });
    let files = broker.certificates.as_ref().expect("certificates");
    let url = format!("mqtts://localhost:{}", broker.tls_port);
    let with = |cert: &Path, key: &Path| Target {
        client_cert: Some(cert.into()),
        client_key: Some(key.into()),
        ..with_ca(&url, &files.ca)
    };
    connected(with(&files.client, &files.client_key));
    let wanted = ["TLS: the broker wants a client certificate"];
    refused(
        with_ca(&url, &files.ca),
        "tls_failed",
        &wanted,
        "client_cert and client_key",
    );
    let others = foreign.certificates.as_ref().expect("certificates");
    let turned_away = ["TLS: the broker refused the client certificate (it does not know the CA)"];
    refused(
        with(&others.client, &others.client_key),
        "tls_failed",
        &turned_away,
        "signed by the CA",
    );
    let misfit = ["client_key", "does not fit client_cert"];
    refused(
        with(&files.client, &others.client_key),
        "invalid_argument",
        &misfit,
        "Give the key",
    );
}

#[test]
fn the_wrong_kind_of_port() {
    let broker = Mosquitto::start(&Options {
        tls: Some(&["localhost"]),
        websockets: true,
        ..Options::default()
    });
    let ca = &broker.certificates.as_ref().expect("certificates").ca;
    let url = |scheme: &str, port: u16| format!("{scheme}://localhost:{port}");
    let on_plain = with_ca(&url("mqtts", broker.port), ca);
    refused(on_plain, "tls_failed", &["TLS: "], "may not be a TLS port");
    refused(
        target(&url("mqtt", broker.tls_port)),
        "connect_failed",
        &["MQTT: "],
        "mqtts://",
    );
    refused(
        target(&url("mqtt", broker.ws_port)),
        "connect_failed",
        &["MQTT: "],
        "ws://",
    );
    let on_plain = target(&url("ws", broker.port));
    refused(
        on_plain,
        "connect_failed",
        &["WebSocket: "],
        "may not be a WebSocket port",
    );
    let http = peers::answers(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    refused(
        target(&format!("ws://127.0.0.1:{http}/wrong")),
        "connect_failed",
        &["HTTP 404 for path /wrong"],
        "path of the WebSocket",
    );
    refused(
        target(&format!("mqtt://127.0.0.1:{http}")),
        "connect_failed",
        &["what answered speaks HTTP, not MQTT"],
        "ws://",
    );
}

#[test]
fn brokers_that_answer_nonsense_or_nothing() {
    let garbage = peers::answers(b"\xff\xfe\xfd nonsense \0\0");
    refused(
        target(&format!("mqtt://lena:hunter2@127.0.0.1:{garbage}")),
        "connect_failed",
        &["what answered is not MQTT"],
        "those of an MQTT broker",
    );
    let closes = peers::closes();
    refused(
        target(&format!("mqtt://127.0.0.1:{closes}")),
        "connect_failed",
        &["closed the connection without a CONNACK"],
        "broker's MQTT port",
    );
    for scheme in ["mqtt", "mqtts", "ws"] {
        let port = peers::silent();
        let begun = Instant::now();
        let target = Target {
            insecure_tls: true,
            ..target(&format!("{scheme}://lena:hunter2@127.0.0.1:{port}"))
        };
        let result = block_on(Handle::connect(target, &limits(0.4)));
        let Err(error) = result else {
            panic!("connected to a silent broker");
        };
        assert_eq!(error.code(), "timeout");
        assert!(
            error.to_string().contains("no answer within 0.4 s"),
            "{error}"
        );
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn falls_back_to_3_1_1_in_all_four_ways() {
    let answers: [&[u8]; 4] = [
        &[0x20, 0x03, 0x00, 0x84, 0x00],
        &[0x20, 0x02, 0x00, 0x84],
        &[0x20, 0x02, 0x00, 0x01],
        &[],
    ];
    for answer in answers {
        let port = peers::peer(move |_, mut stream| {
            use std::io::Write;
            while let Some(packet) = peers::packet(&mut stream) {
                let reply: &[u8] = match packet[0] {
                    // CONNECT: its protocol version stands behind the name.
                    0x10 if packet[8] == 5 => {
                        let _ = stream.write_all(answer);
                        return;
                    }
                    0x10 => &[0x20, 0x02, 0x00, 0x00],
                    0xC0 => &[0xD0, 0x00],
                    _ => return,
                };
                let _ = stream.write_all(reply);
            }
        });
        let url = format!("mqtt://127.0.0.1:{port}");
        assert_eq!(
            connected(target(&url)).grants.version,
            Version::V311,
            "{answer:?}"
        );
        let insists = Target {
            protocol: Protocol::V5,
            ..target(&url)
        };
        assert!(connect(insists).is_err(), "{answer:?}");
    }
}
