//! What goes out: a status, headers, a body. Every answer forbids to be stored, guessed at or framed.

use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::json;

/// An answer.
pub(super) struct Reply {
    status: u16,
    kind: &'static str,
    headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// A page may be framed by the proxy that lets people in, and by nobody else.
    policy: Option<String>,
    without_body: bool,
}

impl Reply {
    fn new(status: u16, kind: &'static str, body: Vec<u8>) -> Self {
        Self {
            status,
            kind,
            headers: Vec::new(),
            body,
            policy: None,
            without_body: false,
        }
    }

    /// Nothing but a status.
    pub(super) fn empty(status: u16) -> Self {
        Self::new(status, "", Vec::new())
    }

    /// A value as JSON.
    pub(super) fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::new(status, "application/json", body),
            Err(_) => Self::error(
                500,
                "internal",
                "the answer could not be written; this is a bug",
            ),
        }
    }

    /// Text of some kind.
    pub(super) fn text(kind: &'static str, body: String) -> Self {
        Self::new(200, kind, body.into_bytes())
    }

    /// The page, under a policy that knows its script and its style.
    pub(super) fn page(body: String, policy: String) -> Self {
        Self {
            policy: Some(policy),
            ..Self::text("text/html; charset=utf-8", body)
        }
    }

    /// What is wrong, and what would be right.
    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(
            status,
            &json!({"error": {"code": code, "message": message}}),
        )
    }

    /// One more header.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// For HEAD.
    pub(super) fn without_body(mut self) -> Self {
        self.without_body = true;
        self
    }

    pub(super) fn into_response(self, trusted: bool) -> Response<Vec<u8>> {
        let length = self.body.len();
        let body = if self.without_body {
            Vec::new()
        } else {
            self.body
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or_default();
        let headers = response.headers_mut();
        let mut put = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        if !self.kind.is_empty() {
            put("content-type", self.kind);
        }
        if self.without_body {
            put("content-length", &length.to_string());
        }
        put("cache-control", "no-store");
        put("x-content-type-options", "nosniff");
        put("referrer-policy", "no-referrer");
        put("cross-origin-opener-policy", "same-origin");
        put("cross-origin-resource-policy", "same-origin");
        let framed = if trusted { "'self'" } else { "'none'" };
        let policy = self
            .policy
            .unwrap_or_else(|| "default-src 'none'".to_owned());
        put(
            "content-security-policy",
            &format!("{policy}; frame-ancestors {framed}"),
        );
        for (name, value) in &self.headers {
            put(name, value);
        }
        response
    }
}
