//! The play: an assistant's session through every tool, over standard input and output, as an assistant's host would
//! hold it. A tool that is not listed, an error, or no answer in time is a failure.

use super::paint::{Painter, Style, size, time};
use super::view;
use crate::selftest::client::{Client, Reply};
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The tools that the play goes through.
const TOOLS: [&str; 11] = [
    "ping",
    "establish_connection",
    "list_active_connections",
    "close_connection",
    "test_connection",
    "list_topics",
    "subscribe_and_collect",
    "get_topic_schema",
    "debug_device",
    "monitor_performance",
    "publish_message",
];

/// Longer than any call of the play listens.
const PATIENCE: Duration = Duration::from_secs(30);

/// Time for the server to be gone after its input ended.
const GOING: Duration = Duration::from_secs(2);

/// Plays the session against the broker; `Err` says what went wrong, in a sentence.
pub(super) fn play(broker: SocketAddr, painter: &mut Painter) -> Result<(), String> {
    let began = Instant::now();
    let client = Client::start().map_err(|error| format!("the server did not start: {error}"))?;
    let mut stage = Stage {
        client,
        painter,
        most_memory: 0,
        session: String::new(),
    };
    stage.opening()?;
    stage.connecting(broker)?;
    stage.exploring()?;
    stage.collecting()?;
    stage.remembering()?;
    stage.measuring()?;
    stage.switching()?;
    stage.closing()?;
    let (status, took) = stage.client.end(GOING).map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("the server ended with {status}"));
    }
    let most = stage.most_memory;
    painter.heading("The assistant leaves: standard input is closed");
    painter.sentence(
        Style::Green,
        "  ",
        &format!(
            "← the server ended {} later; the session took {} in all, its memory was {} at most",
            time(took),
            time(began.elapsed()),
            size(most),
        ),
    );
    Ok(())
}

struct Stage<'a> {
    client: Client,
    painter: &'a mut Painter,
    /// Largest resident memory seen, in bytes.
    most_memory: u64,
    session: String,
}

