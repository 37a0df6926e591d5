//! The first times that values changed their types: where, when, from what to what. Invariant: fixed size; the first
//! change of each path of each family stays, further ones are only counted at its node.

use super::node::*;
use super::store::Store;
use super::take::{DEPTH, Entry};
use core::fmt::Write;
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
fn put<const N: usize>(to: &mut String<N>, text: &str) {
    for c in text.chars() {
        if to.push(c).is_err() {
            return;
        }
    }
}

/// Notes that the value of `entry`, one of `tape`, is of another type than the one before.
#[cold]
pub(super) fn note(
    store: &mut Store<'_>,
    mut change: TypeChange,
    (tape, entry): (&[Entry<'_>], &Entry<'_>),
    (last_type, last): (u8, f64),
    topic: &str,
) {
    const NAMES: [&str; 6] = ["null", "boolean", "number", "string", "object", "array"];
    let named = |code: u8| NAMES.get(usize::from(code)).copied().unwrap_or("");
    // From the value up to the root.
    let mut keys: Vec<&str, DEPTH> = Vec::new();
    let mut at = Some(entry);
    while let Some(value) = at {
        at = tape.get(usize::from(value.parent));
        let node = store.nodes.get(store.current(value.node) as usize);
        let key = node.map_or("", |node| if node.is(WILD) { "*" } else { store.key(node) });
        if at.is_some() {
            let _ = keys.push(key);
        }
    }
    for (n, key) in keys.iter().rev().enumerate() {
        put(&mut change.path, if n > 0 { "." } else { "" });
        put(&mut change.path, key);
    }
    drop(keys);
    put(&mut change.topic, topic);
    if last_type == Type::Number.code() {
        let _ = write!(change.before, "{last}");
    } else {
        put(&mut change.before, named(last_type));
    }
    put(
        &mut change.after,
        match entry.kind {
            Kind::False => "false",
            Kind::True => "true",
            Kind::Integer | Kind::Fraction | Kind::String => entry.text,
            kind => named(kind.kind_type().code()),
        },
    );
    keep(store.changes, change);
}
