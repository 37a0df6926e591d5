//! The fences of the house: who may import whom, and which crates, calls and words stay in which rooms. Reads the
//! sources as text: comments, and unit tests at a file's end, are left out. A fence that has to move is moved here, on
//! purpose and in one line.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of the longest source file, unit tests at its end not counted; at about 400 it should be split.
const MAX_LINES: usize = 450;

/// Room of the core, and the rooms it may import (with what those may import).
const CORE: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("time", &[]),
    ("number", &[]),
    ("wire", &["limits"]),
    ("framer", &["wire"]),
    // Names are examined as the text of the wire is, eight bytes at a time.
    ("topic", &["wire", "limits"]),
    ("packet", &["wire", "topic"]),
    // An outgoing packet that was kept is framed again when it is resent.
    ("session", &["packet", "framer", "topic", "wire", "time"]),
    ("knowledge", &["topic", "time", "number"]),
    ("payload", &["knowledge", "limits", "number"]),
    (
        "reduce",
        &["knowledge", "payload", "topic", "time", "limits", "number"],
    ),
];

/// Text that only files whose path begins like one of these may hold.
const FENCES: &[(&str, &[&str])] = &[
    (
        "async_std",
        &[
            "server/src/main",
            "server/src/broker",
            "server/src/protocol",
            "server/src/hosts",
            "server/src/process",
            "server/src/monitor",
            "server/src/demo",
            "server/src/offline/capture",
        ],
    ),
    ("tide::", &["server/src/monitor"]),
    (
        "rustls",
        &["server/src/broker/transport", "server/src/broker/tls"],
    ),
    (
        "tungstenite",
        &[
            "server/src/broker/transport",
            "server/src/broker/websocket",
            "server/src/monitor/live",
            "server/src/hosts",
        ],
    ),
    ("hyper::", &["server/src/hosts/http"]),
    (
        "ring::",
        &[
            "server/src/hosts/http",
            "server/src/monitor/page",
            "server/src/broker/transport/tls",
        ],
    ),
    ("chacha20poly1305", &["server/src/vault"]),
    (
        "Instant::now",
        &[
            "server/src/main",
            "server/src/broker",
            "server/src/process",
            "server/src/journal",
            "server/src/demo",
            "server/src/selftest",
        ],
    ),
    ("println!", STDOUT),
    ("print!", STDOUT),
    ("stdout()", STDOUT),
    ("tokio::", &["server/src/demo"]),
    ("embedded_graphics::", CHART),
    ("png::", CHART),
    ("rmqtt", &["server/src/demo"]),
    ("unsafe {", &[]),
    ("unsafe fn", &[]),
];

const CHART: &[&str] = &["server/src/tools/monitor_performance/chart"];

const STDOUT: &[&str] = &[
    "server/src/hosts/stdio",
    "server/src/hosts/connect",
    "server/src/demo",
    "server/src/main",
    "server/src/config",
    "server/src/offline",
    "server/src/selftest",
];

/// Rooms of the shell that see connections only through `broker::handle` and what it hands out.
const OUTSIDE_BROKER: &[&str] = &[
    "server/src/tools",
    "server/src/resources",
    "server/src/protocol",
    "server/src/render",
    "server/src/monitor",
    "server/src/offline",
];

/// Of the core's packets and session, the values that `broker::handle` shows in its signatures.
const VALUES: &[&str] = &["QoS", "Reason", "Version", "Grants"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file below `folder` (from the root) with one of the endings, with its path from the root.
fn files(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let entry = entry.expect("an entry of a folder");
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().expect("a type");
            if kind.is_dir() {
                let left_out = ["target", "node_modules", ".git", "corpus", "artifacts"];
                if !left_out.contains(&name.as_str()) {
                    folders.push(entry.path());
                }
            } else if kind.is_file() && endings.iter().any(|ending| name.ends_with(ending)) {
                let text = fs::read_to_string(entry.path()).unwrap_or_default();
                let path = entry.path();
                let path = path.strip_prefix(root()).expect("below the root");
                found.push((path.to_string_lossy().into_owned(), text));
            }
        }
    }
    found.sort();
    found
}