impl Stage<'_> {
    fn opening(&mut self) -> Result<(), String> {
        self.painter
            .heading("The assistant's host starts the server and asks who it is");
        let meta = json!({"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }});
        let discovered = self.request("server/discover", meta)?;
        self.shown(&discovered, &["supportedVersions", "capabilities"])?;
        let hello = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "demo", "version": env!("CARGO_PKG_VERSION")},
        });
        let welcome = self.request("initialize", hello)?;
        self.shown(&welcome, &["protocolVersion", "serverInfo"])?;
        self.client
            .tell("notifications/initialized")
            .map_err(|error| error.to_string())?;

        let listed = self.request("tools/list", json!({}))?;
        let tools = result(&listed)?["tools"].as_array().cloned();
        let names: Vec<String> = tools
            .unwrap_or_default()
            .iter()
            .filter_map(|tool| Some(tool.get("name")?.as_str()?.to_owned()))
            .collect();
        self.answered(&listed, &[]);
        self.painter
            .sentence(Style::Plain, "    ", &names.join(", "));
        if let Some(missing) = TOOLS
            .iter()
            .find(|tool| !names.iter().any(|name| name == **tool))
        {
            return Err(format!("tools/list does not have {missing}"));
        }
        if let Some(more) = names.iter().find(|name| !TOOLS.contains(&name.as_str())) {
            self.painter.line(
                Style::Yellow,
                &format!("  {more} is listed and not in this play"),
            );
        }
        self.tool("ping", json!({}))?;
        Ok(())
    }

    fn connecting(&mut self, broker: SocketAddr) -> Result<(), String> {
        self.painter
            .heading("“Connect to the broker at home and see whether it works.”");
        let established = self.tool(
            "establish_connection",
            json!({"connection_string": format!("mqtt://{broker}/demo-assistant"), "watch": ["#"]}),
        )?;
        established["session_id"]
            .as_str()
            .ok_or("establish_connection returned no session_id")?
            .clone_into(&mut self.session);
        let tested = self.tool("test_connection", json!({"session_id": self.session}))?;
        let checks = tested["checks"].as_object();
        match checks
            .into_iter()
            .flatten()
            .find(|(_, check)| check["result"] == "failed")
        {
            Some((check, outcome)) => Err(format!("test_connection: {check}: {}", outcome["why"])),
            None => Ok(()),
        }
    }

    fn exploring(&mut self) -> Result<(), String> {
        self.painter.heading("“What is there?”");
        self.tool(
            "list_topics",
            json!({"session_id": self.session, "topic": "#", "duration": 5}),
        )?;
        self.painter.heading("“Is a device offline?”");
        self.tool(
            "subscribe_and_collect",
            json!({"session_id": self.session, "topic": "tele/+/LWT", "duration": 0.5, "retained": "only"}),
        )?;
        Ok(())
    }

    /// A long listening; a ping meanwhile shows that the server is not busy with it.
    fn collecting(&mut self) -> Result<(), String> {
        self.painter
            .heading("“Listen to everything for twelve seconds and tell me what is wrong.”");
        let arguments = arguments(
            json!({"session_id": self.session, "topic": "#", "duration": 12, "max_messages": 100_000, "target_size": 25, "retained": "exclude"}),
        );
        self.painter
            .asked("subscribe_and_collect", &Value::Object(arguments.clone()));
        let listening = self.send("subscribe_and_collect", &arguments)?;
        self.painter.asked("ping", &json!({}));
        let ping = self.send("ping", &Map::new())?;
        let pinged = self.wait(ping)?;
        result(&pinged)?;
        self.painter.line(
            Style::Green,
            &format!("  ← ping, while it listens: {}", time(pinged.took)),
        );
        let collected = self.wait(listening)?;
        self.structured("subscribe_and_collect", &collected)?;
        Ok(())
    }

    /// The session has watched everything since it was connected: what it knows, it tells at once.
    fn remembering(&mut self) -> Result<(), String> {
        self.painter
            .heading("“What are the messages of the Zigbee devices made of?”");
        self.tool(
            "get_topic_schema",
            json!({"session_id": self.session, "topic": "zigbee2mqtt/+", "since": "session"}),
        )?;
        self.painter
            .heading("“Which devices are not well, since you are here?”");
        let found = self.tool(
            "debug_device",
            json!({"session_id": self.session, "topic": "#", "since": "session"}),
        )?;
        if found["with_findings"].as_u64().unwrap_or(0) == 0 {
            return Err("debug_device found none of the household's faults".to_owned());
        }
        Ok(())
    }

    fn measuring(&mut self) -> Result<(), String> {
        self.painter
            .heading("“How busy is the broker, and how quick?”");
        self.tool(
            "monitor_performance",
            json!({"session_id": self.session, "topic": ["#"], "duration": 6}),
        )?;
        Ok(())
    }

    fn switching(&mut self) -> Result<(), String> {
        self.painter
            .heading("“Switch the lamp in the living room on, and make sure it is.”");
        self.tool(
            "publish_message",
            json!({
                "session_id": self.session,
                "topic": "zigbee2mqtt/living_room_lamp/set",
                "payload": "{\"state\":\"ON\",\"brightness\":180}",
                "qos": 1,
                "expect": {
                    "topic": "zigbee2mqtt/living_room_lamp",
                    "seconds": 3,
                    "answers": 1,
                    "schema": {"type": "object", "required": ["state"], "properties": {"state": {"const": "ON"}}},
                },
            }),
        )?;
        Ok(())
    }

    fn closing(&mut self) -> Result<(), String> {
        self.painter.heading("“Thank you, that is all.”");
        self.tool("list_active_connections", json!({}))?;
        self.tool("close_connection", json!({"session_id": self.session}))?;
        Ok(())
    }

    fn request(&mut self, method: &str, params: Value) -> Result<Reply, String> {
        self.painter.asked(method, &json!({}));
        let id = self
            .client
            .ask(method, params)
            .map_err(|error| error.to_string())?;
        self.wait(id)
    }

    fn tool(&mut self, name: &str, given: Value) -> Result<Value, String> {
        self.painter.asked(name, &given);
        let id = self.send(name, &arguments(given))?;
        let reply = self.wait(id)?;
        self.structured(name, &reply)
            .map_err(|error| format!("{name}: {error}"))
    }

    fn send(&mut self, name: &str, arguments: &Map<String, Value>) -> Result<u64, String> {
        self.client
            .ask_tool(name, arguments)
            .map_err(|error| format!("{name}: {error}"))
    }

    fn wait(&mut self, id: u64) -> Result<Reply, String> {
        let painter = &mut *self.painter;
        let reply = self
            .client
            .wait(id, PATIENCE, |message| painter.progress(message))
            .map_err(|error| error.to_string())?;
        self.most_memory = self.most_memory.max(self.client.memory().unwrap_or(0));
        Ok(reply)
    }

    /// Prints and returns the `structuredContent` of a tool's result.
    fn structured(&mut self, tool: &str, reply: &Reply) -> Result<Value, String> {
        let result = result(reply)?;
        if result["isError"] == true {
            return Err(result["content"][0]["text"]
                .as_str()
                .unwrap_or("an error without text")
                .to_owned());
        }
        let value = result["structuredContent"].clone();
        if !value.is_object() {
            return Err("the result has no structuredContent".to_owned());
        }
        self.answered(reply, &view::lines(tool, &value));
        Ok(value)
    }

    fn shown(&mut self, reply: &Reply, members: &[&str]) -> Result<(), String> {
        let result = result(reply)?;
        let shown: Vec<String> = members
            .iter()
            .filter_map(|name| Some(format!("{name} {}", result.get(*name)?)))
            .collect();
        self.answered(reply, &shown);
        Ok(())
    }

    fn answered(&mut self, reply: &Reply, lines: &[String]) {
        let memory = self.client.memory();
        self.painter
            .answered(reply.took, reply.bytes, memory, lines);
    }
}

fn result(reply: &Reply) -> Result<&Value, String> {
    reply
        .outcome
        .as_ref()
        .map_err(|error| format!("the server answered with an error: {error}"))
}

fn arguments(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
