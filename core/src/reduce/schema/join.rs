//! Joining a node with all below it to another: how accumulators merge, and how keys that are data become one child.
//! Invariant: afterwards the tree is as if the values of both had come to it.

use super::node::*;
use super::row::*;
use super::store::{Store, View};
use super::text;

/// Places of one node as those of another.
struct Places([u16; PLACES as usize]);

/// Rows of one node as those of another.
pub(super) type Renumbered = [u8; ROWS as usize];

impl Places {
    fn bits(&self, from: Bits) -> Bits {
        let mut to = Bits::default();
        for place in from.iter() {
            to.set(self.0.get(usize::from(place)).copied().unwrap_or(NO_PLACE));
        }
        to
    }
}

fn rows(renumbered: &Renumbered, from: RowSet) -> RowSet {
    let mut to = 0;
    for (i, &new) in renumbered.iter().enumerate() {
        if from >> i & 1 == 1 && new < ROWS {
            to |= 1 << new;
        }
    }
    to
}

impl Store<'_> {
    fn peek(&self, from: Option<&View<'_>>, id: u32) -> Option<Node> {
        match from {
            Some(view) => view.node(id).copied(),
            None => self.nodes.get(id as usize).copied(),
        }
    }

    /// Adds the node `id` of `from`, or of this tree itself, to the node `to`. `around` says what the rows of the
    /// object around the one are called around the other.
    pub(super) fn join(
        &mut self,
        to: u32,
        id: u32,
        from: Option<&View<'_>>,
        around: Option<&Renumbered>,
    ) {
        let Some(other) = &self.peek(from, id) else {
            return;
        };
        if from.is_none() {
            self.moved(id, to);
        }
        let Some(node) = self.node(to) else { return };
        node.add(other);
        self.join_values(to, other, from, around);
        let mut places = Places([NO_PLACE; PLACES as usize]);
        let mut child = other.child;
        while let Some(inner) = self.peek(from, child) {
            let twin = self.twin(to, other, &inner, from);
            if let (Some(twin), Some(place)) = (
                self.nodes.get(twin as usize),
                places.0.get_mut(usize::from(inner.place)),
            ) {
                *place = twin.place;
            }
            child = inner.next;
        }
        let renumbered = self.join_rows(to, other, from, &places);
        let mut child = other.child;
        while let Some(inner) = self.peek(from, child) {
            let twin = self.twin(to, other, &inner, from);
            self.join(twin, child, from, Some(&renumbered));
            child = inner.next;
        }
        if from.is_none() {
            self.drop_values(other, 0);
        }
    }

    /// A node has become part of another; a message that is being taken may still name it.
    fn moved(&mut self, id: u32, to: u32) {
        if let Some(node) = self.node(id) {
            node.flags |= MOVED;
            node.mask = 0;
            node.start = to;
        }
    }

    /// The child of `to` that stands for the same as `inner`.
    fn twin(&mut self, to: u32, other: &Node, inner: &Node, from: Option<&View<'_>>) -> u32 {
        if inner.is(WILD) && other.is(MAPPED) {
            return self.collapse(to, text::is_identifier);
        } else if inner.is(WILD) {
            return self.wild(to);
        }
        let mut buffer = [0; super::KEY_BYTES];
        let name = match from {
            Some(view) => view.key(inner),
            None => {
                let name = self.view().key(inner);
                let Some(copy) = buffer.get_mut(..name.len()) else {
                    return NONE;
                };
                copy.copy_from_slice(name.as_bytes());
                core::str::from_utf8(copy).unwrap_or("")
            }
        };
        self.member(to, name)
    }

    fn join_rows(
        &mut self,
        to: u32,
        other: &Node,
        from: Option<&View<'_>>,
        places: &Places,
    ) -> Renumbered {
        let mut renumbered = [u8::MAX; ROWS as usize];
        let mut id = other.rows;
        loop {
            let row = match from {
                Some(view) => view.rows.get(id as usize).copied(),
                None => self.rows.get(id as usize).copied(),
            };
            let Some(row) = row else { break };
            let old = core::mem::replace(&mut id, row.next);
            let set = Set {
                present: places.bits(row.set.present),
                planes: row.set.planes.map(|plane| places.bits(plane)),
            };
            let twin = self.row(to, &set);
            if from.is_none()
                && let Some(moved) = self.rows.get_mut(old as usize)
            {
                (moved.index, moved.next) = (MOVED_ROW, twin);
            }
            if let Some(twin) = self.rows.get_mut(twin as usize) {
                if twin.count == 0 {
                    twin.first = row.first;
                }
                twin.count = twin.count.saturating_add(row.count);
                if let Some(index) = renumbered.get_mut(usize::from(row.index)) {
                    *index = twin.index;
                }
            }
        }
        renumbered
    }

    fn join_values(
        &mut self,
        to: u32,
        other: &Node,
        from: Option<&View<'_>>,
        around: Option<&Renumbered>,
    ) {
        let mut id = other.values;
        loop {
            let value = match from {
                Some(view) => view.values.get(id as usize).copied(),
                None => self.values.get(id as usize).copied(),
            };
            let Some(mut value) = value else { break };
            id = value.next;
            value.rows = match around {
                Some(around) if value.rows != RowSet::MAX => rows(around, value.rows),
                _ => RowSet::MAX,
            };
            self.value(to, &value);
        }
        if other.is(MANY) {
            self.many(to);
        }
    }
}
