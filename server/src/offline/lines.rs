//! JSON lines in: reads messages from files or standard input. What is written is the business of `output`.
//!
//! A line that is no message is counted, the first few said with their number. Times only ever go forward: small steps
//! back are levelled, and where time jumps back another recording follows on. Output is flushed before each wait for
//! input, so that a live pipe stays live. Invariant: a line takes at most [`MAX_LINE`] bytes.

use super::output::Output;
use crate::render;
use crate::text::lines::{Input, read_lines};
use bitsperity_mqtt_core::reduce::Record;
use bitsperity_mqtt_core::time::Instant;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

/// Bytes of the longest line; a payload of 1 MiB, the default largest packet, fits as base64.
pub(super) const MAX_LINE: usize = 2 << 20;
/// Lines that could not be read and are said one by one.
const MAX_TOLD: u64 = 3;
/// Microseconds between messages that do not say when they came.
const STEP: u64 = 1_000;
/// Microseconds that time may step back within one recording: clocks of several sources differ.
const JUMP: u64 = 60_000_000;

/// Where lines come from.
#[derive(clap::Args)]
pub(super) struct Files {
    /// Files to read, one after another; standard input if none, or as -
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// One message of a line.
pub(super) struct Message<'a> {
    /// The line as it stands, without its end.
    pub(super) line: &'a [u8],
    /// Later than the one before.
    pub(super) at: Instant,
    /// Empty if the line names none.
    pub(super) topic: &'a str,
    pub(super) payload: &'a [u8],
    pub(super) qos: u8,
    pub(super) retain: bool,
}

impl Message<'_> {
    /// As accumulators take it.
    pub(super) fn record(&self) -> Record<'_> {
        Record {
            at: self.at,
            topic: self.topic,
            payload: self.payload,
            qos: self.qos,
            retain: self.retain,
        }
    }
}

/// What became of the lines.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Counts {
    pub(super) messages: u64,
    bad: u64,
    blank: u64,
}

impl Counts {
    /// There were lines, and none was a message.
    pub(super) fn nothing_read(&self) -> bool {
        self.messages == 0 && self.bad > 0
    }

    /// What was not read, on standard error.
    pub(super) fn say(&self) {
        if self.bad > 0 {
            let all = self.bad + self.messages;
            super::say(format_args!(
                "{} of {all} lines could not be read",
                self.bad
            ));
        }
        if self.blank > 0 {
            super::say(format_args!(
                "{} empty lines (mosquitto_sub -F %J prints one where a payload is not JSON; -F %j does not)",
                self.blank
            ));
        }
    }
}

/// Gives every message of the files to `take`, in order.
///
/// # Errors
/// A file could not be read, or `take` failed.
pub(super) fn each(
    files: &Files,
    output: &Output,
    mut take: impl FnMut(&Message<'_>) -> io::Result<()>,
) -> io::Result<Counts> {
    let mut clock = Clock::default();
    each_line(files, output, |line| one(line, &mut clock, &mut take))
}

/// Gives every line of the files to `take`, which says why it is none of those that are wanted, or how it went.
///
/// # Errors
/// A file could not be read, or `take` failed.
pub(super) fn each_line(
    files: &Files,
    output: &Output,
    mut take: impl FnMut(&[u8]) -> Result<io::Result<()>, String>,
) -> io::Result<Counts> {
    let standard_input = [PathBuf::from("-")];
    let files = match files.files.as_slice() {
        [] => &standard_input[..],
        files => files,
    };
    let mut counts = Counts::default();
    for file in files {
        let name = file.display();
        let input = Unhurried {
            input: open(file).map_err(|error| named(file, &error))?,
            output,
        };
        let (mut number, mut failed) = (0u64, None);
        let bad = |counts: &mut Counts, number, why: &dyn fmt::Display| {
            counts.bad += 1;
            if counts.bad <= MAX_TOLD {
                super::say(format_args!("{name}:{number}: {why}"));
            }
        };
        let read = read_lines(input, MAX_LINE, |line| {
            number += 1;
            match line {
                Input::TooLong => bad(&mut counts, number, &"longer than 2 MiB"),
                Input::Line(line) if line.trim_ascii().is_empty() => counts.blank += 1,
                Input::Line(line) => match take(&line) {
                    Ok(done) => {
                        counts.messages += 1;
                        failed = done.err();
                    }
                    Err(why) => bad(&mut counts, number, &why),
                },
            }
            failed.is_none()
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if let Err(error) = read {
            // Was it the output, which is flushed before input is waited for?
            output.flush()?;
            return Err(named(file, &error));
        }
    }
    Ok(counts)
}

/// Of another kind than the output's.
fn named(file: &Path, error: &io::Error) -> io::Error {
    io::Error::other(format!("{}: {error}", file.display()))
}

fn open(file: &Path) -> io::Result<Box<dyn Read>> {
    if file != Path::new("-") {
        return Ok(Box::new(File::open(file)?));
    }
    if io::stdin().is_terminal() {
        super::say("Reading lines from the keyboard; Ctrl-D ends them, --help says what they are.");
    }
    Ok(Box::new(io::stdin().lock()))
}

/// Flushes the output before it reads, which may take long.
struct Unhurried<'a> {
    input: Box<dyn Read>,
    output: &'a Output,
}

impl Read for Unhurried<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.output.flush()?;
        self.input.read(buffer)
    }
}

