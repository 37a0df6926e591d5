//! The answers to a publication: which messages count, whether they fit what was expected, and when to stop waiting.
//!
//! An answer that does not fit ends nothing: devices report on their own, before they obey and while they do not. What
//! came before the publication, and its own echo, is no answer.
//! Invariant: the work for all answers to one call is bounded by the steps of `json_schema`, and few of them are held.

use super::{Arguments, Expect, obey};
use crate::broker::handle::{Handle, Listening, Publish, Published};
use crate::broker::report::{Listen, Retained, Wants};
use crate::broker::tap::{self, Outlet, Tapped};
use crate::process::clock;
use crate::protocol::failure::ToolError;
use crate::render;
use crate::tools::arguments::json_schema;
use crate::tools::arguments::topic::checked_filter;
use crate::tools::listening::seconds;
use crate::tools::listening::sentences;
use bitsperity_mqtt_core::payload::{Severity, inspect};
use futures::future::{Either, select};
use serde_json::Value;
use std::pin::pin;
use std::time::{Duration, SystemTime};

/// Bytes of an answer that is held against what was expected.
const HELD: usize = 16 * 1024;

/// Answers that do not fit and are held: the latest say how things stand.
const UNFIT: usize = 3;

/// What an answer is held against.
pub(super) struct Expected {
    pub(super) listen: Listen,
    outlet: Outlet,
    schema: Option<Value>,
    equals: Option<String>,
    /// What the command says, if neither is given.
    command: Option<Value>,
    answers: usize,
    patience: Duration,
}

/// An answer.
pub(super) struct Reply {
    pub(super) message: Tapped,
    pub(super) round_trip: Duration,
    /// None: there is nothing to hold it against.
    pub(super) fits: Option<bool>,
    /// Where it does not fit the schema.
    pub(super) complaints: Vec<String>,
    /// What it says in place of what the command wants.
    otherwise: Option<String>,
}

/// All answers.
#[derive(Default)]
pub(super) struct Heard {
    /// In order of time; of those that do not fit, the latest.
    pub(super) replies: Vec<Reply>,
    /// Messages that came, the own echo not counted.
    pub(super) reports: u64,
    /// Of these, not fitting.
    unfit: u64,
    /// How long they were waited for: what was asked, or as long as a call may last.
    patience: Duration,
}

impl Expected {
    pub(super) fn of(
        expect: &Expect,
        arguments: &Arguments,
        deadline: Duration,
        call_limit: Duration,
    ) -> Result<Self, ToolError> {
        let schema = expect.schema.as_deref().map(schema).transpose()?;
        let told = schema.is_some() || expect.equals.is_some();
        let command = (!told).then(|| value(arguments.payload.as_bytes()));
        let patience = seconds(expect.seconds).min(call_limit);
        let (tap, outlet) = tap::new();
        Ok(Self {
            listen: Listen {
                filters: vec![checked_filter("expect.topic", &expect.topic)?],
                qos: render::qos(1),
                retained: Retained::Exclude,
                duration: deadline + patience,
                max_messages: None,
                until_quiet: None,
                wants: Wants {
                    tap: Some(tap),
                    ..Wants::default()
                },
            },
            outlet,
            schema,
            equals: expect.equals.clone(),
            command,
            answers: expect.answers as usize,
            patience,
        })
    }

    /// Publishes, and waits for as many answers as are wanted.
    pub(super) async fn exchange(
        self,
        handle: &Handle,
        publish: Publish,
        deadline: Duration,
    ) -> Result<(Published, Heard), ToolError> {
        handle.permits(&publish)?;
        let sent = (publish.topic.clone(), publish.payload.clone());
        let listening = handle.listen(self.listen.clone()).await?;
        let started = listening.report().await?.started;
        let published = handle.publish(publish, deadline).await?;
        let heard = self.wait(&listening, started, published.asked, sent).await;
        Ok((published, heard))
    }

    async fn wait(
        &self,
        listening: &Listening,
        started: SystemTime,
        asked: SystemTime,
        sent: (String, Vec<u8>),
    ) -> Heard {
        let mut heard = Heard {
            patience: self.patience,
            ..Heard::default()
        };
        let mut steps = json_schema::Steps::new();
        let mut echo = Some(sent);
        let (patience, stopped) = (clock::sleep(self.patience), listening.stopped());
        let (patience, stopped) = (pin!(patience), pin!(stopped));
        let mut over = select(patience, stopped);
        while heard
            .replies
            .iter()
            .filter(|it| it.fits != Some(false))
            .count()
            < self.answers
        {
            let message = match select(pin!(self.outlet.next()), &mut over).await {
                Either::Left((Some(message), _)) => message,
                Either::Left((None, _)) | Either::Right(_) => break,
            };
            let is_echo = |(topic, payload): &(String, Vec<u8>)| {
                *topic == message.topic && *payload == message.payload
            };
            if echo.as_ref().is_some_and(is_echo) {
                echo = None;
                continue;
            }
            let Ok(round_trip) = (started + message.at).duration_since(asked) else {
                continue;
            };
            heard.add(self.judge(message, round_trip, &mut steps));
        }
        heard
    }

