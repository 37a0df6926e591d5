//! Three Shellys of the first generation (one value a topic, numbers as text; the garage's flaps) and three of the
//! second (JSON, remote procedure calls over MQTT).

use super::{Member, World, json, text};
use crate::demo::link::Message;
use serde_json::{Value, json};

pub(super) fn members() -> Vec<Member> {
    vec![
        first("shellyplug-s-7A1C02", 23.0),
        first("shelly1pm-98F4AB", 410.0),
        first("shelly1-E8DB84", 0.0).vanishing(2.5, 1.5),
        second("shellyplus1pm-a8032ab1c2d4", 61.0),
        second("shellyplus2pm-b8d61a8f0010", 12.0),
        second("shellypro4pm-34987a4480cc", 240.0),
    ]
}

fn first(id: &'static str, watts: f64) -> Member {
    let online = format!("shellies/{id}/online");
    let mut energy = 182_311_u32;
    Member::new(id)
        .will(text(online.as_str(), "false").retained())
        .born([
            text(online, "true").retained(),
            json(
                format!("shellies/{id}/announce"),
                &json!({"id": id, "model": "SHPLG-S", "mac": id, "ip": "192.0.2.31", "new_fw": false, "fw_ver": "20230913-113421/v1.14.0"}),
            ),
        ])
        .every(2.6, move |world| {
            energy += world.whole(1, 9);
            let power = if watts > 0.0 { world.swing(watts, watts * 0.15, 25.0) } else { 0.0 };
            let temperature = world.swing(38.0, 2.0, 80.0);
            vec![
                text(format!("shellies/{id}/relay/0"), "on"),
                text(format!("shellies/{id}/relay/0/power"), format!("{power:.2}")),
                text(format!("shellies/{id}/relay/0/energy"), energy.to_string()),
                text(format!("shellies/{id}/temperature"), format!("{temperature:.2}")),
            ]
        })
}

fn switch(world: &mut World, watts: f64) -> Value {
    let power = world.swing(watts, watts * 0.1, 40.0);
    json!({
        "id": 0,
        "source": "init",
        "output": true,
        "apower": power,
        "voltage": 229.6,
        "current": power / 229.6,
        "aenergy": {"total": 11_679.3, "by_minute": [931.2, 930.8, 929.9], "minute_ts": 1_700_000_000},
        "temperature": {"tC": 41.2, "tF": 106.2},
    })
}

fn second(id: &'static str, watts: f64) -> Member {
    let online = format!("{id}/online");
    Member::new(id)
        .will(text(online.as_str(), "false").retained())
        .born([text(online, "true").retained()])
        .every(4.4, move |world| {
            let status = switch(world, watts);
            vec![
                json(
                    format!("{id}/events/rpc"),
                    &json!({"src": id, "dst": format!("{id}/events"), "method": "NotifyStatus", "params": {"ts": 1_700_000_000.62, "switch:0": status}}),
                ),
                json(format!("{id}/status/switch:0"), &status),
            ]
        })
        .answers([format!("{id}/rpc")], move |command, world| {
            answer(id, watts, command, world)
        })
}

/// The answer goes to the topic that the question's `src` names.
fn answer(id: &str, watts: f64, command: &Message, world: &mut World) -> Vec<Message> {
    let Ok(question) = serde_json::from_slice::<Value>(&command.payload) else {
        return Vec::new();
    };
    let Some(asker) = question.get("src").and_then(Value::as_str) else {
        return Vec::new();
    };
    let mut said = json!({"id": question.get("id"), "src": id, "dst": asker});
    if question.get("method").and_then(Value::as_str) == Some("Switch.GetStatus") {
        said["result"] = switch(world, watts);
    } else {
        said["error"] = json!({"code": 404, "message": "No handler for this method"});
    }
    vec![json(format!("{asker}/rpc"), &said)]
}
