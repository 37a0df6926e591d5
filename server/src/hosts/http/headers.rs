//! The headers of MCP: what a client accepts, and those of 2026-07-28 that repeat what the body says.

use crate::protocol::failure::{Code, RpcError};
use crate::protocol::message::{Params, Request, repeat};
use crate::protocol::revision::{self, Revision};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use serde_json::Value;

/// Around a value that is no plain text.
const CODED: (&str, &str) = ("=?base64?", "?=");

/// The only header of this name, as text.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}

/// What kinds of answers a client takes.
#[derive(Clone, Copy)]
pub(super) struct Accepted {
    pub(super) json: bool,
    pub(super) events: bool,
}

impl Accepted {
    /// Without the header, or with `*/*`, JSON; whoever takes events says so.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut accepted = Self {
            json: !headers.contains_key("accept"),
            events: false,
        };
        let values = headers.get_all("accept").iter();
        for part in values
            .filter_map(|it| it.to_str().ok())
            .flat_map(|it| it.split(','))
        {
            let kind = part.split(';').next().unwrap_or_default().trim();
            match kind.to_ascii_lowercase().as_str() {
                "application/json" | "application/*" | "*/*" => accepted.json = true,
                "text/event-stream" | "text/*" => accepted.events = true,
                _ => {}
            }
        }
        accepted
    }
}

/// Whether a request belongs to the modern era: by its envelope, or by a header that names no revision with a handshake.
pub(super) fn is_modern(headers: &HeaderMap, params: Option<&Params>) -> bool {
    let enveloped =
        matches!(params, Some(Params::Object(params)) if revision::has_envelope(params));
    enveloped || names_no_legacy(headers)
}

fn names_no_legacy(headers: &HeaderMap) -> bool {
    let version = headers.get("mcp-protocol-version");
    version.is_some_and(|version| {
        let legacy = |it: Revision| it.name().as_bytes() == version.as_bytes();
        !Revision::LEGACY.into_iter().any(legacy)
    })
}

/// Checks that the headers of a modern request say what its body says.
///
/// # Errors
/// Which does not.
pub(super) fn check(headers: &HeaderMap, request: &Request) -> Result<(), RpcError> {
    let Params::Object(params) = &request.params else {
        return Ok(());
    };
    match revision::version_of(params) {
        Some(version) => must_be(headers, "MCP-Protocol-Version", version)?,
        // What lacks, or has the wrong type, is said in the envelope's own words.
        None => return revision::check_envelope(params),
    }
    must_be(headers, "Mcp-Method", &request.method)?;
    let named = match request.method.as_str() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return Ok(()),
    };
    match params.get(named).and_then(Value::as_str) {
        Some(name) => must_be(headers, "Mcp-Name", name),
        None => Ok(()),
    }
}

fn must_be(headers: &HeaderMap, name: &str, expected: &str) -> Result<(), RpcError> {
    let given = only(headers, name);
    let what = match given.map(decode) {
        Some(Some(value)) if value == expected => return Ok(()),
        Some(Some(value)) => format!(
            "is {:?}, but the body says {:?}",
            repeat(&value),
            repeat(expected)
        ),
        Some(None) => "is not readable: bad base64".to_owned(),
        None if headers.contains_key(name) => "must be there once, as printable ASCII".to_owned(),
        None => format!("is missing; the body says {:?}", repeat(expected)),
    };
    let message = format!("header {name} {what}; send each header with the value of the body");
    Err(RpcError::new(Code::HeaderMismatch, message))
}

/// The value of a header that may be coded.
fn decode(value: &str) -> Option<String> {
    let inner = value
        .strip_prefix(CODED.0)
        .and_then(|rest| rest.strip_suffix(CODED.1));
    match inner {
        None => Some(value.to_owned()),
        Some(coded) => String::from_utf8(STANDARD.decode(coded).ok()?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::{Incoming, Line, parse};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn request(text: &str) -> Request {
        match parse(text.as_bytes()) {
            Line::One(Incoming::Request(request)) => request,
            _ => panic!("no request: {text}"),
        }
    }

    #[test]
    fn a_modern_request_says_the_same_twice() {
        let call = request(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"prüfen","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        );
        let version = ("mcp-protocol-version", "2026-07-28");
        let method = ("mcp-method", "tools/call");
        let name = ("mcp-name", "=?base64?cHLDvGZlbg==?=");
        assert_eq!(check(&headers(&[version, method, name]), &call), Ok(()));
        for wrong in [
            &[method, name][..],
            &[version, name],
            &[version, method],
            &[version, version, method, name],
            &[("mcp-protocol-version", "2025-11-25"), method, name],
            &[version, ("mcp-method", "tools/CALL"), name],
            &[version, method, ("mcp-name", "pr")],
            &[version, method, ("mcp-name", "=?base64?cHL?=")],
            &[version, method, ("mcp-name", "=?BASE64?cHLDvGZlbg==?=")],
        ] {
            let error = check(&headers(wrong), &call).unwrap_err();
            assert_eq!(error.code, Code::HeaderMismatch, "{wrong:?}");
        }
    }

    #[test]
    fn the_era_is_told_by_envelope_or_header() {
        let bare = request(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        let modern = |pairs, request: &Request| is_modern(&headers(pairs), Some(&request.params));
        assert!(!modern(&[], &bare));
        assert!(!modern(&[("mcp-protocol-version", "2025-06-18")], &bare));
        assert!(modern(&[("mcp-protocol-version", "2026-07-28")], &bare));
        let enveloped = request(
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}}"#,
        );
        assert!(modern(&[], &enveloped));
    }

    #[test]
    fn a_client_says_what_it_takes() {
        let accepted = |pairs: &[(&'static str, &'static str)]| {
            let it = Accepted::of(&headers(pairs));
            (it.json, it.events)
        };
        assert_eq!(accepted(&[]), (true, false));
        assert_eq!(accepted(&[("accept", "*/*")]), (true, false));
        let both = "application/json; q=0.9, Text/Event-Stream";
        assert_eq!(accepted(&[("accept", both)]), (true, true));
        assert_eq!(accepted(&[("accept", "text/html")]), (false, false));
    }
}
