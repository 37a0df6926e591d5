//! Which era a message belongs to, and what each era answers.

use crate::support::Client;
use crate::support::client::{envelope, enveloped, initialize_params};
use crate::support::schema::{LEGACY, MODERN};
use serde_json::{Value, json};

fn code(error: &Value) -> i64 {
    error["code"].as_i64().unwrap()
}

/// What is declared; lists change in the legacy era only.
fn capabilities(legacy: bool) -> Value {
    let mut capabilities =
        json!({"tools": {}, "resources": {"subscribe": true}, "prompts": {}, "completions": {}});
    if legacy {
        capabilities["resources"]["listChanged"] = true.into();
    }
    capabilities
}

fn tool_names(result: &Value) -> Vec<String> {
    let tools = result["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn initialize_agrees_on_every_legacy_revision() {
    for revision in LEGACY {
        let mut client = Client::start(&[]);
        let result = client.initialize(revision);
        assert_eq!(result["protocolVersion"], revision);
        assert_eq!(result["capabilities"], capabilities(true));
        let has_icon = result["serverInfo"].get("icons").is_some();
        assert_eq!(has_icon, revision == "2025-11-25");
        assert!(result["instructions"].as_str().unwrap().len() < 2048);
        assert_eq!(client.ask("ping", json!({})), json!({}));
        assert!(!tool_names(&client.ask("tools/list", json!({}))).is_empty());
    }
}

#[test]
fn initialize_with_any_other_revision_agrees_on_the_newest_with_a_handshake() {
    for revision in [MODERN, "2024-10-07", "2099-01-01", ""] {
        let result = Client::start(&[]).initialize(revision);
        assert_eq!(
            result["protocolVersion"], "2025-11-25",
            "asked for {revision}"
        );
    }
    let mut client = Client::start(&[]);
    assert_eq!(code(&client.ask_wrongly("initialize", json!({}))), -32602);
    assert_eq!(code(&client.ask_wrongly("tools/list", json!({}))), -32602);
}

#[test]
fn discover_says_what_the_modern_era_needs() {
    let mut client = Client::start(&[]);
    let result = client.ask("server/discover", enveloped(json!({})));
    assert_eq!(result["supportedVersions"], json!([MODERN]));
    assert_eq!(result["capabilities"], capabilities(false));
    assert_eq!(result["resultType"], "complete");
    let icon = &result["_meta"]["io.modelcontextprotocol/serverInfo"]["icons"][0];
    assert!(icon["src"].as_str().unwrap().len() < 1_024);
    assert_eq!(icon["mimeType"], "image/png");
    assert!(result.get("serverInfo").is_none());
}

#[test]
fn requests_without_handshake_or_envelope_are_refused_with_what_is_missing() {
    let mut client = Client::start(&[]);
    for method in ["tools/list", "tools/call", "server/discover", "no/such"] {
        let error = client.ask_wrongly(method, json!({"name": "ping"}));
        assert_eq!(code(&error), -32602, "{method}");
        assert!(error["message"].as_str().unwrap().contains("initialize"));
    }
    // A ping is part of no handshake.
    assert_eq!(client.ask("ping", json!({})), json!({}));
    // After the handshake, methods of the other era do not exist.
    client.initialize("2025-11-25");
    for method in [
        "server/discover",
        "subscriptions/listen",
        "logging/setLevel",
        "no/such",
    ] {
        assert_eq!(
            code(&client.ask_wrongly(method, json!({}))),
            -32601,
            "{method}"
        );
    }
}

#[test]
fn the_ladder_of_an_envelope() {
    let mut client = Client::start(&[]);
    const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
    let mut refused = |method: &str, meta: Value| {
        client.ask_wrongly(method, json!({"_meta": meta, "arguments": 1}))
    };
    let error = refused("no/such", json!({VERSION: MODERN}));
    assert_eq!(code(&error), -32602);
    assert!(error["message"].as_str().unwrap().contains(CAPABILITIES));
    let error = refused("no/such", json!({CAPABILITIES: {}}));
    assert_eq!(code(&error), -32602);
    assert!(error["message"].as_str().unwrap().contains(VERSION));
    let error = refused("no/such", json!({VERSION: 20260728, CAPABILITIES: {}}));
    assert_eq!(code(&error), -32602);
    let error = refused("no/such", json!({VERSION: "2099-01-01", CAPABILITIES: 1}));
    assert_eq!(code(&error), -32602);
    for version in ["2099-01-01", "2025-11-25"] {
        let error = refused("no/such", json!({VERSION: version, CAPABILITIES: {}}));
        assert_eq!(code(&error), -32022);
        assert_eq!(
            error["data"],
            json!({"supported": [MODERN], "requested": version})
        );
    }
    for method in [
        "no/such",
        "ping",
        "initialize",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
    ] {
        assert_eq!(code(&refused(method, envelope())), -32601, "{method}");
    }
    assert_eq!(code(&refused("tools/call", envelope())), -32602);
}

#[test]
fn no_message_locks_the_process_to_an_era() {
    let mut client = Client::start(&[]);
    let modern = client.ask("tools/list", enveloped(json!({})));
    client.ask("server/discover", enveloped(json!({})));
    let agreed = client.initialize("2025-06-18");
    assert_eq!(agreed["protocolVersion"], "2025-06-18");
    let legacy = client.ask("tools/list", json!({}));
    assert_eq!(legacy["tools"], modern["tools"]);
    assert_eq!(client.ask("tools/list", enveloped(json!({}))), modern);
    assert_eq!(client.ask("ping", json!({})), json!({}));
    assert_eq!(
        code(&client.ask_wrongly("ping", enveloped(json!({})))),
        -32601
    );
    let again = client.ask("initialize", initialize_params("2024-11-05"));
    assert_eq!(again["protocolVersion"], "2024-11-05");
}

#[test]
fn tools_list_is_one_stable_page_of_schemas_that_hosts_take() {
    let mut client = Client::legacy("2025-11-25");
    let result = client.ask("tools/list", json!({}));
    assert_eq!(client.ask("tools/list", json!({})), result);
    assert_eq!(
        code(&client.ask_wrongly("tools/list", json!({"cursor": "x"}))),
        -32602
    );
    for tool in result["tools"].as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        assert!(name.len() <= 40 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        for schema in [&tool["inputSchema"], &tool["outputSchema"]] {
            assert_eq!(schema["type"], "object", "{name}");
            for keyword in ["oneOf", "anyOf", "allOf", "$schema"] {
                assert!(schema.get(keyword).is_none(), "{keyword} in {name}");
            }
            jsonschema::validator_for(schema).unwrap();
        }
    }
}

#[test]
fn what_a_tool_answers_fits_its_output_schema_in_both_eras() {
    let mut client = Client::legacy("2025-11-25");
    let list = client.ask("tools/list", json!({}));
    let tools = list["tools"].as_array().unwrap();
    let ping = tools.iter().find(|tool| tool["name"] == "ping").unwrap();
    let schema = jsonschema::validator_for(&ping["outputSchema"]).unwrap();
    for params in [
        json!({"name": "ping"}),
        json!({"name": "ping", "arguments": null}),
        json!({"name": "ping", "arguments": {}}),
        enveloped(json!({"name": "ping"})),
    ] {
        let result = client.ask("tools/call", params);
        assert!(schema.is_valid(&result["structuredContent"]), "{result}");
    }
}

#[test]
fn wrong_calls_are_errors_of_the_protocol_wrong_arguments_are_results() {
    let mut client = Client::legacy("2025-11-25");
    let error = client.ask_wrongly("tools/call", json!({"name": "pinng"}));
    assert_eq!(code(&error), -32602);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("did you mean ping?")
    );
    for params in [
        json!({}),
        json!({"name": 7}),
        json!({"name": "ping", "arguments": []}),
        json!({"name": "ping", "arguments": "{}"}),
        json!([1]),
        json!("x"),
    ] {
        let error = client.ask_wrongly("tools/call", params);
        assert_eq!(code(&error), -32602, "{error}");
    }
    let result = client.call("ping", json!({"no_such_argument": 1}));
    assert_eq!(result["isError"], true);
    assert!(result.get("structuredContent").is_none());
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text["code"], "invalid_argument");
    assert!(text["next_step"].is_string());
}
