//! Tool calls: who, what, how long, how much, and what came of it.
//!
//! Invariant: payloads are not here but in what a tool answered, and of that only the front is kept.

use super::clients::ClientId;
use super::cut;
use super::latest::Ring;
use std::time::{Duration, SystemTime};

/// Calls that are kept: with [`MAX_RESULT`] at most 2.2 MB, a working day of one assistant.
const MAX_CALLS: usize = 512;

/// Bytes of a result that are kept; most results of a monitoring call are under it.
const MAX_RESULT: usize = 4_096;

/// Bytes of the verdict or the error.
const MAX_VERDICT: usize = 400;

/// Bytes of arguments as they are shown.
const MAX_ARGUMENTS: usize = 512;

/// Bytes of a name: of a tool, a client, an outcome.
const MAX_NAME: usize = 64;

/// The tool whose calls change something in the house.
const PUBLISHES: &str = "publish_message";

/// A call as it begins. Whoever makes it masks and shortens first.
#[derive(Clone, Debug, Default)]
pub struct Noted {
    /// Name of the tool.
    pub tool: String,
    /// Names of its arguments.
    pub names: Vec<String>,
    /// Arguments as people read them: names, and the values that may be shown.
    pub arguments: String,
    /// The session that it names.
    pub session: Option<String>,
}

/// How it ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// How long in all.
    pub took: Duration,
    /// Of this, spent listening as it was asked to.
    pub listened: Duration,
    /// Bytes that went to the assistant.
    pub bytes: usize,
    /// About how many tokens that is.
    pub tokens: usize,
    /// `ok`, `cancelled` or the code of the error.
    pub outcome: &'a str,
    /// It is an error.
    pub failed: bool,
    /// Verdict, or what the error says; may be empty.
    pub verdict: &'a str,
    /// What the assistant got, as text.
    pub result: &'a str,
}

/// A call that another process made, as it reports it.
#[derive(Clone, Debug, Default)]
pub struct Reported {
    /// Name of the tool.
    pub tool: String,
    /// Who called.
    pub client: Option<String>,
    /// How long.
    pub took: Duration,
    /// It went well.
    pub success: bool,
    /// Bytes of the answer.
    pub bytes: usize,
    /// What went wrong.
    pub error: Option<String>,
}

/// A call that ended.
#[derive(Clone, Debug)]
pub struct Call {
    /// Counts from 1.
    pub number: u64,
    /// When it ended.
    pub at: SystemTime,
    /// Whose it was; none if another process reported it.
    pub client: Option<ClientId>,
    /// The assistant's name and version.
    pub who: String,
    /// Name of the tool.
    pub tool: String,
    /// See [`Noted`].
    pub names: Vec<String>,
    /// See [`Noted`].
    pub arguments: String,
    /// See [`Noted`].
    pub session: Option<String>,
    /// How long in all.
    pub took: Duration,
    /// The same without the time that it listened as asked.
    pub own: Duration,
    /// See [`Ended`].
    pub bytes: usize,
    /// See [`Ended`].
    pub tokens: usize,
    /// See [`Ended`].
    pub outcome: String,
    /// It is an error.
    pub failed: bool,
    /// It published something, or may have.
    pub published: bool,
    /// Another process reported it: nobody here saw it.
    pub is_reported: bool,
    /// Verdict, or what the error says.
    pub verdict: String,
    /// The front of what the assistant got.
    pub result: String,
}

impl Call {
    pub(super) fn new(client: ClientId, noted: Noted, ended: &Ended<'_>, at: SystemTime) -> Self {
        // Of what was heard before the call nothing was waited for.
        let waited = Some(ended.listened).filter(|listened| *listened <= ended.took);
        let may_have_gone = !ended.failed || ended.outcome == "in_doubt";
        Self {
            number: 0,
            at,
            client: Some(client),
            who: String::new(),
            published: noted.tool == PUBLISHES && may_have_gone && ended.outcome != "cancelled",
            tool: cut(&noted.tool, MAX_NAME),
            names: noted.names,
            arguments: cut(&noted.arguments, MAX_ARGUMENTS),
            session: noted.session,
            took: ended.took,
            own: ended.took.saturating_sub(waited.unwrap_or_default()),
            bytes: ended.bytes,
            tokens: ended.tokens,
            outcome: cut(ended.outcome, MAX_NAME),
            failed: ended.failed,
            is_reported: false,
            verdict: cut(ended.verdict, MAX_VERDICT),
            result: cut(ended.result, MAX_RESULT),
        }
    }

    pub(super) fn reported(reported: Reported, at: SystemTime) -> Self {
        let client = reported.client.as_deref().unwrap_or("another process");
        Self {
            number: 0,
            at,
            client: None,
            who: cut(client, MAX_NAME),
            tool: cut(&reported.tool, MAX_NAME),
            names: Vec::new(),
            arguments: String::new(),
            session: None,
            took: reported.took,
            own: reported.took,
            bytes: reported.bytes,
            tokens: 0,
            outcome: if reported.success { "ok" } else { "error" }.to_owned(),
            failed: !reported.success,
            published: false,
            is_reported: true,
            verdict: cut(reported.error.as_deref().unwrap_or_default(), MAX_VERDICT),
            result: String::new(),
        }
    }
}

/// Which calls are wanted.
#[derive(Clone, Debug)]
pub struct CallFilter {
    /// Of this tool only.
    pub tool: Option<String>,
    /// Failed ones only, or those that went well only.
    pub failed: Option<bool>,
    /// With lower numbers only.
    pub before: Option<u64>,
    /// With higher numbers only.
    pub after: Option<u64>,
    /// At most so many.
    pub limit: usize,
}

impl CallFilter {
    /// The latest ones.
    pub fn latest(limit: usize) -> Self {
        Self {
            tool: None,
            failed: None,
            before: None,
            after: None,
            limit,
        }
    }

    fn takes(&self, call: &Call) -> bool {
        self.tool.as_ref().is_none_or(|tool| call.tool == *tool)
            && self.failed.is_none_or(|failed| call.failed == failed)
            && self.before.is_none_or(|before| call.number < before)
            && self.after.is_none_or(|after| call.number > after)
    }
}

pub(super) struct Calls {
    ring: Ring<Call>,
    last: u64,
}

impl Default for Calls {
    fn default() -> Self {
        let ring = Ring::new(MAX_CALLS);
        Self { ring, last: 0 }
    }
}

impl Calls {
    pub(super) fn push(&mut self, call: Call) {
        self.last += 1;
        self.ring.push(Call {
            number: self.last,
            ..call
        });
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn find(&self, filter: &CallFilter) -> Vec<Call> {
        let found = self.ring.iter().rev().filter(|call| filter.takes(call));
        found.take(filter.limit).cloned().collect()
    }
}
