//! Every statement that a source or a test cites exists in the version it is cited for, and every statement that binds
//! a client is enforced, tested, or left out with a reason: `vectors/statements_v5.tsv` and `statements_v311.tsv` say
//! which, and the citations must bear it out. The table of 5.0 is printed with where each is cited (`--nocapture`).
//!
//! A citation is of 5.0 unless it says `v3.1.1`, or stands in a vector, a script or a `fn …_v311` of 3.1.1.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const SOURCES: [&str; 2] = ["core/src", "server/src"];
const TESTS: [&str; 3] = ["tests/conformance", "tests/integration", "tests/vectors"];

/// Statements of 5.0 that bind a client.
const BINDING: usize = 149;

/// The accounts of 5.0, those that bind a client; and of 3.1.1, all of them.
const V5: &str = include_str!("../vectors/statements_v5.tsv");
const V311: &str = include_str!("../vectors/statements_v311.tsv");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// First column of a list.
fn ids(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split('\t').next()).collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let kind = [".rs", ".tsv", ".txt"].iter().any(|k| name.ends_with(k));
        if kind && !name.starts_with("statements") {
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

/// What a citation says of its version.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Said {
    V5,
    V311,
    Nothing,
}

struct Citation {
    id: String,
    version: Said,
    place: String,
}

/// Every citation in the text of a file.
fn in_text(place: &str, text: &str, found: &mut Vec<Citation>) {
    let mut around = Said::Nothing;
    for (line, number) in text.lines().zip(1..) {
        if let Some(head) = line.strip_prefix("## ") {
            around = match head.split(' ').next() {
                Some("5") => Said::V5,
                Some("3.1.1") => Said::V311,
                _ => Said::Nothing,
            };
        } else if let Some((_, function)) = line.split_once("fn ")
            && function.contains('(')
        {
            around = match function.split('(').next() {
                Some(name) if name.ends_with("_v5") => Said::V5,
                Some(name) if name.ends_with("_v311") => Said::V311,
                _ => Said::Nothing,
            };
        }
        for (id, after) in citations(line) {
            let after = after.trim_start_matches(['`', ']', ' ']);
            let version = if after.starts_with("v5") || line.contains("\t5\t") {
                Said::V5
            } else if after.starts_with("v3.1.1") || line.contains("\t3.1.1\t") {
                Said::V311
            } else {
                around
            };
            found.push(Citation {
                id: id.to_owned(),
                version,
                place: format!("{place}:{number}"),
            });
        }
    }
}

fn in_folders(folders: &[&str]) -> Vec<Citation> {
    let mut paths = Vec::new();
    for folder in folders {
        files(&root().join(folder), &mut paths);
    }
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let place = path.strip_prefix(root()).unwrap().to_string_lossy();
        in_text(&place, &text, &mut found);
    }
    found
}

#[test]
#[cfg_attr(miri, ignore)] // reads all sources, runs none
fn every_cited_statement_exists() {
    let v5 = ids(include_str!("../vectors/statements_v5.txt"));
    let v311 = ids(V311);
    assert_eq!((v5.len(), v311.len()), (251, 141));
    let mut cited = in_folders(&SOURCES);
    cited.extend(in_folders(&TESTS));
    let wrong: Vec<String> = cited
        .iter()
        .filter(|citation| {
            let id = citation.id.as_str();
            let exists = match citation.version {
                Said::V5 => v5.contains(id),
                Said::V311 => v311.contains(id),
                Said::Nothing => v5.contains(id) || v311.contains(id),
            };
            !exists
        })
        .map(|citation| format!("{}: {}", citation.place, citation.id))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cited.len() > 100);
}

/// First place where each statement is cited: of 3.1.1 where that is said, of 5.0 otherwise.
fn places(folders: &[&str], v311: bool) -> BTreeMap<String, String> {
    let mut places = BTreeMap::new();
    for citation in in_folders(folders) {
        if (citation.version == Said::V311) == v311 {
            places.entry(citation.id).or_insert(citation.place);
        }
    }
    places
}

/// What the table says of a statement.
struct Account<'t> {
    id: &'t str,
    how: &'t str,
    reason: &'t str,
}

fn table(text: &str) -> Vec<Account<'_>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
            [id, how, reason] => Account { id, how, reason },
            _ => panic!("three columns expected: {line}"),
        })
        .collect()
}

/// What is wrong with an account, given where its statement is cited.
fn fault(
    account: &Account<'_>,
    source: Option<&String>,
    test: Option<&String>,
) -> Option<&'static str> {
    if account.reason.trim().is_empty() {
        return Some("no reason");
    }
    match account.how {
        "enforced" | "enforced+tested" if source.is_none() => Some("cited in no source"),
        "tested" | "enforced+tested" if test.is_none() => Some("cited in no test"),
        "enforced" | "tested" | "enforced+tested" => None,
        "out" if source.is_some() || test.is_some() => Some("left out, and yet cited"),
        "out" => None,
        _ => Some("neither enforced nor tested nor out"),
    }
}

