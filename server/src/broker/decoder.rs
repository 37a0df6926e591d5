//! Decodes payloads that are no text, once for all listeners of a session, and remembers what births of Sparkplug named.
//!
//! Elsewhere: the formats (`payload::decode` of the core). Invariant: memory is bounded and taken when the first such
//! payload comes; names beyond the bounds are not learnt.

use bitsperity_mqtt_core::payload::decode::{Aliases, Decoded, ROOM, decode, needs_decoding};
use bitsperity_mqtt_core::payload::{Facts, Memo, inspect_decoded, inspect_into};
use std::collections::HashMap;
use std::hash::BuildHasher;

/// Aliases that are remembered: a large plant has some thousand metrics.
const ALIASES: usize = 32_768;
/// Bytes of their names in all.
const NAME_BYTES: usize = 2 * 1024 * 1024;

/// See the head.
#[derive(Default)]
pub struct Decoder {
    room: Vec<u8>,
    names: Names,
}

#[derive(Default)]
struct Names {
    known: HashMap<u64, (Box<str>, u32), foldhash::fast::RandomState>,
    bytes: usize,
    /// Owners and aliases are chosen by others.
    seed: foldhash::fast::RandomState,
}

impl Decoder {
    /// What a payload holds, if it is not the text that it shows.
    pub fn decode<'b>(&'b mut self, topic: &str, payload: &[u8]) -> Option<Decoded<'b>> {
        if self.room.is_empty() {
            self.room = vec![0; ROOM];
        }
        decode(topic, payload, &mut self.names, &mut self.room)
    }

    /// One pass over what a payload holds.
    pub fn inspect<'b>(
        &'b mut self,
        memo: &mut Memo,
        topic: &'b str,
        payload: &'b [u8],
    ) -> Facts<'b> {
        let mut facts = Facts::new();
        let decoded = needs_decoding(topic, payload).then(|| self.decode(topic, payload));
        match decoded.flatten() {
            Some(decoded) => inspect_decoded(&mut facts, memo, topic, decoded),
            None => inspect_into(&mut facts, memo, topic, payload),
        }
        facts
    }
}

impl Aliases for Names {
    fn learn(&mut self, owner: (&str, &str), alias: u64, name: &str, datatype: u32) {
        let key = self.seed.hash_one((owner, alias));
        let known = self.known.get(&key).map(|(name, _)| name.len());
        let bytes = self.bytes - known.unwrap_or(0) + name.len();
        if bytes > NAME_BYTES || known.is_none() && self.known.len() >= ALIASES {
            return;
        }
        self.bytes = bytes;
        self.known.insert(key, (name.into(), datatype));
    }

    fn find(&self, owner: (&str, &str), alias: u64) -> Option<(&str, u32)> {
        let key = self.seed.hash_one((owner, alias));
        let (name, datatype) = self.known.get(&key)?;
        Some((name, *datatype))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_a_rebirth_renames() {
        let mut names = Names::default();
        let owner = ("g", "n");
        names.learn(owner, 7, "Level", 9);
        names.learn(owner, 7, "Tank/Level", 10);
        assert_eq!(names.find(owner, 7), Some(("Tank/Level", 10)));
        assert_eq!(names.find(("g", "m"), 7), None);
        assert_eq!(names.bytes, 10);
        let long = "x".repeat(60_000);
        for alias in 0..100 {
            names.learn(("h", "n"), alias, &long, 3);
        }
        assert!(names.bytes <= NAME_BYTES);
        for alias in 0..2 * ALIASES as u64 {
            names.learn(("i", "n"), alias, "n", 3);
        }
        assert!(names.known.len() <= ALIASES);
    }
}
