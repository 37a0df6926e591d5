//! Devices that others describe: Home Assistant's discovery (a retained document for each entity), and the list that
//! Zigbee2MQTT keeps of its devices.
//!
//! Invariant: a description gives names and says which topics belong together; it is no message of the device.

use super::channel::ChannelSlot;
use super::device::DeviceSlot;
use super::dialect::{self, Dialect, Id, Role};
use super::table::Entry;
use super::{Health, MAX_ID};
use crate::payload::json::{self, Scalar, Text, Visitor};
use crate::reduce::Record;
use core::fmt::Write;
use heapless::{String, Vec};

/// Availability topics of an entity that are looked at.
const AVAILABILITY: usize = 4;

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// Takes Home Assistant's description of an entity.
    pub(super) fn discover(&mut self, record: &Record<'_>) {
        let Ok(text) = core::str::from_utf8(record.payload) else {
            return;
        };
        let mut entity = Entity::default();
        if json::walk(text, &mut entity).is_err() {
            return;
        }
        let Some(state) = entity.state.and_then(|topic| expanded(topic, entity.base)) else {
            return;
        };
        let Some(device) = self.described(&entity, &state) else {
            self.missed += 1;
            return;
        };
        for topic in &entity.availability {
            if let Some(topic) = expanded(topic, entity.base) {
                self.available_by(device, &topic);
            }
        }
        self.call(device, entity.name);
    }

    /// The device of an entity: the one whose topic its state is on, or the one that the description names.
    fn described(&mut self, entity: &Entity<'_>, state: &str) -> Option<usize> {
        let first = if entity.template { b'{' } else { b'0' };
        let place = {
            let ask = |id: &str| self.known(id);
            dialect::place(state, first, &ask)?
        };
        if place.dialect != Dialect::Generic {
            return self.enter(&place.id, place.dialect);
        }
        let mut ident: String<MAX_ID> = String::new();
        let named = if entity.ident.is_empty() {
            entity.name
        } else {
            entity.ident
        };
        if named.is_empty() || write!(ident, "homeassistant:{named}").is_err() {
            let device = self.enter(&place.id, Dialect::HomeAssistant)?;
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
                    place.id
                };
                let device = self.enter(&id, Dialect::HomeAssistant)?;
                self.route(&ident, device, false);
                device
            }
        };
        self.route(state, device, false);
        Some(device)
    }

    /// `topic` tells whether `device` is connected, or whether what it is reached through is.
    fn available_by(&mut self, device: usize, topic: &str) {
        let place = {
            let ask = |id: &str| self.known(id);
            dialect::place(topic, b'o', &ask)
        };
        let Some(place) = place else {
            return;
        };
        let own = self.find(&place.id) == Some(device);
        match place.role {
            Role::Presence if own => {}
            Role::Presence => {
                let gateway = self.enter(&place.id, place.dialect);
                let number = gateway.and_then(|n| u16::try_from(n + 1).ok());
                if let (Some(slot), Some(number)) = (self.devices.as_mut().get_mut(device), number)
                {
                    slot.gateway = number;
                }
            }
            _ => self.route(topic, device, true),
        }
    }

    fn call(&mut self, device: usize, name: &str) {
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
                    || self.enter(&id, Dialect::Zigbee2Mqtt).is_none()
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

/// What is taken from the description of an entity.
#[derive(Default)]
struct Entity<'a> {
    /// Keys of the containers around.
    around: Vec<&'a str, 8>,
    deeper: u32,
    key: &'a str,
    base: &'a str,
    name: &'a str,
    ident: &'a str,
    state: Option<&'a str>,
    template: bool,
    availability: Vec<&'a str, AVAILABILITY>,
}

impl<'a> Visitor<'a> for Entity<'a> {
    fn open(&mut self, _: bool) {
        if self.deeper > 0 || self.around.push(self.key).is_err() {
            self.deeper += 1;
        }
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(key) = self.around.pop() {
            self.key = key;
        }
    }

    fn key(&mut self, key: Text<'a>) {
        self.key = key.raw;
    }

    fn scalar(&mut self, value: Scalar<'a>) {
        let Scalar::String(text) = value else {
            return;
        };
        if self.deeper > 0 || text.escaped {
            self.template |= matches!(self.key, "value_template" | "val_tpl");
            return;
        }
        let within = |wanted: [&str; 2]| self.around.iter().any(|key| wanted.contains(key));
        let of_device = within(["device", "dev"]);
        match self.key {
            "~" if self.around.len() == 1 => self.base = text.raw,
            "name" if of_device && self.name.is_empty() => self.name = text.raw,
            "identifiers" | "ids" if of_device && self.ident.is_empty() => self.ident = text.raw,
            "state_topic" | "stat_t" if self.state.is_none() => self.state = Some(text.raw),
            "value_template" | "val_tpl" | "json_attributes_topic" => self.template = true,
            "availability_topic" | "avty_t" => {
                let _ = self.availability.push(text.raw);
            }
            "topic" | "t" if within(["availability", "avty"]) => {
                let _ = self.availability.push(text.raw);
            }
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
