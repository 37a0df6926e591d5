//! The distinct strings of a path: all while they are few, then three examples, those with the least hashes, so that
//! neither order nor shards matter. Invariant: at most twenty values a node; what a node gives up is used again.

use super::node::*;
use super::row::*;
use super::store::Store;

impl Store<'_> {
    /// Gives back the values of a node behind the first `keep` of its list.
    pub(super) fn drop_values(&mut self, node: &Node, keep: u8) {
        let mut id = node.values;
        for _ in 0..keep {
            let Some(value) = self.values.get(id as usize) else {
                return;
            };
            id = value.next;
        }
        while let Some(value) = self.values.get_mut(id as usize) {
            let next = value.next;
            value.next = self.used.free_value.unwrap_or(NONE);
            self.used.free_value = Some(id);
            id = next;
        }
    }

    /// Counts a string under a node that came in the rows `rows`. Returns whether it was there before.
    pub(super) fn value(&mut self, id: u32, new: &Value) -> bool {
        let Some(node) = self.nodes.get(id as usize) else {
            return true;
        };
        let (first, many) = (node.values, node.is(MANY));
        let mut at = first;
        while let Some(value) = self.values.get_mut(at as usize) {
            if value.hash == new.hash && value.text() == new.text() {
                value.count = value.count.saturating_add(new.count);
                value.rows |= new.rows;
                return true;
            }
            at = value.next;
        }
        if many {
            self.example(id, new);
            return false;
        }
        let Some(at) = self.new_value(new) else {
            self.used.lost.values += 1;
            self.many(id);
            return false;
        };
        if let Some(value) = self.values.get_mut(at as usize) {
            value.next = first;
        }
        if let Some(node) = self.node(id) {
            node.values = at;
            node.distinct += 1;
            if node.distinct > VALUES {
                self.many(id);
            }
        }
        false
    }

    fn new_value(&mut self, new: &Value) -> Option<u32> {
        let at = match self.used.free_value {
            Some(at) => {
                let next = self.values.get(at as usize)?.next;
                self.used.free_value = (next != NONE).then_some(next);
                at
            }
            None => {
                self.values.get(self.used.values as usize)?;
                self.used.values += 1;
                self.used.values - 1
            }
        };
        *self.values.get_mut(at as usize)? = *new;
        Some(at)
    }

    /// Too many distinct strings: those with the least hashes stay as examples, whatever their order was.
    pub(super) fn many(&mut self, id: u32) {
        let Some(&node) = self.nodes.get(id as usize) else {
            return;
        };
        if node.is(MANY) {
            return;
        }
        // Selection sort of the list's front, by swapping contents.
        let mut front = node.values;
        for _ in 0..EXAMPLES {
            let mut at = front;
            while let (Some(&a), Some(&b)) = (
                self.values.get(front as usize),
                self.values.get(at as usize),
            ) {
                if b.hash < a.hash {
                    self.put(front, Value { next: a.next, ..b });
                    self.put(at, Value { next: b.next, ..a });
                }
                at = b.next;
            }
            front = self
                .values
                .get(front as usize)
                .map_or(NONE, |value| value.next);
        }
        self.drop_values(&node, EXAMPLES);
        let mut last = node.values;
        for _ in 1..EXAMPLES {
            last = self
                .values
                .get(last as usize)
                .map_or(NONE, |value| value.next);
        }
        if let Some(last) = self.values.get_mut(last as usize) {
            last.next = NONE;
        }
        if let Some(node) = self.node(id) {
            node.flags |= MANY;
            node.distinct = node.distinct.min(EXAMPLES);
        }
        self.set_beyond(id);
    }

    /// Notes from which hash on a string is none of the examples.
    fn set_beyond(&mut self, id: u32) {
        let Some(node) = self.nodes.get(id as usize) else {
            return;
        };
        let largest = self.view().values(node).map(|value| value.hash).max();
        if let Some(node) = self.node(id) {
            node.beyond = largest.unwrap_or(0);
        }
    }

    fn put(&mut self, at: u32, value: Value) {
        if let Some(place) = self.values.get_mut(at as usize) {
            *place = value;
        }
    }

    /// A string of a path with too many: an example if its hash is less than that of one.
    fn example(&mut self, id: u32, new: &Value) {
        let mut at = self.nodes.get(id as usize).map_or(NONE, |node| node.values);
        let mut worst = (new.hash, NONE);
        while let Some(value) = self.values.get(at as usize) {
            if value.hash > worst.0 {
                worst = (value.hash, at);
            }
            at = value.next;
        }
        if let Some(value) = self.values.get_mut(worst.1 as usize) {
            *value = Value {
                next: value.next,
                ..*new
            };
            self.set_beyond(id);
        }
    }
}
