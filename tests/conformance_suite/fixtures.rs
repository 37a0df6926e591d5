//! What the official conformance suite wants to be served (its README names each tool, resource and prompt), behind the
//! protocol layer of the real server: the program `run` starts for the suite. Nothing of it is in the shipped binary.
//!
//! Only what needs no feature that the real server lacks: it asks nothing of its client (no sampling, no elicitation)
//! and sends no log messages.

use bitsperity_mqtt_mcp::config::{Limits, Service as Settings};
use bitsperity_mqtt_mcp::hosts::assistants::Assistants;
use bitsperity_mqtt_mcp::hosts::http::Http;
use bitsperity_mqtt_mcp::hosts::http::token::{Guard, Plain};
use bitsperity_mqtt_mcp::hosts::service;
use bitsperity_mqtt_mcp::process;
use bitsperity_mqtt_mcp::process::clock;
use bitsperity_mqtt_mcp::protocol::Call;
use bitsperity_mqtt_mcp::protocol::failure::ToolError;
use bitsperity_mqtt_mcp::protocol::service::{
    Answer, Bounds, Changes, Contents, Prompt, PromptArgument, Prompted, Pulse, Reference,
    Resource, Service, Template, Unfinished, Unreadable, no_changes,
};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// One red pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
/// A wave of no samples.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

const TEMPLATE: &str = "test://template/{id}/data";

struct Fixtures;

/// Over HTTP on a free port, which standard error tells; the token stands in the environment, as for `serve`.
fn main() -> std::io::Result<()> {
    process::start_executor();
    let token = std::env::var("BITSPERITY_MQTT_TOKEN").unwrap_or_default();
    let guard = Guard::new(&Plain::new(token))?;
    let assistants = Assistants::new(Box::new(|_| Arc::new(Fixtures)));
    let limits = Limits::default();
    let settings = Settings {
        // As front.mjs writes them.
        allowed_origins: ["http://localhost:1", "http://127.0.0.1:1"]
            .map(str::to_owned)
            .to_vec(),
        ..Settings::default()
    };
    let (listener, address) = service::bind(([127, 0, 0, 1], 0).into())?;
    eprintln!("http://{address}");
    service::run(service::Service {
        http: (
            Http::new(&settings, &limits, guard, Some(&assistants), None),
            listener,
        ),
        #[cfg(unix)]
        socket: None,
        assistants,
        goodbye: Box::pin(async {}),
    })
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn image() -> Value {
    json!({"type": "image", "data": PNG, "mimeType": "image/png"})
}

fn embedded(uri: &str, mime_type: &str, text: &str) -> Value {
    json!({"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "text": text}})
}

/// What each tool without arguments answers.
fn contents(tool: &str) -> Option<Vec<Value>> {
    Some(match tool {
        "test_simple_text" => vec![text("This is a simple text response for testing.")],
        "test_image_content" => vec![image()],
        "test_audio_content" => {
            vec![json!({"type": "audio", "data": WAV, "mimeType": "audio/wav"})]
        }
        "test_embedded_resource" => vec![embedded(
            "test://embedded-resource",
            "text/plain",
            "This is an embedded resource content.",
        )],
        "test_multiple_content_types" => vec![
            text("Multiple content types test:"),
            image(),
            embedded(
                "test://mixed-content-resource",
                "application/json",
                r#"{"test":"data","value":123}"#,
            ),
        ],
        // Tools of these names would log, or ask the client, where a server does so.
        "test_logging_tool" | "test_streaming_elicitation" => vec![text("done without")],
        "test_tool_with_progress" => vec![text("done")],
        _ => return None,
    })
}

const NAMES: [&str; 9] = [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_logging_tool",
    "test_streaming_elicitation",
    "test_tool_with_progress",
    "test_error_handling",
];

async fn call(name: &str, call: Call) -> Option<Result<Answer, ToolError>> {
    if name == "test_error_handling" {
        return Some(Err(ToolError {
            code: "intended",
            message: "This tool intentionally returns an error for testing".to_owned(),
            next_step: "nothing".to_owned(),
        }));
    }
    if name == "test_tool_with_progress" {
        for done in [0.0, 50.0, 100.0] {
            call.tick(done, 100.0, || format!("{done} of 100"));
            clock::sleep(Duration::from_millis(50)).await;
        }
    }
    let structured = None;
    let content = contents(name)?;
    Some(Ok(Answer {
        structured,
        content,
    }))
}

/// With the keywords that must reach the client as they are.
fn schema_of_2020_12() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }},
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}

const fn argument(name: &'static str) -> PromptArgument {
    PromptArgument {
        name,
        title: name,
        description: "For testing",
        required: true,
    }
}

const fn prompt(name: &'static str, arguments: &'static [PromptArgument]) -> Prompt {
    Prompt {
        name,
        title: name,
        description: "For testing",
        arguments,
    }
}

const PROMPTS: &[Prompt] = &[
    prompt("test_simple_prompt", &[]),
    prompt(
        "test_prompt_with_arguments",
        &[argument("arg1"), argument("arg2")],
    ),
    prompt(
        "test_prompt_with_embedded_resource",
        &[argument("resourceUri")],
    ),
    prompt("test_prompt_with_image", &[]),
];

