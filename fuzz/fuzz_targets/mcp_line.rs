//! Any line of an assistant: what it is to us is what JSON-RPC says it is, and each of its messages has one valid reply
//! or none: one line, of JSON, without `null`, with the id it came with. Then the same line goes through the whole
//! protocol layer (`mcp_line/exchange.rs`).
#![no_main]

#[path = "mcp_line/exchange.rs"]
mod exchange;
#[path = "mcp_line/little.rs"]
mod little;

use bitsperity_mqtt_mcp::protocol::message::{self, Code, Id, Incoming, Line, Params, RpcError};
use bitsperity_mqtt_mcp::protocol::revision::{self, Revision};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;

fuzz_target!(|line: &[u8]| {
    understand(line);
    exchange::exchange(line);
});

fn understand(line: &[u8]) {
    let bare = line
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(line)
        .trim_ascii();
    let value = serde_json::from_slice::<Value>(bare);
    match (message::parse(line), value) {
        (Line::Blank, _) => assert!(bare.is_empty()),
        (Line::NotJson(why), Err(_)) => {
            for null in [false, true] {
                let reply =
                    message::error_without_id(null, &RpcError::new(Code::ParseError, &*why));
                check(&reply, null.then_some(Value::Null).as_ref());
            }
        }
        (Line::One(incoming), Ok(value)) => one(incoming, &value),
        (Line::Batch(items), Ok(Value::Array(values))) => {
            assert_eq!(items.len(), values.len());
            for (incoming, value) in items.into_iter().zip(&values) {
                one(incoming, value);
            }
        }
        // JSON by its grammar that goes beyond what a value can be.
        (Line::One(Incoming::Invalid { id, why }), Err(_)) => {
            let text = std::str::from_utf8(bare).expect("UTF-8");
            assert!(serde_json::from_str::<IgnoredAny>(text).is_ok());
            let error = RpcError::new(Code::InvalidRequest, why);
            let reply = id.map(|id| message::error(&id, &error));
            let reply = reply.unwrap_or_else(|| message::error_without_id(false, &error));
            assert!(serde_json::from_str::<Value>(&reply).is_ok());
        }
        (_, value) => panic!("read as something else than {value:?}"),
    }
}

fn one(incoming: Incoming, value: &Value) {
    let is_call = value.get("jsonrpc").is_some_and(|version| version == "2.0")
        && value.get("method").is_some_and(Value::is_string);
    let raw_id = value.get("id");
    match incoming {
        Incoming::Request(request) => {
            assert!(is_call);
            assert_eq!(Some(&*request.method), value["method"].as_str());
            let error = RpcError::new(Code::MethodNotFound, &*request.method);
            answer(&request.id, raw_id, &error);
            params(&request.params, value, &request.id, raw_id);
        }
        Incoming::Notification { method, params } => {
            assert!(is_call && raw_id.is_none());
            assert_eq!(Some(&*method), value["method"].as_str());
            assert!(matches!(params, Params::Object(_)) || value.get("params").is_some());
        }
        Incoming::Response => assert!(value.get("method").is_none()),
        Incoming::Invalid { id, why } => {
            let readable = raw_id.is_some_and(|id| Id::from_value(id).is_some());
            assert!(
                !is_call || (raw_id.is_some() && !readable),
                "refused: {why}"
            );
            let error = RpcError::new(Code::InvalidRequest, why);
            match id {
                Some(id) => answer(&id, raw_id, &error),
                None => check(&message::error_without_id(false, &error), None),
            }
        }
    }
}

fn params(params: &Params, value: &Value, id: &Id, raw_id: Option<&Value>) {
    let Params::Object(params) = params else {
        assert!(
            value
                .get("params")
                .is_some_and(|params| !params.is_object())
        );
        return;
    };
    if revision::has_envelope(params)
        && let Err(error) = revision::check_envelope(params)
    {
        answer(id, raw_id, &error);
    }
    if let Some(asked) = params.get("protocolVersion").and_then(Value::as_str) {
        let agreed = Revision::agree(asked);
        assert!(!agreed.is_modern());
        let result = agreed.result(&format!("\"protocolVersion\":\"{}\"", agreed.name()));
        check(&message::result(id, &result), raw_id);
    }
}

fn answer(id: &Id, raw_id: Option<&Value>, error: &RpcError) {
    check(&message::error(id, error), raw_id);
}

fn check(reply: &str, raw_id: Option<&Value>) {
    assert!(!reply.contains(['\n', '\r']));
    let reply: Value = serde_json::from_str(reply).expect("a reply is JSON");
    assert_eq!(reply["jsonrpc"], "2.0");
    assert_ne!(reply.get("result").is_some(), reply.get("error").is_some());
    assert!(
        reply
            .get("error")
            .is_none_or(|error| error["code"].is_i64() && error["message"].is_string())
    );
    let (got, sent) = (reply.get("id"), raw_id);
    match (got.and_then(Value::as_f64), sent.and_then(Value::as_f64)) {
        // 7.0 is answered as 7.
        (Some(got), Some(sent)) => assert!(got == sent),
        _ => assert_eq!(got, sent),
    }
}
