//! The reduction without an assistant: recordings of messages as JSON lines on files, standard input and output.
//!
//! `lines` reads them, `output` writes them; then one file a command: `capture` records from a broker, `prune` keeps what
//! matters, `classify` says of each line what it is, `schema` what all are made of. One line is one message:
//! `{"t_ms":…,"topic":"…","qos":0,"retain":false,"payload":"…"}`, `t_ms` in Unix milliseconds, `payload_b64` where the
//! payload is not text; what `mosquitto_sub -F %j` (or `%J`) prints is read as well.
//! Invariant: memory is bounded however long the input is; whatever could not be read is counted and said.

mod capture;
mod classify;
mod lines;
mod output;
mod prune;
mod schema;

pub use capture::{CaptureArgs, run as capture};
pub use classify::{ClassifyArgs, run as classify};
pub use prune::{PruneArgs, run as prune};
pub use schema::{SchemaArgs, run as schema};

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// What every help of these commands ends with.
const LINES_HELP: &str = "\
Input is JSON lines:
{\"t_ms\":…,\"topic\":\"…\",\"qos\":0,\"retain\":false,\"payload\":\"…\"}, as `capture` writes
them, with payload_b64 where the payload is not text; also what `mosquitto_sub -F %j` prints.
A line is at most 2 MiB long. Lines that cannot be read are counted, the first three said on
standard error.

Exit codes: 0 done, or nobody read the output to its end; 1 a file could not be read, or no
line at all; 2 the command line is wrong.";

/// Configuration or command line are wrong; clap's own exit code, too.
const USAGE: u8 = 2;

/// How a command ended, as an exit code; failures are said on standard error.
fn finish(done: io::Result<lines::Counts>) -> ExitCode {
    match done {
        Ok(counts) => {
            counts.say();
            if counts.nothing_read() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            }
        }
        // As of `… | head`: who reads had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// One line for the person; standard output is for messages only.
fn say(text: impl Display) {
    // Nobody reads it: nothing to be done about it.
    let _ = writeln!(io::stderr(), "{text}");
}
