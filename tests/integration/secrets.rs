//! A password is in the program's memory for the moment of a CONNECT only: all of the memory that can be read is searched,
//! before connecting, while connected and after closing, for each scheme and each way of giving it.
//!
//! What the system itself keeps is left out and nothing else: the environment that the process was started with.

use crate::support::client::Client;
use crate::support::mosquitto::{Mosquitto, Options};
use serde_json::json;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Digits and letters only: it is the same in a URL, in JSON and in TOML. In this program's own memory it stands, in the
/// other's it must not.
const PASSWORD: &str = "Vq7nT4xWm2Rk9Zc5";

const SCHEMES: [&str; 4] = ["mqtt", "mqtts", "ws", "wss"];

/// Every place where the password stands in the memory of `process`, by the name of the mapping.
/// `None`: the memory cannot be read here.
fn found(process: u32) -> Option<Vec<String>> {
    let folder = PathBuf::from(format!("/proc/{process}"));
    let maps = std::fs::read_to_string(folder.join("maps")).ok()?;
    let environment = environment(&folder)?;
    let mut memory = File::open(folder.join("mem")).ok()?;
    let (mut places, mut searched) = (Vec::new(), 0);
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (range(words.next()?)?, words.next()?);
        let name = words.nth(3).unwrap_or("anonymous").to_owned();
        // What is mapped from a file and cannot be written to is as the file is.
        let of_a_file = name.starts_with('/') && !rights.starts_with("rw");
        if !rights.starts_with('r') || of_a_file || name.starts_with("[v") {
            continue;
        }
        let mut bytes = vec![0; range.end - range.start];
        memory.seek(SeekFrom::Start(range.start as u64)).ok()?;
        if memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        searched += bytes.len();
        for at in positions(&bytes) {
            if !environment.contains(&(range.start + at)) {
                places.push(name.clone());
            }
        }
    }
    (searched > 0).then_some(places)
}

/// Where in `bytes` the password begins. Most pages hold zeros only, which are passed over as a whole.
fn positions(bytes: &[u8]) -> Vec<usize> {
    const PAGE: usize = 4096;
    let mut positions = Vec::new();
    for start in (0..bytes.len()).step_by(PAGE) {
        let end = bytes.len().min(start + PAGE);
        if bytes[start..end] == [0; PAGE] {
            continue;
        }
        let end = bytes.len().min(end + PASSWORD.len() - 1);
        let windows = bytes[start..end].windows(PASSWORD.len()).enumerate();
        let hits = windows.filter(|(_, window)| *window == PASSWORD.as_bytes());
        positions.extend(hits.map(|(at, _)| start + at));
    }
    positions
}

fn range(text: &str) -> Option<Range<usize>> {
    let (start, end) = text.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some(number(start)?..number(end)?)
}

/// Where the system keeps the environment that the process was started with: env_start and env_end of proc(5).
fn environment(folder: &Path) -> Option<Range<usize>> {
    let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
    // Behind the name, which may hold anything, the third field begins.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(50 - 3);
    Some(fields.next()?.parse().ok()?..fields.next()?.parse().ok()?)
}

/// Connects to what `connection` names and searches in each phase.
fn nothing_stays(
    way: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
    connection: serde_json::Value,
) {
    let mut client = Client::start_in(arguments, environment);
    client.initialize("2025-11-25");
    let process = client.process();
    let Some(before) = found(process) else {
        eprintln!(
            "!!! SKIPPED: /proc/PID/mem cannot be read here.\n!!! Whether passwords stay in memory is NOT known from this run."
        );
        return;
    };
    assert_eq!(before, [""; 0], "{way}: before connecting");
    let established = client.call("establish_connection", connection);
    let session = established["structuredContent"]["session_id"].clone();
    assert!(session.is_string(), "{way}: {established}");
    // The reader of standard input has gone on to another line.
    client.call("list_active_connections", json!({}));
    assert_eq!(found(process).unwrap(), [""; 0], "{way}: while connected");
    client.call("close_connection", json!({"session_id": session}));
    assert_eq!(found(process).unwrap(), [""; 0], "{way}: after closing");
    assert!(!client.stderr().contains(PASSWORD), "{way}: in the log");
}

