//! What a Tasmota says of itself under `tasmota/discovery/<MAC>/config`: its name, its topics, its words for being
//! connected.
//!
//! The document beside it, `…/sensors`, is left alone: what it holds are readings that come on the device's own topics,
//! there with their age. Invariant: a description is no message of the device.

use super::availability::Told;
use super::channel::ChannelSlot;
use super::device::DeviceSlot;
use super::dialect::{self, Dialect};
use super::table::Entry;
use super::{Health, MAX_ID};
use crate::payload::json::{self, Scalar, Text, Visitor};
use crate::reduce::Record;
use heapless::String;

/// What a device says by itself; which of these it has depends on what it is.
const TOPICS: [(usize, &str); 4] = [(2, "STATE"), (2, "SENSOR"), (1, "RESULT"), (1, "STATUS")];

/// A name that was never changed tells nobody apart.
const UNNAMED: &str = "Tasmota";

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// Takes what a Tasmota says of itself.
    pub(super) fn discover_tasmota(&mut self, record: &Record<'_>) {
        let Ok(text) = core::str::from_utf8(record.payload) else {
            return;
        };
        let mut said = Config::default();
        if json::walk(text, &mut said).is_err() || said.topic.is_empty() {
            return;
        }
        let Some(will) = said.whole(2, "LWT") else {
            return;
        };
        let place = {
            let ask = |id: &str| self.known(id);
            dialect::place(&will, b'O', &ask)
        };
        // Topics in an order of their owner's are told by this document only.
        let own = place.filter(|place| place.dialect == Dialect::Tasmota);
        let id = own.as_ref().map_or(said.topic, |place| place.id.as_str());
        let Some(device) = self.enter(id, Dialect::Tasmota, false) else {
            self.missed += 1;
            return;
        };
        if own.is_none() {
            self.route(&will, device, Some(true));
            for (prefix, name) in TOPICS {
                if let Some(topic) = said.whole(prefix, name) {
                    self.route(&topic, device, None);
                }
            }
        }
        let told = Told {
            topic: &will,
            online: said.online.unwrap_or("Online"),
            offline: said.offline.unwrap_or("Offline"),
            member: "",
            beside: true,
        };
        self.available_by(device, told, record);
        for name in [said.name, said.friendly] {
            if name != UNNAMED {
                self.call(device, name);
            }
        }
        let mac = record.topic.split('/').nth(2).unwrap_or("");
        let fit = self.pattern.fit(mac).max(self.pattern.fit(said.host));
        if let Some(slot) = self.devices.as_mut().get_mut(device) {
            slot.wanted = slot.wanted.max(fit);
        }
    }
}

/// What is taken from the document.
#[derive(Default)]
struct Config<'a> {
    depth: u32,
    /// Elements of the array that were read.
    element: usize,
    key: &'a str,
    name: &'a str,
    friendly: &'a str,
    host: &'a str,
    topic: &'a str,
    format: &'a str,
    prefixes: [&'a str; 3],
    online: Option<&'a str>,
    offline: Option<&'a str>,
}

impl Config<'_> {
    /// The topic for `name` under one of the three prefixes, by the device's own format.
    fn whole(&self, prefix: usize, name: &str) -> Option<String<MAX_ID>> {
        let standard = ["cmnd", "stat", "tele"];
        let own = self
            .prefixes
            .get(prefix)
            .copied()
            .filter(|it| !it.is_empty());
        let prefix = own.or_else(|| standard.get(prefix).copied())?;
        let format = if self.format.is_empty() {
            "%prefix%/%topic%/"
        } else {
            self.format
        };
        let mut whole = String::new();
        for (n, part) in format.split('%').enumerate() {
            let part = match part {
                _ if n % 2 == 0 => part,
                "prefix" => prefix,
                "topic" => self.topic,
                "hostname" if !self.host.is_empty() => self.host,
                _ => return None,
            };
            whole.push_str(part).ok()?;
        }
        if !whole.ends_with('/') {
            whole.push('/').ok()?;
        }
        whole.push_str(name).ok()?;
        Some(whole)
    }
}

