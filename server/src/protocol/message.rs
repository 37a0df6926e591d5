//! JSON-RPC 2.0 as MCP uses it: one line to a message, and replies to text.
//!
//! Pure: no channel, no clock. What depends on the revision is in `revision`.
//! Invariant: any bytes give a [`Line`], in memory bounded by the line's length; nothing written holds a `null` for an
//! absent field.

pub use super::failure::{Code, RpcError};
use crate::text::clean::front;
use crate::text::mask::{holds_credentials, mask};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value, json};

/// JSON values in one message. A value takes some hundred bytes in memory, with what the tools make of it, but as little
/// as two on the line; with this bound a line becomes at most some 25 MB. No tool's arguments come near it.
const MAX_VALUES: usize = 50_000;

/// Bytes of an id that is a string; it is repeated in every reply. Clients count, or use a UUID.
const MAX_ID: usize = 1_024;

/// Bytes of such an id on the line, each of them escaped.
const MAX_ID_ESCAPED: usize = 6 * MAX_ID + 2;

/// Characters of a client's word that an error repeats.
const MAX_REPEATED: usize = 80;

/// Bytes of a client's word that are searched for credentials before its beginning is repeated; a connection string, which
/// has at most 8,192, is known by less of it.
const MAX_SEARCHED: usize = 4_096;

/// Largest integer that a double holds exactly, for ids written as `7.0`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Id of a request: string or integer, and the two are never equal.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Id {
    /// Any integer JSON can hold exactly.
    Number(Number),
    /// Any string, the empty one too.
    Text(String),
}

impl Id {
    /// `None` for what is neither integer nor string, for a string without end, and for a connection string with
    /// credentials: replies and the log repeat an id.
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => {
                (text.len() <= MAX_ID && !holds_credentials(text)).then(|| Self::Text(text.clone()))
            }
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                Some(Self::Number(number.clone()))
            }
            Value::Number(number) => {
                let float = number.as_f64()?;
                let whole = float.fract() == 0.0 && float.abs() <= EXACT;
                whole.then(|| Self::Number(Number::from(float as i64)))
            }
            _ => None,
        }
    }

    /// As it stands in a reply.
    pub fn render(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => quote(text),
        }
    }
}

/// `params` of a message.
pub enum Params {
    /// An object, or absent.
    Object(Map<String, Value>),
    /// Something else, which fits no method of MCP.
    Other,
}

/// A request.
pub struct Request {
    /// Echoed in the reply.
    pub id: Id,
    /// Name of the method.
    pub method: String,
    /// Parameters.
    pub params: Params,
}

/// One message of the client.
pub enum Incoming {
    /// Wants a reply.
    Request(Request),
    /// Wants none.
    Notification {
        /// Name of the method.
        method: String,
        /// Parameters.
        params: Params,
    },
    /// A reply to a request that we never send.
    Response,
    /// JSON, but none of these.
    Invalid {
        /// If it can be read.
        id: Option<Id>,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// One line of the client.
pub enum Line {
    /// Nothing on it.
    Blank,
    /// One message.
    One(Incoming),
    /// An array of messages; may be empty.
    Batch(Vec<Incoming>),
    /// Not JSON.
    NotJson(String),
}

/// Reads one line (without its newline; a BOM, a carriage return and white space are tolerated).
pub fn parse(line: &[u8]) -> Line {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let line = line.trim_ascii();
    if line.is_empty() {
        return Line::Blank;
    }
    if count_values(line) > MAX_VALUES {
        let id = serde_json::from_slice(line).ok().and_then(Envelope::id);
        let why = "more than 50000 JSON values in one message";
        return Line::One(Incoming::Invalid { id, why });
    }
    match serde_json::from_slice(line) {
        Ok(Value::Array(items)) => Line::Batch(items.into_iter().map(incoming).collect()),
        Ok(value) => Line::One(incoming(value)),
        Err(error) => match str::from_utf8(line).map(serde_json::from_str) {
            Ok(Ok(envelope)) => Line::One(Incoming::Invalid {
                id: Envelope::id(envelope),
                why: "a number is out of range, values are nested more than 127 deep, or half of a surrogate pair \
                      stands alone",
            }),
            _ => Line::NotJson(error.to_string()),
        },
    }
}

/// The id of JSON that goes beyond the bounds; the rest is only checked for its grammar, without recursion.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
}

impl Envelope<'_> {
    fn id(self) -> Option<Id> {
        let short = Some(self.id.get()).filter(|it| it.len() <= MAX_ID_ESCAPED);
        Id::from_value(&serde_json::from_str(short?).ok()?)
    }
}