/// The sources of both packages, without comments and unit tests.
pub(crate) fn sources() -> Vec<(String, String)> {
    let mut sources = files("core/src", &[".rs"]);
    sources.extend(files("server/src", &[".rs"]));
    assert!(sources.len() > 20, "the sources were not found");
    sources
        .into_iter()
        .filter(|(path, _)| !path.ends_with("/tests.rs"))
        .map(|(path, text)| (path, code(&text)))
        .collect()
}

/// `text` without line comments and without what follows `#[cfg(test)] mod … {`.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let inline_module =
            |next: &&str| next.trim_start().starts_with("mod ") && next.trim_end().ends_with('{');
        if line == "#[cfg(test)]" && lines.peek().is_some_and(inline_module) {
            break;
        }
        let end = line
            .match_indices("//")
            .map(|(at, _)| at)
            .find(|&at| !line[..at].ends_with(':'))
            .unwrap_or(line.len());
        code.push_str(&line[..end]);
        code.push('\n');
    }
    code
}

fn part_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `text` holds `word` with nothing of a name before it.
fn holds(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part_of_name))
}

/// Every path in `code` that begins with `start`, braces opened: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(code: &str, start: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let needle = format!("{start}::");
    for (at, _) in code.match_indices(&needle) {
        if code[..at].ends_with(|c| part_of_name(c) || c == ':' || c == '$') {
            continue;
        }
        let mut rest = &code[at + needle.len()..];
        tree(&mut rest, &mut vec![start.to_owned()], &mut found);
    }
    found
}

/// One branch of a `use` tree, from the front of `rest`.
fn tree(rest: &mut &str, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let depth = path.len();
    loop {
        *rest = rest.trim_start();
        if let Some(inner) = rest.strip_prefix('{') {
            *rest = inner;
            loop {
                tree(rest, path, found);
                *rest = rest.trim_start();
                let Some(after) = rest.strip_prefix(',') else {
                    break;
                };
                *rest = after;
            }
            *rest = rest.strip_prefix('}').unwrap_or(rest);
            break;
        }
        let length = rest.find(|c| !part_of_name(c)).unwrap_or(rest.len());
        if length == 0 {
            found.push(path.clone());
            break;
        }
        path.push(rest[..length].to_owned());
        *rest = &rest[length..];
        match rest.strip_prefix("::") {
            Some(after) => *rest = after,
            None => {
                found.push(path.clone());
                // `as name` belongs to this branch.
                let alias = rest.trim_start();
                if let Some(after) = alias.strip_prefix("as ") {
                    let after = after.trim_start();
                    let length = after.find(|c| !part_of_name(c)).unwrap_or(after.len());
                    *rest = &after[length..];
                }
                break;
            }
        }
    }
    path.truncate(depth);
}

/// The module that a source file is, as names from the crate's root.
pub(crate) fn module(path: &str) -> Vec<String> {
    let inside = path.split_once("/src/").map_or(path, |(_, inside)| inside);
    let inside = inside.trim_end_matches(".rs");
    inside
        .split('/')
        .filter(|name| !["mod", "lib", "main"].contains(name))
        .map(str::to_owned)
        .collect()
}

/// What a file names of its crate, from the crate's root: by `crate::`, `super::` or `self::`.
pub(crate) fn names(path: &str, code: &str) -> Vec<Vec<String>> {
    let mut names = Vec::new();
    for start in ["crate", "super", "self"] {
        for path_named in paths(code, start) {
            let mut base = match start {
                "crate" => Vec::new(),
                _ => module(path),
            };
            let rest = path_named.iter().skip_while(|name| match name.as_str() {
                "super" => base.pop().is_some(),
                name => ["crate", "self"].contains(&name),
            });
            let rest: Vec<String> = rest.cloned().collect();
            base.extend(rest);
            names.push(base);
        }
    }
    names
}

/// The rooms at the root of its crate that a file names.
pub(crate) fn rooms_named(path: &str, code: &str) -> Vec<String> {
    let names = names(path, code).into_iter();
    names.filter_map(|name| name.into_iter().next()).collect()
}

/// What a room of the core may import, directly and through what it imports.
fn reach(room: &str) -> Vec<&'static str> {
    let mut reached: Vec<&str> = Vec::new();
    let mut open = vec![room.to_owned()];
    while let Some(room) = open.pop() {
        let row = CORE.iter().find(|(name, _)| *name == room);
        for next in row.map_or(&[][..], |(_, imports)| imports) {
            if !reached.contains(next) {
                reached.push(next);
                open.push((*next).to_owned());
            }
        }
    }
    reached
}

