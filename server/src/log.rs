//! Log lines on standard error: time, level, origin, message; one line each.
//!
//! Invariants: no control character reaches the terminal, whatever a broker sent; no credentials of a connection string
//! stand in a line; libraries below `warn` stay silent, because at finer levels some of them print what goes over the wire;
//! of a panic only its place is told and what the source says, since words put together at run time may hold anything.

use crate::journal::{self, Journal};
use crate::text::mask::mask;
use ::log::{Level, LevelFilter, Log, Metadata, Record};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

/// Characters of one line; what comes beyond is cut.
const MAX_CHARS: usize = 4_096;

/// The beginning of our own modules' names.
const OURS: &str = "bitsperity_mqtt";

struct Stderr;

static STDERR: Stderr = Stderr;

/// Where a service keeps warnings and errors for people to look at.
static JOURNAL: OnceLock<Arc<Journal>> = OnceLock::new();

/// Sends the log of this process to standard error from now on, panics included.
pub fn init(level: LevelFilter) {
    if ::log::set_logger(&STDERR).is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            let (place, text) = (place.unwrap_or_default(), literal(panic.payload()));
            ::log::error!(target: "panic", "at {place}: {text}");
        }));
    }
    ::log::set_max_level(level);
}

/// Warnings and errors go into this journal, too, from now on; the first one that is given stays.
pub fn set_journal(journal: &Arc<Journal>) {
    let _ = JOURNAL.set(journal.clone());
}

/// The words of a panic, if they stand in the source as they are.
fn literal(payload: &dyn std::any::Any) -> &'static str {
    let literal = payload.downcast_ref::<&'static str>();
    literal
        .copied()
        .unwrap_or("its words may hold data and are not told")
}

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with(OURS) || metadata.level() <= LevelFilter::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let now = jiff::Timestamp::now();
            let message = message(record);
            if let Some(journal) = JOURNAL.get() {
                let level = match record.level() {
                    Level::Error => Some(journal::Level::Error),
                    Level::Warn => Some(journal::Level::Warning),
                    _ => None,
                };
                if let Some(level) = level {
                    journal.error(level, origin(record), &message);
                }
            }
            let line = line(&format!("{now:.3}"), record, &message);
            // Nobody reads it: nothing to be done about it.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

/// The part of the program that speaks.
fn origin<'r>(record: &Record<'r>) -> &'r str {
    let target = record.target();
    target
        .strip_prefix("bitsperity_mqtt_mcp::")
        .unwrap_or(target)
}

fn line(now: &str, record: &Record<'_>, message: &str) -> String {
    format!("{now} {:5} {}: {message}\n", record.level(), origin(record))
}

/// What is said, without credentials and control characters, and not longer than a line may be.
fn message(record: &Record<'_>) -> String {
    // Masked before it is cut: a cut could take away what tells credentials.
    let message = record.args().to_string();
    let masked = mask(&message);
    let mut clean = String::with_capacity(masked.len());
    for (count, character) in masked.chars().enumerate() {
        if count == MAX_CHARS {
            clean.push('…');
            break;
        }
        // Also what turns the direction of text, or ends a line for some readers only.
        let turns = matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns {
            let _ = write!(clean, "{}", character.escape_unicode());
        } else {
            clean.push(character);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(target: &str, message: &str) -> String {
        let mut record = Record::builder();
        record.level(Level::Warn).target(target);
        let text = format_args!("{message}");
        let record = record.args(text).build();
        line(
            "2026-11-22T22:00:00.000Z",
            &record,
            &super::message(&record),
        )
    }

    #[test]
    fn one_line_without_control_characters() {
        assert_eq!(
            logged(
                "bitsperity_mqtt_mcp::protocol::stdio",
                "a\nb\x1b[31m\u{202e}é"
            ),
            "2026-11-22T22:00:00.000Z WARN  protocol::stdio: a\\u{a}b\\u{1b}[31m\\u{202e}é\n"
        );
        let long = logged("x", &"y".repeat(2 * MAX_CHARS));
        assert!(long.ends_with("y…\n") && long.chars().count() < MAX_CHARS + 100);
    }

    #[test]
    fn no_credentials() {
        let cut = format!("mqtt://me:{}@host", "w".repeat(2 * MAX_CHARS));
        assert!(logged("x", &cut).ends_with("x: mqtt://***@host\n"));
    }

    #[test]
    fn of_a_panic_only_what_the_source_says() {
        assert_eq!(literal(&"as written"), "as written");
        let made: Box<dyn std::any::Any + Send> = Box::new("word of a caller".to_owned());
        assert!(!literal(&*made).contains("caller"));
    }

    #[test]
    fn libraries_are_silent_below_warn() {
        let enabled = |target, level| {
            let metadata = Metadata::builder().target(target).level(level).build();
            STDERR.enabled(&metadata)
        };
        assert!(enabled("bitsperity_mqtt_mcp::broker", Level::Trace));
        assert!(enabled("library", Level::Warn));
        assert!(!enabled("library::frames", Level::Info));
    }
}
