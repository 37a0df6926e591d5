//! What differs between the dated revisions of MCP.
//!
//! Legacy (2024-11-05 to 2025-11-25): a handshake by `initialize`, plain results. Modern (2026-07-28): no handshake,
//! each request carries its own `_meta` envelope, each result says that it is complete and how long it keeps.
//! Invariant: modern fields never stand in a legacy result (strict clients drop it), nor are they missing in a modern one.

use super::message::{INVALID_PARAMS, Id, RpcError, UNSUPPORTED_VERSION, quote, repeat};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// Who the client says that it is; may be absent.
pub(super) const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// How long a client may keep what never changes while the process lives.
const TTL_MS: u32 = 3_600_000;
/// How long it may keep what a resource held.
const READ_TTL_MS: u32 = 1_000;

/// 48 by 48; every client that shows icons shows PNG.
const ICON: &[u8] = include_bytes!("icon.png");

/// A dated revision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)] // the names are the dates
pub enum Revision {
    V2024_11_05,
    V2025_03_26,
    V2025_06_18,
    V2025_11_25,
    V2026_07_28,
}

impl Revision {
    /// All with a handshake, newest first.
    const LEGACY: [Self; 4] = [
        Self::V2025_11_25,
        Self::V2025_06_18,
        Self::V2025_03_26,
        Self::V2024_11_05,
    ];

    /// The date, as it stands on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// What `initialize` agrees on: what was asked for if we speak it, else our newest with a handshake; never an error.
    pub fn agree(requested: &str) -> Self {
        Self::LEGACY
            .into_iter()
            .find(|revision| revision.name() == requested)
            .unwrap_or(Self::V2025_11_25)
    }

    /// No handshake, an envelope in each request.
    pub fn is_modern(self) -> bool {
        self == Self::V2026_07_28
    }

    /// Arrays of messages: 2025-03-26 demands them, the next revision took them away.
    pub fn has_batches(self) -> bool {
        self == Self::V2025_03_26
    }

    /// An error without a readable id carries `"id":null`; from 2025-11-25 on the schema wants the field absent.
    pub fn has_null_ids(self) -> bool {
        self < Self::V2025_11_25
    }

    /// What is served in this era. Lists that change exist in the legacy era only.
    pub fn capabilities(self) -> &'static str {
        match self.is_modern() {
            true => r#"{"tools":{},"resources":{"subscribe":true},"prompts":{},"completions":{}}"#,
            false => {
                r#"{"tools":{},"resources":{"subscribe":true,"listChanged":true},"prompts":{},"completions":{}}"#
            }
        }
    }

    /// A result object. `fields` is JSON text without its braces.
    pub fn result(self, fields: &str) -> String {
        self.result_with(fields, "")
    }

    /// The same, with more members of its `_meta` in the modern era.
    pub fn result_with(self, fields: &str, meta: &str) -> String {
        match self.is_modern() {
            true => modern(fields, meta, &info("")),
            false => format!("{{{fields}}}"),
        }
    }

    /// The result of `server/discover`, which alone introduces us with everything.
    pub fn introduction(self, fields: &str) -> String {
        modern(&lasting(fields, TTL_MS, "public"), "", &server_info(self))
    }

    /// A result that the client may keep, because it does not change while the process lives.
    pub fn lasting_result(self, fields: &str) -> String {
        self.kept_result(fields, TTL_MS, "public")
    }

    /// A result that holds for a moment, and for this client only.
    pub fn passing_result(self, fields: &str) -> String {
        self.kept_result(fields, READ_TTL_MS, "private")
    }

    fn kept_result(self, fields: &str, ttl_ms: u32, scope: &str) -> String {
        match self.is_modern() {
            true => self.result(&lasting(fields, ttl_ms, scope)),
            false => self.result(fields),
        }
    }
}

