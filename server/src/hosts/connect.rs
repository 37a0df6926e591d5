//! `--connect`: a host that only knows standard input and output, and a service that runs elsewhere. Copies messages and
//! adds nothing, but what is wrong: to standard error in one line, and as an error to whoever waits for an answer.
//!
//! Invariants: every request gets an answer, the service's or an error that says what is wrong; one that the service
//! would have answered is not sent twice. After a loss a legacy handshake is repeated, so that its session goes on.

use super::link::{Link, Target};
use crate::protocol::failure::{Code, RpcError};
use crate::protocol::message::{self, Id, Incoming, Line};
use crate::text::lines::{Input, read_lines};
use async_channel::{Receiver, bounded};
use async_std::future::timeout;
use futures::future::{Either, pending, select};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::HashSet;
use std::io::{self, Write};
use std::pin::pin;
use std::thread;
use std::time::Duration;

/// At the end of the input, for answers to what was asked; hosts kill a program that lingers longer.
const LAST: Duration = Duration::from_secs(2);
/// Lines read ahead.
const AHEAD: usize = 2;
/// Requests in flight that are remembered; the service allows less.
const MAX_WAITING: usize = 4_096;

struct Relay {
    target: Target,
    max_line: usize,
    link: Option<Link>,
    /// Requests that the service has not answered.
    waiting: HashSet<Id>,
    /// The line of a legacy handshake.
    handshake: Option<(Id, Vec<u8>)>,
    /// The handshake was repeated, and its answer is nobody's.
    repeated: bool,
    /// What was said last on standard error.
    said: String,
}

/// Copies until standard input ends.
///
/// # Errors
/// Standard input or output failed.
pub fn run(target: Target, max_line: usize) -> io::Result<()> {
    let (lines, read) = bounded(AHEAD);
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            let take = |line| lines.send_blocking(line).is_ok();
            if let Err(error) = read_lines(io::stdin().lock(), max_line, take) {
                log::warn!("standard input: {error}");
            }
        })?;
    let mut relay = Relay {
        target,
        max_line,
        link: None,
        waiting: HashSet::new(),
        handshake: None,
        repeated: false,
        said: String::new(),
    };
    async_std::task::block_on(relay.copy(&read))
}

impl Relay {
    async fn copy(&mut self, lines: &Receiver<Input>) -> io::Result<()> {
        loop {
            let from = self.link.as_ref().map(|link| link.from.clone());
            let coming = async {
                match &from {
                    Some(from) => from.recv().await,
                    None => pending().await,
                }
            };
            match select(pin!(coming), pin!(lines.recv())).await {
                Either::Left((Ok(line), _)) => self.incoming(&line)?,
                Either::Left((Err(_), _)) => self.lost(
                    "the service has gone, and with it the connections to brokers that were open",
                )?,
                Either::Right((Ok(Input::Line(line)), _)) => self.outgoing(line).await?,
                Either::Right((Ok(Input::TooLong), _)) => {
                    let max = self.max_line;
                    let message = format!("line longer than {max} bytes (max_line)");
                    say(&message::error_without_id(
                        false,
                        &RpcError::new(Code::InvalidRequest, message),
                    ))?;
                }
                Either::Right((Err(_), _)) => return self.finish().await,
            }
        }
    }

    /// The input has ended: what was asked is still answered.
    async fn finish(&mut self) -> io::Result<()> {
        let Some(Link { to, from }) = self.link.take() else {
            return Ok(());
        };
        let answers = async {
            while !self.waiting.is_empty()
                && let Ok(line) = from.recv().await
            {
                self.incoming(&line)?;
            }
            Ok(())
        };
        let answered = timeout(LAST, answers).await.unwrap_or(Ok(()));
        // Only now: a service that hears of the end gives up what it has not answered.
        drop(to);
        answered
    }

    async fn outgoing(&mut self, line: Vec<u8>) -> io::Result<()> {
        let asked = Asked::of(&line);
        if self.link.is_none()
            && let Err(why) = self.connect().await
        {
            self.complain(&why);
            return asked.requests.iter().try_for_each(|id| refuse(id, &why));
        }
        if asked.is_handshake {
            let id = asked.requests.first().cloned();
            self.handshake = id.map(|id| (id, line.clone()));
        }
        if self.waiting.len() + asked.requests.len() <= MAX_WAITING {
            self.waiting.extend(asked.requests);
        }
        let Some(link) = &self.link else {
            return Ok(());
        };
        match link.to.send(line).await {
            Ok(()) => Ok(()),
            Err(_) => self.lost("the service has gone"),
        }
    }

