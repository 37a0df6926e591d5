//! What people read is true: links lead somewhere, examples can be read and run, references are those of the program.
//!
//! `UPDATE=1 cargo nextest run -E 'test(documents)'` writes the references anew. A block of a document that begins with
//! ```` ```sh run ```` is run, with a Mosquitto at `127.0.0.1:1883`; ```` ```toml other ```` is not a configuration of ours.

use crate::support::Client;
use crate::support::client::{program, run};
use crate::support::mosquitto::Mosquitto;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every document for people: its path from the root, and its text.
fn documents() -> Vec<(PathBuf, String)> {
    let folders = [
        "",
        "docs",
        "core",
        "server",
        "benches",
        "packaging/homeassistant/bitsperity-mqtt-mcp",
    ];
    let mut found = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "md") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap_or(&path).to_owned(), text));
            }
        }
    }
    assert!(found.len() > 10, "the documents were not found");
    found
}

/// The blocks of a document whose fence says `kind`.
fn blocks(text: &str, kind: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(named), None) => open = Some((named == kind, String::new())),
            (Some(_), Some(_)) => {
                if let Some((true, block)) = open.take() {
                    blocks.push(block);
                }
            }
            (None, Some((_, block))) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// Text without blocks, in which brackets are no links.
fn prose(text: &str) -> String {
    let mut inside = false;
    let outside = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    outside.collect::<Vec<_>>().join("\n")
}

/// As GitHub makes it of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    let mut followed = 0;
    for (path, text) in documents() {
        for (at, _) in prose(&text).match_indices("](") {
            let prose = prose(&text);
            let target = prose[at + 2..].split(')').next().unwrap_or_default();
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let aim = match file {
                "" => root().join(&path),
                file => root().join(&path).parent().unwrap().join(file),
            };
            // A folder or a picture has no headings.
            let there = fs::read_to_string(&aim).or_else(|_| match aim.exists() {
                true => Ok(String::new()),
                false => Err(()),
            });
            let found = match there {
                Ok(_) if heading.is_empty() => true,
                Ok(text) => anchors(&text).iter().any(|known| known == heading),
                Err(()) => false,
            };
            if !found {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(followed > 30, "only {followed} links were found");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn examples_of_json_and_toml_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".mqtt-password"), "of the test").unwrap();
    let (mut json, mut toml) = (0, 0);
    for (path, text) in documents() {
        let path = path.display();
        for block in blocks(&text, "json") {
            json += 1;
            let read: Result<Value, _> = serde_json::from_str(&block);
            assert!(read.is_ok(), "{path}: {read:?} in\n{block}");
        }
        for block in blocks(&text, "toml") {
            toml += 1;
            let file = folder.path().join("config.toml");
            fs::write(&file, &block).unwrap();
            let file = file.to_str().unwrap();
            let home = folder.path().to_str().unwrap();
            let (code, out, err) = run(&["--config", file, "config", "show"], &[("HOME", home)]);
            assert_eq!(code, Some(0), "{path}: {err} in\n{block}");
            assert!(out.contains("max_sessions"), "{out}");
        }
    }
    assert!(json >= 4 && toml >= 2, "{json} of JSON, {toml} of TOML");
}

