//! What a message adds to its device, by its role.

use super::availability;
use super::channel::ChannelSlot;
use super::clock::{self, Stamp};
use super::device::DeviceSlot;
use super::dialect::{Dialect, Id, Role};
use super::fields::{self, Field, Value};
use super::presence::{self, Change, Connection};
use super::table::Entry;
use super::vitals::{STEPS, Vital};
use super::{Health, plain, values, vitals};
use crate::knowledge::battery::{self, Sense};
use crate::knowledge::nothing::Nothing;
use crate::knowledge::time;
use crate::payload::{Facts, Severity, hash};
use crate::reduce::Record;

/// Bytes of the shortest text that is a time: `14.11.2023 22:13`.
const TIME: usize = 16;
/// Bytes of a text that may be a state.
const MAX_STATE: usize = 96;

/// Messages after which it is known how often a state changes.
const MANY: u64 = 12;

/// Where a message belongs: its device, its topic among those of the device, what is switched by it.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) device: usize,
    pub(super) topic: Option<usize>,
    /// A state (on, off …) is another than in the message before.
    pub(super) switched: bool,
    pub(super) dialect: Dialect,
    /// It says something else than the message before on its topic.
    pub(super) news: bool,
}

impl<D, I, C, B> Health<D, I, C, B>
where
    D: AsMut<[DeviceSlot]> + AsRef<[DeviceSlot]>,
    I: AsMut<[Entry]> + AsRef<[Entry]>,
    C: AsMut<[ChannelSlot]> + AsRef<[ChannelSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    pub(super) fn hear(
        &mut self,
        device: usize,
        role: Role,
        record: &Record<'_>,
        facts: &Facts<'_>,
    ) {
        let topic = self.topic_of(device, record.topic);
        let seed = self.seed;
        let Some(slot) = self.slot(device) else {
            return;
        };
        let dialect = slot.dialect;
        if let Some(topic) = topic
            .and_then(|n| slot.topics.get_mut(n))
            .filter(|_| record.retain)
        {
            topic.word = availability::short(record.payload)
                .map_or(0, |text| hash::bytes(seed, text.as_bytes()));
        }
        if role == Role::Command {
            slot.commands += 1;
            self.commanded(device, record);
            return;
        }
        let used = topic.and_then(|n| slot.topics.get_mut(n));
        let news = match used.filter(|_| !record.retain) {
            Some(topic) => topic.again(record, facts),
            None => false,
        };
        slot.messages += 1;
        slot.retained += u64::from(record.retain);
        slot.bytes += record.payload.len() as u64;
        let switched = switched(slot, topic, facts);
        if switched && !record.retain {
            slot.switches += 1;
        }
        // What is another with nearly every message is no state.
        let switched = switched && !(slot.messages > MANY && slot.switches * 3 > slot.messages * 2);
        if switched && !record.retain {
            slot.switched = Some(record.at);
        }
        let at = At {
            device,
            topic,
            switched,
            dialect,
            news,
        };
        let role = match role {
            Role::Data if self.tells_connection(at, record) => Role::Presence,
            role => role,
        };
        match role {
            Role::About | Role::Command | Role::Discovery => {}
            Role::Directory => self.list(record),
            Role::Log => self.log(at, record, facts),
            Role::Birth | Role::Death => self.sparkplug(at, role, record, facts),
            Role::Data if record.topic.starts_with("spBv1.0/") => {
                self.sparkplug(at, role, record, facts)
            }
            Role::Presence => {
                match self.says(record) {
                    Some(state) => {
                        self.connection(at, state, record);
                        // A Last Will comes from the broker.
                        if state != Connection::Offline {
                            self.beat(at, record);
                        }
                    }
                    None => {
                        if !record.retain
                            && presence::is_start(record.payload)
                            && let Some(slot) = self.slot(device)
                        {
                            slot.presence.started(record.at);
                        }
                        self.data(at, record, facts);
                    }
                }
            }
            Role::Boot => {
                if let Some(slot) = self.slot(device).filter(|_| !record.retain) {
                    slot.uptime.booted(record.at);
                }
                self.data(at, record, facts);
            }
            Role::Data => self.data(at, record, facts),
        }
    }

    pub(super) fn slot(&mut self, device: usize) -> Option<&mut DeviceSlot> {
        self.devices.as_mut().get_mut(device)
    }

    pub(super) fn connection(&mut self, at: At, state: Connection, record: &Record<'_>) {
        let Some(slot) = self.slot(at.device) else {
            return;
        };
        if slot.presence.state() != state || !record.retain {
            slot.ghosts = 0;
        }
        slot.present = true;
        if at.dialect == Dialect::Generic {
            slot.presence.told_by(
                record.topic.rsplit('/').next().unwrap_or(""),
                record.payload,
            );
        }
        let topic = at
            .topic
            .and_then(|n| slot.topics.get(n))
            .map(|topic| topic.name);
        slot.presence_topic = slot.presence_topic.or(topic);
        slot.presence.tell(Change {
            at: record.at,
            to: state,
            retained: record.retain,
        });
    }

    pub(super) fn data(&mut self, at: At, record: &Record<'_>, facts: &Facts<'_>) {
        self.beat(at, record);
        self.trouble(at.device, at.topic, record, facts);
        let speaks = self.slot(at.device).is_some_and(|slot| slot.speaks);
        let mut part = None;
        fields::each(record.topic, record.payload, facts.lenient, |field| {
            if !record.retain {
                self.learn_speakers(at, &field);
            }
            let of = match field.node {
                "" => None,
                node => self.part(at, record, node, &mut part),
            };
            let field = match of.is_some() || speaks {
                true => field.of_node(),
                false => field,
            };
            self.field(of.unwrap_or(at), record, field, facts);
        });
    }

    pub(super) fn beat(&mut self, at: At, record: &Record<'_>) {
        if let Some(slot) = self.slot(at.device).filter(|_| !record.retain) {
            slot.beat(record.at, at.topic);
            if at.news {
                slot.presence.spoke();
            }
        }
    }

    /// A bridge's log names the device that it complains of.
    fn log(&mut self, at: At, record: &Record<'_>, facts: &Facts<'_>) {
        self.beat(at, record);
        let named = if at.dialect == Dialect::Zigbee2Mqtt && facts.severity != Severity::None {
            self.named_in(record)
        } else {
            None
        };
        match named {
            Some(device) => {
                if let Some(slot) = self.slot(device) {
                    slot.reported += 1;
                }
                self.trouble(device, None, record, facts);
            }
            None => self.trouble(at.device, at.topic, record, facts),
        }
    }

    /// The device whose name stands in quotes in a message of its bridge.
    fn named_in(&self, record: &Record<'_>) -> Option<usize> {
        let base = record.topic.split('/').next()?;
        let text = core::str::from_utf8(record.payload).ok()?;
        text.split('\'').skip(1).take(16).find_map(|name| {
            let below = name
                .strip_prefix(base)
                .and_then(|rest| rest.strip_prefix('/'));
            let name = below.unwrap_or(name);
            let name = name.strip_suffix("/set").unwrap_or(name);
            let mut id = Id::try_from(base).ok()?;
            id.push('/').ok()?;
            id.push_str(name).ok()?;
            self.find(&id)
        })
    }

    /// Takes the names that devices are called by where a member or a topic tells it.
    fn name(&mut self, at: At, record: &Record<'_>, field: Field<'_>, text: &str) {
        const KEYS: [&str; 5] = [
            "devicename",
            "friendlyname",
            "longname",
            "displayname",
            "devicelabel",
        ];
        let whole = field.depth == 0
            && vitals::is_any(
                record.topic.rsplit('/').next().unwrap_or(""),
                &["name", "friendlyname", "devicename", "label"],
            );
        let speaks = self.slot(at.device).is_some_and(|slot| slot.speaks);
        if whole
            || vitals::is_any(field.key, &KEYS)
            || speaks && field.key.eq_ignore_ascii_case("name")
        {
            self.call(at.device, text);
        }
    }

    fn field(&mut self, at: At, record: &Record<'_>, field: Field<'_>, facts: &Facts<'_>) {
        if !record.retain && !self.graded(at, record, field) {
            return;
        }
        self.by_description(at, record, field);
        let seed = self.seed;
        if let Some(slot) = self.slot(at.device)
            && slot.deeds.waits()
            && !record.retain
        {
            slot.deeds.report(record.at, seed, field, at.switched);
        }
        match field.value {
            Value::Number(number) if Self::is_none(field, number) => {
                self.nothing(at, record, field, Nothing::Sentinel);
            }
            Value::Number(number) => self.number(at, record, field, number),
            Value::Bool(value) => {
                if let Some(sense) = battery::flag(field.parent, field.key) {
                    self.battery_low(at, value == (sense == Sense::Low));
                }
                self.flag(at, record, field, value);
            }
            Value::Text(text) => self.text(at, record, field, text, facts),
            Value::Nothing(nothing) => self.nothing(at, record, field, nothing),
            Value::Object => {}
        }
    }

    /// Hash of where a field stands: topic and path.
    pub(super) fn place(&self, record: &Record<'_>, field: Field<'_>) -> u64 {
        let topic = hash::bytes(self.seed, record.topic.as_bytes());
        hash::mix(topic, field.place)
    }

    fn battery_low(&mut self, at: At, low: bool) {
        if let Some(slot) = self.slot(at.device) {
            slot.battery_low = low;
        }
    }

    fn text(
        &mut self,
        at: At,
        record: &Record<'_>,
        field: Field<'_>,
        text: &str,
        facts: &Facts<'_>,
    ) {
        if at.dialect == Dialect::OwnTracks && field.key == "_type" && field.depth == 1 {
            let state = if text == "lwt" {
                Connection::Offline
            } else {
                Connection::Online
            };
            self.connection(at, state, record);
        } else if let Some(low) = values::battery_says(field, text) {
            self.battery_low(at, low);
        } else if vitals::is_uptime(field.key)
            && let Some(seconds) = vitals::uptime_text(text)
        {
            self.number(at, record, field, seconds);
        } else if text.len() >= TIME
            && field.depth <= 2
            && let Some(stamp) = clock::of_text(text)
        {
            let rank = time::rank(field.key).unwrap_or(clock::UNKNOWN);
            if rank < clock::UNKNOWN || field.depth == 1 {
                let place = self.place(record, field);
                self.clock(at, record, (place, rank), Some(stamp));
            }
        } else if let Some((number, unit)) = plain::quantity(text) {
            if unit == "%" && battery::is_battery(field.key) {
                if let Some(slot) = self.slot(at.device) {
                    slot.read(record.at, Vital::Battery, number);
                }
            } else if Self::is_none(field, number) {
                self.nothing(at, record, field, Nothing::Sentinel);
            } else if self.has_unit(at, record, field, text, unit) {
                self.number(at, record, field, number);
            }
        } else if text.len() <= MAX_STATE {
            self.name(at, record, field, text);
            self.wording(at, record, field, text, facts);
        }
    }

    fn number(&mut self, at: At, record: &Record<'_>, field: Field<'_>, number: f64) {
        let place = self.place(record, field);
        if number >= 1e9
            && field.depth <= 2
            && let Some(rank) = time::rank(field.key)
        {
            self.clock(at, record, (place, rank), clock::of_number(number));
            return;
        }
        let Some(slot) = self.slot(at.device) else {
            return;
        };
        if let Some(retyped) = slot.retyped.as_mut().filter(|known| known.place == place) {
            retyped.returns = retyped.returns.saturating_add(1);
        }
        if vitals::is_uptime(field.key) {
            if !record.retain {
                slot.uptime.add(record.at, place, number);
            }
            return;
        }
        if (number == 0.0 || number == 1.0)
            && let Some(sense) = battery::flag(field.parent, field.key)
        {
            self.battery_low(at, (number == 1.0) == (sense == Sense::Low));
            return;
        }
        let known = vitals::of_number(at.dialect, field.parent, field.key, number);
        let small = (0.0..=STEPS).contains(&number) && number % 1.0 == 0.0;
        // Only a battery's few is looked for elsewhere.
        let few = known.is_none()
            && small
            && vitals::is_battery(field.key)
            && self.tells_percent(at.device);
        let known = known.or(few.then_some((Vital::Battery, number)));
        let Some(slot) = self.slot(at.device) else {
            return;
        };
        if let Some((vital, value)) = known {
            slot.read(record.at, vital, value);
            return;
        }
        if small && vitals::is_battery(field.key) {
            slot.small_battery = (0..=u8::MAX).find(|&it| f64::from(it) == number);
        }
        if record.retain {
            return;
        }
        let make = || ChannelSlot::new(place, field.path, field.key);
        let channel = self.channel_of(at.device, |known| known.hash == place, make);
        if let Some(channel) = channel.and_then(|n| self.channels.as_mut().get_mut(n)) {
            if channel.stands_for_none(number) {
                channel.keep_jump(record.at, channel.last, number);
                return self.nothing(at, record, field, Nothing::Sentinel);
            }
            channel.marks.none.end();
            channel.add(record.at, number, at.switched);
        }
    }

    /// A battery that has told more than a few steps tells percent; so does that of a device behind the same gateway.
    fn tells_percent(&self, device: usize) -> bool {
        let known = self.devices.as_ref().get(..self.used).unwrap_or(&[]);
        let percent = |slot: &DeviceSlot| slot.reading(Vital::Battery).max > STEPS;
        let Some(own) = known.get(device) else {
            return false;
        };
        let twin = |it: &DeviceSlot| own.gateway != 0 && it.gateway == own.gateway;
        percent(own) || known.iter().any(|it| twin(it) && percent(it))
    }

    pub(super) fn clock(
        &mut self,
        at: At,
        record: &Record<'_>,
        place: (u64, u8),
        stamp: Option<Stamp>,
    ) {
        let (Some(wall), Some(stamp), false) = (self.wall_us, stamp, record.retain) else {
            return;
        };
        let wall = wall as f64 / 1e6;
        if let Some(slot) = self.slot(at.device) {
            slot.clock.add(record.at, wall, place, stamp);
        }
    }
}

/// Whether a state is another than in the message before on the same topic.
fn switched(slot: &mut DeviceSlot, topic: Option<usize>, facts: &Facts<'_>) -> bool {
    let states = facts.states.iter().fold(1, |all, &(path, state)| {
        hash::mix(all, hash::mix(path, state))
    });
    let alive = slot.live.is_some();
    let Some(topic) = topic.and_then(|n| slot.topics.get_mut(n)) else {
        return false;
    };
    topic.messages += 1;
    let before = core::mem::replace(&mut topic.states, states);
    // The first state of a topic is another too, if the device has spoken before.
    match before {
        0 => alive && !facts.states.is_empty(),
        _ => before != states,
    }
}
