//! `resources/list`, `resources/templates/list`, `resources/read`, and what is said of a resource that is not there.
//!
//! In the modern era a list must not vary with what else was asked, so resources that come and go (those of a session)
//! are found by their templates there; a legacy client sees them in its list and is told when it changes.

use super::message::{Code, RpcError, one_page, repeat, to_json};
use super::revision::Revision;
use super::service::{Service, Unreadable};
use serde_json::{Map, Value, json};

/// Bytes of a URI; the longest topic, each of its bytes percent-encoded, takes three times 65,535.
const MAX_URI: usize = 200_000;

pub(super) fn list(
    service: &dyn Service,
    params: &Map<String, Value>,
    revision: Revision,
) -> Result<String, RpcError> {
    one_page(params)?;
    let resources = to_json(&service.resources(!revision.is_modern()));
    Ok(revision.lasting_result(&format!("\"resources\":{resources}")))
}

pub(super) fn templates(
    service: &dyn Service,
    params: &Map<String, Value>,
    revision: Revision,
) -> Result<String, RpcError> {
    one_page(params)?;
    let templates = to_json(&service.templates());
    Ok(revision.lasting_result(&format!("\"resourceTemplates\":{templates}")))
}

/// Which resource is meant.
pub(super) fn uri(mut params: Map<String, Value>) -> Result<String, RpcError> {
    match params.remove("uri") {
        Some(Value::String(uri)) if uri.len() <= MAX_URI => Ok(uri),
        Some(Value::String(_)) => Err(RpcError::new(
            Code::InvalidParams,
            format!("params.uri has more than {MAX_URI} bytes"),
        )),
        _ => Err(RpcError::new(
            Code::InvalidParams,
            "params.uri must be a string",
        )),
    }
}

pub(super) async fn read(
    service: &dyn Service,
    uri: &str,
    revision: Revision,
) -> Result<String, RpcError> {
    let contents = service.read(uri).await;
    let contents = contents.map_err(|why| unreadable(why, uri, revision))?;
    Ok(revision.passing_result(&format!("\"contents\":{}", to_json(&contents))))
}

/// The error for what cannot be read; its code is another one in each era.
pub(super) fn unreadable(why: Unreadable, uri: &str, revision: Revision) -> RpcError {
    let (code, message) = match why {
        Unreadable::Missing(why) if revision.is_modern() => (Code::InvalidParams, why),
        Unreadable::Missing(why) => (Code::ResourceNotFound, why),
        Unreadable::Failed(why) => (Code::InternalError, why),
    };
    // Whole, so that the client knows its own word again; what is longer than any sensible one is cut.
    let whole = uri.len() <= 1_024;
    let shown = if whole { uri.to_owned() } else { repeat(uri) };
    let mut error = RpcError::new(code, message);
    error.data = Some(json!({"uri": shown}));
    error
}
