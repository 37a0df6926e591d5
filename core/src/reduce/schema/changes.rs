//! The first times that values changed their types: where, when, from what to what. Invariant: fixed size; the first
//! change of each path of each family stays, further ones are only counted at its node.

use heapless::{String, Vec};

/// Changes that are kept, of all families together.
const CHANGES: usize = 24;
/// Bytes of a path, a topic and a value that are kept.
const PATH: usize = 96;
const TOPIC: usize = 128;
const VALUE: usize = 40;

/// A value of another type than the one before.
#[derive(Clone, Debug, Default)]
pub struct TypeChange {
    pub(super) root: u32,
    /// Its path with dots between; empty for the payload itself.
    pub path: String<PATH>,
    /// Topic of the message.
    pub topic: String<TOPIC>,
    /// When it came, in microseconds of the caller's clock.
    pub at: u64,
    /// The value before if that was a number, else its type.
    pub before: String<VALUE>,
    /// The value as it stands, without quotes.
    pub after: String<VALUE>,
}

/// The first changes.
pub(super) type Changes = Vec<TypeChange, CHANGES>;

/// Keeps a change if it is the first of its path and there is room.
pub(super) fn keep(changes: &mut Changes, change: TypeChange) {
    let same = |known: &TypeChange| known.root == change.root && known.path == change.path;
    if !changes.iter().any(same) {
        let _ = changes.push(change);
    }
}

/// Writes as much as finds room.
pub(super) fn put<const N: usize>(to: &mut String<N>, text: &str) {
    for c in text.chars() {
        if to.push(c).is_err() {
            return;
        }
    }
}