fn private_file(path: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn broker() -> Mosquitto {
    Mosquitto::start(&Options {
        password: Some(("lena", PASSWORD)),
        tls: Some(&["localhost"]),
        websockets: true,
        ..Options::default()
    })
}

fn port(broker: &Mosquitto, scheme: &str) -> u16 {
    match scheme {
        "mqtt" => broker.port,
        "mqtts" => broker.tls_port,
        "ws" => broker.ws_port,
        _ => broker.wss_port,
    }
}

#[test]
fn the_search_finds_what_is_there() {
    let kept = PASSWORD.to_owned();
    let Some(places) = found(std::process::id()) else {
        return;
    };
    assert!(!places.is_empty(), "{kept} was not found");
}

#[test]
fn of_a_connection_string() {
    let broker = broker();
    let ca = broker.certificates.as_ref().unwrap().ca.clone();
    let roots = format!("file_roots={}", broker.folder().display());
    for scheme in SCHEMES {
        let url = format!(
            "{scheme}://lena:{PASSWORD}@localhost:{}",
            port(&broker, scheme)
        );
        let mut connection = json!({"connection_string": url});
        if matches!(scheme, "mqtts" | "wss") {
            connection["ca_file"] = json!(ca);
        }
        let arguments = ["--log", "trace", "--set", &roots];
        nothing_stays(scheme, &arguments, &[], connection);
    }
}

#[test]
fn of_the_configuration() {
    let broker = broker();
    let ca = broker
        .certificates
        .as_ref()
        .unwrap()
        .ca
        .display()
        .to_string();
    let file = broker.folder().join("config.toml");
    private_file(&broker.folder().join("password"), &format!("{PASSWORD}\n"));
    for scheme in SCHEMES {
        let port = port(&broker, scheme);
        for (way, url, rest) in [
            (
                "password",
                format!("{scheme}://localhost:{port}"),
                format!("user = \"lena\"\npassword = \"{PASSWORD}\""),
            ),
            (
                "url",
                format!("{scheme}://lena:{PASSWORD}@localhost:{port}"),
                String::new(),
            ),
            (
                "file",
                format!("{scheme}://localhost:{port}"),
                "user = \"lena\"\npassword_file = \"password\"".to_owned(),
            ),
            (
                "variable",
                format!("{scheme}://localhost:{port}"),
                "user = \"lena\"\npassword_env = \"WORD_OF_LENA\"".to_owned(),
            ),
        ] {
            let text = format!("[brokers.home]\nurl = \"{url}\"\nca_file = \"{ca}\"\n{rest}\n");
            private_file(&file, &text);
            let path = file.display().to_string();
            let arguments = ["--log", "trace", "--config", &path];
            let variables: &[(&str, &str)] = match way {
                "variable" => &[("WORD_OF_LENA", PASSWORD)],
                _ => &[],
            };
            let connection = json!({"connection_string": "home"});
            nothing_stays(
                &format!("{scheme}, {way}"),
                &arguments,
                variables,
                connection,
            );
        }
    }
}

#[test]
fn of_the_environment() {
    let broker = broker();
    let ca = broker
        .certificates
        .as_ref()
        .unwrap()
        .ca
        .display()
        .to_string();
    for scheme in SCHEMES {
        let url = format!("{scheme}://localhost:{}", port(&broker, scheme));
        let variables = [
            ("BITSPERITY_MQTT_URL", url.as_str()),
            ("BITSPERITY_MQTT_USER", "lena"),
            ("BITSPERITY_MQTT_PASSWORD", PASSWORD),
            ("BITSPERITY_MQTT_CA_FILE", ca.as_str()),
        ];
        let connection = json!({"connection_string": "default"});
        nothing_stays(scheme, &["--log", "trace"], &variables, connection);
    }
}

/// Nor does what a person mistypes on the command line come back.
#[test]
fn of_the_command_line() {
    let url = format!("mqtt://lena:{PASSWORD}@127.0.0.1:1");
    for arguments in [
        vec!["capture", url.as_str()],
        vec![url.as_str()],
        vec!["--set", url.as_str(), "config", "show"],
        vec!["--log", url.as_str(), "config", "show"],
        vec!["--config", url.as_str(), "config", "show"],
        vec!["config", "show", url.as_str()],
    ] {
        let (code, out, err) = crate::support::client::run(&arguments, &[]);
        assert_eq!(code, Some(2), "{arguments:?}: {err}");
        assert!(!out.contains(PASSWORD) && !err.contains(PASSWORD), "{err}");
    }
}
