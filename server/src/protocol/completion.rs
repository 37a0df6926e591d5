//! `completion/complete`: how an argument of a prompt, or a variable of a template, could go on.

use super::message::{Code, RpcError, to_json};
use super::revision::Revision;
use super::service::{Reference, Service, Unfinished};
use serde_json::{Map, Value};

/// Values in one answer; the specification's.
const MAX_VALUES: usize = 100;

/// What a client asks for, checked.
pub(super) struct Asked {
    kind: Kind,
    of: String,
    name: String,
    value: String,
    others: Map<String, Value>,
    revision: Revision,
}

#[derive(Clone, Copy)]
enum Kind {
    Prompt,
    Template,
}

/// # Errors
/// What is wrong with the parameters.
pub(super) fn asked(mut params: Map<String, Value>, revision: Revision) -> Result<Asked, RpcError> {
    let text = |part: &str, name: &str| {
        let found = params.get(part)?.get(name)?;
        found.as_str().map(str::to_owned)
    };
    let missing = |what| {
        RpcError::new(
            Code::InvalidParams,
            format!("params.{what} must be a string"),
        )
    };
    let (kind, of) = match text("ref", "type").as_deref() {
        Some("ref/prompt") => (Kind::Prompt, "name"),
        Some("ref/resource") => (Kind::Template, "uri"),
        _ => {
            let message = "params.ref.type must be \"ref/prompt\" or \"ref/resource\"";
            return Err(RpcError::new(Code::InvalidParams, message));
        }
    };
    let of = text("ref", of).ok_or_else(|| missing(format!("ref.{of}")))?;
    let name = text("argument", "name").ok_or_else(|| missing("argument.name".to_owned()))?;
    let value = text("argument", "value").ok_or_else(|| missing("argument.value".to_owned()))?;
    let context = params.get_mut("context");
    let others = match context
        .and_then(|it| it.get_mut("arguments"))
        .map(Value::take)
    {
        Some(Value::Object(others)) => others,
        _ => Map::new(),
    };
    Ok(Asked {
        kind,
        of,
        name,
        value,
        others,
        revision,
    })
}

pub(super) async fn complete(service: &dyn Service, asked: &Asked) -> Result<String, RpcError> {
    let unfinished = Unfinished {
        of: match asked.kind {
            Kind::Prompt => Reference::Prompt(&asked.of),
            Kind::Template => Reference::Template(&asked.of),
        },
        name: &asked.name,
        value: &asked.value,
        others: &asked.others,
    };
    let Some(mut values) = service.complete(unfinished).await else {
        let message = "no such prompt, resource template or argument to complete";
        return Err(RpcError::new(Code::InvalidParams, message));
    };
    let total = values.len();
    values.truncate(MAX_VALUES);
    let (more, values) = (total > MAX_VALUES, to_json(&values));
    let fields =
        format!("\"completion\":{{\"values\":{values},\"total\":{total},\"hasMore\":{more}}}");
    Ok(asked.revision.result(&fields))
}
