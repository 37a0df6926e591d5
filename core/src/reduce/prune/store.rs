//! Where candidates live: slots for what is known of them, one arena for topics, payloads and reasons.
//!
//! Entries are put at the end of the arena and slid together when it is full. The newest message of all always
//! stands in front, outside the slots, so that most messages cost one copy. Invariant: every slot in use has at
//! least one reference from a stratum; arena order is the order of the list from `oldest` to `newest`.

use super::marks::{self, Marks, Written};
use crate::payload::{Facts, Format, Severity};
use crate::reduce::Record;
use core::fmt::Write;
#[cfg(test)]
extern crate std;

/// No slot.
pub(super) const NONE: u16 = u16::MAX;
/// Bytes of a topic that are kept; longer ones, which no real system uses, are cut.
const TOPIC: usize = 1_024;
/// Bytes of a reason that are kept.
const WHY: usize = 200;

/// One candidate.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    pub(super) at: u64,
    pub(super) id: u64,
    pub(super) shape: u64,
    /// Bytes of what is shown of the payload, if it were whole.
    pub(super) full: u32,
    /// Bytes of the payload itself.
    pub(super) size: u32,
    start: u32,
    /// Bytes that are held of the payload; of one that was decoded, what it holds and then its own.
    payload: u32,
    own: u32,
    topic: u16,
    why: u16,
    refs: u16,
    before: u16,
    behind: u16,
    numbers: u8,
    states: u8,
    pub(super) format: Format,
    pub(super) wraps: Option<Format>,
    pub(super) severity: Severity,
    pub(super) qos: u8,
    pub(super) retain: bool,
    decoded: bool,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            at: 0,
            id: 0,
            shape: 0,
            full: 0,
            size: 0,
            start: 0,
            payload: 0,
            own: 0,
            topic: 0,
            why: 0,
            refs: 0,
            before: NONE,
            behind: NONE,
            numbers: 0,
            states: 0,
            format: Format::Empty,
            wraps: None,
            severity: Severity::None,
            qos: 0,
            retain: false,
            decoded: false,
        }
    }
}

impl Slot {
    fn bytes(&self) -> usize {
        self.told() + marks::size(self.numbers, self.states)
    }

    /// Bytes of what is shown of it, in front of what it says.
    fn told(&self) -> usize {
        usize::from(self.topic) + size(self.payload) + usize::from(self.why)
    }

    /// In use.
    pub(super) fn live(&self) -> bool {
        self.refs > 0
    }
}

fn size(n: u32) -> usize {
    usize::try_from(n).unwrap_or(0)
}

/// Topic, payload (perhaps cut; what it holds and its own bytes, if it was decoded) and reason of a candidate.
pub(super) type Content<'a> = (&'a str, &'a [u8], &'a str);

/// Slots and arena.
#[derive(Debug)]
pub(super) struct Store<S, B> {
    slots: S,
    arena: B,
    /// Bytes of one entry at most; as many are set aside in front for the newest message.
    entry: usize,
    payload: usize,
    end: usize,
    live: usize,
    fresh: usize,
    free: u16,
    oldest: u16,
    newest: u16,
    /// The newest message.
    pub(super) last: Slot,
}

