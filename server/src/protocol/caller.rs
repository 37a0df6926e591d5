//! Who calls: one assistant, as far as it has said who it is.
//!
//! Invariant: names and versions are cut and cleaned where they come in; they are a client's own words, which nothing
//! may rely on.

use super::message::repeat;
use crate::text::clean::clean;
use serde_json::{Map, Value};

/// How a client reaches this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// Standard input and output.
    Stdio,
    /// A Unix socket of this machine.
    Socket,
    /// A WebSocket that carries the lines of a client elsewhere.
    Relay,
    /// Streamable HTTP.
    Http,
}

impl Transport {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Socket => "socket",
            Self::Relay => "relay",
            Self::Http => "http",
        }
    }
}

/// Who makes a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// Given by this process; all calls of one client have the same.
    pub id: u64,
    /// How it comes in.
    pub transport: Transport,
    /// What it calls itself; none if it has not said so.
    pub name: Option<String>,
    /// The version that it says it has.
    pub version: Option<String>,
}

impl Caller {
    /// A client that has not said anything yet.
    pub fn new(id: u64, transport: Transport) -> Self {
        Self {
            id,
            transport,
            name: None,
            version: None,
        }
    }

    /// Seconds in which a call must be answered for a host of this name; none: as long as the configuration says.
    pub fn patience_s(&self) -> Option<f64> {
        // Home Assistant gives a tool ten seconds and shows nothing of what comes later; two are for the way and for us.
        let letters = self
            .name
            .as_deref()?
            .bytes()
            .filter(u8::is_ascii_alphanumeric);
        let name: String = letters
            .map(|b| char::from(b.to_ascii_lowercase()))
            .collect();
        name.contains("homeassistant").then_some(8.0)
    }

    /// The same client with the names of a `clientInfo` (an `Implementation` of MCP); as it was without one.
    pub(crate) fn named(&self, info: Option<&Map<String, Value>>) -> Self {
        let Some(info) = info else {
            return self.clone();
        };
        let word = |key: &str| {
            let text = info.get(key)?.as_str()?;
            Some(clean(&repeat(text)))
        };
        Self {
            name: word("name"),
            version: word("version"),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_is_cut_masked_and_cleaned() {
        let nobody = Caller::new(7, Transport::Http);
        assert_eq!(nobody.named(None), nobody);
        let info = json!({"name": "x".repeat(500), "version": "mqtt://me:hunter2@host\u{1b}[2J"});
        let named = nobody.named(info.as_object());
        assert_eq!((named.id, named.transport), (7, Transport::Http));
        assert_eq!(named.name.unwrap().chars().count(), 81);
        let version = named.version.unwrap();
        assert!(
            !version.contains("hunter2") && !version.contains('\u{1b}'),
            "{version}"
        );
        let wrong = nobody.named(json!({"name": 7}).as_object());
        assert_eq!((wrong.name, wrong.version), (None, None));
    }

    #[test]
    fn a_host_that_waits_less_is_known_by_its_name() {
        let caller = |name: &str| Caller {
            name: Some(name.to_owned()),
            ..Caller::new(1, Transport::Stdio)
        };
        for name in ["Home Assistant", "home-assistant-mcp", "HomeAssistant"] {
            assert_eq!(caller(name).patience_s(), Some(8.0), "{name}");
        }
        assert_eq!(caller("assistant at home").patience_s(), None);
    }
}