/// A line as a message; why it is none, else what `take` made of it.
fn one(
    line: &[u8],
    clock: &mut Clock,
    take: impl FnOnce(&Message<'_>) -> io::Result<()>,
) -> Result<io::Result<()>, String> {
    let line = line.trim_ascii();
    if !line.starts_with(b"{") {
        return Err("not a JSON object".into());
    }
    // mosquitto_sub prints payloads that are not text as they are.
    let text = String::from_utf8_lossy(line);
    let fields: Fields<'_> = serde_json::from_str(&text).map_err(|error| in_words(&error))?;
    let payload = fields.payload()?;
    let stamp = fields.stamp()?;
    if fields.qos > 2 {
        return Err("`qos` is not 0, 1 or 2".into());
    }
    Ok(take(&Message {
        line,
        at: clock.next(stamp),
        topic: &fields.topic,
        payload: &payload,
        qos: fields.qos,
        retain: fields.retain.0,
    }))
}

/// Without what may stand in the line, beyond a little, and without the number of its only line.
fn in_words(error: &serde_json::Error) -> String {
    let text = error
        .to_string()
        .replace(" at line 1 column ", " at column ");
    render::clean(render::front(&text, 160))
}

/// What is read of a line; the rest is not looked at.
#[derive(serde::Deserialize)]
struct Fields<'a> {
    #[serde(default)]
    t_ms: Option<f64>,
    /// mosquitto_sub's time.
    #[serde(default, borrow)]
    tst: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    topic: Cow<'a, str>,
    #[serde(default)]
    qos: u8,
    #[serde(default)]
    retain: Flag,
    /// mosquitto_sub's size of the payload.
    #[serde(default)]
    payloadlen: Option<usize>,
    #[serde(default, borrow, deserialize_with = "present")]
    payload: Option<&'a RawValue>,
    #[serde(default, borrow)]
    payload_b64: Option<Cow<'a, str>>,
}

/// A null is there, too.
fn present<'a, D: Deserializer<'a>>(from: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// `true` and `false`, or 1 and 0 as mosquitto_sub writes it.
#[derive(Default)]
struct Flag(bool);

impl<'a> Deserialize<'a> for Flag {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Flag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, 0 or 1")
            }
            fn visit_bool<E>(self, set: bool) -> Result<Flag, E> {
                Ok(Flag(set))
            }
            fn visit_u64<E>(self, set: u64) -> Result<Flag, E> {
                Ok(Flag(set != 0))
            }
        }
        from.deserialize_any(Either)
    }
}

/// A JSON string's text.
#[derive(serde::Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl Fields<'_> {
    fn payload(&self) -> Result<Cow<'_, [u8]>, String> {
        if let Some(text) = &self.payload_b64 {
            let bytes = render::from_base64(text);
            return bytes
                .map(Cow::Owned)
                .map_err(|error| format!("`payload_b64`: {error}"));
        }
        let raw = self
            .payload
            .ok_or("neither `payload` nor `payload_b64`")?
            .get();
        if raw == "null" && self.payloadlen.unwrap_or(0) == 0 {
            return Ok(Cow::Borrowed(b""));
        }
        // With %J mosquitto_sub prints payloads that are JSON as JSON: of a string only the size tells.
        if !raw.starts_with('"') || self.payloadlen == Some(raw.len()) {
            return Ok(Cow::Borrowed(raw.as_bytes()));
        }
        match serde_json::from_str(raw).map_err(|error| in_words(&error))? {
            Text(Cow::Borrowed(text)) => Ok(Cow::Borrowed(text.as_bytes())),
            Text(Cow::Owned(text)) => Ok(Cow::Owned(text.into_bytes())),
        }
    }

    /// Microseconds, if the line has a time.
    fn stamp(&self) -> Result<Option<u64>, String> {
        match (self.t_ms, &self.tst) {
            // Saturates, as it should.
            (Some(millis), _) => Ok(Some((millis * 1e3) as u64)),
            (None, Some(text)) => stamp_of_mosquitto(text).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// `2026-01-31T10:20:30.123456Z+0100`: local time, a Z that means nothing, the zone.
fn stamp_of_mosquitto(text: &str) -> Result<u64, String> {
    let zoned = match text.split_once('Z') {
        Some((local, zone)) if !zone.is_empty() => Cow::Owned(format!("{local}{zone}")),
        _ => Cow::Borrowed(text),
    };
    let at: jiff::Timestamp = zoned
        .parse()
        .map_err(|_| "`tst` is not a time".to_owned())?;
    Ok(u64::try_from(at.as_microsecond()).unwrap_or(0))
}

/// Makes times that go forward of times that need not.
#[derive(Default)]
struct Clock {
    latest: u64,
    /// Of the recordings before.
    shift: u64,
}

impl Clock {
    fn next(&mut self, stamp: Option<u64>) -> Instant {
        let stamp = stamp.map(|micros| micros.saturating_add(self.shift));
        let stamp = stamp.unwrap_or_else(|| self.latest.saturating_add(STEP));
        let back = self.latest.saturating_sub(stamp);
        if back > JUMP {
            self.shift = self.shift.saturating_add(back);
        }
        self.latest = stamp.max(self.latest.saturating_add(1));
        Instant::from_micros(self.latest)
    }
}

#[cfg(test)]
mod tests;
