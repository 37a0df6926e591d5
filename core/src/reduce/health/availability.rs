//! Words of a device's own for being connected or not (`alive` and `gone`, say), as a description of it told.
//!
//! A word stands in the index beside its topic and the member that a template takes; nothing else is kept of it.
//! Invariant: a word that is understood anyway takes no room.

use super::channel::ChannelSlot;
use super::device::DeviceSlot;
use super::dialect::Dialect;
use super::hear::At;
use super::presence::{self, Change, Connection};
use super::table::Entry;
use super::{Health, dialect, vitals};
use crate::payload::hash;
use crate::payload::json::{Scalar, Text};
use crate::reduce::Record;

/// Bytes of a word.
const MAX_WORD: usize = 64;

/// A topic that tells whether a device is connected, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) topic: &'a str,
    pub(super) online: &'a str,
    pub(super) offline: &'a str,
    /// The member of an object that says it; empty: the whole payload does.
    pub(super) member: &'a str,
    /// It stands beside what the device says, so it is of the device and of nothing before it.
    pub(super) beside: bool,
}

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// `device` says of its connection what `told` describes, or what it is reached through does.
    pub(super) fn available_by(&mut self, device: usize, told: Told<'_>, record: &Record<'_>) {
        let place = {
            let ask = |id: &str| self.known(id);
            dialect::place(told.topic, b'o', &ask)
        };
        let Some(place) = place else {
            return;
        };
        let speaker = self.find(&place.id);
        let mut whose = device;
        match place.role {
            _ if self.routed(told.topic) == Some((device, Some(true))) => {}
            dialect::Role::Presence if speaker == Some(device) => {
                self.own_presence(device, told.topic);
            }
            dialect::Role::Presence
                if told.beside
                    && matches!(place.dialect, Dialect::Generic | Dialect::HomeAssistant) =>
            {
                self.own_presence(device, told.topic);
            }
            dialect::Role::Presence => {
                let Some(gateway) = self.enter(&place.id, place.dialect, false) else {
                    return;
                };
                whose = gateway;
                let number = u16::try_from(gateway + 1);
                if let (Some(slot), Ok(number)) = (self.devices.as_mut().get_mut(device), number) {
                    slot.gateway = number;
                }
            }
            _ => self.own_presence(device, told.topic),
        }
        self.learn(whose, told);
        self.catch_up(whose, speaker.unwrap_or(whose), told, record);
    }

    /// Of several topics that tell of the connection, as each entity may have one, the first speaks for the device: they
    /// would contradict one another.
    fn own_presence(&mut self, device: usize, topic: &str) {
        let known = self.devices.as_ref().get(device);
        let first = match known.and_then(|slot| slot.presence_topic) {
            Some(span) => self.names.get(span) == topic,
            None => true,
        };
        self.route(topic, device, Some(first));
        if let Some(slot) = self.devices.as_mut().get_mut(device)
            && slot.presence_topic.is_none()
        {
            slot.presence_topic = self.names.keep(topic);
        }
    }

    /// Keeps the words that are not understood without.
    fn learn(&mut self, device: usize, told: Told<'_>) {
        let level = told.topic.rsplit('/').next().unwrap_or("");
        for (word, state) in told.words() {
            let anyway = match told.member {
                "" => presence::told(level, word.as_bytes()),
                "state" | "status" => presence::word(word),
                _ => None,
            };
            if anyway != Some(state) {
                let hash = self.word(told.topic, told.member, word);
                self.put_word(hash, device, state);
            }
        }
    }

    /// A retained state may have been replayed before its words were known.
    fn catch_up(&mut self, whose: usize, speaker: usize, told: Told<'_>, record: &Record<'_>) {
        let topic = hash::bytes(self.seed, told.topic.as_bytes());
        let slots = self.devices.as_ref();
        let heard = [speaker, whose].into_iter().find_map(|n| {
            let topics = &slots.get(n)?.topics;
            topics
                .iter()
                .find(|known| known.hash == topic && known.word != 0)
        });
        let Some((name, word)) = heard.map(|known| (known.name, known.word)) else {
            return;
        };
        let mut words = told.words().into_iter();
        let said = words.find(|(text, _)| hash::bytes(self.seed, text.as_bytes()) == word);
        let (Some((_, to)), Some(slot)) = (said, self.devices.as_mut().get_mut(whose)) else {
            return;
        };
        if slot.presence.state() == Connection::Unknown {
            slot.present = true;
            slot.presence_topic = slot.presence_topic.or(Some(name));
            slot.presence.tell(Change {
                at: record.at,
                to,
                retained: true,
            });
        }
    }

    /// What a message on a topic of presence says: by the device's own words, or by those that are common.
    pub(super) fn says(&self, record: &Record<'_>) -> Option<Connection> {
        let own = if self.words > 0 {
            self.says_by_own_words(record)
        } else {
            None
        };
        let level = record.topic.rsplit('/').next().unwrap_or("");
        own.or_else(|| presence::told(level, record.payload))
    }

    fn says_by_own_words(&self, record: &Record<'_>) -> Option<Connection> {
        let text = short(record.payload)?;
        let meaning =
            |member: &str, word: &str| self.meaning(self.word(record.topic, member, word));
        if !text.starts_with('{') {
            return meaning("", text);
        }
        presence::search(text, |member, value| match value {
            // Templates write booleans as Python does.
            Scalar::Bool(true) => meaning(member, "True").or_else(|| meaning(member, "true")),
            Scalar::Bool(false) => meaning(member, "False").or_else(|| meaning(member, "false")),
            Scalar::String(Text { raw, .. }) | Scalar::Number(raw) => meaning(member, raw),
            Scalar::Null => None,
        })
    }

    fn word(&self, topic: &str, member: &str, word: &str) -> u64 {
        let topic = hash::bytes(self.seed ^ WORD, topic.as_bytes());
        let member = hash::mix(topic, hash::bytes(self.seed, member.as_bytes()));
        hash::mix(member, hash::bytes(self.seed, word.as_bytes()))
    }

    /// Whether the whole value on a topic of no dialect is a state of the connection: told by a word that says nothing
    /// else, or by one that may say it on a topic of that name; kept by the broker, or where that was told before.
    pub(super) fn tells_connection(&self, at: At, record: &Record<'_>) -> bool {
        let may = |byte: &u8| byte.is_ascii_alphabetic() || matches!(*byte, b'"' | b'{');
        if at.dialect != Dialect::Generic || !record.payload.first().is_some_and(may) {
            return false;
        }
        let slot = self.devices.as_ref().get(at.device);
        let known = slot.and_then(|slot| slot.presence_topic);
        let known = known.is_some_and(|span| self.names.get(span) == record.topic);
        let level = record.topic.rsplit('/').next().unwrap_or("");
        let of_state = presence::is_state(level);
        if !(known || record.retain || of_state) {
            return false;
        }
        if record.payload.first() == Some(&b'{') {
            let only = of_state && !record.payload.contains(&b',');
            return is_told_in(record.payload) && !(of_state && !only && !known && !record.retain)
                || only && presence::told(level, record.payload).is_some();
        }
        let Some(text) = short(record.payload) else {
            return false;
        };
        let text = text.trim_matches('"');
        if of_state && !known && !record.retain {
            return presence::plain_word(text)
                .or(presence::link_word(text))
                .is_some();
        }
        let named = || presence::is_connection(level) && presence::word(text).is_some();
        presence::plain_word(text).is_some() || named()
    }
}

