//! An assistant in a test: calls tools of the real program and checks of every answer that it fits the tool's
//! outputSchema, that its text is the same JSON, that a refusal names the next step, and that no password is in it.

use crate::support::Client;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// The password of every broker in these tests; it may appear nowhere.
pub(crate) const PASSWORD: &str = "hunter2-Zs9";
/// As it stands in a connection string, percent-encoded differently.
pub(crate) const ENCODED: &str = "hunter2%2DZs9";

pub(crate) struct Assistant {
    pub(crate) client: Client,
    schemas: HashMap<String, jsonschema::Validator>,
}

impl Assistant {
    pub(crate) fn new() -> Self {
        Self::with(&[], &[])
    }

    /// With settings, and variables of the environment.
    pub(crate) fn with(settings: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut arguments = vec!["--log", "trace"];
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        let mut client = Client::start_in(&arguments, environment);
        client.initialize("2025-11-25");
        let listed = client.ask("tools/list", json!({}));
        let tools = listed["tools"].as_array().unwrap().iter();
        let schemas = tools.map(|tool| {
            let schema = jsonschema::validator_for(&tool["outputSchema"]).unwrap();
            (tool["name"].as_str().unwrap().to_owned(), schema)
        });
        Self {
            schemas: schemas.collect(),
            client,
        }
    }

    /// Begins a call; gives its id.
    pub(crate) fn begin(&mut self, tool: &str, arguments: Value) -> Value {
        self.client
            .begin("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// The same with a progress token.
    pub(crate) fn begin_with_progress(&mut self, tool: &str, arguments: Value) -> Value {
        let meta = json!({"progressToken": "p"});
        self.client.begin(
            "tools/call",
            json!({"name": tool, "arguments": arguments, "_meta": meta}),
        )
    }

    /// The answer to a call that was begun.
    pub(crate) fn end(&mut self, tool: &str, id: &Value) -> Value {
        let reply = self.client.reply(id);
        self.answer(tool, &reply["result"])
    }

    /// Calls a tool that must succeed.
    pub(crate) fn ok(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.client.call(tool, arguments);
        self.answer(tool, &result)
    }

    pub(crate) fn answer(&self, tool: &str, result: &Value) -> Value {
        no_password(&result.to_string());
        assert!(
            result.get("isError").is_none_or(|e| e == false),
            "{tool}: {result}"
        );
        let value = &result["structuredContent"];
        assert_eq!(
            result["content"][0]["text"].as_str().unwrap(),
            value.to_string()
        );
        let wrong: Vec<String> = self.schemas[tool]
            .iter_errors(value)
            .map(|e| e.to_string())
            .collect();
        assert!(wrong.is_empty(), "{tool}: {wrong:?} in {value}");
        value.clone()
    }

    /// Calls a tool that must refuse with this code, with these words in what it says.
    pub(crate) fn refused(
        &mut self,
        tool: &str,
        arguments: Value,
        code: &str,
        words: &[&str],
    ) -> Value {
        let result = self.client.call(tool, arguments);
        no_password(&result.to_string());
        assert_eq!(result["isError"], true, "{tool}: {result}");
        assert!(result.get("structuredContent").is_none());
        let error: Value =
            serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(error["code"], code, "{error}");
        assert!(
            error["next_step"]
                .as_str()
                .is_some_and(|next| next.len() > 5),
            "{error}"
        );
        let said = error.to_string();
        for word in words {
            assert!(said.contains(word), "no {word:?} in {said}");
        }
        error
    }

    /// A session with the broker at `url`.
    pub(crate) fn connect(&mut self, url: &str) -> String {
        self.connect_with(json!({"connection_string": url}))
    }

    pub(crate) fn connect_with(&mut self, arguments: Value) -> String {
        let session = self.ok("establish_connection", arguments);
        session["session_id"].as_str().unwrap().to_owned()
    }

    /// Waits for the first progress.
    pub(crate) fn first_progress(&mut self) -> Value {
        loop {
            let message = self
                .client
                .next_within(Duration::from_secs(10))
                .expect("progress");
            if message["method"] == "notifications/progress" {
                return message["params"].clone();
            }
        }
    }
}

impl Drop for Assistant {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            no_password(&self.client.stderr());
        }
    }
}

/// Neither the password nor its encoding, nor base64 of it, stands in `text`.
pub(crate) fn no_password(text: &str) {
    for secret in [PASSWORD, ENCODED, "hunter2", "aHVudGVyMi1aczk"] {
        assert!(!text.contains(secret), "a password in: {text}");
    }
}