#[test]
#[cfg_attr(miri, ignore)] // reads all sources, runs none
#[allow(clippy::print_stdout)] // the table
fn every_statement_that_binds_a_client_is_accounted_for() {
    let v5 = ids(include_str!("../vectors/statements_v5.txt"));
    let (sources, tests) = (places(&SOURCES, false), places(&TESTS, false));
    let table = table(V5);
    let mut wrong = Vec::new();
    let mut counts = BTreeMap::<&str, usize>::new();
    for account in &table {
        let (source, test) = (sources.get(account.id), tests.get(account.id));
        let dash = "-".to_owned();
        println!(
            "{}\t{}\t{}\t{}\t{}",
            account.id,
            account.how,
            source.unwrap_or(&dash),
            test.unwrap_or(&dash),
            account.reason
        );
        *counts.entry(account.how).or_default() += 1;
        if !v5.contains(account.id) {
            wrong.push(format!("{}: no statement of 5.0", account.id));
        }
        if let Some(fault) = fault(account, source, test) {
            wrong.push(format!("{}: {}: {fault}", account.id, account.how));
        }
    }
    let accounted: BTreeSet<&str> = table.iter().map(|account| account.id).collect();
    let counts: Vec<String> = counts.iter().map(|(how, n)| format!("{n} {how}")).collect();
    println!("{} statements: {}", accounted.len(), counts.join(", "));
    assert_eq!(accounted.len(), table.len(), "a statement stands twice");
    assert_eq!(accounted.len(), BINDING);
    match fs::read_to_string(root().join("../shared/data/mqtt5_statements.tsv")) {
        Ok(list) => {
            let binding = binding(&list);
            wrong.extend(
                binding
                    .symmetric_difference(&accounted)
                    .map(|id| format!("{id}: unaccounted, or binds no client")),
            );
        }
        Err(_) => println!("skipped: the list of whom each statement binds is not there"),
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[cfg_attr(miri, ignore)] // reads all sources, runs none
fn every_statement_of_3_1_1_is_accounted_for() {
    let (sources, tests) = (places(&SOURCES, true), places(&TESTS, true));
    let kept: BTreeSet<&str> = table(V5)
        .iter()
        .filter(|account| account.how != "out")
        .map(|account| account.id)
        .collect();
    let wrong: Vec<String> = table(V311)
        .iter()
        .filter_map(|account| {
            let fault = match account.how.strip_prefix("as ") {
                Some(same) => (!kept.contains(same)).then_some("as one of 5.0 that is not kept"),
                None if account.how == "server" => None,
                None => fault(account, sources.get(account.id), tests.get(account.id)),
            };
            fault.map(|fault| format!("{}: {}: {fault}", account.id, account.how))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ids in a list of id, section, level, whom it binds.
fn binding(list: &str) -> BTreeSet<&str> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.filter(|line| line.ends_with("\tClient") || line.ends_with("\tBoth"));
    lines.filter_map(|line| line.split('\t').next()).collect()
}

#[test]
fn an_account_that_nothing_bears_out_is_found() {
    let account = |how| Account {
        id: "MQTT-3.3.1-4",
        how,
        reason: "why",
    };
    let here = &"x.rs:1".to_owned();
    let fault = |how, source, test| fault(&account(how), source, test).is_some();
    assert!(fault("enforced", None, Some(here)));
    assert!(fault("tested", Some(here), None));
    assert!(fault("enforced+tested", Some(here), None));
    assert!(fault("enforced+tested", None, Some(here)));
    assert!(fault("out", Some(here), None) && fault("out", None, Some(here)));
    assert!(fault("", None, None) && fault("maybe", Some(here), Some(here)));
    assert!(!fault("enforced", Some(here), None) && !fault("tested", None, Some(here)));
    assert!(!fault("enforced+tested", Some(here), Some(here)) && !fault("out", None, None));
    let list = "# x\nA\t1\tMust\tBoth\nB\t1\tMust\tServer\nC\t1\tMust\tClient\n";
    assert_eq!(binding(list), BTreeSet::from(["A", "C"]));
}

#[test]
fn citations_are_found_in_a_line() {
    let found: Vec<_> =
        citations("x [MQTT-3.3.1-4] y `[MQTT-3-8.3-4]` v3.1.1 MQTT-5. MQTT-x").collect();
    let ids: Vec<_> = found.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, ["MQTT-3.3.1-4", "MQTT-3-8.3-4"]);
}

#[test]
fn the_version_of_a_citation_is_what_it_says_or_what_stands_around_it() {
    let text = "fn a() {\nMQTT-1.1.1-1, MQTT-1.1.1-2 v5 `[MQTT-1.1.1-3]` v3.1.1\npub(crate) fn b_v311(self) {\n\
                MQTT-1.1.1-4\n## 5 c [MQTT-1.1.1-5]\n## both\nMQTT-1.1.1-6\nd\t3.1.1\t00\t-\tMQTT-1.1.1-7";
    let mut found = Vec::new();
    in_text("x", text, &mut found);
    let said: Vec<Said> = found.iter().map(|citation| citation.version).collect();
    use Said::{Nothing, V5, V311};
    assert_eq!(said, [Nothing, V5, V311, V311, V5, Nothing, V311]);
}
