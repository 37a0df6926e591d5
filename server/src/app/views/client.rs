//! An assistant.

use crate::journal::Client;
use crate::render;
use schemars::JsonSchema;
use serde::Serialize;

/// One assistant that is, or was, connected to this service.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct ClientView {
    /// Its number in this process.
    pub client: u64,
    /// Name and version, as it says.
    pub who: String,
    /// How it came: `stdio`, `socket`, `relay`, `http`.
    pub transport: &'static str,
    /// When it came.
    pub since: String,
    /// It is connected.
    pub here: bool,
    /// When it left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// Tool calls.
    pub calls: u64,
    /// Of these, failed.
    pub errors: u64,
    /// Of these, published something.
    pub publishes: u64,
    /// When the last call ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_call: Option<String>,
}

impl ClientView {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client: client.id.0,
            who: render::clean(&client.title()),
            transport: client.transport,
            since: render::time(client.since),
            here: client.left.is_none(),
            left: client.left.map(render::time),
            calls: client.calls,
            errors: client.errors,
            publishes: client.publishes,
            last_call: client.last_call.map(render::time),
        }
    }
}
