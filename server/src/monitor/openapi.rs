//! OpenAPI 3.1 of everything that is served, made from the table of routes and the types of the answers.

use super::api::Report;
use super::routes::{Answer, ROUTES, Route};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The schema of a value as it is written out, with all that it needs inside of it.
pub(super) fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with(|it| {
        it.inline_subschemas = true;
        it.meta_schema = None;
    });
    let mut schema = SchemaGenerator::new(settings)
        .into_root_schema_for::<T>()
        .to_value();
    close(&mut schema);
    schema
}

/// Of a list of such values.
pub(super) fn list<T: JsonSchema>() -> Value {
    json!({"type": "array", "items": schema::<T>()})
}

/// Of any object.
pub(super) fn anything() -> Value {
    json!({"type": "object"})
}

/// An object has the members that are told, and no others. Words for Rust's kinds of numbers say nothing to others.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(map) => {
            map.remove("format");
            if map.contains_key("properties") {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
            map.values_mut().for_each(close);
        }
        _ => {}
    }
}

fn error() -> Value {
    let text = json!({"type": "string"});
    let inner = json!({
        "type": "object", "properties": {"code": text, "message": text},
        "required": ["code", "message"], "additionalProperties": false
    });
    json!({"type": "object", "properties": {"error": inner}, "required": ["error"], "additionalProperties": false})
}

/// The whole description.
pub(super) fn description() -> Value {
    let mut paths = Map::new();
    for row in ROUTES {
        let entry = paths.entry(row.path).or_insert_with(|| json!({}));
        entry[row.method.to_ascii_lowercase()] = operation(row);
    }
    let bearer = json!({"type": "http", "scheme": "bearer"});
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "bitsperity-mqtt-mcp monitor",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            "description": "What a service of bitsperity-mqtt-mcp does and knows."
        },
        "servers": [{"url": ".."}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {"securitySchemes": {"token": bearer}, "schemas": {"Error": error()}}
    })
}

fn operation(row: &Route) -> Value {
    let name = row
        .path
        .trim_matches('/')
        .replace(['/', '{', '}', '.', '-'], "_");
    let mut parameters: Vec<Value> = row.parameters.iter().map(|it| it.described()).collect();
    if row.path.contains("{id}") {
        let schema = json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"});
        let what = "the session";
        parameters.push(json!({"name": "id", "in": "path", "required": true, "description": what, "schema": schema}));
    }
    let mut responses = Map::new();
    let (status, answer) = match &row.answer {
        Answer::Json(status, schema) => {
            let content = json!({"application/json": {"schema": schema()}});
            (*status, json!({"description": "Well.", "content": content}))
        }
        Answer::Text(kind) => {
            let content = json!({*kind: {"schema": {"type": "string"}}});
            (200, json!({"description": "Well.", "content": content}))
        }
        Answer::Empty(status) => (*status, json!({"description": "Well; no content."})),
    };
    responses.insert(status.to_string(), answer);
    let public = matches!(row.path, "/" | "/api/live");
    let refused: &[u16] = if public { &[] } else { &[401] };
    for status in [400].iter().chain(refused).chain(row.errors) {
        let content =
            json!({"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}});
        let told = json!({"description": meaning(*status), "content": content});
        responses.insert(status.to_string(), told);
    }
    responses.insert(
        "431".to_owned(),
        json!({"description": "Address and headers are too large; no content."}),
    );
    let mut operation = json!({
        "operationId": format!("{}_{}", row.method.to_ascii_lowercase(), name),
        "summary": row.what, "parameters": parameters, "responses": responses
    });
    if public {
        operation["security"] = json!([]);
    }
    if row.path == "/api/log-call" {
        let content = json!({"application/json": {"schema": report()}});
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

fn report() -> Value {
    let mut schema = schema::<Report>();
    schema["required"] = json!(["tool", "duration_ms", "success"]);
    schema
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "An argument is wrong; the message says what would be right.",
        401 => "The token is missing or wrong.",
        404 => "There is none of this id.",
        409 => "The service watches it as its configuration says; it cannot be closed.",
        413 => "The body is too large.",
        415 => "The body must be JSON.",
        426 => "Only as a WebSocket.",
        _ => "Too many in a second.",
    }
}