/// Whether a small object is there to tell of the connection, on a topic of whatever name: `{"online":true,"ip":"…"}`.
fn is_told_in(payload: &[u8]) -> bool {
    const NAMES: [&str; 8] = [
        "connectionstate",
        "connectionstatus",
        "online",
        "onlinestate",
        "reachable",
        "lwt",
        "will",
        "lastwill",
    ];
    // Of a plug or a cable, too, unless the word says more.
    const BROAD: [&str; 3] = ["connection", "connectivity", "linkstate"];
    // What holds more is telemetry, in which it may be of something else.
    const MEMBERS: usize = 6;
    let small = payload.len() <= presence::MAX_PAYLOAD && payload.first() == Some(&b'{');
    let few = || payload.windows(2).filter(|it| it == b"\":").count() <= MEMBERS;
    let told = |text| {
        presence::search(text, |key, value| {
            let plain = match value {
                Scalar::String(text) => presence::plain_word(text.raw).is_some(),
                _ => false,
            };
            let is = |names: &[&str]| vitals::is_any(key, names);
            presence::member("", key, value).filter(|_| is(&NAMES) || plain && is(&BROAD))
        })
    };
    small && few() && core::str::from_utf8(payload).is_ok_and(|text| told(text.trim()).is_some())
}

/// Of one text several hashes are made.
const WORD: u64 = 0x776f;

