//! What is known of a family of topics beside its tree: its topics, formats and sizes, traits of bytes that are no text.
//! Invariant: fixed size; merging is exact up to what bounds cost.

use super::node::*;
use super::store::{Store, View};
use super::write::{Place, Writer};
use super::{Kind, claim};
use crate::payload::Format;
use crate::reduce::Record;
use core::fmt::{self, Write};

/// Topics of a family that are counted one by one; more are estimated from the least hashes.
const TOPICS: usize = 16;
/// Bytes at the front of binary payloads that may be the same in all.
const MAGIC: usize = 4;

/// A family of topics.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    pub(super) class: u64,
    /// Roots of the trees of JSON, and of other text.
    pub(super) json: u32,
    pub(super) text: u32,
    pub(super) messages: u64,
    name: u32,
    name_len: u16,
    /// Levels in which topics differ, one bit each; the last is for all beyond.
    varying: u64,
    /// The least hashes, in order.
    topics: [u64; TOPICS],
    topic_count: u8,
    last_topic: u64,
    formats: [u64; Format::COUNT],
    bytes: u64,
    least: u64,
    most: u64,
    /// Binary payloads, the sum of their entropies in thousandths of a bit a byte, the bytes they begin with.
    binaries: u64,
    entropy: u64,
    magic: [u8; MAGIC],
    magic_len: u8,
}

/// How far a schema is to be relied on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the words of the tools' contract
pub enum Confidence {
    Low,
    Medium,
    High,
}

impl Default for Family {
    fn default() -> Self {
        Self {
            class: 0,
            json: NONE,
            text: NONE,
            messages: 0,
            name: 0,
            name_len: 0,
            varying: 0,
            topics: [0; TOPICS],
            topic_count: 0,
            last_topic: 0,
            formats: [0; Format::COUNT],
            bytes: 0,
            least: u64::MAX,
            most: 0,
            binaries: 0,
            entropy: 0,
            magic: [0; MAGIC],
            magic_len: 0,
        }
    }
}

impl Family {
    pub(super) fn new(store: &mut Store<'_>, class: u64, topic: &str) -> Option<Self> {
        Some(Self {
            class,
            json: store.new_node()?,
            text: store.new_node()?,
            name: store.keep_text(topic)?,
            name_len: u16::try_from(topic.len()).ok()?,
            ..Self::default()
        })
    }

