//! Where the tree lives: the caller's slices, how much of them is used, and the ways to find or make a node, a row,
//! a value. Elsewhere: joining trees (`join`). Invariant: lists are short (at most [`MEMBERS`] children, 128 rows,
//! 20 values); what finds no room leaves its object open and is counted.

use super::changes::{Changes, TypeChange, keep, put};
use super::node::*;
use super::row::*;
use super::tape::{DEPTH, Entry};
use super::text;
use crate::payload::hash;
use core::fmt::Write;
use heapless::Vec;

/// Members of an object that are told apart; the keys of one with more are taken for data.
pub(super) const MEMBERS: u16 = 256;
/// Keys made like identifiers that make an object a map.
const IDENTIFIERS: usize = 3;

/// How much is used, and what found no room.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    pub(super) nodes: u32,
    pub(super) rows: u32,
    pub(super) values: u32,
    pub(super) free_value: Option<u32>,
    pub(super) text: usize,
    pub(super) lost: Lost,
}

/// What bounds cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lost {
    /// Messages of families that found no room.
    pub messages: u64,
    /// Times that a member found no room in the tree.
    pub members: u64,
    /// Strings that found no room as values.
    pub values: u64,
    /// Containers below the depth that is followed.
    pub deep: u64,
    /// Messages that were not of the format they were taken for.
    pub broken: u64,
}

/// The tree's memory, to be written.
pub(super) struct Store<'s> {
    pub(super) nodes: &'s mut [Node],
    pub(super) rows: &'s mut [Row],
    pub(super) values: &'s mut [Value],
    pub(super) text: &'s mut [u8],
    pub(super) used: &'s mut Used,
    pub(super) changes: &'s mut Changes,
    pub(super) seed: u64,
}

/// The tree's memory, to be read.
#[derive(Clone, Copy)]
pub(super) struct View<'s> {
    pub(super) nodes: &'s [Node],
    pub(super) rows: &'s [Row],
    pub(super) values: &'s [Value],
    pub(super) text: &'s [u8],
    pub(super) changes: &'s [TypeChange],
}

impl<'s> View<'s> {
    pub(super) fn node(&self, id: u32) -> Option<&'s Node> {
        self.nodes.get(id as usize)
    }

    pub(super) fn key(&self, node: &Node) -> &'s str {
        key(self.text, node)
    }

    /// The children of a node, in order of first sight.
    pub(super) fn children(self, node: &Node) -> impl Iterator<Item = &'s Node> {
        let mut id = node.child;
        core::iter::from_fn(move || {
            let child = self.nodes.get(id as usize)?;
            id = child.next;
            Some(child)
        })
    }

    /// The values of a node, the newest first.
    pub(super) fn values(self, node: &Node) -> impl Iterator<Item = &'s Value> {
        let mut id = node.values;
        core::iter::from_fn(move || {
            let value = self.values.get(id as usize)?;
            id = value.next;
            Some(value)
        })
    }

    pub(super) fn rows(self, node: &Node) -> impl Iterator<Item = &'s Row> {
        let mut id = node.rows;
        core::iter::from_fn(move || {
            let row = self.rows.get(id as usize)?;
            id = row.next;
            Some(row)
        })
    }
}

fn key<'t>(text: &'t [u8], node: &Node) -> &'t str {
    let start = node.key as usize;
    let bytes = text.get(start..start + usize::from(node.key_len));
    core::str::from_utf8(bytes.unwrap_or(&[])).unwrap_or("")
}