    fn judge(
        &self,
        message: Tapped,
        round_trip: Duration,
        steps: &mut json_schema::Steps,
    ) -> Reply {
        let mut otherwise = None;
        let (fits, complaints) = match (&self.schema, &self.equals, &self.command) {
            (Some(schema), _, _) => checked(&message.payload, schema, steps),
            (None, Some(equals), _) => (Some(same(equals, &message.payload)), Vec::new()),
            (None, None, Some(command)) if message.payload.len() <= HELD => {
                let compared = obey::compare(command, &value(&message.payload));
                let fits = match compared {
                    Some(Ok(())) => Some(true),
                    Some(Err(said)) => {
                        otherwise = Some(said);
                        Some(false)
                    }
                    None => {
                        otherwise = trouble(&message);
                        otherwise.is_some().then_some(false)
                    }
                };
                (fits, Vec::new())
            }
            _ => (None, Vec::new()),
        };
        Reply {
            message,
            round_trip,
            fits,
            complaints,
            otherwise,
        }
    }
}

impl Heard {
    fn add(&mut self, reply: Reply) {
        self.reports += 1;
        if reply.fits == Some(false) {
            self.unfit += 1;
            let unfit = |it: &Reply| it.fits == Some(false);
            if self.replies.iter().filter(|it| unfit(it)).count() >= UNFIT
                && let Some(oldest) = self.replies.iter().position(unfit)
            {
                self.replies.remove(oldest);
            }
        }
        self.replies.push(reply);
    }

    /// Whether an answer came that fits, or that cannot be held against anything.
    pub(super) fn is_answered(&self) -> bool {
        self.replies.iter().any(|it| it.fits != Some(false))
    }

    /// Whether an answer shows that the device did what was wanted.
    pub(super) fn is_obeyed(&self) -> bool {
        self.replies.iter().any(|it| it.fits == Some(true))
    }

    fn waited(&self, expect: &Expect) -> String {
        let waited = render::seconds(self.patience);
        if self.patience < seconds(expect.seconds) {
            return format!(
                "{waited} s (not {} s: a call may last no longer here; listen on with subscribe_and_collect)",
                expect.seconds
            );
        }
        format!("{waited} s")
    }

    /// What came of it, in words, after what became of the publication.
    pub(super) fn outcome(&self, expect: &Expect) -> String {
        let topic = render::topic(&expect.topic);
        let within = format!("on {topic} within {}", self.waited(expect));
        let fitting = self.replies.iter().find(|it| it.fits == Some(true));
        if let Some(first) = fitting {
            let before = match self.unfit {
                0 => String::new(),
                unfit => format!(
                    ", {} before it did not fit",
                    sentences::count(unfit, "report", "reports")
                ),
            };
            return format!(
                "obeyed after {} s{before}",
                render::seconds(first.round_trip)
            );
        }
        if let Some(first) = self.replies.iter().find(|it| it.fits.is_none()) {
            let answers = sentences::count(self.reports, "answer", "answers");
            let after = render::rounded(render::millis(first.round_trip));
            return format!("{answers} on {topic}, the first after {after} ms");
        }
        let Some(last) = self.replies.last() else {
            return format!("no answer came {within}");
        };
        let reports = sentences::count(self.reports, "report", "reports");
        // Without a schema or `equals` the device is held against its command.
        let judged = self.replies.iter().any(|it| it.otherwise.is_some());
        let none = match (judged, self.reports) {
            (true, _) => "not obeyed",
            (false, 1) => "it does not fit",
            (false, _) => "none fits",
        };
        let how = last.otherwise.as_ref().or(last.complaints.first());
        let how = how.map_or("the latest said otherwise", String::as_str);
        let payload = &last.message.payload;
        let latest = render::preview(payload, payload.len(), 96);
        format!("{reports} {within}, {none}: {how} (latest: {latest})")
    }
}

/// A schema that can be checked.
fn schema(text: &str) -> Result<Value, ToolError> {
    let schema = serde_json::from_str::<Value>(text).map_err(|_| {
        ToolError::invalid(
            "`expect.schema` is not JSON",
            "correct it, or leave it out; nothing was published",
        )
    })?;
    json_schema::understood(&schema).map_err(|why| {
        ToolError::invalid(
            format!("`expect.schema` cannot be checked: {why}"),
            "leave that part out of the schema, or the whole schema; nothing was published",
        )
    })?;
    Ok(schema)
}

/// JSON as it is, anything else as text.
fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// Whether an answer fits, if that can be said, and what does not.
fn checked(
    payload: &[u8],
    schema: &Value,
    steps: &mut json_schema::Steps,
) -> (Option<bool>, Vec<String>) {
    if payload.len() > HELD {
        let why = format!("not checked: the answer is over {HELD} bytes");
        return (None, vec![why]);
    }
    let Ok(value) = serde_json::from_slice(payload) else {
        return (Some(false), vec!["the answer is not JSON".to_owned()]);
    };
    match json_schema::broken(schema, &value, steps) {
        Some(complaints) => {
            let texts = complaints.iter().map(ToString::to_string).collect();
            (Some(complaints.is_empty()), texts)
        }
        None => {
            let why = "not checked: the schema and the answers are too large together".to_owned();
            (None, vec![why])
        }
    }
}

/// Whether the answer is just this: the same text, or the same JSON.
fn same(equals: &str, payload: &[u8]) -> bool {
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let alike = |wanted: Value| json(payload).is_some_and(|it| obey::is(&wanted, &it));
    equals.as_bytes() == payload || json(equals.as_bytes()).is_some_and(alike)
}

/// The error that an answer tells, in words.
fn trouble(message: &Tapped) -> Option<String> {
    let facts = inspect(&message.topic, &message.payload);
    let reason = facts.reason.filter(|_| facts.severity == Severity::Error)?;
    let said = render::clean(render::front(&reason.to_string(), 80));
    Some(format!("it tells an error, {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_is_the_same_text_or_the_same_json() {
        assert!(same("open", b"open") && same("{\"a\": 1}", b"{\"a\":1.0}"));
        assert!(same("\"open\"", b"\"open\"") && !same("open", b"shut"));
    }
}
