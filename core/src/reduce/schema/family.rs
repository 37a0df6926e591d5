//! What is known of a family of topics beside its tree: its topics, formats and sizes, traits of bytes that are no text.
//! Invariant: fixed size; merging is exact up to what bounds cost.

use super::node::*;
use super::store::Store;
use crate::payload::Format;
use crate::reduce::{Record, differing};

/// Topics of a family that are counted one by one; more are estimated from the least hashes.
pub(super) const TOPICS: usize = 16;
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
    pub(super) varying: u64,
    /// The least hashes, in order.
    pub(super) topics: [u64; TOPICS],
    pub(super) topic_count: u8,
    last_topic: u64,
    pub(super) formats: [u64; Format::COUNT],
    pub(super) bytes: u64,
    pub(super) least: u64,
    pub(super) most: u64,
    /// Binary payloads, the sum of their entropies in thousandths of a bit a byte, the bytes they begin with.
    pub(super) binaries: u64,
    pub(super) entropy: u64,
    pub(super) magic: [u8; MAGIC],
    pub(super) magic_len: u8,
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

    /// Everything but the payload's content, which is of the format `inner`.
    #[inline]
    pub(super) fn count(
        &mut self,
        store: &mut Store<'_>,
        record: &Record<'_>,
        format: Format,
        inner: Format,
    ) {
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
        if !inner.is_text() {
            self.binary(record.payload);
        }
    }

    pub(super) fn known(&self) -> &[u64] {
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