    async fn connect(&mut self) -> Result<(), String> {
        let link = self.target.connect(self.max_line).await?;
        if let Some((_, line)) = &self.handshake {
            let ready = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
            let again = [line.clone(), ready.to_vec()];
            for line in again {
                let sent = link.to.send(line).await;
                sent.map_err(|_| "the service has gone again")?;
            }
            self.repeated = true;
        }
        self.said.clear();
        self.link = Some(link);
        Ok(())
    }

    fn incoming(&mut self, line: &[u8]) -> io::Result<()> {
        for id in answered(line) {
            let handshake = self.handshake.as_ref().map(|(id, _)| id);
            if self.repeated && handshake == Some(&id) && !self.waiting.contains(&id) {
                self.repeated = false;
                return Ok(());
            }
            self.waiting.remove(&id);
        }
        say_bytes(line)
    }

    /// Whoever waits hears of it; the next message tries again.
    fn lost(&mut self, why: &str) -> io::Result<()> {
        self.link = None;
        self.repeated = false;
        self.complain(why);
        let why = format!(
            "{why}; what was asked may have been done; the next request tries to reach it again"
        );
        let waiting = std::mem::take(&mut self.waiting);
        waiting.iter().try_for_each(|id| refuse(id, &why))
    }

    /// Once, as long as it stays the same.
    fn complain(&mut self, why: &str) {
        if self.said != why {
            let _ = writeln!(io::stderr(), "bitsperity-mqtt-mcp: {why}");
            why.clone_into(&mut self.said);
        }
    }
}

/// What a line of the host asks.
struct Asked {
    requests: Vec<Id>,
    is_handshake: bool,
}

impl Asked {
    fn of(line: &[u8]) -> Self {
        let mut asked = Self {
            requests: Vec::new(),
            is_handshake: false,
        };
        let messages = match message::parse(line) {
            Line::One(one) => vec![one],
            Line::Batch(all) => all,
            Line::Blank | Line::NotJson(_) => Vec::new(),
        };
        for message in messages {
            if let Incoming::Request(request) = message {
                asked.is_handshake |= request.method == "initialize";
                asked.requests.push(request.id);
            }
        }
        asked
    }
}

/// What of a message of the service tells whether it is an answer.
#[derive(Deserialize)]
struct Said {
    id: Option<Value>,
    method: Option<IgnoredAny>,
}

/// The requests that a line of the service answers.
fn answered(line: &[u8]) -> Vec<Id> {
    let said = match line.first() {
        Some(b'[') => serde_json::from_slice::<Vec<Said>>(line).ok(),
        _ => serde_json::from_slice(line).ok().map(|one| vec![one]),
    };
    let answers = said.into_iter().flatten().filter(|it| it.method.is_none());
    answers.filter_map(|it| Id::from_value(&it.id?)).collect()
}

fn refuse(id: &Id, why: &str) -> io::Result<()> {
    say(&message::error(
        id,
        &RpcError::new(Code::InternalError, why),
    ))
}

fn say(line: &str) -> io::Result<()> {
    say_bytes(line.as_bytes())
}

fn say_bytes(line: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line)?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_their_answers_are_told_apart_from_all_else() {
        let asked = |text: &str| {
            let asked = Asked::of(text.as_bytes());
            (asked.requests.len(), asked.is_handshake)
        };
        assert_eq!(
            asked(r#"{"jsonrpc":"2.0","id":0,"method":"initialize"}"#),
            (1, true)
        );
        assert_eq!(
            asked(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#),
            (0, false)
        );
        let batch =
            r#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","id":"b","method":"a"}]"#;
        assert_eq!(asked(batch), (2, false));
        assert_eq!(asked("{oops"), (0, false));
        let of = |text: &str| answered(text.as_bytes()).len();
        assert_eq!(of(r#"{"jsonrpc":"2.0","id":0,"result":{"method":1}}"#), 1);
        assert_eq!(of(r#"[{"id":0,"error":{}},{"id":"a","result":{}}]"#), 2);
        assert_eq!(of(r#"{"jsonrpc":"2.0","id":0,"method":"ask"}"#), 0);
        assert_eq!(of(r#"{"jsonrpc":"2.0","method":"note"}"#), 0);
    }
}
