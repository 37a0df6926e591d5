//! The server's rooms: who may import whom; circles of files; numbers. A row names a whole room, or only a part of one (`protocol::failure`).

use crate::fences::{module, names, sources};
use std::collections::HashMap;

/// Room of the server, and all that it may import.
const SERVER: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("vault", &[]),
    ("process", &["text"]),
    ("journal", &[]),
    ("config", &["text", "vault"]),
    ("render", &["text"]),
    // The audit file has the times and topics of the results.
    ("broker", &["config", "render", "text", "vault"]),
    ("protocol", &["journal", "process", "text"]),
    ("app", &["broker", "config", "journal", "render", "text"]),
    (
        "tools",
        &[
            "app",
            "broker",
            "config",
            "process::clock",
            "protocol",
            "render",
            "text",
        ],
    ),
    (
        "resources",
        &["broker", "journal", "protocol", "render", "text", "tools"],
    ),
    // Given an `Arc<dyn Service>`: no tool, no broker.
    (
        "hosts",
        &["config", "process", "protocol", "render", "text"],
    ),
    // Read-only by construction: a button is a command of `app`.
    ("monitor", &["app", "journal"]),
    (
        "offline",
        &[
            "broker",
            "config",
            "process",
            "protocol::failure",
            "render",
            "text",
            "tools",
        ],
    ),
    ("selftest", &["config", "text"]),
    ("log", &["journal", "text"]),
    // Puts the service together.
    (
        "serve",
        &[
            "app",
            "broker",
            "config",
            "hosts",
            "journal",
            "log",
            "monitor",
            "process",
            "resources",
            "tools",
        ],
    ),
    ("demo", &["config", "hosts", "log", "selftest", "serve"]),
];

#[test]
fn rooms_of_the_server_import_what_they_may() {
    let mut broken = Vec::new();
    for (path, code) in sources() {
        let (Some(room), true) = (module(&path).first().cloned(), path.starts_with("server/"))
        else {
            continue;
        };
        let Some((_, allowed)) = SERVER.iter().find(|(name, _)| *name == room) else {
            broken.push(format!("{path}: the room {room} is not in the table"));
            continue;
        };
        for named in names(&path, &code) {
            let Some((head, _)) = named.split_first().filter(|(head, _)| **head != room) else {
                continue;
            };
            let part = named.iter().take(2).cloned().collect::<Vec<_>>().join("::");
            if !allowed.iter().any(|row| *row == head || *row == part) {
                broken.push(format!("{path}: {room} imports {part}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// With the test above: no circle of files goes through two rooms.
#[test]
fn each_room_stands_on_rooms_above_it_in_the_table_only() {
    for (at, (room, imports)) in SERVER.iter().enumerate() {
        for import in *imports {
            let import = import.split("::").next().unwrap_or(import);
            let below = SERVER.iter().position(|(name, _)| *name == import);
            assert!(
                below.is_some_and(|below| below < at),
                "{room} imports {import}, which stands after it"
            );
        }
    }
}

/// Circles of files inside a room, each named by its members in order. This list may only become shorter.
const CIRCLES: &[&str] = &[
    "app::seen app::views",
    "broker::audit broker::handle broker::shared broker::task",
    "broker::collect broker::report broker::tap",
    "config::service config::table",
    "hosts::http::connection hosts::http::front hosts::http::relay",
    "knowledge::tongues knowledge::words",
    "monitor::api monitor::openapi monitor::routes",
    "offline::lines offline::output",
    "payload::binary payload::decode",
    "payload::judge payload::pass payload::texts",
    "payload::lines payload::prose payload::severity",
    "protocol::call protocol::job protocol::reply protocol::subscriptions protocol::trace",
    "reduce::health::availability reduce::health::channel reduce::health::classes \
     reduce::health::deeds reduce::health::device reduce::health::evidence \
     reduce::health::hear reduce::health::judge reduce::health::marks \
     reduce::health::readings reduce::health::speakers reduce::health::table \
     reduce::health::values reduce::health::view",
    "reduce::health::dialect reduce::health::generic reduce::health::vitals",
    "reduce::prune::choose reduce::prune::gain",
    "session::replays session::requests session::subscriptions",
    "tools::establish_connection tools::session",
];

/// Which files name which others of their crate; a file and those that its module holds are one subject.
fn files(package: &str) -> HashMap<Vec<String>, Vec<Vec<String>>> {
    let sources: Vec<_> = sources()
        .into_iter()
        .filter(|(path, _)| path.starts_with(package))
        .map(|(path, code)| (module(&path), path, code))
        .collect();
    let known = |name: &[String]| sources.iter().any(|(module, ..)| module == name);
    let file_of = |mut name: Vec<String>| {
        while !known(&name) {
            name.pop()?;
        }
        Some(name)
    };
    sources
        .iter()
        .map(|(module, path, code)| {
            let named = names(path, code).into_iter().filter_map(file_of);
            let others =
                named.filter(|other| !other.starts_with(module) && !module.starts_with(other));
            (module.clone(), others.collect())
        })
        .collect()
}

/// Files that can be reached from `from`, itself only by a circle.
fn reached<'a>(
    graph: &'a HashMap<Vec<String>, Vec<Vec<String>>>,
    from: &'a Vec<String>,
) -> Vec<&'a Vec<String>> {
    let (mut found, mut open) = (Vec::new(), vec![from]);
    while let Some(next) = open.pop() {
        for other in graph.get(next).into_iter().flatten() {
            if !found.contains(&other) {
                found.push(other);
                open.push(other);
            }
        }
    }
    found
}

#[test]
fn no_new_circle_of_files() {
    let mut circles = Vec::new();
    for package in ["core/", "server/"] {
        let graph = files(package);
        for file in graph.keys() {
            let there = reached(&graph, file);
            let mut circle: Vec<_> = there
                .iter()
                .filter(|other| reached(&graph, other).contains(&file))
                .map(|other| other.join("::"))
                .collect();
            circle.sort();
            circles.push(circle.join(" "));
        }
    }
    circles.retain(|circle| !circle.is_empty());
    circles.sort();
    circles.dedup();
    let expected: Vec<_> = CIRCLES.iter().map(|circle| circle.to_string()).collect();
    assert_eq!(circles, expected);
}

/// `f64::clamp` panics where a bound is NaN, and `parse` takes `inf` and `1e999`: both stand in the door for numbers.
/// The files named here clamp integers between constants.
#[test]
fn numbers_enter_the_core_by_one_door() {
    for (path, code) in sources() {
        if !path.starts_with("core/src/") || path == "core/src/number.rs" {
            continue;
        }
        let integers = ["reduce/prune/choose.rs", "reduce/prune/mod.rs"];
        let clamps = code.contains(".clamp(") && !integers.iter().any(|file| path.ends_with(file));
        assert!(!clamps, "{path} clamps outside of number.rs");
        for call in ["parse::<f64>", "parse::<f32>"] {
            assert!(!code.contains(call), "{path} holds {call}");
        }
    }
}