impl<S, B> Store<S, B>
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    pub(super) fn new(slots: S, arena: B, payload: usize) -> Self {
        let room = arena.as_ref().len() / 8;
        let rest = TOPIC + WHY + marks::BYTES;
        let entry = (payload + rest).min(room);
        let payload = payload.min(entry.saturating_sub(rest).max(entry / 2));
        Self {
            slots,
            arena,
            entry,
            payload,
            end: entry,
            live: 0,
            fresh: 0,
            free: NONE,
            oldest: NONE,
            newest: NONE,
            last: Slot::default(),
        }
    }

    pub(super) fn slots(&self) -> &[Slot] {
        self.slots.as_ref()
    }

    pub(super) fn get(&self, slot: u16) -> Option<&Slot> {
        self.slots
            .as_ref()
            .get(usize::from(slot))
            .filter(|slot| slot.live())
    }

    /// Makes `record` the newest message.
    pub(super) fn set_last(
        &mut self,
        record: &Record<'_>,
        facts: &Facts<'_>,
        id: u64,
        marks: &Marks,
    ) {
        let (content, full) = facts.content(record.payload);
        self.last = Slot {
            at: record.at.as_micros(),
            id,
            shape: facts.shape,
            full: u32::try_from(full).unwrap_or(u32::MAX),
            size: u32::try_from(record.payload.len()).unwrap_or(u32::MAX),
            format: facts.format,
            wraps: facts.wraps,
            severity: facts.severity,
            qos: record.qos,
            retain: record.retain,
            decoded: facts.decoded.is_some(),
            refs: 1,
            ..Slot::default()
        };
        let Some(room) = self.arena.as_mut().get_mut(..self.entry) else {
            return;
        };
        let mut writer = Writer { room, used: 0 };
        let topic = front(
            record.topic,
            TOPIC.min(self.entry.saturating_sub(self.payload)),
        );
        self.last.topic = u16::try_from(writer.put(topic.as_bytes())).unwrap_or(0);
        // Of what was decoded both are kept; a quarter is for the bytes themselves.
        let limit = match facts.decoded {
            Some(_) => self.payload - self.payload / 4,
            None => self.payload,
        };
        let mut held = writer.put(content.get(..limit).unwrap_or(content));
        if facts.decoded.is_some() {
            let room = self.payload - held;
            let own = writer.put(record.payload.get(..room).unwrap_or(record.payload));
            self.last.own = u32::try_from(own).unwrap_or(0);
            held += own;
        }
        self.last.payload = u32::try_from(held).unwrap_or(0);
        if let Some(reason) = &facts.reason {
            let before = writer.used;
            let _ = write!(writer, "{reason}");
            self.last.why = u16::try_from(writer.used - before).unwrap_or(0);
        }
        writer.mark(&mut self.last, marks);
    }

    /// Makes the newest message a candidate with one reference; none if there is no room.
    pub(super) fn keep_last(&mut self) -> Option<u16> {
        let bytes = self.last.bytes();
        let start = self.reserve(bytes)?;
        self.arena.as_mut().copy_within(..bytes, start);
        self.enter(
            Slot {
                refs: 1,
                ..self.last
            },
            start,
        )
    }

    /// Copies a candidate of another store.
    pub(super) fn copy(&mut self, slot: &Slot, content: Content<'_>, marks: &Marks) -> Option<u16> {
        let payload = content.1.get(..self.payload).unwrap_or(content.1);
        let told = content.0.len() + payload.len() + content.2.len();
        let start = self.reserve(told + marks::BYTES)?;
        let mut slot = Slot { refs: 1, ..*slot };
        let room = self.arena.as_mut().get_mut(start..)?;
        Writer { room, used: 0 }.entry(&mut slot, (content.0, payload, content.2), marks);
        self.enter(slot, start)
    }

    /// Takes over the newest message of another store.
    pub(super) fn copy_last(&mut self, slot: &Slot, content: Content<'_>, marks: &Marks) {
        self.last = Slot { start: 0, ..*slot };
        let payload = content.1.get(..self.payload).unwrap_or(content.1);
        if let Some(room) = self.arena.as_mut().get_mut(..self.entry) {
            let writer = Writer { room, used: 0 };
            writer.entry(&mut self.last, (content.0, payload, content.2), marks);
        }
    }

    /// One more reference.
    pub(super) fn hold(&mut self, slot: u16) {
        if let Some(slot) = self.slots.as_mut().get_mut(usize::from(slot)) {
            slot.refs = slot.refs.saturating_add(1);
        }
    }

    /// One reference less; without any the candidate is gone.
    pub(super) fn release(&mut self, number: u16) {
        let slots = self.slots.as_mut();
        let Some(slot) = slots
            .get_mut(usize::from(number))
            .filter(|slot| slot.refs > 0)
        else {
            return;
        };
        slot.refs -= 1;
        if slot.refs > 0 {
            return;
        }
        let (before, behind, bytes) = (slot.before, slot.behind, slot.bytes());
        slot.behind = self.free;
        self.free = number;
        self.live -= bytes;
        match slots.get_mut(usize::from(before)) {
            Some(slot) => slot.behind = behind,
            None => self.oldest = behind,
        }
        match slots.get_mut(usize::from(behind)) {
            Some(slot) => slot.before = before,
            None => self.newest = before,
        }
    }

    pub(super) fn content(&self, slot: &Slot) -> Content<'_> {
        let start = size(slot.start);
        let part =
            |from: usize, len: usize| self.arena.as_ref().get(from..from + len).unwrap_or(&[]);
        let (topic, payload) = (usize::from(slot.topic), size(slot.payload));
        let text = |bytes| core::str::from_utf8(bytes).unwrap_or("");
        (
            text(part(start, topic)),
            part(start + topic, payload),
            text(part(start + topic + payload, usize::from(slot.why))),
        )
    }

    /// What is held of what a payload shows, and of its own bytes if that is something else.
    pub(super) fn shown<'c>(&self, slot: &Slot, payload: &'c [u8]) -> (&'c [u8], Option<&'c [u8]>) {
        let (shown, own) = payload
            .split_at_checked(size(slot.payload.saturating_sub(slot.own)))
            .unwrap_or((payload, &[]));
        (shown, (slot.decoded).then_some(own))
    }

    /// What a candidate says.
    pub(super) fn marks(&self, slot: &Slot) -> Written<'_> {
        let start = size(slot.start) + slot.told();
        let end = size(slot.start) + slot.bytes();
        let bytes = self.arena.as_ref().get(start..end).unwrap_or(&[]);
        Written::new(bytes, slot.numbers)
    }

    /// Less than a quarter is free: candidates of little weight should go.
    pub(super) fn tight(&self) -> bool {
        self.lacks(4)
    }

    /// Whether less than one part of so many is free, in the arena or among the slots.
    pub(super) fn lacks(&self, part: usize) -> bool {
        let room = self.arena.as_ref().len().saturating_sub(self.entry);
        let slots = self.slots.as_ref().len();
        self.live + self.entry > room - room / part
            || self.free == NONE && self.fresh + slots / part / 2 > slots
    }

    /// Where so many bytes may be put. The arena is slid together only if that frees a good part of it, so that
    /// the work is paid for by many messages.
    fn reserve(&mut self, bytes: usize) -> Option<usize> {
        let size = self.arena.as_ref().len();
        if self.free == NONE && self.fresh >= self.slots.as_ref().len().min(usize::from(NONE)) {
            return None;
        }
        if self.end + bytes > size {
            let garbage = self.end - self.entry - self.live;
            if garbage < size / 16 {
                return None;
            }
            self.compact();
        }
        (self.end + bytes <= size).then_some(self.end)
    }

    fn enter(&mut self, mut slot: Slot, start: usize) -> Option<u16> {
        slot.start = u32::try_from(start).ok()?;
        slot.before = self.newest;
        slot.behind = NONE;
        let slots = self.slots.as_mut();
        let number = match slots.get(usize::from(self.free)) {
            Some(free) => core::mem::replace(&mut self.free, free.behind),
            None => {
                self.fresh += 1;
                u16::try_from(self.fresh - 1).ok()?
            }
        };
        *slots.get_mut(usize::from(number))? = slot;
        match slots.get_mut(usize::from(self.newest)) {
            Some(newest) => newest.behind = number,
            None => self.oldest = number,
        }
        self.newest = number;
        self.end = start + slot.bytes();
        self.live += slot.bytes();
        Some(number)
    }

    fn compact(&mut self) {
        let (slots, arena) = (self.slots.as_mut(), self.arena.as_mut());
        let mut end = self.entry;
        let mut number = self.oldest;
        while let Some(slot) = slots.get_mut(usize::from(number)) {
            let start = size(slot.start);
            arena.copy_within(start..start + slot.bytes(), end);
            slot.start = u32::try_from(end).unwrap_or(u32::MAX);
            end += slot.bytes();
            number = slot.behind;
        }
        self.end = end;
    }
}

