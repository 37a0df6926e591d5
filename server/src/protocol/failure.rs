//! Errors: of the protocol itself ([`RpcError`]), and of a tool ([`ToolError`]), which go into a result.

use serde_json::Value;

/// The codes of JSON-RPC and MCP that this server sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// Not JSON at all.
    ParseError,
    /// JSON, but no request.
    InvalidRequest,
    /// No such method in this era.
    MethodNotFound,
    /// Parameters that do not fit the method; an unknown tool; missing metadata.
    InvalidParams,
    /// Our fault, or no room.
    InternalError,
    /// Of the legacy era only; the modern one says [`Code::InvalidParams`].
    ResourceNotFound,
    /// `HeaderMismatch` of 2026-07-28: HTTP headers and body contradict each other.
    HeaderMismatch,
    /// `UnsupportedProtocolVersion` of 2026-07-28.
    UnsupportedVersion,
}

impl Code {
    /// As it stands on the wire.
    pub const fn number(self) -> i32 {
        match self {
            Self::ParseError => -32700,
            Self::InvalidRequest => -32600,
            Self::MethodNotFound => -32601,
            Self::InvalidParams => -32602,
            Self::InternalError => -32603,
            Self::ResourceNotFound => -32002,
            Self::HeaderMismatch => -32020,
            Self::UnsupportedVersion => -32022,
        }
    }
}

/// An error of the protocol.
#[derive(Clone, PartialEq, Debug)]
pub struct RpcError {
    /// For machines.
    pub code: Code,
    /// One sentence.
    pub message: String,
    /// More for machines.
    pub data: Option<Value>,
}

impl RpcError {
    /// Without data.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }
}

/// A failure that the assistant reads and can act on. It never holds a credential.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct ToolError {
    /// Stable: `invalid_argument`, `unknown_session`, `session_expired`, `connect_failed`, …
    pub code: &'static str,
    /// What was wrong.
    pub message: String,
    /// What to do now.
    pub next_step: String,
}

impl ToolError {
    pub(crate) fn new(
        code: &'static str,
        message: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self {
            code,
            message: message.into(),
            next_step: next_step.into(),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self::new("invalid_argument", message, next_step)
    }

    pub(crate) fn policy(message: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self::new("policy_denied", message, next_step)
    }

    /// Nobody reads it: the caller took the call back.
    pub(crate) fn cancelled() -> Self {
        Self::new("cancelled", "the call was cancelled", "call the tool again")
    }
}
