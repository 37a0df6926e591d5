//! Whether a report says what a command wants. Elsewhere: which reports count (`expect`).
//!
//! A command and the report of the same device rarely use the same words: what both name is compared; what is switched on
//! or off is looked for under the names that states have. Where nothing can be compared, nothing is said.

use crate::render;
use serde_json::{Map, Value};

/// Names of members that hold what is switched, without what stands around them (`is_on`, `POWER1`, `relay_2`).
const STATES: [&str; 9] = [
    "on", "state", "power", "output", "relay", "switch", "value", "status", "enabled",
];

/// Members of a remote call (JSON-RPC 2.0 and what is like it) that address it.
const ENVELOPE: [&str; 5] = ["id", "src", "dst", "jsonrpc", "method"];

/// Whether a report says of the command's fields what the command says; the error tells one that it tells otherwise.
/// None: they have nothing in common.
pub(super) fn compare(command: &Value, report: &Value) -> Option<Result<(), String>> {
    match (command, report) {
        (Value::Object(command), Value::Object(report)) => match call(command) {
            Some(wanted) => members(wanted.filter(|(name, _)| *name != "id"), report),
            None => members(command.iter(), report),
        },
        (Value::Object(_) | Value::Array(_), _) => None,
        (wanted, Value::Object(report)) => word(wanted, report),
        (wanted, told) if is(wanted, told) => Some(Ok(())),
        (wanted, told) => {
            let (wanted, is_on) = (switched(wanted)?, switched(told)?);
            Some(match wanted == is_on {
                true => Ok(()),
                false => Err(still("it", told)),
            })
        }
    }
}

/// The wanted values of a remote call; none: it is not one.
fn call(command: &Map<String, Value>) -> Option<impl Iterator<Item = (&String, &Value)>> {
    let called = command.get("method").is_some_and(Value::is_string);
    let addressed = command
        .keys()
        .all(|name| ENVELOPE.contains(&name.as_str()) || name == "params");
    let params = command.get("params").and_then(Value::as_object);
    (called && addressed).then(|| params.into_iter().flatten())
}

fn members<'v>(
    wanted: impl Iterator<Item = (&'v String, &'v Value)>,
    report: &Map<String, Value>,
) -> Option<Result<(), String>> {
    let wanted: Vec<_> = wanted.collect();
    let both = wanted.iter().filter_map(|(name, wanted)| {
        let told = report.get(*name).filter(|told| !told.is_object());
        Some((*name, *wanted, told?))
    });
    let both: Vec<_> = both.collect();
    match both.iter().find(|(_, wanted, told)| !is(wanted, told)) {
        Some((name, _, told)) => Some(Err(still(name, told))),
        // What is switched may be told under another name.
        None if both.is_empty() => {
            let mut states = wanted.iter().filter(|(name, _)| is_state(name));
            states.next().and_then(|(_, wanted)| state(wanted, report))
        }
        None => Some(Ok(())),
    }
}

/// A bare word sets one member, whose name nobody knows: one that says the word says enough.
fn word(wanted: &Value, report: &Map<String, Value>) -> Option<Result<(), String>> {
    let told = state(wanted, report);
    if told.is_some() {
        return told;
    }
    let fits = report.values().any(|told| is(wanted, told));
    fits.then_some(Ok(()))
}

/// What a report says of something that is to be switched; none: nothing.
fn state(wanted: &Value, report: &Map<String, Value>) -> Option<Result<(), String>> {
    let wanted = switched(wanted)?;
    let told = report.iter().filter(|(name, told)| {
        // Watts are no state.
        is_state(name)
            && (told.is_string() || told.is_boolean() || !name.to_lowercase().contains("power"))
    });
    let told = told.filter_map(|(name, told)| Some((name, told, switched(told)?)));
    let told: Vec<_> = told.collect();
    match told.iter().find(|(_, _, is_on)| *is_on == wanted) {
        Some(_) => Some(Ok(())),
        None => told.first().map(|(name, told, _)| Err(still(name, told))),
    }
}

fn is_state(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_' || c == ':');
    let name = name
        .strip_prefix("is")
        .map_or(name, |name| name.trim_start_matches('_'));
    STATES.contains(&name)
}

/// Whether a value says on or off; none: neither.
fn switched(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(on) => Some(*on),
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "on" | "true" | "1" | "turn_on" | "enable" | "enabled" => Some(true),
            "off" | "false" | "0" | "turn_off" | "disable" | "disabled" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn still(name: &str, told: &Value) -> String {
    let told = render::front(&told.to_string(), 60).to_owned();
    render::clean(&format!("{name} is still {}", told.trim_matches('"')))
}

/// The same value: 1 is 1.0, and ON is on, since devices and those who command them rarely agree on the case.
pub(super) fn is(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.eq_ignore_ascii_case(other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let in_other =
                |(name, one): (&String, &Value)| other.get(name).is_some_and(|it| is(one, it));
            one.len() == other.len() && one.iter().all(in_other)
        }
        _ => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => one == other,
            _ => one == other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(still: &str) -> Option<Result<(), String>> {
        Some(Err(still.to_owned()))
    }

    #[test]
    fn a_report_is_held_against_the_fields_of_the_command() {
        let command = json!({"valve": "open", "speed": 3});
        let fits = json!({"valve": "OPEN", "speed": 3.0, "up": 9});
        assert_eq!(compare(&command, &fits), Some(Ok(())));
        let shut = json!({"valve": "shut"});
        assert_eq!(compare(&command, &shut), said("valve is still shut"));
        assert_eq!(compare(&command, &json!({"up": 9})), None);
    }

    #[test]
    fn a_word_is_looked_for_where_states_are_told() {
        let on = json!("ON");
        assert_eq!(compare(&on, &json!("on")), Some(Ok(())));
        assert_eq!(compare(&on, &json!("OFF")), said("it is still OFF"));
        assert_eq!(compare(&on, &json!("busy")), None);
        let told = json!({"a": 1, "state": "ON"});
        assert_eq!(compare(&on, &told), Some(Ok(())));
        assert_eq!(compare(&on, &json!({"is_on": true})), Some(Ok(())));
        let off = json!({"relay1": false, "lock": "on"});
        assert_eq!(compare(&on, &off), said("relay1 is still false"));
        // Watts are no state.
        let watts = json!({"power": 0, "on": true});
        assert_eq!(compare(&json!("OFF"), &watts), said("on is still true"));
        assert_eq!(compare(&json!("eco"), &json!({"mode": "heat"})), None);
    }

    #[test]
    fn of_a_remote_call_what_it_wants_counts() {
        let call = json!({"id": 7, "src": "desk", "method": "Relay.Set", "params": {"id": 2, "on": false}});
        let report = |output: bool| json!({"id": 2, "source": "desk", "output": output});
        assert_eq!(compare(&call, &report(false)), Some(Ok(())));
        assert_eq!(compare(&call, &report(true)), said("output is still true"));
        assert_eq!(compare(&call, &json!({"id": 7, "result": null})), None);
    }
}