/// Where it stands, of what kind it is, and its text or else its bytes.
const RESOURCES: [(&str, &str, Result<&str, &str>); 3] = [
    (
        "test://static-text",
        "text/plain",
        Ok("This is the content of the static text resource."),
    ),
    ("test://static-binary", "image/png", Err(PNG)),
    ("test://watched-resource", "text/plain", Ok("watched")),
];

fn read(uri: &str) -> Result<Vec<Contents>, Unreadable> {
    let (mime_type, held) = match RESOURCES.iter().find(|(known, ..)| *known == uri) {
        Some(&(_, mime_type, held)) => (mime_type, held.map(str::to_owned).map_err(str::to_owned)),
        None => {
            let id = uri.strip_prefix("test://template/");
            let id = id.and_then(|rest| rest.strip_suffix("/data"));
            let Some(id) = id else {
                return Err(Unreadable::Missing("Resource not found".to_owned()));
            };
            let data =
                json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            ("application/json", Ok(data.to_string()))
        }
    };
    let uri = uri.to_owned();
    let (text, blob) = (held.as_ref().ok().cloned(), held.err());
    Ok(vec![Contents {
        uri,
        mime_type,
        text,
        blob,
    }])
}

impl Service for Fixtures {
    fn bounds(&self) -> Bounds {
        Bounds {
            max_line: 1 << 20,
            max_requests: 64,
        }
    }

    fn instructions(&self) -> &str {
        "Fixtures of the MCP conformance suite."
    }

    fn tools(&self) -> Vec<Value> {
        let plain = NAMES.iter().map(|name| {
            let schema = json!({"type": "object", "additionalProperties": false});
            json!({"name": name, "description": "For testing", "inputSchema": schema})
        });
        let keywords = json!({
            "name": "json_schema_2020_12_tool",
            "description": "Tool with JSON Schema 2020-12 features",
            "inputSchema": schema_of_2020_12(),
        });
        plain.chain([keywords]).collect()
    }

    fn tool_names(&self) -> Vec<&'static str> {
        NAMES.to_vec()
    }

    fn call<'a>(
        &'a self,
        name: &'a str,
        _: Map<String, Value>,
        given: Call,
    ) -> BoxFuture<'a, Option<Result<Answer, ToolError>>> {
        call(name, given).boxed()
    }

    fn resources(&self, _: bool) -> Vec<Resource> {
        let resources = RESOURCES.iter().map(|(uri, mime_type, _)| Resource {
            uri: (*uri).to_owned(),
            name: (*uri).to_owned(),
            title: (*uri).to_owned(),
            description: "For testing".to_owned(),
            mime_type,
        });
        resources.collect()
    }

    fn comings_and_goings(&self) -> Changes {
        no_changes()
    }

    fn templates(&self) -> Vec<Template> {
        vec![Template {
            uri_template: TEMPLATE,
            name: "template",
            title: "Template",
            description: "For testing",
            mime_type: "application/json",
        }]
    }

    fn read<'a>(&'a self, uri: &'a str) -> BoxFuture<'a, Result<Vec<Contents>, Unreadable>> {
        ready(read(uri)).boxed()
    }

    fn follow<'a>(&'a self, uri: &'a str) -> BoxFuture<'a, Result<Pulse, Unreadable>> {
        let never: Pulse = Box::new(|| Some(0));
        ready(read(uri).map(|_| never)).boxed()
    }

    fn prompts(&self) -> &'static [Prompt] {
        PROMPTS
    }

    fn prompt(&self, name: &str, arguments: &Map<String, Value>) -> Option<Prompted> {
        let given = |name: &str| {
            arguments
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let contents = match name {
            "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
            "test_prompt_with_arguments" => {
                let (arg1, arg2) = (given("arg1"), given("arg2"));
                vec![text(&format!(
                    "Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"
                ))]
            }
            "test_prompt_with_embedded_resource" => vec![
                embedded(
                    given("resourceUri"),
                    "text/plain",
                    "Embedded resource content for testing.",
                ),
                text("Please process the embedded resource above."),
            ],
            "test_prompt_with_image" => vec![image(), text("Please analyze the image above.")],
            _ => return None,
        };
        let messages = contents.into_iter();
        let messages = messages.map(|content| json!({"role": "user", "content": content}));
        Some(Prompted {
            description: "For testing".to_owned(),
            messages: messages.collect(),
        })
    }

    fn complete<'a>(&'a self, unfinished: Unfinished<'a>) -> BoxFuture<'a, Option<Vec<String>>> {
        let known = match unfinished.of {
            Reference::Prompt(name) => PROMPTS.iter().any(|prompt| prompt.name == name),
            Reference::Template(template) => template == TEMPLATE,
        };
        let values = ["paris", "park", "party"].into_iter();
        let values = values.filter(|value| value.starts_with(unfinished.value));
        ready(known.then(|| values.map(str::to_owned).collect())).boxed()
    }

    fn close(&self, _: Duration) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}
