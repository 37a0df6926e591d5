//! The least that can be served: one of each kind, known at once, and what was given comes back.

use bitsperity_mqtt_mcp::protocol::Call;
use bitsperity_mqtt_mcp::protocol::failure::ToolError;
use bitsperity_mqtt_mcp::protocol::service::*;
use futures::FutureExt;
use futures::future::{BoxFuture, pending, ready};
use serde_json::{Map, Value, json};
use std::time::Duration;

pub struct Little;

impl Service for Little {
    fn bounds(&self) -> Bounds {
        Bounds {
            max_line: 1 << 20,
            max_requests: 64,
        }
    }

    fn instructions(&self) -> &str {
        "little"
    }

    fn tools(&self) -> Vec<Value> {
        vec![json!({"name": "echo", "inputSchema": {"type": "object"}})]
    }

    fn tool_names(&self) -> Vec<&'static str> {
        vec!["echo"]
    }

    /// `echo` answers with its arguments, `fail` with an error, `hang` when it is cancelled.
    fn call<'a>(
        &'a self,
        name: &'a str,
        arguments: Map<String, Value>,
        call: Call,
    ) -> BoxFuture<'a, Option<Result<Answer, ToolError>>> {
        async move {
            call.tick(1.0, 2.0, || "half".to_owned());
            match name {
                "echo" => Some(Ok(Answer {
                    structured: Some(json!({"given": Value::from(arguments).to_string()})),
                    content: Vec::new(),
                })),
                "hang" => {
                    call.cancelled().await;
                    Some(Ok(Answer::default()))
                }
                "fail" => Some(Err(ToolError {
                    code: "failed",
                    message: "failed".to_owned(),
                    next_step: "none".to_owned(),
                })),
                _ => None,
            }
        }
        .boxed()
    }

    fn resources(&self, _: bool) -> Vec<Resource> {
        Vec::new()
    }

    fn comings_and_goings(&self) -> Changes {
        no_changes()
    }

    fn templates(&self) -> Vec<Template> {
        vec![Template {
            uri_template: "little://{name}",
            name: "little",
            title: "Little",
            description: "What is asked for",
            mime_type: "text/plain",
        }]
    }

    /// `little://never` can be read only when it is too late.
    fn read<'a>(&'a self, uri: &'a str) -> BoxFuture<'a, Result<Vec<Contents>, Unreadable>> {
        match uri.strip_prefix("little://") {
            Some("never") => pending().boxed(),
            Some("broken") => ready(Err(Unreadable::Failed("broken".to_owned()))).boxed(),
            Some(name) => ready(Ok(vec![Contents {
                uri: uri.to_owned(),
                mime_type: "text/plain",
                text: Some(name.to_owned()),
                blob: None,
            }]))
            .boxed(),
            None => ready(Err(Unreadable::Missing("missing".to_owned()))).boxed(),
        }
    }

    fn follow<'a>(&'a self, uri: &'a str) -> BoxFuture<'a, Result<Pulse, Unreadable>> {
        let gone = uri.ends_with("gone");
        let pulse: Pulse = Box::new(move || (!gone).then_some(0));
        self.read(uri).map(|read| read.map(|_| pulse)).boxed()
    }

    fn prompts(&self) -> &'static [Prompt] {
        &[Prompt {
            name: "little",
            title: "Little",
            description: "What is given",
            arguments: &[PromptArgument {
                name: "word",
                title: "Word",
                description: "Any",
                required: true,
            }],
        }]
    }

    fn prompt(&self, name: &str, arguments: &Map<String, Value>) -> Option<Prompted> {
        (name == "little").then(|| Prompted {
            description: "What is given".to_owned(),
            messages: vec![
                json!({"role": "user", "content": {"type": "text", "text": arguments["word"]}}),
            ],
        })
    }

    fn complete<'a>(&'a self, unfinished: Unfinished<'a>) -> BoxFuture<'a, Option<Vec<String>>> {
        let known = unfinished.name == "word";
        ready(known.then(|| vec![unfinished.value.to_owned(); 101])).boxed()
    }

    fn close(&self, _: Duration) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}