/// At most `limit` bytes of `text`, whole characters.
fn front(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

/// Writes into bytes until they are full.
struct Writer<'a> {
    room: &'a mut [u8],
    used: usize,
}

impl Writer<'_> {
    /// Puts what fits; returns how much that was.
    fn put(&mut self, bytes: &[u8]) -> usize {
        let room = self.room.len() - self.used;
        let bytes = bytes.get(..room).unwrap_or(bytes);
        if let Some(place) = self.room.get_mut(self.used..self.used + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        self.used += bytes.len();
        bytes.len()
    }

    /// Puts a whole candidate.
    fn entry(mut self, slot: &mut Slot, (topic, payload, why): Content<'_>, marks: &Marks) {
        slot.topic = u16::try_from(self.put(topic.as_bytes())).unwrap_or(0);
        let held = u32::try_from(self.put(payload)).unwrap_or(0);
        slot.own = slot.own.saturating_sub(slot.payload.saturating_sub(held));
        slot.payload = held;
        slot.why = u16::try_from(self.put(why.as_bytes())).unwrap_or(0);
        self.mark(slot, marks);
    }

    /// Puts what `slot` says, whole or not at all.
    fn mark(&mut self, slot: &mut Slot, marks: &Marks) {
        slot.numbers = u8::try_from(marks.numbers.len()).unwrap_or(0);
        slot.states = u8::try_from(marks.states.len()).unwrap_or(0);
        let end = self.used + marks::size(slot.numbers, slot.states);
        match self.room.get_mut(self.used..end) {
            Some(room) => marks.write(room),
            None => (slot.numbers, slot.states) = (0, 0),
        }
    }
}

impl Write for Writer<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let room = self.room.len() - self.used;
        let text = front(text, room);
        self.put(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
impl<S, B> Store<S, B>
where
    S: AsMut<[Slot]> + AsRef<[Slot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// The list, the arena and the counts agree, and every candidate has as many references as `expected` says.
    pub(super) fn check(&self, expected: &std::collections::BTreeMap<u16, u16>) {
        let (mut number, mut before, mut end, mut live, mut count) =
            (self.oldest, NONE, self.entry, 0, 0);
        while number != NONE {
            let slot = &self.slots.as_ref()[usize::from(number)];
            assert_eq!(
                Some(&slot.refs),
                expected.get(&number),
                "references of {number}"
            );
            assert_eq!(slot.before, before);
            assert!(size(slot.start) >= end);
            end = size(slot.start) + slot.bytes();
            live += slot.bytes();
            count += 1;
            (before, number) = (number, slot.behind);
        }
        assert_eq!((self.newest, count), (before, expected.len()));
        assert_eq!(self.live, live);
        assert!(end <= self.end && self.end <= self.arena.as_ref().len());
    }
}
