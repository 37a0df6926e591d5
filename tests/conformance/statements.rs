//! Every statement that a source or a test cites exists in the version it is cited for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn ids(text: &str) -> BTreeSet<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path
            .extension()
            .is_some_and(|kind| kind == "rs" || kind == "tsv")
        {
            found.push(path);
        }
    }
}

/// The ids in a line, each with what follows it.
fn citations(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.match_indices("MQTT-").filter_map(|(at, mark)| {
        let rest = &line[at..];
        let length = rest[mark.len()..]
            .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-')
            .map_or(rest.len(), |length| mark.len() + length);
        let id = rest[..length].trim_end_matches(['.', '-']);
        id.contains('.').then_some((id, &rest[id.len()..]))
    })
}

#[test]
fn every_cited_statement_exists() {
    let v5 = ids(include_str!("../vectors/statements_v5.txt"));
    let v311 = ids(include_str!("../vectors/statements_v311.txt"));
    assert_eq!(v5.len(), 251);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources = Vec::new();
    for folder in [
        "core/src",
        "server/src",
        "tests/conformance",
        "tests/vectors",
    ] {
        files(&root.join(folder), &mut sources);
    }
    let (mut cited, mut wrong) = (0, Vec::new());
    for source in sources {
        let text = fs::read_to_string(&source).unwrap();
        for (line, number) in text.lines().zip(1..) {
            for (id, after) in citations(line) {
                cited += 1;
                let after = after.trim_start_matches(['`', ']', ' ']);
                let exists = if after.starts_with("v5") || line.contains("\t5\t") {
                    v5.contains(id)
                } else if after.starts_with("v3.1.1") || line.contains("\t3.1.1\t") {
                    v311.contains(id)
                } else {
                    v5.contains(id) || v311.contains(id)
                };
                if !exists {
                    wrong.push(format!("{}:{number}: {id}", source.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cited > 100);
}

#[test]
fn citations_are_found_in_a_line() {
    let found: Vec<_> =
        citations("x [MQTT-3.3.1-4] y `[MQTT-3-8.3-4]` v3.1.1 MQTT-5. MQTT-x").collect();
    let ids: Vec<_> = found.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, ["MQTT-3.3.1-4", "MQTT-3-8.3-4"]);
}
