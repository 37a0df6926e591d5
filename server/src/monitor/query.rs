//! What stands behind the `?`: known names, each once, each in its range. A `+` is a `+`, because Topic Filters hold it.

use super::reply::Reply;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Bytes of one value.
const MAX_VALUE: usize = 1_024;

/// A parameter of an endpoint.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) kind: Kind,
}

/// What a parameter may be.
pub(super) enum Kind {
    /// Any text.
    Text,
    /// A whole number in this range; the last is the default, if there is one.
    Number(u64, u64, Option<u64>),
    /// `true` or `false`.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Parameter {
    /// As OpenAPI tells it.
    pub(super) fn described(&self) -> Value {
        let schema = match &self.kind {
            Kind::Text => json!({"type": "string", "minLength": 1, "maxLength": MAX_VALUE}),
            Kind::Number(min, max, None) => {
                json!({"type": "integer", "minimum": min, "maximum": max})
            }
            Kind::Number(min, max, Some(default)) => {
                json!({"type": "integer", "minimum": min, "maximum": max, "default": default})
            }
            Kind::Flag => json!({"type": "boolean"}),
            Kind::OneOf(words) => json!({"type": "string", "enum": words}),
        };
        json!({"name": self.name, "in": "query", "required": false, "description": self.what, "schema": schema})
    }

    fn check(&self, value: &str) -> Result<(), String> {
        let right = match &self.kind {
            Kind::Text => match value.len() {
                1..=MAX_VALUE => return Ok(()),
                _ => format!("a text of 1 to {MAX_VALUE} bytes"),
            },
            Kind::Number(min, max, _) => match value.parse::<u64>() {
                Ok(number) if (*min..=*max).contains(&number) => return Ok(()),
                _ => format!("a whole number from {min} to {max}"),
            },
            Kind::Flag if ["true", "false"].contains(&value) => return Ok(()),
            Kind::Flag => "true or false".to_owned(),
            Kind::OneOf(words) if words.contains(&value) => return Ok(()),
            Kind::OneOf(words) => format!("one of {}", words.join(", ")),
        };
        Err(format!("`{}` must be {right}", self.name))
    }
}

/// Checked parameters.
#[derive(Default)]
pub(super) struct Query(BTreeMap<&'static str, String>);

impl Query {
    /// # Errors
    /// The answer that says what is wrong.
    pub(super) fn parse(query: &str, known: &'static [Parameter]) -> Result<Self, Reply> {
        let bad = |why: String| Reply::error(400, "bad_argument", &why);
        let mut given = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let parameter = known.iter().find(|it| it.name == name).ok_or_else(|| {
                let names: Vec<_> = known.iter().map(|it| it.name).collect();
                bad(match names.is_empty() {
                    true => "this path takes no parameters".to_owned(),
                    false => format!("there is no such parameter; known: {}", names.join(", ")),
                })
            })?;
            let value = percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| bad(format!("`{}` is not UTF-8", parameter.name)))?;
            parameter.check(&value).map_err(bad)?;
            if given.insert(parameter.name, value.into_owned()).is_some() {
                return Err(bad(format!("`{}` stands there twice", parameter.name)));
            }
        }
        for parameter in known {
            if let Kind::Number(_, _, Some(default)) = parameter.kind {
                given
                    .entry(parameter.name)
                    .or_insert_with(|| default.to_string());
            }
        }
        Ok(Self(given))
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.parse().ok()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.parse().ok()
    }
}
