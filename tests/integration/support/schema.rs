//! The official JSON schemas of MCP, one for each dated revision, and what every line of the server must fulfil.

use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub(crate) const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
pub(crate) const MODERN: &str = "2026-07-28";

/// Compiles what it needs when it needs it.
pub(crate) struct Schemas {
    folder: Option<PathBuf>,
    compiled: RefCell<HashMap<(String, String), jsonschema::Validator>>,
}

impl Schemas {
    pub(crate) fn new() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mcp-schema");
        let folder = folder.is_dir().then_some(folder);
        if folder.is_none() {
            eprintln!("no official MCP schemas here: messages are not validated against them");
        }
        Self {
            folder,
            compiled: RefCell::default(),
        }
    }

    /// Checks `value` against a definition of a revision; the first of `names` that the revision has.
    fn check(&self, revision: &str, names: &[&str], value: &Value) {
        let Some(folder) = &self.folder else { return };
        let key = (revision.to_owned(), names.join("|"));
        let mut compiled = self.compiled.borrow_mut();
        let validator = compiled.entry(key).or_insert_with(|| {
            let text = std::fs::read_to_string(folder.join(format!("{revision}.json"))).unwrap();
            let mut schema: Map<String, Value> = serde_json::from_str(&text).unwrap();
            let place = ["$defs", "definitions"]
                .into_iter()
                .find(|place| schema.contains_key(*place))
                .unwrap();
            let name = names
                .iter()
                .find(|name| schema[place].get(**name).is_some())
                .unwrap_or_else(|| panic!("{revision} defines none of {names:?}"));
            schema.insert("$ref".to_owned(), json!(format!("#/{place}/{name}")));
            jsonschema::validator_for(&Value::from(schema)).unwrap()
        });
        let errors: Vec<_> = validator
            .iter_errors(value)
            .map(|e| e.to_string())
            .collect();
        assert!(
            errors.is_empty(),
            "not a {names:?} of {revision}: {errors:?}\n{value}"
        );
    }

    /// Checks one message; `method` is that of the request it answers.
    pub(crate) fn check_message(&self, revision: &str, method: Option<&str>, message: &Value) {
        no_null(message, message);
        let mut message = message.clone();
        if message.get("id").is_some_and(Value::is_null) {
            // JSON-RPC demands it of errors without a readable id; these schemas know no such errors at all.
            assert!(
                revision < "2025-11-25" && message.get("error").is_some(),
                "{message}"
            );
            message["id"] = json!(0);
        } else if message.get("id").is_none() && message.get("error").is_some() {
            assert!(revision >= "2025-11-25", "{message}");
        }
        self.check(revision, &["JSONRPCMessage"], &message);
        if message.get("error").is_some() {
            self.check(
                revision,
                &["JSONRPCErrorResponse", "JSONRPCError"],
                &message,
            );
        } else if let Some(result) = message.get("result") {
            self.check(
                revision,
                &["JSONRPCResultResponse", "JSONRPCResponse"],
                &message,
            );
            self.check_result(
                revision,
                method.expect("a result without a request"),
                result,
            );
        } else {
            let name = match message["method"].as_str().unwrap() {
                "notifications/progress" => "ProgressNotification",
                "notifications/resources/updated" => "ResourceUpdatedNotification",
                "notifications/resources/list_changed" => "ResourceListChangedNotification",
                "notifications/subscriptions/acknowledged" => {
                    "SubscriptionsAcknowledgedNotification"
                }
                _ => panic!("no notification of ours: {message}"),
            };
            self.check(revision, &[name], &message);
        }
    }

    fn check_result(&self, revision: &str, method: &str, result: &Value) {
        let name = match method {
            "initialize" => "InitializeResult",
            "server/discover" => "DiscoverResult",
            "tools/list" => "ListToolsResult",
            "tools/call" => "CallToolResult",
            "resources/list" => "ListResourcesResult",
            "resources/templates/list" => "ListResourceTemplatesResult",
            "resources/read" => "ReadResourceResult",
            "prompts/list" => "ListPromptsResult",
            "prompts/get" => "GetPromptResult",
            "completion/complete" => "CompleteResult",
            "subscriptions/listen" => "SubscriptionsListenResult",
            "ping" | "resources/subscribe" | "resources/unsubscribe" => "EmptyResult",
            other => panic!("no result type known for {other}"),
        };
        self.check(revision, &[name], result);
        let modern = revision == MODERN;
        let cacheable = method.ends_with("/list") || method == "resources/read";
        let lasting = modern && (cacheable || method == "server/discover");
        assert_eq!(result.get("resultType").is_some(), modern, "{result}");
        assert_eq!(result.get("ttlMs").is_some(), lasting, "{result}");
        assert_eq!(result.get("cacheScope").is_some(), lasting, "{result}");
        if modern {
            let info = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
            assert_eq!(info["name"], "bitsperity-mqtt-mcp", "{result}");
        }
        if method == "tools/call" {
            let text = result["content"][0]["text"].as_str().unwrap();
            match result.get("structuredContent") {
                Some(structured) => assert_eq!(text, structured.to_string()),
                None => assert_eq!(result["isError"], true, "{result}"),
            }
        }
    }
}

/// No field stands for its own absence, except the id that JSON-RPC wants; a tool's own data is its own affair.
fn no_null(value: &Value, whole: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name != "structuredContent" {
                    assert!(
                        !value.is_null() || name == "id",
                        "`{name}` is null in {whole}"
                    );
                    no_null(value, whole);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| no_null(item, whole)),
        _ => {}
    }
}
