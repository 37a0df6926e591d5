//! What HTTP refuses, and how: always a JSON body that says what to do, since some clients show nothing else of an answer.

use super::body::Body;
use crate::protocol::failure::{Code, RpcError};
use crate::protocol::message;
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, UPGRADE, WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};
use serde_json::json;

/// A refusal.
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    header: Option<(HeaderName, &'static str)>,
    /// The body of the request was not read, so nothing after it can be.
    closes: bool,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            header: None,
            closes: false,
        }
    }

    /// The same, and the connection ends with it.
    pub(super) fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    pub(super) fn method(allowed: &'static str) -> Self {
        let mut refusal = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("this method is not allowed here; allowed: {allowed}"),
        );
        refusal.header = Some((ALLOW, allowed));
        refusal
    }

    pub(super) fn upgrade(message: &str) -> Self {
        let mut refusal = Self::new(StatusCode::UPGRADE_REQUIRED, message);
        refusal.header = Some((UPGRADE, "websocket"));
        refusal
    }

    /// No token, or a wrong one. No word of a metadata document: clients would begin OAuth.
    pub(super) fn token(given: bool) -> Self {
        let (what, challenge) = match given {
            true => (
                "the token is wrong",
                "Bearer realm=\"bitsperity-mqtt-mcp\", error=\"invalid_token\"",
            ),
            false => (
                "the token is missing",
                "Bearer realm=\"bitsperity-mqtt-mcp\"",
            ),
        };
        let message = format!(
            "{what}: send it as header `Authorization: Bearer TOKEN`; it stands in the service's token file, which `serve` names at its start"
        );
        let mut refusal = Self::new(StatusCode::UNAUTHORIZED, message);
        refusal.header = Some((WWW_AUTHENTICATE, challenge));
        refusal
    }

    /// For who speaks MCP: an error of JSON-RPC without id.
    pub(super) fn as_rpc(&self) -> Response<Body> {
        let code = match self.status.is_server_error() {
            true => Code::InternalError,
            false => Code::InvalidRequest,
        };
        let error = RpcError::new(code, self.message.as_str());
        self.answer(message::error_without_id(false, &error))
    }

    /// For all others.
    pub(super) fn as_json(&self) -> Response<Body> {
        let code = self.status.canonical_reason().unwrap_or("error");
        let code = code.to_ascii_lowercase().replace([' ', '-'], "_");
        let error = json!({"error": {"code": code, "message": self.message}});
        self.answer(error.to_string())
    }

    fn answer(&self, text: String) -> Response<Body> {
        let mut response = json_answer(self.status, text);
        let headers = response.headers_mut();
        if let Some((name, value)) = &self.header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// An answer that is JSON.
pub(super) fn json_answer(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::whole(text));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