    pub(super) fn name<'t>(&self, text: &'t [u8]) -> &'t str {
        let start = self.name as usize;
        let bytes = text.get(start..start + usize::from(self.name_len));
        core::str::from_utf8(bytes.unwrap_or(&[])).unwrap_or("")
    }

    /// Everything but the payload's content.
    #[inline]
    pub(super) fn count(&mut self, store: &mut Store<'_>, record: &Record<'_>, format: Format) {
        self.messages += 1;
        if let Some(count) = self.formats.get_mut(format.index()) {
            *count += 1;
        }
        let bytes = record.payload.len() as u64;
        self.bytes = self.bytes.saturating_add(bytes);
        self.least = self.least.min(bytes);
        self.most = self.most.max(bytes);
        let topic = store.hash(record.topic);
        if topic != self.last_topic {
            self.last_topic = topic;
            self.topic(topic);
            self.varying |= differing(self.name(store.text), record.topic);
        }
        if !format.is_text() {
            self.binary(record.payload);
        }
    }

    fn known(&self) -> &[u64] {
        self.topics
            .get(..usize::from(self.topic_count))
            .unwrap_or(&[])
    }

    fn topic(&mut self, hash: u64) {
        let place = self.known().partition_point(|&known| known < hash);
        if self.known().get(place) == Some(&hash) {
            return;
        }
        self.topic_count += u8::from(self.known().len() < TOPICS);
        let mut carried = hash;
        let count = usize::from(self.topic_count);
        for known in self.topics.iter_mut().take(count).skip(place) {
            carried = core::mem::replace(known, carried);
        }
    }

    fn binary(&mut self, payload: &[u8]) {
        let front = payload.get(..MAGIC).unwrap_or(payload);
        if self.binaries == 0 {
            for (to, from) in self.magic.iter_mut().zip(front) {
                *to = *from;
            }
            self.magic_len = u8::try_from(front.len()).unwrap_or(0);
        } else {
            let same = self
                .magic
                .iter()
                .zip(front)
                .take_while(|(a, b)| a == b)
                .count();
            self.magic_len = self.magic_len.min(u8::try_from(same).unwrap_or(0));
        }
        self.binaries += 1;
        self.entropy = self.entropy.saturating_add(entropy(payload));
    }

    /// A text that is not JSON.
    pub(super) fn text(&mut self, store: &mut Store<'_>, payload: &str, stamp: u64, at: u64) {
        let Some(node) = store.node(self.text) else {
            return;
        };
        node.tally(Kind::String, at);
        node.stamp = stamp;
        node.present = node.present.saturating_add(1);
        store.string(self.text, payload.trim(), false, RowSet::MAX);
    }

    pub(super) fn merge(&mut self, store: &Store<'_>, other: &Self, text: &[u8]) {
        self.varying |= other.varying | differing(self.name(store.text), other.name(text));
        for &topic in other.known() {
            self.topic(topic);
        }
        for (ours, theirs) in self.formats.iter_mut().zip(other.formats) {
            *ours += theirs;
        }
        self.messages += other.messages;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        if self.binaries == 0 {
            (self.magic, self.magic_len) = (other.magic, other.magic_len);
        } else if other.binaries > 0 {
            let same = self
                .magic
                .iter()
                .zip(other.magic)
                .take_while(|(a, b)| **a == *b)
                .count();
            let same = u8::try_from(same).unwrap_or(0);
            self.magic_len = self.magic_len.min(other.magic_len).min(same);
        }
        self.binaries += other.binaries;
        self.entropy = self.entropy.saturating_add(other.entropy);
    }
}

/// Levels in which two topics differ.
fn differing(a: &str, b: &str) -> u64 {
    let mut bits = 0;
    let mut levels = (a.split('/'), b.split('/'));
    for level in 0..64u32 {
        match (levels.0.next(), levels.1.next()) {
            (None, None) => return bits,
            (a, b) if a != b => bits |= 1 << level,
            _ => {}
        }
    }
    bits
}

/// Entropy of the bytes, in thousandths of a bit a byte.
fn entropy(bytes: &[u8]) -> u64 {
    let mut counts = [0u32; 256];
    for &byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = counts.iter().fold(0.0, |sum, &n| sum + f64::from(n));
    let part = |n: u32| f64::from(n) * super::union::log2(f64::from(n));
    let sum = counts
        .iter()
        .filter(|&&n| n > 0)
        .fold(0.0, |sum, &n| sum + part(n));
    let bits = if total > 0.0 {
        super::union::log2(total) - sum / total
    } else {
        0.0
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 8,000
    let thousandths = (bits.max(0.0) * 1_000.0 + 0.5) as u64;
    thousandths
}

/// What is known of a family.
#[derive(Clone, Copy)]
pub struct FamilyView<'s> {
    pub(super) family: &'s Family,
    pub(super) view: View<'s>,
}

impl<'s> FamilyView<'s> {
    /// As [`crate::payload::Facts`] has it.
    pub fn class(&self) -> u64 {
        self.family.class
    }

    /// Messages of any format.
    pub fn messages(&self) -> u64 {
        self.family.messages
    }

    /// The topic that came first, and the levels in which others differ from it, one bit each.
    pub fn topic(&self) -> (&'s str, u64) {
        (self.family.name(self.view.text), self.family.varying)
    }