impl<'a> Visitor<'a> for Config<'a> {
    fn open(&mut self, _: bool) {
        self.depth += 1;
        self.element = 0;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn key(&mut self, key: Text<'a>) {
        self.key = if self.depth == 1 { key.raw } else { "" };
    }

    fn scalar(&mut self, value: Scalar<'a>) {
        let element = self.element;
        self.element += 1;
        let Scalar::String(text) = value else {
            return;
        };
        match (self.depth, self.key) {
            (1, "dn") => self.name = text.raw,
            (2, "fn") if element == 0 => self.friendly = text.raw,
            (1, "hn") => self.host = text.raw,
            (1, "t") => self.topic = text.raw,
            (1, "ft") => self.format = text.raw,
            (1, "onln") => self.online = Some(text.raw),
            (1, "ofln") => self.offline = Some(text.raw),
            (2, "tp") => {
                if let Some(place) = self.prefixes.get_mut(element) {
                    *place = text.raw;
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::described::said;
    use super::super::tests::{by_id, causes, end, event, of, retained};
    use super::super::{Connection, Dialect};

    const WASHER: &str = r#"{"ip":"10.0.0.7","dn":"Washing machine","fn":["Washer",null],"hn":"tasmota-3C9A","mac":"A1B2C3D4E5F6","ofln":"gone","onln":"here","state":["OFF","ON"],"t":"wm_plug","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"]}"#;

    #[test]
    fn a_device_is_found_by_its_own_name_and_its_words_are_understood() {
        let events = [
            retained("tasmota/discovery/A1B2C3D4E5F6/config", WASHER),
            retained(
                "tasmota/discovery/A1B2C3D4E5F6/sensors",
                r#"{"sn":{"Time":"2024-01-01T00:00:00"},"ver":1}"#,
            ),
            retained("tele/wm_plug/LWT", "here"),
            event(9.0, "tele/wm_plug/LWT", "gone"),
        ];
        for pattern in ["washing machine", "A1B2C3D4E5F6", "wm_plug"] {
            assert_eq!(said(pattern, &events), ["wm_plug"], "{pattern}");
        }
        let table = of(&events);
        assert_eq!(table.devices().count(), 1);
        let washer = by_id(&table, "wm_plug");
        assert_eq!(washer.name(), Some("Washing machine"));
        assert_eq!(washer.dialect, Dialect::Tasmota);
        assert_eq!(causes(&washer, end()), ["offline"]);
        // The state may be replayed before the description is.
        let [config, _, here, gone] = events;
        let table = of(&[here.clone(), config.clone()]);
        let state = by_id(&table, "wm_plug").presence.state();
        assert_eq!(state, Connection::Online);
        let table = of(&[config, here, gone]);
        assert_eq!(by_id(&table, "wm_plug").presence.drops(), 1);
    }

    #[test]
    fn topics_in_an_order_of_their_own_belong_together() {
        let events = [
            retained(
                "tasmota/discovery/0011/config",
                r#"{"dn":"Pump","hn":"h","ofln":"Offline","onln":"Online","t":"p1","ft":"garden/%prefix%/%topic%/","tp":["do","is","says"]}"#,
            ),
            event(1.0, "garden/says/p1/LWT", "Online"),
            event(2.0, "garden/says/p1/STATE", r#"{"POWER":"ON"}"#),
            event(3.0, "garden/is/p1/RESULT", r#"{"POWER":"OFF"}"#),
        ];
        let table = of(&events);
        let ids = table.devices().count();
        let pump = by_id(&table, "p1");
        assert_eq!((ids, pump.messages, pump.name()), (1, 3, Some("Pump")));
        assert_eq!(pump.presence.state(), Connection::Online);
    }
}