impl<'a> Told<'a> {
    fn words(&self) -> [(&'a str, Connection); 2] {
        [
            (self.online, Connection::Online),
            (self.offline, Connection::Offline),
        ]
    }
}

/// The text of a payload that is short enough to tell of a connection.
pub(super) fn short(payload: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(payload).ok()?.trim();
    let object = text.starts_with('{') && text.len() <= presence::MAX_PAYLOAD;
    (object || text.len() <= MAX_WORD).then_some(text)
}

/// The member that a template takes of an object, if it does no more than that: `{{ value_json.state }}`.
pub(super) fn member(template: &str) -> &str {
    let Some((_, rest)) = template.split_once("value_json") else {
        return "";
    };
    let name = rest.trim_start_matches(['.', '[', '\'', '"', '\\']);
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
    name.get(..end.unwrap_or(name.len())).unwrap_or("")
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::tests::{by_id, causes, event, of};
    use super::is_told_in;
    use crate::time::Instant;
    use std::format;
    use std::vec::Vec;

    #[test]
    fn small_objects_tell_of_the_connection_on_any_topic() {
        let told = |payload: &str| is_told_in(payload.as_bytes());
        assert!(told(r#"{"link_state":"CONNECTION_LOST","at":5}"#));
        assert!(told(r#"{"client":"c7","online":false}"#));
        assert!(!told(r#"{"state":"disconnected","plug":1}"#));
        assert!(!told(r#"{"connection":"disconnected","cable":"none"}"#));
        let telemetry = r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"online":true}"#;
        assert!(!told(telemetry));
    }

    #[test]
    fn a_no_is_of_something_else_if_the_device_goes_on_to_speak() {
        let told = |speaks: bool, ends: bool| {
            let mut events = Vec::new();
            for n in 0..20_u32 {
                let (at, away) = (f64::from(n), n % 5 == 4 || ends && n > 15);
                let state = format!("{}", !away);
                events.push(event(at, "yard/lift3/available", &state));
                if speaks || !away {
                    events.push(event(at + 0.3, "yard/lift3/load", &format!("{}", n % 4)));
                }
            }
            let now = Instant::from_micros(20_000_000);
            causes(&by_id(&of(&events), "yard/lift3"), now)
        };
        assert_eq!(told(true, false), Vec::<&str>::new());
        assert_eq!(told(true, true), Vec::<&str>::new());
        assert_eq!(told(false, true), ["offline", "flapping"]);
    }

    #[test]
    fn what_repeats_itself_is_not_alive() {
        let mut events = Vec::new();
        for n in 0..20_u32 {
            let at = f64::from(n);
            events.push(event(at, "roof/880112345678/status/reachable", "0"));
            events.push(event(at + 0.1, "roof/880112345678/status/last", "1795"));
        }
        let now = Instant::from_micros(20_000_000);
        let found = causes(&by_id(&of(&events), "roof/880112345678"), now);
        assert_eq!(found, ["offline"]);
    }
}
