//! `capture`: every message of a Topic Filter, one line each, until its time is over or somebody interrupts it.
//!
//! The connection's task hands messages on and waits for nobody: what standard output is too slow for is counted as
//! missed. Each line is made in one buffer that was there from the start.

use super::lines::MAX_LINE;
use super::output::Output;
use super::{USAGE, say};
use crate::broker::handle::{BrokerError, Handle, Listening};
use crate::broker::report::{Listen, Report, Retained, StopReason, Wants};
use crate::broker::tap::{self, Outlet, Tapped};
use crate::config::Config;
use crate::process::signals::watch_signals;
use crate::process::start_executor;
use crate::protocol::failure::ToolError;
use crate::render;
use crate::tools::{checked_filter, place};
use async_channel::{Receiver, bounded};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::{Either, pending, select};
use serde::Serialize;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

/// Time to say goodbye to the broker.
const GOODBYE: Duration = Duration::from_secs(1);
/// Without `--duration`: until somebody interrupts it.
const FOR_EVER: Duration = Duration::from_secs(366 * 24 * 3_600);

const HELP: &str = "\
One line a message:
{\"t_ms\":1700000000123,\"topic\":\"…\",\"qos\":0,\"retain\":false,\"payload\":\"…\"}, t_ms in
Unix milliseconds, payload_b64 in place of payload where it is not text. Ctrl-C or SIGTERM end
it with what it has. How many messages came, and how many were missed, is said on standard
error at the end.

A password does not belong on a command line, where every user of the machine sees it:
describe the broker in the configuration file and give its name, or set BITSPERITY_MQTT_URL
and BITSPERITY_MQTT_PASSWORD, which is the broker \"default\".

Examples:
  bitsperity-mqtt-mcp capture --broker home --topic '#' --duration 60 > minute.jsonl
  bitsperity-mqtt-mcp capture --broker mqtt://192.168.1.7 --topic 'zigbee2mqtt/#' --max-messages 500 \\
    | bitsperity-mqtt-mcp prune --keep 20

Exit codes: 0 its time was over, somebody interrupted it or nobody read the output any more; 1
no connection, or lost for good; 2 the command line or the configuration are wrong.";

/// Records the messages of a broker, one JSON line each, on standard output
#[derive(clap::Args)]
#[command(after_long_help = HELP)]
pub struct CaptureArgs {
    /// Name of a configured broker, or mqtt|mqtts|ws|wss://[user:pass@]host[:port]
    #[arg(long, value_name = "BROKER", default_value = "default")]
    broker: String,
    /// Topic Filter, such as home/+/temperature; quote it, since shells know # and +
    #[arg(long, value_name = "FILTER", default_value = "#")]
    topic: String,
    /// Ends after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    duration: Option<Duration>,
    /// Ends after so many messages
    #[arg(long, value_name = "MESSAGES", value_parser = clap::value_parser!(u64).range(1..))]
    max_messages: Option<u64>,
    /// Quality of Service asked for
    #[arg(long, value_name = "0|1|2", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    qos: u8,
    /// Retained messages
    #[arg(long, value_name = "WHICH", default_value = "include", value_parser = ["include", "exclude", "only"])]
    retained: String,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    let seconds = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let fits = seconds.filter(|it| !it.is_zero() && *it <= FOR_EVER);
    fits.ok_or_else(|| "must be seconds above 0, at most a year".to_owned())
}

/// Runs it.
pub fn run(args: &CaptureArgs, config: &Config) -> ExitCode {
    let target = place(config, args.broker.trim());
    let asked = target.and_then(|target| Ok((target, checked_filter("topic", &args.topic)?)));
    let (target, filter) = match asked {
        Ok(asked) => asked,
        Err(error) => {
            complain(&error);
            return ExitCode::from(USAGE);
        }
    };
    let (tap, outlet) = tap::new();
    let listen = Listen {
        filters: vec![filter],
        qos: render::qos(args.qos),
        retained: match args.retained.as_str() {
            "exclude" => Retained::Exclude,
            "only" => Retained::Only,
            _ => Retained::Include,
        },
        duration: args.duration.unwrap_or(FOR_EVER),
        // Retained ones count, too, so they are counted where they are written.
        max_messages: None,
        until_quiet: None,
        wants: Wants {
            tap: Some(tap),
            ..Wants::default()
        },
    };
    let (interrupt, interrupted) = bounded(1);
    let watching = watch_signals(move |_| {
        let _ = interrupt.try_send(());
    });
    if let Err(error) = watching {
        log::warn!("signals end this without a last word: {error}");
    }
    start_executor();
    async_std::task::block_on(async {
        // An interrupt while it still connects ends it at once.
        let connecting = async { Handle::connect(target, &config.limits).await };
        let waited = async { interrupted.recv().await };
        let handle = match select(pin!(connecting), pin!(waited)).await {
            Either::Left((Ok((handle, _)), _)) => handle,
            Either::Left((Err(error), _)) => return failed(error),
            Either::Right(_) => return ExitCode::SUCCESS,
        };
        let done = match handle.listen(listen).await {
            Ok(listening) => {
                let most = args.max_messages.unwrap_or(u64::MAX);
                record(&listening, &outlet, &interrupted, most).await
            }
            Err(error) => Ok(failed(error)),
        };
        handle.close(GOODBYE).await;
        done.unwrap_or_else(|error| super::finish(Err(error)))
    })
}

fn failed(error: BrokerError) -> ExitCode {
    complain(&error.into());
    ExitCode::FAILURE
}

fn complain(error: &ToolError) {
    say(format_args!("error: {}", error.message));
    say(format_args!("  {}", error.next_step));
}

/// Writes every message, at most so many, until the listening ends; an interrupt ends it.
async fn record(
    listening: &Listening,
    outlet: &Outlet,
    interrupted: &Receiver<()>,
    most: u64,
) -> io::Result<ExitCode> {
    let started = match listening.report().await {
        Ok(report) => report.started,
        Err(error) => return Ok(failed(error)),
    };
    let output = Output::standard();
    let mut scribe = Scribe::new(started);
    let writing = async {
        // The listener holds the other end of the outlet: when it stops, no more can come.
        while let Some(message) = next(outlet, &output).await? {
            scribe.write(&message, &output)?;
            if scribe.written >= most {
                output.flush()?;
                listening.stop().await;
                break;
            }
        }
        io::Result::Ok(())
    };
    let interrupting = async {
        let _ = interrupted.recv().await;
        listening.stop().await;
        pending::<Infallible>().await
    };
    match select(Box::pin(writing), pin!(interrupting)).await {
        Either::Left((done, _)) => done?,
        Either::Right((never, _)) => match never {},
    }
    Ok(match listening.report().await {
        Ok(report) => scribe.last_words(&report, outlet.missed()),
        Err(error) => failed(error),
    })
}

/// What was written is out before it waits.
async fn next(outlet: &Outlet, output: &Output) -> io::Result<Option<Tapped>> {
    if let Some(message) = outlet.try_next() {
        return Ok(Some(message));
    }
    output.flush()?;
    Ok(outlet.next().await)
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    t_ms: u64,
    topic: &'a str,
    qos: u8,
    retain: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_b64: Option<&'a str>,
}

/// Makes lines in buffers of its own.
struct Scribe {
    started: SystemTime,
    line: Box<[u8]>,
    base64: Box<[u8]>,
    written: u64,
    too_long: u64,
}

impl Scribe {
    fn new(started: SystemTime) -> Self {
        Self {
            started,
            line: vec![0; MAX_LINE].into_boxed_slice(),
            base64: vec![0; MAX_LINE].into_boxed_slice(),
            written: 0,
            too_long: 0,
        }
    }

    /// Writes its line; one that would be longer than what is read again is counted.
    fn write(&mut self, message: &Tapped, output: &Output) -> io::Result<()> {
        match self.line(message) {
            Some(line) => output.line(line)?,
            None => {
                self.too_long += 1;
                return Ok(());
            }
        }
        self.written += 1;
        Ok(())
    }

    fn line(&mut self, message: &Tapped) -> Option<&[u8]> {
        let since = (self.started + message.at).duration_since(SystemTime::UNIX_EPOCH);
        let mut line = Line {
            t_ms: render::whole_millis(since.unwrap_or_default()),
            topic: &message.topic,
            qos: message.qos as u8,
            retain: message.retain,
            payload: std::str::from_utf8(&message.payload).ok(),
            payload_b64: None,
        };
        let mut length = match line.payload {
            Some(_) => serde_json_core::to_slice(&line, &mut self.line).ok(),
            None => None,
        };
        // Text full of control characters takes six times its size, base64 a third more.
        if length.is_none() {
            let used = STANDARD
                .encode_slice(&message.payload, &mut self.base64)
                .ok()?;
            line.payload = None;
            line.payload_b64 = std::str::from_utf8(self.base64.get(..used)?).ok();
            length = serde_json_core::to_slice(&line, &mut self.line).ok();
        }
        self.line.get(..length?)
    }

    /// What came of it, on standard error.
    fn last_words(&self, report: &Report, missed: u64) -> ExitCode {
        say(format_args!(
            "{} messages in {:.3} s",
            self.written,
            report.elapsed.as_secs_f64()
        ));
        if report.reconnects > 0 {
            say(format_args!(
                "connected anew {} times, deaf for {:.3} s",
                report.reconnects,
                report.deaf.as_secs_f64()
            ));
        }
        for (count, what) in [
            (missed, "missed: standard output was read too slowly"),
            (report.oversized, "missed: larger than max_packet"),
            (
                self.too_long,
                "left out: their lines would be longer than 2 MiB",
            ),
        ] {
            if count > 0 {
                say(format_args!("{count} messages {what}"));
            }
        }
        match report.stopped {
            Some(StopReason::ConnectionLost | StopReason::SessionClosed) => {
                say("error: the connection was lost for good");
                ExitCode::FAILURE
            }
            _ => ExitCode::SUCCESS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitsperity_mqtt_core::packet::QoS;

    fn line_of(payload: &[u8]) -> Option<String> {
        let message = Tapped {
            at: Duration::from_millis(1_234),
            topic: "a/\"ü".to_owned(),
            payload: payload.to_vec(),
            qos: QoS::AtLeastOnce,
            retain: true,
        };
        let mut scribe = Scribe::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let line = scribe.line(&message)?;
        Some(String::from_utf8(line.to_vec()).unwrap())
    }

    #[test]
    fn a_line_is_json_of_the_agreed_form() {
        let head = r#"{"t_ms":1700000001234,"topic":"a/\"ü","qos":1,"retain":true,"#;
        let text = line_of("x\"\n\u{1}\\ä".as_bytes()).unwrap();
        assert_eq!(
            text,
            format!("{head}\"payload\":\"x\\\"\\n\\u0001\\\\ä\"}}")
        );
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["payload"], "x\"\n\u{1}\\ä");
        assert_eq!(
            line_of(&[0xff, 0]).unwrap(),
            format!("{head}\"payload_b64\":\"/wA=\"}}")
        );
        assert_eq!(line_of(b"").unwrap(), format!("{head}\"payload\":\"\"}}"));
    }

    #[test]
    fn what_does_not_fit_as_text_fits_as_base64_or_not_at_all() {
        let controls = line_of(&vec![1; 1 << 20]).unwrap();
        assert!(controls.contains("\"payload_b64\":\"AQEB"));
        assert!(line_of(&vec![b'x'; MAX_LINE]).is_none());
    }

    #[test]
    fn durations_are_seconds() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1_500)));
        for wrong in ["0", "-1", "x", "1e300", "NaN", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
