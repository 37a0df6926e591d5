//! One value of a payload, and where it stands.

use crate::knowledge::nothing::Nothing;
use crate::knowledge::quality::Grade;

/// Bytes of a channel's name that are kept.
pub const MAX_NAME: usize = 40;

/// One value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'p> {
    /// Keys around the key and the key, dots between them; the front of it.
    pub(super) path: &'p str,
    /// Key of the object around, or empty.
    pub(super) parent: &'p str,
    pub(super) key: &'p str,
    /// Hash of all keys around it and its key: paths with the same front are told apart.
    pub(super) place: u64,
    /// Objects around it; zero: the payload is a bare value.
    pub(super) depth: usize,
    pub(super) value: Value<'p>,
    /// What the mark beside it says.
    pub(super) grade: Option<Grade>,
    /// Key of the innermost object around it that is an address, or empty: what stands there is of whoever has it.
    pub(super) node: &'p str,
}

impl<'p> Field<'p> {
    /// As it is told of the device at its node: without the keys down to that.
    pub(super) fn of_node(self) -> Self {
        let below = self.path.split_once(self.node).map(|(_, below)| below);
        let path = below.and_then(|below| below.strip_prefix('.'));
        match path.filter(|_| !self.node.is_empty()) {
            Some(path) => Self { path, ..self },
            None => self,
        }
    }
}

/// A value as far as it can be judged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Value<'p> {
    Number(f64),
    Bool(bool),
    /// Between its quotes, escapes and all.
    Text(&'p str),
    /// None, said as null or as a number that is none.
    Nothing(Nothing),
    /// None of its own: the mark is of the object around.
    Object,
}

/// What a bare value on `topic` is called, and the level before.
pub(super) fn name_of(topic: &str) -> (&str, &str) {
    let mut levels = topic.rsplit('/').filter(|level| !level.is_empty());
    let silent = |level: &&str| {
        matches!(
            *level,
            "state"
                | "value"
                | "val"
                | "status"
                | "raw"
                | "data"
                | "feedback"
                | "actual"
                | "ist"
                | "stand"
                | "retorno"
                | "retour"
                | "ritorno"
                | "terugmelding"
                | "zustand"
                | "etat"
                | "état"
                | "estado"
                | "stato"
                | "stan"
        )
    };
    let last = levels.next().unwrap_or(topic);
    if !silent(&last) {
        return (levels.next().unwrap_or(""), last);
    }
    let name = levels.next().unwrap_or(last);
    (levels.next().unwrap_or(""), name)
}
