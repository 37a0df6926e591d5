//! A message on its way into the tree: the walk's events become a tape of what stands where, and only when the whole
//! is known to be valid is it counted. Along the way the keys are expected in the order in which they came last time.
//! Invariant: a tape that is full is counted early; whatever a message's size, memory is the stack frame.

use super::changes::TypeChange;
use super::node::*;
use super::row::*;
use super::store::Store;
use super::tape::{DEPTH, Entry};
use super::{KEY_BYTES, text};
use crate::number;
use crate::payload::hash;
use crate::payload::json::{Scalar, Text, Visitor, unescape};
use heapless::Vec;

/// Values on a tape; a longer message is counted in parts, and tells less of which values belong together.
const TAPE: usize = 256;
const NO_ENTRY: u16 = u16::MAX;

struct Frame {
    node: u32,
    entry: u16,
    object: bool,
    set: Set,
    /// The member before.
    last: u32,
    elements: u32,
}

/// The visitor.
pub(super) struct Taker<'t, 's, 'a> {
    store: &'t mut Store<'s>,
    tape: Vec<Entry<'a>, TAPE>,
    frames: Vec<Frame, DEPTH>,
    deeper: u32,
    root: u32,
    /// The message.
    whole: &'a str,
    /// Node of the member whose value comes next.
    pending: u32,
    at: u64,
    /// Differs for every object that ever came.
    stamp: u64,
    topic: &'a str,
}

impl<'t, 's, 'a> Taker<'t, 's, 'a> {
    pub(super) fn new(
        store: &'t mut Store<'s>,
        root: u32,
        whole: &'a str,
        (topic, at): (&'a str, u64),
        stamp: u64,
    ) -> Self {
        Self {
            store,
            tape: Vec::new(),
            frames: Vec::new(),
            deeper: 0,
            root,
            whole,
            pending: NONE,
            at,
            stamp,
            topic,
        }
    }

    /// Counts what is on the tape: the message was valid. Returns the next stamp.
    pub(super) fn finish(&mut self) -> u64 {
        self.count();
        self.stamp
    }

    /// The node that a value has which comes now, the entry around it, its position.
    #[inline]
    fn place(&mut self, code: u8) -> (u32, u16, u16) {
        let Some(frame) = self.frames.last_mut() else {
            return (self.root, NO_ENTRY, 0);
        };
        if frame.object {
            let place = self
                .store
                .nodes
                .get(self.pending as usize)
                .map_or(NO_PLACE, |node| node.place);
            frame.set.mark(place, code);
            return (self.pending, frame.entry, 0);
        }
        let position = u16::try_from(frame.elements).unwrap_or(u16::MAX);
        frame.elements = frame.elements.saturating_add(1);
        if frame.last == NONE {
            frame.last = self.store.wild(frame.node);
        }
        (frame.last, frame.entry, position)
    }

    #[inline]
    fn push(&mut self, kind: Kind, text: &'a str, escaped: bool, number: f64) -> (u32, u16) {
        let (node, parent, position) = self.place(kind.kind_type().code());
        if node == NONE {
            return (NONE, NO_ENTRY);
        }
        let mut entry = Entry {
            node,
            parent,
            kind,
            escaped,
            position,
            text,
            number,
            more: NONE,
        };
        if self.tape.is_full() {
            self.count();
            for frame in &mut self.frames {
                frame.entry = NO_ENTRY;
            }
            entry.parent = NO_ENTRY;
        }
        let number = u16::try_from(self.tape.len()).unwrap_or(NO_ENTRY);
        let _ = self.tape.push(entry);
        (node, number)
    }

    fn count(&mut self) {
        self.stamp += TAPE as u64 + 1;
        let (tape, store) = (&self.tape, &mut *self.store);
        for entry in tape {
            let parent = tape.get(usize::from(entry.parent));
            let id = store.current(entry.node);
            let Some(node) = store.nodes.get_mut(id as usize) else {
                continue;
            };
            let last = (node.last_type, node.last);
            let changed = node.tally(entry.kind, self.at);
            let stamp = self.stamp + u64::from(entry.parent).min(TAPE as u64);
            if node.stamp != stamp {
                node.stamp = stamp;
                node.present = node.present.saturating_add(1);
            }
            if changed {
                let change = TypeChange {
                    root: self.root,
                    at: self.at,
                    ..TypeChange::default()
                };
                store.note_change(change, (tape, entry), last, self.topic);
            }
            let Some(node) = store.nodes.get_mut(id as usize) else {
                continue;
            };
            match entry.kind {
                Kind::Integer | Kind::Fraction => node.number(entry.number, self.at),
                Kind::String => {
                    let row = parent.filter(|p| p.kind == Kind::Object);
                    let row = row.and_then(|p| store.rows.get(store.current_row(p.more) as usize));
                    let rows = row.and_then(|row| RowSet::checked_shl(1, u32::from(row.index)));
                    let rows = rows.unwrap_or(RowSet::MAX);
                    store.string(id, entry.text, entry.escaped, rows);
                }
                Kind::Object => {
                    store.object(id, store.current_row(entry.more), self.whole, self.at);
                }
                Kind::Array => node.array(entry.more),
                _ => {}
            }
            let early = usize::from(entry.position) < TUPLE;
            if let Some(array) = parent.filter(|p| early && p.kind == Kind::Array) {
                let array = store.current(array.node);
                if let Some(types) = store
                    .node(array)
                    .and_then(|node| node.tuple.get_mut(usize::from(entry.position)))
                {
                    *types |= 1 << entry.kind.kind_type().code();
                }
            }
        }
        self.tape.clear();
    }
}

impl Node {
    fn array(&mut self, elements: u32) {
        if elements != NONE {
            self.least_items = self.least_items.min(elements);
            self.most_items = self.most_items.max(elements);
        }
    }
}

impl Store<'_> {
    /// An object of a node had the members of a row, in the message `whole` that came at `at`.
    fn object(&mut self, id: u32, row: u32, whole: &str, at: u64) {
        if let Some(row) = self.rows.get_mut(row as usize) {
            if row.count == 0 {
                let [a, b, c, d, ..] = hash::bytes(at, whole.as_bytes()).to_le_bytes();
                row.first = u32::from_le_bytes([a, b, c, d]);
            }
            row.count = row.count.saturating_add(1);
        } else {
            self.set_flag(id, ROWLESS);
        }
    }