    /// Distinct topics; an estimate beyond sixteen.
    pub fn topics(&self) -> u64 {
        let topics = self.family.known();
        match topics.last() {
            Some(&largest) if topics.len() == TOPICS => {
                let rest = TOPICS as u64 - 1;
                (u128::from(rest) * u128::from(u64::MAX) / u128::from(largest.max(1)))
                    .try_into()
                    .unwrap_or(u64::MAX)
            }
            _ => topics.len() as u64,
        }
    }

    /// Messages per format.
    pub fn formats(&self) -> impl Iterator<Item = (Format, u64)> {
        Format::ALL
            .into_iter()
            .zip(self.family.formats)
            .filter(|&(_, count)| count > 0)
    }

    /// Payload bytes: the least, the mean, the most.
    pub fn bytes(&self) -> (u64, u64, u64) {
        let mean = self.family.bytes / self.family.messages.max(1);
        (
            self.family.least.min(self.family.most),
            mean,
            self.family.most,
        )
    }

    /// Of payloads that are no text: how many, their mean entropy in bits a byte, the bytes that all begin with.
    pub fn binary(&self) -> Option<(u64, f64, &'s [u8])> {
        let family = self.family;
        let magic = family
            .magic
            .get(..usize::from(family.magic_len))
            .unwrap_or(&[]);
        let mean = family.entropy as f64 / 1_000.0 / family.binaries.max(1) as f64;
        (family.binaries > 0).then_some((family.binaries, mean, magic))
    }

    /// Messages that the schema is built from.
    pub fn documents(&self) -> u64 {
        self.view
            .node(self.family.json)
            .map_or(0, |node| u64::from(node.total()))
    }

    /// Writes the JSON Schema of its JSON messages, in 2020-12.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_schema<W: Write>(&self, out: &mut W) -> fmt::Result {
        out.write_str("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"")?;
        if let Some(node) = self
            .view
            .node(self.family.json)
            .filter(|node| node.total() > 0)
        {
            out.write_char(',')?;
            Writer {
                view: self.view,
                out,
            }
            .body(node, Place::ANY)?;
        }
        out.write_char('}')
    }

    /// How likely the next message is like one of those before, from 0 to 1 (Good–Turing): one less the share of
    /// shapes that came once; and what that is called.
    pub fn confidence(&self) -> (f64, Confidence) {
        let documents = self.documents();
        let Some(node) = self.view.node(self.family.json).filter(|_| documents > 0) else {
            return (0.0, Confidence::Low);
        };
        let once = f64::from(self.once(node)).min(documents as f64);
        let sure = 1.0 - once / documents as f64;
        let level = match sure {
            _ if documents < 10 => Confidence::Low,
            0.95.. => Confidence::High,
            0.80.. => Confidence::Medium,
            _ => Confidence::Low,
        };
        (sure, level)
    }

    /// Values of types so rare at their paths that the schema leaves them out.
    pub fn outliers(&self) -> u64 {
        self.view
            .node(self.family.json)
            .map_or(0, |node| self.outliers_in(node))
    }

    fn outliers_in(&self, node: &Node) -> u64 {
        let rare = Type::ALL
            .into_iter()
            .filter(|&of| claim::is_outlier(node, of));
        let here = rare.map(|of| u64::from(node.typed(of))).sum();
        let below = self.view.children(node).filter(|child| !child.is(MOVED));
        below.fold(here, |sum, child| sum + self.outliers_in(child))
    }

    /// Sets of members that came once, at a node and below it.
    fn once(&self, node: &Node) -> u32 {
        let mut once = 0u32;
        if node.total() > 1 {
            for of in Type::ALL {
                once += u32::from(node.typed(of) == 1);
            }
        }
        if node.count(Kind::Object) > 1 {
            once += self
                .view
                .rows(node)
                .fold(0, |sum, row| sum + u32::from(row.count == 1));
        }
        let below = self
            .view
            .children(node)
            .filter(|child| !child.is(MOVED) && child.present > 1);
        below.fold(once, |sum, child| sum.saturating_add(self.once(child)))
    }
}