fn lasting(fields: &str, ttl_ms: u32, scope: &str) -> String {
    format!("{fields},\"ttlMs\":{ttl_ms},\"cacheScope\":\"{scope}\"")
}

fn modern(fields: &str, meta: &str, info: &str) -> String {
    let comma = |text: &str| if text.is_empty() { "" } else { "," };
    let (after_fields, after_meta) = (comma(fields), comma(meta));
    format!(
        "{{\"resultType\":\"complete\",{fields}{after_fields}\"_meta\":{{{meta}{after_meta}\"{SERVER_INFO}\":{info}}}}}"
    )
}

/// The member of `_meta` that names a subscription.
pub fn subscription_id(id: &Id) -> String {
    format!("\"{SUBSCRIPTION_ID}\":{}", id.render())
}

/// Who we are, as JSON text.
fn info(more: &str) -> String {
    let version = quote(env!("CARGO_PKG_VERSION"));
    format!("{{\"name\":\"bitsperity-mqtt-mcp\",\"title\":\"MQTT\",\"version\":{version}{more}}}")
}

/// Who we are, for `initialize`: icons came with 2025-11-25.
pub fn server_info(revision: Revision) -> String {
    match revision < Revision::V2025_11_25 {
        true => info(""),
        false => info(&format!(
            ",\"icons\":[{{\"src\":\"data:image/png;base64,{}\",\"mimeType\":\"image/png\",\"sizes\":[\"48x48\"]}}]",
            STANDARD.encode(ICON)
        )),
    }
}

/// Whether a request carries an envelope, complete or not, and so belongs to the modern era.
pub fn has_envelope(params: &Map<String, Value>) -> bool {
    meta_of(params).is_some_and(|meta| {
        meta.contains_key(PROTOCOL_VERSION) || meta.contains_key(CLIENT_CAPABILITIES)
    })
}

/// Checks an envelope, in the order on which clients rely: present, of the right types, of a version that we speak.
/// A wrong type must not become `UnsupportedProtocolVersion`, which keeps clients from falling back.
///
/// # Errors
/// What to answer.
pub fn check_envelope(params: &Map<String, Value>) -> Result<(), RpcError> {
    let meta = meta_of(params);
    let get = |key| meta.and_then(|meta| meta.get(key));
    let (Some(version), Some(capabilities)) = (get(PROTOCOL_VERSION), get(CLIENT_CAPABILITIES))
    else {
        let missing: Vec<_> = [PROTOCOL_VERSION, CLIENT_CAPABILITIES]
            .into_iter()
            .filter(|key| get(key).is_none())
            .collect();
        let missing = missing.join(" and ");
        let message = format!("params._meta lacks {missing}");
        return Err(RpcError::new(INVALID_PARAMS, message));
    };
    let Some(version) = version.as_str() else {
        let message = format!("params._meta[\"{PROTOCOL_VERSION}\"] must be a string");
        return Err(RpcError::new(INVALID_PARAMS, message));
    };
    if !capabilities.is_object() {
        let message = format!("params._meta[\"{CLIENT_CAPABILITIES}\"] must be an object");
        return Err(RpcError::new(INVALID_PARAMS, message));
    }
    if version != Revision::V2026_07_28.name() {
        let supported = [Revision::V2026_07_28.name()];
        let mut error = RpcError::new(UNSUPPORTED_VERSION, "Unsupported protocol version");
        error.data = Some(json!({"supported": supported, "requested": repeat(version)}));
        return Err(error);
    }
    Ok(())
}

/// The answer to a request without an envelope before any `initialize`.
pub fn no_handshake() -> RpcError {
    RpcError::new(
        INVALID_PARAMS,
        format!(
            "Send `initialize` first, or put {PROTOCOL_VERSION} and {CLIENT_CAPABILITIES} in params._meta"
        ),
    )
}

fn meta_of(params: &Map<String, Value>) -> Option<&Map<String, Value>> {
    params.get("_meta")?.as_object()
}
