//! What make of thing a device is, where it or another says so: a topic or a member of that name, Home Assistant's
//! discovery, Zigbee2MQTT's list, Tasmota's discovery, a Shelly's announcement.
//!
//! Invariant: read from last values, which are bounded; what is cut or no JSON tells nothing.

use crate::broker::report::{DeviceFinding, ValueFindings};
use crate::render;
use serde_json::Value;
use std::collections::HashMap;

/// Members and last levels that are called so.
const NAMES: [&str; 7] = [
    "model",
    "model_id",
    "modelid",
    "mdl",
    "product",
    "hardware",
    "devicetype",
];

/// Characters of a model.
const MODEL: usize = 60;

/// Models by the ids and the topics that they were told of.
pub(super) struct Models(HashMap<String, String>);

impl Models {
    pub(super) fn of(values: Option<&ValueFindings>) -> Self {
        let mut models = Self(HashMap::new());
        for (topic, last) in values.iter().flat_map(|it| &it.values) {
            models.learn(topic, &last.payload);
        }
        models
    }

    /// Of the device itself, or of what stands above its topics.
    pub(super) fn find(&self, device: &DeviceFinding) -> Option<String> {
        let topics = device.topics.iter().map(|(topic, _)| topic.as_str());
        let mut told = std::iter::once(device.id.as_str()).chain(topics);
        told.find_map(|place| self.0.get(place)).cloned()
    }

    fn learn(&mut self, topic: &str, payload: &[u8]) {
        let (above, last) = topic.rsplit_once('/').unwrap_or(("", topic));
        let text = std::str::from_utf8(payload).unwrap_or("").trim();
        let value = serde_json::from_str::<Value>(text).unwrap_or_default();
        if is_model(last) {
            let told = value.as_str().unwrap_or(text);
            return self.tell(above, told);
        }
        match (topic.split('/').next(), last) {
            (Some("homeassistant"), "config") => self.described(&value),
            (Some("tasmota"), "config") => {
                if let (Some(id), Some(model)) = (text_of(&value, "t"), text_of(&value, "md")) {
                    self.tell(id, model);
                }
            }
            (Some(base), "devices") if above.ends_with("/bridge") => {
                for device in value.as_array().into_iter().flatten() {
                    let model = device.get("definition").and_then(model);
                    if let (Some(name), Some(model)) = (text_of(device, "friendly_name"), model) {
                        self.tell(&format!("{base}/{name}"), model);
                    }
                }
            }
            _ => {
                let Some(model) = model(&value) else { return };
                match text_of(&value, "id").filter(|_| last == "announce") {
                    Some(id) => self.tell(&format!("{above}/{id}"), model),
                    None => self.tell(topic, model),
                }
            }
        }
    }

    /// What a document of Home Assistant's discovery says of the device whose states are on its topics.
    fn described(&mut self, document: &Value) {
        let device = document.get("device").or_else(|| document.get("dev"));
        let Some(model) = device.and_then(model) else {
            return;
        };
        let base = text_of(document, "~").unwrap_or("");
        let of_many = ["components", "cmps"]
            .iter()
            .filter_map(|key| document.get(key)?.as_object());
        let entities = of_many.flat_map(|it| it.values()).chain([document]);
        for entity in entities {
            let states = ["state_topic", "stat_t"];
            let state = states.iter().find_map(|key| text_of(entity, key));
            if let Some(state) = state {
                self.tell(&state.replacen('~', base, 1), model);
            }
        }
    }

    fn tell(&mut self, place: &str, model: &str) {
        let model = render::clean(render::front(model, MODEL));
        if !place.is_empty() && !model.is_empty() {
            self.0.entry(place.to_owned()).or_insert(model);
        }
    }
}

fn is_model(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| !matches!(c, '$' | '-')).collect();
    NAMES.iter().any(|it| plain.eq_ignore_ascii_case(it))
}

fn text_of<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

/// The member that tells the model, here or in a description of the device.
fn model(value: &Value) -> Option<&str> {
    let around = [Some(value), value.get("device"), value.get("sys")];
    around.into_iter().flatten().find_map(|it| {
        let mut told = it.as_object()?.iter().filter(|(key, _)| is_model(key));
        told.find_map(|(_, value)| value.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_read_wherever_they_are_told() {
        let mut models = Models(HashMap::new());
        for (topic, payload) in [
            ("barn/scale-3/model", "W-200"),
            ("homie/tank/$model", "\"TK 9\""),
            (
                "homeassistant/sensor/a1/config",
                r#"{"~":"orchard/a1","stat_t":"~/rain","dev":{"ids":["a1"],"mdl":"Pluvio 2"}}"#,
            ),
            (
                "zigbee2mqtt/bridge/devices",
                r#"[{"friendly_name":"porch","definition":{"model":"E-11","vendor":"x"}}]"#,
            ),
            (
                "tasmota/discovery/0011AA/config",
                r#"{"t":"dryer","md":"Plug 7","ofln":"Offline"}"#,
            ),
            (
                "shellies/announce",
                r#"{"id":"shellyplug-77","model":"SHPLG-9"}"#,
            ),
            ("yard/node", r#"{"device":{"model":"N4"},"rain":3}"#),
            ("yard/other", r#"{"modelling":"N4","model":7}"#),
        ] {
            models.learn(topic, payload.as_bytes());
        }
        let find = |id: &str, topic: &str| {
            models.find(&DeviceFinding {
                id: id.to_owned(),
                topics: vec![(topic.to_owned(), 1)],
                ..DeviceFinding::default()
            })
        };
        for (id, topic, model) in [
            ("barn/scale-3", "barn/scale-3/kg", "W-200"),
            ("homie/tank", "homie/tank/level", "TK 9"),
            ("orchard/a1", "orchard/a1/rain", "Pluvio 2"),
            ("zigbee2mqtt/porch", "zigbee2mqtt/porch", "E-11"),
            ("dryer", "tele/dryer/STATE", "Plug 7"),
            (
                "shellies/shellyplug-77",
                "shellies/shellyplug-77/relay/0",
                "SHPLG-9",
            ),
            ("yard/node", "yard/node", "N4"),
        ] {
            assert_eq!(find(id, topic).as_deref(), Some(model), "{id}");
        }
        assert_eq!(find("yard/other", "yard/other"), None);
    }
}
