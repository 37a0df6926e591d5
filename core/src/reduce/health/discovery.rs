//! Devices that others describe: Home Assistant's discovery (a retained document for each entity or device), and the
//! list that Zigbee2MQTT keeps of its devices. Elsewhere: Tasmota's own (`tasmota`), words of availability
//! (`availability`).
//!
//! Invariant: a description gives names and says which topics belong together; it is no message of the device.

use super::availability::{Told, member};
use super::channel::ChannelSlot;
use super::classes::{Class, Sensor};
use super::device::DeviceSlot;
use super::dialect::{self, Dialect, Id};
use super::table::Entry;
use super::{Health, MAX_ID};
use crate::payload::json::{self, Scalar, Text, Visitor};
use crate::reduce::Record;
use core::fmt::Write;
use heapless::{String, Vec};

/// Availability topics of an entity that are looked at.
const AVAILABILITY: usize = 4;
/// State topics that are looked at of one document, which may describe many entities.
const STATES: usize = 16;
/// Entities with a class that are looked at of one document.
const SENSORS: usize = 16;

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// Takes Home Assistant's description of an entity, or of a device with all of its entities.
    pub(super) fn discover(&mut self, record: &Record<'_>) {
        let Ok(text) = core::str::from_utf8(record.payload) else {
            return;
        };
        let mut entity = Entity::default();
        if json::walk(text, &mut entity).is_err() {
            return;
        }
        let mut device = None;
        for state in &entity.states {
            if let Some(state) = expanded(state, entity.base) {
                let found = self.described(&entity, &state);
                self.missed += u64::from(found.is_none());
                device = device.or(found);
            }
        }
        // What is only commanded may belong to a device that is known.
        let Some(device) = device.or_else(|| self.identified(&entity)) else {
            return;
        };
        for told in entity.availability.iter().chain([&entity.own]) {
            let Some(topic) = expanded(told.topic, entity.base).filter(|it| !it.is_empty()) else {
                continue;
            };
            let told = Told {
                topic: &topic,
                online: told.online.unwrap_or("online"),
                offline: told.offline.unwrap_or("offline"),
                member: member(told.template),
                beside: self.is_beside(&entity, &topic),
            };
            self.available_by(device, told, record);
        }
        for sensor in &entity.sensors {
            let class = Class::of(sensor.class);
            if let Some(topic) = expanded(sensor.state, entity.base) {
                let on = (class, sensor.on.unwrap_or("ON"));
                self.learn_class(device, &topic, member(sensor.template), on, record.at);
            }
        }
        self.call(device, entity.name);
        if let Some(slot) = self.slot(device).filter(|_| !record.retain) {
            slot.presence.described(record.at);
        }
    }

    /// Whether a topic is where a state of the entity is, by the rules for any topics.
    fn is_beside(&self, entity: &Entity<'_>, topic: &str) -> bool {
        let first = if entity.template { b'{' } else { b'0' };
        let ask = |id: &str| self.known(id);
        let id = |topic: &str, first| Some(dialect::place(topic, first, &ask)?.id);
        let wanted = id(topic, b'o');
        wanted.is_some()
            && entity.states.iter().any(|state| {
                let state = expanded(state, entity.base);
                state.and_then(|state| id(&state, first)) == wanted
            })
    }

    /// Whether a topic, as it is written in a document, is of the device of this id by the rules for any topics.
    fn is_at(&self, id: &str, topic: &str, base: &str) -> bool {
        let ask = |id: &str| self.known(id);
        let topic = expanded(topic, base).filter(|topic| !topic.is_empty());
        let place = topic.and_then(|topic| dialect::place(&topic, b'o', &ask));
        place.is_some_and(|place| place.id.as_str() == id)
    }

    /// The device that a description names, if it was described before.
    fn identified(&self, entity: &Entity<'_>) -> Option<usize> {
        let mut ident: String<MAX_ID> = String::new();
        write!(ident, "homeassistant:{}", entity.named()).ok()?;
        self.routed(&ident).map(|(device, _)| device)
    }

    /// The device of an entity: the one whose topic its state is on, or the one that the description names.
    fn described(&mut self, entity: &Entity<'_>, state: &str) -> Option<usize> {
        let first = if entity.template { b'{' } else { b'0' };
        let place = {
            let ask = |id: &str| self.known(id);
            dialect::place(state, first, &ask)?
        };
        if place.dialect != Dialect::Generic {
            return self.enter(&place.id, place.dialect, false);
        }
        let mut ident: String<MAX_ID> = String::new();
        let named = entity.named();
        if named.is_empty() || write!(ident, "homeassistant:{named}").is_err() {
            let device = self.enter(&place.id, Dialect::HomeAssistant, false)?;
            return Some(device);
        }
        let device = match self.routed(&ident) {
            Some((device, _)) => device,
            None => {
                let taken = self.find(&place.id).is_some_and(|n| {
                    self.devices
                        .as_ref()
                        .get(n)
                        .is_some_and(|slot| slot.name.is_some())
                });
                let id = if taken {
                    Id::try_from(named).ok()?
                } else {
                    place.id.clone()
                };
                let device = self.enter(&id, Dialect::HomeAssistant, false)?;
                self.route(&ident, device, None);
                device
            }
        };
        // Where more than its state is, all is of the entity, what the document does not name too.
        let others = entity.availability.iter().map(|told| told.topic);
        let mut others = others.chain([entity.own.topic, entity.attributes]);
        if others.any(|topic| self.is_at(&place.id, topic, entity.base)) {
            self.alias(&place.id, device);
        }
        if self.find(&place.id) != Some(device) {
            self.route(state, device, None);
        }
        Some(device)
    }

    /// Gives a device the name that its owner calls it by.
    pub(super) fn call(&mut self, device: usize, name: &str) {
        let mut buffer = [0; MAX_ID];
        let name = json::unescape(name, &mut buffer);
        let Some(slot) = self.devices.as_mut().get_mut(device) else {
            return;
        };
        let id = self.names.get(slot.id);
        if name.is_empty() || slot.name.is_some() || id.rsplit('/').next() == Some(name) {
            return;
        }
        let fit = self.pattern.fit(name);
        slot.name = self.names.keep(name);
        slot.wanted = slot.wanted.max(fit);
    }

    /// Takes the list of a Zigbee2MQTT's devices.
    pub(super) fn list(&mut self, record: &Record<'_>) {
        let (Ok(text), Some(base)) = (
            core::str::from_utf8(record.payload),
            record.topic.split('/').next(),
        ) else {
            return;
        };
        let mut list = Directory {
            depth: 0,
            key: "",
            name: "",
            left_out: false,
            take: |name: &str| {
                let mut id = Id::new();
                if write!(id, "{base}/{name}").is_err()
                    || self.enter(&id, Dialect::Zigbee2Mqtt, false).is_none()
                {
                    self.missed += 1;
                }
            },
        };
        let _ = json::walk(text, &mut list);
    }
}

