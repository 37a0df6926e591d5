//! `classify`: says of each line which format its payload has and how bad what it tells is.

use super::lines::{Files, each};
use super::output::Output;
use crate::broker::decoder::Decoder;
use bitsperity_mqtt_core::payload::Memo;
use serde_json::Value;
use std::hash::BuildHasher;
use std::process::ExitCode;

const HELP: &str = "\
Each line comes back unchanged, with four members added (in place of any of the same name):
  format             json_object, number, text, xml, log_line, cbor, gzip, … ; empty for no payload
  format_confidence  0 to 1
  severity           error, warning or none
  severity_why       the key, word or level of the topic that says so, and its value; empty if none

Example: which errors came, most frequent first
  bitsperity-mqtt-mcp classify monday.jsonl | jq -r 'select(.severity == \"error\") | .severity_why' | sort | uniq -c";

/// Says of each line of a recording which format its payload has and whether it tells of an error
#[derive(clap::Args)]
#[command(after_long_help = format!("{HELP}\n\n{}", super::LINES_HELP))]
pub struct ClassifyArgs {
    #[command(flatten)]
    files: Files,
}

/// Runs it.
pub fn run(args: &ClassifyArgs) -> ExitCode {
    let output = Output::standard();
    let seed = foldhash::fast::RandomState::default().hash_one(0);
    let mut memo = Box::new(Memo::new(seed));
    let mut decoder = Decoder::default();
    let done = each(&args.files, &output, |message| {
        let facts = decoder.inspect(&mut memo, message.topic, message.payload);
        let why = facts.reason.map(|reason| reason.to_string());
        output.line_with(
            message.line,
            &[
                ("format", facts.format.name().into()),
                ("format_confidence", hundredths(facts.confidence)),
                ("severity", facts.severity.name().into()),
                ("severity_why", why.unwrap_or_default().into()),
            ],
        )
    });
    super::finish(done.and_then(|counts| output.flush().map(|()| counts)))
}

/// Percent as 0 to 1.
fn hundredths(percent: u8) -> Value {
    (f64::from(percent) / 100.0).into()
}