    /// Counts a string that came in some rows of the object around it.
    #[inline]
    pub(super) fn string(&mut self, id: u32, raw: &str, escaped: bool, rows: RowSet) {
        if escaped {
            self.escaped(id, raw, rows);
        } else {
            self.whole(id, raw, raw.len() <= VALUE_BYTES, rows);
        }
    }

    #[cold]
    fn escaped(&mut self, id: u32, raw: &str, rows: RowSet) {
        let mut buffer = [0; VALUE_BYTES * 6 + 1];
        if raw.len() < buffer.len() {
            let text = unescape(raw, &mut buffer);
            self.whole(id, text, text.len() <= VALUE_BYTES, rows);
        } else {
            self.whole(id, raw, false, rows);
        }
    }

    fn whole(&mut self, id: u32, text: &str, fits: bool, rows: RowSet) {
        let hash = self.hash(text);
        let Some(node) = self.nodes.get(id as usize) else {
            return;
        };
        if let Some(value) = self.values.get_mut(node.values as usize)
            && value.hash == hash
            && value.text() == text
        {
            // As last time, mostly.
            value.count = value.count.saturating_add(1);
            value.rows |= rows;
            return;
        }
        let beyond = node.is(MANY) && hash >= node.beyond;
        if !fits {
            self.many(id);
        } else if !beyond && let Some(value) = Value::new(hash, text) {
            let known = self.value(id, &Value { rows, ..value });
            if known {
                return;
            }
        }
        if let Some(node) = self.node(id) {
            node.settled = node.count(Kind::String);
            node.strings.take(text);
        }
    }
}