#[test]
fn commands_that_can_be_run_run() {
    let broker = Mosquitto::plain();
    let binary = Path::new(env!("CARGO_BIN_EXE_bitsperity-mqtt-mcp"));
    let system = std::env::var("PATH").unwrap();
    let path = format!("{}:{system}", binary.parent().unwrap().display());
    let mut count = 0;
    for (document, text) in documents() {
        for block in blocks(&text, "sh run") {
            count += 1;
            let folder = tempfile::tempdir().unwrap();
            let script = block.replace("127.0.0.1:1883", &format!("127.0.0.1:{}", broker.port));
            let output = Command::new("sh")
                .args(["-eu", "-c", &script])
                .env_clear()
                .env("PATH", &path)
                .env("HOME", folder.path())
                .current_dir(folder.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let (document, status) = (document.display(), output.status);
            assert!(
                status.success() || only_times_missed(&String::from_utf8_lossy(&output.stdout)),
                "{document}: {status}\n{block}\n{said}"
            );
        }
    }
    assert!(count >= 4, "only {count} blocks were found");
}

/// Every command of ours that a document names is one of the program's.
#[test]
fn commands_of_documents_exist() {
    let (_, help, _) = run(&["--help"], &[]);
    let mut named = 0;
    for (path, text) in documents() {
        for (at, name) in text.match_indices("bitsperity-mqtt-mcp ") {
            // In a line of a shell or between backticks; prose and paths go on otherwise.
            let before = text[..at].chars().next_back();
            let word = text[at + name.len()..].split(|c: char| !c.is_ascii_lowercase());
            let word = word.into_iter().next().unwrap_or_default();
            if !matches!(before, Some('`' | '\n')) || word.len() < 3 {
                continue;
            }
            named += 1;
            let known = help.contains(&format!("\n  {word} "));
            assert!(known, "{}: {name}{word}", path.display());
        }
    }
    assert!(named >= 8, "only {named} commands were found");
}

/// Of the table that `selftest` prints: on a machine that is busy with other work, a time may be missed.
fn only_times_missed(table: &str) -> bool {
    let mut missed = table.lines().filter(|line| line.ends_with("MISSED"));
    let is_time = |line: &str| line.contains("  < ") && !line.contains("MiB");
    missed.clone().next().is_some() && missed.all(is_time)
}

#[test]
fn selftest_says_what_was_measured_and_fails_without_a_broker() {
    let mut broker = Mosquitto::plain();
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let (code, out, err) = run(&["selftest", "--broker", &url], &[]);
    let measured = |code, out: &str| match code {
        Some(0) => !out.contains("MISSED"),
        code => code == Some(1) && only_times_missed(out),
    };
    assert!(measured(code, &out) && err.is_empty(), "{out}{err}");
    assert!(out.contains("a message comes back at QoS 2"), "{out}");
    let (code, out, _) = run(&["--read-only", "selftest", "--broker", &url], &[]);
    assert!(measured(code, &out) && out.contains("skipped"), "{out}");
    broker.kill();
    let url = url.replace("//", "//me:hunter2@");
    let (code, out, err) = run(&["selftest", "--broker", &url], &[]);
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("refused") && out.contains("Nothing listens"),
        "{out}"
    );
    assert!(!format!("{out}{err}").contains("hunter2"), "{out}{err}");
}

/// `text` must be what the file holds; `UPDATE=1` makes it so.
fn reference(file: &str, text: &str) {
    let path = root().join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    let held = fs::read_to_string(&path).unwrap_or_default();
    let differing = held.lines().zip(text.lines()).find(|(a, b)| a != b);
    assert!(
        held == text,
        "{file} is not current; UPDATE=1 cargo nextest run -E 'test(documents)' writes it. First difference: {differing:?}"
    );
}

/// A store shows the copy beside its package.
#[test]
fn the_copy_of_the_changelog_is_current() {
    let text = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let copy = "packaging/homeassistant/bitsperity-mqtt-mcp/CHANGELOG.md";
    reference(copy, &text);
}

#[test]
fn the_reference_of_tools_is_current() {
    let mut client = Client::legacy("2025-06-18");
    let listed = client.ask("tools/list", serde_json::json!({}));
    let tools = listed["tools"].as_array().unwrap();
    let mut text = String::from(
        "# The tools\n\nMade from what the server itself tells an assistant (`tools/list`), with the ranges and defaults of \
         `config show`.\n\n\
         | tool | what it is for | changes something |\n| --- | --- | --- |\n",
    );
    for tool in tools {
        let (name, title) = (
            tool["name"].as_str().unwrap(),
            tool["title"].as_str().unwrap(),
        );
        let reads = tool["annotations"]["readOnlyHint"] == true;
        let changes = match (reads, tool["annotations"]["destructiveHint"] == true) {
            (true, _) => "no",
            (false, true) => "yes: what it publishes",
            (false, false) => "connections or test messages only",
        };
        writeln!(text, "| [`{name}`](#{name}) | {title} | {changes} |").unwrap();
    }
    let output = program(&["config", "show", "--json"]).output().unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    for tool in tools {
        describe(&mut text, tool, &shown["arguments"]);
    }
    reference("docs/tools.md", &text);
}

