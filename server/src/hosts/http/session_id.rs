//! The id of an MCP session: it says by itself what was agreed, and is sealed, so that a session survives a restart of the
//! service without anything on disk.
//!
//! 54 bytes as base64url: version of this layout, revision, when it began (seconds since 1970, big-endian), 16 random bytes,
//! HMAC-SHA256 over all that under a key made from the token. Invariant: nothing is taken that this token did not seal.

use crate::protocol::revision::Revision;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use std::time::{SystemTime, UNIX_EPOCH};

const LAYOUT: u8 = 1;
const RANDOM: usize = 16;
/// Before the seal.
const SEALED: usize = 2 + 4 + RANDOM;

/// Makes an id; none if the system has no random bytes.
pub(super) fn make(key: &hmac::Key, revision: Revision) -> Option<String> {
    let mut random = [0; RANDOM];
    getrandom::fill(&mut random).ok()?;
    let began = SystemTime::now().duration_since(UNIX_EPOCH);
    let began = began.map_or(0, |since| since.as_secs()) as u32;
    let mut bytes = vec![LAYOUT, revision as u8];
    bytes.extend_from_slice(&began.to_be_bytes());
    bytes.extend_from_slice(&random);
    let seal = hmac::sign(key, &bytes);
    bytes.extend_from_slice(seal.as_ref());
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// What was agreed in a session; none if we did not make this id.
pub(super) fn open(key: &hmac::Key, id: &str) -> Option<Revision> {
    // The longest is 72 characters; others are not worth decoding.
    if id.len() > 80 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
    let (sealed, seal) = bytes.split_at_checked(SEALED)?;
    hmac::verify(key, sealed, seal).ok()?;
    let &[LAYOUT, revision, ..] = sealed else {
        return None;
    };
    let mut known = Revision::LEGACY.into_iter();
    known.find(|it| *it as u8 == revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_opened_by_its_own_key_only() {
        let key = |bytes: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let (ours, theirs) = (key(b"a"), key(b"b"));
        for revision in Revision::LEGACY {
            let id = make(&ours, revision).unwrap();
            assert!(id.bytes().all(|byte| byte.is_ascii_graphic()));
            assert_eq!(open(&ours, &id), Some(revision));
            assert_eq!(open(&theirs, &id), None);
            assert_ne!(make(&ours, revision).unwrap(), id);
            for at in 0..id.len() {
                let mut changed = id.clone().into_bytes();
                changed[at] = if changed[at] == b'A' { b'E' } else { b'A' };
                let changed = String::from_utf8(changed).unwrap();
                assert!(changed == id || open(&ours, &changed).is_none(), "{at}");
            }
        }
        for wrong in ["", "x", &"A".repeat(72), &"A".repeat(9_000)] {
            assert_eq!(open(&ours, wrong), None);
        }
    }
}