/// Upper bound of the values on a line: every value but the first follows one of these bytes outside a string.
fn count_values(line: &[u8]) -> usize {
    if line.len() < MAX_VALUES {
        return 0;
    }
    let (mut values, mut in_string, mut escaped) = (1, false, false);
    for &byte in line {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else {
            match byte {
                b'"' => in_string = true,
                b',' | b'[' | b'{' => values += 1,
                _ => {}
            }
        }
    }
    values
}

fn incoming(value: Value) -> Incoming {
    let Value::Object(mut object) = value else {
        let why = "a message is a JSON object";
        return Incoming::Invalid { id: None, why };
    };
    let raw_id = object.get("id");
    let id = raw_id.and_then(Id::from_value);
    let invalid = |id, why| Incoming::Invalid { id, why };
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return invalid(id, "`jsonrpc` must be \"2.0\"");
    }
    if !object.contains_key("method")
        && (object.contains_key("result") || object.contains_key("error"))
    {
        return Incoming::Response;
    }
    let has_id = raw_id.is_some();
    let Some(Value::String(method)) = object.remove("method") else {
        return invalid(id, "`method` must be a string");
    };
    let params = match object.remove("params") {
        None | Some(Value::Null) => Params::Object(Map::new()),
        Some(Value::Object(params)) => Params::Object(params),
        Some(_) => Params::Other,
    };
    match (has_id, id) {
        (false, _) => Incoming::Notification { method, params },
        (true, Some(id)) => Incoming::Request(Request { id, method, params }),
        (true, None) => invalid(
            None,
            "`id` must be an integer or a string of at most 1024 bytes without credentials",
        ),
    }
}

/// The reply with a result; `result` is JSON text.
pub fn result(id: &Id, result: &str) -> String {
    let id = id.render();
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}")
}

/// The reply with an error.
pub fn error(id: &Id, error: &RpcError) -> String {
    let error = error_object(error);
    let id = id.render();
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}")
}

/// The reply to what has no readable id. JSON-RPC wants `null` there, the schemas from 2025-11-25 on want it absent.
pub fn error_without_id(null: bool, error: &RpcError) -> String {
    let error = error_object(error);
    let id = if null { "\"id\":null," } else { "" };
    format!("{{\"jsonrpc\":\"2.0\",{id}\"error\":{error}}}")
}

/// A notification; `params` is JSON text.
pub fn notification(method: &str, params: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{method}\",\"params\":{params}}}")
}