fn describe(text: &mut String, tool: &Value, arguments: &Value) {
    let name = tool["name"].as_str().unwrap();
    let description = cell(tool["description"].as_str().unwrap());
    write!(text, "\n## {name}\n\n{description}\n").unwrap();
    let Some(listed) = tool["inputSchema"]["properties"].as_object() else {
        text.push_str("\nNo arguments.\n");
        return;
    };
    let required = tool["inputSchema"]["required"].as_array();
    let required = |name: &str| required.is_some_and(|all| all.iter().any(|it| it == name));
    text.push_str(
        "\n| argument | type and range | default | meaning |\n| --- | --- | --- | --- |\n",
    );
    for (argument, schema) in listed {
        let shown = &arguments[name][argument];
        let default = match (&shown["default"], required(argument)) {
            (_, true) => "required".to_owned(),
            (Value::Null, _) => String::new(),
            (value, _) => format!("`{value}`"),
        };
        let meaning = cell(schema["description"].as_str().unwrap_or_default());
        writeln!(
            text,
            "| `{argument}` | {} | {default} | {meaning} |",
            kind(schema, shown)
        )
        .unwrap();
    }
}

/// Type and range of an argument, in few words.
fn kind(schema: &Value, shown: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        let words = words.iter().map(|word| format!("`{word}`"));
        return words.collect::<Vec<_>>().join(", ");
    }
    let name = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str);
            names.collect::<Vec<_>>().join(" or ")
        }
        _ => "see the schema".to_owned(),
    };
    match (&shown["minimum"], &shown["maximum"]) {
        (Value::Null, Value::Null) => name,
        (least, Value::Null) => format!("{name} from {least}"),
        (Value::Null, most) => format!("{name} up to {most}"),
        (least, most) => format!("{name} from {least} to {most}"),
    }
}

/// Text that stands in one cell of a table.
fn cell(text: &str) -> String {
    let text = text.replace('|', "\\|").replace('<', "&lt;");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_reference_of_settings_is_current() {
    let output = program(&["config", "show", "--json"]).output().unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut text = String::from(
        "# Settings\n\nMade from `bitsperity-mqtt-mcp config show`. Each stands in the file \
         (`~/.config/bitsperity-mqtt-mcp/config.toml`), in the environment as `BITSPERITY_MQTT_NAME`, or on the command \
         line as `--set NAME=VALUE`; the later is the stronger. Lists are separated by commas outside the file.\n\n\
         | setting | default | range | meaning |\n| --- | --- | --- | --- |\n",
    );
    for setting in shown["settings"].as_array().unwrap() {
        let name = setting["name"].as_str().unwrap();
        let unit = setting["unit"].as_str().unwrap_or_default();
        let default = format!("`{}` {unit}", setting["default"]);
        let range = match (&setting["min"], &setting["max"]) {
            (Value::Null, _) => String::new(),
            (least, most) => format!("{least} to {most}"),
        };
        let what = cell(setting["what"].as_str().unwrap());
        writeln!(
            text,
            "| `{name}` | {} | {range} | {what} |",
            default.trim_end()
        )
        .unwrap();
    }
    text.push_str(
        "\nNumbers belong to `[limits]`, rules to `[policy]`. A broker is a table of its own, `[brokers.NAME]`: see \
         [passwords](security.md#passwords) and [brokers](brokers.md). What `serve` watches from its start is a \
         [the service](service.md#watched-from-the-start).\n",
    );
    reference("docs/configuration.md", &text);
}
