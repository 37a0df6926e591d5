//! `schema`: what the messages of a recording are made of, one schema for each family of topics, or one for all payloads.

use super::lines::{Files, each, each_line};
use super::output::Output;
use crate::broker::collect::{Arrival, Collector};
use crate::broker::decoder::Decoder;
use crate::broker::report::{SchemaFamily, SchemaFindings, WantSchema, Wants};
use crate::render;
use bitsperity_mqtt_core::packet::QoS;
use bitsperity_mqtt_core::payload::decode::needs_decoding;
use bitsperity_mqtt_core::time::Instant;
use serde_json::{Map, Value, json};
use std::io;
use std::process::ExitCode;

/// Families of topics that are told apart, in about 60 MB.
const FAMILIES: usize = 8_192;

const HELP: &str = "\
Writes one line of JSON for each family of topics, those with the most messages first: its
pattern (+ for levels that differ), topics, messages, formats with counts, and for its JSON
messages a JSON Schema (2020-12) with confidence, confidence_score (chance that the next
message is like one before) and sample_size; changed_type where a field changed. Enumerations
and the numbers in descriptions are what was received; --payloads gives ranges to validate by,
with room for what comes next.

Examples
  what the devices of a recording send
    bitsperity-mqtt-mcp schema monday.jsonl | jq -r '[.messages, .pattern, .confidence] | @tsv'
  one schema for one bare JSON document a line
    bitsperity-mqtt-mcp schema --payloads documents.jsonl > schema.json";

/// Writes the JSON Schemas of a recording's messages, one for each family of topics
#[derive(clap::Args)]
#[command(after_long_help = format!("{HELP}\n\n{}", super::LINES_HELP))]
pub struct SchemaArgs {
    /// Each line is one bare JSON document; writes exactly one JSON Schema, of all
    #[arg(long)]
    payloads: bool,
    #[command(flatten)]
    files: Files,
}

/// Runs it.
pub fn run(args: &SchemaArgs) -> ExitCode {
    let output = Output::standard();
    let wants = Wants {
        schema: Some(WantSchema {
            families: FAMILIES,
            example_bytes: 0,
            room: args.payloads,
        }),
        ..Wants::default()
    };
    let mut collector = Collector::new(&wants, Instant::ZERO);
    let mut decoder = Decoder::default();
    let mut record = |at: Instant, topic: &str, payload: &[u8]| {
        let decoded = needs_decoding(topic, payload).then(|| decoder.decode(topic, payload));
        let decoded = decoded.flatten();
        collector.record(&Arrival {
            at,
            wall_us: 0,
            matched: 1,
            topic,
            payload,
            decoded,
            qos: QoS::AtMostOnce,
            retain: false,
        });
    };
    let read = if args.payloads {
        each_line(&args.files, &output, |line| match is_json(line) {
            true => {
                record(Instant::ZERO, "", line);
                Ok(Ok(()))
            }
            false => Err("not a JSON document".to_owned()),
        })
    } else {
        each(&args.files, &output, |message| {
            record(message.at, message.topic, message.payload);
            Ok(())
        })
    };
    let done = read.and_then(|counts| {
        let found = collector.findings(Instant::ZERO).schema.unwrap_or_default();
        write(&found, args.payloads, &output)?;
        say_lost(&found);
        Ok(counts)
    });
    super::finish(done)
}

fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

fn write(found: &SchemaFindings, one: bool, output: &Output) -> io::Result<()> {
    if one {
        let any = || format!("{{\"$schema\":\"{DIALECT}\"}}");
        let schema = found
            .families
            .first()
            .and_then(|family| family.schema.clone());
        output.text(&schema.unwrap_or_else(any))?;
    } else {
        for family in &found.families {
            output.text(&told(family).to_string())?;
        }
    }
    output.flush()
}

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

fn told(family: &SchemaFamily) -> Value {
    let formats: Map<String, Value> = family
        .formats
        .iter()
        .map(|&(name, count)| (name.to_owned(), count.into()))
        .collect();
    let mut told = json!({
        "pattern": family.pattern,
        "topics": family.topics,
        "messages": family.messages,
        "formats": formats,
    });
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    if let Some(schema) = &family.schema {
        told["confidence"] = family.confidence.1.into();
        told["confidence_score"] = render::rounded(family.confidence.0).into();
        told["sample_size"] = family.sample.into();
        told["schema"] = parsed(schema);
    }
    if family.outliers > 0 {
        told["outliers"] = family.outliers.into();
    }
    if !family.changed.is_empty() {
        let paths = family.changed.iter().map(|changed| changed.path.as_str());
        told["changed_type"] = paths.collect();
    }
    if let Some((schema, _)) = &family.text {
        told["text_schema"] = parsed(schema);
    }
    told
}

fn say_lost(found: &SchemaFindings) {
    if found.messages_beyond > 0 {
        super::say(format_args!(
            "{} messages of further families found no room",
            found.messages_beyond
        ));
    }
    if found.members_lost > 0 {
        super::say(format_args!(
            "{} members of objects found no room",
            found.members_lost
        ));
    }
}