/// The beginning of a client's word without credentials, for an error.
pub fn repeat(word: &str) -> String {
    let masked = mask(front(word, MAX_SEARCHED));
    let mut characters = masked.chars();
    let mut short: String = characters.by_ref().take(MAX_REPEATED).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

/// A JSON string.
pub fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

/// As compact JSON; for values whose types always have one.
pub fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Refuses a cursor: every list stands on one page.
pub fn one_page(params: &Map<String, Value>) -> Result<(), RpcError> {
    match params.get("cursor") {
        None | Some(Value::Null) => Ok(()),
        Some(_) => {
            let message = "unknown cursor: the whole list stands on one page";
            Err(RpcError::new(Code::InvalidParams, message))
        }
    }
}

/// Every error of the protocol passes here: what looks like credentials does not leave.
fn error_object(error: &RpcError) -> String {
    let mut object = json!({"code": error.code.number(), "message": mask(&error.message)});
    if let Some(data) = &error.data {
        let mut data = data.clone();
        for text in data.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if let Value::String(text) = text {
                *text = mask(text).into_owned();
            }
        }
        object["data"] = data;
    }
    object.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Incoming {
        match parse(line.as_bytes()) {
            Line::One(message) => message,
            _ => panic!("not one message: {line}"),
        }
    }

    fn id_of(text: &str) -> Option<Id> {
        Id::from_value(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn json_beyond_the_bounds_of_a_value_is_refused_under_its_id() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        let many = format!("[0{}]", ",0".repeat(MAX_VALUES));
        for params in ["1e999", "[-1E400]", r#""\ud800""#, &deep, &many] {
            let line = format!(r#"{{"jsonrpc":"2.0","method":"x","params":{params},"id":7}}"#);
            match one(&line) {
                Incoming::Invalid { id, .. } => assert_eq!(id, id_of("7"), "{line}"),
                _ => panic!("{line}"),
            }
            let cut = &line[..line.len() - 1];
            match parse(cut.as_bytes()) {
                Line::NotJson(_) => {}
                Line::One(Incoming::Invalid { id: None, .. }) => assert_eq!(params, many),
                _ => panic!("{cut}"),
            }
        }
    }

    #[test]
    fn ids_are_strings_or_integers() {
        assert_eq!(id_of("0").unwrap().render(), "0");
        assert_eq!(id_of("-3").unwrap().render(), "-3");
        assert_eq!(
            id_of("18446744073709551615").unwrap().render(),
            "18446744073709551615"
        );
        assert_eq!(id_of("7.0"), id_of("7"));
        assert_eq!(id_of("\"a\\\"b\"").unwrap().render(), "\"a\\\"b\"");
        assert_ne!(id_of("\"1\""), id_of("1"));
        let long = quote(&"x".repeat(MAX_ID + 1));
        for bad in [&long, "1.5", "null", "true", "[]", "{}", "1e300"] {
            assert_eq!(id_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn tolerates_what_others_put_around_a_line() {
        for line in ["", "\r", "  \t\r", "\u{feff}", "\u{feff}\r"] {
            assert!(matches!(parse(line.as_bytes()), Line::Blank), "{line:?}");
        }
        let line = "\u{feff} {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}\r";
        assert!(matches!(one(line), Incoming::Request(_)));
    }

    #[test]
    fn sorts_messages() {
        let request = one(r#"{"method":"m","id":"a","params":null,"jsonrpc":"2.0"}"#);
        assert!(
            matches!(request, Incoming::Request(Request { params: Params::Object(ref p), .. }) if p.is_empty())
        );
        let listed = one(r#"{"method":"m","id":"a","params":[1],"jsonrpc":"2.0"}"#);
        assert!(matches!(
            listed,
            Incoming::Request(Request {
                params: Params::Other,
                ..
            })
        ));
        let told = one(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        assert!(matches!(told, Incoming::Notification { .. }));
        let stray = one(r#"{"jsonrpc":"2.0","id":4,"result":{}}"#);
        assert!(matches!(stray, Incoming::Response));
        for (line, readable) in [
            (r#"{"id":1,"method":"m"}"#, true),
            (r#"{"jsonrpc":"2.0","id":1}"#, true),
            (r#"{"jsonrpc":"2.0","id":1,"method":4}"#, true),
            (r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#, false),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"m"}"#, false),
            ("17", false),
            ("null", false),
        ] {
            match one(line) {
                Incoming::Invalid { id, .. } => assert_eq!(id.is_some(), readable, "{line}"),
                _ => panic!("taken as valid: {line}"),
            }
        }
        assert!(matches!(parse(b"{oops"), Line::NotJson(_)));
        assert!(matches!(parse(b"\xff\xfe"), Line::NotJson(_)));
        assert!(matches!(parse(b"[]"), Line::Batch(items) if items.is_empty()));
    }

    #[test]
    fn many_small_values_are_refused_before_they_cost_memory() {
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES + 1));
        assert!(matches!(one(&many), Incoming::Invalid { .. }));
        let text = ",[{".repeat(MAX_VALUES) + "\\\",";
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"a":"{text}"}}}}"#);
        assert!(matches!(one(&line), Incoming::Request(_)));
    }

    #[test]
    fn errors_repeat_no_credentials() {
        let word = "mqtt://me:hunter2@host";
        assert_eq!(repeat(word), "mqtt://***@host");
        // The end of what is repeated, or looked at, comes before the `@`.
        let long = |bytes| format!("mqtt://me:{}@host", "w".repeat(bytes));
        assert_eq!(repeat(&long(MAX_REPEATED)), "mqtt://***@host");
        assert_eq!(repeat(&long(MAX_SEARCHED)), "mqtt://***");
        assert_eq!(id_of(&quote(word)), None);
        assert!(id_of("\"a:7@b\"").is_some());
        let mut whole = RpcError::new(Code::InvalidParams, format!("no {word}"));
        whole.data = Some(json!({"uri": word, "supported": [1]}));
        assert_eq!(
            error_without_id(false, &whole),
            r#"{"jsonrpc":"2.0","error":{"code":-32602,"message":"no mqtt://***@host","data":{"uri":"mqtt://***@host","supported":[1]}}}"#
        );
    }

    #[test]
    fn replies_hold_no_null() {
        let id = Id::Text("x".to_owned());
        let plain = RpcError::new(Code::MethodNotFound, "no \"such\"\nmethod");
        assert_eq!(
            error(&id, &plain),
            r#"{"jsonrpc":"2.0","id":"x","error":{"code":-32601,"message":"no \"such\"\nmethod"}}"#
        );
        assert_eq!(
            error_without_id(false, &RpcError::new(Code::ParseError, "p")),
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"p"}}"#
        );
        assert_eq!(
            result(&id, "{}"),
            r#"{"jsonrpc":"2.0","id":"x","result":{}}"#
        );
    }
}