impl Store<'_> {
    /// Notes that the value of `entry`, one of `tape`, is of another type than the one before.
    #[cold]
    pub(super) fn note_change(
        &mut self,
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
            let node = self.nodes.get(self.current(value.node) as usize);
            let key = node.map_or("", |node| if node.is(WILD) { "*" } else { self.key(node) });
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
        keep(self.changes, change);
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            nodes: self.nodes,
            rows: self.rows,
            values: self.values,
            text: self.text,
            changes: self.changes,
        }
    }

    pub(super) fn key(&self, node: &Node) -> &str {
        key(self.text, node)
    }

    #[inline]
    pub(super) fn node(&mut self, id: u32) -> Option<&mut Node> {
        self.nodes.get_mut(id as usize)
    }

    pub(super) fn set_flag(&mut self, id: u32, flag: u8) {
        if let Some(node) = self.node(id) {
            node.flags |= flag;
        }
    }

    /// Text that stays, and where; none if there is no room.
    pub(super) fn keep_text(&mut self, text: &str) -> Option<u32> {
        let start = self.used.text;
        let room = self.text.get_mut(start..start + text.len())?;
        room.copy_from_slice(text.as_bytes());
        self.used.text += text.len();
        u32::try_from(start).ok()
    }

    /// A new node that is linked to nothing.
    pub(super) fn new_node(&mut self) -> Option<u32> {
        let id = self.used.nodes;
        self.nodes.get(id as usize)?;
        self.used.nodes += 1;
        *self.node(id)? = Node::NEW;
        Some(id)
    }

    /// The node that `id` is now.
    #[inline]
    pub(super) fn current(&self, mut id: u32) -> u32 {
        while let Some(node) = self.nodes.get(id as usize).filter(|node| node.is(MOVED)) {
            id = node.start;
        }
        id
    }

    /// The row that `id` is now.
    #[inline]
    pub(super) fn current_row(&self, mut id: u32) -> u32 {
        while let Some(row) = self
            .rows
            .get(id as usize)
            .filter(|row| row.index == MOVED_ROW)
        {
            id = row.next;
        }
        id
    }

    fn find(&self, parent: u32, name: &str) -> Option<u32> {
        let mut id = self.nodes.get(parent as usize)?.child;
        while let Some(child) = self.nodes.get(id as usize) {
            if usize::from(child.key_len) == name.len()
                && !child.is(WILD)
                && key(self.text, child) == name
            {
                return Some(id);
            }
            id = child.next;
        }
        None
    }

    /// The child of `parent` for a key; made if it is not there, [`NONE`] if there is no room for it.
    pub(super) fn member(&mut self, parent: u32, name: &str) -> u32 {
        let Some(&around) = self.nodes.get(parent as usize) else {
            return NONE;
        };
        if around.is(MAPPED) && (around.named >= MEMBERS || text::is_identifier(name)) {
            return self.wild(parent);
        }
        if let Some(id) = self.find(parent, name) {
            return id;
        }
        if around.named >= MEMBERS {
            return self.collapse(parent, |_| true);
        }
        if text::is_identifier(name) {
            let view = self.view();
            let alike = view
                .children(&around)
                .filter(|c| text::is_identifier(view.key(c)));
            if alike.count() + 1 >= IDENTIFIERS {
                return self.collapse(parent, text::is_identifier);
            }
        }
        self.new_member(parent, &around, name).unwrap_or_else(|| {
            self.used.lost.members += 1;
            self.set_flag(parent, OPEN);
            NONE
        })
    }

    fn new_member(&mut self, parent: u32, around: &Node, name: &str) -> Option<u32> {
        u16::try_from(name.len()).ok()?;
        let at = self.keep_text(name)?;
        let id = self.new_node()?;
        let node = self.node(id)?;
        node.set_key(at, name);
        node.place = Some(around.named)
            .filter(|&n| n < PLACES)
            .unwrap_or(NO_PLACE);
        self.link(parent, id);
        let around = self.node(parent)?;
        around.named += 1;
        if around.named > PLACES {
            around.flags |= ROWLESS;
        }
        Some(id)
    }

    /// Puts a node behind the last child of its parent.
    fn link(&mut self, parent: u32, id: u32) {
        let Some(&around) = self.nodes.get(parent as usize) else {
            return;
        };
        let mut last = NONE;
        let mut at = around.child;
        while let Some(child) = self.nodes.get(at as usize) {
            (last, at) = (at, child.next);
        }
        match self.node(last) {
            Some(last) => last.next = id,
            None => {
                if let Some(around) = self.node(parent) {
                    around.child = id;
                }
            }
        }
    }

    /// The child for all elements of an array, or for all keys that are data.
    pub(super) fn wild(&mut self, parent: u32) -> u32 {
        let Some(&around) = self.nodes.get(parent as usize) else {
            return NONE;
        };
        let mut id = around.child;
        while let Some(child) = self.nodes.get(id as usize) {
            if child.is(WILD) {
                return id;
            }
            id = child.next;
        }
        let Some(id) = self.new_node() else {
            self.used.lost.members += 1;
            self.set_flag(parent, OPEN);
            return NONE;
        };
        self.set_flag(id, WILD);
        self.link(parent, id);
        id
    }

    /// Makes `parent` a map: the children whose keys are data become one, which is returned.
    pub(super) fn collapse(&mut self, parent: u32, is_data: fn(&str) -> bool) -> u32 {
        let wild = self.wild(parent);
        let Some(around) = self.node(parent) else {
            return NONE;
        };
        around.flags |= MAPPED | ROWLESS;
        (around.start, around.last_row, around.rows) = (NONE, NONE, NONE);
        let (mut before, mut id) = (NONE, around.child);
        while let Some(&child) = self.nodes.get(id as usize) {
            if child.is(WILD) || !is_data(key(self.text, &child)) {
                if let Some(child) = self.node(id) {
                    child.after = NONE;
                }
                (before, id) = (id, child.next);
                continue;
            }
            match self.node(before) {
                Some(before) => before.next = child.next,
                None => {
                    if let Some(around) = self.node(parent) {
                        around.child = child.next;
                    }
                }
            }
            self.join(wild, id, None, None);
            id = child.next;
        }
        wild
    }

    /// The row of `node` for a set, made if there is room for it.
    pub(super) fn row(&mut self, id: u32, set: &Set) -> u32 {
        let Some(node) = self.nodes.get(id as usize) else {
            return NONE;
        };
        let same = |row: u32| {
            self.rows
                .get(row as usize)
                .is_some_and(|row| row.set == *set)
        };
        if same(node.last_row) {
            return node.last_row;
        }
        let (first, count) = (node.rows, node.row_count);
        let room = count < ROWS && !node.is(MAPPED);
        let mut last = NONE;
        let mut at = first;
        while let Some(row) = self.rows.get(at as usize) {
            if row.set == *set {
                break;
            }
            (last, at) = (at, row.next);
        }
        if at == NONE {
            at = self.used.rows;
            let Some(row) = self.rows.get_mut(at as usize).filter(|_| room) else {
                self.set_flag(id, ROWLESS);
                return NONE;
            };
            *row = Row {
                set: *set,
                count: 0,
                first: 0,
                next: NONE,
                index: count,
            };
            self.used.rows += 1;
            if let Some(last) = self.rows.get_mut(last as usize) {
                last.next = at;
            }
            if let Some(node) = self.node(id) {
                node.row_count += 1;
                if last == NONE {
                    node.rows = at;
                }
            }
        }
        if let Some(node) = self.node(id) {
            node.last_row = at;
        }
        at
    }

    /// The hash of a string as a value.
    pub(super) fn hash(&self, text: &str) -> u64 {
        hash::bytes(self.seed, text.as_bytes())
    }
}
