//! What is served over the protocol: tools, resources, prompts, completion. The protocol's side of this seam is the rest
//! of `mcp`; the other side is `crate::resources`, and in a test of the official conformance suite its fixtures.
//!
//! Values here become JSON as they stand, so an absent member is left out and never `null`.

use super::Call;
use crate::journal::Journal;
use crate::protocol::failure::ToolError;
use async_channel::{Receiver, bounded};
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// Bounds of one connection to a client.
pub struct Bounds {
    /// Bytes of one line.
    pub max_line: usize,
    /// Requests in flight.
    pub max_requests: usize,
}

/// What a tool answers.
#[derive(Debug, Default)]
pub struct Answer {
    /// An object that fits the tool's output schema; told as text, too, before `content`.
    pub structured: Option<Value>,
    /// Content blocks of MCP.
    pub content: Vec<Value>,
}

impl From<Value> for Answer {
    fn from(structured: Value) -> Self {
        let structured = Some(structured);
        let content = Vec::new();
        Self {
            structured,
            content,
        }
    }
}

/// What can be read, as `resources/list` tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Of RFC 3986.
    pub uri: String,
    /// For programs.
    pub name: String,
    /// For people.
    pub title: String,
    /// What it holds.
    pub description: String,
    /// Of its contents.
    pub mime_type: &'static str,
}

/// Resources of a kind, as `resources/templates/list` tells them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Of RFC 6570.
    pub uri_template: &'static str,
    /// For programs.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What such a resource holds.
    pub description: &'static str,
    /// Of its contents.
    pub mime_type: &'static str,
}

/// What a resource holds; one of `text` and `blob` is there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// As it was asked for.
    pub uri: String,
    /// Of `text` or `blob`.
    pub mime_type: &'static str,
    /// Text as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Bytes as base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
}

/// Why a resource cannot be read or subscribed to.
#[derive(Debug)]
pub enum Unreadable {
    /// There is none; in one sentence why, and what to do.
    Missing(String),
    /// There is, but not now.
    Failed(String),
}

/// A prompt, as `prompts/list` tells it.
#[derive(Serialize)]
pub struct Prompt {
    /// For programs.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// In the order in which they are asked for.
    pub arguments: &'static [PromptArgument],
}

/// What a prompt may be given; always text.
#[derive(Serialize)]
pub struct PromptArgument {
    /// For programs.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Whether the prompt makes no sense without it.
    pub required: bool,
}

/// What a prompt becomes.
#[derive(Serialize)]
pub struct Prompted {
    /// What it is for.
    pub description: String,
    /// `PromptMessage`s of MCP.
    pub messages: Vec<Value>,
}

/// To what an argument belongs that is to be completed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reference<'a> {
    /// A prompt of this name.
    Prompt(&'a str),
    /// A template of resources: its text.
    Template(&'a str),
}

/// An argument that is being written.
pub struct Unfinished<'a> {
    /// Whose argument it is.
    pub of: Reference<'a>,
    /// Its name.
    pub name: &'a str,
    /// What is written so far.
    pub value: &'a str,
    /// The other arguments, as far as they are known.
    pub others: &'a Map<String, Value>,
}

/// A number that is another one whenever a resource has changed; none when it never will again. Dropping it frees what
/// was needed to know.
pub type Pulse = Box<dyn Fn() -> Option<u64> + Send + Sync>;

/// Where a word comes when something changed; closed when nothing will any more.
pub type Changes = Receiver<()>;

/// Changes where nothing ever does.
pub fn no_changes() -> Changes {
    bounded(1).1
}

/// See the head of this file.
pub trait Service: Send + Sync + 'static {
    /// Asked once.
    fn bounds(&self) -> Bounds;

    /// What an assistant is told before any tool's own words; under 2 KB.
    fn instructions(&self) -> &str;

    /// Each `Tool` of MCP, always the same.
    fn tools(&self) -> Vec<Value>;

    /// Names of the tools, for who misspelled one; to be had without making every schema.
    fn tool_names(&self) -> Vec<&'static str>;

    /// Runs a tool; none if there is none of this name.
    fn call<'a>(
        &'a self,
        name: &'a str,
        arguments: Map<String, Value>,
        call: Call,
    ) -> BoxFuture<'a, Option<Result<Answer, ToolError>>>;

    /// Resources that are always there, then, if asked for, those that come and go.
    fn resources(&self, passing: bool) -> Vec<Resource>;

    /// Tells when resources that come and go did so.
    fn comings_and_goings(&self) -> Changes;

    /// Always the same.
    fn templates(&self) -> Vec<Template>;

    /// At least one item.
    fn read<'a>(&'a self, uri: &'a str) -> BoxFuture<'a, Result<Vec<Contents>, Unreadable>>;

    /// Begins to follow a resource.
    fn follow<'a>(&'a self, uri: &'a str) -> BoxFuture<'a, Result<Pulse, Unreadable>>;

    /// Always the same.
    fn prompts(&self) -> &'static [Prompt];

    /// What a prompt becomes; none if there is none of this name. Names and presence of arguments are checked before.
    fn prompt(&self, name: &str, arguments: &Map<String, Value>) -> Option<Prompted>;

    /// Values that begin as what is written; none if nothing is known of this prompt, template or argument.
    fn complete<'a>(&'a self, unfinished: Unfinished<'a>) -> BoxFuture<'a, Option<Vec<String>>>;

    /// Where calls are noted for people to look at; none where nobody does.
    fn journal(&self) -> Option<Arc<Journal>> {
        None
    }

    /// Closes what is open, at the end of the process.
    fn close(&self, budget: Duration) -> BoxFuture<'_, ()>;
}
