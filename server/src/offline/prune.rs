//! `prune`: of any number of lines, those that matter, unchanged and in order.
//!
//! The pruner judges the payload and keeps the line in its place, so that what is written is what was read. Its arena
//! holds any line eight times over, which is all the memory there is: candidates that find no room are counted.

use super::lines::{Files, MAX_LINE, Message, each};
use super::output::Output;
use super::say;
use crate::broker::decoder::Decoder;
use crate::render;
use bitsperity_mqtt_core::payload::Memo;
use bitsperity_mqtt_core::reduce::prune::{Choice, Slot};
use bitsperity_mqtt_core::reduce::{Pruner, Record};
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::process::ExitCode;

/// Bytes for lines: the pruner takes entries of up to an eighth, with a topic and a reason beside the line.
const ARENA: usize = 8 * (MAX_LINE + 4_096);
/// Kinds of errors that the summary lists.
const KINDS: usize = 20;

const HELP: &str = "\
The kept lines come back unchanged, in order, each with \"why\" added: error, warning, first,
last, gap, shape, extreme, change or sample, most important first. A summary of all that was
read goes to standard error: how many were kept and why, every kind of error with its count,
formats. Takes any number of lines in about 16 MiB.

Example: the 50 lines worth reading of a day
  bitsperity-mqtt-mcp prune monday.jsonl > monday-50.jsonl
Live, from another client:
  mosquitto_sub -h 192.168.1.7 -t '#' -F %j -W 60 | bitsperity-mqtt-mcp prune --keep 20";

/// Keeps the lines of a recording that matter: errors, first and last, every shape of payload, an even sample
#[derive(clap::Args)]
#[command(after_long_help = format!("{HELP}\n\n{}", super::LINES_HELP))]
pub struct PruneArgs {
    /// Lines kept at most
    #[arg(long, value_name = "LINES", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    keep: u16,
    #[command(flatten)]
    files: Files,
}

type Memory = Pruner<Box<[Slot]>, Box<[u8]>>;

/// Runs it.
pub fn run(args: &PruneArgs) -> ExitCode {
    let output = Output::standard();
    let target = usize::from(args.keep);
    let slots = vec![Slot::default(); Memory::slots_for(target)].into_boxed_slice();
    let arena = vec![0; ARENA].into_boxed_slice();
    let mut pruner = Box::new(Pruner::new(slots, arena, target, MAX_LINE));
    let mut memo = Box::new(Memo::new(
        foldhash::fast::RandomState::default().hash_one(0),
    ));
    let mut decoder = Decoder::default();
    let mut span = (u64::MAX, 0);
    let read = each(&args.files, &output, |message| {
        let at = message.at.as_micros();
        span = (span.0.min(at), at);
        take(&mut pruner, &mut memo, &mut decoder, message);
        Ok(())
    });
    let done = read.and_then(|counts| {
        let why = write(&pruner, &output)?;
        summarize(&pruner, span, &why);
        Ok(counts)
    });
    super::finish(done)
}

fn take(pruner: &mut Memory, memo: &mut Memo, decoder: &mut Decoder, message: &Message<'_>) {
    let mut facts = decoder.inspect(memo, message.topic, message.payload);
    // The line is kept as it stands.
    facts.decoded = None;
    let record = Record {
        payload: message.line,
        ..message.record()
    };
    pruner.record(&record, &facts);
}

/// Writes the kept lines; gives how many there are for each first reason.
fn write(pruner: &Memory, output: &Output) -> std::io::Result<BTreeMap<&'static str, usize>> {
    let mut scratch = vec![Choice::default(); pruner.scratch_len()];
    let mut reasons = BTreeMap::new();
    for kept in pruner.kept(&mut scratch) {
        let why: Vec<&str> = kept.why.names().collect();
        if let Some(first) = kept.why.names().next() {
            *reasons.entry(first).or_default() += 1;
        }
        output.line_with(kept.payload, &[("why", why.into())])?;
    }
    output.flush()?;
    Ok(reasons)
}

/// What was read and what was kept, on standard error; `span` is from when to when, in microseconds.
fn summarize(pruner: &Memory, span: (u64, u64), reasons: &BTreeMap<&str, usize>) {
    let seconds = |micros: u64| micros.saturating_sub(span.0) as f64 / 1e6;
    let kept: usize = reasons.values().sum();
    let reasons = list(reasons.iter().map(|(why, count)| (*count as u64, *why)));
    say(format_args!(
        "{} messages over {:.3} s; kept {kept}{reasons}",
        pruner.count(),
        seconds(span.1),
    ));
    let (errors, warnings) = pruner.problems();
    let mut kinds: Vec<_> = pruner.error_kinds().collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    let more = pruner.error_kinds_more() + kinds.len().saturating_sub(KINDS) as u64;
    say(format_args!("{errors} errors, {warnings} warnings"));
    for kind in kinds.iter().take(KINDS) {
        say(format_args!(
            "  {} x {}: {} (first at {:.3} s, latest at {:.3} s)",
            kind.count,
            render::topic(kind.topic),
            render::clean(kind.why),
            seconds(kind.first),
            seconds(kind.latest),
        ));
    }
    if more > 0 {
        say(format_args!("  and {more} more kinds of errors"));
    }
    let formats = pruner.formats();
    let formats = list(formats.map(|(format, count)| (count, format.name())));
    say(format_args!(
        "{} shapes of payload{formats}",
        pruner.shapes()
    ));
    if pruner.lost() > 0 {
        say(format_args!(
            "{} lines were worth keeping and found no room",
            pruner.lost()
        ));
    }
}

/// `: 3 error, 1 first`, the most frequent first; nothing of nothing.
fn list<'a>(counts: impl Iterator<Item = (u64, &'a str)>) -> String {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let counts = counts.iter().map(|(count, name)| format!("{count} {name}"));
    let counts: Vec<String> = counts.collect();
    let colon = if counts.is_empty() { "" } else { ": " };
    format!("{colon}{}", counts.join(", "))
}