/// `~` at either end of a topic stands for the base.
fn expanded(topic: &str, base: &str) -> Option<String<256>> {
    let mut whole = String::new();
    match (topic.strip_prefix('~'), topic.strip_suffix('~')) {
        (Some(rest), _) => write!(whole, "{base}{rest}").ok()?,
        (None, Some(rest)) => write!(whole, "{rest}{base}").ok()?,
        _ => whole.push_str(topic).ok()?,
    }
    Some(whole)
}

/// What is taken from a description.
#[derive(Default)]
struct Entity<'a> {
    /// Keys of the containers around.
    around: Vec<&'a str, 8>,
    deeper: u32,
    key: &'a str,
    base: &'a str,
    name: &'a str,
    ident: &'a str,
    states: Vec<&'a str, STATES>,
    template: bool,
    attributes: &'a str,
    /// The entity that is read, and those that were read and have a class.
    sensor: Sensor<'a>,
    sensors: Vec<Sensor<'a>, SENSORS>,
    /// The topic that is told beside the others.
    own: Availability<'a>,
    /// Those of a list.
    availability: Vec<Availability<'a>, AVAILABILITY>,
}

/// A topic that tells whether the entity is connected.
#[derive(Default)]
struct Availability<'a> {
    topic: &'a str,
    online: Option<&'a str>,
    offline: Option<&'a str>,
    template: &'a str,
}

impl<'a> Entity<'a> {
    /// What the document calls the device.
    fn named(&self) -> &'a str {
        if self.ident.is_empty() {
            self.name
        } else {
            self.ident
        }
    }

    /// A member of the description of an availability.
    fn available(&mut self, listed: bool, text: &'a str) {
        let place = if listed {
            self.availability.last_mut()
        } else {
            Some(&mut self.own)
        };
        let Some(place) = place else {
            return;
        };
        match self.key {
            "payload_available" | "pl_avail" => place.online = Some(text),
            "payload_not_available" | "pl_not_avail" => place.offline = Some(text),
            "topic" | "t" if listed => place.topic = text,
            "value_template" | "val_tpl" if listed => place.template = text,
            "availability_topic" | "avty_t" => place.topic = text,
            "availability_template" | "avty_tpl" => place.template = text,
            _ => {}
        }
    }
}