impl Strings {
    /// One more string.
    fn take(&mut self, text: &str) {
        let length = if text.is_ascii() {
            text.len()
        } else {
            text.chars().count()
        };
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.most = self.most.max(length);
        self.least = self.least.min(length);
        if text.is_empty() {
            return;
        }
        self.formats = text::formats(text, self.formats);
        if self.classes & text::OTHER == 0 {
            self.classes |= text::classes(text);
        }
        if self.mixed {
            return;
        }
        match text::outline(text) {
            0 => self.mixed = true,
            outline if self.outline == 0 => self.outline = outline,
            outline => self.mixed = outline != self.outline,
        }
    }
}

impl<'a> Visitor<'a> for Taker<'_, '_, 'a> {
    fn open(&mut self, object: bool) {
        let kind = if object { Kind::Object } else { Kind::Array };
        if self.deeper > 0 {
            self.deeper += 1;
            return;
        }
        let (node, entry) = self.push(kind, "", false, 0.0);
        let frame = Frame {
            node,
            entry,
            object,
            set: Set::default(),
            last: NONE,
            elements: 0,
        };
        if self.frames.push(frame).is_err() {
            self.deeper = 1;
            self.store.used.lost.deep += 1;
            self.store.set_flag(node, OPEN | ROWLESS);
        }
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
            return;
        }
        let Some(frame) = self.frames.pop() else {
            return;
        };
        let more = if frame.object {
            self.store.row(frame.node, &frame.set)
        } else {
            frame.elements
        };
        if let Some(entry) = self.tape.get_mut(usize::from(frame.entry)) {
            entry.more = more;
        } else if frame.object {
            self.store.object(frame.node, more, self.whole, self.at);
        } else if let Some(node) = self.store.node(frame.node) {
            node.array(more);
        }
    }

    fn key(&mut self, key: Text<'a>) {
        if self.deeper > 0 {
            return;
        }
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        let mut buffer = [0; KEY_BYTES];
        let name = if key.escaped {
            unescape(key.raw, &mut buffer)
        } else {
            key.raw
        };
        if key.raw.len() >= KEY_BYTES {
            self.store.used.lost.members += 1;
            self.store.set_flag(frame.node, OPEN);
            self.pending = NONE;
            return;
        }
        self.pending = self.store.member(frame.node, name);
        match self.store.nodes.get_mut(frame.last as usize) {
            Some(last) => last.after = self.pending,
            None => {
                if let Some(node) = self.store.nodes.get_mut(frame.node as usize) {
                    node.start = self.pending;
                }
            }
        }
        frame.last = self.pending;
    }

    #[inline]
    fn expected(&mut self, ahead: u128) -> Option<usize> {
        let frame = self.frames.last()?;
        if self.deeper > 0 {
            return None;
        }
        let next = match self.store.nodes.get(frame.last as usize) {
            Some(last) => last.after,
            None => self.store.nodes.get(frame.node as usize)?.start,
        };
        let node = self.store.nodes.get(next as usize)?;
        let same = (ahead ^ node.front) & node.mask == 0 && node.mask != 0;
        self.pending = next;
        same.then_some(usize::from(node.key_len))
    }

    #[inline]
    fn expected_key(&mut self, _: &'a str) {
        if let Some(frame) = self.frames.last_mut() {
            frame.last = self.pending;
        }
    }

    #[inline]
    fn number(&mut self, text: &'a str, value: Option<f64>) {
        if self.deeper > 0 {
            return;
        }
        let fraction = || text.bytes().any(|b| matches!(b, b'.' | b',' | b'e' | b'E'));
        let kind = if fraction() {
            Kind::Fraction
        } else {
            Kind::Integer
        };
        let value = value.or_else(|| number::parse(text)).unwrap_or(0.0);
        self.push(kind, text, false, value);
    }

    #[inline]
    fn scalar(&mut self, value: Scalar<'a>) {
        if self.deeper > 0 {
            return;
        }
        let (kind, text, escaped) = match value {
            Scalar::Null => (Kind::Null, "", false),
            Scalar::Bool(false) => (Kind::False, "", false),
            Scalar::Bool(true) => (Kind::True, "", false),
            Scalar::Number(text) => return self.number(text, None),
            Scalar::String(text) => (Kind::String, text.raw, text.escaped),
        };
        self.push(kind, text, escaped, 0.0);
    }
}
