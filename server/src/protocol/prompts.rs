//! `prompts/list` and `prompts/get`.

use super::message::{Code, RpcError, one_page, repeat, to_json};
use super::revision::Revision;
use super::service::{Prompt, Service};
use crate::text::spelling::nearest;
use serde_json::{Map, Value};

/// Bytes of all arguments of a prompt together; they stand in what it becomes.
const MAX_ARGUMENTS: usize = 64 << 10;

pub(super) fn list(
    service: &dyn Service,
    params: &Map<String, Value>,
    revision: Revision,
) -> Result<String, RpcError> {
    one_page(params)?;
    let prompts = to_json(&service.prompts());
    Ok(revision.lasting_result(&format!("\"prompts\":{prompts}")))
}

pub(super) fn get(
    service: &dyn Service,
    params: &Map<String, Value>,
    revision: Revision,
) -> Result<String, RpcError> {
    let Some(name) = params.get("name").and_then(Value::as_str) else {
        return refused("params.name must be a string".to_owned());
    };
    let none = Map::new();
    let arguments = match params.get("arguments") {
        None | Some(Value::Null) => &none,
        Some(Value::Object(arguments)) => arguments,
        Some(_) => return refused("params.arguments must be an object".to_owned()),
    };
    let prompts = service.prompts();
    let known = prompts.iter().find(|prompt| prompt.name == name);
    known.map_or(Ok(()), |known| check(known, arguments))?;
    let Some(prompted) = known.and_then(|known| service.prompt(known.name, arguments)) else {
        let near = nearest(name, prompts.iter().map(|prompt| prompt.name));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        return refused(format!("Unknown prompt: {}{hint}", repeat(name)));
    };
    let prompted = to_json(&prompted);
    // An object without its braces.
    let fields = prompted
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    Ok(revision.result(fields.unwrap_or_default()))
}

fn check(prompt: &Prompt, arguments: &Map<String, Value>) -> Result<(), RpcError> {
    let mut bytes = 0;
    for (name, value) in arguments {
        if !prompt.arguments.iter().any(|known| known.name == name) {
            let known: Vec<_> = prompt.arguments.iter().map(|known| known.name).collect();
            let (name, known) = (repeat(name), known.join(", "));
            refused(format!("unknown argument {name}; this prompt has {known}"))?;
        }
        match value.as_str() {
            Some(text) => bytes += text.len(),
            None => drop(refused(format!("argument {name} must be a string"))?),
        }
    }
    if bytes > MAX_ARGUMENTS {
        refused(format!("arguments of more than {MAX_ARGUMENTS} bytes"))?;
    }
    let given = |name: &str| arguments.contains_key(name);
    let required = prompt.arguments.iter().filter(|known| known.required);
    match required.map(|known| known.name).find(|name| !given(name)) {
        None => Ok(()),
        Some(name) => refused(format!("argument {name} is required")).map(drop),
    }
}

fn refused(message: String) -> Result<String, RpcError> {
    Err(RpcError::new(Code::InvalidParams, message))
}