impl<'a> Entity<'a> {
    /// A member of the description of an entity, which stands alone or in a list of components.
    fn describe(&mut self, text: &'a str) {
        let component = self.around.len() == 3 && self.in_components();
        if self.deeper > 0 || self.around.len() != 1 && !component {
            return;
        }
        let sensor = &mut self.sensor;
        match self.key {
            "state_topic" | "stat_t" => sensor.state = text,
            "device_class" | "dev_cla" => sensor.class = text,
            "payload_on" | "pl_on" => sensor.on = Some(text),
            "value_template" | "val_tpl" => sensor.template = text,
            _ => {}
        }
    }

    fn in_components(&self) -> bool {
        self.around
            .get(1)
            .is_some_and(|key| COMPONENTS.contains(key))
    }

    /// A container is closed: of the document, or of a component, what was read is complete.
    fn end_of_entity(&mut self) {
        let component = self.around.len() == 2 && self.in_components();
        if !self.around.is_empty() && !component {
            return;
        }
        let sensor = core::mem::take(&mut self.sensor);
        if !sensor.class.is_empty() && !sensor.state.is_empty() {
            let _ = self.sensors.push(sensor);
        }
    }
}

/// Where a description of a device lists its entities.
const COMPONENTS: [&str; 2] = ["cmps", "components"];

const LISTS: [&str; 2] = ["availability", "avty"];

impl<'a> Visitor<'a> for Entity<'a> {
    fn open(&mut self, object: bool) {
        if self.deeper > 0 || self.around.push(self.key).is_err() {
            self.deeper += 1;
        } else if object && LISTS.contains(&self.key) && self.around.len() > 1 {
            let _ = self.availability.push(Availability::default());
        }
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(key) = self.around.pop() {
            self.key = key;
            self.end_of_entity();
        }
    }

    fn key(&mut self, key: Text<'a>) {
        self.key = key.raw;
    }

    fn scalar(&mut self, value: Scalar<'a>) {
        let Scalar::String(Text { raw: text, escaped }) = value else {
            return;
        };
        self.describe(text);
        let within = |wanted: [&str; 2]| self.around.iter().any(|key| wanted.contains(key));
        let listed = within(LISTS);
        let of_device = within(["device", "dev"]);
        if self.deeper > 0 || escaped && !of_device {
            self.template |= matches!(self.key, "value_template" | "val_tpl") && !listed;
            return;
        }
        match self.key {
            _ if listed => self.available(true, text),
            "~" if self.around.len() == 1 => self.base = text,
            "name" if of_device && self.name.is_empty() => self.name = text,
            "identifiers" | "ids" if of_device && self.ident.is_empty() => self.ident = text,
            "state_topic" | "stat_t" if !self.states.contains(&text) => {
                let _ = self.states.push(text);
            }
            "value_template" | "val_tpl" => self.template = true,
            "json_attributes_topic" | "json_attr_t" => {
                self.template = true;
                self.attributes = text;
            }
            _ if self.around.len() == 1 => self.available(false, text),
            "availability_topic" | "avty_t" if self.own.topic.is_empty() => self.own.topic = text,
            _ => {}
        }
    }
}

/// Calls `take` with the friendly name of each device that is neither the coordinator nor switched off.
struct Directory<'a, F> {
    depth: u32,
    key: &'a str,
    name: &'a str,
    left_out: bool,
    take: F,
}

impl<'a, F: FnMut(&str)> Visitor<'a> for Directory<'a, F> {
    fn open(&mut self, _: bool) {
        self.depth += 1;
        if self.depth == 2 {
            (self.name, self.left_out) = ("", false);
        }
    }

    fn close(&mut self) {
        if self.depth == 2 && !self.name.is_empty() && !self.left_out {
            (self.take)(self.name);
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn key(&mut self, key: Text<'a>) {
        if self.depth == 2 {
            self.key = key.raw;
        }
    }

    fn scalar(&mut self, value: Scalar<'a>) {
        if self.depth != 2 {
            return;
        }
        match (self.key, value) {
            ("friendly_name", Scalar::String(text)) if !text.escaped => self.name = text.raw,
            ("type", Scalar::String(text)) => self.left_out |= text.raw == "Coordinator",
            ("disabled", Scalar::Bool(true)) => self.left_out = true,
            _ => {}
        }
    }
}