#[test]
fn rooms_of_the_core_import_left_to_right_only() {
    let mut broken = Vec::new();
    for (path, code) in sources() {
        let Some(room) = module(&path).first().cloned() else {
            continue;
        };
        if !path.starts_with("core/") {
            continue;
        }
        assert!(
            CORE.iter().any(|(name, _)| *name == room),
            "{path}: the room {room} is not in the table of who may import whom"
        );
        let allowed = reach(&room);
        for named in rooms_named(&path, &code) {
            let known = CORE.iter().any(|(name, _)| *name == named);
            if known && named != room && !allowed.contains(&named.as_str()) {
                broken.push(format!("{path}: {room} imports {named}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn tools_and_mcp_see_connections_through_the_handle_only() {
    let mut broken = Vec::new();
    for (path, code) in sources() {
        if !OUTSIDE_BROKER.iter().any(|room| path.starts_with(room)) {
            continue;
        }
        for named in paths(&code, "bitsperity_mqtt_core") {
            let inside = named.get(1).is_some_and(|room| {
                ["packet", "session", "framer", "wire"].contains(&room.as_str())
            });
            let value = named
                .get(2)
                .is_some_and(|name| VALUES.contains(&name.as_str()));
            if inside && !value {
                broken.push(format!("{path}: {}", named.join("::")));
            }
        }
        for named in paths(&code, "crate") {
            if named.get(1).is_some_and(|room| room == "broker")
                && named.get(2).is_some_and(|room| room == "transport")
            {
                broken.push(format!("{path}: {}", named.join("::")));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn crates_and_calls_stay_in_their_rooms() {
    let mut broken = Vec::new();
    for (path, code) in sources() {
        for (word, rooms) in FENCES {
            let at_home = rooms.iter().any(|room| path.starts_with(room));
            if !at_home && holds(&code, word) {
                broken.push(format!("{path}: {word}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut long = Vec::new();
    for folder in ["core", "server", "tests", "benches", "fuzz"] {
        for (path, text) in files(folder, &[".rs"]) {
            let lines = text
                .lines()
                .position(|line| line == "#[cfg(test)]")
                .unwrap_or_else(|| text.lines().count());
            if lines > MAX_LINES {
                long.push(format!("{path}: {lines} lines"));
            }
        }
    }
    assert!(
        long.is_empty(),
        "split by subject (over {MAX_LINES} lines):\n{}",
        long.join("\n")
    );
}

#[test]
fn nobodys_workplace_is_named() {
    // Put together here, so that this file does not hold them.
    let places = ["work/h/", "work/main", "work/shared", "root/"].map(|place| format!("/{place}"));
    let text = [".rs", ".toml", ".md", ".yml", ".json"];
    let scripts = [".py", ".mjs", ".txt", "run", "Dockerfile"];
    let mut broken = Vec::new();
    for (path, text) in files(".", &[text, scripts].concat()) {
        for (number, line) in (1..).zip(text.lines()) {
            if places.iter().any(|place| holds(line, place)) {
                broken.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_reader_of_sources_reads() {
    let text = "use crate::{packet::{QoS as Q, Reason}, time};\nfn f() { super::wire::x() } // crate::session\n\
                #[cfg(test)]\nmod tests {\n use crate::reduce;\n}\n";
    let code = code(text);
    let found: Vec<String> = paths(&code, "crate")
        .iter()
        .map(|path| path.join("::"))
        .collect();
    assert_eq!(
        found,
        ["crate::packet::QoS", "crate::packet::Reason", "crate::time"]
    );
    assert_eq!(
        rooms_named("core/src/topic.rs", &code),
        ["packet", "packet", "time", "wire"]
    );
    assert_eq!(
        rooms_named("core/src/packet/ack.rs", &code),
        ["packet", "packet", "time", "packet"]
    );
    assert_eq!(module("core/src/packet/mod.rs"), ["packet"]);
    assert!(holds("  println!()", "println!"));
    assert!(!holds("eprintln!()", "println!"));
    assert!(reach("session").contains(&"limits"));
    assert!(!reach("reduce").contains(&"packet"));
}
